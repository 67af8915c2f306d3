"""Losses and their gradients x instruction set x dtype: formulas, differences, extremes."""

import numpy as np
import pytest

import reference
from caviar import _kernels
from kernel_cases import close, draw, every_kernel, unaligned

pytestmark = every_kernel
PARAMETERS = {
    "huber": 0.7,
    "quantile": 0.2,
    "softmax_focal": 2.0,
    "logistic_focal": 1.5,
}
CASES = [
    *((loss, "") for loss in ("softmax", "squared_error", "poisson")),
    *((loss, "") for loss in ("absolute_error", "huber", "quantile")),
    *(
        (loss, kind)
        for loss in ("cross_entropy", "softmax_focal")
        for kind in ("hard", "soft")
    ),
    *(
        (loss, kind)
        for loss in ("logistic", "logistic_focal")
        for kind in ("hard", "soft")
    ),
    *(
        (loss, kind)
        for loss in ("softmax_hinge", "logistic_hinge")
        for kind in ("hard", "soft")
    ),
]


def make_targets(loss, kind, B, K, dtype):
    """Hard ones are classes, soft ones as label smoothing and mixing of rows make them."""
    rng = np.random.RandomState(1)
    if loss == "softmax":
        return rng.randint(0, K, B).astype(np.int32)
    if loss.startswith("logistic"):
        if kind == "soft":
            return unaligned(rng.uniform(size=(B, K)), dtype)
        return unaligned(rng.randint(0, 2, (B, K)), dtype)
    if kind == "hard":
        return unaligned(np.eye(K)[rng.randint(0, K, B)], dtype)
    if kind == "soft":
        return unaligned(rng.dirichlet(np.ones(K), B), dtype)
    if loss == "poisson":
        return unaligned(rng.poisson(2.0, (B, K)), dtype)
    return draw((B, K), dtype, 1)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("K", [1, 2, 10, 17, 200])
@pytest.mark.parametrize("loss, kind", CASES)
def test_losses_and_their_gradients(loss, kind, K, weighted, isa, dtype):
    B, rng, parameter = 37, np.random.RandomState(0), PARAMETERS.get(loss, 0.0)
    z = draw((B, K), dtype)
    weights = unaligned(rng.randint(0, 3, B), dtype) if weighted else None
    total = float(B if weights is None else weights.sum())
    targets = make_targets(loss, kind, B, K, dtype)
    expected, gradient = reference.loss_and_gradient(
        np.float64(z),
        targets if loss == "softmax" else np.float64(targets),
        loss,
        weights,
        parameter,
    )
    value = _kernels.loss_and_gradient(
        z, targets, weights, total, loss, isa, parameter=parameter
    )
    if K == 1 and loss in ("softmax", "cross_entropy"):
        # p = 1, clipped to 1 - eps as in scikit-learn
        expected = -np.log1p(-float(np.finfo(dtype).eps))
    close(value, expected, dtype)
    close(z, gradient, dtype)


@pytest.mark.parametrize("loss, kind", CASES)
def test_gradients_are_finite_differences_of_the_value(loss, kind, isa, dtype):
    B, K, step, parameter = 5, 4, 1e-6, PARAMETERS.get(loss, 0.0)
    z, weights = draw((B, K), dtype, scale=2.0), np.arange(1.0, 6.0)
    targets = make_targets(loss, kind, B, K, dtype)
    wide = targets if loss == "softmax" else np.float64(targets)

    def value(point):
        point = point.copy()
        return _kernels.loss_and_gradient(
            point, wide, weights, 15.0, loss, isa, parameter=parameter
        )

    expected = np.empty((B, K))
    for at in np.ndindex(B, K):
        move = np.zeros((B, K))
        move[at] = step
        expected[at] = (value(z + move) - value(z - move)) / (2 * step)
    expected *= K if loss == "squared_error" else 1  # as in scikit-learn
    _kernels.loss_and_gradient(
        z, targets, weights.astype(dtype), 15.0, loss, isa, parameter=parameter
    )
    tolerance = 1e-8 if dtype == np.float64 else 2e-6
    np.testing.assert_allclose(z, expected, rtol=0, atol=tolerance)


@pytest.mark.parametrize("loss, kind", CASES)
def test_values_and_gradients_are_finite_far_out(loss, kind, isa, dtype):
    """Up to the largest float where the formula is bounded, else to 1e4 and exp(80)."""
    z = np.array([[1, -1, 0], [-1, 1, 0], [0, 0, 1], [1, 1, 1]], dtype)
    bounded = "hinge" not in loss and loss.startswith(("softmax", "cross", "logistic"))
    z *= np.finfo(dtype).max if bounded else 80.0 if loss == "poisson" else 1e4
    targets = make_targets(loss, kind, 4, 3, dtype)
    for parameter in {
        PARAMETERS.get(loss, 0.0),
        *([0.0, 0.5] if "focal" in loss else []),
    }:
        got = z.copy()
        value = _kernels.loss_and_gradient(
            got, targets, None, 4.0, loss, isa, parameter=parameter
        )
        assert np.isfinite(value)
        assert np.isfinite(got).all()
        if loss not in ("poisson", "squared_error"):
            assert np.abs(got).max() <= 2.0


@pytest.mark.parametrize("loss", ["softmax", "cross_entropy", "logistic"])
def test_log_losses_are_clipped_as_in_scikit_learn(loss, isa, dtype):
    largest = np.finfo(dtype).max
    z = np.array([[largest, -largest, 0], [-largest, largest, 0]], dtype=dtype)
    targets = np.array([[1, 0, 0], [1, 0, 0]], dtype=dtype)
    if loss == "softmax":
        targets = np.array([0, 0], dtype=np.int32)
    value = _kernels.loss_and_gradient(z, targets, None, 2.0, loss, isa=isa)
    # The second row is as wrong as can be: clipped at -log(eps).
    assert np.isfinite(value)
    assert value >= -np.log(np.finfo(dtype).eps) / 2


@pytest.mark.parametrize("loss, kind", CASES)
def test_a_nan_output_gives_a_nan_loss(loss, kind, isa, dtype):
    for K in (20, 300):
        targets = make_targets(loss, kind, 3, K, dtype)
        if loss == "poisson":
            targets[...] = 0
        for column in (0, 18):
            z = np.zeros((3, K), dtype)
            z[1, column] = np.nan
            value = _kernels.loss_and_gradient(
                z, targets, None, 3.0, loss, isa, parameter=PARAMETERS.get(loss, 0.0)
            )
            assert np.isnan(value)


@pytest.mark.parametrize("K", [1, 7, 100])
def test_focal_with_gamma_zero_is_the_log_loss(K, isa, dtype):
    for loss, log_loss in (
        ("softmax_focal", "cross_entropy"),
        ("logistic_focal", "logistic"),
    ):
        z, targets = draw((9, K), dtype), make_targets(loss, "soft", 9, K, dtype)
        same = z.copy()
        value = _kernels.loss_and_gradient(z, targets, None, 9.0, loss, isa)
        expected = _kernels.loss_and_gradient(same, targets, None, 9.0, log_loss, isa)
        close(value, expected, dtype, scale=1.0)
        close(z, np.float64(same), dtype, scale=1.0)


@pytest.mark.parametrize("gamma", [0.5, 2.0, 5.0])
def test_focal_gradients_of_a_class_that_is_nearly_sure_vanish(gamma, isa, dtype):
    z = np.array([[40.0, 0.0, 0.0]], dtype)
    targets = np.array([[1.0, 0.0, 0.0]], dtype)
    value = _kernels.loss_and_gradient(
        z, targets, None, 1.0, "softmax_focal", isa, parameter=gamma
    )
    eps = np.finfo(dtype).eps
    assert 0 <= value <= 2 * eps
    assert np.abs(z).max() <= 4 * eps


def test_gradients_at_a_kink_are_zero(isa, dtype):
    for loss in ("absolute_error", "quantile"):
        z = draw((3, 5), dtype)
        value = _kernels.loss_and_gradient(z, z.copy(), None, 3.0, loss, isa, 0.3)
        assert value == 0
        np.testing.assert_array_equal(z, 0)
    z = np.array([[1.0, 0.0]], dtype)  # a margin of exactly one
    targets = np.array([[1.0, 0.0]], dtype)
    assert _kernels.loss_and_gradient(z, targets, None, 1.0, "softmax_hinge", isa) == 0
    np.testing.assert_array_equal(z, 0)


def test_softmax_hinge_of_as_many_soft_targets_as_there_may_be(isa, dtype):
    K = _kernels.MOST_HINGE_TARGETS
    z, targets = draw((1, K), dtype), np.full((1, K), 1 / K, dtype)
    expected, gradient = reference.loss_and_gradient(
        np.float64(z), np.float64(targets), "softmax_hinge"
    )
    value = _kernels.loss_and_gradient(z, targets, None, 1.0, "softmax_hinge", isa)
    close(value, expected, dtype, 512)
    close(z, gradient, dtype, 512)


@pytest.mark.parametrize("K", [1, 3, 16, 33])
def test_softmax_forward(K, isa, dtype):
    z = draw((9, K), dtype, scale=30)
    expected = reference.softmax(np.float64(z))
    _kernels.softmax_forward(z, isa=isa)
    close(z, expected, dtype, 256)
