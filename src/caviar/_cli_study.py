"""What ``tune`` found, as a `Study`: plain data for the terminal, the page and programs.

Computes nothing but what follows from the outcome; shows nothing.
"""

import math
import os
import platform
import shlex
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version

import numpy as np
from sklearn.metrics import (
    balanced_accuracy_score,
    confusion_matrix,
    mean_absolute_error,
    root_mean_squared_error,
)

from caviar import diagnostics
from caviar._cli_folder import FILES
from caviar._cli_search import (
    METRIC_TITLES,
    METRICS,
    build_space,
    find_network,
    n_candidates,
)
from caviar._rebuild import code
from caviar._study import Study
from caviar.distributions import as_distribution

MOST_RESIDUALS = 2000
MOST_LABELS = 100  # of a confusion matrix, beyond which it is left out
RESULTS = (
    *("params", "mean_test_score", "std_test_score", "mean_fit_time"),
    *("rank_test_score", "round", "bracket", "candidate", "epochs"),
)
# With these the code of a study gives the same bits.
DECIDING = ("caviar", "numpy", "scipy", "scikit-learn")
PACKAGES = ("caviar", "numpy", "scipy", "scikit-learn", "joblib", "pandas", "pyarrow")


def begin_study(problem, settings, command, folder):
    """What is known before the search.

    Parameters
    ----------
    problem : Problem
    settings : Settings
    command : str
        The command line that was given.
    folder : path-like
    """
    return Study(
        command=command,
        created=_now(),
        data=problem.data_summary(),
        target=problem.target_summary(),
        search=_asked(problem, settings),
        usage=_usage(command, folder, problem),
        versions=_versions(),
    )


def finish_study(study, problem, outcome, seconds):
    """The study of a search that has come to its end.

    Parameters
    ----------
    study : Study
        As `begin_study` made it; it is filled.
    outcome : Outcome
    seconds : float
        All in all.
    """
    search = outcome.search
    study.created, study.seconds = _now(), seconds
    study.results = _results(search.cv_results_)
    study.search |= {
        "completed": outcome.completed,
        "stopped": None if outcome.completed else "time budget",
        "rounds": _rounds(search, study.results),
        "boundaries": _boundaries(search),
        "n_failed": int(np.sum(~np.isfinite(search.cv_results_["mean_test_score"]))),
        "n_fits": outcome.n_fits,
        "n_epochs": outcome.n_epochs,
    }
    study.score = _score(problem, study.search, outcome)
    study.winner = _winner(search, outcome)
    study.diagnosis = diagnostics.diagnose(outcome.watched).to_dict()
    study.checkup = outcome.checkup.to_dict()
    study.importances = outcome.importances
    deciding = {name: study.versions[name] for name in DECIDING}
    study.code = code(problem, outcome.model, deciding)
    study.notes = [*study.notes, *outcome.notes]
    study.usage.pop("resume", None)
    return study


def study_so_far(study, results, n_fits):
    """The study of a search that was cut short.

    Parameters
    ----------
    study : Study
        As `begin_study` made it; it is filled.
    results : JournalResults
        Of the journal of its first search.
    n_fits : int
        Finished ones, in all journals.
    """
    study.search |= {
        "completed": False,
        "stopped": "interrupted",
        "n_fits": n_fits,
    }
    if results.cv_results_:
        study.results = _results(results.cv_results_)
        scores = np.array(study.results["mean_test_score"])
        study.search["n_failed"] = int(np.sum(~np.isfinite(scores)))
    return study


# Before the search


def _asked(problem, settings):
    space = build_space(problem, settings)
    distributions = {name: as_distribution(values) for name, values in space.items()}
    metric = METRICS[problem.task][0]
    return {
        "kind": settings.kind,
        "n_candidates": n_candidates(problem, settings),
        "n_splits": settings.n_splits,
        "nested": settings.nested,
        "seed": settings.seed,
        "n_jobs": settings.n_jobs,
        "time_budget": settings.time_budget,
        "metric": metric,
        "title": METRIC_TITLES[metric],
        "space": {name: str(values) for name, values in space.items()},
        "scales": {name: d.scale for name, d in distributions.items()},
        "ranges": {
            name: [d.low, d.high]
            for name, d in distributions.items()
            if hasattr(d, "low")
        },
        "completed": False,
    }


def _usage(command, folder, problem):
    shown = shlex.quote(str(folder))
    usage = {
        "predict": f"python -m caviar predict {shown} NEW.csv --out PREDICTIONS.csv",
        "report": f"python -m caviar report {shown}",
        "resume": command,
        "folder": str(folder),
        "files": dict(FILES),
    }
    if hasattr(problem.X, "columns"):
        usage["retest"] = f"python -m caviar retest {shown} LABELLED.csv"
    return usage


def _versions():
    found = {"Python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    found["system"] = (
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    )
    return found


def _now():
    return datetime.now().astimezone().strftime("%Y-%m-%d %H:%M")


# After it


def _results(columns):
    return {
        name: np.asarray(columns[name]).tolist() if name != "params" else columns[name]
        for name in RESULTS
        if name in columns
    }


def _rounds(search, results):
    """The rounds of a search, those of all brackets in turn."""
    by_round = {}
    brackets = results.get("bracket", [0] * len(results["params"]))
    rounds = results.get("round", brackets)
    for row, key in enumerate(zip(brackets, rounds, strict=True)):
        by_round.setdefault(key, []).append(row)
    found = []
    for rows in by_round.values():
        scores = [results["mean_test_score"][row] for row in rows]
        finite = [score for score in scores if math.isfinite(score)]
        entry = {"n_candidates": len(rows), "best_score": max(finite, default=None)}
        if "epochs" in results:
            entry["epochs"] = results["epochs"][rows[0]]
        found.append(entry)
    return found


def _boundaries(search):
    """The winner's values that lie beside an edge beyond which nothing was tried."""
    space = {n: as_distribution(v) for n, v in search.param_distributions.items()}
    regions = [entry["region"] for entry in getattr(search, "rounds_", [])]
    return [
        {"parameter": name, "value": value, "edge": space[name].edge(value)}
        for name, value in search.best_params_.items()
        if _is_at_the_end(value, space[name], [region[name] for region in regions])
    ]


def _is_at_the_end(value, given, regions):
    """Whether a value lies at an edge of its range, and no round has looked past it."""
    side = given.edge(value)
    if side is None or not given._can_pass(value):
        return False
    wider = [region for region in regions if region._goes_past(given, side)]
    return all(region.edge(value) == side for region in wider)


def _score(problem, asked, outcome):
    score = {
        "metric": asked["metric"],
        "title": asked["title"],
        "value": outcome.score,
        "spread": outcome.spread,
        "kind": "nested" if asked["nested"] else "held-out",
        "folds": outcome.folds,
        "n_rows": len(outcome.truth),
    }
    if problem.task == "classification":
        return score | _classification_score(problem, outcome)
    return score | _regression_score(outcome)


def _classification_score(problem, outcome):
    truth, predicted = outcome.truth, outcome.predicted
    counts = np.unique(problem.y, return_counts=True)[1]
    balanced = float(balanced_accuracy_score(truth, predicted))
    score = {
        "baseline": float(counts.max() / len(problem.y)),
        "others": [{"title": "balanced accuracy", "value": balanced, "unit": None}],
    }
    labels = np.unique(problem.y)
    if len(labels) <= MOST_LABELS:
        matrix = confusion_matrix(truth, predicted, labels=labels)
        score["confusion"] = {"labels": labels.tolist(), "counts": matrix.tolist()}
    return score


def _regression_score(outcome):
    truth, predicted = outcome.truth, outcome.predicted
    rows = np.arange(len(truth))
    if len(rows) > MOST_RESIDUALS:
        rows = np.random.default_rng(0).choice(rows, MOST_RESIDUALS, replace=False)
    others = {
        "mean absolute error": mean_absolute_error(truth, predicted),
        "root mean squared error": root_mean_squared_error(truth, predicted),
    }
    return {
        "baseline": 0.0,  # R2 of answering the mean
        "others": [
            {"title": title, "value": float(value), "unit": "in the unit of the target"}
            for title, value in others.items()
        ],
        "residuals": {
            "truth": truth[rows].tolist(),
            "predicted": predicted[rows].tolist(),
        },
    }


def _winner(search, outcome):
    network = find_network(outcome.model)
    return {
        "params": search.best_params_,
        "index": int(search.best_index_),
        "n_epochs": len(network.loss_curve_),
        "best_epoch": getattr(network, "best_epoch_", None),
        "n_parameters": int(
            sum(part.size for part in (*network.coefs_, *network.intercepts_))
        ),
        "history": outcome.watched.history_,
        "pipeline": repr(outcome.model),
    }
