"""``python -m caviar``: tune a network on a table, and use what was found.

Dispatch, signals and exit codes only. `_cli_arguments` has the arguments and their help,
`_cli_table` the data, `_cli_search` what is searched, `_cli_run` what is computed,
`_cli_study` what was found, `_cli_report` how it is said, `_cli_folder` where it is kept.
"""

import os
import shlex
import signal
import sys
import warnings

if __name__ == "__main__" and (
    signal.getsignal(signal.SIGINT) is signal.default_int_handler
):
    # While the rest is imported there is nothing to be kept, nor to be said of Ctrl-C.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from caviar import _cli_tune, _cli_use
from caviar._cli_arguments import EXIT_USAGE, parse
from caviar._cli_table import CommandError, last_line
from caviar._cli_words import leave_stdout

COMMANDS = {
    "tune": _cli_tune.tune,
    "predict": _cli_use.predict,
    "report": _cli_use.report,
    "checkup": _cli_use.checkup,
    "retest": _cli_use.retest,
}
TRACEBACK = "CAVIAR_TRACEBACK"  # set, it lets errors that nobody foresaw show all
EXIT_FAILED = 1
EXIT_INTERRUPTED = 130  # 128 + SIGINT, as shells have it
EXIT_TERMINATED = 143  # 128 + SIGTERM


class Terminated(KeyboardInterrupt):
    """SIGTERM: what Ctrl-C keeps is kept."""


def main(argv=None):
    """Run one command.

    Parameters
    ----------
    argv : list of str, default=None
        None for those of the process.

    Returns
    -------
    status : int
        0 done; 1 failed; 2 a request that does not fit; 130 Ctrl-C; 143 SIGTERM.

    Raises
    ------
    SystemExit
        After --help and --version, with 0, and for arguments that do not fit, with 2.
    """
    argv = sys.argv[1:] if argv is None else list(argv)
    arguments = parse(argv)
    command = shlex.join(["python", "-m", "caviar", *argv])
    try:
        COMMANDS[arguments.command](arguments, command)
        sys.stdout.flush()
    except CommandError as error:
        return _fail(error, getattr(error, "status", EXIT_USAGE))
    except KeyboardInterrupt as interruption:
        # joblib's, of tasks that it cancels at the end.
        warnings.simplefilter("ignore")
        terminated = isinstance(interruption, Terminated)
        kept = f": {interruption}" if str(interruption) else ""
        return _fail(
            f"interrupted{kept}",
            EXIT_TERMINATED if terminated else EXIT_INTERRUPTED,
            title="caviar",
        )
    except BrokenPipeError:
        leave_stdout()
    except MemoryError:
        return _fail("The memory does not suffice.", EXIT_FAILED)
    except OSError as error:
        leave_stdout()
        return _fail(f"{error.strerror or last_line(error)}.", EXIT_FAILED)
    except Exception as error:
        if TRACEBACK in os.environ:
            raise
        return _fail(
            f"{type(error).__name__}: {last_line(error)}. This is a fault of caviar: "
            f"please report it with what {TRACEBACK}=1 in the environment shows.",
            EXIT_FAILED,
        )
    return 0


def _fail(text, status, title="caviar: error"):
    print(f"{title}: {text}", file=sys.stderr)
    return status


def run_program():
    """`main`, for a process of its own: with its signals."""

    def terminate(number, frame):
        raise Terminated

    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, terminate)
    try:
        status = main()
    except KeyboardInterrupt:
        status = EXIT_INTERRUPTED
    finally:
        # Nothing is left to be kept: one more signal may end what ends by itself.
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.exit(status)


if __name__ == "__main__":
    run_program()
