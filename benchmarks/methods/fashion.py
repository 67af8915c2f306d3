"""Fashion-MNIST: what the methods are worth on images, with the same units and with more.

    python -m benchmarks.methods.fashion FASHION.npz

FASHION.npz is an archive of X (70000, 784) with pixels from 0 to 255, y and is_test, as
the package's docstring says. The settings were chosen with ``--validate``, which trains on
50,000 of the 60,000 training rows and scores the other 10,000; without it all 60,000
train, and the 10,000 test rows are scored.
"""

import argparse
import sys
import time
from dataclasses import dataclass
from statistics import fmean, stdev

import numpy as np
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from benchmarks.compare import documents, machine
from benchmarks.compare.fits import quiet_fit
from benchmarks.compare.tables import markdown
from caviar import MLPClassifier
from caviar.augmentation import HorizontalFlip, Mixup, RandomCrop
from caviar.ensemble import SeedEnsembleClassifier

from . import data, runs

N_VALIDATION = 10_000
EPOCHS = 60
IMAGE_SHAPE = (28, 28)


@dataclass(frozen=True)
class Setting:
    """`params` are the network's; pixels are standardized, or go from 0 to 1."""

    title: str
    params: dict
    standardize: bool = True
    epochs: int = EPOCHS
    n_members: int = 1  # networks of an ensemble, which is trained once


METHODS = {
    "solver": "adamw",
    "weight_decay": 0.3,
    "alpha": 0.0,
    "learning_rate": "cosine",
    "augment": HorizontalFlip(IMAGE_SHAPE),
}
SETTINGS = {
    "100-plain": Setting("100 units, plain", {"hidden_layer_sizes": (100,)}),
    "100": Setting(
        "100 units, decay, cosine, dropout 0.1, flips",
        {
            "hidden_layer_sizes": (100,),
            "learning_rate_init": 0.003,
            "dropout": 0.1,
            **METHODS,
        },
    ),
    "1024": Setting(
        "1024, 1024 units, batch norm, decay, cosine, flips, shifts, mixup; four networks",
        {
            **METHODS,
            "hidden_layer_sizes": (1024, 1024),
            "learning_rate_init": 0.002,
            "batch_norm": True,
            "augment": [
                METHODS["augment"],
                RandomCrop(IMAGE_SHAPE, padding=1),
                Mixup(0.2),
            ],
        },
        standardize=False,
        epochs=50,
        n_members=4,
    ),
}


def run(problem, name, seed, options):
    """Fit one setting; return its accuracy, its members', and the processor's seconds."""
    setting = SETTINGS[name]
    fitted_on = np.flatnonzero(~problem.is_test)
    scored_on = np.flatnonzero(problem.is_test)
    if options.validate:
        fitted_on, scored_on = train_test_split(
            fitted_on, test_size=N_VALIDATION, random_state=0
        )
    epochs = setting.epochs
    if options.quick:
        fitted_on, epochs = fitted_on[:500], 2
    model = MLPClassifier(
        batch_size=128,
        max_iter=epochs,
        n_iter_no_change=epochs,  # nothing stops early
        dtype="float32",
        random_state=seed,
        **setting.params,
    )
    if setting.n_members > 1:
        model = SeedEnsembleClassifier(
            model, setting.n_members, n_jobs=options.n_jobs, random_state=seed
        )
    scaler = StandardScaler() if setting.standardize else MinMaxScaler()
    pipeline = make_pipeline(scaler, model)
    wall, processor = time.perf_counter(), time.process_time()
    quiet_fit(pipeline, problem.X[fitted_on], problem.y[fitted_on])
    seconds = time.process_time() - processor
    X, y = pipeline[0].transform(problem.X[scored_on]), problem.y[scored_on]
    return {
        "setting": name,
        "seed": seed,
        "score": float(model.score(X, y)),
        "members": [float(member.score(X, y)) for member in members(model)],
        "processor_seconds": seconds,
        "seconds": time.perf_counter() - wall,
    }


def members(model):
    return getattr(model, "estimators_", [])


def report(results):
    """{name of the block in the documents: Markdown table}"""
    rows = [["", "test accuracy", "fits", "minutes of one core"]]
    for name, setting in SETTINGS.items():
        mine = [result for result in results if result["setting"] == name]
        if mine:
            minutes = fmean(result["processor_seconds"] for result in mine) / 60
            scores = [result["score"] for result in mine]
            rows.append([setting.title, *cells(scores, f"{minutes:.1f}")])
        if setting.n_members > 1:
            scores = [score for result in mine for score in result["members"]]
            rows.append(["each of the four", *cells(scores, "")])
    return {"fashion": markdown(rows)}


def cells(scores, minutes):
    spread = f" ± {100 * stdev(scores):.2f}" if len(scores) > 1 else ""
    return f"{100 * fmean(scores):.2f}{spread}", str(len(scores)), minutes


def parse(argv=None):
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.methods.fashion",
        description="Fashion-MNIST with 100 units, plain and with methods, and with more.",
    )
    parser.add_argument("path", metavar="FASHION.npz")
    parser.add_argument("--settings", nargs="+", choices=SETTINGS, default=[*SETTINGS])
    parser.add_argument("--seeds", type=int, default=3, help="fits of a single network")
    parser.add_argument("--n-jobs", type=int, default=2, help="threads of an ensemble")
    parser.add_argument(
        "--validate", action="store_true", help="score a part of the training rows"
    )
    parser.add_argument("--json", metavar="FILE", help="append each fit as it ends")
    parser.add_argument(
        "--resume", action="store_true", help="go on with what the file has"
    )
    parser.add_argument("--quick", action="store_true", help="500 rows, two epochs")
    parser.add_argument("--write", action="store_true", help="renew docs/methods.md")
    options = parser.parse_args(argv)
    if options.write and (options.quick or options.validate):
        parser.error("--write is for test figures, not for --quick or --validate")
    return options


def main(argv=None):
    options = parse(argv)
    problem = data.load(options.path)
    conditions = {"validate": options.validate, "quick": options.quick}
    results = runs.resumed(options, conditions)
    known = {(result["setting"], result["seed"]) for result in results}
    for name in options.settings:
        n_seeds = 1 if SETTINGS[name].n_members > 1 else options.seeds
        for seed in range(n_seeds):
            if (name, seed) not in known:
                results.append(run(problem, name, seed, options))
                runs.append(options.json, results[-1])
                print(results[-1], file=sys.stderr, flush=True)
    blocks = report(results)
    print(blocks["fashion"])
    if options.write:
        versions = machine.versions()
        context = {"processor": machine.processor(), "versions": versions}
        documents.write(blocks, context)


if __name__ == "__main__":
    main()
