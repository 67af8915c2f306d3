"""Horizontal axes of a search's parameters: scale, limits, ticks, and where edges lie."""

import math

import numpy as np

from . import _plot_style
from ._ranges import EDGE_SHARE

MAX_LABELS = 16  # of the categories of one axis


def edge_zone(column, side, warned):
    """Ends of what lies beside an edge, in the column's values; None without a range.

    Of one that is warned of, and whose range is not known, by the candidates' values.
    """
    if column.scale == "choice":
        if not warned:
            return None
        last = len(column.labels) - 1
        return (-0.5, 0.5) if side == "low" else (last - 0.5, last + 0.5)
    ends = column.range
    if ends is None and warned:
        ends = np.nanmin(column.positions), np.nanmax(column.positions)
    if ends is None or ends[0] == ends[1]:
        return None
    low, high = (float(v) for v in column.forward(np.array(ends)))
    beside = EDGE_SHARE * (high - low)
    if not np.isfinite(beside):
        return None
    zone = (low, low + beside) if side == "low" else (high - beside, high)
    return tuple(float(v) for v in column.backward(np.array(zone)))


def scale_axis(ax, column):
    """Scale, limits and ticks of the horizontal axis."""
    if column.scale == "choice":
        _label_categories(ax, column.labels)
        return
    shown = column.positions[np.isfinite(column.positions)]
    ends = [*shown, *(column.range or ())]
    with np.errstate(divide="ignore"):
        at = column.forward(np.array(ends))
    low, high = at[np.isfinite(at)].min(), at[np.isfinite(at)].max()
    margin = 0.05 * (high - low) or 1.0
    if column.part == "layers":  # its points are spread, as those of categories
        margin = 0.5
    limits = column.backward(np.array([low - margin, high + margin]))
    if column.scale in ("one-minus-log", "symlog"):
        ax.set_xscale("function", functions=(column.forward, column.backward))
    ax.set_xlim(*limits)
    if column.scale == "log":
        _plot_style.use_log_scale(ax, "x")
        return
    from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

    if column.scale in ("one-minus-log", "symlog"):
        ticks = _nines if column.scale == "one-minus-log" else _decades
        ax.xaxis.set_major_locator(FixedLocator(ticks(column, limits)))
        ax.xaxis.set_major_formatter(FuncFormatter(_tick_label))
        return
    whole = np.all(shown == np.rint(shown))
    ax.xaxis.set_major_locator(MaxNLocator(5, integer=bool(whole)))


def _nines(column, limits):
    """0.5, 0.9, 0.99, ... between the limits, with 0.95, ... if these are few."""
    for parts in ((1,), (1, 5), (1, 2, 5)):
        nines = [1 - part * 10.0**-k for k in range(1, 17) for part in parts]
        ticks = [tick for tick in (0.0, 0.5, *nines) if limits[0] <= tick <= limits[1]]
        if len(ticks) >= 2:
            break
    return ticks


def _tick_label(value, position):
    if 0 < value < 0.01:  # a power of ten
        return f"$10^{{{np.log10(value):.0f}}}$"
    return f"{value:.10g}"


def _decades(column, limits):
    top = int(np.floor(np.log10(limits[1])))
    bottom = int(np.ceil(np.log10(column.smallest)))
    step = max(1, -(-(top - bottom) // 3))
    return [0.0, *(10.0**k for k in range(bottom, top + 1, step))]


def are_crowded(labels):
    """Whether labels of categories are too long to stand side by side."""
    shown = labels[:: math.ceil(len(labels) / MAX_LABELS)] if labels else [""]
    return max(len(label) + 1 for label in shown) * len(shown) > 28


def _label_categories(ax, labels):
    step = math.ceil(len(labels) / MAX_LABELS)
    ax.set_xlim(-0.6, len(labels) - 0.4)
    ax.set_xticks(range(0, len(labels), step))
    crowded = are_crowded(labels)
    options = {"rotation": 35, "ha": "right", "rotation_mode": "anchor"}
    ax.set_xticklabels(labels[::step], **(options if crowded else {}))
    ax.tick_params(axis="x", labelsize="small" if crowded else None)
    ax.grid(False, axis="x")
