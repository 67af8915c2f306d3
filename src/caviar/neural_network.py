"""`MLPClassifier` and `MLPRegressor`: scikit-learn's multi-layer perceptrons, compiled."""

from numbers import Real

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin, _fit_context
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import compute_class_weight, compute_sample_weight
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import (
    _check_partial_fit_first_call,
    type_of_target,
    unique_labels,
)
from sklearn.utils.validation import check_is_fitted

from . import _docs, _validation
from ._callbacks import with_callbacks
from ._estimator import BaseMLP, is_stochastic
from ._state import Objective


def _has_margins(classifier):
    if classifier.loss != "hinge":
        raise AttributeError(
            f"`loss={classifier.loss!r}` has probabilities, `predict_proba`; margins "
            "are those of `loss='hinge'`."
        )
    return True


def _has_probabilities(classifier):
    if classifier.loss == "hinge":
        raise AttributeError(
            "`loss='hinge'` has margins, `decision_function`, and no probabilities."
        )
    return True


class MLPClassifier(ClassifierMixin, BaseMLP):
    __doc__ = _docs.CLASSIFIER

    _parameter_constraints: dict = {
        **BaseMLP._parameter_constraints,
        "label_smoothing": [Interval(Real, 0, 1, closed="left")],
        "class_weight": [dict, list, StrOptions({"balanced"}), None],
        "loss": [StrOptions({"log_loss", "focal", "hinge"})],
        "focal_gamma": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        hidden_layer_sizes=(100,),
        activation="relu",
        *,
        solver="adam",
        alpha=0.0001,
        batch_size="auto",
        learning_rate="constant",
        learning_rate_init=0.001,
        power_t=0.5,
        max_iter=200,
        shuffle=True,
        random_state=None,
        tol=1e-4,
        verbose=False,
        warm_start=False,
        momentum=0.9,
        nesterovs_momentum=True,
        early_stopping=False,
        validation_fraction=0.1,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
        n_iter_no_change=10,
        max_fun=15000,
        batch_norm=False,
        bn_momentum=0.9,
        bn_epsilon=1e-5,
        rho=0.9,
        weight_decay=0.0,
        weight_init="sklearn",
        init_scale=0.01,
        dropout=0.0,
        input_dropout=0.0,
        dropconnect=0.0,
        label_smoothing=0.0,
        class_weight=None,
        loss="log_loss",
        focal_gamma=2.0,
        augment=None,
        average_weights=None,
        ema_decay=0.999,
        swa_start=0.75,
        clip_norm=None,
        scoring=None,
        dtype=None,
        n_jobs=None,
    ):
        super().__init__(locals())

    def _learn_targets(self, y, incremental):
        if not hasattr(self, "classes_") or not (self.warm_start or incremental):
            self._label_binarizer = LabelBinarizer().fit(y)
            self.classes_ = self._label_binarizer.classes_
        else:
            self._check_classes(unique_labels(y))

    def _encode(self, y):
        if self._label_binarizer.y_type_ == "multiclass":
            return np.searchsorted(self.classes_, y)
        return self._label_binarizer.transform(y).astype(bool)

    def _check_classes(self, classes):
        """warm_start wants the same classes, partial_fit no new ones."""
        if self.warm_start:
            if set(classes) != set(self.classes_):
                raise ValueError(
                    "warm_start can only be used where `y` has the same "
                    "classes as in the previous call to fit. Previously "
                    f"got {self.classes_}, `y` has {classes}"
                )
        elif len(np.setdiff1d(classes, self.classes_, assume_unique=True)):
            raise ValueError(
                "`y` has classes not in `self.classes_`. "
                f"`self.classes_` has {self.classes_}. 'y' has {classes}."
            )

    def _begin_partial_fit(self, y, classes):
        if self.class_weight == "balanced":
            raise ValueError(
                "`class_weight` must be None or a dict of weights for partial_fit, which "
                "does not see all classes in the proportions they have, got 'balanced'."
            )
        if _check_partial_fit_first_call(self, classes):
            multilabel = type_of_target(y).startswith("multilabel")
            self._label_binarizer = LabelBinarizer().fit(y if multilabel else classes)

    def _class_weights(self, y, targets, sample_weight):
        """As scikit-learn's, but that 'balanced' counts each row by its sample weight."""
        if self.class_weight is None:
            return None
        n_outputs = targets.shape[1] if targets.ndim == 2 else 1
        _validation.check_class_weight(self.class_weight, n_outputs)
        if n_outputs > 1:
            return compute_sample_weight(self.class_weight, y)
        numbers = targets.ravel().astype(np.intp)
        if self.class_weight == "balanced":
            counts = np.bincount(numbers, sample_weight, len(self.classes_))
            # A class whose rows weigh nothing has no weight to be balanced.
            mean = counts.sum() / np.count_nonzero(counts)
            by_class = np.divide(mean, counts, np.zeros(counts.size), where=counts != 0)
        else:
            by_class = compute_class_weight(
                self.class_weight, classes=self.classes_, y=y
            )
        return by_class[numbers]

    def _objective(self, augmentation):
        mixes = augmentation is not None and augmentation.mixes_targets
        multiclass = self._label_binarizer.y_type_ == "multiclass"
        output = "softmax" if multiclass else "logistic"
        loss, parameter = output, 0.0
        if self.loss == "focal":
            loss, parameter = f"{output}_focal", float(self.focal_gamma)
        elif self.loss == "hinge":
            loss, output = f"{output}_hinge", "identity"
        elif multiclass and (mixes or self.label_smoothing > 0):
            loss = "cross_entropy"
        return Objective(loss, output, parameter, self.label_smoothing, augmentation)

    @available_if(is_stochastic)
    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self,
        X,
        y,
        sample_weight=None,
        classes=None,
        *,
        X_val=None,
        y_val=None,
        sample_weight_val=None,
    ):
        """Update the model with a single iteration over the given data.

        The optimizer's state, the running statistics of batch normalization and the
        learning rate go on from the call before.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The input data.

        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            The target values.

        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights.

        classes : array of shape (n_classes,), default=None
            Classes across all calls to partial_fit. Required for the first call,
            may be omitted later. y need not contain all of them.

        X_val, y_val, sample_weight_val : default=None
            Rows to validate with, as in `fit`: `history_` receives their loss and score.

        Returns
        -------
        self : object
            The trained estimator.
        """
        held_out = (X_val, y_val, sample_weight_val)
        self._fit(X, y, sample_weight, held_out, incremental=True, classes=classes)
        return self

    def predict(self, X):
        """Predict the class of each row.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The input data.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_labels)
            The predicted classes.
        """
        check_is_fitted(self)
        y_pred = self._forward(X)
        if self.n_outputs_ == 1:
            y_pred = y_pred.ravel()
        threshold = 0.0 if self.out_activation_ == "identity" else 0.5
        return self._label_binarizer.inverse_transform(y_pred, threshold)

    @available_if(_has_margins)
    def decision_function(self, X):
        """Margins of the classes; with ``loss='hinge'`` only, which has no probabilities.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The input data.

        Returns
        -------
        margins : ndarray of shape (n_samples,) or (n_samples, n_classes)
            Of several classes the greatest is the prediction; of two, and of labels, the
            sign decides.
        """
        check_is_fitted(self)
        margins = self._forward(X)
        return margins.ravel() if self.n_outputs_ == 1 else margins

    @available_if(_has_probabilities)
    def predict_proba(self, X):
        """Probability of each class.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The input data.

        Returns
        -------
        y_prob : ndarray of shape (n_samples, n_classes)
            In the order of `classes_`, in the dtype of the network.
        """
        check_is_fitted(self)
        y_prob = self._forward(X)
        if self.n_outputs_ == 1:
            return np.hstack([1 - y_prob, y_prob])
        return y_prob

    @available_if(_has_probabilities)
    def predict_log_proba(self, X):
        """Logarithm of the probability of each class.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The input data.

        Returns
        -------
        log_y_prob : ndarray of shape (n_samples, n_classes)
            ``log(predict_proba(X))``.
        """
        y_prob = self.predict_proba(X)
        return np.log(y_prob, out=y_prob)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


class MLPRegressor(RegressorMixin, BaseMLP):
    __doc__ = _docs.REGRESSOR

    _parameter_constraints: dict = {
        **BaseMLP._parameter_constraints,
        "loss": [
            StrOptions(
                {"squared_error", "poisson", "absolute_error", "huber", "quantile"}
            )
        ],
        "huber_delta": [Interval(Real, 0, None, closed="neither")],
        "quantile": [Interval(Real, 0, 1, closed="neither")],
    }

    def __init__(
        self,
        loss="squared_error",
        hidden_layer_sizes=(100,),
        activation="relu",
        *,
        solver="adam",
        alpha=0.0001,
        batch_size="auto",
        learning_rate="constant",
        learning_rate_init=0.001,
        power_t=0.5,
        max_iter=200,
        shuffle=True,
        random_state=None,
        tol=1e-4,
        verbose=False,
        warm_start=False,
        momentum=0.9,
        nesterovs_momentum=True,
        early_stopping=False,
        validation_fraction=0.1,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
        n_iter_no_change=10,
        max_fun=15000,
        batch_norm=False,
        bn_momentum=0.9,
        bn_epsilon=1e-5,
        rho=0.9,
        weight_decay=0.0,
        weight_init="sklearn",
        init_scale=0.01,
        dropout=0.0,
        input_dropout=0.0,
        dropconnect=0.0,
        huber_delta=1.0,
        quantile=0.5,
        augment=None,
        average_weights=None,
        ema_decay=0.999,
        swa_start=0.75,
        clip_norm=None,
        scoring=None,
        dtype=None,
        n_jobs=None,
    ):
        super().__init__(locals())

    def _validate_input(self, X, y, reset, dtype):
        X, y = super()._validate_input(X, y, reset, dtype)
        _validation.check_targets_for_loss(y, self.loss)
        return X, y

    def _learn_targets(self, y, incremental):
        """Nothing: the number of outputs is y's."""

    def _encode(self, y):
        return y.reshape(len(y), -1)

    def _begin_partial_fit(self, y, classes):
        """Nothing, likewise."""

    def _class_weights(self, y, targets, sample_weight):
        """None: there are no classes."""

    def _objective(self, augmentation):
        parameters = {"huber": self.huber_delta, "quantile": self.quantile}
        parameter = float(parameters.get(self.loss, 0.0))
        output = "exp" if self.loss == "poisson" else "identity"
        return Objective(self.loss, output, parameter, augmentation=augmentation)

    @available_if(is_stochastic)
    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self,
        X,
        y,
        sample_weight=None,
        *,
        X_val=None,
        y_val=None,
        sample_weight_val=None,
    ):
        """Update the model with a single iteration over the given data.

        The optimizer's state, the running statistics of batch normalization and the
        learning rate go on from the call before.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The input data.

        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            The target values.

        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights.

        X_val, y_val, sample_weight_val : default=None
            Rows to validate with, as in `fit`: `history_` receives their loss and score.

        Returns
        -------
        self : object
            The trained estimator.
        """
        held_out = (X_val, y_val, sample_weight_val)
        self._fit(X, y, sample_weight, held_out, incremental=True)
        return self

    def predict(self, X):
        """Predict the target of each row.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The input data.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            The predicted values, in the dtype of the network.
        """
        check_is_fitted(self)
        y_pred = self._forward(X)
        return y_pred.ravel() if y_pred.shape[1] == 1 else y_pred
