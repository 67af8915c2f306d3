"""Statistics of activations: published figures, and plain numpy in float64."""

import doctest

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.sparse import csc_matrix, csr_matrix
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from caviar import MLPClassifier, MLPRegressor, _activations, diagnostics
from caviar._initializers import WEIGHT_INITS
from caviar.diagnostics import activation_statistics

FIELDS = "units mean std saturated zeros dead counts edges".split()
FUNCTIONS = {
    "identity": lambda z: z,
    "logistic": expit,
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0),
}

# 16 rows of N(0, 1), 6 layers of 4096 units, no intercepts: weights, activation, and the
# standard deviations and means by layer as printed in the course that made the
# experiment known, from one draw of the numbers.
EXPERIMENT = [
    ("normal", 0.01, "tanh", [0.49, 0.29, 0.18, 0.11, 0.07, 0.05], [0] * 6),
    ("normal", 0.05, "tanh", [0.87, 0.85, 0.85, 0.85, 0.85, 0.85], [0] * 6),
    ("xavier", None, "tanh", [0.63, 0.49, 0.41, 0.36, 0.32, 0.29], [0] * 6),
    (
        "xavier",
        None,
        "relu",
        [0.58, 0.41, 0.30, 0.20, 0.14, 0.10],
        [0.40, 0.28, 0.19, 0.14, 0.10, 0.07],
    ),
    (
        "he_normal",
        None,
        "relu",
        [0.83, 0.83, 0.83, 0.83, 0.80, 0.80],
        [0.56, 0.56, 0.56, 0.56, 0.55, 0.55],
    ),
]


@pytest.mark.slow
@pytest.mark.parametrize("weight_init, scale, activation, stds, means", EXPERIMENT)
def test_the_published_experiment_on_first_weights(
    weight_init, scale, activation, stds, means
):
    """The bounds are the noise of a draw: 0.01 where the activation holds the signal;
    without, 16 rows' length wanders by some percent over six layers."""
    X = np.random.RandomState(0).standard_normal((16, 4096)).astype(np.float32)
    network = MLPRegressor(
        hidden_layer_sizes=(4096,) * 6,
        activation=activation,
        weight_init=weight_init,
        random_state=0,
    )
    if scale is not None:
        network.set_params(init_scale=scale)
    got = activation_statistics(network, X)
    atol = 0.01 if activation == "tanh" else 0.03
    assert_allclose(got.std, stds, atol=atol)
    assert_allclose(got.mean, means, atol=atol)
    assert got.counts.sum(axis=1).tolist() == [16 * 4096] * 6
    if scale == 0.05:  # mostly at -1 and 1: the outer bins are the fullest
        assert (got.saturated > 0.3).all()
        assert set(got.counts.argmax(axis=1)) <= {0, 49}
        assert (got.counts[:, [0, 1, -2, -1]].sum(axis=1) > 0.4 * 16 * 4096).all()
    elif activation == "tanh":
        assert (got.saturated < 0.02).all()
    else:
        assert_allclose(got.zeros, 0.5, atol=0.02)


def expected(X, coefs, intercepts, activations, n_bins):
    """The definitions, in float64."""
    a = np.asarray(X, dtype=np.float64)
    rows = []
    for w, b, g in zip(coefs[:-1], intercepts[:-1], activations, strict=True):
        a = FUNCTIONS[g](a @ w.astype(np.float64) + b)
        ends = {"tanh": (-1, 1), "logistic": (0, 1)}.get(g, (a.min(), a.max()))
        saturated = {
            "tanh": np.mean(abs(a) > 0.99),
            "logistic": np.mean((a > 0.995) | (a < 0.005)),
        }.get(g, 0.0)
        counts, edges = np.histogram(a, np.linspace(*ends, n_bins + 1))
        dead = np.mean([not column.any() for column in a.T])
        moments = a.shape[1], a.mean(), a.std()
        zeros = 1 - np.mean(a != 0)
        rows.append((*moments, saturated, zeros, dead, counts, edges))
    return dict(zip(FIELDS, map(np.array, zip(*rows, strict=True)), strict=True))


def assert_equal_statistics(got, wanted, rtol=1e-10):
    for name in FIELDS:
        atol = 2 if name == "counts" else 1e-13
        assert_allclose(
            getattr(got, name), wanted[name], rtol=rtol, atol=atol, err_msg=name
        )


@pytest.fixture(scope="module")
def data():
    rng = np.random.RandomState(0)
    X = rng.standard_normal((90, 8)) * (rng.uniform(size=(90, 8)) < 0.6) * 3
    return X, rng.randint(0, 3, 90)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("make", [np.array, csr_matrix, csc_matrix, np.asfortranarray])
@pytest.mark.parametrize("activation", FUNCTIONS)
def test_statistics_of_a_fitted_network_are_those_of_its_weights(
    activation, make, dtype, data
):
    X, y = data
    clf = MLPClassifier((30, 20), activation, max_iter=9, dtype=dtype, random_state=0)
    clf.set_params(n_iter_no_change=np.inf, learning_rate_init=0.02)
    with pytest.warns(Warning, match="Maximum iterations"):
        clf.fit(make(X), y)
    before = dict(vars(clf))
    got = activation_statistics(clf, make(X), n_bins=11)
    wanted = expected(X, clf.coefs_, clf.intercepts_, [activation] * 2, 11)
    assert_equal_statistics(got, wanted, 1e-4 if dtype == "float32" else 1e-10)
    assert vars(clf) == before
    assert got.activations == [activation] * 2
    assert got.counts.shape == (2, 11) and got.edges.shape == (2, 12)


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("batch_norm", [False, "pre", "post"])
@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_a_fresh_network_is_the_one_that_fit_would_begin_with(
    activation, batch_norm, sparse, data
):
    """One step of no length trains nothing, and takes X as the running statistics."""
    X, y = csr_matrix(data[0]) if sparse else data[0], data[1]
    clf = MLPClassifier(
        (30, 20, 10),
        activation,
        batch_norm=batch_norm,
        batch_size="full",
        learning_rate_init=1e-300,
        random_state=3,
    )
    fresh = activation_statistics(clf, X)
    assert not hasattr(clf, "coefs_")
    fitted = activation_statistics(clf.partial_fit(X, y, classes=[0, 1, 2]), X)
    assert_equal_statistics(fresh, vars(fitted), 1e-9)
    if batch_norm == "pre":
        wanted = {"tanh": (0, 0.63), "relu": (0.40, 0.58)}[activation]
        assert_allclose(fresh.mean, wanted[0], atol=0.03)
        assert_allclose(fresh.std, wanted[1], atol=0.06)


@pytest.mark.parametrize("weight_init", WEIGHT_INITS)
def test_every_weight_init_is_the_one_that_fit_would_use(weight_init, data):
    reg = MLPRegressor(hidden_layer_sizes=(30, 20), activation=["logistic", "tanh"])
    reg.set_params(weight_init=weight_init, init_scale=0.3, random_state=0)
    fresh = activation_statistics(reg.set_params(learning_rate_init=1e-300), data[0])
    fitted = activation_statistics(reg.partial_fit(*data), data[0])
    assert_equal_statistics(fresh, vars(fitted), 1e-9)


def test_a_fresh_network_leaves_estimator_and_random_state_alone(data):
    for seed in (np.random.RandomState(0), 0):
        reg = MLPRegressor(hidden_layer_sizes=(7,), random_state=seed)
        before = dict(vars(reg))
        first, second = (activation_statistics(reg, data[0]) for _ in range(2))
        assert vars(reg) == before
        assert_equal_statistics(first, vars(second), 0)
    assert seed == 0
    wanted = np.random.RandomState(0)
    untouched = np.random.RandomState(0)
    activation_statistics(MLPRegressor(random_state=untouched), data[0])
    assert untouched.uniform() == wanted.uniform()


def test_dtype_follows_X_and_the_parameter(data):
    """A signal of 1e-30, squared, is beyond float32 and not beyond float64."""
    X = np.full((2, 1), 1e-30)
    options = dict(hidden_layer_sizes=(4, 4), activation="identity", random_state=0)
    options |= dict(weight_init="normal", init_scale=1e-10)
    double = activation_statistics(MLPRegressor(**options), X)
    assert (double.zeros == 0).all()
    for network, rows in (
        (MLPRegressor(**options), X.astype(np.float32)),
        (MLPRegressor(**options, dtype="float32"), X),
    ):
        assert activation_statistics(network, rows).zeros[1] == 1


def test_dead_units_and_saturation_are_what_they_are_said_to_be(data):
    X, y = np.abs(data[0]), data[1]
    reg = MLPRegressor(hidden_layer_sizes=(4,), max_iter=1, random_state=0)
    with pytest.warns(Warning, match="Maximum iterations"):
        reg.fit(X, y)
    reg.coefs_[0][:] = np.array([-1.0, 1.0, 1.0, -1.0])
    reg.intercepts_[0][:] = [-1e-3, 1e-3, 1e-3, 100.0]
    got = activation_statistics(reg, X)
    assert got.dead == 0.25 and got.zeros == 0.25
    reg.set_params(activation="tanh")
    got = activation_statistics(reg, X)
    z = X.sum(axis=1)
    assert got.dead == got.zeros == 0
    shares = [np.mean(np.tanh(z + 1e-3) > 0.99)] * 3
    shares.append(np.mean(np.abs(np.tanh(100 - z)) > 0.99))
    assert_allclose(got.saturated, np.mean(shares), atol=1e-12)


def test_statistics_print_as_a_table(data):
    network = MLPRegressor(hidden_layer_sizes=(30, 5), random_state=0)
    lines = str(activation_statistics(network, data[0])).split("\n")
    assert [line.split()[:3] for line in lines] == [
        ["layer", "activation", "units"],
        ["1", "relu", "30"],
        ["2", "relu", "5"],
    ]
    assert len({len(line) for line in lines}) == 1


def test_every_layer_has_its_own_activation(data):
    network = MLPRegressor(hidden_layer_sizes=(30, 5), random_state=0)
    network.set_params(activation=["tanh", "relu"])
    got = activation_statistics(network, data[0])
    assert got.activations == ["tanh", "relu"]
    assert got.edges[0].min() == -1 and got.edges[1].min() == 0


@pytest.mark.parametrize(
    "parameters, message",
    [
        (dict(activation=["relu"]), r"`activation` .* 2 hidden layers, got \['relu'\]"),
        (dict(activation=["relu", "rely"]), r"`activation` must .* \['relu', 'rely'\]"),
        (dict(hidden_layer_sizes=()), "`hidden_layer_sizes` must have at least one"),
        (dict(weight_init="he"), "The 'weight_init' parameter .* Got 'he'"),
        (dict(init_scale=-1.0), "The 'init_scale' parameter .* Got -1.0"),
        (
            dict(weight_init="normal", init_scale=1e200),
            "hidden layer 1 overflow in float64: `init_scale`",
        ),
    ],
)
def test_wrong_parameters_are_refused(parameters, message, data):
    network = MLPRegressor(hidden_layer_sizes=(3, 3)).set_params(**parameters)
    with np.errstate(all="raise"), pytest.raises(ValueError, match=message):
        activation_statistics(network, data[0])


def test_batch_norm_wants_two_rows(data):
    with pytest.raises(ValueError, match=r"needs at least 2 rows .* n_samples=1"):
        activation_statistics(MLPRegressor(batch_norm=True), data[0][:1])


@pytest.mark.parametrize("n_bins", [0, -1, 2.0, "auto", None])
def test_n_bins_is_a_positive_integer(n_bins, data):
    with pytest.raises(ValueError, match=f"`n_bins` must be .*, got {n_bins!r}"):
        activation_statistics(MLPRegressor(), data[0], n_bins)


@pytest.mark.parametrize(
    "X, message",
    [
        (np.zeros(4), "Expected 2D array"),
        (np.full((3, 8), np.nan), "contains NaN"),
        (np.zeros((0, 8)), "0 sample"),
        ([["a"] * 8], "could not convert|dtype"),
    ],
)
@pytest.mark.parametrize("fitted", [False, True])
def test_wrong_X_is_refused(fitted, X, message, data):
    network = MLPRegressor(hidden_layer_sizes=(3,), random_state=0)
    if fitted:
        network.partial_fit(*data)
    with pytest.raises(ValueError, match=message):
        activation_statistics(network, X)
    if fitted:
        with pytest.raises(ValueError, match="expecting 8 features"):
            activation_statistics(network, np.zeros((3, 7)))


@pytest.mark.parametrize(
    "estimator",
    [
        LogisticRegression(),
        make_pipeline(StandardScaler(), MLPRegressor()),
        MLPRegressor,
        None,
    ],
    ids=["LogisticRegression", "Pipeline", "class", "None"],
)
def test_other_estimators_are_refused(estimator, data):
    message = "`estimator` must be a caviar MLPClassifier or MLPRegressor, got"
    with pytest.raises(TypeError, match=message):
        activation_statistics(estimator, data[0])


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
def test_examples_of_the_documentation_run():
    for module in (_activations, diagnostics):
        result = doctest.testmod(module)
        assert result.attempted > 5 and result.failed == 0
