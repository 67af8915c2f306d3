"""One fit in several threads (`n_jobs`): how much faster, and with the same bits?

Small shapes are here too: they have no tiles to share and must not become slower.
"""

import time
from statistics import median

import joblib
import numpy as np

from caviar import MLPClassifier

from .fits import quiet_fit
from .problems import PROBLEMS, TINY, Problem
from .tables import markdown, plus_minus

FOUR_XL = Problem("4 x XL", 8000, 784, (2048, 2048, 2048), 512, n_epochs=1)
TARGET = {"XL": 1.7, FOUR_XL.name: 1.7}
SMALLER = 1.0  # what the others should be, noise apart


def measure(options, log):
    """Return one result per problem and number of threads: seconds of whole fits."""
    problems = [TINY] if options.quick else [*PROBLEMS.values(), FOUR_XL]
    n_rounds = options.rounds or (1 if options.quick else 5)
    n_cores = max(2, joblib.cpu_count())
    results = []
    for problem in problems:
        log(str(problem))
        X, y = problem.data()
        both = [
            {"problem": problem.name, "n_jobs": n, "seconds": [], "cpu": []}
            for n in (1, n_cores)
        ]
        params = []
        for turn in range(-1, n_rounds):  # a first one, not counted, to warm up
            for result in both if turn % 2 else both[::-1]:
                wall, cpu, mlp = fit(problem, X, y, result["n_jobs"])
                params.append(mlp.params_)
                if turn >= 0:
                    result["seconds"].append(wall)
                    result["cpu"].append(cpu)
        same = all(np.array_equal(params[0], other) for other in params)
        for result in both:
            result["same_bits"] = same
        results += both
    return results


def fit(problem, X, y, n_jobs):
    """Seconds on the clock, seconds of all cores, and the network."""
    mlp = MLPClassifier(
        problem.hidden,
        batch_size=problem.batch_size,
        batch_norm=True,
        max_iter=problem.n_epochs,
        random_state=0,
        n_jobs=n_jobs,
    )
    wall, cpu = time.perf_counter(), time.process_time()
    quiet_fit(mlp, X, y)
    return time.perf_counter() - wall, time.process_time() - cpu, mlp


def report(results):
    rows = [
        ["", "threads", "seconds", "+-", "times as fast", "cores used", "same bits"]
    ]
    for one, several in zip(results[::2], results[1::2], strict=True):
        gain = median(one["seconds"]) / median(several["seconds"])
        target = TARGET.get(one["problem"], SMALLER)
        for result in (one, several):
            cores = median(result["cpu"]) / median(result["seconds"])
            rows.append(
                [
                    result["problem"],
                    str(result["n_jobs"]),
                    f"{median(result['seconds']):.3g}",
                    plus_minus(result["seconds"]),
                    "" if result is one else f"{gain:.2f} (>= {target})",
                    f"{cores:.2f}",
                    "yes" if result["same_bits"] else "NO",
                ]
            )
    return {"large": markdown(rows)}
