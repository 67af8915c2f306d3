"""Frozen distributions of scipy.stats in a search space, narrowed in their quantiles."""

import copy
from numbers import Real

import numpy as np

from ._ranges import EDGE_SHARE, Distribution, check_factor, middle, plain


class Quantiles(Distribution):
    """A frozen distribution of scipy's, from one of its quantiles to another.

    What `as_distribution` makes of those that have no class here. As a whole it draws what
    the frozen distribution draws; its own scale is that of its distribution function, so
    narrowing keeps to the values that it makes likely and never leaves its support.

    Parameters
    ----------
    distribution : scipy.stats frozen distribution
        With ``rvs``, ``cdf`` and ``ppf``.

    low, high : float, default=0.0 and 1.0
        Quantiles, in [0, 1].

    Examples
    --------
    >>> from scipy.stats import norm
    >>> from caviar.distributions import as_distribution
    >>> as_distribution(norm(10, 2)).narrow(10, 0.5)
    Quantiles(norm(10, 2), 0.25, 0.75)
    """

    scale = "quantile"

    def __init__(self, distribution, low=0.0, high=1.0):
        self.distribution = distribution
        self.low = low
        self.high = high
        self._check()

    def _check(self):
        if not is_frozen(self.distribution):
            raise self._error(
                "distribution", "a frozen distribution of scipy.stats", TypeError
            )
        for name in ("low", "high"):
            if not isinstance(getattr(self, name), Real) or not (
                0 <= getattr(self, name) <= 1
            ):
                raise self._error(name, "a number in [0, 1]")
        if not self.low < self.high:
            raise self._error("low", f"smaller than `high`={self.high!r}")

    @property
    def _discrete(self):
        return hasattr(self.distribution.dist, "pmf")

    def rvs(self, size=None, random_state=None):
        if (self.low, self.high) != (0, 1):
            return super().rvs(size, random_state)
        frozen = copy.copy(self.distribution)  # scipy stores the random state on it
        if size is not None:
            return frozen.rvs(size=size, random_state=random_state)
        return plain(frozen.rvs(random_state=random_state))

    def _draw(self, uniform):
        return self._values(self.low + uniform * (self.high - self.low))

    def _values(self, quantiles):
        values = np.asarray(self.distribution.ppf(quantiles))
        return values.astype(np.int64) if self._discrete else values

    def contains(self, value):
        if isinstance(value, (bool, np.bool_)) or not isinstance(value, Real):
            return False
        ends = self.distribution.ppf([self.low, self.high])
        first, last = self.distribution.support()
        whole = not self._discrete or float(value).is_integer()
        return bool(whole and max(ends[0], first) <= value <= min(ends[1], last))

    def to_scale(self, value):
        position = self.distribution.cdf(value)
        if self._discrete:  # the middle of the step
            position = position - self.distribution.pmf(value) / 2
        return plain(position)

    def from_scale(self, position):
        values = self._values(position)
        return values.item() if values.ndim == 0 else values

    def edge(self, value):
        position, beside = self.to_scale(value), EDGE_SHARE * (self.high - self.low)
        if position <= self.low + beside:
            return "low"
        return "high" if position >= self.high - beside else None

    def _middle(self, values, factor):
        reach = (1 - 2 * EDGE_SHARE) * factor * (self.high - self.low) / 2
        return middle([self.to_scale(v) for v in values], reach, self.from_scale)

    def narrow(self, centre, factor, within=None):
        check_factor(factor)
        first, last = self.distribution.support()
        if not isinstance(centre, Real) or not first <= centre <= last:
            raise ValueError(
                f"`centre` must be a number in [{first!r}, {last!r}], got {centre!r}."
            )
        lowest = highest = None
        if within is not None:
            side = within.edge(centre)
            lowest = None if side == "low" else within.low
            highest = None if side == "high" else within.high
        lowest, highest = lowest or 0.0, 1.0 if highest is None else highest
        width = factor * (self.high - self.low)
        start = max(min(self.to_scale(centre) - width / 2, highest - width), lowest)
        return type(self)(self.distribution, start, min(start + width, highest))

    def __eq__(self, other):
        if type(self) is not type(other):
            return NotImplemented
        return repr(self) == repr(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self, N_CHAR_MAX=None):
        frozen = self.distribution
        arguments = [repr(plain(value)) for value in frozen.args]
        arguments += [f"{k}={plain(v)!r}" for k, v in sorted(frozen.kwds.items())]
        shown = f"{frozen.dist.name}({', '.join(arguments)})"
        low, high = plain(self.low), plain(self.high)
        ends = "" if (low, high) == (0, 1) else f", {low!r}, {high!r}"
        return f"{type(self).__name__}({shown}{ends})"


def is_frozen(value):
    """Whether it is a frozen distribution of scipy.stats."""
    return all(hasattr(value, name) for name in "dist args kwds rvs cdf ppf".split())
