"""Wrong parameters and data get one clear error, and the estimator stays as it was."""

import re
import warnings

import numpy as np
import pytest
import sklearn.neural_network
from scipy import sparse
from sklearn.datasets import load_diabetes, load_iris
from sklearn.exceptions import NotFittedError
from sklearn.utils._param_validation import InvalidParameterError

from caviar import MLPClassifier, MLPRegressor
from refusals import NON_FINITE_WEIGHTS, assert_refused, small

pytestmark = pytest.mark.filterwarnings(
    "default", "ignore::sklearn.exceptions.ConvergenceWarning"
)

CLASSES = [MLPClassifier, MLPRegressor]
STOCHASTIC = ["sgd", "adam", "rmsprop", "adagrad", "adamw", "nadam"]
SOLVERS = ["lbfgs", *STOCHASTIC]


@pytest.fixture
def iris():
    return load_iris(return_X_y=True)


@pytest.fixture
def diabetes():
    X, y = load_diabetes(return_X_y=True)
    return X, y / 100


# -- parameters ------------------------------------------------------------------------

BAD_PARAMETERS = [
    ("hidden_layer_sizes", "ten"),
    ("hidden_layer_sizes", 0),
    ("hidden_layer_sizes", (5, 0)),
    ("hidden_layer_sizes", (5, -3)),
    ("hidden_layer_sizes", (5, 2.5)),
    ("activation", "swish"),
    ("solver", "foo"),
    ("alpha", -1e-4),
    ("alpha", "auto"),
    ("batch_size", 0),
    ("batch_size", -5),
    ("batch_size", 1.5),
    ("batch_size", "half"),
    ("learning_rate", "cosine-ish"),
    ("learning_rate_init", 0),
    ("learning_rate_init", -0.1),
    ("power_t", -1),
    ("max_iter", 0),
    ("max_iter", 2.5),
    ("shuffle", "yes"),
    ("random_state", "seed"),
    ("tol", -1e-3),
    ("verbose", "loud"),
    ("warm_start", "yes"),
    ("momentum", 1.1),
    ("momentum", -0.1),
    ("nesterovs_momentum", "yes"),
    ("early_stopping", "yes"),
    ("validation_fraction", 1.0),
    ("validation_fraction", -0.1),
    ("beta_1", 1.0),
    ("beta_1", -0.1),
    ("beta_2", 1.0),
    ("epsilon", 0),
    ("n_iter_no_change", 0),
    ("n_iter_no_change", -np.inf),
    ("max_fun", 0),
    ("batch_norm", "before"),
    ("batch_norm", 2),
    ("bn_momentum", 1.0),
    ("bn_momentum", -0.1),
    ("bn_epsilon", 0),
    ("bn_epsilon", -1e-5),
    ("rho", 1.0),
    ("rho", -0.1),
    ("rho", 1.5),
    ("weight_decay", -0.1),
    ("n_jobs", 0),
    ("n_jobs", 1.5),
    ("dtype", "float16"),
    ("dtype", "int32"),
    ("dtype", 32),
]


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize("name, value", BAD_PARAMETERS)
def test_a_wrong_parameter_is_named_with_its_value(cls, name, value, iris):
    X, y = iris
    estimator = small(cls, **{name: value})
    shown = re.escape(str(value).strip("()"))
    assert_refused(estimator, X, y, rf"{name}.*(?s:.*){shown}")


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize("name, value", BAD_PARAMETERS)
def test_a_wrong_parameter_leaves_a_fitted_estimator_as_it_was(cls, name, value, iris):
    X, y = iris
    estimator = small(cls, batch_norm=True).fit(X, y)
    expected = estimator.predict(X)
    estimator.set_params(**{name: value})
    assert_refused(estimator, X, y, name)
    good = small(cls, batch_norm=True).get_params()[name]
    estimator.set_params(**{name: good})
    np.testing.assert_array_equal(estimator.predict(X), expected)


@pytest.mark.parametrize("loss", ["log_loss", "absolute", None])
def test_an_unknown_loss_is_refused(loss, diabetes):
    assert_refused(small(MLPRegressor, loss=loss), *diabetes, "'loss' parameter")


@pytest.mark.parametrize("name", ["drop_out", "quantile"])
def test_an_unknown_parameter_name_is_refused_at_once(name):
    with pytest.raises(TypeError, match=name):
        MLPClassifier(**{name: 0.5})
    with pytest.raises(ValueError, match=name):
        MLPClassifier().set_params(**{name: 0.5})


@pytest.mark.parametrize("name", ["batch_norm", "rho", "weight_decay", "dtype"])
@pytest.mark.parametrize("cls", CLASSES)
def test_new_parameters_are_keyword_only(cls, name):
    n_positional = {MLPClassifier: 2, MLPRegressor: 3}[cls]
    with pytest.raises(TypeError, match="positional argument"):
        cls(*[None] * (n_positional + 1))
    cls(**{name: cls().get_params()[name]})


def test_parameters_are_checked_at_fit_not_in_init():
    assert MLPClassifier(solver="foo").solver == "foo"
    with pytest.raises(InvalidParameterError):
        MLPClassifier(solver="foo").fit([[0.0], [1.0]], [0, 1])


# -- X and y ---------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("cls", CLASSES)
def test_nan_and_infinity_in_X_are_refused(cls, solver, bad, iris):
    X, y = iris
    good = X.copy()
    X[75, 2] = bad
    word = "NaN" if np.isnan(bad) else "infinity"
    estimator = small(cls, solver=solver)
    assert_refused(estimator, X, y, f"Input X contains {word}")
    assert_refused(estimator, sparse.csr_array(X), y, f"(Input|X).*contains {word}")
    estimator.fit(good, y)
    for method in ("predict", "predict_proba"):
        if hasattr(estimator, method):
            with pytest.raises(ValueError, match=f"Input X contains {word}"):
                getattr(estimator, method)(X)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("cls", CLASSES)
def test_nan_and_infinity_in_y_are_refused(cls, bad, diabetes):
    X, y = diabetes
    y = np.round(y)
    y[7] = bad
    word = "NaN" if np.isnan(bad) else "infinity"
    assert_refused(small(cls), X, y, f"Input y contains {word}")


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("cls", CLASSES)
def test_nan_and_infinity_in_sample_weight_are_refused(cls, bad, iris):
    X, y = iris
    weight = np.ones(len(y))
    weight[3] = bad
    match = "Input sample_weight contains"
    assert_refused(small(cls), X, y, match, sample_weight=weight)


@pytest.mark.parametrize("n_outputs", [1, 2])
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_negative_y_is_refused_by_the_poisson_loss(method, n_outputs, diabetes):
    X, y = diabetes
    y = y.copy()
    y[3] = -0.5
    y = y if n_outputs == 1 else np.column_stack([np.abs(y), y])
    match = r"`?y`?.*(?s:.*)poisson(?s:.*)-0\.5"
    assert_refused(small(MLPRegressor, loss="poisson"), X, y, match, method=method)


@pytest.mark.parametrize("cls", CLASSES)
def test_X_and_y_of_different_length_are_refused(cls, iris):
    X, y = iris
    assert_refused(
        small(cls), X, y[:-1], r"inconsistent numbers of samples: \[150, 149"
    )


@pytest.mark.parametrize("cls", CLASSES)
def test_empty_X_is_refused(cls):
    assert_refused(small(cls), np.empty((0, 3)), np.empty(0), "0 sample")
    assert_refused(small(cls), np.empty((3, 0)), np.arange(3), "0 feature")


@pytest.mark.parametrize("cls", CLASSES)
def test_X_of_one_or_three_dimensions_is_refused(cls, iris):
    X, y = iris
    assert_refused(small(cls), X[:, 0], y, "Expected 2D array, got 1D array")
    assert_refused(small(cls), X[None], y, "dim 3")


def test_continuous_y_is_refused_by_the_classifier(diabetes):
    assert_refused(small(MLPClassifier), *diabetes, "Unknown label type|continuous")


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize("method", ["predict", "predict_proba", "score"])
def test_an_unfitted_estimator_does_not_predict(cls, method, iris):
    estimator = small(cls)
    if hasattr(estimator, method):
        with pytest.raises(NotFittedError, match="not fitted yet"):
            getattr(estimator, method)(*(iris if method == "score" else iris[:1]))


@pytest.mark.parametrize("cls", CLASSES)
def test_another_number_of_features_is_refused(cls, iris):
    X, y = iris
    estimator = small(cls).fit(X, y)
    match = r"X has 3 features, but \w+ is expecting 4 features"
    with pytest.raises(ValueError, match=match):
        estimator.predict(X[:, :3])
    assert_refused(estimator, X[:, :3], y, match, method="partial_fit")
    estimator.set_params(warm_start=True)
    assert_refused(estimator, X[:, :3], y, match)


# -- sample_weight ---------------------------------------------------------------------


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("cls", CLASSES)
def test_sample_weight_of_the_wrong_length_or_all_zero_is_refused(
    cls, solver, batch_norm, iris
):
    X, y = iris
    estimator = small(cls, solver=solver, batch_norm=batch_norm)
    wrong = "sample_weight.shape == "
    assert_refused(estimator, X, y, wrong, sample_weight=np.ones(149))
    assert_refused(estimator, X, y, "[Ss]ample", sample_weight=np.ones((150, 2)))
    zero = "(?i)sample.weight.*(zero|non-zero)"
    assert_refused(estimator, X, y, zero, sample_weight=np.zeros(150))


def test_negative_sample_weight_is_refused_with_batch_norm(iris):
    X, y = iris
    weight = np.ones(150)
    weight[3] = -2.0
    match = r"sample_weight.*batch_norm.*-2\.0"
    estimator = small(MLPClassifier, batch_norm=True)
    assert_refused(estimator, X, y, match, sample_weight=weight)


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("cls", CLASSES)
def test_a_batch_whose_weights_are_all_zero_changes_nothing_to_nan(
    cls, batch_norm, iris
):
    X, y = iris
    weight = np.r_[np.zeros(50), np.ones(100)]
    estimator = small(cls, batch_norm=batch_norm, batch_size=10, shuffle=False)
    estimator.fit(X, y, sample_weight=weight)
    assert np.isfinite(estimator.params_).all()
    assert np.isfinite(estimator.stats_).all()
    assert np.isfinite(estimator.loss_curve_).all()


# -- batch normalization ---------------------------------------------------------------


@pytest.mark.parametrize("batch_norm", [True, "pre", "post"])
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("cls", CLASSES)
def test_one_row_in_all_is_refused_naming_batch_norm(cls, solver, batch_norm):
    estimator = small(cls, solver=solver, batch_norm=batch_norm)
    assert_refused(estimator, [[1.0, 2.0]], [0], "batch_norm.*n_samples=1")
    small(cls, solver=solver).fit([[1.0, 2.0]], [0])


@pytest.mark.parametrize("cls", CLASSES)
def test_partial_fit_of_one_row_is_refused_naming_batch_norm(cls, iris):
    X, y = iris
    estimator = small(cls, batch_norm=True).fit(X, y)
    match = "batch_norm.*n_samples=1"
    assert_refused(estimator, X[:1], y[:1], match, method="partial_fit")


@pytest.mark.parametrize("solver", STOCHASTIC)
@pytest.mark.parametrize("cls", CLASSES)
def test_batches_of_one_row_are_refused_naming_batch_norm(cls, solver, iris):
    estimator = small(cls, solver=solver, batch_norm=True, batch_size=1)
    assert_refused(estimator, *iris, "batch_size.*batch_norm.*1")
    small(cls, solver=solver, batch_size=1).fit(*iris)


@pytest.mark.parametrize("batch_size", [2, 149, 147, 74])
@pytest.mark.parametrize("cls", CLASSES)
def test_a_last_batch_of_one_or_two_rows_is_no_error(cls, batch_size, iris):
    X, y = iris
    for n_rows in (149, 150):
        estimator = small(cls, batch_norm=True, batch_size=batch_size)
        estimator.fit(X[:n_rows], y[:n_rows])
        assert np.isfinite(estimator.params_).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_constant_columns_and_equal_rows_are_no_error_with_batch_norm(dtype, iris):
    X, y = iris
    X[:, 1] = 7.0
    X[:50] = X[0]
    estimator = small(
        MLPClassifier, batch_norm=True, batch_size=10, shuffle=False, dtype=dtype
    )
    estimator.fit(X, y)
    assert np.isfinite(estimator.predict_proba(X)).all()


# -- batches, early stopping, partial_fit, warm_start ----------------------------------


@pytest.mark.parametrize("cls", CLASSES)
def test_a_batch_size_above_n_samples_warns_as_scikit_learn_and_is_clipped(cls, iris):
    X, y = iris
    match = "Got `batch_size` less than 1 or larger than sample size"
    with pytest.warns(UserWarning, match=match):
        clipped = small(cls, batch_size=151).fit(X, y)
    exact = small(cls, batch_size=150).fit(X, y)
    np.testing.assert_array_equal(clipped.params_, exact.params_)


@pytest.mark.parametrize("batch_norm", [False, True])
def test_early_stopping_with_too_few_rows_is_refused(batch_norm, iris):
    X, y = iris
    params = dict(early_stopping=True, batch_norm=batch_norm)
    match = "The validation set is too small. Increase 'validation_fraction'"
    assert_refused(small(MLPRegressor, **params), X[:5], y[:5], match)
    few = "least populated class"
    assert_refused(small(MLPClassifier, **params), X[:4], [0, 0, 0, 1], few)
    none = "validation_fraction|test_size|test set"
    params["validation_fraction"] = 0.0
    assert_refused(small(MLPRegressor, **params), X, y, none)


@pytest.mark.parametrize("cls", CLASSES)
def test_partial_fit_with_early_stopping_is_refused(cls, iris):
    X, y = iris
    extra = dict(classes=[0, 1, 2]) if cls is MLPClassifier else {}
    match = "partial_fit does not support early_stopping=True"
    estimator = small(cls, early_stopping=True)
    assert_refused(estimator, X, y, match, method="partial_fit", **extra)


def test_partial_fit_is_absent_with_lbfgs_and_says_why(iris):
    for cls in CLASSES:
        assert not hasattr(cls(solver="lbfgs"), "partial_fit")
        with pytest.raises(AttributeError, match="partial_fit"):
            cls(solver="lbfgs").partial_fit(*iris)


def test_partial_fit_needs_classes_first_and_knows_them_after(iris):
    X, y = iris
    estimator = small(MLPClassifier)
    assert_refused(estimator, X, y, "classes must be passed", method="partial_fit")
    missing = r"`y` has classes not in `self.classes_`"
    assert_refused(estimator, X, y, missing, method="partial_fit", classes=[0, 1])
    estimator.partial_fit(X[:100], y[:100], classes=[0, 1])
    assert_refused(estimator, X, y, missing, method="partial_fit")
    other = "classes.*(is not the same|not the same)"
    extra = dict(method="partial_fit", classes=[0, 1, 2])
    assert_refused(estimator, X[:100], y[:100], other, **extra)


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize("cls", CLASSES)
def test_another_network_is_refused_when_going_on(cls, method, iris):
    X, y = iris
    estimator = small(cls, warm_start=True).fit(X, y)
    for name, value in [("hidden_layer_sizes", (6,)), ("batch_norm", True)]:
        estimator.set_params(**{name: value})
        assert_refused(estimator, X, y, name, method=method)
        estimator.set_params(**{name: small(cls).get_params()[name]})
    getattr(estimator, method)(X, y)


def test_other_classes_are_refused_by_a_warm_start(iris):
    X, y = iris
    estimator = small(MLPClassifier, warm_start=True).fit(X, y)
    match = "warm_start can only be used where `y` has the same classes"
    assert_refused(estimator, X, y % 2, match)


def test_another_number_of_targets_is_refused_when_going_on(diabetes):
    X, y = diabetes
    estimator = small(MLPRegressor, warm_start=True).fit(X, y)
    two = np.column_stack([y, y])
    for method in ("fit", "partial_fit"):
        assert_refused(estimator, X, two, "output", method=method)


# -- divergence ------------------------------------------------------------------------

DIVERGING = [
    (MLPRegressor, dict(solver="sgd", learning_rate_init=1e6)),
    (MLPRegressor, dict(solver="sgd", learning_rate_init=1e6, dtype="float32")),
    (MLPRegressor, dict(solver="sgd", learning_rate_init=10.0, activation="identity")),
    (MLPRegressor, dict(solver="sgd", learning_rate_init=5.0, loss="poisson")),
    (MLPClassifier, dict(solver="sgd", learning_rate_init=1e200)),
    (MLPClassifier, dict(solver="adam", learning_rate_init=1e300)),
    (MLPClassifier, dict(solver="adam", learning_rate_init=1e38, dtype="float32")),
]


def epochs_printed(capsys):
    return len(re.findall(r"^Iteration \d+", capsys.readouterr().out, re.MULTILINE))


@pytest.mark.parametrize("cls, params", DIVERGING)
def test_divergence_raises_scikit_learns_error_and_leaves_no_trace(
    cls, params, diabetes
):
    X, y = diabetes
    X = X * 100
    y = y if cls is MLPRegressor else np.round(y)
    estimator = small(cls, **params, max_iter=200, batch_size=32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert_refused(estimator, X, y, NON_FINITE_WEIGHTS)
        estimator.set_params(learning_rate_init=1e-5, solver="sgd").fit(X / 100, y)
        estimator.set_params(warm_start=True, **params)
        assert_refused(estimator, X, y, NON_FINITE_WEIGHTS)


@pytest.mark.parametrize("cls, params", DIVERGING)
def test_divergence_stops_in_the_epoch_where_it_happens(cls, params, diabetes, capsys):
    """scikit-learn tells that epoch: the first whose weights are not all finite."""
    X, y = diabetes
    X = X * 100
    y = y if cls is MLPRegressor else np.round(y)
    if params.get("dtype") == "float32":
        X = X.astype(np.float32)
    common = {name: value for name, value in params.items() if name != "dtype"}
    theirs = getattr(sklearn.neural_network, cls.__name__)
    if not set(common) <= set(theirs().get_params()):
        pytest.skip("this scikit-learn has no Poisson loss to compare with")
    theirs = small(theirs, **common, batch_size=32, warm_start=True, max_iter=1)
    n_epochs = 0
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            # Epoch by epoch they draw other shuffles, so both go in the given order.
            theirs.set_params(shuffle=False)
            for n_epochs in range(1, 201):
                theirs.partial_fit(X, y, **_classes(cls, y, n_epochs))
        except ValueError:
            pass
    assert n_epochs < 200, "the example does not diverge"
    ours = small(
        cls, **params, batch_size=32, shuffle=False, max_iter=200, verbose=True
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(ValueError, match=NON_FINITE_WEIGHTS):
            ours.fit(X, y)
    assert epochs_printed(capsys) <= n_epochs


def _classes(cls, y, epoch):
    return dict(classes=np.unique(y)) if cls is MLPClassifier and epoch == 1 else {}


def test_divergence_in_partial_fit_raises_and_leaves_the_last_good_weights(diabetes):
    X, y = diabetes
    estimator = small(MLPRegressor, solver="sgd", batch_size=32)
    estimator.partial_fit(X, y)
    estimator.set_params(learning_rate_init=1e200)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert_refused(estimator, X, y, NON_FINITE_WEIGHTS, method="partial_fit")
    assert np.isfinite(estimator.predict(X)).all()


def test_divergence_with_early_stopping_keeps_the_best_weights(diabetes, capsys):
    X, y = diabetes
    estimator = small(
        MLPRegressor,
        solver="sgd",
        activation="identity",
        learning_rate_init=1.0,
        early_stopping=True,
        max_iter=500,
        n_iter_no_change=400,
        verbose=True,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator.fit(X * 100, y)
    assert np.isfinite(estimator.predict(X)).all()
    assert epochs_printed(capsys) == estimator.n_iter_ < 500


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("solver", SOLVERS)
def test_X_near_the_largest_float_ends_in_the_error_not_in_nan(solver, dtype):
    rng = np.random.RandomState(0)
    X = (np.finfo(dtype).max * rng.uniform(size=(20, 3))).astype(dtype)
    y = rng.standard_normal(20)
    estimator = small(MLPRegressor, solver=solver, max_iter=20)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            estimator.fit(X, y)
        except ValueError as error:
            assert re.match(NON_FINITE_WEIGHTS, str(error))
            assert not hasattr(estimator, "coefs_")
        else:
            assert np.isfinite(estimator.params_).all()


def test_X_that_does_not_fit_into_float32_is_refused(iris):
    X, y = iris
    X[5, 1] = 1e300
    estimator = small(MLPClassifier, dtype="float32")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        with pytest.raises(ValueError, match=r"infinity|too large|float32|non-finite"):
            estimator.fit(X, y)
    assert not hasattr(estimator, "coefs_")


# -- a failed fit leaves no trace, whatever failed -------------------------------------


@pytest.mark.parametrize("fitted", [False, True])
@pytest.mark.parametrize("cls", CLASSES)
def test_a_failed_fit_leaves_feature_names_and_classes_as_they_were(cls, fitted, iris):
    pd = pytest.importorskip("pandas")
    X, y = iris
    frame = pd.DataFrame(X, columns=["a", "b", "c", "d"])
    estimator = small(cls, early_stopping=True, validation_fraction=0.001)
    if fitted:
        estimator.set_params(validation_fraction=0.2).fit(frame, y)
        estimator.set_params(validation_fraction=0.001)
    other = pd.DataFrame(X[:, :2], columns=["x", "y"])
    assert_refused(estimator, other, y + 10, "validation|test_size|classes")
    if fitted:
        assert list(estimator.feature_names_in_) == ["a", "b", "c", "d"]
        assert estimator.n_features_in_ == 4
        if cls is MLPClassifier:
            assert list(estimator.classes_) == [0, 1, 2]


@pytest.mark.parametrize("cls", CLASSES)
def test_a_failed_fit_does_not_consume_the_random_state_it_was_given(cls, iris):
    """An error in the input comes before any draw."""
    X, y = iris
    generator = np.random.RandomState(0)
    before = generator.get_state()[1].tobytes()
    estimator = small(cls, random_state=generator, batch_norm=True, batch_size=1)
    with pytest.raises(ValueError, match="batch_norm"):
        estimator.fit(X, y)
    X[0, 0] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        estimator.set_params(batch_size=10).fit(X, y)
    assert generator.get_state()[1].tobytes() == before


def test_fit_does_not_write_to_X_y_or_sample_weight(iris):
    X, y = iris
    weight = np.random.RandomState(0).rand(150)
    copies = X.copy(), y.copy(), weight.copy()
    for solver in SOLVERS:
        small(MLPClassifier, solver=solver, batch_norm=True, batch_size="full").fit(
            X, y, sample_weight=weight
        )
    for now, before in zip((X, y, weight), copies, strict=True):
        np.testing.assert_array_equal(now, before)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_single_row_is_checked_as_by_scikit_learn(bad):
    X, y = np.arange(40.0).reshape(20, 2), np.arange(20) % 2
    classes = MLPClassifier, sklearn.neural_network.MLPClassifier
    ours, theirs = (cls((3,), max_iter=1).fit(X, y) for cls in classes)
    for row in ([[bad, 1.0]], [[1.0]], [1.0, 2.0], np.empty((0, 2))):
        messages = []
        for mlp in (ours, theirs):
            with pytest.raises(ValueError) as error:
                mlp.predict_proba(np.asarray(row))
            messages.append(str(error.value))
        assert messages[0] == messages[1]
