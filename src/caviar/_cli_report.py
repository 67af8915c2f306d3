"""What ``python -m caviar tune`` shows: plan, progress, report, files written.

Owns words and layout; computes nothing that would change a result.
"""

import contextlib
import csv
import os
import shutil
import sys
import tempfile
import threading
import time
from dataclasses import dataclass

import joblib
import numpy as np
from sklearn.metrics import get_scorer

from caviar._cli_search import METRICS, count_scores, n_candidates
from caviar._cli_table import CommandError

REFRESH_SECONDS = 0.2
BAR_WIDTH = 30
METRIC_TITLES = {"accuracy": "accuracy", "r2": "R2"}
PARAMETER_ORDER = [
    "learning_rate_init",
    "alpha",
    "batch_size",
    "hidden_layer_sizes",
    "batch_norm",
    "max_iter",
]


def plan_lines(problem, settings):
    """What is about to be done, and why: printed before the search."""
    n_rows, n_columns = problem.X.shape
    check = (
        f"nested in {settings.n_splits} outer folds"
        if settings.nested
        else "a quarter of the rows held out"
    )
    return [
        f"Data    {problem.source}: {n_rows} rows, {n_columns} columns to learn from",
        *(f"        {note}" for note in problem.notes),
        f"Task    {problem.task}: {problem.reason}",
        f"Search  {settings.kind}, {n_candidates(settings)} candidates x "
        f"{settings.n_splits} folds, {check}:",
        f"        {count_scores(settings)} fits, "
        f"{joblib.effective_n_jobs(settings.n_jobs)} at a time, seed {settings.seed}",
    ]


@dataclass(frozen=True)
class CountingScorer:
    """A scorer, by name, that leaves one byte in a file at each call."""

    name: str
    path: str

    def __call__(self, estimator, X, y):
        score = get_scorer(self.name)(estimator, X, y)
        # Progress is never worth a lost fit (a full disk, a bar already closed).
        with contextlib.suppress(OSError), open(self.path, "ab", buffering=0) as file:
            file.write(b".")
        return score


class Progress:
    """Context manager: one line saying how many fits are done, on a terminal.

    A search offers no hook that is public, reaches the worker processes and
    exists in every supported scikit-learn, except its scorer: it is called once
    after each fit, where the fit ran. So the scorer adds one byte to a temporary
    file, and a thread here watches that file's size.

    Parameters
    ----------
    total : int
        Number of scores expected. Fits that fail are not scored.
    stream : file object, default=None
        None means sys.stderr. Silent if it is not a terminal.
    """

    def __init__(self, total, stream=None):
        self.total = total
        self.stream = sys.stderr if stream is None else stream
        self.is_shown = self.stream.isatty()

    def scorer(self, name):
        """The scorer to give to the search: a counting one if there is a bar."""
        return CountingScorer(name, self._path) if self.is_shown else name

    def __enter__(self):
        if self.is_shown:
            self._folder = tempfile.TemporaryDirectory(prefix="caviar-")
            self._path = os.path.join(self._folder.name, "scores")
            with open(self._path, "wb"):
                pass
            self._start = time.monotonic()
            self._stop = threading.Event()
            self._thread = threading.Thread(target=self._watch, daemon=True)
            self._thread.start()
        return self

    def __exit__(self, *exception):
        if self.is_shown:
            self._stop.set()
            self._thread.join()
            self._folder.cleanup()

    def _watch(self):
        width = 0
        while not self._stop.wait(REFRESH_SECONDS):
            room = shutil.get_terminal_size().columns - 1
            seconds = time.monotonic() - self._start
            line = self.line(os.path.getsize(self._path), seconds)[:room]
            self._write("\r" + line.ljust(width))
            width = len(line)
        self._write("\r" + " " * width + "\r" if width else "")

    def _write(self, text):
        with contextlib.suppress(OSError, ValueError):
            self.stream.write(text)
            self.stream.flush()

    def line(self, done, seconds):
        """What the terminal shows after so many scores and seconds."""
        done = min(done, self.total)
        filled = BAR_WIDTH * done // self.total
        bar = "#" * filled + "-" * (BAR_WIDTH - filled)
        line = f"[{bar}] {done}/{self.total} fits, {_minutes(seconds)}"
        if done == 0:
            return line
        left = seconds / done * (self.total - done)
        return f"{line}, about {_minutes(left)} left"


def _minutes(seconds):
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def report_lines(problem, settings, outcome):
    """Ranking, honest score and seconds per fit: printed after the search."""
    results = outcome.search.cv_results_
    metric = METRIC_TITLES[METRICS[problem.task][0]]
    lines = ["", f"Ranking by mean {metric} over {settings.n_splits} folds"]
    lines += ranking_lines(results)
    n_failed = int(np.sum(~np.isfinite(results["mean_test_score"])))
    if n_failed:
        lines.append(f"left out because a fit diverged: {n_failed}")
    if settings.nested:
        kind = "Nested cross-validation"
        spread = f"mean and std over {settings.n_splits} outer folds"
    else:
        kind, spread = "Held-out rows", "standard error"
    lines += [
        "",
        f"{kind}: {metric} {outcome.score:.4f} +- {outcome.spread:.4f} ({spread})",
        "  Expect this on new rows. The best score in the ranking is the winner of",
        "  many, so some of it is luck.",
    ]
    if problem.task == "classification":
        share = np.unique(problem.y, return_counts=True)[1].max() / len(problem.y)
        lines.append(f"  Always answering the commonest class gives {share:.4f}.")
    seconds = results["mean_fit_time"]
    lines.append(
        f"Seconds per fit: {seconds.mean():.3f} on average, "
        f"{seconds.min():.3f} to {seconds.max():.3f}"
    )
    return lines


def ranking_lines(results, n_best=10):
    """The best candidates as an aligned table, one string a line."""
    titles = {
        key.rpartition("__")[2]: key for key in results if key.startswith("param_")
    }
    names = [name for name in PARAMETER_ORDER if name in titles]
    rows = [["rank", "score", "std", "s/fit", *names]]
    for rank, index in enumerate(ranking(results)[:n_best], start=1):
        figures = [
            str(rank),
            f"{results['mean_test_score'][index]:.4f}",
            f"{results['std_test_score'][index]:.4f}",
            f"{results['mean_fit_time'][index]:.3f}",
        ]
        rows.append(figures + [_show(results[titles[name]][index]) for name in names])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    ]


def ranking(results):
    """Indices of the candidates that could be fitted, best first.

    Of a halving search, which evaluates a candidate in several rounds, each
    candidate's last round counts, and whoever got further comes first: scores
    after few and after many epochs do not compare.
    """
    scores = np.asarray(results["mean_test_score"])
    rounds = np.asarray(results.get("iter", np.zeros(len(scores))))
    order = np.lexsort((-scores, -rounds))
    last_rounds = {}
    for index in order[np.isfinite(scores[order])]:
        parameters = results["params"][index].items()
        candidate = [item for item in parameters if not item[0].endswith("max_iter")]
        last_rounds.setdefault(repr(candidate), index)
    return list(last_rounds.values())


def _show(value):
    if isinstance(value, tuple):
        return "-".join(map(str, value))
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def write_outcome(folder, outcome):
    """Write model.joblib and cv_results.csv, a line a candidate."""
    model_path, results_path = folder / "model.joblib", folder / "cv_results.csv"
    results = outcome.search.cv_results_
    names = [name for name in results if name != "params"]
    try:
        joblib.dump(outcome.model, model_path)
        with results_path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(names)
            writer.writerows(zip(*(results[name] for name in names), strict=True))
    except OSError as error:
        raise CommandError(f"Cannot write to '{folder}': {error.strerror}.") from error
    return [
        f"Written: {model_path}, the best one fitted on all rows",
        f"         {results_path}, every candidate",
    ]
