"""The same halving twice: survivors that go on, and scikit-learn's, trained again.

The same network, candidates, folds, rounds and epochs for both, in turns.
"""

import time
from statistics import median

from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import HalvingRandomSearchCV

from benchmarks.compare.tables import markdown
from caviar.model_selection import SuccessiveHalvingSearchCV

from .searches import common, fitted
from .space import SPACE

# Candidates, epochs of the first round, of the last, and the factor between rounds.
SCHEDULES = [(27, 3, 81, 3), (81, 1, 81, 3), (64, 1, 64, 2)]
QUICK_SCHEDULES = [(9, 1, 9, 3)]
TARGET = 0.6
# scikit-learn's own default is to score the training rows, too.
RIVALS = {"sklearn": False, "sklearn-default": True}


def schedules(options):
    """None where only some methods are asked for, without halving."""
    if not {"halving", "sklearn-halving"} <= set(options.methods):
        return []
    return QUICK_SCHEDULES if options.quick else SCHEDULES


def ours(task, schedule):
    n, first, last, factor = schedule
    return SuccessiveHalvingSearchCV(
        task.network,
        SPACE,
        n_initial_parameters=n,
        n_initial_iter=first,
        max_iter=last,
        aggressiveness=factor,
        random_state=task.seed,
        **common(task),
    )


def theirs(task, schedule, return_train_score):
    n, first, last, factor = schedule
    return HalvingRandomSearchCV(
        task.network,
        SPACE,
        n_candidates=n,
        factor=factor,
        resource="max_iter",
        min_resources=first,
        max_resources=last,
        return_train_score=return_train_score,
        random_state=task.seed,
        **common(task),
    )


def fight(task, schedule, n_rounds):
    """Seconds of each, and whether both chose the same candidate with the same score."""
    seconds = {"caviar": [], **{rival: [] for rival in RIVALS}}
    for turn in range(n_rounds):
        searches = {"caviar": ours(task, schedule)}
        for rival, train_scores in RIVALS.items():
            searches[rival] = theirs(task, schedule, train_scores)
        for name in list(searches)[:: -1 if turn % 2 else 1]:
            start = time.process_time()  # to which others' work does not add
            fitted(searches[name], task)
            seconds[name].append(time.process_time() - start)
    mine, other = searches["caviar"], searches["sklearn"]
    chosen = {k: v for k, v in other.best_params_.items() if k != "max_iter"}
    n_splits = len(task.splits)
    return {
        "data": task.name,
        "schedule": list(schedule),
        "seed": task.seed,
        "seconds": seconds,
        "epochs": {
            "caviar": int(mine.n_epochs_),
            "sklearn": int(other.cv_results_["n_resources"].sum() * n_splits),
        },
        "same_winner": bool(
            mine.best_params_ == chosen and mine.best_score_ == other.best_score_
        ),
    }


def report(results):
    """{name of the block in the documents: Markdown table}"""
    schedules = dict.fromkeys(tuple(result["schedule"]) for result in results)
    head = [
        "candidates",
        "epochs of a round",
        "data sets",
        "epochs",
        "seconds",
        "spread",
    ]
    rows = [[*head, "scikit-learn as it comes", "same winner"]]
    for schedule in schedules:
        mine = [r for r in results if tuple(r["schedule"]) == schedule]
        epochs = [r["epochs"]["caviar"] / r["epochs"]["sklearn"] for r in mine]
        ratios = [ratio(result, "sklearn") for result in mine]
        defaults = [ratio(result, "sklearn-default") for result in mine]
        n, first, last, factor = schedule
        rounds = []
        while first <= last:
            rounds.append(first)
            first *= factor
        rows.append(
            [
                str(n),
                ", ".join(map(str, rounds)),
                str(len(mine)),
                f"{median(epochs):.2f}",
                f"{median(ratios):.2f} (<= {TARGET})",
                f"{min(ratios):.2f} to {max(ratios):.2f}",
                f"{median(defaults):.2f}",
                f"{sum(r['same_winner'] for r in mine)} of {len(mine)}",
            ]
        )
    return {"search-halving": markdown(rows)}


def ratio(result, rival):
    return median(result["seconds"]["caviar"]) / median(result["seconds"][rival])
