"""The report's plots: `caviar.plotting`'s displays as inline SVG.

Several of them stand on one page, so each has ids of its own; the same numbers give the
same bytes. Without matplotlib there are none, and `MISSING` says what draws them.
"""

import contextlib
import importlib.util
import io
import math
import re

import numpy as np

from . import _plot_style
from ._report_html import escape

MISSING = (
    "Not drawn, as matplotlib is not installed: <code>pip install 'caviar[plots]'</code>, "
    "then <code>python -m caviar report</code> draws it."
)
MANY_POINTS = 1500  # markers from which they are drawn as pixels
RESOLUTION = 160  # dots per inch of these
WIDTH = 8.0  # inches
MOST_COLUMNS = 3  # of small axes


def available():
    """Whether matplotlib is there."""
    return importlib.util.find_spec("matplotlib") is not None


def svg(draw, name, label):
    """A plot as an ``<svg>`` element for an HTML page.

    Parameters
    ----------
    draw : callable
        Given a matplotlib Figure, sets its size and draws on it.
    name : str
        A word, different for each plot of the page: prefix of the ids in it.
    label : str
        What it shows, for those who do not see it.
    """
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    settings = {
        "svg.hashsalt": f"caviar-{name}",
        "svg.fonttype": "path",
        "font.family": "sans-serif",
        "font.sans-serif": ["DejaVu Sans"],  # matplotlib's own: the same everywhere
        "font.size": 9,
    }
    with matplotlib.rc_context(settings), contextlib.closing(io.StringIO()) as file:
        figure = Figure(layout="constrained")
        FigureCanvasSVG(figure)
        draw(figure)
        _rasterize_crowds(figure)
        figure.savefig(
            file,
            format="svg",
            dpi=RESOLUTION,
            metadata={"Date": None, "Creator": None, "Format": None, "Type": None},
        )
        return _for_html(file.getvalue(), name, label)


def _rasterize_crowds(figure):
    """Thousands of markers as one picture: their SVG would take megabytes."""
    for axes in figure.axes:
        for artist in axes.collections:
            if len(artist.get_offsets()) > MANY_POINTS:
                artist.set_rasterized(True)
        for line in axes.lines:
            if len(line.get_xdata()) > MANY_POINTS:
                line.set_rasterized(True)


def _for_html(text, name, label):
    """Of an SVG file the element alone, with ids and styles that stay its own."""
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.S)
    # matplotlib's style sheet would hold for every path of the page.
    text = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", text, flags=re.S)
    text = re.sub(r"<!--.*?-->", "", text, flags=re.S)
    text = re.sub(r'\bid="', f'id="{name}-', text)
    text = re.sub(r"url\(#", f"url(#{name}-", text)
    text = re.sub(r'(xlink:href|href)="#', rf'\1="#{name}-', text)
    opening = text[: text.index(">") + 1]
    view_box = re.search(r'viewBox="[^"]*"', opening).group()
    head = (
        f'<svg {view_box} xmlns="http://www.w3.org/2000/svg" '
        'xmlns:xlink="http://www.w3.org/1999/xlink" role="img" '
        f'aria-label="{escape(label)}" '
        'style="stroke-linejoin:round;stroke-linecap:butt">'
    )
    return head + re.sub(r"\n\s*", "\n", text[len(opening) :]).strip()


# The plots


def training_curves(history, name="training"):
    """Losses, scores and rate over the epochs."""
    from .plotting import TrainingCurveDisplay

    def draw(figure):
        display = TrainingCurveDisplay(history)
        display.plot(ax=figure.subplots())
        n_panels = len(display.axes_)
        figure.set_size_inches(WIDTH, 1.6 + 1.7 * n_panels)
        _legend_above(figure, display.legend_, 4)

    n_epochs = len(history["loss"])
    label = f"Curves of the winner's training over {n_epochs} epochs."
    return svg(draw, name, label)


def search(results, about, best_index=None, name="search"):
    """Score against each parameter."""
    from .plotting import SearchDisplay

    different = {
        name
        for params in results["params"]
        for name, value in params.items()
        if value != results["params"][0].get(name)
    }
    n_cols = {1: 1, 2: 2, 4: 2}.get(len(different), MOST_COLUMNS)

    def draw(figure):
        display = SearchDisplay(
            results,
            scales=about.get("scales"),
            ranges=about.get("ranges"),
            edges=about.get("boundaries") or (),
            best_index=best_index,
            score_name=(about.get("title") or "score").replace("R2", "R²"),
        )
        display.plot(ax=figure.subplots(), n_cols=n_cols)
        n_rows = math.ceil(len(display.axes_) / n_cols)
        figure.set_size_inches(WIDTH, 0.6 + 2.3 * n_rows)
        _legend_above(figure, display.legend_, 6)

    n_candidates = len(results["params"])
    label = f"Scores of {n_candidates} candidates against each parameter."
    return svg(draw, name, label)


def _legend_above(figure, legend, n_columns):
    """Move a legend from within axes to above all of them."""
    if legend is None:
        return
    handles = legend.legend_handles
    labels = [entry.get_text() for entry in legend.get_texts()]
    legend.remove()
    figure.legend(
        handles,
        labels,
        loc="outside upper center",
        ncols=min(len(labels), n_columns),
        frameon=False,
        fontsize="small",
    )


def errors(truth, predicted, name="errors"):
    """Predictions against the truth, and their errors against the predictions."""
    truth, predicted = np.asarray(truth), np.asarray(predicted)
    wrong = truth - predicted
    ends = [min(truth.min(), predicted.min()), max(truth.max(), predicted.max())]

    def draw(figure):
        figure.set_size_inches(WIDTH, 3.9)
        left, right = figure.subplots(1, 2)
        for axes, y, line in ((left, truth, ends), (right, wrong, [0, 0])):
            _plot_style.finish(axes)
            axes.scatter(
                predicted, y, s=14, alpha=0.5, color=_plot_style.BLUE, linewidths=0
            )
            axes.plot(ends, line, color=_plot_style.BLACK, linewidth=1)
            axes.set_xlabel("predicted")
        left.set_ylabel("true")
        right.set_ylabel("true minus predicted")

    label = f"Predicted and true values of {len(truth)} rows held out, and residuals."
    return svg(draw, name, label)
