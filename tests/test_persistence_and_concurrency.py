"""Copies, pickles, threads and interrupts: nothing is lost, shared or left half done.

What is compared here is compared bit for bit.
"""

import copy
import io
import json
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
import pytest
import threadpoolctl
from scipy import sparse
from sklearn.base import BaseEstimator, clone
from sklearn.datasets import load_diabetes, load_digits, load_iris
from sklearn.model_selection import GridSearchCV, cross_val_predict
from sklearn.preprocessing import StandardScaler, scale

from caviar import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings(
    "default", "ignore::sklearn.exceptions.ConvergenceWarning"
)

CLASSES = [MLPClassifier, MLPRegressor]
STOCHASTIC = ["sgd", "adam", "rmsprop", "adagrad", "adamw", "nadam"]
SOLVERS = ["lbfgs", *STOCHASTIC]


def small(cls, **params):
    """Return a small network with everything that keeps state switched on."""
    defaults = dict(
        hidden_layer_sizes=(12, 7),
        batch_norm=True,
        batch_size=32,
        learning_rate_init=0.01,
        max_iter=6,
        random_state=0,
    )
    return cls(**defaults | params)


@pytest.fixture(scope="module")
def iris():
    X, y = load_iris(return_X_y=True)
    return StandardScaler().fit_transform(X), y


def state(estimator):
    """Return everything that was learned as a list of bytes, to compare bit for bit."""
    arrays = [estimator.params_, estimator.stats_]
    arrays += estimator.coefs_ + estimator.intercepts_
    scalars = [estimator.n_iter_, estimator.t_, estimator.loss_]
    curve = getattr(estimator, "loss_curve_", None)
    scores = getattr(estimator, "validation_scores_", None)
    return [array.tobytes() for array in arrays] + [repr((scalars, curve, scores))]


# -- pickle, joblib, copy, clone -------------------------------------------------------


def through_pickle(estimator):
    return pickle.loads(pickle.dumps(estimator))


def through_joblib(estimator):
    buffer = io.BytesIO()
    joblib.dump(estimator, buffer)
    buffer.seek(0)
    return joblib.load(buffer)


COPIES = [through_pickle, through_joblib, copy.deepcopy]


@pytest.mark.parametrize("duplicate", COPIES)
@pytest.mark.parametrize("batch_norm", [False, True, "post"])
@pytest.mark.parametrize("cls", CLASSES)
def test_a_copy_predicts_the_same_bits(cls, batch_norm, duplicate, iris):
    X, y = iris
    fitted = small(cls, batch_norm=batch_norm).fit(X, y)
    again = duplicate(fitted)
    assert state(again) == state(fitted)
    assert again.predict(X).tobytes() == fitted.predict(X).tobytes()
    if cls is MLPClassifier:
        expected = fitted.predict_proba(X).tobytes()
        assert again.predict_proba(X).tobytes() == expected


@pytest.mark.parametrize("duplicate", COPIES)
@pytest.mark.parametrize("solver", STOCHASTIC)
def test_a_copy_continues_partial_fit_with_the_same_bits(solver, duplicate, iris):
    X, y = iris
    fitted = small(MLPClassifier, solver=solver)
    for _ in range(3):
        fitted.partial_fit(X, y, classes=[0, 1, 2])
    again = duplicate(fitted)
    for _ in range(3):
        fitted.partial_fit(X, y)
        again.partial_fit(X, y)
    assert state(again) == state(fitted)


@pytest.mark.parametrize("duplicate", COPIES)
@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("solver", SOLVERS)
def test_a_copy_continues_a_warm_start_with_the_same_bits(
    solver, early_stopping, duplicate, iris
):
    X, y = iris
    fitted = small(
        MLPClassifier, solver=solver, warm_start=True, early_stopping=early_stopping
    )
    fitted.fit(X, y)
    again = duplicate(fitted)
    fitted.fit(X, y)
    again.fit(X, y)
    assert state(again) == state(fitted)


def test_training_a_copy_leaves_the_original_alone(iris):
    X, y = iris
    fitted = small(MLPClassifier).fit(X, y)
    before = state(fitted)
    for duplicate in COPIES:
        duplicate(fitted).partial_fit(X, y)
    assert state(fitted) == before


@pytest.mark.parametrize("cls", CLASSES)
def test_a_clone_is_unfitted_and_refits_to_the_same_bits(cls, iris):
    X, y = iris
    fitted = small(cls, solver="adamw", weight_decay=0.1).fit(X, y)
    again = clone(fitted)
    assert again.get_params() == fitted.get_params()
    assert not hasattr(again, "coefs_")
    assert state(again.fit(X, y)) == state(fitted)


def test_a_pickle_of_another_process_predicts_the_same_bits(iris, tmp_path):
    X, y = iris
    fitted = small(MLPClassifier).fit(X, y)
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(fitted))
    np.save(tmp_path / "X.npy", X)
    code = (
        "import pickle, numpy as np\n"
        "model = pickle.load(open('model.pkl', 'rb'))\n"
        "np.save('proba.npy', model.predict_proba(np.load('X.npy')))\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, timeout=120)
    proba = np.load(tmp_path / "proba.npy")
    assert proba.tobytes() == fitted.predict_proba(X).tobytes()


# How many numbers per parameter each solver must remember to go on.
SLOTS = {
    "lbfgs": 0,
    "sgd": 1,
    "adam": 2,
    "rmsprop": 1,
    "adagrad": 1,
    "adamw": 2,
    "nadam": 2,
}


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("solver", SOLVERS)
def test_a_pickle_holds_each_number_once(solver, early_stopping):
    """Parameters, statistics and slots; no folded weights, gradients or activations."""
    X, y = load_digits(return_X_y=True)
    fitted = MLPClassifier(
        (200, 100),
        solver=solver,
        batch_norm=True,
        early_stopping=early_stopping,
        max_iter=2,
        random_state=0,
    ).fit(X[:500], y[:500])
    fitted.predict(X)
    n_numbers = fitted.params_.size * (1 + SLOTS[solver]) + fitted.stats_.size
    assert fitted.params_.size > 30_000
    assert len(pickle.dumps(fitted)) <= 8 * n_numbers + 20_000


def allowed_value(value):
    """Tell whether a value is plain data or scikit-learn's, looking inside it."""
    if isinstance(value, (list, tuple)):
        return all(allowed_value(item) for item in value)
    if isinstance(value, dict):
        return all(allowed_value(item) for item in [*value.keys(), *value.values()])
    if isinstance(value, BaseEstimator):
        return type(value).__module__.startswith("sklearn.") and allowed_value(
            vars(value)
        )
    if type(value) is np.ndarray:
        return value.dtype != object or all(map(allowed_value, value.ravel()))
    return value is None or isinstance(value, (bool, int, float, str, np.generic))


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("random_state", [0, None])
@pytest.mark.parametrize("cls", CLASSES)
def test_a_fitted_estimator_holds_plain_data_and_scikit_learn_objects_only(
    cls, random_state, solver, iris
):
    X, y = iris
    fitted = small(cls, solver=solver, random_state=random_state, early_stopping=True)
    fitted.fit(X, y)
    fitted.predict(X)
    kinds = {name: type(v) for name, v in vars(fitted).items() if not allowed_value(v)}
    assert kinds == {}


# -- independence of n_jobs, of the backend and of other fits --------------------------


def search_result(iris, n_jobs, backend):
    X, y = iris
    search = GridSearchCV(
        small(MLPClassifier),
        {"batch_norm": [False, True], "solver": ["adam", "sgd"]},
        cv=3,
        n_jobs=n_jobs,
    )
    with joblib.parallel_backend(backend):
        search.fit(X, y)
    scores = [search.cv_results_[f"split{k}_test_score"].tobytes() for k in range(3)]
    return scores, state(search.best_estimator_)


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_a_search_does_not_depend_on_n_jobs_or_backend(backend, iris):
    serial = search_result(iris, 1, "sequential")
    assert search_result(iris, 2, backend) == serial
    assert search_result(iris, 4, backend) == serial


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_cross_val_predict_does_not_depend_on_n_jobs_or_backend(backend, iris):
    X, y = iris
    y = y + 0.25

    def predict(n_jobs):
        model = small(MLPRegressor, solver="lbfgs")
        return cross_val_predict(model, X, y, cv=6, n_jobs=n_jobs).tobytes()

    serial = predict(1)
    with joblib.parallel_backend(backend):
        assert predict(2) == serial


def many_different_fits():
    """Return 50 (estimator, X, y): both classes, every solver, sizes to feed BLAS."""
    digits, labels = load_digits(return_X_y=True)
    diabetes, target = load_diabetes(return_X_y=True)
    target = scale(target)
    fits = []
    for k in range(50):
        cls = CLASSES[k % 2]
        X, y = (digits[:300] / 16, labels[:300]) if k % 2 == 0 else (diabetes, target)
        if k % 7 == 0:
            X = sparse.csr_array(X)
        elif k % 5 == 0:
            X = X.astype(np.float32)
        estimator = small(
            cls,
            solver=SOLVERS[k % len(SOLVERS)],
            batch_norm=[False, True, "post"][k % 3],
            hidden_layer_sizes=[(12, 7), (128,), (64, 64)][k // 2 % 3],
            batch_size=[32, 64, "full"][k // 3 % 3],
            early_stopping=k % 4 == 0,
            max_iter=3,
            random_state=k,
        )
        fits.append((estimator, X, y))
    return fits


def fit_and_state(job):
    estimator, X, y = job
    fitted = clone(estimator).fit(X, y)
    return [*state(fitted), fitted.predict(X).tobytes()]


def test_8_threads_of_50_fits_each_give_the_bits_of_serial_fits():
    jobs = many_different_fits()
    serial = [fit_and_state(job) for job in jobs]

    def run(thread):
        order = np.random.RandomState(thread).permutation(len(jobs)).tolist()
        return [k for k in order if fit_and_state(jobs[k]) != serial[k]]

    with ThreadPoolExecutor(8) as pool:
        different = list(pool.map(run, range(8)))
    assert different == [[]] * 8


def blas_threads_of_scipy():
    """Return the number of threads of each BLAS library that came with scipy."""
    return [
        library["num_threads"]
        for library in threadpoolctl.threadpool_info()
        if library["user_api"] == "blas" and "scipy.libs" in library["filepath"]
    ]


class WatchfulRandomState(np.random.RandomState):
    """Looks at BLAS whenever a fit shuffles, that is once per epoch."""

    def __init__(self):
        super().__init__(0)
        self.seen = []

    def shuffle(self, x):
        self.seen += blas_threads_of_scipy()
        super().shuffle(x)


@pytest.mark.skipif(
    not blas_threads_of_scipy(), reason="scipy brought no BLAS that can be limited"
)
@pytest.mark.parametrize("n_threads", [1, 8])
def test_fits_of_any_thread_use_one_blas_thread_and_give_the_others_back(
    n_threads, iris
):
    """Also when the first fit, and so the first limit, was made by another thread."""
    small(MLPClassifier).fit(*iris)
    before = blas_threads_of_scipy()

    def fit(_):
        watching = WatchfulRandomState()
        small(MLPClassifier, random_state=watching).fit(*iris)
        return watching.seen

    with ThreadPoolExecutor(n_threads) as pool:
        seen = list(pool.map(fit, range(40)))
    assert {count for counts in seen for count in counts} == {1}
    assert blas_threads_of_scipy() == before


def test_threads_predicting_with_one_estimator_get_the_bits_of_one_thread():
    X, y = load_digits(return_X_y=True)
    fitted = small(MLPClassifier, hidden_layer_sizes=(64, 64)).fit(X, y)
    expected = fitted.predict_proba(X).tobytes()
    with ThreadPoolExecutor(8) as pool:
        results = pool.map(lambda _: fitted.predict_proba(X).tobytes(), range(64))
    assert set(results) == {expected}


def test_a_fit_leaves_the_global_random_state_and_error_state_alone(iris):
    X, y = iris
    np.random.seed(7)
    before, errors = np.random.get_state()[1].tobytes(), np.geterr()
    small(MLPClassifier, random_state=3).fit(X, y).predict(X)
    assert np.random.get_state()[1].tobytes() == before
    assert np.geterr() == errors


# -- Ctrl-C ----------------------------------------------------------------------------

# An epoch over these rows takes seconds, so an interrupt comes in the middle of one.
LONG = dict(
    hidden_layer_sizes=(512, 512), batch_size=200, max_iter=10_000, random_state=0
)
PATIENCE = 5.0  # seconds; the design promises 0.2, a loaded machine may need more


def interrupt_after(seconds, function):
    """Send SIGINT to this process while function runs; return how long it took to end.

    The signal is raised in another thread, its Python handler runs in this one.
    """
    sent = []

    def send():
        sent.append(time.perf_counter())
        signal.raise_signal(signal.SIGINT)

    timer = threading.Timer(seconds, send)
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            function()
            time.sleep(60)  # a swallowed interrupt would not end this either
        return time.perf_counter() - sent[0]
    finally:
        timer.cancel()


needs_main_thread = pytest.mark.skipif(
    threading.current_thread() is not threading.main_thread()
    or signal.getsignal(signal.SIGINT) is not signal.default_int_handler,
    reason="SIGINT is delivered to the main thread's default handler only",
)


def assert_whole(estimator, X):
    """Check that every weight is there and finite and that predict works."""
    arrays = [estimator.params_, estimator.stats_]
    arrays += estimator.coefs_ + estimator.intercepts_
    assert all(np.isfinite(array).all() for array in arrays)
    assert np.isfinite(estimator.loss_curve_).all()
    assert len(estimator.loss_curve_) == estimator.n_iter_
    assert len(estimator.predict(X[:5])) == 5


@needs_main_thread
@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_interrupt_is_noticed_within_an_epoch_and_leaves_a_fitted_estimator(
    solver, early_stopping
):
    rng = np.random.RandomState(0)
    X = rng.rand(40_000, 200)
    y = (X[:, 0] > 0.5).astype(int)
    estimator = MLPClassifier(
        solver=solver, batch_norm=True, early_stopping=early_stopping, **LONG
    )
    assert interrupt_after(1.0, lambda: estimator.fit(X, y)) < PATIENCE
    assert_whole(estimator, X)
    # It can go on from there.
    estimator.set_params(max_iter=1, warm_start=True).fit(X[:1000], y[:1000])
    assert_whole(estimator, X)


@needs_main_thread
def test_interrupt_of_partial_fit_leaves_a_fitted_estimator():
    rng = np.random.RandomState(0)
    X = rng.rand(40_000, 200)
    y = X[:, 0]
    estimator = MLPRegressor(**LONG).partial_fit(X[:1000], y[:1000])

    def run():
        while True:
            estimator.partial_fit(X, y)

    assert interrupt_after(0.5, run) < PATIENCE
    arrays = [estimator.params_, *estimator.coefs_, *estimator.intercepts_]
    assert all(np.isfinite(array).all() for array in arrays)
    assert np.isfinite(estimator.predict(X[:5])).all()


@needs_main_thread
def test_interrupt_of_lbfgs_leaves_a_fitted_estimator():
    X, y = load_digits(return_X_y=True)
    X, y = np.tile(X, (20, 1)), np.tile(y, 20)
    estimator = MLPClassifier(
        (256, 256), solver="lbfgs", tol=0, max_iter=10_000, random_state=0
    )
    assert interrupt_after(1.0, lambda: estimator.fit(X, y)) < PATIENCE
    assert all(np.isfinite(w).all() for w in estimator.coefs_ + estimator.intercepts_)
    assert len(estimator.predict(X[:5])) == 5


@needs_main_thread
def test_interrupt_stops_a_search():
    rng = np.random.RandomState(0)
    X, y = rng.rand(20_000, 100), rng.rand(20_000)
    search = GridSearchCV(MLPRegressor(**LONG), {"alpha": [0.1, 0.2, 0.3]}, cv=3)
    assert interrupt_after(1.0, lambda: search.fit(X, y)) < PATIENCE
    assert not hasattr(search, "cv_results_")


@pytest.mark.skipif(os.name == "nt", reason="SIGINT cannot be sent to one process")
def test_ctrl_c_from_outside_ends_a_script():
    code = """
import json, signal, sys
import numpy as np
from caviar import MLPRegressor
signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs ignore it
X = np.random.RandomState(0).rand(40_000, 200)
model = MLPRegressor(hidden_layer_sizes=(512, 512), max_iter=10_000)
print("ready", flush=True)
try:
    model.fit(X, X[:, 0])
except KeyboardInterrupt:
    print(json.dumps([bool(np.isfinite(w).all()) for w in model.coefs_]), flush=True)
    sys.exit(42)
"""
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout.readline() == "ready\n"
        time.sleep(1.0)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 42
    assert json.loads(out) == [True, True, True]


# -- layouts and dtypes of the input ---------------------------------------------------


def read_only(X, tmp_path):
    X = X.copy()
    X.flags.writeable = False
    return X


def memory_mapped(X, tmp_path):
    np.save(tmp_path / "X.npy", X)
    return np.load(tmp_path / "X.npy", mmap_mode="r")


def strided(X, tmp_path):
    wide = np.full((2 * X.shape[0], 3 * X.shape[1]), np.nan)
    wide[::2, ::3] = X
    return wide[::2, ::3]


def reversed_rows_twice(X, tmp_path):
    return X[::-1].copy()[::-1]


def fortran_ordered(X, tmp_path):
    return np.asfortranarray(X)


def big_endian(X, tmp_path):
    return X.astype(">f8")


def integer(X, tmp_path):
    return X.astype(np.int64)


def small_integer(X, tmp_path):
    return X.astype(np.uint8)


def nested_lists(X, tmp_path):
    return X.tolist()


def dataframe(X, tmp_path):
    return pytest.importorskip("pandas").DataFrame(X)


LAYOUTS = [
    read_only,
    memory_mapped,
    strided,
    reversed_rows_twice,
    fortran_ordered,
    big_endian,
    integer,
    small_integer,
    nested_lists,
    dataframe,
]
SPARSE = [sparse.csr_array, sparse.csc_array, sparse.csr_matrix, sparse.csc_matrix]


@pytest.fixture(scope="module")
def integers():
    """Return digits: whole numbers, so that every dtype holds the same values."""
    return load_digits(return_X_y=True)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("cls", CLASSES)
def test_predict_does_not_depend_on_the_layout_of_the_input(
    cls, layout, integers, tmp_path
):
    X, y = integers
    fitted = small(cls).fit(X, y)
    method = "predict_proba" if cls is MLPClassifier else "predict"
    expected = getattr(fitted, method)(X)
    same = layout(X, tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        got = getattr(fitted, method)(same)
    assert got.dtype == np.float64
    assert got.tobytes() == expected.tobytes()


@pytest.mark.parametrize("container", SPARSE)
@pytest.mark.parametrize("cls", CLASSES)
def test_predict_on_sparse_input_equals_dense(cls, container, integers):
    X, y = integers
    fitted = small(cls).fit(X, y)
    method = "predict_proba" if cls is MLPClassifier else "predict"
    got = getattr(fitted, method)(container(X))
    np.testing.assert_allclose(got, getattr(fitted, method)(X), rtol=1e-11, atol=1e-14)


def test_predict_returns_the_dtype_of_the_network(integers):
    X, y = integers
    X32 = X.astype(np.float32)
    double, single = small(MLPRegressor).fit(X, y), small(MLPRegressor).fit(X32, y)
    assert double.predict(X32).dtype == np.float64
    assert double.predict(X32).tobytes() == double.predict(X).tobytes()
    assert single.predict(X).dtype == np.float32
    assert single.predict(X).tobytes() == single.predict(X32).tobytes()
    forced = small(MLPRegressor, dtype="float32").fit(X, y)
    assert forced.predict(X).dtype == forced.params_.dtype == np.float32


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("make_sparse", [False, True])
def test_predict_of_many_rows_equals_predict_of_pieces(dtype, make_sparse):
    """Also over the border of the chunks in which predict works."""
    rng = np.random.RandomState(0)
    X, y = rng.rand(20_011, 8), rng.rand(20_011)
    fitted = small(MLPRegressor, dtype=dtype, max_iter=1).fit(X[:500], y[:500])
    if make_sparse:
        X = sparse.csr_array(np.where(X > 0.5, X, 0))
    whole = fitted.predict(X)
    pieces = [slice(0, 1), slice(1, 4000), slice(4000, 4003), slice(4003, 20_011)]
    rtol = 1e-5 if dtype == "float32" else 1e-12
    np.testing.assert_allclose(
        np.concatenate([fitted.predict(X[rows]) for rows in pieces]), whole, rtol=rtol
    )


def test_predict_does_not_write_to_its_input(integers):
    X, y = integers
    fitted = small(MLPClassifier).fit(X, y)
    for same in (X.copy(), np.asfortranarray(X), X.astype(np.float32)):
        before = same.copy()
        fitted.predict_proba(same)
        np.testing.assert_array_equal(same, before)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_fit_does_not_depend_on_the_layout_of_the_input(
    layout, solver, integers, tmp_path
):
    X, y = integers[0][:200], integers[1][:200]
    expected = small(MLPClassifier, solver=solver).fit(X, y)
    got = small(MLPClassifier, solver=solver).fit(layout(X, tmp_path), y)
    assert state(got) == state(expected)


def test_fit_does_not_depend_on_the_layout_of_y_and_sample_weight(integers):
    X, y = integers[0][:200], integers[1][:200]
    weight = np.random.RandomState(0).rand(200)
    expected = state(small(MLPClassifier).fit(X, y, sample_weight=weight))

    def layouts(values):
        wide = np.repeat(values, 3)
        frozen = values.copy()
        frozen.flags.writeable = False
        return wide[::3], frozen, values.tolist(), values[::-1].copy()[::-1]

    for same_y, same_weight in zip(layouts(y), layouts(weight), strict=True):
        got = small(MLPClassifier).fit(X, same_y, sample_weight=same_weight)
        assert state(got) == expected


@pytest.mark.parametrize("container", SPARSE)
def test_fit_on_sparse_input_equals_dense(container, integers):
    X, y = integers[0][:200], integers[1][:200]
    dense = small(MLPClassifier).fit(X, y)
    from_sparse = small(MLPClassifier).fit(container(X), y)
    np.testing.assert_allclose(from_sparse.loss_curve_, dense.loss_curve_, rtol=1e-9)
    np.testing.assert_allclose(
        from_sparse.predict_proba(X), dense.predict_proba(X), rtol=1e-7
    )


def test_sparse_input_with_64_bit_or_unsorted_indices_equals_sorted_32_bit(integers):
    X, y = integers[0][:200], integers[1][:200]
    plain = sparse.csr_array(X)
    wide = plain.copy()
    wide.indices = wide.indices.astype(np.int64)
    wide.indptr = wide.indptr.astype(np.int64)
    shuffled = plain.copy()
    for row in range(X.shape[0]):
        entries = slice(*shuffled.indptr[row : row + 2])
        shuffled.indices[entries] = shuffled.indices[entries][::-1].copy()
        shuffled.data[entries] = shuffled.data[entries][::-1].copy()
    shuffled.has_sorted_indices = False
    expected = small(MLPClassifier).fit(plain, y)
    for same in (wide, shuffled):
        got = small(MLPClassifier).fit(same, y)
        np.testing.assert_allclose(got.loss_curve_, expected.loss_curve_, rtol=1e-9)
        np.testing.assert_allclose(
            expected.predict_proba(same), expected.predict_proba(X), rtol=1e-9
        )
