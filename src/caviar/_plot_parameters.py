"""The parameters of a search as columns to draw: where candidates stand, in which scale.

Plain arrays and texts; knows nothing of matplotlib.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from numbers import Integral, Real

import numpy as np

from ._plot_style import spans_decades

FEW_VALUES = 12  # different numbers up to which a list of them is shown as categories
LABEL_LENGTH = 16
SCALES = (
    "linear",
    "log",
    "one-minus-log",
    "integer",
    "integer-log",
    "choice",
    "layers",
)
_SHOWN_AS = {"integer": "linear", "integer-log": "log"}


@dataclass
class Column:
    """One horizontal axis.

    Attributes
    ----------
    name : str
        Of the parameter.
    title : str
    scale : {'linear', 'log', 'one-minus-log', 'symlog', 'choice'}
    positions : ndarray of shape (n_candidates,)
        Values, or numbers of categories; NaN for candidates without the parameter.
    labels : list of str
        Of the categories.
    range : tuple (low, high) or None
        What was searched.
    part : {'', 'layers', 'mean units'}
        What of a tuple of hidden units is shown.
    """

    name: str
    title: str
    scale: str
    positions: np.ndarray
    labels: list = field(default_factory=list)
    range: tuple | None = None
    part: str = ""

    def forward(self, values):
        """Values in a scale in which the axis is even."""
        values = np.asarray(values, dtype=np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            if self.scale == "log":
                return np.log10(values)
            if self.scale == "one-minus-log":
                return -np.log10(1 - values)
            if self.scale == "symlog":
                # Zero lies one decade below the smallest number.
                positions = np.log10(values / self.smallest)
                return np.where(values == 0, -1.0, positions)
        return values

    def backward(self, positions):
        positions = np.asarray(positions, dtype=np.float64)
        if self.scale == "log":
            return 10.0**positions
        if self.scale == "one-minus-log":
            return 1 - 10.0**-positions
        if self.scale == "symlog":
            return self.smallest * 10.0**positions
        return positions

    @property
    def smallest(self):
        """The smallest positive value."""
        return np.min(self.positions[self.positions > 0])


def parameter_columns(params, scales, ranges):
    """What to draw of candidates, and what is the same in all of them.

    Parameters
    ----------
    params : list of dict
        Of each candidate.
    scales : dict, parameter -> name of its scale, or None
        Of those that are not known it is found from the values.
    ranges : dict, parameter -> tuple (low, high) or None
        Of hidden layers a dict with the ranges of 'layers' and 'mean units'.

    Returns
    -------
    columns : list of Column
    constant : dict of str to object
    """
    found = dict.fromkeys(name for candidate in params for name in candidate)
    order = [name for name in scales if name in found]  # as the space has them
    names = list(dict.fromkeys([*order, *found]))
    titles = short_titles(names)
    columns, constant = [], {}
    for name in names:
        present = np.array([name in candidate for candidate in params])
        values = [candidate[name] for candidate in params if name in candidate]
        keys = [_key(value) for value in values]
        if len(set(keys)) == 1 and present.all():
            constant[titles[name]] = values[0]
            continue
        scale = scales.get(name)
        place = (name, titles[name], present)
        made = []
        if _are_layers(values, keys, scale):
            made = _layers_columns(*place, values, ranges.get(name))
        columns += made or [_column(*place, values, keys, scale, ranges.get(name))]
    return columns, constant


def short_titles(names):
    """The shortest end of each nested name that is no other's, such as 'alpha'.

    Parameters
    ----------
    names : list of str

    Returns
    -------
    dict of str to str
    """
    parts = {name: name.split("__") for name in names}
    titles = {}
    for name in names:
        for length in range(1, len(parts[name]) + 1):
            end = parts[name][-length:]
            if sum(parts[other][-length:] == end for other in names) == 1:
                break
        titles[name] = "__".join(end)
    return titles


def label(value):
    """A value in few characters."""
    if isinstance(value, float | np.floating):
        return f"{value:.4g}"
    if isinstance(value, (list, tuple)) and value and all(map(_is_number, value)):
        return ", ".join(f"{number:g}" for number in value)
    if isinstance(value, str):
        text = value
    elif hasattr(value, "__name__"):
        text = value.__name__
    else:
        text = " ".join(repr(value).split())
    return text if len(text) <= LABEL_LENGTH else text[: LABEL_LENGTH - 1] + "…"


def _column(name, title, present, values, keys, scale, given_range):
    if not _is_numeric(values, keys, scale):
        positions, labels = _categories(values, keys)
        return Column(name, title, "choice", _spread(present, positions), labels)
    numbers = np.array(values, dtype=np.float64)
    scale = _SHOWN_AS.get(scale, scale)
    if scale not in ("linear", "log", "one-minus-log"):
        scale = numeric_scale(numbers)
    if scale == "log" and numbers.min() <= 0:
        scale = "symlog" if numbers.min() == 0 and numbers.max() > 0 else "linear"
    if scale == "one-minus-log" and numbers.max() >= 1:
        scale = "linear"
    positions = _spread(present, numbers)
    return Column(name, title, scale, positions, range=_pair(given_range))


def _layers_columns(name, title, present, values, ranges):
    """Two columns for tuples of hidden units: how many layers, and how wide."""
    tuples = [value if isinstance(value, Sequence) else (value,) for value in values]
    ranges = ranges if isinstance(ranges, dict) else {}
    shown = {
        "layers": np.array([len(units) for units in tuples], dtype=np.float64),
        # The geometric mean, as a logarithmic scale has it.
        "mean units": np.array([np.exp(np.mean(np.log(u))) for u in tuples]),
    }
    return [
        Column(
            name,
            f"{title}: {part}",
            "linear" if part == "layers" else "log",
            _spread(present, numbers),
            range=_pair(ranges.get(part)),
            part=part,
        )
        for part, numbers in shown.items()
        if len(np.unique(numbers)) > 1
    ]


def _pair(ends):
    return None if ends is None else (float(ends[0]), float(ends[1]))


def _spread(present, numbers):
    """Numbers at the places of the candidates that have them, NaN elsewhere."""
    positions = np.full(len(present), np.nan)
    positions[present] = numbers
    return positions


def _is_number(value):
    return isinstance(value, Real) and not isinstance(value, (bool, np.bool_))


def _is_numeric(values, keys, scale):
    """Whether values are shown on an axis of numbers rather than as categories."""
    if not all(_is_number(value) and np.isfinite(value) for value in values):
        return False
    n_different = len(set(keys))
    if scale == "choice":
        return n_different > FEW_VALUES
    if scale is None:  # as a grid has few values, each several times
        return n_different > FEW_VALUES or 2 * n_different > len(values)
    return True


def _are_layers(values, keys, scale):
    """Whether these are tuples of hidden units, too many to be categories."""
    if scale is not None and scale != "layers":
        return scale == "choice" and len(set(keys)) > FEW_VALUES and _all_units(values)
    repeated = 2 * len(set(keys)) <= len(values) and len(set(keys)) <= FEW_VALUES
    return _all_units(values) and (scale == "layers" or not repeated)


def _all_units(values):
    return all(
        isinstance(value, (list, tuple))
        and len(value)
        and all(isinstance(units, Integral) and units > 0 for units in value)
        for value in values
    )


def numeric_scale(numbers):
    """The scale that numbers seem to have been drawn on: where they lie more evenly."""
    low, high = np.min(numbers), np.max(numbers)
    if low > 0 and spans_decades(numbers):
        even = _unevenness(np.log(numbers)) <= _unevenness(numbers)
        return "log" if even else "linear"
    if low >= 0.5 and high < 1 and spans_decades(1 - numbers):
        even = _unevenness(np.log(1 - numbers)) <= _unevenness(numbers)
        return "one-minus-log" if even else "linear"
    if low == 0 and high > 0 and spans_decades(numbers[numbers > 0]):
        logarithms = np.log(numbers[numbers > 0])
        return "symlog" if _unevenness(logarithms) <= _unevenness(numbers) else "linear"
    return "linear"


def _unevenness(positions):
    """Largest distance from the distribution function of a uniform distribution."""
    positions = np.sort(positions)
    shares = (positions - positions[0]) / (positions[-1] - positions[0])
    return np.max(np.abs(shares - np.linspace(0, 1, len(shares))))


def _key(value):
    """Something hashable that tells values apart, though not 64 from numpy's 64."""
    if _is_number(value):
        return ("", float(value))
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        return ("tuple", *map(_key, value))
    return (type(value).__name__, repr(value))


def _categories(values, keys):
    """The number of each value's category, and the categories' labels.

    In the order of numbers and of texts; None and truth values first.
    """
    first = dict(zip(reversed(keys), reversed(values), strict=True))
    order = sorted(first, key=lambda key: _sort_key(first[key]))
    labels = [label(first[key]) for key in order]
    for i, text in enumerate(labels):
        if labels.count(text) > 1:  # such as 32 and (32,), or two long texts
            labels[i] = " ".join(repr(first[order[i]]).split())[:LABEL_LENGTH]
    for i, text in enumerate(labels):
        if labels.index(text) < i:
            labels[i] = f"{text} #{i + 1}"
    numbers = {key: number for number, key in enumerate(order)}
    return np.array([numbers[key] for key in keys], dtype=np.float64), labels


def _sort_key(value):
    if value is None:
        return (0, 0.0, "")
    if isinstance(value, (bool, np.bool_)):
        return (1, float(value), "")
    if _is_number(value):
        return (2, float(value), "")
    if isinstance(value, (list, tuple)) and all(map(_is_number, value)):
        return (3, float(len(value)), "".join(f"{float(v):030.10f}" for v in value))
    return (4, 0.0, label(value))
