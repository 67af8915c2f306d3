"""First weights: scikit-learn's draws, the moments of the others, and PyTorch's."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats
from sklearn.neural_network import MLPClassifier as SklearnMLPClassifier

from caviar._initializers import WEIGHT_INITS, initialize
from caviar._layout import make_plan

UNITS = (300, 200, 400, 10)
NORMAL = {  # standard deviation of fan_in, fan_out
    "normal": lambda fan_in, fan_out: 0.03,
    "glorot_normal": lambda fan_in, fan_out: (2 / (fan_in + fan_out)) ** 0.5,
    "xavier": lambda fan_in, fan_out: fan_in**-0.5,
    "lecun_normal": lambda fan_in, fan_out: fan_in**-0.5,
    "he_normal": lambda fan_in, fan_out: (2 / fan_in) ** 0.5,
}
UNIFORM = {  # bound of fan_in, fan_out
    "sklearn": lambda fan_in, fan_out: (6 / (fan_in + fan_out)) ** 0.5,
    "glorot_uniform": lambda fan_in, fan_out: (6 / (fan_in + fan_out)) ** 0.5,
    "he_uniform": lambda fan_in, fan_out: (6 / fan_in) ** 0.5,
}


def draw(weight_init, units=UNITS, seed=0, activation="relu", dtype=np.float64, **more):
    """Weights and intercepts of each layer."""
    plan = make_plan(units, more.pop("batch_norm", False))
    rng = np.random.RandomState(seed)
    params, _ = initialize(plan, activation, rng, dtype, weight_init, **more)
    return plan.coefs(params), plan.intercepts(params)


def test_all_names_are_tested_here():
    assert {*NORMAL, *UNIFORM, "orthogonal"} == set(WEIGHT_INITS)


@pytest.mark.parametrize("weight_init", NORMAL)
def test_normal_weights_have_their_distribution(weight_init):
    for w in draw(weight_init, init_scale=0.03)[0]:
        std = NORMAL[weight_init](*w.shape)
        assert abs(w.mean()) < 4 * std / w.size**0.5
        assert_allclose(w.std(), std, rtol=4 / (2 * w.size) ** 0.5)
        # One in two thousand values lies beyond 3.5 of them: nothing is cut off.
        assert np.abs(w).max() > 3.2 * std
        assert stats.kstest(w.ravel() / std, "norm").pvalue > 1e-3


@pytest.mark.parametrize("weight_init", UNIFORM)
def test_uniform_weights_have_their_bounds(weight_init):
    for w in draw(weight_init)[0]:
        bound = UNIFORM[weight_init](*w.shape)
        assert abs(w.mean()) < 4 * bound / (3 * w.size) ** 0.5
        assert_allclose(w.std(), bound / 3**0.5, rtol=4 / (5 * w.size) ** 0.5)
        assert 0.995 * bound < np.abs(w).max() <= bound
        assert stats.kstest(w.ravel() / bound, "uniform", (-1, 2)).pvalue > 1e-3


@pytest.mark.parametrize("weight_init", sorted({*NORMAL, *UNIFORM} - {"normal"}))
def test_variances_preserve_what_they_were_derived_to_preserve(weight_init):
    """Of z = a W with a of mean square 1: 1, with relu's factor 2, or between the fans."""
    (w, *_), _ = draw(weight_init, units=(500, 500, 1))
    a = np.random.RandomState(1).standard_normal((50, 500))
    wanted = 2.0 if weight_init.startswith("he") else 1.0
    assert_allclose(np.mean((a @ w) ** 2), wanted, rtol=0.05)


@pytest.mark.parametrize("shape", [(64, 64), (100, 40), (40, 100), (1, 5), (5, 1)])
def test_orthogonal_weights_are_orthonormal_in_the_smaller_dimension(shape):
    (w, *_), _ = draw("orthogonal", units=(*shape, 1))
    assert w.shape == shape
    gram = w.T @ w if shape[0] >= shape[1] else w @ w.T
    assert_allclose(gram, np.eye(min(shape)), atol=1e-13)


def test_orthogonal_weights_are_uniform_among_rotations_and_reflections():
    """Every entry and the trace have mean 0, and the trace the variance 1 of Haar's
    measure; LAPACK's signs alone would give a mean trace far below 0."""
    rng = np.random.RandomState(0)
    plan = make_plan((6, 6, 1), False)
    draws = [
        plan.coefs(initialize(plan, "relu", rng, np.float64, "orthogonal")[0])[0]
        for _ in range(2000)
    ]
    traces = np.trace(draws, axis1=1, axis2=2)
    assert abs(traces.mean()) < 4 / 2000**0.5
    assert_allclose(traces.var(), 1, rtol=0.15)
    assert_allclose(np.mean(draws, axis=0), 0, atol=4.5 / (6 * 2000) ** 0.5)
    determinants = np.linalg.det(draws)
    assert_allclose(np.abs(determinants), 1, rtol=1e-12)
    assert 0.4 < np.mean(determinants > 0) < 0.6


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
def test_sklearns_draws_are_scikit_learns(activation):
    X, y = np.zeros((4, 7)), [0, 1, 2, 0]
    theirs = SklearnMLPClassifier(
        (5, 6), activation, learning_rate_init=1e-300, random_state=3
    )
    theirs.partial_fit(X, y, classes=[0, 1, 2])
    coefs, intercepts = draw("sklearn", (7, 5, 6, 3), 3, activation)
    for ours, wanted in ((coefs, theirs.coefs_), (intercepts, theirs.intercepts_)):
        for a, b in zip(ours, wanted, strict=True):
            assert_array_equal(a, b)


def test_sklearns_bounds_follow_the_activation_of_each_layer():
    """2 for logistic, else 6; the output layer goes with the last hidden one."""
    units = (50, 60, 70, 80)
    for activations in (["logistic", "relu"], ["tanh", "logistic"]):
        factors = [2 if g == "logistic" else 6 for g in activations]
        for layer, b in zip(*draw("sklearn", units, 0, activations), strict=True):
            factor = [*factors, factors[-1]][units.index(layer.shape[0])]
            bound = (factor / sum(layer.shape)) ** 0.5
            assert 0.99 * bound < np.abs(layer).max() <= bound
            assert 0 < np.abs(b).max() <= bound
    same = [draw("sklearn", units, 0, g)[0][2] for g in ("logistic", ["logistic"] * 2)]
    assert_array_equal(*same)


def test_a_network_without_hidden_layers_is_drawn_too():
    assert_array_equal(
        draw("sklearn", (9, 4), 0, [])[0][0], draw("sklearn", (9, 4), 0, "relu")[0][0]
    )
    assert draw("he_normal", (9, 4), 0, [])[0][0].std() > 0


@pytest.mark.parametrize("weight_init", sorted({*WEIGHT_INITS} - {"sklearn"}))
def test_intercepts_start_at_zero_and_take_no_draws(weight_init):
    coefs, intercepts = draw(weight_init)
    assert all(not np.any(b) for b in intercepts)
    (alone,), _ = draw(weight_init, UNITS[:2])
    assert_array_equal(coefs[0], alone)
    numbers = [np.random.RandomState(0), np.random.RandomState(0)]
    plan = make_plan(UNITS, False)
    initialize(plan, "relu", numbers[0], np.float64, weight_init)
    for w in coefs:
        if weight_init in UNIFORM:
            numbers[1].uniform(size=w.size)
        else:
            numbers[1].normal(size=w.size)
    assert numbers[0].uniform() == numbers[1].uniform()


@pytest.mark.parametrize("batch_norm", ["pre", "post"])
@pytest.mark.parametrize("weight_init", WEIGHT_INITS)
def test_batch_norm_starts_as_the_identity_and_leaves_the_weights(
    weight_init, batch_norm
):
    plan = make_plan((7, 5, 6, 3), batch_norm)
    params, running = initialize(
        plan, "tanh", np.random.RandomState(0), np.float64, weight_init
    )
    for w, plain in zip(
        plan.coefs(params), draw(weight_init, (7, 5, 6, 3))[0], strict=True
    ):
        assert_array_equal(w, plain)
    for gamma, beta in zip(plan.gammas(params), plan.betas(params), strict=True):
        assert np.all(gamma == 1) and np.all(beta == 0)
    means, variances = plan.moments(running)
    assert not np.any(np.concatenate(means)) and np.all(np.concatenate(variances) == 1)


@pytest.mark.parametrize("weight_init", WEIGHT_INITS)
def test_float32_weights_are_the_rounded_float64_ones(weight_init):
    doubles, floats = draw(weight_init), draw(weight_init, dtype=np.float32)
    for a, b in zip([*doubles[0], *doubles[1]], [*floats[0], *floats[1]], strict=True):
        assert b.dtype == np.float32
        assert_array_equal(a.astype(np.float32), b)


TORCH = {
    "glorot_uniform": "xavier_uniform_",
    "glorot_normal": "xavier_normal_",
    "he_uniform": "kaiming_uniform_",
    "he_normal": "kaiming_normal_",
    "xavier": "kaiming_normal_",
    "lecun_normal": "kaiming_normal_",
    "orthogonal": "orthogonal_",
}


@pytest.mark.parametrize("weight_init", TORCH)
def test_weights_come_from_torchs_distribution(weight_init):
    """Two samples of the same distribution, after Kolmogorov and Smirnov."""
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    options = {}
    if "kaiming" in TORCH[weight_init]:
        options["nonlinearity"] = "relu" if weight_init.startswith("he") else "linear"
    for w in draw(weight_init)[0]:
        # torch.nn.Linear has its weights the other way round.
        theirs = torch.empty(*w.T.shape, dtype=torch.float64)
        getattr(torch.nn.init, TORCH[weight_init])(theirs, **options)
        assert stats.ks_2samp(w.ravel(), theirs.numpy().ravel()).pvalue > 1e-3
        assert_allclose(w.std(), theirs.std(), rtol=4 / (w.size) ** 0.5)
