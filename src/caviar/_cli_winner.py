"""What the winner of a search is like: how it learns, what it looks at, what it misses.

Costs a bounded number of further fits and predictions, on a bounded number of rows.
"""

import itertools
import math
import warnings
from dataclasses import replace

import numpy as np
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.inspection import permutation_importance

from caviar import diagnostics
from caviar._cli_search import METRICS, choose_rows, find_network, take

IMPORTANCE_ROWS = 1000
CHECKUP_ROWS = 2000
MOST_COLUMNS = 500  # whose importances are measured
MOST_COLUMN_SHUFFLES = 400  # in all folds, where five for each column would be more


def check_up(problem, settings, model, part):
    """The checkup of the winner, on rows of its training and rows that it is tested on."""
    few = replace(settings, search_rows=CHECKUP_ROWS)
    rows = choose_rows(problem, few, part.train)
    test = choose_rows(problem, few, part.test)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what is amiss is among the findings
        return diagnostics.checkup(
            clone(model),
            take(problem.X, rows),
            problem.y[rows],
            X_val=take(problem.X, test),
            y_val=problem.y[test],
            random_state=settings.seed,
            verbose=False,
        )


def watch_learning(problem, settings, model, part):
    """The winner's network, trained with an eye on rows that it does not learn from.

    Once more, on the training rows of a part and for as many epochs as the winner, with the
    part's test rows looked at after each.
    """
    rows = choose_rows(problem, settings, part.train)
    test = choose_rows(problem, settings, part.test)
    learner = clone(model.named_steps["mlp"])
    y, y_test = problem.y[rows], problem.y[test]
    if isinstance(learner, TransformedTargetRegressor):
        scale = learner.transformer.fit(y[:, None])
        y, y_test = scale.transform(y[:, None])[:, 0], scale.transform(y_test[:, None])
        y_test, learner = y_test[:, 0], learner.regressor
    n_epochs = len(find_network(model).loss_curve_)
    learner.set_params(early_stopping=False, max_iter=n_epochs, tol=0.0)
    columns = clone(model.named_steps["columns"])
    X = columns.fit_transform(take(problem.X, rows), y)
    X_test = columns.transform(take(problem.X, test))
    learner.set_params(n_iter_no_change=max(n_epochs, 1))
    try:
        learner.fit(X, y, X_val=X_test, y_val=y_test)
    except ValueError:
        # It diverges without the early stopping that has saved the winner.
        return find_network(model)
    return learner


def measure_importances(problem, settings, parts, models):
    """By how much the score falls where a column is shuffled, on rows kept apart.

    A mean over rows of all parts, of which at most `IMPORTANCE_ROWS` are taken each; few
    repeats where columns are many, and nothing where they are very many.
    """
    n_columns = problem.X.shape[1]
    if n_columns > MOST_COLUMNS:
        return []
    n_repeats = max(1, min(5, MOST_COLUMN_SHUFFLES // (n_columns * len(parts))))
    drops = []
    for part, model in zip(parts, models, strict=True):
        small = replace(settings, search_rows=IMPORTANCE_ROWS)
        rows = choose_rows(problem, small, part.test)
        found = permutation_importance(
            model,
            take(problem.X, rows),
            problem.y[rows],
            scoring=METRICS[problem.task][0],
            n_repeats=n_repeats,
            random_state=settings.seed,
        )
        drops.append(found.importances)
    drops = np.concatenate(drops, axis=1)
    return [
        {"column": name, "mean": float(drop.mean()), "std": float(drop.std())}
        for name, drop in sorted(
            zip(column_names(problem), drops, strict=True), key=lambda d: -d[1].mean()
        )
    ]


def column_names(problem):
    """Of the columns to learn from; of the digits their pixels."""
    if hasattr(problem.X, "columns"):
        return [str(name) for name in problem.X.columns]
    n_columns = problem.X.shape[1]
    side = math.isqrt(n_columns)
    if side**2 != n_columns:
        return [f"column {number}" for number in range(1, n_columns + 1)]
    places = itertools.product(range(1, side + 1), repeat=2)
    return [f"pixel {row}, {column}" for row, column in places]
