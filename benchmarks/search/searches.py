"""The searches, each brought to a `Trace`.

``run(task, budget)`` of each searches once; `budget` says for how long.
"""

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
from .trace import Clock, of_search

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


def fitted(search, task):
    """Fit, and say nothing of trainings that end when their epochs do."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return search.fit(task.X, task.y)


def common(task):
    """Not refitted: the rows held out have a fit of their own, for all alike."""
    return {"cv": task.splits, "refit": False, "error_score": np.nan}


def network(task, max_iter):
    return clone(task.network).set_params(max_iter=max_iter)


def full_length(make_search, task, budget, space=SPACE, **options):
    """The trace of a search that trains every candidate for all epochs."""
    clock = Clock(space)
    search = make_search(
        network(task, budget.max_iter), space, scoring=clock, **options, **common(task)
    )
    n_rows = len(fitted(search, task).cv_results_["params"])
    lengths = np.full(n_rows, budget.max_iter)
    return of_search(search, clock, lengths, lengths * N_SPLITS)


def grid(task, budget):
    return full_length(GridSearchCV, task, budget, GRID)


def randomized(task, budget):
    return full_length(
        RandomizedSearchCV,
        task,
        budget,
        n_iter=budget.n_candidates,
        random_state=task.seed,
    )


def coarse_to_fine(task, budget):
    return full_length(
        CoarseToFineSearchCV,
        task,
        budget,
        n_iter=budget.n_candidates // N_ROUNDS,
        n_rounds=N_ROUNDS,
        widen=False,  # nobody leaves the space
        random_state=task.seed,
    )


def sklearn_halving(task, budget):
    clock = Clock(SPACE)
    search = HalvingRandomSearchCV(
        network(task, budget.max_iter),
        SPACE,
        n_candidates=budget.most_candidates(resumed=False),
        factor=FACTOR,
        resource="max_iter",
        min_resources=budget.first_iter,
        max_resources=budget.max_iter,
        return_train_score=False,
        scoring=clock,
        random_state=task.seed,
        **common(task),
    )
    lengths = fitted(search, task).cv_results_["n_resources"]
    return of_search(search, clock, lengths, lengths * N_SPLITS)


def halving(task, budget, share=1):
    return resumed(
        SuccessiveHalvingSearchCV,
        task,
        budget,
        n_initial_parameters=budget.most_candidates(resumed=True, share=share),
        n_initial_iter=budget.first_iter,
    )


def quarter_halving(task, budget):
    return halving(task, budget, REACH_TARGET)


def hyperband(task, budget):
    return resumed(HyperbandSearchCV, task, budget)


def resumed(make_search, task, budget, **options):
    """The trace of a search whose survivors go on."""
    clock = Clock(SPACE)
    search = make_search(
        task.network,
        SPACE,
        max_iter=budget.max_iter,
        aggressiveness=FACTOR,
        scoring=clock,
        random_state=task.seed,
        **options,
        **common(task),
    )
    results = fitted(search, task).cv_results_
    return of_search(search, clock, results["epochs"], results["epochs_trained"])


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
