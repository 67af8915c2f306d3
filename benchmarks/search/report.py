"""The tables: what was found, and how soon it was as good as random search's best."""

from statistics import fmean, median, stdev

import numpy as np

from benchmarks.compare.tables import markdown
from benchmarks.methods.report import LEVEL, compared

from .curves import epochs_to_reach
from .searches import METHODS, REACH_TARGET

CHOSEN = {"scores": "score", "tests": "test"}  # along the way: what the search chose


def by_data(results):
    """{data set: {method: its runs, by seed}}, the seeds that all methods have."""
    tables = {}
    for result in sorted(results, key=lambda result: result["seed"]):
        table = tables.setdefault(result["data"], {})
        table.setdefault(result["method"], []).append(result)
    for table in tables.values():
        seeds = set.intersection(
            *({r["seed"] for r in runs} for runs in table.values())
        )
        for method, runs in table.items():
            table[method] = [run for run in runs if run["seed"] in seeds]
    return {name: table for name, table in tables.items() if all(table.values())}


def report(results):
    """{name of a block in the documents: Markdown table}"""
    tables = by_data(results)
    return {
        "search-worth": summary(tables),
        "search-validation": scores_table(tables, "score"),
        "search-test": scores_table(tables, "test"),
        "search-reach": reach_table(tables, "scores"),
        "search-reach-test": reach_table(tables, "tests"),
    }


def methods_in(tables):
    return [name for name in METHODS if any(name in table for table in tables.values())]


def scores_table(tables, which):
    """Mean and standard deviation over seeds, in percent."""
    n_seeds = [str(len(next(iter(table.values())))) for table in tables.values()]
    rows = [["", *tables], ["seeds", *n_seeds]]
    for method in methods_in(tables):
        row = [METHODS[method].title]
        for table in tables.values():
            scores = [100 * run[which] for run in table.get(method, [])]
            row.append(f"{fmean(scores):.2f} ± {spread(scores):.2f}" if scores else "-")
        rows.append(row)
    return markdown(rows)


def spread(values):
    return stdev(values) if len(values) > 1 else 0.0


def reach_table(tables, values):
    """The share of random search's epochs after which a method is as good, on the mean."""
    rows = [["", *tables, f"median (target {REACH_TARGET:.2f})"]]
    for method in methods_in(tables):
        shares = [
            share_to_reach(table, method, values) if method in table else None
            for table in tables.values()
        ]
        if not any(share is not None for share in shares):
            continue
        cells = [share_text(share) for share in shares]
        known = [share for share in shares if share is not None]
        rows.append([METHODS[method].title, *cells, share_text(median(known))])
    return markdown(rows)


def share_to_reach(table, method, values):
    """None where random search has not been run."""
    if "random" not in table:
        return None
    target = fmean(run[CHOSEN[values]] for run in table["random"])
    budget = fmean(run["n_epochs"] for run in table["random"])
    return epochs_to_reach(table[method], target, values) / budget


def share_text(share):
    if share is None:
        return "-"
    return f"{share:.2f}" if np.isfinite(share) else "never"


def summary(tables):
    """Per method, all beside random search's, the medians over data sets.

    Cost, errors (1 - score), on how many data sets the test error is surely another, and
    the share of the epochs after which it was as good on validation.
    """
    head = [
        "",
        "epochs",
        "seconds",
        "validation error",
        "test error",
        "better",
        "worse",
    ]
    rows = [[*head, "epochs to random's score"]]
    for method in methods_in(tables):
        shared = [t for t in tables.values() if method in t and "random" in t]
        if not shared:
            continue
        tests = [compare(table, method, "test") for table in shared]
        errors = [compare(table, method, "score")[0] for table in shared]
        reach = median(share_to_reach(table, method, "scores") for table in shared)
        rows.append(
            [
                METHODS[method].title,
                f"{cost_ratio(shared, method, 'n_epochs'):.2f}",
                f"{cost_ratio(shared, method, 'n_seconds'):.2f}",
                f"{median(errors):.3f}",
                f"{median(ratio for ratio, _ in tests):.3f}",
                str(sum(p < LEVEL and ratio < 1 for ratio, p in tests)),
                str(sum(p < LEVEL and ratio > 1 for ratio, p in tests)),
                share_text(reach),
            ]
        )
    return markdown(rows)


def compare(table, method, which):
    """The ratio of the mean errors to random search's, and the p-value of the pairs."""
    mine, random = (
        {run["seed"]: run[which] for run in table[name]} for name in (method, "random")
    )
    return compared(mine, random)


def cost_ratio(tables, method, which):
    """To random search's, the median over data sets."""
    return median(
        fmean(run[which] for run in table[method])
        / fmean(run[which] for run in table["random"])
        for table in tables
    )
