"""The training of a checkup: what the estimator's own fit would do, at a bounded cost.

Curves that stay high are either underfitting or all that the data tell; here it is tried
out which.
"""

from dataclasses import replace
from itertools import pairwise

import numpy as np
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils._testing import ignore_warnings

from ._findings import number
from ._verdicts import diagnose_curves

MAX_ROWS, FEWEST_ROWS = 20_000, 2000
BUDGET = 6e10  # multiplications of one training, about: some seconds
FEWEST_EPOCHS = 20
MORE_UNITS = 32  # at least, of a layer that is made larger
BETTER = 0.97  # of the validation loss: a change that helped


def look(problem, constant, suggestion, seed):
    """The `Diagnosis` of a training, and its history."""
    problem, cut = _affordable(problem, seed)
    history = _train(problem)
    network = problem.network
    stops_early = network.early_stopping and len(history["loss"]) < network.max_iter
    found = diagnose_curves(history, constant, network.get_params(), stops_early)
    if found.verdict in ("underfitting", "plateau"):
        found = _try_changes(found, problem, history, suggestion)
    if cut and found.verdict == "needs_more_training":
        # What was cut short is no reason to train for longer.
        found = replace(
            found,
            status="ok",
            title=f"Still getting better after {len(history['loss'])} epochs.",
            explanation=f"{found.explanation} The checkup stops there.",
            advice=[],
        )
    return found, history


def n_weights(network, n_features):
    """About: without the outputs, which are few."""
    return sum(a * b for a, b in pairwise([n_features, *_sizes(network), 1]))


def _sizes(network):
    sizes = network.hidden_layer_sizes
    return list(sizes) if hasattr(sizes, "__iter__") else [sizes]


def _affordable(problem, seed):
    """The problem of fewer rows and epochs, and whether there were more."""
    cost = 3 * n_weights(problem.network, problem.X.shape[1])  # of a row and epoch
    n_rows = int(BUDGET / (FEWEST_EPOCHS * cost))
    n_rows = min(problem.n_rows, MAX_ROWS, max(n_rows, FEWEST_ROWS))
    if n_rows < problem.n_rows:
        rows = np.random.RandomState(seed).permutation(problem.n_rows)[:n_rows]
        problem = problem.taking(np.sort(rows))
    max_iter = problem.network.max_iter
    n_epochs = min(max_iter, max(int(BUDGET / (cost * n_rows)), FEWEST_EPOCHS))
    params = {"max_iter": n_epochs, "verbose": False, "warm_start": False}
    return problem.setting(**params), n_epochs < max_iter


@ignore_warnings(category=ConvergenceWarning)
def _train(problem):
    """The history, without times, which are never the same."""
    network = clone(problem.network)
    X_val, y_val, w_val = problem.held_out
    held_out = {"X_val": X_val, "y_val": y_val, "sample_weight_val": w_val}
    if network.solver == "lbfgs":
        held_out = {}
    try:
        network.fit(problem.X, problem.y, problem.sample_weight, **held_out)
    except ValueError as exc:
        if "non-finite" not in str(exc):
            raise
        nan = [float("nan")]
        return {"epoch": [1], "loss": nan, "validation_loss": nan}
    return {k: v for k, v in network.history_.items() if k != "seconds"}


def _try_changes(found, problem, history, suggestion):
    """Whether more units or another rate would have done better."""
    least = np.min(history["validation_loss"])
    if not np.isfinite(least) or isinstance(problem.network.dropout, list):
        return found
    sizes = tuple(max(2 * n, MORE_UNITS) for n in _sizes(problem.network))
    changes = {f"hidden_layer_sizes={sizes}": {"hidden_layer_sizes": sizes}}
    if suggestion is not None:
        changes[f"learning_rate_init={number(suggestion)}, a constant one"] = {
            "learning_rate": "constant",
            "learning_rate_init": suggestion,
        }
    losses = {
        name: float(np.min(_train(problem.setting(**params))["validation_loss"]))
        for name, params in changes.items()
    }
    numbers = found.numbers | {f"loss with {k}": v for k, v in losses.items()}
    shown = ", ".join(f"{number(v)} with {name}" for name, v in losses.items())
    tried = f"{found.explanation} Tried: the least validation loss is {shown}."
    best = min(losses, key=losses.get)
    if losses[best] < BETTER * least:
        advice = [best, *(text for text in found.advice if best[:12] not in text)]
        return replace(found, explanation=tried, advice=advice, numbers=numbers)
    return replace(
        found,
        status="ok",
        title="The losses settle together: all there is, it seems.",
        explanation=tried,
        advice=[],
        numbers=numbers,
    )
