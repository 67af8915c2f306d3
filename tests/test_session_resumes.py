"""A session from disk goes on in a new process with the bits of never having stopped."""

import os
import pickle
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone

from caviar import TrainingSession
from caviar.schedules import Schedule
from combinations import draw, senseless
from processes import start
from same_bits import assert_same
from sessions import (
    configurations,
    long_configurations,
    outcome,
    run_until_interrupted,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
NAMES = list(configurations())


@pytest.fixture(scope="module")
def resumed(tmp_path_factory):
    """Outcomes of all configurations from all their boundaries, by one new process.

    Returns a function (name) -> {epoch: outcome}, the epochs as text.
    """
    folder = tmp_path_factory.mktemp("sessions")
    for name, configuration in configurations().items():
        (folder / name).mkdir()
        session = configuration.session()
        session.save(folder / name / "0")
        for epoch in range(1, uninterrupted(name)["n_iter_"] + 1):
            configuration.change(session)
            if epoch - 1 in configuration.changes:
                session.save(folder / name / f"{epoch - 1}, changed")
            session.run(1).save(folder / name / str(epoch))
    script = Path(__file__).with_name("sessions.py")
    subprocess.run([sys.executable, script, folder], check=True)

    def outcomes(name):
        found = {}
        for path in (folder / name).glob("*.outcome"):
            with open(path, "rb") as file:
                found[path.stem] = pickle.load(file)
        return found

    return outcomes


def uninterrupted(name):
    """The outcome of a fit; of a session in one go, where something is changed in it."""
    configuration = configurations()[name]
    if configuration.changes:
        estimator = configuration.finish(configuration.session())
    else:
        estimator = configuration.fit()
    return outcome(estimator, configuration.X)


def test_there_are_more_than_twenty_configurations_with_two_changes_in_mid_course():
    assert len(NAMES) > 20
    assert sum(bool(one.changes) for one in configurations().values()) == 2
    solvers = {one.estimator.solver for one in configurations().values()}
    assert solvers == {"sgd", "adam", "rmsprop", "adagrad", "adamw", "nadam"}


@pytest.mark.parametrize("name", NAMES)
def test_every_boundary_of_epochs_goes_on_to_the_same_bits(name, resumed):
    expected = uninterrupted(name)
    outcomes = resumed(name)
    boundaries = {str(epoch) for epoch in range(expected["n_iter_"] + 1)}
    boundaries |= {f"{epoch}, changed" for epoch in configurations()[name].changes}
    assert outcomes.keys() == boundaries
    for epoch in outcomes:
        assert_same(outcomes[epoch], expected)


def test_some_of_the_configurations_end_early_by_a_rule():
    stopped = {
        name
        for name, configuration in configurations().items()
        if uninterrupted(name)["n_iter_"] < configuration.estimator.max_iter
    }
    assert {"early stopping", "patience that ends"} <= stopped


@pytest.mark.parametrize("seed", range(0, 60, 3))
def test_random_combinations_of_parameters_go_on_to_the_same_bits(seed, tmp_path):
    case = next(case for case in map(draw, range(seed, 1000)) if can_be_saved(case))
    estimator = clone(case.estimator).set_params(verbose=False)
    more = {"sample_weight": case.sample_weight, **case.held_out}
    with np.errstate(all="ignore"):  # some of them diverge
        whole = clone(estimator).fit(case.X, case.y, **more)
        session = TrainingSession(estimator, case.X, case.y, **more)
        if n_epochs := seed % whole.n_iter_:
            session.run(n_epochs)
        session.save(tmp_path / "run.caviar")
        again = TrainingSession.load(tmp_path / "run.caviar", case.X, case.y, **more)
        for one in (session, again):
            estimator = one.run().estimator
            assert_same(outcome(estimator, case.X), outcome(whole, case.X))


def can_be_saved(case):
    settings = case.estimator
    schedule = settings.learning_rate
    known = isinstance(schedule, str | Schedule) and not callable(settings.scoring)
    return known and settings.solver != "lbfgs" and not senseless(case)


# Ctrl-C


def interrupt_until_it_ends(name, path, seconds):
    """Press Ctrl-C at a random moment of each process. Returns the epochs it hit.

    `seconds` is how long the whole training takes.
    """
    begun, hits, draws = Path(f"{path}.begun"), [], random.Random(name)
    while not Path(f"{path}.outcome").exists():
        process = start(run_until_interrupted, name, str(path))
        while process.exitcode is None and not begun.exists():
            time.sleep(0.001)
        process.join(draws.uniform(0, 0.7 * seconds))
        if process.exitcode is None:
            os.kill(process.pid, signal.SIGINT)
        process.join()
        assert process.exitcode == 0  # it has saved what it had
        begun.unlink()
        hits.append(long_configurations()[name].load(path).n_epochs)
    return hits


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("name", long_configurations())
def test_ctrl_c_again_and_again_does_not_change_a_bit(name, tmp_path):
    configuration = long_configurations()[name]
    start_of_fit = time.perf_counter()
    whole = outcome(configuration.fit(), configuration.X)
    seconds = time.perf_counter() - start_of_fit
    path = tmp_path / "run.caviar"
    hits = interrupt_until_it_ends(name, path, seconds)
    n_epochs = configuration.estimator.max_iter
    assert hits == sorted(hits)
    assert hits[-1] == n_epochs
    assert {n for n in hits if 0 < n < n_epochs}  # in its middle
    with open(f"{path}.outcome", "rb") as file:
        assert_same(pickle.load(file), whole)
    events = [entry["event"] for entry in configuration.load(path).log]
    assert events.count("interrupted") in (len(hits) - 1, len(hits))
