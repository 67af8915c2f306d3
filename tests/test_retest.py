"""`retest`: the best of an earlier search on new data, compared with doing it by hand."""

import json

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    HalvingRandomSearchCV,
    KFold,
    RandomizedSearchCV,
    StratifiedKFold,
    cross_val_score,
)
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from caviar import MLPClassifier
from caviar.diagnostics import Retest, retest
from caviar.distributions import LogUniform
from caviar.model_selection import (
    CoarseToFineSearchCV,
    HyperbandSearchCV,
    SuccessiveHalvingSearchCV,
)

pytestmark = pytest.mark.filterwarnings(
    "ignore:Stochastic Optimizer",
    "ignore::caviar.model_selection.SearchBoundaryWarning",
)


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X[:600] / 16, y[:600], X[600:] / 16, y[600:]


@pytest.fixture(scope="module")
def search(digits):
    grid = {"C": [1e-4, 1e-3, 1e-2, 0.1, 1.0, 10.0]}
    return GridSearchCV(LogisticRegression(max_iter=2000), grid, cv=3).fit(*digits[:2])


def test_the_scores_are_those_of_cross_validation_by_hand(digits, search):
    *_, X, y = digits
    found = retest(search, X, y, k=4)
    results = search.cv_results_
    order = np.argsort(-results["mean_test_score"], kind="stable")[:4]
    assert [results["params"][i] for i in order] == found.params
    assert_allclose(found.old_scores, results["mean_test_score"][order])
    assert_allclose(found.old_stds, results["std_test_score"][order])
    for i, params in enumerate(found.params):
        model = clone(search.estimator).set_params(**params)
        scores = cross_val_score(model, X, y, cv=3)
        assert_allclose(found.new_scores[i], scores.mean())
        assert_allclose(found.new_stds[i], scores.std())


def test_ranks_and_their_correlation_are_scipy_s(digits, search):
    *_, X, y = digits
    found = retest(search, X, y, k=6)
    assert found.old_ranks.tolist() == stats.rankdata(-found.old_scores, "min").tolist()
    assert found.new_ranks.tolist() == stats.rankdata(-found.new_scores, "min").tolist()
    rho = stats.spearmanr(found.old_scores, found.new_scores).statistic
    assert_allclose(found.correlation, rho)


def test_a_winner_of_other_data_is_stale():
    """Of noisy labels many neighbours tell more, of a chequered board the nearest."""
    rng = np.random.RandomState(0)
    X, X_new = rng.uniform(size=(300, 2)), rng.uniform(size=(2000, 2))
    y = (X[:, 0] > 0.5) ^ (rng.uniform(size=300) < 0.3)
    y_new = np.floor(10 * X_new).sum(axis=1) % 2 == 0
    grid = {"n_neighbors": [1, 5, 50]}
    search = GridSearchCV(KNeighborsClassifier(), grid, cv=5).fit(X, y)
    assert search.best_params_["n_neighbors"] == 50
    found = retest(search, X_new, y_new)
    assert found.verdict == "changed" and found.status == "warning"
    assert "Search again" in found.advice[0]
    best = int(np.argmax(found.new_scores))
    assert found.params[best]["n_neighbors"] < 50 and found.p_value < 0.05


def test_the_p_value_is_of_nadeau_and_bengio_s_corrected_t_test(digits, search):
    *_, X, y = digits
    found = retest(search, X, y, k=6, cv=KFold(4))
    best = int(np.argmax(found.new_scores))
    if best == 0:
        assert found.verdict == "holds" and np.isnan(found.p_value)
        found = retest(search, X, 9 - y, k=6, cv=KFold(4))
        best = int(np.argmax(found.new_scores))
        y = 9 - y
    splits = list(KFold(4).split(X))
    scores = [
        cross_val_score(clone(search.estimator).set_params(**p), X, y, cv=splits)
        for p in (found.params[best], found.params[0])
    ]
    differences = scores[0] - scores[1]
    ratio = np.mean([len(test) / len(train) for train, test in splits])
    t = differences.mean() / np.sqrt((1 / 4 + ratio) * differences.var(ddof=1))
    if best:
        assert_allclose(found.p_value, stats.t.sf(t, 3))


def test_the_same_data_keep_the_winner(digits, search):
    X, y, *_ = digits
    found = retest(search, X, y)
    assert found.verdict == "holds" and found.ok
    assert_allclose(found.new_scores, found.old_scores)
    assert_allclose(found.correlation, 1.0)


def test_scores_that_all_fell_are_worth_a_look(digits, search):
    *_, X, y = digits
    noise = np.random.RandomState(0).permutation(y)
    found = retest(search, X, noise)
    assert found.status == "warning" and "lower" in found.advice[0]


SEARCHES = {
    "random": lambda net, space: RandomizedSearchCV(
        net, space, n_iter=3, cv=2, random_state=0
    ),
    "halving": lambda net, space: HalvingRandomSearchCV(
        net,
        space,
        n_candidates=4,
        resource="max_iter",
        max_resources=8,
        min_resources=4,
        factor=2,
        cv=2,
        random_state=0,
    ),
    "coarse to fine": lambda net, space: CoarseToFineSearchCV(
        net, space, n_iter=3, n_rounds=2, cv=2, random_state=0
    ),
    "successive halving": lambda net, space: SuccessiveHalvingSearchCV(
        net, space, n_initial_parameters=4, max_iter=9, cv=2, random_state=0
    ),
    "hyperband": lambda net, space: HyperbandSearchCV(
        net, space, max_iter=9, cv=2, random_state=0
    ),
}


@pytest.mark.parametrize("kind", SEARCHES)
@pytest.mark.parametrize("piped", [False, True])
def test_searches_of_scikit_learn_and_of_caviar_are_retested(digits, kind, piped):
    X, y, X_new, y_new = digits
    network = MLPClassifier((8,), max_iter=4, random_state=0)
    prefix = ""
    if piped:
        if kind == "halving":
            pytest.skip("its resource is the parameter of a bare network")
        network, prefix = make_pipeline(StandardScaler(), network), "mlpclassifier__"
    space = {f"{prefix}learning_rate_init": LogUniform(1e-3, 1e-1)}
    search = SEARCHES[kind](network, space).fit(X[:200], y[:200])
    found = retest(search, X_new[:200], y_new[:200], k=3)
    assert isinstance(found, Retest) and 1 <= len(found.params) <= 3
    assert np.isfinite(found.new_scores).all()
    if kind in (
        "successive halving",
        "hyperband",
    ):  # as long as the search trained them
        model = clone(network).set_params(**found.params[0])
        model.set_params(**{f"{prefix}max_iter": search.brackets_[0]["epochs"][-1]})
        scores = cross_val_score(model, X_new[:200], y_new[:200], cv=2)
        assert_allclose(found.new_scores[0], scores.mean())


def test_metrics_splits_weights_and_groups_are_passed_on(digits):
    X, y, X_new, y_new = digits
    search = GridSearchCV(
        LogisticRegression(max_iter=500),
        {"C": [0.01, 1.0]},
        scoring=["accuracy", "neg_log_loss"],
        refit="neg_log_loss",
        cv=list(StratifiedKFold(2).split(X, y)),  # of the old rows
    ).fit(X, y)
    found = retest(search, X_new, y_new)
    assert found.metric == "neg_log_loss" and (found.new_scores < 0).all()
    assert retest(search, X_new, y_new, scoring="accuracy").metric == "accuracy"
    weights = np.where(y_new < 5, 1.0, 0.0)
    weighted = retest(search, X_new, y_new, sample_weight=weights)
    assert (weighted.new_scores < found.new_scores).all()
    from sklearn.model_selection import GroupKFold

    groups = np.arange(len(y_new)) // 100
    grouped = retest(search, X_new, y_new, cv=GroupKFold(3), groups=groups)
    assert grouped.params == found.params


def test_the_page_is_a_table_and_the_data_are_json(digits, search):
    found = retest(search, *digits[2:], k=3)
    lines = str(found).split("\n")
    assert max(map(len, lines)) < 80
    assert sum("+-" in line for line in lines) == 3
    data = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert len(data["new_scores"]) == 3


def test_what_is_no_fitted_search_is_refused(digits, search):
    X, y, *_ = digits
    with pytest.raises(TypeError, match="`search` must be a fitted search, got Logis"):
        retest(LogisticRegression(), X, y)
    with pytest.raises(TypeError, match="got GridSearchCV"):
        retest(clone(search), X, y)
    with pytest.raises(ValueError, match="`k` must be"):
        retest(search, X, y, k=0)
    assert len(retest(search, X, y, k=100).params) == 6
