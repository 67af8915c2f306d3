"""The words of `diagnose`: what each verdict means, and which parameters to try."""

from dataclasses import dataclass

from ._curves import Curves, measure, verdict
from ._findings import Finding, number


@dataclass(frozen=True, repr=False)
class Diagnosis(Finding):
    """What `diagnose` found: a `Finding`, and

    Attributes
    ----------
    verdict : str
        'diverged', 'diverged_late', 'too_short', 'unstable', 'spikes', 'memorizing',
        'no_learning', 'too_slow', 'overfitting', 'stopped_in_time', 'needs_more_training',
        'validation_better', 'underfitting', 'plateau', 'no_validation' or 'good_fit'.
    """

    verdict: str


FADED = 0.01  # of a learning rate: nothing more is learnt
STATUS = {
    "diverged": "problem",
    "diverged_late": "problem",
    "memorizing": "problem",
    "no_learning": "problem",
    "too_slow": "problem",
    "unstable": "warning",
    "spikes": "warning",
    "overfitting": "warning",
    "needs_more_training": "warning",
    "validation_better": "warning",
    "underfitting": "warning",
    "plateau": "warning",
    "too_short": "ok",
    "stopped_in_time": "ok",
    "no_validation": "ok",
    "good_fit": "ok",
}

TITLES = {
    "diverged": "Diverged: the loss grew instead of falling.",
    "diverged_late": "Diverged late: it had learnt, and lost it again.",
    "too_short": "Too short to tell.",
    "unstable": "Unstable: the loss jumps up and down.",
    "spikes": "Spikes: the loss shoots up now and then, and comes back.",
    "memorizing": "Nothing to generalize: training falls, validation never does.",
    "no_learning": "No learning: the loss stays where it began.",
    "too_slow": "Too slow: the loss falls, but has hardly moved.",
    "overfitting": "Overfitting: better and better on the training rows alone.",
    "stopped_in_time": "Stopped in time: early stopping kept the best weights.",
    "needs_more_training": "Needs more training: the loss is still falling.",
    "validation_better": "Validation is better than training.",
    "underfitting": "Underfitting, or all there is: both losses stay high together.",
    "plateau": "Plateau: learnt a good part, then nothing more for long.",
    "no_validation": "Training has settled; without validation no more can be said.",
    "good_fit": "A good fit: validation stays close to training.",
}


def diagnose_curves(history, reference=None, params=None, stops_early=False):
    """The `Diagnosis` of a history.

    Parameters
    ----------
    history : dict
    reference : float or None
        Loss of outputs that are zero.
    params : dict or None
        Of the estimator that was trained.
    stops_early : bool
        Whether early stopping kept the best weights.
    """
    if not len(history.get("loss", ())):
        raise ValueError("`history` must have at least one epoch, got none.")
    curves = Curves(history, reference)
    numbers = measure(curves)
    key = verdict(curves, stops_early)
    rates = curves.rates
    now = _Now(params or {}, float(rates[-1]) if len(rates) else float("nan"))
    if not curves.validated and key == "underfitting":
        title = "Underfitting, or all there is: the training loss stays high."
    else:
        title = TITLES[key]
    status = STATUS[key]
    if key == "validation_better" and now.explains_better_validation:
        status, title = "ok", f"{title[:-1]}, as it may with this regularization."
    return Diagnosis(
        "curves",
        status,
        title,
        _explain(key, curves, numbers),
        _advise(key, now, numbers),
        numbers,
        key,
    )


class _Now:
    """Parameters as they are, for advice that names them."""

    def __init__(self, params, rate):
        self._params = params
        self.rate = params.get("learning_rate_init", rate)

    def __getitem__(self, name):
        return self._params.get(name)

    def learning_rate(self, factor):
        """Advice of another rate."""
        if not 0 < self.rate < float("inf"):
            size = "smaller" if factor < 1 else "larger"
            times = 1 / factor if factor < 1 else factor
            return f"learning_rate_init: {number(times)} times {size}"
        return (
            f"learning_rate_init={number(self.rate * factor)} (now {number(self.rate)})"
        )

    @property
    def is_fast(self):
        """Whether the rate is likelier too large than too small."""
        return self.rate > (0.5 if self["solver"] == "sgd" else 0.03)

    @property
    def explains_better_validation(self):
        """Whether something is in the training loss alone."""
        names = "dropout input_dropout dropconnect augment label_smoothing".split()
        return any(self.is_on(name) for name in names) or (self["alpha"] or 0) > 1e-3

    def max_iter(self, n_epochs):
        now = self["max_iter"] or n_epochs
        if n_epochs < now:
            return f"the epochs that are left: {n_epochs} of max_iter={now} are done"
        return f"max_iter={max(2 * now, 10)} (now {now})"

    def alpha(self, factor):
        alpha = self["alpha"]
        if alpha is None:
            return f"alpha: {number(factor if factor > 1 else 1 / factor)} times " + (
                "larger" if factor > 1 else "smaller"
            )
        new = alpha * factor if alpha else 1e-4
        return f"alpha={number(new)} (now {number(alpha)})"

    def units(self, factor):
        sizes = self["hidden_layer_sizes"]
        if sizes is None:
            return (
                "twice the units in hidden_layer_sizes"
                if factor > 1
                else ("half the units in hidden_layer_sizes")
            )
        sizes = list(sizes) if hasattr(sizes, "__iter__") else [sizes]
        new = tuple(max(2, int(n * factor)) for n in sizes)
        return f"hidden_layer_sizes={new} (now {tuple(sizes)})"

    def is_on(self, name):
        value = self[name]
        return bool(any(value) if isinstance(value, (list, tuple)) else value)


def _explain(key, curves, numbers):
    """The numbers in a sentence."""
    n = curves.n_epochs
    first, last = number(numbers["first_loss"]), number(numbers["last_loss"])
    epochs = f"{n} epoch{'s' if n != 1 else ''}"
    said = f"In {epochs} the training loss went from {first} to {last}"
    if key in ("diverged_late", "spikes", "unstable") and "least_loss" in numbers:
        said += f" (least: {number(numbers['least_loss'])})"
    if "best_epoch" in numbers:
        said += (
            f"; the validation loss was least, {number(numbers['least_validation_loss'])}, "
            f"at epoch {numbers['best_epoch']}, and ended at "
            f"{number(numbers['last_validation_loss'])}"
        )
    said += "."
    if "validation_score" in numbers:
        said += f" The validation score ended near {numbers['validation_score']:.3g}."
    return " ".join([said, *_more(key, curves, numbers)])


def _more(key, curves, numbers):
    if key == "spikes":
        epochs = curves.spikes()
        shown = ", ".join(map(str, epochs[:5])) + (", ..." if len(epochs) > 5 else "")
        yield f"It shot up at epoch {shown}."
    if key == "unstable":
        yield f"From epoch to epoch it changes by {numbers['roughness']:.0%} of its fall."
    if key == "memorizing":
        yield (
            "What the network learns of the training rows says nothing of others: labels "
            "that do not belong to their rows, or inputs that do not tell the target."
        )
    if key == "plateau":
        yield (
            "It may be the noise of the data: if neither a lower rate nor more units help, "
            "it is."
        )
    if key == "validation_better":
        yield (
            "Training has what validation has not: dropout, augmentation and the penalty "
            "of alpha are in its loss alone. Without these, validation rows are easier, or "
            "copies of training rows."
        )


def _advise(key, now, numbers):
    """What to try, the likeliest first."""
    n_epochs = numbers["n_epochs"]
    if key in ("diverged", "diverged_late"):
        advice = [now.learning_rate(0.1), "clip_norm=1.0"]
        if key == "diverged":
            return [
                *advice,
                "scaled inputs (StandardScaler) and, for regression, targets",
            ]
        return [*advice, 'learning_rate="cosine", or another schedule that falls']
    advice = {
        "too_short": [f"max_iter={max(20, 5 * n_epochs)}: a verdict needs some epochs"],
        "unstable": [
            now.learning_rate(0.2),
            'learning_rate="cosine", or another schedule that falls',
            "a larger batch_size",
        ],
        "spikes": ["clip_norm=1.0", now.learning_rate(0.3)],
        "memorizing": [
            "Do X and y belong together, row by row? Look at twenty rows.",
            "Do training and validation rows come from the same source, shuffled?",
            "A simple model for comparison: if that learns nothing either, X lacks what "
            "tells the target.",
        ],
        "no_learning": [
            "learning_rate_range_test(estimator, X, y): does any rate make it fall?",
            "overfit_small_sample(estimator, X, y): if even that fails, it is the network",
            "Do X and y belong together, row by row?",
        ],
        "too_slow": [
            now.learning_rate(10),
            "learning_rate_range_test(estimator, X, y)",
        ],
        "needs_more_training": [now.max_iter(n_epochs), now.learning_rate(3)],
        "underfitting": [
            *([now.learning_rate(0.1)] if now.is_fast else []),
            now.units(2),
            *([] if now.is_fast else [now.learning_rate(3)]),
            *_less_regularization(now),
        ],
        "plateau": [
            now.learning_rate(0.2) + " from here on, or a schedule that falls: "
            'learning_rate="cosine"',
            now.units(2),
        ],
        "validation_better": [
            *_less_regularization(now),
            "Look for rows that are in both parts.",
        ],
        "no_validation": ["fit(..., X_val=X_val, y_val=y_val), or early_stopping=True"],
    }
    if key == "plateau" and numbers.get("rate_left", 1.0) < FADED:
        left = number(numbers["rate_left"])
        return [
            f"A schedule that falls slower: {left} of the rate was left at the end",
            now.units(2),
        ]
    if key == "no_validation" and now["solver"] == "lbfgs":
        return ["score(X_val, y_val): lbfgs does not validate as it goes"]
    if key == "overfitting":
        return _more_regularization(now, numbers)
    return advice.get(key, [])


def _less_regularization(now):
    advice = []
    if now.is_on("dropout"):
        advice.append(f"less dropout (now {now['dropout']})")
    if now.is_on("augment"):
        advice.append("weaker augmentation")
    if now["alpha"] is None or now["alpha"] > 1e-5:
        advice.append(now.alpha(0.1))
    return advice


def _more_regularization(now, numbers):
    advice = []
    if not now["early_stopping"]:
        unknown = ", if it is not on" if now["early_stopping"] is None else ""
        advice.append(
            f"early_stopping=True{unknown}: keeps the best weights, here of epoch "
            f"{numbers['best_epoch']}"
        )
    if not now.is_on("dropout"):
        advice.append("dropout=0.3")
    return [*advice, now.alpha(10), "more rows, or `augment`", now.units(0.5)]
