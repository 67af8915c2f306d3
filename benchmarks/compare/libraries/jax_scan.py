"""JAX with the whole epoch in one compiled function: lax.scan over the batches."""

from functools import partial
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from . import timed


def initial(units, batch_norm):
    """Return params and running statistics: lists of one tuple per layer."""
    rng = np.random.default_rng(0)
    params, stats = [], []
    for fan_in, fan_out in pairwise(units):
        weights = rng.standard_normal((fan_in, fan_out)) * np.sqrt(2 / fan_in)
        normed = batch_norm and len(params) < len(units) - 2
        params.append((weights, np.zeros(fan_out)) + (np.ones(fan_out),) * normed)
        stats.append((np.zeros(fan_out), np.ones(fan_out)) if normed else ())
    return jax.tree.map(lambda a: jnp.asarray(a, jnp.float32), (params, stats))


def loss_of(params, stats, X, Y):
    """Mean cross-entropy of a batch, and the running statistics after it."""
    new_stats = []
    for layer, (weights, shift, *scale) in enumerate(params):
        X = X @ weights
        if scale:
            mean, var = X.mean(axis=0), X.var(axis=0)
            X = (X - mean) * (scale[0] * lax.rsqrt(var + 1e-5))
            pairs = zip(stats[layer], (mean, var), strict=True)
            new_stats.append(tuple(0.9 * old + 0.1 * new for old, new in pairs))
        else:
            new_stats.append(())
        X = X + shift
        if layer < len(params) - 1:
            X = jax.nn.relu(X)
    return -(Y * jax.nn.log_softmax(X)).sum(axis=1).mean(), new_stats


def adam(params, grads, first, second, t):
    first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, grads)
    second = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, second, grads)
    rate = 1e-3 * jnp.sqrt(1 - 0.999**t) / (1 - 0.9**t)
    params = jax.tree.map(
        lambda p, m, v: p - rate * m / (jnp.sqrt(v) + 1e-8), params, first, second
    )
    return params, first, second


@partial(jax.jit, donate_argnums=0, static_argnames="batch_size")
def epoch(state, X, Y, order, batch_size):
    def step(state, rows):
        params, stats, first, second, t = state
        grad_of = jax.value_and_grad(loss_of, has_aux=True)
        (loss, stats), grads = grad_of(params, stats, X[rows], Y[rows])
        params, first, second = adam(params, grads, first, second, t + 1)
        return (params, stats, first, second, t + 1), loss * len(rows)

    n_full = len(order) // batch_size
    full, last = jnp.split(order, [n_full * batch_size])
    state, losses = lax.scan(step, state, full.reshape(n_full, batch_size))
    total = losses.sum()
    if len(last):
        state, loss = step(state, last)
        total += loss
    return state, total


def prepare(problem, X, y, batch_norm):
    X, Y = jnp.asarray(X), jax.nn.one_hot(y, problem.n_classes)
    params, stats = initial(problem.units, batch_norm)
    first, second = (jax.tree.map(jnp.zeros_like, params) for _ in range(2))
    state = params, stats, first, second, jnp.float32(0)
    rng = np.random.default_rng(0)

    def train(n_epochs):
        nonlocal state
        for _ in range(n_epochs):
            # numpy shuffles faster than jax.random on a CPU.
            order = rng.permutation(len(X)).astype(np.int32)
            state, total = epoch(state, X, Y, order, problem.batch_size)
            total.block_until_ready()

    return timed(train)
