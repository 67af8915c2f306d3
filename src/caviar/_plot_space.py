"""What a search says of its space: the scale and range of each parameter, and whether its
best candidate lies at an edge."""

from numbers import Integral

import numpy as np

from ._plot_parameters import _is_number, numeric_scale
from ._ranges import Range
from ._regions import with_hard_limits
from ._scales import IntLogUniform, IntUniform, LogUniform, OneMinusLogUniform, Uniform
from .distributions import Choice, HiddenLayers, as_distribution

_CLASSES = {  # by scale and whether all numbers are integers
    ("log", False): LogUniform,
    ("log", True): IntLogUniform,
    ("one-minus-log", False): OneMinusLogUniform,
    ("linear", False): Uniform,
    ("linear", True): IntUniform,
}


def spaces_of(search):
    """The space of a search, caviar's or scikit-learn's, as a list of dicts.

    Each maps parameters to what is searched: distributions or lists. Empty for what has
    no space, such as the results of a journal.
    """
    for name in ("param_distributions", "param_grid"):
        space = getattr(search, name, None)
        if space is not None:
            return [space] if isinstance(space, dict) else list(space)
    return []


def scales_and_ranges(spaces):
    """The scale and the range of each parameter of a search space.

    Parameters
    ----------
    spaces : list of dict

    Returns
    -------
    scales : dict, parameter -> str or None
        None where several spaces differ, or the distribution is none that has a scale.
    ranges : dict, parameter -> tuple (low, high), dict of such or None
        None for options, and where several spaces differ.
    """
    scales, ranges = {}, {}
    for name in dict.fromkeys(name for space in spaces for name in space):
        found = [_read(space[name]) for space in spaces if name in space]
        kinds = {getattr(distribution, "scale", None) for distribution in found}
        scales[name] = kinds.pop() if len(kinds) == 1 else None
        all_ranges = [_range(distribution) for distribution in found]
        same = all(ends == all_ranges[0] for ends in all_ranges)
        ranges[name] = all_ranges[0] if same else None
    return scales, ranges


def edges_of(search, best_index):
    """Where the best candidate lies at an edge beyond which a better one may lie.

    By the rules of CoarseToFineSearchCV, for any search: within 5 % of an end of the range
    in its own scale, unless hard limits leave no room beyond. Of a list of three or more
    numbers the first and the last are its ends.

    Returns
    -------
    list of dict
        'parameter', 'value', 'edge' ('low' or 'high').
    """
    params = search.cv_results_["params"][best_index]
    space = _space_of(params, spaces_of(search))
    rounds = getattr(search, "rounds_", None)
    region = rounds[-1]["region"] if rounds else {}
    region = region if isinstance(region, dict) else {}  # a list: one for each space
    edges = []
    for name, value in params.items() if space is not None else ():
        given = _with_ends(space[name], name, search.estimator)
        side = _open_edge(given, region.get(name), value)
        if side is not None:
            edges.append({"parameter": name, "value": value, "edge": side})
    return edges


def _space_of(params, spaces):
    """The space that a candidate is of: it has the names, and if possible the values."""
    spaces = [space for space in spaces if space.keys() == params.keys()]
    for space in spaces:
        found = {name: _read(searched) for name, searched in space.items()}
        if all(d is None or params[name] in d for name, d in found.items()):
            return space
    return spaces[0] if spaces else None


def _open_edge(given, region, value):
    """'low', 'high' or None: the edge of what was searched that `value` lies beside."""
    if given is None or not hasattr(given, "edge"):
        return None
    try:
        side = given.edge(value)
    except (TypeError, ValueError):  # of another space, or set by hand
        return None
    if side is None:
        return None
    if region is not None and region._goes_past(given, side):
        return side if region.edge(value) == side and region._can_pass(value) else None
    return side if given._can_pass(value) else None


def _read(value):
    """A distribution; None for an object with no more than `rvs`."""
    try:
        return as_distribution(value)
    except TypeError:
        return None


def _range(distribution):
    if isinstance(distribution, Range):
        return distribution.low, distribution.high
    if isinstance(distribution, HiddenLayers):
        return {"layers": distribution.n_layers, "mean units": distribution.units}
    return None


def _with_ends(searched, name, estimator):
    """A distribution with hard limits; of a list of numbers the range that it covers."""
    if not isinstance(searched, Choice):
        distribution = _read(searched)
        if isinstance(distribution, Choice):
            distribution = _as_range(distribution.options)
        if distribution is not None:
            return with_hard_limits(distribution, name, estimator)
    return None


def _as_range(options):
    numbers = list(options)
    if len(numbers) < 3 or not all(map(_is_number, numbers)):
        return None
    array = np.array(numbers, dtype=np.float64)
    if not np.isfinite(array).all() or array.min() == array.max():
        return None
    scale = numeric_scale(array)
    whole = all(isinstance(number, Integral) for number in numbers)
    made = _CLASSES.get((scale, whole)) or (IntUniform if whole else Uniform)
    low, high = min(numbers), max(numbers)
    return made(int(low), int(high)) if whole else made(float(low), float(high))
