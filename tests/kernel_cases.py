"""What the tests of kernels share: every instruction set x dtype, awkward arrays, bounds.

Sizes are odd, so that every loop has a tail, and arrays start one element past an aligned
address. Bounds are in units of the dtype's resolution, with room for the sums involved.
"""

import numpy as np
import pytest

from caviar import _kernels

ISAS = _kernels.AVAILABLE_ISAS
DTYPES = [np.float32, np.float64]
every_kernel = pytest.mark.parametrize(
    "isa, dtype",
    [
        pytest.param(isa, dtype, id=f"{isa}-{np.dtype(dtype).name}")
        for isa in ISAS
        for dtype in DTYPES
    ],
)
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
