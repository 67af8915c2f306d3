"""The folder that ``tune`` writes into: its lock, what is unfinished there, its files.

Knows the files' names and how they come to be whole; what is in them is others' matter.

While a search runs, ``unfinished.json`` says which one it is, and holds the folder's lock;
``tune-*.journal`` have its finished fits. Both stay when it is cut short, so that the same
command goes on, and go once the results are written.
"""

import contextlib
import json
import os
import shutil
from pathlib import Path

from caviar._cli_words import CommandError, last_line
from caviar._journal import lock

UNFINISHED = "unfinished.json"
FILES = {
    "report.html": "all of it with plots: open it in a browser",
    "model.joblib": "the best network, fitted on all rows, for predict",
    "search.joblib": "the search, for retest",
    "cv_results.csv": "every candidate",
    "study.json": "what report.html is made of, for programs",
}


class CommandFailed(CommandError):
    """The request was in order, but the machine or the search failed."""

    status = 1


class Folder:
    """One run of ``tune`` in a folder, which it has for itself.

    Parameters
    ----------
    path : path-like
        Made if it is not there.

    Raises
    ------
    CommandError
        If it cannot be made or written, or another ``tune`` is at work in it.
    """

    def __init__(self, path):
        self.path = Path(path)
        self._file = None
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            # Not for reading alone: the lock of some systems wants a file that is written.
            self._file = self._unfinished.open("a+", encoding="utf-8")
            lock(self._file.fileno(), str(self._unfinished))
        except BlockingIOError as error:
            self.close()
            raise CommandFailed(
                f"Another `tune` is at work in '{self.path}': wait for its end, or give "
                "another --out."
            ) from error
        except OSError as error:
            self.close()
            reason = error.strerror or str(error)
            raise CommandError(f"Cannot write to '{self.path}': {reason}.") from error

    @property
    def _unfinished(self):
        return self.path / UNFINISHED

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    def close(self):
        """Give the folder free, as it is."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def begin(self, asked, study, restart=False):
        """Note which search begins, unless the very same one is to go on.

        Parameters
        ----------
        asked : dict of str to str
            What the search depends on, as options of the command line.
        study : Study
            What is known of it by now.
        restart : bool
            Whether to forget an unfinished one.

        Returns
        -------
        bool
            Whether a search goes on.

        Raises
        ------
        CommandError
            If an unfinished search was asked for otherwise.
        """
        if restart:
            self._remove_journals()
        earlier = self._asked_before()
        goes_on = earlier is not None and any(self.path.glob("tune-*.journal"))
        if goes_on and earlier != asked:
            raise CommandError(
                f"'{self.path}' has an unfinished search{_difference(earlier, asked)}. "
                "Give its command again to go on with it, --restart to throw it away, or "
                "another --out."
            )
        if not goes_on:
            self._remove_journals()
        self._note(asked, study)
        return goes_on

    def _asked_before(self):
        try:
            self._file.seek(0)
            content = json.loads(self._file.read())
            return dict(content["asked"])
        except (ValueError, KeyError, TypeError, RecursionError):
            # New, or a kill came while it was written. A journal checks for itself.
            return None

    def _note(self, asked, study):
        content = {"asked": asked, "study": json.loads(study.to_json())}
        try:
            self._file.truncate(0)
            self._file.write(json.dumps(content, indent=1))
            self._file.flush()
        except OSError as error:
            raise cannot_write(self._unfinished, error) from error

    def journal(self, stage):
        """The path of the journal of one search among those of a run."""
        return str(self.path / f"tune-{stage}.journal")

    def write(self, name, write_to):
        """Write a whole file or none: ``write_to`` is called with the path to write to."""
        write_whole(self.path / name, write_to)

    def write_text(self, name, text):
        write_whole_text(self.path / name, text)

    def finish(self):
        """The results are written: nothing is left to go on with."""
        self._remove_journals()
        if os.name == "nt":  # where an open file cannot be removed
            self.close()
        with contextlib.suppress(OSError):
            self._unfinished.unlink()
        self.close()

    def _remove_journals(self):
        for path in self.path.glob("tune-*.journal"):
            path.unlink(missing_ok=True)
        for path in self.path.glob("tune-*.journal.states"):
            shutil.rmtree(path, ignore_errors=True)


def write_whole(path, write_to):
    """A file that is there as a whole or not at all; `cannot_write` if it is not."""
    part = path.with_name(f".{path.name}.part")
    try:
        write_to(part)
        os.replace(part, path)
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def write_whole_text(path, text):
    """As `write_whole`, of a text."""
    write_whole(path, lambda part: part.write_text(text, encoding="utf-8"))


def read_unfinished(folder):
    """The noted study of an unfinished search, as text; None where there is none."""
    path = Path(folder) / UNFINISHED
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return json.dumps(content["study"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise CommandError(f"'{path}' cannot be read: {last_line(error)}.") from error


def cannot_write(path, error):
    """A failed file, in one line."""
    reason = error.strerror or str(error)
    return CommandFailed(f"Cannot write '{path}': {reason}.")


def _difference(earlier, asked):
    """How two requests differ, in the words of the command line."""
    for name in [*asked, *earlier]:
        was, now = earlier.get(name), asked.get(name)
        if was != now:
            return f" {_words(name, was)}, not {_words(name, now)}"
    return ""


def _words(name, value):
    return f"without {name}" if value is None else f"with {name} {value}".rstrip()
