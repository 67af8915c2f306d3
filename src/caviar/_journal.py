"""The journal of a search: every finished fit is written down, so that none is done twice.

Owns the file: its lock, what is written and fsynced when, and what happens when the disk is
full. The lines themselves are `_journal_lines`' matter, the states beside the file
`_journal_states`', and reading results from it `_journal_results`'.
"""

import contextlib
import errno
import os
import stat
import sys
import time
import warnings
import weakref
from datetime import UTC, datetime
from importlib.metadata import version

from . import _journal_lines
from ._journal_results import JournalResults, read_journal
from ._journal_states import JournalWarning, StateStore

__all__ = ["Journal", "JournalResults", "JournalWarning", "StateStore", "read_journal"]

SYNC_SECONDS = 0.1  # between two fsyncs, at the least
_IN_USE = {errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES, errno.EDEADLK}


class Journal:
    """The file of one search, open for it alone, and what an earlier run wrote into it.

    Parameters
    ----------
    path : str or path-like
        Of a new file, or of the journal of an earlier run. Its folder must exist.
    fingerprint : dict of str to str
        What the search depends on, part by part (`_fingerprint.fingerprint`). A journal
        of another fingerprint is refused.
    seed : int
        What the candidates are drawn from.

    Attributes
    ----------
    path : str
        Absolute.
    seed : int
        The one given, or that of the search which is continued.
    states : StateStore
        In the folder ``<path>.states``, which is made with the first state and removed by
        `complete`.
    n_fits : int
        Finished fits in the file.

    Raises
    ------
    ValueError
        If the file is no journal, damaged before its end, or of another search; the
        message names what differs.
    OSError
        If the file cannot be written or locked; `BlockingIOError` if another search has it.

    Notes
    -----
    A fit is written with one ``write`` and is safe from then on against the end of the
    process, also by ``kill -9``. Against the end of power it is safe after an fsync, of
    which there is one with each fit, but not within 0.1 s of the last, and one at
    `end_round` and `close`; or once the system writes the file back by itself, as Linux
    does within half a minute. The lock is the operating system's and ends with the process.

    Examples
    --------
    >>> import os, tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "search.journal")
    >>> record = {"test_scores": 0.9, "fit_time": 1.0, "score_time": 0.1}
    >>> with Journal(path, {"X": "(3, 2) float64, 1c2d"}, seed=7) as journal:
    ...     journal.append((0, 0, 0, 0), {"alpha": 0.1}, record)
    >>> with Journal(path, {"X": "(3, 2) float64, 1c2d"}, seed=8) as journal:
    ...     journal.seed, journal.get((0, 0, 0, 0), {"alpha": 0.1})["test_scores"]
    (7, 0.9)
    """

    def __init__(self, path, fingerprint, seed):
        self.path = _checked_path(path)
        self.seed = int(seed)
        self.states = StateStore(f"{self.path}.states")
        self._fits = {}
        self._writes = True
        self._unsynced = False
        self._synced = time.monotonic()
        self._fd = _open(self.path)
        try:
            lock(self._fd, self.path)
            self._begin_or_continue(fingerprint)
        except BaseException:
            self._release()
            raise
        _open_journals.add(self)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    def get(self, key, params):
        """The record of a fit of an earlier run, or None.

        Parameters
        ----------
        key : tuple of four ints
            Bracket, round, candidate and split.
        params : dict
            Of the candidate.

        Returns
        -------
        record : dict or None

        Raises
        ------
        ValueError
            If the fit under this key was of other parameters: candidates are drawn in
            another order now than when the journal was written.
        """
        line = self._fits.get(tuple(key))
        if line is None:
            return None
        entry = _journal_lines.load(line)
        now = _journal_lines.encode_params(params)
        was = entry["params"]
        if was != now and (differences := _journal_lines.differences(was, now)):
            raise ValueError(
                f"The journal {self.path!r} is of another course of the search: for "
                f"bracket, round, candidate and split {tuple(key)}, "
                f"{'; '.join(differences)}."
            )
        return entry["record"]

    def append(self, key, params, record):
        """Write down a finished fit.

        When the file cannot be written any more, a `JournalWarning` says so once, and from
        then on nothing is written.

        Parameters
        ----------
        key, params : as of `get`
        record : dict
            Of numbers, strings, None and dicts of these, by name; NaN and infinity too.
        """
        entry = {
            "key": [int(part) for part in key],
            "params": _journal_lines.encode_params(params),
            "record": record,
        }
        if self._write(_journal_lines.dump(entry)):
            self.n_fits += 1

    def end_round(self):
        """Fsync what is not on the disk yet."""
        self._sync()

    def complete(self):
        """Write down that the search has come to its end; its states go."""
        if not self._completed:
            self._completed = self._write(_journal_lines.dump({"end": _now()}))
            self._sync()
        self.states.remove()

    def close(self):
        """Fsync and give the file free. States stay, for a search that is not complete."""
        if self._fd is not None:
            self._sync()
            self._release()
        self.states.close()

    def _begin_or_continue(self, fingerprint):
        with open(self._fd, "rb", closefd=False) as file:
            data = file.read()
        contents = _journal_lines.parse(data, self.path)
        self._size, self._fits = contents.size, contents.fits
        self._completed, self.n_fits = contents.completed, len(contents.fits)
        if contents.header is not None:
            self._check_fingerprint(contents.header["fingerprint"], fingerprint)
            self.seed = contents.header["seed"]
        if contents.damage is not None:
            warnings.warn(
                f"The journal {self.path!r} lost its last line, {contents.damage}; its fit "
                "is repeated.",
                JournalWarning,
                stacklevel=4,
            )
        if contents.size < len(data):
            # A line without its end is that of a fit in flight when the process ended.
            os.ftruncate(self._fd, contents.size)
        if contents.header is None:
            self._write_header(fingerprint)

    def _check_fingerprint(self, was, now):
        if differences := _journal_lines.differences(was, now, shown=str):
            raise ValueError(
                f"The journal {self.path!r} is of another search: "
                f"{'; '.join(differences)}. Name another file, or remove this one to begin "
                "anew."
            )

    def _write_header(self, fingerprint):
        header = {
            "caviar journal": _journal_lines.FORMAT,
            "version": version("caviar"),
            "begun": _now(),
            "seed": self.seed,
            "fingerprint": fingerprint,
        }
        try:
            self._write_whole(_journal_lines.dump(header))
            os.fsync(self._fd)
        except OSError as error:
            self._truncate()
            raise _unwritable(error, self.path) from error
        # The file's name is on the disk when its folder is. Not every system can do this.
        with contextlib.suppress(OSError):
            folder = os.open(os.path.dirname(self.path), os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

    def _write(self, line):
        """Append one line, if lines can still be written. Returns whether it was."""
        if self._fd is None:
            raise ValueError(f"The journal {self.path!r} is closed.")
        if not self._writes:
            return False
        try:
            self._write_whole(line)
        except OSError as error:
            self._truncate()
            self._give_up(error)
            return False
        self._unsynced = True
        if time.monotonic() - self._synced >= SYNC_SECONDS:
            self._sync()
        return True

    def _write_whole(self, line):
        # The system writes a line at once; of a part, the next call tells the reason.
        rest = memoryview(line)
        while rest:
            rest = rest[os.write(self._fd, rest) :]
        self._size += len(line)

    def _truncate(self):
        # Best effort: what stays of the line is left out when the journal is opened.
        with contextlib.suppress(OSError):
            os.ftruncate(self._fd, self._size)

    def _sync(self):
        if not self._unsynced:
            return
        self._unsynced = False
        try:
            os.fsync(self._fd)
        except OSError as error:
            self._give_up(error)
        self._synced = time.monotonic()

    def _give_up(self, error):
        self._writes = False
        warnings.warn(
            f"The journal {self.path!r} could not be written ({error.strerror}): it ends "
            f"after {self.n_fits} fits, and the search goes on without it. If it does not "
            "come to its end, the same call continues from there.",
            JournalWarning,
            stacklevel=4,
        )

    def _release(self):
        fd, self._fd = self._fd, None
        if fd is not None:
            os.close(fd)


_open_journals: weakref.WeakSet[Journal] = weakref.WeakSet()


def _close_in_child():
    """In a forked child: the lock must end with the parent, not with its last child."""
    for journal in list(_open_journals):
        journal._release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_close_in_child)


def _now():
    return datetime.now(UTC).isoformat(timespec="seconds")


def _checked_path(path):
    if not isinstance(path, str | os.PathLike) or not os.fspath(path):
        raise ValueError(f"`journal` must be None or the path of a file, got {path!r}.")
    return os.path.abspath(os.fsdecode(path))


def _open(path):
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
    try:
        fd = os.open(path, flags, 0o666)
    except OSError as error:
        raise _unwritable(error, path) from error
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise ValueError(f"`journal` must be the path of a regular file, got {path!r}.")
    return fd


def _unwritable(error, path):
    return OSError(
        error.errno,
        f"`journal` must be a file that can be written: {error.strerror}",
        path,
    )


def lock(fd, path):
    """Have a file for oneself, until it is closed or the process ends."""
    try:
        if sys.platform == "win32":
            import msvcrt

            # Far behind the end: a locked byte of Windows' cannot be read by others.
            os.lseek(fd, 2**40, os.SEEK_SET)
            msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
            os.lseek(fd, 0, os.SEEK_SET)
        else:
            import fcntl

            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in _IN_USE:
            raise OSError(
                error.errno,
                f"`journal` must be on a file system with locks: {error.strerror}",
                path,
            ) from error
        raise BlockingIOError(
            error.errno, "`journal` is in use by another search", path
        ) from None
