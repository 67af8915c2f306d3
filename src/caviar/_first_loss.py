"""Step 1: the loss before training, beside what it should be.

Computes it in training mode, of several draws of the first weights; trains nothing.
"""

from dataclasses import dataclass

import numpy as np
import scipy.optimize
from sklearn.base import clone
from sklearn.utils import check_random_state

from ._blas_threads import single_blas_thread
from ._diagnosed import dense_columns, standardized
from ._findings import Finding, number
from ._network import output_loss

N_DRAWS = 8  # of the weights: a single draw's loss is off by a third, of few outputs
MAX_ROWS = 2000
# Times the loss of outputs of zero. Of networks that train well the median of eight draws
# went up to 2.1, where outputs are of variance 1 to 2 ('he_normal', batch norm).
# Of a regression it is 1 + the variance of the outputs, which in one layer of some draws
# is 1.5 where columns are alike (diabetes).
TOLERANCE, MUCH = 2.25, 3.0
TOLERANCE_OF_REGRESSION, MUCH_OF_REGRESSION = 4.0, 10.0
# Sizes (root mean square) of targets that training deals with.
TARGETS, EXTREME_TARGETS = (0.05, 5.0), (0.005, 30.0)


@dataclass(frozen=True, repr=False)
class InitialLoss(Finding):
    """What `check_initial_loss` found: a `Finding`, and

    Attributes
    ----------
    loss : float
        Median over the draws of first weights, without penalties.
    losses : ndarray of shape (n_draws,)
        Of each draw; the first is what `fit` starts from, where `random_state` is an int.
    expected : float
        The loss of outputs that are all zero.
    formula : str
        What that is: ``'log 10'``.
    constant : float
        The least loss that outputs can have which are the same for all rows: what is
        reached without looking at X.
    """

    loss: float
    losses: np.ndarray
    expected: float
    formula: str
    constant: float


class Probe:
    """Losses of an untrained network on some rows, by what is changed about it."""

    def __init__(self, problem, random_state):
        random_state = check_random_state(random_state)
        if problem.n_rows > MAX_ROWS:
            rows = random_state.choice(problem.n_rows, MAX_ROWS, replace=False)
            problem = problem.taking(np.sort(rows))
        self.problem = problem.unregularized().setting(solver="lbfgs")
        self.problem.network._validate_params()
        own = self.problem.network.random_state
        seeds = random_state.randint(2**31 - 1, size=N_DRAWS)
        self._seeds = [own if own is not None else seeds[0], *seeds[1:].tolist()]

    def losses(self, X=None, y=None, **params):
        """Of all draws; with another X, y or parameters."""
        return np.array(
            [self._first(X, y, random_state=s, **params)[0] for s in self._seeds]
        )

    def of_zero(self):
        """Loss of outputs that are zero."""
        return self._first(scale=0.0)[0]

    def of_best_constant(self):
        """Loss of the best outputs that know nothing of X."""
        training = self._training()
        data, objective = training.data, training.objective
        loss, targets = objective.loss, data.targets
        n_rows, n_outputs = data.n_samples, training.plan.layer_units[-1]
        if targets.ndim == 1 and loss != "softmax":
            targets = np.eye(n_outputs, dtype=data.dtype)[targets]
        total = training._weight_sum()

        def function(outputs):
            Z = np.tile(outputs.astype(data.dtype), (n_rows, 1))
            value = output_loss(
                Z, targets, data.weights, total, loss, objective.parameter
            )
            return value, Z.sum(axis=0, dtype=np.float64)

        start = np.zeros(n_outputs)
        if loss == "squared_error":  # in one step, whatever the scale
            weights = data.weights
            start = np.average(targets, axis=0, weights=weights).astype(np.float64)
        found = scipy.optimize.minimize(function, start, jac=True, method="L-BFGS-B")
        return float(min(found.fun, function(np.zeros(n_outputs))[0]))

    def _training(self, X=None, y=None, **params):
        problem = self.problem
        network = clone(problem.network).set_params(**params)
        return network._prepare(
            problem.X if X is None else X,
            problem.y if y is None else y,
            problem.sample_weight,
            (None, None, None),
            False,
            False,
        )

    def _first(self, X=None, y=None, scale=1.0, **params):
        """Loss, and the norm of its gradient."""
        with single_blas_thread, np.errstate(over="ignore", invalid="ignore"):
            training = self._training(X, y, **params)
            training.state.params[:] *= scale
            loss = training._full_loss_gradient(
                training.state.params, training._weight_sum()
            )
            return loss, float(np.linalg.norm(training.state.grads))


def check(problem, random_state):
    """The `InitialLoss` of a problem."""
    probe = Probe(problem, random_state)
    losses = probe.losses()
    expected, constant = probe.of_zero(), probe.of_best_constant()
    loss = float(np.median(losses))
    numbers = {
        "loss": loss,
        "expected": expected,
        "ratio": loss / expected if expected > 0 else float("inf"),
        "constant_loss": constant,
    }
    formula = _formula(problem, expected)
    say = _about_targets(problem, numbers) if not problem.classifies else None
    say = say or _about_loss(probe, numbers, formula)
    status, title, explanation, advice = say
    return InitialLoss(
        "first loss",
        status,
        title,
        explanation,
        advice,
        numbers,
        loss,
        losses,
        expected,
        formula,
        constant,
    )


def _formula(problem, expected):
    """What the expected loss is called."""
    network = problem.network
    if not problem.classifies:
        return f"the {network.loss.replace('_', ' ')} of predicting " + (
            "1" if network.loss == "poisson" else "0"
        )
    y = np.asarray(problem.y)
    n_labels = y.shape[1] if y.ndim == 2 and y.shape[1] > 1 else 0
    n_classes = n_labels or len(np.unique(y))
    if network.loss != "log_loss":
        return f"the {network.loss} loss of outputs of 0"
    if n_labels:
        return f"{n_labels} log 2"
    return f"log {max(n_classes, 2)}"


def _about_loss(probe, numbers, formula):
    """Status, title, explanation and advice: the loss beside that of zero outputs."""
    loss, expected, ratio = (numbers[k] for k in ("loss", "expected", "ratio"))
    compared = f"{number(loss)}, and {formula} is {number(expected)}"
    tolerance, much = _limits(probe.problem)
    if 1 / much <= ratio <= tolerance:
        knows = (
            "Before training the network's outputs are near zero: it believes nothing "
            "yet. To know only how often each target occurs gives "
            f"{number(numbers['constant_loss'])}."
        )
        return "ok", f"The first loss is right: {compared}.", knows, []
    status = "warning" if ratio <= much else "problem"
    if not np.isfinite(loss):
        status, ratio = "problem", float("inf")
    title = f"The first loss is too high: {compared}."
    if ratio < 1:
        title = f"The first loss is too low: {compared}."
    cause, advice = _cause(probe, numbers)
    return status, title, cause, advice


def _limits(problem):
    """Ratios of the first loss to that of zero outputs: still right, a problem."""
    if problem.classifies:
        return TOLERANCE, MUCH
    return TOLERANCE_OF_REGRESSION, MUCH_OF_REGRESSION


def _cause(probe, numbers):
    """What changes the loss back, tried one by one."""
    X, expected = probe.problem.X, numbers["expected"]
    scaled = standardized(X)
    network, tolerance = probe.problem.network, _limits(probe.problem)[0]
    tried = {
        "scaled inputs": probe.losses(X=scaled),
        "usual weights": probe.losses(weight_init="sklearn"),
        "both": probe.losses(X=scaled, weight_init="sklearn"),
    }
    medians = {name: float(np.median(losses)) for name, losses in tried.items()}
    numbers.update({f"loss with {name}": value for name, value in medians.items()})
    good = [name for name, value in medians.items() if value <= tolerance * expected]
    size = float(np.abs(dense_columns(X)).max())
    scaler = "Scale the columns:\nmake_pipeline(StandardScaler(), network)"
    init = f'weight_init="he_normal" or "sklearn" (now {network.weight_init!r}'
    init += (
        f", init_scale={network.init_scale})"
        if network.weight_init == "normal"
        else ")"
    )
    if "scaled inputs" in good:
        return (
            f"The inputs are too large: up to {number(size)}. With columns of mean 0 and "
            f"standard deviation 1 the first loss is {number(medians['scaled inputs'])}.",
            [scaler],
        )
    if "usual weights" in good:
        return (
            "The first weights are too large. With weight_init='sklearn' the first loss "
            f"is {number(medians['usual weights'])}.",
            [init],
        )
    if "both" in good:
        return (
            f"The inputs (up to {number(size)}) and the first weights are too large. With "
            f"both at their usual size the first loss is {number(medians['both'])}.",
            [scaler, init],
        )
    return (
        "Neither scaled inputs nor the usual first weights make it right: the signal grows "
        "from layer to layer.",
        ["batch_norm=True", "fewer layers in hidden_layer_sizes"],
    )


def _about_targets(problem, numbers):
    """For regression: targets that are far from the outputs that a network starts with."""
    y = np.asarray(problem.y, dtype=np.float64)
    y = y.reshape(len(y), -1)
    sizes = np.sqrt(np.mean(y**2, axis=0))
    size = float(sizes[np.argmax(np.abs(np.log(np.maximum(sizes, 1e-300))))])
    numbers.update(target_mean=float(y.mean()), target_std=float(y.std()))
    numbers["target_size"] = size
    low, high = TARGETS
    if low <= size <= high:
        return None
    much = not EXTREME_TARGETS[0] <= size <= EXTREME_TARGETS[1]
    title = (
        f"The targets are too {'large' if size > high else 'small'}: of mean "
        f"{number(numbers['target_mean'])} and standard deviation "
        f"{number(numbers['target_std'])}."
    )
    if size < low:
        explanation = (
            "An untrained network's outputs are of about 0 to 1: its loss is "
            f"{number(numbers['loss'])}, where predicting 0 has "
            f"{number(numbers['expected'])}. Training would first of all unlearn them, "
            "and `tol` stops it early."
        )
    else:
        explanation = (
            f"The first loss is {number(numbers['loss'])}; the best constant has "
            f"{number(numbers['constant_loss'])}. Outputs start near 0, and would spend "
            "the first epochs on the way to the targets; gradients are of their size."
        )
    advice = [
        "Scale the targets, too:\nTransformedTargetRegressor(network, "
        "transformer=StandardScaler())"
    ]
    if problem.network.loss == "poisson":
        advice = [
            "Divide the targets by their mean; loss='poisson' wants them positive."
        ]
    return "problem" if much else "warning", title, explanation, advice
