"""Everything ``python -m caviar tune`` found, as plain data: what its report is made of.

Owns the fields and their JSON; computes and shows nothing.
"""

import json
from dataclasses import asdict, dataclass, field, fields

import numpy as np

VERSION = 1


@dataclass
class Study:
    """One run of ``tune``. Every value is a number, text, list or dict.

    A field that is not known, as most are not of a search that was interrupted, is left
    empty; so is any entry of a dict here. The report says what is missing, and why.

    Attributes
    ----------
    command : str
        The command line that was given.
    created : str
        When it ended, in the clock of the machine: "2026-11-21 22:41".
    data : dict
        source, n_rows, n_columns, columns (list of dicts: name, kind, n_missing,
        n_different, note), notes (list of str), reading (dict).
    target : dict
        name, task, reason; classes and counts (lists), or the quantiles of a regression
        (minimum, quartile, median, quartile, maximum).
    search : dict
        kind, n_candidates (asked for), n_splits, nested, seed, n_jobs, time_budget,
        completed (bool), stopped ("time budget", "interrupted" or None), metric (as
        `scoring`) and title (the metric in words), space (parameter -> its distribution as
        text), scales (parameter -> name of its scale), ranges (parameter -> [low, high]),
        rounds (list of dicts: n_candidates, best_score, epochs if they differ),
        boundaries (list of dicts: parameter, value, edge: "low" or "high"), n_failed,
        n_fits, n_epochs, seconds. Parameters are named as in `results`.
    results : dict
        Columns of cv_results_ as lists: params (list of dicts), mean_test_score,
        std_test_score, mean_fit_time, rank_test_score, and round (or iter), bracket,
        candidate, epochs if there are. NaN is the score of a candidate that failed.
    score : dict
        metric, title, value, spread, kind ("nested" or "held-out"), folds (list),
        n_rows (on which it was measured), baseline (number: what the trivial model
        reaches), others (list of dicts: title, value, unit or None), confusion (dict:
        labels, counts[true][predicted]) or residuals (dict: truth, predicted; lists of
        equal length, a sample where rows are many).
    winner : dict
        params, index (into results), n_epochs, best_epoch, n_parameters, pipeline (repr)
        of the model that is written; history (as history_) of a training of it that was
        watched on rows it does not learn from.
    diagnosis : dict
        Of the winner's curves: `caviar.diagnostics.Diagnosis` as data (verdict, title,
        numbers, advice).
    checkup : dict
        `caviar.diagnostics.Checkup.to_dict()`.
    importances : list of dict
        column, mean, std: permutation importances on rows held out, best first: by how
        much the score falls.
    code : str
        Python that rebuilds the winner: `_rebuild.code`.
    usage : dict
        Command lines for what comes next, those that make sense: predict, retest,
        checkup, report, and resume (of a search that is not finished). folder: where
        everything was written; files: name -> what it holds.
    notes : list of str
        What else is to be said of this run, a sentence each: warnings above all.
    versions : dict
        Name of a package -> its version.
    seconds : float
        All in all.
    """

    command: str = ""
    created: str = ""
    data: dict = field(default_factory=dict)
    target: dict = field(default_factory=dict)
    search: dict = field(default_factory=dict)
    results: dict = field(default_factory=dict)
    score: dict = field(default_factory=dict)
    winner: dict = field(default_factory=dict)
    diagnosis: dict = field(default_factory=dict)
    checkup: dict = field(default_factory=dict)
    importances: list = field(default_factory=list)
    code: str = ""
    usage: dict = field(default_factory=dict)
    notes: list = field(default_factory=list)
    versions: dict = field(default_factory=dict)
    seconds: float = 0.0

    def to_json(self):
        """As text; tuples become lists, numpy's numbers and arrays Python's."""
        content = {"version": VERSION, **asdict(self)}
        return json.dumps(content, default=_plain, indent=1)

    @classmethod
    def from_json(cls, text):
        """The study of a text that `to_json` has made.

        Raises
        ------
        ValueError
            If it is another text, or of a later version.
        """
        content = json.loads(text)
        names = [f.name for f in fields(cls)]
        if not isinstance(content, dict) or set(content) - {"version", *names}:
            raise ValueError("The file is not a study of `caviar tune`.")
        if content.get("version") != VERSION:
            raise ValueError(
                f"The study has version {content.get('version')!r}; this caviar reads "
                f"version {VERSION}."
            )
        return cls(**{name: content[name] for name in names if name in content})


def _plain(value):
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"A study holds plain data, got {type(value).__name__}.")
