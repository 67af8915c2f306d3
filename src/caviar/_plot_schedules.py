"""ScheduleDisplay: the learning rate that schedules plan, and that of a training."""

import numpy as np

from . import _plot_style
from .schedules import Schedule, factors, resolve

N_POINTS = 2001


class ScheduleDisplay:
    """Learning rates, or factors of them, against the epochs.

    `from_schedule` and `from_estimator` create one; all parameters are stored as
    attributes.

    Parameters
    ----------
    epochs : ndarray of shape (n_points,)
        Progress in epochs.
    curves : dict of str to ndarray of shape (n_points,)
        Name -> learning rates or factors.
    trained : dict of str to array-like of shape (n_epochs,), default=None
        Name -> the learning rate after each epoch of a training, drawn as points.
    ylabel : str, default='learning rate'

    Attributes
    ----------
    lines_ : list of Line2D
        One for each curve, then one for each training.
    legend_ : Legend or None
    ax_ : Axes
    figure_ : Figure

    Examples
    --------
    >>> from caviar.plotting import ScheduleDisplay
    >>> from caviar.schedules import CosineDecay, OneCycle
    >>> display = ScheduleDisplay.from_schedule([CosineDecay(), OneCycle()], 30)
    >>> [line.get_label() for line in display.lines_]
    ['CosineDecay()', 'OneCycle()']
    """

    def __init__(self, epochs, curves, *, trained=None, ylabel="learning rate"):
        self.epochs = epochs
        self.curves = curves
        self.trained = trained
        self.ylabel = ylabel

    @classmethod
    def from_schedule(
        cls,
        schedule,
        n_epochs=100,
        *,
        learning_rate_init=None,
        n_batches=1,
        ax=None,
        log=False,
    ):
        """Draw what schedules plan.

        Parameters
        ----------
        schedule : str, Schedule, callable, or a list or dict of these
            As the parameter `learning_rate` of a network; of a dict the keys are names.
        n_epochs : float, default=100
            Length of the training.
        learning_rate_init : float, default=None
            None draws factors, else they are multiplied by it.
        n_batches : int, default=1
            Steps of an epoch, for schedules that count steps.
        ax, log
            As of `plot`.

        Returns
        -------
        ScheduleDisplay

        Raises
        ------
        ImportError
            Without matplotlib.
        ValueError
            For what is no schedule, 'invscaling' and 'adaptive' included, whose rate
            depends on the training; and for an `n_epochs` that is not positive.
        """
        _plot_style.check_matplotlib(f"{cls.__name__}.from_schedule")
        if not n_epochs > 0:
            raise ValueError(f"`n_epochs` must be positive, got {n_epochs!r}.")
        epochs = np.linspace(0, n_epochs, N_POINTS)
        curves = {
            name: _planned(one, epochs, n_epochs, n_batches)
            for name, one in _named(schedule).items()
        }
        ylabel = "factor of learning_rate_init"
        if learning_rate_init is not None:
            curves = {name: learning_rate_init * f for name, f in curves.items()}
            ylabel = "learning rate"
        return cls(epochs, curves, ylabel=ylabel).plot(ax=ax, log=log)

    @classmethod
    def from_estimator(cls, estimator, *, n_batches=1, ax=None, log=False):
        """Draw the learning rate of a network: planned, and as it was trained.

        Parameters
        ----------
        estimator : MLPClassifier or MLPRegressor
            If it is fitted, the learning rate after each of its epochs is drawn, too.
        n_batches, ax, log
            As of `from_schedule`.

        Returns
        -------
        ScheduleDisplay

        Raises
        ------
        ImportError
            Without matplotlib.
        ValueError
            For a network without a learning rate, as of 'lbfgs'; and for one that is not
            fitted, if its rate depends on the training.
        """
        _plot_style.check_matplotlib(f"{cls.__name__}.from_estimator")
        if estimator.solver == "lbfgs":
            raise ValueError(
                "`solver` must be a stochastic one, which has a learning rate, got 'lbfgs'."
            )
        schedule, rate = estimator.learning_rate, float(estimator.learning_rate_init)
        rates = getattr(estimator, "history_", {}).get("learning_rate")
        follows_training = schedule in ("invscaling", "adaptive")
        if follows_training and rates is None:
            raise ValueError(
                "`learning_rate` must be 'constant' or a schedule for a network that is "
                f"not fitted, got {schedule!r}, which depends on the training."
            )
        n_epochs = max(estimator.max_iter, len(rates or ()))
        epochs, curves = np.linspace(0, n_epochs, N_POINTS), {}
        if not follows_training:
            factor = _planned(schedule, epochs, estimator.max_iter, n_batches)
            curves[_name(schedule)] = rate * factor
        trained = None if rates is None else {"as it was trained": rates}
        return cls(epochs, curves, trained=trained).plot(ax=ax, log=log)

    def plot(self, ax=None, *, log=False):
        """Draw.

        Parameters
        ----------
        ax : Axes, default=None
            None: a new figure.
        log : bool, default=False
            Whether the rates are on a logarithmic axis.

        Returns
        -------
        self : ScheduleDisplay

        Raises
        ------
        ImportError
            Without matplotlib.
        """
        _plot_style.check_matplotlib(f"{type(self).__name__}.plot")
        (ax,), own_figure = _plot_style.grid_of_axes(ax, (1, 1), figsize=(6.4, 3.8))
        self.ax_, self.figure_ = ax, ax.figure
        self.lines_ = _plot_style.draw_over_epochs(
            ax, self.epochs, self.curves, self.ylabel
        )
        for name, rates in (self.trained or {}).items():
            self.lines_ += ax.plot(
                np.arange(
                    1, len(rates) + 1
                ),  # the last step's is that of the epoch's end
                rates,
                "o",
                color=_plot_style.BLACK,
                markersize=3,
                markevery=max(1, len(rates) // 100),
                label=name,
            )
        if log:
            positive = [
                v[v > 0] for v in (np.asarray(x.get_ydata()) for x in self.lines_)
            ]
            lowest = min((v.min() for v in positive if len(v)), default=1e-6)
            ax.set_yscale("log")
            ax.set_ylim(bottom=max(lowest, 1e-8) / 2)
        self.legend_ = _plot_style.add_legend([ax], own_figure, 3)
        return self


def _named(schedule):
    if isinstance(schedule, dict):
        return schedule
    several = schedule if isinstance(schedule, (list, tuple)) else [schedule]
    return {_name(one): one for one in several}


def _name(schedule):
    if isinstance(schedule, str):
        return schedule
    if isinstance(schedule, Schedule):
        return " ".join(repr(schedule).split())
    return getattr(schedule, "__name__", repr(schedule))


def _planned(schedule, epochs, n_epochs, n_batches):
    """The factor of learning_rate_init at each of `epochs`."""
    if schedule in ("invscaling", "adaptive"):
        raise ValueError(
            f"`schedule` must be 'constant' or one known in advance, got {schedule!r}, "
            "which depends on the training: draw a fitted network by from_estimator."
        )
    found = resolve(schedule)
    if found is None:
        return np.ones_like(epochs)
    return factors(found, epochs, n_epochs, n_batches)
