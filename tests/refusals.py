"""Helpers for tests of errors: an error is one clear message and leaves no trace."""

import re
import warnings

import numpy as np
import pytest

NON_FINITE_WEIGHTS = re.escape(
    "Solver produced non-finite parameter weights. The input data may contain large"
    " values and need to be preprocessed."
)


def small(cls, **params):
    return cls(**dict(hidden_layer_sizes=(5,), max_iter=3, random_state=0) | params)


def snapshot(estimator):
    """Return every attribute by identity, and arrays and lists also by value."""

    def value(attribute):
        if isinstance(attribute, np.ndarray):
            return attribute.dtype, attribute.shape, attribute.tobytes()
        if isinstance(attribute, (list, tuple)):
            return [value(item) for item in attribute]
        if isinstance(attribute, dict):
            return {key: value(item) for key, item in attribute.items()}
        return repr(attribute)

    return {name: (id(v), value(v)) for name, v in vars(estimator).items()}


def assert_refused(estimator, X, y, match, error=ValueError, method="fit", **kwargs):
    """Check the error, that it left no trace, and that no warning came before it."""
    before = snapshot(estimator)
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        with pytest.raises(error, match=match):
            getattr(estimator, method)(X, y, **kwargs)
    assert snapshot(estimator) == before
