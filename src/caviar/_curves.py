"""Step 6: what the curves of a training say.

Reads recorded numbers only; every rule is a ratio, so that it does not matter in which unit
the loss is. `_verdicts` has the words.
"""

import numpy as np

FEWEST_EPOCHS = 4
# Shares of the loss of the start, unless something else is said.
FALLEN = 0.05  # less is no fall
SLOW = 0.35  # less is not much, for a loss that still falls as it did at first
GAP = 0.15  # validation above training
RISE, RISE_OF_LEAST = 0.05, 0.1  # of the validation loss since its least, of both
STILL_FALLING, STILL_FALLING_OF_LEVEL = 0.01, 0.04  # over a fifth of the epochs
HIGH, MIDDLE = 0.5, 0.1  # of what is left of the loss at the end
ROUGH = 0.04  # median step of the loss, of its whole fall
SPIKE = 0.15  # of its whole fall: a step up that is made good later
GOOD_SCORE = 0.95  # accuracy or R2


class Curves:
    """The losses of one training, and what can be measured on them.

    Parameters
    ----------
    history : dict
        As `history_`.
    reference : float or None
        The loss of outputs that are zero, where it is known.
    """

    def __init__(self, history, reference=None):
        columns = {name: _column(history, name) for name in COLUMNS}
        self.loss = columns["loss"]
        self.validation, self.score = (
            columns["validation_loss"],
            columns["validation_score"],
        )
        self.rates = columns["learning_rate"]
        self.n_epochs = len(self.loss)
        self.finite = bool(np.isfinite(self.loss).all())
        self.validated = bool(np.isfinite(self.validation).any())
        if not self.finite:
            return
        self.first, self.least = float(self.loss[0]), float(self.loss.min())
        self.scale = self.first if reference is None else min(reference, self.first)
        self.scale = max(self.scale, 1e-300)
        self.last = self.end_of(self.loss)
        self.fall = self.first - self.least

    def window(self):
        """A fifth of the epochs: what is called the end."""
        return max(1, self.n_epochs // 5)

    def end_of(self, values):
        """Median of the last tenth."""
        return float(np.median(values[-max(1, self.n_epochs // 10) :]))

    def drop(self, values):
        """How much they fell over the last window, less the noise of that."""
        w = self.window()
        before, now = values[-2 * w : -w], values[-w:]
        noise = np.std(np.diff(values[-2 * w :])) / np.sqrt(w) if w > 1 else 0.0
        return float(np.mean(before) - np.mean(now) - noise)

    def falls(self, values):
        """Whether they still fall at the end, enough to matter."""
        drop = self.drop(values)
        level = abs(self.end_of(values)) or 1e-300
        return drop > STILL_FALLING * self.scale and drop > (
            STILL_FALLING_OF_LEVEL * level
        )

    def steps(self):
        """Changes of the loss from epoch to epoch after the first third."""
        return np.diff(self.loss[self.n_epochs // 3 :])

    def roughness(self):
        """Median step of the loss, beyond its trend, of its whole fall."""
        steps = self.steps()
        return float(
            np.median(np.abs(steps - np.median(steps))) / max(self.fall, 1e-300)
        )

    def spikes(self):
        """Epochs (from 1) of steps up that were made good again."""
        found, loss = [], self.loss
        for e in range(2, self.n_epochs - 1):
            before = np.median(loss[max(0, e - 5) : e])
            after = np.median(loss[e + 1 : e + 8])
            up = loss[e] - before
            if up > SPIKE * self.fall and loss[e] - after > 0.5 * up:
                found.append(e + 1)
        return found

    # Validation

    def best_epoch(self):
        """Of the least validation loss, from 1."""
        return int(np.nanargmin(self.validation)) + 1

    def rise(self):
        """Of the validation loss at the end over its least."""
        return self.end_of(self.validation) - float(np.nanmin(self.validation))

    def gap(self):
        """Validation loss over training loss at the end."""
        return self.end_of(self.validation) - self.last

    def end_score(self):
        scores = self.score[np.isfinite(self.score)]
        return self.end_of(scores) if len(scores) else None

    def score_gain(self):
        scores = self.score[np.isfinite(self.score)]
        return float(scores.max() - scores[0]) if len(scores) else None


COLUMNS = ("loss", "validation_loss", "validation_score", "learning_rate")


def _column(history, name):
    values = history.get(name)
    if values is None:
        values = np.full(len(history["loss"]), np.nan)
    return np.array([np.nan if v is None else v for v in values], dtype=np.float64)


def measure(curves):
    """The numbers behind a verdict."""
    numbers = {"n_epochs": curves.n_epochs}
    finite = np.flatnonzero(np.isfinite(curves.loss))
    numbers["first_loss"] = float(curves.loss[0])
    numbers["last_loss"] = float(curves.loss[-1])
    if len(finite):
        numbers["least_loss"] = float(curves.loss[finite].min())
    if not curves.finite:
        return numbers
    numbers["share_left"] = curves.last / curves.scale
    if curves.n_epochs >= FEWEST_EPOCHS:
        numbers["roughness"] = curves.roughness()
        numbers["share_lost_at_end"] = curves.drop(curves.loss) / curves.scale
    if curves.validated:
        numbers["best_epoch"] = curves.best_epoch()
        numbers["least_validation_loss"] = float(np.nanmin(curves.validation))
        numbers["last_validation_loss"] = float(curves.validation[-1])
        numbers["gap"] = curves.gap() / curves.scale
        numbers["rise"] = curves.rise() / curves.scale
        score = curves.end_score()
        if score is not None:
            numbers["validation_score"] = score
    return numbers


def verdict(curves, stops_early=False):
    """The key of what they say."""
    broken = _broken(curves)
    if broken:
        return broken
    if curves.n_epochs < FEWEST_EPOCHS:
        return "too_short"
    validated = curves.validated and np.isfinite(curves.validation).all()
    return (
        _not_steady(curves)
        or _hardly_learnt(curves, validated)
        or (_with_validation(curves, stops_early) if validated else _alone(curves))
    )


def _broken(curves):
    """Divergence, at once or late."""
    if not curves.finite:
        good = curves.loss[np.isfinite(curves.loss)]
        late = len(good) > 3 and good.min() < 0.7 * good[0]
        return "diverged_late" if late else "diverged"
    if curves.n_epochs < 2:
        return None
    late = curves.least < 0.7 * curves.first
    back = curves.last - curves.least
    if late and curves.n_epochs >= FEWEST_EPOCHS:
        stays = np.all(curves.loss[-2:] - curves.least > 0.3 * curves.fall)
        return "diverged_late" if back > 0.5 * curves.fall and stays else None
    return "diverged" if curves.last > 1.5 * curves.first else None


def _not_steady(curves):
    """Oscillation, spikes."""
    fell = curves.fall > FALLEN * curves.scale
    if not fell or curves.n_epochs < 8:
        return None
    steps = curves.steps()
    ups = np.mean(steps > 0)
    if curves.roughness() > ROUGH and 0.25 <= ups <= 0.75:
        return "unstable"
    if curves.spikes():
        return "spikes"
    return None


def _hardly_learnt(curves, validated):
    """Not at all, too slowly, or by heart only."""
    loss, scale = curves.loss, curves.scale
    third = max(1, curves.n_epochs // 3)
    falling = np.mean(np.diff(loss) < 0) > 0.85 and (
        loss[-third - 1] - loss[-1] > 0.4 * (loss[0] - loss[third])
    )
    if validated:
        never_better = np.min(curves.validation) > 0.9 * min(scale, curves.first)
        gain = curves.score_gain()
        no_gain = gain is None or gain < 0.1
        known_good = (curves.end_score() or 0) >= GOOD_SCORE
        if never_better and no_gain and not known_good:
            rose = curves.rise() > 0.05 * scale
            fell = curves.last < 0.85 * min(scale, curves.first)
            if rose or fell:
                return "memorizing"
    if falling and curves.fall < SLOW * curves.first and curves.last > HIGH * scale:
        return "too_slow"
    if curves.last > (1 - FALLEN) * scale:
        return "no_learning"
    return None


def _with_validation(curves, stops_early):
    scale, least = curves.scale, float(np.min(curves.validation))
    rise, best = curves.rise(), curves.best_epoch()
    fell_since = curves.loss[best - 1] - curves.last > 0
    rose = rise > RISE * scale and rise > RISE_OF_LEAST * least and fell_since
    tail = curves.n_epochs - best
    if stops_early and tail > 0:
        return "stopped_in_time"
    if rose:
        soon = tail <= 20 and tail <= 0.3 * curves.n_epochs and rise <= 0.3 * least
        return "stopped_in_time" if soon else "overfitting"
    if curves.falls(curves.validation) and curves.falls(curves.loss):
        return "needs_more_training"
    if curves.gap() > GAP * scale:
        return "overfitting"
    half = curves.n_epochs // 2
    below = curves.validation[half:] < 0.9 * curves.loss[half:]
    if below.mean() > 0.8 and -curves.gap() > 0.02 * scale:
        return "validation_better"
    if (curves.end_score() or 0) >= GOOD_SCORE:
        return "good_fit"
    return _by_level(curves) or "good_fit"


def _alone(curves):
    if curves.falls(curves.loss):
        return "needs_more_training"
    return _by_level(curves) or "no_validation"


def _by_level(curves):
    """Where the loss has settled."""
    left = curves.last / curves.scale
    if left > HIGH:
        return "underfitting"
    near = curves.loss - curves.least < 0.03 * curves.fall
    settled = curves.n_epochs if not near.any() else int(np.argmax(near))
    if left > MIDDLE and settled < 0.5 * curves.n_epochs:
        return "plateau"
    return None
