"""Where the states of unfinished trainings wait until they are resumed: a file for each.

Knows bytes only: what is in them (a pickle) is their writer's matter. Losing a file costs
the repetition of one fit, so none is fsynced, and what comes back is checked by its CRC.
"""

import contextlib
import os
import re
import tempfile
import warnings
import zlib

_NAME = re.compile(r"\d+-\d+-\d+-\d+(\.tmp)?")
# A file costs as much as an epoch of a small network. What is in memory anyway, the data
# above all, is of this order.
MEMORY = 256 * 2**20  # bytes of states that need not outlive the process


class JournalWarning(UserWarning):
    """A journal, or a state beside it, could not be written, or has lost its last line."""


class StateStore:
    """Bytes by key, each in a file; in memory a few that need not outlive the process.

    Parameters
    ----------
    directory : str or None, default=None
        Made, for its owner alone, when the first state comes. None is for states that
        `close` forgets: the first 256 MiB of them are kept in memory, the rest in a
        temporary directory.

    Notes
    -----
    A key is a tuple of four ints: bracket, round, candidate and split. The states are
    pickles; only a directory in which nobody else can write should be named.

    Examples
    --------
    >>> store = StateStore()
    >>> crc = store.put((0, 0, 7, 1), b"weights")
    >>> store.get((0, 0, 7, 1), crc)
    b'weights'
    >>> store.drop((0, 0, 7, 1))
    >>> store.get((0, 0, 7, 1), crc) is None
    True
    >>> store.close()
    """

    def __init__(self, directory=None):
        self.directory = directory
        self._temporary = None
        self._memory = {}
        self._n_free = MEMORY if directory is None else 0
        self._outlives = directory is not None
        self._warned = False

    def put(self, key, data):
        """Keep bytes under a key, in place of earlier ones.

        Returns their CRC-32; 0 where they do not outlive the process, and nothing can
        happen to them.

        Where the disk refuses, the bytes stay in memory, and the first time a
        `JournalWarning` says so.
        """
        self._forget(key)
        if len(data) <= self._n_free:
            self._remember(key, data)
            return 0
        try:
            self._write(key, data)
        except OSError as error:
            self._remember(key, data)
            self._warn(error)
        return self._crc(data)

    def _crc(self, data):
        return zlib.crc32(data) if self._outlives else 0

    def get(self, key, crc):
        """The bytes under a key, or None where they are missing, torn or others."""
        data = self._memory.get(key)
        if data is None and self.directory is not None:
            # An unreadable file is a missing one: its fit is repeated.
            with contextlib.suppress(OSError), open(self._path(key), "rb") as file:
                data = file.read()
        return data if data is not None and self._crc(data) == crc else None

    def drop(self, key):
        """Forget a state; one that is not there is forgotten already."""
        if not self._forget(key) and self.directory is not None:
            with contextlib.suppress(OSError):
                os.unlink(self._path(key))

    def remove(self):
        """Forget all states, also those of an earlier run, and remove the directory."""
        self._memory.clear()
        if self._temporary is not None:
            self.close()
        if self.directory is None:
            return
        # Missing where no state was kept; not empty where a user keeps files in it.
        with contextlib.suppress(OSError):
            with os.scandir(self.directory) as entries:
                names = [entry.name for entry in entries if _NAME.fullmatch(entry.name)]
            for name in names:
                os.unlink(os.path.join(self.directory, name))
            os.rmdir(self.directory)

    def close(self):
        """Remove a temporary directory; states in one that was named stay."""
        self._memory.clear()
        if self._temporary is not None:
            self._temporary.cleanup()
            self._temporary = self.directory = None

    def _remember(self, key, data):
        self._memory[key] = data
        self._n_free -= len(data)

    def _forget(self, key):
        """Free the memory of a state. Returns whether it had any."""
        data = self._memory.pop(key, None)
        self._n_free += len(data or b"")
        return data is not None

    def _path(self, key):
        return os.path.join(self.directory, "-".join(map(str, key)))

    def _write(self, key, data):
        self._make_directory()
        path = self._path(key)
        temporary = f"{path}.tmp"
        try:
            with open(temporary, "wb", buffering=0) as file:
                view = memoryview(data)
                while view:
                    view = view[file.write(view) :]
            # So that a kill leaves either the earlier state or the whole of this one.
            os.replace(temporary, path)
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise

    def _make_directory(self):
        if self.directory is None:
            self._temporary = tempfile.TemporaryDirectory(
                prefix="caviar-", ignore_cleanup_errors=True
            )
            self.directory = self._temporary.name
        else:
            os.makedirs(self.directory, mode=0o700, exist_ok=True)

    def _warn(self, error):
        if self._warned:
            return
        self._warned = True
        where = self.directory or tempfile.gettempdir()
        warnings.warn(
            f"A state could not be written to {where!r} ({error.strerror}): it is kept in "
            "memory, and a search that is killed has to train it again.",
            JournalWarning,
            stacklevel=3,
        )
