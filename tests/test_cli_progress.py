"""How far a search is: counted from journals, shown on terminals and nowhere else."""

import io
import os
import re
import subprocess
import sys

import pytest

from caviar import _cli_progress
from caviar._cli_progress import Progress, Work, minutes
from caviar._cli_search import Round
from command_line import SMALL, on_terminal


class Terminal(io.StringIO):
    def isatty(self):
        return True


def line_of(bracket, round_, candidate, split):
    return f'{{"key": [{bracket}, {round_}, {candidate}, {split}], "params": {{}}}}\n'


@pytest.fixture
def work(tmp_path):
    rounds = [Round(0, 0, 4, 3, 3), Round(0, 1, 2, 6, 9)]
    return Work(rounds, 2, ["search", "fold-1"], lambda stage: tmp_path / stage)


def test_epochs_count_as_the_rounds_add_them_and_each_fit_once(work, tmp_path):
    assert work.unit == "epochs"
    assert work.total == 2 * 2 * (4 * 3 + 2 * 6)
    work.look()
    assert work.done == 0
    with open(tmp_path / "search", "w", buffering=1) as file:
        file.write(
            '{"caviar journal": 1}\n' + line_of(0, 0, 0, 0) + line_of(0, 1, 0, 0)
        )
        work.look()
        assert (work.done, work.n_fits) == (3 + 6, 2)
        # A fit that is repeated has the same key; of a torn line the rest is awaited.
        file.write(line_of(0, 1, 0, 0) + line_of(0, 1, 1, 1)[:9])
        file.flush()
        work.look()
        assert work.done == 9
        file.write(line_of(0, 1, 1, 1)[9:])
        work.look()
        assert work.done == 15


def test_what_a_search_that_was_cut_short_leaves_out_is_not_missing(work, tmp_path):
    (tmp_path / "search").write_text(line_of(0, 0, 0, 0))
    work.end("search")
    assert work.done == work.total / 2


def test_nothing_is_foretold_before_there_is_something_to_go_by(work):
    progress = Progress(work, stream=io.StringIO())
    progress._done_before, progress._first = 30, None
    # What an earlier run has done, and the time until the first result, do not count.
    assert progress.seconds_left(30, 5) is None
    assert progress.seconds_left(36, 20) is None
    assert progress.seconds_left(46, 30) == pytest.approx(10 / 10 * 50)
    assert progress.times(46, 30) == "0:30, about 0:50 left"


def test_nothing_is_said_to_be_left_when_all_fits_are_done(work):
    progress = Progress(work, stream=io.StringIO())
    progress._done_before, progress._first = 0, (1, 1)
    assert "left" in progress.times(0.5 * work.total, 20)
    assert progress.times(work.total, 40) == "0:40"


def test_more_than_the_time_budget_is_never_left(work):
    progress = Progress(work, time_budget=60, stream=io.StringIO())
    progress._done_before, progress._first = 0, (1, 1)
    assert progress.seconds_left(3, 21) == 39
    assert progress.seconds_left(90, 21) == pytest.approx(20 / 89 * 6)
    assert progress.seconds_left(3, 70) == 0


def test_times_are_shown_as_a_clock_does():
    assert [minutes(s) for s in (0, 5.4, 59.6, 750, 3723)] == [
        *("0:00", "0:05", "1:00", "12:30", "1:02:03")
    ]


def test_without_rich_a_line_comes_with_every_tenth_and_every_few_seconds(monkeypatch):
    stream = Terminal()
    lines = _cli_progress._Lines(stream)
    now = [0.0]
    monkeypatch.setattr(_cli_progress.time, "monotonic", lambda: now[0])
    lines.open()
    for done in range(101):
        now[0] += 0.1 if done < 90 else 3
        lines.show("searching", done, 100, f"{done}/100 fits", "0:01")
    shown = stream.getvalue().splitlines()
    percents = [int(line.split()[0]) for line in shown]
    assert percents[:9] == [10, 20, 30, 40, 50, 60, 70, 80, 90]
    assert percents[9:] == [92, 94, 96, 98, 100]
    assert shown[0] == " 10 %  searching: 10/100 fits, 0:01"


def test_progress_is_silent_where_there_is_no_terminal(work):
    stream = io.StringIO()
    with Progress(work, stream=stream) as progress:
        progress.begin("search")
        progress.end("search")
    assert stream.getvalue() == ""


# On terminals

pty = pytest.importorskip("pty", reason="terminals are POSIX's")


def tune(tmp_path, *options, **how):
    return on_terminal("tune", "--out", tmp_path / "model", *SMALL, *options, **how)


@pytest.mark.parametrize("kind", ["random", "hyperband"])
def test_on_a_terminal_rich_draws_a_bar_and_leaves_nothing_of_it(kind, tmp_path):
    pytest.importorskip("rich")
    options = ["--search", kind]
    if kind == "hyperband":
        options = [*SMALL[2:], "--search", kind]
        status, shown = on_terminal("tune", "--out", tmp_path / "model", *options)
    else:
        status, shown = tune(tmp_path, *options)
    assert status == 0
    total, unit = ("12", "fits") if kind == "random" else (r"\d+", "epochs")
    assert re.search(rf"searching.*━.* \d+/{total} {unit}", shown)
    # On a fast machine a stage may be over between two looks.
    assert re.search("outer fold|fitting the winner|looking at|measuring", shown)
    # The line of the bar is erased, and the cursor shown again, before the results.
    before, _, after = shown.partition("Ranking by mean")
    assert before.rindex("\x1b[2K") > before.rindex("━")
    assert before.rindex("\x1b[?25h") > before.rindex("\x1b[?25l")
    assert "\x1b" not in after


def test_on_a_terminal_without_rich_there_are_lines(tmp_path):
    status, shown = tune(tmp_path, "--search", "random", without=["rich"])
    assert status == 0
    assert re.search(r"\n +\d+ %  [a-z 0-9]+: \d+/12 fits, 0:\d\d", shown)
    assert "\x1b" not in shown


def test_control_c_on_a_terminal_is_one_line_and_the_same_command_goes_on(tmp_path):
    arguments = ["tune", "--out", tmp_path / "model", "--n-iter", "30", "--cv", "5"]
    arguments += ["--epochs", "100", "--n-jobs", "2"]
    status, shown = on_terminal(*arguments, when=(r" [2-9]\d*/\d+ fits", b"\x03"))
    assert status == 130
    assert "Traceback" not in shown
    assert "Process Loky" not in shown
    last = shown.rstrip().splitlines()[-1]
    kept = re.search(r"interrupted: (\d+) finished fits are kept in", last)
    assert kept
    assert (tmp_path / "model" / "tune-search.journal").exists()
    status, shown = on_terminal("report", tmp_path / "model")
    assert status == 0
    assert f"not finished; fits done: {kept[1]}" in shown


@pytest.mark.skipif(
    not os.path.exists("/proc/self/status"), reason="needs Linux's list of signals"
)
def test_control_c_does_not_reach_the_workers():
    program = """
import joblib, signal
from caviar._cli_run import start_workers

def blocked():
    with open("/proc/self/status") as file:
        (mask,) = [line.split()[1] for line in file if line.startswith("SigBlk")]
    return bool(int(mask, 16) >> (signal.SIGINT - 1) & 1)

start_workers(2)
print(joblib.Parallel(n_jobs=2)(joblib.delayed(blocked)() for _ in range(8)))
print(blocked())
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"{[True] * 8}\nFalse\n"
