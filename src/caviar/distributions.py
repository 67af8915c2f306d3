"""Distributions of hyperparameters: what a search draws, and in which scale it narrows.

Each has ``rvs`` as scipy's have it, so that scikit-learn's searches take them, too. Besides
each knows its own `scale`, the one in which equal steps matter equally: a search that goes
from coarse to fine narrows in it. `default_space` has distributions for a network.
"""

from collections.abc import Iterable, Sized

import numpy as np
from sklearn.utils.validation import _num_samples

from ._choices import Choice, HiddenLayers
from ._quantiles import Quantiles, is_frozen
from ._ranges import Distribution, plain
from ._scales import (
    IntLogUniform,
    IntUniform,
    LogUniform,
    OneMinusLogUniform,
    Uniform,
)

__all__ = [
    "Choice",
    "Distribution",
    "HiddenLayers",
    "IntLogUniform",
    "IntUniform",
    "LogUniform",
    "OneMinusLogUniform",
    "Quantiles",
    "Uniform",
    "as_distribution",
    "default_space",
]

BATCHES_AN_EPOCH = 8  # at least: fewer steps are too few to learn in some epochs


def as_distribution(value):
    """What a search space says of a parameter, as one of the distributions here.

    Parameters
    ----------
    value : Distribution, frozen distribution of scipy.stats, list, tuple or ndarray
        Of scipy's, ``loguniform`` (``reciprocal``) becomes `LogUniform`, ``uniform``
        `Uniform` and ``randint`` `IntUniform`; any other is drawn from as it is and
        narrowed in its quantiles. Lists and the like become `Choice`.

    Returns
    -------
    Distribution

    Raises
    ------
    TypeError
        For anything else.
    ValueError
        For a list without elements.

    Examples
    --------
    >>> from scipy.stats import loguniform
    >>> from caviar.distributions import as_distribution
    >>> as_distribution(loguniform(1e-3, 1))
    LogUniform(0.001, 1.0)
    >>> as_distribution([True, False])
    Choice([True, False])
    """
    if isinstance(value, Distribution):
        return value
    if is_frozen(value):
        return _from_scipy(value)
    if isinstance(value, np.ndarray) or (
        isinstance(value, Iterable)
        and isinstance(value, Sized)
        and not isinstance(value, (str, bytes, dict))
    ):
        keep = isinstance(value, (list, tuple, np.ndarray))
        return Choice(value if keep else list(value))
    raise TypeError(
        "A parameter's distribution must be one of caviar.distributions, a frozen one of "
        f"scipy.stats, a list, a tuple or an array, got {value!r}."
    )


def _from_scipy(frozen):
    shapes, loc, scale = frozen.dist._parse_args(*frozen.args, **frozen.kwds)
    shapes, loc, scale = [plain(v) for v in shapes], plain(loc), plain(scale)
    name = frozen.dist.name
    if name in ("loguniform", "reciprocal") and loc == 0:
        return LogUniform(float(shapes[0] * scale), float(shapes[1] * scale))
    if name == "uniform":
        return Uniform(float(loc), float(loc + scale))
    if name == "randint":
        low, high = (int(end + loc) for end in shapes)
        return IntUniform(low, high - 1)
    return Quantiles(frozen)


def default_space(estimator, X):
    """A space of the hyperparameters that matter most for a network.

    The learning rate matters far more than all others; next are momentum, hidden units and
    batch size; then layers and the penalty of the weights. [1]_ [2]_ What is not in the
    space, such as dropout, batch normalization and Adam's decay rates, did not pay for the
    candidates it costs on eight data sets of 900 rows.

    Parameters
    ----------
    estimator : estimator
        `MLPClassifier` or `MLPRegressor`, caviar's or scikit-learn's, or whatever has one
        such network in it, such as a Pipeline or a TransformedTargetRegressor.

    X : array-like of shape (n_samples, n_features)
        Training rows, whose number decides on batch sizes and the range of `alpha`.

    Returns
    -------
    dict of str to Distribution
        For `param_distributions` of a search. The names begin with the network's place in
        the estimator, as in ``mlpclassifier__alpha``. Distributions are:

        - `learning_rate_init`: log-uniform from 1e-4 to 0.1; to 1 for ``'sgd'`` and
          ``'adagrad'``, whose steps do not have the size of the learning rate.
        - `momentum`, for ``'sgd'``: 0.5 to 0.99, uniform in the logarithm of 1 - momentum.
        - `hidden_layer_sizes`: 1 to 3 layers of 32 to 256 units.
        - `batch_size`: the four largest powers of two, up to 256, of which at least eight
          make an epoch.
        - `alpha`: log-uniform from 1e-6 to 0.1, to 1 for less than 1000 rows;
          `weight_decay` from 1e-4 to 1 in its place for ``'adamw'``.

        For ``'lbfgs'`` only units and `alpha`.

    Raises
    ------
    ValueError
        If there is no such network in the estimator, or more than one.

    References
    ----------
    .. [1] Ng, "Improving deep neural networks: hyperparameter tuning, regularization and
       optimization", DeepLearning.AI, 2017, tuning process.
    .. [2] Bengio, "Practical recommendations for gradient-based training of deep
       architectures", 2012, section 3, :arxiv:`1206.5533`.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from caviar import MLPClassifier
    >>> from caviar.distributions import default_space
    >>> X, y = load_iris(return_X_y=True)
    >>> for name, distribution in default_space(MLPClassifier(), X).items():
    ...     print(name, distribution)
    learning_rate_init LogUniform(0.0001, 0.1)
    hidden_layer_sizes HiddenLayers(n_layers=(1, 3), units=(32, 256), \
n_layers_limits=(1, 3))
    batch_size Choice([8, 16])
    alpha LogUniform(1e-06, 1.0, limits=(1e-06, None))
    """
    network, prefix = _find_network(estimator)
    n_samples = _num_samples(X)
    space = {
        # Where depth is at its end this is no reason to go deeper: it matters little.
        "hidden_layer_sizes": HiddenLayers((1, 3), (32, 256), n_layers_limits=(1, 3)),
        # Below the range it is as good as 0, and past its end there is nothing to find.
        "alpha": LogUniform(
            1e-6, 1.0 if n_samples < 1000 else 0.1, limits=(1e-6, None)
        ),
    }
    if network.solver == "adamw":
        del space["alpha"]
        space["weight_decay"] = LogUniform(1e-4, 1.0, limits=(1e-4, None))
    if network.solver != "lbfgs":
        own_size = network.solver in ("sgd", "adagrad")
        rate = {"learning_rate_init": LogUniform(1e-4, 1.0 if own_size else 0.1)}
        if network.solver == "sgd":
            rate["momentum"] = OneMinusLogUniform(0.5, 0.99)
        sizes = [2**k for k in range(3, 9) if 2**k * BATCHES_AN_EPOCH <= n_samples]
        space = {**rate, **space, "batch_size": Choice(sizes[-4:] or [8])}
    order = sorted(space, key=_BY_IMPORTANCE.index)
    return {prefix + name: space[name] for name in order}


_BY_IMPORTANCE = (
    "learning_rate_init momentum hidden_layer_sizes batch_size alpha weight_decay"
).split()


def _find_network(estimator):
    """The network in an estimator, and what its parameters' names begin with there."""
    mark = "hidden_layer_sizes"
    params = estimator.get_params(deep=True) if hasattr(estimator, "get_params") else {}
    places = [name.removesuffix(mark) for name in params if name.endswith(mark)]
    if len(places) != 1:
        found = " and ".join(place.removesuffix("__") for place in places) or "none"
        raise ValueError(
            "`estimator` must be or contain one multi-layer perceptron, such as "
            f"MLPClassifier or MLPRegressor, got {estimator!r} with {found}."
        )
    (prefix,) = places
    return params[prefix.removesuffix("__")] if prefix else estimator, prefix
