"""The steps 1 to 3 on cases made to fail, each for one reason, and on healthy ones."""

import json

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_matrix
from scipy.special import log_softmax
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_iris,
    load_wine,
)
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from caviar import MLPClassifier, MLPRegressor
from caviar.diagnostics import (
    check_initial_loss,
    learning_rate_range_test,
    overfit_small_sample,
)

pytestmark = pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
LOADERS = {
    "digits": load_digits,
    "cancer": load_breast_cancer,
    "iris": load_iris,
    "wine": load_wine,
}
HEALTHY = {
    "relu": {},
    "tanh": {"activation": "tanh"},
    "logistic": {"activation": "logistic", "learning_rate_init": 0.01},
    "selu": {"activation": "selu", "weight_init": "lecun_normal"},
    "deep": {"hidden_layer_sizes": (64, 32, 32), "weight_init": "he_normal"},
    "batch_norm": {"batch_norm": True},
    "dropout": {"dropout": 0.3, "input_dropout": 0.1},
    "float32": {"dtype": "float32"},
    "sgd": {"solver": "sgd", "learning_rate_init": 0.1},
}


def data(name):
    X, y = LOADERS[name](return_X_y=True)
    return X, y


def scaled(name):
    X, y = data(name)
    return StandardScaler().fit_transform(X), y


def regression():
    X, y = load_diabetes(return_X_y=True)
    return StandardScaler().fit_transform(X), (y - y.mean()) / y.std()


# Step 1: the first loss


@pytest.mark.parametrize("name", LOADERS)
def test_log_k_is_expected_of_k_classes(name):
    X, y = scaled(name)
    found = check_initial_loss(MLPClassifier(random_state=0), X, y)
    n_classes = len(np.unique(y))
    assert_allclose(found.expected, np.log(n_classes), rtol=1e-12)
    assert found.formula == f"log {n_classes}"


def test_the_loss_is_that_of_the_first_weights_in_plain_numpy():
    X, y = scaled("digits")
    X, y = X[:500], y[:500]
    network = MLPClassifier((20,), alpha=10.0, dropout=0.5, random_state=7)
    found = check_initial_loss(network, X, y)
    # A rate of almost nothing leaves the weights as they were.
    start = clone(network).set_params(learning_rate_init=1e-300, max_iter=1).fit(X, y)
    (w1, w2), (b1, b2) = start.coefs_, start.intercepts_
    log_p = log_softmax(np.maximum(X @ w1 + b1, 0) @ w2 + b2, axis=1)
    assert_allclose(found.losses[0], -log_p[np.arange(len(y)), y].mean(), rtol=1e-10)
    assert found.loss == np.median(found.losses)


def test_the_constant_loss_is_that_of_class_frequencies():
    X, y = scaled("wine")
    found = check_initial_loss(MLPClassifier(random_state=0), X, y)
    guess = DummyClassifier(strategy="prior").fit(X, y).predict_proba(X)
    assert_allclose(found.constant, log_loss(y, guess), rtol=1e-6)


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "quantile"])
def test_the_constant_loss_of_a_regression_is_that_of_its_mean_median_or_quantile(loss):
    X, y = regression()
    network = MLPRegressor(loss=loss, quantile=0.8, random_state=0)
    found = check_initial_loss(network, X, y)
    best = {
        "squared_error": np.mean((y - y.mean()) ** 2) / 2,
        "absolute_error": np.mean(np.abs(y - np.median(y))),
        "quantile": np.mean(
            np.maximum(0.8 * (y - np.quantile(y, 0.8)), 0.2 * (np.quantile(y, 0.8) - y))
        ),
    }[loss]
    assert_allclose(found.constant, best, rtol=2e-3)
    zero = {
        "squared_error": np.mean(y**2) / 2,
        "absolute_error": np.mean(np.abs(y)),
        "quantile": np.mean(np.maximum(0.8 * y, -0.2 * y)),
    }[loss]
    assert_allclose(found.expected, zero, rtol=1e-12)


def test_labels_two_classes_smoothing_focal_and_hinge_have_their_own_first_loss():
    X, y = scaled("digits")
    labels = np.stack([y % 2, y > 4, y == 3], axis=1).astype(int)
    found = check_initial_loss(MLPClassifier(random_state=0), X, labels)
    assert_allclose(found.expected, 3 * np.log(2))
    assert found.ok and found.formula == "3 log 2"
    smooth = check_initial_loss(MLPClassifier(label_smoothing=0.2), X, y)
    assert_allclose(smooth.expected, np.log(10))
    focal = check_initial_loss(MLPClassifier(loss="focal", focal_gamma=2.0), X, y)
    assert_allclose(focal.expected, 0.9**2 * np.log(10))
    assert focal.ok
    hinge = check_initial_loss(MLPClassifier(loss="hinge"), X, y % 2)
    assert_allclose(hinge.expected, 1.0)
    assert hinge.ok


def test_class_imbalance_does_not_move_the_expected_loss():
    X, _ = scaled("cancer")
    y = (np.arange(len(X)) % 20 == 0).astype(int)
    found = check_initial_loss(MLPClassifier(random_state=0), X, y)
    assert found.ok
    assert_allclose(found.expected, np.log(2))
    p = y.mean()
    assert_allclose(found.constant, -p * np.log(p) - (1 - p) * np.log(1 - p), rtol=1e-5)


@pytest.mark.parametrize("name", ["cancer", "wine", "digits"])
def test_unscaled_inputs_are_found_and_named(name):
    found = check_initial_loss(MLPClassifier(random_state=0), *data(name))
    assert found.status == "problem" and "too high" in found.title
    assert "inputs are too large" in found.explanation
    assert "StandardScaler()" in found.advice[0]
    assert len(found.advice) == 1


def test_first_weights_that_are_too_large_are_told_from_inputs_that_are():
    network = MLPClassifier(weight_init="normal", init_scale=1.0, random_state=0)
    found = check_initial_loss(network, *scaled("digits"))
    assert found.status == "problem"
    assert "first weights are too large" in found.explanation
    assert "weight_init=" in found.advice[0] and "init_scale=1.0" in found.advice[0]
    both = check_initial_loss(network, *data("cancer"))
    assert both.status == "problem" and len(both.advice) == 2


@pytest.mark.parametrize("size", [1e8, 1e300])
def test_huge_inputs_are_a_finding_and_no_overflow(size):
    X, y = scaled("digits")
    found = check_initial_loss(MLPClassifier(random_state=0), size * X, y)
    assert found.status == "problem" and "inputs" in found.explanation


def test_unscaled_targets_are_found():
    X, y = regression()
    network = MLPRegressor(random_state=0)
    for target in (150 + 77 * y, 1000 * y, 1e-4 * y):
        found = check_initial_loss(network, X, target)
        assert found.status == "problem" and "targets are too" in found.title
        assert "TransformedTargetRegressor(" in found.advice[0]
        assert_allclose(found.numbers["target_std"], target.std())
    assert check_initial_loss(network, X, y + 1).ok
    wrapped = TransformedTargetRegressor(network, transformer=StandardScaler())
    assert check_initial_loss(wrapped, X, 150 + 77 * y).ok


@pytest.mark.parametrize("kind", HEALTHY)
@pytest.mark.parametrize("name", LOADERS)
def test_healthy_networks_have_the_right_first_loss(name, kind):
    for seed in range(3):
        network = MLPClassifier(**HEALTHY[kind], random_state=seed)
        assert check_initial_loss(network, *scaled(name), random_state=seed).ok


@pytest.mark.parametrize("kind", ["relu", "tanh", "batch_norm", "dropout"])
def test_healthy_regressions_have_the_right_first_loss(kind):
    for seed in range(3):
        network = MLPRegressor(**HEALTHY[kind], random_state=seed)
        found = check_initial_loss(network, *regression(), random_state=seed)
        assert found.ok, found


def test_sparse_rows_and_weights_are_taken():
    X, y = scaled("digits")
    X[np.abs(X) < 0.5] = 0
    network = MLPClassifier((20,), random_state=0)
    dense = check_initial_loss(network, X, y)
    assert_allclose(check_initial_loss(network, csr_matrix(X), y).loss, dense.loss)
    weights = np.where(y < 3, 1.0, 0.0)
    weighted = check_initial_loss(network, X, y, weights)
    p = np.bincount(y[y < 3]) / np.sum(y < 3)
    assert_allclose(weighted.constant, -(p * np.log(p)).sum(), rtol=1e-3)


# Step 2: a small sample


@pytest.mark.parametrize("kind", HEALTHY)
@pytest.mark.parametrize("name", LOADERS)
def test_healthy_networks_learn_fifty_rows_by_heart(name, kind):
    X, y = scaled(name)
    rate = 0.01 if name == "iris" else 0.001  # of 50 rows an epoch is one step
    params = {"learning_rate_init": rate, **HEALTHY[kind]}
    network = MLPClassifier(**params, random_state=0)
    found = overfit_small_sample(network, X, y)
    assert found.ok and found.score == 1.0, found
    assert found.n_samples == 50


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_a_regression_is_learnt_by_heart_too(solver):
    network = MLPRegressor(solver=solver, learning_rate_init=0.003, random_state=0)
    found = overfit_small_sample(network, *regression())
    assert found.ok and found.score >= 0.99 == found.target


def test_regularization_of_the_estimator_does_not_count():
    X, y = scaled("digits")
    network = MLPClassifier(alpha=1000.0, dropout=0.9, early_stopping=True)
    assert overfit_small_sample(network, X, y).ok


FAILING = {
    "one unit": (
        {"hidden_layer_sizes": (1,)},
        "too small",
        "hidden_layer_sizes=(256,)",
    ),
    "two units": (
        {"hidden_layer_sizes": (2,)},
        "network is too small",
        "hidden_layer_sizes=(256,)",
    ),
    "small rate": (
        {"learning_rate_init": 1e-6},
        "rate is far too small",
        "learning_rate_init=0.0001 (now 1e-6)",
    ),
    "small rate of sgd": (
        {"solver": "sgd", "learning_rate_init": 1e-5},
        "rate is far too small",
        "learning_rate_init=0.001 (now 1e-5)",
    ),
    "large rate of sgd": (
        {"solver": "sgd", "learning_rate_init": 30.0},
        "rate is far too large",
        "learning_rate_init=0.3 (now 30)",
    ),
    "deep": (
        {"hidden_layer_sizes": (30,) * 8, "activation": "logistic"},
        "signal does not get through",
        "batch_norm=True",
    ),
}


@pytest.mark.parametrize("case", FAILING)
def test_what_keeps_a_network_from_learning_is_found_by_trying(case):
    params, reason, advice = FAILING[case]
    X, y = scaled("digits")
    network = MLPClassifier(**params, random_state=0)
    found = overfit_small_sample(network, X, y)
    assert found.status == "problem" and "could not be learnt" in found.title
    assert reason in found.explanation, found
    assert advice in found.advice[0]
    assert max(found.tried.values()) == 1.0


def test_dead_units_are_named():
    X, y = scaled("digits")
    found = overfit_small_sample(MLPClassifier((20,), random_state=0), X - 1000, y)
    assert found.status == "problem"
    assert "not scaled" in found.explanation
    assert "relu units are dead" in found.explanation


def test_inputs_that_saturate_make_it_hard_work():
    X, y = data("cancer")
    network = MLPClassifier(activation="tanh", random_state=0)
    found = overfit_small_sample(network, X, y)
    assert not found.ok
    assert "StandardScaler()" in found.advice[0]


def test_unscaled_targets_cannot_be_learnt_in_time():
    X, y = regression()
    found = overfit_small_sample(
        MLPRegressor(hidden_layer_sizes=(30,), random_state=0), X, 1000 * y
    )
    assert found.status == "problem" and "targets" in found.explanation
    assert "TransformedTargetRegressor" in found.advice[0]


def test_rows_that_contradict_each_other_bound_what_is_possible():
    rng = np.random.RandomState(0)
    X = rng.randint(0, 3, size=(50, 1)).astype(float)
    y = rng.randint(0, 2, size=50)
    counts = [np.bincount(y[X[:, 0] == v]).max() for v in range(3)]
    found = overfit_small_sample(
        MLPClassifier(learning_rate_init=0.01, random_state=0), X, y
    )
    assert found.target == sum(counts) / 50
    assert found.status == "warning" and "same inputs" in found.explanation


def test_every_class_is_in_the_sample_and_few_rows_are_all_taken():
    X, y = scaled("digits")
    rare = np.where(np.arange(len(y)) == 1000, 99, y)
    network = MLPClassifier((30,), learning_rate_init=0.01, random_state=0)
    found = overfit_small_sample(network, X, rare, n_samples=20)
    assert found.ok and found.n_samples == 20
    assert overfit_small_sample(network, X[:15], y[:15]).n_samples == 15


# Step 3: the range test

RATES = {
    ("digits", "adam"): (0.003, 0.03),
    ("digits", "sgd"): (0.03, 0.3),
    ("cancer", "adam"): (0.01, 0.1),
    ("cancer", "sgd"): (0.1, 1.0),
}


def trained(network, X, y, rate):
    """The loss after 20 epochs; inf where training diverges."""
    network = clone(network).set_params(
        learning_rate_init=rate, max_iter=20, n_iter_no_change=100
    )
    try:
        loss = network.fit(X, y).loss_
    except ValueError:
        return np.inf
    return loss if np.isfinite(loss) else np.inf


@pytest.mark.slow
@pytest.mark.parametrize("name, solver", RATES)
@pytest.mark.filterwarnings("ignore:overflow")
def test_the_suggestion_trains_better_than_ten_times_less_and_ten_times_more(
    name, solver
):
    X, y = scaled(name)
    losses = []
    for seed in range(3):
        network = MLPClassifier(solver=solver, random_state=seed)
        rate = learning_rate_range_test(network, X, y, random_state=seed).suggestion
        low, high = RATES[name, solver]
        assert low <= rate <= high
        losses.append(
            [trained(network, X, y, factor * rate) for factor in (0.1, 1, 10)]
        )
    smaller, suggested, larger = np.median(losses, axis=0)
    assert suggested < smaller / 2 and suggested < larger / 2


def test_the_suggestion_is_ready_for_set_params_and_the_estimator_unchanged():
    X, y = scaled("digits")
    network = MLPClassifier((30,), random_state=0)
    before = repr(network.get_params())
    found = learning_rate_range_test(network, X, y)
    assert repr(network.get_params()) == before and not hasattr(network, "coefs_")
    network.set_params(learning_rate_init=found.suggestion, max_iter=30).fit(X, y)
    assert network.score(X, y) > 0.99


def test_the_sweep_is_as_smith_describes_it():
    X, y = scaled("digits")
    found = learning_rate_range_test(
        MLPClassifier(solver="sgd"), X, y, n_points=60, high=1000
    )
    ratios = found.rates[1:] / found.rates[:-1]
    assert_allclose(ratios, ratios[0])  # exponential
    assert found.rates[0] == 1e-6
    assert len(found.rates) == len(found.losses) == len(found.smoothed)
    assert found.low < found.suggestion < found.high < found.diverged_at < 1000
    # Bias-corrected exponentially weighted averages, as a sum over all that came before.
    weights = 0.9 ** np.arange(len(found.losses))[::-1]
    last = np.average(found.losses, weights=weights)
    assert_allclose(found.smoothed[-1], last)


def test_the_four_decades_are_answered():
    X, y = scaled("digits")
    network = MLPClassifier(solver="sgd", random_state=0)
    found = learning_rate_range_test(network, X, y)
    assert found.falls == {0.1: True, 0.01: True, 0.001: True, 0.0001: False}
    for rate, falls in found.falls.items():
        assert falls == (found.trials[rate] <= 0.9 * found.start)


@pytest.mark.parametrize(
    "params, words",
    [
        ({"learning_rate_init": 1e-6}, "is too small"),
        ({"learning_rate_init": 10.0}, "is too large"),
        ({"solver": "sgd", "learning_rate_init": 1e-5}, "is too small"),
        ({"solver": "sgd", "learning_rate_init": 10.0}, "is too large"),
    ],
)
def test_a_rate_that_is_off_is_called_so_and_a_better_one_named(params, words):
    found = learning_rate_range_test(
        MLPClassifier(**params, random_state=0), *scaled("digits")
    )
    assert not found.ok and words in found.title
    assert (
        f"now {params['learning_rate_init']:g}".replace("e-0", "e-") in found.advice[0]
    )


@pytest.mark.parametrize("kind", HEALTHY)
@pytest.mark.parametrize("name", ["digits", "cancer"])
def test_rates_that_work_are_left_in_peace(name, kind):
    network = MLPClassifier(**HEALTHY[kind], random_state=0)
    found = learning_rate_range_test(network, *scaled(name))
    assert found.ok, found


def test_where_there_is_nothing_to_learn_from_no_rate_is_suggested():
    y = np.arange(100) % 2
    found = learning_rate_range_test(MLPClassifier(), np.ones((100, 3)), y)
    assert found.status == "problem" and found.suggestion is None
    assert not any(found.falls.values())
    assert np.isnan(found.low)


@pytest.mark.parametrize("solver", ["rmsprop", "adagrad", "adamw", "nadam"])
def test_every_stochastic_solver_has_a_range(solver):
    network = MLPClassifier((30,), solver=solver, random_state=0)
    found = learning_rate_range_test(network, *scaled("digits"))
    assert 1e-4 < found.suggestion < 10


def test_lbfgs_has_no_rate_to_test():
    with pytest.raises(ValueError, match="must be a stochastic one, got 'lbfgs'"):
        learning_rate_range_test(MLPClassifier(solver="lbfgs"), *scaled("iris"))


AROUND = {
    "schedule": {"learning_rate": "cosine"},
    "early stopping": {"early_stopping": True},
    "balanced": {"class_weight": "balanced"},
    "averages": {"average_weights": "ema"},
    "full batch": {"batch_size": "full"},
    "batches of one row": {"batch_size": 1},
    "generator": {"random_state": np.random.RandomState(3)},
    "scoring": {"scoring": "roc_auc_ovr"},
}


@pytest.mark.parametrize("kind", AROUND)
def test_what_an_estimator_may_have_about_it_is_no_obstacle(kind):
    X, y = scaled("iris")
    network = MLPClassifier((10,), learning_rate_init=0.01)
    network.set_params(**AROUND[kind])
    found = learning_rate_range_test(network, X, y)
    assert found.suggestion >= 0.001
    assert check_initial_loss(network, X, y).ok
    assert overfit_small_sample(network, X, y, n_samples=20).score == 1.0


# What the three share


STEPS = [check_initial_loss, overfit_small_sample, learning_rate_range_test]


@pytest.mark.parametrize("step", STEPS)
def test_a_pipeline_is_judged_by_what_reaches_its_network(step):
    X, y = data("cancer")
    network = MLPClassifier((20,), learning_rate_init=0.01, random_state=0)
    piped = step(make_pipeline(StandardScaler(), network), X, y)
    assert piped.ok
    bare = step(network, StandardScaler().fit_transform(X), y)
    assert piped.to_dict() == bare.to_dict()


@pytest.mark.parametrize("step", STEPS)
def test_results_are_the_same_again_and_plain_data(step):
    X, y = scaled("wine")
    first, again = (step(MLPClassifier((20,)), X, y, random_state=3) for _ in range(2))
    assert first.to_dict() == again.to_dict()
    assert json.loads(json.dumps(first.to_dict(), allow_nan=False))["step"]
    assert max(map(len, str(first).split("\n"))) < 80


@pytest.mark.parametrize("step", STEPS)
def test_neither_the_estimator_nor_the_data_are_changed(step):
    X, y = scaled("iris")
    network = MLPClassifier((10,), max_iter=3, random_state=0).fit(X, y)
    coefs, copies = [w.copy() for w in network.coefs_], (X.copy(), y.copy())
    step(network, X, y)
    for before, now in zip(coefs, network.coefs_, strict=True):
        assert_array_equal(before, now)
    assert_array_equal(X, copies[0])
    assert_array_equal(y, copies[1])


@pytest.mark.parametrize("step", STEPS)
def test_other_estimators_are_refused_by_name(step):
    with pytest.raises(TypeError, match=r"`estimator` must be a caviar .* LogisticReg"):
        step(LogisticRegression(), *data("iris"))


@pytest.mark.parametrize("step", STEPS)
def test_wrong_parameters_and_data_are_refused_as_by_fit(step):
    X, y = data("iris")
    with pytest.raises(ValueError, match="'activation' parameter"):
        step(MLPClassifier(activation="step"), X, y)
    with pytest.raises(ValueError, match="NaN"):
        step(MLPClassifier(), np.where(X > 5, np.nan, X), y)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        step(MLPClassifier(), X, y[:-1])


def test_numbers_out_of_range_are_refused():
    X, y = data("iris")
    network = MLPClassifier()
    with pytest.raises(ValueError, match=r"`n_samples` must be .* got 1"):
        overfit_small_sample(network, X, y, n_samples=1)
    with pytest.raises(ValueError, match=r"`max_epochs` must be .* got 0.5"):
        overfit_small_sample(network, X, y, max_epochs=0.5)
    with pytest.raises(ValueError, match="`low` must be a positive number, got 0"):
        learning_rate_range_test(network, X, y, low=0)
    with pytest.raises(ValueError, match="`low` must be less than high=1, got 2"):
        learning_rate_range_test(network, X, y, low=2, high=1)
    with pytest.raises(ValueError, match=r"`n_points` must be .* got 3"):
        learning_rate_range_test(network, X, y, n_points=3)
