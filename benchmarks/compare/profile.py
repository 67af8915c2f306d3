"""Which share of a training step is what, by Linux' `perf`: where the clock finds the core.

Training goes on in a process of its own, warmed up, on one core, while `perf record`
looks at it 4,000 times a second; a function belongs to a part of the step by its name.
"""

import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from . import machine
from .libraries import load
from .problems import PROBLEMS, TINY
from .steps import chosen_problems
from .tables import markdown

SECONDS = 3.0
# Of a function's or a library's name, the first that fits.
PARTS = {
    "matrix products": ("openblas", "gemm", "blis", "mkl", "product"),
    "batch norm + activation": ("batch_norm", "activation", "running_average"),
    "loss": ("_loss", "log_fma", "log_finite"),
    "update": ("_update",),
    "gather": ("rows_gather", "memmove", "memcpy"),
    "interpreter": ("libpython", "python3", "multiarray", "mt19937"),
}


def measure(options, log):
    if shutil.which("perf") is None:
        raise SystemExit("perf is not installed (Debian: linux-perf)")
    results = []
    for problem in chosen_problems(options):
        for batch_norm in (False, True):
            log(f"{problem}{', batch norm' if batch_norm else ''}")
            seconds = 0.3 if options.quick else SECONDS
            shares = profile(problem, batch_norm, seconds)
            results.append(
                {"problem": problem.name, "batch_norm": batch_norm, "shares": shares}
            )
    return results


def profile(problem, batch_norm, seconds):
    """Return {part: share of the samples}."""
    command = [sys.executable, "-m", __name__, problem.name, str(int(batch_norm))]
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as trainer,
    ):
        trainer.stdout.readline()  # warmed up
        file = str(Path(folder) / "perf.data")
        record = ["perf", "record", "-q", "-e", "cpu-clock", "-F", "4000", "-o", file]
        record += ["-p", str(trainer.pid), "--", "sleep", str(seconds)]
        done = subprocess.run(record, capture_output=True, text=True)
        trainer.kill()
        if done.returncode:
            raise SystemExit(f"perf record: {done.stderr.strip()}")
        listing = ["perf", "report", "-i", file, "--stdio", "-F", "sample,dso,sym"]
        lines = subprocess.run(
            [*listing, "-t", ";"], capture_output=True, text=True, check=True
        ).stdout.splitlines()
    samples = Counter()
    for line in lines:
        if line.strip() and not line.startswith("#"):
            n, _, function = line.partition(";")
            samples[part_of(function)] += int(n)
    return {part: n / samples.total() for part, n in samples.items()}


def part_of(function):
    """The part of a step that a `library;function` belongs to."""
    name = function.lower()
    for part, words in PARTS.items():
        if any(word in name for word in words):
            return part
    return "the rest"


def report(results):
    parts = [*PARTS, "the rest"]
    rows = [["", "batch norm", *parts]]
    for result in results:
        shares = [f"{result['shares'].get(part, 0):.1%}" for part in parts]
        rows.append(
            [result["problem"], "yes" if result["batch_norm"] else "no", *shares]
        )
    return {"profile": markdown(rows)}


def train(name, batch_norm):
    """Train until killed, and say when it is warm."""
    problem = PROBLEMS.get(name, TINY)
    run = load("caviar").prepare(problem, *problem.data(), batch_norm)
    run(1)
    print("warm", flush=True)
    run(10**9)


if __name__ == "__main__":
    machine.pin()
    train(sys.argv[1], sys.argv[2] == "1")
