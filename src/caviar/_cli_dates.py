"""Dates: how a column writes them, and the numbers a model learns from them."""

import re
from collections import Counter
from dataclasses import dataclass, replace

import numpy as np

from caviar._cli_words import count, quote

DATE_SHARE = 0.95
MAX_FORMATS = 4
N_PROBES = 50
N_SAMPLES = 2000

_zone = re.compile(r"(?<=:\d\d)(?:\.\d+)?\s*(?:Z|UTC|GMT|[+-]\d{2}:?\d{2})$")
# As text, so that code which is given away can have it too.
ZONE = _zone.pattern
_clock = r"(?P<time>\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?: ?[AaPp][Mm])?)"
_time = rf"(?:(?P<gap>T|,? +){_clock})?"
_year_first = re.compile(r"\d{4}(?P<sep>[-/.])\d{1,2}(?P=sep)\d{1,2}" + _time)
# A year of two digits needs a day and a month of two: "1.2.10" is a version.
_year_last = re.compile(
    r"(?P<first>\d\d|\d(?=\D\d{1,2}\D\d{4}))(?P<sep>[-/.])"
    r"(?P<second>\d\d|\d(?=\D\d{4}))(?P=sep)(?P<year>\d{4}|\d{2})" + _time
)
_named = re.compile(
    r"(?P<day>\d{1,2}(?P<sep>[ -]))?(?P<month>[A-Za-z]{3,9})(?P<sep2>[ -])"
    r"(?P<rest>\d{1,2}, ?\d{4}|\d{4}|\d{2})" + _time
)
_year_month = re.compile(r"\d{4}(?P<sep>[-/])(?:0[1-9]|1[0-2])")
_only_time = re.compile("(?P<gap>)" + _clock)
_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()


@dataclass(frozen=True)
class DateSpelling:
    """How a column writes its dates.

    Attributes
    ----------
    formats : tuple of str
        For strftime, tried one after the other.
    has_zone : bool
        An offset follows, and is left out: the hour is that of the clock there.
    has_date : bool
        False if there is only a time of day.
    is_sure : bool
        False where day and month could change places in every date.
    day_first : bool or None
        Their order in numbers; None if the formats have no such numbers.
    strays : tuple of str
        Texts that are no dates, and count as missing.
    n_strays : int
        How many cells hold such texts.
    """

    formats: tuple
    has_zone: bool = False
    has_date: bool = True
    is_sure: bool = True
    day_first: bool | None = None
    strays: tuple = ()
    n_strays: int = 0

    def remark(self):
        """What must be said of it; "" for nothing."""
        remarks = []
        if not self.is_sure:
            order = "day" if self.day_first else "month"
            remarks.append(f"01/02/2024 is read with the {order} first")
        if len(self.formats) > 1:
            remarks.append(f"its dates are written in {len(self.formats)} ways")
        if self.n_strays:
            more = ", ..." if len(self.strays) > 1 else ""
            verb = "counts" if self.n_strays == 1 else "count"
            remarks.append(
                f"{count(self.n_strays, 'text')} among its dates "
                f"({quote(self.strays[0])}{more}) {verb} as missing"
            )
        return "; ".join(remarks)

    def as_plain(self):
        """As plain data, to be kept with a model."""
        return {
            "formats": list(self.formats),
            "has_zone": self.has_zone,
            "has_date": self.has_date,
            "day_first": self.day_first,
            "strays": list(self.strays),
        }


def _time_format(match):
    text = match["time"]
    if not text:
        return ""
    clock = text.upper()
    halves = clock.endswith("M")
    parts = clock.rstrip("APM ").count(":")
    form = "%I:%M" if halves else "%H:%M"
    form += ":%S" if parts == 2 else ""
    form += ".%f" if "." in clock else ""
    if halves:
        form += " %p" if " " in clock else "%p"
    return (match["gap"] or "") + form


def _format(text, day_first):
    """The strftime format of one text, or None."""
    if match := _year_first.fullmatch(text):
        sep = match["sep"]
        return f"%Y{sep}%m{sep}%d" + _time_format(match)
    if match := _year_last.fullmatch(text):
        sep, year = match["sep"], "%Y" if len(match["year"]) == 4 else "%y"
        order = ("%d", "%m") if day_first else ("%m", "%d")
        return sep.join([*order, year]) + _time_format(match)
    if (match := _named.fullmatch(text)) and match["month"][:3].lower() in _MONTHS:
        month = "%b" if len(match["month"]) == 3 else "%B"
        if match["day"]:
            year = "%Y" if len(match["rest"]) == 4 else "%y"
            form = f"%d{match['sep']}{month}{match['sep2']}{year}"
        else:
            comma = ", " if ", " in match["rest"] else ","
            form = f"{month}{match['sep2']}%d{comma}%Y"
        return form + _time_format(match)
    if match := _year_month.fullmatch(text):
        return f"%Y{match['sep']}%m"
    if match := _only_time.fullmatch(text):
        return _time_format(match)
    return None


def _day_order(texts):
    """True: the day comes first; False: the month; "both"; None: no evidence."""
    orders, marks = set(), set()
    for text in texts:
        if match := _year_last.fullmatch(_zone.sub("", text)):
            marks.add(match["sep"])
            if int(match["first"]) > 12:
                orders.add(True)
            elif int(match["second"]) > 12:
                orders.add(False)
    if not orders and marks == {"."}:
        return True  # nobody writes 12.31.2024
    return "both" if len(orders) == 2 else next(iter(orders), None)


def looks_like_date(text):
    """Whether a text has the shape of a date or a time."""
    return _format(_zone.sub("", text), True) is not None


def read_dates(texts, counts, day_first, share=DATE_SHARE):
    """Dates of texts, and how they are spelt; None if too few of them are dates.

    Parameters
    ----------
    texts : list of str
        The different texts of a column, none of them missing.
    counts : ndarray of int
    day_first : bool
        The order of day and month where the texts leave both open.
    share : float, default=DATE_SHARE
        The least part of the cells that must be dates.

    Returns
    -------
    dates : ndarray of datetime64
        NaT for what is no date.
    spelling : DateSpelling
    """
    probes = _some(texts, N_PROBES)
    if sum(map(looks_like_date, probes)) < len(probes) * min(share, 0.5):
        return None
    sample = _some(texts, N_SAMPLES)
    order = _day_order(sample)
    if order == "both":
        return None
    spelling = _spelling(sample, day_first if order is None else order)
    if not spelling.formats:
        return None
    dates, unread = _parse(texts, spelling)
    is_sure = order is not None or spelling.day_first is None
    if not is_sure:
        other = _spelling(sample, not day_first)
        other_dates, other_unread = _parse(texts, other)
        is_sure = counts[unread].sum() != counts[other_unread].sum()
        if counts[other_unread].sum() < counts[unread].sum():
            spelling, dates, unread = other, other_dates, other_unread
    if counts[unread].sum() > (1 - share) * counts.sum():
        return None
    strays = tuple(texts[at] for at in unread)
    n_strays = int(counts[unread].sum())
    return dates, replace(spelling, is_sure=is_sure, strays=strays, n_strays=n_strays)


def _some(texts, most):
    return texts[:: -(-len(texts) // most)]


def _spelling(texts, day_first):
    """The commonest formats of texts, with one order of day and month."""
    plain = [_zone.sub("", text) for text in texts]
    found = Counter(_format(text, day_first) for text in plain)
    del found[None]
    formats = tuple(form for form, _ in found.most_common(MAX_FORMATS))
    is_open = any(form[1] in "dm" and "%b" not in form.lower() for form in formats)
    return DateSpelling(
        formats,
        has_zone=plain != texts,
        has_date=any("%y" in form.lower() for form in formats),
        day_first=day_first if is_open else None,
    )


def _parse(texts, spelling):
    """datetime64 of texts, and the places of those that are no dates."""
    import pandas

    texts = pandas.Series(texts, dtype="object")
    if spelling.has_zone:
        texts = texts.str.replace(ZONE, "", regex=True)
    first, *others = (
        pandas.to_datetime(texts, format=form, errors="coerce")
        for form in spelling.formats
    )
    for dates in others:
        first = first.fillna(dates)
    dates = first.to_numpy()
    return dates, np.flatnonzero(np.isnat(dates))


def date_parts(dates, has_date=True):
    """What a model learns from dates: float64 arrays, NaN where there is none.

    Parameters
    ----------
    dates : Series of datetime64, without a zone
    has_date : bool, default=True
        False leaves the hour alone.

    Returns
    -------
    parts : dict
        "year", "month" (1 to 12), "day of week" (0 is Monday), "hour" (with its
        fraction) and "days since 1970", of the days alone.
    """
    clock = dates.dt
    hour = clock.hour + clock.minute / 60 + clock.second / 3600
    hour = hour.to_numpy(dtype=np.float64)
    if not has_date:
        return {"hour": hour}
    days = (clock.normalize() - np.datetime64("1970-01-01")) / np.timedelta64(1, "D")
    return {
        "year": clock.year.to_numpy(dtype=np.float64),
        "month": clock.month.to_numpy(dtype=np.float64),
        "day of week": clock.day_of_week.to_numpy(dtype=np.float64),
        "hour": hour,
        "days since 1970": days.to_numpy(dtype=np.float64),
    }
