"""Fixtures shared by the whole suite."""

import pytest


@pytest.fixture
def global_random_seed():
    """Return the seed that scikit-learn's own tests use unless told otherwise."""
    return 42


def pytest_configure(config):
    """Register the mark of scikit-learn's own tests, which some files here execute."""
    config.addinivalue_line("markers", "thread_unsafe: a mark of scikit-learn's tests")
