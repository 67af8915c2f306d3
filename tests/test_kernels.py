"""Every kernel x instruction set x dtype against tests/reference.py.

Sizes are odd, so that every loop has a tail, and arrays start one element past an aligned
address. Bounds are in units of the dtype's resolution, with room for the sums involved.
"""

import numpy as np
import pytest
from scipy import sparse

import reference
from caviar import _kernels

ISAS = _kernels.AVAILABLE_ISAS
DTYPES = [np.float32, np.float64]
every_kernel = [
    pytest.param(isa, dtype, id=f"{isa}-{np.dtype(dtype).name}")
    for isa in ISAS
    for dtype in DTYPES
]
pytestmark = pytest.mark.parametrize("isa, dtype", every_kernel)
SHAPES = [(1, 1), (7, 3), (33, 131), (65, 64), (2, 300)]


def unaligned(array, dtype):
    """A C-contiguous copy that starts one element past a 64-byte boundary."""
    array = np.asarray(array, dtype=dtype)
    raw = np.empty(array.nbytes + 128, dtype=np.uint8)
    start = -raw.ctypes.data % 64 + np.dtype(dtype).itemsize
    copy = raw[start : start + array.nbytes].view(dtype).reshape(array.shape)
    copy[...] = array
    assert copy.ctypes.data % 64 != 0
    return copy


def draw(shape, dtype, seed=0, scale=1.0):
    return unaligned(scale * np.random.RandomState(seed).standard_normal(shape), dtype)


def close(actual, expected, dtype, ulps=64, scale=1e-30):
    """Within some roundings of the largest value, or of ``scale`` if that is larger."""
    eps = np.finfo(dtype).eps
    scale = max(np.abs(expected).max(initial=0), scale)
    np.testing.assert_allclose(
        np.float64(actual), expected, rtol=ulps * eps, atol=ulps * eps * scale
    )


def ulp_error(actual, exact):
    """Distance in units in the last place of ``actual``'s dtype."""
    rounded = np.asarray(exact, dtype=actual.dtype)
    spacing = np.spacing(np.abs(rounded)).astype(np.longdouble)
    return np.abs(actual.astype(np.longdouble) - exact) / spacing


@pytest.mark.parametrize("name", ["exp", "tanh", "logistic"])
def test_elementary_functions_are_within_4_ulp(name, isa, dtype):
    info = np.finfo(dtype)
    low, high = np.log(float(info.tiny)), np.log(float(info.max))
    x = np.concatenate(
        [
            np.linspace(low, high, 20011) * (1 - 1e-6),  # rounding stays inside
            np.linspace(-1, 1, 10007),
            np.geomspace(1e-30, 1, 1009),
            -np.geomspace(1e-30, 1, 1009),
            [0.0],
        ]
    ).astype(dtype)
    wide = x.astype(np.longdouble)
    exact = {
        "exp": lambda: np.exp(wide),
        "tanh": lambda: np.tanh(wide),
        "logistic": lambda: 1 / (1 + np.exp(-wide)),
    }[name]()
    out = unaligned(x[:, None], dtype)
    _kernels.activation_forward(out, None, name, isa=isa)
    assert ulp_error(out[:, 0], exact).max() <= 4


@pytest.mark.parametrize(
    "name, expected",
    [
        ("exp", [np.inf, 0.0, np.nan, np.inf, 0.0]),
        ("tanh", [1.0, -1.0, np.nan, 1.0, -1.0]),
        ("logistic", [1.0, 0.0, np.nan, 1.0, 0.0]),
        ("relu", [np.inf, 0.0, np.nan, None, 0.0]),
    ],
)
def test_activations_at_the_ends_of_the_line(name, expected, isa, dtype):
    largest = np.finfo(dtype).max
    x = np.array([[np.inf, -np.inf, np.nan, largest, -largest]], dtype=dtype)
    out = x.copy()
    _kernels.activation_forward(out, None, name, isa=isa)
    expected = np.array([largest if e is None else e for e in expected], dtype=dtype)
    np.testing.assert_array_equal(out[0], expected)


def test_exp_underflows_through_the_denormals(isa, dtype):
    info = np.finfo(dtype)
    x = np.linspace(
        np.log(float(info.smallest_subnormal)), np.log(float(info.tiny)), 1001
    ).astype(dtype)
    out = x[:, None].copy()
    _kernels.activation_forward(out, None, "exp", isa=isa)
    exact = np.exp(x.astype(np.longdouble))
    assert np.abs(out[:, 0] - exact).max() <= float(info.smallest_subnormal)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
def test_activation_forward_and_backward(activation, shape, isa, dtype):
    z, b, d = draw(shape, dtype), draw(shape[1], dtype, 1), draw(shape, dtype, 2)
    expected = reference.ACTIVATIONS[activation](np.float64(z) + np.float64(b))
    h, db = z.copy(), np.empty(shape[1], dtype)
    _kernels.activation_forward(h, b, activation, isa=isa)
    close(h, expected, dtype)
    expected_d = np.float64(d) * reference.DERIVATIVES[activation](np.float64(h))
    _kernels.activation_backward(d, db, h, activation, isa=isa)
    close(d, expected_d, dtype)
    close(db, expected_d.sum(axis=0), dtype)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
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
    dy = np.float64(d) * reference.DERIVATIVES[activation](np.float64(h))
    dz, dgamma, dbeta = reference.batch_norm_gradient(
        dy, xhat, expected_var, np.float64(gamma), 1e-3, weights
    )
    got_gamma, got_beta = np.empty(O, dtype), np.empty(O, dtype)
    _kernels.batch_norm_backward(
        d, got_gamma, got_beta, z, h, weights, mean, var, gamma, *args, isa=isa
    )
    close(got_beta, dbeta, dtype)
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
    args = (None, mean, var, gamma, float(len(z)), 1e-3, "identity")
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


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("K", [1, 2, 10, 17, 1000])
@pytest.mark.parametrize("loss", ["softmax", "logistic", "squared_error", "poisson"])
def test_losses_and_their_gradients(loss, K, weighted, isa, dtype):
    B, rng = 37, np.random.RandomState(0)
    z = draw((B, K), dtype)
    weights = unaligned(rng.randint(0, 3, B), dtype) if weighted else None
    total = float(B if weights is None else weights.sum())
    targets = {
        "softmax": lambda: rng.randint(0, K, B).astype(np.int32),
        "logistic": lambda: rng.randint(0, 2, (B, K)).astype(dtype),
        "squared_error": lambda: draw((B, K), dtype, 1),
        "poisson": lambda: rng.poisson(2.0, (B, K)).astype(dtype),
    }[loss]()
    expected, gradient = reference.loss_and_gradient(
        np.float64(z),
        targets if loss == "softmax" else np.float64(targets),
        loss,
        weights,
    )
    value = _kernels.loss_and_gradient(z, targets, weights, total, loss, isa=isa)
    if (loss, K) == ("softmax", 1):  # p = 1, clipped to 1 - eps as in scikit-learn
        expected = -np.log1p(-float(np.finfo(dtype).eps))
    close(value, expected, dtype)
    close(z, gradient, dtype)


@pytest.mark.parametrize("loss", ["softmax", "logistic"])
def test_log_losses_do_not_overflow_up_to_the_largest_float(loss, isa, dtype):
    largest = np.finfo(dtype).max
    z = np.array([[largest, -largest, 0], [-largest, largest, 0]], dtype=dtype)
    targets = np.array([0, 0], dtype=np.int32)
    if loss == "logistic":
        targets = np.array([[1, 0, 0], [1, 0, 0]], dtype=dtype)
    value = _kernels.loss_and_gradient(z, targets, None, 2.0, loss, isa=isa)
    assert np.isfinite(value)
    assert np.isfinite(z).all()
    # The second row is as wrong as can be: clipped at -log(eps), as in scikit-learn.
    assert value >= -np.log(np.finfo(dtype).eps) / 2


@pytest.mark.parametrize("loss", ["softmax", "logistic", "squared_error", "poisson"])
def test_a_nan_output_gives_a_nan_loss(loss, isa, dtype):
    for column in (0, 18):
        z = np.zeros((3, 20), dtype)
        z[1, column] = np.nan
        targets = (
            np.zeros(3, np.int32) if loss == "softmax" else np.zeros((3, 20), dtype)
        )
        assert np.isnan(
            _kernels.loss_and_gradient(z, targets, None, 3.0, loss, isa=isa)
        )


@pytest.mark.parametrize("K", [1, 3, 16, 33])
def test_softmax_forward(K, isa, dtype):
    z = draw((9, K), dtype, scale=30)
    expected = reference.softmax(np.float64(z))
    _kernels.softmax_forward(z, isa=isa)
    close(z, expected, dtype, 256)


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
    ],
)
def test_optimizers_take_the_step_of_their_formula(
    solver, options, n_decay, isa, dtype
):
    P, l2 = 2501, 0.3
    n_slots = 2 if solver.startswith("adam") else 1
    w, g = draw(P, dtype), draw(P, dtype, 1)
    slots = unaligned(np.abs(np.float64(draw((n_slots, P), dtype, 2))), dtype)
    decayed = np.arange(P) < n_decay
    gradient = np.float64(g) + l2 * decayed * np.float64(w)
    passed = {k: v for k, v in options.items() if k != "keep"}
    expected, expected_slots = reference.optimizer_step(
        solver,
        np.float64(w),
        np.float64(slots),
        gradient,
        10**9,  # bias corrections are the caller's
        0.01,
        decay=np.where(decayed, (1 - options.get("keep", 1.0)) / 0.01, 0.0),
        **passed,
    )
    squares = (np.float64(w)[:n_decay] ** 2).sum()
    got = _kernels.update(
        w, slots, g, n_decay, solver, isa=isa, learning_rate=0.01, l2=l2, **options
    )
    close(got, squares, dtype)
    close(w, expected, dtype)
    close(slots, np.array(expected_slots), dtype)


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
