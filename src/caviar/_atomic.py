"""A file that is replaced as a whole: after a crash there is the old one or the new one.

Knows bytes only. What is in a file is its writer's matter.
"""

import contextlib
import errno
import os
import re
import secrets
import stat

try:
    import fcntl
except ImportError:  # Windows, which refuses to delete a file that is open
    fcntl = None  # type: ignore[assignment]

_TOKEN_BYTES = 8  # of a temporary file's name
_LONGEST_STEM = 200  # bytes; a name may have 255 on most file systems


def checked_path(path):
    """The absolute path of a file to write, as text.

    Raises
    ------
    ValueError
        If it is no path, or that of something which is neither a file nor missing.
    """
    if not isinstance(path, str | bytes | os.PathLike) or not os.fspath(path):
        raise ValueError(f"`path` must be the path of a file, got {path!r}.")
    return os.path.abspath(os.fsdecode(path))


def write_whole(path, *parts):
    """Write a file such that nobody ever sees a part of it.

    Parameters
    ----------
    path : str or path-like
        Of a new file or one to replace. A symbolic link stays and the file it leads to is
        replaced; a hard link is no longer one.
    *parts : bytes-like
        What the file is to hold, one after another.

    Raises
    ------
    ValueError
        As `checked_path`.
    OSError
        If the file cannot be written. It is then as it was before.

    Notes
    -----
    The bytes go into a temporary file beside the file, ``.<name>.<token>.tmp``, which is
    fsynced and then renamed; at last the folder is fsynced, where the system can. So
    against the end of power the new file is safe when this returns. A process that is
    killed while it writes leaves its temporary file behind, which is of no consequence and
    which the next writer of the same file removes. It tells it from that of another living
    process by the lock on it, which ends with its process.

    A new file has the permissions that the umask leaves, a replaced one keeps its own.
    """
    path = checked_path(path)
    try:
        _write_whole(os.path.realpath(path), parts)
    except OSError as error:
        raise _unwritable(error, path) from error


def check_writable(path):
    """Raise as `write_whole` would, where that can be known without writing the file."""
    path = checked_path(path)
    try:
        target = os.path.realpath(path)
        _check_target(target)
        fd, temporary = _open_temporary(target)
        os.close(fd)
        os.unlink(temporary)
    except OSError as error:
        raise _unwritable(error, path) from error


def _write_whole(target, parts):
    mode = _check_target(target)
    _remove_abandoned(target)
    fd, temporary = _open_temporary(target)
    try:
        try:
            if mode is not None and hasattr(os, "fchmod"):
                os.fchmod(fd, mode)
            for part in parts:
                _write_all(fd, part)
            os.fsync(fd)
            if fcntl is not None:  # else a file that is open cannot be renamed
                os.replace(temporary, target)
        finally:
            os.close(fd)
        if fcntl is None:
            os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    _sync_folder(os.path.dirname(target))


def _write_all(fd, data):
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(fd, rest) :]


def _check_target(target):
    """Permissions of the file that is there, or None. Raises if it cannot be replaced.

    A rename would replace what opening the file for writing would refuse.
    """
    try:
        found = os.lstat(target)
    except FileNotFoundError:
        return None
    if stat.S_ISLNK(found.st_mode):  # although its links have been followed
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(found.st_mode):
        raise ValueError(f"`path` must be that of a regular file, got {target!r}.")
    effective = os.access in os.supports_effective_ids
    if not os.access(target, os.W_OK, effective_ids=effective):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    return stat.S_IMODE(found.st_mode)


# Temporary files


def _open_temporary(target):
    """A new file beside the target, locked. Returns its descriptor and its path."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    while True:
        token = secrets.token_hex(_TOKEN_BYTES)
        temporary = os.path.join(
            os.path.dirname(target), f".{_stem(target)}.{token}.tmp"
        )
        fd = os.open(temporary, flags, 0o666)
        if _lock(fd) is not False and os.path.exists(temporary):
            return fd, temporary
        # Another writer took it for abandoned before it was locked, and removes it.
        os.close(fd)


def _stem(target):
    """The target's name, cut where the temporary file's would be too long."""
    name = os.fsencode(os.path.basename(target))
    return name[:_LONGEST_STEM].decode("utf-8", "ignore")


def _lock(fd):
    """Whether the lock of a file could be had; None where the system has none."""
    if fcntl is None:
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return None
    return True


def _remove_abandoned(target):
    """Remove the temporary files of processes that were killed while they wrote."""
    folder = os.path.dirname(target)
    token = f"[0-9a-f]{{{2 * _TOKEN_BYTES}}}"
    pattern = re.compile(rf"\.{re.escape(_stem(target))}\.{token}\.tmp")
    # One that cannot be removed, or has been by another writer, is no reason to fail.
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for name in [e.name for e in entries if pattern.fullmatch(e.name)]:
            with contextlib.suppress(OSError):
                _remove_unless_locked(os.path.join(folder, name))


def _remove_unless_locked(path):
    if fcntl is None:
        os.unlink(path)
        return
    fd = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        if _lock(fd):
            os.unlink(path)
    finally:
        os.close(fd)


def _sync_folder(folder):
    """The file's new name is on the disk when its folder is; not every system can."""
    with contextlib.suppress(OSError):
        fd = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


def _unwritable(error, path):
    return OSError(
        error.errno,
        f"`path` must be a file that can be written: {error.strerror}",
        path,
    )
