"""Denormal numbers are flushed to zero while a network computes, and only then."""

import signal

import numpy as np
import pytest
from sklearn.datasets import load_digits

from caviar import MLPClassifier

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
X, y = load_digits(return_X_y=True)
SMALLEST = {"float32": np.float32(1e-45), "float64": np.float64(5e-324)}


def denormals_live():
    """Whether arithmetic of this thread keeps them."""
    return all(tiny * tiny.dtype.type(1) > 0 for tiny in SMALLEST.values())


def is_denormal(array):
    return (array != 0) & (np.abs(array) < np.finfo(array.dtype).tiny)


def decayed(dtype, **params):
    """A network after one epoch, its weights and moments then faded to denormals."""
    mlp = MLPClassifier((16,), dtype=dtype, batch_norm=True, random_state=0, **params)
    mlp.partial_fit(X, y, classes=range(10))
    tiny = SMALLEST[dtype] * 1000
    mlp.params_ = np.full_like(mlp.params_, tiny)
    mlp._optimizer["slots"][:] = tiny
    mlp.coefs_ = [np.full_like(w, tiny) for w in mlp.coefs_]
    return mlp


@pytest.mark.parametrize("solver", ["adam", "sgd", "rmsprop", "adagrad"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_an_epoch_leaves_no_denormal_behind(dtype, solver):
    mlp = decayed(dtype, solver=solver, alpha=0.0)
    assert is_denormal(mlp.params_).all()
    mlp.partial_fit(np.zeros_like(X), y)
    assert not is_denormal(mlp.params_).any()
    slots, n_params = mlp._optimizer["slots"], mlp.params_.size
    slots = slots.reshape(slots.size // n_params, -1)  # each of them padded at its end
    assert not is_denormal(slots[:, :n_params]).any()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_mode_of_the_thread_is_as_before_after_each_call(dtype):
    mlp = decayed(dtype, max_iter=2)
    for call in (
        lambda: mlp.partial_fit(X, y),
        lambda: mlp.predict_proba(X),
        lambda: mlp.set_params(n_jobs=2).fit(X, y),
        lambda: mlp.set_params(solver="lbfgs").fit(X, y),
    ):
        call()
        assert denormals_live()


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timer signals here")
def test_a_signal_handler_runs_in_the_mode_of_the_caller_and_may_raise():
    X = np.ones((4000, 400))
    y = np.arange(4000) % 2
    seen = []

    def handler(number, frame):
        seen.append(denormals_live())
        if len(seen) == 2:
            raise InterruptedError("enough")
        signal.setitimer(signal.ITIMER_REAL, 0.05)

    before = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    try:
        mlp = MLPClassifier((400, 400), max_iter=10_000, n_iter_no_change=10_000)
        with pytest.raises(InterruptedError):
            mlp.fit(X, y)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert seen == [True, True]
    assert denormals_live()
