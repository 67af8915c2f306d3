"""Step 3: which learning rates make the loss fall.

One sweep from tiny to huge finds where to look (Smith 2017); short trainings from the same
fresh weights choose.
"""

from dataclasses import dataclass

import numpy as np
from sklearn.base import clone
from sklearn.utils import check_random_state

from ._findings import Finding, number

DECADES = (0.1, 0.01, 0.001, 0.0001)
ALMOST_NOTHING = 1e-12  # a rate under which nothing is learnt
SMOOTHING = 0.9  # of the sweep's losses: weight of what came before
RISEN = 4.0  # times the loss of the start: the sweep ends
FALLEN = 0.9  # times the loss of the start: the loss falls
MAX_ROWS, FEW_ROWS = 20_000, 2000
MEASURED_ROWS = 1000
# Shares of the fall that the best rate brings; below, the estimator's own is called
# useless, or slow.
USELESS, SLOW = 0.05, 0.25
FAR = 30.0  # times the suggestion
NEAR_THE_EDGE = 2.0  # times the least loss: the next rate up is clearly worse


@dataclass(frozen=True, repr=False)
class LearningRateRange(Finding):
    """What `learning_rate_range_test` found: a `Finding`, and

    Attributes
    ----------
    rates : ndarray of shape (n_points,)
        Of the sweep, step by step.
    losses : ndarray of shape (n_points,)
        The loss of each step's batch, before the step.
    smoothed : ndarray of shape (n_points,)
        Their exponentially weighted averages, corrected for the start.
    low, high : float
        Between these rates the sweep's loss falls: from where it has begun to, up to its
        least. NaN if it never does.
    diverged_at : float or None
        The rate at which the sweep ended, as its loss was four times that of its start or
        not finite.
    trials : dict
        Rate -> the loss after `n_steps` steps from fresh weights at this rate; inf where it
        diverged.
    start : float
        The loss before them.
    falls : dict
        0.1, 0.01, 0.001 and 0.0001 -> whether these make the loss fall: to 0.9 times
        its start, or less.
    suggestion : float or None
        For `learning_rate_init`: in the trials, the first rate from below that the next
        one up does not beat, or half a decade less where that is clearly worse; None if no
        rate works.
    n_steps : int
        Of each trial.
    """

    rates: np.ndarray
    losses: np.ndarray
    smoothed: np.ndarray
    low: float
    high: float
    diverged_at: float | None
    trials: dict
    start: float
    falls: dict
    suggestion: float | None
    n_steps: int


def check(problem, low, high, n_points, n_steps, random_state):
    """The `LearningRateRange` of a problem."""
    random_state = check_random_state(random_state)
    problem = _without_schedule(problem, random_state)
    own = problem.network.learning_rate_init
    batch_size = _batch_size(problem)
    n_rows = min(problem.n_rows, max(n_steps * batch_size, FEW_ROWS), MAX_ROWS)
    if n_rows < problem.n_rows:
        rows = random_state.choice(problem.n_rows, n_rows, replace=False)
        problem = _keep_classes(problem, np.sort(rows))
    rates = np.geomspace(low, high, n_points)
    rates, losses, diverged_at = _sweep(problem, rates, batch_size, random_state)
    smoothed = smooth(losses)
    first, last = _falling_part(rates, smoothed)
    trials = _Trials(problem, n_steps, batch_size, random_state)
    start = trials.loss(ALMOST_NOTHING)
    tried = {rate: trials.loss(rate) for rate in _to_try(low, high, diverged_at)}
    suggestion = _suggest(tried, start)
    at_own = trials.loss(own)
    falls = {rate: bool(tried[rate] <= FALLEN * start) for rate in DECADES}
    numbers = {
        "suggestion": suggestion,
        "learning_rate_init": own,
        "loss_before": start,
        "loss_at_learning_rate_init": at_own,
        "loss_at_suggestion": tried.get(suggestion, float("nan")),
        "diverged_at": diverged_at,
    }
    status, title, explanation, advice = _conclude(
        own, at_own, start, suggestion, tried, falls, n_steps
    )
    return LearningRateRange(
        "learning rate",
        status,
        title,
        explanation,
        advice,
        numbers,
        rates,
        losses,
        smoothed,
        first,
        last,
        diverged_at,
        tried,
        start,
        falls,
        suggestion,
        n_steps,
    )


def smooth(losses):
    """Exponentially weighted averages, corrected for their start at nothing."""
    averages, average = np.empty(len(losses)), 0.0
    for index, loss in enumerate(losses):
        average = SMOOTHING * average + (1 - SMOOTHING) * loss
        averages[index] = average / (1 - SMOOTHING ** (index + 1))
    return averages


def _without_schedule(problem, random_state):
    """A rate that stays, no early stopping, and class weights as weights of the rows."""
    network = problem.network
    params = {
        "learning_rate": "constant",
        "early_stopping": False,
        "warm_start": False,
        "verbose": False,
        "scoring": None,
        "tol": 0.0,
        "average_weights": None,
    }
    if network.random_state is None or not isinstance(network.random_state, int):
        params["random_state"] = int(random_state.randint(2**31 - 1))
    weights = problem.sample_weight
    if problem.classifies and network.class_weight is not None:
        params["class_weight"] = None
        weights = _with_class_weights(problem)
    return problem.weighing(weights).setting(**params)


def _with_class_weights(problem):
    """Weights of the rows by class, which partial_fit could not balance."""
    network = clone(problem.network)
    _, y = network._validate_input(problem.X, problem.y, True, None)
    network._learn_targets(y, False)
    weights = problem.sample_weight
    weights = None if weights is None else np.asarray(weights, dtype=np.float64)
    return network._loss_weights(y, network._encode(y), weights)


def _keep_classes(problem, rows):
    """The problem of some rows, and the first row of each class that they miss."""
    if problem.classifies and np.ndim(problem.y) == 1:
        y = np.asarray(problem.y)
        classes, first = np.unique(y, return_index=True)
        rows = np.union1d(rows, first[~np.isin(classes, y[rows])])
    return problem.taking(rows)


def _batch_size(problem):
    size = problem.network.batch_size
    if size == "full":
        return min(problem.n_rows, FEW_ROWS)
    return min(200 if size == "auto" else int(size), problem.n_rows)


def _sweep(problem, rates, batch_size, random_state):
    """One step at each rate, up to where the loss has risen."""
    network = clone(problem.network)
    first = {}
    if problem.classifies:
        y = np.asarray(problem.y)
        first = {"classes": np.unique(y) if y.ndim == 1 else np.arange(y.shape[1])}
    batches = _batches(problem.n_rows, batch_size, random_state)
    losses, averages, diverged_at = [], [], None
    for rate in rates:
        rows = next(batches)
        part = problem.taking(rows)
        network.set_params(learning_rate_init=float(rate))
        try:
            network.partial_fit(part.X, part.y, part.sample_weight, **first)
        except ValueError as exc:
            if "non-finite" not in str(exc):
                raise
            diverged_at = float(rate)
            break
        losses.append(network.loss_)
        averages = smooth(losses)
        n_first = min(len(losses), 10)
        if not averages[-1] <= RISEN * np.mean(losses[:n_first]):
            diverged_at = float(rate)
            break
    return rates[: len(losses)], np.array(losses), diverged_at


def _batches(n_rows, batch_size, random_state):
    """Row numbers, epoch after epoch; every batch is whole."""
    while True:
        order = random_state.permutation(n_rows)
        for start in range(0, n_rows - batch_size + 1, batch_size):
            yield order[start : start + batch_size]


def _falling_part(rates, smoothed):
    """From the rate where the loss has begun to fall to that of the least loss."""
    finite = np.isfinite(smoothed)
    if not finite.any():
        return float("nan"), float("nan")
    least = int(np.argmin(np.where(finite, smoothed, np.inf)))
    start = smoothed[: min(10, len(smoothed))].mean()
    begun = np.flatnonzero(
        smoothed[: least + 1] <= start - 0.1 * (start - smoothed[least])
    )
    if smoothed[least] > FALLEN * start or not len(begun):
        return float("nan"), float("nan")
    return float(rates[begun[0]]), float(rates[least])


def _to_try(low, high, diverged_at):
    """1 and 3 times powers of ten in the sweep, and the four decades."""
    grid = {float(f"{m}e{k}") for k in range(-12, 4) for m in (1, 3)}
    top = high if diverged_at is None else min(high, 3 * diverged_at)
    least = max(low, 1e-5)
    return sorted({rate for rate in grid if least <= rate <= top} | set(DECADES))


class _Trials:
    """Short trainings from the same weights, with the same batches."""

    def __init__(self, problem, n_steps, batch_size, random_state):
        n_batches = -(-problem.n_rows // batch_size)
        self._n_epochs = -(-n_steps // n_batches)
        self._problem = problem
        rows = random_state.permutation(problem.n_rows)[:MEASURED_ROWS]
        measured = _keep_classes(problem, np.sort(rows))
        self._measured = (measured.X, measured.y, measured.sample_weight)

    def loss(self, rate):
        """After the training; inf where it diverged."""
        problem = self._problem
        network = problem.setting(
            learning_rate_init=float(rate),
            max_iter=self._n_epochs,
            n_iter_no_change=self._n_epochs,
        ).network
        X_val, y_val, w_val = self._measured
        try:
            network._fit_until(
                self._n_epochs,
                None,
                problem.X,
                problem.y,
                problem.sample_weight,
                X_val=X_val,
                y_val=y_val,
                sample_weight_val=w_val,
            )
        except ValueError as exc:
            if "non-finite" not in str(exc):
                raise
            return float("inf")
        loss = network.history_["validation_loss"][-1]
        return float(loss) if np.isfinite(loss) else float("inf")


def _suggest(tried, start):
    """The first rate, from below, that no larger one next to it beats; a step back where
    the next one up is clearly worse.

    The first, as huge rates may end at a small loss by luck: on breast cancer Adam did in
    one of three draws at 3.0, where 20 epochs end at 0.4 and those of 0.03 at 0.01.
    """
    rates = sorted(tried)
    losses = np.array([tried[rate] for rate in rates])
    fallen = np.flatnonzero(losses <= FALLEN * start)
    if not len(fallen):
        return None
    best = int(fallen[0])
    while best + 1 < len(rates) and losses[best + 1] < losses[best]:
        best += 1
    if best + 1 == len(rates) or losses[best + 1] > NEAR_THE_EDGE * losses[best]:
        best = max(best - 1, int(fallen[0]))
    return rates[best]


def _conclude(own, at_own, start, suggestion, tried, falls, n_steps):
    """Status, title, explanation and advice."""
    steps = f"{n_steps} steps from fresh weights"
    table = ", ".join(
        f"{number(rate)}: {'yes' if fell else 'no'}" for rate, fell in falls.items()
    )
    explanation = f"Does the loss fall within {steps}? {table}."
    if suggestion is None:
        return (
            "problem",
            f"No learning rate makes the loss fall within {n_steps} steps.",
            explanation
            + " Something else is wrong: inputs, targets, first weights or labels.",
            ["Look at the steps before this one: scale of the data, first loss."],
        )
    fall = (start - at_own) / (start - tried[suggestion])
    better = f"learning_rate_init={number(suggestion)} (now {number(own)})"
    if not np.isfinite(at_own) or at_own > start:
        status, title = "problem", f"learning_rate_init={number(own)} is too large"
    elif fall < SLOW:
        status = "problem" if fall < USELESS else "warning"
        kind = "small" if own < suggestion else "large"
        title = f"learning_rate_init={number(own)} is too {kind}"
    elif own >= FAR * suggestion and at_own > NEAR_THE_EDGE * tried[suggestion]:
        status, title = "warning", f"learning_rate_init={number(own)} is too large"
    else:
        title = f"learning_rate_init={number(own)} makes the loss fall"
        explanation += f" From {number(start)} to {number(at_own)} at {number(own)}"
        explanation += f", to {number(tried[suggestion])} at {number(suggestion)}."
        near = 0.3 <= suggestion / own <= 3.4
        advice = [] if near else [f"To begin a search from: {better}"]
        return "ok", title + ".", explanation, advice
    title += f": {number(suggestion)} is a better start."
    shown = number(at_own) if np.isfinite(at_own) else "beyond all bounds"
    explanation += (
        f" In these steps the loss goes from {number(start)} to {shown} at {number(own)}, "
        f"and to {number(tried[suggestion])} at {number(suggestion)}."
    )
    return status, title, explanation, [better]
