"""What a search did, one row per score: the common form that all are brought to."""

import time
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Trace:
    """Rows in the order in which they were scored.

    `scores` are means over the folds, NaN where a fit failed; `epochs` and `seconds` are
    cumulative costs, over candidates and folds; `lengths` are the epochs a scored
    network had been trained for; `best` is the row that the search chose.
    """

    scores: np.ndarray
    epochs: np.ndarray
    seconds: np.ndarray
    params: list
    lengths: np.ndarray
    best: int

    def incumbents(self):
        """The rows that were better than all before."""
        scores = np.where(np.isnan(self.scores), -np.inf, self.scores)
        before = np.maximum.accumulate(np.concatenate([[-np.inf], scores[:-1]]))
        return np.flatnonzero(scores > before)


class Clock:
    """Scores, and notes when: searches list their rows in an order of their own."""

    def __init__(self, names):
        self._names = sorted(names)
        self._seconds = {}
        self.start = time.process_time()

    def __call__(self, estimator, X, y):
        score = estimator.score(X, y)
        params = estimator.get_params(deep=False)
        seconds = time.process_time() - self.start
        self._seconds[self._key(params, estimator.n_iter_)] = seconds
        return score

    def _key(self, params, n_epochs):
        return repr([params.get(name) for name in self._names]), int(n_epochs)

    def seconds(self, params, n_epochs):
        """When the last fold was scored; NaN where none was."""
        return self._seconds.get(self._key(params, n_epochs), np.nan)


def of_search(search, clock, lengths, epochs):
    """The trace of a fitted BaseSearchCV, whose `scoring` was `clock`.

    `lengths` and `epochs`, arrays of shape (n_rows,), are the epochs that a row's networks
    have, and those that were trained for it, summed over the folds.
    """
    results = search.cv_results_
    params, scores = results["params"], np.asarray(results["mean_test_score"])
    rows = zip(params, lengths, strict=True)
    seconds = np.array([clock.seconds(*row) for row in rows])
    if np.any(np.isnan(seconds) & ~np.isnan(scores)):
        raise AssertionError("a network was not trained for as many epochs as counted")
    # A row whose fits failed was never scored: its epochs count from the start on.
    order = np.argsort(np.nan_to_num(seconds), kind="stable")
    seconds = np.maximum.accumulate(np.nan_to_num(seconds)[order])
    return Trace(
        scores=scores[order],
        epochs=np.cumsum(np.asarray(epochs)[order]),
        seconds=seconds,
        params=[params[row] for row in order],
        lengths=np.asarray(lengths)[order],
        best=int(np.flatnonzero(order == search.best_index_)[0]),
    )
