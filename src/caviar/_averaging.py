"""What all ensembles share, wherever their members come from: averaged predictions.

`AveragingClassifier` and `AveragingRegressor`, which are public in ``caviar.ensemble``,
average models that have been fitted before.
"""

import numpy as np
from scipy.sparse import issparse
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    MetaEstimatorMixin,
    RegressorMixin,
    _fit_context,
    clone,
    is_classifier,
)
from sklearn.frozen import FrozenEstimator
from sklearn.utils import get_tags
from sklearn.utils._param_validation import HasMethods
from sklearn.utils.metadata_routing import (
    UNUSED,
    MetadataRouter,
    MethodMapping,
    _routing_enabled,
    process_routing,
)
from sklearn.utils.validation import check_is_fitted

from ._html import WithCard, ensemble_html


class Average(WithCard, MetaEstimatorMixin, BaseEstimator):
    """What all kinds share: the average of ``estimators_``, with ``weights_``."""

    def _card_html(self):
        return ensemble_html(self)

    def _check_member(self, estimator):
        """Refuse a model whose predictions cannot be averaged here."""
        wanted = "classifier" if is_classifier(self) else "regressor"
        if get_tags(estimator).estimator_type != wanted:
            raise ValueError(f"Members must be {wanted}s, got {estimator!r}.")
        if is_classifier(self) and not hasattr(estimator, "predict_proba"):
            raise ValueError(
                "Members must have predict_proba, as their probabilities are averaged, "
                f"got {estimator!r}. VotingClassifier(voting='hard') does without."
            )

    def _store(self, estimators, weights=None):
        """Set the fitted attributes. Without weights all members count alike."""
        first = estimators[0]
        for estimator in estimators[1:]:
            if not np.array_equal(
                getattr(estimator, "classes_", None), getattr(first, "classes_", None)
            ):
                raise ValueError(
                    "Members must know the same classes, got "
                    f"{first.classes_} and {estimator.classes_}."
                )
        self.estimators_ = estimators
        self.weights_ = normalized(weights, len(estimators))
        for name in ("classes_", "n_features_in_", "feature_names_in_"):
            self.__dict__.pop(name, None)
            if hasattr(first, name):
                setattr(self, name, getattr(first, name))
        return self

    def _average(self, method, X):
        check_is_fitted(self)
        average = 0
        # Python's floats, so that float32 stays float32.
        members = zip(self.weights_.tolist(), self.estimators_, strict=True)
        for weight, estimator in members:
            prediction = getattr(estimator, method)(X)
            if isinstance(prediction, list):  # scikit-learn's trees, for several labels
                raise ValueError(
                    "Members must predict one array of probabilities, got a list of "
                    f"{len(prediction)} arrays from {estimator!r}."
                )
            average = average + weight * prediction
        return average


def normalized(weights, n_members):
    """Weights that sum to one, of members that number at least one."""
    if weights is None:
        return np.full(n_members, 1 / n_members)
    array = np.asarray(weights)
    valid = array.shape == (n_members,) and array.dtype.kind in "biuf"
    if not (valid and np.isfinite(array).all() and array.min() >= 0 < array.max()):
        raise ValueError(
            f"`weights` must be n_members={n_members} finite numbers >= 0, not all of "
            f"them 0, got {weights!r}."
        )
    return array / array.sum(dtype=np.float64)


class TrainedAverage(Average):
    """An ensemble that trains its members itself, by `_train`.

    Classes of it have an `estimator`, and say what None stands for in `_default`.
    """

    _parameter_constraints: dict = {
        "estimator": [HasMethods(["fit", "predict"]), None],
        "random_state": ["random_state"],
    }
    # The members request metadata; an ensemble only passes them on.
    __metadata_request__fit = dict.fromkeys(
        ["sample_weight", "X_val", "y_val", "sample_weight_val"], UNUSED
    )

    @_fit_context(prefer_skip_nested_validation=False)  # the members' are their own
    def fit(
        self,
        X,
        y,
        sample_weight=None,
        *,
        X_val=None,
        y_val=None,
        sample_weight_val=None,
        **metadata,
    ):
        """Train the members.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The input data.

        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            The targets.

        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights.

        X_val, y_val, sample_weight_val : array-like, default=None
            Validation data.

        **metadata : dict
            More of what the fit of a member takes, such as a pipeline's
            ``mlpclassifier__sample_weight``. It gets all that is given here; with
            scikit-learn's metadata routing enabled, what it requests.

        Returns
        -------
        self : object
            The fitted ensemble.

        Raises
        ------
        ValueError
            For members that cannot be trained or averaged in this way, and whatever the
            fit of a member raises. The ensemble is then as it was before the call.
        """
        named = {
            "sample_weight": sample_weight,
            "X_val": X_val,
            "y_val": y_val,
            "sample_weight_val": sample_weight_val,
        }
        metadata |= {name: v for name, v in named.items() if v is not None}
        if _routing_enabled():
            metadata = process_routing(self, "fit", **metadata).estimator.fit
        estimator = clone(self._member())
        self._check_member(estimator)
        return self._store(self._train(estimator, X, y, metadata))

    def _member(self):
        return self._default() if self.estimator is None else self.estimator

    def get_metadata_routing(self):
        """Where metadata go: from the ensemble's fit to that of each member.

        Returns
        -------
        routing : MetadataRouter
            scikit-learn's description of it.
        """
        mapping = MethodMapping().add(caller="fit", callee="fit")
        router = MetadataRouter(owner=self).add_self_request(self)  # that of score
        return router.add(estimator=self._member(), method_mapping=mapping)

    def __sklearn_tags__(self):
        tags, member = super().__sklearn_tags__(), get_tags(self._member())
        tags.input_tags.sparse = member.input_tags.sparse
        tags.input_tags.allow_nan = member.input_tags.allow_nan
        if tags.classifier_tags and member.classifier_tags:
            tags.classifier_tags.multi_label = member.classifier_tags.multi_label
        return tags


class AverageClassifier(ClassifierMixin, Average):
    def predict(self, X):
        """Predict the most probable class of each row.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The input data.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_labels)
            The classes; for multilabel problems 1 where a label's averaged probability
            is above 0.5, else 0.
        """
        probabilities = self.predict_proba(X)
        if self._is_multilabel(X):
            return (probabilities > 0.5).astype(int)
        # A network trained on a single class has two columns all the same: "clip".
        return self.classes_.take(probabilities.argmax(axis=1), mode="clip")

    def _is_multilabel(self, X):
        """Whether members predict a matrix; fitted ones do not say, but for a row."""
        X = X.tocsr() if issparse(X) else X
        row = X[:1] if hasattr(X, "__getitem__") else X
        return self.estimators_[0].predict(row).ndim == 2

    def predict_proba(self, X):
        """Averaged probabilities of the classes.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The input data.

        Returns
        -------
        y_prob : ndarray of shape (n_samples, n_classes)
            ``sum_m weights_[m] * estimators_[m].predict_proba(X)``, in the order of
            `classes_` and the dtype of the members.
        """
        return self._average("predict_proba", X)

    def predict_log_proba(self, X):
        """Logarithm of the averaged probabilities.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The input data.

        Returns
        -------
        log_y_prob : ndarray of shape (n_samples, n_classes)
            ``log(predict_proba(X))``.
        """
        return np.log(self.predict_proba(X))


class AverageRegressor(RegressorMixin, Average):
    def predict(self, X):
        """Averaged predictions.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The input data.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            ``sum_m weights_[m] * estimators_[m].predict(X)``.
        """
        return self._average("predict", X)


class _Prefitted(Average):
    _parameter_constraints: dict = {
        "estimators": [list, tuple],
        "weights": ["array-like", None],
    }

    def __init__(self, estimators, *, weights=None):
        self.estimators = estimators
        self.weights = weights

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X=None, y=None):
        """Check that the members can be averaged; nothing is trained.

        Parameters
        ----------
        X, y : object, default=None
            Not used.

        Returns
        -------
        self : object
            The ensemble, ready to predict.

        Raises
        ------
        NotFittedError
            For a member that is not fitted.
        ValueError
            For no members, for members that cannot be averaged, and for weights that do
            not fit them.
        """
        if not self.estimators:
            raise ValueError("`estimators` must have at least one member, got none.")
        members = [
            member.estimator if isinstance(member, FrozenEstimator) else member
            for member in self.estimators
        ]
        for member in members:
            check_is_fitted(member)
            self._check_member(member)
        return self._store(members, self.weights)


_DOC = """Average of %(kind)ss that have already been fitted.

    Predicts ``sum_m weights[m] f_m(x) / sum(weights)``, where f_m are %(values)s.
    `ensemble_from_search` returns it; built by hand it averages whatever has been
    trained anyway: models of other objectives, of other data, or of other libraries
    with scikit-learn's methods.

    Parameters
    ----------
    estimators : list of fitted estimators
        The members. Wrapped in scikit-learn's FrozenEstimator they stay fitted in clones
        of the ensemble, as in cross-validation.

    weights : array-like of shape (n_members,), default=None
        What each counts in the average, at least 0. None is all the same.

    Attributes
    ----------
    estimators_ : list of estimators
        The members, without FrozenEstimator.

    weights_ : ndarray of shape (n_members,)
        The weights, with the sum 1.

    classes_ : ndarray of shape (n_classes,)
        The classes (classifiers only).

    n_features_in_, feature_names_in_ : int, ndarray of shape (`n_features_in_`,)
        As in the first member.

    Examples
    --------
    >>> from sklearn.datasets import load_%(data)s
    >>> from sklearn.linear_model import %(model)s
    >>> from caviar import MLP%(Kind)s
    >>> from caviar.ensemble import Averaging%(Kind)s
    >>> X, y = load_%(data)s(return_X_y=True)
    >>> network = MLP%(Kind)s(max_iter=20, learning_rate_init=0.01, random_state=0)
    >>> members = [network.fit(X, y), %(model)s(%(params)s).fit(X, y)]
    >>> ensemble = Averaging%(Kind)s(members, weights=[2, 1]).fit()
    >>> ensemble.predict(X[:2]).shape
    (2,)
    """


class AveragingClassifier(AverageClassifier, _Prefitted):
    __doc__ = _DOC % {
        "kind": "classifier",
        "Kind": "Classifier",
        "values": "probabilities",
        "data": "iris",
        "model": "LogisticRegression",
        "params": "max_iter=1000",
    }


class AveragingRegressor(AverageRegressor, _Prefitted):
    __doc__ = _DOC % {
        "kind": "regressor",
        "Kind": "Regressor",
        "values": "predicted values",
        "data": "diabetes",
        "model": "Ridge",
        "params": "",
    }
