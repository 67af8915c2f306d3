"""fit and partial_fit: time and peak memory."""

import warnings

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
