r"""Schedules: how the learning rate goes on from ``learning_rate_init``.

A schedule is called as ``schedule(progress, n_epochs)`` and returns the factor of
``learning_rate_init``. ``progress`` counts epochs: the step b (from 0) of the epoch e (from
0) has the progress ``e + b / n_batches``, so the rate changes from step to step. Any
function of these two arguments that takes an array will do in the place of the classes
here, whose parameters a search reaches as ``learning_rate__rate``.

A factor is finite and never negative. Training that goes on after ``n_epochs``, as
partial_fit may, keeps the factor of the end where a schedule is made for a length of
training (cosine, one_cycle, flat_cosine, cos_log4); the others go on.
"""

from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval, StrOptions

from . import _plot_style
from ._html import AsCard, schedule_html

SCIKIT_LEARNS = ("constant", "invscaling", "adaptive")  # rules of the training loop

_positive = Interval(Real, 0, None, closed="neither")
_not_negative = Interval(Real, 0, None, closed="left")
_share = Interval(Real, 0, 1, closed="both")


class Schedule(AsCard, BaseEstimator):
    """Base class: a factor of `learning_rate_init` as a function of the progress.

    A subclass stores its parameters in ``__init__``, says in ``_constraints`` what they
    may be, and computes ``_factor(progress, n_epochs, n_batches)`` of an array.
    """

    _constraints: dict = {}

    def __call__(self, progress, n_epochs, n_batches=1):
        """The factor of `learning_rate_init`.

        Parameters
        ----------
        progress : float or ndarray of any shape
            Epochs, or parts of them, trained before the step.
        n_epochs : float
            Length of the training (`max_iter`), positive.
        n_batches : int, default=1
            Steps of an epoch, for schedules that count steps.

        Returns
        -------
        float64 or ndarray of float64
            Of the shape of `progress`.

        Raises
        ------
        ValueError
            For a parameter out of its range.
        """
        self._check(type(self).__name__)
        if not n_epochs > 0:
            raise ValueError(f"`n_epochs` must be positive, got {n_epochs!r}.")
        progress = np.maximum(np.asarray(progress, dtype=np.float64), 0.0)
        # Raveled: numpy's power of an array without dimensions differs in the last bit.
        with np.errstate(
            under="ignore"
        ):  # a rate's high powers are zero, as they should
            factor = self._factor(progress.ravel(), n_epochs, n_batches)
        return np.asarray(factor, dtype=np.float64).reshape(progress.shape)[()]

    def _factor(self, progress, n_epochs, n_batches):
        raise NotImplementedError(f"{type(self).__name__} does not define `_factor`.")

    def _card_html(self):
        return schedule_html(self)

    def _check(self, name):
        """Refuse parameters out of their range; `name` is what the schedule is called."""
        for parameter, constraint in self._constraints.items():
            value = getattr(self, parameter)
            if not constraint.is_satisfied_by(value):
                raise ValueError(
                    f"`{name}.{parameter}` must be {constraint}, got {value!r}."
                )

    def plot(self, n_epochs=100, ax=None):
        """Draw the factor over the epochs. Needs matplotlib.

        `caviar.plotting.ScheduleDisplay` draws several, and learning rates.

        Parameters
        ----------
        n_epochs : int, default=100
        ax : matplotlib Axes, default=None
            Where to draw; None for a new figure.

        Returns
        -------
        matplotlib Axes

        Raises
        ------
        ImportError
            Without matplotlib.
        """
        name = type(self).__name__
        _plot_style.check_matplotlib(f"{name}.plot")
        (ax,), _ = _plot_style.grid_of_axes(ax, (1, 1), figsize=(6.4, 3.6))
        progress = np.linspace(0, n_epochs, 2001)
        _plot_style.draw_over_epochs(
            ax,
            progress,
            {name: self(progress, n_epochs)},
            "factor of learning_rate_init",
        )
        return ax


class InverseTimeDecay(Schedule):
    r"""``1 / (1 + rate * e)``, e the progress in epochs.

    The classical decay under which stochastic gradients converge. It falls fast at first
    and hardly at all later; for a training whose length is not known in advance.

    Parameters
    ----------
    rate : float, default=1.0
        Not negative. 1 halves the learning rate in the first epoch, which suits trainings
        of a few epochs; for a hundred try 0.05 first.

    References
    ----------
    Robbins & Monro, "A stochastic approximation method", Annals of Mathematical Statistics
    22, 1951. Bottou, "Stochastic gradient descent tricks", 2012, section 5.2.

    Examples
    --------
    >>> import numpy as np
    >>> from caviar.schedules import InverseTimeDecay
    >>> 0.2 * InverseTimeDecay(rate=1.0)(np.array([1, 2, 3, 4]), n_epochs=4)
    array([0.1       , 0.06666667, 0.05      , 0.04      ])
    """

    _constraints = {"rate": _not_negative}

    def __init__(self, rate=1.0):
        self.rate = rate

    def _factor(self, progress, n_epochs, n_batches):
        return 1 / (1 + self.rate * progress)


class ExponentialDecay(Schedule):
    """``rate ** e``, e the progress in epochs: the same share is lost in every epoch.

    Parameters
    ----------
    rate : float, default=0.95
        In (0, 1]. What is left after n epochs is ``rate ** n``: 0.95 leaves 8 % of the
        learning rate after 50 epochs and 0.6 % after 100. Try first what leaves 1 % at the
        end, ``0.01 ** (1 / max_iter)``.

    References
    ----------
    Senior, Heigold, Ranzato & Yang, "An empirical study of learning rates in deep neural
    networks for speech recognition", ICASSP 2013.

    Examples
    --------
    >>> from caviar.schedules import ExponentialDecay
    >>> float(ExponentialDecay(rate=0.5)(3, n_epochs=10))
    0.125
    """

    _constraints = {"rate": Interval(Real, 0, 1, closed="right")}

    def __init__(self, rate=0.95):
        self.rate = rate

    def _factor(self, progress, n_epochs, n_batches):
        return self.rate**progress


class SqrtDecay(Schedule):
    """``k / sqrt(max(e, 1))``, e counting epochs or steps.

    Slower than 1 / e: what online gradient descent needs for its bound on the regret. The
    first epoch (or step) has the factor k, where the formula alone would be infinite.

    Parameters
    ----------
    k : float, default=1.0
        Positive.
    per : {'epoch', 'step'}, default='epoch'
        What e counts. By step the rate falls sooner: after one epoch of 100 batches it is
        a tenth. Start with 'epoch'; take 'step' for a few passes over many rows.

    References
    ----------
    Zinkevich, "Online convex programming and generalized infinitesimal gradient ascent",
    ICML 2003, theorem 1.

    Examples
    --------
    >>> import numpy as np
    >>> from caviar.schedules import SqrtDecay
    >>> SqrtDecay()(np.array([0.0, 1.0, 4.0]), n_epochs=10)
    array([1. , 1. , 0.5])
    >>> float(SqrtDecay(per="step")(1.0, n_epochs=10, n_batches=100))
    0.1
    """

    _constraints = {"k": _positive, "per": StrOptions({"epoch", "step"})}

    def __init__(self, k=1.0, per="epoch"):
        self.k = k
        self.per = per

    def _factor(self, progress, n_epochs, n_batches):
        count = progress * n_batches if self.per == "step" else progress
        return self.k / np.sqrt(np.maximum(count, 1))


class StepDecay(Schedule):
    """``factor ** floor(e / every)``: multiplied by `factor` every so many epochs.

    Parameters
    ----------
    factor : float, default=0.5
        In (0, 1].
    every : float, default=10
        Epochs, positive. Try first a fifth of `max_iter` with the factor 0.5, or a third
        with 0.1.

    References
    ----------
    Ge, Kakade, Kidambi & Netrapalli, "The step decay schedule: A near optimal,
    geometrically decaying learning rate procedure for least squares", NeurIPS 2019.
    :arxiv:`1904.12838`

    Examples
    --------
    >>> import numpy as np
    >>> from caviar.schedules import StepDecay
    >>> StepDecay(factor=0.5, every=10)(np.array([0, 9.99, 10, 20]), n_epochs=30)
    array([1.  , 1.  , 0.5 , 0.25])
    """

    _constraints = {
        "factor": Interval(Real, 0, 1, closed="right"),
        "every": _positive,
    }

    def __init__(self, factor=0.5, every=10):
        self.factor = factor
        self.every = every

    def _factor(self, progress, n_epochs, n_batches):
        return self.factor ** np.floor(progress / self.every)


class CosineDecay(Schedule):
    r"""Half a cosine from 1 to `final`, once or several times.

    ``final + (1 - final) / 2 * (1 + cos(pi * c))`` with c from 0 to 1 in each of `n_cycles`
    equal parts of the training; each new cycle starts at 1 again (a warm restart).

    The first schedule to try where `max_iter` is the length you mean to train: set
    ``n_iter_no_change=np.inf``, or a training that stops early never gets to the small
    rates that the schedule is made for.

    Parameters
    ----------
    n_cycles : int, default=1
        At least 1. The weights at the end of each cycle are a good model of their own,
        which is what an ensemble of snapshots averages; then try 5.
    final : float, default=0.0
        The factor at the end of each cycle, in [0, 1].

    References
    ----------
    Loshchilov & Hutter, "SGDR: Stochastic gradient descent with warm restarts", ICLR 2017,
    equation 5. :arxiv:`1608.03983`

    Examples
    --------
    >>> import numpy as np
    >>> from caviar.schedules import CosineDecay
    >>> CosineDecay()(np.array([0, 50, 100]), n_epochs=100).round(6)
    array([1. , 0.5, 0. ])
    >>> CosineDecay(n_cycles=2)(np.array([0, 25, 50, 75]), n_epochs=100).round(6)
    array([1. , 0.5, 1. , 0.5])
    """

    _constraints = {
        "n_cycles": Interval(Integral, 1, None, closed="left"),
        "final": _share,
    }

    def __init__(self, n_cycles=1, final=0.0):
        self.n_cycles = n_cycles
        self.final = final

    def _factor(self, progress, n_epochs, n_batches):
        cycles = progress * self.n_cycles / n_epochs
        part = np.where(progress < n_epochs, cycles % 1, 1.0)
        return _cosine(1.0, self.final, part)


class OneCycle(Schedule):
    """One rise to 1 and one fall to almost nothing, both along half a cosine.

    `learning_rate_init` is the peak. The rise lets a network stand a rate several times
    the largest that it could start with; with it, a few epochs go far. Of Smith's policy
    this is the learning rate; the momentum stays as it is.

    Parameters
    ----------
    peak : float, default=0.3
        Share of the training at which the factor is 1, in (0, 1).
    start : float, default=0.04
        The factor at the start, in [0, 1].
    final : float, default=4e-6
        The factor at the end, in [0, 1].

    Notes
    -----
    Smith's rise and fall are straight lines of 45 % of the training each, from and to a
    tenth, and then a fall to less than a hundredth. The cosines and the values here are
    fastai's and PyTorch's. Try first three to ten times the learning rate of a constant
    one, and 10 to 30 epochs.

    References
    ----------
    Smith, "A disciplined approach to neural network hyper-parameters: Part 1", 2018,
    section 4.1. :arxiv:`1803.09820`

    Examples
    --------
    >>> import numpy as np
    >>> from caviar.schedules import OneCycle
    >>> OneCycle()(np.array([0, 30, 100]), n_epochs=100)
    array([4.e-02, 1.e+00, 4.e-06])
    """

    _constraints = {
        "peak": Interval(Real, 0, 1, closed="neither"),
        "start": _share,
        "final": _share,
    }

    def __init__(self, peak=0.3, start=0.04, final=4e-6):
        self.peak = peak
        self.start = start
        self.final = final

    def _factor(self, progress, n_epochs, n_batches):
        share = np.minimum(progress / n_epochs, 1)
        rise = _cosine(self.start, 1.0, share / self.peak)
        fall = _cosine(1.0, self.final, (share - self.peak) / (1 - self.peak))
        return np.where(share < self.peak, rise, fall)


class Warmup(Schedule):
    """A straight line from `start` to 1, then another schedule.

    For large batches with a large learning rate, for 'adam' where the first epochs are
    rough, and for batch normalization, whose running statistics start from nothing.

    Parameters
    ----------
    then : Schedule, callable, str or None, default=None
        What follows, over the rest of the training as if that were all of it: its
        progress is counted from the end of the warm-up, and so are its epochs. None: the
        factor stays 1. A search reaches its parameters as ``learning_rate__then__rate``.
    n_epochs : float, default=5
        Length of the warm-up in epochs, not negative; parts of an epoch are fine. Try
        first a twentieth of `max_iter`. A training shorter than this is all warm-up.
    start : float, default=0.0
        The factor at the start, in [0, 1]. With 0 the very first step changes nothing;
        with one batch an epoch (`batch_size='full'`) try 0.1.

    References
    ----------
    Goyal et al., "Accurate, large minibatch SGD: Training ImageNet in 1 hour", 2017,
    section 2.2. :arxiv:`1706.02677`

    Examples
    --------
    >>> import numpy as np
    >>> from caviar.schedules import CosineDecay, Warmup
    >>> schedule = Warmup(then=CosineDecay(), n_epochs=5)
    >>> schedule(np.array([0, 2.5, 5, 55, 105]), n_epochs=105).round(6)
    array([0. , 0.5, 1. , 0.5, 0. ])
    """

    _constraints = {"n_epochs": _not_negative, "start": _share}

    def __init__(self, then=None, n_epochs=5, start=0.0):
        self.then = then
        self.n_epochs = n_epochs
        self.start = start

    def _check(self, name):
        super()._check(name)
        if self.then is not None:
            _find(self.then, f"{name}.then")

    def _factor(self, progress, n_epochs, n_batches):
        length = self.n_epochs
        if length == 0:
            ramp = np.ones_like(progress)
        else:
            part = np.minimum(progress / length, 1)
            ramp = self.start + (1 - self.start) * part
        if self.then is None:
            return ramp
        after = progress >= length
        if not np.any(after):
            return ramp
        rest = n_epochs - length if n_epochs > length else 1
        then = _find(self.then, "Warmup.then")
        # Asked for nothing before its start: a user's function may not be defined there.
        factor = np.array(ramp)
        factor[after] = factors(then, progress[after] - length, rest, n_batches)
        return factor


class FlatCosine(Schedule):
    """1 for a share of the training, then half a cosine down to `final`.

    Parameters
    ----------
    flat : float, default=0.5
        Share of the training at the factor 1, in [0, 1). fastai's default is 0.75.
    final : float, default=0.0
        The factor at the end, in [0, 1].

    Notes
    -----
    Good with 'adam' and its relatives and a learning rate that is already known to work:
    try it wherever a constant rate does well. As with `CosineDecay`, `max_iter` should be
    the length you mean to train.

    References
    ----------
    Howard & Gugger, "fastai: A layered API for deep learning", Information 11, 2020
    (``fit_flat_cos``). :arxiv:`2002.04688`

    Examples
    --------
    >>> import numpy as np
    >>> from caviar.schedules import FlatCosine
    >>> FlatCosine(flat=0.5)(np.array([0, 50, 75, 100]), n_epochs=100).round(6)
    array([1. , 1. , 0.5, 0. ])
    """

    _constraints = {"flat": Interval(Real, 0, 1, closed="left"), "final": _share}

    def __init__(self, flat=0.5, final=0.0):
        self.flat = flat
        self.final = final

    def _factor(self, progress, n_epochs, n_batches):
        part = (progress / n_epochs - self.flat) / (1 - self.flat)
        return _cosine(1.0, self.final, part)


class CosLog4(Schedule):
    """Four waves, each twice as long as the one before.

    ``(1 - cos(2 pi log2(1 + 15 s))) / 2``, s the share of the training, from 0 to 1. It is
    0 at s = 0, 1/15, 3/15, 7/15 and 1, and 1 in between: at s = 0.028, 0.122, 0.310 and
    0.688. So the first step changes nothing, and the training ends at rate 0.

    The schedule of RealMLP, made for tables: the rises leave poor solutions, the falls
    settle, and the end is slow. Try it with 100 to 256 epochs and a learning rate a few
    times that of a constant one.

    References
    ----------
    Holzmüller, Grinsztajn & Steinwart, "Better by default: Strong pre-tuned MLPs and
    boosted trees on tabular data", NeurIPS 2024, section 3. :arxiv:`2407.04491`

    Examples
    --------
    >>> import numpy as np
    >>> from caviar.schedules import CosLog4
    >>> CosLog4()(np.array([0, 1, 3, 7, 15]), n_epochs=15).round(6)
    array([0., 0., 0., 0., 0.])
    >>> float(CosLog4()(2**0.5 - 1, n_epochs=15))
    1.0
    """

    def _factor(self, progress, n_epochs, n_batches):
        share = np.minimum(progress / n_epochs, 1)
        return (1 - np.cos(2 * np.pi * np.log2(1 + 15 * share))) / 2


class PiecewiseConstant(Schedule):
    """``values[i]`` from the epoch ``boundaries[i - 1]`` until ``boundaries[i]``.

    For a course known to work, from a paper or from watching a training.

    Parameters
    ----------
    boundaries : array-like of shape (n,)
        Progress in epochs at which the factor changes, positive and increasing.
    values : array-like of shape (n + 1,)
        The factors, not negative. Try first 1, 0.1 and 0.01 with the changes at a half and
        three quarters of the training.

    References
    ----------
    He, Zhang, Ren & Sun, "Deep residual learning for image recognition", CVPR 2016,
    section 4.2. :arxiv:`1512.03385`

    Examples
    --------
    >>> import numpy as np
    >>> from caviar.schedules import PiecewiseConstant
    >>> schedule = PiecewiseConstant(boundaries=[50, 75], values=[1, 0.1, 0.01])
    >>> schedule(np.array([0, 49.99, 50, 99]), n_epochs=100)
    array([1.  , 1.  , 0.1 , 0.01])
    """

    def __init__(self, boundaries, values):
        self.boundaries = boundaries
        self.values = values

    def _check(self, name):
        boundaries = _numbers(self.boundaries)
        if boundaries is None or np.any(np.diff(boundaries, prepend=0) <= 0):
            raise ValueError(
                f"`{name}.boundaries` must be a sequence of positive, increasing numbers, "
                f"got {self.boundaries!r}."
            )
        values = _numbers(self.values)
        if values is None or len(values) != len(boundaries) + 1 or np.any(values < 0):
            raise ValueError(
                f"`{name}.values` must be a sequence of {len(boundaries) + 1} numbers (one "
                f"more than the boundaries), none negative, got {self.values!r}."
            )

    def _factor(self, progress, n_epochs, n_batches):
        index = np.searchsorted(_numbers(self.boundaries), progress, side="right")
        return _numbers(self.values)[index]


NAMES = {
    "inverse_time": InverseTimeDecay,
    "exponential": ExponentialDecay,
    "sqrt": SqrtDecay,
    "step": StepDecay,
    "cosine": CosineDecay,
    "one_cycle": OneCycle,
    "warmup": Warmup,
    "flat_cosine": FlatCosine,
    "cos_log4": CosLog4,
}


def resolve(learning_rate):
    """The schedule that the parameter `learning_rate` of an estimator means.

    Parameters
    ----------
    learning_rate : str, Schedule or callable

    Returns
    -------
    callable or None
        None for 'constant', 'invscaling' and 'adaptive', which are not schedules.

    Raises
    ------
    ValueError
        For another name, a schedule with a parameter out of its range, or its class.
    """
    if isinstance(learning_rate, str) and learning_rate in SCIKIT_LEARNS:
        return None
    return _find(learning_rate, "learning_rate")


def factors(schedule, progress, n_epochs, n_batches):
    """What a schedule returns, checked.

    Parameters
    ----------
    schedule : callable
        A `Schedule`, or a user's function of the first two arguments.
    progress : ndarray of float64
        In epochs.
    n_epochs : float
    n_batches : int

    Returns
    -------
    ndarray of float64, of the shape of `progress`

    Raises
    ------
    ValueError
        Where the function does not return as many factors, each finite and not negative.
    """
    counts_steps = isinstance(schedule, Schedule)
    arguments = (progress, n_epochs, n_batches)[: 3 if counts_steps else 2]
    values = np.asarray(schedule(*arguments))
    if values.shape != progress.shape or values.dtype.kind not in "fiu":
        raise ValueError(
            f"`learning_rate` must return a number for each element of an array "
            f"`progress` of shape {progress.shape}, got {values.dtype} of shape "
            f"{values.shape} from {schedule!r}."
        )
    wrong = ~(np.isfinite(values) & (values >= 0))
    if np.any(wrong):
        raise ValueError(
            f"`learning_rate` must return finite, non-negative factors, got "
            f"{values[wrong][0]} at progress={progress[wrong][0]} from {schedule!r}."
        )
    return values.astype(np.float64)


def _find(schedule, name):
    """A schedule, its parameters checked, from itself or its name."""
    if isinstance(schedule, str) and schedule in NAMES:
        return NAMES[schedule]()
    if isinstance(schedule, type) and issubclass(schedule, Schedule):
        raise ValueError(
            f"`{name}` must be an instance, such as {schedule.__name__}(), got the class "
            f"{schedule.__name__}."
        )
    if not callable(schedule):
        names = list(NAMES)
        if name == "learning_rate":
            names = [*SCIKIT_LEARNS, *names]
        raise ValueError(
            f"`{name}` must be a schedule, a callable or one of {names}, got "
            f"{schedule!r}."
        )
    if isinstance(schedule, Schedule):
        schedule._check(name)
    return schedule


def _cosine(start, end, part):
    """From start to end along half a cosine, exactly there at part = 0 and 1."""
    weight = (1 - np.cos(np.pi * np.clip(part, 0, 1))) / 2
    return (1 - weight) * start + weight * end


def _numbers(values):
    """A sequence of finite numbers as a vector of float64, or None if it is not one."""
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        return None
    return array if array.ndim == 1 and np.isfinite(array).all() else None
