"""Many fits at once: eight in threads, and a search on all cores."""

import time
from concurrent.futures import ThreadPoolExecutor

import joblib
from sklearn.model_selection import GridSearchCV

from caviar import MLPClassifier

from . import sizes
from .bench_fit import quiet_fit
from .bench_step import ratio_of_times


def seconds(function):
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


class Concurrent:
    """Eight fits in eight threads against the same one after another."""

    params = (["S", "M", "L"],)
    param_names = ("shape",)
    unit = "times as fast"
    timeout = 300

    def setup(self, shape):
        X, y, params = sizes.problem(shape)
        epochs = 20 if shape == "S" else 1
        mlps = [MLPClassifier(**params, max_iter=epochs) for _ in range(8)]
        fits = [lambda mlp=mlp: quiet_fit(mlp, X, y) for mlp in mlps]

        def at_once():
            with ThreadPoolExecutor(8) as pool:
                for done in [pool.submit(fit) for fit in fits]:
                    done.result()

        self.one_by_one = lambda: [fit() for fit in fits]
        self.at_once = at_once

    def track_gain(self, shape):
        return ratio_of_times(
            lambda: seconds(self.one_by_one), lambda: seconds(self.at_once)
        )


class SearchOnAllCores:
    """A search with as many jobs as cores against one job."""

    params = (["threading", "loky"],)
    param_names = ("backend",)
    unit = "times as fast"
    timeout = 300

    def setup(self, backend):
        X, y, params = sizes.problem("S")
        grid = {"learning_rate_init": [1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2]}
        mlp = MLPClassifier(**params, max_iter=sizes.size(60, tiny=2))

        def search(n_jobs):
            with joblib.parallel_config(backend, n_jobs=n_jobs):
                quiet_fit(GridSearchCV(mlp, grid, cv=3), X, y)

        self.search = search
        search(joblib.cpu_count())  # starts the processes

    def track_gain(self, backend):
        return ratio_of_times(
            lambda: seconds(lambda: self.search(1)),
            lambda: seconds(lambda: self.search(joblib.cpu_count())),
        )
