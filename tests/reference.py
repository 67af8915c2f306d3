"""The whole network in float64 numpy, written from the formulas: the oracle of the tests.

Slow, plain and independent of caviar. Names: m rows, layer z = a W + b, activation
h = g(z), batch normalization y = gamma * xhat + beta.
"""

import numpy as np
from scipy.special import expit, log1p, xlogy

ACTIVATIONS = {
    "identity": lambda z: z,
    "logistic": expit,
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0),
    "exp": np.exp,
}
# g'(z) as a function of h = g(z)
DERIVATIVES = {
    "identity": lambda h: np.ones_like(h),
    "logistic": lambda h: h * (1 - h),
    "tanh": lambda h: 1 - h**2,
    "relu": lambda h: (h > 0).astype(float),
}


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


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


def loss_and_gradient(z, targets, loss, weights=None):
    """Weighted mean loss of the outputs' pre-activations z, and its gradient.

    As in scikit-learn the squared error averages over outputs, its gradient does not.
    """
    share = shares(weights, len(z))
    if loss == "softmax":
        onehot = np.eye(z.shape[1])[targets]
        shifted = z - z.max(axis=1, keepdims=True)
        log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        return -(share * onehot * log_p).sum(), share * (softmax(z) - onehot)
    if loss == "logistic":
        log_p = np.minimum(z, 0) - log1p(np.exp(-np.abs(z)))
        value = -(share * (targets * log_p + (1 - targets) * (log_p - z))).sum()
        return value, share * (expit(z) - targets)
    if loss == "squared_error":
        value = 0.5 * (share * (z - targets) ** 2).sum() / z.shape[1]
        return value, share * (z - targets)
    p = np.exp(z)
    value = (share * (xlogy(targets, targets / p) - targets + p)).sum()
    return value, share * (p - targets)


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
        acts = []
        for i in range(n_hidden):
            z = inputs[-1] @ self.coefs[i]
            if self.batch_norm != "pre":
                z = z + self.intercepts[i]
            if self.batch_norm == "post":
                z = g(z)
                acts.append(z)
            if self.batch_norm:
                z, xhat, mean, var = batch_norm(
                    z, self.gammas[i], self.betas[i], self.eps, weights
                )
                xhats.append(xhat), means.append(mean), variances.append(var)
            if self.batch_norm != "post":
                z = g(z)
                acts.append(z)
            inputs.append(z)
        z = inputs[-1] @ self.coefs[-1] + self.intercepts[-1]
        loss, d = loss_and_gradient(z, targets, self.loss, weights)

        dcoefs, dintercepts = [inputs[-1].T @ d], [d.sum(axis=0)]
        dgammas, dbetas = [], []
        for i in range(n_hidden - 1, -1, -1):
            d = d @ self.coefs[i + 1].T
            if self.batch_norm != "post":
                d = d * derivative(acts[i])
            if self.batch_norm:
                d, dgamma, dbeta = batch_norm_gradient(
                    d, xhats[i], variances[i], self.gammas[i], self.eps, weights
                )
                dgammas.insert(0, dgamma), dbetas.insert(0, dbeta)
            if self.batch_norm == "post":
                d = d * derivative(acts[i])
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
    rate = lr * np.sqrt(1 - beta_2**t) / (1 - beta_1**t)
    return (1 - lr * decay) * w - rate * m / (np.sqrt(v) + eps), [m, v]
