"""The data of the benchmarks, and the switch that makes all of it tiny.

The smoke test in tests/ sets TINY; every size goes through ``size``.
"""

import numpy as np

TINY = False

# name: rows, features, hidden units, batch size; the shapes of ``compare``.
SHAPES = {
    "S": (1797, 64, (64,), 32),
    "M": (20000, 100, (128, 128), 128),
    "L": (20000, 784, (256, 256), 256),
    "XL": (8000, 784, (1024, 1024, 1024), 512),
}
N_CLASSES = 10


def size(n, tiny=40):
    """``n``, or at most ``tiny`` in the smoke test."""
    return min(n, tiny) if TINY else n


def classification(n_samples, n_features, dtype="float32"):
    """Standard normal X, and y that depends on it, so that training can succeed."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n_samples, n_features)).astype(dtype)
    teacher = rng.standard_normal((n_features, N_CLASSES))
    logits = X @ teacher / np.sqrt(n_features) + rng.gumbel(size=(n_samples, N_CLASSES))
    y = np.argmax(logits, axis=1)
    y[:N_CLASSES] = np.arange(N_CLASSES)
    return X, y


def problem(name):
    """X, y and the classifier's parameters for the shape of that name."""
    n_samples, n_features, hidden, batch_size = SHAPES[name]
    X, y = classification(size(n_samples), size(n_features, tiny=5))
    hidden = tuple(size(units, tiny=4) for units in hidden)
    params = {
        "hidden_layer_sizes": hidden,
        "batch_size": size(batch_size, tiny=16),
        "random_state": 0,
        "tol": 0.0,
        "n_iter_no_change": np.inf,  # every epoch that is asked for is run
    }
    return X, y, params
