"""Files to DataFrames: CSV in its many spellings, and Parquet.

Owns every message about a file; what is in its columns is `_cli_columns`'s.
pandas (the extra ``cli``) is imported in functions, and only to read a table.
"""

import csv
import re
import warnings
import zlib
from dataclasses import dataclass, field
from pathlib import Path

from caviar._cli_bytes import damaged, western
from caviar._cli_format import SEPARATOR_NAMES, find_format
from caviar._cli_numbers import MISSING_MARKS
from caviar._cli_words import CommandError, count, last_line

PARQUET_SUFFIXES = {".parquet", ".pq"}
CHUNK_BYTES = 1 << 24
_RESET = "table = table.reset_index(drop=True)"


@dataclass
class Table:
    """A file that was read.

    Attributes
    ----------
    frame : DataFrame
    path : str
    format : {"CSV", "Parquet"}
    text_format : TextFormat or None
        None of Parquet.
    options : dict
        The arguments of `pandas.read_csv`, beside the path.
    steps : list of str
        What was done to a table after that, as code.
    notes : list of str
    """

    frame: object
    path: str
    format: str
    text_format: object = None
    options: dict = field(default_factory=dict)
    steps: list = field(default_factory=list)
    notes: list = field(default_factory=list)

    @property
    def header(self):
        return self.text_format is None or self.text_format.header

    @property
    def decimal(self):
        return self.text_format.decimal if self.text_format else "."

    @property
    def unnamed(self):
        return self.text_format.unnamed if self.text_format else set()

    @property
    def day_first(self):
        return bool(self.text_format and self.text_format.day_first)

    def reading(self):
        """How it was read, as plain data."""
        if self.text_format is None:
            return {"format": "Parquet"}
        how = self.text_format
        return {
            "format": "CSV",
            "separator": SEPARATOR_NAMES.get(how.separator, how.separator),
            "decimal": how.decimal,
            "encoding": self.options["encoding"],
            "header": how.header,
        }


def read_table(path, text_columns=()):
    """The DataFrame of `open_table`."""
    return open_table(path, text_columns).frame


def open_table(path, text_columns=(), expected=(), decimal=None):
    """Read a CSV (comma, semicolon, tab, bar or spaces) or Parquet file.

    Parameters
    ----------
    path : path-like
    text_columns : collection of str
        Not parsed, so that the text "1" does not become 1.0.
    expected : collection of str
        Names that a header would have.
    decimal : {None, ".", ","}
        The decimal mark where the file leaves it open.

    Returns
    -------
    table : Table

    Raises
    ------
    CommandError
        If the file cannot be read, or has no rows.
    """
    name, path = str(path), Path(path)
    try:
        is_parquet = _check_file(name, path)
        try:
            import pandas
        except ImportError as error:
            raise CommandError(
                "Reading tables needs pandas: pip install 'caviar[cli]'."
            ) from error
        if is_parquet:
            table = _open_parquet(pandas, path)
        else:
            table = _open_csv(pandas, path, text_columns, expected, decimal)
    except OSError as error:
        raise CommandError(
            f"Cannot read '{path}': {error.strerror or last_line(error)}."
        ) from error
    if len(table.frame) == 0:
        raise CommandError(f"'{path}' has a header but no rows.")
    return table


def _check_file(name, path):
    """Whether the file is Parquet; raises where there is nothing to read."""
    if re.match(r"[a-z][a-z0-9+]+:/", name, re.I):
        raise CommandError(f"'{name}' is a URL: download the file first.")
    if not path.exists():
        raise CommandError(f"There is no file '{path}'.")
    if path.is_dir():
        raise CommandError(f"'{path}' is a directory, not a CSV or Parquet file.")
    if not path.is_file():
        raise CommandError(f"'{path}' is no regular file: save the table in one first.")
    if path.stat().st_size == 0:
        raise CommandError(f"'{path}' is empty.")
    with path.open("rb") as file:
        is_parquet = file.read(4) == b"PAR1"
    if path.suffix.lower() in PARQUET_SUFFIXES and not is_parquet:
        raise CommandError(
            f"Cannot read '{path}' as Parquet: it does not begin as such a file does."
        )
    return is_parquet


# Parquet


def _open_parquet(pandas, path):
    try:
        frame = pandas.read_parquet(path)
    except ImportError as error:
        raise CommandError(
            "Reading Parquet needs pyarrow: pip install 'caviar[cli]'."
        ) from error
    except OSError as error:
        # pyarrow's own words for a file that ends too early, without an errno.
        raise CommandError(
            f"Cannot read '{path}' as Parquet: {last_line(error)}."
        ) from error
    except Exception as error:  # of pyarrow: whatever its reader of this type raises
        raise CommandError(
            f"Cannot read '{path}' as Parquet: {last_line(error)}."
        ) from error
    frame, steps = with_index(frame)
    return Table(frame, str(path), "Parquet", steps=steps)


def with_index(frame):
    """A frame whose named row labels are columns, and whose names are texts.

    Returns
    -------
    frame : DataFrame
    steps : list of str
        What was done, as code.
    """
    steps = []
    names = [
        " ".join(map(str, name)).strip() if isinstance(name, tuple) else str(name)
        for name in frame.columns
    ]
    if names != list(frame.columns):
        frame.columns = names
        steps.append(f"table.columns = {names!r}")
    labels = [(n, name) for n, name in enumerate(frame.index.names)]
    named = [n for n, name in labels if name is not None and str(name) not in names]
    unnamed = [n for n, _ in labels if n not in named]
    if not named:
        return frame.reset_index(drop=True), [*steps, _RESET]
    if unnamed:
        frame = frame.reset_index(level=unnamed, drop=True)
        steps.append(f"table = table.reset_index(level={unnamed!r}, drop=True)")
    frame = frame.reset_index()
    steps.append("table = table.reset_index()")
    frame.columns = [str(name) for name in frame.columns]
    return frame, steps


# CSV


def _open_csv(pandas, path, text_columns, expected, decimal):
    how = find_format(path, expected, decimal)
    if how.compression is None and not how.encoding.startswith(("utf-16", "utf-32")):
        _refuse_nul(path)
    options = _options(how, text_columns)
    encodings = dict.fromkeys([how.encoding, "cp1252", "latin-1"])
    notes = list(how.notes)
    for encoding in encodings:
        try:
            frame = _read_csv(pandas, path, {**options, "encoding": encoding}, how)
            break
        except UnicodeDecodeError:
            # Later than its beginning, the file turned out not to be UTF-8.
            notes = [*how.notes, *western()[1]]
    options["encoding"] = encoding
    if not how.is_renamed:
        frame.columns = how.names  # what pandas has read, with "x" as "x.1" alike
    empty = [n for n in how.unnamed if how.header and not frame[n].notna().any()]
    frame = frame.drop(columns=empty)  # nothing but a separator too many
    return Table(frame, str(path), "CSV", how, options, notes=notes)


def _refuse_nul(path):
    """pandas would read on: NUL bytes of a disk that was full, say, as texts."""
    with path.open("rb") as file:
        for chunk in iter(lambda: file.read(CHUNK_BYTES), b""):
            if b"\0" in chunk:
                raise CommandError(f"Cannot read '{path}' as CSV: it holds NUL bytes.")


def _options(how, text_columns):
    """The arguments of `pandas.read_csv`, those that are its defaults left out."""
    options = {"sep": how.separator, "encoding": how.encoding}
    if how.decimal != ".":
        options["decimal"] = how.decimal
    if how.compression is not None:
        options["compression"] = how.compression
    if how.skip_lines:
        options["skiprows"] = how.skip_lines
    if not how.header:
        options["header"] = None
    elif how.is_renamed:
        options["header"] = 0
    if how.is_renamed:
        options["names"] = how.names
    texts = [name for name in how.names if name in set(text_columns)]
    if texts:
        options["dtype"] = dict.fromkeys(texts, "object")
    return {
        **options,
        # With None, fields left over would become row names, and every column
        # would silently stand under its neighbour's name.
        "index_col": False,
        # A type guessed by chunks would mix numbers and texts.
        "low_memory": False,
        "na_values": list(MISSING_MARKS),
        "skipinitialspace": True,
    }


def _read_csv(pandas, path, options, how):
    with warnings.catch_warnings():
        warnings.simplefilter("error", pandas.errors.ParserWarning)
        try:
            return pandas.read_csv(path, **options)
        except UnicodeDecodeError:
            raise
        except (EOFError, zlib.error) as error:
            raise damaged(path, how.compression) from error
        except pandas.errors.ParserWarning as warning:
            reason = "its rows have more fields than its header"
            raise CommandError(f"Cannot read '{path}' as CSV: {reason}.") from warning
        except (ValueError, csv.Error) as error:
            reason = _parser_words(last_line(error))
            raise CommandError(f"Cannot read '{path}' as CSV: {reason}.") from error


def _parser_words(reason):
    """What pandas' parser says, in words for those who do not know it."""
    if match := re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", reason):
        expected, line, seen = match.groups()
        fields = count(int(seen), "field")
        return f"line {line} has {fields}, the lines before it have {expected}"
    if match := re.search(r"EOF inside string starting at row (\d+)", reason):
        return f"a quotation mark that opens in row {match[1]} is never closed"
    return reason.removeprefix("Error tokenizing data. C error: ")
