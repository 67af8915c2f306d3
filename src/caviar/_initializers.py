"""First weights of a network, drawn in float64 from numpy's RandomState."""

import numpy as np
from scipy.linalg import qr

# Standard deviation of normal weights: of fan_in, fan_out and init_scale.
_STANDARD_DEVIATIONS = {
    "normal": lambda fan_in, fan_out, scale: scale,
    "glorot_normal": lambda fan_in, fan_out, scale: np.sqrt(2 / (fan_in + fan_out)),
    "xavier": lambda fan_in, fan_out, scale: np.sqrt(1 / fan_in),
    "he_normal": lambda fan_in, fan_out, scale: np.sqrt(2 / fan_in),
    "lecun_normal": lambda fan_in, fan_out, scale: np.sqrt(1 / fan_in),
}
# Bound of weights that are uniform in +-bound.
_BOUNDS = {
    "glorot_uniform": lambda fan_in, fan_out: np.sqrt(6 / (fan_in + fan_out)),
    "he_uniform": lambda fan_in, fan_out: np.sqrt(6 / fan_in),
}
WEIGHT_INITS = ("sklearn", *_STANDARD_DEVIATIONS, *_BOUNDS, "orthogonal")


def initialize(
    plan, activation, random_state, dtype, weight_init="sklearn", init_scale=0.01
):
    r"""Draw the first parameters of a network, and its first running statistics.

    ================ ==================================================================
    `weight_init`    weights of a layer; fan_in are its inputs, fan_out its units
    ================ ==================================================================
    'sklearn'        uniform in +-sqrt(6 / (fan_in + fan_out)), 2 in place of 6 where the
                     activation is logistic, and so are the intercepts: scikit-learn's
                     draws, weights before intercepts, layer by layer [1]_
    'normal'         normal, standard deviation `init_scale`
    'glorot_uniform' uniform in +-sqrt(6 / (fan_in + fan_out)) [1]_ (equation 16)
    'glorot_normal'  normal, standard deviation sqrt(2 / (fan_in + fan_out)) [1]_
                     (equation 12)
    'xavier'         normal, standard deviation 1 / sqrt(fan_in): what courses call by
                     this name, and the same as 'lecun_normal'
    'lecun_normal'   normal, standard deviation 1 / sqrt(fan_in) [2]_ (equation 16)
    'he_uniform'     uniform in +-sqrt(6 / fan_in) [3]_
    'he_normal'      normal, standard deviation sqrt(2 / fan_in) [3]_ (equation 10)
    'orthogonal'     the orthonormal rows or columns (whichever are fewer) of a matrix
                     uniform among such matrices [4]_, [5]_
    ================ ==================================================================

    All but 'sklearn' start with intercepts of zero, for which nothing is drawn, and treat
    the output layer as any other. No distribution is truncated. Batch normalization starts
    as the identity; the intercepts it replaces are drawn all the same with 'sklearn', so
    that the weights do not depend on it.

    Parameters
    ----------
    plan : Plan
    activation : str or list of str
        Of the hidden layers, or one for each. The output layer counts as having the last
        one's, as in scikit-learn.
    random_state : RandomState instance
    dtype : dtype
    weight_init : str, default='sklearn'
    init_scale : float, default=0.01

    Returns
    -------
    params : ndarray of shape (n_params,)
    stats : ndarray of shape (n_stats,)
        Running means zero and variances one.

    References
    ----------
    .. [1] Glorot & Bengio, "Understanding the difficulty of training deep feedforward
       neural networks", AISTATS 2010.
    .. [2] LeCun, Bottou, Orr & Müller, "Efficient backprop", 1998, section 4.6.
    .. [3] He, Zhang, Ren & Sun, "Delving deep into rectifiers", ICCV 2015.
       :arxiv:`1502.01852`
    .. [4] Saxe, McClelland & Ganguli, "Exact solutions to the nonlinear dynamics of
       learning in deep linear neural networks", ICLR 2014. :arxiv:`1312.6120`
    .. [5] Mezzadri, "How to generate random matrices from the classical compact groups",
       Notices of the AMS 54, 2007, section 5 (the signs). :arxiv:`math-ph/0609050`
    """
    params = np.zeros(plan.n_params, dtype=dtype)
    stats = np.zeros(plan.n_stats, dtype=dtype)
    coefs, intercepts = plan.coefs(params), plan.intercepts(params)
    if weight_init == "sklearn":
        _draw_as_sklearn(coefs, intercepts, activation, random_state)
    else:
        for weights in coefs:
            weights[...] = _draw(weight_init, init_scale, weights.shape, random_state)
    if plan.batch_norm:
        for gamma in plan.gammas(params):
            gamma[...] = 1
        for beta in plan.betas(params):
            beta[...] = 0
        for variance in plan.moments(stats)[1]:
            variance[...] = 1
    return params, stats


def _draw_as_sklearn(coefs, intercepts, activation, random_state):
    if isinstance(activation, str):
        activations = [activation] * len(coefs)
    else:  # without hidden layers there is none to follow
        activations = [*activation, *(activation[-1:] or ["identity"])]
    for weights, bias, g in zip(coefs, intercepts, activations, strict=True):
        bound = np.sqrt((2.0 if g == "logistic" else 6.0) / sum(weights.shape))
        weights[...] = random_state.uniform(-bound, bound, weights.shape)
        bias[...] = random_state.uniform(-bound, bound, bias.shape)


def _draw(weight_init, init_scale, shape, random_state):
    """The weights of a layer of shape (fan_in, fan_out), in float64."""
    if weight_init == "orthogonal":
        return _orthogonal(*shape, random_state)
    if weight_init in _BOUNDS:
        bound = _BOUNDS[weight_init](*shape)
        return random_state.uniform(-bound, bound, shape)
    return random_state.normal(
        0.0, _STANDARD_DEVIATIONS[weight_init](*shape, init_scale), shape
    )


def _orthogonal(fan_in, fan_out, random_state):
    tall = random_state.normal(size=(max(fan_in, fan_out), min(fan_in, fan_out)))
    # scipy's, not numpy's: a fit holds the threads of scipy's BLAS to one.
    q, r = qr(tall, overwrite_a=True, mode="economic", check_finite=False)
    # Without this the signs are LAPACK's, and q not uniform.
    q *= np.where(np.diagonal(r) < 0, -1.0, 1.0)
    return q if fan_in >= fan_out else q.T
