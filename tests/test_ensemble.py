"""Ensembles against averaging by hand, and scikit-learn's contracts.

The reference is always a plain loop over networks trained one by one.
"""

import doctest
import pickle
import re
import runpy
import warnings
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse
import sklearn
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.datasets import (
    load_diabetes,
    load_iris,
    make_multilabel_classification,
    make_regression,
)
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, RidgeClassifier
from sklearn.metrics import get_scorer
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    KFold,
    ParameterGrid,
    RandomizedSearchCV,
    cross_val_score,
    cross_validate,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import caviar._averaging
import caviar.ensemble
from caviar import MLPClassifier, MLPRegressor
from caviar.ensemble import (
    AveragingClassifier,
    AveragingRegressor,
    SeedEnsembleClassifier,
    SeedEnsembleRegressor,
    SnapshotEnsembleClassifier,
    SnapshotEnsembleRegressor,
    ensemble_from_search,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

ROOT = Path(__file__).parents[1]
SEEDS = [SeedEnsembleClassifier, SeedEnsembleRegressor]
SNAPSHOTS = [SnapshotEnsembleClassifier, SnapshotEnsembleRegressor]
MAX_INT = np.iinfo(np.int32).max


def iris():
    return load_iris(return_X_y=True)


def two_classes():
    X, y = iris()
    return X[y < 2], np.array(["setosa", "versicolor"])[y[y < 2]]


def labels():
    return make_multilabel_classification(80, 6, n_classes=4, random_state=0)


def diabetes():
    X, y = load_diabetes(return_X_y=True)
    return X[:150], (y[:150] - y.mean()) / y.std()


def two_outputs():
    return make_regression(80, 5, n_targets=2, random_state=0)


CLASSIFICATION = [iris, two_classes, labels]
REGRESSION = [diabetes, two_outputs]


def network(data, **params):
    """Return a small network for a data set."""
    cls = MLPClassifier if data in CLASSIFICATION else MLPRegressor
    defaults = dict(
        hidden_layer_sizes=(8,), learning_rate_init=0.01, batch_size=32, max_iter=12
    )
    return cls(**defaults | params)


def seeds(data, *args, **params):
    return SEEDS[data in REGRESSION](network(data), *args, random_state=0, **params)


def check_average(ensemble, members, X, weights=None):
    """The ensemble's predictions are the weighted mean of the members'."""
    if hasattr(members[0], "predict_proba"):
        p = np.average([m.predict_proba(X) for m in members], axis=0, weights=weights)
        np.testing.assert_allclose(ensemble.predict_proba(X), p, rtol=1e-12)
        np.testing.assert_allclose(ensemble.predict_log_proba(X), np.log(p), rtol=1e-10)
        if members[0].predict(X).ndim == 2:
            expected = (p > 0.5).astype(int)
        else:
            expected = members[0].classes_[p.argmax(axis=1)]
        np.testing.assert_array_equal(ensemble.predict(X), expected)
    else:
        y = np.average([m.predict(X) for m in members], axis=0, weights=weights)
        np.testing.assert_allclose(ensemble.predict(X), y, rtol=1e-12)


# -- other initial weights -------------------------------------------------------------


@pytest.mark.parametrize("n_jobs", [None, 2])
@pytest.mark.parametrize("data", CLASSIFICATION + REGRESSION)
def test_a_seed_ensemble_is_the_mean_of_networks_trained_one_by_one(data, n_jobs):
    X, y = data()
    ensemble = seeds(data, 3, n_jobs=n_jobs).fit(X, y)
    draw = np.random.RandomState(0)
    members = [
        network(data, random_state=draw.randint(MAX_INT)).fit(X, y) for _ in range(3)
    ]
    check_average(ensemble, members, X)
    assert not np.allclose(members[0].coefs_[0], members[1].coefs_[0])
    assert len(ensemble.estimators_) == 3
    np.testing.assert_allclose(ensemble.weights_, 1 / 3)


def test_seeds_reach_the_network_inside_a_pipeline():
    X, y = iris()
    pipeline = make_pipeline(StandardScaler(), network(iris))
    ensemble = SeedEnsembleClassifier(pipeline, 2, random_state=0).fit(X, y)
    draw = np.random.RandomState(0)
    members = [
        clone(pipeline)
        .set_params(mlpclassifier__random_state=draw.randint(MAX_INT))
        .fit(X, y)
        for _ in range(2)
    ]
    check_average(ensemble, members, X)


@pytest.mark.parametrize("cls", SEEDS + SNAPSHOTS)
def test_without_an_estimator_the_default_network_is_trained(cls):
    X, y = iris()
    ensemble = cls(random_state=0).fit(X, y)
    expected = MLPClassifier if "Classifier" in cls.__name__ else MLPRegressor
    assert [type(member) for member in ensemble.estimators_] == [expected] * 5


@pytest.mark.parametrize("data", [iris, labels, diabetes])
def test_float32_sparse_rows_and_lists_are_predicted_as_members_predict_them(data):
    X, y = data()
    ensemble = seeds(data, 2).fit(X.astype(np.float32), y)
    method = ensemble.predict_proba if data in CLASSIFICATION else ensemble.predict
    assert method(X.astype(np.float32)).dtype == np.float32
    ensemble = seeds(data, 2).fit(scipy.sparse.csr_array(X), y)
    for form in (
        scipy.sparse.csr_array,
        scipy.sparse.coo_array,
        np.ndarray.tolist,
    ):
        np.testing.assert_allclose(ensemble.predict(form(X)), ensemble.predict(X))


@pytest.mark.parametrize("cls", [SeedEnsembleClassifier, SnapshotEnsembleClassifier])
def test_names_of_features_come_from_the_members_and_go_with_a_new_fit(cls):
    pd = pytest.importorskip("pandas")
    X, y = iris()
    ensemble = cls(network(iris), random_state=0)
    assert not hasattr(ensemble, "n_features_in_")
    frame = pd.DataFrame(X, columns=list("abcd"))
    ensemble.fit(frame, y).predict(frame)
    assert ensemble.n_features_in_ == 4
    assert list(ensemble.feature_names_in_) == list("abcd")
    ensemble.fit(X, y)
    assert not hasattr(ensemble, "feature_names_in_")


@pytest.mark.parametrize("cls", [SeedEnsembleClassifier, SnapshotEnsembleClassifier])
def test_parameters_of_the_network_can_be_searched(cls):
    X, y = iris()
    search = GridSearchCV(
        cls(network(iris, max_iter=60), random_state=0),
        {"estimator__learning_rate_init": [1e-5, 1e-2]},
        cv=2,
    )
    search.fit(X, y)
    assert search.best_params_ == {"estimator__learning_rate_init": 1e-2}
    member = search.best_estimator_.estimators_[0]
    assert member.learning_rate_init == 1e-2


# -- snapshots -------------------------------------------------------------------------


def snapshots_by_hand(data, lengths, seed, X, y):
    """Networks as they are after each of several warm starts."""
    model = network(
        data,
        warm_start=True,
        learning_rate="cosine",
        tol=0.0,
        n_iter_no_change=np.inf,
        random_state=np.random.RandomState(seed),
    )
    taken = []
    for length in lengths:
        model.set_params(max_iter=length).fit(X, y)
        taken.append(pickle.loads(pickle.dumps(model)))
    return taken


@pytest.mark.parametrize("keep", [None, 2])
@pytest.mark.parametrize("data", CLASSIFICATION + REGRESSION)
def test_a_snapshot_ensemble_is_the_mean_of_the_ends_of_cycles(data, keep):
    X, y = data()
    cls = SNAPSHOTS[data in REGRESSION]
    ensemble = cls(network(data, max_iter=11), 3, keep=keep, random_state=0).fit(X, y)
    seed = np.random.RandomState(0).randint(MAX_INT)
    members = snapshots_by_hand(data, [4, 4, 3], seed, X, y)[-(keep or 3) :]
    check_average(ensemble, members, X)
    assert [member.max_iter for member in ensemble.estimators_] == [4, 4, 3][
        -(keep or 3) :
    ]
    assert len(ensemble.estimators_[-1].loss_curve_) == 11
    assert all(member.random_state == seed for member in ensemble.estimators_)
    assert not np.allclose(members[0].coefs_[0], members[1].coefs_[0])


def test_the_learning_rate_falls_along_a_cosine_in_each_cycle():
    """As equation 2 of Huang et al. 2017, against gradient descent step by step."""
    X, y = iris()
    params = dict(learning_rate_init=0.1, batch_size="full", solver="sgd", momentum=0.0)
    model = network(iris, max_iter=20, **params)
    ensemble = SnapshotEnsembleClassifier(model, 2, random_state=0).fit(X, y)
    by_hand = network(iris, **params, random_state=ensemble.estimators_[0].random_state)
    for epoch in range(20):
        rate = 0.05 * (1 + np.cos(np.pi * (epoch % 10) / 10))
        by_hand.set_params(learning_rate_init=rate).partial_fit(X, y, classes=range(3))
        if epoch % 10 == 9:
            member = ensemble.estimators_[epoch // 10]
            np.testing.assert_allclose(member.params_, by_hand.params_, rtol=1e-9)


def test_the_estimator_given_is_not_touched_and_no_convergence_is_asked_for():
    X, y = iris()
    model = network(iris)
    before = model.get_params()
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        SnapshotEnsembleClassifier(model, 2, random_state=0).fit(X, y)
    assert model.get_params() == before
    assert not hasattr(model, "coefs_")


def test_training_goes_on_however_little_is_gained():
    """Stopping by tol would end a cycle whose learning rate is nearly zero."""
    X, y = diabetes()
    model = network(diabetes, tol=10.0, n_iter_no_change=1, max_iter=20)
    ensemble = SnapshotEnsembleRegressor(model, 2, random_state=0).fit(X, y)
    assert [member.n_iter_ for member in ensemble.estimators_] == [10, 10]


@pytest.mark.parametrize(
    ("model", "params", "message"),
    [
        (
            make_pipeline(StandardScaler(), MLPClassifier()),
            {},
            r"(?s)`estimator` must be a network of caviar.*Put the ensemble into a pip",
        ),
        (
            MLPClassifier(solver="lbfgs"),
            {},
            r"must have a stochastic solver .* got solver='lbfgs'",
        ),
        (MLPClassifier(early_stopping=True), {}, "got solver='adam', early_stopping=T"),
        (
            MLPClassifier(max_iter=4),
            {},
            r"`max_iter` of `estimator` must be an integer of at least n_snapshots=5, "
            "got 4",
        ),
        (MLPClassifier(max_iter="4"), {}, "got '4'"),
        (
            MLPClassifier(),
            {"keep": 6},
            r"`keep` must be an integer in \[1, n_snapshots=5\], got 6",
        ),
        (MLPClassifier(), {"keep": 0}, "The 'keep' parameter"),
        (MLPClassifier(), {"n_snapshots": 0}, "The 'n_snapshots' parameter"),
        (MLPRegressor(), {}, r"Members must be classifiers, got MLPRegressor\(\)"),
    ],
)
def test_what_cannot_be_trained_in_cycles_is_refused(model, params, message):
    X, y = iris()
    with pytest.raises(ValueError, match=message):
        SnapshotEnsembleClassifier(model, **params).fit(X, y)


@pytest.mark.parametrize(
    ("cls", "model", "message"),
    [
        (SeedEnsembleClassifier, MLPRegressor(), "must be classifiers, got MLPReg"),
        (SeedEnsembleRegressor, MLPClassifier(), "must be regressors, got MLPClass"),
        (
            SeedEnsembleClassifier,
            make_pipeline(StandardScaler(), RidgeClassifier()),
            "Members must have predict_proba",
        ),
        (
            SeedEnsembleClassifier,
            MLPClassifier(loss="hinge"),
            r"Members must have predict_proba.*got MLPClassifier\(loss='hinge'\)",
        ),
        (SeedEnsembleRegressor, LinearRegression(), "`estimator` must have a random_s"),
    ],
)
def test_members_that_cannot_be_averaged_are_refused(cls, model, message):
    with pytest.raises(ValueError, match=message):
        cls(model).fit(*iris())


@pytest.mark.parametrize("cls", SEEDS + SNAPSHOTS)
def test_a_fit_that_fails_leaves_the_ensemble_as_it_was(cls):
    X, y = iris()
    ensemble = cls(network(iris if "Class" in cls.__name__ else diabetes)).fit(X, y)
    before = dict(vars(ensemble))
    with pytest.raises(ValueError, match="NaN"):
        ensemble.fit(np.full_like(X, np.nan), y)
    assert vars(ensemble) == before


def test_validation_data_of_a_training_in_cycles_is_recorded_and_changes_nothing():
    X, y = iris()
    ensemble = SnapshotEnsembleClassifier(network(iris), 2, random_state=0)
    want = clone(ensemble).fit(X, y).predict_proba(X)
    ensemble.fit(X, y, X_val=X[::5], y_val=y[::5])
    np.testing.assert_array_equal(ensemble.predict_proba(X), want)
    history = ensemble.estimators_[-1].history_
    assert len(history["validation_loss"]) == 12
    assert np.isfinite(history["validation_loss"]).all()


# -- what is passed on to the members --------------------------------------------------


class Recorder(RegressorMixin, BaseEstimator):
    """Remembers what its fit was called with."""

    def __init__(self, random_state=None):
        self.random_state = random_state

    def fit(
        self,
        X,
        y,
        sample_weight=None,
        *,
        X_val=None,
        y_val=None,
        sample_weight_val=None,
    ):
        self.seen_ = [sample_weight, X_val, y_val, sample_weight_val]
        return self

    def predict(self, X):
        return np.zeros(len(X))


def test_validation_data_and_weights_reach_each_member():
    X, y = diabetes()
    given = [y**2, X[:5], y[:5], y[:5] ** 2]
    ensemble = SeedEnsembleRegressor(Recorder(), 2).fit(
        X, y, given[0], X_val=given[1], y_val=given[2], sample_weight_val=given[3]
    )
    for member in ensemble.estimators_:
        assert all(a is b for a, b in zip(member.seen_, given, strict=True))
    assert ensemble.fit(X, y).estimators_[0].seen_ == [None] * 4


@pytest.mark.parametrize("cls", SEEDS + SNAPSHOTS)
def test_rows_of_weight_zero_are_as_good_as_left_out(cls):
    X, y = iris()
    kind = iris if "Class" in cls.__name__ else diabetes
    X, y = X[:150:3], y[:150:3]
    weight = np.arange(len(y)) % 2
    ensemble = cls(network(kind, batch_size="full"), random_state=0)
    want = clone(ensemble).fit(X[weight == 1], y[weight == 1]).predict(X)
    got = ensemble.fit(X, y, weight).predict(X)
    np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-9)


@pytest.fixture
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


@pytest.mark.usefixtures("routing")
def test_metadata_are_routed_to_what_the_members_request():
    X, y = diabetes()
    asking = Recorder().set_fit_request(sample_weight=True, X_val="held_out")
    ensemble = SeedEnsembleRegressor(asking, 2).set_score_request(sample_weight=False)
    search = GridSearchCV(ensemble, {"n_estimators": [2]})
    search.fit(X, y, sample_weight=y**2, held_out=X[:5])
    seen = search.best_estimator_.estimators_[0].seen_
    np.testing.assert_array_equal(seen[0], y**2)
    assert seen[1] is not None
    assert seen[2:] == [None, None]
    with pytest.raises(ValueError, match="sample_weight"):
        SeedEnsembleRegressor(Recorder()).fit(X, y, sample_weight=y**2)


@pytest.mark.usefixtures("routing")
@pytest.mark.parametrize("cls", SEEDS + SNAPSHOTS)
def test_an_ensemble_itself_has_no_requests_which_would_have_no_effect(cls):
    assert not hasattr(cls(), "set_fit_request")


@pytest.mark.usefixtures("routing")
def test_a_weight_reaches_the_network_inside_a_pipeline_by_routing():
    X, y = diabetes()
    asking = network(diabetes, batch_size="full").set_fit_request(sample_weight=True)
    weight = np.arange(len(y)) % 2
    ensemble = SeedEnsembleRegressor(make_pipeline(asking), 2, random_state=0)
    want = clone(ensemble).fit(X[weight == 1], y[weight == 1]).predict(X)
    got = ensemble.fit(X, y, sample_weight=weight).predict(X)
    np.testing.assert_allclose(got, want, rtol=1e-9)
    with sklearn.config_context(enable_metadata_routing=False):
        got = ensemble.fit(X, y, mlpregressor__sample_weight=weight).predict(X)
    np.testing.assert_allclose(got, want, rtol=1e-9)


# -- averages of fitted models ---------------------------------------------------------


@pytest.mark.parametrize("weights", [None, [1, 0, 3]])
@pytest.mark.parametrize("data", CLASSIFICATION + REGRESSION)
def test_fitted_models_are_averaged_with_their_weights(data, weights):
    X, y = data()
    members = [network(data, random_state=seed).fit(X, y) for seed in range(3)]
    cls = AveragingClassifier if data in CLASSIFICATION else AveragingRegressor
    ensemble = cls(members, weights=weights).fit()
    check_average(ensemble, members, X, weights)
    again = pickle.loads(pickle.dumps(ensemble))
    np.testing.assert_array_equal(again.predict(X), ensemble.predict(X))
    np.testing.assert_array_equal(
        ensemble_from_search(members, 3).weights_, [1 / 3] * 3
    )


def test_frozen_members_stay_fitted_in_clones_and_others_do_not():
    X, y = iris()
    members = [network(iris, random_state=seed).fit(X, y) for seed in range(2)]
    frozen = AveragingClassifier([FrozenEstimator(m) for m in members], weights=[1, 2])
    want = frozen.fit().predict_proba(X)
    np.testing.assert_array_equal(clone(frozen).fit().predict_proba(X), want)
    assert frozen.estimators_[0] is members[0]
    scores = cross_val_score(frozen, X, y, cv=KFold(3))
    assert scores.mean() == pytest.approx(frozen.score(X, y))
    with pytest.raises(NotFittedError):
        clone(AveragingClassifier(members)).fit()


@pytest.mark.parametrize(
    "weights", [[1], [1, -1], [0, 0], [1, np.nan], ["a", "b"], [[1, 2]]]
)
def test_weights_that_do_not_fit_are_refused(weights):
    X, y = iris()
    members = [network(iris, max_iter=2).fit(X, y) for _ in range(2)]
    with pytest.raises(ValueError, match="`weights` must be n_members=2 finite"):
        AveragingClassifier(members, weights=weights).fit()


def test_members_that_do_not_go_together_are_refused():
    X, y = iris()
    one = network(iris, max_iter=2).fit(X, y)
    other = network(iris, max_iter=2).fit(X[y > 0], y[y > 0])
    with pytest.raises(ValueError, match=r"same classes, got \[0 1 2\] and \[1 2\]"):
        AveragingClassifier([one, other]).fit()
    with pytest.raises(ValueError, match="must be classifiers, got MLPRegressor"):
        AveragingClassifier([one, network(diabetes, max_iter=2).fit(X, y)]).fit()
    X, y = labels()
    forest = RandomForestClassifier(2).fit(X, y)
    with pytest.raises(ValueError, match="one array of probabilities, got a list of 4"):
        AveragingClassifier([forest]).fit().predict(X)
    with pytest.raises(ValueError, match="at least one member, got none"):
        AveragingRegressor([]).fit()


# -- searches --------------------------------------------------------------------------

GRID = {"alpha": [1e-3, 1.0], "learning_rate_init": [1e-4, 3e-3, 3e-2]}


def scored(grid, ranks):
    """Return a scorer that ranks settings as told, whatever they predict."""
    settings = [ranks[i] for i in range(len(ParameterGrid(grid)))]
    table = dict(zip(map(str, ParameterGrid(grid)), settings, strict=True))

    def score(estimator, X, y):
        params = estimator.get_params()
        setting = {name: params[name] for name in sorted(grid)}
        return table[str(setting)]

    return score


def grid_search(ranks, data=iris, **params):
    X, y = data()
    model = network(data, random_state=0)
    scoring = scored(GRID, ranks)
    return GridSearchCV(model, GRID, cv=2, scoring=scoring, **params).fit(X, y)


@pytest.mark.parametrize("data", [iris, labels, diabetes])
def test_the_best_settings_of_a_search_are_fitted_once_and_averaged(data):
    X, y = data()
    search = grid_search([3, 1, 6, 2, 5, 4], data)
    ensemble = ensemble_from_search(search, 3, X, y, weights="score", n_jobs=2)
    best = [list(ParameterGrid(GRID))[i] for i in (2, 4, 5)]
    members = [network(data, random_state=0, **params).fit(X, y) for params in best]
    check_average(ensemble, members, X, [6, 5, 4])
    assert ensemble.estimators_[0] is search.best_estimator_


def test_the_best_model_alone_needs_no_data():
    search = grid_search([3, 1, 6, 2, 5, 4])
    ensemble = ensemble_from_search(search, 1)
    assert ensemble.estimators_ == [search.best_estimator_]
    with pytest.raises(ValueError, match=r"2 of the 3 models must be fitted.*`X`"):
        ensemble_from_search(search, 3)
    with pytest.raises(ValueError, match="2 of the 2 models must be fitted"):
        ensemble_from_search(grid_search([3, 1, 6, 2, 5, 4], refit=False), 2)


def test_equal_scores_keep_the_order_of_the_search_and_failures_are_left_out():
    X, y = iris()
    search = grid_search([1, np.nan, 2, 2, np.nan, 1])
    ensemble = ensemble_from_search(search, None, X, y)
    got = [(m.alpha, m.learning_rate_init) for m in ensemble.estimators_]
    grid = [(p["alpha"], p["learning_rate_init"]) for p in ParameterGrid(GRID)]
    assert got == [grid[i] for i in (2, 3, 0, 5)]
    with pytest.raises(ValueError, match=r"`k` must be an integer in \[1, 4\].*got 5"):
        ensemble_from_search(search, X=X, y=y)
    for k in (0, 1.5, "3"):
        with pytest.raises(ValueError, match="`k` must be an integer"):
            ensemble_from_search(search, k, X, y)


def test_a_setting_drawn_twice_counts_once():
    X, y = iris()
    space = {"alpha": scipy.stats.randint(1, 3), "hidden_layer_sizes": [(4,), (4, 4)]}
    search = RandomizedSearchCV(
        network(iris, max_iter=3), space, n_iter=20, cv=2, random_state=0
    )
    ensemble = ensemble_from_search(search.fit(X, y), None, X, y)
    assert len(ensemble.estimators_) == 4
    assert len({str(member) for member in ensemble.estimators_}) == 4


def test_one_of_several_metrics_ranks():
    X, y = iris()
    up = scored(GRID, [1, 2, 3, 4, 5, 6])
    scoring = {"up": up, "down": scored(GRID, [-1, -2, -3, -4, -5, -6])}
    search = GridSearchCV(network(iris), GRID, cv=2, scoring=scoring, refit="down").fit(
        X, y
    )
    grid = list(ParameterGrid(GRID))

    def best(**params):
        member = ensemble_from_search(search, 1, X, y, **params).estimators_[0]
        return {name: getattr(member, name) for name in GRID}

    assert best() == best(metric="down") == grid[0]
    assert best(metric="up") == grid[5]
    with pytest.raises(ValueError, match=r"one of \['up', 'down'\].*got 'no'"):
        best(metric="no")
    with pytest.raises(ValueError, match="needs positive scores, got"):
        best(weights="score")
    with pytest.raises(ValueError, match="must be None, 'score' or numbers, got 'x'"):
        best(weights="x")
    search = GridSearchCV(network(iris), GRID, cv=2, scoring=scoring, refit=False)
    search.fit(X, y)
    with pytest.raises(ValueError, match=r"`metric` must be one of .*got 'score'"):
        best()


@pytest.mark.parametrize("resource", ["max_iter", "n_samples"])
def test_successive_halving_ranks_its_last_round_first(resource):
    X, y = iris()
    limits = dict(min_resources=4, max_resources=16) if resource == "max_iter" else {}
    search = HalvingGridSearchCV(
        network(iris, random_state=0),
        GRID,
        resource=resource,
        factor=2,
        cv=2,
        random_state=0,
        **limits,
    ).fit(X, y)
    results, ensemble = search.cv_results_, ensemble_from_search(search, None, X, y)
    assert ensemble.estimators_[0] is search.best_estimator_
    members = ensemble.estimators_
    assert len(members) == 6  # each candidate once, though tried in several rounds
    last = {}
    for setting, round_, score in zip(
        results["params"], results["iter"], results["mean_test_score"], strict=True
    ):
        last[setting["alpha"], setting["learning_rate_init"]] = (round_, score)
    order = [last[m.alpha, m.learning_rate_init] for m in members]
    assert order == sorted(order, reverse=True)
    epochs = search.n_resources_[-1] if resource == "max_iter" else 12
    assert {member.n_iter_ for member in members} <= set(range(1, epochs + 1))
    assert {member.max_iter for member in members} == {epochs}


def test_models_of_cross_validation_are_not_fitted_again():
    X, y = diabetes()
    results = cross_validate(
        make_pipeline(StandardScaler(), network(diabetes, random_state=0)),
        X,
        y,
        cv=4,
        scoring=("r2", "neg_mean_absolute_error"),
        return_estimator=True,
    )
    for metric in ("r2", "neg_mean_absolute_error"):
        ensemble = ensemble_from_search(results, 3, metric=metric)
        order = np.argsort(-results[f"test_{metric}"])[:3]
        members = [results["estimator"][i] for i in order]
        assert all(a is b for a, b in zip(ensemble.estimators_, members, strict=True))
        check_average(ensemble, members, X)
    with pytest.raises(ValueError, match="`metric` must be one of"):
        ensemble_from_search(results, 3)
    with pytest.raises(ValueError, match="return_estimator=True"):
        ensemble_from_search({"test_score": [1.0]}, 1)


def test_a_scorer_that_keeps_what_it_scores_makes_an_ensemble_without_any_fit():
    """The recipe of docs/ensembles.md."""
    X, y = iris()
    kept = []

    def scoring(estimator, X, y):
        score = get_scorer("neg_log_loss")(estimator, X, y)
        kept.append((score, estimator))
        return score

    GridSearchCV(network(iris), GRID, cv=2, scoring=scoring, refit=False).fit(X, y)
    kept.sort(key=lambda pair: pair[0], reverse=True)
    best = [model for _, model in kept]
    ensemble = ensemble_from_search(best, 4)
    assert len(best) == 12
    check_average(ensemble, best[:4], X)


@pytest.mark.parametrize(
    "search", [MLPClassifier(), GridSearchCV(MLPClassifier(), GRID), "search"]
)
def test_what_is_not_a_finished_search_is_refused(search):
    with pytest.raises(
        ValueError, match="`search` must be a fitted search, the result"
    ):
        ensemble_from_search(search)


def test_metadata_go_to_each_fit_after_a_search():
    X, y = iris()
    weight = np.arange(len(y)) % 2
    search = grid_search([3, 1, 6, 2, 5, 4], refit=False)
    got = ensemble_from_search(search, 2, X, y, sample_weight=weight)
    want = network(iris, random_state=0, alpha=1e-3, learning_rate_init=3e-2)
    want.fit(X, y, sample_weight=weight)
    np.testing.assert_array_equal(got.estimators_[0].coefs_[0], want.coefs_[0])


# -- contracts -------------------------------------------------------------------------


SMALL = dict(hidden_layer_sizes=(16,), learning_rate_init=0.01, max_iter=100)


@parametrize_with_checks(
    [
        SeedEnsembleClassifier(MLPClassifier(**SMALL), n_estimators=2),
        SeedEnsembleRegressor(MLPRegressor(**SMALL), n_estimators=2),
    ]
)
def test_seed_ensembles_pass_every_check(estimator, check):
    check(estimator)


@parametrize_with_checks(
    [
        SnapshotEnsembleClassifier(MLPClassifier(**SMALL), n_snapshots=2),
        SnapshotEnsembleRegressor(MLPRegressor(**SMALL), n_snapshots=2),
    ]
)
def test_snapshot_ensembles_pass_every_check(estimator, check):
    check(estimator)


@pytest.mark.parametrize("cls", SEEDS + SNAPSHOTS)
def test_an_ensemble_is_cloned_pickled_and_repeated_to_the_same_bits(cls):
    X, y = iris()
    kind = iris if "Class" in cls.__name__ else diabetes
    ensemble = cls(network(kind), random_state=3).fit(X, y)
    want = ensemble.predict(X)
    np.testing.assert_array_equal(clone(ensemble).fit(X, y).predict(X), want)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(ensemble)).predict(X), want)


@pytest.mark.parametrize("module", [caviar.ensemble, caviar._averaging])
def test_examples_in_docstrings_run(module):
    results = doctest.testmod(module)
    assert results.attempted > 0
    assert results.failed == 0


@pytest.mark.parametrize("name", caviar.ensemble.__all__)
def test_every_parameter_and_attribute_is_documented(name):
    public = getattr(caviar.ensemble, name)
    doc = public.__doc__
    assert "Parameters\n" in doc and "Examples\n" in doc and "%(" not in doc
    if name.startswith(("Seed", "Snap")):
        fitted = public(network(iris if "Class" in name else diabetes)).fit(*iris())
        names = {n for n in vars(fitted) if n != "classes_" or "Class" in name}
        for attribute in names:
            assert re.search(rf"^ *(\w+, )*{attribute}(, \w+)* : ", doc, re.M)


@pytest.mark.skipif(not (ROOT / "docs").exists(), reason="needs the source tree")
def test_the_code_of_the_page_and_of_the_example_runs(capsys):
    page = (ROOT / "docs" / "ensembles.md").read_text()
    names = {}
    for block in re.findall(r"```python\n(.*?)```", page, re.S):
        exec(compile(block, "ensembles.md", "exec"), names)
    capsys.readouterr()
    runpy.run_path(str(ROOT / "examples" / "ensembles.py"), run_name="__main__")
    assert "snapshots" in capsys.readouterr().out
