"""The options, the runs, the tables."""

import argparse
import sys

from benchmarks.compare import documents, machine
from benchmarks.compare.options import check

from . import data, runs
from .recipes import N_SNAPSHOTS, RECIPES
from .report import report


def parse(argv=None):
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.methods",
        description="Test scores of a small network with one method added at a time.",
    )
    parser.add_argument(
        "data",
        nargs="*",
        metavar="DATA.npz",
        help="data sets beside digits: X, y, task and, if any, cat_mask and is_test",
    )
    parser.add_argument("--recipes", nargs="+", choices=RECIPES, default=list(RECIPES))
    parser.add_argument("--seeds", type=int, default=5, help="splits and networks")
    parser.add_argument("--epochs", type=int, default=60, help="of every fit")
    parser.add_argument(
        "--max-rows", type=int, default=10_000, help="training rows at most"
    )
    parser.add_argument("--n-jobs", type=int, default=2, help="processes")
    parser.add_argument("--json", metavar="FILE", help="append each run as it ends")
    parser.add_argument(
        "--resume", action="store_true", help="go on with what the file has"
    )
    parser.add_argument(
        "--quick", action="store_true", help="few rows and epochs, smoke test"
    )
    parser.add_argument("--write", action="store_true", help="renew docs/methods.md")
    options = parser.parse_args(argv)
    check(parser, options, {"seeds": 1, "epochs": N_SNAPSHOTS, "max_rows": 1})
    if options.quick:
        options.seeds, options.epochs, options.max_rows = 2, N_SNAPSHOTS, 300
    options.data = [data.DIGITS, *options.data]
    return options


def main(argv=None):
    options = parse(argv)
    results = runs.run_all(options, log)
    blocks = report(results)
    print("\n\n".join(blocks.values()))
    if options.write:
        processor = machine.processor()
        context = {"processor": processor, "versions": machine.versions()}
        documents.write(blocks, context)


def log(line):
    print(line, file=sys.stderr, flush=True)
