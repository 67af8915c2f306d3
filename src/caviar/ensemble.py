"""Ensembles: several models, whose predictions are averaged.

Owns where the models come from: other seeds, one training's snapshots, a search. Trains
through the public methods of the estimators only.
"""

import copy
import warnings
from numbers import Integral

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.ensemble._base import _set_random_states
from sklearn.exceptions import ConvergenceWarning
from sklearn.frozen import FrozenEstimator
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval
from sklearn.utils.parallel import Parallel, delayed

from ._averaging import (
    AverageClassifier,
    AverageRegressor,
    AveragingClassifier,
    AveragingRegressor,
    TrainedAverage,
)
from ._search_results import rank_models, score_weights, take_best
from .neural_network import MLPClassifier, MLPRegressor

__all__ = [
    "AveragingClassifier",
    "AveragingRegressor",
    "SeedEnsembleClassifier",
    "SeedEnsembleRegressor",
    "SnapshotEnsembleClassifier",
    "SnapshotEnsembleRegressor",
    "ensemble_from_search",
]


def _fit(estimator, X, y, metadata):
    return estimator.fit(X, y, **metadata)


_ATTRIBUTES = """Attributes
    ----------
    estimators_ : list of estimators
        The fitted members.

    weights_ : ndarray of shape (n_members,)
        What each counts in the average; the sum is 1.

    classes_ : ndarray of shape (n_classes,)
        The classes (classifiers only).

    n_features_in_, feature_names_in_ : int, ndarray of shape (`n_features_in_`,)
        Number of features seen by fit, and their names if X had any, as in the members.
    """

_SEEDS = f"""Average of %(kind)ss trained from different initial weights.

    Each member is the same model with random states of its own, so with other initial
    weights, shuffles and splits; the prediction is ``1 / M sum_m f_m(x)`` [1]_, of
    %(values)s [2]_. What the members err in differently cancels out, what all of them
    err in stays. Costs M trainings. Use it where networks of different seeds disagree;
    try 5 members first, beyond 10 little is gained.

    Parameters
    ----------
    estimator : estimator, default=None
        The %(kind)s: a network, a pipeline or a search that has one, or any other model
        with a `random_state`. None is ``MLP%(Kind)s()``.

    n_estimators : int, default=5
        Number of members M.

    n_jobs : int, default=None
        Members trained at once, in threads unless joblib's backend is set otherwise: the
        training loop holds no lock. None is 1, -1 all processors.

    random_state : int, RandomState instance, default=None
        Draws the members' random states, as scikit-learn's forests do: every parameter
        `random_state`, nested ones too. Those of `estimator` itself are not used.

    {_ATTRIBUTES}
    References
    ----------
    .. [1] Hansen and Salamon, "Neural network ensembles", IEEE Transactions on Pattern
       Analysis and Machine Intelligence 12(10), 1990.
    .. [2] Lakshminarayanan, Pritzel and Blundell, "Simple and scalable predictive
       uncertainty estimation using deep ensembles", NeurIPS 2017, section 2.4.

    Examples
    --------
    >>> from sklearn.datasets import load_%(data)s
    >>> from caviar import MLP%(Kind)s
    >>> from caviar.ensemble import SeedEnsemble%(Kind)s
    >>> X, y = load_%(data)s(return_X_y=True)
    >>> network = MLP%(Kind)s(max_iter=20, learning_rate_init=0.01)
    >>> ensemble = SeedEnsemble%(Kind)s(network, n_estimators=3, random_state=0)
    >>> ensemble.fit(X, y).%(method)s(X[:2]).shape
    %(shape)s
    """

_CLASSIFIER = {
    "kind": "classifier",
    "Kind": "Classifier",
    "values": "probabilities",
    "data": "iris",
    "method": "predict_proba",
    "shape": "(2, 3)",
}
_REGRESSOR = {
    "kind": "regressor",
    "Kind": "Regressor",
    "values": "predicted values",
    "data": "diabetes",
    "method": "predict",
    "shape": "(2,)",
}


class _Seeds(TrainedAverage):
    _parameter_constraints: dict = {
        **TrainedAverage._parameter_constraints,
        "n_estimators": [Interval(Integral, 1, None, closed="left")],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self, estimator=None, n_estimators=5, *, n_jobs=None, random_state=None
    ):
        self.estimator = estimator
        self.n_estimators = n_estimators
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _check_member(self, estimator):
        super()._check_member(estimator)
        if not any(name.endswith("random_state") for name in estimator.get_params()):
            raise ValueError(
                "`estimator` must have a random_state, or all members would be the same, "
                f"got {estimator!r}."
            )

    def _train(self, estimator, X, y, metadata):
        random_state = check_random_state(self.random_state)
        members = [clone(estimator) for _ in range(self.n_estimators)]
        for member in members:
            _set_random_states(member, random_state)
        return Parallel(n_jobs=self.n_jobs, prefer="threads")(
            delayed(_fit)(member, X, y, metadata) for member in members
        )


class SeedEnsembleClassifier(AverageClassifier, _Seeds):
    __doc__ = _SEEDS % _CLASSIFIER
    _default = MLPClassifier


class SeedEnsembleRegressor(AverageRegressor, _Seeds):
    __doc__ = _SEEDS % _REGRESSOR
    _default = MLPRegressor


_SNAPSHOTS = f"""Average of snapshots of one training of a network.

    The `max_iter` epochs of `estimator` are divided into `n_snapshots` cycles. In each the
    learning rate falls along a cosine, ``learning_rate_init / 2 (1 + cos(pi t / T))``
    after t of the cycle's T epochs (evaluated per step), and jumps back up; the network
    settles into a minimum, is copied, and leaves for another one [1]_, equations 1 and 2.
    Predicts the average of %(values)s. Costs one training; use it where training is what
    is expensive. Try 5 cycles of at least 10 epochs and 10 times the `learning_rate_init`
    that is best for a constant rate first: the jump is what makes snapshots differ, and
    a cycle too short or too slow to converge makes them bad.

    Parameters
    ----------
    estimator : MLP%(Kind)s, default=None
        The network, with one of the stochastic solvers and without `early_stopping`,
        which would keep other weights than those at the end of a cycle. Its
        `learning_rate`, `warm_start`, `tol` and `n_iter_no_change` are not used: every
        cycle is trained to its end. Optimizers begin each cycle with empty moments.
        None is ``MLP%(Kind)s()``. To scale X, put the ensemble into a pipeline.

    n_snapshots : int, default=5
        Number of cycles. Where it does not divide `max_iter`, the first cycles are one
        epoch longer.

    keep : int, default=None
        How many snapshots to average: the last ones, which are the best. None is all.

    random_state : int, RandomState instance, default=None
        Draws the network's random state, which then goes on from cycle to cycle: initial
        weights, shuffles, dropout. That of `estimator` is not used.

    {_ATTRIBUTES}
    References
    ----------
    .. [1] Huang, Li, Pleiss, Liu, Hopcroft and Weinberger, "Snapshot ensembles: train 1,
       get M for free", ICLR 2017.

    Examples
    --------
    >>> from sklearn.datasets import load_%(data)s
    >>> from caviar import MLP%(Kind)s
    >>> from caviar.ensemble import SnapshotEnsemble%(Kind)s
    >>> X, y = load_%(data)s(return_X_y=True)
    >>> network = MLP%(Kind)s(max_iter=50, learning_rate_init=0.01)
    >>> ensemble = SnapshotEnsemble%(Kind)s(network, keep=3, random_state=0)
    >>> ensemble.fit(X, y).%(method)s(X[:2]).shape
    %(shape)s
    """


class _Snapshots(TrainedAverage):
    _parameter_constraints: dict = {
        **TrainedAverage._parameter_constraints,
        "n_snapshots": [Interval(Integral, 1, None, closed="left")],
        "keep": [Interval(Integral, 1, None, closed="left"), None],
    }

    def __init__(self, estimator=None, n_snapshots=5, *, keep=None, random_state=None):
        self.estimator = estimator
        self.n_snapshots = n_snapshots
        self.keep = keep
        self.random_state = random_state

    def _check_member(self, estimator):
        super()._check_member(estimator)
        if not isinstance(estimator, MLPClassifier | MLPRegressor):
            raise ValueError(
                "`estimator` must be a network of caviar, whose training can go on, got "
                f"{estimator!r}. Put the ensemble into a pipeline, not the other way."
            )
        if estimator.solver == "lbfgs" or estimator.early_stopping:
            raise ValueError(
                "`estimator` must have a stochastic solver and early_stopping=False, so "
                "that a snapshot is what the end of a cycle is, got "
                f"solver={estimator.solver!r}, "
                f"early_stopping={estimator.early_stopping!r}."
            )
        n_epochs, n_snapshots = estimator.max_iter, self.n_snapshots
        if not isinstance(n_epochs, Integral) or n_epochs < n_snapshots:
            raise ValueError(
                "`max_iter` of `estimator` must be an integer of at least n_snapshots="
                f"{n_snapshots}, got {n_epochs!r}."
            )
        if self.keep is not None and self.keep > n_snapshots:
            raise ValueError(
                f"`keep` must be an integer in [1, n_snapshots={n_snapshots}], got "
                f"{self.keep}."
            )

    def _train(self, estimator, X, y, metadata):
        n_cycles, n_epochs = self.n_snapshots, estimator.max_iter
        _set_random_states(estimator, check_random_state(self.random_state))
        seed = estimator.random_state
        estimator.set_params(
            warm_start=True,
            learning_rate="cosine",
            tol=0.0,
            n_iter_no_change=np.inf,
            random_state=np.random.RandomState(seed),
        )
        snapshots = []
        for cycle in range(n_cycles):
            estimator.set_params(max_iter=(n_epochs + n_cycles - 1 - cycle) // n_cycles)
            with warnings.catch_warnings():
                # Each cycle ends before convergence on purpose.
                message = "Stochastic Optimizer: Maximum iterations"
                warnings.filterwarnings("ignore", message, ConvergenceWarning)
                estimator.fit(X, y, **metadata)
            if cycle >= n_cycles - (self.keep or n_cycles):
                snapshots.append(copy.deepcopy(estimator))
        return [snapshot.set_params(random_state=seed) for snapshot in snapshots]


class SnapshotEnsembleClassifier(AverageClassifier, _Snapshots):
    __doc__ = _SNAPSHOTS % _CLASSIFIER
    _default = MLPClassifier


class SnapshotEnsembleRegressor(AverageRegressor, _Snapshots):
    __doc__ = _SNAPSHOTS % _REGRESSOR
    _default = MLPRegressor


def ensemble_from_search(
    search, k=5, X=None, y=None, *, weights=None, metric=None, n_jobs=None, **metadata
):
    """Average of the k best models of a search.

    Models that have already been fitted are taken as they are and not fitted again. A
    search of scikit-learn keeps a single one, its `best_estimator_`: the other k - 1
    settings are fitted once, on the `X` and `y` given here. Use it after any search, whose
    best models are often as good as each other and err in different rows; try k = 5
    first. Averaging models of a search was proposed by Caruana et al. [1]_.

    Parameters
    ----------
    search : fitted search, dict, or list of fitted estimators
        - GridSearchCV, RandomizedSearchCV, HalvingGridSearchCV, HalvingRandomSearchCV or
          another search with `cv_results_`. After successive halving the candidates of
          later rounds come first, and all are fitted with the `resource` of the last
          round.
        - What ``cross_validate(..., return_estimator=True)`` returned: the models of the
          folds, each scored on its own fold. Nothing is fitted.
        - Fitted estimators, best first. Nothing is fitted.

    k : int or None, default=5
        Number of members; None is all there are. Candidates without a finite score, and
        repetitions of a setting, do not count. Of equal scores the earlier comes first.

    X, y : array-like, default=None
        The data of the search; needed if a model has yet to be fitted.

    weights : None, 'score' or array-like of shape (k,), default=None
        What each member counts, best first. None is all the same; 'score' is in
        proportion to the score in the search, which must be positive.

    metric : str, default=None
        Which of several metrics ranks the candidates. None is the one that `refit` names.

    n_jobs : int, default=None
        Models fitted at once, in threads unless joblib's backend is set otherwise.

    **metadata : dict
        Passed to each fit, such as ``sample_weight=...``.

    Returns
    -------
    ensemble : AveragingClassifier or AveragingRegressor
        Fitted. Its `estimators_` are in the order of the ranking.

    Raises
    ------
    ValueError
        For another kind of `search`, for a k, metric or weights that do not fit it, and
        where X and y are needed and missing.

    References
    ----------
    .. [1] Caruana, Niculescu-Mizil, Crew and Ksikes, "Ensemble selection from libraries of
       models", ICML 2004.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.model_selection import GridSearchCV
    >>> from caviar import MLPClassifier
    >>> from caviar.ensemble import ensemble_from_search
    >>> X, y = load_iris(return_X_y=True)
    >>> network = MLPClassifier(max_iter=20, learning_rate_init=0.01, random_state=0)
    >>> search = GridSearchCV(network, {"alpha": [0.01, 0.1, 1.0]}, cv=3).fit(X, y)
    >>> ensemble = ensemble_from_search(search, 2, X, y)
    >>> ensemble.estimators_[0] is search.best_estimator_
    True
    >>> ensemble.predict_proba(X[:4]).shape
    (4, 3)
    """
    ranking = take_best(rank_models(search, metric), k)
    missing = [model for model, _, fitted in ranking if not fitted]
    if missing and (X is None or y is None):
        raise ValueError(
            f"{len(missing)} of the {len(ranking)} models must be fitted, since the search "
            "did not keep them: pass its `X` and `y`, got None."
        )
    if isinstance(weights, str):
        weights = score_weights(weights, [score for _, score, _ in ranking])
    fitted = iter(
        Parallel(n_jobs=n_jobs, prefer="threads")(
            delayed(_fit)(model, X, y, metadata) for model in missing
        )
    )
    models = [model if done else next(fitted) for model, _, done in ranking]
    average = AveragingClassifier if is_classifier(models[0]) else AveragingRegressor
    return average([FrozenEstimator(m) for m in models], weights=weights).fit()
