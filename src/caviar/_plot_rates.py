"""LearningRateRangeDisplay: at which learning rates the loss falls."""

import numpy as np

from . import _plot_style
from ._rate_test import FALLEN
from .diagnostics import learning_rate_range_test

ABOVE = 2.0  # times the loss of the start up to which the sweep is shown


class LearningRateRangeDisplay:
    """The loss against the learning rate: a sweep, and short trainings from the start.

    The sweep trains one step at each rate, from tiny to huge: the line falls where rates
    are useful, and rises where training diverges. Each diamond is the loss after a short
    training at one rate, filled if it makes the loss fall; what decides is which of them
    is lowest.

    `from_estimator` and `from_result` create a display; all parameters are stored as
    attributes.

    Parameters
    ----------
    result : LearningRateRange
        What `caviar.diagnostics.learning_rate_range_test` returns.

    Attributes
    ----------
    raw_, smoothed_ : Line2D
        Losses of the sweep.
    trials_ : list of PathCollection
        Short trainings: those after which the loss has fallen, and the others.
    suggestion_ : Line2D or None
    divergence_ : Patch or None
        Where training diverges.
    legend_ : Legend
    ax_ : Axes
    figure_ : Figure

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from caviar import MLPClassifier
    >>> from caviar.plotting import LearningRateRangeDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> network = MLPClassifier((32,), random_state=0)
    >>> display = LearningRateRangeDisplay.from_estimator(network, X / 16, y)
    >>> 1e-4 < display.result.suggestion < 1
    True
    """

    def __init__(self, result):
        self.result = result

    @classmethod
    def from_estimator(cls, estimator, X, y, *, ax=None, **options):
        """Run `learning_rate_range_test`, and draw what it has found.

        Parameters
        ----------
        estimator, X, y
            As of `learning_rate_range_test`.
        ax : Axes, default=None
        **options
            Further parameters of `learning_rate_range_test`.

        Returns
        -------
        LearningRateRangeDisplay

        Raises
        ------
        ImportError
            Without matplotlib.
        TypeError, ValueError
            As `learning_rate_range_test`.
        """
        _plot_style.check_matplotlib(f"{cls.__name__}.from_estimator")
        return cls(learning_rate_range_test(estimator, X, y, **options)).plot(ax=ax)

    @classmethod
    def from_result(cls, result, *, ax=None):
        """Draw what `learning_rate_range_test` has returned."""
        _plot_style.check_matplotlib(f"{cls.__name__}.from_result")
        return cls(result).plot(ax=ax)

    def plot(self, ax=None):
        """Draw.

        Parameters
        ----------
        ax : Axes, default=None
            None: a new figure.

        Returns
        -------
        self : LearningRateRangeDisplay

        Raises
        ------
        ImportError
            Without matplotlib.
        """
        _plot_style.check_matplotlib(f"{type(self).__name__}.plot")
        (ax,), own_figure = _plot_style.grid_of_axes(ax, (1, 1), figsize=(6.8, 4.2))
        self.ax_, self.figure_ = ax, ax.figure
        _plot_style.finish(ax)
        self._draw_sweep(ax)
        self._set_limits(ax)
        self._draw_trials(ax)
        self._draw_divergence(ax)
        self._draw_suggestion(ax)
        ax.set(xlabel="learning rate", ylabel="loss")
        self.legend_ = _plot_style.add_legend([ax], own_figure, 3)
        return self

    def _draw_sweep(self, ax):
        found = self.result
        losses, smoothed = (
            np.where(np.isfinite(values), values, np.nan)
            for values in (found.losses, found.smoothed)
        )
        (self.raw_,) = ax.plot(
            found.rates, losses, color=_plot_style.GREY, lw=0.6, alpha=0.7, zorder=1.5
        )
        (self.smoothed_,) = ax.plot(
            found.rates,
            smoothed,
            color=_plot_style.BLUE,
            lw=1.8,
            label="sweep, smoothed",
        )
        ax.set_xscale("log")

    def _set_limits(self, ax):
        """To where the loss has clearly risen; what is beyond would hide the fall."""
        found = self.result
        trials = np.array([*found.trials.values(), found.start], dtype=np.float64)
        shown = np.concatenate([found.smoothed, trials])
        top = ABOVE * found.start
        shown = shown[np.isfinite(shown) & (shown <= top)]
        if not len(shown):
            return
        low, high = shown.min(), max(shown.max(), found.start)
        if _plot_style.spans_decades(shown):
            ax.set_ylim(low / 1.5, high * 1.5)
            _plot_style.use_log_scale(ax, "y")
        else:
            ax.set_ylim(low - 0.06 * (high - low or 1), high + 0.06 * (high - low or 1))
        rates = [*found.rates, *found.trials]
        ax.set_xlim(min(rates) / 1.5, max(rates) * 1.5)

    def _draw_trials(self, ax):
        found = self.result
        ax.axhline(
            found.start,
            color=_plot_style.BLACK,
            lw=0.8,
            ls=":",
            label="loss at the start",
        )
        top, self.trials_ = ax.get_ylim()[1], []
        for falls, label in ((True, "falls"), (False, "does not fall")):
            rates = [rate for rate in found.trials if self._falls(rate) is falls]
            if not rates:
                continue
            losses = np.array([found.trials[rate] for rate in rates], dtype=np.float64)
            off_axes = ~(losses <= top)  # NaN and inf, too
            self.trials_.append(
                ax.scatter(
                    rates,
                    np.where(off_axes, top, losses),
                    s=46,
                    marker="D",
                    facecolor=_plot_style.ORANGE if falls else "white",
                    edgecolor=_plot_style.BLACK,
                    linewidths=1.0,
                    label=f"after {found.n_steps} steps: {label}",
                    clip_on=False,
                    zorder=4,
                )
            )

    def _falls(self, rate):
        """By the measure of the test itself."""
        return bool(self.result.trials[rate] <= FALLEN * self.result.start)

    def _draw_divergence(self, ax):
        found, self.divergence_ = self.result, None
        if found.diverged_at is None:
            return
        self.divergence_ = ax.axvspan(
            found.diverged_at,
            ax.get_xlim()[1],
            facecolor=_plot_style.VERMILION,
            edgecolor=_plot_style.VERMILION,
            alpha=0.18,
            hatch="//",
            linewidth=0,
            label="diverges",
        )

    def _draw_suggestion(self, ax):
        found, self.suggestion_ = self.result, None
        if found.suggestion is None:
            return
        self.suggestion_ = ax.axvline(
            found.suggestion,
            color=_plot_style.VERMILION,
            linestyle="--",
            linewidth=1.6,
            label=f"suggestion: {found.suggestion:.2g}",
            zorder=3,
        )
