"""Fits that end when their epochs do, which is no news here.

Must not import numpy, or anything that loads it, before ``machine.pin``.
"""

import warnings


def quiet_fit(estimator, X, y):
    """Fit without the warning that training did not converge."""
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return estimator.fit(X, y)
