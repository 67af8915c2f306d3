"""Fashion-MNIST: what the methods are worth on images, with the same units and with more.

    python -m benchmarks.methods.fashion FASHION.npz

FASHION.npz is an archive of X (70000, 784) with pixels from 0 to 255, y and is_test, as
the package's docstring says. Every setting was chosen with ``--validate``, which trains on
50,000 of the 60,000 training rows and scores the other 10,000; without it the final fits
train on all 60,000 and are scored on the 10,000 test rows.
"""

import argparse
import sys
import time
import warnings
from dataclasses import dataclass
from statistics import fmean, stdev

import numpy as np
from joblib import Parallel, delayed
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from benchmarks.compare import documents, machine
from benchmarks.compare.tables import markdown
from caviar import MLPClassifier

from . import data, runs

N_VALIDATION = 10_000


@dataclass(frozen=True)
class Setting:
    """`params` are the network's; pixels are standardized, or go from 0 to 1."""

    title: str
    params: dict
    standardize: bool = True


SETTINGS = {
    "units-100": Setting("100 units, scikit-learn's defaults", {}),
    "units-100-methods": Setting(
        "100 units: AdamW",
        {
            "hidden_layer_sizes": (100,),
            "solver": "adamw",
            "weight_decay": 0.3,
            "alpha": 0.0,
            "batch_size": 128,
            "learning_rate_init": 0.003,
            "max_iter": 30,
        },
    ),
}


def run(path, name, seed, validate, quick):
    """Fit one setting; return its accuracy and the seconds of the fit."""
    problem, setting = data.load(path), SETTINGS[name]
    fitted_on = np.flatnonzero(~problem.is_test)
    scored_on = np.flatnonzero(problem.is_test)
    if validate:
        fitted_on, scored_on = train_test_split(
            fitted_on, test_size=N_VALIDATION, random_state=0
        )
    params = {"max_iter": 200, **setting.params}
    if quick:
        fitted_on, params["max_iter"] = fitted_on[:500], 2
    # The classifier's patience watches the training loss: here no run stops early.
    network = MLPClassifier(
        n_iter_no_change=params["max_iter"],
        dtype="float32",
        random_state=seed,
        **params,
    )
    scaler = StandardScaler() if setting.standardize else MinMaxScaler()
    model = make_pipeline(scaler, network)
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(problem.X[fitted_on], problem.y[fitted_on])
    seconds = time.perf_counter() - start
    score = float(model.score(problem.X[scored_on], problem.y[scored_on]))
    return {"setting": name, "seed": seed, "score": score, "seconds": seconds}


def report(results):
    """{name of the block in the documents: Markdown table}"""
    rows = [["", "test accuracy", "seeds", "minutes of a fit"]]
    for name, setting in SETTINGS.items():
        mine = [result for result in results if result["setting"] == name]
        if mine:
            scores = [100 * result["score"] for result in mine]
            spread = f" ± {stdev(scores):.2f}" if len(scores) > 1 else ""
            minutes = fmean(result["seconds"] for result in mine) / 60
            cells = [f"{fmean(scores):.2f}{spread}", str(len(mine)), f"{minutes:.1f}"]
            rows.append([setting.title, *cells])
    return {"fashion": markdown(rows)}


def parse(argv=None):
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.methods.fashion", description=__doc__.split("\n")[0]
    )
    parser.add_argument("path", metavar="FASHION.npz")
    parser.add_argument("--settings", nargs="+", choices=SETTINGS, default=[*SETTINGS])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--n-jobs", type=int, default=2, help="fits side by side")
    parser.add_argument(
        "--validate", action="store_true", help="score a part of the training rows"
    )
    parser.add_argument("--json", metavar="FILE", help="append each fit as it ends")
    parser.add_argument("--quick", action="store_true", help="500 rows, two epochs")
    parser.add_argument("--write", action="store_true", help="renew docs/methods.md")
    options = parser.parse_args(argv)
    if options.write and (options.quick or options.validate):
        parser.error("--write is for test figures, not for --quick or --validate")
    return options


def main(argv=None):
    options = parse(argv)
    jobs = [
        (options.path, name, seed, options.validate, options.quick)
        for name in options.settings
        for seed in range(options.seeds)
    ]
    pool = Parallel(options.n_jobs, return_as="generator_unordered", batch_size=1)
    results = []
    for result in pool(delayed(run)(*job) for job in jobs):
        runs.append(options.json, result)
        results.append(result)
        print(result, file=sys.stderr, flush=True)
    blocks = report(results)
    print(blocks["fashion"])
    if options.write:
        versions = machine.versions()
        context = {"processor": machine.processor(), "versions": versions}
        documents.write(blocks, context)


if __name__ == "__main__":
    main()
