"""`Checkpoint`: a fit is on the disk, and goes on from there with the same bits."""

import importlib.util
import os
import pickle
import shutil
import signal
import warnings
from pathlib import Path

import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import caviar
from caviar import MLPClassifier, TrainingSession, callbacks
from caviar._state import Course
from caviar.callbacks import Checkpoint, CheckpointWarning
from caviar.distributions import LogUniform
from caviar.model_selection import HyperbandSearchCV
from same_bits import assert_same
from searches_to_kill import full_disk
from sessions import configurations, outcome

needs_callbacks = pytest.mark.skipif(
    importlib.util.find_spec("sklearn.callback") is None,
    reason="callbacks came with scikit-learn 1.9",
)
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
FITS = [name for name, one in configurations().items() if not one.changes]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.caviar"


@pytest.fixture(scope="module")
def digits():
    configuration = configurations()["adam"]
    return configuration.X, configuration.y


def network(**params):
    defaults = {"batch_size": 40, "max_iter": 7, "random_state": 0}
    return MLPClassifier((14, 9), **defaults | params)


class Copying(Checkpoint):
    """Keeps a copy of the file at each boundary of epochs, and when it was written."""

    def __init__(self, path, every=1):
        super().__init__(path, every)
        self.copies, self.written = [], []

    def on_epoch_end(self, estimator, training):
        before = stamp(self.path)
        super().on_epoch_end(estimator, training)
        if stamp(self.path) != before:
            self.written.append(training.record.n_iter)
            self.copies.append(
                shutil.copy(self.path, f"{self.path}.{len(self.copies)}")
            )


class Hook:
    """Calls a function after a number of epochs."""

    def __init__(self, epoch, function):
        self.epoch, self.function = epoch, function

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context):
        if context.max_subtasks == 0 and context.task_id == self.epoch - 1:
            return self.function()
        return False


def stamp(path):
    """Something that is another after each writing."""
    found = os.stat(path) if os.path.exists(path) else None
    return found and (found.st_ino, found.st_mtime_ns)


def raising(error):
    def function():
        raise error

    return function


def same_as_fit(estimator, other, X):
    assert_same(outcome(estimator, X), outcome(other, X))


# What is written


@needs_callbacks
@pytest.mark.parametrize("name", FITS)
def test_every_epoch_of_any_fit_can_be_gone_on_with_to_the_same_bits(name, path):
    configuration = configurations()[name]
    plain = configuration.fit()
    checkpoint = Copying(path)
    watched = clone(configuration.estimator).set_callbacks(checkpoint)
    watched.fit(configuration.X, configuration.y, **configuration.more)
    same_as_fit(watched, plain, configuration.X)
    assert checkpoint.written == list(range(1, plain.n_iter_ + 1))
    for number, copy in enumerate(checkpoint.copies, 1):
        session = configuration.load(copy)
        assert session.n_epochs == number
        same_as_fit(session.run().estimator, plain, configuration.X)


@needs_callbacks
@pytest.mark.parametrize("every, written", [(1, range(1, 8)), (3, [3, 6]), (9, [])])
def test_it_is_written_every_so_many_epochs_and_at_the_end(
    path, digits, every, written
):
    checkpoint = Copying(path, every=every)
    plain = network().fit(*digits)
    network().set_callbacks(checkpoint).fit(*digits)
    assert checkpoint.written == list(written)
    session = TrainingSession.load(path, *digits)
    assert session.n_epochs == 7
    same_as_fit(session.estimator, plain, digits[0])
    same_as_fit(session.run().estimator, plain, digits[0])
    assert os.listdir(path.parent).count("run.caviar") == 1
    assert not [name for name in os.listdir(path.parent) if name.endswith(".tmp")]


@needs_callbacks
def test_a_fit_that_a_rule_stopped_stays_stopped(path, digits):
    estimator = network(tol=0.5, n_iter_no_change=2, max_iter=50)
    plain = clone(estimator).fit(*digits)
    assert plain.n_iter_ < 50
    estimator.set_callbacks(Checkpoint(path, every=100)).fit(*digits)
    for data in ((), digits):
        session = TrainingSession.load(path, *data)
        assert (
            "the training loss did not improve by more than tol=0.5" in session.stopped
        )
    assert session.run().n_epochs == plain.n_iter_
    same_as_fit(session.estimator, plain, digits[0])


@needs_callbacks
def test_a_fit_that_a_hook_stopped_stays_stopped(path, digits):
    stop = Hook(3, lambda: True)
    network().set_callbacks(Checkpoint(path, every=100), stop).fit(*digits)
    session = TrainingSession.load(path, *digits)
    assert session.stopped == "a callback of fit asked to stop"
    assert session.run().n_epochs == 3


@needs_callbacks
def test_the_file_alone_predicts(path, digits):
    fitted = network(batch_norm=True).set_callbacks(Checkpoint(path, 2)).fit(*digits)
    estimator = TrainingSession.load(path).estimator
    np.testing.assert_array_equal(
        estimator.predict_proba(digits[0]), fitted.predict_proba(digits[0])
    )


@needs_callbacks
@pytest.mark.parametrize("every", [1, 2, 100])
@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), RuntimeError("the hook failed")]
)
def test_after_ctrl_c_or_an_error_the_last_whole_epoch_is_on_the_disk(
    path, digits, error, every
):
    plain = network(dropout=0.1).fit(*digits)
    estimator = network(dropout=0.1)
    estimator.set_callbacks(Checkpoint(path, every=every), Hook(5, raising(error)))
    with pytest.raises(type(error)):
        estimator.fit(*digits)
    session = TrainingSession.load(path, *digits)
    assert session.n_epochs == 4  # the fifth was not over when its hook was called
    same_as_fit(session.run().estimator, plain, digits[0])


@needs_callbacks
@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_a_signal_while_the_file_is_written_loses_nothing(path, digits, monkeypatch):
    plain = network().fit(*digits)
    fsync, calls = os.fsync, []

    def interrupted(fd):
        calls.append(fd)
        if len(calls) == 5:
            signal.raise_signal(signal.SIGINT)
        fsync(fd)

    monkeypatch.setattr(os, "fsync", interrupted)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            network().set_callbacks(Checkpoint(path)).fit(*digits)
    finally:
        signal.signal(signal.SIGINT, before)
    assert os.listdir(path.parent) == ["run.caviar"]
    session = TrainingSession.load(path, *digits)
    assert session.n_epochs == 3  # a writing has two fsyncs: it was the third epoch's
    same_as_fit(session.run().estimator, plain, digits[0])


@needs_callbacks
def test_what_diverges_leaves_the_last_finite_epoch(path, digits):
    estimator = network(solver="sgd", learning_rate_init=1e80, max_iter=20)
    checkpoint = Checkpoint(path)
    Path(path).write_bytes(b"before")
    with pytest.raises(ValueError, match="non-finite"), np.errstate(all="ignore"):
        estimator.set_callbacks(checkpoint).fit(*digits)
    # It may diverge in the first epoch; what is there is not of what diverged.
    if path.read_bytes() != b"before":
        tree = caviar._archive.read_archive(path, "training session")
        assert np.isfinite(tree["now"]["course"]["state"]["params"]).all()


@needs_callbacks
def test_a_warm_start_has_a_file_of_its_own_epochs(path, digits):
    plain = network(warm_start=True, max_iter=3)
    plain.fit(*digits).fit(*digits)
    watched = network(warm_start=True, max_iter=3)
    watched.set_callbacks(Checkpoint(path, every=2)).fit(*digits)
    watched.set_callbacks(
        Checkpoint(path, every=2), Hook(3, raising(KeyboardInterrupt))
    )
    with pytest.raises(KeyboardInterrupt):
        watched.fit(*digits)
    session = TrainingSession.load(path, *digits)
    assert session.n_epochs == 2
    np.testing.assert_array_equal(session.run().estimator.params_, plain.params_)


@needs_callbacks
def test_in_a_pipeline_it_is_the_networks_and_so_are_the_rows(path, digits):
    X, y = digits
    pipeline = make_pipeline(StandardScaler(), network())
    plain = clone(pipeline).fit(X, y)
    pipeline[-1].set_callbacks(Checkpoint(path, every=4), Hook(6, raising(MemoryError)))
    with pytest.raises(MemoryError):
        pipeline.fit(X, y)
    rows = StandardScaler().fit_transform(X)
    session = TrainingSession.load(path, rows, y)
    assert session.n_epochs == 5
    same_as_fit(session.run().estimator, plain[-1], rows)


@needs_callbacks
def test_fits_one_after_another_replace_the_file(path, digits):
    estimator = network().set_callbacks(Checkpoint(path))
    scores = cross_val_score(estimator, *digits, cv=3)
    np.testing.assert_array_equal(scores, cross_val_score(network(), *digits, cv=3))
    assert TrainingSession.load(path).n_epochs == 7
    with_workers = cross_val_score(estimator, *digits, cv=3, n_jobs=2)
    np.testing.assert_array_equal(scores, with_workers)
    assert TrainingSession.load(path).n_epochs == 7


@needs_callbacks
def test_little_is_kept_in_memory_and_nothing_after_the_fit(path, digits):
    checkpoint = Checkpoint(path, every=2)
    kept = []
    look = Hook(4, lambda: kept.extend(checkpoint._fits.values()))
    network().set_callbacks(checkpoint, look).fit(*digits)
    (fit,) = kept
    assert isinstance(fit.unwritten, Course)
    assert checkpoint._fits == {}
    assert callbacks._in_use == set()


# Disks


@needs_callbacks
def test_a_disk_that_gets_full_is_one_warning_and_the_fit_goes_on(
    path, digits, monkeypatch
):
    plain = network().fit(*digits)
    size = len(saved(path, digits))
    monkeypatch.setattr(os, "write", full_disk(int(2.5 * size)))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        watched = network().set_callbacks(Checkpoint(path)).fit(*digits)
    monkeypatch.undo()
    (warning,) = [w for w in caught if issubclass(w.category, CheckpointWarning)]
    assert f"The checkpoint {str(path)!r} could not be written (No space left" in str(
        warning.message
    )
    assert "stays as it was" in str(warning.message)
    same_as_fit(watched, plain, digits[0])
    assert os.listdir(path.parent) == ["run.caviar"]
    session = TrainingSession.load(path, *digits)
    assert session.n_epochs == 2
    same_as_fit(session.run().estimator, plain, digits[0])


def saved(path, digits):
    """A checkpoint of a fit, as bytes; nothing is left of it."""
    network().set_callbacks(Checkpoint(path)).fit(*digits)
    data = path.read_bytes()
    path.unlink()
    return data


@needs_callbacks
def test_when_there_is_room_again_it_is_written_again(path, digits, monkeypatch):
    def fill():
        monkeypatch.setattr(os, "write", full_disk(0))

    with pytest.warns(CheckpointWarning) as caught:
        network().set_callbacks(
            Checkpoint(path), Hook(2, fill), Hook(4, monkeypatch.undo)
        ).fit(*digits)
    assert [w.category for w in caught].count(CheckpointWarning) == 1
    assert TrainingSession.load(path, *digits).n_epochs == 7


@needs_callbacks
def test_what_could_not_be_written_is_tried_again_at_the_end(path, digits, monkeypatch):
    def fill():
        monkeypatch.setattr(os, "write", full_disk(0))

    def make_room_and_fail():
        monkeypatch.undo()
        raise RuntimeError

    hooks = Hook(2, fill), Hook(5, make_room_and_fail)
    with pytest.warns(CheckpointWarning), pytest.raises(RuntimeError):
        network().set_callbacks(Checkpoint(path), *hooks).fit(*digits)
    assert TrainingSession.load(path, *digits).n_epochs == 4


@needs_callbacks
def test_a_file_that_cannot_be_written_is_an_error_before_the_first_epoch(
    tmp_path, digits
):
    (tmp_path / "file").write_bytes(b"mine")
    (tmp_path / "folder").mkdir()
    epochs = []
    first = Hook(1, lambda: epochs.append(1))
    for path in ("missing/run.caviar", "file/run.caviar", "folder"):
        estimator = network().set_callbacks(Checkpoint(tmp_path / path), first)
        with pytest.raises(OSError, match="`path` must be a file that can be written"):
            estimator.fit(*digits)
        assert not hasattr(estimator, "params_")
    assert epochs == []
    assert sorted(os.listdir(tmp_path)) == ["file", "folder"]
    assert (tmp_path / "file").read_bytes() == b"mine"


# What is refused


class MyClassifier(MLPClassifier):
    """As users derive them."""


def accuracy(estimator, X, y):
    return accuracy_score(y, estimator.predict(X))


REFUSED = {
    "lbfgs": (
        network(solver="lbfgs"),
        ValueError,
        "`solver` must be one of .* 'lbfgs'",
    ),
    "another": (
        LogisticRegression(),
        TypeError,
        "must be set on a caviar MLPC.*Logist",
    ),
    "pipeline": (
        make_pipeline(StandardScaler(), network()),
        TypeError,
        r"got Pipeline. In a pipeline, set it on the network: `pipeline\[-1\]",
    ),
    "derived": (
        MyClassifier(),
        TypeError,
        "must be set on a caviar .* got MyClassifier",
    ),
    "function": (
        network(scoring=accuracy, early_stopping=True),
        TypeError,
        "`scoring` must be a name to be saved, got <function accuracy",
    ),
    "search": (
        GridSearchCV(network(), {"alpha": [0, 1]}, error_score="raise"),
        ValueError,
        "`Checkpoint` must be on an estimator that is fitted once, got one in a search",
    ),
    "own search": (
        HyperbandSearchCV(
            network(), {"alpha": LogUniform(1e-5, 1)}, max_iter=3, error_score="raise"
        ),
        ValueError,
        "must be on an estimator that is fitted once.*`journal`",
    ),
}


@needs_callbacks
@pytest.mark.parametrize("estimator, error, message", REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_gone_on_with_is_refused_before_the_first_epoch(
    path, digits, estimator, error, message
):
    estimator = clone(estimator)
    learner = getattr(estimator, "estimator", estimator)
    learner.set_callbacks(Checkpoint(path))
    with pytest.raises(error, match=message):
        estimator.fit(*digits)
    assert os.listdir(path.parent) == []
    assert callbacks._in_use == set()


@needs_callbacks
def test_partial_fit_is_refused_and_has_changed_nothing(path, digits):
    estimator = network().fit(*digits)
    before = pickle.dumps(estimator)
    estimator.set_callbacks(Checkpoint(path))
    with pytest.raises(ValueError, match="trained by fit, got partial_fit"):
        estimator.partial_fit(*digits)
    assert pickle.dumps(estimator.set_callbacks()) == before
    assert os.listdir(path.parent) == []


@needs_callbacks
def test_two_fits_at_once_may_not_write_one_file(path, digits, tmp_path):
    (tmp_path / "link").symlink_to(path)

    def fit_another():
        for same in (path, tmp_path / "link"):
            with pytest.raises(ValueError, match="must be that of one fit at a time"):
                network().set_callbacks(Checkpoint(same)).fit(*digits)
        network().set_callbacks(Checkpoint(tmp_path / "other")).fit(*digits)

    network().set_callbacks(Checkpoint(path), Hook(3, fit_another)).fit(*digits)
    assert TrainingSession.load(path, *digits).n_epochs == 7
    network().set_callbacks(Checkpoint(path)).fit(*digits)


@needs_callbacks
@pytest.mark.parametrize("wrong", [None, 3, "", ["a"], len])
def test_another_path_is_refused_at_once(wrong):
    with pytest.raises(ValueError, match=r"`path` must be the path of a file, got"):
        Checkpoint(wrong)


@needs_callbacks
@pytest.mark.parametrize("wrong", [0, -1, 1.0, True, "1", None])
def test_another_number_of_epochs_is_refused_at_once(path, wrong):
    with pytest.raises(
        ValueError, match=r"`every` must be an integer in \[1, inf\), g"
    ):
        Checkpoint(path, every=wrong)


@needs_callbacks
def test_the_path_is_that_of_the_folder_it_was_named_in(path, digits, monkeypatch):
    monkeypatch.chdir(path.parent)
    checkpoint = Checkpoint("run.caviar", every=np.int64(5))
    monkeypatch.chdir("/")
    network().set_callbacks(checkpoint).fit(*digits)
    assert path.exists()
    assert repr(checkpoint) == f"Checkpoint({str(path)!r}, every=5)"


@needs_callbacks
def test_an_estimator_with_one_is_cloned_and_pickled(path, digits):
    estimator = network().set_callbacks(Checkpoint(path, every=2))
    assert clone(estimator)._skl_callbacks == estimator._skl_callbacks
    again = pickle.loads(pickle.dumps(estimator.fit(*digits)))
    path.unlink()
    again.fit(*digits)
    assert TrainingSession.load(path, *digits).n_epochs == 7


def test_without_callbacks_in_scikit_learn_the_error_says_what_is_needed(
    path, monkeypatch
):
    monkeypatch.setattr(callbacks, "find_spec", lambda name: None)
    message = rf"needs scikit-learn 1\.9 or later.*got {sklearn.__version__}"
    with pytest.raises(ImportError, match=message):
        Checkpoint(path)
