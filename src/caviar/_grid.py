"""Every candidate of a grid, in one round: scikit-learn's GridSearchCV with a journal and
a time budget. The command line's; `GridSearchCV` does for all who need neither.
"""

import numpy as np
from sklearn.model_selection import ParameterGrid

from ._callbacks import subtask
from ._search import BaseSearch


class GridSearch(BaseSearch):
    """Evaluates all combinations of lists, in the order of `ParameterGrid`.

    Parameters
    ----------
    estimator : estimator
    param_distributions : dict of str to list
        The values of each parameter.
    scoring, n_jobs, refit, cv, ... : as of `caviar.model_selection`'s searches

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from caviar import MLPClassifier
    >>> from caviar._grid import GridSearch
    >>> grid = {"alpha": [0.0, 0.1], "learning_rate_init": [0.001, 0.1]}
    >>> network = MLPClassifier(max_iter=5, tol=0, random_state=0)
    >>> search = GridSearch(network, grid, cv=2).fit(*load_iris(return_X_y=True))
    >>> len(search.cv_results_["params"]), search.best_params_["learning_rate_init"]
    (4, 0.1)
    """

    def __init__(
        self,
        estimator,
        param_distributions,
        *,
        scoring=None,
        n_jobs=None,
        refit=True,
        cv=None,
        verbose=0,
        pre_dispatch="2*n_jobs",
        random_state=None,
        error_score=np.nan,
        return_train_score=False,
        time_budget=None,
        journal=None,
    ):
        super().__init__(locals())

    def _run_search(self, evaluate_candidates, *, callback_ctx=None):
        candidates = list(ParameterGrid(self.param_distributions))
        n_fits = len(candidates) * self.n_splits_
        with subtask(callback_ctx, "search", n_fits, self, False) as search_ctx:
            evaluate_candidates(candidates, callback_ctx=search_ctx)
