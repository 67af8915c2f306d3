"""Memory beyond the data itself: a file of 8 GB mapped as X, and wide sparse rows.

What a process takes is read from /proc while it trains: its anonymous pages, which are
not those of the file. Each measurement has a process of its own. The times of the sparse
rows are taken in one process on one core, the two libraries taking turns.

Must not import numpy, or anything that loads it, before ``machine.pin``.
"""

import ctypes
import json
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path
from statistics import median

from . import machine, tables
from .fits import quiet_fit

ROOT = Path(__file__).resolve().parents[2]
START_METHOD = (
    "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
)
MEGABYTE = 1e6
PR_SET_THP_DISABLE = 41  # of linux/prctl.h: no pages of 2 MB, which hide what is less
MEMMAP_TARGET = 500  # megabytes
SPARSE_TARGET = 5  # times as fast

GIGABYTES = 8
N_COLUMNS = 1000
N_CLASSES = 10
BLOCK = 20_000  # rows that are written, or given to partial_fit, at a time
CASES = {
    "fit": "fit, 1 epoch",
    "early_stopping": "fit, 1 epoch, early stopping",
    "partial_fit": f"partial_fit, slices of {BLOCK:,} rows",
    "predict": "predict",
}

# Sparse rows of 100,000 features, 0.1 % of them stored.
WIDE, STORED = 100_000, 100
NETWORKS = [(64,), (128, 128)]


def measure(options, log):
    """Return results of the two kinds, ``{"kind": "memmap" | "csr", ...}``."""
    if not Path("/proc/self/status").exists():
        raise OSError("memory is read from /proc/self/status, which this system lacks")
    gigabytes = 0.02 if options.quick else GIGABYTES
    n_rounds = options.rounds or (1 if options.quick else 3)
    return [
        *measure_memmap(gigabytes, options.folder, log),
        *measure_csr(n_rounds, options.quick, log),
    ]


def call(function, *arguments):
    """The value of a function of this module, called in a process of its own."""
    command = [sys.executable, "-m", __name__, function, json.dumps(arguments)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


# What a process takes


def status(*fields):
    """The sum of some fields of /proc/self/status, in bytes."""
    with open("/proc/self/status") as lines:
        found = dict(line.split(":", 1) for line in lines)
    return sum(int(found[field].split()[0]) * 1024 for field in fields)


def growth(function):
    """Call the function; return the most bytes it added, its seconds, and its file pages.

    A thread looks at the anonymous and the shared pages every few milliseconds: training
    runs without the interpreter's lock. What was freed before goes back to the system
    first, or it would be taken again unseen.
    """
    getattr(ctypes.CDLL(None), "malloc_trim", lambda _: 0)(0)
    private = ("RssAnon", "RssShmem")
    before = most = status(*private)
    file_before = status("RssFile")
    done = threading.Event()

    def watch():
        nonlocal most
        while not done.wait(0.003):
            most = max(most, status(*private))

    watcher = threading.Thread(target=watch)
    watcher.start()
    start = time.perf_counter()
    try:
        function()
    finally:
        seconds = time.perf_counter() - start
        done.set()
        watcher.join()
    most = max(most, status(*private))
    return most - before, seconds, status("RssFile") - file_before


def growth_of_fit(problem, library):
    """Bytes that one epoch over all rows adds; None where /proc does not say."""
    from .libraries import load

    if not os.path.exists("/proc/self/status"):
        return None
    ctypes.CDLL(None).prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0)
    settings = {"batch_norm": True} if library == "caviar" else {}
    classifier = load(library).MLPClassifier
    X, y = problem.data()
    tiny = replace(problem, n_samples=max(2 * problem.n_classes, 40))
    options = {"max_iter": 1, "random_state": 0, **settings}
    # What is loaded and set up once in a process, the buffers of BLAS above all.
    quiet_fit(classifier((200, 200), **options), *tiny.data())
    mlp = classifier(problem.hidden, batch_size=problem.batch_size, **options)
    return growth(lambda: quiet_fit(mlp, X, y))[0]


def sizes_of(problem, batch_norm):
    """Bytes of caviar's vectors by the plan, and of X."""
    from caviar import _layout

    plan = _layout.make_plan(
        problem.units,
        batch_norm,
        "relu",
        "softmax",
        _layout.BatchPlan(min(problem.batch_size + 1, problem.n_samples)),
    )
    n_slots = _layout.N_SLOTS["adam"]
    elements = 2 * plan.n_params + n_slots * plan.slot_stride
    elements += plan.n_stats + int(plan.header["n_work"][0])
    return {"vectors": 4 * elements, "X": 4 * problem.n_samples * problem.n_features}


# A file as X


def measure_memmap(gigabytes, folder, log):
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        need, free = gigabytes * 1e9, shutil.disk_usage(scratch).free
        if free < 1.1 * need:
            raise OSError(
                f"{scratch} has {free / 1e9:.1f} GB free, the file takes {need / 1e9:g}: "
                "name another folder"
            )
        n_rows = int(need) // (4 * N_COLUMNS)
        path = os.path.join(scratch, "X.npy")
        log(f"writing {n_rows:,} x {N_COLUMNS} float32 to {path}")
        call("write_file", path, n_rows)
        results = []
        for case in CASES:
            log(f"memmap: {CASES[case]}")
            result = call("train_from_file", path, case)
            results.append({"kind": "memmap", "case": case, "rows": n_rows, **result})
    return results


def write_file(path, n_rows):
    """Rows of a linear teacher's classes, as in ``problems``; y beside them."""
    import numpy as np

    rng = np.random.default_rng(0)
    teacher = rng.standard_normal((N_COLUMNS, N_CLASSES), dtype=np.float32)
    X = np.lib.format.open_memmap(path, "w+", np.float32, (n_rows, N_COLUMNS))
    y = np.empty(n_rows, dtype=np.int64)
    for start in range(0, n_rows, BLOCK):
        rows = slice(start, min(start + BLOCK, n_rows))
        block = rng.standard_normal((rows.stop - start, N_COLUMNS), dtype=np.float32)
        X[rows], y[rows] = block, np.argmax(block @ teacher, axis=1)
    X.flush()
    np.save(path + ".y.npy", y)


def train_from_file(path, case):
    """What one use of the mapped file adds to the process."""
    machine.pin()
    import numpy as np

    from caviar import MLPClassifier

    X, y = np.load(path, mmap_mode="r"), np.load(path + ".y.npy")
    settings = {"batch_size": 512, "batch_norm": True, "max_iter": 1, "random_state": 0}
    mlp = MLPClassifier((64,), early_stopping=case == "early_stopping", **settings)
    few = np.array(X[:2000])
    quiet_fit(MLPClassifier((64,), **settings), few, y[:2000]).predict(few)  # warms up
    if case == "predict":
        quiet_fit(mlp, few, y[:2000])

    def slices():
        for start in range(0, len(X), BLOCK):
            rows = slice(start, start + BLOCK)
            mlp.partial_fit(X[rows], y[rows], classes=np.arange(N_CLASSES))

    def fit():
        quiet_fit(mlp, X, y)

    work = {"partial_fit": slices, "predict": lambda: mlp.predict(X)}.get(case, fit)
    added, seconds, file_pages = growth(work)
    return {"bytes": added, "seconds": seconds, "file_bytes": file_pages}


# Wide sparse rows


def measure_csr(n_rounds, quick, log):
    results = []
    for dtype in ("float32",) if quick else ("float32", "float64"):
        for hidden in NETWORKS[:1] if quick else NETWORKS:
            log(f"CSR: {dtype}, {hidden}")
            n_rows = (200, 500) if quick else (10 * 128, 20_000)
            n_features = 2000 if quick else WIDE
            problem = (n_features, dtype, hidden)
            times = call("time_csr", n_rows[0], *problem, n_rounds)
            added = call("memory_of_csr", n_rows[1], *problem)
            dense = n_rows[1] * n_features * (4 if dtype == "float32" else 8)
            found = {"dtype": dtype, "hidden": hidden, **times, **added}
            results.append({"kind": "csr", **found, "dense_bytes": dense})
    return results


def sparse_rows(n_rows, n_features, dtype):
    import numpy as np
    from scipy.sparse import csr_array

    rng = np.random.default_rng(0)
    indices = np.sort(rng.integers(0, n_features, (n_rows, STORED), dtype=np.int32))
    values = rng.standard_normal(n_rows * STORED).astype(dtype)
    indptr = np.arange(0, n_rows * STORED + 1, STORED, dtype=np.int32)
    X = csr_array((values, indices.ravel(), indptr), shape=(n_rows, n_features))
    y = rng.integers(0, N_CLASSES, n_rows)
    y[:N_CLASSES] = np.arange(N_CLASSES)
    return X, y


def time_csr(n_rows, n_features, dtype, hidden, n_rounds):
    """Seconds per step, the libraries taking turns."""
    machine.pin()
    from .libraries import load
    from .problems import Problem

    problem = Problem("", n_rows, n_features, tuple(hidden), 128, 1)
    X, y = sparse_rows(n_rows, n_features, dtype)
    runs = {
        "caviar": load("caviar").prepare(problem, X, y, batch_norm=False),
        "batch_norm": load("caviar").prepare(problem, X, y, batch_norm=True),
        "sklearn": load("sklearn").prepare(problem, X, y, batch_norm=False),
    }
    times = {name: [] for name in runs}
    for _ in range(n_rounds):
        for name, run in runs.items():
            n_epochs = 2 if name == "sklearn" else 16
            # The first fit after another library's took up to 100 ms longer or shorter,
            # by the memory that one had left: as long as 20 steps of caviar.
            run(0)
            times[name].append(run(n_epochs) / n_epochs / problem.n_steps)
    return {"seconds": times}


def memory_of_csr(n_rows, n_features, dtype, hidden):
    """Bytes that one epoch adds: to the process, and by X's stored entries."""
    machine.pin()
    from caviar import MLPClassifier

    X, y = sparse_rows(n_rows, n_features, dtype)
    mlp = MLPClassifier(hidden, batch_size=128, max_iter=1, random_state=0)
    few = sparse_rows(200, 500, dtype)
    quiet_fit(MLPClassifier((200,), max_iter=1), *few)
    added = growth(lambda: quiet_fit(mlp, X, y))[0]
    vectors = 4 * mlp.params_.nbytes  # parameters, gradients, Adam's two slots
    return {"bytes": added, "vectors": vectors}


# Tables


def report(results):
    kinds = {"memmap": memmap_rows, "csr": csr_rows}
    return {
        kind: tables.markdown(rows([r for r in results if r["kind"] == kind]))
        for kind, rows in kinds.items()
    }


def memmap_rows(results):
    rows = [["", "MB added", "GB of the file in memory", "seconds"]]
    for result in results:
        rows.append(
            [
                f"{CASES[result['case']]} ({result['rows']:,} x {N_COLUMNS})",
                f"{result['bytes'] / MEGABYTE:.0f} (< {MEMMAP_TARGET})",
                f"{result['file_bytes'] / 1e9:.1f}",
                f"{result['seconds']:.1f}",
            ]
        )
    return rows


def csr_rows(results):
    rows = [["", "caviar", "with batch norm", "scikit-learn", "times as fast"]]
    rows[0] += ["MB added", "of them vectors", "X if it were dense"]
    for result in results:
        times = {name: median(values) for name, values in result["seconds"].items()}
        rows.append(
            [
                f"{result['dtype']}, {tuple(result['hidden'])}",
                *(tables.microseconds(value) for value in times.values()),
                f"{times['sklearn'] / times['caviar']:.1f}x (>= {SPARSE_TARGET})",
                f"{result['bytes'] / MEGABYTE:.0f}",
                f"{result['vectors'] / MEGABYTE:.0f}",
                f"{result['dense_bytes'] / MEGABYTE:,.0f}",
            ]
        )
    return rows


if __name__ == "__main__":
    print(json.dumps(globals()[sys.argv[1]](*json.loads(sys.argv[2]))))
