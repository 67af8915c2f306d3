"""The journal of a search, and the states beside it: what is kept, and what is refused."""

import doctest
import errno
import json
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
import warnings
import zlib
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import GridSearchCV

from caviar import _journal, _journal_lines, _journal_results, _journal_states
from caviar._journal import Journal, JournalWarning, StateStore, read_journal
from searches_to_kill import full_disk

FINGERPRINT = {"X": "(3, 2) float64, 1c2d", "n_iter": "20", "n_splits": "2"}
needs_flock = pytest.mark.skipif(sys.platform == "win32", reason="flock is POSIX's")
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "search.journal")


def record(score=0.5, **more):
    return {
        "epochs": None,
        "test_scores": score,
        "fit_time": 1.0,
        "score_time": 0.5,
        "fit_error": None,
        **more,
    }


def write(path, n_fits, fingerprint=FINGERPRINT):
    """A journal of that many fits, of two splits each."""
    with Journal(path, fingerprint, 7) as journal:
        for fit in range(n_fits):
            candidate, split = divmod(fit, 2)
            params = {"alpha": candidate / 3}
            journal.append((0, 0, candidate, split), params, record(fit / 7))


def read(path):
    with open(path, "rb") as file:
        return file.read()


def overwrite(path, data):
    with open(path, "wb") as file:
        file.write(data)


def run(code, *arguments):
    """Run code in a new interpreter, which finds the package where this one does."""
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


# What is written, and what comes back


def test_a_record_comes_back_in_the_next_run_number_for_number(path):
    floats = [0.1 + 0.2, 1 / 3, 5e-324, 1.7976931348623157e308, -0.0, 1e22]
    kept = record(state=2**32 - 1)
    kept["test_scores"] = {f"metric {i}": value for i, value in enumerate(floats)}
    kept["train_scores"] = {"inf": float("inf"), "minus": float("-inf")}
    kept["fit_error"] = 'Traceback:\n  "quoted" é \ud800'
    with Journal(path, FINGERPRINT, 7) as journal:
        assert journal.get((0, 1, 2, 3), {"alpha": 0.1}) is None
        journal.append((0, 1, 2, 3), {"alpha": 0.1}, kept)
    with Journal(path, FINGERPRINT, 8) as journal:
        back = journal.get((0, 1, 2, 3), {"alpha": 0.1})
        assert journal.get((0, 1, 2, 4), {"alpha": 0.1}) is None
        assert (journal.seed, journal.n_fits) == (7, 1)
    assert back == kept
    assert str(back) == str(kept)  # which tells -0.0 from 0.0


def test_nan_scores_and_numpy_scalars_are_kept_as_numbers(path):
    kept = record(np.float64("nan"), n_test_samples=np.int64(360), state=None)
    kept["train_scores"] = np.float32(0.1)
    with Journal(path, FINGERPRINT, np.int64(7)) as journal:
        journal.append((np.int64(0), 0, 0, 0), {"n": np.int64(3)}, kept)
    with Journal(path, FINGERPRINT, 7) as journal:
        back = journal.get((0, 0, 0, 0), {"n": np.int64(3)})
    assert np.isnan(back["test_scores"])
    assert back["n_test_samples"] == 360
    assert back["train_scores"] == np.float32(0.1)


def test_the_last_of_two_lines_of_one_fit_counts(path):
    with Journal(path, FINGERPRINT, 7) as journal:
        journal.append((0, 0, 0, 0), {}, record(0.1, state=1))
    with Journal(path, FINGERPRINT, 7) as journal:
        journal.append((0, 0, 0, 0), {}, record(0.1, state=2))
    with Journal(path, FINGERPRINT, 7) as journal:
        assert journal.get((0, 0, 0, 0), {})["state"] == 2
        assert journal.n_fits == 1


VALUES = [
    None,
    True,
    3,
    10**30,
    0.1,
    float("inf"),
    "text é",
    (100, 50),
    [1, (2, [3.5])],
    {"a": (1,), 2: None, (1, 2): [True]},
    {"tuple": [1], "repr": "x", "dict": {}},
    [],
    (),
    {},
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_parameter_of_plain_values_is_restored_with_its_types(value):
    text = json.dumps(_journal_lines.encode(value))
    back = _journal_lines.decode(json.loads(text))
    assert repr(back) == repr(
        value
    )  # which tells 1 from 1.0 and True, lists from tuples


def test_a_parameter_of_any_other_type_is_given_as_its_repr(path):
    estimator = SGDClassifier(alpha=0.5)
    with Journal(path, {"n_splits": "1"}, 7) as journal:
        params = {"model": estimator, "function": np.mean, "object": object()}
        journal.append((0, 0, 0, 0), params, record())
    back = read_journal(path).best_params_
    assert back["model"] == repr(estimator)
    assert back["function"].startswith("<function mean")
    assert (
        back["object"] == "<object object>"
    )  # its address is another's in the next run
    with Journal(path, {"n_splits": "1"}, 7) as journal:
        assert journal.get((0, 0, 0, 0), params | {"object": object()}) is not None


def test_no_pickle_is_in_the_file(path):
    with Journal(path, FINGERPRINT, 7) as journal:
        journal.append((0, 0, 0, 0), {"model": SGDClassifier()}, record())
    lines = read(path).splitlines()
    assert [sorted(json.loads(line)) for line in lines] == [
        ["begun", "caviar journal", "fingerprint", "seed", "version"],
        ["key", "params", "record"],
    ]


def test_a_record_that_json_cannot_hold_is_an_error_and_leaves_no_trace(path):
    with Journal(path, FINGERPRINT, 7) as journal:
        with pytest.raises(TypeError, match="A record must hold numbers"):
            journal.append((0, 0, 0, 0), {}, record(object()))
        journal.append((0, 0, 0, 0), {}, record())
    assert read_journal(path).n_fits == 1


def test_a_journal_is_found_again_after_a_change_of_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "other").mkdir()
    with Journal("relative", FINGERPRINT, 7) as journal:
        monkeypatch.chdir(tmp_path / "other")
        crc = journal.states.put((0, 0, 0, 0), b"state")
        assert journal.states.get((0, 0, 0, 0), crc) == b"state"
    assert sorted(os.listdir(tmp_path)) == ["other", "relative", "relative.states"]


# Other searches are refused


def test_a_journal_of_another_search_is_refused_with_each_difference_named(path):
    write(path, 4)
    before = read(path)
    other = {"X": "(3, 2) float64, 77aa", "n_iter": "30", "n_splits": "2", "y": "None"}
    with pytest.raises(ValueError, match="is of another search") as caught:
        Journal(path, other, 7)
    message = str(caught.value)
    assert "`X` was (3, 2) float64, 1c2d, is (3, 2) float64, 77aa" in message
    assert "`n_iter` was 20, is 30" in message
    assert "`y` was not given, is None" in message
    assert "n_splits" not in message
    assert read(path) == before
    Journal(path, FINGERPRINT, 7).close()  # the refusal gave it free


@pytest.mark.parametrize("params", [{"alpha": 0.25}, {"beta": 0.0}, {}])
def test_other_parameters_under_a_key_are_refused_and_named(path, params):
    write(path, 2)
    with (
        Journal(path, FINGERPRINT, 7) as journal,
        pytest.raises(
            ValueError, match=r"another course of the search.*`alpha` was 0\.0"
        ),
    ):
        journal.get((0, 0, 0, 0), params)


def test_parameters_that_are_nan_are_the_same_as_before(path):
    with Journal(path, FINGERPRINT, 7) as journal:
        journal.append((0, 0, 0, 0), {"fill": np.nan}, record())
    with Journal(path, FINGERPRINT, 7) as journal:
        assert journal.get((0, 0, 0, 0), {"fill": np.nan}) is not None


CSV = b"a,b\n1,2\n"
OTHERS = {
    "csv": CSV,
    "pickle": pickle.dumps({"a": np.arange(3)}),
    "json": b'{"caviar": 1}\n',
    "a word": b"x",
    "NULs": bytes(100),
    "another format": b'{"caviar journal": 99, "seed": 1, "fingerprint": {}}\n',
    "no header": b'{"caviar journal": 1, "seed": 1}\n{"end": 1}\n',
    "a broken header": b'{"caviar journal": 1, "se\n',
}


@pytest.mark.parametrize("data", OTHERS.values(), ids=OTHERS)
def test_a_file_that_is_no_journal_of_ours_is_refused_and_left_as_it_is(path, data):
    overwrite(path, data)
    for opening in (lambda: Journal(path, FINGERPRINT, 7), lambda: read_journal(path)):
        with pytest.raises(ValueError, match=r"search\.journal"):
            opening()
    assert read(path) == data


# Damage


@pytest.mark.parametrize("cut", [1, 2, 20, 60])
def test_a_torn_last_line_is_cut_off_and_its_fit_is_repeated(path, cut):
    write(path, 4)
    overwrite(path, read(path)[:-cut])
    assert read_journal(path).n_fits == 3
    with Journal(path, FINGERPRINT, 7) as journal:
        assert journal.get((0, 0, 1, 0), {"alpha": 1 / 3}) is not None
        assert journal.get((0, 0, 1, 1), {"alpha": 1 / 3}) is None
        journal.append((0, 0, 1, 1), {"alpha": 1 / 3}, record(3 / 7))
    assert read_journal(path).n_fits == 4
    assert read(path).count(b"\n") == 5


@pytest.mark.parametrize("rest", [bytes(5000), b'{"key": [0, 0', b"\x80\xff{"])
def test_what_a_power_cut_leaves_behind_the_last_line_is_cut_off(path, rest):
    write(path, 4)
    whole = read(path)
    overwrite(path, whole + rest)
    Journal(path, FINGERPRINT, 7).close()
    assert read(path) == whole


def test_a_last_line_that_is_whole_but_no_json_is_cut_off_with_a_warning(path):
    write(path, 4)
    whole = read(path)
    overwrite(path, whole + bytes(100) + b"\n")
    with pytest.warns(JournalWarning, match=r"lost its last line, line 6"):
        Journal(path, FINGERPRINT, 7).close()
    assert read(path) == whole


@pytest.mark.parametrize(
    "line",
    [b"\0" * 50, b'{"key": [0, 0', b'{"key": [0], "params": {}}', b"5", b"[]", b""],
)
def test_damage_in_the_middle_is_an_error_that_names_file_and_line(path, line):
    write(path, 4)
    lines = read(path).split(b"\n")
    lines[2] = line
    overwrite(path, b"\n".join(lines))
    for opening in (lambda: Journal(path, FINGERPRINT, 7), lambda: read_journal(path)):
        with pytest.raises(ValueError, match=r"search\.journal.* line 3 of 5"):
            opening()
    overwrite(path, b"\n".join(lines[:2]) + b"\n")  # as the message advises
    assert read_journal(path).n_fits == 1


def test_a_journal_killed_before_its_header_was_whole_begins_anew(path):
    write(path, 2)
    header = read(path).split(b"\n")[0]
    for size in (0, 1, 10, 20, 60, len(header)):
        overwrite(path, header[:size])
        assert read_journal(path).n_fits == 0
        write(path, 2)
        assert read_journal(path).n_fits == 2


# One search at a time


@needs_flock
def test_a_second_search_in_the_same_process_is_refused(path):
    raised = []

    def open_again():
        try:
            Journal(path, FINGERPRINT, 7)
        except OSError as error:
            raised.append(error)

    with Journal(path, FINGERPRINT, 7) as journal:
        thread = threading.Thread(target=open_again)
        thread.start()
        thread.join()
        assert (
            read_journal(path).n_fits == 0
        )  # reading needs no lock, nor takes it away
        with pytest.raises(BlockingIOError, match="in use by another search"):
            Journal(path, FINGERPRINT, 7)
        journal.append((0, 0, 0, 0), {}, record())
    assert len(raised) == 1
    Journal(path, FINGERPRINT, 7).close()


HOLDER = """
import sys, time
from caviar._journal import Journal
journal = Journal(sys.argv[1], {"X": "1"}, 0)
journal.append((0, 0, 0, 0), {}, {"test_scores": 1.0})
print("open", flush=True)
time.sleep(60)
"""


def test_a_second_process_is_refused_until_the_first_is_killed(path):
    holder = run(HOLDER, path)
    try:
        assert holder.stdout.readline() == "open\n"
        with pytest.raises(BlockingIOError, match="in use by another search"):
            Journal(path, {"X": "1"}, 0)
    finally:
        holder.kill()
        holder.communicate()
    with Journal(path, {"X": "1"}, 0) as journal:  # without a wait
        assert journal.get((0, 0, 0, 0), {}) == {"test_scores": 1.0}


@needs_fork
def test_a_forked_child_does_not_hold_the_lock_of_its_parent(path):
    code = HOLDER.replace(
        'print("open", flush=True)',
        "import os\nif os.fork() == 0:\n    print(os.getpid(), flush=True)",
    )
    holder = run(code, path)
    child = int(holder.stdout.readline())
    try:
        time.sleep(0.2)  # until the hook, which may run after the print, has run
        with pytest.raises(BlockingIOError):
            Journal(path, {"X": "1"}, 0)  # nor does its end of the file give it free
        holder.kill()
        holder.wait()
        Journal(path, {"X": "1"}, 0).close()
    finally:
        os.kill(child, signal.SIGKILL)
        holder.communicate()


def test_file_systems_without_locks_are_a_clear_error(path, monkeypatch):
    fcntl = pytest.importorskip("fcntl")

    def flock(fd, operation):
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr(fcntl, "flock", flock)
    with pytest.raises(OSError, match="must be on a file system with locks"):
        Journal(path, FINGERPRINT, 7)


# What cannot be written


def test_a_path_that_cannot_be_written_is_an_error_with_its_reason(tmp_path):
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "no folder" / "a", tmp_path / "file" / "a", tmp_path):
        with pytest.raises(
            OSError, match="`journal` must be a file that can be written"
        ):
            Journal(path, FINGERPRINT, 7)


@pytest.mark.parametrize("path", [3, "", None, b"bytes"])
def test_what_is_no_path_is_an_error_that_shows_it(path):
    with pytest.raises(ValueError, match=r"`journal` must be None or the path.*, got"):
        Journal(path, FINGERPRINT, 7)


def test_a_device_is_refused():
    with pytest.raises((ValueError, OSError), match="`journal` must be"):
        Journal(os.devnull, FINGERPRINT, 7)


@pytest.mark.parametrize("reason", [errno.ENOSPC, errno.EIO])
@pytest.mark.parametrize("room", [0, 1, 100, 250])
def test_a_full_disk_is_a_warning_and_whole_lines_stay(path, monkeypatch, reason, room):
    write(path, 2)
    with Journal(path, FINGERPRINT, 7) as journal:
        monkeypatch.setattr(os, "write", full_disk(room, reason))
        with pytest.warns(JournalWarning) as caught:
            for candidate in range(1, 20):
                journal.append((0, 0, candidate, 0), {}, record())
        monkeypatch.undo()
        journal.append((0, 0, 99, 0), {}, record())  # room again: too late for this run
        journal.complete()
    (warning,) = caught
    assert f"({os.strerror(reason)}): it ends after" in str(warning.message)
    assert read(path).endswith(b"\n")
    results = read_journal(path)
    assert f"after {results.n_fits} fits" in str(warning.message)
    assert 2 <= results.n_fits < 5
    assert not results.completed
    with Journal(path, FINGERPRINT, 7) as journal:
        assert journal.get((0, 0, 99, 0), {}) is None
        journal.append((0, 0, 99, 0), {}, record())
    assert read_journal(path).n_fits == results.n_fits + 1


def test_a_disk_that_is_full_from_the_first_is_an_error_and_can_be_tried_again(
    path, monkeypatch
):
    monkeypatch.setattr(os, "write", full_disk(40))
    with pytest.raises(OSError, match="must be a file that can be written") as caught:
        Journal(path, FINGERPRINT, 7)
    assert caught.value.errno == errno.ENOSPC
    assert read(path) == b""
    monkeypatch.undo()
    write(path, 2)


def test_a_failed_fsync_is_a_warning_and_what_was_written_stays(path, monkeypatch):
    with Journal(path, FINGERPRINT, 7) as journal:

        def fsync(fd):
            raise OSError(errno.EIO, "Input/output error")

        journal.append((0, 0, 0, 0), {}, record())
        monkeypatch.setattr(os, "fsync", fsync)
        with pytest.warns(JournalWarning, match="Input/output error"):
            journal.end_round()
        journal.append((0, 0, 1, 0), {}, record())
    assert read_journal(path).n_fits == 1


LIMITED = """
import resource, sys, warnings
from caviar._journal import Journal
journal = Journal(sys.argv[1], {"X": "1"}, 0)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    with journal:
        crc = journal.states.put((0, 0, 0, 0), bytes(5000))
        assert journal.states.get((0, 0, 0, 0), crc) == bytes(5000)
        for candidate in range(100):
            journal.append((0, 0, candidate, 0), {}, {"test_scores": 1.0})
for warning in caught:
    print(warning.category.__name__, warning.message)
"""


def test_a_file_size_limit_is_a_warning_each_and_whole_lines_stay(path):
    pytest.importorskip("resource")
    process = run(LIMITED, path)
    output, errors = process.communicate()
    assert process.returncode == 0, errors
    state, journal = output.splitlines()
    assert state.startswith("JournalWarning A state could not be written")
    assert journal.startswith("JournalWarning The journal")
    assert "(File too large)" in journal
    assert read(path).endswith(b"\n")
    with Journal(path, {"X": "1"}, 0) as reopened:
        assert 2 < reopened.n_fits < 20


# Fsyncs


def test_fits_are_fsynced_together_within_a_tenth_of_a_second_and_at_a_round(
    path, monkeypatch
):
    now, synced = [100.0], []
    monkeypatch.setattr(_journal, "time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(os, "fsync", lambda fd: synced.append(now[0]))
    journal = Journal(path, FINGERPRINT, 7)
    synced.clear()  # of the header and the folder
    for fit in range(100):
        journal.append((0, 0, fit, 0), {}, record())
        now[0] += 0.01
    gaps = np.diff([100.0, *synced])
    assert len(synced) == 9
    assert gaps.max() < 0.12
    journal.append((0, 0, 100, 0), {}, record())
    n = len(synced)
    journal.append((0, 0, 101, 0), {}, record())
    journal.end_round()
    journal.end_round()  # nothing new: nothing to do
    assert len(synced) == n + 1
    journal.append((0, 0, 102, 0), {}, record())
    journal.close()
    assert len(synced) == n + 2


def test_a_journal_that_is_closed_takes_nothing(path):
    journal = Journal(path, FINGERPRINT, 7)
    journal.close()
    journal.close()
    with pytest.raises(ValueError, match="is closed"):
        journal.append((0, 0, 0, 0), {}, record())


# States


def test_a_state_comes_back_byte_for_byte_in_the_next_run(path):
    data = os.urandom(100_000)
    with Journal(path, FINGERPRINT, 7) as journal:
        crc = journal.states.put((0, 1, 2, 3), data)
        assert crc == zlib.crc32(data)
        assert journal.states.get((0, 1, 2, 3), crc) == data
    with Journal(path, FINGERPRINT, 7) as journal:
        assert journal.states.get((0, 1, 2, 3), crc) == data
        assert journal.states.get((0, 1, 2, 4), crc) is None
        journal.states.drop((0, 1, 2, 3))
        journal.states.drop((0, 1, 2, 3))
        assert journal.states.get((0, 1, 2, 3), crc) is None


def test_a_state_that_is_torn_or_another_is_none(path):
    with Journal(path, FINGERPRINT, 7) as journal:
        crc = journal.states.put((0, 0, 0, 0), b"state of round 0")
        journal.states.put((0, 0, 0, 0), b"state of round 1")
        assert journal.states.get((0, 0, 0, 0), crc) is None
        crc = journal.states.put((0, 0, 0, 0), b"state of round 0")
        overwrite(os.path.join(f"{path}.states", "0-0-0-0"), b"state of")
        assert journal.states.get((0, 0, 0, 0), crc) is None


def test_states_go_when_the_search_is_complete_and_stay_otherwise(path):
    with Journal(path, FINGERPRINT, 7) as journal:
        assert not os.path.exists(f"{path}.states")  # none before there is a state
        journal.states.put((0, 0, 0, 0), b"state")
        journal.states.put((0, 0, 1, 0), b"state")
    assert sorted(os.listdir(f"{path}.states")) == ["0-0-0-0", "0-0-1-0"]
    overwrite(os.path.join(f"{path}.states", "0-0-2-0.tmp"), b"of a killed run")
    with Journal(path, FINGERPRINT, 7) as journal:
        journal.complete()
    assert not os.path.exists(f"{path}.states")


def test_a_file_that_is_no_state_is_not_removed_with_the_states(path):
    os.mkdir(f"{path}.states")
    overwrite(os.path.join(f"{path}.states", "notes.txt"), b"mine")
    with Journal(path, FINGERPRINT, 7) as journal:
        journal.states.put((0, 0, 0, 0), b"state")
        journal.complete()
    assert os.listdir(f"{path}.states") == ["notes.txt"]


def test_states_without_a_journal_are_in_a_temporary_folder_that_goes(
    tmp_path, monkeypatch
):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("caviar._journal_states.MEMORY", 8)
    for end in (StateStore.close, StateStore.remove):
        store = StateStore()
        first = store.put((0, 0, 0, 0), b"small")
        assert os.listdir(tmp_path) == []  # in memory, while there is room
        crc = store.put((0, 0, 1, 0), b"state")
        (folder,) = os.listdir(tmp_path)
        assert os.listdir(tmp_path / folder) == ["0-0-1-0"]
        assert store.get((0, 0, 0, 0), first) == b"small"
        assert store.get((0, 0, 1, 0), crc) == b"state"
        store.drop((0, 0, 0, 0))
        store.put((0, 0, 2, 0), b"state")
        assert os.listdir(tmp_path / folder) == ["0-0-1-0"]  # there is room again
        end(store)
        assert os.listdir(tmp_path) == []
    monkeypatch.chdir(tmp_path)
    (tmp_path / "0-0-0-0").write_text("a user's")
    StateStore().remove()  # never used: it has no folder, least of all this one
    assert os.listdir(tmp_path) == ["0-0-0-0"]


def test_states_that_find_no_room_stay_in_memory_with_one_warning(tmp_path):
    (tmp_path / "file").write_text("")
    store = StateStore(str(tmp_path / "file" / "states"))
    with pytest.warns(JournalWarning, match="kept in memory") as caught:
        crcs = [store.put((0, 0, i, 0), bytes([i])) for i in range(5)]
    assert len(caught) == 1
    assert [store.get((0, 0, i, 0), crcs[i]) for i in range(5)] == [
        bytes([i]) for i in range(5)
    ]
    store.drop((0, 0, 2, 0))
    assert store.get((0, 0, 2, 0), crcs[2]) is None
    (tmp_path / "file").unlink()  # room again: the next ones are written
    crcs[3] = store.put((0, 0, 3, 0), b"new")
    assert os.listdir(tmp_path / "file" / "states") == ["0-0-3-0"]
    assert store.get((0, 0, 3, 0), crcs[3]) == b"new"
    store.close()


def test_a_state_that_could_not_be_written_leaves_no_file(tmp_path, monkeypatch):
    store = StateStore(str(tmp_path / "states"))

    def replace(source, target):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "replace", replace)
    with pytest.warns(JournalWarning, match="No space left on device"):
        store.put((0, 0, 0, 0), b"state")
    assert os.listdir(tmp_path / "states") == []


@pytest.mark.skipif(os.name == "nt", reason="modes are POSIX's")
def test_only_the_owner_can_put_pickles_among_the_states(path):
    with Journal(path, FINGERPRINT, 7) as journal:
        journal.states.put((0, 0, 0, 0), b"state")
        assert os.stat(f"{path}.states").st_mode & 0o077 == 0


# Reading results


def test_results_have_the_columns_and_values_of_a_search_of_scikit_learn(path):
    X, y = load_iris(return_X_y=True)
    grid = {"alpha": [0.01, 0.1], "penalty": ["l2", None], "l1_ratio": [0.15]}
    search = GridSearchCV(
        SGDClassifier(random_state=0, max_iter=5, tol=None),
        grid,
        cv=3,
        scoring=["accuracy", "f1_macro"],
        refit="accuracy",
        return_train_score=True,
    ).fit(X, y)
    expected = search.cv_results_
    with Journal(path, {"n_splits": "3"}, 7) as journal:
        for candidate, params in enumerate(expected["params"]):
            for split in (2, 0, 1):
                scores = {
                    f"{part}_scores": {
                        name: expected[f"split{split}_{part}_{name}"][candidate]
                        for name in ("accuracy", "f1_macro")
                    }
                    for part in ("test", "train")
                }
                journal.append((0, 0, candidate, split), params, record() | scores)
        journal.complete()
    results = read_journal(path, metric="accuracy")
    times = [
        f"{kind}_{part}_time" for kind in ("mean", "std") for part in ("fit", "score")
    ]
    assert results.cv_results_.keys() == expected.keys() | {"round"}
    for name in expected.keys() - set(times):
        np.testing.assert_array_equal(results.cv_results_[name], expected[name])
        if name != "params":
            assert results.cv_results_[name].dtype == expected[name].dtype, name
    assert results.best_index_ == search.best_index_
    assert results.best_params_ == search.best_params_
    assert results.best_score_ == search.best_score_
    assert (results.n_fits, results.completed) == (12, True)
    assert (
        read_journal(path).best_index_ is None
    )  # with several metrics none is the best
    with pytest.raises(ValueError, match=r"`metric` must be one of .*, got 'r2'"):
        read_journal(path, metric="r2")


def test_a_candidate_counts_when_its_splits_are_all_there(path):
    write(path, 5)
    results = read_journal(path)
    assert results.n_fits == 5
    assert results.cv_results_["params"] == [{"alpha": 0.0}, {"alpha": 1 / 3}]
    assert results.best_params_ == {"alpha": 1 / 3}
    assert not results.completed


def test_a_journal_without_a_complete_candidate_has_no_best(path):
    write(path, 1)
    results = read_journal(path)
    assert (results.cv_results_, results.best_params_, results.n_fits) == ({}, None, 1)


def test_the_best_is_sought_among_the_rows_with_the_most_epochs(path):
    scores = {
        (0, 0, 0): 0.99,
        (0, 0, 1): 0.5,
        (0, 1, 0): 0.6,
        (1, 0, 0): 0.7,
        (1, 0, 1): 0.8,
    }
    epochs = {0: 1, 1: 3}
    with Journal(path, {"n_splits": "2"}, 7) as journal:
        for bracket, round_, candidate in scores:
            n_epochs = epochs[max(bracket, round_)]
            for split in range(2):
                journal.append(
                    (bracket, round_, candidate, split),
                    {"alpha": candidate},
                    record(
                        scores[bracket, round_, candidate],
                        epochs=n_epochs,
                        epochs_trained=n_epochs - round_,
                    ),
                )
    results = read_journal(path)
    columns = results.cv_results_
    assert columns["bracket"].tolist() == [0, 0, 0, 1, 1]
    assert columns["round"].tolist() == [0, 0, 1, 0, 0]
    assert columns["candidate"].tolist() == [0, 1, 0, 0, 1]
    assert columns["epochs"].tolist() == [1, 1, 3, 3, 3]
    assert columns["epochs_trained"].tolist() == [2, 2, 4, 6, 6]
    assert (results.best_index_, results.best_score_) == (4, 0.8)


def test_failed_fits_rank_last_and_do_not_warn(path):
    with Journal(path, {"n_splits": "1"}, 7) as journal:
        journal.append((0, 0, 0, 0), {"a": 1}, record(np.nan, fit_error="no"))
        journal.append((0, 0, 1, 0), {"a": 2}, record({"accuracy": 0.5, "f1": 0.4}))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        results = read_journal(path, metric="f1")
    assert results.cv_results_["rank_test_f1"].tolist() == [2, 1]
    assert results.best_index_ == 1


def test_results_can_be_read_while_the_search_writes(path):
    with Journal(path, FINGERPRINT, 7) as journal:
        for candidate in range(3):
            for split in range(2):
                journal.append((0, 0, candidate, split), {"a": candidate}, record())
            assert len(read_journal(path).cv_results_["params"]) == candidate + 1


def test_a_path_can_be_path_like(tmp_path):
    write(tmp_path / "journal", 2)
    assert read_journal(tmp_path / "journal").n_fits == 2


def test_opening_a_journal_costs_about_what_parsing_its_json_costs(path):
    params = {"learning_rate_init": 0.00123456789, "hidden_layer_sizes": (50, 100)}
    with Journal(path, {"n_splits": "3"}, 7) as journal:
        for candidate in range(5000):
            for split in range(3):
                journal.append((0, 0, candidate, split), params, record(candidate / 7))
    lines = read(path).splitlines()

    def seconds(function):
        # Garbage of other tests apart, the least of some is the work itself.
        times = []
        for _ in range(5):
            start = time.process_time()
            function()
            times.append(time.process_time() - start)
        return min(times)

    def parse():
        for line in lines:
            json.loads(line)

    def reopen():
        with Journal(path, {"n_splits": "3"}, 7):
            pass

    unit = seconds(parse)
    # 1.5 and 5 when this was written: a second for 100,000 lines, and for 30,000.
    assert seconds(reopen) < 6 * unit
    assert seconds(lambda: read_journal(path)) < 20 * unit


def test_fits_of_this_run_are_kept_on_the_disk_only(path):
    with Journal(path, FINGERPRINT, 7) as journal:
        journal.append((0, 0, 0, 0), {}, record())
        assert journal.get((0, 0, 0, 0), {}) is None
        assert journal.n_fits == 1


@pytest.mark.parametrize("module", [_journal, _journal_results, _journal_states])
def test_examples_run(module):
    results = doctest.testmod(module)
    assert results.attempted > 0
    assert results.failed == 0
