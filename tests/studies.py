"""Studies of real, small searches, to make reports of in tests."""

import functools
import warnings

import numpy as np
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_wine
from sklearn.inspection import permutation_importance
from sklearn.metrics import (
    accuracy_score,
    confusion_matrix,
    mean_absolute_error,
    r2_score,
)
from sklearn.model_selection import train_test_split

import caviar
from caviar import _cli_search, _cli_table, _rebuild
from caviar._by_epochs import find_learner
from caviar._study import Study
from caviar.distributions import Choice, LogUniform
from caviar.model_selection import CoarseToFineSearchCV

TITLES = {"accuracy": "accuracy", "r2": "R2"}
METRICS = {
    "classification": ("accuracy", accuracy_score),
    "regression": ("r2", r2_score),
}


def load(task):
    """X, y, names of columns and of the target."""
    if task == "classification":
        bunch = load_wine(as_frame=True)
        frame = bunch.frame.rename(columns={"target": "cultivar"})
        frame["cultivar"] = np.array(["Barolo", "Grignolino", "Barbera"])[bunch.target]
        return frame, "cultivar"
    frame = load_diabetes(as_frame=True, scaled=False).frame
    return frame.rename(columns={"target": "progression"}), "progression"


@functools.cache
def study(task="classification", rename=None, n_iter=6):
    """A study as `tune` makes it, of a held-out score. Do not change it.

    `rename`, a function, is applied to the names of columns, target and classes.
    """
    rename = rename or str
    frame, target = load(task)
    frame = frame.rename(columns=rename)
    if task == "classification":
        frame[rename(target)] = frame[rename(target)].map(rename)
    y = frame.pop(rename(target)).to_numpy()
    y = y.astype(object if task == "classification" else np.float64)
    names = list(frame.columns)
    problem = _cli_table.Problem(frame, y, task, "as it is", "table.csv", names)
    return _study_of(problem, rename(target), n_iter)


def _study_of(problem, target, n_iter):
    metric, metric_function = METRICS[problem.task]
    model = _cli_search.build_model(problem, _cli_search.Settings(n_splits=3))
    prefix = find_learner(model)[1]
    space = {
        f"{prefix}learning_rate_init": LogUniform(1e-3, 3e-2),
        f"{prefix}alpha": LogUniform(1e-5, 1),
        f"{prefix}hidden_layer_sizes": Choice([(16,), (32,), (32, 16)]),
        f"{prefix}batch_norm": Choice([False, True]),
    }
    model.set_params(**{f"{prefix}max_iter": 30, f"{prefix}early_stopping": True})
    search = CoarseToFineSearchCV(
        model, space, n_iter=n_iter, n_rounds=2, cv=3, random_state=0, scoring=metric
    )
    X, X_test, y, y_test = train_test_split(
        problem.X,
        problem.y,
        random_state=0,
        stratify=problem.y if problem.task == "classification" else None,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        search.fit(X, y)
        importance = permutation_importance(
            search, X_test, y_test, n_repeats=4, random_state=0
        )
        winner = clone(search.best_estimator_).fit(problem.X, problem.y)
    predicted = search.predict(X_test)
    value = metric_function(y_test, predicted)
    return Study(
        command="python -m caviar tune table.csv --target " + target,
        created="2026-01-31 12:00",
        data=_data(problem),
        target={**_target(problem), "name": target},
        search=_search(search, space, metric),
        results={
            name: np.asarray(search.cv_results_[name]).tolist()
            for name in (
                "params mean_test_score std_test_score mean_fit_time round "
                "rank_test_score"
            ).split()
        },
        score={
            "metric": metric,
            "title": TITLES[metric],
            "value": value,
            "spread": 0.02,
            "kind": "held-out",
            "n_rows": len(y_test),
            "baseline": 0.4 if problem.task == "classification" else 0.0,
            **_errors(problem, y_test, predicted),
        },
        winner=_winner(search, winner),
        diagnosis={
            "verdict": "overfitting",
            "title": "The network begins to overfit.",
            "numbers": {"gap": 0.21, "best_epoch": 12, "losses": [0.5, 0.25, 0.125]},
            "advice": ["Raise `alpha`.", "Try dropout of 0.2."],
        },
        checkup={"findings": _findings()},
        importances=_importances(problem, importance),
        code=_rebuild.script("X, y = load()\n", winner),
        usage={
            "predict": "python -m caviar predict caviar-table/model.joblib new.csv",
            "report": "python -m caviar report caviar-table",
            "folder": "caviar-table",
            "files": {"model.joblib": "the model", "cv_results.csv": "all candidates"},
        },
        versions={"caviar": caviar.__version__, "numpy": np.__version__},
        seconds=83.4,
    )


def _data(problem):
    columns = [
        {
            "name": str(name),
            "kind": "numeric",
            "n_missing": 0,
            "n_different": int(problem.X[name].nunique()),
            "note": "",
        }
        for name in problem.X.columns
    ]
    left_out = {"name": "id", "kind": "left out", "note": "it numbers the rows"}
    return {
        "source": problem.source,
        "n_rows": len(problem.y),
        "n_columns": problem.X.shape[1],
        "columns": [*columns, {**left_out, "n_missing": 0, "n_different": 178}],
        "notes": ["column 'id' is left out, it numbers the rows"],
        "reading": {"format": "CSV", "separator": ",", "encoding": "utf-8"},
    }


def _target(problem):
    summary = {"task": problem.task, "reason": problem.reason}
    if problem.task == "classification":
        labels, counts = np.unique(problem.y, return_counts=True)
        return {**summary, "classes": labels.tolist(), "counts": counts.tolist()}
    quantiles = np.quantile(problem.y, [0, 0.25, 0.5, 0.75, 1])
    return {**summary, "quantiles": quantiles.tolist()}


def _search(search, space, metric):
    ranges = {n: [d.low, d.high] for n, d in space.items() if hasattr(d, "low")}
    edge = next(iter(ranges))
    return {
        "kind": "coarse-to-fine",
        "n_candidates": len(search.cv_results_["params"]),
        "n_splits": search.n_splits_,
        "nested": False,
        "seed": 0,
        "completed": True,
        "metric": metric,
        "title": TITLES[metric],
        "space": {name: str(values) for name, values in space.items()},
        "scales": {name: values.scale for name, values in space.items()},
        "ranges": ranges,
        "rounds": [
            {"n_candidates": search.n_iter, "best_score": entry["best_score"]}
            for entry in search.rounds_
        ],
        "boundaries": [
            {"parameter": edge, "value": search.best_params_[edge], "edge": "high"}
        ],
        "n_fits": 3 * len(search.cv_results_["params"]),
        "seconds": 71.5,
    }


def _errors(problem, truth, predicted):
    if problem.task == "classification":
        labels = np.unique(problem.y)
        counts = confusion_matrix(truth, predicted, labels=labels).tolist()
        return {"confusion": {"labels": labels.tolist(), "counts": counts}}
    error = mean_absolute_error(truth, predicted)
    return {
        "others": [{"title": "mean absolute error", "value": error, "unit": None}],
        "residuals": {"truth": truth.tolist(), "predicted": predicted.tolist()},
    }


def _winner(search, winner):
    network = find_learner(winner)[0]
    network = getattr(winner[-1], "regressor_", winner[-1])
    return {
        "params": search.best_params_,
        "index": int(search.best_index_),
        "n_epochs": network.n_iter_,
        "best_epoch": network.best_epoch_,
        "n_parameters": len(network.params_),
        "history": network.history_,
        "pipeline": repr(winner),
    }


def _importances(problem, importance):
    order = np.argsort(-importance.importances_mean)
    return [
        {
            "column": str(problem.X.columns[i]),
            "mean": importance.importances_mean[i],
            "std": importance.importances_std[i],
        }
        for i in order
    ]


def _findings():
    return [
        {
            "step": "initial loss",
            "status": status,
            "title": title,
            "explanation": "The first loss is 1.1, and log K is 1.099.",
            "advice": advice,
            "numbers": {"loss": 1.1, "expected": 1.0986},
        }
        for status, title, advice in [
            ("ok", "The first loss is what it must be.", []),
            ("warning", "A tenth of the units is dead.", ["Try a smaller rate."]),
            ("problem", "Twenty rows cannot be learned by heart.", ["Try more units."]),
        ]
    ]


def unfinished(task="classification"):
    """The same search, interrupted after its first candidates."""
    whole = study(task)
    results = {name: values[:5] for name, values in whole.results.items()}
    search = {**whole.search, "completed": False, "stopped": "interrupted"}
    return Study(
        command=whole.command,
        data=whole.data,
        target=whole.target,
        search={**search, "boundaries": [], "rounds": []},
        results=results,
        usage={"resume": whole.command},
        versions=whole.versions,
        seconds=12.0,
    )
