"""The tables: what each method does to the error, and every mean score."""

from statistics import fmean, stdev

import numpy as np
from scipy.stats import ttest_1samp

from benchmarks.compare.tables import markdown

from .recipes import RECIPES

LEVEL = 0.05  # of the paired t-test


def report(results):
    """{name of a block in the documents: Markdown table}"""
    scores = {}
    for result in results:
        cell = scores.setdefault((result["task"], result["data"]), {})
        cell.setdefault(result["recipe"], {})[result["seed"]] = result["score"]
    blocks = {"methods": summary(scores)}
    for task in ("classification", "regression"):
        columns = {name: cell for (kind, name), cell in scores.items() if kind == task}
        blocks[f"methods-{task}"] = table(columns)
    return blocks


def recipes_in(columns):
    return [name for name in RECIPES if any(name in c for c in columns.values())]


def table(columns):
    """Mean and standard deviation over seeds, in percent."""
    rows = [["", *columns]]
    for recipe in recipes_in(columns):
        cells = [cell_text(column.get(recipe)) for column in columns.values()]
        rows.append([RECIPES[recipe].title, *cells])
    return markdown(rows)


def cell_text(by_seed):
    if not by_seed:
        return "-"
    values = [100 * score for score in by_seed.values()]
    spread = stdev(values) if len(values) > 1 else 0.0
    return f"{fmean(values):.2f} ± {spread:.2f}"


def summary(scores):
    """Per method, the error over the plain network's, and where it is surely another."""
    rows = [["", "error / plain's", "data sets", "better", "worse"]]
    for recipe in recipes_in(scores):
        if recipe == "plain":
            continue
        ratios, n_better, n_worse = [], 0, 0
        for column in scores.values():
            if recipe not in column or "plain" not in column:
                continue
            ratio, p_value = compared(column[recipe], column["plain"])
            ratios.append(ratio)
            n_better += p_value < LEVEL and ratio < 1
            n_worse += p_value < LEVEL and ratio > 1
        if ratios:
            mean = np.exp(np.mean(np.log(ratios)))
            cells = [f"{mean:.3f}", len(ratios), n_better, n_worse]
            rows.append([RECIPES[recipe].title, *map(str, cells)])
    return markdown(rows)


def compared(by_seed, plain):
    """The ratio of the mean errors, 1 - score, and the p-value of the pairs' difference."""
    seeds = sorted(by_seed.keys() & plain.keys())
    differences = np.array([by_seed[seed] - plain[seed] for seed in seeds])
    errors = [1 - fmean(of[seed] for seed in seeds) for of in (by_seed, plain)]
    smallest = 1e-4  # a score of 1 would make the mean of the logarithms infinite
    ratio = max(errors[0], smallest) / max(errors[1], smallest)
    if len(seeds) < 2 or np.ptp(differences) == 0:
        return ratio, 1.0
    return ratio, ttest_1samp(differences, 0).pvalue
