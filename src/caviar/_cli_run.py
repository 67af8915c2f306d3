"""Runs what `_cli_search` builds: the search, an honest score, and what the winner is like.

Gives an `Outcome` of plain values and fitted objects; prints nothing.
"""

import itertools
import math
import os
import signal
import time
import warnings
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace

import joblib
import numpy as np
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.exceptions import ConvergenceWarning, FitFailedWarning
from sklearn.inspection import permutation_importance
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline
from sklearn.utils import _safe_indexing

from caviar._cli_folder import CommandFailed
from caviar._cli_search import (
    BY_EPOCHS,
    METRICS,
    build_folds,
    build_search,
    find_network,
    prefix_of,
)
from caviar._cli_table import TEST_SIZE, CommandError, last_line
from caviar.model_selection import SearchBoundaryWarning

N_BOOTSTRAPS = 500
IMPORTANCE_ROWS = 1000
MOST_COLUMNS = 500  # whose importances are measured
MOST_COLUMN_SHUFFLES = 400  # in all folds, where five for each column would be more
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
    history : dict of list
        `history_` of the winner, trained without the rows that it is watched on.
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
    history: dict
    importances: list
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
    with suppress(ImportError):
        from joblib.externals.loky.backend import resource_tracker

        # A helper of loky's processes; to start it unblocks the signal.
        resource_tracker.getfd()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        joblib.Parallel(n_jobs=n_jobs)(joblib.delayed(int)() for _ in range(n_workers))
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _failure(error):
    """What went wrong in a search, and what to do about it."""
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
        rows = _rows_to_search(problem, settings, part.train)
        try:
            search.fit(_take(problem.X, rows), problem.y[rows])
        except (ValueError, MemoryError) as error:
            raise _failure(error) from error
        watch.end(part.stage)
        searches.append(search)
        counts.append(_count(search))
        if len(part.test):
            honest.append(_refit_if_rows_were_left_out(problem, search, part, rows))
    tested = [part for part in parts if len(part.test)]
    watch.say("fitting the winner on all rows")
    model = winner(problem, settings, searches[0])
    model.fit(problem.X, problem.y)
    truth, predicted, scores = _honest_scores(problem, tested, honest)
    outcome = Outcome(
        searches[0],
        model,
        *_score_and_spread(problem, settings, truth, predicted, scores),
        scores if settings.nested else [],
        truth,
        predicted,
        {},
        [],
        all(search.completed_ for search in searches),
        sum(n for n, _ in counts),
        sum(n for _, n in counts) if settings.kind in BY_EPOCHS else None,
    )
    watch.say("watching the winner learn")
    outcome.history = _watched_history(problem, settings, model, tested[0])
    watch.say("measuring what each column is worth")
    outcome.importances = _importances(problem, settings, tested, honest)
    return outcome


def _count(search):
    n_candidates = len(search.cv_results_["params"])
    return n_candidates * search.n_splits_, getattr(search, "n_epochs_", 0)


def _take(X, rows):
    return _safe_indexing(X, rows)


def _rows_to_search(problem, settings, rows):
    """All of these rows, or a part of them in which classes have their proportions."""
    if len(rows) <= settings.search_rows:
        return rows
    classes = problem.y[rows] if problem.task == "classification" else None
    chosen, _ = train_test_split(
        rows,
        train_size=settings.search_rows,
        stratify=classes,
        random_state=settings.seed,
    )
    return chosen


def winner(problem, settings, search):
    """The best candidate of a search as an unfitted pipeline, which `fit` trains alike."""
    model = clone(search.estimator).set_params(**search.best_params_)
    if settings.kind in BY_EPOCHS:
        model.set_params(**{prefix_of(problem) + "max_iter": search.n_iter_})
    return model


def _refit_if_rows_were_left_out(problem, search, part, rows):
    if len(rows) == len(part.train):
        return search.best_estimator_
    X, y = _take(problem.X, part.train), problem.y[part.train]
    return clone(search.best_estimator_).fit(X, y)


# What it is worth


def _honest_scores(problem, parts, models):
    """Truth and predictions of all rows that were kept from a search, and their scores."""
    metric = METRICS[problem.task][1]
    truth = [problem.y[part.test] for part in parts]
    predicted = [
        model.predict(_take(problem.X, part.test))
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


# What the winner is like


def _watched_history(problem, settings, model, part):
    """The winner's losses on the rows of its training and on others, epoch by epoch.

    Trained once more, on the training rows of a part and for as many epochs as the winner,
    with the part's test rows only looked at.
    """
    rows = _rows_to_search(problem, settings, part.train)
    test = _rows_to_search(problem, settings, part.test)
    learner = clone(model.named_steps["mlp"])
    y, y_test = problem.y[rows], problem.y[test]
    if isinstance(learner, TransformedTargetRegressor):
        scale = learner.transformer.fit(y[:, None])
        y, y_test = scale.transform(y[:, None])[:, 0], scale.transform(y_test[:, None])
        y_test, learner = y_test[:, 0], learner.regressor
    n_epochs = len(find_network(model).loss_curve_)
    learner.set_params(early_stopping=False, max_iter=n_epochs, tol=0.0)
    columns = clone(model.named_steps["columns"])
    X = columns.fit_transform(_take(problem.X, rows), y)
    X_test = columns.transform(_take(problem.X, test))
    learner.set_params(n_iter_no_change=max(n_epochs, 1))
    try:
        learner.fit(X, y, X_val=X_test, y_val=y_test)
    except ValueError:
        # It diverges without the early stopping that has saved the winner.
        return find_network(model).history_
    return learner.history_


def _importances(problem, settings, parts, models):
    """By how much the score falls where a column is shuffled, on rows kept apart.

    A mean over rows of all parts, of which at most `IMPORTANCE_ROWS` are taken each; few
    repeats where columns are many, and nothing where they are very many.
    """
    n_columns = problem.X.shape[1]
    if n_columns > MOST_COLUMNS:
        return []
    n_repeats = max(1, min(5, MOST_COLUMN_SHUFFLES // (n_columns * len(parts))))
    drops = []
    for part, model in zip(parts, models, strict=True):
        small = replace(settings, search_rows=IMPORTANCE_ROWS)
        rows = _rows_to_search(problem, small, part.test)
        found = permutation_importance(
            model,
            _take(problem.X, rows),
            problem.y[rows],
            scoring=METRICS[problem.task][0],
            n_repeats=n_repeats,
            random_state=settings.seed,
        )
        drops.append(found.importances)
    drops = np.concatenate(drops, axis=1)
    return [
        {"column": name, "mean": float(drop.mean()), "std": float(drop.std())}
        for name, drop in sorted(
            zip(column_names(problem), drops, strict=True), key=lambda d: -d[1].mean()
        )
    ]


def column_names(problem):
    """Of the columns to learn from; of the digits their pixels."""
    if hasattr(problem.X, "columns"):
        return [str(name) for name in problem.X.columns]
    n_columns = problem.X.shape[1]
    side = math.isqrt(n_columns)
    if side**2 != n_columns:
        return [f"column {number}" for number in range(1, n_columns + 1)]
    places = itertools.product(range(1, side + 1), repeat=2)
    return [f"pixel {row}, {column}" for row, column in places]
