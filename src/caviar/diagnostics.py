"""Diagnostics: what goes on inside a network, and what is wrong where it does not learn.

The seven steps of a careful training, as functions:

1. `check_initial_loss`: is the loss right before training?
2. `overfit_small_sample`: can the network learn fifty rows by heart?
3. `learning_rate_range_test`: which learning rates make the loss fall?
4. and 5. a coarse search, then a finer one: `caviar.model_selection.CoarseToFineSearchCV`.
6. `diagnose`: what do the curves say?
7. Back to 5.

`checkup` runs 1, 2, 3 and 6, looks at the data before, and prints one page; `retest` asks
whether an earlier search's winner still is one. `activation_statistics` looks inside.
Nothing here changes an estimator that it is given.
"""

from numbers import Integral, Real

import numpy as np
from sklearn.compose import TransformedTargetRegressor
from sklearn.pipeline import Pipeline

from . import _checkup, _first_loss, _rate_test, _retest, _small_sample
from ._activations import ActivationStatistics, activation_statistics
from ._checkup import Checkup
from ._diagnosed import find_problem
from ._findings import Finding
from ._first_loss import InitialLoss
from ._rate_test import LearningRateRange
from ._retest import Retest
from ._small_sample import SmallSampleFit
from ._verdicts import Diagnosis, diagnose_curves

__all__ = [
    "ActivationStatistics",
    "Checkup",
    "Diagnosis",
    "Finding",
    "InitialLoss",
    "LearningRateRange",
    "Retest",
    "SmallSampleFit",
    "activation_statistics",
    "check_initial_loss",
    "checkup",
    "diagnose",
    "learning_rate_range_test",
    "overfit_small_sample",
    "retest",
]


def check_initial_loss(estimator, X, y, sample_weight=None, *, random_state=0):
    """Step 1: whether the loss is right before training."""
    problem = find_problem(estimator, X, y, sample_weight)
    return _first_loss.check(problem, random_state)


def overfit_small_sample(
    estimator,
    X,
    y,
    sample_weight=None,
    *,
    n_samples=50,
    max_epochs=2000,
    random_state=0,
):
    """Step 2: whether the network can learn a few rows by heart."""
    _check_integer("n_samples", n_samples, 2)
    _check_integer("max_epochs", max_epochs, 1)
    problem = find_problem(estimator, X, y, sample_weight)
    return _small_sample.check(problem, n_samples, max_epochs, random_state)


def learning_rate_range_test(
    estimator,
    X,
    y,
    sample_weight=None,
    *,
    low=1e-6,
    high=10.0,
    n_points=100,
    n_steps=100,
    random_state=0,
):
    """Step 3: which learning rates make the loss fall."""
    _check_integer("n_points", n_points, 10)
    _check_integer("n_steps", n_steps, 1)
    for name, value in {"low": low, "high": high}.items():
        if not isinstance(value, Real) or not 0 < value < np.inf:
            raise ValueError(f"`{name}` must be a positive number, got {value!r}.")
    if not low < high:
        raise ValueError(f"`low` must be less than high={high!r}, got {low!r}.")
    problem = find_problem(estimator, X, y, sample_weight)
    if problem.network.solver == "lbfgs":
        raise ValueError(
            "`solver` must be a stochastic one, got 'lbfgs': it has no rate."
        )
    return _rate_test.check(problem, low, high, n_points, n_steps, random_state)


def diagnose(history):
    """Step 6: what the curves of a training say."""
    if isinstance(history, dict):
        return diagnose_curves(history)
    if hasattr(history, "history") and hasattr(history, "estimator"):  # a session
        network, params = history.estimator, history.get_params()
        stopped = bool(params["early_stopping"]) and history.stopped is not None
        return diagnose_curves(history.history, _reference(network), params, stopped)
    network = _trained_network(history)
    return diagnose_curves(
        network.history_,
        _reference(network),
        network.get_params(),
        _was_stopped(network),
    )


def _was_stopped(network):
    """Whether early stopping ended the training, and so kept its best weights."""
    early = bool(network.early_stopping) and network.solver != "lbfgs"
    return early and network.n_iter_ < network.max_iter


def _trained_network(estimator):
    """The fitted network inside an estimator or a search."""
    if hasattr(estimator, "best_estimator_"):
        return _trained_network(estimator.best_estimator_)
    if isinstance(estimator, Pipeline):
        return _trained_network(estimator.steps[-1][1])
    if isinstance(estimator, TransformedTargetRegressor) and hasattr(
        estimator, "regressor_"
    ):
        return _trained_network(estimator.regressor_)
    if not hasattr(estimator, "history_"):
        raise TypeError(
            "`history` must be a `history_`, a fitted caviar estimator or a "
            f"TrainingSession, got {type(estimator).__name__}."
        )
    return estimator


def _reference(network):
    """The loss of outputs of zero, where the network tells it."""
    classes = getattr(network, "classes_", None)
    if classes is None or network.loss != "log_loss":
        return None
    if network.out_activation_ == "softmax":
        return float(np.log(len(classes)))
    return float(network.n_outputs_ * np.log(2))


def checkup(
    estimator,
    X,
    y,
    sample_weight=None,
    *,
    X_val=None,
    y_val=None,
    sample_weight_val=None,
    random_state=0,
):
    """Steps 1, 2, 3 and 6 in a row, and a look at the data: one page."""
    held_out = (X_val, y_val, sample_weight_val)
    return _checkup.check(estimator, X, y, sample_weight, held_out, random_state)


def retest(
    search, X_new, y_new, *, k=5, cv=None, scoring=None, n_jobs=None, **fit_params
):
    """Score the best candidates of an earlier search again, on new data."""
    if not hasattr(search, "cv_results_"):
        raise TypeError(
            f"`search` must be a fitted search, got {type(search).__name__}."
        )
    _check_integer("k", k, 1)
    return _retest.check(search, X_new, y_new, k, cv, scoring, n_jobs, fit_params)


def _check_integer(name, value, least):
    if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
        raise ValueError(
            f"`{name}` must be an integer in [{least}, inf), got {value!r}."
        )
