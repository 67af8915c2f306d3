"""Runs: one data set, seed and search each, one after the other on one core.

A line of JSON is appended to a file as each run ends, so that what was killed goes on.
"""

from sklearn.base import clone

from benchmarks.methods import data
from benchmarks.methods.runs import append, fitted_score, resumed

from . import duel
from .problems import prepare
from .searches import METHODS, Budget

SETTINGS = ("candidates", "epochs", "max_rows")  # the same in all runs of a file


def run(task, method, budget):
    """Search once; return the best so far, row by row, and what was chosen.

    `tests` are the scores on the held-out rows of each best so far, trained on all
    training rows for as long as it was when it was scored.
    """
    trace = METHODS[method].run(task, budget)
    rows = trace.incumbents()
    fits = {}

    def test(row):
        key = repr((sorted(trace.params[row].items()), trace.lengths[row]))
        if key not in fits:
            fits[key] = test_score(task, trace.params[row], int(trace.lengths[row]))
        return fits[key]

    return {
        "data": task.name,
        "method": method,
        "seed": task.seed,
        "score": float(trace.scores[trace.best]),
        "test": test(trace.best),
        "n_epochs": int(trace.epochs[-1]),
        "n_seconds": float(trace.seconds[-1]),
        "epochs": trace.epochs[rows].tolist(),
        "seconds": trace.seconds[rows].tolist(),
        "scores": trace.scores[rows].tolist(),
        "tests": [test(row) for row in rows],
        "chosen": {name: str(x) for name, x in trace.params[trace.best].items()},
    }


def test_score(task, params, n_epochs):
    """Of the rows held out, after a fit to all training rows."""
    network = clone(task.network).set_params(**params)
    network.set_params(max_iter=n_epochs)
    return fitted_score(network, (task.X, task.y), (task.X_test, task.y_test))


def run_all(options, log):
    """Every run that is asked for, those of the file included.

    Returns
    -------
    results : list of dict
        As of `run`.
    duels : list of dict
        As of `duel.fight`, for the rows of the first seed.
    """
    settings = {name: getattr(options, name) for name in SETTINGS}
    known = {key_of(result): result for result in resumed(options, settings)}
    budget = Budget(options.candidates, options.epochs)
    for path in options.data:
        name = data.name_of(path)
        for seed in range(options.seeds):
            todo = [m for m in options.methods if (name, m, seed) not in known]
            schedules = duel.schedules(options) if seed == 0 else []
            todo += [s for s in schedules if (name, s, seed) not in known]
            task = prepare(path, seed, options.max_rows) if todo else None
            for what in todo:
                if isinstance(what, str):
                    result = run(task, what, budget)
                else:
                    result = duel.fight(task, what, options.rounds)
                append(options.json, result)
                known[key_of(result)] = result
                log(line_of(result))
    results = [result for result in known.values() if "method" in result]
    return results, [result for result in known.values() if "schedule" in result]


def key_of(result):
    """Data set, method or schedule, and seed."""
    what = result.get("method") or tuple(result["schedule"])
    return result["data"], what, result["seed"]


def line_of(result):
    if "schedule" in result:
        share = duel.ratio(result, "sklearn")
        return (
            f"{result['data']}, halving {result['schedule']}: {share:.2f} of the time"
        )
    return (
        f"{result['data']}, seed {result['seed']}, {result['method']}: "
        f"{result['score']:.4f}, held out {result['test']:.4f}, "
        f"{result['n_epochs']} epochs, {result['n_seconds']:.2f} s"
    )
