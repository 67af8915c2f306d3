"""What a check has found: a status, words, numbers, and how these are shown.

Owns the form alone; knows no network.
"""

import math
import textwrap
from dataclasses import dataclass, fields

import numpy as np

from ._html_findings import finding_html

STATUSES = ("ok", "warning", "problem")
WIDTH = 79  # of a page: a terminal's line, and room for its end
_INDENT = 10  # of what stands behind a mark
_MARKS = {"ok": "[ok]", "warning": "[look]", "problem": "[PROBLEM]"}


@dataclass(frozen=True, repr=False)
class Finding:
    """One thing that a check found.

    Printed, it is a paragraph.

    Attributes
    ----------
    step : str
        What was looked at.
    status : {'ok', 'warning', 'problem'}
        'warning' is worth a look; 'problem' will spoil the training or its result.
    title : str
        The finding in one line.
    explanation : str
        What it means and how it is known.
    advice : list of str
        What to try, the likeliest first.
    numbers : dict
        The numbers behind it.
    """

    step: str
    status: str
    title: str
    explanation: str
    advice: list
    numbers: dict

    @property
    def ok(self):
        """Whether the status is 'ok'."""
        return self.status == "ok"

    def to_dict(self):
        """All fields as plain data, for JSON: what is not finite becomes None."""
        return {f.name: plain(getattr(self, f.name)) for f in fields(self)}

    def _repr_html_(self):
        return finding_html(self)

    def __repr__(self):
        mark = _MARKS[self.status].ljust(_INDENT)
        lines = wrapped(self.title, mark, " " * _INDENT)
        lines += wrapped(self.explanation, " " * _INDENT)
        for text in self.advice:
            lines += advised(text)
        return "\n".join(lines)


def wrapped(text, first="", later=None):
    """Lines of a paragraph."""
    later = first if later is None else later
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=first,
        subsequent_indent=later,
        break_long_words=False,
        break_on_hyphens=False,
    )


def advised(text):
    """Lines of one piece of advice; code in it, on lines of its own, stays as it is."""
    text, *code = text.split("\n")
    indent = " " * _INDENT
    lines = wrapped(text, indent + "-> ", indent + "   ")
    return lines + [indent + "     " + line for line in code]


def worst(findings):
    """The gravest status of some findings."""
    return max((f.status for f in findings), key=STATUSES.index, default="ok")


def plain(value):
    """Plain data of the same meaning, as JSON has it."""
    if isinstance(value, dict):
        return {_key(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, Finding):
        return value.to_dict()
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return str(value)


def _key(key):
    return key if isinstance(key, str) else number(key)


def number(value):
    """A number as people write it: three digits that count."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(
        value, (int, float, np.number)
    ):
        return str(value)
    if isinstance(value, (int, np.integer)):
        return f"{value:,}"
    value = float(value)
    if not math.isfinite(value):
        return str(value)
    if value == 0 or 1e-3 <= abs(value) < 1e5:
        return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"
    return f"{value:.2g}".replace("e-0", "e-").replace("e+0", "e+")
