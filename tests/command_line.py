"""Running ``python -m caviar`` in tests: in this process, in another, on a terminal."""

import os
import re
import select
import signal
import subprocess
import sys
import time

from caviar.__main__ import TRACEBACK, main
from caviar._checkup import Checkup

os.environ[TRACEBACK] = "1"  # what nobody foresaw is for a test to show

# A search that is over in a second, and searches well enough to be looked at.
SMALL = ["--n-iter", "2", "--cv", "2", "--epochs", "10", "--n-jobs", "1"]


def no_checkup(problem, settings, model, part):
    """Stands in for the checkup, which takes longer than all else in a small search."""
    return Checkup("a network", (), {}, "")


def run_cli(capsys, *arguments):
    """Return the exit status, stdout and stderr of one command."""
    try:
        status = main([str(argument) for argument in arguments])
    except SystemExit as error:
        status = error.code
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def assert_refused(capsys, *arguments, says, status=2):
    """Nothing on stdout, and one line on stderr that says so."""
    got, out, err = run_cli(capsys, *arguments)
    assert (got, out) == (status, "")
    assert err.count("\n") == 1
    assert err.endswith("\n")
    assert "error: " in err
    assert says in err


def start(*arguments, **options):
    """Start a command in a process of its own, which Ctrl-C reaches."""
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        **options,
    )


# A job in the background ignores SIGINT, and so do its children.
PROGRAM = """
import runpy, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.argv[0] = "caviar"
runpy.run_module("caviar", run_name="__main__", alter_sys=True)
"""


def kill_group(process):
    """End a process with the workers it may have left."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    finally:
        process.wait(30)


def wait_for(condition, process, seconds=60):
    """Until something is true of a process that is still running."""
    end = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < end
        time.sleep(0.02)


def on_terminal(*arguments, without=(), when=None, seconds=120):
    """Run a command on a terminal of 100 columns.

    Parameters
    ----------
    *arguments : str
    without : tuple of str
        Packages that cannot be imported.
    when : tuple (pattern, bytes) or None
        Once what is shown matches, these keys are typed.

    Returns
    -------
    status : int
    shown : str
        With the terminal's escapes.
    """
    import pty

    hidden = "".join(f"sys.modules[{name!r}] = None\n" for name in without)
    pid, terminal = pty.fork()
    if pid == 0:
        program = [sys.executable, "-c", f"import sys\n{hidden}{PROGRAM}"]
        environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
        os.execvpe(program[0], [*program, *map(str, arguments)], environment)
    shown, end = b"", time.monotonic() + seconds
    try:
        while time.monotonic() < end:
            if not select.select([terminal], [], [], 0.1)[0]:
                continue
            try:
                new = os.read(terminal, 65536)
            except OSError:  # Linux's way to say that the other end is closed
                break
            if not new:
                break
            shown += new
            if when is not None and re.search(when[0].encode(), shown):
                os.write(terminal, when[1])
                when = None
    finally:
        os.close(terminal)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return status, shown.decode()
