"""Ten thousand candidates: Hyperband on digits, its memory over time, and its journal.

``python -m benchmarks.search.scale`` runs `HyperbandSearchCV` with a journal in processes,
looks five times a second at what they and the journal take, and prints two tables.
`--write` renews them in docs/search.md. A search that was stopped goes on if it is given
the same `--journal`; its memory is then that of the rest.
"""

import argparse
import os
import sys
import tempfile
import threading
import time
import warnings
from pathlib import Path

from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning

from benchmarks.compare import documents, machine
from benchmarks.compare.tables import markdown
from caviar import MLPClassifier
from caviar.distributions import Choice, IntLogUniform, LogUniform, Uniform
from caviar.model_selection import HyperbandSearchCV, read_journal

SHARES = (0.1, 0.5, 1.0)  # of the results, at which memory is told
INTERVAL = 0.2  # seconds between looks
SPACE = {
    "learning_rate_init": LogUniform(1e-4, 1e-1),
    "alpha": LogUniform(1e-6, 10),
    "hidden_layer_sizes": Choice([(16,), (32,), (64,), (32, 32)]),
    "batch_size": IntLogUniform(64, 512),
    "dropout": Uniform(0, 0.5),
}


class Watcher(threading.Thread):
    """Looks at the memory of this process and its children, and at the journal.

    `samples` is a list of (journal bytes, bytes of this process, bytes of its children,
    bytes of the states on disk). Memory is resident pages; those that processes share,
    such as the rows of X, count in each.
    """

    def __init__(self, journal):
        super().__init__(daemon=True)
        self.journal, self.samples, self.done = Path(journal), [], threading.Event()

    def __enter__(self):
        self.look()
        self.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        self.join()
        self.look()

    def run(self):
        while not self.done.wait(INTERVAL):
            self.look()

    def look(self):
        written = self.journal.stat().st_size if self.journal.exists() else 0
        children = sum(resident(pid) for pid in descendants(os.getpid()))
        states = folder_size(self.journal.with_name(self.journal.name + ".states"))
        self.samples.append((written, resident(os.getpid()), children, states))

    def most(self, share):
        """The most of each column, until `share` of the journal was written."""
        end = share * self.samples[-1][0]
        columns = zip(*(s for s in self.samples if s[0] <= end), strict=True)
        return [max(column) for column in columns][1:]


def resident(pid):
    """Resident bytes of a process; 0 if it has ended."""
    try:
        with open(f"/proc/{pid}/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (FileNotFoundError, ProcessLookupError):
        return 0


def descendants(pid):
    """Process ids of the children of a process, and of theirs."""
    found = []
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            children = [int(child) for child in file.read().split()]
    except (FileNotFoundError, ProcessLookupError):
        return found
    for child in children:
        found += [child, *descendants(child)]
    return found


def folder_size(folder):
    """Bytes of the files in a folder that others write to; 0 if it is not there."""
    if not folder.exists():
        return 0
    total = 0
    for entry in os.scandir(folder):
        try:
            total += entry.stat().st_size
        except FileNotFoundError:  # a state that was dropped in between
            continue
    return total


def run(options, journal):
    """One search; return its two tables."""
    X, y = load_digits(return_X_y=True)
    search = HyperbandSearchCV(
        MLPClassifier(dtype="float32", random_state=0),
        SPACE,
        max_iter=options.max_iter,
        aggressiveness=options.aggressiveness,
        cv=options.folds,
        n_jobs=options.n_jobs,
        random_state=0,
        journal=journal,
        time_budget=options.time_budget,
    )
    start = time.perf_counter()
    with warnings.catch_warnings(), Watcher(journal) as watcher:
        warnings.simplefilter("ignore", ConvergenceWarning)
        search.fit(X / 16, y)
    seconds = time.perf_counter() - start
    start = time.process_time()
    record = read_journal(journal)
    opened = time.process_time() - start
    n_candidates = sum(b["n_candidates"][0] for b in search.brackets_)
    rows = [
        ["candidates", f"{n_candidates:,}"],
        ["came to its end", "yes" if search.completed_ else "no"],
        ["fits, of a candidate in one round and fold", f"{record.n_fits:,}"],
        ["epochs, over all folds", f"{search.n_epochs_:,}"],
        ["seconds", f"{seconds:,.0f}"],
        ["best score", f"{search.best_score_:.4f}"],
        ["journal", f"{Path(journal).stat().st_size / 1e6:.1f} MB"],
        ["`read_journal`, seconds of the processor", f"{opened:.2f} (< 1)"],
    ]
    memory = [["at most, until", "the search", "its workers", "states on disk"]]
    for share in SHARES:
        sizes = [f"{size / 1e6:.0f} MB" for size in watcher.most(share)]
        memory.append([f"{share:.0%} of the fits", *sizes])
    return f"{markdown([['', ''], *rows])}\n\n{markdown(memory)}"


def parse(argv=None):
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.search.scale", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--max-iter", type=int, default=6561)
    parser.add_argument("--aggressiveness", type=int, default=3)
    parser.add_argument("--folds", type=int, default=2)
    parser.add_argument("--n-jobs", type=int, default=2, help="processes")
    parser.add_argument("--time-budget", type=float, help="seconds")
    parser.add_argument("--journal", metavar="FILE", help="by default a temporary one")
    parser.add_argument("--write", action="store_true", help="renew docs/search.md")
    options = parser.parse_args(argv)
    if not Path("/proc/self/statm").exists():
        parser.error("memory is read from /proc, which this system lacks")
    return options


def main(argv=None):
    options = parse(argv)
    with tempfile.TemporaryDirectory() as folder:
        tables = run(options, options.journal or str(Path(folder) / "scale.journal"))
    print(tables)
    if options.write:
        processor = machine.processor()
        context = {"processor": processor, "versions": machine.versions()}
        documents.write({"search-scale": tables}, context)


if __name__ == "__main__":
    sys.exit(main())
