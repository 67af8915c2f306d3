"""scikit-learn's own tests of its searches, run on caviar's three.

The installed ``sklearn/model_selection/tests/test_search.py`` is executed once for each of
our searches. Between its imports and its first definition the names of its searches are
given to factories, which turn ``param_grid``, ``param_distributions`` and ``n_iter`` into
the arguments of ours; and for the two searches that train by epochs each estimator without
``partial_fit`` is replaced by a subclass for which an epoch is a fit. Its test functions
become tests of this file: ``test_grid_search`` is run as ``test_grid_search_by_hyperband``.

What is not run is listed with the reason: in ``NOT_RUN`` for all three, in ``LEFT_OUT``
for each. What those claim of ours is tested in test_search_citizens.py and
test_search_scores.py, or in the file named, without grids and numbers of candidates.
"""

import ast
import functools
import inspect
import re
import sys
import types
from pathlib import Path

import numpy as np
import pytest
import sklearn
import sklearn.model_selection
from sklearn.base import BaseEstimator
from sklearn.model_selection import ParameterGrid
from threadpoolctl import threadpool_limits

from caviar._regions import Regions
from caviar.model_selection import (
    CoarseToFineSearchCV,
    HyperbandSearchCV,
    SuccessiveHalvingSearchCV,
)

# Their tests are not written for warnings as errors.
pytestmark = pytest.mark.filterwarnings("default")


@pytest.fixture(autouse=True, scope="module")
def one_thread_each():
    """Their small problems are slower by several threads, above all beside other work."""
    with threadpool_limits(1):
        yield


THEIR_SEARCHES = (
    "GridSearchCV",
    "RandomizedSearchCV",
    "HalvingGridSearchCV",
    "HalvingRandomSearchCV",
)


# -- our searches, called as theirs are ------------------------------------------------


def coarse_to_fine(estimator, space, n_candidates, **params):
    """One round: a random search of as many candidates as theirs has."""
    params = {"random_state": seed_in_order(estimator, space)} | params
    return CoarseToFineSearchCV(
        estimator, space, n_iter=n_candidates, n_rounds=1, **params
    )


def points_of(space):
    """Return the points of a grid; none where it is no grid, perhaps for fit to refuse."""
    try:
        return list(ParameterGrid(space))
    except (TypeError, ValueError):
        return []


def seed_in_order(estimator, space):
    """Return a seed with which a few points are drawn in the order of their grid."""
    points = points_of(space)
    if points != [{}] and 0 < len(points) <= 4:
        for seed in range(200):
            draws = np.random.RandomState(seed)
            drawn = Regions(space, estimator, True).draw(len(points), draws)
            if str(drawn) == str(points):  # as values may be arrays
                return seed
    return 0


def successive_halving(estimator, space, n_candidates, **params):
    """One round of one epoch: as many candidates as theirs has, each scored once."""
    params = {"random_state": 0} | params
    return SuccessiveHalvingSearchCV(
        estimator,
        space,
        n_initial_parameters=n_candidates,
        n_initial_iter=1,
        max_iter=1,
        **params,
    )


def hyperband(estimator, space, n_candidates, **params):
    """One candidate of one epoch, or two brackets: 3 at 1 epoch and 1 at 3; 2 at 3."""
    max_iter = 1 if n_candidates == 1 else 3
    params = {"random_state": 0} | params
    return HyperbandSearchCV(estimator, space, max_iter=max_iter, **params)


OURS = {make.__name__: make for make in (coarse_to_fine, successive_halving, hyperband)}


def n_points(space):
    return max(len(points_of(space)), 1)


def factories(make):
    """Return the four names of their searches, as factories of one of ours."""

    def of_grid(estimator, param_grid, **params):
        params.pop("aggressive_elimination", None)
        return make(estimator, param_grid, n_points(param_grid), **params)

    def of_distributions(estimator, param_distributions, n_iter=10, **params):
        params.pop("aggressive_elimination", None)
        # Where all are lists, theirs tries each point once.
        n_candidates = n_iter
        spaces = param_distributions
        for space in [spaces] if isinstance(spaces, dict) else spaces:
            if any(hasattr(values, "rvs") for values in space.values()):
                break
        else:
            n_candidates = min(n_iter, n_points(param_distributions))
        return make(estimator, param_distributions, n_candidates, **params)

    return dict(zip(THEIR_SEARCHES, [of_grid, of_distributions] * 2, strict=True))


class ByEpochs:
    """Trains an estimator by epochs of which each is a whole fit."""

    def partial_fit(self, X, y=None, **fit_params):
        fit_params.pop("classes", None)
        return self.fit(X, y, **fit_params)


def trained_by_epochs(cls, module_name):
    """Return a subclass with partial_fit, under the name that the class has."""
    own = {"__module__": module_name, "__qualname__": cls.__qualname__}
    return type(cls.__name__, (ByEpochs, cls), own)


def is_to_be_trained_by_epochs(name, value):
    if not inspect.isclass(value) or not hasattr(value, "fit") or name in STAY:
        return value is BaseEstimator
    if hasattr(value, "partial_fit"):
        return name == "SGDClassifier"  # they pass parameters that only its fit takes
    return hasattr(value, "predict") or hasattr(value, "score_samples")


def load_their_tests(name):
    """Execute their module with ours in place of their searches."""
    path = Path(sklearn.model_selection.__file__).parent / "tests" / "test_search.py"
    module = types.ModuleType(f"sklearn_test_search_by_{name}")
    module.__file__ = str(path)

    def put_ours_in_place():
        module.__dict__.update(factories(OURS[name]))
        if name == "coarse_to_fine":
            return
        for key, value in list(vars(module).items()):
            if is_to_be_trained_by_epochs(key, value):
                setattr(module, key, trained_by_epochs(value, module.__name__))

    tree = ast.parse(path.read_text(encoding="utf-8"))
    imports = (ast.Import, ast.ImportFrom)
    n_imports = max(k for k, node in enumerate(tree.body) if isinstance(node, imports))
    tree.body[n_imports + 1 : n_imports + 1] = ast.parse("put_ours_in_place()").body
    module.put_ours_in_place = put_ours_in_place
    sys.modules[module.__name__] = module  # for the pickles of its classes
    exec(compile(tree, str(path), "exec"), vars(module))
    further = ("round",)
    if name != "coarse_to_fine":
        further += ("bracket", "candidate", "epochs", "epochs_trained")
    # Their helper has a parameter for columns of searches that have more.
    module.check_cv_results_keys = functools.partial(
        module.check_cv_results_keys, extra_keys=further
    )
    return module


# Not the estimators searched: searches' base class, and what trains its last step.
STAY = {"BaseSearchCV", "Pipeline"}
theirs = {name: load_their_tests(name) for name in OURS}

NOT_RUN = {
    "test_validate_parameter_input": "ParameterGrid and ParameterSampler",
    "test_parameter_grid": "ParameterGrid",
    "test_param_sampler": "ParameterSampler",
    "test_parameters_sampler_replacement": "ParameterSampler",
    "test_yield_masked_array_for_each_param": "a private function",
    "test_yield_masked_array_no_runtime_warning": "a private function",
    "test_custom_run_search": "a search of its own upon BaseSearchCV",
    "test__custom_fit_no_run_search": "a search of its own upon BaseSearchCV",
    "test_array_api_search_cv_classifier": "arrays of libraries that are not installed",
}

ITS_NUMBER = (
    "Hyperband's schedule says how many candidates there are, and of what epochs"
)
MAX_ITER = "searches max_iter, which is refused: epochs are what is divided"
ROUNDS = "counts tasks, which have rounds above them: see test_search_callbacks.py"
SEVERAL = "a grid's order of more points than a seed could be found for"
ONCE = "the same point several times; no candidate is drawn twice here"
GRID = "what a grid is: see test_bad_searches.py"
BY_EPOCHS = {
    "test_grid_search_bad_param_grid": GRID,
    "test_n_features_in": MAX_ITER,
    "test_search_callbacks_no_propagation": MAX_ITER,
    "test_search_callbacks_propagation": MAX_ITER,
    "test_search_callbacks_receive_sample_weight": MAX_ITER,
    "test_search_callbacks_receive_search_instance": MAX_ITER,
    "test_search_callbacks_with_partial_fit_failures": ROUNDS,
}
LEFT_OUT = {
    "coarse_to_fine": {
        "test_grid_search_bad_param_grid": GRID,
        "test_search_callbacks_no_propagation": ROUNDS,
        "test_search_callbacks_propagation": ROUNDS,
        "test_search_callbacks_with_partial_fit_failures": ROUNDS,
        "test_grid_search_classifier_all_fits_fail": ONCE,
        "test_grid_search_cv_splits_consistency": ONCE,
        "test_callable_multimetric_clf_all_fits_fail": ONCE,
        "test_search_with_2d_array": SEVERAL,
    },
    "successive_halving": BY_EPOCHS,
    "hyperband": BY_EPOCHS
    | {
        "test_grid_search": ITS_NUMBER,
        "test_refit": "its estimator cannot be fitted twice, and epochs are fits here",
        "test_refit_callable_out_bound": ITS_NUMBER,
        "test_grid_search_cv_results": ITS_NUMBER,
        "test_random_search_cv_results": ITS_NUMBER,
        "test_grid_search_cv_results_multimetric": ITS_NUMBER,
        "test_random_search_cv_results_multimetric": ITS_NUMBER,
        "test_search_cv_results_rank_tie_breaking": ITS_NUMBER,
        "test_search_cv_results_none_param": ITS_NUMBER,
        "test_grid_search_failing_classifier": ITS_NUMBER,
        "test_grid_search_cv_splits_consistency": ITS_NUMBER,
        "test_searchcv_raise_warning_with_non_finite_score": ITS_NUMBER,
        "test_callable_multimetric_error_failing_clf": ITS_NUMBER,
        "test_search_with_2d_array": ITS_NUMBER,
    },
}
if "get_n_splits returned" in inspect.getsource(theirs["hyperband"]):
    for listed in LEFT_OUT.values():
        listed["test_random_search_bad_cv"] = "the error's words of older versions"

their_tests = {
    name: function
    for name, function in vars(theirs["hyperband"]).items()
    if name.startswith("test_") and inspect.isfunction(function)
}
for suffix, module in theirs.items():
    for name in their_tests:
        if name not in NOT_RUN and name not in LEFT_OUT[suffix]:
            globals()[f"{name}_by_{suffix}"] = getattr(module, name)


# -- that the file is covered ----------------------------------------------------------


def test_their_module_sees_our_searches():
    """What each of their names makes is ours, whatever it is called with."""
    space = {"foo_param": [1, 2]}
    classes = [CoarseToFineSearchCV, SuccessiveHalvingSearchCV, HyperbandSearchCV]
    for module, cls in zip(theirs.values(), classes, strict=True):
        for name in THEIR_SEARCHES:
            search = getattr(module, name)(module.MockClassifier(), space)
            assert type(search) is cls
    assert isinstance(sklearn.model_selection.GridSearchCV, type)


def test_every_test_of_the_installed_file_is_run_or_listed():
    source = Path(theirs["hyperband"].__file__).read_text(encoding="utf-8")
    defined = set(re.findall(r"^def (test_\w+)", source, flags=re.MULTILINE))
    assert defined == set(their_tests)
    run = {name for name in globals() if "_by_" in name}
    for suffix in OURS:
        listed = defined & (NOT_RUN.keys() | LEFT_OUT[suffix].keys())
        for name in defined:
            assert (f"{name}_by_{suffix}" in run) != (name in listed), name
    if sklearn.__version__ == "1.9.1":
        for listed in (NOT_RUN, *LEFT_OUT.values()):
            assert listed.keys() <= defined
        n_left_out = {suffix: len(listed) for suffix, listed in LEFT_OUT.items()}
        assert (len(defined), len(NOT_RUN)) == (91, 9)
        assert n_left_out == {
            "coarse_to_fine": 8,
            "successive_halving": 7,
            "hyperband": 21,
        }
