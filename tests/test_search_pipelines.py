"""The three searches over pipelines that end in an MLP, and what is routed through them.

GridSearchCV is the oracle here too (see searches.py): its pipelines are fitted from
scratch for every candidate, so that preprocessing kept from round to round must be equal.
"""

import numpy as np
import pytest
import sklearn
from scipy.stats import loguniform
from sklearn import config_context
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.model_selection import GroupKFold, KFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler, TargetEncoder
from sklearn.utils.fixes import parse_version

from caviar import MLPClassifier, MLPRegressor
from searches import (
    N_ROWS,
    X,
    Y,
    assert_rows_are_fits_from_scratch,
    by_epochs,
    epochs_of,
    every_search,
    mlp,
    short_trainings,
    small,
)

pytestmark = short_trainings


def mixed_frame():
    """Return 120 rows: two numbers, a category of 4 and one of 30 values, and y."""
    pd = pytest.importorskip("pandas")
    rng = np.random.RandomState(0)
    frame = pd.DataFrame(
        {
            "age": rng.normal(40, 9, 120),
            "pay": rng.lognormal(3, 1, 120),
            "town": rng.choice(["north", "south", "east", "west"], 120),
            "shop": rng.randint(30, size=120).astype(str),
        }
    )
    return frame, (frame["age"] + 9 * (frame["town"] == "east") > 42).astype(int)


# -- pipelines -------------------------------------------------------------------------


@every_search
def test_a_pipeline_is_searched_as_grid_search_does(cls):
    estimator = make_pipeline(StandardScaler(), PCA(3), mlp())
    search = small(cls, estimator, return_train_score=True).fit(X, Y)
    assert_rows_are_fits_from_scratch(search, X, Y)
    epochs = int(epochs_of(search)[search.best_index_])
    params = dict(search.best_params_, mlpclassifier__max_iter=epochs)
    alone = clone(estimator).set_params(**params).fit(X, Y)
    assert search.best_estimator_.named_steps["mlpclassifier"].max_iter == epochs
    np.testing.assert_array_equal(search.predict_proba(X), alone.predict_proba(X))


@every_search
def test_a_pipeline_in_a_pipeline_is_searched(cls):
    inner = Pipeline([("pca", PCA(3)), ("mlp", mlp())])
    estimator = Pipeline([("scale", StandardScaler()), ("model", inner)])
    search = small(cls, estimator).fit(X, Y)
    assert set(search.best_params_) == {
        "model__mlp__learning_rate_init",
        "model__mlp__alpha",
    }
    assert_rows_are_fits_from_scratch(search, X, Y)


@every_search
def test_preprocessing_may_be_searched_with_the_mlp(cls):
    estimator = Pipeline([("scale", StandardScaler()), ("mlp", mlp())])
    space = {
        "scale": ["passthrough", StandardScaler(), PCA()],
        "mlp__learning_rate_init": [0.001, 0.01, 0.1],
    }
    search = small(cls, estimator, space, random_state=1).fit(X, Y)
    kinds = {str(params["scale"]) for params in search.cv_results_["params"]}
    assert len(kinds) > 1
    assert not hasattr(space["scale"][1], "mean_")
    assert_rows_are_fits_from_scratch(search, X, Y)


@pytest.mark.parametrize("sparse_output", [True, False])
@every_search
def test_a_column_transformer_takes_frames_and_may_give_sparse_rows(cls, sparse_output):
    frame, y = mixed_frame()
    one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=sparse_output)
    columns = ColumnTransformer(
        [("number", StandardScaler(), ["age", "pay"]), ("other", one_hot, ["shop"])],
        sparse_threshold=1.0,
    )
    search = small(cls, make_pipeline(columns, mlp())).fit(frame, y)
    assert_rows_are_fits_from_scratch(search, frame, y)
    assert list(search.feature_names_in_) == list(frame.columns)


@every_search
def test_a_target_encoder_trains_on_what_fit_transform_gives(cls):
    """Its fit_transform encodes out of fold; transform of the same rows would leak y."""
    frame, y = mixed_frame()
    old = parse_version(sklearn.__version__) < parse_version("1.9")
    encoder = TargetEncoder(random_state=0) if old else TargetEncoder(cv=KFold(4))
    assert not np.allclose(
        encoder.fit_transform(frame[["shop"]], y), encoder.transform(frame[["shop"]])
    )
    estimator = make_pipeline(encoder, StandardScaler(), mlp())
    search = small(cls, estimator, return_train_score=True)
    search.fit(frame[["town", "shop"]], y)
    assert_rows_are_fits_from_scratch(search, frame[["town", "shop"]], y)


class Counting(TransformerMixin, BaseEstimator):
    """Counts its fits, and passes its rows on."""

    n_fits = 0

    def fit(self, X, y=None):
        type(self).n_fits += 1
        return self

    def transform(self, X):
        return X


@by_epochs
def test_the_preprocessing_of_a_fold_is_fitted_once(cls, monkeypatch):
    """Not again in each round: once a candidate and split at most, and for the refit."""
    monkeypatch.setattr(Counting, "n_fits", 0)
    search = small(cls, make_pipeline(Counting(), mlp())).fit(X, Y)
    n_candidates = sum(bracket["n_candidates"][0] for bracket in search.brackets_)
    assert n_candidates < N_ROWS[cls]
    assert Counting.n_fits <= 2 * n_candidates + 1


@every_search
def test_set_output_of_the_pipeline_gives_its_mlp_named_columns(cls):
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(X, columns=["a", "b", "c", "d"])
    estimator = make_pipeline(StandardScaler(), mlp()).set_output(transform="pandas")
    search = small(cls, estimator).fit(frame, Y)
    assert list(search.best_estimator_[-1].feature_names_in_) == ["a", "b", "c", "d"]
    assert_rows_are_fits_from_scratch(search, frame, Y)


@pytest.mark.parametrize("backend", ["loky", "threading"])
@every_search
def test_the_configuration_reaches_the_workers(cls, backend):
    from joblib import parallel_config

    class NeedsFrame(MLPClassifier):
        def fit(self, X, y):
            assert hasattr(X, "columns")
            return super().fit(X, y)

        def partial_fit(self, X, y, classes=None):
            assert hasattr(X, "columns")
            return super().partial_fit(X, y, classes)

    pytest.importorskip("pandas")
    estimator = make_pipeline(StandardScaler(), mlp(NeedsFrame))
    space = {"needsframe__alpha": loguniform(1e-5, 1e-2)}
    search = small(cls, estimator, space, n_jobs=2, error_score="raise")
    with config_context(transform_output="pandas"), parallel_config(backend=backend):
        search.fit(X, Y)
    assert search.best_estimator_[-1].n_features_in_ == 4


# -- sample weights and other metadata -------------------------------------------------

WEIGHT = np.random.RandomState(1).uniform(0.1, 3, size=150)
GROUPS = np.arange(150) % 4


@pytest.mark.parametrize("estimator", [MLPClassifier, MLPRegressor])
@every_search
def test_sample_weights_are_sliced_with_the_fold(cls, estimator):
    search = small(cls, mlp(estimator), return_train_score=True)
    search.fit(X, Y, sample_weight=WEIGHT)
    assert_rows_are_fits_from_scratch(search, X, Y, sample_weight=WEIGHT)
    plain = small(cls, mlp(estimator)).fit(X, Y)
    assert search.best_score_ != plain.best_score_
    epochs = int(epochs_of(search)[search.best_index_])
    alone = mlp(estimator, max_iter=epochs, **search.best_params_)
    alone.fit(X, Y, sample_weight=WEIGHT)
    np.testing.assert_array_equal(search.best_estimator_.params_, alone.params_)


@every_search
def test_sample_weights_reach_the_step_of_a_pipeline(cls):
    estimator = make_pipeline(StandardScaler(), mlp())
    weight = {"mlpclassifier__sample_weight": WEIGHT}
    search = small(cls, estimator).fit(X, Y, **weight)
    assert_rows_are_fits_from_scratch(search, X, Y, **weight)
    with pytest.raises(ValueError, match="stepname__parameter"):
        small(cls, estimator).fit(X, Y, sample_weight=WEIGHT)


def scorer_of_accuracy(weighted=True):
    return make_scorer(accuracy_score).set_score_request(sample_weight=weighted)


@pytest.mark.parametrize("requested", [True, False])
@every_search
def test_routing_gives_weights_to_fit_and_scorer_and_groups_to_the_splitter(
    cls, requested
):
    with config_context(enable_metadata_routing=True):
        scoring = {
            "weighted": scorer_of_accuracy(),
            "plain": scorer_of_accuracy(weighted=False),
        }
        estimator = mlp().set_fit_request(sample_weight=requested)
        metadata = dict(sample_weight=WEIGHT, groups=GROUPS)
        search = small(
            cls, estimator, scoring=scoring, refit="weighted", cv=GroupKFold(4)
        ).fit(X, Y, **metadata)
        assert_rows_are_fits_from_scratch(search, X, Y, **metadata)
        score = search.score(X, Y, sample_weight=WEIGHT)
    assert score == accuracy_score(Y, search.predict(X), sample_weight=WEIGHT)
    results = search.cv_results_
    assert np.any(results["mean_test_weighted"] != results["mean_test_plain"])


@every_search
def test_routing_reaches_every_step_of_a_pipeline(cls):
    with config_context(enable_metadata_routing=True):
        estimator = make_pipeline(
            StandardScaler().set_fit_request(sample_weight=True),
            mlp().set_fit_request(sample_weight=True),
        )
        search = small(cls, estimator, scoring=scorer_of_accuracy())
        search.fit(X, Y, sample_weight=WEIGHT)
        assert_rows_are_fits_from_scratch(search, X, Y, sample_weight=WEIGHT)
        mean = search.best_estimator_[0].mean_
    np.testing.assert_allclose(mean, np.average(X, axis=0, weights=WEIGHT))


@every_search
def test_routing_refuses_what_nobody_has_asked_for(cls):
    with config_context(enable_metadata_routing=True):
        search = small(cls)
        with pytest.raises(ValueError, match=r"sample_weight.*not explicitly set"):
            search.fit(X, Y, sample_weight=WEIGHT)
        with pytest.raises(TypeError, match="colour"):
            search.fit(X, Y, colour=WEIGHT)
