"""The searches on a Dask cluster of two processes: the same numbers, each datum sent once."""

import os

import joblib
import numpy as np
import pytest
from sklearn.datasets import load_digits
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
    with (
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

    def __reduce__(self):
        values = np.asarray(self)
        return unpickled, (values, str(self.folder))


def unpickled(values, folder):
    """The array, after a file with this process's id was written."""
    name = os.path.join(folder, f"{os.getpid()}-{os.urandom(4).hex()}")
    with open(name, "w"):
        array = values.view(CountsItsCopies)
    array.folder = folder
    return array
