"""caviar as another commit has it, built apart and run in a process of its own.

The other process runs while this one waits for it, on the same core: it takes its turn
as the libraries do. ``steps`` sets CAVIAR_BASE, the folder that `checkout` returned.
"""

import io
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from ..problems import PROBLEMS, TINY
from . import NotOffered, caviar_mlp

ROOT = Path(__file__).resolve().parents[3]


def checkout(revision, log):
    """Build the commit in a temporary folder, or find it built; return its sources."""
    commit = git("rev-parse", "--verify", f"{revision}^{{commit}}").decode().strip()
    folder = Path(tempfile.gettempdir()) / f"caviar-{commit}"
    if not (folder / "built").exists():
        log(f"building {revision} ({commit[:9]}) in {folder}")
        with tarfile.open(fileobj=io.BytesIO(git("archive", commit))) as archive:
            archive.extractall(folder, filter="data")
        command = [sys.executable, "setup.py", "-q", "build_ext", "--inplace"]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
        (folder / "built").touch()
    return folder / "src"


def git(*arguments):
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True)
    if done.returncode:
        sys.exit(f"git {' '.join(arguments)}: {done.stderr.decode().strip()}")
    return done.stdout


def prepare(problem, X, y, batch_norm):
    sources = os.environ.get("CAVIAR_BASE")
    if sources is None:
        raise NotOffered("no --against")
    worker = subprocess.Popen(
        [sys.executable, "-m", __name__, problem.name, str(int(batch_norm))],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": sources},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    loaded_from = worker.stdout.readline().strip()
    if not loaded_from.startswith(sources):
        raise RuntimeError(f"expected caviar from {sources}, got {loaded_from!r}")

    def run(n_epochs):
        print(n_epochs, file=worker.stdin, flush=True)
        return float(worker.stdout.readline())

    run.close = worker.communicate  # ends its input, then waits for it
    return run


def serve(name, batch_norm):
    """What the other process does: for each number of epochs read, print the seconds."""
    import caviar

    print(caviar.__file__, flush=True)
    problem = PROBLEMS.get(name, TINY)
    run = caviar_mlp.prepare(problem, *problem.data(), batch_norm)
    for line in sys.stdin:
        print(run(int(line)), flush=True)


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2] == "1")
