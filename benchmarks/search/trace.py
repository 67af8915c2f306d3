"""What a search did, one row per score: the common form that all are brought to."""

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


def of_search(search, lengths, epochs, seconds):
    """The trace of a fitted BaseSearchCV.

    Parameters
    ----------
    search : BaseSearchCV
    lengths, epochs : array of shape (n_rows,)
        Of each row, the epochs its networks have, and those that were trained for it,
        summed over the folds.
    seconds : float
        Of the whole search. Each row has its share by the time of its fits and scores.
    """
    results = search.cv_results_
    times = np.cumsum(results["mean_fit_time"] + results["mean_score_time"])
    return Trace(
        scores=np.asarray(results["mean_test_score"], dtype=float),
        epochs=np.cumsum(epochs),
        seconds=times / times[-1] * seconds,
        params=list(results["params"]),
        lengths=np.asarray(lengths),
        best=int(search.best_index_),
    )
