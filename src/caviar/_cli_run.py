"""Runs what `_cli_search` builds: the search, an honest score, and what the winner is like.

Gives an `Outcome` of plain values and fitted objects; prints nothing.
"""

import math
import multiprocessing.resource_tracker
import os
import signal
import time
import warnings
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import joblib
import numpy as np
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, FitFailedWarning
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline

from caviar._cli_folder import CommandFailed
from caviar._cli_search import (
    BY_EPOCHS,
    METRICS,
    build_folds,
    build_search,
    choose_rows,
    prefix_of,
    take,
)
from caviar._cli_table import TEST_SIZE, CommandError, last_line
from caviar._cli_winner import check_up, measure_importances, watch_learning
from caviar.model_selection import SearchBoundaryWarning

N_BOOTSTRAPS = 500
# Failed fits are counted, edges are found in the results, and the length of a training is
# the search's affair.
TOLD_OTHERWISE = (
    *(ConvergenceWarning, FitFailedWarning, SearchBoundaryWarning),
    *(RuntimeWarning, FutureWarning, DeprecationWarning),
)


class NothingToKeep(CommandFailed):
    """No candidate can be fitted: going on would fail alike."""


@dataclass
class Outcome:
    """What a search found, and what it is worth on rows it has not seen.

    Attributes
    ----------
    search : fitted search
    model : Pipeline
        The winner, fitted on all rows.
    score, spread : float
        Nested: mean and standard deviation over the outer folds. Held out: the score and
        its standard error.
    folds : list of float
        Scores of the outer folds; empty where rows were held out.
    truth, predicted : ndarray of shape (n_rows,)
        Of the rows that the score is made of.
    watched : MLPClassifier or MLPRegressor
        The winner's network, trained with an eye on rows that it does not learn from.
    checkup : Checkup
    importances : list of dict
        column, mean, std; best first.
    completed : bool
        Whether no search was cut short by the time budget.
    n_fits, n_epochs : int or None
        Of all searches; epochs where they are divided among candidates.
    notes : list of str
        Warnings, a sentence each.
    """

    search: object
    model: Pipeline
    score: float
    spread: float
    folds: list
    truth: np.ndarray
    predicted: np.ndarray
    watched: object = None
    checkup: object = None
    importances: list = field(default_factory=list)
    completed: bool = True
    n_fits: int = 0
    n_epochs: int | None = None
    notes: list = field(default_factory=list)


@dataclass
class Part:
    """Rows for one search, and rows that play no part in it."""

    stage: str
    train: np.ndarray
    test: np.ndarray


def stages(problem, settings):
    """The searches there are to run, in their order.

    Nested: one on all rows, whose winner is the model, then one within each outer fold,
    for the score. Else one, on what is not held out.

    Returns
    -------
    list of Part
        Of the search on all rows the test part is empty.
    """
    rows = np.arange(len(problem.y))
    if settings.nested:
        folds = build_folds(problem, settings).split(rows, problem.y)
        return [
            Part("search", rows, rows[:0]),
            *(Part(f"fold-{k}", *fold) for k, fold in enumerate(folds, 1)),
        ]
    classes = problem.y if problem.task == "classification" else None
    train, test = train_test_split(
        rows, test_size=TEST_SIZE, stratify=classes, random_state=settings.seed
    )
    return [Part("search", train, test)]


def run(problem, settings, journal, watch):
    """Search, and measure the winner on rows that played no part in choosing it.

    Parameters
    ----------
    problem : Problem
    settings : Settings
    journal : callable
        Gives the path of a stage's journal.
    watch : object
        Its ``begin(stage)`` and ``end(stage)`` are called round each search, and
        ``say(text)`` before what takes a while.

    Returns
    -------
    Outcome

    Raises
    ------
    CommandFailed
        If no candidate could be fitted, the time did not suffice for one, or the journal
        is of other data.
    """
    with _quiet_workers(), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for category in TOLD_OTHERWISE:  # workers, too, are to be silent about them
            warnings.simplefilter("ignore", category)
        warnings.filterwarnings("ignore", message="One or more of the")
        # Of few rows, as a fold or the checkup may have: a batch of all is what is meant.
        warnings.filterwarnings("ignore", message="Got `batch_size` less than 1")
        start_workers(settings.n_jobs)
        outcome = _run(problem, settings, journal, watch)
    outcome.notes = _worth_saying(caught)
    return outcome


@contextmanager
def _quiet_workers():
    """Processes that start within it print no warnings.

    Before version 1.7 scikit-learn does not tell them what is filtered here.
    """
    name = "PYTHONWARNINGS"
    before = os.environ.get(name)
    os.environ[name] = "ignore"
    try:
        yield
    finally:
        del os.environ[name]
        if before is not None:
            os.environ[name] = before


def start_workers(n_jobs):
    """Start the processes of the search so that a terminal's Ctrl-C does not reach them.

    It is sent to all of them, and each would print a traceback; this process ends them. A
    blocked signal stays blocked in children, and reaches this process when they have begun.
    """
    n_workers = joblib.effective_n_jobs(n_jobs)
    if n_workers == 1 or not hasattr(signal, "pthread_sigmask"):
        return
    # Both are helpers of processes; to start one unblocks the signal.
    multiprocessing.resource_tracker.ensure_running()
    with suppress(ImportError):
        from joblib.externals.loky.backend import resource_tracker

        resource_tracker.getfd()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        joblib.Parallel(n_jobs=n_jobs)(joblib.delayed(int)() for _ in range(n_workers))
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _failure(error, journal):
    """What went wrong in a search, and what to do about it."""
    if isinstance(error, OSError):
        reason = (error.strerror or str(error)).rpartition(": ")[2]
        return CommandFailed(f"Cannot write '{journal}': {reason}.")
    if isinstance(error, MemoryError):
        return CommandFailed(
            "The memory does not suffice: search with fewer rows (--search-rows) or "
            "fewer processes (--n-jobs 1)."
        )
    if "is of another search: " in str(error):
        _, _, differences = str(error).partition("is of another search: ")
        differences, _, _ = differences.partition(". Name another file")
        return CommandError(
            "The unfinished search there is of other data or another program "
            f"({differences}); --restart throws it away."
        )
    if "`time_budget` must be long enough" in str(error):
        return CommandFailed(
            "`--time-budget` was over before one candidate was scored on all folds: give "
            "more time, or fewer rows (--search-rows) or folds (--cv)."
        )
    if "journal" in str(error):  # it is damaged, and says where
        return CommandFailed(f"{last_line(error)}. With --restart it begins anew.")
    return NothingToKeep(f"The search failed: {last_line(error)}.")


def _worth_saying(caught):
    """Of the warnings what a user should know of, a sentence each."""
    texts = dict.fromkeys(last_line(warning.message) for warning in caught)
    return [f"{text}." for text in texts]


def _run(problem, settings, journal, watch):
    parts = stages(problem, settings)
    deadline = None
    if settings.time_budget is not None:
        deadline = time.monotonic() + settings.time_budget
    searches, honest, counts = [], [], []
    for number, part in enumerate(parts):
        budget = None
        if deadline is not None:
            # What one search leaves of its share goes to those after it.
            left = max(deadline - time.monotonic(), 1e-3)
            budget = left / (len(parts) - number)
        watch.begin(part.stage)
        search = build_search(problem, settings, journal(part.stage), budget)
        rows = choose_rows(problem, settings, part.train)
        try:
            search.fit(take(problem.X, rows), problem.y[rows])
        except (ValueError, OSError, MemoryError) as error:
            raise _failure(error, journal(part.stage)) from error
        watch.end(part.stage)
        searches.append(search)
        counts.append(_count(search))
        if len(part.test):
            honest.append(_refit_if_rows_were_left_out(problem, search, part, rows))
    tested = [part for part in parts if len(part.test)]
    watch.say("fitting the winner on all rows")
    model = winner(problem, settings, searches[0])
    model.fit(problem.X, problem.y)
    # Written with the model: how to read further tables as this one was read.
    model.table_ = problem.layout
    truth, predicted, scores = _honest_scores(problem, tested, honest)
    outcome = Outcome(
        searches[0],
        model,
        *_score_and_spread(problem, settings, truth, predicted, scores),
        scores if settings.nested else [],
        truth,
        predicted,
        completed=all(search.completed_ for search in searches),
        n_fits=sum(n for n, _ in counts),
        n_epochs=sum(n for _, n in counts) if settings.kind in BY_EPOCHS else None,
    )
    watch.say("looking at how the winner learns")
    outcome.watched = watch_learning(problem, settings, model, tested[0])
    outcome.checkup = check_up(problem, settings, model, tested[0])
    watch.say("measuring what each column is worth")
    outcome.importances = measure_importances(problem, settings, tested, honest)
    return outcome


def _count(search):
    n_candidates = len(search.cv_results_["params"])
    return n_candidates * search.n_splits_, getattr(search, "n_epochs_", 0)


def winner(problem, settings, search):
    """The best candidate of a search as an unfitted pipeline, which `fit` trains alike."""
    model = clone(search.estimator).set_params(**search.best_params_)
    if settings.kind in BY_EPOCHS:
        model.set_params(**{prefix_of(problem) + "max_iter": search.n_iter_})
    return model


def _refit_if_rows_were_left_out(problem, search, part, rows):
    if len(rows) == len(part.train):
        return search.best_estimator_
    X, y = take(problem.X, part.train), problem.y[part.train]
    return clone(search.best_estimator_).fit(X, y)


# What it is worth


def _honest_scores(problem, parts, models):
    """Truth and predictions of all rows that were kept from a search, and their scores."""
    metric = METRICS[problem.task][1]
    truth = [problem.y[part.test] for part in parts]
    predicted = [
        model.predict(take(problem.X, part.test))
        for part, model in zip(parts, models, strict=True)
    ]
    scores = [float(metric(t, p)) for t, p in zip(truth, predicted, strict=True)]
    return np.concatenate(truth), np.concatenate(predicted), scores


def _score_and_spread(problem, settings, truth, predicted, scores):
    if settings.nested:
        return float(np.mean(scores)), float(np.std(scores))
    score = scores[0]
    if problem.task == "classification":
        return score, _accuracy_error(score, len(truth))
    metric = METRICS[problem.task][1]
    return score, _bootstrap_error(metric, truth, predicted, settings.seed)


def _accuracy_error(accuracy, n_rows):
    """Standard error with two rights and two wrongs added (Agresti & Coull 1998).

    Bootstraps would give 0 where every row is right, which few rows cannot
    promise.
    """
    share = (accuracy * n_rows + 2) / (n_rows + 4)
    return math.sqrt(share * (1 - share) / (n_rows + 4))


def _bootstrap_error(metric, y, predicted, seed):
    random = np.random.default_rng(seed)
    # Of very many rows a part, whose error is larger by the root of its share.
    n_rows = min(len(y), 20_000)
    scores = []
    for _ in range(N_BOOTSTRAPS):
        rows = random.integers(len(y), size=n_rows)
        scores.append(metric(y[rows], predicted[rows]))
    return float(np.std(scores) * math.sqrt(n_rows / len(y)))
