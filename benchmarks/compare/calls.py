"""Whole calls beside scikit-learn's: what a short fit costs outside of its loop, what a
prediction of one row and of 100,000 costs and needs, and what the import adds.

On one core, with one thread of each BLAS.
"""

import subprocess
import sys
import time
import tracemalloc
import warnings
from statistics import median

import numpy as np
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning

from .libraries import load
from .problems import Problem
from .tables import markdown, plus_minus

NAMES = ("caviar", "sklearn")
N_EPOCHS, N_MORE = 10, 40
OVERHEAD, IMPORT = 1.5e-3, 30e-3  # the targets, in seconds
NOT_SLOWER, MANY_ROWS = 1.0, 2.0  # and in scikit-learn's time by caviar's
MANY = 100_000
# The default network, and those of S and M; they learn from a few rows only.
SHAPES = (
    Problem("default", 500, 4, (100,), 200, n_epochs=1),
    Problem("S", 500, 64, (64,), 32, n_epochs=1),
    Problem("M", 500, 100, (128, 128), 128, n_epochs=1),
)
# In a fresh process, for nothing can be imported twice.
IMPORTS = """
from time import perf_counter
start = perf_counter()
import sklearn.neural_network
middle = perf_counter()
import caviar
print(middle - start, perf_counter() - middle)
"""


def measure(options, log):
    """Return one result per call and library, a dict; its ``part`` says which call."""
    n_rounds = options.rounds or (1 if options.quick else 15)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return [
            *measure_fits(n_rounds, log),
            *measure_predictions(n_rounds, 500 if options.quick else MANY, log),
            *measure_imports(n_rounds, log),
        ]


# Fits


def measure_fits(n_rounds, log):
    """Seconds of fits of 10 and of 50 epochs of iris, by library."""
    log(f"calls: fit of {N_EPOCHS} epochs on iris")
    X, y = load_iris(return_X_y=True)
    results = [
        {"part": "fit", "library": name, "short": [], "long": []} for name in NAMES
    ]
    for turn in range(-1, n_rounds):
        for result in results if turn % 2 else results[::-1]:
            for key, n_epochs in (("short", N_EPOCHS), ("long", N_EPOCHS + N_MORE)):
                mlp = load(result["library"]).MLPClassifier(
                    max_iter=n_epochs, random_state=0
                )
                seconds = per_call(lambda mlp=mlp: mlp.fit(X, y))
                assert mlp.n_iter_ == n_epochs, "it stopped early"
                if turn >= 0:
                    result[key].append(seconds)
    return results


def overheads(result):
    """Seconds of a fit but for its epochs, in each round."""
    pairs = zip(result["short"], result["long"], strict=True)
    return [short - (long - short) * N_EPOCHS / N_MORE for short, long in pairs]


# Predictions


def measure_predictions(n_rounds, many, log):
    """Seconds and peak memory of predict_proba, by network, rows, dtype and library."""
    results = []
    for shape in SHAPES:
        for dtype in ("float32", "float64"):
            log(f"calls: predict_proba, {shape}, {dtype}")
            X, y = shape.data()
            X = X.astype(dtype)
            mlps = {
                name: load(name).MLPClassifier(shape.hidden, max_iter=1).fit(X, y)
                for name in NAMES
            }
            for n_rows in (1, many):
                rows = X[np.arange(n_rows) % len(X)]
                about = {"shape": shape.name, "rows": n_rows, "dtype": dtype}
                results += [
                    {"part": "predict_proba", **about, **result}
                    for result in predictions(mlps, rows, n_rounds)
                ]
    return results


def predictions(mlps, X, n_rounds):
    results = [
        {
            "library": name,
            "seconds": [],
            "megabytes": peak_memory(lambda mlp=mlp: mlp.predict_proba(X)),
        }
        for name, mlp in mlps.items()
    ]
    for turn in range(n_rounds):
        for result in results if turn % 2 else results[::-1]:
            mlp = mlps[result["library"]]
            seconds = per_call(lambda mlp=mlp: mlp.predict_proba(X))
            result["seconds"].append(seconds)
    return results


def peak_memory(call):
    """Most megabytes that numpy held at one time for the call, its result included."""
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1] / 2**20
    finally:
        tracemalloc.stop()


# The import


def measure_imports(n_rounds, log):
    """Seconds of scikit-learn's import, and of caviar's after it, in new processes."""
    log("calls: import")
    result = {"part": "import", "sklearn": [], "caviar": []}
    command = [sys.executable, "-c", IMPORTS]
    for turn in range(-1, n_rounds):  # the first one reads the files from the disk
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        if turn >= 0:
            before, added = map(float, done.stdout.split())
            result["sklearn"].append(before)
            result["caviar"].append(added)
    return [result]


def per_call(function):
    """Seconds of one call: of many, until they have taken 10 ms."""
    n_calls, start = 0, time.process_time()
    while (total := time.process_time() - start) < 1e-2:
        function()
        n_calls += 1
    return total / n_calls


# The table


def report(results):
    rows = [["", "caviar", "+-", "scikit-learn", "times as fast", "memory of both"]]
    rows += report_fits(*(r for r in results if r["part"] == "fit"))
    pairs = [r for r in results if r["part"] == "predict_proba"]
    pairs = sorted(
        zip(pairs[::2], pairs[1::2], strict=True), key=lambda p: p[0]["rows"]
    )
    rows += [report_prediction(ours, theirs) for ours, theirs in pairs]
    (imports,) = (r for r in results if r["part"] == "import")
    rows.append(row("import, caviar's after that of scikit-learn", imports["caviar"]))
    rows[-1][1] += f" (< {IMPORT * 1e3:.0f})"
    rows[-1][3] = milliseconds(imports["sklearn"])
    return {"calls": markdown(rows)}


def report_fits(ours, theirs):
    call = f"fit, {N_EPOCHS} epochs of iris"
    outside = row(f"{call}: outside of the loop", overheads(ours), overheads(theirs))
    outside[1] += f" (< {OVERHEAD * 1e3})"
    outside[4] += " (>= 1)"
    return [row(call, ours["short"], theirs["short"]), outside]


def report_prediction(ours, theirs):
    (shape,) = (shape for shape in SHAPES if shape.name == ours["shape"])
    size = f"{ours['rows']:,} x {shape.n_features}, {shape.hidden}"
    cells = row(
        f"predict_proba, {size}, {ours['dtype']}", ours["seconds"], theirs["seconds"]
    )
    cells[4] += f" (>= {NOT_SLOWER if ours['rows'] == 1 else MANY_ROWS:.0f})"
    if ours["rows"] > 1:
        cells[5] = f"{ours['megabytes']:.1f} MB, {theirs['megabytes']:.1f} MB"
    return cells


def row(call, ours, theirs=None):
    cells = [call, milliseconds(ours), plus_minus(ours)]
    if theirs is None:
        return [*cells, "", "", ""]
    gain = median(theirs) / median(ours)
    return [*cells, milliseconds(theirs), f"{gain:.2f}x", ""]


def milliseconds(seconds):
    value = median(seconds) * 1e3
    return f"{value:.3g} ms" if value < 999.5 else f"{value:,.0f} ms"
