"""A training step against its limits: its products alone, denormals, several threads.

Ratios of times taken in turns, which a noisy machine spoils less than times.
"""

import time
from statistics import median

import numpy as np

from caviar import MLPClassifier, _kernels
from caviar.augmentation import Mixup

from . import sizes
from .bench_fit import quiet_fit

N_ROUNDS = 5


def fitter(mlp, X, y, n_epochs):
    """A function that returns the seconds of so many epochs, by difference."""

    def seconds(max_iter):
        start = time.perf_counter()
        quiet_fit(mlp.set_params(max_iter=max_iter), X, y)
        return time.perf_counter() - start

    def run():
        return max(1e-9, -seconds(1) + seconds(1 + n_epochs))

    return run


def ratio_of_times(run, other):
    """The median of run's seconds over that of other's, the two taking turns."""
    pairs = [(run(), other()) for _ in range(1 if sizes.TINY else N_ROUNDS)]
    ratio = median(a for a, _ in pairs) / median(b for _, b in pairs)
    return float(f"{ratio:.3g}")


class Step:
    """Batch norm and Adam included, over the matrix products in the same BLAS."""

    params = (["S", "M", "L", "XL"], ["float32", "float64"])
    param_names = ("shape", "dtype")
    unit = "times"
    timeout = 300

    def setup(self, shape, dtype):
        X, y, params = sizes.problem(shape)
        n_epochs = {"S": 60, "M": 3}.get(shape, 1)
        mlp = MLPClassifier(**params, alpha=0.0, batch_norm=True, dtype=dtype)
        self.run = fitter(mlp, X, y, n_epochs)
        units = [X.shape[1], *params["hidden_layer_sizes"], sizes.N_CLASSES]
        n_full, n_last = divmod(len(X), params["batch_size"])

        def products():
            seconds = n_full * _kernels.time_products(
                units, params["batch_size"], dtype, max(1, n_full)
            )
            if n_last:
                seconds += _kernels.time_products(units, n_last, dtype, 1)
            return n_epochs * seconds

        self.products = products

    def track_over_products(self, shape, dtype):
        return ratio_of_times(self.run, self.products)


METHODS = {
    "dropout": dict(dropout=0.2),
    "input_dropout": dict(input_dropout=0.1),
    "dropconnect": dict(dropconnect=0.2),
    "label_smoothing": dict(label_smoothing=0.1),
    "mixup": dict(augment=Mixup()),
    "clip_norm": dict(clip_norm=1.0),
    "ema": dict(average_weights="ema"),
    "swa": dict(average_weights="swa", swa_start=0),
    "schedule": dict(learning_rate="cosine"),
    "gelu": dict(activation="gelu"),
}


class Methods:
    """A step of shape M with a training method, over the same without it."""

    params = list(METHODS)
    param_names = ("method",)
    unit = "times"
    timeout = 300

    def setup(self, method):
        X, y, params = sizes.problem("M")
        settings = dict(params, alpha=0.0, batch_norm=True, dtype="float32")
        self.plain = fitter(MLPClassifier(**settings), X, y, 3)
        self.run = fitter(MLPClassifier(**(settings | METHODS[method])), X, y, 3)

    def track_over_plain(self, method):
        return ratio_of_times(self.run, self.plain)


class Denormals:
    """An epoch in which weights and moments have faded to 1e-40, over a normal one."""

    unit = "times"

    def setup(self):
        X, y, params = sizes.problem("M")
        self.X, self.y, params["solver"] = X, y, "adam"
        self.normal = MLPClassifier(**params, alpha=0.0)
        self.normal.partial_fit(X, y, classes=range(sizes.N_CLASSES))
        self.zero = np.zeros_like(X)

    def epoch(self, scale):
        """Seconds of an epoch on zeros: weights keep no gradient, moments only decay."""
        mlp = self.normal
        for array in (mlp.params_, mlp._optimizer["slots"], *mlp.coefs_):
            array[...] = scale
        start = time.perf_counter()
        mlp.partial_fit(self.zero, self.y)
        return time.perf_counter() - start

    def track_over_normal(self):
        return ratio_of_times(lambda: self.epoch(1e-40), lambda: self.epoch(1e-4))


class Threads:
    """A fit of shape XL in one thread over the same fit in two."""

    unit = "times as fast"
    timeout = 300

    def setup(self):
        X, y, params = sizes.problem("XL")
        one = MLPClassifier(**params, batch_norm=True, n_jobs=1)
        two = MLPClassifier(**params, batch_norm=True, n_jobs=2)
        self.runs = fitter(one, X, y, 1), fitter(two, X, y, 1)

    def track_gain_of_two(self):
        return ratio_of_times(*self.runs)
