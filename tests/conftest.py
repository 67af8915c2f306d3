"""Fixtures shared by the whole suite."""

import pytest


@pytest.fixture
def global_random_seed():
    """Return the seed that scikit-learn's own tests use unless told otherwise."""
    return 42
