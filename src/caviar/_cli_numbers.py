"""Texts that are numbers: decimal commas, thousands, currency signs and percents.

Owns the grammar of written numbers, and which reading of "1,234" has the evidence.
"""

import re
from dataclasses import dataclass

import numpy as np

from caviar._cli_words import count, quote

# What tables write where they have no value, beside what pandas knows (an empty
# cell, NA, N/A, NaN, null, None, #N/A); compared in small letters.
MISSING_MARKS = ("?", "-", "--", "---", ".", "#DIV/0!", "#REF!", "#VALUE!", "#NAME?")
MISSING = {
    *(mark.casefold() for mark in MISSING_MARKS),
    *("", "na", "n/a", "nan", "null", "none", "<na>", "#n/a", "#na", "nat"),
}
# What may stand in and about a written number: signs that say what is counted, and
# groups of three digits parted by spaces or apostrophes ("5 7" is no number).
ORNAMENT = (
    r"(?<=\d)[\s'\u2019](?=\d{3}(?!\d))|(?<!\d)\s|\s(?!\d)|[%$\u20ac\u00a3\u00a5\u20b9]"
    r"|^(?:USD|EUR|GBP|CHF)(?=\s*[\d+-])|(?<=[\d\s])(?:USD|EUR|GBP|CHF)$"
)
PLAIN = frozenset("0123456789.,+-eE")
NUMBER_SHARE = 0.95
# Whole numbers and a few other texts, but no more different ones than this, are
# codes ("1", "2", "X"), not a measure with some cells spoilt.
MAX_CODES = 20
N_PROBES = 200


def _grammar(decimal, thousands):
    sign, exponent = r"[+-]?", r"(?:[eE][+-]?\d+)?"
    digits = rf"(?:[1-9]\d{{0,2}}(?:{thousands}\d{{3}})+|\d+)"
    return re.compile(
        rf"{sign}(?:{digits}(?:{decimal}\d*)?|{decimal}\d+){exponent}|{sign}inf"
    )


GRAMMARS = {".": _grammar(r"\.", ","), ",": _grammar(",", r"\.")}
_ornament = re.compile(ORNAMENT)


@dataclass(frozen=True)
class Spelling:
    """How a column writes its numbers.

    Attributes
    ----------
    decimal : {".", ","}
        The other of the two groups thousands.
    strays : tuple of str
        Texts that are no numbers, and count as missing.
    n_strays, n_infinite : int
        How many cells hold such texts, and how many are infinite.
    is_sure : bool
        False where every number can be read both ways ("1,234").
    of_texts : bool
        False where the numbers came as numbers, and only infinities need a word.
    """

    decimal: str
    strays: tuple = ()
    n_strays: int = 0
    n_infinite: int = 0
    is_sure: bool = True
    of_texts: bool = True

    def remark(self):
        """What must be said of it; "" for nothing."""
        remarks = []
        if not self.is_sure and self.decimal == ".":
            remarks.append("a comma in its numbers groups thousands (1,234 is 1234)")
        elif not self.is_sure:
            remarks.append("a point in its numbers groups thousands (1.234 is 1234)")
        if self.n_strays:
            more = ", ..." if len(self.strays) > 1 else ""
            verb = "counts" if self.n_strays == 1 else "count"
            remarks.append(
                f"{count(self.n_strays, 'text')} among its numbers "
                f"({quote(self.strays[0])}{more}) {verb} as missing"
            )
        if self.n_infinite:
            verb = "counts" if self.n_infinite == 1 else "count"
            cells = count(self.n_infinite, "infinite value")
            remarks.append(f"{cells} {verb} as missing")
        return "; ".join(remarks)

    def as_plain(self):
        """As plain data, to be kept with a model."""
        return {"decimal": self.decimal, "strays": list(self.strays)}


def bare(texts):
    """Written numbers without the signs in and about them: "€ 1 234" is "1234"."""
    if set("".join(texts)) <= PLAIN:  # soon said, even of a million texts
        return texts
    return [_ornament.sub("", text) for text in texts]


def decimal_of(texts, prior=None):
    """Which decimal mark texts have, by what only one reading explains.

    Parameters
    ----------
    texts : iterable of str
    prior : {".", ",", None}
        Answered if there is no evidence, or as much for both.
    """
    votes = {".": 0, ",": 0}
    for text in bare(list(texts)):
        if "," in text or "." in text:
            fits = [mark for mark, rule in GRAMMARS.items() if rule.fullmatch(text)]
            if len(fits) == 1:
                votes[fits[0]] += 1
    if votes["."] == votes[","]:
        return prior
    return max(votes, key=votes.get)


def looks_like_number(text):
    """Whether a text is a number in one of the two spellings."""
    (text,) = bare([text])
    return any(rule.fullmatch(text) for rule in GRAMMARS.values())


def find_spelling(texts, counts, prior):
    """How texts are spelt as numbers; None if too few of them are numbers.

    Parameters
    ----------
    texts : list of str
        The different texts of a column, none of them missing.
    counts : ndarray of int
        How often each stands in the column.
    prior : {".", ","}
        The decimal mark where the texts leave both open.
    """
    step = max(1, len(texts) // N_PROBES)
    probes = texts[::step]
    if 2 * sum(map(looks_like_number, probes)) < len(probes):
        return None
    bared = bare(texts)
    fits = {
        mark: np.array([rule.fullmatch(text) is not None for text in bared])
        for mark, rule in GRAMMARS.items()
    }
    weights = {mark: int(counts[fit].sum()) for mark, fit in fits.items()}
    decimal = prior
    if weights["."] != weights[","]:
        decimal = max(weights, key=weights.get)
    if weights[decimal] < NUMBER_SHARE * counts.sum():
        return None
    strays = tuple(texts[at] for at in np.flatnonzero(~fits[decimal]))
    marked = [text for text in bared if "," in text or "." in text]
    if strays and len(texts) <= MAX_CODES and not marked:
        return None
    return Spelling(
        decimal,
        strays,
        n_strays=int(counts[~fits[decimal]].sum()),
        n_infinite=int(counts[[text.lstrip("+-") == "inf" for text in bared]].sum()),
        is_sure=not marked or weights["."] != weights[","],
    )


def to_floats(texts, spelling):
    """float64 values of texts in a spelling; NaN for what is no number in it."""
    thousands = "." if spelling.decimal == "," else ","
    rule = GRAMMARS[spelling.decimal]

    def value(text):
        if not rule.fullmatch(text):
            return np.nan
        return float(text.replace(thousands, "").replace(spelling.decimal, "."))

    return np.array([value(text) for text in bare(texts)], dtype=np.float64)
