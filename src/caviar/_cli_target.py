"""The column to predict: found by its name, and read as classes or as numbers."""

import difflib
from dataclasses import dataclass, field

import numpy as np

from caviar._cli_columns import read_values
from caviar._cli_numbers import Spelling
from caviar._cli_values import as_number, as_text
from caviar._cli_words import CommandError, count, quote

MAX_WHOLE_NUMBER_CLASSES = 20


@dataclass
class Target:
    """The column to predict, read.

    Attributes
    ----------
    y : ndarray
        Of the rows that have a value: float64, int64, or objects (str).
    rows : ndarray of bool
        Which rows of the table these are.
    task : {"classification", "regression"}
    reason : str
        Why it is this task.
    is_number : bool
        Whether the column holds numbers, whatever the task.
    spelling : Spelling or None
        How texts became numbers.
    notes : list of str
    """

    y: np.ndarray
    rows: np.ndarray
    task: str
    reason: str
    is_number: bool = False
    spelling: Spelling | None = None
    notes: list = field(default_factory=list)


def find_column(names, target, path, header=True):
    """The name that is meant by `target`, which may be a number without a header."""
    names = list(names)
    # The last ones too: there the target often is.
    shown = names if len(names) <= 8 else [*names[:5], "...", *names[-2:]]
    some = ", ".join(shown)
    unnamed = "" if header else " (its first line looks like data, not like names)"
    if target is None:
        raise CommandError(
            f"Name the column to predict with --target, one of: {some}{unnamed}."
        )
    if target in names:
        return target
    if not header and f"column {target}" in names:
        return f"column {target}"
    by_folded_name = {name.strip().casefold(): name for name in names}
    close = difflib.get_close_matches(target.strip().casefold(), by_folded_name, n=3)
    advice = (
        "did you mean " + " or ".join(f"'{by_folded_name[name]}'" for name in close)
        if close and header
        else f"its columns are: {some}{unnamed}"
    )
    end = "?" if close and header else "."
    raise CommandError(f"'{path}' has no column '{target}'; {advice}{end}")


def read_target(column, task, decimal="."):
    """Read y, and decide the task if it is not told.

    Parameters
    ----------
    column : Series
    task : {None, "classification", "regression"}
    decimal : {".", ","}
        The decimal mark, where the column leaves it open.

    Returns
    -------
    target : Target

    Raises
    ------
    CommandError
        If nothing can be learned from it.
    """
    values, spelling = read_values(column, decimal)
    if values.dtype.kind == "M":
        raise CommandError(f"Column '{column.name}' holds dates, which are no target.")
    is_number = values.dtype == np.float64
    rows = values.notna().to_numpy()
    y = values.to_numpy()[rows]
    if len(y) == 0:
        raise CommandError(f"Column '{column.name}' must have values, got none at all.")
    detected, reason = _detect_task(y, is_number)
    if task == "regression" and not is_number:
        raise CommandError(
            f"`--task regression` needs a column of numbers, got '{column.name}' "
            f"with texts such as {quote(y[0])}."
        )
    if task is not None and task != detected:
        reason = "as --task says"
    else:
        reason = f"'{column.name}' {reason}"
    task = task or detected
    if len(np.unique(y)) == 1:
        raise CommandError(
            f"Column '{column.name}' must have at least two different values, got "
            f"{quote(y[0])} in every row."
        )
    if task == "classification" and is_number:
        y = _number_classes(y)
    notes = _notes(column.name, len(rows) - len(y), spelling)
    return Target(y, rows, task, reason, is_number, spelling, notes)


def _number_classes(y):
    whole = np.array_equal(y, np.rint(y))
    return y.astype(np.int64) if whole else y.astype(str).astype(object)


def _notes(name, n_dropped, spelling):
    notes = []
    if spelling is not None and spelling.remark():
        notes.append(f"column '{name}': {spelling.remark()}")
    if n_dropped:
        verb = "is" if n_dropped == 1 else "are"
        notes.append(
            f"{count(n_dropped, 'row')} without a value of '{name}' {verb} left out"
        )
    return notes


def _detect_task(y, is_number):
    labels = np.unique(y)
    if not is_number:
        return "classification", f"holds texts, {len(labels)} classes"
    if not np.array_equal(y, np.rint(y)):
        return "regression", "holds numbers with fractions"
    if len(labels) <= min(MAX_WHOLE_NUMBER_CLASSES, len(y) // 5):
        return "classification", f"holds whole numbers, {len(labels)} classes"
    return "regression", f"holds {len(labels)} different whole numbers"


def read_known_target(column, task, classes, decimal, strays, path):
    """Read y as a model knows it: the same task, and no class it has not seen.

    Returns
    -------
    target : Target

    Raises
    ------
    CommandError
        If the column holds something else.
    """
    is_text = classes is not None and any(isinstance(label, str) for label in classes)
    values = as_text(column) if is_text else as_number(column, decimal, strays)
    if is_text and not values.dropna().isin(classes).all():
        # Classes that are fractions are spelt as numpy does: "0.5", "1.0".
        spelt = column.astype("object").map(str, na_action="ignore")
        values = values.where(~spelt.isin(classes), spelt)
    rows = values.notna().to_numpy()
    y = values.to_numpy()[rows]
    if len(y) == 0:
        raise CommandError(f"Column '{column.name}' must have values, got none at all.")
    if task == "classification" and not is_text:
        y = _number_classes(y)
    if classes is not None:
        known = {label.item() if hasattr(label, "item") else label for label in classes}
        new = [label for label in dict.fromkeys(y.tolist()) if label not in known]
        if new:
            raise CommandError(
                f"Column '{column.name}' of '{path}' must hold the {len(known)} classes "
                f"the model knows, got {quote(new[0])}."
            )
    notes = _notes(column.name, len(rows) - len(y), None)
    return Target(y, rows, task, "as the model was trained", not is_text, None, notes)
