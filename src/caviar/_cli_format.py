"""How a text table is written: encoding, separator, header, decimal mark.

Reads the beginning of a file and decides; every decision that could have been
another one is put in words. Knows nothing of pandas.
"""

import csv
import io
import itertools
import re
from collections import Counter
from dataclasses import dataclass

from caviar._cli_bytes import beginning, decode, refuse_other_texts
from caviar._cli_dates import looks_like_date
from caviar._cli_numbers import MISSING, decimal_of, looks_like_number
from caviar._cli_words import CommandError

MAX_SAMPLE_LINES = 500
SEPARATORS = ",;\t|"
SEPARATOR_NAMES = {
    ",": "comma",
    ";": "semicolon",
    "\t": "tab",
    "|": "bar",
    r"\s+": "space",
}
NO_HEADER = "the first line looks like data"
SIMILAR_SHARE = 0.9
REPEATED_SHARE = 0.5


@dataclass
class TextFormat:
    """How a text table is written.

    Attributes
    ----------
    encoding, separator, decimal : str
    compression : {None, "gzip", "bz2", "xz", "zip"}
    skip_lines : int
        Lines before the header (or the first row): comments, blank lines, "sep=;".
    header : bool
    names : list of str
        Of the columns; different, without spaces around them, none of them empty.
    unnamed : set of str
        Those of them that were made up here.
    is_renamed : bool
        Whether they differ from what pandas would read.
    day_first : bool
        The order of day and month where dates leave it open.
    notes : list of str
    """

    encoding: str
    separator: str
    decimal: str
    compression: str | None
    skip_lines: int
    header: bool
    names: list
    unnamed: set
    is_renamed: bool
    day_first: bool
    notes: list


def find_format(path, expected=(), decimal=None):
    """Decide how a text table is written.

    Parameters
    ----------
    path : Path
    expected : collection of str
        Names that a header would have: one of them in the first line is a header.
    decimal : {None, ".", ","}
        The decimal mark if the file gives no evidence; None decides by the separator.

    Raises
    ------
    CommandError
        If the file is no text table.
    """
    content, compression, is_whole = beginning(path)
    text, encoding, notes = decode(content, path, is_whole)
    refuse_other_texts(text, path)
    lines = list(io.StringIO(text, newline=""))
    if not is_whole and len(lines) > 1:
        lines.pop()  # it was cut
    lines = lines[:MAX_SAMPLE_LINES]
    skip_lines, separator = _lines_before(lines)
    lines = [line for line in lines[skip_lines:] if line.strip()]
    if not lines:
        raise CommandError(f"'{path}' has no rows: it holds blank lines or comments.")
    separator = separator or _find_separator(lines)
    records = _records(lines, separator)
    first, body = records[0], records[1:]
    header = _has_header(first, body, expected)
    rows = body if header else records
    names, unnamed, is_renamed, more = _names(first if header else None, rows)
    cells = [cell.strip() for row in rows for cell in row]
    prior = decimal or ("," if separator == ";" else ".")
    found = decimal_of(cells) or prior
    if found == "," and decimal is None:
        notes += _on_commas(cells, separator, decimal_of(cells) is None)
    if not header:
        shown = ", ".join(cell.strip() for cell in first[:4])
        shown += ", ..." if len(first) > 4 else ""
        notes.append(
            f"{NO_HEADER} ({shown}), so the columns are called column 1, column 2, ..."
        )
    return TextFormat(
        encoding=encoding,
        separator=separator,
        decimal=found,
        compression=compression,
        skip_lines=skip_lines,
        header=header,
        names=names,
        unnamed=unnamed,
        is_renamed=is_renamed,
        day_first=separator == ";" or found == ",",
        notes=notes + more,
    )


def _on_commas(cells, separator, is_doubtful):
    """A word for decimal commas, and why they are taken for that if it is doubtful."""
    numbers = [cell for cell in cells if "," in cell and looks_like_number(cell)]
    if not numbers:
        return []
    why = f", as is usual beside a {SEPARATOR_NAMES.get(separator, separator)}"
    return [
        f"numbers such as {numbers[0]} are read with a decimal comma"
        f"{why if is_doubtful else ''}"
    ]


# Lines


def _lines_before(lines):
    """How many lines stand before the table, and the separator if one names it."""
    separator, n_lines = None, 0
    for at, line in enumerate(lines):
        text = line.strip().lstrip("\ufeff").strip('"')
        if match := re.fullmatch(r"sep=(.|\\t)", text, re.I):
            separator = match[1].replace("\\t", "\t")
        elif text and not (text.startswith("#") and not _is_like(lines[at : at + 2])):
            break
        n_lines = at + 1
    return n_lines, separator


def _is_like(lines):
    """Whether a line has the separators of the next: "#id,x" is a header, then."""
    first, second = lines if len(lines) == 2 else ("", "")
    n_separators = [
        [line.count(mark) for mark in SEPARATORS] for line in (first, second)
    ]
    alike = n_separators[0] == n_separators[1] and any(n_separators[0])
    return alike and not second.startswith("#")


def _records(lines, separator):
    if separator == r"\s+":
        return [line.split() for line in lines]
    reader = csv.reader(lines, delimiter=separator, skipinitialspace=True)
    try:
        return list(reader)
    except csv.Error:  # a field of more than 131,072 characters
        return []


def _find_separator(lines):
    """The separator that cuts the lines into equally many cells, best into numbers."""

    def merit(separator):
        records = _records(lines, separator)
        if not records or len(records[0]) < 2:
            return (0, 0, 0)
        width = len(records[0])
        body = records[1:] or records
        alike = sum(width <= len(record) <= width + 1 for record in body) / len(body)
        cells = [cell.strip() for record in body[:100] for cell in record[:100]]
        numbers = sum(map(looks_like_number, cells)) / max(1, len(cells))
        return (alike >= SIMILAR_SHARE, round(numbers, 2), width)

    best = max(SEPARATORS, key=merit)
    if merit(best)[2]:
        return best
    spaced = [len(line.split()) for line in lines]
    is_spaced = len(lines) > 1 and spaced[0] > 1 and set(spaced) == {spaced[0]}
    return r"\s+" if is_spaced else ","


def _is_measure(text):
    return looks_like_number(text) or looks_like_date(text)


def _has_header(first, body, expected):
    """Whether the first line names the columns, rather than being a row.

    A text over a column of numbers or dates is a name. Numbers over numbers are data,
    unless they count on (0, 1, 2 or 2019, 2020: names as spreadsheets have them).
    Texts over texts are data if they come again below them.
    """
    cells = [cell.strip() for cell in first]
    # A number may be meant as the place of a column, if there are so many.
    names = {name for name in expected if not name.isdigit() or int(name) > len(cells)}
    if not body or set(cells) & names:
        return True
    columns = [
        [row[at].strip() for row in body if at < len(row)] for at in range(len(cells))
    ]
    columns = [[cell for cell in c if cell.casefold() not in MISSING] for c in columns]
    measured, measures, texts = False, [], []
    for cell, column in zip(cells, columns, strict=True):
        if not column:
            continue
        if sum(map(_is_measure, column)) >= SIMILAR_SHARE * len(column):
            measured = True
            if cell.casefold() in MISSING:
                continue
            if not _is_measure(cell):
                return True
            measures.append(cell)
        else:
            texts.append((cell, column))
    if measured and not measures:
        return True  # empty names
    if _count_on(measures):
        return True
    repeating = [
        cell in column
        for cell, column in texts
        if len(set(column)) <= REPEATED_SHARE * len(column)
    ]
    if measures and len(cells) == len(set(cells)) and repeating and not any(repeating):
        return all(cell.isdigit() for cell in measures)
    if measures:
        return False
    return not (repeating and all(repeating))


def _count_on(cells):
    """Whether cells are numbers at equal distances, as names that are numbers are."""
    try:
        numbers = [float(cell) for cell in cells]
    except ValueError:
        return False
    steps = {round(b - a, 9) for a, b in itertools.pairwise(numbers)}
    if len(numbers) == 2:  # equal distances are no surprise
        return steps == {1.0} and all(cell.isdigit() for cell in cells)
    return len(numbers) > 2 and len(steps) == 1 and steps != {0.0}


def _names(first, rows):
    """Names of the columns, those that are made up, whether pandas has others; notes.

    ``first`` is None where there is no header.
    """
    width = Counter(map(len, rows)).most_common(1)[0][0] if rows else 0
    raw = list(first) if first is not None else [""] * width
    notes = []
    if first is not None and width == len(raw) + 1:
        heads = [row[0] for row in rows if len(row) == width]
        if not any(row[-1].strip() for row in rows if len(row) == width):
            raw.append("")  # each row ends with a separator
        elif len(set(heads)) == len(heads) > 1:
            raw.insert(0, "row name")  # as R writes them, without a name
    if any(len(row) < len(raw) - (raw[-1].strip() == "") for row in rows):
        notes.append(
            "some rows have fewer fields than others; what they lack counts as missing"
        )
    names, taken, unnamed, twice = [], set(), set(), []
    for at, name in enumerate(raw, 1):
        base = name = name.strip().lstrip("#\ufeff").strip() or f"column {at}"
        if not raw[at - 1].strip():
            unnamed.add(name)
        number = 0
        while name in taken:
            number += 1
            name = f"{base}.{number}"
        if number:
            twice.append((base, name))
        names.append(name)
        taken.add(name)
    for base, name in twice[:4]:
        notes.append(f"two columns are called '{base}'; the second is read as '{name}'")
    return names, unnamed, names != list(first or ()), notes
