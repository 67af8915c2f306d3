"""Best so far against what was spent: step functions, and their mean over seeds."""

import numpy as np

ROUNDING = 1e-9  # of means


def step(spent, values, at):
    """The last of `values` whose `spent` is at most `at`; NaN before the first."""
    rows = np.searchsorted(spent, at, side="right") - 1
    return np.where(rows < 0, np.nan, np.asarray(values, dtype=float)[rows])


def over_seeds(runs, axis, values, at=None):
    """All runs' step functions, side by side.

    Parameters
    ----------
    runs : list of dict
        Of one data set and one method.
    axis : {"epochs", "seconds"}
    values : {"scores", "tests"}
    at : array of shape (n_points,), optional
        Without it, wherever one of them changes.

    Returns
    -------
    at : array of shape (n_points,)
    curves : array of shape (n_runs, n_points)
    """
    if at is None:
        at = np.unique(np.concatenate([run[axis] for run in runs]))
    return at, np.array([step(run[axis], run[values], at) for run in runs])


def epochs_to_reach(runs, target, values):
    """When the mean over seeds first is as good as `target`; infinity where never."""
    at, curves = over_seeds(runs, "epochs", values)
    reached = curves.mean(axis=0) >= target - ROUNDING  # False before all have one
    return float(at[np.argmax(reached)]) if reached.any() else float("inf")
