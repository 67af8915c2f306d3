"""The step's multiplications and additions at the speed of the bare FMA units."""

from itertools import pairwise

from caviar import _kernels


def prepare(problem, X, y, batch_norm):
    weights = [a * b for a, b in pairwise(problem.units)]
    # Each weight is used three times a row: forward, in its own gradient, and in the
    # gradient of the layer's input, which the first layer does not need.
    n_flops = 2 * problem.n_samples * (3 * sum(weights) - weights[0])
    return lambda n_epochs: n_epochs * n_flops / (_kernels.time_fma_peak() * 1e9)
