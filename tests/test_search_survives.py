"""Searches with a journal lose nothing to kill -9, full disks, Ctrl-C or each other."""

import functools
import json
import multiprocessing
import os
import pickle
import random
import shutil
import signal
import sys
import time
import warnings

import numpy as np
import pytest
import sklearn
from scipy.stats import loguniform
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import accuracy_score, make_scorer

from caviar.model_selection import (
    JournalWarning,
    SuccessiveHalvingSearchCV,
    read_journal,
)
from processes import start
from searches_to_kill import (
    X,
    end_group,
    fit,
    full_disk,
    limit_files_to_3000_bytes,
    make_search,
    results_of,
    run,
    run_until_interrupted,
    y,
)

KINDS = ["coarse-to-fine", "halving", "hyperband"]
needs_forkserver = pytest.mark.skipif(
    "forkserver" not in multiprocessing.get_all_start_methods(),
    reason="the processes that are killed are forked",
)


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "journal")


@pytest.fixture
def counter(tmp_path):
    """Name of a file that `fit` gives a byte for each fit that was scored."""
    return str(tmp_path / "counter")


@functools.cache
def uninterrupted(kind):
    """Results of a search without a journal, on one processor."""
    return results_of(fit(make_search(kind)))


@pytest.fixture(scope="module")
def journal_of(tmp_path_factory):
    """A function that gives the bytes of the journal of a whole search."""

    @functools.cache
    def make(kind):
        path = tmp_path_factory.mktemp("whole") / "journal"
        fit(make_search(kind, journal=path))
        return path.read_bytes()

    return make


def size(path):
    return os.path.getsize(path) if os.path.exists(path) else 0


def keys_in(path):
    """Keys of a journal's whole lines, in their order."""
    with open(path, "rb") as file:
        lines = file.read().split(b"\n")[:-1]
    entries = [json.loads(line) for line in lines]
    return [tuple(entry["key"]) for entry in entries if "key" in entry]


def assert_same(results, kind):
    """Check results against those of the uninterrupted search, to the last bit."""
    columns, *best = results
    expected, *expected_best = uninterrupted(kind)
    np.testing.assert_equal(columns, expected)
    assert {name: np.asarray(v).dtype for name, v in columns.items()} == {
        name: np.asarray(v).dtype for name, v in expected.items()
    }
    assert best == expected_best


def assert_complete(path, kind):
    """Check that a journal has the whole search, each fit once, and nothing else."""
    results = read_journal(path)
    assert results.completed
    best = results.best_index_, results.best_params_, results.best_score_
    columns = results.cv_results_
    assert {"mean_fit_time", "std_fit_time", "mean_score_time"} < columns.keys()
    without_times = {n: v for n, v in columns.items() if not n.endswith("_time")}
    assert_same((without_times, *best), kind)
    keys = keys_in(path)
    assert len(set(keys)) == len(keys) == results.n_fits
    assert results.n_fits == 3 * len(columns["params"])
    assert not os.path.exists(f"{path}.states")


# kill -9


def wait_for_a_random_moment(process, counter, draws):
    """Wait for some more fits and a little, or now and then for the first moments."""
    if draws.random() < 0.2:
        process.join(draws.uniform(0, 0.3))
        return
    enough = size(counter) + draws.randrange(15)
    while process.exitcode is None and size(counter) < enough:
        time.sleep(0.001)
    process.join(draws.uniform(0, 0.03))


def kill_and_restart(kind, backend, n_jobs, n_kills, folder):
    """Kill searches at random moments, so many in all, and continue each to its end."""
    draws = random.Random(n_kills)
    killed = 0
    while killed < n_kills:
        folder.mkdir()
        path, counter = str(folder / "journal"), str(folder / "counter")
        arguments = kind, backend, n_jobs, path, counter
        killed_here, keys = 0, []
        while True:
            process = start(run, *arguments)
            if killed + killed_here < n_kills:
                wait_for_a_random_moment(process, counter, draws)
                process.kill()
            process.join()
            end_group(process)
            if process.exitcode == 0:
                break
            assert process.exitcode == -signal.SIGKILL  # every restart continues
            killed_here += 1
            if size(path):
                assert keys_in(path)[: len(keys)] == keys  # nothing that was is lost
                keys = keys_in(path)
                assert read_journal(path).n_fits == len(keys)
        with open(f"{path}.results", "rb") as file:
            assert_same(pickle.load(file), kind)
        assert_complete(path, kind)
        # In flight are the fits that workers do, and what they have been sent ahead.
        in_flight = 1 if n_jobs == 1 else 2 * n_jobs
        assert size(counter) <= len(keys_in(path)) + killed_here * in_flight
        killed += killed_here
        shutil.rmtree(folder)


SERIAL, THREADS, LOKY = ("loky", 1), ("threading", 2), ("loky", 2)


@needs_forkserver
@pytest.mark.parametrize(
    "kind, workers, n_kills",
    [
        ("hyperband", SERIAL, 8),
        ("halving", THREADS, 4),
        ("coarse-to-fine", THREADS, 4),
        ("hyperband", LOKY, 2),
    ],
)
def test_a_search_that_is_killed_continues_to_the_same_results(
    tmp_path, kind, workers, n_kills
):
    kill_and_restart(kind, *workers, n_kills, tmp_path / "killed")


@pytest.mark.long
@needs_forkserver
@pytest.mark.parametrize("workers", [SERIAL, THREADS, LOKY], ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_a_search_survives_kills_at_many_random_moments(tmp_path, kind, workers):
    n_kills = 10 if workers == LOKY and kind != "hyperband" else 50
    kill_and_restart(kind, *workers, n_kills, tmp_path / "killed")


# A journal that ends anywhere


@pytest.mark.parametrize("kind", KINDS)
def test_a_journal_that_is_cut_off_anywhere_is_continued_to_the_same_results(
    path, counter, kind, journal_of
):
    whole = journal_of(kind)
    draws = random.Random(0)
    # States are gone, as after a power cut: what they knew is trained again.
    for end in [0, 10, draws.randrange(len(whole)), draws.randrange(len(whole))]:
        with open(path, "wb") as file:
            file.write(whole[:end])
        n_kept = max(0, whole[:end].count(b"\n") - 1)
        before = size(counter)
        search = fit(make_search(kind, journal=path), counter=counter)
        assert_same(results_of(search), kind)
        assert_complete(path, kind)
        assert size(counter) - before == len(keys_in(path)) - n_kept


@pytest.mark.parametrize("kind", KINDS)
def test_a_completed_search_is_not_fitted_again(path, counter, kind, journal_of):
    with open(path, "wb") as file:
        file.write(journal_of(kind))
    search = fit(make_search(kind, journal=path), counter=counter)
    assert_same(results_of(search), kind)
    assert size(counter) == 0
    assert hasattr(search, "best_estimator_")  # which is fitted on all rows


class CountingSGD(SGDClassifier):
    """Counts the epochs that all of its kind are trained for."""

    n_epochs = 0

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        type(self).n_epochs += 1
        return super().partial_fit(X, y, classes, sample_weight)


class InterruptedScorer:
    """Accuracy, but for the last of so many calls: then Ctrl-C is pressed."""

    def __init__(self):
        self.calls_left = np.inf

    def __call__(self, estimator, X, y):
        self.calls_left -= 1
        if self.calls_left == 0:
            raise KeyboardInterrupt
        return estimator.score(X, y)

    def __reduce__(self):  # to be the same scorer each time
        return InterruptedScorer, ()


@pytest.mark.parametrize("n_calls", [1, 30, 46, 50, 60, 61, 63])
def test_no_epoch_is_trained_again_but_those_of_the_fit_that_was_interrupted(
    path, n_calls
):
    def search(**settings):
        return SuccessiveHalvingSearchCV(
            CountingSGD(random_state=0),
            {"alpha": loguniform(1e-6, 1)},
            n_initial_parameters=15,
            n_initial_iter=1,
            max_iter=9,
            cv=3,
            scoring=scorer,
            random_state=0,
            refit=False,
            **settings,
        )

    scorer = InterruptedScorer()
    whole = fit(search())  # 15, 5 and 1 candidates, until 1, 3 and 9 epochs
    assert whole.n_epochs_ == 3 * (15 + 5 * 2 + 1 * 6)
    CountingSGD.n_epochs, scorer.calls_left = 0, n_calls
    with pytest.raises(KeyboardInterrupt):
        fit(search(journal=path))
    assert read_journal(path).n_fits == n_calls - 1
    lost = 1 if n_calls <= 45 else 2 if n_calls <= 60 else 6
    continued = fit(search(journal=path))
    assert CountingSGD.n_epochs == whole.n_epochs_ + lost
    np.testing.assert_equal(results_of(continued), results_of(whole))


def test_a_search_without_a_seed_continues_with_the_seed_of_its_journal(path):
    first = fit(make_search("hyperband", journal=path, random_state=None))
    with open(path, "rb") as file:
        lines = file.read().splitlines(keepends=True)
    with open(path, "wb") as file:
        file.writelines(lines[:20])
    second = fit(make_search("hyperband", journal=path, random_state=None))
    assert second.seed_ == first.seed_
    np.testing.assert_equal(results_of(second), results_of(first))


def test_several_metrics_training_scores_and_failed_fits_come_back(path):
    def search():
        return make_search(
            "hyperband",
            scoring=["accuracy", "neg_log_loss"],
            refit="neg_log_loss",
            return_train_score=True,
            journal=path,
        ).set_params(param_distributions={"alpha": [1e-4, 1e-3, 1e-2, -1.0]})

    first = fit(search())
    read = read_journal(path, metric="neg_log_loss")
    assert np.isnan(read.cv_results_["mean_test_accuracy"]).any()
    assert read.cv_results_.keys() == first.cv_results_.keys()
    np.testing.assert_equal(read.cv_results_, first.cv_results_)  # times, too
    assert read.best_index_ == first.best_index_
    np.testing.assert_equal(fit(search()).cv_results_, first.cv_results_)


def test_time_budgets_one_after_another_end_with_the_same_results(path):
    for _ in range(100):
        search = make_search("hyperband", journal=path, time_budget=0.3)
        try:
            fit(search)
        except ValueError as error:
            assert "`time_budget` must be long enough" in str(error)
            continue
        assert read_journal(path).completed == search.completed_
        if search.completed_:
            break
    assert_same(results_of(search), "hyperband")
    assert_complete(path, "hyperband")


# Disks


@pytest.mark.parametrize("kind", KINDS)
def test_a_disk_that_gets_full_is_a_warning_and_the_search_goes_on(
    path, monkeypatch, kind, journal_of
):
    monkeypatch.setattr(os, "write", full_disk(len(journal_of(kind)) // 2))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        search = make_search(kind, journal=path).fit(X, y)
    monkeypatch.undo()
    (warning,) = [w for w in caught if issubclass(w.category, JournalWarning)]
    n_fits = read_journal(path).n_fits
    assert f"it ends after {n_fits} fits" in str(warning.message)
    assert 0 < n_fits < len(search.cv_results_["params"]) * 3
    assert_same(results_of(search), kind)
    # With room again, the same call continues from there.
    assert_same(results_of(fit(make_search(kind, journal=path))), kind)
    assert_complete(path, kind)


@needs_forkserver
def test_files_that_may_not_grow_are_no_loss_to_the_results(path, counter):
    pytest.importorskip("resource")
    arguments = "hyperband", *SERIAL, path, counter
    process = start(run, *arguments, limit_files_to_3000_bytes)
    process.join()
    assert process.exitcode == 1  # the file of results may not grow, either
    assert 0 < len(keys_in(path)) < 20
    assert size(counter) == 66  # the search itself went on to its end
    process = start(run, *arguments)
    process.join()
    assert process.exitcode == 0
    assert_complete(path, "hyperband")


@pytest.mark.parametrize("kind", KINDS)
def test_a_path_that_cannot_be_written_is_an_error_before_the_first_fit(
    tmp_path, counter, kind
):
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file" / "journal", tmp_path):
        with pytest.raises(
            OSError, match="`journal` must be a file that can be written"
        ):
            fit(make_search(kind, journal=path), counter=counter)
    (tmp_path / "data.csv").write_text("a,b\n")
    with pytest.raises(ValueError, match=r"data\.csv' holds something else"):
        fit(make_search(kind, journal=tmp_path / "data.csv"), counter=counter)
    assert size(counter) == 0


# Other searches


def fit_other(path, counter, X=X, y=y, space=None, **changes):
    search = make_search("hyperband", journal=path)
    settings = {n.removeprefix("network__"): v for n, v in changes.items()}
    network = {n: v for n, v in settings.items() if f"network__{n}" in changes}
    search.estimator.set_params(**network)
    search.set_params(**{n: v for n, v in changes.items() if n in settings})
    if space is not None:
        search.param_distributions = search.param_distributions | space
    fit(search, X=X, y=y, counter=counter)


OTHERS = {
    "X": (dict(X=X + (np.arange(64) == 3) * 1e-9), "`X` was"),
    "y": (dict(y=np.roll(y, 1)), "`y` was"),
    "space": (dict(space={"alpha": [0.0, 1e-4]}), r"`space\['alpha'\]` was \[0\.0,"),
    "scale": (dict(space={"learning_rate_init": loguniform(1e-4, 0.1)}), "`space"),
    "cv": (dict(cv=4), "`n_splits` was 3, is 4"),
    "estimator": (dict(network__dropout=0.5), "`estimator__dropout` was 0.2, is 0.5"),
    "seed": (dict(random_state=1), "`random_state` was 0, is 1"),
    "no seed": (dict(random_state=None), "`random_state` was 0, is not given"),
    "setting": (dict(max_iter=27), "`max_iter` was 9, is 27"),
    "scoring": (dict(scoring="accuracy"), "`scoring` was"),
}


@pytest.mark.parametrize("changes, named", OTHERS.values(), ids=OTHERS)
def test_another_search_is_refused_before_the_first_fit_and_the_difference_named(
    path, counter, changes, named, journal_of
):
    whole = journal_of("hyperband")
    with open(path, "wb") as file:
        file.write(whole)
    with pytest.raises(ValueError, match=f"is of another search.*{named}"):
        fit_other(path, counter, **changes)
    with open(path, "rb") as file:
        assert file.read() == whole
    assert size(counter) == 0


def test_weights_that_only_the_scorer_is_given_count_too(path):
    def fit_weighted(weights):
        score = make_scorer(accuracy_score).set_score_request(sample_weight=True)
        search = make_search("hyperband", scoring=score, journal=path)
        search.estimator.set_fit_request(sample_weight=False)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            search.fit(X, y, sample_weight=weights)

    with sklearn.config_context(enable_metadata_routing=True):
        fit_weighted(np.ones(300))
        with pytest.raises(ValueError, match="`sample_weight` was"):
            fit_weighted(np.arange(300))


def test_another_kind_of_search_is_refused(path, journal_of):
    with open(path, "wb") as file:
        file.write(journal_of("hyperband"))
    with pytest.raises(ValueError, match=r"`search` was caviar.*Hyperband"):
        fit(make_search("coarse-to-fine", journal=path))


def test_another_version_is_refused(path, monkeypatch, journal_of):
    with open(path, "wb") as file:
        file.write(journal_of("hyperband"))
    monkeypatch.setattr("caviar._fingerprint.version", lambda name: "99.0")
    with pytest.raises(ValueError, match=r"`caviar` was .*, is 99\.0"):
        fit(make_search("hyperband", journal=path))


@pytest.mark.parametrize("workers", [SERIAL, THREADS], ids=str)
def test_other_workers_and_another_verbosity_are_the_same_search(
    path, counter, workers, journal_of
):
    with open(path, "wb") as file:
        file.write(journal_of("hyperband"))
    backend, n_jobs = workers
    settings = dict(n_jobs=n_jobs, verbose=0, pre_dispatch="all", refit=False)
    fit(make_search("hyperband", journal=path, **settings), backend, counter=counter)
    assert size(counter) == 0


# Two at once


@needs_forkserver
def test_of_processes_that_start_on_one_journal_at_once_one_searches(tmp_path, path):
    counters = [str(tmp_path / f"counter{i}") for i in range(4)]
    processes = [
        start(run, "hyperband", *SERIAL, path, counter) for counter in counters
    ]
    for process in processes:
        process.join()
    # One that comes late may find the journal of the first complete, and free.
    codes = sorted(process.exitcode for process in processes)
    assert codes[0] == 0
    assert set(codes) <= {0, 1}
    assert sum(map(size, counters)) == 66
    assert_complete(path, "hyperband")


@needs_forkserver
def test_a_search_is_refused_while_another_process_writes_its_journal(path, counter):
    process = start(run, "hyperband", *SERIAL, path, counter)
    while process.exitcode is None and size(counter) < 5:
        time.sleep(0.001)
    os.kill(process.pid, signal.SIGSTOP)
    try:
        with pytest.raises(
            BlockingIOError, match="`journal` is in use by another search"
        ):
            fit(make_search("hyperband", journal=path))
        assert 0 < read_journal(path).n_fits < 66
    finally:
        os.kill(process.pid, signal.SIGCONT)
    process.join()
    assert_complete(path, "hyperband")


# Ctrl-C


@needs_forkserver
@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")
@pytest.mark.parametrize("workers", [SERIAL, THREADS, LOKY], ids=str)
@pytest.mark.parametrize("kind", ["coarse-to-fine", "hyperband"])
def test_control_returns_within_a_second_of_ctrl_c_and_the_best_can_be_read(
    path, kind, workers
):
    process = start(run_until_interrupted, kind, *workers, path)
    try:
        while process.exitcode is None and (
            not size(path) or read_journal(path).best_score_ is None
        ):
            time.sleep(0.01)
        assert process.exitcode is None
        interrupted = time.time()
        os.kill(process.pid, signal.SIGINT)
        process.join(30)
        assert process.exitcode == 0
    finally:
        end_group(process)
    with open(f"{path}.results", "rb") as file:
        returned, results = pickle.load(file)
    assert returned - interrupted < 1
    assert not results.completed
    best = results.cv_results_["mean_test_score"][results.best_index_]
    assert results.best_score_ == best > 0
    assert results.best_params_.keys() == {"alpha", "learning_rate_init"}
