"""SearchDisplay: the scores of a search against each of its parameters."""

import math

import numpy as np

from . import _plot_style
from ._plot_axes import edge_zone, jitter, scale_axis
from ._plot_parameters import SCALES, Column, parameter_columns
from ._plot_space import edges_of, scales_and_ranges, spaces_of

MAX_LEGEND_LEVELS = 6


class SearchDisplay:
    """Scores of a search's candidates against each parameter, on its own scale.

    One axes for each parameter that differs between candidates; hidden layers, where
    they are drawn, have two: their number and their mean units. `from_estimator` creates
    a display; all parameters are stored as attributes.

    Parameters
    ----------
    results : dict
        As `cv_results_`: 'params' and mean test scores; and where there are standard
        deviations and one of 'round', 'epochs' and 'n_resources', by which candidates are
        coloured.
    scales : dict of str to str or None, default=None
        Parameter -> 'linear', 'log', 'one-minus-log', 'integer', 'integer-log', 'choice'
        or 'layers'. Where it is not given it is found from the values.
    ranges : dict of str to tuple (low, high) or None, default=None
        What was searched; for hidden layers a dict with those of 'layers' and
        'mean units'.
    edges : list of dict, default=()
        Warnings: 'parameter', 'value', and 'edge', which is 'low' or 'high'.
    metric : str, default=None
        Whose scores; None for the first.
    best_index : int, default=None
        The best candidate. None: the best score, among those with the most epochs or
        resources.
    score_name : str, default=None

    Attributes
    ----------
    axes_ : ndarray of Axes
        One for each column.
    columns_ : list of Column
        ``name`` of the parameter, ``title``, ``scale``, ``positions``, ``labels``.
    constant_ : dict
        Parameters that are the same in all candidates.
    scatters_ : list of list of PathCollection
        For each axes, those of each level: of rounds, epochs or resources.
    levels_ : ndarray
        What is coloured by; empty if nothing is.
    best_index_ : int or None
    n_failed_, n_below_ : int
        Candidates without a finite score, and with one below the axes.
    legend_ : Legend or None
    figure_ : Figure

    Notes
    -----
    Scores after few epochs do not compare with those after many: they are smaller and
    paler, and the best is one of those with the most. Failed fits are crosses at the lower
    edge. Where a few scores are so bad that they would hide the differences of all others,
    the axes end above them, and triangles stand in their place. The
    5 % next to each end of a range are shaded; where the best candidate lies there, and
    there is room beyond, in vermilion with a warning.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from caviar import MLPClassifier
    >>> from caviar.distributions import LogUniform
    >>> from caviar.model_selection import CoarseToFineSearchCV
    >>> from caviar.plotting import SearchDisplay
    >>> search = CoarseToFineSearchCV(
    ...     MLPClassifier(max_iter=5, tol=0, random_state=0),
    ...     {"learning_rate_init": LogUniform(1e-3, 1), "alpha": LogUniform(1e-6, 1)},
    ...     n_iter=5, n_rounds=2, cv=2, random_state=0,
    ... ).fit(*load_iris(return_X_y=True))
    >>> display = SearchDisplay.from_estimator(search)
    >>> [(column.title, column.scale) for column in display.columns_]
    [('alpha', 'log'), ('learning_rate_init', 'log')]
    """

    def __init__(
        self,
        results,
        *,
        scales=None,
        ranges=None,
        edges=(),
        metric=None,
        best_index=None,
        score_name=None,
    ):
        self.results = results
        self.scales = scales
        self.ranges = ranges
        self.edges = edges
        self.metric = metric
        self.best_index = best_index
        self.score_name = score_name

    @classmethod
    def from_estimator(cls, search, *, metric=None, params=None, ax=None, n_cols=None):
        """Draw a fitted search, of caviar or of scikit-learn.

        Parameters
        ----------
        search : object
            With `cv_results_`: a fitted search, or what `read_journal` returns.
        metric : str, default=None
            Which of several; None for the one that `refit` names, else the first.
        params, ax, n_cols
            As of `plot`.

        Returns
        -------
        SearchDisplay

        Raises
        ------
        TypeError
            For what has no `cv_results_`.
        ValueError
            For a metric that was not measured.
        ImportError
            Without matplotlib.
        """
        _plot_style.check_matplotlib(f"{cls.__name__}.from_estimator")
        if not hasattr(search, "cv_results_"):
            raise TypeError(
                f"`search` must be fitted, with `cv_results_`, got {search!r}."
            )
        display = cls(search.cv_results_, **_described(search, metric))
        return display.plot(ax=ax, params=params, n_cols=n_cols)

    @classmethod
    def from_results(cls, results, *, ax=None, params=None, n_cols=None, **options):
        """Draw ``cv_results_``; `options` are parameters of the class."""
        _plot_style.check_matplotlib(f"{cls.__name__}.from_results")
        display = cls(results, **options)
        return display.plot(ax=ax, params=params, n_cols=n_cols)

    def plot(self, ax=None, *, params=None, n_cols=None):
        """Draw.

        Parameters
        ----------
        ax : Axes or array-like of Axes, default=None
            One for each column, or one whose place is divided among them. None: a new
            figure.
        params : list of str, default=None
            The parameters to show, by their names or titles; None for all that differ.
        n_cols : int, default=None
            Axes in a row; None for up to four.

        Returns
        -------
        self : SearchDisplay

        Raises
        ------
        ImportError
            Without matplotlib.
        ValueError
            For another metric, scale or parameter than there is, or too few `ax`.
        """
        _plot_style.check_matplotlib(f"{type(self).__name__}.plot")
        self._read(params)
        n_axes = max(len(self.columns_), 1)
        if n_cols is None:
            n_cols = min(n_axes, 4 if n_axes not in (5, 6, 9) else 3)
        shape = (math.ceil(n_axes / n_cols), n_cols)
        if ax is not None and np.ndim(np.asarray(ax, dtype=object)) > 0:
            shape = (1, n_axes)
        size = (max(2.9 * shape[1], 4.2) + 0.4, 2.5 * shape[0] + 0.6)
        axes, own_figure = _plot_style.grid_of_axes(
            ax, shape, figsize=size, share_y=True
        )
        for unused in axes[n_axes:]:
            unused.remove()
        axes = axes[:n_axes]
        self.axes_, self.figure_ = np.array(axes, dtype=object), axes[0].figure
        self.scatters_, self.legend_ = [], None
        if not len(self._scores):
            _plot_style.write(axes[0], "no complete candidate yet")
            return self
        self._set_limits(axes[0])
        for column, ax in zip(self.columns_, axes, strict=True):
            self.scatters_.append(self._draw_column(ax, column))
        for index, ax in enumerate(axes):
            first = index % shape[1] == 0
            ax.tick_params(labelleft=first)
            if first:
                ax.set_ylabel(self._score_name())
        self.legend_ = _plot_style.add_legend(axes, own_figure, 3 * shape[1])
        if own_figure and self.constant_:
            self._caption()
        return self

    # Reading

    def _read(self, params):
        results = self.results
        candidates = list(results.get("params", ()))
        self.metric_ = _checked_metric(results, self.metric) if candidates else "score"
        self._scores = _numbers(results.get(f"mean_test_{self.metric_}", ()))
        self._finite = np.isfinite(self._scores)
        self.levels_, self._level, self._level_name = _levels(results)
        self.columns_, self.constant_ = parameter_columns(
            candidates, _checked_scales(self.scales), self.ranges or {}
        )
        if not self.columns_ and candidates:
            self.columns_ = [_by_number(len(candidates))]
        if params is not None:
            self.columns_ = _chosen(self.columns_, params)
        self.n_failed_ = int(np.sum(~self._finite))
        self.best_index_ = self._find_best()

    def _find_best(self):
        if not self._finite.any():
            return None
        if self.best_index is not None:
            return int(self.best_index)
        compared = self._finite.copy()
        if self._by_resources and compared[self._level == len(self.levels_) - 1].any():
            compared &= self._level == len(self.levels_) - 1
        return int(np.argmax(np.where(compared, self._scores, -np.inf)))

    @property
    def _by_resources(self):
        return self._level_name not in ("", "round")

    def _score_name(self):
        if self.score_name is not None:
            return self.score_name
        metric = "score" if self.metric_ == "score" else self.metric_.replace("_", " ")
        return f"mean test {metric}"

    # Drawing

    def _set_limits(self, ax):
        """Of the scores, with room at the lower edge for those that are not on the axes."""
        scores = self._scores[self._finite]
        ax.ticklabel_format(axis="y", useOffset=False)
        if not len(scores):
            ax.set(ylim=(0, 1), yticks=[])
            self.n_below_, self._bottom = 0, -np.inf
            return
        low, high = scores.min(), scores.max()
        self._bottom = _plot_style.lower_limit(scores)
        if low >= self._bottom:
            self._bottom = -np.inf
        else:
            low = scores[scores >= self._bottom].min()
        self.n_below_ = int(np.sum(scores < self._bottom))
        span = high - low or 0.1 * max(abs(high), 1e-3)
        off_axes = self.n_below_ or self.n_failed_
        # A spread larger than the differences would hide them: it may leave the axes.
        above = max(0.08 * span, min(1.1 * self._spread_of_best(), 0.4 * span))
        ax.set_ylim(low - (0.14 if off_axes else 0.06) * span, high + above)

    def _spread_of_best(self):
        """Its standard deviation over the splits; 0 where that is not known."""
        spread = _numbers(self.results.get(f"std_test_{self.metric_}", ()))
        known = len(spread) > 0 and np.isfinite(spread[self.best_index_])
        return float(spread[self.best_index_]) if known else 0.0

    def _draw_column(self, ax, column):
        _plot_style.finish(ax)
        scale_axis(ax, column)
        ax.set_xlabel(column.title)
        self._draw_edges(ax, column)
        at = column.positions
        if column.scale == "choice" or column.part == "layers":
            at = at + jitter(len(at))
        there = np.isfinite(column.positions)
        scatters = [
            self._draw_level(ax, at, there & (self._level == number), number)
            for number in range(max(len(self.levels_), 1))
        ]
        self._draw_outside(ax, at, there)
        self._draw_best(ax, column)
        n_without = int(np.sum(~there))
        if n_without:
            ax.set_title(
                f"not set in {n_without} of {len(there)}",
                fontsize="small",
                loc="right",
                color=_plot_style.GREY,
            )
        return scatters

    def _draw_level(self, ax, at, chosen, number):
        chosen = np.flatnonzero(chosen & self._finite & (self._scores >= self._bottom))
        chosen = chosen[np.argsort(self._scores[chosen], kind="stable")]
        n_levels, n_points = max(len(self.levels_), 1), len(self._scores)
        share = (number + 1) / n_levels if self._by_resources else 1.0
        crowded = min(1.0, 80 / max(n_points, 1))
        return ax.scatter(
            at[chosen],
            self._scores[chosen],
            s=(4 + 28 * crowded**0.5) * share,
            alpha=(0.15 + 0.7 * crowded**0.5) * (0.4 + 0.6 * share),
            marker=self._marker(number),
            color=level_colors(n_levels)[number],
            linewidths=0,
            label=self._level_label(number),
            rasterized=n_points * len(self.columns_) > _plot_style.MANY,
            zorder=2 + number / n_levels,
        )

    def _marker(self, number):
        return "o" if self._by_resources else _plot_style.MARKERS[number % 7]

    def _level_label(self, number):
        n_levels = len(self.levels_)
        if n_levels == 0:
            return None
        shown = np.linspace(0, n_levels - 1, min(n_levels, MAX_LEGEND_LEVELS))
        if number not in np.rint(shown):
            return None
        if self._level_name == "round":
            return f"round {self.levels_[number] + 1:.0f}"
        unit = "epoch" if self._level_name == "epochs" else "resource"
        amount = self.levels_[number]
        return f"{amount:g} {unit}" + ("" if amount == 1 else "s")

    def _draw_outside(self, ax, at, there):
        """Marks at the lower edge for failed fits, and for scores below the axes."""
        below = self._finite & (self._scores < self._bottom)
        for which, marker, color, what in (
            (~self._finite, "x", _plot_style.VERMILION, "failed"),
            (below, "v", _plot_style.GREY, "below the axes"),
        ):
            number = int(np.sum(which))
            if not number:
                continue
            chosen = which & there
            ax.scatter(
                at[chosen],
                np.full(np.sum(chosen), 0.04),
                s=22,
                marker=marker,
                color=color,
                linewidths=1.2,
                alpha=max(0.2, min(1.0, 50 / number)),
                label=f"{what}: {number}",
                transform=ax.get_xaxis_transform(),
                rasterized=len(at) * len(self.columns_) > _plot_style.MANY,
                zorder=4,
            )

    def _draw_best(self, ax, column):
        index = self.best_index_
        if index is None or not np.isfinite(column.positions[index]):
            return
        score, x = self._scores[index], column.positions[index]
        label = f"best: {score:.4g}"
        if spread := self._spread_of_best():
            label += f" ± {spread:.2g}"
            ax.errorbar(x, score, spread, color=_plot_style.BLACK, lw=1.2, zorder=5)
        ax.plot(
            x,
            score,
            "*",
            color=_plot_style.VERMILION,
            markersize=13,
            markeredgecolor="white",
            markeredgewidth=0.8,
            label=label,
            linestyle="none",
            zorder=6,
        )

    def _draw_edges(self, ax, column):
        """The ends of the range, and a warning where the best lies at one."""
        sides = [e["edge"] for e in self.edges if e["parameter"] == column.name]
        warned = {side for side in sides if self._is_at(column, side)}
        for side in ("low", "high"):
            zone = edge_zone(column, side, side in warned)
            if zone is None:
                continue
            color, alpha = (_plot_style.GREY, 0.15)
            if side in warned:
                color, alpha = (_plot_style.VERMILION, 0.3)
            ax.axvspan(*zone, facecolor=color, alpha=alpha, linewidth=0, zorder=0.5)
            if column.scale != "choice":
                end = zone[0] if side == "low" else zone[1]
                ax.axvline(end, color=color, linewidth=1, linestyle="--", zorder=1)
        if warned:
            side = "lower" if "low" in warned else "upper"
            ax.set_title(
                f"best at the {side} edge",
                color=_plot_style.VERMILION,
                fontsize="small",
                fontweight="bold",
                loc="left",
            )

    def _is_at(self, column, side):
        """Whether it is this part of hidden layers that the best one's edge is of."""
        if not column.part or self.best_index_ is None:
            return True
        zone = edge_zone(column, side, True)
        at = column.positions[self.best_index_]
        return zone is None or (at <= zone[1] if side == "low" else at >= zone[0])

    def _caption(self):
        shown = [f"{name}={value!r}" for name, value in self.constant_.items()]
        text = "the same in all: " + ", ".join(shown)
        width = int(self.figure_.get_figwidth() * 15)
        text = text if len(text) <= width else text[: width - 1] + "…"
        self.figure_.supxlabel(text, fontsize="small", color="#555555")


def level_colors(n_levels):
    """Colours from light (coarse, few epochs) to dark (fine, many).

    viridis, whose lightness grows evenly; without its lightest fifth, which is hard to
    see on white. One colour alone is blue.
    """
    if n_levels <= 1:
        return [_plot_style.BLUE]
    from matplotlib import colormaps

    return [colormaps["viridis"](x) for x in np.linspace(0.82, 0.0, n_levels)]


def _described(search, metric):
    """The arguments of the display, but the results."""
    metric = _metric_of(search, metric)
    best_index = getattr(search, "best_index_", None)
    refit = getattr(search, "refit", True)
    if isinstance(refit, str) and metric not in (None, refit):
        best_index = None
    scales, ranges = scales_and_ranges(spaces_of(search))
    described = {
        "scales": scales,
        "ranges": ranges,
        "metric": metric,
        "best_index": best_index,
        "score_name": None,
    }
    scoring = getattr(search, "scoring", None)
    if metric in (None, "score") and isinstance(scoring, str):
        described["score_name"] = f"mean test {scoring.replace('_', ' ')}"
    if best_index is not None and hasattr(search, "estimator"):
        described["edges"] = edges_of(search, best_index)
    return described


def _metric_of(search, metric):
    refit = getattr(search, "refit", None)
    named = isinstance(refit, str) and getattr(search, "multimetric_", False)
    return refit if metric is None and named else metric


def _checked_metric(results, metric):
    prefix = "mean_test_"
    names = [n.removeprefix(prefix) for n in results if n.startswith(prefix)]
    if not names or (metric is not None and metric not in names):
        raise ValueError(f"`metric` must be one of {names}, got {metric!r}.")
    return names[0] if metric is None else metric


def _checked_scales(scales):
    scales = dict(scales or {})
    for name, scale in scales.items():
        if scale not in (None, "quantile", *SCALES):
            raise ValueError(
                f"`scales[{name!r}]` must be None or one of {list(SCALES)}, got {scale!r}."
            )
    return scales


def _numbers(values):
    """float64; None is NaN."""
    return np.array(values, dtype=np.float64)


def _levels(results):
    """What candidates are coloured by: its values, each candidate's number, its name."""
    for name in ("epochs", "n_resources", "round"):
        if name in results:
            levels, numbers = np.unique(_numbers(results[name]), return_inverse=True)
            if len(levels) > 1:
                return levels, numbers, name
    return np.array([]), np.zeros(len(results.get("params", ())), dtype=int), ""


def _by_number(n_candidates):
    return Column("", "candidate", "linear", np.arange(1.0, n_candidates + 1))


def _chosen(columns, params):
    names = {name for column in columns for name in (column.name, column.title)}
    unknown = [name for name in params if name not in names]
    if unknown or not len(params):
        raise ValueError(
            f"`params` must be a list of parameters that differ between candidates, "
            f"{sorted({column.name for column in columns})}, got {params!r}."
        )
    return [
        column
        for name in params
        for column in columns
        if name in (column.name, column.title)
    ]
