"""What a worker does for a search: train a candidate on a split, and score it.

scikit-learn's ``_fit_and_score`` does most of it. Whatever goes to workers is here, so
that it is plain what is sent: the data as one object, and a few kilobytes for each trial.
"""

import itertools
import sys
import time
from dataclasses import dataclass

import joblib
import numpy as np
from sklearn.base import clone
from sklearn.model_selection._validation import _fit_and_score
from sklearn.utils.metaestimators import _safe_split
from sklearn.utils.parallel import Parallel
from sklearn.utils.validation import _check_method_params

from ._by_epochs import ByEpochs, prepare


@dataclass
class SearchData:
    """What is the same for all trials of a search."""

    X: object
    y: object
    splits: list  # of pairs of arrays: rows to train on, rows to score
    estimator: object  # to be cloned
    fit_params: dict
    scoring: dict  # further arguments of _fit_and_score

    def __post_init__(self):
        """Make the splits views of one array, where they are arrays of row numbers.

        joblib has processes map an array of more than a megabyte, and sends a smaller one
        with each fit. Of 100,000 rows in five folds none is large enough alone.
        """
        self._rows = self._bounds = None
        parts = [part for split in self.splits for part in split]
        if all(isinstance(p, np.ndarray) and p.dtype.kind == "i" for p in parts):
            self._rows = np.concatenate(parts)
            self._bounds = np.cumsum([len(part) for part in parts])[:-1]
            self._view_splits()

    def _view_splits(self):
        parts = np.split(np.asarray(self._rows), self._bounds)
        self.splits = list(zip(parts[::2], parts[1::2], strict=True))

    def __getstate__(self):
        state = vars(self).copy()
        if self._rows is not None:
            del state["splits"]
        return state

    def __setstate__(self, state):
        vars(self).update(state)
        if self._rows is not None:
            self._view_splits()

    def __sizeof__(self):  # what Dask goes by: more than a kilobyte is sent once
        sizes = (
            getattr(v, "nbytes", None) or sys.getsizeof(v) for v in (self.X, self.y)
        )
        return object.__sizeof__(self) + sum(sizes)


@dataclass
class Trial:
    """One candidate on one split, from where it stands until an epoch."""

    number: int  # of the candidate, among those of this round
    n_candidates: int
    params: dict
    split: int
    n_epochs: int | None = None  # None to call fit
    max_iter: int | None = None
    state: bytes | None = None  # where it stands
    keeps_state: bool = False  # whether it may have to go on
    deadline: float | None = None  # of time.time(): it is not begun after that
    context: object = None  # of callbacks
    caller: object = None  # likewise: the search


def run_trial(data, preparation, trial):
    """Train and score.

    Returns
    -------
    place : tuple of int
        Number of the candidate, and of the split.
    result : dict or None
        As _fit_and_score's; by epochs also ``n_epochs``, those done in all. None if the
        deadline was over before it began.
    state : bytes or None
        Where the trial stands now.
    """
    place = trial.number, trial.split
    if trial.deadline is not None and time.time() > trial.deadline:
        return place, None, None
    estimator = clone(data.estimator)
    if trial.n_epochs is None:
        return place, _score(data, estimator, trial), None
    by_epochs = ByEpochs(trial.n_epochs, trial.max_iter, trial.state, preparation)
    with by_epochs.replacing_fit(estimator):
        result = _score(data, estimator, trial)
    result["n_epochs"] = by_epochs.n_done
    goes_on = trial.keeps_state and result["fit_error"] is None
    return place, result, by_epochs.state() if goes_on else None


def _score(data, estimator, trial):
    train, test = data.splits[trial.split]
    callbacks = {}
    if trial.context is not None:
        callbacks = {"caller": trial.caller, "callback_ctx": trial.context}
    return _fit_and_score(
        estimator,
        data.X,
        data.y,
        train=train,
        test=test,
        parameters=trial.params,
        fit_params=data.fit_params,
        split_progress=(trial.split, len(data.splits)),
        candidate_progress=(trial.number, trial.n_candidates),
        return_n_test_samples=True,
        return_times=True,
        **data.scoring,
        **callbacks,
    )


def fit_preparation(data, key, params, split, keep_rows, deadline):
    """The steps before the last of a candidate's pipeline, fitted on one split.

    Returns the key, and the preparation. None if it fails: the candidate's own trial will
    then fail likewise, and say so. None too if the deadline was over before it began.
    """
    if deadline is not None and time.time() > deadline:
        return key, None
    train, _ = data.splits[split]
    estimator = clone(data.estimator)
    try:
        estimator.set_params(**clone(params, safe=False))
        X, y = _safe_split(estimator, data.X, data.y, train)
        fit_params = _check_method_params(data.X, data.fit_params, indices=train)
        return key, prepare(estimator, X, y, fit_params, keep_rows)
    except Exception:
        return key, None


class Workers:
    """Those of joblib's backend of the moment, which hand back results as they come.

    One fit at a time: each result is kept at once, and no worker waits at the end of a
    round for another's batch. Batches took 1.9 times as long for 243 candidates in six
    rounds, on two cores.
    """

    def __init__(self, n_jobs, pre_dispatch):
        backend, _ = joblib.parallel.get_active_backend()
        n_workers = joblib.effective_n_jobs(n_jobs)
        self._block = None
        if n_workers > 1 and not backend.supports_return_generator:
            # Ray's and multiprocessing's give results only when all calls are done, so
            # they get few at a time.
            self._block = 4 * n_workers
        self._dask = backend if hasattr(backend, "data_futures") else None
        self._held = {}
        self._parallel = Parallel(
            n_jobs=n_jobs,
            pre_dispatch=pre_dispatch,
            batch_size=1,
            return_as="generator_unordered" if self._block is None else "list",
        )

    def __enter__(self):
        self._parallel.__enter__()
        return self

    def __exit__(self, *exc_info):
        self._parallel.__exit__(*exc_info)
        self.hold([])

    def hold(self, values):
        """Have Dask's workers hold these values, and no others that they held before.

        Calls are given the values themselves, and joblib puts in what Dask has of them, as
        with its own parameter `scatter`. Left alone it sends what is large once for each
        run of calls, which is with each round of a search: 300 MB of X of 100 MB in each
        of 15 rounds on two workers. No other backend needs this.
        """
        if self._dask is None:
            return
        futures, held = self._dask.data_futures, {id(value): value for value in values}
        for key in self._held.keys() - held.keys():
            del futures[key]
        for key in held.keys() - self._held.keys():
            futures[key] = self._dask.client.scatter(
                held[key], broadcast=True, hash=False
            )
        self._held = held  # so that no other object has the id

    def holds(self, value):
        """Whether Dask's workers hold this very object."""
        return id(value) in self._held

    def run(self, calls):
        """Results of delayed calls, in whatever order they come."""
        if self._block is None:
            yield from self._parallel(calls)
            return
        calls = iter(calls)
        while block := list(itertools.islice(calls, self._block)):
            yield from self._parallel(block)
