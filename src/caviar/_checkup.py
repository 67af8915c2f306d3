"""The steps 1, 2, 3 and 6 in a row, on one page; 4 and 5 as code to go on with."""

from dataclasses import dataclass

import numpy as np
from sklearn.base import is_classifier
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state

from . import _checkup_training, _first_loss, _rate_test, _rows, _small_sample
from ._activations import activation_statistics
from ._by_epochs import find_learner
from ._diagnosed import find_problem
from ._findings import (
    STATUSES,
    WIDTH,
    Finding,
    number,
    plain,
    worst,
    wrapped,
)
from ._html_findings import checkup_html

LARGE = 100_000  # weights of a network that takes its time
FEWEST_ROWS = 10  # of which some can be held out
# Shares of units or outputs, from which they are worth a look, or will do harm.
SOME, MANY = 0.3, 0.6
FADED, GROWN = (
    0.02,
    50.0,
)  # standard deviation of the last layer's outputs to the first's


@dataclass(frozen=True, repr=False)
class Checkup:
    """What `checkup` found. Printed, it is one page.

    Attributes
    ----------
    estimator : str
        What was looked at, in a line.
    findings : tuple of Finding
        In the order of the steps: 'data', 'first loss', 'signal', 'small sample',
        'learning rate', 'curves'. Some are an `InitialLoss`, a `SmallSampleFit`, a
        `LearningRateRange` or a `Diagnosis`.
    history : dict
        Of the training behind the last finding; empty if there was none.
    code : str
        Python that goes on with the search, from ``estimator``, ``X`` and ``y``.
    """

    estimator: str
    findings: tuple
    history: dict
    code: str

    @property
    def status(self):
        """The gravest of the findings: 'ok', 'warning' or 'problem'."""
        return worst(self.findings)

    @property
    def ok(self):
        """Whether all findings are 'ok'."""
        return self.status == "ok"

    def __getitem__(self, step):
        """The gravest finding of a step."""
        of_step = [f for f in self.findings if f.step == step]
        if not of_step:
            raise KeyError(step)
        return max(of_step, key=lambda f: STATUSES.index(f.status))

    def to_dict(self):
        """All of it as plain data, for JSON: what is not finite becomes None."""
        return {
            "estimator": self.estimator,
            "status": self.status,
            "findings": [finding.to_dict() for finding in self.findings],
            "history": plain(self.history),
            "code": self.code,
        }

    def _repr_html_(self):
        return checkup_html(self)

    def __repr__(self):
        return f"<Checkup of {self.estimator}; status={self.status!r}>"

    def __str__(self):
        lines = [*wrapped(f"Checkup of {self.estimator}"), "=" * WIDTH]
        for finding in self.findings:
            lines += [str(finding), ""]
        lines += ["-" * WIDTH, *wrapped(self._summary())]
        if self.code and self.status != "problem":
            lines += ["", self.code]
        return "\n".join(lines)

    def _summary(self):
        counts = [sum(f.status == s for f in self.findings) for s in STATUSES]
        if counts[2]:
            first = next(f for f in self.findings if f.status == "problem")
            return (
                f"{counts[2]} problem{'s' if counts[2] > 1 else ''}. Begin with the first "
                f"({first.step}): those after it are often its consequences."
            )
        todo = "Next, a search: coarse over a few epochs, then finer over more."
        if counts[1]:
            plural = "s are" if counts[1] > 1 else " is"
            return f"{counts[1]} thing{plural} worth a look. {todo}"
        return f"All is well. {todo}"


def check(estimator, X, y, sample_weight, held_out, random_state):
    """The `Checkup` of an estimator."""
    seed = int(check_random_state(random_state).randint(2**31 - 1))
    X = X if hasattr(X, "shape") else np.asarray(X)
    y = y if hasattr(y, "shape") else np.asarray(y)
    title = _title(estimator, X, y)
    X, y, sample_weight, held_out = _hold_out(
        estimator, X, y, sample_weight, held_out, seed
    )
    problem = find_problem(estimator, X, y, sample_weight, held_out)
    if problem.network.random_state is None:
        problem = problem.setting(random_state=seed)
    findings, usable = _rows.look(problem, np.random.RandomState(seed))
    if not usable:
        return Checkup(title, tuple(findings), {}, "")
    first = _first_loss.check(problem, seed)
    findings += [first, _signal(problem, seed)]
    findings.append(_small_sample.check(problem, 50, 2000, seed))
    suggestion = None
    if problem.network.solver != "lbfgs":
        size = _checkup_training.n_weights(problem.network, problem.X.shape[1])
        n_steps = 100 if size < LARGE else 40
        rates = _rate_test.check(problem, 1e-6, 10.0, n_steps, n_steps, seed)
        suggestion = rates.suggestion
        findings.append(rates)
    curves, history = _checkup_training.look(problem, first.constant, suggestion, seed)
    findings.append(curves)
    code = _code(problem, suggestion) if suggestion is not None else ""
    return Checkup(title, tuple(findings), history, code)


def _title(estimator, X, y):
    """In a line: what, and how much of it."""
    n_rows, n_columns = X.shape
    name = type(find_learner(estimator)[0]).__name__
    around = type(estimator).__name__
    if around != name:
        name = f"{name} in a {around}"
    text = f"{name}: {n_rows:,} rows, {n_columns:,} columns"
    y = np.asarray(y)
    if name.startswith("MLPClassifier"):
        if y.ndim == 2 and y.shape[1] > 1:
            return f"{text}, {y.shape[1]} labels"
        return f"{text}, {len(set(y.ravel().tolist()))} classes"
    return text


def _hold_out(estimator, X, y, sample_weight, held_out, seed):
    """A fifth of the rows to validate with, where the caller gave none."""
    n_rows = X.shape[0]
    if held_out[0] is not None or n_rows < FEWEST_ROWS:
        return X, y, sample_weight, held_out
    stratify = None
    labels = np.asarray(y)
    if is_classifier(find_learner(estimator)[0]) and (
        labels.ndim == 1 or labels.shape[1] == 1
    ):
        _, counts = np.unique(labels.ravel().astype(str), return_counts=True)
        if counts.min() >= 2 and len(counts) <= n_rows // 5:
            stratify = labels.ravel()
    arrays = [X, y] if sample_weight is None else [X, y, sample_weight]
    parts = train_test_split(
        *arrays, test_size=0.2, random_state=seed, stratify=stratify
    )
    weights = parts[4] if sample_weight is not None else None
    weights_val = parts[5] if sample_weight is not None else None
    return parts[0], parts[2], weights, (parts[1], parts[3], weights_val)


def _signal(problem, seed):
    """How the hidden layers' outputs are distributed before training."""
    rows = np.random.RandomState(seed).permutation(problem.n_rows)[:1000]
    part = problem.taking(np.sort(rows))
    try:
        statistics = activation_statistics(part.network, part.X)
    except ValueError as exc:
        if "at least one layer" in str(exc):
            return _signal_finding("ok", "No hidden layers.", "", [], {})
        return _signal_finding(
            "problem",
            "The first activations overflow.",
            f"{exc}",
            ["Scale the columns:\nmake_pipeline(StandardScaler(), network)"],
            {},
        )
    return _judge_signal(problem.network, statistics)


def _signal_finding(status, title, explanation, advice, numbers):
    return Finding("signal", status, title, explanation, advice, numbers)


def _judge_signal(network, statistics):
    dead, saturated = float(statistics.dead.max()), float(statistics.saturated.max())
    std = statistics.std
    change = float(std[-1] / std[0]) if std[0] > 0 else 0.0
    numbers = {"dead": dead, "saturated": saturated, "std": std.tolist()}
    by_layer = "Standard deviations of the hidden layers' outputs: " + ", ".join(
        number(s) for s in std
    )
    scale = "Scale the columns:\nmake_pipeline(StandardScaler(), network)"
    if dead > SOME:
        layer = int(statistics.dead.argmax()) + 1
        return _signal_finding(
            "problem" if dead > MANY else "warning",
            f"{dead:.0%} of the units of hidden layer {layer} are dead before training.",
            "They are 0 for every row, and get no gradient: inputs or first weights are "
            f"off centre. {by_layer}.",
            [scale, 'weight_init="he_normal"', 'activation="leaky_relu"'],
            numbers,
        )
    if saturated > SOME:
        layer = int(statistics.saturated.argmax()) + 1
        return _signal_finding(
            "problem" if saturated > MANY else "warning",
            f"{saturated:.0%} of the outputs of hidden layer {layer} are saturated.",
            "They sit at the ends of their range, where the gradient is almost nothing: "
            f"inputs or first weights are too large. {by_layer}.",
            [scale, 'weight_init="xavier"', "batch_norm=True"],
            numbers,
        )
    if len(std) > 1 and not FADED < change < GROWN:
        fades = change <= FADED
        return _signal_finding(
            "warning",
            f"The signal {'fades' if fades else 'grows'} from layer to layer.",
            f"{by_layer}. They should stay about the same; gradients change alike.",
            [
                f'weight_init="he_normal" (now {network.weight_init!r})',
                "batch_norm=True",
            ],
            numbers,
        )
    return _signal_finding(
        "ok",
        "The signal gets through the layers.",
        f"{by_layer}; {dead:.0%} dead units, {saturated:.0%} saturated outputs at most.",
        [],
        numbers,
    )


def _code(problem, suggestion):
    """The steps 4 and 5 as Python."""
    decay = "weight_decay" if problem.network.solver == "adamw" else "alpha"
    ends = (number(suggestion / 30), number(min(suggestion * 10, 1.0)))
    return "\n".join(_SEARCH).format(
        p=problem.prefix, decay=decay, low=ends[0], high=ends[1]
    )


_SEARCH = (
    "from caviar.distributions import Choice, LogUniform",
    "from caviar.model_selection import CoarseToFineSearchCV",
    "",
    "# 4: coarse, over learning rate and weight decay, for a few epochs each",
    'estimator.set_params({p}learning_rate="constant")',
    "estimator.set_params({p}max_iter=5)",
    "space = {{",
    '    "{p}learning_rate_init": LogUniform({low}, {high}),',
    '    "{p}{decay}": Choice([1e-4, 1e-5, 0.0]),',
    "}}",
    "coarse = CoarseToFineSearchCV(estimator, space, n_iter=20, n_rounds=1)",
    "coarse.fit(X, y)",
    "",
    "# 5: finer round the best, for 10 to 20 epochs; then 6, diagnose(fine)",
    "estimator.set_params(**coarse.best_params_)",
    "estimator.set_params({p}max_iter=20)",
    'rate = coarse.best_params_["{p}learning_rate_init"]',
    "space = {{",
    '    "{p}learning_rate_init": LogUniform(rate / 3, rate * 3),',
    "}}",
    "fine = CoarseToFineSearchCV(estimator, space, n_iter=10, n_rounds=2)",
    "fine.fit(X, y)",
)
