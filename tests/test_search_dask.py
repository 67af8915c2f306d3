"""The searches on a Dask cluster of two processes: the same numbers, data sent once."""

import os
import time
from collections import Counter

import joblib
import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.datasets import load_digits
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from caviar import MLPClassifier
from caviar.distributions import Choice, LogUniform
from caviar.model_selection import (
    CoarseToFineSearchCV,
    HyperbandSearchCV,
    SuccessiveHalvingSearchCV,
    read_journal,
)

dask = pytest.importorskip("dask")
distributed = pytest.importorskip("distributed")

SPACE = {
    "learning_rate_init": LogUniform(1e-3, 1e-1),
    "alpha": LogUniform(1e-5, 1e1),
    "batch_norm": Choice([False, True]),
}
SEARCHES = {
    "coarse to fine": (CoarseToFineSearchCV, {"n_iter": 3, "n_rounds": 2}),
    "halving": (
        SuccessiveHalvingSearchCV,
        {"n_initial_parameters": 4, "max_iter": 4, "aggressiveness": 2},
    ),
    "Hyperband": (HyperbandSearchCV, {"max_iter": 4, "aggressiveness": 2}),
}

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::caviar.model_selection.SearchBoundaryWarning"),
]


@pytest.fixture(scope="module")
def client():
    """Return a client of two workers, each a process with one thread."""
    # Copies are counted, so Dask is not to drop those that no call needs at the moment.
    quiet = {"distributed.scheduler.active-memory-manager.start": False}
    with (
        dask.config.set(quiet),
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def data():
    X, y = load_digits(return_X_y=True)
    return X[:200] / 16, y[:200]


def search_of(name, **params):
    """One of the searches, of a small network that trains with dropout."""
    cls, settings = SEARCHES[name]
    network = MLPClassifier((16,), dropout=0.2, max_iter=4, random_state=0)
    return cls(network, SPACE, cv=2, random_state=0, **settings, **params)


def assert_same_results(one, other):
    """The tables of two searches are equal in every column but the times."""
    assert one.cv_results_.keys() == other.cv_results_.keys()
    for name, column in one.cv_results_.items():
        if not name.endswith("_time"):
            np.testing.assert_array_equal(column, other.cv_results_[name], err_msg=name)
    assert one.best_params_ == other.best_params_


@pytest.mark.parametrize("name", SEARCHES)
def test_a_search_on_a_cluster_has_the_numbers_of_one_process(name, client, data):
    here = search_of(name).fit(*data)
    with joblib.parallel_config(backend="dask"):
        there = search_of(name).fit(*data)
    assert_same_results(here, there)
    np.testing.assert_array_equal(
        here.predict_proba(data[0]), there.predict_proba(data[0])
    )


@pytest.mark.parametrize("name", SEARCHES)
def test_pipeline_sample_weight_and_journal_on_a_cluster(name, client, data, tmp_path):
    X, y = data
    weights = np.random.RandomState(0).uniform(0.5, 2.0, size=len(y))

    def search(**params):
        one = search_of(name, **params)
        pipeline = make_pipeline(StandardScaler(), one.estimator)
        space = {f"mlpclassifier__{key}": value for key, value in SPACE.items()}
        return one.set_params(estimator=pipeline, param_distributions=space)

    here = search().fit(X, y, mlpclassifier__sample_weight=weights)
    path = tmp_path / "journal"
    with joblib.parallel_config(backend="dask"):
        there = search(journal=path).fit(X, y, mlpclassifier__sample_weight=weights)
        again = search(journal=path).fit(X, y, mlpclassifier__sample_weight=weights)
    assert_same_results(here, there)
    assert_same_results(here, again)
    assert read_journal(path).completed
    assert read_journal(path).best_params_ == here.best_params_


class CountsItsCopies(np.ndarray):
    """An array that leaves a file in `folder` wherever it is unpickled."""

    folder = None

    def __array_finalize__(self, source):
        self.folder = getattr(source, "folder", None)

    def __reduce__(self):
        return unpickled, (np.array(self), self.folder)


def unpickled(values, folder):
    """The array, after a file that is named after this process and it was written."""
    name = f"{os.getpid()}-{len(values)}-{os.urandom(4).hex()}"
    with open(os.path.join(folder, name), "w"):
        array = values.view(CountsItsCopies)
    array.folder = folder
    return array


def n_copies(folder):
    """How often arrays came to a process, by process and length."""
    return Counter(tuple(name.split("-")[:2]) for name in os.listdir(folder))


class KeepsCounting(BaseEstimator):
    """A transformer that doubles, and whose result counts its copies, too."""

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return X * 2


@pytest.mark.parametrize("name", SEARCHES)
def test_each_worker_gets_the_data_once_in_a_search(name, client, data, tmp_path):
    X = data[0].view(CountsItsCopies)
    X.folder = str(tmp_path)
    with joblib.parallel_config(backend="dask"):
        search_of(name, refit=False).fit(X, data[1])
    copies = n_copies(tmp_path)
    assert len(copies) == 2  # workers
    assert set(copies.values()) == {1}


def test_each_worker_gets_the_rows_behind_a_pipeline_once(client, data, tmp_path):
    X = data[0].view(CountsItsCopies)
    X.folder = str(tmp_path)
    one = search_of("Hyperband", refit=False)
    model = make_pipeline(KeepsCounting(), one.estimator)
    space = {f"mlpclassifier__{key}": value for key, value in SPACE.items()}
    one.set_params(estimator=model, param_distributions=space)
    with joblib.parallel_config(backend="dask"):
        one.fit(X, data[1])
    here, n_rows = str(os.getpid()), str(len(X))
    copies = n_copies(tmp_path)
    whole = [n for (pid, rows), n in copies.items() if pid != here and rows == n_rows]
    assert whole == [1, 1]
    folds = [n for (pid, rows), n in copies.items() if pid != here and rows != n_rows]
    assert folds == [2, 2]  # there are two folds


def test_a_search_runs_inside_of_a_worker(client, data):
    search = search_of("halving")
    here = cross_val_score(search, *data, cv=2)
    with joblib.parallel_config(backend="dask"):
        there = cross_val_score(search, *data, cv=2)
    np.testing.assert_array_equal(here, there)
    # Nothing of the data stays behind.
    wait_until_empty(client)


def wait_until_empty(client, seconds=10):
    """Fail unless the workers drop all they hold; they are told of it a moment later."""
    end = time.monotonic() + seconds
    while any(client.run(held).values()):
        assert time.monotonic() < end, client.run(held)
        time.sleep(0.05)


def held(dask_worker):
    return list(dask_worker.data)
