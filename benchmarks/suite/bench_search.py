"""scikit-learn's four searches over a pipeline on digits, in one process."""

from scipy.stats import loguniform
from sklearn.datasets import load_digits
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    HalvingRandomSearchCV,
    RandomizedSearchCV,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from caviar import MLPClassifier

from . import sizes
from .bench_fit import quiet_fit

GRID = {
    "mlpclassifier__learning_rate_init": [1e-3, 3e-3, 1e-2],
    "mlpclassifier__batch_size": [32, 64, 128],
}
DISTRIBUTIONS = GRID | {
    "mlpclassifier__learning_rate_init": loguniform(1e-4, 1e-1),
    "mlpclassifier__alpha": loguniform(1e-6, 1e-1),
}
RESOURCE = "mlpclassifier__max_iter"


class Search:
    """Nine candidates; halving starts them at three epochs and ends at 27."""

    params = ("grid", "randomized", "halving_grid", "halving_random")
    param_names = ("search",)
    timeout = 300

    def setup(self, search):
        X, y = load_digits(return_X_y=True)
        self.X, self.y = X[: sizes.size(len(X), tiny=210)].astype("float32"), y
        self.y = self.y[: len(self.X)]
        epochs = sizes.size(27, tiny=3)
        mlp = MLPClassifier((sizes.size(64, tiny=4),), max_iter=epochs, random_state=0)
        pipeline = make_pipeline(StandardScaler(), mlp)
        common = {"cv": 3, "random_state": 0}
        halving = common | {"resource": RESOURCE, "max_resources": epochs}
        halving |= {"min_resources": sizes.size(3, tiny=1)}
        self.search = {
            "grid": lambda: GridSearchCV(pipeline, GRID, cv=3),
            "randomized": lambda: RandomizedSearchCV(
                pipeline, DISTRIBUTIONS, n_iter=9, **common
            ),
            "halving_grid": lambda: HalvingGridSearchCV(pipeline, GRID, **halving),
            "halving_random": lambda: HalvingRandomSearchCV(
                pipeline, DISTRIBUTIONS, n_candidates=9, **halving
            ),
        }[search]()

    def time_search(self, search):
        quiet_fit(self.search, self.X, self.y)
