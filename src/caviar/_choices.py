"""What is chosen rather than measured: one of several options, tuples of hidden units."""

from numbers import Integral, Real

import numpy as np
from sklearn.utils import check_random_state

from ._ranges import Distribution, check_factor, same
from ._scales import IntLogUniform, IntUniform


class Choice(Distribution):
    """One of several options, in no order.

    Narrowing makes the centre more likely: the others' weights shrink by the factor, and
    none becomes impossible. There is no edge.

    Parameters
    ----------
    options : list, tuple or ndarray
        At least one, of any kind.

    weights : array-like of shape (n_options,), default=None
        How likely each is, in proportion; positive. None: all as likely.

    Attributes
    ----------
    scale : str
        'choice': `to_scale` is the option's number.

    Raises
    ------
    TypeError
        For options that are no list, tuple or array.
    ValueError
        Without options, or for weights that are not positive or of another number.

    Examples
    --------
    >>> from caviar.distributions import Choice
    >>> Choice(["relu", "tanh"]).narrow("relu", 0.5)
    Choice(['relu', 'tanh'], weights=[0.75, 0.25])
    """

    scale = "choice"

    def __init__(self, options, weights=None):
        self.options = options
        self.weights = weights
        self._check()

    def _check(self):
        if not isinstance(self.options, (list, tuple, np.ndarray)):
            raise self._error("options", "a list, tuple or array", TypeError)
        if isinstance(self.options, np.ndarray) and self.options.ndim != 1:
            raise self._error("options", "of one dimension")
        if len(self.options) == 0:
            raise self._error("options", "at least one option")
        if self.weights is None:
            return
        weights = np.asarray(self.weights)
        if (
            weights.dtype.kind not in "iuf"
            or weights.shape != (len(self.options),)
            or not np.all(np.isfinite(weights) & (weights > 0))
        ):
            raise self._error(
                "weights", f"None or {len(self.options)} positive finite numbers"
            )

    def _probabilities(self):
        if self.weights is None:
            return np.full(len(self.options), 1 / len(self.options))
        weights = np.asarray(self.weights, dtype=np.float64)
        weights = weights / weights.max()  # their sum is finite then
        return weights / weights.sum()

    def _draw(self, uniform):
        bounds = np.cumsum(self._probabilities())[:-1]
        values = np.empty(len(uniform), dtype=object)
        for row, index in enumerate(np.searchsorted(bounds, uniform, side="right")):
            values[row] = self.options[index]
        return values

    def _index(self, value):
        """Number of an option; the same object is found before an equal one."""
        for equal in (lambda a, b: a is b, same, _loosely_equal):
            for index, option in enumerate(self.options):
                if equal(option, value):
                    return index
        return None

    def contains(self, value):
        return self._index(value) is not None

    def to_scale(self, value):
        index = self._index(value)
        if index is None:
            raise ValueError(f"`value` must be one of {self.options!r}, got {value!r}.")
        return index

    def from_scale(self, position):
        return self.options[int(position)]

    def edge(self, value):
        return None

    def narrow(self, centre, factor, within=None):
        check_factor(factor)
        index = self._index(centre)
        if index is None:
            raise ValueError(
                f"`centre` must be one of {self.options!r}, got {centre!r}."
            )
        weights = factor * self._probabilities()
        weights[index] += 1 - factor
        return type(self)(self.options, weights=weights.tolist())

    def __repr__(self, N_CHAR_MAX=None):
        weights = "" if self.weights is None else f", weights={self.weights!r}"
        return f"{type(self).__name__}({self.options!r}{weights})"


def _loosely_equal(a, b):
    """Equal though of different types, as 64 and numpy's 64; but 1 is not True."""
    numbers = isinstance(a, Real) and isinstance(b, Real)
    return numbers and isinstance(a, bool) == isinstance(b, bool) and a == b


class HiddenLayers(Distribution):
    """Tuples of hidden units, as `hidden_layer_sizes` takes them.

    First the number of layers, then the units of each are drawn, on a logarithmic scale and
    independently.

    Parameters
    ----------
    n_layers : tuple (low, high) of int, default=(2, 4)
        Number of hidden layers, both ends included.

    units : tuple (low, high) of int, default=(50, 100)
        Units of a layer, both ends included.

    n_layers_limits, units_limits : tuple (low, high) of int or None, default=None
        Hard limits of both, as those of `IntUniform`.

    Attributes
    ----------
    scale : str
        'layers': `to_scale` is the decimal logarithm of the units of each layer.

    Raises
    ------
    ValueError
        For ranges that are no pairs of positive integers in order.

    Examples
    --------
    >>> from caviar.distributions import HiddenLayers
    >>> layers = HiddenLayers(n_layers=(1, 3), units=(16, 256))
    >>> layers.rvs(random_state=0)
    (115, 84)
    >>> layers.narrow((64, 64), 0.5)
    HiddenLayers(n_layers=(2, 2), units=(32, 129))
    """

    scale = "layers"

    def __init__(
        self,
        n_layers=(2, 4),
        units=(50, 100),
        *,
        n_layers_limits=None,
        units_limits=None,
    ):
        self.n_layers = n_layers
        self.units = units
        self.n_layers_limits = n_layers_limits
        self.units_limits = units_limits
        self._check()

    def _check(self):
        for name in ("n_layers", "units"):
            ends = getattr(self, name)
            if not (
                isinstance(ends, (tuple, list))
                and len(ends) == 2
                and all(isinstance(end, Integral) for end in ends)
                and 1 <= ends[0] <= ends[1]
            ):
                raise self._error(
                    name, "a pair (low, high) of integers, 1 <= low <= high"
                )
            try:
                self._part(name)
            except ValueError as error:
                raise self._error(
                    f"{name}_limits",
                    f"None or a pair of integers or None outside {name}={ends!r}",
                ) from error

    def _part(self, name):
        """The distribution of the number of layers, or that of one layer's units."""
        kind = IntUniform if name == "n_layers" else IntLogUniform
        limits = getattr(self, f"{name}_limits")
        if kind is IntUniform:  # a network without hidden layers is another model
            limits = (1, None) if limits is None else (limits[0] or 1, limits[1])
        return kind(*getattr(self, name), limits=limits)

    def rvs(self, size=None, random_state=None):
        if not isinstance(random_state, np.random.Generator):
            random_state = check_random_state(random_state)
        values = np.empty(1 if size is None else size, dtype=object)
        for index in np.ndindex(values.shape):
            n_layers = self._part("n_layers").rvs(random_state=random_state)
            units = self._part("units").rvs(n_layers, random_state)
            values[index] = tuple(units.tolist())
        return values[0] if size is None else values

    def contains(self, value):
        return (
            isinstance(value, (tuple, list))
            and len(value) in self._part("n_layers")
            and all(units in self._part("units") for units in value)
        )

    def to_scale(self, value):
        return self._part("units").to_scale(np.asarray(value))

    def from_scale(self, position):
        return tuple(self._part("units").from_scale(np.atleast_1d(position)).tolist())

    def _closed(self):
        ends = {"n_layers_limits": self.n_layers, "units_limits": self.units}
        return type(self)(self.n_layers, self.units, **ends)

    def _places(self, value):
        """Where a tuple stands: by its number of layers, and by their mean units."""
        if not isinstance(value, (tuple, list)) or not value:
            raise ValueError(f"`value` must be a tuple of hidden units, got {value!r}.")
        units = self._part("units")
        mean = units.from_scale(float(np.mean(self.to_scale(value))))
        return {"units": mean, "n_layers": len(value)}

    def edge(self, value):
        """Which end the mean units (in the own scale), or else the layers, lie beside."""
        edges = (self._part(n).edge(place) for n, place in self._places(value).items())
        return next((edge for edge in edges if edge), None)

    def _can_pass(self, value):
        places = self._places(value).items()
        return any(self._part(name)._can_pass(place) for name, place in places)

    def _goes_past(self, given, side):
        parts = ("n_layers", "units")
        return any(self._part(n)._goes_past(given._part(n), side) for n in parts)

    def narrow(self, centre, factor, within=None):
        check_factor(factor)
        ranges = {}
        for name, place in self._places(centre).items():
            inside = None if within is None else within._part(name)
            part = self._part(name).narrow(place, factor, within=inside)
            ranges[name] = (part.low, part.high)
        limits = ("n_layers_limits", "units_limits")
        return type(self)(**ranges, **{name: getattr(self, name) for name in limits})

    def __repr__(self, N_CHAR_MAX=None):
        ranges = f"n_layers={self.n_layers!r}, units={self.units!r}"
        for name in ("n_layers_limits", "units_limits"):
            if getattr(self, name) is not None:
                ranges += f", {name}={getattr(self, name)!r}"
        return f"{type(self).__name__}({ranges})"
