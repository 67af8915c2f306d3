"""The options, and the order of things: pin first, import the libraries after.

Must not import numpy, or anything that loads it, before ``machine.pin``.
"""

import argparse
import json
import platform
import sys
import time

from . import machine
from .libraries import LIBRARIES, versions


def parse(argv=None):
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.compare",
        description="Time per training step in several libraries, or (--search) the "
        "time of a hyperparameter search. Ratios are to caviar's time.",
    )
    parser.add_argument("--problems", nargs="+", metavar="P", help="of S M L XL")
    parser.add_argument(
        "--libraries", nargs="+", choices=LIBRARIES, default=list(LIBRARIES)
    )
    parser.add_argument("--rounds", type=int, help="turns of each library")
    parser.add_argument("--core", type=int, help="the core to use (default: the last)")
    parser.add_argument("--search", action="store_true", help="time a search instead")
    parser.add_argument(
        "--search-libraries",
        nargs="+",
        choices=("caviar", "sklearn", "skorch"),
        default=["caviar", "sklearn"],
    )
    parser.add_argument("--quick", action="store_true", help="tiny sizes, smoke test")
    parser.add_argument("--markdown", action="store_true", help="print README's table")
    parser.add_argument("--json", metavar="FILE", help="write every single time, too")
    options = parser.parse_args(argv)
    if options.rounds is not None and options.rounds < 1:
        parser.error(f"--rounds must be at least 1, got {options.rounds}")
    return options


def main(argv=None):
    options = parse(argv)
    setting = "two processes" if options.search else machine.pin(options.core)
    context = {
        "processor": machine.processor(),
        "python": platform.python_version(),
        "setting": setting,
        "date": time.strftime("%Y-%m-%d"),
    }
    log(f"{context['processor']}, Python {context['python']}, {setting}")
    (compare_searches if options.search else compare_steps)(options, context)


def compare_steps(options, context):
    from . import steps, tables
    from .problems import PROBLEMS, TINY

    unknown = set(options.problems or ()) - set(PROBLEMS)
    if unknown:
        sys.exit(f"--problems must be of {' '.join(PROBLEMS)}, got {' '.join(unknown)}")
    problems = [PROBLEMS[name] for name in options.problems or PROBLEMS]
    problems = [TINY] if options.quick else problems
    rounds = options.rounds or (1 if options.quick else 7)
    results = []
    for problem in problems:
        for batch_norm in (False, True):
            results += steps.measure(
                problem, batch_norm, options.libraries, rounds, log
            )
    context["versions"] = versions(options.libraries)
    context["threads"] = machine.thread_pools()
    log("\n".join([*context["versions"].values(), *context["threads"]]))
    show = tables.steps_markdown if options.markdown else tables.steps_text
    print(show(problems, results))
    write(options.json, context, results)


def compare_searches(options, context):
    from . import search, tables

    rounds = options.rounds or (1 if options.quick else 3)
    results = search.measure(options.search_libraries, rounds, options.quick, log)
    context["versions"] = versions(options.search_libraries)
    show = tables.search_markdown if options.markdown else tables.search_text
    print(show(results))
    write(options.json, context, results)


def write(path, context, results):
    if path:
        with open(path, "w", encoding="utf-8") as file:
            json.dump({**context, "results": results}, file, indent=1)


def log(line):
    print(line, file=sys.stderr, flush=True)
