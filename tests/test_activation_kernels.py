"""Activations and their derivatives x instruction set x dtype."""

import numpy as np
import pytest
from scipy.special import erfc

import reference
from caviar import _kernels
from kernel_cases import SHAPES, close, draw, every_kernel, ulp_error, unaligned

pytestmark = every_kernel
TWO_PI = 2 * np.longdouble("3.14159265358979323846264338327950288")


def forward(x, name, isa):
    """g(x) of a vector."""
    out = unaligned(x[:, None], x.dtype)
    _kernels.activation_forward(out, out, None, name, isa=isa)
    return out[:, 0]


def slope(z, name, isa):
    """g'(z) of a vector, by the kernel that multiplies with it."""
    h, z = forward(z, name, isa)[:, None].copy(), z[:, None].copy()
    d, db = np.ones_like(z), np.empty(1, z.dtype)
    _kernels.activation_backward(d, db, h, z, name, isa=isa)
    return d[:, 0]


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
    assert ulp_error(forward(x, name, isa), exact).max() <= 4


def normal_cdf(z):
    """In extended precision: Laplace's continued fraction in the tails, erfc between."""
    a = np.maximum(np.abs(z), 1)
    fraction = a
    for k in range(500, 0, -1):
        fraction = a + k / fraction
    tail = np.exp(-(a**2) / 2) / np.sqrt(TWO_PI) / fraction
    far = np.where(z < 0, tail, 1 - tail)
    near = erfc(np.clip(np.float64(-z / np.sqrt(np.longdouble(2))), -1, 1)) / 2
    return np.where(np.abs(z) > 1, far, near)


def smooth_activation(name, z):
    """h, and the two terms of h', in extended precision."""
    s = 1 / (1 + np.exp(-z))
    if name == "gelu":
        density = np.exp(-(z**2) / 2) / np.sqrt(TWO_PI)
        return z * normal_cdf(z), normal_cdf(z), z * density
    if name == "silu":
        return z * s, s, z * s * (1 / (1 + np.exp(z)))
    e = np.exp(-np.abs(z))
    one_less = np.where(z < 0, 2 / (2 + e * (2 + e)), 2 * e**2 / (1 + 2 * e + 2 * e**2))
    t = np.where(z < 0, e * (2 + e) / (2 + e * (2 + e)), 1 - one_less)
    return z * t, t, z * one_less * (1 + t) * s


@pytest.mark.parametrize("name, ulps", [("gelu", 12), ("silu", 4), ("mish", 4)])
def test_smooth_activations_and_slopes_are_within_some_ulp(name, ulps, isa, dtype):
    info = np.finfo(dtype)
    # As far down as h is a normal number.
    limit = (37.0 if dtype == np.float64 else 12.5) if name == "gelu" else 80.0
    z = np.linspace(-limit, limit, 40013)
    z = np.concatenate([z, np.geomspace(1e-30, 1, 999), -np.geomspace(1e-30, 1, 999)])
    z = z.astype(dtype)
    h, first, second = smooth_activation(name, z.astype(np.longdouble))
    assert ulp_error(forward(z, name, isa), h).max() <= ulps
    # Where the slope is nearly zero, its terms cancel.
    error = np.abs(slope(z, name, isa) - (first + second))
    assert (error <= 4 * info.eps * (np.abs(first) + np.abs(second))).all()


@pytest.mark.parametrize("name", ["elu", "selu"])
def test_exponential_units_keep_their_digits_near_zero(name, isa, dtype):
    z = np.concatenate([-np.geomspace(1e-30, 100, 20011), [0.0, 1e-20, 1.0, 100.0]])
    z = z.astype(dtype)
    wide = z.astype(np.longdouble)
    exact = np.where(wide < 0, np.expm1(np.minimum(wide, 0)), wide)
    if name == "selu":
        alpha = np.longdouble("1.6732632423543772848170429916717")
        exact = np.where(wide < 0, alpha * exact, exact)
        exact = np.longdouble("1.0507009873554804934193349852946") * exact
    assert ulp_error(forward(z, name, isa), exact).max() <= 4


def test_selu_has_the_fixed_point_that_its_constants_are_made_for(isa, dtype):
    nodes, weights = np.polynomial.hermite_e.hermegauss(120)
    weights = weights / weights.sum()
    h = np.float64(forward(nodes.astype(dtype), "selu", isa))
    # The kink at 0 costs the quadrature its digits.
    assert abs(weights @ h) < 2e-3
    assert abs(weights @ h**2 - 1) < 2e-3


@pytest.mark.parametrize(
    "name, expected",
    [
        ("exp", [np.inf, 0.0, np.nan, np.inf, 0.0]),
        ("tanh", [1.0, -1.0, np.nan, 1.0, -1.0]),
        ("logistic", [1.0, 0.0, np.nan, 1.0, 0.0]),
        ("relu", [np.inf, 0.0, np.nan, None, 0.0]),
        ("elu", [np.inf, -1.0, np.nan, None, -1.0]),
        ("gelu", [np.inf, 0.0, np.nan, None, 0.0]),
        ("silu", [np.inf, 0.0, np.nan, None, 0.0]),
        ("mish", [np.inf, 0.0, np.nan, None, 0.0]),
    ],
)
def test_activations_at_the_ends_of_the_line(name, expected, isa, dtype):
    largest = np.finfo(dtype).max
    x = np.array([[np.inf, -np.inf, np.nan, largest, -largest]], dtype=dtype)
    out = x.copy()
    _kernels.activation_forward(out, out, None, name, isa=isa)
    expected = np.array([largest if e is None else e for e in expected], dtype=dtype)
    np.testing.assert_array_equal(out[0], expected)


@pytest.mark.parametrize(
    "name, low",
    [("elu", 0), ("gelu", 0), ("silu", 0), ("mish", 0), ("leaky_relu", 0.01)],
)
def test_slopes_at_the_ends_of_the_line(name, low, isa, dtype):
    largest = np.finfo(dtype).max
    z = np.array([np.inf, 1e4, largest, -np.inf, -1e4, -largest], dtype=dtype)
    expected = np.array([1, 1, 1, low, low, low], dtype)
    np.testing.assert_array_equal(slope(z, name, isa), expected)


@pytest.mark.parametrize("name", ["gelu", "silu", "mish"])
def test_the_slope_at_nan_is_nan(name, isa, dtype):
    assert np.isnan(slope(np.full(3, np.nan, dtype), name, isa)).all()


def test_exp_underflows_through_the_denormals(isa, dtype):
    info = np.finfo(dtype)
    x = np.linspace(
        np.log(float(info.smallest_subnormal)), np.log(float(info.tiny)), 1001
    ).astype(dtype)
    exact = np.exp(x.astype(np.longdouble))
    assert np.abs(forward(x, "exp", isa) - exact).max() <= float(
        info.smallest_subnormal
    )


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("activation", reference.DERIVATIVES)
def test_activation_forward_and_backward(activation, shape, isa, dtype):
    z, b, d = draw(shape, dtype), draw(shape[1], dtype, 1), draw(shape, dtype, 2)
    shifted = (z + b).astype(dtype)
    expected = reference.ACTIVATIONS[activation](np.float64(shifted))
    h, db = np.full(shape, np.nan, dtype), np.empty(shape[1], dtype)
    in_place = z.copy()
    _kernels.activation_forward(h, z, b, activation, isa=isa)
    close(h, expected, dtype)
    np.testing.assert_array_equal(z, shifted)
    _kernels.activation_forward(in_place, in_place, b, activation, isa=isa)
    np.testing.assert_array_equal(in_place, h)

    expected_d = np.float64(d) * reference.DERIVATIVES[activation](np.float64(z))
    needed = z if activation in ("gelu", "silu", "mish") else None
    _kernels.activation_backward(d, db, h, needed, activation, isa=isa)
    close(d, expected_d, dtype)
    close(db, expected_d.sum(axis=0), dtype)


@pytest.mark.parametrize("activation", reference.DERIVATIVES)
def test_without_a_bias_the_pre_activation_is_left_alone(activation, isa, dtype):
    z = draw((5, 33), dtype)
    before, h, zeros = z.copy(), np.empty((5, 33), dtype), np.zeros(33, dtype)
    _kernels.activation_forward(h, z, None, activation, isa=isa)
    np.testing.assert_array_equal(z, before)
    _kernels.activation_forward(z, z, zeros, activation, isa=isa)
    np.testing.assert_array_equal(z, h)


@pytest.mark.parametrize("activation", reference.DERIVATIVES)
def test_slopes_are_finite_differences_of_the_activation(activation, isa, dtype):
    z = np.linspace(-8, 8, 400).astype(dtype)  # not 0, where there may be a kink
    wide, step = np.float64(z), 1e-5
    ahead, behind = (forward(wide + s, activation, isa) for s in (step, -step))
    tolerance = 1e-8 if dtype == np.float64 else 2e-6
    np.testing.assert_allclose(
        slope(z, activation, isa), (ahead - behind) / (2 * step), rtol=0, atol=tolerance
    )


@pytest.mark.parametrize(
    "activation, left",
    [("relu", 0), ("leaky_relu", 0.01), ("elu", 1), ("selu", 1.7580993)],
)
def test_at_a_kink_the_slope_is_the_left_one(activation, left, isa, dtype):
    np.testing.assert_allclose(
        slope(np.zeros(3, dtype), activation, isa), left, rtol=1e-6
    )
