"""Runs: one data set, recipe and seed each, in processes side by side.

A line of JSON is appended to a file as each run ends, so that what was killed goes on.
"""

import json
import time
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed
from sklearn.base import clone

from benchmarks.compare.fits import quiet_fit

from . import data
from .recipes import FOR_CLASSES, RECIPES, alone, build


def run(path, recipe, seed, epochs, max_rows):
    """Choose a candidate on validation rows; return what its network scores.

    The score is the accuracy, or R2 of a regression. All recipes have the same rows.
    """
    problem = data.load(path)
    train, validation, test = data.split(problem, seed, max_rows)
    rest = np.setdiff1d(train, validation, assume_unique=True)
    candidates = RECIPES[recipe].candidates(problem.task, epochs)

    def score(params, fitted_on, scored_on):
        network = build(problem.task, params, epochs, seed)
        return fitted_score(
            clone(data.pipeline(problem, network)),
            (problem.X[fitted_on], problem.y[fitted_on]),
            (problem.X[scored_on], problem.y[scored_on]),
        )

    validation_scores = [
        score(alone(params), rest, validation) for params in candidates
    ]
    best = int(np.argmax(validation_scores))
    start = time.perf_counter()
    test_score = score(candidates[best], train, test)
    return {
        "data": problem.name,
        "task": problem.task,
        "recipe": recipe,
        "seed": seed,
        "score": test_score,
        "seconds": time.perf_counter() - start,
        "chosen": {name: str(value) for name, value in candidates[best].items()},
        "validation_scores": validation_scores,
        "rows": [len(train), len(test)],
    }


def fitted_score(model, train, test):
    """Of a pair (X, y), after a fit to another; minus infinity if training diverges."""
    try:
        quiet_fit(model, *train)
    except ValueError as error:
        if "non-finite" not in str(error):
            raise
        return float("-inf")
    return float(model.score(*test))


def run_all(options, log):
    """Every run that is asked for, those of the file included, as a list of dicts."""
    settings = {"epochs": options.epochs, "max_rows": options.max_rows}
    results = resumed(options, settings)
    wanted = {
        (data.name_of(path), recipe, seed): (path, recipe, seed)
        for path in options.data
        for seed in range(options.seeds)
        for recipe in options.recipes
        if recipe not in FOR_CLASSES or data.load(path).task == "classification"
    }
    known = {key_of(result): result for result in results}
    todo = [job for key, job in wanted.items() if key not in known]
    pool = Parallel(options.n_jobs, return_as="generator_unordered", batch_size=1)
    done = pool(delayed(run)(*job, **settings) for job in todo)
    for count, result in enumerate(done, 1):
        append(options.json, result)
        known[key_of(result)] = result
        log(
            f"{count} of {len(todo)}: {result['data']}, {result['recipe']}, seed "
            f"{result['seed']}: {result['score']:.4f}"
        )
    return [known[key] for key in wanted]


def key_of(result):
    return result["data"], result["recipe"], result["seed"]


def append(path, line):
    if path:
        with open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def resumed(options, settings):
    """The results of the file to go on with; its first line has the settings."""
    if not options.json:
        return []
    file = Path(options.json)
    if not file.exists():
        append(file, settings)
        return []
    if not options.resume:
        raise SystemExit(f"{file} is there already: --resume goes on with it")
    text = file.read_text(encoding="utf-8")
    text = text[: text.rfind("\n") + 1]  # a line half written when it was killed
    file.write_text(text, encoding="utf-8")
    first, *results = map(json.loads, text.splitlines())
    if first != settings:
        raise SystemExit(f"{file} is of {first}, not of {settings}")
    return results
