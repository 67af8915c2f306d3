"""Searches, cross-validation, pipelines and ensembles of scikit-learn on real data.

Every tool of scikit-learn that people put round an MLP is used on a bundled data set
and must reach a score, set two points or so (R2: five) below the measured one.
"""

import numpy as np
import pytest
import scipy.stats
import sklearn
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_iris,
    load_wine,
)
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    BaggingClassifier,
    BaggingRegressor,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.exceptions import FitFailedWarning
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import get_scorer, log_loss
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    HalvingRandomSearchCV,
    KFold,
    RandomizedSearchCV,
    StratifiedKFold,
    cross_val_score,
    learning_curve,
    train_test_split,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from caviar import MLPClassifier, MLPRegressor

# Searches try short trainings on purpose.
pytestmark = pytest.mark.filterwarnings(
    "default", "ignore::sklearn.exceptions.ConvergenceWarning"
)


@pytest.fixture(scope="module")
def digits():
    """Return digits scaled to [0, 1], split into 600 rows to search on and the rest."""
    X, y = load_digits(return_X_y=True)
    return train_test_split(X / 16, y, train_size=600, stratify=y, random_state=0)


@pytest.fixture(scope="module")
def cancer():
    X, y = load_breast_cancer(return_X_y=True)
    return train_test_split(X, y, stratify=y, random_state=0)


def mlp(**params):
    """Return a small classifier that learns digits in 15 epochs."""
    defaults = dict(
        hidden_layer_sizes=(32,),
        learning_rate_init=0.01,
        batch_size=50,
        max_iter=15,
        random_state=0,
    )
    return MLPClassifier(**defaults | params)


def scaled(estimator):
    return make_pipeline(StandardScaler(), estimator)


GRID = {"batch_norm": [False, True], "learning_rate_init": [1e-5, 1e-2]}
DISTRIBUTIONS = {
    "batch_norm": [False, True, "post"],
    "learning_rate_init": scipy.stats.loguniform(1e-3, 1e-1),
    "alpha": scipy.stats.loguniform(1e-6, 1e-2),
    "batch_size": [32, 64],
    "hidden_layer_sizes": [(16,), (32,), (24, 16)],
    "solver": ["adam", "rmsprop", "adamw"],
}


# -- searches --------------------------------------------------------------------------


def check_search(search, digits, expected):
    """Fit, compare the held-out accuracy, and that the refit is the best candidate."""
    X_train, X_test, y_train, y_test = digits
    search.fit(X_train, y_train)
    scores = search.cv_results_["mean_test_score"]
    assert np.isfinite(scores).all()
    best = search.best_estimator_.get_params()
    assert {name: best[name] for name in search.best_params_} == search.best_params_
    assert search.score(X_test, y_test) >= expected
    return search


def test_grid_search_finds_the_learning_rate_that_learns(digits):
    search = GridSearchCV(mlp(), GRID, cv=3, n_jobs=2)
    check_search(search, digits, 0.94)
    assert search.best_params_["learning_rate_init"] == 1e-2
    scores = search.cv_results_["mean_test_score"]
    rates = np.array([p["learning_rate_init"] for p in search.cv_results_["params"]])
    assert scores[rates == 1e-2].min() > scores[rates == 1e-5].max() + 0.3


def test_randomized_search_over_every_new_parameter(digits):
    search = RandomizedSearchCV(
        mlp(), DISTRIBUTIONS, n_iter=8, cv=3, n_jobs=2, random_state=0
    )
    check_search(search, digits, 0.94)


@pytest.mark.parametrize("resource", ["n_samples", "max_iter"])
def test_halving_grid_search(digits, resource):
    limits = dict(max_resources=16, min_resources=4) if resource == "max_iter" else {}
    search = HalvingGridSearchCV(
        mlp(), GRID, resource=resource, cv=3, factor=2, random_state=0, **limits
    )
    check_search(search, digits, 0.94)
    assert search.n_iterations_ > 1
    assert search.best_params_["learning_rate_init"] == 1e-2


@pytest.mark.parametrize("resource", ["n_samples", "max_iter"])
def test_halving_random_search(digits, resource):
    limits = dict(max_resources=24, min_resources=3) if resource == "max_iter" else {}
    search = HalvingRandomSearchCV(
        mlp(),
        DISTRIBUTIONS,
        resource=resource,
        n_candidates=8,
        cv=3,
        factor=2,
        random_state=0,
        n_jobs=2,
        **limits,
    )
    check_search(search, digits, 0.94)
    assert search.n_iterations_ > 1


def test_nested_cross_validation(cancer):
    X, _, y, _ = cancer
    inner = GridSearchCV(
        scaled(mlp(batch_size=32)),
        {
            "mlpclassifier__batch_norm": [False, True],
            "mlpclassifier__alpha": [1e-4, 1e-1],
        },
        cv=StratifiedKFold(3, shuffle=True, random_state=0),
    )
    outer = StratifiedKFold(4, shuffle=True, random_state=1)
    scores = cross_val_score(inner, X, y, cv=outer, n_jobs=2)
    assert scores.mean() >= 0.96
    assert scores.std() < 0.04


def test_search_over_a_pipeline_tunes_the_network_and_what_is_before_it(digits):
    pipeline = make_pipeline(StandardScaler(), PCA(whiten=True, random_state=0), mlp())
    search = RandomizedSearchCV(
        pipeline,
        {
            "pca__n_components": [10, 30],
            "mlpclassifier__batch_norm": [False, True],
            "mlpclassifier__alpha": scipy.stats.loguniform(1e-5, 1e-1),
        },
        n_iter=5,
        cv=3,
        random_state=0,
    )
    check_search(search, digits, 0.93)


def test_a_search_scores_a_diverging_candidate_as_failed_and_goes_on(cancer):
    X, _, y, _ = cancer
    search = GridSearchCV(
        scaled(MLPRegressor(solver="sgd", max_iter=20, batch_size=32, random_state=0)),
        {"mlpregressor__learning_rate_init": [1e-2, 1e6]},
        cv=3,
    )
    with pytest.warns(FitFailedWarning, match="non-finite parameter weights"):
        search.fit(X, y)
    scores = search.cv_results_["mean_test_score"]
    assert np.isnan(scores[1])
    assert scores[0] >= 0.7


# -- pipelines -------------------------------------------------------------------------


@pytest.mark.parametrize("batch_norm", [False, True])
def test_pipeline_with_scaling_and_whitening(digits, batch_norm):
    X_train, X_test, y_train, y_test = digits
    pipeline = make_pipeline(
        StandardScaler(),
        PCA(30, whiten=True, random_state=0),
        mlp(batch_norm=batch_norm, max_iter=30),
    )
    pipeline.fit(X_train, y_train)
    assert pipeline.score(X_test, y_test) >= 0.93


def test_column_transformer_with_mixed_columns_of_a_dataframe():
    pytest.importorskip("pandas")
    X, y = load_diabetes(return_X_y=True, as_frame=True, scaled=False)
    X["sex"] = X["sex"].map({1.0: "a", 2.0: "b"})
    columns = ColumnTransformer(
        [("sex", OneHotEncoder(drop="if_binary"), ["sex"])],
        remainder=StandardScaler(),
    )
    network = MLPRegressor(
        hidden_layer_sizes=(16,),
        batch_norm=True,
        alpha=10.0,
        learning_rate_init=0.01,
        batch_size=32,
        max_iter=30,
        random_state=0,
    )
    model = TransformedTargetRegressor(
        make_pipeline(columns, network), transformer=StandardScaler()
    )
    scores = cross_val_score(model, X, y, cv=KFold(4, shuffle=True, random_state=0))
    assert scores.mean() >= 0.42


def test_sample_weight_is_routed_through_a_pipeline_and_a_search(cancer):
    X, X_test, y, y_test = cancer
    weight = np.where(y == 0, 1e-3, 1.0)
    with sklearn.config_context(enable_metadata_routing=True):
        network = mlp(batch_norm=True).set_fit_request(sample_weight=True)
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        search = GridSearchCV(
            make_pipeline(scaler, network),
            {"mlpclassifier__alpha": [1e-4, 1e-2]},
            scoring=get_scorer("accuracy").set_score_request(sample_weight=False),
            cv=3,
        )
        search.fit(X, y, sample_weight=weight)
        unweighted = clone(search).fit(X, y)
    # Class 0 weighs nearly nothing: class 1 is predicted more often than without.
    assert search.predict(X_test).mean() > unweighted.predict(X_test).mean()
    assert (search.predict(X_test)[y_test == 1] == 1).all()
    assert unweighted.score(X_test, y_test) >= 0.92


# -- ensembles and calibration ---------------------------------------------------------


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
def test_calibrated_classifier(cancer, method):
    X, X_test, y, y_test = cancer
    base = scaled(mlp(batch_norm=True))
    model = CalibratedClassifierCV(base, method=method, cv=3).fit(X, y)
    assert model.score(X_test, y_test) >= 0.93
    assert log_loss(y_test, model.predict_proba(X_test)) < 0.35


def test_soft_voting_of_networks_and_a_linear_model(digits):
    X_train, X_test, y_train, y_test = digits
    members = [
        ("plain", mlp()),
        ("batch_norm", mlp(batch_norm=True, random_state=1)),
        ("linear", LogisticRegression(max_iter=200)),
    ]
    model = VotingClassifier(members, voting="soft", n_jobs=2).fit(X_train, y_train)
    assert model.score(X_test, y_test) >= 0.94


def test_stacking_of_networks():
    X, y = load_wine(return_X_y=True)
    members = [
        ("plain", scaled(mlp(batch_size=16))),
        ("batch_norm", scaled(mlp(batch_size=16, batch_norm=True))),
    ]
    model = StackingClassifier(members, final_estimator=mlp(max_iter=100), cv=3)
    assert cross_val_score(model, X, y, cv=3).mean() >= 0.95


def test_bagging_of_networks(digits):
    X_train, X_test, y_train, y_test = digits
    model = BaggingClassifier(
        mlp(batch_norm=True), n_estimators=6, n_jobs=2, random_state=0
    )
    model.fit(X_train, y_train)
    assert model.score(X_test, y_test) >= 0.95
    seeds = {member.random_state for member in model.estimators_}
    assert len(seeds) == 6


def test_bagging_of_regressors():
    X, y = load_diabetes(return_X_y=True)
    member = scaled(
        MLPRegressor(
            hidden_layer_sizes=(16,),
            batch_norm=True,
            learning_rate_init=0.05,
            alpha=1.0,
            max_iter=40,
        )
    )
    model = TransformedTargetRegressor(
        BaggingRegressor(member, n_estimators=8, random_state=0),
        transformer=StandardScaler(),
    )
    assert cross_val_score(model, X, y, cv=3).mean() >= 0.42


# -- inspection ------------------------------------------------------------------------


def test_permutation_importance_finds_the_petals_of_iris():
    X, y = load_iris(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(
        X, y, stratify=y, random_state=0
    )
    model = scaled(mlp(batch_norm=True, batch_size=16, max_iter=60))
    model.fit(X_train, y_train)
    assert model.score(X_test, y_test) >= 0.92
    result = permutation_importance(
        model, X_test, y_test, n_repeats=20, random_state=0, n_jobs=2
    )
    sepals, petals = result.importances_mean[:2], result.importances_mean[2:]
    assert petals.min() > sepals.max()


def test_learning_curve_rises_with_the_number_of_rows(digits):
    X, _, y, _ = digits
    sizes, train_scores, test_scores = learning_curve(
        mlp(batch_norm=True),
        X,
        y,
        train_sizes=[0.1, 0.4, 1.0],
        cv=3,
        shuffle=True,
        random_state=0,
        n_jobs=2,
    )
    assert list(sizes) == [40, 160, 400]
    mean = test_scores.mean(axis=1)
    assert mean[0] < mean[1] < mean[2]
    assert mean[2] >= 0.92
    assert train_scores.mean(axis=1)[2] >= 0.97


def test_learning_curve_by_partial_fit_equals_incremental_training(digits):
    X, _, y, _ = digits
    _, _, scores = learning_curve(
        mlp(batch_norm=True),
        X,
        y,
        train_sizes=[0.25, 0.5, 0.75, 1.0],
        cv=3,
        exploit_incremental_learning=True,
    )
    assert np.isfinite(scores).all()
    assert scores.mean(axis=1)[-1] > scores.mean(axis=1)[0]
