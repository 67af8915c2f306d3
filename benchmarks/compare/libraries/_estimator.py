"""What caviar's and scikit-learn's classifier share: the same class, twice."""

import numpy as np

from ..fits import quiet_fit
from . import clock


def prepare(classifier, problem, X, y, **params):
    """Return ``run``: a fit of 1 + n epochs less a fit of 1.

    The difference leaves out validation and initialization, which the others do in
    their ``prepare``.
    """

    def fit(max_iter):
        mlp = classifier(
            problem.hidden,
            batch_size=problem.batch_size,
            max_iter=max_iter,
            alpha=0.0,
            tol=0.0,
            n_iter_no_change=np.inf,
            random_state=0,
            **params,
        )
        start = clock()
        quiet_fit(mlp, X, y)
        seconds = clock() - start
        assert mlp.n_iter_ == max_iter, "stopped early: the times would be wrong"
        return seconds

    def run(n_epochs):
        short = fit(1)
        return fit(1 + n_epochs) - short

    return run
