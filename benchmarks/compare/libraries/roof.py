"""The step's matrix products and nothing else: the roof over caviar's training step.

Forward, the weights' gradients and the hidden layers' gradients, called from C in
the BLAS that caviar uses. A library with products of its own may go through it.
"""

from caviar._kernels import time_products

from . import timed


def prepare(problem, X, y, batch_norm):
    n_full, n_last = divmod(problem.n_samples, problem.batch_size)

    def train(n_epochs):
        steps = [(problem.batch_size, n_full * n_epochs), (n_last, n_epochs)]
        for batch_size, n_steps in steps:
            if batch_size and n_steps:
                time_products(problem.units, batch_size, "float32", n_steps)

    return timed(train)
