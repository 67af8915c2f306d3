"""Several threads in one fit (``n_jobs``): the same bits, none left behind."""

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import ExitStack

import joblib
import numpy as np
import pytest

from caviar import MLPClassifier, MLPRegressor, _layout, _network
from caviar._blas_threads import single_blas_thread

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
RNG = np.random.RandomState(0)
# The least that is shared out: products of 0.8 billion operations.
X = RNG.standard_normal((1100, 800)).astype(np.float32)
Y = RNG.randint(0, 3, 1100)
LARGE = dict(hidden_layer_sizes=(1024, 520), batch_size=512, random_state=0, max_iter=2)


def state(estimator):
    return estimator.params_.tobytes(), estimator.stats_.tobytes(), estimator.loss_


@pytest.mark.parametrize("batch_norm", [False, True, "post"])
@pytest.mark.parametrize("solver", ["adam", "sgd", "adagrad"])
def test_any_number_of_threads_gives_the_same_bits(solver, batch_norm):
    options = dict(LARGE, solver=solver, batch_norm=batch_norm, max_iter=1)
    alone = state(MLPClassifier(**options).fit(X, Y))
    for n_jobs in (2, 3, -1):
        assert state(MLPClassifier(n_jobs=n_jobs, **options).fit(X, Y)) == alone


def test_lbfgs_in_threads_gives_the_same_bits():
    options = dict(LARGE, solver="lbfgs", batch_norm=True)
    alone = state(MLPRegressor(**options).fit(X, Y))
    assert state(MLPRegressor(n_jobs=2, **options).fit(X, Y)) == alone


def test_partial_fit_in_threads_goes_on_with_the_same_bits():
    one, two = MLPClassifier(**LARGE), MLPClassifier(**LARGE, n_jobs=2)
    for _ in range(2):
        for clf in (one, two):
            clf.partial_fit(X, Y, classes=[0, 1, 2])
    assert state(one) == state(two)


def count_threads():
    """A random state, and the number of threads alive at each of its shuffles."""
    seen = []

    class Watching(np.random.RandomState):
        def shuffle(self, x):
            seen.append(threading.active_count())
            super().shuffle(x)

    return Watching(0), seen


def test_threads_live_for_the_fit_alone_and_only_where_there_is_work():
    before = threading.active_count()
    watching, seen = count_threads()
    MLPClassifier(**dict(LARGE, random_state=watching), n_jobs=3).fit(X, Y)
    assert set(seen) == {before + 2}
    assert threading.active_count() == before
    seen.clear()
    MLPClassifier((32,), random_state=watching, n_jobs=3, max_iter=3).fit(X, Y)
    assert set(seen) == {before}


def test_none_means_one_thread_unless_joblib_is_told_otherwise():
    before = threading.active_count()
    watching, seen = count_threads()
    clf = MLPClassifier(**dict(LARGE, random_state=watching, max_iter=1))
    clf.fit(X, Y)
    with joblib.parallel_config("threading", n_jobs=2):
        clf.fit(X, Y)
    assert seen == [before, before + 1]


def test_a_fit_that_fails_leaves_no_thread():
    before = threading.active_count()
    options = dict(LARGE, solver="sgd", learning_rate_init=1e30, activation="identity")
    with pytest.raises(ValueError, match="non-finite"):
        MLPRegressor(n_jobs=2, **options).fit(X * 1e6, Y)
    assert threading.active_count() == before


def test_which_networks_are_shared_out():
    def shares(*units, rows):
        plan = _layout.make_plan(units, True, batch=_layout.BatchPlan(rows))
        return _network.has_tiles_to_share(plan)

    assert shares(784, 1024, 1024, 1024, 10, rows=512)
    assert not shares(784, 256, 256, 10, rows=256)
    assert not shares(64, 64, 10, rows=32)
    assert shares(100, 100, 10, rows=10**6)


SCRIPT = """
import os, signal, sys, threading, warnings
import numpy as np
from caviar import MLPClassifier
signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs ignore it
warnings.simplefilter("ignore")
rng = np.random.RandomState(0)
X, y = rng.standard_normal((2048, 800)), rng.randint(0, 3, 2048)
clf = MLPClassifier((1024, 1024), batch_size=512, n_jobs=2, max_iter=1000, tol=0)
"""


def run(code, **options):
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT + code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def finish(process, timeout):
    """What the process printed; one that hangs is ended, and is a failure."""
    try:
        return process.communicate(timeout=timeout)
    finally:
        process.kill()


@pytest.mark.skipif(os.name == "nt", reason="sends SIGINT to a process")
def test_ctrl_c_in_a_fit_of_several_threads_keeps_whole_weights():
    code = """
print("ready", flush=True)
try:
    clf.fit(X, y)
except KeyboardInterrupt:
    print(np.isfinite(clf.params_).all(), threading.active_count(), flush=True)
"""
    with run(code) as process:
        assert process.stdout.readline() == "ready\n"
        time.sleep(1.5)
        process.send_signal(signal.SIGINT)
        out, err = finish(process, timeout=60)
    assert out == "True 1\n", err


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_child_forked_after_a_fit_fits_with_threads_of_its_own():
    code = """
clf.set_params(max_iter=1, random_state=0).fit(X, y)
params = clf.params_.tobytes()
pid = os.fork()
same = clf.fit(X, y).params_.tobytes() == params
if pid == 0:
    os._exit(0 if same else 1)
print(os.waitpid(pid, 0)[1], same)
"""
    with run(code) as process:
        out, err = finish(process, timeout=120)
    assert out == "0 True\n", err


def test_the_interpreter_exits_in_the_middle_of_a_fit_of_another_thread():
    code = """
threading.Thread(target=clf.fit, args=(X, y), daemon=True).start()
import time; time.sleep(1)
print("leaving", flush=True)
"""
    with run(code) as process:
        out, _ = finish(process, timeout=60)
    assert out == "leaving\n"


def test_a_fit_takes_no_more_threads_than_others_leave_cores(monkeypatch):
    monkeypatch.setattr(joblib, "cpu_count", lambda: 3)
    before = threading.active_count()
    for n_others, n_helpers in ((0, 3), (1, 1), (2, 0), (7, 0)):
        watching, seen = count_threads()
        with ExitStack() as others:
            for _ in range(n_others):
                others.enter_context(single_blas_thread)
            clf = MLPClassifier(**dict(LARGE, random_state=watching), n_jobs=4)
            clf.fit(X, Y)
        assert set(seen) == {before + n_helpers}
