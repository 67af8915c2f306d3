"""What a journal has to tell of its search while it runs, and after it was cut short."""

import os
import warnings
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
from sklearn.model_selection._search import BaseSearchCV

from . import _journal_lines


@dataclass
class JournalResults:
    """Results of the candidates whose splits are all in a journal.

    Attributes
    ----------
    cv_results_ : dict
        The columns of the search's own, with a row for each complete candidate, in order of
        bracket, round and candidate. Parameters of other types than numbers, strings,
        None, bools, lists, tuples and dicts are given as their repr. Empty without a
        complete candidate.
    n_fits : int
        Finished fits, also those of incomplete candidates.
    completed : bool
        Whether the search came to its end.
    best_index_, best_params_, best_score_ : int, dict, float
        Of the best mean test score among the rows with the most epochs. None without a
        complete candidate, and of a search with several metrics none of which was named.
    """

    cv_results_: dict
    n_fits: int
    completed: bool
    best_index_: int | None = None
    best_params_: dict | None = None
    best_score_: float | None = None


def read_journal(path, *, metric=None):
    """Results of a search so far, from its journal.

    Works while the search runs, after Ctrl-C and after the process was killed; takes no
    lock and changes nothing.

    Parameters
    ----------
    path : str or path-like
        What the search was given as `journal`.
    metric : str or None, default=None
        By which metric, as it is named in ``cv_results_``, the best candidate is chosen;
        needed where there are several.

    Returns
    -------
    results : object
        With the attributes ``cv_results_``, ``best_index_``, ``best_params_``,
        ``best_score_`` (None where nothing is complete yet), ``n_fits`` (int) and
        ``completed`` (bool). The best is sought among the rows with the most epochs.

    Raises
    ------
    ValueError
        If the file is no journal or damaged before its end, or `metric` is none of it.
    OSError
        If the file cannot be read.

    Examples
    --------
    >>> import os, tempfile
    >>> from sklearn.datasets import load_iris
    >>> from caviar import MLPClassifier
    >>> from caviar.model_selection import HyperbandSearchCV, read_journal
    >>> path = os.path.join(tempfile.mkdtemp(), "search.journal")
    >>> network, space = MLPClassifier(random_state=0), {"alpha": [0.0, 0.01, 0.1]}
    >>> search = HyperbandSearchCV(network, space, max_iter=3, cv=2, journal=path)
    >>> search.fit(*load_iris(return_X_y=True)).completed_
    True
    >>> results = read_journal(path)
    >>> results.n_fits, results.best_params_ == search.best_params_
    (12, True)
    """
    path = os.fspath(path)
    with open(path, "rb") as file:
        contents = _journal_lines.parse(file.read(), path)
    rows, records = _complete_candidates(contents)
    results = JournalResults({}, len(contents.fits), contents.completed)
    if rows:
        results.cv_results_ = _format(rows, records)
        _choose_best(results, metric)
    return results


def _complete_candidates(contents):
    """Rows ``(key, params)``, sorted by key without split, and their records by split."""
    splits = {}
    for key in sorted(contents.fits):
        splits.setdefault(key[:3], []).append(key)
    n_splits = max(map(len, splits.values()), default=0)
    if contents.header is not None:
        n_splits = int(contents.header["fingerprint"].get("n_splits", n_splits))
    rows, records = [], []
    for key, keys in splits.items():
        if len(keys) < n_splits:
            continue
        entries = [_journal_lines.load(contents.fits[k]) for k in keys]
        rows.append((key, _journal_lines.decode_params(entries[0]["params"])))
        records.append([entry["record"] for entry in entries])
    return rows, records


def _format(rows, records):
    """``cv_results_``, by scikit-learn's own hand where the columns are its own."""
    out = [record for split in records for record in split]
    train = all(record.get("train_scores") is not None for record in out)
    out = [
        {
            "fit_time": record["fit_time"],
            "score_time": record["score_time"],
            "test_scores": record["test_scores"],
            **({"train_scores": record["train_scores"]} if train else {}),
        }
        for record in out
    ]
    for scores in ("test_scores", "train_scores")[: 1 + train]:
        _name_failed_scores(out, scores)
    more = {"round": [key[1] for key, _ in rows]}
    if all(record.get("epochs") is not None for split in records for record in split):
        more["bracket"] = [key[0] for key, _ in rows]
        more["candidate"] = [key[2] for key, _ in rows]
        more["epochs"] = [max(r["epochs"] for r in split) for split in records]
        more["epochs_trained"] = [
            sum(r["epochs_trained"] for r in split) for split in records
        ]
    with warnings.catch_warnings():
        # That scores are not finite was said when they were made.
        warnings.filterwarnings("ignore", "One or more of the", UserWarning)
        return BaseSearchCV._format_results(
            SimpleNamespace(return_train_score=train),
            [params for _, params in rows],
            len(records[0]),
            out,
            more,
        )


def _name_failed_scores(out, scores):
    """One number in place of several metrics' scores, of a failed fit, counts for each."""
    names = next((r[scores].keys() for r in out if isinstance(r[scores], dict)), None)
    for record in out if names is not None else ():
        if not isinstance(record[scores], dict):
            record[scores] = dict.fromkeys(names, record[scores])


def _choose_best(results, metric):
    columns = results.cv_results_
    prefix = "mean_test_"
    metrics = [n.removeprefix(prefix) for n in columns if n.startswith(prefix)]
    if metric is None and len(metrics) == 1:
        (metric,) = metrics
    if metric is None:
        return
    if metric not in metrics:
        raise ValueError(f"`metric` must be one of {metrics}, got {metric!r}.")
    scores = columns[prefix + metric]
    epochs = columns.get("epochs", np.zeros(len(scores)))
    # Of a failed fit the mean is NaN, and comes after every other.
    candidates = np.where(np.isnan(scores), -np.inf, scores)
    candidates = np.where(epochs == np.max(epochs), candidates, np.nan)
    results.best_index_ = int(np.nanargmax(candidates))
    results.best_params_ = columns["params"][results.best_index_]
    results.best_score_ = float(scores[results.best_index_])
