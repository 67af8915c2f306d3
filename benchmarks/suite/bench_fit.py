"""fit and partial_fit: time and peak memory."""

import os
import tempfile
import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from caviar import MLPClassifier, MLPRegressor

from . import sizes


def quiet_fit(estimator, X, y):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return estimator.fit(X, y)


class Fit:
    """A whole fit of two epochs, validation and initialization included."""

    params = (["S", "M", "L"], [False, True])
    param_names = ("shape", "batch_norm")

    def setup(self, shape, batch_norm):
        self.X, self.y, params = sizes.problem(shape)
        self.mlp = MLPClassifier(**params, max_iter=2, batch_norm=batch_norm)

    def time_fit(self, shape, batch_norm):
        quiet_fit(self.mlp, self.X, self.y)

    def peakmem_fit(self, shape, batch_norm):
        quiet_fit(self.mlp, self.X, self.y)


class Solvers:
    """The smallest shape with every solver: ten epochs, for lbfgs iterations."""

    params = ("adam", "adamw", "sgd", "rmsprop", "adagrad", "lbfgs")
    param_names = ("solver",)

    def setup(self, solver):
        self.X, self.y, params = sizes.problem("S")
        self.mlp = MLPClassifier(**params, max_iter=10, solver=solver)

    def time_fit(self, solver):
        quiet_fit(self.mlp, self.X, self.y)


class Variants:
    """What else may be in a fit: other data, other losses, a validation set."""

    params = ("float64", "sparse", "sample_weight", "early_stopping", "regressor")
    param_names = ("variant",)

    def setup(self, variant):
        from scipy.sparse import csr_array

        X, y, params = sizes.problem("S")
        estimator = MLPRegressor if variant == "regressor" else MLPClassifier
        params["early_stopping"] = variant == "early_stopping"
        self.mlp = estimator(**params, max_iter=10)
        self.weights = {}
        if variant == "float64":
            X = X.astype("float64")
        elif variant == "sparse":
            X = csr_array(X * (abs(X) > 1.6))  # one entry in nine is left
        elif variant == "sample_weight":
            self.weights = {"sample_weight": abs(X[:, 0]) + 0.1}
        elif variant == "regressor":
            y = X[:, 0] - X[:, 1]
        self.X, self.y = X, y

    def time_fit(self, variant):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            self.mlp.fit(self.X, self.y, **self.weights)


class WideSparse:
    """100,000 features, a thousandth of them not zero: time and memory."""

    def setup(self):
        from scipy.sparse import random_array

        shape = sizes.size(5_000), sizes.size(100_000)
        self.X = random_array(shape, density=1e-3, format="csr", dtype="float32", rng=0)
        self.y = sizes.classification(shape[0], 2)[1]
        self.mlp = MLPClassifier((sizes.size(64, tiny=4),), batch_size=128, max_iter=1)

    def time_fit(self):
        quiet_fit(self.mlp, self.X, self.y)

    def peakmem_fit(self):
        quiet_fit(self.mlp, self.X, self.y)


class MemoryMap:
    """X as an array in a file: its pages may be in memory, nothing else of its size."""

    def setup(self):
        rows = sizes.size(200_000)
        self.folder = tempfile.TemporaryDirectory()
        file = os.path.join(self.folder.name, "X")
        _, self.y = sizes.classification(rows, 2)
        X = np.memmap(file, "float32", "w+", shape=(rows, 500))
        X[:] = 1.0
        X.flush()
        self.X = np.memmap(file, "float32", "r", shape=X.shape)
        self.mlp = MLPClassifier((sizes.size(32, tiny=4),), batch_size=512, max_iter=1)

    def teardown(self):
        del self.X
        self.folder.cleanup()

    def peakmem_fit(self):
        quiet_fit(self.mlp, self.X, self.y)


class PartialFit:
    """One epoch on an estimator that is fitted already."""

    params = (["S", "M"], [False, True])
    param_names = ("shape", "batch_norm")

    def setup(self, shape, batch_norm):
        self.X, self.y, params = sizes.problem(shape)
        self.mlp = MLPClassifier(**params, batch_norm=batch_norm)
        self.mlp.partial_fit(self.X, self.y, classes=range(sizes.N_CLASSES))

    def time_partial_fit(self, shape, batch_norm):
        self.mlp.partial_fit(self.X, self.y)
