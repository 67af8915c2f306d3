"""Runs the terminal sessions of docs/command_line.md and writes down what they print.

``python docs/record_sessions.py`` renews the page; with ``--check`` nothing is written, and
what differs in anything but numbers ends the program with 1. A session is a block marked
``console``: each line that begins with ``$ `` is run by bash, one after the other in one
folder with the tables of `write_tables`; one that ends with ``# Ctrl-C`` is interrupted
after some fits. A block after ``<!-- timed -->`` depends on the
speed of the machine, and is not compared.
"""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from sklearn.datasets import load_diabetes, load_wine

PAGE = Path(__file__).parent / "command_line.md"
BLOCK = re.compile(r"(<!-- timed -->\n)?```console\n(.*?)```\n", re.S)
N_FITS = 60  # after which a search is interrupted
FOREGROUND = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execvp("bash", ["bash", "-c", sys.argv[1]])
"""
CULTIVARS = np.array(["Barolo", "Grignolino", "Barbera"])


def write_tables(folder):
    """scikit-learn's bundled tables as CSV files, and some of their rows as new ones."""
    wine = load_wine(as_frame=True).frame
    wine["cultivar"] = CULTIVARS[wine.pop("target")]
    wine.to_csv(folder / "wine.csv", index=False)
    # Not new in truth: the sessions are about commands, not about wine.
    new = wine.sample(60, random_state=1)
    new.to_csv(folder / "labelled.csv", index=False)
    new.drop(columns="cultivar").to_csv(folder / "new.csv", index=False)
    diabetes = load_diabetes(as_frame=True, scaled=False).frame
    diabetes = diabetes.rename(columns={"target": "progression"})
    diabetes.to_csv(folder / "diabetes.csv", index=False)


def run(command, folder):
    """What a command prints, errors among it.

    Raises
    ------
    RuntimeError
        If that is a traceback, or has a path of this machine in it.
    """
    process = subprocess.Popen(
        # A job in the background ignores SIGINT, and so do its children.
        [sys.executable, "-c", FOREGROUND, command],
        cwd=folder,
        env={**os.environ, "COLUMNS": "92", "PATH": _path(), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    lines = []
    for line in process.stdout:
        lines.append(line)
        if command.endswith("# Ctrl-C") and line.startswith("Folder"):
            _wait_for_fits(Path(folder, line.split()[1], "tune-search.journal"))
            os.killpg(process.pid, signal.SIGINT)
    process.wait()
    shown = "".join(lines)
    for wrong in ("Traceback", str(folder), str(PAGE.parents[1]), sys.prefix):
        if wrong in shown:
            raise RuntimeError(f"{command!r} has printed {wrong!r}:\n{shown}")
    return shown


def _wait_for_fits(journal):
    while not journal.exists() or journal.read_bytes().count(b"\n") <= N_FITS:
        time.sleep(0.05)


def _path():
    """With ``python`` being the one that runs this."""
    return os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])


def record(block, folder):
    """A session's commands with what they print now."""
    commands = [line for line in block.splitlines() if line.startswith("$ ")]
    lines = []
    for command in commands:
        lines += [command, *run(command[2:], folder).splitlines()]
    return "".join(f"{line.rstrip()}\n" for line in lines)


def renew(page, folder):
    """The page with all sessions run again, and those whose words have changed."""
    changed = []

    def renewed(match):
        timed, before = match.groups()
        after = record(before, folder)
        if not timed and _words(before) != _words(after):
            changed.append(after)
        return f"{timed or ''}```console\n{after}```\n"

    return BLOCK.sub(renewed, page), changed


def _words(session):
    """All but numbers, and the width of columns, which is that of the numbers in them."""
    return re.sub(r"\d[\d.,:e+-]*", "#", session).split()


def main():
    page = PAGE.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as name:
        write_tables(Path(name))
        after, changed = renew(page, name)
    if "--check" in sys.argv[1:]:
        print(*changed, sep="\n")
        return 1 if changed else 0
    PAGE.write_text(after, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
