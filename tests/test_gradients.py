"""The network's loss and gradient, as the training loop computes them."""

import itertools

import numpy as np
import pytest
from scipy import sparse

import reference
from caviar import MLPClassifier, _layout, _network
from caviar._initializers import initialize
from caviar._layout import BatchPlan, keep_of
from caviar._state import Hyperparameters
from caviar._validation import make_training_data

OUTPUTS = {"softmax": 4, "logistic": 3, "squared_error": 2, "poisson": 2}
ACTIVATIONS = ["identity", "logistic", "tanh", "relu"]
NEW_ACTIVATIONS = ["leaky_relu", "elu", "selu", "gelu", "silu", "mish"]
NEW_LOSSES = {  # with their parameters
    "cross_entropy": 0.0,
    "absolute_error": 0.0,
    "huber": 0.7,
    "quantile": 0.3,
    "softmax_focal": 1.5,
    "logistic_focal": 2.0,
    "softmax_hinge": 0.0,
    "logistic_hinge": 0.0,
}
EPSILON = 1e-3


class Problem:
    """A network on 13 rows with everything it needs to compute a gradient.

    ``hyper`` are fields of Hyperparameters, ``batch`` of BatchPlan.
    """

    def __init__(
        self,
        loss,
        activation,
        batch_norm,
        weighted,
        is_sparse,
        dtype=float,
        hyper=(),
        **batch,
    ):
        rng = np.random.RandomState(0)
        multiclass = loss in _layout.MULTICLASS_LOSSES
        K, n = OUTPUTS.get(loss, 4 if multiclass else 2), 13
        units = (5, 7, 6, K)
        soft = loss != "softmax" and multiclass
        batch = {"gather": False, "soft_targets": soft} | batch
        self.plan = _layout.make_plan(
            units, batch_norm, activation, loss, BatchPlan(n, is_sparse, **batch)
        )
        self.hyper = Hyperparameters(
            bn_epsilon=EPSILON,
            gather=batch["gather"],
            seed=7,
            loss_parameter=NEW_LOSSES.get(loss, 0.0),
            **dict(hyper),
        )
        self.params, self.stats = initialize(self.plan, activation, rng, dtype)
        if batch_norm:  # not the identity it starts as
            for gamma in self.plan.gammas(self.params):
                gamma[...] = rng.uniform(0.5, 2, gamma.shape)
            for beta in self.plan.betas(self.params):
                beta[...] = rng.standard_normal(beta.shape)
        self.X = rng.standard_normal((n, 5)) * (rng.uniform(size=(n, 5)) < 0.7)
        kind = "softmax" if multiclass else loss.removesuffix("_focal")
        self.targets = {
            "softmax": rng.randint(0, K, n).astype(np.int32),
            "logistic": rng.randint(0, 2, (n, K)).astype(float),
            "logistic_hinge": rng.randint(0, 2, (n, K)).astype(float),
            "poisson": rng.poisson(2.0, (n, K)).astype(float),
        }.get(kind, rng.standard_normal((n, K)))
        self.weights = rng.randint(0, 3, n).astype(float) if weighted else None
        X = sparse.csr_array(self.X) if is_sparse else self.X
        self.data = make_training_data(X, self.targets, self.weights, dtype)
        self.weight_sum = float(n if self.weights is None else self.weights.sum())
        self.work = _layout.aligned_empty(int(self.plan.header["n_work"][0]), dtype)
        self.loss, self.activation, self.batch_norm = loss, activation, batch_norm

    def loss_gradient(self, params):
        grads = np.full_like(params, np.nan)
        value = _network.loss_gradient(
            self.plan,
            params,
            grads,
            self.stats,
            self.work,
            self.data,
            np.arange(13),
            self.weight_sum,
            self.hyper,
            step=3,
        )
        return value, grads

    def numeric_gradient(self):
        """Of central differences of 4th order."""
        params, h = self.params, 1e-4
        numeric = np.empty_like(params)
        for p in range(params.size):
            values = []
            for step in (-2, -1, 1, 2):
                moved = params.copy()
                moved[p] += step * h
                values.append(self.loss_gradient(moved)[0])
            first, second, third, fourth = values
            numeric[p] = (first - 8 * second + 8 * third - fourth) / (12 * h)
        # scikit-learn's squared error: the value averages over outputs.
        return numeric * (OUTPUTS[self.loss] if self.loss == "squared_error" else 1)

    def gradient_error(self):
        """Of the whole gradient, relative."""
        _, gradient = self.loss_gradient(self.params)
        numeric = self.numeric_gradient()
        return np.linalg.norm(gradient - numeric) / np.linalg.norm(numeric)

    def reference(self):
        plan, params = self.plan, np.float64(self.params)
        mode = {False: False, True: "pre", "post": "post"}[self.batch_norm]
        net = reference.Network(
            plan.coefs(params),
            plan.intercepts(params),
            self.activation,
            self.loss,
            mode,
            EPSILON,
        )
        if mode:
            net.gammas, net.betas = plan.gammas(params), plan.betas(params)
        return net.loss_and_gradients(self.X, self.targets, self.weights)


every_network = list(
    itertools.product(OUTPUTS, ACTIVATIONS, [False, True, "post"], [False, True])
)


@pytest.mark.parametrize("is_sparse", [False, True])
@pytest.mark.parametrize("loss, activation, batch_norm, weighted", every_network)
def test_gradient_is_that_of_central_differences(
    loss, activation, batch_norm, weighted, is_sparse
):
    """4th order in float64; relative error of the whole gradient at most 1e-7."""
    problem = Problem(loss, activation, batch_norm, weighted, is_sparse)
    assert problem.gradient_error() <= 1e-7


@pytest.mark.parametrize("batch_norm", [False, True, "post"])
@pytest.mark.parametrize("activation", NEW_ACTIVATIONS)
def test_gradient_through_each_activation(activation, batch_norm):
    problem = Problem("logistic", activation, batch_norm, True, False)
    assert problem.gradient_error() <= 1e-7


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("loss", NEW_LOSSES)
def test_gradient_of_each_loss(loss, weighted):
    problem = Problem(loss, "tanh", False, weighted, False)
    assert problem.gradient_error() <= 1e-7


@pytest.mark.parametrize("batch_norm", [False, True, "post"])
@pytest.mark.parametrize("is_sparse", [False, True])
@pytest.mark.parametrize(
    "batch",
    [
        dict(keeps=(keep_of(0.4), keep_of(0.2))),
        dict(keeps=(keep_of(0.0), keep_of(0.5))),
        dict(connect_keep=keep_of(0.3)),
        dict(connect_keep=keep_of(0.3), keeps=(keep_of(0.3),) * 2),
    ],
)
@pytest.mark.parametrize("activation", ["tanh", "gelu"])
def test_gradient_with_dropped_units_and_weights(
    activation, batch, is_sparse, batch_norm
):
    """The random draws are those of one step: the loss is a function of the weights."""
    problem = Problem("softmax", activation, batch_norm, False, is_sparse, **batch)
    assert problem.gradient_error() <= 1e-7
    plain = Problem("softmax", activation, batch_norm, False, is_sparse)
    assert (
        plain.loss_gradient(plain.params)[0] != problem.loss_gradient(plain.params)[0]
    )


@pytest.mark.parametrize("loss", ["cross_entropy", "logistic", "softmax_focal"])
def test_gradient_with_dropped_features_and_smoothed_targets(loss):
    problem = Problem(
        loss,
        "silu",
        True,
        True,
        False,
        hyper={"label_smoothing": 0.2},
        gather=True,
        soft_targets=True,
        input_keep=keep_of(0.3),
    )
    assert problem.gradient_error() <= 1e-7


def test_gradient_with_an_activation_of_its_own_in_each_layer():
    problem = Problem("softmax", ["tanh", "logistic"], True, False, False)
    assert problem.gradient_error() <= 1e-7


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("loss, activation, batch_norm, weighted", every_network)
def test_loss_gradient_and_statistics_are_the_references(
    loss, activation, batch_norm, weighted, dtype
):
    problem = Problem(loss, activation, batch_norm, weighted, False, dtype)
    value, grads = problem.loss_gradient(problem.params)
    expected, (dcoefs, dgammas, dintercepts, dbetas), means, variances = (
        problem.reference()
    )
    plan, tol = problem.plan, 2e-5 if dtype == np.float32 else 1e-12
    np.testing.assert_allclose(value, expected, rtol=tol)
    got = plan.coefs(grads)
    if batch_norm:
        got += plan.gammas(grads) + plan.betas(grads)
        dcoefs = dcoefs + dgammas + dbetas
        stats = plan.batch_stats(problem.work)
        np.testing.assert_allclose(
            stats, np.concatenate(means + variances), rtol=tol, atol=tol
        )
    if batch_norm is True:  # beta stands in the hidden layers' intercepts
        got, dcoefs = [*got, plan.intercepts(grads)[-1]], [*dcoefs, dintercepts[-1]]
    else:
        got, dcoefs = got + plan.intercepts(grads), dcoefs + dintercepts
    largest = max(np.abs(wanted).max() for wanted in dcoefs)
    for actual, wanted in zip(got, dcoefs, strict=True):
        np.testing.assert_allclose(actual, wanted, rtol=50 * tol, atol=tol * largest)


@pytest.mark.parametrize("batch_norm", [False, True, "post"])
def test_params_stand_in_the_documented_order(batch_norm):
    rng = np.random.RandomState(0)
    X, y = rng.standard_normal((20, 3)), np.arange(20) % 3
    clf = MLPClassifier((4, 5), batch_norm=batch_norm, max_iter=1, tol=0)
    with pytest.warns(match="Maximum iterations"):
        clf.fit(X, y)
    W, hidden, b = 3 * 4 + 4 * 5 + 5 * 3, 9, 12
    sizes = {False: W + b, True: W + hidden + b, "post": W + hidden + b + hidden}
    assert clf.params_.shape == (sizes[batch_norm],)
    assert clf.stats_.shape == (2 * hidden if batch_norm else 0,)
    if not batch_norm:
        flat = np.concatenate([a.ravel() for a in clf.coefs_ + clf.intercepts_])
        np.testing.assert_array_equal(clf.params_, flat)
        assert all(np.shares_memory(w, clf.params_) for w in clf.coefs_)


def test_products_in_panels_give_the_gradient_of_one_product():
    """Rows so many and wide that each product is cut for Ctrl-C to be noticed."""
    rng = np.random.RandomState(0)
    n, units = 3000, (700, 600, 2)
    batch = BatchPlan(n, gather=False)
    plan = _layout.make_plan(units, False, "tanh", "squared_error", batch)
    params, stats = initialize(plan, "tanh", rng, np.float64)
    X, y = rng.standard_normal((n, 700)), rng.standard_normal((n, 2))
    data = make_training_data(X, y, None, np.float64)
    grads, work = np.empty_like(params), np.empty(int(plan.header["n_work"][0]))
    value = _network.loss_gradient(
        plan,
        params,
        grads,
        stats,
        work,
        data,
        np.arange(n),
        float(n),
        Hyperparameters(),
    )
    net = reference.Network(
        plan.coefs(params), plan.intercepts(params), "tanh", "squared_error"
    )
    expected, (dcoefs, _, dintercepts, _), _, _ = net.loss_and_gradients(X, y)
    np.testing.assert_allclose(value, expected, rtol=1e-12)
    for got, wanted in zip(plan.coefs(grads), dcoefs, strict=True):
        np.testing.assert_allclose(got, wanted, atol=1e-12)
    for got, wanted in zip(plan.intercepts(grads), dintercepts, strict=True):
        np.testing.assert_allclose(got, wanted, atol=1e-12)
