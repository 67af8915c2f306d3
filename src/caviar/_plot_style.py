"""What the displays share: colours, axes to draw on, and the check for matplotlib.

Imports matplotlib in functions only, and changes none of its global settings.
"""

import numpy as np

# Okabe & Ito, "Color Universal Design: How to make figures and presentations that are
# friendly to colorblind people", 2008, https://jfly.uni-koeln.de/color/.
BLACK = "#000000"
ORANGE = "#E69F00"
SKY_BLUE = "#56B4E9"
GREEN = "#009E73"
YELLOW = "#F0E442"
BLUE = "#0072B2"
VERMILION = "#D55E00"
PURPLE = "#CC79A7"
GREY = "#888888"
PALE = "#DDDDDD"
# Told apart by the style of their lines, too, where there is no colour.
SERIES = (
    (BLUE, "-"),
    (VERMILION, "--"),
    (GREEN, "-."),
    (BLACK, ":"),
    (ORANGE, (0, (8, 2))),
    (SKY_BLUE, (0, (3, 1, 1, 1, 1, 1))),
    (PURPLE, (0, (1, 1))),
)
MARKERS = "osD^vPX"
MANY = 2000  # points from which on an SVG holds them as a picture
DECADES = 30.0  # ratio from which on numbers are shown on a logarithmic scale


def check_matplotlib(caller):
    """Raise an ImportError that says how to install matplotlib, if it is missing."""
    try:
        import matplotlib  # noqa: F401
    except ImportError as exc:
        raise ImportError(
            f'`{caller}` needs matplotlib: pip install "caviar[plots]"'
        ) from exc


def grid_of_axes(ax, shape, *, figsize, share_x=False, share_y=False, heights=None):
    """Axes to draw on, as a flat list, and whether all their figure is for them.

    Then there is room outside of the axes for a legend.

    Parameters
    ----------
    ax : Axes, array-like of Axes or None
        None for a new figure of pyplot. One Axes is drawn on if one is needed, else it is
        hidden and its place divided. Of several there must be as many as `shape` says.
    shape : tuple (n_rows, n_columns) of int
    figsize : tuple (width, height) of float
        Of a new figure, in inches.
    share_x, share_y : bool
    heights : list of float, default=None
        Of the rows, relative to one another.

    Raises
    ------
    ValueError
        If there are more or fewer `ax` than are needed.
    """
    n_axes = shape[0] * shape[1]
    options = {"sharex": share_x, "sharey": share_y, "squeeze": False}
    if ax is None:
        from matplotlib import pyplot

        figure = pyplot.figure(figsize=figsize, layout="constrained")
        axes = figure.subplots(*shape, height_ratios=heights, **options)
        return list(axes.ravel()), True
    if isinstance(ax, (list, tuple, np.ndarray)):
        axes = list(np.asarray(ax, dtype=object).ravel())
        if len(axes) < n_axes:
            raise ValueError(f"`ax` must have {n_axes} axes, got {len(axes)}.")
        return axes[:n_axes], False
    alone = ax.figure.axes == [ax] and ax.figure.get_constrained_layout()
    if n_axes == 1:
        return [ax], alone
    from matplotlib.gridspec import GridSpec, GridSpecFromSubplotSpec

    place, ratios = ax.get_subplotspec(), {"height_ratios": heights}
    ax.set_axis_off()
    if place is None:  # axes at a place of their own
        (left, bottom), (right, top) = ax.get_position().get_points()
        sides = {"left": left, "bottom": bottom, "right": right, "top": top}
        grid = GridSpec(*shape, figure=ax.figure, **sides, **ratios)
    else:
        grid = GridSpecFromSubplotSpec(*shape, subplot_spec=place, **ratios)
    return list(grid.subplots(**options).ravel()), alone


def finish(ax):
    """A light grid behind the data, and no box round it."""
    ax.grid(True, which="major", color=PALE, linewidth=0.6)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)


def even_ticks(ax, n_intervals):
    """As many on the vertical axis whatever its size, so that a layout is right at once."""
    from matplotlib.ticker import MaxNLocator

    ax.yaxis.set_major_locator(MaxNLocator(n_intervals, steps=[1, 2, 2.5, 5, 10]))


def draw_over_epochs(ax, epochs, curves, ylabel):
    """Lines that a schedule makes, each in a style of its own.

    Parameters
    ----------
    ax : Axes
    epochs : ndarray of shape (n_points,)
    curves : dict of str to ndarray of shape (n_points,)
    ylabel : str

    Returns
    -------
    list of Line2D
    """
    lines = []
    for label, values in curves.items():
        color, line_style = SERIES[len(ax.lines) % len(SERIES)]
        style = {"color": color, "linestyle": line_style, "linewidth": 1.5}
        lines += ax.plot(epochs, values, label=label, **style)
    ax.set(xlabel="epoch", ylabel=ylabel)
    ax.set_ylim(bottom=0)
    even_ticks(ax, 6)
    ax.xaxis.get_major_locator().set_params(integer=True)
    finish(ax)
    return lines


def add_legend(axes, own_figure, n_cols=4, **options):
    """One legend of all that is labelled in the axes, each label once.

    Outside of the axes, if the figure is the display's own; else in the first.
    """
    entries = {}
    for ax in axes:
        for handle, label in zip(*ax.get_legend_handles_labels(), strict=True):
            entries.setdefault(label, handle)
    if not entries:
        return None
    handles, labels = list(entries.values()), list(entries)
    options = {"frameon": False, "fontsize": "small", **options}
    if not own_figure:
        return axes[0].legend(handles, labels, **options)
    options = {
        "ncols": min(len(labels), n_cols),
        "loc": "outside upper center",
        **options,
    }
    return axes[0].figure.legend(handles, labels, **options)


def write(ax, text):
    """A line in the middle of axes that have nothing else to show."""
    ax.set(xticks=[], yticks=[])
    ax.text(0.5, 0.5, text, transform=ax.transAxes, ha="center", va="center")


def spans_decades(values):
    """Whether a logarithmic scale suits: no negative numbers, and a large ratio."""
    values = np.asarray(values, dtype=np.float64)
    values = values[np.isfinite(values)]
    positive = values[values > 0]
    if not len(positive) or np.any(values < 0):
        return False
    return positive.max() >= DECADES * positive.min()


def use_log_scale(ax, which):
    """A logarithmic axis, 'x' or 'y', with labels that can be read; after plotting."""
    from matplotlib.ticker import (
        FuncFormatter,
        LogFormatterSciNotation,
        LogLocator,
        NullFormatter,
    )

    ax.set(**{f"{which}scale": "log"})
    axis = ax.xaxis if which == "x" else ax.yaxis
    low, high = sorted(axis.get_view_interval())
    axis.set_minor_formatter(NullFormatter())
    decades = np.log10(high / low) if low > 0 else np.inf
    if decades > (1.9 if which == "x" else 2.4):
        axis.set_major_locator(LogLocator(numticks=6))
        axis.set_major_formatter(LogFormatterSciNotation())
        return
    parts = (1.0, 2.0, 5.0) if decades < (1.2 if which == "x" else 1.5) else (1.0, 3.0)
    axis.set_major_locator(LogLocator(subs=parts, numticks=12))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def lower_limit(values, times=5):
    """Below which scores are so much worse than most that they hide the others.

    So many times as far below the first quartile as the best is above it; minus infinity
    where the worst is not twice as far from the best.
    """
    worst, first_quartile, best = np.quantile(values, [0.0, 0.25, 1.0])
    limit = first_quartile - times * (best - first_quartile)
    return limit if best - worst > 2 * (best - limit) else -np.inf
