"""Comparison of plain data to the last bit."""

import struct

import numpy as np


def assert_same(one, other):
    """Equal in types and bits, all the way down."""
    assert type(one) is type(other)
    if isinstance(one, dict):
        assert len(one) == len(other)
        for pair, other_pair in zip(one.items(), other.items(), strict=True):
            assert_same(pair, other_pair)
    elif isinstance(one, list | tuple):
        assert len(one) == len(other)
        for entry, other_entry in zip(one, other, strict=True):
            assert_same(entry, other_entry)
    elif isinstance(one, np.ndarray):
        assert (one.shape, one.dtype) == (other.shape, other.dtype)
        if one.dtype == object:
            assert_same(list(one.flat), list(other.flat))
        else:
            assert one.tobytes() == other.tobytes()
    elif isinstance(one, np.str_):
        assert str(one) == str(other)
    elif isinstance(one, np.generic):
        assert one.dtype == other.dtype
        assert one.tobytes() == other.tobytes()
    elif isinstance(one, float):
        assert struct.pack("d", one) == struct.pack("d", other)
    else:
        assert one == other
