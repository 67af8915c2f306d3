"""First weights of a network, drawn in float64 from numpy's RandomState."""

import numpy as np

WEIGHT_INITS = (
    "sklearn",
    "normal",
    "glorot_uniform",
    "glorot_normal",
    "xavier",
    "he_uniform",
    "he_normal",
    "lecun_normal",
    "orthogonal",
)


def initialize(plan, activation, random_state, dtype):
    """Draw the weights and intercepts as scikit-learn's MLP draws them.

    Uniform in +-sqrt(6 / (fan_in + fan_out)), with 2 in place of 6 for the logistic
    activation, weights before intercepts, layer by layer (Glorot & Bengio 2010, eq. 16).
    Batch normalization starts as the identity; the intercepts it replaces are drawn all the
    same, so that the weights do not depend on it.

    Parameters
    ----------
    plan : Plan
    activation : str
    random_state : RandomState instance
    dtype : dtype

    Returns
    -------
    params : ndarray of shape (n_params,)
    stats : ndarray of shape (n_stats,)
        Running means zero and variances one.
    """
    params = np.zeros(plan.n_params, dtype=dtype)
    stats = np.zeros(plan.n_stats, dtype=dtype)
    factor = 2.0 if activation == "logistic" else 6.0
    for weights, intercepts in zip(
        plan.coefs(params), plan.intercepts(params), strict=True
    ):
        bound = np.sqrt(factor / sum(weights.shape))
        weights[...] = random_state.uniform(-bound, bound, weights.shape)
        intercepts[...] = random_state.uniform(-bound, bound, intercepts.shape)
    if plan.batch_norm:
        for gamma in plan.gammas(params):
            gamma[...] = 1
        for beta in plan.betas(params):
            beta[...] = 0
        for variance in plan.moments(stats)[1]:
            variance[...] = 1
    return params, stats
