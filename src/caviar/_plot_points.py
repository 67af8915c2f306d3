"""Candidates of a search as points on axes: few, thousands, failed, and the best."""

import numpy as np

from . import _plot_style

CROWD = 80  # candidates from which on points become smaller and paler
N_POINTS = 300  # of more than `_plot_style.MANY` candidates the best are points
FEW_FOR_MEDIAN = 30  # candidates from which on medians are drawn
N_BINS = (48, 40)
LOWER_EDGE = 0.04  # of the axes: where what is not on them is marked


def level_colors(n_levels):
    """Colours from light (coarse, few epochs) to dark (fine, many).

    viridis, whose lightness grows evenly; without its lightest fifth, which is hard to
    see on white. One colour alone is blue.
    """
    if n_levels <= 1:
        return [_plot_style.BLUE]
    from matplotlib import colormaps

    return [colormaps["viridis"](x) for x in np.linspace(0.82, 0.0, n_levels)]


def jitter(n):
    """Fixed offsets within a category: multiples of the golden ratio, spread evenly."""
    return 0.56 * ((np.arange(n) * 0.6180339887498949) % 1 - 0.5)


def draw_candidates(ax, column, scores, n_columns):
    """All candidates that have the parameter.

    Returns
    -------
    list of PathCollection
        For each level its points.
    """
    at = column.positions
    if column.scale == "choice" or column.part == "layers":
        at = at + jitter(len(at))
    there = np.isfinite(column.positions)
    shown = there & scores.on_axes
    if len(scores) > _plot_style.MANY:
        _draw_density(ax, column, at[shown], scores.values[shown])
        among = np.flatnonzero(shown & scores.comparable)
        best = among[np.argsort(-scores.values[among], kind="stable")[:N_POINTS]]
        shown = np.isin(np.arange(len(shown)), best)
    rasterized = len(scores) * n_columns > _plot_style.MANY
    points = [
        _draw_level(
            ax, at, shown & (scores.level == number), scores, number, rasterized
        )
        for number in range(max(len(scores.levels), 1))
    ]
    _draw_medians(ax, column, scores, there & scores.comparable)
    for which, marker, color, what in (
        (~scores.finite, "x", _plot_style.VERMILION, "failed"),
        (scores.below, "v", _plot_style.GREY, "below the axes"),
    ):
        if np.any(which):
            label = f"{what}: {np.sum(which)}"
            _mark_at_lower_edge(ax, at[which & there], marker, color, label, rasterized)
    return points


def _draw_level(ax, at, chosen, scores, number, rasterized):
    chosen = np.flatnonzero(chosen)
    chosen = chosen[np.argsort(scores.values[chosen], kind="stable")]
    n_levels = max(len(scores.levels), 1)
    weight = (number + 1) / n_levels if scores.by_resources else 1.0
    crowd = min(1.0, CROWD / min(len(scores), _plot_style.MANY)) ** 0.5
    marker = "o" if scores.by_resources else _plot_style.MARKERS[number % 7]
    return ax.scatter(
        at[chosen],
        scores.values[chosen],
        s=(5 + 27 * crowd) * weight,
        alpha=(0.25 + 0.6 * crowd) * (0.4 + 0.6 * weight),
        marker=marker,
        color=level_colors(n_levels)[number],
        linewidths=0,
        label=scores.level_label(number),
        rasterized=rasterized,
        zorder=2 + number / n_levels,
    )


def _draw_density(ax, column, at, values):
    """How many candidates there are where, in grey: thousands of points would cover it."""
    from matplotlib.colors import LogNorm

    places = column.forward(at)
    low, high = (column.forward(np.array(end)) for end in ax.get_xlim())
    bounds = [[float(low), float(high)], sorted(ax.get_ylim())]
    counts, x_edges, y_edges = np.histogram2d(places, values, N_BINS, range=bounds)
    ax.pcolormesh(
        column.backward(x_edges),
        y_edges,
        np.where(counts > 0, counts, np.nan).T,
        cmap="Greys",
        # From a light grey on, so that a candidate alone can be seen.
        norm=LogNorm(0.5, 30 * max(counts.max(), 1)),
        rasterized=True,
        zorder=1.5,
    )


def _draw_medians(ax, column, scores, chosen):
    """Of each category, or of neighbours, that were trained as hard as any."""
    if np.sum(chosen) < FEW_FOR_MEDIAN:
        return
    at, values = column.positions[chosen], scores.values[chosen]
    style = {"color": _plot_style.BLACK, "linewidth": 1.6, "zorder": 3.5}
    label = "median"
    if column.scale == "choice" or column.part == "layers":
        groups = np.unique(at)
        medians = [np.median(values[at == group]) for group in groups]
        ax.hlines(medians, groups - 0.33, groups + 0.33, label=label, **style)
    elif len(at) > _plot_style.MANY:
        parts = np.array_split(np.argsort(at, kind="stable"), 16)
        medians = [(np.median(at[p]), np.median(values[p])) for p in parts]
        ax.plot(*np.transpose(medians), label=label, **style)


def _mark_at_lower_edge(ax, at, marker, color, label, rasterized):
    ax.scatter(
        at,
        np.full(len(at), LOWER_EDGE),
        s=22,
        marker=marker,
        color=color,
        linewidths=1.2,
        alpha=max(0.2, min(1.0, 50 / max(len(at), 1))),
        label=label,
        transform=ax.get_xaxis_transform(),
        rasterized=rasterized,
        zorder=4,
    )


def draw_best(ax, column, scores):
    """A star, with the standard deviation over the splits."""
    index = scores.best
    if index is None or not np.isfinite(column.positions[index]):
        return
    x, score = column.positions[index], scores.values[index]
    label = f"best: {score:.4g}"
    if spread := scores.spread_of_best():
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
