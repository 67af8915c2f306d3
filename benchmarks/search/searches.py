"""The searches, each brought to a `Trace`.

``run(task, budget)`` of each searches once; `budget` says for how long.
"""

import time
import warnings
from dataclasses import dataclass

import numpy as np
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import (
    GridSearchCV,
    HalvingRandomSearchCV,
    RandomizedSearchCV,
)

from caviar.model_selection import (
    CoarseToFineSearchCV,
    HyperbandSearchCV,
    SuccessiveHalvingSearchCV,
)

from . import tpe
from .problems import N_SPLITS
from .space import GRID, SPACE
from .trace import of_search

FACTOR = 3  # of halving: a third survives, for three times as many epochs
REACH_TARGET = 1 / 4  # the share of its epochs in which to be as good as random search
N_ROUNDS = 3  # of coarse to fine


@dataclass(frozen=True)
class Budget:
    """`n_candidates` of random search, each trained for `max_iter` epochs."""

    n_candidates: int = 27
    max_iter: int = 81

    @property
    def epochs(self):
        """Of one fold."""
        return self.n_candidates * self.max_iter

    @property
    def first_iter(self):
        """Epochs of the first of halving's four rounds, or of as many as there can be."""
        return max(1, self.max_iter // FACTOR**3)

    def most_candidates(self, resumed, share=1):
        """How many halving may start with, for at most that share of the epochs."""
        n = 1
        while self.cost(n + 1, resumed) <= share * self.epochs:
            n += 1
        return n

    def cost(self, n, resumed):
        """Epochs of one fold; survivors go on, or start again from scratch."""
        total, length, trained = 0, self.first_iter, 0
        while length <= self.max_iter:
            total += n * (length - trained)
            trained = length if resumed else 0
            length *= FACTOR
            n = n // FACTOR if resumed else -(-n // FACTOR)
        return total


def timed(search, task):
    """Fit; return the seconds of the processor, which others' work does not add to."""
    start = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        search.fit(task.X, task.y)
    return time.process_time() - start


def whole(estimator, X, y):
    """Score, and make sure that the epochs counted were trained."""
    if estimator.n_iter_ != estimator.max_iter:
        raise AssertionError(f"{estimator.n_iter_} epochs, not {estimator.max_iter}")
    return estimator.score(X, y)


def common(task):
    """Not refitted: the rows held out have a fit of their own, for all alike."""
    return {"cv": task.splits, "refit": False, "error_score": np.nan}


def network(task, max_iter):
    return clone(task.network).set_params(max_iter=max_iter)


def full_length(search, task, budget):
    """The trace of a search that trains every candidate for all epochs."""
    seconds = timed(search, task)
    lengths = np.full(len(search.cv_results_["params"]), budget.max_iter)
    return of_search(search, lengths, lengths * N_SPLITS, seconds)


def grid(task, budget):
    search = GridSearchCV(
        network(task, budget.max_iter), GRID, scoring=whole, **common(task)
    )
    return full_length(search, task, budget)


def randomized(task, budget):
    search = RandomizedSearchCV(
        network(task, budget.max_iter),
        SPACE,
        n_iter=budget.n_candidates,
        scoring=whole,
        random_state=task.seed,
        **common(task),
    )
    return full_length(search, task, budget)


def sklearn_halving(task, budget):
    search = HalvingRandomSearchCV(
        network(task, budget.max_iter),
        SPACE,
        n_candidates=budget.most_candidates(resumed=False),
        factor=FACTOR,
        resource="max_iter",
        min_resources=budget.first_iter,
        max_resources=budget.max_iter,
        scoring=whole,
        return_train_score=False,
        random_state=task.seed,
        **common(task),
    )
    seconds = timed(search, task)
    lengths = search.cv_results_["n_resources"]
    return of_search(search, lengths, lengths * N_SPLITS, seconds)


def coarse_to_fine(task, budget):
    search = CoarseToFineSearchCV(
        network(task, budget.max_iter),
        SPACE,
        n_iter=budget.n_candidates // N_ROUNDS,
        n_rounds=N_ROUNDS,
        widen=False,  # nobody leaves the space
        scoring=whole,
        random_state=task.seed,
        **common(task),
    )
    return full_length(search, task, budget)


def halving(task, budget):
    return resumed_halving(task, budget, budget.most_candidates(resumed=True))


def quarter_halving(task, budget):
    n_candidates = budget.most_candidates(resumed=True, share=REACH_TARGET)
    return resumed_halving(task, budget, n_candidates)


def resumed_halving(task, budget, n_candidates):
    search = SuccessiveHalvingSearchCV(
        task.network,
        SPACE,
        n_initial_parameters=n_candidates,
        n_initial_iter=budget.first_iter,
        max_iter=budget.max_iter,
        aggressiveness=FACTOR,
        random_state=task.seed,
        **common(task),
    )
    return resumed(search, task)


def hyperband(task, budget):
    search = HyperbandSearchCV(
        task.network,
        SPACE,
        max_iter=budget.max_iter,
        aggressiveness=FACTOR,
        random_state=task.seed,
        **common(task),
    )
    return resumed(search, task)


def resumed(search, task):
    """The trace of a search whose survivors go on."""
    seconds = timed(search, task)
    results = search.cv_results_
    return of_search(search, results["epochs"], results["epochs_trained"], seconds)


@dataclass(frozen=True)
class Method:
    """`title` is its cell in the tables."""

    title: str
    run: object


METHODS = {
    "grid": Method("grid", grid),
    "random": Method("random", randomized),
    "coarse-to-fine": Method("coarse to fine", coarse_to_fine),
    "sklearn-halving": Method("scikit-learn's halving", sklearn_halving),
    "halving": Method("halving", halving),
    "quarter-halving": Method("halving, a quarter of the epochs", quarter_halving),
    "hyperband": Method("Hyperband", hyperband),
    "optuna": Method("Optuna: TPE, Hyperband", tpe.run),
}
