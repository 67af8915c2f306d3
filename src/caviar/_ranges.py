"""What the distributions of a search space share: drawing, narrowing, edges.

A range is uniform in its *own scale*, a monotone function of the value. Narrowing and the
distance to an edge are measured there, and the result is brought back into the range,
which floating point would otherwise leave by a last bit.
"""

import math
from abc import ABC, abstractmethod
from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state

from ._html import AsCard

EDGE_SHARE = 0.05  # of the range, in its own scale: what is "beside an edge"


class Distribution(AsCard, BaseEstimator, ABC):
    """Base class: what a hyperparameter may be, and how likely.

    A subclass stores its parameters in ``__init__`` and checks them there, names its
    `scale`, and defines the methods that are abstract here. Nothing but `set_params`
    changes a distribution.
    """

    scale: str

    @abstractmethod
    def _check(self):
        """Refuse parameters that make no sense, with ValueError or TypeError."""

    def _draw(self, uniform):
        """The value for each of `uniform`, an array of (n,) numbers from [0, 1)."""
        raise NotImplementedError(f"{type(self).__name__} does not define `_draw`.")

    @abstractmethod
    def contains(self, value):
        """Whether `value` can be drawn. ``value in distribution`` says the same."""

    @abstractmethod
    def to_scale(self, value):
        """`value` in the distribution's own scale."""

    @abstractmethod
    def from_scale(self, position):
        """The value at a position of the own scale; inverse of `to_scale`."""

    @abstractmethod
    def edge(self, value):
        """Which end of the range `value` lies beside.

        Returns
        -------
        {'low', 'high'} or None
            Beside an end is within 5 % of the range in its own scale, or beyond it.
        """

    @abstractmethod
    def narrow(self, centre, factor, within=None):
        """A smaller distribution round `centre`.

        Parameters
        ----------
        centre : object
            A value of the distribution's kind.
        factor : float
            In (0, 1]: how wide the new range is, as a share of this one, in its own scale.
        within : Distribution of the same class, default=None
            Range that the new one stays in, except past an edge of it that `centre` lies
            beside. None is no such range. Hard limits hold in any case.

        Returns
        -------
        Distribution
            Of the same class. It is moved, not cut, where it would leave the range
            allowed.

        Raises
        ------
        ValueError
            If `centre` can not be a value of this distribution, or `factor` is not in
            (0, 1].
        """

    def rvs(self, size=None, random_state=None):
        """Draw values.

        Parameters
        ----------
        size : int or tuple of int, default=None
            Shape of the result; None for one value.
        random_state : None, int, RandomState or Generator, default=None

        Returns
        -------
        object or ndarray of shape `size`
            A Python object for ``size=None``, a plain int or float where it is a number.
            Else float64 or int64, or object where the values are no numbers.
        """
        if not isinstance(random_state, np.random.Generator):
            random_state = check_random_state(random_state)
        values = self._draw(np.atleast_1d(random_state.uniform(size=size)).ravel())
        if size is not None:
            return values.reshape(size)
        value = values[0]
        return value.item() if values.dtype != object else value

    def set_params(self, **params):
        """Set parameters, and check them as the constructor does."""
        super().set_params(**params)
        self._check()
        return self

    def _with_limits(self, low, high):
        """The same with hard limits at least as narrow as these (None: without)."""
        return self

    def _closed(self):
        """The same with the range itself as hard limits."""
        return self

    def _middle(self, values, factor):
        """Centre for narrowing by `factor`, of the best values, the very best first."""
        return values[0]

    def _can_pass(self, value):
        """Whether hard limits leave room beyond the edge that `value` lies beside."""
        return False

    def _goes_past(self, given, side):
        """Whether the range goes on past an end, 'low' or 'high', of the one given."""
        return False

    def __contains__(self, value):
        return self.contains(value)

    def __eq__(self, other):
        if type(self) is not type(other):
            return NotImplemented
        mine, others = self.get_params(deep=False), other.get_params(deep=False)
        return all(same(mine[name], others[name]) for name in mine)

    __hash__ = None  # type: ignore[assignment]

    def _error(self, parameter, constraint, error=ValueError):
        value = getattr(self, parameter)
        return error(
            f"`{type(self).__name__}.{parameter}` must be {constraint}, got {value!r}."
        )


def same(a, b):
    """Whether two parameters are equal, arrays and sequences of them included."""
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        return type(a) is type(b) and a.dtype == b.dtype and np.array_equal(a, b)
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        return (
            type(a) is type(b)
            and len(a) == len(b)
            and all(same(x, y) for x, y in zip(a, b, strict=True))
        )
    # True == 1 == 1.0, but they are different values of a parameter.
    return a is b or (type(a) is type(b) and bool(a == b))


def plain(value):
    """numpy's scalars as Python's; anything else as it is."""
    return value.item() if isinstance(value, np.generic) else value


def middle(positions, reach, from_scale):
    """The value at the mean of the positions, at most `reach` from the first."""
    first = positions[0]
    position = min(max(np.mean(positions), first - reach), first + reach)
    return from_scale(min(max(position, min(positions)), max(positions)))


def check_factor(factor):
    if isinstance(factor, bool) or not isinstance(factor, Real) or not 0 < factor <= 1:
        raise ValueError(f"`factor` must be a number in (0, 1], got {factor!r}.")


class Range(Distribution):
    """From `low` to `high`, uniform in a scale that a subclass defines.

    The subclass gives `_forward` and `_backward`, increasing functions of float64 arrays,
    and `_domain`: the smallest and the largest value for which they are defined.
    """

    _type: type = Real
    _domain: tuple = (-np.finfo(np.float64).max, np.finfo(np.float64).max)
    _domain_name = "a finite number"

    def __init__(self, low, high, *, limits=None):
        self.low = low
        self.high = high
        self.limits = limits
        self._check()

    @staticmethod
    @abstractmethod
    def _forward(values):
        """Values in the own scale."""

    @staticmethod
    @abstractmethod
    def _backward(positions):
        """Values at positions of the own scale."""

    def _check(self):
        for name in ("low", "high"):
            if not self._is_value(getattr(self, name)):
                raise self._error(name, self._domain_name)
        if self.low > self.high:
            raise self._error("low", f"at most `high`={self.high!r}")
        if self.limits is None:
            return
        named = "None or a pair (low, high) of numbers or None"
        if not isinstance(self.limits, (tuple, list)) or len(self.limits) != 2:
            raise self._error("limits", named)
        for limit in self.limits:
            if limit is not None and not self._is_number(limit):
                raise self._error("limits", named)
        lowest, highest = self.limits
        if (lowest is not None and lowest > self.low) or (
            highest is not None and highest < self.high
        ):
            raise self._error(
                "limits", f"outside the range [{self.low!r}, {self.high!r}]"
            )

    def _is_number(self, value):
        return (
            isinstance(value, self._type)
            and not isinstance(value, (bool, np.bool_))
            and value == value  # not NaN
        )

    def _is_value(self, value):
        return self._is_number(value) and self._domain[0] <= value <= self._domain[1]

    # Values

    def contains(self, value):
        return self._is_number(value) and bool(self.low <= value <= self.high)

    def to_scale(self, value):
        """`value`, a number or an array, in the own scale.

        Raises
        ------
        ValueError
            For a value that this scale does not have, such as -1 on a logarithmic one.
        """
        array = np.asarray(value)
        if array.dtype.kind not in "iuf" or not np.all(
            (array >= self._domain[0]) & (array <= self._domain[1])
        ):
            raise ValueError(f"`value` must be {self._domain_name}, got {value!r}.")
        positions = self._forward(array.astype(np.float64))
        return float(positions) if array.ndim == 0 else positions

    def from_scale(self, position):
        """The value at `position`, a number or an array, of the own scale."""
        with np.errstate(over="ignore", under="ignore"):
            values = self._backward(np.asarray(position, dtype=np.float64))
        values = self._cast(np.clip(values, *self._domain))
        return values.item() if np.ndim(values) == 0 else values

    def _cast(self, values):
        return values

    def _draw(self, uniform):
        start, end = self._ends(self.low, self.high)
        with np.errstate(over="ignore", under="ignore"):
            values = self._backward(start + uniform * (end - start))
        return self._cast(np.clip(values, self.low, self.high))

    # Narrowing

    def _ends(self, low, high):
        """Where a range begins and ends in the own scale."""
        return self.to_scale(low), self.to_scale(high)

    def _values_between(self, start, end, centre):
        """The smallest range that has all values between two positions, and `centre`."""
        return min(self.from_scale(start), centre), max(self.from_scale(end), centre)

    def _hard_limits(self):
        lowest, highest = self.limits or (None, None)
        return (
            self._domain[0] if lowest is None else max(lowest, self._domain[0]),
            self._domain[1] if highest is None else min(highest, self._domain[1]),
        )

    def _with_limits(self, low, high):
        lowest, highest = self._hard_limits()
        # Not beyond the range itself, which is the user's word.
        lowest = lowest if low is None else min(max(lowest, low), self.low)
        highest = highest if high is None else max(min(highest, high), self.high)
        limits = (
            None if lowest <= self._domain[0] else plain(lowest),
            None if highest >= self._domain[1] else plain(highest),
        )
        limits = None if limits == (None, None) else limits
        return type(self)(self.low, self.high, limits=limits)

    def _closed(self):
        return type(self)(self.low, self.high, limits=(self.low, self.high))

    def edge(self, value):
        start, position, end = (self.to_scale(v) for v in (self.low, value, self.high))
        beside = EDGE_SHARE * (end - start)
        if position < start or (position <= start + beside and start < end):
            return "low"
        if position > end or (position >= end - beside and start < end):
            return "high"
        return None

    def _can_pass(self, value):
        lowest, highest = self._ends(*self._hard_limits())
        start, end = self._ends(self.low, self.high)
        room = {"low": start - lowest, "high": highest - end, None: 0}
        return room[self.edge(value)] > EDGE_SHARE * (end - start)

    def _middle(self, values, factor):
        # Their mean, but the best one stays off the edges of the narrowed range.
        start, end = self._ends(self.low, self.high)
        reach = (1 - 2 * EDGE_SHARE) * factor * (end - start) / 2
        centre = middle([self.to_scale(v) for v in values], reach, self.from_scale)
        return min(max(centre, min(values)), max(values))  # but for rounding it is

    def _goes_past(self, given, side):
        return self.low < given.low if side == "low" else self.high > given.high

    def narrow(self, centre, factor, within=None):
        check_factor(factor)
        lowest, highest = self._hard_limits()
        if not self._is_value(centre) or not lowest <= centre <= highest:
            raise ValueError(
                f"`centre` must be {self._domain_name} in [{lowest!r}, {highest!r}], "
                f"got {centre!r}."
            )
        if within is not None:
            side = within.edge(centre)
            lowest = lowest if side == "low" else max(lowest, within.low)
            highest = highest if side == "high" else min(highest, within.high)
        first, last = self._ends(lowest, highest)
        start, end = self._ends(self.low, self.high)
        width = factor * (end - start)
        start = self.to_scale(centre) - width / 2
        start = max(min(start, last - width), first)
        end = min(start + width, last)
        low, high = self._values_between(start, end, plain(centre))
        # An end that is reached is reached to the last bit.
        low = lowest if start == first else max(low, lowest)
        high = highest if end == last else min(high, highest)
        return type(self)(plain(low), plain(high), limits=self.limits)

    def __repr__(self, N_CHAR_MAX=None):
        limits = "" if self.limits is None else f", limits={self.limits!r}"
        name = type(self).__name__
        return f"{name}({plain(self.low)!r}, {plain(self.high)!r}{limits})"


class IntRange(Range):
    """A range of integers: each stands for the interval of width 1 round it."""

    _type = Integral
    _domain = (-(2**53), 2**53)  # float64 has all integers between them
    _domain_name = "an integer"

    def _cast(self, values):
        return np.rint(values).astype(np.int64)

    def _ends(self, low, high):
        return tuple(
            float(self._forward(np.float64(end))) for end in (low - 0.5, high + 0.5)
        )

    def _values_between(self, start, end, centre):
        # The slack is for integers that lie in the interval but for a last bit.
        low, high = (float(self._backward(np.float64(p))) for p in (start, end))
        low, high = math.ceil(low - 1e-9 * abs(low)), math.floor(high + 1e-9 * high)
        return min(low, centre), max(high, centre)
