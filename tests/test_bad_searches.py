"""Wrong parameters of the searches get one clear error, before anything is trained."""

import numpy as np
import pytest
from scipy.stats import loguniform
from sklearn.cluster import KMeans
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import SGDClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from caviar.model_selection import CoarseToFineSearchCV
from searches import (
    SEARCHES,
    SMALL,
    X,
    Y,
    by_epochs,
    every_search,
    mlp,
    short_trainings,
    small,
)

pytestmark = short_trainings


def assert_refused(search, X, y, match, error=ValueError):
    """Check the error, and that there are no results after it."""
    with pytest.raises(error, match=match):
        search.fit(X, y)
    assert not [
        name for name in vars(search) if name.startswith(("cv_results", "best"))
    ]


COMMON = [
    ("scoring", "exactness"),
    ("scoring", 3),
    ("n_jobs", 1.5),
    ("n_jobs", "all"),
    ("refit", 2.5),
    ("cv", "five"),
    ("cv", 1.5),
    ("verbose", -1),
    ("pre_dispatch", 1.5),
    ("random_state", "seed"),
    ("random_state", -1),
    ("error_score", "ignore"),
    ("error_score", None),
    ("return_train_score", "yes"),
    ("time_budget", 0),
    ("time_budget", -3.0),
    ("time_budget", "1h"),
    ("time_budget", np.nan),
    ("journal", 7),
]
OWN = {
    "CoarseToFineSearchCV": [
        ("n_iter", 0),
        ("n_iter", 2.5),
        ("n_iter", "ten"),
        ("n_rounds", 0),
        ("n_rounds", 1.5),
        ("shrink", 0),
        ("shrink", 1.5),
        ("shrink", "half"),
        ("widen", "no"),
    ],
    "SuccessiveHalvingSearchCV": [
        ("n_initial_parameters", 0),
        ("n_initial_parameters", 2.5),
        ("n_initial_iter", 0),
        ("n_initial_iter", 1.5),
        ("max_iter", 0),
        ("max_iter", 2.5),
        ("aggressiveness", 1),
        ("aggressiveness", "very"),
    ],
    "HyperbandSearchCV": [
        ("max_iter", 0),
        ("max_iter", 2.5),
        ("max_iter", "long"),
        ("aggressiveness", 1),
        ("aggressiveness", None),
    ],
}
CASES = [
    (cls, name, value) for cls in SEARCHES for name, value in COMMON + OWN[cls.__name__]
]


class Untouched(SGDClassifier):
    """Is not trained: a search that refuses its parameters has not begun."""

    def fit(self, *args, **kwargs):
        raise AssertionError("trained")

    partial_fit = fit


@pytest.mark.parametrize("cls, name, value", CASES)
def test_a_wrong_parameter_is_named_with_its_value(cls, name, value):
    search = small(cls, Untouched(), {"alpha": loguniform(1e-4, 1)}, **{name: value})
    shown = str(value) if not isinstance(value, str) else value
    assert_refused(search, X, Y, f"(?s){name}.*{shown}|{shown}.*{name}", ValueError)


BAD_SPACES = [
    (0, "param_distributions.*Got 0 instead"),
    ("alpha", "param_distributions.*Got 'alpha' instead"),
    (None, "param_distributions.*Got None instead"),
    ([{"alpha": [0.1]}, 0], r"Parameter .* is not a dict \(0\)"),
    ({"alpha": 0.1}, r"'alpha' is not .* a distribution \(value=0.1\)"),
    ({"alpha": "0.1,1"}, "param_distributions.*alpha.*0.1,1"),
    ({"alpha": []}, "param_distributions.*alpha"),
    ([], r"param_distributions.*got \[\]"),
]


@pytest.mark.parametrize("space, named", BAD_SPACES, ids=lambda value: str(value)[:20])
@every_search
def test_a_space_that_is_none_is_named(cls, space, named):
    search = cls(Untouched(), space, **SMALL[cls])
    assert_refused(search, X, Y, named, (TypeError, ValueError))


@every_search
def test_a_parameter_that_the_estimator_has_not_is_named(cls):
    search = small(cls, space={"learning_rat": [0.1, 0.2, 0.3, 0.4]})
    assert_refused(search, X, Y, "learning_rat")


@pytest.mark.parametrize("pipeline", [False, True])
@by_epochs
def test_an_estimator_without_partial_fit_is_refused_with_a_sentence(cls, pipeline):
    for estimator in (SVC(), KMeans(), mlp(solver="lbfgs")):
        name = type(estimator).__name__
        match = f"(?s)`estimator` must have partial_fit.*{cls.__name__}.*got .*{name}"
        if pipeline:
            estimator = make_pipeline(StandardScaler(), estimator)
        search = cls(estimator, {"tol": [1e-3, 1e-2]}, **SMALL[cls])
        assert_refused(search, X, Y, match)


def test_coarse_to_fine_searches_any_estimator_with_fit():
    space = {"C": loguniform(1e-2, 1e2), "kernel": ["rbf", "linear"]}
    search = CoarseToFineSearchCV(SVC(), space, n_iter=4, n_rounds=2, random_state=0)
    assert search.fit(X, Y).score(X, Y) > 0.9


@every_search
def test_an_object_without_fit_is_refused(cls):
    search = cls(StandardScaler, {"tol": [1e-3]}, **SMALL[cls])
    assert_refused(search, X, Y, "estimator", (TypeError, ValueError))


@every_search
def test_data_of_different_lengths_is_refused(cls):
    match = "inconsistent numbers of samples"
    assert_refused(small(cls), X[:100], Y, match)


@every_search
def test_more_splits_than_rows_are_refused(cls):
    assert_refused(small(cls, cv=200), X, Y, "n_splits=200")


@every_search
def test_an_empty_cv_is_refused(cls):
    match = "(No fits were performed|empty)"
    assert_refused(small(cls, cv=iter([])), X, Y, match)


@every_search
def test_a_search_that_is_not_fitted_says_so(cls):
    search = small(cls)
    for method in ("predict", "predict_proba"):
        with pytest.raises(
            NotFittedError, match=f"{cls.__name__} instance is not fitted"
        ):
            getattr(search, method)(X)
    with pytest.raises(NotFittedError):
        search.score(X, Y)


@every_search
def test_a_failed_fit_leaves_the_earlier_results(cls):
    search = small(cls).fit(X, Y)
    before = search.cv_results_, search.best_params_, search.best_estimator_
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        search.fit(X[:100], Y)
    after = search.cv_results_, search.best_params_, search.best_estimator_
    assert all(now is then for now, then in zip(after, before, strict=True))
