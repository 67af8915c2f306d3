"""Sessions and checkpoints lose nothing to kill -9: there is the old file or the new."""

import multiprocessing
import os
import pickle
import random
import signal
import time
from pathlib import Path

import pytest

from caviar import TrainingSession
from caviar._archive import read_archive
from processes import start
from same_bits import assert_same
from sessions import (
    fit_with_checkpoints,
    long_configurations,
    outcome,
    run_and_save,
    save_again_and_again,
    saved_configuration,
)

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.skipif(
        "forkserver" not in multiprocessing.get_all_start_methods(),
        reason="the processes that are killed are forked",
    ),
]
KIND = "training session"


def killed_at_a_random_moment(target, begun, seconds, *arguments):
    """Start a process, and kill it after some time since the file `begun` is there.

    Returns whether it was still at work.
    """
    process = start(target, *arguments)
    while process.exitcode is None and not begun.exists():
        time.sleep(0.0005)
    process.join(seconds)
    process.kill()
    process.join()
    begun.unlink(missing_ok=True)
    assert process.exitcode in (0, -signal.SIGKILL)
    return process.exitcode != 0


def temporary_files(folder):
    return [name for name in os.listdir(folder) if name.endswith(".tmp")]


# In the midst of saving


@pytest.fixture(scope="module")
def states(tmp_path_factory):
    """Files of one session after one epoch and after two; seconds that a writing takes."""
    session, folder = saved_configuration().session(), tmp_path_factory.mktemp("states")
    for name in ("old", "new"):
        session.run(1)
        begun = time.perf_counter()
        session.save(folder / name)
    return folder / "old", folder / "new", time.perf_counter() - begun


def kill_while_saving(n_kills, states, folder):
    """Kill so many processes that save one session, then another, then the first again.

    Returns how many of them were in the midst of a file.
    """
    *states, seconds = states
    path, begun = folder / "run.caviar", folder / "begun"
    contents = [state.read_bytes() for state in states]
    trees = [read_archive(state, KIND) for state in states]
    draws, n_torn, seen, longest = random.Random(n_kills), 0, set(), 4 * seconds
    for number in range(20 * n_kills):
        if number >= n_kills and n_torn and len(seen) == 2:
            break
        if number % 10 == 9 and len(seen) < 2:
            longest *= 2  # a writing takes longer here than when it was timed
        delay = draws.uniform(0, longest)
        arguments = (*map(str, states), str(path), str(begun))
        assert killed_at_a_random_moment(save_again_and_again, begun, delay, *arguments)
        if not path.exists():  # killed in the midst of the first file of all
            continue
        # The old or the new, to the last byte:
        which = contents.index(path.read_bytes())
        assert_same(read_archive(path, KIND), trees[which])
        assert TrainingSession.load(path).n_epochs == which + 1
        seen.add(which)
        n_torn += len(temporary_files(folder))
        assert len(temporary_files(folder)) <= 1  # those of earlier kills are gone
    assert seen == {0, 1}
    session = saved_configuration().load(path)
    session.save(path)
    assert os.listdir(folder) == ["run.caviar"]
    return n_torn


def test_kills_in_the_midst_of_saving_leave_the_old_file_or_the_new(states, tmp_path):
    assert kill_while_saving(20, states, tmp_path) > 0


@pytest.mark.long
def test_200_kills_in_the_midst_of_saving_leave_the_old_or_the_new(states, tmp_path):
    assert kill_while_saving(200, states, tmp_path) > 50


# In the midst of training


def assert_goes_on_to_the_same_bits(name, path):
    configuration = long_configurations()[name]
    session = configuration.load(path) if path.exists() else configuration.session()
    whole = outcome(configuration.fit(), configuration.X)
    assert_same(outcome(session.run().estimator, configuration.X), whole)


def kill_while_running(name, n_kills, folder):
    """Kill a session that is saved after each epoch, and go on from its file."""
    path, begun = folder / "run.caviar", folder / "begun"
    draws, reached, n_killed = random.Random(name), 0, 0
    while n_killed < n_kills:
        delay = draws.uniform(0, 0.15)
        n_killed += killed_at_a_random_moment(
            run_and_save, begun, delay, name, str(path), str(begun)
        )
        if path.exists():
            n_epochs = TrainingSession.load(path).n_epochs
            assert n_epochs >= reached  # nothing that was saved is lost
            reached = n_epochs
        if reached == long_configurations()[name].estimator.max_iter:
            assert_goes_on_to_the_same_bits(name, path)
            path.unlink()
            reached = 0
    assert_goes_on_to_the_same_bits(name, path)


@pytest.mark.parametrize("name", long_configurations())
def test_a_session_that_is_killed_goes_on_from_its_last_file(name, tmp_path):
    kill_while_running(name, 5, tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("name", long_configurations())
def test_a_session_that_is_killed_often_goes_on_from_its_last_file(name, tmp_path):
    kill_while_running(name, 60, tmp_path)


def kill_fits(name, every, n_kills, folder):
    """Kill fits with a checkpoint, and finish each from its file."""
    path, begun = folder / "run.caviar", folder / "begun"
    configuration = long_configurations()[name]
    whole = outcome(configuration.fit(), configuration.X)
    draws, epochs = random.Random(every), set()
    for _ in range(n_kills):
        delay = draws.uniform(0, 1.0)
        killed_at_a_random_moment(
            fit_with_checkpoints, begun, delay, name, every, str(path), str(begun)
        )
        if not path.exists():
            continue
        session = configuration.load(path)
        epochs.add(session.n_epochs)
        at_end = session.n_epochs == configuration.estimator.max_iter
        assert at_end or session.n_epochs % every == 0
        assert_same(outcome(session.run().estimator, configuration.X), whole)
    assert len(epochs) > 1


@pytest.mark.parametrize("name, every", [("methods", 1), ("epochs in one go", 7)])
def test_a_fit_with_a_checkpoint_that_is_killed_is_finished_from_it(
    name, every, tmp_path
):
    pytest.importorskip("sklearn.callback")
    kill_fits(name, every, 5, tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("every", [1, 3])
@pytest.mark.parametrize("name", long_configurations())
def test_fits_with_checkpoints_that_are_killed_are_finished_from_them(
    name, every, tmp_path
):
    pytest.importorskip("sklearn.callback")
    kill_fits(name, every, 50, tmp_path)


@pytest.mark.parametrize("name", long_configurations())
def test_ctrl_c_in_a_fit_leaves_the_last_whole_epoch_in_its_checkpoint(name, tmp_path):
    pytest.importorskip("sklearn.callback")
    path, begun = tmp_path / "run.caviar", tmp_path / "begun"
    configuration, draws = long_configurations()[name], random.Random(name)
    whole = outcome(configuration.fit(), configuration.X)
    for _ in range(3):
        process = start(fit_with_checkpoints, name, 10**6, str(path), str(begun))
        while not begun.exists():
            time.sleep(0.0005)
        process.join(draws.uniform(0.05, 0.2))
        os.kill(process.pid, signal.SIGINT)
        process.join()
        begun.unlink()
        if not path.exists():  # in the first epoch
            continue
        with open(f"{path}.interrupted", "rb") as file:
            n_epochs = pickle.load(file)
        session = configuration.load(path)
        # `fit` counts an epoch that was over before all that it entails was.
        assert session.n_epochs in (n_epochs - 1, n_epochs)
        assert_same(outcome(session.run().estimator, configuration.X), whole)
        Path(path).unlink()
