"""Time of a step and memory of a fit against each size: rows, features, ...

One size at a time goes through two decades, the others stay at those of shape M. The time
is that of ``steps``, with rows enough for a short turn; the memory that of one epoch over
all rows, in a process of its own.
"""

import math
import multiprocessing
import random
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from statistics import median

from . import memory, tables
from .libraries import load
from .problems import Problem

N_ROWS, N_FEATURES, WIDTH, BATCH_SIZE, N_CLASSES = 20_000, 100, 128, 128, 10
N_POINTS = 7
# The first value of each size; the last one is 100 times as large.
SIZES = {
    "rows": (1000, lambda n: shape(n_rows=n)),
    "features": (16, lambda n: shape(n_features=n)),
    "width": (16, lambda n: shape(hidden=(n, n))),
    "depth": (1, lambda n: shape(hidden=(WIDTH,) * n)),
    "batch": (16, lambda n: shape(batch_size=n)),
    "classes": (10, lambda n: shape(n_classes=n)),
}
LIBRARIES = ("caviar", "roof", "sklearn")
TURN = 0.06  # seconds of caviar, about, that a turn takes
LONGEST = 0.05  # seconds of a step, about, beyond which scikit-learn is left out
MEGABYTE = 1e6


def shape(
    n_rows=N_ROWS,
    n_features=N_FEATURES,
    hidden=(WIDTH, WIDTH),
    batch_size=BATCH_SIZE,
    n_classes=N_CLASSES,
):
    return Problem("", n_rows, n_features, hidden, batch_size, 1, n_classes)


def measure(options, log):
    """Return one result per size and value: seconds of each library, bytes of each."""
    n_rounds = options.rounds or (1 if options.quick else 3)
    names = list(SIZES)[:2] if options.quick else SIZES
    points = [(name, value) for name in names for value in values(name, options.quick)]
    results = []
    # A new process for each fit: what another one has freed would hide what it takes.
    context = multiprocessing.get_context(memory.START_METHOD)
    context.set_forkserver_preload(["caviar", "sklearn.neural_network"])
    with context.Pool(1, maxtasksperchild=1) as pool:
        for name, value in points:
            problem = SIZES[name][1](value)
            log(f"{name} = {value}")
            result = {"size": name, "value": value, **seconds(problem, n_rounds)}
            sizes = memory.sizes_of(problem, batch_norm=True)
            for library in ("caviar", "sklearn"):
                if result["sklearn"] or library == "caviar":
                    sizes[library] = pool.apply(
                        memory.growth_of_fit, (problem, library)
                    )
            results.append({**result, "bytes": sizes})
    return results


def values(name, quick=False):
    """Two decades in equal ratios."""
    first = SIZES[name][0]
    if quick:
        return [10 * first]
    return [round(first * 100 ** (k / (N_POINTS - 1))) for k in range(N_POINTS)]


def seconds(problem, n_rounds):
    """Seconds per step, {library: one per round}, the libraries taking turns."""
    guess = guessed_seconds(problem)
    n_steps = min(problem.n_steps, max(4, round(TURN / guess)))
    n_rows = min(problem.n_samples, max(n_steps * problem.batch_size, 1000))
    short = replace(problem, n_samples=n_rows)
    n_epochs = {"caviar": max(1, round(TURN / guess / short.n_steps)), "sklearn": 1}
    n_epochs["roof"] = n_epochs["caviar"]
    X, y = short.data()
    runs, times = {}, {name: [] for name in LIBRARIES}
    for name in LIBRARIES:
        if name != "sklearn" or guess < LONGEST:
            runs[name] = load(name).prepare(short, X, y, batch_norm=name != "sklearn")
            runs[name](1)
    shuffler = random.Random(0)
    for _ in range(n_rounds):
        for name in shuffler.sample(list(runs), len(runs)):
            spent = runs[name](n_epochs[name]) / n_epochs[name]
            times[name].append(spent / short.n_steps)
    return times


def guessed_seconds(problem):
    """Of a step of caviar: products, passes over activations and parameters, calls."""
    weights = sum(a * b for a, b in pairwise(problem.units))
    units = problem.batch_size * sum(problem.units)
    return 6e-11 * problem.batch_size * weights + 1e-9 * (units + weights) + 1e-5


def report(results):
    """Of each size the least, the middle and the greatest value."""
    head = ["", "step", "step / products alone", "scikit-learn", "memory of a fit"]
    rows = [[*head, "scikit-learn's"]]
    for name in dict.fromkeys(result["size"] for result in results):
        points = [result for result in results if result["size"] == name]
        chosen = {0, len(points) // 2, len(points) - 1}
        rows += [table_row(points[k]) for k in sorted(chosen)]
    return {"scaling": tables.markdown(rows)}


def table_row(result):
    caviar, roof = median(result["caviar"]), median(result["roof"])
    ratio = memory_of_other = "-"
    if result["sklearn"]:
        ratio = f"{median(result['sklearn']) / caviar:.3g}x"
        memory_of_other = megabytes(result["bytes"]["sklearn"])
    return [
        f"{result['value']:,} {result['size']}",
        tables.microseconds(caviar),
        f"{caviar / roof:.2f}",
        ratio,
        megabytes(result["bytes"]["caviar"]),
        memory_of_other,
    ]


def megabytes(n_bytes):
    return "-" if n_bytes is None else f"{n_bytes / MEGABYTE:.3g} MB"


# Okabe and Ito's colours, which the colour-blind can tell apart; and markers for print.
LINES = {
    "caviar": ("caviar", "#0072B2", "o", "-"),
    "roof": ("its matrix products alone", "#E69F00", "^", "--"),
    "sklearn": ("scikit-learn, without batch norm", "#D55E00", "s", "-"),
    "vectors": ("caviar's vectors, as planned", "#E69F00", "^", "--"),
    "X": ("X itself", "#7F7F7F", None, ":"),
}


def draw(results, folder):
    """Two charts of a panel per size: step time and memory."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    draw_panels(
        results,
        folder / "scaling-time.svg",
        "milliseconds per step",
        {name: lambda r, name=name: time_of(r, name) for name in LIBRARIES},
    )
    draw_panels(
        results,
        folder / "scaling-memory.svg",
        "MB a fit adds",
        {
            name: lambda r, name=name: (r["bytes"].get(name) or math.nan) / MEGABYTE
            for name in ("caviar", "vectors", "sklearn", "X")
        },
    )


def time_of(result, library):
    return median(result[library]) * 1e3 if result[library] else math.nan


def draw_panels(results, path, ylabel, curves):
    """One panel per size, all with the same vertical axis."""
    import matplotlib
    from matplotlib.figure import Figure

    names = list(dict.fromkeys(result["size"] for result in results))
    settings = {"svg.fonttype": "path", "svg.hashsalt": "caviar", "font.size": 9}
    with matplotlib.rc_context(settings):
        figure = Figure(figsize=(8, 5.2), layout="constrained")
        axes = figure.subplots(2, 3, sharey=True).ravel()
        for ax, name in zip(axes, names, strict=False):
            points = [result for result in results if result["size"] == name]
            for curve, value_of in curves.items():
                label, color, marker, style = LINES[curve]
                ax.loglog(
                    [point["value"] for point in points],
                    [value_of(point) for point in points],
                    style,
                    color=color,
                    marker=marker,
                    markersize=4,
                    label=label,
                )
            decorate(ax, name)
        for ax in axes[::3]:
            ax.set_ylabel(ylabel)
        for ax in axes[len(names) :]:
            ax.set_visible(False)
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(
            handles,
            labels,
            loc="outside upper center",
            ncols=len(labels),
            frameon=False,
        )
        figure.savefig(path, metadata={"Date": None}, facecolor="white")


def decorate(ax, name):
    from matplotlib.ticker import FuncFormatter, NullFormatter

    ax.set_xlabel({"batch": "batch size"}.get(name, name))
    ax.grid(True, which="major", color="#DDDDDD", linewidth=0.6)
    ax.spines[["top", "right"]].set_visible(False)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
        axis.set_minor_formatter(NullFormatter())
