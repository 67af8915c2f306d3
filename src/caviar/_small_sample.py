"""Step 2: a network that works can learn a few rows by heart.

Trains clones without regularization; where that fails, finds out what would have helped by
trying it.
"""

from dataclasses import dataclass

import numpy as np
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils._testing import ignore_warnings
from sklearn.utils.multiclass import type_of_target

from ._activations import activation_statistics
from ._diagnosed import dense_columns, standardized
from ._findings import Finding, number

# R2 of a regression that counts as learnt by heart.
LEARNT = 0.99
FIRST_CHUNK = 25  # epochs until the first look
DEEP = 3  # hidden layers
# Shares of the epochs allowed, beyond which it was hard work.
EASY, EASY_OF_REGRESSION = 0.5, 0.75


@dataclass(frozen=True, repr=False)
class SmallSampleFit(Finding):
    """What `overfit_small_sample` found: a `Finding`, and

    Attributes
    ----------
    n_samples : int
        Rows trained on.
    n_epochs : int
        How many it took; where it failed, how many were tried.
    score : float
        Accuracy (of several labels, of rows with all of them right) or R2 on these rows:
        at the epoch where it succeeded, or else the best.
    loss : float
        Of the last epoch.
    target : float
        The score that counts as success: 1, or for regression 0.99; less where rows that
        are alike have different targets.
    tried : dict
        Where it failed: change -> the score it led to.
    """

    n_samples: int
    n_epochs: int
    score: float
    loss: float
    target: float
    tried: dict


def check(problem, n_samples, max_epochs, random_state):
    """The `SmallSampleFit` of a problem."""
    problem = _without_time(problem.unregularized(), max_epochs)
    if problem.network.random_state is None:
        problem = problem.setting(random_state=random_state)
    rows = choose_rows(problem, n_samples, check_random_state(random_state))
    problem = problem.taking(rows)
    target = _best_possible(problem)
    run = train(problem, max_epochs, target)
    numbers = {
        "n_samples": len(rows),
        "score": run.score,
        "target": target,
        "n_epochs": run.n_epochs,
        "loss": run.loss,
    }
    tried = {}
    if run.score >= target:
        say = _about_success(run, len(rows), max_epochs, target, problem)
    else:
        tried = _try_changes(problem, max_epochs, target)
        say = _about_failure(problem, run, tried, target, len(rows))
        numbers.update({f"score with {k}": v for k, v in tried.items()})
    status, title, explanation, advice = say
    return SmallSampleFit(
        "small sample",
        status,
        title,
        explanation,
        advice,
        numbers,
        len(rows),
        run.n_epochs,
        run.score,
        run.loss,
        target,
        tried,
    )


def choose_rows(problem, n_samples, random_state):
    """Rows at random, of each class as many as its share and at least one."""
    n_rows = problem.n_rows
    if n_rows <= n_samples:
        return np.arange(n_rows)
    order = random_state.permutation(n_rows)
    y = np.asarray(problem.y)
    if not problem.classifies or type_of_target(y).startswith("multilabel"):
        return np.sort(order[:n_samples])
    # The first of each class, as far as there is room; then whatever comes.
    _, first = np.unique(y.ravel()[order], return_index=True)
    chosen = np.sort(first)[:n_samples]
    others = np.setdiff1d(np.arange(n_rows), chosen)
    chosen = np.concatenate([chosen, others[: n_samples - len(chosen)]])
    return np.sort(order[chosen])


@dataclass(frozen=True)
class Run:
    """How one training of a small sample went."""

    score: float
    n_epochs: int
    loss: float
    network: object


@ignore_warnings(category=ConvergenceWarning)
def train(problem, max_epochs, target):
    """Train until the score is reached."""
    network = clone(problem.network)
    X, y, w = problem.X, problem.y, problem.sample_weight
    try:
        if network.solver == "lbfgs":
            network.set_params(max_iter=max_epochs).fit(X, y, w)
            score = network.score(X, y, w)
            return Run(float(score), network.n_iter_, float(network.loss_), network)
        return _train_by_epochs(network, X, y, w, max_epochs, target)
    except ValueError as exc:
        if "non-finite" not in str(exc):
            raise
        return Run(-np.inf, 0, np.inf, None)


def _train_by_epochs(network, X, y, w, max_epochs, target):
    held_out = {"X_val": X, "y_val": y, "sample_weight_val": w}
    course, n_epochs = None, min(FIRST_CHUNK, max_epochs)
    while True:
        course = network._fit_until(n_epochs, course, X, y, w, **held_out)
        scores = np.asarray(network.history_["validation_score"])
        reached = np.flatnonzero(scores >= target)
        if len(reached):
            at = int(reached[0])
            loss = network.history_["loss"][at]
            return Run(float(scores[at]), at + 1, float(loss), network)
        if n_epochs == max_epochs or course.finished:
            score = np.nanmax(scores) if np.isfinite(scores).any() else -np.inf
            return Run(float(score), n_epochs, float(network.loss_), network)
        n_epochs = min(2 * n_epochs, max_epochs)


def _without_time(problem, max_epochs):
    """Nothing that stops or slows a training but the rate it starts with."""
    params = {"tol": 0.0, "max_iter": max_epochs, "n_iter_no_change": max_epochs}
    if isinstance(problem.network.learning_rate, str):
        keeps = problem.network.learning_rate in ("constant", "adaptive", "invscaling")
        params["learning_rate"] = "constant" if keeps else problem.network.learning_rate
    if problem.classifies:
        params["class_weight"] = None
    if problem.network.scoring is not None:
        params["scoring"] = None
    return problem.setting(**params)


def _best_possible(problem):
    """The best score there is: rows that are alike cannot have different predictions."""
    if not problem.classifies:
        return LEARNT
    X = np.ascontiguousarray(dense_columns(problem.X))
    y = np.asarray(problem.y)
    targets = [tuple(np.ravel(row)) for row in y]
    groups = {}
    for row, target in zip(X, targets, strict=True):
        groups.setdefault(row.tobytes(), []).append(target)
    right = sum(max(map(group.count, set(group))) for group in groups.values())
    return right / len(y)


def _try_changes(problem, max_epochs, target):
    """Scores with one thing changed, until one of them is enough."""
    network, rate = problem.network, problem.network.learning_rate_init
    scaled = standardized(problem.X)
    changes = {
        "scaled inputs": (scaled, {}),
        "batch_norm=True": (None, {"batch_norm": True}),
        "learning_rate_init x 10": (None, {"learning_rate_init": 10 * rate}),
        "learning_rate_init / 10": (None, {"learning_rate_init": rate / 10}),
        "learning_rate_init x 100": (None, {"learning_rate_init": 100 * rate}),
        "learning_rate_init / 100": (None, {"learning_rate_init": rate / 100}),
        "hidden_layer_sizes=(256,)": (None, {"hidden_layer_sizes": (256,)}),
        "usual weights": (None, {"weight_init": "sklearn"}),
    }
    if len(_hidden(network)) < DEEP:  # where it would help as more units do
        changes["batch_norm=True"] = changes.pop("batch_norm=True")
    if isinstance(network.activation, list):
        del changes["hidden_layer_sizes=(256,)"]
    if network.solver == "lbfgs":
        changes = {k: v for k, v in changes.items() if "rate" not in k}
    if network.weight_init == "sklearn":
        del changes["usual weights"]
    if not problem.classifies:
        changes = {"scaled targets": (None, {}), **changes}
    scores = {}
    for name, (X, params) in changes.items():
        changed = problem.setting(**params)
        if X is not None:
            changed = changed.with_rows(X, changed.y)
        if name == "scaled targets":
            y = np.asarray(problem.y, dtype=np.float64)
            std = y.std(axis=0)
            y = (y - y.mean(axis=0)) / np.where(std > 0, std, 1.0)
            changed = changed.with_rows(changed.X, y)
        scores[name] = train(changed, max_epochs, target).score
        if scores[name] >= target:
            break
    return scores


def _hidden(network):
    sizes = network.hidden_layer_sizes
    return tuple(sizes) if hasattr(sizes, "__iter__") else (sizes,)


def _measure(problem, score):
    return f"{score:.0%} right" if problem.classifies else f"R2 {score:.2f}"


def _about_success(run, n_rows, max_epochs, target, problem):
    reached = _measure(problem, run.score)
    title = f"{n_rows} rows were learnt by heart in {run.n_epochs} epochs ({reached})."
    explanation = (
        "Without regularization the network can represent the targets and its training "
        "works."
    )
    if problem.classifies and target < 1:
        return (
            "warning",
            title,
            "No more is possible: some rows have the same inputs and different targets, so "
            f"that {target:.0%} is the most these rows allow.",
            ["Look at rows that are alike: is a column missing that tells them apart?"],
        )
    easy = EASY if problem.classifies else EASY_OF_REGRESSION
    if run.n_epochs > easy * max_epochs and problem.network.solver != "lbfgs":
        return _about_hard_work(run, max_epochs, target, problem, title)
    return "ok", title, explanation, []


def _about_hard_work(run, max_epochs, target, problem, title):
    """A success that took long: whether it was the scale of the inputs."""
    scaled = problem.with_rows(standardized(problem.X), problem.y)
    again = train(scaled, max_epochs, target)
    if again.score >= target and again.n_epochs < EASY * run.n_epochs:
        explanation = (
            f"It took long. With scaled inputs it takes {again.n_epochs} epochs."
        )
        return "warning", title, explanation, [_REASONS["scaled inputs"][1]]
    rate = problem.network.learning_rate_init
    advice = (
        f"A larger learning_rate_init (now {number(rate)}): learning_rate_range_test "
        "suggests one."
    )
    return "warning", title, "It can be done, but took long.", [advice]


_REASONS = {
    "scaled inputs": (
        "the inputs are not scaled",
        "Scale the columns:\nmake_pipeline(StandardScaler(), network)",
    ),
    "scaled targets": (
        "the targets are not scaled",
        "Scale the targets:\nTransformedTargetRegressor(network, "
        "transformer=StandardScaler())",
    ),
    "x 10": ("the learning rate is too small", "learning_rate_init={larger}"),
    "/ 10": ("the learning rate is too large", "learning_rate_init={smaller}"),
    "x 100": ("the learning rate is far too small", "learning_rate_init={larger}"),
    "/ 100": ("the learning rate is far too large", "learning_rate_init={smaller}"),
    "hidden_layer_sizes=(256,)": (
        "the network is too small",
        "More units: hidden_layer_sizes=(256,), then as few as will do (now {sizes})",
    ),
    "fewer layers": (
        "the network is too deep for its first weights",
        "Fewer layers, hidden_layer_sizes=(256,); or batch_norm=True with another "
        "weight_init (now {sizes})",
    ),
    "usual weights": ("the first weights are wrong", 'weight_init="sklearn"'),
    "batch_norm=True": (
        "the signal does not get through the layers",
        "batch_norm=True",
    ),
}


def _about_failure(problem, run, tried, target, n_rows):
    network = problem.network
    wanted = "all right" if problem.classifies else f"R2 {target}"
    got = "diverged" if run.network is None else _measure(problem, run.score)
    epochs = f" in {run.n_epochs} epochs" if run.n_epochs else ""
    title = f"{n_rows} rows could not be learnt by heart: {got}{epochs}, not {wanted}."
    helped = [name for name, score in tried.items() if score >= target]
    if not helped:
        scores = ", ".join(
            f"{name}: {_measure(problem, score) if np.isfinite(score) else 'diverged'}"
            for name, score in tried.items()
        )
        explanation = f"Nothing that was tried helped ({scores})."
        advice = [
            "Look at the rows: do X and y belong together, row by row?",
            "solver='adam' with learning_rate_init=0.001, one hidden layer of 256 units",
        ]
        return "problem", title, explanation, advice
    name = helped[0]
    key = name.replace("learning_rate_init ", "")
    if key.startswith("hidden") and len(_hidden(network)) >= DEEP:
        key = "fewer layers"
    reason, advice = _REASONS[key]
    rate = network.learning_rate_init
    factor = float(name.split()[-1]) if key[0] in "x/" else 1.0
    values = {
        "larger": f"{number(rate * factor)} (now {number(rate)})",
        "smaller": f"{number(rate / factor)} (now {number(rate)})",
        "sizes": _hidden(network),
    }
    explanation = (
        f"Most likely {reason}: with {name} they were learnt, {_state(run, problem)}."
    )
    return "problem", title, explanation, [advice.format(**values)]


def _state(run, problem):
    """What the units of the failed network look like."""
    if run.network is None:
        return "and here training diverged"
    if len(run.network.coefs_) > 1:
        statistics = activation_statistics(run.network, problem.X)
        dead, saturated = statistics.dead.max(), statistics.saturated.max()
        if dead > 0.5:
            return f"and here {dead:.0%} of a layer's relu units are dead"
        if saturated > 0.5:
            return f"and here {saturated:.0%} of a layer's outputs are saturated"
    return f"and here the loss stayed at {number(run.loss)}"
