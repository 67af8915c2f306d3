"""Optuna's TPE sampler with its Hyperband pruner.

A trial trains one network per fold and reports the mean score over the folds where the
pruner decides, after 1, 3, 9, 27 and 81 epochs: reports in between would cost predictions
and change nothing. In between the fits pause as those of our halving do, so that an epoch
is the same epoch and costs the same. `partial_fit`, an epoch a call, which is what a user
would write, checks its arguments each time and takes three times as long on small data.
"""

import time

import numpy as np
from sklearn.base import clone

from .space import suggest
from .trace import Trace

FACTOR = 3


def run(task, budget):
    """Trials until the epochs of the budget are trained; the last one is finished."""
    import optuna  # an extra

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        direction="maximize",
        sampler=optuna.samplers.TPESampler(seed=task.seed),
        pruner=optuna.pruners.HyperbandPruner(
            min_resource=1, max_resource=budget.max_iter, reduction_factor=FACTOR
        ),
    )
    objective = Objective(optuna, task, budget)
    while objective.n_epochs < budget.epochs * len(task.splits):
        study.optimize(objective, n_trials=1, catch=ValueError)
    return objective.trace(study.best_trial.number)


class Objective:
    """What Optuna calls; keeps a row per report."""

    def __init__(self, optuna, task, budget):
        self.optuna, self.task, self.budget = optuna, task, budget
        self.start = time.process_time()
        self.n_epochs = 0
        self.rows = []  # trial, length, score, epochs so far, seconds so far, params

    def __call__(self, trial):
        params = suggest(trial)
        folds = [
            clone(self.task.network).set_params(max_iter=self.budget.max_iter, **params)
            for _ in self.task.splits
        ]
        courses = [None] * len(folds)
        for length in self.rounds():
            for number, (train, _) in enumerate(self.task.splits):
                fold, course = folds[number], courses[number]
                X, y = self.task.X[train], self.task.y[train]
                courses[number] = fold._fit_until(length, course, X, y)
                self.n_epochs += length - (course.n_epochs if course else 0)
            score = np.mean(
                [
                    fold.score(self.task.X[test], self.task.y[test])
                    for fold, (_, test) in zip(folds, self.task.splits, strict=True)
                ]
            )
            seconds = time.process_time() - self.start
            row = (trial.number, length, score, self.n_epochs, seconds, params)
            self.rows.append(row)
            trial.report(score, length)
            if length < self.budget.max_iter and trial.should_prune():
                raise self.optuna.TrialPruned
        return score

    def rounds(self):
        length = 1
        while length < self.budget.max_iter:
            yield length
            length *= FACTOR
        yield self.budget.max_iter

    def trace(self, best_trial):
        trials, lengths, scores, epochs, seconds, params = zip(*self.rows, strict=True)
        last = max(row for row, trial in enumerate(trials) if trial == best_trial)
        return Trace(
            np.array(scores),
            np.array(epochs),
            np.array(seconds),
            list(params),
            np.array(lengths),
            last,
        )
