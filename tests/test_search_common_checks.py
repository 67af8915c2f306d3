"""scikit-learn's checks of any estimator and of any meta-estimator, on the three searches.

Those of meta-estimators are the functions of ``sklearn/tests/test_metaestimators.py`` and
``test_metaestimators_metadata_routing.py``, called with entries for our classes.
"""

import functools
import inspect

import numpy as np
import pytest
import sklearn.tests.test_metaestimators as delegation
import sklearn.tests.test_metaestimators_metadata_routing as routing
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from caviar import MLPClassifier, MLPRegressor
from caviar.model_selection import (
    CoarseToFineSearchCV,
    HyperbandSearchCV,
    SuccessiveHalvingSearchCV,
)
from searches import BY_EPOCHS, SEARCHES, mlp
from test_search_as_sklearn_tests_it import trained_by_epochs

# The checks fit on tiny data, far from convergence and sometimes with clipped batches.
pytestmark = pytest.mark.filterwarnings("ignore")

# Few trainings: a candidate or two, of 30 epochs or of those that the tests need.
SMALLEST = {
    CoarseToFineSearchCV: dict(n_iter=2, n_rounds=1),
    SuccessiveHalvingSearchCV: dict(
        n_initial_parameters=2, n_initial_iter=15, max_iter=30, aggressiveness=2
    ),
    HyperbandSearchCV: dict(max_iter=30, aggressiveness=31),
}


def smallest(cls, estimator, space=None, **params):
    space = {"alpha": [1e-4, 1e-2]} if space is None else space
    params = SMALLEST[cls] | dict(cv=2, random_state=0) | params
    return cls(estimator, space, **params)


# -- check_estimator -------------------------------------------------------------------

LEARNS = dict(hidden_layer_sizes=(10,), learning_rate_init=0.05, max_iter=30)


@parametrize_with_checks(
    [
        smallest(CoarseToFineSearchCV, mlp(MLPRegressor, **LEARNS)),
        smallest(SuccessiveHalvingSearchCV, mlp(MLPClassifier, **LEARNS)),
        smallest(HyperbandSearchCV, mlp(MLPClassifier, **LEARNS)),
    ],
)
def test_every_search_of_an_mlp_passes_every_check(estimator, check):
    check(estimator)


# -- meta-estimators -------------------------------------------------------------------


def routing_entry(cls):
    """Return what their list holds for RandomizedSearchCV, for our class."""
    (entry,) = (
        entry
        for entry in routing.METAESTIMATORS
        if entry["metaestimator"].__name__ == "RandomizedSearchCV"
    )
    one_epoch = {
        CoarseToFineSearchCV: dict(n_iter=2, n_rounds=1),
        SuccessiveHalvingSearchCV: dict(
            n_initial_parameters=2, n_initial_iter=1, max_iter=1
        ),
        HyperbandSearchCV: dict(max_iter=1),
    }
    init_args = entry["init_args"] | one_epoch[cls]
    return entry | {"metaestimator": cls, "init_args": init_args}


ROUTING_TESTS = [
    function
    for name, function in vars(routing).items()
    if name.startswith("test_")
    and list(inspect.signature(function).parameters) == ["metaestimator"]
]


# It looks up the caller, which is partial_fit here; see test_search_pipelines.py instead.
NOT_BY_EPOCHS = "test_setting_request_on_sub_estimator_removes_error"


@pytest.mark.parametrize(
    "cls, check",
    [
        pytest.param(cls, check, id=f"{cls.__name__}-{check.__name__}")
        for cls in SEARCHES
        for check in ROUTING_TESTS
        if cls not in BY_EPOCHS or check.__name__ != NOT_BY_EPOCHS
    ],
)
def test_metadata_is_routed_as_scikit_learn_tests_it(cls, check):
    check(routing_entry(cls))


def test_all_their_tests_of_routing_are_called():
    assert len(ROUTING_TESTS) >= 7


@pytest.mark.parametrize("cls", SEARCHES)
def test_methods_are_there_where_the_estimator_has_them(cls, monkeypatch):
    if cls in BY_EPOCHS:
        base = trained_by_epochs(delegation.BaseEstimator, __name__)
        monkeypatch.setattr(delegation, "BaseEstimator", base)
    construct = functools.partial(smallest, cls, space={"param": [5, 6]})
    entry = delegation.DelegatorData(cls.__name__, construct, skip_methods=["score"])
    monkeypatch.setattr(delegation, "DELEGATING_METAESTIMATORS", [entry])
    delegation.test_metaestimator_delegation()


@pytest.mark.parametrize("estimator", [MLPClassifier, MLPRegressor])
@pytest.mark.parametrize("cls", SEARCHES)
def test_validation_of_X_is_left_to_the_pipeline(cls, estimator):
    pipeline = make_pipeline(TfidfVectorizer(), mlp(estimator, max_iter=2))
    name = estimator.__name__.lower()
    search = smallest(cls, pipeline, {f"{name}__alpha": [1e-4, 1e-2]})
    delegation.test_meta_estimators_delegate_data_validation(search)
    with pytest.raises(ValueError, match=r"numeric|convert|dtype"):
        search.set_params(estimator=pipeline[-1], param_distributions={"alpha": [0.1]})
        search.fit(np.array([["a"], ["b"]] * 5), [0, 1] * 5)
