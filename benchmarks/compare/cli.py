"""The options, and the order of things: pin first, import the libraries after.

Must not import numpy, or anything that loads it, before ``machine.pin``.
"""

import argparse
import importlib
import json
import platform
import sys
import time

from . import documents, machine
from .libraries import LIBRARIES

# What may be asked for, whether on one core, and in one line. Each is a module here with
#     measure(options, log) -> list of results, one dict each, every single time in it
#     report(results) -> {name of a block in the documents: Markdown table}
# and, where there is more to it, text(results) for the terminal, draw(results, folder)
# for charts, and failure(results), a sentence to end with, if any.
SUBJECTS = {
    "steps": (True, "time per training step beside other libraries"),
    "profile": (False, "which share of a step is what (needs perf)"),
    "kernels": (True, "each kernel alone, per instruction set, and beside PyTorch"),
    "calls": (True, "whole calls: short fits, predictions, the import"),
    "extras": (True, "what each training method adds to a step"),
    "search": (False, "a whole RandomizedSearchCV beside other libraries"),
    "crowds": (False, "searches and fits side by side: throughput, cores, memory"),
    "large": (False, "one fit in several threads"),
    "scaling": (True, "step time and memory against each size"),
    "memory": (False, "training from a file larger than memory, and wide sparse rows"),
}


def parse(argv=None):
    listing = "\n".join(f"  {name:9} {what}" for name, (_, what) in SUBJECTS.items())
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.compare",
        description=f"Measures caviar, beside others where there are any.\n\n{listing}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("subject", nargs="?", choices=SUBJECTS, default="steps")
    parser.add_argument("--problems", nargs="+", metavar="P", help="of S M L XL")
    parser.add_argument("--libraries", nargs="+", choices=LIBRARIES)
    parser.add_argument(
        "--against",
        metavar="REV",
        help="steps: build that commit, let it take turns, and say what is 10 %% slower",
    )
    parser.add_argument("--rounds", type=int, help="turns of each library")
    parser.add_argument("--core", type=int, help="the core to use (default: the last)")
    parser.add_argument(
        "--folder", help="memory: where the large file may lie for a while"
    )
    parser.add_argument("--quick", action="store_true", help="tiny sizes, smoke test")
    parser.add_argument("--markdown", action="store_true", help="print Markdown tables")
    parser.add_argument(
        "--write", action="store_true", help="renew tables and charts in the documents"
    )
    parser.add_argument("--json", metavar="FILE", help="write every single time, too")
    options = parser.parse_args(argv)
    if options.rounds is not None and options.rounds < 1:
        parser.error(f"--rounds must be at least 1, got {options.rounds}")
    if options.write and options.quick:
        parser.error("--write is for figures, --quick gives none")
    return options


def main(argv=None):
    options = parse(argv)
    one_core, _ = SUBJECTS[options.subject]
    setting = machine.pin(options.core) if one_core else "all cores"
    context = {
        "subject": options.subject,
        "processor": machine.processor(),
        "python": platform.python_version(),
        "setting": setting,
        "date": time.strftime("%Y-%m-%d"),
    }
    log(f"{context['processor']}, Python {context['python']}, {setting}")
    subject = importlib.import_module(f".{options.subject}", __package__)
    results = subject.measure(options, log)
    context["versions"] = machine.versions()
    context["threads"] = machine.thread_pools()
    log("\n".join([*context["versions"], *context["threads"]]))
    blocks = subject.report(results)
    if hasattr(subject, "text") and not options.markdown:
        print(subject.text(results))
    else:
        print("\n\n".join(blocks.values()))
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({**context, "results": results}, file, indent=1)
    if options.write:
        documents.write(blocks, context)
        if hasattr(subject, "draw"):
            subject.draw(results, documents.CHARTS)
    if hasattr(subject, "failure"):
        return subject.failure(results)


def log(line):
    print(line, file=sys.stderr, flush=True)
