"""What a diagnosis looks at: the network inside an estimator, and the rows that reach it.

Leaves alone what it is given: everything happens on clones.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.compose import TransformedTargetRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MaxAbsScaler, StandardScaler
from sklearn.utils import _safe_indexing, indexable
from sklearn.utils.validation import _num_samples

from ._by_epochs import find_learner

# Parameters under which the loss is that of the data alone.
UNREGULARIZED = {
    "alpha": 0.0,
    "weight_decay": 0.0,
    "dropout": 0.0,
    "input_dropout": 0.0,
    "dropconnect": 0.0,
    "augment": None,
    "average_weights": None,
    "clip_norm": None,
    "early_stopping": False,
    "warm_start": False,
    "verbose": False,
}


@dataclass(frozen=True)
class Problem:
    """A network, not fitted, and the data that its fit would be given."""

    network: object
    X: object
    y: object
    sample_weight: object = None
    held_out: tuple = (None, None, None)  # X_val, y_val, sample_weight_val
    prefix: str = ""  # of the network's parameters
    names: tuple | None = None  # of X's columns, where they have names
    scales_targets: bool = False  # whether a TransformedTargetRegressor stands round it

    @property
    def n_rows(self):
        return _num_samples(self.X)

    @property
    def classifies(self):
        return is_classifier(self.network)

    def taking(self, rows):
        """The problem of some of the training rows."""
        weights = self.sample_weight
        return replace(
            self,
            X=_safe_indexing(self.X, rows),
            y=_safe_indexing(self.y, rows),
            sample_weight=None if weights is None else np.asarray(weights)[rows],
        )

    def weighing(self, sample_weight):
        return replace(self, sample_weight=sample_weight)

    def with_rows(self, X, y):
        """The problem of other numbers in the same rows."""
        return replace(self, X=X, y=y)

    def setting(self, **params):
        """The problem of the network with other parameters."""
        return replace(self, network=clone(self.network).set_params(**params))

    def unregularized(self):
        params = dict(UNREGULARIZED)
        if self.classifies:
            params["label_smoothing"] = 0.0
        return self.setting(**params)

    def column(self, index):
        """What a column is called."""
        return repr(self.names[index]) if self.names else f"number {index}"


def find_problem(estimator, X, y, sample_weight=None, held_out=(None, None, None)):
    """The `Problem` of an estimator: steps before its network are fitted on X and y.

    Raises
    ------
    TypeError
        For an estimator that has none of caviar's networks.
    """
    learner, prefix = find_learner(estimator)
    if not hasattr(type(learner), "_fit_until"):  # which only caviar's networks have
        raise TypeError(
            "`estimator` must be a caviar MLPClassifier or MLPRegressor, or a pipeline or "
            "a TransformedTargetRegressor round one, got "
            f"{type(learner).__name__}."
        )
    X = X if hasattr(X, "shape") else np.asarray(X)
    X, y, sample_weight = indexable(X, y, sample_weight)
    names = _names_of(X)
    if prefix:
        recorder = _Recorder()
        around = clone(estimator).set_params(**{prefix.removesuffix("__"): recorder})
        around.fit(X, y)
        X_val, y_val, weights_val = held_out
        if X_val is not None:
            held_out = (*_transformed(around, X_val, y_val), weights_val)
        X, y = recorder.X, recorder.y
        # Of columns without names the steps make up some, x0 and so on.
        names = _names_of(X) or (names and _names_behind(around))
    return Problem(
        clone(learner),
        X,
        y,
        sample_weight,
        held_out,
        prefix,
        names,
        "regressor__" in prefix,
    )


class _Recorder(BaseEstimator):
    """Stands in the network's place, and keeps what its fit is given."""

    def __sklearn_clone__(self):
        return self

    def fit(self, X, y):
        self.X, self.y = X, y
        return self

    def predict(self, X):
        raise NotImplementedError("It has learnt nothing.")


def _transformed(estimator, X, y):
    """Rows and targets as they reach the network, without fitting."""
    if isinstance(estimator, Pipeline):
        before = estimator[:-1]
        X = before.transform(X) if before.steps else X
        return _transformed(estimator.steps[-1][1], X, y)
    if isinstance(estimator, TransformedTargetRegressor):
        y = np.asarray(y)
        flat = y.ndim == 1
        y = estimator.transformer_.transform(y.reshape(-1, 1) if flat else y)
        y = y.ravel() if flat and y.ndim == 2 and y.shape[1] == 1 else y
        return _transformed(estimator.regressor_, X, y)
    return X, y


def _names_of(X):
    columns = getattr(X, "columns", None)
    return None if columns is None else tuple(str(name) for name in columns)


def _names_behind(estimator):
    """Names of what a fitted pipeline makes of its columns, if its steps can tell."""
    if isinstance(estimator, TransformedTargetRegressor):
        return _names_behind(estimator.regressor_)
    if not isinstance(estimator, Pipeline) or not hasattr(
        estimator[:-1], "get_feature_names_out"
    ):
        return None
    try:
        return tuple(estimator[:-1].get_feature_names_out())
    except (AttributeError, ValueError):  # a step that has no names to give
        return None


def standardized(X):
    """Columns of standard deviation 1, and of mean 0 where X is dense.

    First divided by their greatest: the square of a large number may be no number.
    """
    X = X if issparse(X) else np.asarray(X, dtype=np.float64)
    X = MaxAbsScaler().fit_transform(X)
    return StandardScaler(with_mean=not issparse(X)).fit_transform(X)


def dense_columns(X):
    """X as a dense float64 array, whatever table it was."""
    X = X.toarray() if issparse(X) else np.asarray(X)
    return X.astype(np.float64)
