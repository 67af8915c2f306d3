"""The command line's tables: how they are read, and what is in their columns.

Owns every message about a user's data; knows nothing of models or searches.
pandas (the extra ``cli``) is imported here alone, and only to read a table.
"""

import difflib
import itertools
import warnings
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

MIN_ROWS = 20
MAX_WHOLE_NUMBER_CLASSES = 20
TEST_SIZE = 0.25


class CommandError(Exception):
    """What the user asked cannot be done; the message is the whole answer."""


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

    Raises
    ------
    CommandError
        If the file, the column or its content cannot be used.
    """
    frame = read_table(path)
    column = frame[_find_column(frame, target, path)]
    if len(frame) < MIN_ROWS:
        raise CommandError(
            f"'{path}' must have at least {MIN_ROWS} rows, got {len(frame)}."
        )
    y, task, reason = _read_target(column, task)
    numeric, categorical, notes = column_kinds(frame.drop(columns=column.name))
    if not numeric and not categorical:
        why = f": {notes[0]}" if notes else ""
        raise CommandError(
            f"'{path}' has no column to learn '{column.name}' from{why}."
        )
    X = select_columns(frame, numeric, categorical)
    return Problem(
        *(X, y, task, reason, str(path), numeric, categorical, notes),
        target=column.name,
        columns=_describe(frame.drop(columns=column.name), numeric, categorical),
        reading={"format": "CSV"},
        layout={"numeric": numeric, "categorical": categorical},
    )


def _describe(frame, numeric, categorical):
    return [
        {
            "name": name,
            "kind": "numeric"
            if name in numeric
            else "categorical"
            if name in categorical
            else "left out",
            "n_missing": int(frame[name].isna().sum()),
            "n_different": int(frame[name].nunique()),
            "note": "",
        }
        for name in frame.columns
    ]


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
            f"{counts[rarest]} of {_quote(labels[rarest])}: merge or remove such "
            "classes, or give a smaller --cv."
        )


# Reading


def read_table(path, text_columns=()):
    """Read a CSV (comma, semicolon, tab or bar) or Parquet file into a DataFrame.

    ``text_columns`` are not parsed, so that the text "1" does not become 1.0.
    """
    path = Path(path)
    _check_file(path)
    try:
        import pandas
    except ImportError as error:
        raise CommandError(
            "Reading tables needs pandas: pip install 'caviar[cli]'."
        ) from error
    is_parquet = path.suffix.lower() in {".parquet", ".pq"}
    try:
        if is_parquet:
            frame = pandas.read_parquet(path).reset_index(drop=True)
        else:
            frame = _read_csv(pandas, path, text_columns)
    except ImportError as error:
        raise CommandError(
            "Reading Parquet needs pyarrow: pip install 'caviar[cli]'."
        ) from error
    except (OSError, ValueError) as error:
        kind = "Parquet" if is_parquet else "CSV (UTF-8 text)"
        reason = last_line(error)
        raise CommandError(f"Cannot read '{path}' as {kind}: {reason}.") from error
    frame.columns = [str(name) for name in frame.columns]
    if len(frame) == 0:
        raise CommandError(f"'{path}' has a header but no rows.")
    return frame


def _check_file(path):
    if not path.exists():
        raise CommandError(f"There is no file '{path}'.")
    if path.is_dir():
        raise CommandError(f"'{path}' is a directory, not a CSV or Parquet file.")
    if path.stat().st_size == 0:
        raise CommandError(f"'{path}' is empty.")


def _read_csv(pandas, path, text_columns):
    with warnings.catch_warnings():
        warnings.simplefilter("error", pandas.errors.ParserWarning)
        try:
            return pandas.read_csv(
                path,
                sep=_separator(path),
                dtype=dict.fromkeys(text_columns, "object"),
                encoding="utf-8-sig",
                # With None, fields left over would become row names, and every
                # column would silently stand under its neighbour's name.
                index_col=False,
                # A type guessed by chunks would mix numbers and texts.
                low_memory=False,
                na_values=["?"],
                skipinitialspace=True,
            )
        except pandas.errors.ParserWarning as warning:
            raise ValueError("its rows have more fields than its header") from warning


def _separator(path):
    if path.suffix.lower() in {".gz", ".bz2", ".zip", ".xz", ".zst"}:
        return ","  # pandas decompresses; the header cannot be looked at here
    with path.open(encoding="utf-8", errors="replace") as file:
        header = file.readline(1_000_000)
    return max(",;\t|", key=header.count)


def last_line(error):
    """What an exception says, in one line: of a long report, its end."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1].rstrip(".") if lines else type(error).__name__


# The target


def _find_column(frame, target, path):
    names = list(frame.columns)
    some = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
    if target is None:
        raise CommandError(f"Name the column to predict with --target, one of: {some}.")
    if target in names:
        return target
    by_folded_name = {name.strip().casefold(): name for name in names}
    close = difflib.get_close_matches(target.strip().casefold(), by_folded_name, n=3)
    advice = (
        "did you mean " + " or ".join(f"'{by_folded_name[name]}'" for name in close)
        if close
        else f"its columns are: {some}"
    )
    end = "?" if close else "."
    raise CommandError(f"'{path}' has no column '{target}'; {advice}{end}")


def _read_target(column, task):
    """Return y, the task, and the reason for it in words."""
    from pandas.api import types

    is_number = types.is_numeric_dtype(column) and not types.is_bool_dtype(column)
    if not is_number and types.is_datetime64_any_dtype(column):
        raise CommandError(f"Column '{column.name}' holds dates, which are no target.")
    values = as_number(column) if is_number else as_text(column)
    missing = int(np.sum(values.isna()))
    if missing:
        raise CommandError(
            f"Column '{column.name}' must have a value in every row to be the target, "
            f"got {missing} without: remove these rows or fill them in."
        )
    y = values.to_numpy()
    detected, reason = _detect_task(y, is_number)
    if task == "regression" and not is_number:
        raise CommandError(
            f"`--task regression` needs a column of numbers, got '{column.name}' "
            f"with texts such as {_quote(y[0])}."
        )
    if task is not None and task != detected:
        reason = "as --task says"
    task = task or detected
    if len(np.unique(y)) == 1:
        raise CommandError(
            f"Column '{column.name}' must have at least two different values, got "
            f"{_quote(y[0])} in every row."
        )
    if task == "classification" and is_number:
        whole = np.array_equal(y, np.rint(y))
        y = y.astype(np.int64) if whole else y.astype(str).astype(object)
    return y, task, f"'{column.name}' {reason}" if task == detected else reason


def _detect_task(y, is_number):
    labels = np.unique(y)
    if not is_number:
        return "classification", f"holds texts, {len(labels)} classes"
    if not np.array_equal(y, np.rint(y)):
        return "regression", "holds numbers with fractions"
    if len(labels) <= min(MAX_WHOLE_NUMBER_CLASSES, len(y) // 5):
        return "classification", f"holds whole numbers, {len(labels)} classes"
    return "regression", f"holds {len(labels)} different whole numbers"


# The other columns


def column_kinds(frame):
    """Sort columns into numeric and categorical; say of the others why not.

    Returns
    -------
    numeric, categorical : list of str
    notes : list of str
        One sentence for each column that is left out.
    """
    kinds = {"numeric": [], "categorical": []}
    notes = []
    for name in frame.columns:
        kind, why_not = _column_kind(frame[name])
        if kind is None:
            notes.append(f"column '{name}' is left out, {why_not}")
        else:
            kinds[kind].append(name)
    return kinds["numeric"], kinds["categorical"], notes


def _column_kind(column):
    from pandas.api import types

    if types.is_datetime64_any_dtype(column) or types.is_timedelta64_dtype(column):
        return None, "it holds dates"
    is_number = types.is_numeric_dtype(column) and not types.is_bool_dtype(column)
    present = (as_number(column) if is_number else as_text(column)).dropna()
    n_different = present.nunique()
    if n_different < 2:
        return None, "it has no value at all" if n_different == 0 else "it is constant"
    if is_number:
        if n_different == len(column) and _is_consecutive(present.to_numpy()):
            return None, "it numbers the rows"
        return "numeric", None
    if 2 * n_different > len(present):
        reason = f"it has {n_different} different texts in {len(present)} rows"
        return None, reason + f" such as {_quote(present.iloc[0])}"
    return "categorical", None


def _is_consecutive(values):
    return bool(np.all(np.diff(np.sort(values)) == 1))


def select_columns(frame, numeric, categorical):
    """The columns a model uses, as float64 and as text; NaN where missing."""
    import pandas

    columns = {name: as_number(frame[name]) for name in numeric}
    columns.update({name: as_text(frame[name]) for name in categorical})
    return pandas.DataFrame(columns)


def as_number(column):
    """float64; what is missing or infinite is NaN.

    Raises
    ------
    CommandError
        If the column holds something else than numbers.
    """
    import pandas

    values = pandas.to_numeric(column, errors="coerce").astype("Float64")
    values = values.to_numpy(dtype=np.float64, na_value=np.nan)
    wrong = np.flatnonzero(np.isnan(values) & ~column.isna().to_numpy())
    if len(wrong):
        raise CommandError(
            f"Column '{column.name}' must hold numbers, got "
            f"{_quote(column.iloc[wrong[0]])} in row {wrong[0] + 1}."
        )
    values[~np.isfinite(values)] = np.nan
    return pandas.Series(values, index=column.index, name=column.name)


def as_text(column):
    """Python strings; what is missing is NaN. One spelling of true and false."""
    import pandas

    def spell(value):
        text = str(value).strip()
        return text.title() if text.lower() in {"true", "false"} else text

    cells = zip(column, column.isna(), strict=True)
    values = [np.nan if missing else spell(value) for value, missing in cells]
    return pandas.Series(values, index=column.index, name=column.name, dtype="object")


def _quote(value):
    return repr(value.item() if isinstance(value, np.generic) else value)


# Tables to predict


def align_columns(frame, model_columns, path):
    """Check that the columns of a model are all there, and select them.

    Parameters
    ----------
    model_columns : dict
        ``numeric`` and ``categorical``: lists of names; or, of a model fitted on
        a plain array, ``n_features`` alone.
    """
    if "n_features" in model_columns:
        needed = model_columns["n_features"]
        if frame.shape[1] != needed:
            raise CommandError(
                f"'{path}' must have the {needed} columns the model was trained on, "
                f"in their order, got {frame.shape[1]}."
            )
        return select_columns(frame, list(frame.columns), []).to_numpy()
    numeric, categorical = model_columns["numeric"], model_columns["categorical"]
    absent = [name for name in numeric + categorical if name not in frame.columns]
    if absent:
        names = ", ".join(f"'{name}'" for name in absent)
        raise CommandError(
            f"'{path}' must have every column the model was trained on, got none "
            f"named {names}."
        )
    return select_columns(frame, numeric, categorical)


@dataclass
class Rows:
    """A table to predict: what the model reads, and what must be said of it."""

    X: object
    notes: list = field(default_factory=list)


def load_rows(path, model_columns):
    """Read a table as a model wants it, in the way of this file, not of the first.

    Parameters
    ----------
    path : path-like
        A CSV or Parquet file.
    model_columns : dict
        `Problem.layout`, or what `align_columns` takes.

    Returns
    -------
    rows : Rows

    Raises
    ------
    CommandError
        If the file cannot be read or lacks what the model needs.
    """
    frame = read_table(path, model_columns.get("categorical", ()))
    return Rows(align_columns(frame, model_columns, path))


def load_like(path, model_columns, target, task, classes=None):
    """Read a table with its target, with the columns and the task of a model.

    Parameters
    ----------
    path : path-like
    model_columns : dict
        `Problem.layout`, or what `align_columns` takes.
    target : str
    task : {"classification", "regression"}
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
    frame = read_table(path, model_columns.get("categorical", ()))
    column = frame[_find_column(frame, target, path)]
    y, task, reason = _read_target(column, task)
    new = [] if classes is None else sorted(set(y.tolist()) - set(classes))
    if new:
        raise CommandError(
            f"Column '{target}' of '{path}' must hold the classes the model knows, "
            f"got {_quote(new[0])}."
        )
    X = align_columns(frame, model_columns, path)
    numeric, categorical = (
        model_columns.get(key, []) for key in ("numeric", "categorical")
    )
    return Problem(
        *(X, y, task, reason, str(path), numeric, categorical), target=target
    )
