"""Training any estimator epoch by epoch, so that it can stop, be pickled and go on.

What learns may be the last step of a pipeline or the regressor of a
TransformedTargetRegressor; what stands before it is fitted once.
"""

import pickle
from contextlib import contextmanager
from dataclasses import dataclass

import joblib
import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin, clone, is_classifier
from sklearn.compose import TransformedTargetRegressor
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import Pipeline
from sklearn.utils.metadata_routing import _routing_enabled, get_routing_for_object
from sklearn.utils.multiclass import type_of_target, unique_labels

from ._callbacks import propagated


def find_learner(estimator):
    """The part that learns, and the prefix of its parameters."""
    if isinstance(estimator, Pipeline):
        name, step = estimator.steps[-1]
        learner, prefix = find_learner(step)
        return learner, f"{name}__{prefix}"
    if isinstance(estimator, TransformedTargetRegressor):
        learner, prefix = find_learner(estimator.regressor)
        return learner, f"regressor__{prefix}"
    return estimator, ""


def check_learner(estimator, caller, searched=()):
    """Refuse what cannot be trained by epochs.

    ``searched`` has the names of the parameters that are set before: with the last step
    of a pipeline among them, its values show at their first epoch whether they can.
    """
    learner, prefix = find_learner(estimator)
    if prefix and prefix.removesuffix("__") in searched:
        return
    if not hasattr(learner, "partial_fit"):
        raise ValueError(
            f"`estimator` must have partial_fit, or be a pipeline or a "
            f"TransformedTargetRegressor around one that has, as {caller} trains by "
            f"epochs; got {estimator!r}. CoarseToFineSearchCV takes any estimator."
        )


@dataclass
class Preparation:
    """The fitted steps of a pipeline before its last, for one split."""

    steps: list
    # Training rows behind them; None where transform gives the same.
    rows: object | None

    def training_rows(self, X):
        if self.rows is not None:
            return self.rows
        for _, step in self.steps:
            if step not in (None, "passthrough"):
                X = step.transform(X)
        return X

    def __sizeof__(self):  # what Dask goes by: more than a kilobyte is sent once
        return object.__sizeof__(self) + getattr(self.rows, "nbytes", 2**20)


def prepare(pipeline, X, y, params, keep_rows=True):
    """Fit all steps but the last.

    Without `keep_rows` the transformed rows are kept only where they are not what
    transform makes of X again: TargetEncoder, for one, cross-fits its training rows.
    """
    before = pipeline[:-1]
    if not before.steps:
        return Preparation([], X)
    if _routing_enabled():
        routing = get_routing_for_object(before)
        wanted = routing.consumes("fit_transform", params)
    else:
        names = [name for name, _ in before.steps]
        wanted = [key for key in params if key.split("__")[0] in names]
    params = {key: params[key] for key in wanted}
    rows = before.fit_transform(X, y, **params)
    preparation = Preparation(before.steps, rows)
    if not keep_rows:
        again = Preparation(before.steps, None).training_rows(X)
        if joblib.hash(again) == joblib.hash(rows):
            preparation.rows = None
    return preparation


class ByEpochs:
    """Stands in for the `fit` of an estimator: trains it until an epoch.

    Parameters
    ----------
    n_epochs : int
        How many epochs are to be done in all.
    max_iter : int
        The most that there can be: the length of the schedules of caviar's networks.
    state : bytes or None
        What `state` returned for fewer epochs.
    preparation : Preparation or None
        Of a pipeline.
    """

    def __init__(self, n_epochs, max_iter, state=None, preparation=None):
        self.n_epochs, self.max_iter = n_epochs, max_iter
        self._preparation = preparation
        self._saved, self._course, self.n_done = None, None, 0
        if state is not None:
            self._saved, self._course, self.n_done = pickle.loads(state)
        self._learner = None

    @contextmanager
    def replacing_fit(self, estimator):
        """Within it, ``estimator.fit(X, y, **params)`` trains by epochs."""

        def fit(X, y=None, **params):
            del estimator.fit  # which partial_fit may call
            return self.train(estimator, X, y, params)

        estimator.fit = fit
        try:
            yield
        finally:
            vars(estimator).pop("fit", None)

    def state(self):
        """All that going on takes, but the data and the preparation.

        Takes the callbacks off what was trained: they are the search's.
        """
        for name in [name for name in vars(self._learner) if "callback" in name]:
            delattr(self._learner, name)
        if self._course is not None:  # which says all
            return pickle.dumps((None, self._course, self.n_done), protocol=5)
        # Not the learner itself: a class of a notebook or a function cannot be pickled.
        learner, attributes = self._learner, vars(self._learner)
        if isinstance(learner, BaseEstimator):
            attributes = learner.__getstate__()
        try:
            return pickle.dumps((attributes, None, self.n_done), protocol=5)
        except (pickle.PicklingError, AttributeError):
            # Such a function may be a parameter, which the clone that goes on has anyway.
            names = learner.get_params(deep=False)
            attributes = {k: v for k, v in attributes.items() if k not in names}
            return pickle.dumps((attributes, None, self.n_done), protocol=5)

    def train(self, estimator, X, y, params):
        if isinstance(estimator, Pipeline):
            self._train_pipeline(estimator, X, y, params)
        elif isinstance(estimator, TransformedTargetRegressor):
            self._train_on_transformed_targets(estimator, X, y, params)
        else:
            self._train_learner(estimator, X, y, params)
        return estimator

    def _train_pipeline(self, pipeline, X, y, params):
        name, last = pipeline.steps[-1]
        routed = pipeline._check_method_params("fit", props=params)
        preparation = self._preparation or prepare(pipeline, X, y, params)
        self._preparation = None  # of the outermost pipeline
        pipeline.steps = [*preparation.steps, (name, last)]
        with propagated(pipeline, last, f"fit-{name}"):
            self.train(last, preparation.training_rows(X), y, routed[name]["fit"])

    def _train_on_transformed_targets(self, estimator, X, y, params):
        regressor = estimator.regressor
        stand_in = _StandIn(self, clone(regressor))
        estimator.regressor = stand_in
        try:
            estimator.fit(X, y, **params)
        finally:
            estimator.regressor = regressor
        estimator.regressor_ = stand_in.regressor

    def _train_learner(self, learner, X, y, params):
        self._learner = learner
        if self._saved is not None:
            if isinstance(learner, BaseEstimator):
                learner.__setstate__(self._saved)
            else:
                vars(learner).update(self._saved)
        if hasattr(learner, "_fit_until"):
            learner.set_params(max_iter=self.max_iter)
            self._course = learner._fit_until(
                self.n_epochs, self._course, X, y, **params
            )
            self.n_done = self._course.n_epochs
            return
        if is_classifier(learner):
            params = {**params, "classes": _classes(learner, y)}
        arguments = (X,) if y is None else (X, y)
        while self.n_done < self.n_epochs:
            learner.partial_fit(*arguments, **params)
            self.n_done += 1


def _classes(learner, y):
    """What partial_fit of a classifier is told to expect."""
    if isinstance(learner, MultiOutputClassifier):
        return [np.unique(column) for column in np.asarray(y).T]
    # Of a table of labels the classes are its columns.
    several = type_of_target(y).startswith("multilabel")
    return unique_labels(y) if several else np.unique(y)


class _StandIn(RegressorMixin, BaseEstimator):
    """The regressor that a TransformedTargetRegressor believes it clones and fits."""

    def __init__(self, by_epochs, regressor):
        self.by_epochs, self.regressor = by_epochs, regressor

    def __sklearn_clone__(self):
        return self

    def fit(self, X, y, **params):
        self.by_epochs.train(self.regressor, X, y, params)
        return self

    def predict(self, X):
        return self.regressor.predict(X)

    def get_metadata_routing(self):
        return self.regressor.get_metadata_routing()
