"""Step 6: what the curves of a training say.

Reads recorded numbers only; every rule is a ratio, so that it does not matter in which unit
the loss is. `_verdicts` has the words. The limits were found on trainings of digits, breast
cancer and diabetes that went one way or the other (tests/record_curves.py).
"""

import numpy as np

COLUMNS = ("loss", "validation_loss", "validation_score", "learning_rate")
FEWEST_EPOCHS = 4
# Shares of the loss of knowing nothing (`Curves.scale`), unless something else is said:
NOTHING, NEXT_TO_NOTHING = 0.97, 0.9  # left, where that loss is known, and where not
BY_HEART = 0.8  # left in training, where nothing is learnt for validation
SLOW = 0.15  # less is not much, for a loss that still falls as it did at first
GAP, GAP_OF_RISE = 0.2, 0.1  # validation above training; the same where it has risen
RISE, RISE_OF_LEAST = 0.02, 0.15  # of the validation loss since its least, of both
STILL_FALLING, STILL_FALLING_OF_LEVEL = 0.02, 0.04  # over a fifth of the epochs
HIGH, HIGH_OF_R2 = 0.5, 0.75  # left at the end; squared errors have more noise in them
HIGH_OF_POOR = 0.35  # of classes, with less than SOME_SCORE
MIDDLE, MIDDLE_OF_CLASSES = 0.1, 0.2  # settled there, or not
BEYOND = 3.0
ROUGH, ROUGH_OF_LEVEL = 0.01, 0.08  # median step from epoch to epoch, of both
SPIKE, SPIKE_OF_LEVEL = 0.02, 2.5  # a step up that is made good again, of both
SETTLED = 0.02  # off the least loss
BELOW, FAR_BELOW = 0.9, 0.05  # validation loss: of training loss, and under it
GOOD_SCORE, SOME_SCORE = 0.95, 0.6  # accuracy or R2
GAIN = 0.1  # of the score


class Curves:
    """The losses of one training, and what can be measured on them.

    Parameters
    ----------
    history : dict
        As `history_`; None counts as NaN, and columns may be missing.
    reference : float or None
        The loss of knowing nothing, where it is known.
    """

    def __init__(self, history, reference=None):
        columns = [_column(history, name) for name in COLUMNS]
        self.loss, self.validation, self.score, self.rates = columns
        self.n_epochs = len(self.loss)
        self.finite = bool(np.isfinite(self.loss).all())
        self.has_validation = bool(np.isfinite(self.validation).any())
        # Rules on validation want all of it.
        self.validated = bool(np.isfinite(self.validation).all())
        of_r2 = self._reference_of_r2()
        self.has_reference = bool(reference or of_r2)
        self.scale = reference or of_r2 or self._first_loss()
        self.is_r2 = of_r2 is not None
        self.high = HIGH_OF_R2 if self.is_r2 else HIGH
        if self.finite:
            self.first, self.least = float(self.loss[0]), float(self.loss.min())
            self.last = self.end_of(self.loss)

    def _first_loss(self):
        """The first epoch's, unless it is beyond all bounds or has a large penalty."""
        first = self.loss[0]
        if self.validated and not first <= 3 * self.validation[0]:
            first = self.validation[0]
        return float(first) if first > 0 else 1e-300

    def _reference_of_r2(self):
        """Where the score is R2 and the loss squared: loss / (1 - R2), half a variance."""
        known = (
            np.isfinite(self.validation) & np.isfinite(self.score) & (self.score < 1)
        )
        if known.sum() < FEWEST_EPOCHS:
            return None
        ratios = self.validation[known] / (1 - self.score[known])
        middle = float(np.median(ratios))
        # Of scores with three digits, too, which are least exact near 1.
        exact = np.abs(ratios / middle - 1) if middle > 0 else np.ones(1)
        varies = np.ptp(self.validation[known]) > 0.01 * middle
        # Log losses that are all clipped, of outputs beyond bounds, go with accuracy so.
        likely = middle < 3 * self.loss[0]
        return middle if varies and likely and np.all(exact < 0.01) else None

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
        drop, level = self.drop(values), abs(self.end_of(values))
        return drop > max(STILL_FALLING * self.scale, STILL_FALLING_OF_LEVEL * level)

    def falls_steadily(self):
        """Whether the training loss falls at the end as it does at first."""
        loss, third = self.loss, max(1, self.n_epochs // 3)
        at_first, at_last = loss[0] - loss[third], loss[-third - 1] - loss[-1]
        return np.mean(np.diff(loss) < 0) > 0.85 and at_last > 0.4 * at_first

    def late(self):
        """The training loss after the first third."""
        return self.loss[self.n_epochs // 3 :]

    def roughness(self):
        """Median step of the loss, beyond its trend."""
        steps = np.diff(self.late())
        return float(np.median(np.abs(steps - np.median(steps))))

    def spikes(self):
        """Epochs (from 1) of steps up that were made good again."""
        found, loss = [], self.loss
        for e in range(3, self.n_epochs - 1):
            before = np.median(loss[max(0, e - 5) : e])
            after = np.median(loss[e + 1 : e + 8])
            up = loss[e] - before
            high = up > SPIKE * self.scale and loss[e] > SPIKE_OF_LEVEL * before
            if high and loss[e] - after > 0.5 * up:
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
        """Of the best score over the first; 0 without scores."""
        scores = self.score[np.isfinite(self.score)]
        return float(scores.max() - scores[0]) if len(scores) else 0.0

    def left(self):
        """Share of the loss of knowing nothing that is left at the end."""
        last = self.last
        if self.validated:
            last = min(last, self.end_of(self.validation))
        return last / self.scale

    def settled(self):
        """Epochs until the training loss was about as low as it ever got."""
        near = self.loss - self.least < SETTLED * self.scale
        return int(np.argmax(near)) + 1


def _column(history, name):
    values = history.get(name)
    if values is None:
        values = np.full(len(history["loss"]), np.nan)
    return np.array([np.nan if v is None else v for v in values], dtype=np.float64)


def measure(curves):
    """The numbers behind a verdict."""
    numbers = {
        "n_epochs": curves.n_epochs,
        "first_loss": float(curves.loss[0]),
        "last_loss": float(curves.loss[-1]),
        "loss_of_knowing_nothing": curves.scale,
    }
    finite = curves.loss[np.isfinite(curves.loss)]
    if len(finite):
        numbers["least_loss"] = float(finite.min())
    if curves.has_validation:
        numbers["best_epoch"] = curves.best_epoch()
        numbers["least_validation_loss"] = float(np.nanmin(curves.validation))
        numbers["last_validation_loss"] = float(curves.validation[-1])
    score = curves.end_score()
    if score is not None:
        numbers["validation_score"] = score
    if np.isfinite(curves.rates).all() and curves.rates.max() > 0:
        numbers["rate_left"] = float(curves.rates[-1] / curves.rates.max())
    if not curves.finite:
        return numbers
    numbers["share_left"] = curves.left()
    with np.errstate(over="ignore"):
        if curves.n_epochs >= FEWEST_EPOCHS:
            numbers["roughness"] = curves.roughness() / curves.scale
            numbers["falls_at_end"] = curves.drop(curves.loss) / curves.scale
        if curves.validated:
            numbers["gap"] = curves.gap() / curves.scale
            numbers["rise"] = curves.rise() / curves.scale
    return numbers


def verdict(curves, stops_early=False):
    """The key of what they say."""
    broken = _broken(curves)
    if broken:
        return broken
    if curves.n_epochs < FEWEST_EPOCHS:
        return "too_short"
    return (
        _hardly_learnt(curves)
        or _not_steady(curves)
        or (_with_validation(curves, stops_early) if curves.validated else None)
        or _alone(curves)
    )


def _broken(curves):
    """Divergence, at once or late."""
    good = curves.loss[np.isfinite(curves.loss)]
    learnt = len(good) >= FEWEST_EPOCHS and good.min() < 0.7 * good[0]
    late = "diverged_late" if learnt else "diverged"
    if not curves.finite:
        return late
    if learnt:
        lost = 0.5 * (curves.first - curves.least)
        return late if np.median(curves.loss[-3:]) - curves.least > lost else None
    grown = curves.n_epochs > 1 and curves.last > 1.5 * curves.first
    beyond = curves.has_reference and curves.n_epochs >= FEWEST_EPOCHS
    beyond = beyond and curves.last > BEYOND * curves.scale
    return late if grown or (beyond and not curves.falls(curves.loss)) else None


def _not_steady(curves):
    """Oscillation, spikes."""
    if curves.n_epochs < 8:
        return None
    late = curves.late()
    ups = np.mean(np.diff(late) > 0)
    rough = max(ROUGH * curves.scale, ROUGH_OF_LEVEL * np.median(late))
    if curves.roughness() > rough and ups >= 0.25:
        return "unstable"
    return "spikes" if curves.spikes() else None


def _hardly_learnt(curves):
    """Not at all, too slowly, or by heart only."""
    limit = NOTHING if curves.has_reference else NEXT_TO_NOTHING
    slow = curves.falls_steadily() and curves.first - curves.least < SLOW * curves.first
    slow = slow and curves.left() > curves.high
    validation, score = curves.validation, curves.end_score()
    if slow and not (curves.validated and validation[-1] > validation[0]):
        return "too_slow"
    high = limit * curves.scale
    if not curves.validated:
        return "no_learning" if curves.last > high else None
    if curves.has_reference:
        learnt = np.min(validation) < high
    elif curves.last > BY_HEART * curves.first:
        learnt = (score or 0) > SOME_SCORE
    else:  # the first epoch may have learnt all there is
        high = limit * min(curves.scale, validation[0])
        learnt = np.min(validation) < high or (score or 0) > SOME_SCORE
    # R2 gains by leaving first weights behind that are worse than knowing nothing.
    if learnt or (curves.score_gain() > GAIN and not curves.is_r2):
        return None
    by_heart = curves.last < BY_HEART * min(curves.scale, np.median(validation))
    return "memorizing" if by_heart else "no_learning"


def _with_validation(curves, stops_early):
    scale, least = curves.scale, float(np.min(curves.validation))
    rise, best = curves.rise(), curves.best_epoch()
    if stops_early:
        return "stopped_in_time"
    apart = curves.loss[best - 1] > curves.last and curves.gap() > GAP_OF_RISE * scale
    if apart and rise > max(RISE * scale, RISE_OF_LEAST * least):
        return "overfitting"
    if curves.falls(curves.validation) and curves.falls(curves.loss):
        return "needs_more_training"
    if curves.gap() > GAP * scale:
        return "overfitting"
    half = curves.n_epochs // 2
    below = np.mean(curves.validation[half:] < BELOW * curves.loss[half:])
    if below > 0.8 and -curves.gap() > FAR_BELOW * scale:
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
    left, score = curves.left(), curves.end_score()
    learnt = not curves.has_reference and score is not None and score > SOME_SCORE
    poor = not curves.is_r2 and score is not None and score < SOME_SCORE
    high = HIGH_OF_POOR if poor else curves.high
    if left > high and not learnt:
        return "underfitting"
    settled = curves.settled() < 0.5 * curves.n_epochs
    far = left > MIDDLE_OF_CLASSES and not curves.is_r2
    return "plateau" if far or (left > MIDDLE and settled) else None
