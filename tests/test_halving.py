"""Successive halving and Hyperband: schedules, survivors that go on, what wins."""

import joblib
import numpy as np
import pytest
from scipy.stats import loguniform
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_diabetes, load_digits
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import HalvingRandomSearchCV, KFold, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler, TargetEncoder
from sklearn.svm import SVC

from caviar import MLPClassifier, MLPRegressor
from caviar._by_epochs import ByEpochs
from caviar._evaluator import StateStore
from caviar._halving import halving_rounds, hyperband_brackets
from caviar.augmentation import GaussianNoise, Mixup, RandomAffine
from caviar.ensemble import ensemble_from_search
from caviar.model_selection import HyperbandSearchCV, SuccessiveHalvingSearchCV

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
SPACE = {"learning_rate_init": loguniform(1e-4, 1e-1), "alpha": loguniform(1e-6, 1)}
CV = StratifiedKFold(3, shuffle=True, random_state=0)


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X[:400] / 16, y[:400]


def halving(estimator, space=SPACE, **settings):
    settings = {"n_initial_parameters": 9, "max_iter": 9, "cv": CV} | settings
    return SuccessiveHalvingSearchCV(estimator, space, random_state=0, **settings)


# Schedules


def test_brackets_are_those_of_algorithm_1():
    """Li et al. (2018), Algorithm 1 by its formulas, R = 81 and eta = 3."""
    brackets = hyperband_brackets(81, 3)
    assert [b["n_candidates"] for b in brackets] == [
        [81, 27, 9, 3, 1],
        [34, 11, 3, 1],
        [15, 5, 1],
        [8, 2],
        [5],
    ]
    assert [b["epochs"] for b in brackets] == [
        [1, 3, 9, 27, 81],
        [3, 9, 27, 81],
        [9, 27, 81],
        [27, 81],
        [81],
    ]


@pytest.mark.parametrize("eta", [2, 3, 4, 2.5, np.e])
@pytest.mark.parametrize("R", [1, 2, 9, 80, 81, 82, 243, 1000, 6561])
def test_brackets_keep_to_their_budget(R, eta):
    """Each spends at most about (s_max + 1) R epochs, and ends with R."""
    brackets = hyperband_brackets(R, eta)
    for bracket in brackets:
        sizes, epochs = bracket["n_candidates"], bracket["epochs"]
        assert epochs[-1] == R and sizes[-1] >= 1 and epochs[0] >= 1
        assert sorted(sizes, reverse=True) == sizes and sorted(epochs) == epochs
        if len(sizes) > 1:
            assert sizes[0] * epochs[0] <= (len(brackets) + eta) * R


@pytest.mark.parametrize("n", [1, 2, 9, 27, 28, 100, 243])
def test_rounds_have_as_many_candidates_as_in_scikit_learn(n, digits):
    rounds = halving_rounds(n, 1, 10**6, 3)
    assert rounds["epochs"] == [3**k for k in range(len(rounds["epochs"]))]
    assert rounds["n_candidates"] == [n // 3**k for k in range(len(rounds["epochs"]))]
    search = HalvingRandomSearchCV(
        SGDClassifier(), {"alpha": loguniform(1e-6, 1)}, n_candidates=n,
        resource="max_iter", max_resources=10**6, min_resources=1, cv=2, random_state=0,
    )  # fmt: skip
    search.set_params(max_resources=3 ** (len(rounds["epochs"]) - 1), refit=False)
    if n in (9, 27):  # powers of 3: where rounding up or down is no matter
        X, y = digits
        search.fit(X[:60], y[:60] > 4)
        assert search.n_candidates_ == rounds["n_candidates"]
        assert search.n_resources_ == rounds["epochs"]


def test_the_last_round_ends_with_max_iter():
    assert halving_rounds(27, None, 81, 3)["epochs"] == [3, 9, 27, 81]
    assert halving_rounds(100, None, 50, 4)["epochs"] == [3, 12, 50]
    assert halving_rounds(81, None, 9, 3) == {
        "n_candidates": [81, 27, 9],
        "epochs": [1, 3, 9],
    }
    assert halving_rounds(81, 3, 27, 3)["epochs"] == [3, 9, 27]


# Resuming

METHODS = {
    "batch norm, weights": {"batch_norm": True},
    "dropout": {"dropout": 0.2, "batch_norm": True},
    "schedule": {"learning_rate": "cosine", "solver": "nadam"},
    "augmentation": {
        "augment": [RandomAffine(image_shape=(8, 8), rotation=5), Mixup(0.2)],
        "batch_norm": True,
    },
    "averages": {"average_weights": "ema", "augment": GaussianNoise(0.1)},
    "early stopping": {"early_stopping": True, "batch_norm": True},
}


def log_likelihood(estimator, X, y):
    return np.log(estimator.predict_proba(X)[np.arange(len(y)), y]).mean()


@pytest.mark.filterwarnings("ignore:The scoring .* does not support sample_weight")
@pytest.mark.parametrize("name", METHODS)
def test_a_survivor_is_the_network_that_fit_makes(name, digits):
    """Per fold the very scores, and after the refit the very weights."""
    X, y = digits
    weights = np.random.default_rng(0).uniform(0.5, 2, len(y))
    estimator = MLPClassifier((20,), random_state=0, batch_size=64, **METHODS[name])
    search = halving(estimator, scoring=log_likelihood).fit(X, y, sample_weight=weights)
    results = search.cv_results_
    (row,) = np.flatnonzero(results["epochs"] == 9)
    whole = clone(estimator).set_params(max_iter=9, **results["params"][row])
    for s, (train, test) in enumerate(CV.split(X, y)):
        whole.fit(X[train], y[train], weights[train])
        score = log_likelihood(whole, X[test], y[test])
        assert results[f"split{s}_test_score"][row] == score
    whole.fit(X, y, weights)
    np.testing.assert_array_equal(whole.params_, search.best_estimator_.params_)
    np.testing.assert_array_equal(whole.stats_, search.best_estimator_.stats_)
    assert search.best_estimator_.max_iter == 9


def test_states_that_go_from_worker_to_worker_have_the_bits_of_one_fit(digits):
    X, y = digits
    estimator = MLPClassifier((20,), random_state=0, dropout=0.1, batch_norm=True)
    state = None
    for n_epochs in (1, 3, 9):
        model = clone(estimator)
        by_epochs = ByEpochs(n_epochs, 9, state)
        by_epochs.train(model, X, y, {})
        state = by_epochs.state()
    whole = clone(estimator).set_params(max_iter=9).fit(X, y)
    np.testing.assert_array_equal(whole.params_, model.params_)
    np.testing.assert_array_equal(whole.loss_curve_, model.loss_curve_)


def test_epochs_add_up(digits):
    search = HyperbandSearchCV(MLPClassifier((10,)), SPACE, max_iter=9, cv=2)
    search.fit(*digits)
    results = search.cv_results_
    assert search.n_epochs_ == results["epochs_trained"].sum()
    by_hand = 0
    for bracket in search.brackets_:
        before = 0
        for n, epochs in zip(*bracket.values(), strict=True):
            by_hand += 2 * n * (epochs - before)
            before = epochs
    assert search.n_epochs_ == by_hand == 2 * (21 + 21 + 27)


class CountedSGD(SGDClassifier):
    """Counts its epochs, in this process."""

    n_calls = 0

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        type(self).n_calls += 1
        return super().partial_fit(X, y, classes, sample_weight)


def two_scores(estimator, X, y):
    right = estimator.score(X, y)
    return {"wrong": 1 - right, "right": right}


@pytest.mark.parametrize("refit", ["right", "wrong", False])
def test_no_more_epochs_are_trained_than_are_counted(digits, refit):
    """So whoever goes on still has its state, whichever metric decides."""
    CountedSGD.n_calls = 0
    space = {"alpha": loguniform(1e-6, 1e2)}
    search = halving(CountedSGD(random_state=0), space, scoring=two_scores, refit=refit)
    search.fit(*digits)
    last = 9 if refit else 0
    assert CountedSGD.n_calls == search.n_epochs_ + last == 3 * (9 + 3 * 2 + 6) + last


def test_a_candidate_that_has_stopped_costs_no_more(digits):
    estimator = MLPClassifier((10,), n_iter_no_change=1, tol=10.0, random_state=0)
    search = halving(estimator, max_iter=90).fit(*digits)
    assert search.cv_results_["epochs"].max() == 90
    assert search.n_epochs_ == 9 * 3 * 3  # three epochs each


def test_schedules_have_the_length_of_the_last_round(digits):
    """Which n_initial_iter may end before max_iter."""
    X, y = digits
    estimator = MLPClassifier((10,), learning_rate="cosine", random_state=0)
    search = halving(estimator, max_iter=81, n_initial_iter=2).fit(X, y)
    assert search.brackets_[0]["epochs"] == [2, 6, 18]
    whole = clone(estimator).set_params(max_iter=18, **search.best_params_).fit(X, y)
    np.testing.assert_array_equal(whole.params_, search.best_estimator_.params_)
    assert search.best_estimator_.history_["learning_rate"][-1] < (
        0.01 * search.best_params_["learning_rate_init"]
    )


def test_any_estimator_with_partial_fit_goes_on(digits):
    X, y = digits
    estimator = SGDClassifier(random_state=0)
    search = halving(estimator, {"alpha": loguniform(1e-6, 1e-1)}).fit(X, y)
    (row,) = np.flatnonzero(search.cv_results_["epochs"] == 9)
    for s, (train, test) in enumerate(CV.split(X, y)):
        model = clone(estimator).set_params(**search.cv_results_["params"][row])
        for _ in range(9):
            model.partial_fit(X[train], y[train], classes=np.unique(y))
        score = model.score(X[test], y[test])
        assert search.cv_results_[f"split{s}_test_score"][row] == score
    assert search.best_estimator_.t_ == 9 * len(y) + 1


@pytest.mark.parametrize("search_class", [HyperbandSearchCV, SuccessiveHalvingSearchCV])
def test_an_estimator_without_partial_fit_is_refused(search_class, digits):
    with pytest.raises(ValueError, match=r"must have partial_fit.*epochs; got SVC\(\)"):
        search_class(SVC(), {"C": [1, 2]}).fit(*digits)
    with pytest.raises(ValueError, match="must have partial_fit"):
        search_class(make_pipeline(StandardScaler(), SVC()), {"svc__C": [1]}).fit(
            *digits
        )


def test_max_iter_cannot_be_searched(digits):
    with pytest.raises(ValueError, match="must not have 'max_iter': epochs are what"):
        halving(MLPClassifier(), {"max_iter": [1, 2]}).fit(*digits)


# Pipelines


class Counting(TransformerMixin, BaseEstimator):
    """Counts its fits, in this process."""

    n_fits = 0

    def __init__(self, shift=0.0):
        self.shift = shift

    def fit(self, X, y=None):
        type(self).n_fits += 1
        self.mean_ = X.mean(axis=0) + self.shift
        return self

    def transform(self, X):
        return X - self.mean_


def test_preprocessing_of_a_fold_is_fitted_once(digits):
    Counting.n_fits = 0
    pipeline = make_pipeline(Counting(), MLPClassifier((10,), random_state=0))
    space = {f"mlpclassifier__{name}": values for name, values in SPACE.items()}
    search = halving(pipeline, space, refit=False).fit(*digits)
    assert Counting.n_fits == 3
    plain = halving(pipeline.steps[1][1], refit=False)
    X, y = digits
    for s, (train, test) in enumerate(CV.split(X, y)):
        mean = X[train].mean(axis=0)
        plain.set_params(cv=[(train, test)]).fit(X - mean, y)
        np.testing.assert_array_equal(
            plain.cv_results_["split0_test_score"][:9],
            search.cv_results_[f"split{s}_test_score"][:9],
        )


def test_functions_of_a_notebook_can_be_searched_in_preprocessing(digits):
    pipeline = make_pipeline(FunctionTransformer(), MLPClassifier((5,)))
    space = {"functiontransformer__func": [np.sqrt, lambda X: 2 * X]}
    search = halving(pipeline, space, max_iter=3, n_initial_parameters=2)
    assert np.isfinite(search.fit(*digits).cv_results_["mean_test_score"]).all()


def test_searched_preprocessing_is_fitted_once_for_each_of_its_settings(digits):
    Counting.n_fits = 0
    pipeline = make_pipeline(Counting(), MLPClassifier((10,), random_state=0))
    space = {
        "counting__shift": [0.0, 0.1],
        "mlpclassifier__learning_rate_init": SPACE["learning_rate_init"],
    }
    search = halving(pipeline, space).fit(*digits)
    assert Counting.n_fits == 2 * 3 + 1
    shift = search.best_params_["counting__shift"]
    assert search.best_estimator_[0].shift == shift


def test_a_searched_scale_goes_on_with_the_rows_it_began_with(digits):
    """Each candidate has preprocessing of its own here, fitted once a fold, too."""
    Counting.n_fits = 0
    pipeline = make_pipeline(Counting(), MLPClassifier((10,), random_state=0))
    search = halving(pipeline, {"counting__shift": loguniform(0.01, 1)}, refit=False)
    search.fit(*digits)
    (row,) = np.flatnonzero(search.cv_results_["epochs"] == 9)
    whole = clone(pipeline).set_params(
        mlpclassifier__max_iter=9, **search.cv_results_["params"][row]
    )
    X, y = digits
    for s, (train, test) in enumerate(CV.split(X, y)):
        score = whole.fit(X[train], y[train]).score(X[test], y[test])
        assert search.cv_results_[f"split{s}_test_score"][row] == score


@pytest.mark.filterwarnings("ignore:`TargetEncoder.shuffle`:FutureWarning")
def test_transformers_that_cross_fit_their_training_rows_do():
    """TargetEncoder's fit_transform is not fit and transform."""
    rng = np.random.default_rng(0)
    X, y = rng.integers(0, 20, (300, 3)), rng.integers(0, 2, 300)
    pipeline = make_pipeline(
        TargetEncoder(random_state=0), MLPClassifier((5,), random_state=0)
    )
    for space in (
        {"mlpclassifier__learning_rate_init": loguniform(1e-3, 1e-1)},
        {"targetencoder__smooth": loguniform(1e-2, 10)},
    ):
        search = halving(pipeline, space, n_initial_parameters=3, max_iter=6)
        search.fit(X, y)
        row = search.best_index_
        whole = clone(pipeline).set_params(
            mlpclassifier__max_iter=6, **search.cv_results_["params"][row]
        )
        for s, (train, test) in enumerate(CV.split(X, y)):
            score = whole.fit(X[train], y[train]).score(X[test], y[test])
            assert search.cv_results_[f"split{s}_test_score"][row] == score


def test_regressors_of_transformed_targets_go_on():
    X, y = load_diabetes(return_X_y=True)
    estimator = make_pipeline(
        StandardScaler(),
        TransformedTargetRegressor(
            MLPRegressor(hidden_layer_sizes=(10,), random_state=0),
            transformer=StandardScaler(),
        ),
    )
    prefix = "transformedtargetregressor__regressor__"
    space = {f"{prefix}learning_rate_init": loguniform(1e-3, 1e-1)}
    cv = KFold(3)
    search = halving(estimator, space, cv=cv).fit(X, y)
    whole = clone(estimator).set_params(
        **{f"{prefix}max_iter": 9}, **search.best_params_
    )
    for s, (train, test) in enumerate(cv.split(X, y)):
        score = whole.fit(X[train], y[train]).score(X[test], y[test])
        best = search.cv_results_[f"split{s}_test_score"][search.best_index_]
        assert best == score
    np.testing.assert_array_equal(whole.fit(X, y).predict(X), search.predict(X))


# With the rest of caviar


def test_the_best_of_a_search_make_an_ensemble_trained_as_in_the_search(digits):
    X, y = digits
    search = halving(MLPClassifier((10,), random_state=0)).fit(X, y)
    results = search.cv_results_
    members = ensemble_from_search(search, 4, X, y).estimators_
    assert members[0] is search.best_estimator_
    assert {member.n_iter_ for member in members} == {9}
    order = np.lexsort((-results["mean_test_score"], -results["epochs"]))
    settings = [
        {name: member.get_params()[name] for name in SPACE} for member in members
    ]
    params = [results["params"][i] for i in order]
    assert settings[0] == params[0]
    assert [params.index(setting) for setting in settings] == sorted(
        params.index(setting) for setting in settings
    )


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_states_of_the_dead_are_not_kept(digits, n_jobs, monkeypatch):
    """At any time there are states of those that may go on, and of no one else."""
    most, now = [], set()

    class Counted(StateStore):
        def put(self, key, data):
            now.add(key)
            most.append(len(now))
            return super().put(key, data)

        def drop(self, key):
            now.discard(key)
            super().drop(key)

    monkeypatch.setattr("caviar._evaluator.StateStore", Counted)
    search = halving(MLPClassifier((5,)), n_initial_parameters=27, cv=3, n_jobs=n_jobs)
    with joblib.parallel_config("threading"):
        search.fit(*digits)
    assert not now
    assert max(most) <= 3 * (9 + 1) + 4  # survivors, and candidates that are incomplete


def test_a_state_that_was_lost_costs_its_epochs_again_and_nothing_else(
    digits, monkeypatch
):
    search = halving(MLPClassifier((5,), random_state=0)).fit(*digits)
    monkeypatch.setattr(StateStore, "get", lambda self, key, crc: None)
    again = halving(MLPClassifier((5,), random_state=0)).fit(*digits)
    for name, values in search.cv_results_.items():
        if "time" not in name:
            np.testing.assert_array_equal(values, again.cv_results_[name])


def test_backends_that_return_nothing_until_all_is_done_get_few_fits_at_a_time(
    digits, tmp_path
):
    """multiprocessing, as Ray, has no generators of results."""
    estimator = MLPClassifier((5,), random_state=0)
    search = halving(estimator).fit(*digits)
    with joblib.parallel_config("multiprocessing", n_jobs=2):
        other = halving(estimator, journal=tmp_path / "journal").fit(*digits)
    for name, values in search.cv_results_.items():
        if "time" not in name:
            np.testing.assert_array_equal(values, other.cv_results_[name])
