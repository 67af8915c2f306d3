"""The options, and the order of things: pin first, import the libraries after.

Must not import numpy, or anything that loads it, before ``machine.pin``.
"""

import argparse
import importlib
import importlib.metadata
import importlib.util
import sys

from benchmarks.compare import documents, machine
from benchmarks.compare.options import check

METHODS = (
    "grid",
    "random",
    "coarse-to-fine",
    "sklearn-halving",
    "halving",
    "quarter-halving",
    "hyperband",
    "optuna",
)
CHARTS = documents.ROOT / "docs" / "search"


def parse(argv=None):
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.search",
        description="What each search finds for the same epochs.",
    )
    parser.add_argument(
        "data", nargs="*", metavar="DATA.npz", help="data sets beside digits"
    )
    parser.add_argument(
        "--methods", nargs="+", choices=METHODS, default=list(METHODS), metavar="M"
    )
    parser.add_argument("--seeds", type=int, default=10, help="rows, folds, candidates")
    parser.add_argument(
        "--candidates", type=int, default=27, help="of random search: the budget"
    )
    parser.add_argument("--epochs", type=int, default=81, help="of a whole training")
    parser.add_argument("--max-rows", type=int, default=2000, help="training rows")
    parser.add_argument(
        "--rounds", type=int, default=3, help="turns of halving and scikit-learn's"
    )
    parser.add_argument("--core", type=int, help="the core to use (default: the last)")
    parser.add_argument("--json", metavar="FILE", help="append each run as it ends")
    parser.add_argument(
        "--resume", action="store_true", help="go on with what the file has"
    )
    parser.add_argument(
        "--quick", action="store_true", help="few rows and epochs, smoke test"
    )
    parser.add_argument(
        "--write", action="store_true", help="renew tables and charts of docs/search.md"
    )
    options = parser.parse_args(argv)
    least = {"seeds": 1, "candidates": 3, "epochs": 3, "max_rows": 30, "rounds": 1}
    check(parser, options, least)
    if options.quick:
        options.seeds, options.rounds = 1, 1
        options.candidates, options.epochs, options.max_rows = 3, 9, 200
    return options


def main(argv=None):
    options = parse(argv)
    log(f"{machine.processor()}, {machine.pin(options.core)}")
    data, duel, report, runs = (
        importlib.import_module(f"benchmarks.{name}")
        for name in ("methods.data", "search.duel", "search.report", "search.runs")
    )
    options.data = [data.DIGITS, *options.data]
    check_extras(options)
    results, duels = runs.run_all(options, log)
    blocks = {**report.report(results), **duel.report(duels)}
    print("\n\n".join(blocks.values()))
    if options.write:
        charts = importlib.import_module("benchmarks.search.charts")
        versions = [*machine.versions(), *optuna_version(options)]
        context = {"processor": machine.processor(), "versions": versions}
        documents.write(blocks, context)
        charts.draw(results, CHARTS)


def check_extras(options):
    """Before the first run rather than after the last."""
    needed = {"matplotlib": ("plots", options.write)}
    needed["optuna"] = ("optuna", "optuna" in options.methods)
    for package, (extra, is_needed) in needed.items():
        if is_needed and importlib.util.find_spec(package) is None:
            raise SystemExit(
                f"{package} is not installed: pip install 'caviar[{extra}]'"
            )


def optuna_version(options):
    if "optuna" not in options.methods:
        return []
    return [f"optuna {importlib.metadata.version('optuna')}"]


def log(line):
    print(line, file=sys.stderr, flush=True)
