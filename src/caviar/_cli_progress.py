"""How far a search is: read from its journals, shown on a terminal.

A journal has a line for each finished fit, whatever process it ran in and with whichever
scikit-learn, those of earlier runs too. So progress needs no hook in the search: a thread
reads what the journals grow by.
"""

import contextlib
import json
import os
import sys
import threading
import time

REFRESH_SECONDS = 0.2
FORECAST_FROM = 0.02  # of all that there is to do, or
FORECAST_SECONDS = 10  # since the first result
LINE_SECONDS = 5  # between two plain lines, unless a tenth has been done


class Work:
    """What there is to do in one run of ``tune``, and how much is done.

    The measure is the fit; of searches that divide epochs among candidates it is the epoch,
    as their fits are of very different lengths.

    Parameters
    ----------
    rounds : list of Round
        Of each search.
    n_splits : int
    stages : list of str
        The searches, in their order.
    journal : callable
        Gives the path of a stage's journal.

    Attributes
    ----------
    total, done : int
        Fits or epochs.
    n_fits : int
        In the journals by now.
    unit : str
        "fits" or "epochs".
    """

    def __init__(self, rounds, n_splits, stages, journal):
        self._sizes = {(r.bracket, r.number): r.n_epochs or 1 for r in rounds}
        self.unit = "fits" if rounds[0].n_epochs is None else "epochs"
        self._per_stage = n_splits * sum(
            r.n_candidates * (r.n_epochs or 1) for r in rounds
        )
        self._journals = {stage: _GrowingFile(journal(stage)) for stage in stages}
        self._fits = {stage: set() for stage in stages}
        self._done = dict.fromkeys(stages, 0)
        self._ended = set()
        self.total = self._per_stage * len(stages)

    @property
    def done(self):
        return sum(
            self._per_stage if stage in self._ended else min(done, self._per_stage)
            for stage, done in self._done.items()
        )

    @property
    def n_fits(self):
        return sum(map(len, self._fits.values()))

    def look(self):
        """Read what the journals have grown by."""
        for stage, journal in self._journals.items():
            for line in journal.new_lines():
                key = _key(line)
                if key is not None and key not in self._fits[stage]:
                    self._fits[stage].add(key)
                    self._done[stage] += self._sizes.get(key[:2], 1)

    def end(self, stage):
        """A search is over; if it was cut short, what it has not done is not missing."""
        self.look()
        self._ended.add(stage)


def _key(line):
    try:
        return tuple(json.loads(line)["key"])
    except (ValueError, KeyError, TypeError):  # the header, the end
        return None


class _GrowingFile:
    def __init__(self, path):
        self._path = path
        self._offset = 0

    def new_lines(self):
        """The lines that have become whole since the last call."""
        try:
            with open(self._path, "rb") as file:
                file.seek(self._offset)
                data = file.read()
        except OSError:  # not there yet
            return []
        *lines, torn = data.split(b"\n")
        self._offset += len(data) - len(torn)
        return lines


class Progress:
    """Context manager that shows how far `Work` is; on a terminal only.

    A bar, with rich (the extra ``progress``); else a line every tenth, or few seconds.

    Parameters
    ----------
    work : Work
    time_budget : float or None, default=None
        Seconds: never say that more are left.
    stream : file object, default=None
        None means sys.stderr.
    """

    def __init__(self, work, time_budget=None, stream=None):
        self.work = work
        self._time_budget = time_budget
        stream = sys.stderr if stream is None else stream
        self._shown = _display(stream) if stream.isatty() else None
        self._stage = "searching"
        self._stop, self._turn = threading.Event(), threading.Lock()

    def __enter__(self):
        self.work.look()
        self._start = time.monotonic()
        # What an earlier run has done says nothing of this one's speed, nor does the time
        # until the first result, in which processes start.
        self._done_before, self._first = self.work.done, None
        if self._shown is not None:
            self._shown.open()
            self._thread = threading.Thread(target=self._watch, daemon=True)
            self._thread.start()
        return self

    def __exit__(self, *exception):
        try:
            self._close()
        except KeyboardInterrupt:  # once more: the line is to be clean all the same
            self._close()
            raise

    def _close(self):
        self._stop.set()
        if self._shown is not None:
            self._thread.join()
            self._shown.close()

    # What `run` tells

    def begin(self, stage):
        fold = stage.removeprefix("fold-")
        self._stage = "searching" if fold == stage else f"outer fold {fold}"

    def end(self, stage):
        self._look_and_show()  # at least once, however soon it has ended
        with self._turn:
            self.work.end(stage)

    def say(self, text):
        self._stage = text

    # Watching

    def _watch(self):
        while not self._stop.wait(REFRESH_SECONDS):
            self._look_and_show()

    def _look_and_show(self):
        if self._shown is None:
            return
        # Whoever has the turn; the terminal may be gone.
        with self._turn, contextlib.suppress(OSError, ValueError):
            self.work.look()
            done, seconds = self.work.done, time.monotonic() - self._start
            self._shown.show(
                self._stage,
                done,
                self.work.total,
                f"{done}/{self.work.total} {self.work.unit}",
                self.times(done, seconds),
            )

    def times(self, done, seconds):
        """How long it has taken, and how long it will, in words."""
        text = minutes(seconds)
        left = self.seconds_left(done, seconds)
        if left is None or done >= self.work.total:  # the winner is looked at: not long
            return text
        return f"{text}, about {minutes(left)} left"

    def seconds_left(self, done, seconds):
        """None where nothing can be said."""
        left = self._extrapolated(done, seconds)
        if self._time_budget is None:
            return left
        budget = max(self._time_budget - seconds, 0)
        return budget if left is None else min(left, budget)

    def _extrapolated(self, done, seconds):
        if done <= self._done_before:
            return None
        if self._first is None:
            self._first = done, seconds
        new, passed = done - self._first[0], seconds - self._first[1]
        # Of the first few a forecast would jump about.
        if new < FORECAST_FROM * self.work.total and passed < FORECAST_SECONDS:
            return None
        return passed / new * (self.work.total - done) if new else None


def minutes(seconds):
    """As a clock shows it: 0:05, 12:30, 1:02:03."""
    seconds = round(seconds)
    hours, rest = divmod(seconds, 3600)
    if hours:
        return f"{hours}:{rest // 60:02}:{rest % 60:02}"
    return f"{rest // 60}:{rest % 60:02}"


def _display(stream):
    try:
        import rich.progress
    except ImportError:
        return _Lines(stream)
    return _Lines(stream) if os.environ.get("TERM") == "dumb" else _Bar(rich, stream)


class _Bar:
    """One line with a bar, by rich; gone when it is closed."""

    def __init__(self, rich, stream):
        from rich.console import Console

        progress = rich.progress
        self._progress = progress.Progress(
            progress.TextColumn("{task.description}"),
            progress.BarColumn(bar_width=24),
            progress.TextColumn("{task.fields[count]}"),
            progress.TextColumn("{task.fields[times]}"),
            console=Console(file=stream),
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def open(self):
        self._task = self._progress.add_task("", total=None, count="", times="")
        self._progress.start()

    def close(self):
        self._progress.stop()

    def show(self, stage, done, total, count, times):
        self._progress.update(
            self._task,
            description=stage,
            completed=done,
            total=total,
            count=count,
            times=times,
            refresh=True,
        )


class _Lines:
    """A line at each tenth, and whenever some seconds have passed without one."""

    def __init__(self, stream):
        self._stream = stream
        self._last = ("", 0)

    def open(self):
        self._said = time.monotonic()

    def close(self):
        self._stream.flush()

    def show(self, stage, done, total, count, times):
        now = time.monotonic()
        tenth = 10 * done // total if total else 0
        due = tenth != self._last[1] or now - self._said >= LINE_SECONDS
        if not due:
            return
        self._said, self._last = now, (stage, tenth)
        self._stream.write(
            f"{100 * done // max(total, 1):3} %  {stage}: {count}, {times}\n"
        )
        self._stream.flush()
