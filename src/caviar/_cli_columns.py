"""What is in a table's columns, and what of it a model learns from.

Owns the kinds of columns (numeric, categorical, date, left out), the words for what
is left out or decided, and the columns of ``X``: float64 and text.
"""

import re
from dataclasses import dataclass, field

import numpy as np

from caviar._cli_dates import DateSpelling, date_parts, read_dates
from caviar._cli_numbers import Spelling, find_spelling, to_floats
from caviar._cli_values import (
    as_date,
    as_number,
    as_text,
    different_texts,
    is_time_of_day,
    plain_dates,
    plain_floats,
    spread,
)
from caviar._cli_words import CommandError, count, listing, quote

# One column of X for each category: more of them are a text, not a category.
MAX_CATEGORIES = 1000
# Texts that count as missing are kept with the model; more than this are not listed.
MAX_STRAYS = 100
MAX_NOTES = 12
_id_name = re.compile(
    r"(?i:(^|[^a-z])(ids?|uuid|guid|key|index|row ?names?|nr|no)($|[^a-z]))"
    r"|[a-z](Id|ID|Key)$|^Unnamed: \d+$"
)


@dataclass
class Column:
    """One column of a table, understood.

    Attributes
    ----------
    name : str
    kind : {"numeric", "categorical", "date", "left out"}
    note : str
        Why it is left out, or what was decided; "" where nothing needs saying.
    n_missing, n_different : int
    values : dict
        The columns of X it becomes: name -> Series of float64, or of text and NaN.
    spelling : Spelling, DateSpelling or None
        How texts became numbers or dates.
    """

    name: str
    kind: str
    note: str = ""
    n_missing: int = 0
    n_different: int = 0
    values: dict = field(default_factory=dict)
    spelling: object = None

    def summary(self):
        """As plain data: `Problem.columns`."""
        keys = ("name", "kind", "n_missing", "n_different", "note")
        return {key: getattr(self, key) for key in keys}


# Kinds


def examine(column, decimal=".", day_first=False, is_named=True):
    """Understand one column.

    Parameters
    ----------
    column : Series
        As read.
    decimal : {".", ","}
        The decimal mark, where this column leaves it open.
    day_first : bool
        The order of day and month, where this column leaves it open.
    is_named : bool
        False of a column without a name, as row labels often are.

    Returns
    -------
    column : Column
    """
    what = _unusable(column)
    if what is not None:
        return Column(column.name, "left out", what, int(column.isna().sum()))
    values, spelling = read_values(column, decimal, day_first)
    n_missing = int(values.isna().sum())
    n_different = int(values.nunique())
    found = Column(column.name, "left out", "", n_missing, n_different, {}, spelling)
    if n_different < 2:
        found.note = "it is constant" if n_different else "it has no value at all"
    elif values.dtype.kind == "M":
        _add_dates(found, values)
    elif values.dtype == np.float64:
        _add_numbers(found, values, is_named)
    else:
        _add_texts(found, values)
    return found


def _unusable(column):
    """What a column holds that is neither numbers, texts nor dates; or None."""
    if column.dtype.kind == "c":
        return "it holds complex numbers"
    if str(column.dtype).startswith(("list", "struct", "map")):
        return "it holds lists or records"
    if column.dtype == object:
        present = column.dropna()
        first = present.iloc[0] if len(present) else None
        if isinstance(first, bytes):
            return "it holds bytes"
        if isinstance(first, (list, dict, tuple, set, np.ndarray)):
            return "it holds lists or records"
    return None


def read_values(column, decimal=".", day_first=False):
    """The values of a column, of the type that fits, and how its texts were read.

    Returns
    -------
    values : Series of float64 (infinities are NaN), datetime64, or text and NaN
    spelling : Spelling, DateSpelling or None
    """
    import pandas
    from pandas.api import types

    if types.is_bool_dtype(column) or isinstance(column.dtype, pandas.CategoricalDtype):
        return as_text(column), None
    floats = plain_floats(column)
    if floats is not None:
        n_infinite = int(np.isinf(floats.to_numpy()).sum())
        if n_infinite:
            floats = floats.where(np.isfinite(floats.to_numpy()))
            return floats, Spelling(".", n_infinite=n_infinite, of_texts=False)
        return floats, None
    dates = plain_dates(column)
    if dates is not None:
        no_date = DateSpelling((), has_date=False) if is_time_of_day(column) else None
        return dates, no_date
    codes, texts, counts = different_texts(column)
    if not texts:
        return spread(codes, np.empty(0), column), None
    return _read_texts(column, codes, texts, counts, decimal, day_first)


def _read_texts(column, codes, texts, counts, decimal, day_first):
    spelling = find_spelling(texts, counts, decimal)
    if spelling is not None:
        floats = to_floats(texts, spelling)
        floats[np.isinf(floats)] = np.nan
        return spread(codes, floats, column), spelling
    found = read_dates(texts, counts, day_first)
    if found is not None:
        dates, spelling = found
        return spread(codes, dates, column), spelling
    return spread(codes, np.array(texts, dtype=object), column), None


def _add_numbers(found, values, is_named):
    cells = values.to_numpy()
    if found.n_different == len(cells) and np.array_equal(cells, np.rint(cells)):
        if cells.max() - cells.min() == len(cells) - 1:
            found.note = "it numbers the rows"
            return
        if _id_name.search(found.name) or not is_named:
            found.note = "it is an id: whole numbers, different in every row"
            return
    found.kind = "numeric"
    found.values = {found.name: values}
    if found.spelling is not None:
        found.note = found.spelling.remark()


def _add_texts(found, values):
    n_present = len(values) - found.n_missing
    first = quote(values.dropna().iloc[0])
    n_texts = f"it has {found.n_different:,} different texts"
    if 2 * found.n_different > n_present:
        found.note = f"{n_texts} in {n_present:,} rows such as {first}"
    elif found.n_different > MAX_CATEGORIES:
        found.note = f"{n_texts}, more than {MAX_CATEGORIES:,}, such as {first}"
    else:
        found.kind = "categorical"
        found.values = {found.name: values}


def _add_dates(found, dates):
    has_date = found.spelling is None or found.spelling.has_date
    parts = date_parts(dates, has_date)
    kept = {
        part: values
        for part, values in parts.items()
        if len(np.unique(values[~np.isnan(values)])) > 1
    }
    if not kept:
        found.note = "it is constant but for parts of a second"
        return
    found.kind = "date"
    found.values = {f"{found.name}: {part}": values for part, values in kept.items()}
    remarks = ["read as " + ", ".join(kept)]
    if found.spelling is not None and found.spelling.remark():
        remarks.append(found.spelling.remark())
    found.note = "; ".join(remarks)


def notes_on(columns):
    """What must be said of columns, one sentence for each reason.

    Parameters
    ----------
    columns : list of Column

    Returns
    -------
    notes : list of str
    """
    notes, left_out = [], {}
    for column in columns:
        if column.kind == "left out":
            left_out.setdefault(column.note, []).append(column.name)
        elif column.note:
            notes.append(f"column '{column.name}': {column.note}")
    reasons = []
    for reason, names in left_out.items():
        if len(names) > 2:
            reasons.append(
                f"{len(names):,} columns are left out, each because {reason}: "
                f"{listing(names, 4)}"
            )
        else:
            reasons += [f"column '{name}' is left out, {reason}" for name in names]
    return _shortened(reasons, "columns are left out") + _shortened(notes, "notes")


def _shortened(notes, what):
    if len(notes) <= MAX_NOTES:
        return notes
    more = len(notes) - MAX_NOTES + 1
    return [*notes[: MAX_NOTES - 1], f"{more:,} more {what} (the report has them all)"]


# The columns of X


def assemble(columns):
    """X of columns that were examined, and the plan to select it from other tables.

    Returns
    -------
    X : DataFrame
        Numbers first, then texts.
    layout : dict
        Plain data: numeric and categorical (names of X's columns), numbers, dates and
        categories (what `select_columns` needs beside them).
    """
    import pandas

    layout = {key: [] for key in ("numeric", "categorical")}
    layout.update(numbers={}, dates={}, categories={})
    values = {"numeric": {}, "categorical": {}}
    for column in columns:
        group = "categorical" if column.kind == "categorical" else "numeric"
        values[group].update(column.values)
        layout[group] += column.values
        if column.kind == "categorical":
            known = next(iter(column.values.values())).dropna().unique()
            layout["categories"][column.name] = sorted(known)
        elif column.kind == "date":
            parts = [name.removeprefix(f"{column.name}: ") for name in column.values]
            spelling = column.spelling.as_plain() if column.spelling else {}
            layout["dates"][column.name] = {**spelling, "parts": parts}
        elif column.kind == "numeric" and column.spelling is not None:
            layout["numbers"][column.name] = column.spelling.as_plain()
    X = pandas.DataFrame({**values["numeric"], **values["categorical"]})
    return X, layout


def select_columns(frame, numeric, categorical, numbers=None, dates=None, decimal="."):
    """The columns a model uses, as float64 and as text; NaN where missing.

    Parameters
    ----------
    frame : DataFrame
    numeric, categorical : list of str
        The columns of X; those of dates are called "name: part".
    numbers, dates : dict, default=None
        As `assemble` makes them.
    decimal : {".", ","}
        The mark of numbers written as texts that leave it open.

    Raises
    ------
    CommandError
        If a column of numbers or dates holds something else.
    """
    import pandas

    numbers, dates = numbers or {}, dates or {}
    columns, parts = {}, {}
    for name, how in dates.items():
        strays = how.get("strays", ())
        moments = as_date(frame[name], how.get("day_first") or False, strays)
        all_parts = date_parts(moments, how.get("has_date", True))
        parts.update({f"{name}: {part}": all_parts[part] for part in how["parts"]})
    for name in numeric:
        if name in parts:
            columns[name] = parts[name]
        else:
            strays = numbers.get(name, {}).get("strays", ())
            columns[name] = as_number(frame[name], decimal, strays)
    columns.update({name: as_text(frame[name]) for name in categorical})
    return pandas.DataFrame(columns, index=frame.index)


def read_columns(layout):
    """The names of the columns of a table that a layout reads."""
    dates = layout.get("dates", {})
    made = {f"{name}: {part}" for name, how in dates.items() for part in how["parts"]}
    plain = [name for name in layout["numeric"] if name not in made]
    return [*plain, *dates, *layout["categorical"]]


def unseen_notes(X, categories):
    """What must be said of categories the model has not seen.

    Parameters
    ----------
    X : DataFrame
    categories : dict
        Name of a column -> the texts the model knows.

    Returns
    -------
    notes : list of str
    """
    notes = []
    for name, known in categories.items():
        values = X[name].dropna()
        new = values[~values.isin(known)]
        if len(new):
            notes.append(
                f"column '{name}': {count(len(new), 'cell')} with texts the model has "
                f"not seen, such as {quote(new.iloc[0])}; they count as none of those "
                "it knows"
            )
    return _shortened(notes, "columns have such texts")


def refuse_absent(frame, layout, path):
    """Raise where a table lacks columns that a model reads."""
    absent = [name for name in read_columns(layout) if name not in frame.columns]
    if absent:
        raise CommandError(
            f"'{path}' must have every column the model was trained on, got none "
            f"named {', '.join(quote(name) for name in absent[:8])}"
            f"{f' and {len(absent) - 8:,} more' if len(absent) > 8 else ''}."
        )
