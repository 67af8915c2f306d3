"""The whole network in float64 numpy, written from the formulas: the oracle of the tests.

Slow, plain and independent of caviar. Names: m rows, layer z = a W + b, activation
h = g(z), batch normalization y = gamma * xhat + beta.
"""

import numpy as np
from scipy.special import erfc, expit, log1p, xlogy

SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805


def normal_cdf(z):
    return erfc(-z / np.sqrt(2)) / 2


def normal_pdf(z):
    return np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)


def softplus(z):
    return np.logaddexp(0, z)


def elu(z):
    return np.where(z < 0, np.expm1(np.minimum(z, 0)), z)


ACTIVATIONS = {
    "identity": lambda z: z,
    "logistic": expit,
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0),
    "exp": np.exp,
    "leaky_relu": lambda z: np.where(z < 0, 0.01 * z, z),
    "elu": elu,
    "selu": lambda z: SELU_SCALE * np.where(z < 0, SELU_ALPHA * elu(z), z),
    "gelu": lambda z: z * normal_cdf(z),
    "silu": lambda z: z * expit(z),
    "mish": lambda z: z * np.tanh(softplus(z)),
}
# g'(z), at a kink the one on its left
DERIVATIVES = {
    "identity": lambda z: np.ones_like(z),
    "logistic": lambda z: expit(z) * expit(-z),
    "tanh": lambda z: 1 - np.tanh(z) ** 2,
    "relu": lambda z: (z > 0).astype(float),
    "leaky_relu": lambda z: np.where(z > 0, 1, 0.01),
    "elu": lambda z: np.exp(np.minimum(z, 0)),
    "selu": lambda z: SELU_SCALE * np.where(z > 0, 1, SELU_ALPHA * (elu(z) + 1)),
    "gelu": lambda z: normal_cdf(z) + z * normal_pdf(z),
    "silu": lambda z: expit(z) + z * expit(z) * expit(-z),
    "mish": lambda z: (
        np.tanh(softplus(z)) + z * (1 - np.tanh(softplus(z)) ** 2) * expit(z)
    ),
}


def shares(weights, m):
    """Each row's share of the weight, as a column."""
    weights = np.ones(m) if weights is None else np.asarray(weights, dtype=float)
    return (weights / weights.sum())[:, None]


def batch_norm(z, gamma, beta, eps, weights=None):
    """Ioffe & Szegedy 2015, algorithm 1, with weighted moments."""
    share = shares(weights, len(z))
    mean = (share * z).sum(axis=0)
    var = (share * (z - mean) ** 2).sum(axis=0)
    xhat = (z - mean) / np.sqrt(var + eps)
    return gamma * xhat + beta, xhat, mean, var


def batch_norm_gradient(dy, xhat, var, gamma, eps, weights=None):
    """dz, dgamma, dbeta; section 3 of the paper, with the sums carried out."""
    dbeta, dgamma = dy.sum(axis=0), (dy * xhat).sum(axis=0)
    share = shares(weights, len(dy))
    dz = gamma / np.sqrt(var + eps) * (dy - share * (dbeta + xhat * dgamma))
    return dz, dgamma, dbeta


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def log_softmax(z):
    shifted = z - z.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def log_expit(z):
    return np.minimum(z, 0) - log1p(np.exp(-np.abs(z)))


def softmax_focal(z, y, gamma):
    """Lin et al. 2017, equation 4, for K classes: through the softmax's Jacobian."""
    p, log_p = softmax(z), log_softmax(z)
    slope = y * (gamma * (1 - p) ** (gamma - 1) * log_p - (1 - p) ** gamma / p)
    jacobian = p[:, :, None] * (np.eye(z.shape[1]) - p[:, None, :])
    return -y * (1 - p) ** gamma * log_p, np.einsum("rj,rjk->rk", slope, jacobian)


def logistic_focal(z, y, gamma):
    value, slope = 0, 0
    for sign, share in ((1, y), (-1, 1 - y)):
        p, q, log_p = expit(sign * z), expit(-sign * z), log_expit(sign * z)
        value = value - share * q**gamma * log_p
        slope = slope + sign * share * q**gamma * (gamma * p * log_p - q)
    return value, slope


def softmax_hinge(z, y):
    """Weston & Watkins 1999: every class k against the class j of the target."""
    margins = 1 + z[:, None, :] - z[:, :, None]  # row, j, k
    margins[:, np.eye(z.shape[1], dtype=bool)] = 0
    active = y[:, :, None] * (margins > 0)
    slope = active.sum(axis=1) - active.sum(axis=2)
    return (y[:, :, None] * np.maximum(margins, 0)).sum(axis=2), slope


def logistic_hinge(z, y):
    value = y * np.maximum(1 - z, 0) + (1 - y) * np.maximum(1 + z, 0)
    return value, (1 - y) * (z > -1) - y * (z < 1)


# Of each output: its part of the loss, and the derivative of the row's loss.
LOSSES = {
    "cross_entropy": lambda z, y, _: (-y * log_softmax(z), softmax(z) - y),
    "logistic": lambda z, y, _: (
        -y * log_expit(z) - (1 - y) * log_expit(-z),
        expit(z) - y,
    ),
    "squared_error": lambda z, y, _: (0.5 * (z - y) ** 2 / z.shape[1], z - y),
    "poisson": lambda z, y, _: (
        xlogy(y, y / np.exp(z)) - y + np.exp(z),
        np.exp(z) - y,
    ),
    "absolute_error": lambda z, y, _: (np.abs(z - y), np.sign(z - y)),
    "huber": lambda z, y, delta: (
        np.where(
            np.abs(z - y) <= delta,
            0.5 * (z - y) ** 2,
            delta * (np.abs(z - y) - 0.5 * delta),
        ),
        np.clip(z - y, -delta, delta),
    ),
    "quantile": lambda z, y, q: (
        np.maximum(q * (y - z), (q - 1) * (y - z)),
        np.where(z < y, -q, (z > y) * (1 - q)),
    ),
    "softmax_focal": softmax_focal,
    "logistic_focal": logistic_focal,
    "softmax_hinge": lambda z, y, _: softmax_hinge(z, y),
    "logistic_hinge": lambda z, y, _: logistic_hinge(z, y),
}


def loss_and_gradient(z, targets, loss, weights=None, parameter=0.0):
    """Weighted mean over rows of the loss of pre-activations z, and its gradient.

    ``parameter``: huber's delta, the quantile, focal's gamma. As in scikit-learn the
    squared error averages over outputs, its gradient does not.
    """
    if loss == "softmax":
        loss, targets = "cross_entropy", np.eye(z.shape[1])[targets]
    share = shares(weights, len(z))
    value, gradient = LOSSES[loss](z, targets, parameter)
    return (share * value).sum(), share * gradient


class Network:
    """One network as lists of arrays; ``batch_norm`` is False, "pre" or "post"."""

    def __init__(self, coefs, intercepts, activation, loss, batch_norm=False, eps=1e-5):
        self.coefs, self.intercepts = coefs, intercepts
        self.activation, self.loss = activation, loss
        self.batch_norm, self.eps = batch_norm, eps
        hidden = [w.shape[1] for w in coefs[:-1]]
        self.gammas = [np.ones(n) for n in hidden]
        self.betas = [np.zeros(n) for n in hidden]

    def loss_and_gradients(self, X, targets, weights=None):
        """Loss, gradients (coefs, gammas, intercepts, betas), batch means, variances."""
        g, derivative = ACTIVATIONS[self.activation], DERIVATIVES[self.activation]
        n_hidden, inputs, xhats, variances, means = len(self.gammas), [X], [], [], []
        pre = []  # what each activation is applied to
        for i in range(n_hidden):
            z = inputs[-1] @ self.coefs[i]
            if self.batch_norm != "pre":
                z = z + self.intercepts[i]
            if self.batch_norm == "post":
                pre.append(z)
                z = g(z)
            if self.batch_norm:
                z, xhat, mean, var = batch_norm(
                    z, self.gammas[i], self.betas[i], self.eps, weights
                )
                xhats.append(xhat), means.append(mean), variances.append(var)
            if self.batch_norm != "post":
                pre.append(z)
                z = g(z)
            inputs.append(z)
        z = inputs[-1] @ self.coefs[-1] + self.intercepts[-1]
        loss, d = loss_and_gradient(z, targets, self.loss, weights)

        dcoefs, dintercepts = [inputs[-1].T @ d], [d.sum(axis=0)]
        dgammas, dbetas = [], []
        for i in range(n_hidden - 1, -1, -1):
            d = d @ self.coefs[i + 1].T
            if self.batch_norm != "post":
                d = d * derivative(pre[i])
            if self.batch_norm:
                d, dgamma, dbeta = batch_norm_gradient(
                    d, xhats[i], variances[i], self.gammas[i], self.eps, weights
                )
                dgammas.insert(0, dgamma), dbetas.insert(0, dbeta)
            if self.batch_norm == "post":
                d = d * derivative(pre[i])
            dcoefs.insert(0, inputs[i].T @ d)
            dintercepts.insert(0, d.sum(axis=0))
        return loss, (dcoefs, dgammas, dintercepts, dbetas), means, variances


def plain_forward(X, coefs, intercepts, activation, out_activation):
    """What any numpy user would write from coefs_ and intercepts_."""
    a = np.asarray(X)
    for w, b in zip(coefs[:-1], intercepts[:-1], strict=True):
        a = ACTIVATIONS[activation](a @ w + b)
    z = a @ coefs[-1] + intercepts[-1]
    return softmax(z) if out_activation == "softmax" else ACTIVATIONS[out_activation](z)


def optimizer_step(
    solver,
    w,
    slots,
    g,
    t,
    lr,
    *,
    momentum=0.9,
    nesterov=True,
    rho=0.9,
    beta_1=0.9,
    beta_2=0.999,
    eps=1e-8,
    decay=0.0,
):
    """New w and slots after step t (from 1) with gradient g, L2 included in g."""
    if solver == "sgd":
        v = momentum * slots[0] - lr * g
        return w + (momentum * v - lr * g if nesterov else v), [v]
    if solver == "rmsprop":
        s = rho * slots[0] + (1 - rho) * g**2
        return w - lr * g / (np.sqrt(s) + eps), [s]
    if solver == "adagrad":
        h = slots[0] + g**2
        return w - lr * g / (np.sqrt(h) + eps), [h]
    m = beta_1 * slots[0] + (1 - beta_1) * g
    v = beta_2 * slots[1] + (1 - beta_2) * g**2
    if solver == "nadam":
        rate, ahead = nadam_rates(lr, t, beta_1, beta_2)
        return w - (rate * m + ahead * g) / (np.sqrt(v) + eps), [m, v]
    rate = lr * np.sqrt(1 - beta_2**t) / (1 - beta_1**t)
    return (1 - lr * decay) * w - rate * m / (np.sqrt(v) + eps), [m, v]


def nadam_rates(lr, t, beta_1=0.9, beta_2=0.999):
    """Of the moment and of the gradient in step t (Dozat 2016, algorithm 2)."""
    mu = beta_1 * (1 - 0.5 * 0.96 ** (0.004 * np.arange(1, t + 2)))
    rate = lr * np.sqrt(1 - beta_2**t)
    return (
        rate * mu[t] / (1 - mu.prod()),
        rate * (1 - mu[t - 1]) / (1 - mu[:t].prod()),
    )
