"""Time per training step, the libraries taking turns.

A machine's speed drifts, with its temperature and with its other users; so in each
round every library has one turn, in a new random order, and the median over the
rounds is compared. The clock counts the process's own time on its core; how much of the
time it had the core is said when it was not all, for others then used its caches.
"""

import random
import time

from .libraries import attempt, load


def measure(problem, batch_norm, names, n_rounds, log):
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
    if busy < 0.97:
        log(f"others had the core for {1 - busy:.0%} of the time: better measure again")
    return results


def warm(run):
    run(1)
    return run
