"""The scores of a search, as SearchDisplay draws them: which compare, and which is best.

Plain arrays; knows nothing of matplotlib.
"""

from dataclasses import dataclass

import numpy as np

from ._plot_style import lower_limit

MAX_LEGEND_LEVELS = 6


@dataclass
class Scores:
    """Of each candidate, in the order of the results.

    Attributes
    ----------
    metric : str
    values : ndarray of shape (n_candidates,)
        Mean test scores; NaN or infinite for failed fits.
    spread : ndarray of shape (n_candidates,)
        Their standard deviations over the splits; NaN where they are not known.
    level_name : {'epochs', 'n_resources', 'round', ''}
    levels : ndarray of shape (n_levels,)
        What candidates are coloured by, increasing; empty without levels.
    level : ndarray of shape (n_candidates,), int
        Number of each candidate's level.
    best : int or None
    bottom : float
        Scores below it are not on the axes.
    """

    metric: str
    values: np.ndarray
    spread: np.ndarray
    level_name: str
    levels: np.ndarray
    level: np.ndarray
    best: int | None = None
    bottom: float = -np.inf

    @classmethod
    def read(cls, results, metric, best):
        """Of ``cv_results_``; with None the first metric, and the best by its score."""
        if not len(results.get("params", ())):
            nothing = np.array([])
            return cls("score", nothing, nothing, "", nothing, nothing)
        metric = _checked_metric(results, metric)
        values = numbers(results[f"mean_test_{metric}"])
        spread = results.get(f"std_test_{metric}")
        spread = np.full(len(values), np.nan) if spread is None else numbers(spread)
        scores = cls(metric, values, spread, *_levels(results))
        if scores.finite.any():
            scores.best = scores._find_best() if best is None else int(best)
            scores.bottom = lower_limit(values[scores.finite])
        return scores

    def __len__(self):
        return len(self.values)

    @property
    def finite(self):
        return np.isfinite(self.values)

    @property
    def by_resources(self):
        """Whether candidates of different levels were trained differently hard."""
        return self.level_name in ("epochs", "n_resources")

    @property
    def comparable(self):
        """Those with a score that were trained as hard as any."""
        last = self.finite & (self.level == len(self.levels) - 1)
        return last if self.by_resources and last.any() else self.finite

    @property
    def below(self):
        return self.finite & (self.values < self.bottom)

    @property
    def on_axes(self):
        return self.finite & (self.values >= self.bottom)

    def limits(self):
        """Of the vertical axis, with room for what is marked at its lower edge."""
        shown = self.values[self.on_axes]
        if not len(shown):
            return 0.0, 1.0
        low, high = shown.min(), shown.max()
        span = high - low or 0.1 * max(abs(high), 1e-3)
        room = 0.06 if self.on_axes.all() else 0.14
        # A spread larger than the differences would hide them: it may leave the axes.
        above = max(0.08 * span, min(1.1 * self.spread_of_best(), 0.4 * span))
        return low - room * span, high + above

    def spread_of_best(self):
        """Its standard deviation over the splits; 0 where that is not known."""
        return float(np.nan_to_num(self.spread[self.best]))

    def level_label(self, number):
        """For the legend; None for one of many that is left out of it."""
        n_levels = len(self.levels)
        if n_levels == 0:
            return None
        named = np.linspace(0, n_levels - 1, min(n_levels, MAX_LEGEND_LEVELS))
        if number not in np.rint(named):
            return None
        if self.level_name == "round":
            return f"round {self.levels[number] + 1:.0f}"
        unit = "epoch" if self.level_name == "epochs" else "resource"
        amount = self.levels[number]
        return f"{amount:g} {unit}" + ("" if amount == 1 else "s")

    def _find_best(self):
        return int(np.argmax(np.where(self.comparable, self.values, -np.inf)))


def numbers(values):
    """float64; None is NaN."""
    return np.array(values, dtype=np.float64)


def _checked_metric(results, metric):
    prefix = "mean_test_"
    names = [n.removeprefix(prefix) for n in results if n.startswith(prefix)]
    if not names or (metric is not None and metric not in names):
        raise ValueError(f"`metric` must be one of {names}, got {metric!r}.")
    return names[0] if metric is None else metric


def _levels(results):
    """Name, values, and each candidate's number, of what candidates are coloured by."""
    for name in ("epochs", "n_resources", "round"):
        if name in results:
            levels, level = np.unique(numbers(results[name]), return_inverse=True)
            if len(levels) > 1:
                return name, levels, level
    return "", np.array([]), np.zeros(len(results["params"]), dtype=int)
