"""The command line's tables: what there is to learn, and to predict.

The face of the modules that read files (`_cli_read`), columns (`_cli_columns`) and
the target (`_cli_target`); knows nothing of models or searches.
"""

import itertools
from dataclasses import dataclass, field

import numpy as np

from caviar._cli_code import table_code
from caviar._cli_columns import (
    assemble,
    examine,
    notes_on,
    read_columns,
    refuse_absent,
    select_columns,
    unseen_notes,
)
from caviar._cli_format import NO_HEADER
from caviar._cli_read import open_table, read_table
from caviar._cli_target import find_column, read_known_target, read_target
from caviar._cli_words import CommandError, last_line, quote

__all__ = [
    "CommandError",
    "Problem",
    "Rows",
    "align_columns",
    "check_size",
    "last_line",
    "load_digits_problem",
    "load_like",
    "load_problem",
    "load_rows",
    "read_table",
    "select_columns",
    "table_code",
]

MIN_ROWS = 20
TEST_SIZE = 0.25


@dataclass
class Problem:
    """What there is to learn: the data, the task, and why it is this task.

    Attributes
    ----------
    X : DataFrame or ndarray of shape (n_rows, n_columns)
        As `select_columns` makes it; a plain array for the digits.
    y : ndarray of shape (n_rows,)
        float64, int64, or objects (str).
    numeric, categorical : list of str
        The columns of a DataFrame ``X``; both are empty for the digits.
    notes : list of str
        What was left out, dropped or decided, one sentence each, for the plan.
    target : str or None
        The name of the target's column.
    columns : list of dict
        Of every column of the table but the target: name, kind ("numeric",
        "categorical", "date" or "left out"), n_missing, n_different, note.
    reading : dict
        How the file was read: format ("CSV" or "Parquet"), and of a CSV separator,
        decimal, encoding and header (bool).
    n_dropped_rows : int
        Rows that have no value of the target.
    layout : dict
        What a model must know of its table to read another one, as plain data: to be
        kept with the model (``model.table_``) and given to `align_columns`,
        `load_rows` and `load_like` as ``model_columns``.
    recipe : dict
        What `table_code` needs beside that.
    """

    X: object
    y: np.ndarray
    task: str
    reason: str
    source: str
    numeric: list = field(default_factory=list)
    categorical: list = field(default_factory=list)
    notes: list = field(default_factory=list)
    target: str | None = None
    columns: list = field(default_factory=list)
    reading: dict = field(default_factory=dict)
    n_dropped_rows: int = 0
    layout: dict = field(default_factory=dict)
    recipe: dict = field(default_factory=dict, repr=False)

    @property
    def n_classes(self):
        return len(np.unique(self.y)) if self.task == "classification" else 0

    def data_summary(self):
        """The table as plain data: `Study.data`."""
        n_rows, n_columns = self.X.shape
        return {
            "source": self.source,
            "n_rows": n_rows,
            "n_columns": n_columns,
            "columns": self.columns,
            "notes": self.notes,
            "reading": self.reading,
            "n_dropped_rows": self.n_dropped_rows,
        }

    def target_summary(self):
        """The target as plain data: `Study.target`."""
        summary = {"name": self.target, "task": self.task, "reason": self.reason}
        if self.task == "classification":
            labels, counts = np.unique(self.y, return_counts=True)
            return {**summary, "classes": labels.tolist(), "counts": counts.tolist()}
        levels = [0, 0.25, 0.5, 0.75, 1]
        quantiles = np.quantile(self.y, levels).tolist()
        return {**summary, "levels": levels, "quantiles": quantiles}


def load_digits_problem():
    """The 1797 bundled 8 x 8 digits; needs neither a file nor pandas."""
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    source = "scikit-learn's digits (no table was given)"
    return Problem(X, y, "classification", "ten digits, 8 x 8 pixels each", source)


def load_problem(path, target, task=None):
    """Read a table and say which column is learned from which others.

    Parameters
    ----------
    path : path-like
        A CSV or Parquet file.
    target : str or None
        The column to predict; None is answered with the columns there are.
    task : {None, "classification", "regression"}
        None decides from the target.

    Returns
    -------
    problem : Problem

    Raises
    ------
    CommandError
        If the file, the column or its content cannot be used.
    """
    table = open_table(path, expected=() if target is None else {target})
    frame = table.frame
    name = find_column(frame.columns, target, path, table.header)
    if len(frame) < MIN_ROWS:
        raise CommandError(
            f"'{path}' must have at least {MIN_ROWS} rows, got {len(frame)}."
        )
    goal = read_target(frame[name], task, table.decimal)
    if not goal.rows.all():
        frame = frame[goal.rows].reset_index(drop=True)
    if len(frame) < MIN_ROWS:
        raise CommandError(
            f"'{path}' must have at least {MIN_ROWS} rows with a value of '{name}', got "
            f"{len(frame)}."
        )
    columns = [
        examine(
            frame[other], table.decimal, table.day_first, other not in table.unnamed
        )
        for other in frame.columns
        if other != name
    ]
    notes = notes_on(columns)
    if not any(column.values for column in columns):
        why = f": {notes[0]}" if notes else ""
        raise CommandError(f"'{path}' has no column to learn '{name}' from{why}.")
    X, layout = assemble(columns)
    layout.update(
        target=name,
        target_strays=list(goal.spelling.strays) if goal.spelling else [],
        task=goal.task,
        header=table.header,
        decimal=table.decimal,
        names=list(frame.columns),
    )
    return Problem(
        *(X, goal.y, goal.task, goal.reason, str(path)),
        *(layout["numeric"], layout["categorical"]),
        notes=[*table.notes, *goal.notes, *notes],
        target=name,
        columns=[column.summary() for column in columns],
        reading=table.reading(),
        n_dropped_rows=int((~goal.rows).sum()),
        layout=layout,
        recipe={
            "options": table.options,
            "steps": table.steps,
            "dtypes": {other: frame[other].dtype for other in frame.columns},
            "spellings": {column.name: column.spelling for column in columns},
            "target_spelling": goal.spelling,
            "target_is_number": goal.is_number,
        },
    )


def check_size(problem, n_splits, nested):
    """Refuse what cross-validation would fail on, with the rows it would need."""

    def training_rows(n_rows):
        part = n_rows / n_splits if nested else n_rows * TEST_SIZE
        return n_rows - int(np.ceil(part))

    needed = max(MIN_ROWS, 4 * n_splits)
    if len(problem.y) < needed:
        raise CommandError(
            f"`--cv {n_splits}` needs at least {needed} rows, got {len(problem.y)}."
        )
    if problem.task == "regression":
        return
    needed = next(n for n in itertools.count(2) if training_rows(n) >= n_splits)
    labels, counts = np.unique(problem.y, return_counts=True)
    rarest = counts.argmin()
    if counts[rarest] < needed:
        raise CommandError(
            f"Each class must have at least {needed} rows for `--cv {n_splits}`, got "
            f"{counts[rarest]} of {quote(labels[rarest])}: merge or remove such "
            "classes, or give a smaller --cv."
        )


# Tables of a model


@dataclass
class Rows:
    """A table to predict: what the model reads, and what must be said of it.

    Attributes
    ----------
    X : DataFrame or ndarray
    notes : list of str
    """

    X: object
    notes: list = field(default_factory=list)


def load_rows(path, model_columns):
    """Read a table as a model wants it.

    The file is read in its own way (separator, encoding, decimal mark, dates), which
    need not be that of the first table; where it leaves something open, that decides.

    Parameters
    ----------
    path : path-like
        A CSV or Parquet file.
    model_columns : dict
        `Problem.layout`, or what else `align_columns` takes.

    Returns
    -------
    rows : Rows

    Raises
    ------
    CommandError
        If the file cannot be read or lacks what the model needs.
    """
    table = _open_like(path, model_columns)
    X = align_columns(table.frame, model_columns, path)
    unseen = unseen_notes(X, model_columns.get("categories", {}))
    return Rows(X, [*table.notes, *unseen])


def load_like(path, model_columns, target=None, task=None, classes=None):
    """Read a table with its target, with the columns and the task of a model.

    Parameters
    ----------
    path : path-like
        A CSV or Parquet file.
    model_columns : dict
        `Problem.layout`, or what else `align_columns` takes.
    target : str, default=None
        None is the target of the layout.
    task : {None, "classification", "regression"}
        None is the task of the layout.
    classes : array-like, default=None
        The classes the model knows; others are refused.

    Returns
    -------
    problem : Problem

    Raises
    ------
    CommandError
        If the file cannot be read, lacks a column, or has a class never seen.
    """
    target = target or model_columns["target"]
    task = task or model_columns["task"]
    table = _open_like(path, model_columns, target)
    frame = table.frame
    name = find_column(frame.columns, target, path, table.header)
    strays = model_columns.get("target_strays", ())
    goal = read_known_target(frame[name], task, classes, table.decimal, strays, path)
    frame = frame[goal.rows].reset_index(drop=True)
    X = align_columns(frame.drop(columns=name), model_columns, path)
    unseen = unseen_notes(X, model_columns.get("categories", {}))
    return Problem(
        *(X, goal.y, task, goal.reason, str(path)),
        *(model_columns.get(kind, []) for kind in ("numeric", "categorical")),
        notes=[*table.notes, *goal.notes, *unseen],
        target=name,
        reading=table.reading(),
        n_dropped_rows=int((~goal.rows).sum()),
        layout=model_columns,
    )


def _open_like(path, layout, target=None):
    """Read a table of which a model's layout says what there should be."""
    known = {target} if target is not None else set()
    if "numeric" in layout:
        known.update(read_columns(layout))
    categorical = layout.get("categorical", ())
    table = open_table(path, categorical, known, layout.get("decimal"))
    if table.header or "names" not in layout:
        return table
    if layout["header"]:
        raise CommandError(
            f"'{path}' must begin with the names of its columns, as the table of the "
            "model did; its first line looks like data."
        )
    # Of the first table this was said; here it is as expected.
    table.notes = [note for note in table.notes if NO_HEADER not in note]
    # Columns are known by their place, and that of the target may be empty.
    others = [name for name in layout["names"] if name != layout["target"]]
    if target is None and table.frame.shape[1] == len(others):
        table.frame.columns = others
    return table


def align_columns(frame, model_columns, path):
    """Check that the columns of a model are all there, and select them.

    Parameters
    ----------
    frame : DataFrame
    model_columns : dict
        `Problem.layout`; or ``numeric`` and ``categorical`` of it, lists of names; or,
        of a model fitted on a plain array, ``n_features`` alone.
    path : path-like
        For the message.

    Raises
    ------
    CommandError
        If columns are absent, or hold something else than those of the model.
    """
    if "n_features" in model_columns:
        needed = model_columns["n_features"]
        if frame.shape[1] != needed:
            raise CommandError(
                f"'{path}' must have the {needed} columns the model was trained on, "
                f"in their order, got {frame.shape[1]}."
            )
        return select_columns(frame, list(frame.columns), []).to_numpy()
    refuse_absent(frame, model_columns, path)
    keys = ("numeric", "categorical", "numbers", "dates", "decimal")
    return select_columns(
        frame, **{key: model_columns[key] for key in keys if key in model_columns}
    )
