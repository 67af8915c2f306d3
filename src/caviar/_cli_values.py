"""Columns as read to what a model computes with: float64, dates, text.

Every function takes a Series and answers a Series with the same index, NaN or NaT
where a cell is missing. Which conversion a column needs, `_cli_columns` decides.
"""

import numpy as np

from caviar._cli_dates import read_dates
from caviar._cli_numbers import MISSING, Spelling, decimal_of, to_floats
from caviar._cli_words import CommandError, quote

# Of what is missing, of true and of false; longer texts need not be compared.
LONGEST_MARK = max(len("false"), *map(len, MISSING))


def different_texts(column):
    """The different texts of a column: codes (-1 is missing), texts, counts.

    Spaces around a text are no difference, marks such as "?" are missing, and there
    is one spelling of true, of false and of whole numbers.
    """
    import pandas

    codes, uniques = pandas.factorize(column)
    # As an array: iterating pyarrow's texts takes a microsecond each.
    uniques = np.asarray(uniques, dtype=object)
    spelt = np.array([_spell(value) for value in uniques], dtype=object)
    merged, texts = pandas.factorize(spelt)
    codes = np.append(merged, -1)[codes]
    counts = np.bincount(codes[codes >= 0], minlength=len(texts))
    return codes, list(texts), counts


def _spell(value):
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        value = int(value)
    text = str(value).strip()
    if len(text) > LONGEST_MARK:
        return text
    folded = text.casefold()
    if folded in MISSING:
        return None
    return text.title() if folded in ("true", "false") else text


def spread(codes, values, column):
    """The Series that has, in each row, the value of its code."""
    import pandas

    values = np.asarray(values)
    table = np.empty(len(values) + 1, dtype=values.dtype)
    table[:-1] = values
    table[-1] = np.datetime64("NaT") if values.dtype.kind == "M" else np.nan
    return pandas.Series(
        table[codes], index=column.index, name=column.name, dtype=values.dtype
    )


def as_text(column):
    """Python strings; what is missing is NaN. One spelling of true and false."""
    codes, texts, _ = different_texts(column)
    return spread(codes, np.array(texts, dtype=object), column)


def as_number(column, decimal=".", strays=()):
    """float64; what is missing or infinite is NaN.

    Parameters
    ----------
    column : Series
    decimal : {".", ","}
        The mark of numbers written as texts that leave it open.
    strays : collection of str
        Texts that count as missing.

    Raises
    ------
    CommandError
        If the column holds something else than numbers.
    """
    values = plain_floats(column)
    if values is None:
        codes, texts, _ = different_texts(column)
        spelling = Spelling(decimal_of(texts, decimal))
        floats = to_floats(texts, spelling)
        _refuse_unread(column, codes, texts, np.isnan(floats), strays, "numbers")
        values = spread(codes, floats, column)
    return values.where(np.isfinite(values.to_numpy()))


def as_date(column, day_first=False, strays=()):
    """datetime64 without a zone; NaT where missing.

    Parameters
    ----------
    column : Series
    day_first : bool
        The order of day and month, where all the texts leave it open.
    strays : collection of str
        Texts that count as missing.

    Raises
    ------
    CommandError
        If the column holds something else than dates.
    """
    dates = plain_dates(column)
    if dates is not None:
        return dates
    codes, texts, counts = different_texts(column)
    strays = set(strays)
    kept = [at for at, text in enumerate(texts) if text not in strays]
    parsed = np.full(len(texts), np.datetime64("NaT"), dtype="datetime64[us]")
    if kept:
        # Whatever is a date is read, so that what is none can be named.
        found = read_dates([texts[at] for at in kept], counts[kept], day_first, 0)
        if found is not None:
            parsed[kept] = found[0]
    _refuse_unread(column, codes, texts, np.isnat(parsed), strays, "dates")
    return spread(codes, parsed, column)


def _refuse_unread(column, codes, texts, unread, strays, what):
    strays = set(strays)
    wrong = [at for at in np.flatnonzero(unread) if texts[at] not in strays]
    if wrong:
        row = int(np.flatnonzero(np.isin(codes, wrong))[0])
        raise CommandError(
            f"Column '{column.name}' must hold {what}, got {quote(texts[codes[row]])} "
            f"in row {row + 1}."
        )


# What needs no reading of texts


def plain_floats(column):
    """float64 of a column that holds numbers or durations (in seconds), else None."""
    import pandas
    from pandas.api import types

    if types.is_timedelta64_dtype(column):
        return column.dt.total_seconds().astype(np.float64)
    if not types.is_numeric_dtype(column):  # of truth values it is
        kinds = ("decimal", "integer", "floating", "mixed-integer-float", "timedelta")
        if column.dtype != object or _inferred(column) not in kinds:
            return None
        if _inferred(column) == "timedelta":
            return pandas.to_timedelta(column).dt.total_seconds()
    if isinstance(column.dtype, np.dtype) and column.dtype != object:
        return column.astype(np.float64)
    values = pandas.to_numeric(column, errors="coerce").astype("Float64")
    values = values.to_numpy(dtype=np.float64, na_value=np.nan, copy=True)
    return pandas.Series(values, index=column.index, name=column.name)


def plain_dates(column):
    """datetime64 of a column that holds dates or times of day, else None.

    Of a zone, the clock there is kept; a time of day is one of 1970-01-01.
    """
    import pandas
    from pandas.api import types

    if types.is_datetime64_any_dtype(column):
        return _local(column)
    if isinstance(column.dtype, pandas.PeriodDtype):
        return column.dt.to_timestamp()
    if column.dtype != object:
        return None
    inferred = _inferred(column)
    if inferred in ("date", "datetime", "datetime64"):
        return _local(pandas.to_datetime(column, errors="coerce"))
    if inferred == "time":
        return pandas.to_datetime("1970-01-01 " + column.map(str, na_action="ignore"))
    return None


def is_time_of_day(column):
    """Whether a column holds times without dates."""
    return column.dtype == object and _inferred(column) == "time"


def _local(dates):
    return dates if dates.dt.tz is None else dates.dt.tz_localize(None)


def _inferred(column):
    from pandas.api.types import infer_dtype

    return infer_dtype(column, skipna=True)
