"""scikit-learn's own tests of its searches, run on caviar's three.

The installed ``sklearn/model_selection/tests/test_search.py`` is executed once for each of
our searches. Between its imports and its first definition the names of its searches are
given to factories, which turn ``param_grid``, ``param_distributions`` and ``n_iter`` into
the arguments of ours; and for the two searches that train by epochs each estimator without
``partial_fit`` is replaced by a subclass for which an epoch is a fit. Its test functions
become tests of this file: ``test_grid_search`` is run as ``test_grid_search_by_hyperband``.

What is not run is listed with the reason: in ``NOT_OF_A_SEARCH`` for all three, in
``LEFT_OUT`` for each. What those claim is tested in our words below or in the file named.
"""

import ast
import functools
import inspect
import sys
import types
from pathlib import Path

import pytest
import sklearn.model_selection
from sklearn.base import BaseEstimator
from sklearn.model_selection import ParameterGrid

from caviar.model_selection import (
    CoarseToFineSearchCV,
    HyperbandSearchCV,
    SuccessiveHalvingSearchCV,
)

# Their tests are not written for warnings as errors.
pytestmark = pytest.mark.filterwarnings("default")

THEIR_SEARCHES = (
    "GridSearchCV",
    "RandomizedSearchCV",
    "HalvingGridSearchCV",
    "HalvingRandomSearchCV",
)


# -- our searches, called as theirs are ------------------------------------------------


def coarse_to_fine(estimator, space, n_candidates, **params):
    """One round: a random search of as many candidates as theirs has."""
    return CoarseToFineSearchCV(
        estimator, space, n_iter=n_candidates, n_rounds=1, **params
    )


def successive_halving(estimator, space, n_candidates, **params):
    """One round of one epoch: as many candidates as theirs has, each scored once."""
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
    return HyperbandSearchCV(estimator, space, max_iter=max_iter, **params)


OURS = {make.__name__: make for make in (coarse_to_fine, successive_halving, hyperband)}


def n_points(grid):
    """Return the number of points of a grid; 1 where it is none, for fit to refuse."""
    try:
        return max(len(ParameterGrid(grid)), 1)
    except (TypeError, ValueError):
        return 1


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

NOT_OF_A_SEARCH = {
    "test_validate_parameter_input": "ParameterGrid and ParameterSampler",
    "test_parameter_grid": "ParameterGrid",
    "test_param_sampler": "ParameterSampler",
    "test_parameters_sampler_replacement": "ParameterSampler",
    "test_yield_masked_array_for_each_param": "a private function",
    "test_yield_masked_array_no_runtime_warning": "a private function",
    "test_custom_run_search": "a search of its own upon BaseSearchCV",
    "test__custom_fit_no_run_search": "a search of its own upon BaseSearchCV",
}
LEFT_OUT = {name: {} for name in OURS}

their_tests = {
    name: function
    for name, function in vars(theirs["hyperband"]).items()
    if name.startswith("test_") and inspect.isfunction(function)
}
for suffix, module in theirs.items():
    for name in their_tests:
        if name not in NOT_OF_A_SEARCH and name not in LEFT_OUT[suffix]:
            globals()[f"{name}_by_{suffix}"] = getattr(module, name)
