"""SearchDisplay: the scores of a search against each of its parameters."""

import math

import numpy as np

from . import _plot_style
from ._plot_axes import are_crowded, edge_zone, scale_axis
from ._plot_parameters import SCALES, Column, parameter_columns
from ._plot_points import draw_best, draw_candidates
from ._plot_scores import Scores
from ._plot_space import edges_of, scales_and_ranges, spaces_of


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
    scores_ : Scores
        ``values``, the index ``best``, and ``levels``: rounds, epochs or resources.
    scatters_ : list of list of PathCollection
        For each axes, the points of each level.
    legend_ : Legend or None
    caption_ : Text or None
        The parameters that are the same in all, where there is room for it.
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
    ...     {"learning_rate_init": LogUniform(1e-3, 1), "alpha": LogUniform(1e-6, 10)},
    ...     n_iter=5, n_rounds=2, cv=2, random_state=0,
    ... ).fit(*load_iris(return_X_y=True))
    >>> display = SearchDisplay.from_estimator(search)
    >>> [(column.title, column.scale) for column in display.columns_]
    [('learning_rate_init', 'log'), ('alpha', 'log')]
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
        axes, n_cols, own_figure = self._make_axes(ax, n_cols)
        self.axes_, self.figure_ = np.array(axes, dtype=object), axes[0].figure
        self.scatters_, self.legend_, self.caption_ = [], None, None
        if not len(self.scores_):
            _plot_style.write(axes[0], "no complete candidate yet")
            return self
        _plot_style.even_ticks(axes[0], 6)
        axes[0].ticklabel_format(axis="y", useOffset=False)
        for column, ax in zip(self.columns_, axes, strict=True):
            ax.set_ylim(self.scores_.limits())
            self.scatters_.append(self._draw_column(ax, column))
        for index, ax in enumerate(axes):
            ax.tick_params(labelleft=index % n_cols == 0)
            if index % n_cols == 0:
                ax.set_ylabel(self._score_name())
        if self.scores_.best is None:
            axes[0].set_yticks([])
        self.legend_ = _plot_style.add_legend(axes, own_figure, 3 * n_cols)
        if own_figure and self.constant_:
            self._caption()
        return self

    def _read(self, params):
        candidates = list(self.results.get("params", ()))
        self.scores_ = Scores.read(self.results, self.metric, self.best_index)
        self.columns_, self.constant_ = parameter_columns(
            candidates, _checked_scales(self.scales), self.ranges or {}
        )
        if not self.columns_ and candidates:
            self.columns_ = [_by_number(len(candidates))]
        if params is not None:
            self.columns_ = _chosen(self.columns_, params)

    def _make_axes(self, ax, n_cols):
        """Axes for the columns, how many are in a row, and whether they are our own."""
        n_axes = max(len(self.columns_), 1)
        if n_cols is None:
            n_cols = min(n_axes, 3 if n_axes in (5, 6, 9) else 4)
        shape = (math.ceil(n_axes / n_cols), n_cols)
        if isinstance(ax, (list, tuple, np.ndarray)):
            shape = (1, n_axes)
        height = 3.0 if any(are_crowded(c.labels) for c in self.columns_) else 2.5
        size = (max(2.9 * shape[1], 4.2) + 0.4, height * shape[0] + 0.6)
        axes, own_figure = _plot_style.grid_of_axes(
            ax, shape, figsize=size, share_y=True
        )
        for unused in axes[n_axes:]:
            unused.remove()
        return axes[:n_axes], shape[1], own_figure

    def _score_name(self):
        if self.score_name is not None:
            return self.score_name
        metric = self.scores_.metric.replace("_", " ")
        return f"mean test {metric}"

    def _draw_column(self, ax, column):
        _plot_style.finish(ax)
        scale_axis(ax, column)
        ax.set_xlabel(column.title)
        self._draw_edges(ax, column)
        points = draw_candidates(ax, column, self.scores_, len(self.columns_))
        draw_best(ax, column, self.scores_)
        n_without = int(np.sum(~np.isfinite(column.positions)))
        if n_without:
            ax.set_title(
                f"not set in {n_without} of {len(column.positions)}",
                fontsize="small",
                loc="right",
                color="#555555",
            )
        return points

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
        if not column.part or self.scores_.best is None:
            return True
        zone = edge_zone(column, side, True)
        at = column.positions[self.scores_.best]
        return zone is None or (at <= zone[1] if side == "low" else at >= zone[0])

    def _caption(self):
        shown = [f"{name}={value!r}" for name, value in self.constant_.items()]
        text = "the same in all: " + ", ".join(shown)
        width = int(self.figure_.get_figwidth() * 15)
        text = text if len(text) <= width else text[: width - 1] + "…"
        self.caption_ = self.figure_.supxlabel(text, fontsize="small", color="#555555")


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


def _checked_scales(scales):
    scales = dict(scales or {})
    for name, scale in scales.items():
        if scale not in (None, "quantile", *SCALES):
            raise ValueError(
                f"`scales[{name!r}]` must be None or one of {list(SCALES)}, got {scale!r}."
            )
    return scales


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
