"""Helpers for tests of the three searches: small ones, and GridSearchCV as the oracle."""

import re

import numpy as np
import pytest
from scipy.stats import loguniform
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline

from caviar import MLPClassifier
from caviar.model_selection import (
    CoarseToFineSearchCV,
    HyperbandSearchCV,
    SuccessiveHalvingSearchCV,
)

BY_EPOCHS = [SuccessiveHalvingSearchCV, HyperbandSearchCV]
SEARCHES = [CoarseToFineSearchCV, *BY_EPOCHS]
every_search = pytest.mark.parametrize("cls", SEARCHES)
by_epochs = pytest.mark.parametrize("cls", BY_EPOCHS)
# Searches try short trainings on purpose.
short_trainings = pytest.mark.filterwarnings(
    "error",
    "ignore::sklearn.exceptions.ConvergenceWarning",
    "ignore::caviar.model_selection.SearchBoundaryWarning",
)

# Candidates at epochs: 4 at 1, 2 at 2, 1 at 4; and for Hyperband 3 at 1, 1 at 3; 2 at 3.
SMALL = {
    CoarseToFineSearchCV: dict(n_iter=3, n_rounds=2),
    SuccessiveHalvingSearchCV: dict(
        n_initial_parameters=4, n_initial_iter=1, max_iter=4, aggressiveness=2
    ),
    HyperbandSearchCV: dict(max_iter=3, aggressiveness=3),
}
N_ROWS = {CoarseToFineSearchCV: 6, SuccessiveHalvingSearchCV: 7, HyperbandSearchCV: 6}

X, Y = load_iris(return_X_y=True)
ORDER = np.random.RandomState(0).permutation(150)
X, Y = (X[ORDER] - X.mean(axis=0)) / X.std(axis=0), Y[ORDER]


def mlp(cls=MLPClassifier, **params):
    return cls(**dict(hidden_layer_sizes=(4,), max_iter=4, random_state=0) | params)


def small(cls, estimator=None, space=None, **params):
    """Return a search of a few short trainings: by default of an MLP on iris."""
    estimator = mlp() if estimator is None else estimator
    if space is None:
        space = {
            prefix_of(estimator) + "learning_rate_init": loguniform(1e-3, 1e-1),
            prefix_of(estimator) + "alpha": [1e-5, 1e-3],
        }
    params = SMALL[cls] | dict(cv=2, random_state=0) | params
    return cls(estimator, space, **params)


def prefix_of(estimator):
    """Return what stands before the name of a parameter of the MLP."""
    if isinstance(estimator, Pipeline):
        name, last = estimator.steps[-1]
        return f"{name}__{prefix_of(last)}"
    return ""


def epochs_of(search):
    """Return the epochs that each row was trained for."""
    estimator = search.estimator
    max_iter = estimator.get_params()[prefix_of(estimator) + "max_iter"]
    n_rows = len(search.cv_results_["params"])
    return search.cv_results_.get("epochs", np.full(n_rows, max_iter))


def scores(results):
    """Return the columns that hold scores, without ranks and times."""
    return {
        name: column
        for name, column in results.items()
        if re.match(r"(split\d+|mean|std)_(test|train)_", name)
    }


def without_times(results):
    return {name: v for name, v in results.items() if not name.endswith("_time")}


def reference(search, X, y, cv, only, **fit_params):
    """Yield per number of epochs the rows, and GridSearchCV's results of just those.

    It trains each candidate from scratch, for ``max_iter`` = the epochs of the row.
    """
    epochs = epochs_of(search)
    for n_epochs in np.unique(epochs) if only is None else only:
        rows = np.flatnonzero(epochs == n_epochs)
        params = [search.cv_results_["params"][row] for row in rows]
        estimator = clone(search.estimator)
        grid = GridSearchCV(
            estimator.set_params(**{prefix_of(estimator) + "max_iter": n_epochs}),
            [{name: [value] for name, value in one.items()} for one in params],
            cv=cv,
            scoring=search.scoring,
            refit=False,
            error_score=search.error_score,
            return_train_score=search.return_train_score,
        )
        yield rows, grid.fit(X, y, **fit_params).cv_results_


def assert_rows_are_fits_from_scratch(
    search, X, y, *, cv=None, epochs=None, **fit_params
):
    """Check each score of each row and split against GridSearchCV's, bit for bit.

    cv is needed where the search was given a generator, which is consumed; epochs to
    check only rows of those numbers of epochs.
    """
    cv = search.cv if cv is None else cv
    ours = scores(search.cv_results_)
    for rows, theirs in reference(search, X, y, cv, epochs, **fit_params):
        theirs = scores(theirs)
        assert set(ours) == set(theirs)
        for name, column in theirs.items():
            np.testing.assert_array_equal(ours[name][rows], column, err_msg=name)


def assert_same_results(search, other):
    ours, theirs = without_times(search.cv_results_), without_times(other.cv_results_)
    np.testing.assert_equal(ours, theirs)
    assert search.best_index_ == other.best_index_
