"""Files that are replaced as a whole: by writers that fail, are killed, or meet."""

import errno
import itertools
import multiprocessing
import os
import signal
import stat
import tempfile
import threading
from pathlib import Path

import pytest

from caviar import _atomic
from caviar._atomic import check_writable, write_whole
from searches_to_kill import full_disk

posix = pytest.mark.skipif(os.name != "posix", reason="permissions and links of POSIX")
OLD, NEW = b"old" * 1000, b"new" * 2000


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "run.caviar"
    path.write_bytes(OLD)
    return path


def names(folder):
    return sorted(os.listdir(folder))


def fail(reason):
    def call(*args, **kwargs):
        raise OSError(reason, os.strerror(reason))

    return call


def interrupt(*args):
    raise KeyboardInterrupt


# Whole or not at all


@pytest.mark.parametrize("given", [str, os.fsencode, Path])
def test_a_file_is_made_and_replaced_and_nothing_else_is_left(tmp_path, given):
    path = tmp_path / "run.caviar"
    for parts in ([OLD], [b"", NEW[:5], memoryview(NEW)[5:]]):
        write_whole(given(path), *parts)
        assert path.read_bytes() == b"".join(parts)
        assert names(tmp_path) == ["run.caviar"]


def test_a_relative_path_is_one_of_the_current_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_whole("run.caviar", NEW)
    assert (tmp_path / "run.caviar").read_bytes() == NEW


@pytest.mark.parametrize(
    "name", ["a" * 255, "ä" * 127, "a.*[b", "two\nlines", ".hidden", "-f"]
)
def test_any_name_that_a_file_can_have_will_do(tmp_path, name):
    path = tmp_path / name
    for _ in range(2):
        write_whole(path, NEW)
        assert names(tmp_path) == [name]


FAILURES = {
    "the disk is full": ("write", full_disk(1000), errno.ENOSPC),
    "the quota is exceeded": ("write", full_disk(0, errno.EDQUOT), errno.EDQUOT),
    "the disk fails": ("fsync", fail(errno.EIO), errno.EIO),
    "the rename fails": ("replace", fail(errno.EACCES), errno.EACCES),
    "no file can be made": ("open", fail(errno.EROFS), errno.EROFS),
}


@pytest.mark.parametrize("function, call, reason", FAILURES.values(), ids=FAILURES)
def test_after_a_failure_the_old_file_is_there_alone_and_one_error_says_why(
    path, monkeypatch, function, call, reason
):
    monkeypatch.setattr(os, function, call)
    with pytest.raises(OSError, match="`path` must be a file that can be") as caught:
        write_whole(path, NEW)
    monkeypatch.undo()
    assert caught.value.errno == reason
    assert caught.value.filename == str(path)
    assert os.strerror(reason) in str(caught.value)
    assert path.read_bytes() == OLD
    assert names(path.parent) == ["run.caviar"]


@pytest.mark.parametrize("function", ["write", "fsync", "replace"])
def test_ctrl_c_in_the_middle_leaves_the_old_file_alone(path, monkeypatch, function):
    monkeypatch.setattr(os, function, interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_whole(path, NEW)
    monkeypatch.undo()
    assert path.read_bytes() == OLD
    assert names(path.parent) == ["run.caviar"]


def test_a_limit_of_the_system_on_file_sizes_is_an_error_like_a_full_disk(path):
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4000, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            write_whole(path, NEW)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == OLD
    assert names(path.parent) == ["run.caviar"]


@posix
def test_the_contents_are_on_the_disk_before_the_name_and_then_the_folder(
    path, monkeypatch
):
    calls = []
    fsync, replace = os.fsync, os.replace

    def watched_fsync(fd):
        calls.append("folder" if stat.S_ISDIR(os.fstat(fd).st_mode) else "file")
        fsync(fd)

    def watched_replace(*args):
        calls.append("rename")
        replace(*args)

    monkeypatch.setattr(os, "fsync", watched_fsync)
    monkeypatch.setattr(os, "replace", watched_replace)
    write_whole(path, NEW)
    assert calls == ["file", "rename", "folder"]


def test_a_system_that_cannot_sync_folders_is_good_enough(path, monkeypatch):
    fsync = os.fsync

    def no_folders(fd):
        if stat.S_ISDIR(os.fstat(fd).st_mode):
            raise OSError(errno.EINVAL, "Invalid argument")
        fsync(fd)

    monkeypatch.setattr(os, "fsync", no_folders)
    write_whole(path, NEW)
    assert path.read_bytes() == NEW


# What cannot be written


@pytest.mark.parametrize("write", [lambda path: write_whole(path, NEW), check_writable])
def test_what_is_no_path_of_a_file_is_refused(tmp_path, write):
    for path in (None, 3, "", b"", ["run.caviar"]):
        with pytest.raises(ValueError, match="`path` must be the path of a file, got"):
            write(path)
    (tmp_path / "file").write_bytes(OLD)
    for path, error in {
        tmp_path: IsADirectoryError,
        tmp_path / "missing" / "run.caviar": FileNotFoundError,
        tmp_path / "file" / "run.caviar": NotADirectoryError,
    }.items():
        with pytest.raises(error, match="`path` must be a file that can be written"):
            write(path)
    assert names(tmp_path) == ["file"]


@posix
@pytest.mark.parametrize("write", [lambda path: write_whole(path, NEW), check_writable])
def test_pipes_and_devices_are_not_replaced_by_files(tmp_path, write):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", "/dev/null"):
        with pytest.raises(ValueError, match="`path` must be that of a regular file"):
            write(path)
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


@pytest.fixture
def folder_of_a_user():
    """A folder of somebody who may not do everything; that is us, for the time being."""
    with tempfile.TemporaryDirectory() as folder:
        before = os.geteuid()
        nobody = before or 65534
        os.chown(folder, nobody, -1)
        os.seteuid(nobody)
        try:
            yield Path(folder)
        finally:
            os.chmod(folder, 0o700)
            os.seteuid(before)


@posix
@pytest.mark.parametrize("write", [lambda path: write_whole(path, NEW), check_writable])
def test_what_may_not_be_written_is_not_replaced_either(folder_of_a_user, write):
    path = folder_of_a_user / "run.caviar"
    path.write_bytes(OLD)
    for file_mode, folder_mode in ((0o444, 0o700), (0o600, 0o500)):
        path.chmod(file_mode)
        folder_of_a_user.chmod(folder_mode)
        with pytest.raises(PermissionError, match="can be written: Permission denied"):
            write(path)
        assert path.read_bytes() == OLD
        assert names(folder_of_a_user) == ["run.caviar"]


def test_a_check_leaves_everything_as_it_was(path):
    check_writable(path)
    check_writable(path.parent / "new.caviar")
    assert path.read_bytes() == OLD
    assert names(path.parent) == ["run.caviar"]


# Permissions and links


@posix
def test_a_new_file_has_what_the_umask_leaves_and_a_replaced_one_what_it_had(tmp_path):
    path = tmp_path / "run.caviar"
    before = os.umask(0o027)
    try:
        write_whole(path, OLD)
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
        path.chmod(0o604)
        write_whole(path, NEW)
        assert stat.S_IMODE(path.stat().st_mode) == 0o604
    finally:
        os.umask(before)


@posix
def test_a_link_stays_and_the_file_it_leads_to_is_replaced(tmp_path):
    target = tmp_path / "large disk" / "run.caviar"
    target.parent.mkdir()
    link, other = tmp_path / "run.caviar", tmp_path / "other"
    link.symlink_to(Path("large disk") / "run.caviar")
    other.symlink_to(link)
    for path, data in ((link, OLD), (link, NEW), (other, OLD)):  # at first to nothing
        write_whole(path, data)
        assert link.is_symlink()
        assert other.is_symlink()
        assert target.read_bytes() == data
    assert names(tmp_path) == ["large disk", "other", "run.caviar"]
    assert names(target.parent) == ["run.caviar"]


@posix
def test_a_link_that_leads_to_itself_is_an_error(tmp_path):
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    with pytest.raises(OSError, match="`path` must be a file that can be") as caught:
        write_whole(loop, NEW)
    assert caught.value.errno == errno.ELOOP
    assert loop.is_symlink()


# Writers that are killed, and several of them


def write_and_be_killed(path, function):
    """Be killed instead of a call of this function of `os`."""
    setattr(os, function, lambda *args: os.kill(os.getpid(), signal.SIGKILL))
    write_whole(path, NEW)


@posix
@pytest.mark.parametrize("function", ["write", "fsync", "replace"])
def test_what_a_killed_writer_leaves_goes_with_the_next_writing(path, function):
    fork = multiprocessing.get_context("fork")
    for _ in range(3):
        process = fork.Process(target=write_and_be_killed, args=(path, function))
        process.start()
        process.join()
        assert process.exitcode == -signal.SIGKILL
        assert path.read_bytes() == OLD
        (temporary,) = set(names(path.parent)) - {"run.caviar"}
        assert temporary.startswith(".run.caviar.")
        assert temporary.endswith(".tmp")
    write_whole(path.parent / "another.caviar", NEW)
    assert temporary in names(path.parent)
    write_whole(path, NEW)
    assert path.read_bytes() == NEW
    assert names(path.parent) == ["another.caviar", "run.caviar"]


@posix
def test_the_temporary_file_of_a_living_writer_is_left_alone(path):
    fd, temporary = _atomic._open_temporary(str(path))
    write_whole(path, NEW)
    assert os.path.exists(temporary)
    os.close(fd)
    write_whole(path, NEW)
    assert names(path.parent) == ["run.caviar"]


def test_files_of_the_user_that_look_similar_are_left_alone(path):
    similar = [".run.caviar.tmp", ".run.caviar.0123.tmp", "run.caviar.tmp"]
    for name in similar:
        (path.parent / name).write_text("mine")
    write_whole(path, NEW)
    assert names(path.parent) == sorted([*similar, "run.caviar"])


@posix
def test_a_writer_whose_temporary_file_is_taken_away_takes_another(path, monkeypatch):
    """As by one that found it between its making and its lock."""
    lock, taken = _atomic._lock, []

    def lock_too_late(fd):
        if not taken:
            taken.extend(set(names(path.parent)) - {"run.caviar"})
            os.unlink(path.parent / taken[0])
        return lock(fd)

    monkeypatch.setattr(_atomic, "_lock", lock_too_late)
    write_whole(path, NEW)
    assert len(taken) == 1
    assert path.read_bytes() == NEW
    assert names(path.parent) == ["run.caviar"]


def test_without_locks_the_file_is_written_all_the_same(path, monkeypatch):
    if _atomic.fcntl is not None:
        monkeypatch.setattr(_atomic.fcntl, "flock", fail(errno.ENOLCK))
        write_whole(path, NEW)
        assert path.read_bytes() == NEW
    monkeypatch.setattr(_atomic, "fcntl", None)  # as on Windows
    (path.parent / ".run.caviar.0123456789abcdef.tmp").write_bytes(OLD)
    write_whole(path, OLD)
    assert path.read_bytes() == OLD
    assert names(path.parent) == ["run.caviar"]


def test_writers_that_meet_leave_the_file_of_one_of_them(path):
    contents = [bytes([number]) * 3000 for number in range(4)]
    errors, end = [], threading.Event()

    def write(data):
        try:
            for _ in range(30):
                write_whole(path, data)
        except Exception as error:
            errors.append(error)

    def read():
        while not end.is_set():
            if path.read_bytes() not in (OLD, *contents):
                errors.append("a part")

    reader = threading.Thread(target=read)
    writers = [threading.Thread(target=write, args=(data,)) for data in contents]
    for thread in itertools.chain([reader], writers):
        thread.start()
    for thread in writers:
        thread.join()
    end.set()
    reader.join()
    assert errors == []
    assert names(path.parent) == ["run.caviar"]
