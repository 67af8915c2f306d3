"""What users of GridSearchCV rely on holds for the three searches.

The oracle is GridSearchCV: every row of ``cv_results_`` must hold, bit for bit, the scores
that it finds for the row's parameters, trained from scratch for the row's epochs.
"""

import pickle

import numpy as np
import pytest
from scipy import sparse
from scipy.stats import loguniform
from sklearn.base import clone
from sklearn.datasets import make_multilabel_classification
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    RepeatedStratifiedKFold,
    ShuffleSplit,
    StratifiedKFold,
    cross_val_score,
)
from sklearn.multioutput import MultiOutputClassifier
from sklearn.neural_network import MLPClassifier as SklearnMLP

from caviar import MLPRegressor
from searches import (
    BY_EPOCHS,
    N_ROWS,
    SEARCHES,
    SMALL,
    X,
    Y,
    assert_rows_are_fits_from_scratch,
    assert_same_results,
    by_epochs,
    every_search,
    mlp,
    scores,
    short_trainings,
    small,
)

pytestmark = short_trainings


# -- cv --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "cv",
    [
        2,
        KFold(4),
        StratifiedKFold(3, shuffle=True, random_state=1),
        ShuffleSplit(2, test_size=0.3, random_state=2),
        RepeatedStratifiedKFold(n_splits=2, n_repeats=2, random_state=3),
        list(KFold(3, shuffle=True, random_state=4).split(X)),
        [(np.arange(150) < 100, np.arange(150) >= 100)],
    ],
    ids=str,
)
@every_search
def test_every_kind_of_cv_splits_as_for_grid_search(cls, cv):
    search = small(cls, cv=cv).fit(X, Y)
    assert len(search.cv_results_["params"]) == N_ROWS[cls]
    assert_rows_are_fits_from_scratch(search, X, Y)


@every_search
def test_a_generator_of_splits_is_taken_once(cls):
    folds = KFold(3, shuffle=True, random_state=0)
    search = small(cls, cv=folds.split(X)).fit(X, Y)
    assert search.n_splits_ == 3
    assert_rows_are_fits_from_scratch(search, X, Y, cv=folds)


@every_search
def test_a_shuffling_cv_without_seed_splits_once_for_the_whole_search(cls):
    """All candidates of all rounds are scored on the same rows."""

    class Counting(KFold):
        seen = []

        def split(self, X, y=None, groups=None):
            self.seen.append(list(super().split(X, y, groups)))
            return iter(self.seen[-1])

    search = small(cls, cv=Counting(3, shuffle=True, random_state=None)).fit(X, Y)
    assert len(Counting.seen) == 1
    assert_rows_are_fits_from_scratch(search, X, Y, cv=Counting.seen[0])


@every_search
def test_groups_reach_the_splitter(cls):
    groups = np.arange(150) % 5
    search = small(cls, cv=GroupKFold(5)).fit(X, Y, groups=groups)
    assert search.n_splits_ == 5
    assert_rows_are_fits_from_scratch(search, X, Y, groups=groups)
    with pytest.raises(ValueError, match="'groups' parameter should not be None"):
        small(cls, cv=GroupKFold(5)).fit(X, Y)


# -- n_jobs, seeds ---------------------------------------------------------------------


@pytest.mark.parametrize("backend", ["loky", "threading"])
@every_search
def test_parallel_searches_give_the_numbers_of_the_serial_one(cls, backend):
    from joblib import parallel_config

    estimator = mlp(dropout=0.2, batch_norm=True)
    serial = small(cls, estimator, return_train_score=True).fit(X, Y)
    with parallel_config(backend=backend):
        parallel = clone(serial).set_params(n_jobs=2).fit(X, Y)
    assert_same_results(parallel, serial)
    np.testing.assert_array_equal(
        parallel.best_estimator_.params_, serial.best_estimator_.params_
    )


@every_search
def test_random_state_decides_the_candidates(cls):
    first = small(cls).fit(X, Y)
    assert_same_results(small(cls).fit(X, Y), first)
    state = np.random.RandomState(5)
    one, two = (small(cls, random_state=state).fit(X, Y) for _ in range(2))
    other = small(cls, random_state=1).fit(X, Y)
    drawn = {tuple(map(str, s.cv_results_["params"])) for s in (first, one, two, other)}
    assert len(drawn) == 4
    assert isinstance(first.seed_, int)
    assert_same_results(small(cls, random_state=one.seed_).fit(X, Y), one)


# -- kinds of data and estimators ------------------------------------------------------


@pytest.mark.parametrize("container", [sparse.csr_array, sparse.csc_matrix])
@every_search
def test_sparse_X_gives_the_scores_of_grid_search(cls, container):
    search = small(cls).fit(container(X), Y)
    assert_rows_are_fits_from_scratch(search, container(X), Y)


@every_search
def test_float32_stays_float32(cls):
    search = small(cls).fit(X.astype(np.float32), Y)
    assert search.best_estimator_.coefs_[0].dtype == np.float32
    assert_rows_are_fits_from_scratch(search, X.astype(np.float32), Y)


@every_search
def test_multilabel_targets_are_searched(cls):
    X, Y = make_multilabel_classification(n_samples=90, n_features=6, random_state=0)
    search = small(cls, scoring="f1_micro").fit(X, Y)
    assert search.predict(X).shape == Y.shape
    assert_rows_are_fits_from_scratch(search, X, Y)


@pytest.mark.parametrize(
    "estimator, name, classes",
    [
        (SklearnMLP((4,), random_state=0), "alpha", np.arange(5)),
        (
            MultiOutputClassifier(SGDClassifier(random_state=0)),
            "estimator__alpha",
            [np.array([0, 1])] * 5,
        ),
    ],
    ids=["network", "one_each"],
)
@by_epochs
def test_partial_fit_is_told_the_classes_of_a_table_of_labels(
    cls, estimator, name, classes
):
    X, Y = make_multilabel_classification(n_samples=90, n_features=6, random_state=0)
    search = small(cls, estimator, {name: loguniform(1e-4, 1e-1)}, cv=KFold(2))
    search.fit(X, Y)
    train, test = next(KFold(2).split(X))
    for row, params in enumerate(search.cv_results_["params"]):
        alone = clone(estimator).set_params(**params)
        for _ in range(search.cv_results_["epochs"][row]):
            alone.partial_fit(X[train], Y[train], classes=classes)
        score = search.cv_results_["split0_test_score"][row]
        assert score == alone.score(X[test], Y[test])


@every_search
def test_regressors_with_one_and_two_targets_are_searched(cls):
    for y in (X[:, 0], X[:, :2]):
        search = small(cls, mlp(MLPRegressor)).fit(X[:, 1:], y)
        assert search.predict(X[:, 1:]).shape == y.shape
        assert_rows_are_fits_from_scratch(search, X[:, 1:], y)
        assert not hasattr(search, "classes_")


@every_search
def test_classes_may_be_strings(cls):
    names = np.array(["setosa", "versicolor", "virginica"])[Y]
    search = small(cls).fit(X, names)
    assert set(search.predict(X)) <= set(names)
    assert_rows_are_fits_from_scratch(search, X, names)


@every_search
def test_feature_names_of_a_frame_are_kept(cls):
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(X, columns=["a", "b", "c", "d"])
    search = small(cls).fit(frame, pd.Series(Y))
    assert list(search.feature_names_in_) == ["a", "b", "c", "d"]
    assert_rows_are_fits_from_scratch(search, frame, Y)
    with pytest.raises(ValueError, match="feature names"):
        search.predict(frame[["b", "a", "c", "d"]])


@every_search
def test_sgd_classifier_is_searched(cls):
    """One epoch is one call of partial_fit, with the classes of the whole search."""
    estimator = SGDClassifier(loss="log_loss", random_state=0, max_iter=4, tol=None)
    folds = StratifiedKFold(2)
    search = small(cls, estimator, {"alpha": loguniform(1e-4, 1e-1)}).fit(X, Y)
    for row, params in enumerate(search.cv_results_["params"]):
        for split, (train, test) in enumerate(folds.split(X, Y)):
            alone = clone(estimator).set_params(**params)
            if cls in BY_EPOCHS:
                for _ in range(search.cv_results_["epochs"][row]):
                    alone.partial_fit(X[train], Y[train], classes=[0, 1, 2])
            else:
                alone.fit(X[train], Y[train])
            score = search.cv_results_[f"split{split}_test_score"][row]
            assert score == alone.score(X[test], Y[test])
    assert search.predict(X).shape == Y.shape


# -- what scikit-learn's tools do with an estimator ------------------------------------


@every_search
def test_clone_copies_the_parameters_and_nothing_fitted(cls):
    search = small(cls, n_jobs=1, verbose=0, time_budget=60.0).fit(X, Y)
    copy = clone(search)
    assert not [name for name in vars(copy) if name.endswith("_")]
    ours, theirs = search.get_params(), copy.get_params()
    assert ours.keys() == theirs.keys()
    for name in ours.keys() - {"estimator", "param_distributions"}:
        assert ours[name] == theirs[name] or ours[name] is np.nan, name
    assert copy.estimator is not search.estimator
    assert_same_results(copy.fit(X, Y), search)


@every_search
def test_parameters_of_the_estimator_are_reached_through_the_search(cls):
    search = small(cls)
    name, value = next(iter(SMALL[cls].items()))
    params = search.get_params()
    assert params["estimator__hidden_layer_sizes"] == (4,)
    assert params[name] == value
    search.set_params(estimator__hidden_layer_sizes=(3,), **{name: value + 1})
    assert search.estimator.hidden_layer_sizes == (3,)
    assert getattr(search, name) == value + 1
    with pytest.raises(ValueError, match="Invalid parameter 'n_neighbours'"):
        search.set_params(n_neighbours=3)


@pytest.mark.parametrize("fitted", [False, True])
@every_search
def test_a_pickle_predicts_and_keeps_the_results(cls, fitted):
    search = small(cls)
    if not fitted:
        search = pickle.loads(pickle.dumps(search))
        with pytest.raises((NotFittedError, AttributeError)):
            search.predict(X)
    search.fit(X, Y)
    copy = pickle.loads(pickle.dumps(search))
    assert_same_results(copy, search)
    np.testing.assert_array_equal(copy.predict_proba(X), search.predict_proba(X))
    assert copy.cv_results_["params"] == search.cv_results_["params"]


@every_search
def test_fit_changes_neither_the_estimator_nor_the_space_nor_the_data(cls):
    estimator, data = mlp(), (X.copy(), Y.copy())
    space = {"alpha": [1e-4, 1e-3], "learning_rate_init": [0.01, 0.02, 0.03]}
    small(cls, estimator, space).fit(*data)
    assert not [name for name in vars(estimator) if name.endswith("_")]
    assert space == {"alpha": [1e-4, 1e-3], "learning_rate_init": [0.01, 0.02, 0.03]}
    np.testing.assert_array_equal(data[0], X)
    np.testing.assert_array_equal(data[1], Y)


@every_search
def test_nested_cross_validation_scores_searches_on_rows_they_have_not_seen(cls):
    outer = KFold(3)
    found = cross_val_score(small(cls), X, Y, cv=outer)
    alone = [
        small(cls).fit(X[train], Y[train]).score(X[test], Y[test])
        for train, test in outer.split(X)
    ]
    np.testing.assert_array_equal(found, alone)


@every_search
def test_a_list_of_spaces_is_searched_and_absent_parameters_are_masked(cls):
    space = [
        {"solver": ["sgd"], "momentum": [0.5, 0.8, 0.9]},
        {"solver": ["adam"], "beta_1": [0.7, 0.8, 0.9]},
    ]
    search = small(cls, space=space, random_state=1).fit(X, Y)
    results = search.cv_results_
    adam = results["param_solver"] == "adam"
    assert 0 < adam.sum() < len(adam)
    np.testing.assert_array_equal(results["param_momentum"].mask, adam)
    np.testing.assert_array_equal(results["param_beta_1"].mask, ~adam)
    assert_rows_are_fits_from_scratch(search, X, Y)


@every_search
def test_an_empty_space_has_the_estimator_as_its_only_candidate(cls):
    """As for scikit-learn's searches."""
    search = small(cls, space={})
    with pytest.warns(UserWarning, match="space of parameters"):
        search.fit(X, Y)
    assert search.best_params_ == {}
    assert all(params == {} for params in search.cv_results_["params"])
    assert_rows_are_fits_from_scratch(search, X, Y)


@every_search
def test_cv_results_have_grid_searchs_columns_and_those_of_the_schedule(cls):
    search = small(cls, return_train_score=True).fit(X, Y)
    space = {"alpha": [1e-4], "learning_rate_init": [0.01]}
    grid = GridSearchCV(mlp(), space, cv=2, return_train_score=True).fit(X, Y)
    own = {"round"}
    if cls in BY_EPOCHS:
        own |= {"bracket", "candidate", "epochs", "epochs_trained"}
    assert set(search.cv_results_) == set(grid.cv_results_) | own
    for name, column in search.cv_results_.items():
        assert len(column) == N_ROWS[cls], name
        if name in own:
            assert np.issubdtype(column.dtype, np.integer), name
        elif name != "params" and not name.startswith("param_"):
            assert column.dtype == grid.cv_results_[name].dtype, name
    table = pytest.importorskip("pandas").DataFrame(search.cv_results_)
    assert len(table) == N_ROWS[cls]
    assert not scores(search.cv_results_).keys() - set(table.columns)


def test_the_classes_are_public_under_model_selection():
    import caviar.model_selection

    for cls in SEARCHES:
        assert getattr(caviar.model_selection, cls.__name__) is cls
        assert cls.__doc__
