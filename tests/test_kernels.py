"""Every kernel x instruction set x dtype against tests/reference.py.

Activations are in test_activation_kernels.py, losses in test_loss_kernels.py.
"""

import numpy as np
import pytest
from scipy import sparse

import reference
from caviar import _kernels
from kernel_cases import SHAPES, close, draw, every_kernel, unaligned

pytestmark = every_kernel


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("activation", reference.DERIVATIVES)
def test_batch_norm_forward_and_backward(activation, shape, weighted, isa, dtype):
    B, O = shape
    # A mean of 100 standard deviations: one-pass variances lose it in float32.
    z = unaligned(np.float64(draw(shape, dtype)) + 100, dtype)
    gamma, beta = draw(O, dtype, 1), draw(O, dtype, 2)
    weights = unaligned(np.random.RandomState(3).randint(0, 4, B) + 0.5, dtype)
    weights = weights if weighted else None
    total = float(B if weights is None else weights.sum())
    h, mean, var = np.empty(shape, dtype), np.empty(O, dtype), np.empty(O, dtype)
    args = (total, 1e-3, activation)
    _kernels.batch_norm_forward(h, mean, var, z, weights, gamma, beta, *args, isa=isa)
    y, xhat, expected_mean, expected_var = reference.batch_norm(
        np.float64(z), np.float64(gamma), np.float64(beta), 1e-3, weights
    )
    # xhat inherits the rounding of the mean, 100 standard deviations wide.
    loose = 64 * 100
    close(mean, expected_mean, dtype)
    close(var, expected_var, dtype, loose, scale=1.0)
    close(h, reference.ACTIVATIONS[activation](y), dtype, loose)

    d = draw(shape, dtype, 4)
    if activation in ("relu", "leaky_relu", "elu", "selu"):
        # So near to the kink, y is on the side where the kernel has it.
        y = np.where((h > 0) == (y > 0), y, np.float64(h))
    dy = np.float64(d) * reference.DERIVATIVES[activation](y)
    dz, dgamma, dbeta = reference.batch_norm_gradient(
        dy, xhat, expected_var, np.float64(gamma), 1e-3, weights
    )
    got_gamma, got_beta = np.empty(O, dtype), np.empty(O, dtype)
    _kernels.batch_norm_backward(
        d, got_gamma, got_beta, z, h, weights, mean, var, gamma, beta, *args, isa=isa
    )
    close(got_beta, dbeta, dtype, loose, scale=1.0)
    close(got_gamma, dgamma, dtype, loose, scale=1.0)
    close(d, dz, dtype, loose, scale=1.0)


def statistics(z, weights, isa):
    """The mean and variance of the rows of z; H must be what they normalize z to."""
    O, dtype = z.shape[1], z.dtype
    h, mean, var = np.empty_like(z), np.empty(O, dtype), np.empty(O, dtype)
    total = float(len(z) if weights is None else weights.sum(dtype=np.float64))
    ones, zeros = np.ones(O, dtype), np.zeros(O, dtype)
    _kernels.batch_norm_forward(
        h, mean, var, z, weights, ones, zeros, total, 1e-3, "identity", isa=isa
    )
    close(h, (z - np.float64(mean)) / np.sqrt(np.float64(var) + 1e-3), dtype)
    return mean, var


@pytest.mark.parametrize("shape", [(1100, 520), (41, 1024)])
def test_batch_norm_of_many_rows_and_of_channels_a_page_apart(shape, isa, dtype):
    z = draw(shape, dtype)
    mean, var = statistics(z, None, isa)
    close(mean, np.float64(z).mean(axis=0), dtype)
    close(var, np.float64(z).var(axis=0), dtype)
    d, h, zeros = draw(shape, dtype, 1), z.copy(), np.zeros(shape[1])
    dgamma, dbeta = np.empty(shape[1], dtype), np.empty(shape[1], dtype)
    gamma = draw(shape[1], dtype, 2)
    _, xhat, _, wide_var = reference.batch_norm(
        np.float64(z), np.float64(gamma), zeros, 1e-3
    )
    expected = reference.batch_norm_gradient(
        np.float64(d), xhat, wide_var, np.float64(gamma), 1e-3
    )
    beta = np.zeros(shape[1], dtype)
    args = (None, mean, var, gamma, beta, float(len(z)), 1e-3, "identity")
    _kernels.batch_norm_backward(d, dgamma, dbeta, z, h, *args, isa=isa)
    for actual, exact in zip((d, dgamma, dbeta), expected, strict=True):
        close(actual, exact, dtype, 256)


def test_first_rows_far_from_the_others_do_not_cost_the_variance_its_digits(isa, dtype):
    z = draw((97, 5), dtype)
    z[:32] += 10_000  # the center of the first pass
    weights = np.ones(97, dtype)
    weights[:32] = 1e-12 if dtype == np.float32 else 1e-18
    mean, var = statistics(z, weights, isa)
    wide, w = np.float64(z), np.float64(weights)[:, None]
    exact = (w * wide).sum(axis=0) / w.sum()
    close(mean, exact, dtype)
    close(var, (w * (wide - exact) ** 2).sum(axis=0) / w.sum(), dtype)


def test_a_constant_channel_has_no_variance(isa, dtype):
    z = np.tile(np.array([0.1, 1 / 3, -1e6, 0.0], dtype), (77, 1))
    mean, var = statistics(z, None, isa)
    np.testing.assert_array_equal(var, 0)
    np.testing.assert_array_equal(mean, z[0])


@pytest.mark.parametrize("n_decay", [0, 1, 1500, 2501])
@pytest.mark.parametrize(
    "solver, options",
    [
        ("sgd", {"momentum": 0.9, "nesterov": 1.0}),
        ("sgd", {"momentum": 0.9, "nesterov": 0.0}),
        ("sgd", {"momentum": 0.0, "nesterov": 1.0}),
        ("rmsprop", {"rho": 0.8}),
        ("adagrad", {}),
        ("adam", {}),
        ("adamw", {"keep": 0.9}),
        ("nadam", {}),
        ("nadam", {"scale": 0.25}),
        ("sgd", {"momentum": 0.9, "nesterov": 1.0, "scale": 0.25}),
        ("rmsprop", {"scale": 0.25}),
        ("adagrad", {"scale": 0.25}),
        ("adam", {"scale": 0.25}),
    ],
)
def test_optimizers_take_the_step_of_their_formula(
    solver, options, n_decay, isa, dtype
):
    P, l2 = 2501, 0.3
    n_slots = 2 if "adam" in solver else 1
    w, g = draw(P, dtype), draw(P, dtype, 1)
    slots = unaligned(np.abs(np.float64(draw((n_slots, P), dtype, 2))), dtype)
    decayed = np.arange(P) < n_decay
    gradient = options.get("scale", 1.0) * np.float64(g) + l2 * decayed * np.float64(w)
    passed = {k: v for k, v in options.items() if k not in ("keep", "scale")}
    t = 10**9  # bias corrections are the caller's
    rates = {"learning_rate": 0.01}
    if solver == "nadam":
        rates["learning_rate"], rates["ahead"] = reference.nadam_rates(0.01, t := 7)
    expected, expected_slots = reference.optimizer_step(
        solver,
        np.float64(w),
        np.float64(slots),
        gradient,
        t,
        0.01,
        decay=np.where(decayed, (1 - options.get("keep", 1.0)) / 0.01, 0.0),
        **passed,
    )
    squares = (np.float64(w)[:n_decay] ** 2).sum()
    got = _kernels.update(
        w, slots, g, n_decay, solver, isa=isa, l2=l2, **rates, **options
    )
    close(got, squares, dtype)
    close(w, expected, dtype)
    close(slots, np.array(expected_slots), dtype)


@pytest.mark.parametrize("K", [1, 2, 37])
def test_one_hot_spreads_the_smoothing_over_all_classes(K, isa, dtype):
    classes = np.random.RandomState(0).randint(0, K, 53).astype(np.int32)
    for smoothing in (0.0, 0.1, 1.0):
        Y = np.full((53, K), np.nan, dtype)
        _kernels.one_hot(Y, classes, smoothing, isa=isa)
        close(Y, (1 - smoothing) * np.eye(K)[classes] + smoothing / K, dtype, 2)


def test_smooth_draws_targets_towards_a_half(isa, dtype):
    Y = unaligned(np.random.RandomState(0).uniform(size=(7, 11)), dtype)
    expected = 0.9 * np.float64(Y) + 0.05
    _kernels.smooth(Y, 0.1, isa=isa)
    close(Y, expected, dtype, 2)


@pytest.mark.parametrize("n", [0, 1, 77, 100_003])
def test_sum_of_squares_is_made_in_double(n, isa, dtype):
    g = draw(n + 1, dtype, scale=1e30 if dtype == np.float32 else 1.0)[1:]
    exact = (g.astype(np.longdouble) ** 2).sum()
    np.testing.assert_allclose(_kernels.sum_of_squares(g, isa=isa), exact, rtol=1e-12)


def test_running_average(isa, dtype):
    running, batch = draw(77, dtype), draw(77, dtype, 1)
    expected = 0.9 * np.float64(running) + 0.1 * np.float64(batch)
    _kernels.running_average(running, batch, 0.9, isa=isa)
    close(running, expected, dtype)


@pytest.mark.parametrize("I", [1, 5, 64])
def test_rows_gather(I, isa, dtype):
    X, rows = draw((50, I), dtype), np.array([3, 3, 49, 0, 17])
    out = np.empty((5, I), dtype)
    _kernels.rows_gather(out, X, rows, isa=isa)
    np.testing.assert_array_equal(out, X[rows])


@pytest.mark.parametrize("density", [0.0, 0.05, 1.0])
@pytest.mark.parametrize("O", [1, 3, 37])
def test_sparse_products_with_unsorted_and_duplicate_entries(O, density, isa, dtype):
    X = sparse.random_array((20, 30), density=density, format="csr", rng=0, dtype=dtype)
    indices, data = X.indices.astype(np.int32)[::-1].copy(), X.data[::-1].copy()
    X = sparse.csr_array((data, indices, X.indptr), shape=X.shape)
    indptr = X.indptr.astype(np.int64)
    rows, W = np.array([4, 0, 19, 4]), draw((30, O), dtype)
    dense = np.float64(X.toarray())[rows]
    Z = np.full((4, O), np.nan, dtype)
    _kernels.sparse_forward(Z, indptr, indices, data, rows, W, isa=isa)
    close(Z, dense @ np.float64(W), dtype)
    dW = np.full((30, O), np.nan, dtype)
    _kernels.sparse_backward(dW, indptr, indices, data, rows, Z, isa=isa)
    close(dW, dense.T @ np.float64(Z), dtype)


def test_wrong_arrays_are_refused(isa, dtype):
    other = np.float64 if dtype == np.float32 else np.float32
    with pytest.raises(TypeError, match="expected an array of"):
        _kernels.running_average(np.zeros(3, dtype), np.zeros(3, other), 0.9, isa=isa)
    with pytest.raises(ValueError, match="`isa` must be"):
        _kernels.softmax_forward(np.zeros((2, 2), dtype), isa="sse9")


def test_the_arithmetic_peak_is_measured_on_sums_that_come_out_right(isa, dtype):
    assert _kernels.time_fma_peak(dtype, length=200, isa=isa) > 0


@pytest.mark.parametrize("left_transposed", [False, True])
@pytest.mark.parametrize("right_transposed", [False, True])
def test_product_of_odd_shapes(left_transposed, right_transposed, isa, dtype):
    empty = np.empty((1, 1024), dtype)
    width = _kernels.product(empty, empty[:, :1].copy(), empty, isa=isa)
    if not width:
        pytest.skip("left to BLAS on this instruction set")
    columns = [width, width + 1, 3 * width - 1, 5 * width, 8 * width + 7, 20 * width]
    for rows, inner in [(1, 1), (5, 3), (13, 128), (64, 129), (131, 300)]:
        for n in columns:
            left, right = draw((rows, inner), dtype, 1), draw((inner, n), dtype, 2)
            expected = np.float64(left) @ np.float64(right)
            frame = np.full((rows * n + 2), 7, dtype)
            out = frame[1:-1].reshape(rows, n)
            _kernels.product(
                out,
                unaligned(left.T, dtype) if left_transposed else left,
                unaligned(right.T, dtype) if right_transposed else right,
                left_transposed,
                right_transposed,
                isa=isa,
            )
            close(out, expected, dtype)
            assert frame[0] == frame[-1] == 7, "wrote outside of `out`"


def test_product_has_the_same_bits_in_parts(isa, dtype):
    left, right = draw((37, 290), dtype, 1), draw((290, 200), dtype, 2)
    out = np.empty((37, 200), dtype)
    if not _kernels.product(out, left, right, isa=isa):
        pytest.skip("left to BLAS on this instruction set")
    part = np.empty((12, 61), dtype)
    _kernels.product(part, left[3:15].copy(), right[:, 11:72].copy(), isa=isa)
    np.testing.assert_array_equal(part, out[3:15, 11:72])


def test_product_keeps_nan_and_inf_to_their_rows_and_columns(isa, dtype):
    left, right = np.ones((9, 5), dtype), np.ones((5, 70), dtype)
    left[4, 2], right[3, 50] = np.inf, np.nan
    out = np.empty((9, 70), dtype)
    if not _kernels.product(out, left, right, isa=isa):
        pytest.skip("left to BLAS on this instruction set")
    with np.errstate(invalid="ignore"):
        expected = left @ right
    np.testing.assert_array_equal(out, expected)
    assert np.isfinite(np.delete(np.delete(out, 4, 0), 50, 1)).all()
