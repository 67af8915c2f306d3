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

    Attributes
    ----------
    command : str
        The command line that was given.
    data : dict
        source, n_rows, n_columns, columns (list of dicts: name, kind, n_missing,
        n_different, note), notes (list of str), reading (dict).
    target : dict
        name, task, reason; classes and counts, or the quantiles of a regression.
    search : dict
        kind, n_candidates, n_splits, nested, seed, n_jobs, time_budget, completed,
        space (parameter -> its distribution as text), scales (parameter -> name of its
        scale), ranges (parameter -> [low, high]), rounds, boundaries (list of dicts:
        parameter, value, edge), n_fits, n_epochs, seconds.
    results : dict
        Columns of cv_results_ as lists: params (list of dicts), mean_test_score,
        std_test_score, mean_fit_time, and round, bracket, candidate, epochs if there are.
    score : dict
        metric, title, value, spread, kind ("nested" or "held-out"), folds (list),
        n_rows, baseline (what the trivial model reaches), confusion (dict: labels, counts)
        or residuals (dict: truth, predicted).
    winner : dict
        params, index, n_epochs, n_parameters, history (as history_), pipeline (repr).
    diagnosis : dict
        Of the winner's curves: `caviar.diagnostics.Diagnosis` as data.
    checkup : dict
        `caviar.diagnostics.Checkup.to_dict()`.
    importances : list of dict
        column, mean, std: permutation importances on rows held out, best first.
    code : str
        Python that rebuilds the winner.
    versions : dict
        Name of a package -> its version.
    seconds : float
        All in all.
    """

    command: str = ""
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
