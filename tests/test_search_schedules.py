"""What is trained for how long: against Li et al. 2018, dask-ml and scikit-learn.

Algorithm 1 of Li, Jamieson, DeSalvo, Rostamizadeh and Talwalkar, "Hyperband: a novel
bandit-based approach to hyperparameter optimization", JMLR 18 (2018), with R the epochs a
candidate gets at most and eta the aggressiveness.
"""

import math
import time

import numpy as np
import pytest
from scipy.stats import uniform
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import HalvingRandomSearchCV, ParameterSampler
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from caviar.augmentation import GaussianNoise
from caviar.model_selection import (
    CoarseToFineSearchCV,
    HyperbandSearchCV,
    SuccessiveHalvingSearchCV,
)
from searches import (
    BY_EPOCHS,
    N_ROWS,
    SEARCHES,
    X,
    Y,
    assert_rows_are_fits_from_scratch,
    mlp,
    short_trainings,
    small,
)

pytestmark = short_trainings


class Scripted(ClassifierMixin, BaseEstimator):
    """Scores what it is told, and counts the epochs that all of its kind trained."""

    n_epochs = 0

    def __init__(self, quality=0.0, max_iter=1):
        self.quality = quality
        self.max_iter = max_iter

    def fit(self, X, y):
        for _ in range(self.max_iter):
            self.partial_fit(X, y)
        return self

    def partial_fit(self, X, y, classes=None):
        type(self).n_epochs += 1
        self.classes_ = np.array([0, 1])
        self.trained_ = getattr(self, "trained_", 0) + 1
        return self

    def score(self, X, y):
        return self.quality


@pytest.fixture
def count(monkeypatch):
    monkeypatch.setattr(Scripted, "n_epochs", 0)
    return Scripted


DATA = np.zeros((8, 1)), np.array([0, 1] * 4)
QUALITY = {"quality": uniform()}


def li_2018(R, eta):
    """Return Algorithm 1 as it is printed: per bracket the pairs (n_i, r_i)."""
    s_max = int(math.log(R, eta) + 1e-9)
    B = (s_max + 1) * R
    brackets = []
    for s in range(s_max, -1, -1):
        n, r = math.ceil(B / R * eta**s / (s + 1) - 1e-9), R * eta**-s
        rounds = range(s + 1)
        brackets.append(
            [(int(n * eta**-i + 1e-9), round(r * eta**i, 9)) for i in rounds]
        )
    return brackets


def schedule(search):
    """Return per bracket the pairs (candidates, epochs), and check them with the rows."""
    found = []
    for number, bracket in enumerate(search.brackets_):
        rows = search.cv_results_["bracket"] == number
        for k, (n, epochs) in enumerate(
            zip(bracket["n_candidates"], bracket["epochs"], strict=True)
        ):
            in_round = rows & (search.cv_results_["round"] == k)
            assert in_round.sum() == n
            assert (search.cv_results_["epochs"][in_round] == epochs).all()
        found.append(list(zip(bracket["n_candidates"], bracket["epochs"], strict=True)))
    assert sum(n for b in found for n, _ in b) == len(search.cv_results_["params"])
    return found


@pytest.mark.parametrize("R, eta", [(81, 3), (27, 3), (16, 2), (64, 4), (9, 3), (1, 3)])
def test_hyperband_runs_the_brackets_of_li_2018(count, R, eta):
    search = HyperbandSearchCV(
        count(), QUALITY, max_iter=R, aggressiveness=eta, cv=2, random_state=0
    ).fit(*DATA)
    assert schedule(search) == li_2018(R, eta)


def test_hyperband_at_81_epochs_tries_143_candidates_as_dask_ml_documents(count):
    """``metadata["n_models"]`` of dask-ml's HyperbandSearchCV(max_iter=81)."""
    search = HyperbandSearchCV(count(), QUALITY, cv=2, random_state=0).fit(*DATA)
    assert search.max_iter == 81 and search.aggressiveness == 3
    initial = [bracket["n_candidates"][0] for bracket in search.brackets_]
    assert initial == [81, 34, 15, 8, 5]
    bracket, candidate = (search.cv_results_[k] for k in ("bracket", "candidate"))
    assert len(set(zip(bracket, candidate, strict=True))) == sum(initial) == 143


@pytest.mark.parametrize("max_iter", [10, 50, 100])
def test_no_candidate_of_hyperband_gets_more_epochs_than_max_iter(count, max_iter):
    search = HyperbandSearchCV(
        count(), QUALITY, max_iter=max_iter, cv=2, random_state=0
    ).fit(*DATA)
    schedule(search)
    epochs = [bracket["epochs"] for bracket in search.brackets_]
    assert max(last for *_, last in epochs) <= max_iter
    assert all(isinstance(n, int) for bracket in epochs for n in bracket)
    assert all(np.all(np.diff(bracket) > 0) for bracket in epochs)
    assert min(first for first, *_ in epochs) >= 1


@pytest.mark.parametrize(
    "n, r, R, eta", [(27, 1, 27, 3), (16, 2, 32, 2), (9, 4, 36, 3)]
)
def test_successive_halving_has_the_rounds_of_scikit_learns(count, n, r, R, eta):
    ours = SuccessiveHalvingSearchCV(
        count(),
        QUALITY,
        n_initial_parameters=n,
        n_initial_iter=r,
        max_iter=R,
        aggressiveness=eta,
        cv=2,
        random_state=0,
    ).fit(*DATA)
    theirs = HalvingRandomSearchCV(
        count(),
        QUALITY,
        n_candidates=n,
        factor=eta,
        resource="max_iter",
        min_resources=r,
        max_resources=R,
        cv=2,
        random_state=0,
    ).fit(*DATA)
    (rounds,) = schedule(ours)
    pairs = list(zip(theirs.n_candidates_, theirs.n_resources_, strict=True))
    assert rounds == pairs


@pytest.mark.parametrize("cls", BY_EPOCHS)
def test_the_best_of_a_round_go_on_and_only_they(cls, count):
    search = small(cls, count(), QUALITY).fit(*DATA)
    results = search.cv_results_
    for number, bracket in enumerate(search.brackets_):
        for k in range(1, len(bracket["epochs"])):
            before, now = (
                (results["bracket"] == number) & (results["round"] == step)
                for step in (k - 1, k)
            )
            order = np.argsort(-results["mean_test_score"][before])[: now.sum()]
            best = results["candidate"][before][order]
            assert set(results["candidate"][now]) == set(best)
    quality = results["param_quality"]
    np.testing.assert_array_equal(
        results["mean_test_score"], quality.data.astype(float)
    )
    pairs = zip(results["bracket"], results["candidate"], quality, strict=True)
    assert len({pair[:2] for pair in pairs}) == len(set(quality))


@pytest.mark.parametrize("cls", BY_EPOCHS)
def test_survivors_go_on_where_they_stopped(cls, count):
    """The epochs trained are the increments, not the sums of the rounds."""
    search = small(cls, count(), QUALITY, refit=False).fit(*DATA)
    n_splits, results = search.n_splits_, search.cv_results_
    trained = {}
    order = np.lexsort((results["round"], results["bracket"]))
    for row in order:
        key = results["bracket"][row], results["candidate"][row]
        increment = results["epochs"][row] - trained.get(key, 0)
        trained[key] = results["epochs"][row]
        assert results["epochs_trained"][row] == increment * n_splits
    assert search.n_epochs_ == results["epochs_trained"].sum() == count.n_epochs
    assert count.n_epochs == n_splits * sum(trained.values())
    assert count.n_epochs < n_splits * results["epochs"].sum()


@pytest.mark.parametrize("cls", BY_EPOCHS)
def test_the_refit_of_any_estimator_trains_the_epochs_of_the_winner(cls, count):
    search = small(cls, count(max_iter=77), QUALITY).fit(*DATA)
    epochs = search.cv_results_["epochs"][search.best_index_]
    assert (
        search.best_estimator_.trained_ == epochs == search.max_iter == search.n_iter_
    )
    assert search.best_params_["quality"] == search.best_score_


@pytest.mark.parametrize(
    "params",
    [
        dict(dropout=0.3, batch_norm=True),
        dict(solver="sgd", momentum=0.9, learning_rate="invscaling"),
        dict(average_weights="ema", augment=GaussianNoise()),
        dict(learning_rate="cosine"),
        dict(learning_rate="one_cycle", average_weights="swa"),
        dict(early_stopping=True, n_iter_no_change=2, validation_fraction=0.2),
        dict(tol=10.0, n_iter_no_change=1),
    ],
    ids=lambda params: "-".join(params),
)
@pytest.mark.parametrize("cls", BY_EPOCHS)
def test_a_survivor_has_the_scores_of_a_fit_from_scratch(cls, params):
    """Schedules as long as ``max_iter`` stretch over the search's, so there the longest."""
    weight = np.random.RandomState(0).uniform(0.5, 2, 150)
    search = small(cls, mlp(**params), scoring="neg_log_loss").fit(
        X, Y, sample_weight=weight
    )
    longest = params.get("learning_rate") in ("cosine", "one_cycle")
    epochs = [search.max_iter] if longest else None
    assert_rows_are_fits_from_scratch(search, X, Y, epochs=epochs, sample_weight=weight)


def test_each_round_of_coarse_to_fine_has_n_iter_candidates():
    search = small(CoarseToFineSearchCV, n_iter=4, n_rounds=3).fit(X, Y)
    np.testing.assert_array_equal(search.cv_results_["round"], np.repeat([0, 1, 2], 4))
    assert len(search.rounds_) == 3
    for number, described in enumerate(search.rounds_):
        rows = search.cv_results_["round"] == number
        best = search.cv_results_["mean_test_score"][rows].max()
        assert described["best_score"] == best
        assert described["region"].keys() == {"learning_rate_init", "alpha"}


def test_one_round_of_coarse_to_fine_is_a_random_search_over_scipys_distributions():
    space = {"learning_rate_init": uniform(0.001, 0.1), "alpha": uniform(0, 0.1)}
    search = small(CoarseToFineSearchCV, space=space, n_iter=9, n_rounds=1).fit(X, Y)
    params = search.cv_results_["params"]
    assert len(params) == 9
    assert all(0.001 <= p["learning_rate_init"] <= 0.101 for p in params)
    drawn = ParameterSampler(space, 9, random_state=search.seed_)
    assert len({str(p) for p in params}) == len({str(p) for p in drawn})


# -- time_budget -----------------------------------------------------------------------


def slow_score(estimator, X, y):
    time.sleep(0.1)
    return estimator.score(X, y)


@pytest.mark.parametrize(
    "cls, n_jobs", [*((cls, None) for cls in SEARCHES), (HyperbandSearchCV, 2)]
)
def test_time_budget_ends_the_search_with_the_complete_candidates(cls, n_jobs):
    estimator = make_pipeline(StandardScaler(), mlp())
    search = small(cls, estimator, scoring=slow_score, n_jobs=n_jobs)
    if n_jobs:
        search.fit(X, Y)  # the workers start
    search.set_params(time_budget=0.4 if n_jobs else 0.6)
    start = time.perf_counter()
    search.fit(X, Y)
    assert time.perf_counter() - start < 5
    assert search.completed_ is False
    results = search.cv_results_
    assert 0 < len(results["params"]) < N_ROWS[cls]
    assert np.isfinite(results["mean_test_score"]).all()
    assert search.best_params_ == results["params"][search.best_index_]
    assert search.predict(X).shape == (150,)
    assert_rows_are_fits_from_scratch(search, X, Y)


@pytest.mark.parametrize("cls", SEARCHES)
def test_a_time_budget_that_is_not_reached_changes_nothing(cls):
    search = small(cls, time_budget=600.0).fit(X, Y)
    assert search.completed_ is True
    plain = small(cls).fit(X, Y)
    assert plain.completed_ is True
    np.testing.assert_array_equal(
        search.cv_results_["mean_test_score"], plain.cv_results_["mean_test_score"]
    )


@pytest.mark.parametrize("cls", SEARCHES)
def test_a_time_budget_too_short_for_one_candidate_is_a_clear_error(cls):
    search = small(cls, time_budget=1e-6)
    with pytest.raises(ValueError, match=r"time_budget.*1e-06"):
        search.fit(X, Y)
    assert not hasattr(search, "cv_results_")
