"""The charts: the error of the best so far against epochs and against seconds."""

import math
from pathlib import Path

import numpy as np

from .curves import over_seeds
from .report import by_data, methods_in
from .searches import METHODS

N_POINTS = 48  # of each curve
# Okabe and Ito's colours, which the colour-blind can tell apart; dashes for print.
LINES = {
    "grid": ("#7F7F7F", ":"),
    "random": ("#000000", "-"),
    "coarse-to-fine": ("#009E73", "-"),
    "sklearn-halving": ("#D55E00", "--"),
    "halving": ("#E69F00", "-"),
    "quarter-halving": ("#CC79A7", "-"),
    "hyperband": ("#0072B2", "-"),
    "optuna": ("#56B4E9", "--"),
}


def draw(results, folder):
    """A chart per cost, a panel per data set."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for axis, label in (("epochs", "epochs, over folds"), ("seconds", "seconds")):
        draw_panels(by_data(results), axis, label, folder / f"{axis}.svg")


def draw_panels(tables, axis, label, path):
    import matplotlib  # an extra
    from matplotlib.figure import Figure

    n_columns = min(3, len(tables))
    n_rows = math.ceil(len(tables) / n_columns)
    settings = {"svg.fonttype": "path", "svg.hashsalt": "caviar", "font.size": 9}
    with matplotlib.rc_context(settings):
        figure = Figure(figsize=(2.8 * n_columns, 2.4 * n_rows), layout="constrained")
        axes = figure.subplots(n_rows, n_columns, squeeze=False).ravel()
        for ax, (name, table) in zip(axes, tables.items(), strict=False):
            draw_panel(ax, name, table, axis)
        for ax in axes[len(tables) :]:
            ax.set_visible(False)
        figure.supxlabel(label)
        figure.supylabel("1 - validation score")
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(
            handles, labels, loc="outside upper center", ncols=4, frameon=False
        )
        figure.savefig(path, metadata={"Date": None}, facecolor="white")


def draw_panel(ax, name, table, axis):
    """Mean over seeds, and one standard deviation round random search and Hyperband."""
    for method in methods_in({name: table}):
        runs, (color, style) = table[method], LINES[method]
        total = np.mean([run[f"n_{axis}"] for run in runs])
        first = max(run[axis][0] for run in runs)  # from where on all have a score
        at = np.geomspace(first, max(total, first), N_POINTS)
        errors = 1 - over_seeds(runs, axis, "scores", at)[1]
        mean, spread = errors.mean(axis=0), errors.std(axis=0)
        ax.loglog(at, mean, style, color=color, label=METHODS[method].title, lw=1.3)
        if method in ("random", "hyperband"):
            low = np.maximum(mean - spread, mean / 10)
            ax.fill_between(at, low, mean + spread, color=color, alpha=0.1, lw=0)
    decorate(ax)
    ax.set_title(name.replace("_", " "), fontsize=9)
    ax.set_ylim(*limits(table))


def decorate(ax):
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
        axis.set_minor_formatter(NullFormatter())
    ax.grid(True, which="major", color="#DDDDDD", linewidth=0.6)
    ax.spines[["top", "right"]].set_visible(False)


def limits(table):
    """From a little under the best mean to a few times random search's error."""
    finals = [np.mean([1 - run["score"] for run in runs]) for runs in table.values()]
    return 0.8 * max(min(finals), 1e-4), 4 * max(*finals, 1e-4)
