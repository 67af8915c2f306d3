"""Many fits at once: searches on all cores, fits side by side in threads, their memory.

Not pinned: all cores there are. What the cores themselves give is measured beside it, by
whole searches in processes that know nothing of one another: two cores of a virtual
machine need not be twice one. The memory is that of processes of their own, which this
module is, too: ``python -m benchmarks.compare.crowds CASE ROWS``.
"""

import json
import os
import subprocess
import sys
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

import joblib
import numpy as np
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV

from caviar import MLPClassifier

from . import search
from .memory import growth
from .problems import PROBLEMS, TINY, Problem
from .tables import markdown, plus_minus

ROOT = Path(__file__).resolve().parents[2]
N_FITS = 8
N_THREADS = 16  # of the searches whose memory is measured
N_FEATURES = 1000
SEARCH_GAIN, MEMORY = 1.8, 200  # the targets; of 2 cores, and megabytes
# Of the whole: so that eight fits take a second or more. The last has tiles to share.
SHAPES = {"S": 100, "M": 4, "L": 1}
WITH_TILES = Problem("XL", 2048, 784, (1024, 1024, 1024), 512, n_epochs=1)
# The search's rows of one fold are scikit-learn's copies, whatever the estimator. "views"
# spares them: an array that answers a run of row numbers with a view.
MEMORY_CASES = {
    "fits": f"{N_THREADS} fits in {N_THREADS} threads",
    "views": f"search in {N_THREADS} threads, folds are views",
    "copies": f"search in {N_THREADS} threads, folds copied by scikit-learn",
}


def measure(options, log):
    """Return one result per way to do the work, a dict; its ``part`` says which."""
    return [
        *measure_searches(options, log),
        *measure_fits(options, log),
        *measure_memory(options, log),
    ]


# Searches


def measure_searches(options, log):
    """Seconds of the same search with one job, in threads, and in processes."""
    quick = options.quick
    X, y = load_digits(return_X_y=True)
    X = X[:300].astype("float32") if quick else X.astype("float32")
    y = y[: len(X)]
    n_cores = joblib.cpu_count()
    full = {"max_iter": 2 if quick else 60, "n_iter": 2 if quick else 40}
    full |= {"cv": 2 if quick else 5, "random_state": 0}

    def one_search(n_jobs, backend, **fewer):
        with joblib.parallel_config(backend):
            search.fit("caviar", X, y, full | {"n_jobs": n_jobs} | fewer)

    def apart():  # as many searches as cores, each in a process
        with joblib.parallel_config("loky", n_jobs=n_cores):
            task = joblib.delayed(search.fit)("caviar", X, y, full | {"n_jobs": 1})
            joblib.Parallel()(task for _ in range(n_cores))

    ways = {
        "one job": (1, lambda: one_search(1, "threading")),
        "threading": (n_cores, lambda: one_search(n_cores, "threading")),
        "loky": (n_cores, lambda: one_search(n_cores, "loky")),
        "apart": (n_cores, apart),
    }
    log("crowds: warming up the searches")
    one_search(n_cores, "threading", n_iter=2)
    one_search(n_cores, "loky", n_iter=2)
    results = take_turns(ways, options.rounds or (1 if quick else 5))
    for result in results:
        result["part"] = "search"
        result["searches"] = n_cores if result["way"] == "apart" else 1
    return results


# Fits


def measure_fits(options, log):
    """Seconds of eight fits one after another, and of the same in eight threads."""
    problems = [PROBLEMS[name] for name in SHAPES] + [WITH_TILES]
    results = []
    for problem in [TINY] if options.quick else problems:
        log(f"crowds: {N_FITS} fits of {problem}")
        X, y = problem.data()
        ways = {}
        for n_jobs in (1, 2) if problem is WITH_TILES else (1,):
            fits = [fit_of(problem, X, y, n_jobs, seed) for seed in range(N_FITS)]
            name = "" if n_jobs == 1 else f", n_jobs={n_jobs}"
            ways["one by one" + name] = (n_jobs, lambda fits=fits: [f() for f in fits])
            ways["at once" + name] = (joblib.cpu_count(), lambda fits=fits: run(fits))
        for result in take_turns(ways, options.rounds or (1 if options.quick else 5)):
            results.append({"part": "fits", "problem": problem.name, **result})
    return results


def fit_of(problem, X, y, n_jobs, seed):
    mlp = MLPClassifier(
        problem.hidden,
        batch_size=problem.batch_size,
        batch_norm=True,
        max_iter=SHAPES.get(problem.name, problem.n_epochs),
        random_state=seed,
        n_jobs=n_jobs,
    )
    return lambda: mlp.fit(X, y)


def run(fits):
    with ThreadPoolExecutor(len(fits)) as pool:
        for done in [pool.submit(fit) for fit in fits]:
            done.result()


# Memory


def measure_memory(options, log):
    """Megabytes by which 16 threads' work on one large X lets the process grow."""
    n_rows = 2000 if options.quick else 2**30 // (4 * N_FEATURES)
    results = []
    for case in MEMORY_CASES:
        log(f"crowds: memory, {MEMORY_CASES[case]}")
        command = [sys.executable, "-m", __name__, case, str(n_rows)]
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True)
        results.append({"part": "memory", **json.loads(done.stdout)})
    return results


class Rows(np.ndarray):
    """Answers a run of row numbers with a view, where numpy would copy the rows."""

    def __getitem__(self, key):
        rows = key[0] if isinstance(key, tuple) and len(key) == 2 else key
        if isinstance(rows, np.ndarray) and np.all(np.diff(rows) == 1):
            return np.ndarray.__getitem__(self, slice(rows[0], rows[-1] + 1))
        return np.ndarray.__getitem__(self, key)


def memory_of(case, n_rows):
    """Do one case in this process; return by how many megabytes it let it grow."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n_rows, N_FEATURES), dtype=np.float32)
    y = (X[:, 0] > 0).astype(np.int64)
    mlp = MLPClassifier((16,), max_iter=1, random_state=0)
    mlp.fit(X[:2000], y[:2000])
    rates = np.logspace(-4, -1, N_THREADS)
    n_test = n_rows // 16
    n_train = n_rows - n_test if case == "views" else n_test
    folds = [(np.arange(n_train), np.arange(n_rows - n_test, n_rows))]
    rows = X.view(Rows) if case == "views" else X

    def fits():
        run([lambda rate=rate: fit_rate(X, y, rate) for rate in rates])

    def one_search():
        grid = {"learning_rate_init": rates}
        with joblib.parallel_config("threading", n_jobs=N_THREADS):
            GridSearchCV(mlp, grid, cv=folds, refit=False).fit(rows, y)

    n_bytes, _, _ = growth(fits if case == "fits" else one_search)
    n_copied = N_THREADS * (n_train + n_test) if case == "copies" else 0
    return {
        "case": case,
        "X": X.nbytes / 2**20,
        "growth": n_bytes / 2**20,
        "scikit-learn's copies": n_copied * N_FEATURES * 4 / 2**20,
    }


def fit_rate(X, y, rate):
    MLPClassifier((16,), max_iter=1, learning_rate_init=rate, random_state=0).fit(X, y)


# The clocks


def take_turns(ways, n_rounds):
    """Each way once in every round, after one to warm up; seconds, and those of cores."""
    results = [
        {"way": way, "cores asked for": cores, "seconds": [], "cpu": []}
        for way, (cores, _) in ways.items()
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for turn in range(-1, n_rounds):
            for result in results if turn % 2 else results[::-1]:
                wall, cpu = time.perf_counter(), cpu_seconds()
                ways[result["way"]][1]()
                if turn >= 0:
                    result["cpu"].append(cpu_seconds() - cpu)
                    result["seconds"].append(time.perf_counter() - wall)
    return results


def cpu_seconds():
    """Seconds of all cores, of this process and, on Linux, of its running children."""
    total = time.process_time()
    for file in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = file.read_text().rpartition(")")[2].split()
        except OSError:  # ended just now
            continue
        if int(fields[1]) == os.getpid():
            total += sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")
    return total


# The tables


def report(results):
    parts = {
        part: [result for result in results if result["part"] == part]
        for part in ("search", "fits", "memory")
    }
    return {
        "crowds-search": report_searches(parts["search"]),
        "crowds-fits": report_fits(parts["fits"]),
        "crowds-memory": report_memory(parts["memory"]),
    }


def report_searches(results):
    names = {
        "one job": "n_jobs=1",
        "threading": "n_jobs=cores, threading",
        "loky": "n_jobs=cores, loky",
        "apart": "what the cores give: a search in a process on each",
    }
    rows = [["", "seconds", "+-", "throughput", "cores used"]]
    for result in results:
        gain = throughput(result, results[0])
        if result["way"] in ("threading", "loky"):
            gain += f" (>= {SEARCH_GAIN})"
        rows.append([names[result["way"]], *times(result), gain, cores_used(result)])
    return markdown(rows)


def throughput(result, one_job):
    gain = median(one_job["seconds"]) / median(result["seconds"])
    return f"{gain * result['searches']:.2f}x"


def report_fits(results):
    rows = [["", "fits", "seconds", "+-", "times as fast", "cores used"]]
    for serial, at_once in zip(results[::2], results[1::2], strict=True):
        gain = median(serial["seconds"]) / median(at_once["seconds"])
        for result, cell in ((serial, ""), (at_once, f"{gain:.2f} (>= 1)")):
            way = f"{N_FITS} {result['way']}"
            row = [result["problem"], way, *times(result), cell, cores_used(result)]
            rows.append(row)
    return markdown(rows)


def times(result):
    seconds = result["seconds"]
    return [f"{median(seconds):.3g}", plus_minus(seconds)]


def cores_used(result):
    shares = [c / s for c, s in zip(result["cpu"], result["seconds"], strict=True)]
    return f"{median(shares):.2f} (<= {result['cores asked for']})"


def report_memory(results):
    rows = [["X of 1 GB, float32", "growth", "of it scikit-learn's copies, up to"]]
    for result in results:
        growth = f"{result['growth']:.0f} MB"
        copied = result["scikit-learn's copies"]
        rows.append([MEMORY_CASES[result["case"]], growth, f"{copied:.0f} MB"])
        if not copied:
            rows[-1][1] += f" (< {MEMORY})"
    return markdown(rows)


if __name__ == "__main__":
    warnings.simplefilter("ignore", ConvergenceWarning)
    print(json.dumps(memory_of(sys.argv[1], int(sys.argv[2]))))
