"""What is sent where: bytes of X that a search sends to threads, processes and a cluster.

``python -m benchmarks.search.transfers`` runs the same Hyperband search over rows of 100 MB
with each joblib backend, two workers each, and prints what this process wrote to files and
pipes, and what went over the loopback device, where Dask's scheduler and workers talk;
nothing else should be talking there. `--write` renews the table in docs/search.md.
"""

import argparse
import sys
import time
import warnings
from contextlib import contextmanager, nullcontext
from pathlib import Path

import joblib
import numpy as np
from sklearn.datasets import make_classification
from sklearn.exceptions import ConvergenceWarning

from benchmarks.compare import documents, machine
from benchmarks.compare.tables import markdown
from caviar import MLPClassifier
from caviar.distributions import LogUniform
from caviar.model_selection import HyperbandSearchCV

N_FEATURES = 100
WORKERS = 2


@contextmanager
def dask():
    """A cluster of two processes on this machine, and joblib's backend for it."""
    from distributed import Client, LocalCluster

    cluster = LocalCluster(
        n_workers=WORKERS, threads_per_worker=1, dashboard_address=None
    )
    with cluster, Client(cluster), joblib.parallel_config(backend="dask"):
        yield


WAYS = {
    "one process": nullcontext,
    "threads": lambda: joblib.parallel_config("threading", n_jobs=WORKERS),
    "processes (loky)": lambda: joblib.parallel_config("loky", n_jobs=WORKERS),
    "Dask, a local cluster": dask,
}


def written():
    """Bytes that this process wrote to files and pipes so far."""
    lines = Path("/proc/self/io").read_text().splitlines()
    return int(dict(line.split(": ") for line in lines)["wchar"])


def over_loopback():
    """Bytes that went over the loopback device so far."""
    lines = Path("/proc/net/dev").read_text().splitlines()
    (line,) = (line for line in lines if line.strip().startswith("lo:"))
    return int(line.split(":")[1].split()[0])


def measure(way, X, y):
    """One search; return its seconds, bytes written and sent, epochs and best score."""
    search = HyperbandSearchCV(
        MLPClassifier((16,), batch_size=1000, random_state=0),
        {"learning_rate_init": LogUniform(1e-4, 1e-1), "alpha": LogUniform(1e-6, 1)},
        max_iter=9,
        cv=2,
        refit=False,
        random_state=0,
    )
    with WAYS[way]():
        joblib.Parallel()(joblib.delayed(abs)(i) for i in range(10))  # workers are up
        before, start = (written(), over_loopback()), time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            search.fit(X, y)
        seconds = time.perf_counter() - start
        after = written(), over_loopback()
    files, network = (b - a for a, b in zip(before, after, strict=True))
    return seconds, files, network, search


def run(megabytes):
    """The table: a row for each backend."""
    X, y = make_classification(
        int(megabytes * 1e6 / 4 / N_FEATURES),
        N_FEATURES,
        n_informative=20,
        n_classes=5,
        random_state=0,
    )
    X = X.astype(np.float32)
    head = ["", "fits", "rounds", "seconds", "to files and pipes", "over the network"]
    rows = [[*head, "best score"]]
    for way in WAYS:
        seconds, files, network, search = measure(way, X, y)
        n_fits = search.n_splits_ * len(search.cv_results_["params"])
        n_rounds = sum(len(bracket["epochs"]) for bracket in search.brackets_)
        cells = [str(n_fits), str(n_rounds), f"{seconds:.1f}"]
        cells += [f"{x / 1e6:,.1f} MB" for x in (files, network)]
        rows.append([way, *cells, f"{search.best_score_:.4f}"])
        print(rows[-1], file=sys.stderr, flush=True)
    return markdown(rows)


def parse(argv=None):
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.search.transfers",
        description=__doc__.split("\n")[0],
    )
    parser.add_argument("--megabytes", type=float, default=100, help="size of X")
    parser.add_argument("--write", action="store_true", help="renew docs/search.md")
    options = parser.parse_args(argv)
    if not Path("/proc/self/io").exists():
        parser.error("bytes are read from /proc, which this system lacks")
    return options


def main(argv=None):
    options = parse(argv)
    table = run(options.megabytes)
    print(table)
    if options.write:
        processor = machine.processor()
        context = {"processor": processor, "versions": machine.versions()}
        documents.write({"search-sent": table}, context)


if __name__ == "__main__":
    sys.exit(main())
