"""Time per training step, the libraries taking turns.

A machine's speed drifts, with its temperature and with its other users; so in each
round every library has one turn, in a new random order, and the median over the
rounds is compared. The clock counts the process's own time on its core; how much of the
time it had the core is said when it was not all, for others then used its caches.
"""

import os
import random
import sys
import time
from statistics import median

from . import tables
from .libraries import LIBRARIES, attempt, load
from .problems import PROBLEMS, TINY

# What a step should reach, by problem: at most so many times its products alone, and at
# least so many times as fast as each of the others, with batch norm where they have it.
TARGETS = {
    "S": {"roof": 2.0, "sklearn": 18, "sklearn-64": 18, "torch": 28, "jax": 2.2},
    "M": {"roof": 1.2, "sklearn": 4.5, "sklearn-64": 4.5, "torch": 4.5, "jax": 1.4},
    "L": {"roof": 1.1, "sklearn": 2.4, "sklearn-64": 2.4, "torch": 1.35, "jax": 1.05},
    "XL": {
        "roof": 1.05,
        "sklearn": 1.65,
        "sklearn-64": 1.65,
        "torch": 0.97,
        "jax": 1.3,
    },
}
SLOWER = 1.1  # than the commit it is compared with: a regression


def measure(options, log):
    """Return one result per problem, batch norm or not, and library."""
    problems = chosen_problems(options)
    names = options.libraries or [name for name in LIBRARIES if name != "base"]
    if options.against:
        from .libraries import base

        os.environ["CAVIAR_BASE"] = str(base.checkout(options.against, log))
        names = options.libraries or ["caviar", "roof"]
        names = [*names, "base"]
    n_rounds = options.rounds or (1 if options.quick else 7)
    return [
        result
        for problem in problems
        for batch_norm in (False, True)
        for result in measure_one(problem, batch_norm, names, n_rounds, log)
    ]


def chosen_problems(options):
    unknown = set(options.problems or ()) - set(PROBLEMS)
    if unknown:
        sys.exit(f"--problems must be of {' '.join(PROBLEMS)}, got {' '.join(unknown)}")
    if options.quick:
        return [TINY]
    return [PROBLEMS[name] for name in options.problems or PROBLEMS]


def measure_one(problem, batch_norm, names, n_rounds, log):
    """Return one result per library, a dict; ``seconds`` has one entry per round."""
    results = [
        {
            "problem": problem.name,
            "batch_norm": batch_norm,
            "library": name,
            "seconds": [],  # per step
            "note": None,  # why there are none
        }
        for name in names
    ]
    runs = {}
    X, y = problem.data()
    for result in results:
        name = result["library"]
        log(f"{problem}{', batch norm' if batch_norm else ''}: warming up {name}")
        run, result["note"] = attempt(
            lambda name=name: warm(load(name).prepare(problem, X, y, batch_norm))
        )
        runs[name] = run
    shuffler = random.Random(0)
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(n_rounds):
        for result in shuffler.sample(results, len(results)):
            if result["note"] is None:
                seconds = runs[result["library"]](problem.n_epochs)
                result["seconds"].append(seconds / problem.n_epochs / problem.n_steps)
    busy = (time.process_time() - cpu) / (time.perf_counter() - wall)
    if busy < 0.97 and "base" not in names:  # which has a process of its own
        log(f"others had the core for {1 - busy:.0%} of the time: better measure again")
    for run in runs.values():
        getattr(run, "close", lambda: None)()
    return results


def warm(run):
    run(1)
    return run


def text(results):
    return tables.steps_text(problems_of(results), results)


def report(results):
    blocks = {"steps": tables.steps_markdown(problems_of(results), results)}
    rows = target_rows(results)
    if len(rows) > 1:
        blocks["steps-targets"] = tables.markdown(rows)
    return blocks


def problems_of(results):
    names = dict.fromkeys(result["problem"] for result in results)
    return [PROBLEMS.get(name, TINY) for name in names]


def target_rows(results):
    """A row per problem: each ratio with what it should be; `sklearn` has no batch norm."""
    rivals = ["roof", "sklearn", "sklearn-64", "torch", "jax"]
    rows = [["", "step / products alone"]]
    rows[0] += [tables.title(name) for name in rivals[1:]]
    for problem in problems_of(results):
        cells = tables.of_problem(problem, results)
        caviar = cells.get((True, "caviar"))
        if problem.name not in TARGETS or not (caviar and caviar["seconds"]):
            continue
        row = [problem.name]
        for rival in rivals:
            target = TARGETS[problem.name][rival]
            result = cells.get((True, rival))
            if rival.startswith("sklearn"):
                result = cells.get((False, rival))
            if not (result and result["seconds"]):
                row.append("-")
            elif rival == "roof":
                ratio = median(caviar["seconds"]) / median(result["seconds"])
                row.append(f"{ratio:.2f} (<= {target})")
            else:
                row.append(f"{tables.relative(result, caviar)} (>= {target}x)")
        rows.append(row)
    return rows


def failure(results):
    """What is slower than the commit of --against by a tenth or more.

    By its median and by its best time: others on the machine spoil one of them at most.
    """
    seconds = {
        (r["problem"], r["batch_norm"], r["library"]): r["seconds"]
        for r in results
        if r["library"] in ("caviar", "base") and r["seconds"]
    }
    slower = []
    for (name, batch_norm, library), now in seconds.items():
        before = seconds.get((name, batch_norm, "base"), now)
        ratio = min(median(now) / median(before), min(now) / min(before))
        if library == "caviar" and ratio > SLOWER:
            shape = f"{name} with batch norm" if batch_norm else name
            slower.append(f"{shape}: {ratio - 1:.0%} slower than before")
    return "\n".join(slower) or None
