"""Where a coarse-to-fine search looks, round by round, and how far it may go."""

import math

from sklearn.model_selection import ParameterSampler
from sklearn.utils._param_validation import Interval

from ._ranges import IntRange, Range
from .distributions import Choice, as_distribution

MAX_DRAWS = 1000  # for one candidate; without a new one a region counts as exhausted
# A region's middle is the mean of so many best candidates. The best alone, whose score is
# in part luck, led to candidates worse by 0.02 to 0.03 standard deviations of the scores
# (Gaussian processes of eight data sets, 3 rounds of 20 and of 9); 5 or 8 were no better.
N_BEST = 3


class Regions:
    """The spaces given, the region of the current round, and what was drawn so far.

    Parameters
    ----------
    param_distributions : dict or list of dicts
        As a search takes them.
    estimator : estimator
        Whose intervals of parameters are hard limits.
    widen : bool
        Whether a region may leave the range given.

    Attributes
    ----------
    spaces : list of dict, parameter -> Distribution
        As given, with hard limits.
    current : dict, number of a space -> dict of parameter -> Distribution
        What is drawn from: each space in the first round, then a part of the winner's.
    """

    def __init__(self, param_distributions, estimator, widen):
        self.spaces = [
            {
                # Sorted: draws do not depend on the order of the caller's dict.
                name: with_hard_limits(_read(given[name], name), name, estimator)
                for name in sorted(given)
            }
            for given in checked_spaces(param_distributions)
        ]
        self._whole = self.current = {
            number: {n: d if widen else d._closed() for n, d in space.items()}
            for number, space in enumerate(self.spaces)
        }
        self._origins = []  # of each candidate: number of the space
        self._drawn = set()

    def draw(self, n_candidates, random_state):
        """New candidates, list of dict; fewer where there are no more.

        No candidate is drawn twice. Where the region has no more, the rest is drawn from
        the whole space.
        """
        candidates = []
        for regions in (self.current, self._whole):
            while len(candidates) < n_candidates:
                candidate = self._draw_new(regions, random_state)
                if candidate is None:
                    break
                candidates.append(candidate)
        return candidates

    def _draw_new(self, regions, random_state):
        numbers = sorted(regions)
        for _ in range(MAX_DRAWS):
            number = numbers[random_state.randint(len(numbers))]
            region = regions[number]
            (candidate,) = ParameterSampler(region, 1, random_state=random_state)
            key = (number, *(_key(region[n], v) for n, v in sorted(candidate.items())))
            if key not in self._drawn:
                self._drawn.add(key)
                self._origins.append(number)
                return candidate
        return None

    def narrow(self, ranking, params, factor):
        """Make a part of the best candidate's space the region of the next round.

        Parameters
        ----------
        ranking : list of int
            Numbers of candidates, the best first.
        params : list of dict
            Of all candidates.
        factor : float
            How wide it is, as a share of the region now.
        """
        number = self._origins[ranking[0]]
        same_space = [i for i in ranking if self._origins[i] == number]
        best = [params[i] for i in same_space[:N_BEST]]
        self.current = {
            number: {
                name: _narrowed(
                    self._searched(number)[name],
                    [candidate[name] for candidate in best],
                    factor,
                    self.spaces[number][name],
                )
                for name in best[0]
            }
        }

    def shown(self):
        """The region: dict of parameter -> Distribution, or one for each space."""
        regions = list(self.current.values())
        return regions[0] if len(regions) == 1 else regions

    def _searched(self, number):
        # A space that is not the round's own can be drawn from where that is exhausted.
        return self.current.get(number, self._whole[number])

    def boundaries(self, best_index, best_params):
        """The best's parameters at an edge of the range given, or beyond: name -> side."""
        space = self.spaces[self._origins[best_index]]
        sides = {name: space[name].edge(value) for name, value in best_params.items()}
        return {name: side for name, side in sides.items() if side}

    def room_beyond(self, best_index, name, value):
        """Whether hard limits leave room past the edge of the range that `value` is at.

        Returns
        -------
        of_range, of_region : bool
            Past the edge of the range given; and past what has been searched. They differ
            where the region goes on beyond the range, and `value` is inside.
        """
        number = self._origins[best_index]
        space, region = self.spaces[number][name], self._searched(number)[name]
        of_range, side = space._can_pass(value), space.edge(value)
        if not region._goes_past(space, side):
            return of_range, of_range
        return of_range, region.edge(value) == side and region._can_pass(value)

    def given(self, best_index, name):
        """The distribution of a parameter in the best candidate's space."""
        return self.spaces[self._origins[best_index]][name]


def _narrowed(region, values, factor, given):
    """The next region of a parameter whose best values these are, the very best first."""
    best = values[0]
    if given.edge(best) is None:
        narrowed = region.narrow(region._middle(values, factor), factor, within=given)
        if best in narrowed:  # else rounding to integers has moved it out
            return narrowed
    return region.narrow(best, factor, within=given)


def checked_spaces(param_distributions):
    """The dicts of a search space, list of dict, if it is one.

    An empty dict is a space too, with the estimator itself as its only candidate.
    """
    spaces = ParameterSampler(param_distributions, 1).param_distributions
    if not spaces:
        raise ValueError(
            f"`param_distributions` must have one dict at least, got {spaces!r}."
        )
    for space in spaces:
        for name, value in space.items():
            if not hasattr(value, "rvs"):
                _read(value, name)
    return spaces


def _read(value, name):
    try:
        return as_distribution(value)
    except (TypeError, ValueError) as error:
        raise type(error)(f"`param_distributions[{name!r}]`: {error}") from error


def _key(distribution, value):
    """Something hashable that tells values of a parameter apart."""
    return distribution.to_scale(value) if isinstance(distribution, Choice) else value


def with_hard_limits(distribution, name, estimator):
    """The distribution of the parameter `name` with all limits that are known.

    These are the distribution's own; the ends of the interval that the estimator allows,
    in scikit-learn's ``_parameter_constraints``; and 0 for a range that begins at or above
    it where neither says anything.
    """
    if not isinstance(distribution, Range):
        return distribution
    interval = _find_interval(distribution, name, estimator)
    if interval is not None:
        return distribution._with_limits(
            *_closed_ends(interval, isinstance(distribution, IntRange))
        )
    own = (distribution.limits or (None, None))[0]
    floor = 0 if own is None and distribution.low >= 0 else None
    return distribution._with_limits(floor, None)


def _find_interval(distribution, name, estimator):
    """The interval that the nested estimator gives the parameter, or None.

    Of several, say integers and shares, that which the range lies in.
    """
    path, _, parameter = name.rpartition("__")
    owner = estimator.get_params(deep=True).get(path) if path else estimator
    constraints = getattr(owner, "_parameter_constraints", {}).get(parameter, ())
    ends = (distribution.low, distribution.high)
    for constraint in constraints if isinstance(constraints, list) else ():
        if isinstance(constraint, Interval) and all(
            constraint.is_satisfied_by(end) for end in ends
        ):
            return constraint
    return None


def _closed_ends(interval, integers):
    """Smallest and largest number in the interval; None where there is none."""
    low, high = interval.left, interval.right
    if low is not None:
        low = _inner(low, interval.closed in ("left", "both"), 1, integers)
    if high is not None:
        high = _inner(high, interval.closed in ("right", "both"), -1, integers)
    return low, high


def _inner(end, closed, direction, integers):
    """`end`, or where it is open the number next to it on the inner side."""
    if not integers:
        return float(end) if closed else math.nextafter(end, direction * math.inf)
    if math.isinf(end):
        return None
    nearest = math.ceil(end) if direction > 0 else math.floor(end)
    return nearest if closed or nearest != end else nearest + direction
