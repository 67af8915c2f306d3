"""What goes on inside a network: the outputs of its hidden layers.

Computes them for trained and for first weights alike; judges nothing.
"""

from copy import deepcopy
from dataclasses import dataclass

import numpy as np
from sklearn.utils import check_array, check_random_state
from sklearn.utils.validation import validate_data

from . import _layout, _validation
from ._blas_threads import single_blas_thread
from ._html_findings import activations_html
from ._inference import rows_reader
from ._initializers import initialize
from ._network import layer_forward

# Activations that saturate at both ends, and where these are.
_RANGES = {"tanh": (-1.0, 1.0), "logistic": (0.0, 1.0)}
_SATURATED = 0.99  # share of the way from the middle of the range to its ends


@dataclass(frozen=True, repr=False)
class ActivationStatistics:
    """Statistics of the outputs h of each hidden layer, over rows and units together.

    Printed, it is a table.

    Attributes
    ----------
    activations : list of str
        The activation of each layer.
    units : ndarray of shape (n_hidden_layers,), int
    mean, std : ndarray of shape (n_hidden_layers,)
    saturated : ndarray of shape (n_hidden_layers,)
        Share of the h that lie beyond 99 % of the way from the middle of the activation's
        range to one of its ends, where the gradient is almost nothing: ``|h| > 0.99`` for
        'tanh', ``|2 h - 1| > 0.99`` for 'logistic'. 0 for the others, which have no end
        or only one.
    zeros : ndarray of shape (n_hidden_layers,)
        Share of the h that are exactly 0; of 'relu' about one half at first.
    dead : ndarray of shape (n_hidden_layers,)
        Share of the units that are exactly 0 for all rows: with 'relu' they get no
        gradient, and stay as they are.
    counts : ndarray of shape (n_hidden_layers, n_bins), int
        Histogram of h.
    edges : ndarray of shape (n_hidden_layers, n_bins + 1)
        Edges of its bins: over the range of 'tanh' or 'logistic', else from the least to
        the greatest h.
    """

    activations: list
    units: np.ndarray
    mean: np.ndarray
    std: np.ndarray
    saturated: np.ndarray
    zeros: np.ndarray
    dead: np.ndarray
    counts: np.ndarray
    edges: np.ndarray

    def _repr_html_(self):
        return activations_html(self)

    def __repr__(self):
        head = "layer  activation  units     mean      std  saturated  zeros   dead"
        lines = [
            f"{index:5}  {g:10}  {units:5}  {mean:7.4f}  {std:7.4f}  {saturated:9.3f}"
            f"  {zeros:5.3f}  {dead:5.3f}"
            for index, (g, units, mean, std, saturated, zeros, dead) in enumerate(
                zip(
                    self.activations,
                    self.units,
                    self.mean,
                    self.std,
                    self.saturated,
                    self.zeros,
                    self.dead,
                    strict=True,
                ),
                start=1,
            )
        ]
        return "\n".join([head, *lines])


def activation_statistics(estimator, X, n_bins=50):
    """How a network's hidden layers are distributed, trained or freshly initialized.

    Signals that shrink from layer to layer, sit at the ends of their range or are zero
    carry no gradient; good first weights (`weight_init`) or batch normalization keep the
    standard deviation about the same in all layers. Look at it before training a network
    of more than two or three hidden layers, and again when one does not learn.

    Parameters
    ----------
    estimator : MLPClassifier or MLPRegressor
        If fitted, its `coefs_` and `intercepts_` are used. Else the weights that its fit
        would draw for X, without changing the estimator or its random state; with
        `batch_norm` X is then the batch that is normalized by. Dropout is off.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        All rows are computed at once: some hundred are enough.
    n_bins : int, default=50
        Bins of the histograms.

    Returns
    -------
    ActivationStatistics
        Of the activations' outputs; with ``batch_norm='post'`` before they are normalized.

    Raises
    ------
    TypeError
        For another kind of estimator.
    ValueError
        For an X that the estimator would not take, for wrong parameters, without hidden
        layers, and where an activation overflows.

    References
    ----------
    Glorot & Bengio, "Understanding the difficulty of training deep feedforward neural
    networks", AISTATS 2010, section 4.

    Examples
    --------
    >>> import numpy as np
    >>> from caviar import MLPRegressor
    >>> from caviar.diagnostics import activation_statistics
    >>> X = np.random.RandomState(0).standard_normal((16, 1024))
    >>> network = MLPRegressor(
    ...     hidden_layer_sizes=(1024,) * 3, weight_init="he_normal", random_state=0
    ... )
    >>> activation_statistics(network, X).std.round(1)
    array([0.8, 0.8, 0.8])
    >>> activation_statistics(network.set_params(weight_init="normal"), X)
    layer  activation  units     mean      std  saturated  zeros   dead
        1  relu         1024   0.1261   0.1834      0.000  0.499  0.000
        2  relu         1024   0.0290   0.0419      0.000  0.492  0.017
        3  relu         1024   0.0064   0.0094      0.000  0.506  0.060
    """
    if not hasattr(type(estimator), "_fit_until"):  # which only our networks have
        raise TypeError(
            "`estimator` must be a caviar MLPClassifier or MLPRegressor, got "
            f"{type(estimator).__name__}."
        )
    if not isinstance(n_bins, (int, np.integer)) or n_bins < 1:
        raise ValueError(f"`n_bins` must be an integer of at least 1, got {n_bins!r}.")
    fitted = hasattr(estimator, "coefs_")
    X, coefs, intercepts = (_trained if fitted else _initial)(estimator, X)
    n_layers = len(coefs) - 1
    if n_layers < 1:
        raise ValueError(
            "`hidden_layer_sizes` must have at least one layer for statistics of hidden "
            f"layers, got {estimator.hidden_layer_sizes!r}."
        )
    activations = _validation.check_activations(estimator.activation, n_layers)
    batch_norm = False if fitted else estimator.batch_norm
    with single_blas_thread:
        rows = [
            _statistics(h, g, index, n_bins)
            for index, (h, g) in enumerate(
                _hidden_layers(
                    X, coefs, intercepts, activations, batch_norm, estimator.bn_epsilon
                ),
                start=1,
            )
        ]
    columns = (np.array(column) for column in zip(*rows, strict=True))
    return ActivationStatistics(activations, *columns)


def _trained(estimator, X):
    """Checked X, and the weights of a fitted estimator."""
    X = validate_data(
        estimator, X, accept_sparse="csr", reset=False, dtype=[np.float64, np.float32]
    )
    dtype = np.result_type(*estimator.coefs_)
    return (
        X,
        [np.ascontiguousarray(w, dtype=dtype) for w in estimator.coefs_],
        [np.ascontiguousarray(b, dtype=dtype) for b in estimator.intercepts_],
    )


def _initial(estimator, X):
    """Checked X, and the weights that fit would draw for it."""
    estimator._validate_params()
    X = check_array(X, accept_sparse="csr", dtype=[np.float64, np.float32])
    _validation.check_batch_norm(estimator, X.shape[0])
    hidden = _validation.check_hidden_layer_sizes(estimator.hidden_layer_sizes)
    # The hidden layers' draws come first: they do not depend on the number of outputs.
    plan = _layout.make_plan([X.shape[1], *hidden, 1], False)
    params, _ = initialize(
        plan,
        _validation.check_activations(estimator.activation, len(hidden)),
        check_random_state(deepcopy(estimator.random_state)),
        np.dtype(estimator.dtype or X.dtype),
        estimator.weight_init,
        estimator.init_scale,
    )
    return X, plan.coefs(params), plan.intercepts(params)


def _hidden_layers(X, coefs, intercepts, activations, batch_norm, epsilon):
    """The output of each hidden layer, of shape (n_samples, units), and its activation.

    Batch normalization, with X as the batch, is put into the weights.
    """
    modes = _layout.BATCH_NORM_MODES
    mode, dtype = modes[batch_norm], coefs[0].dtype
    a, moments = rows_reader(X, dtype)(0, X.shape[0]), None
    for w, b, g in zip(coefs[:-1], intercepts[:-1], activations, strict=True):
        if moments is not None:  # the layer before is normalized after its activation
            mean, scale = moments
            w, b = w * scale[:, np.newaxis], b - (mean * scale) @ w
        h = np.empty((X.shape[0], w.shape[1]), dtype=dtype)
        if mode == modes["pre"]:
            zero = np.zeros_like(b)  # the mean cancels any intercept
            layer_forward(h, a, w, zero, "identity")
            mean, scale = _moments(h, epsilon)
            w, b = w * scale, -mean * scale
        layer_forward(h, a, w, b, g)
        if mode == modes["post"]:
            moments = _moments(h, epsilon)
        yield h, g
        a = h


def _moments(h, epsilon):
    """Mean and 1 / sqrt(variance + epsilon) of each unit."""
    mean, variance = h.mean(axis=0, dtype=np.float64), h.var(axis=0, dtype=np.float64)
    return mean.astype(h.dtype), (1 / np.sqrt(variance + epsilon)).astype(h.dtype)


def _statistics(h, activation, index, n_bins):
    """One layer's values of the fields of `ActivationStatistics` from ``units`` on."""
    with np.errstate(over="ignore", invalid="ignore"):
        mean, std = h.mean(dtype=np.float64), h.std(dtype=np.float64)
    if not np.isfinite(std):
        raise ValueError(
            f"The activations of hidden layer {index} overflow in {h.dtype}: `init_scale`, "
            "the weights or X are too large."
        )
    ends = _RANGES.get(activation)
    saturated = 0.0
    if ends is not None:
        middle, radius = sum(ends) / 2, (ends[1] - ends[0]) / 2
        saturated = np.mean(np.abs(h - middle) > _SATURATED * radius)
    counts, edges = np.histogram(h, n_bins, range=ends)
    zero = h == 0
    return (
        h.shape[1],
        mean,
        std,
        saturated,
        zero.mean(),
        zero.all(axis=0).mean(),
        counts,
        edges,
    )
