"""The arguments of ``python -m caviar``, and what is said of wrong ones."""

import argparse
import difflib
import sys

import caviar
from caviar import _cli_help as words
from caviar._cli_search import N_CANDIDATES, SEARCH_ROWS, SEARCHES, Settings
from caviar._cli_table import CommandError, load_digits_problem, load_problem

EXIT_USAGE = 2


class _Parser(argparse.ArgumentParser):
    def __init__(self, **settings):
        settings.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(allow_abbrev=False, **settings)

    def error(self, message):
        # One line, like every other answer; argparse would print the usage too.
        self.exit(EXIT_USAGE, f"{self.prog}: error: {message} (see --help)\n")


def parse(argv=None):
    """The arguments of one command.

    Raises
    ------
    SystemExit
        For --help and --version with 0, for what does not fit with 2 and one line.
    """
    argv = sys.argv[1:] if argv is None else list(argv)
    parser, commands = build_parser()
    if not argv:
        parser.print_help()
        parser.exit(0)
    if not argv[0].startswith("-") and argv[0] not in commands:
        parser.error(f"there is no command {argv[0]!r}; {_one_of(argv[0], commands)}")
    arguments, unknown = parser.parse_known_args(argv)
    if unknown:
        command = commands[arguments.command]
        options = [name for name in command._option_string_actions if name[1] == "-"]
        wrong = next((a for a in unknown if a.startswith("-")), unknown[0])
        if wrong.startswith("-"):
            name = wrong.partition("=")[0]
            command.error(f"there is no option {name}; {_one_of(name, options)}")
        command.error(f"one argument too many: {wrong!r}")
    return arguments


def _one_of(wrong, names):
    close = difflib.get_close_matches(wrong, names, n=1)
    if close:
        return f"did you mean {close[0]}?"
    return f"there are {', '.join(names)}"


def read_problem(arguments):
    """The table that was named, or the digits."""
    if arguments.data is not None:
        return load_problem(arguments.data, arguments.target, arguments.task)
    for option in ("target", "task"):
        if getattr(arguments, option) is not None:
            raise CommandError(
                f"`--{option}` needs a table: {arguments.command} DATA.csv ..."
            )
    return load_digits_problem()


def build_parser():
    """The parser, and the commands' own by name."""
    parser = _Parser(
        prog="python -m caviar",
        description=words.DESCRIPTION,
        epilog=words.EPILOG,
    )
    parser.add_argument(
        "--version", action="version", version=f"caviar {caviar.__version__}"
    )
    add = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands = {
        "tune": _tune(add),
        "predict": _predict(add),
        "report": _report(add),
        "checkup": _checkup(add),
        "retest": _retest(add),
    }
    return parser, commands


def _tune(commands):
    tune = commands.add_parser(
        "tune",
        help="search for the best network for a table",
        description=words.TUNE_DESCRIPTION,
        epilog=words.TUNE_EPILOG,
    )
    _add_table(tune)
    add = tune.add_argument
    add(
        "--out",
        metavar="DIR",
        help="where to write (default: caviar-NAME, for NAME.csv)",
    )
    add(
        "--search",
        type=_choice(SEARCHES),
        default=Settings.kind,
        metavar="KIND",
        help=f"{', '.join(SEARCHES)} (default: {Settings.kind})",
    )
    add(
        "--nested",
        action="store_true",
        help="score by nested cross-validation on all rows, K + 1 times the work "
        "(default: on a quarter of the rows held out; the digits are always nested)",
    )
    add(
        "--time-budget",
        type=_seconds,
        metavar="S",
        help="stop searching after S seconds and take the best so far; fitting it on "
        "all rows, the checkup and the report come on top",
    )
    add(
        "--n-iter",
        type=_integer(1),
        metavar="N",
        help="candidates to draw (default: "
        + ", ".join(f"{n} for {kind}" for kind, n in N_CANDIDATES.items())
        + ")",
    )
    add(
        "--epochs",
        type=_integer(1),
        metavar="N",
        help="the most epochs of a training (default: 81 for hyperband and halving; else "
        "100, or 200 where rows are few)",
    )
    add(
        "--cv",
        type=_integer(2, 100),
        default=Settings.n_splits,
        metavar="K",
        help="folds of the cross-validation (default: %(default)s)",
    )
    add(
        "--search-rows",
        type=_integer(20),
        default=SEARCH_ROWS,
        metavar="N",
        help="of more rows search on N drawn at random; the winner learns from all "
        "(default: %(default)s)",
    )
    _add_n_jobs(tune)
    _add_seed(tune)
    add(
        "--restart",
        action="store_true",
        help="throw an unfinished search in DIR away, do not go on with it",
    )
    return tune


def _predict(commands):
    predict = commands.add_parser(
        "predict",
        help="use a model that tune has written",
        description="Predict a value for each row of a table; prints CSV.",
        epilog=words.PREDICT_EPILOG,
    )
    predict.add_argument(
        "model", metavar="MODEL", help="the folder of tune, or a model.joblib"
    )
    predict.add_argument("data", metavar="DATA", help="a CSV or Parquet file")
    predict.add_argument("--out", metavar="FILE", help="write here, not to stdout")
    predict.add_argument(
        "--proba", action="store_true", help="also the probability of each class"
    )
    return predict


def _report(commands):
    report = commands.add_parser(
        "report",
        help="make report.html again, also of a search that is not finished",
        description="Make the report of a folder of tune again.",
        epilog=words.REPORT_EPILOG,
    )
    report.add_argument("folder", metavar="DIR", help="the folder of tune")
    return report


def _checkup(commands):
    checkup = commands.add_parser(
        "checkup",
        help="look whether a table can be learned from, before tuning",
        description="Check a table and a first network for it. Without DATA: the "
        "digits.",
        epilog=words.CHECKUP_EPILOG,
    )
    _add_table(checkup)
    _add_seed(checkup)
    return checkup


def _retest(commands):
    retest = commands.add_parser(
        "retest",
        help="whether an earlier search still holds on new rows",
        description="Score the best candidates of an earlier search on new rows.",
        epilog=words.RETEST_EPILOG,
    )
    retest.add_argument("folder", metavar="DIR", help="the folder of tune")
    retest.add_argument(
        "data", metavar="DATA", help="a CSV or Parquet file, with target"
    )
    retest.add_argument(
        "--k",
        type=_integer(2),
        default=5,
        metavar="K",
        help="how many candidates, the best ones first (default: %(default)s)",
    )
    _add_n_jobs(retest)
    return retest


# Arguments of several commands


def _add_table(command):
    add = command.add_argument
    add("data", nargs="?", metavar="DATA", help="a CSV or Parquet file with a header")
    add("--target", metavar="COLUMN", help="the column to predict")
    add(
        "--task",
        type=_choice(["classification", "regression"]),
        metavar="TASK",
        help="classification or regression (default: decided from the target, and said)",
    )


def _add_n_jobs(command):
    command.add_argument(
        "--n-jobs",
        type=_n_jobs,
        default=Settings.n_jobs,
        metavar="N",
        help="processes to fit with (default: -1, all cores)",
    )


def _add_seed(command):
    command.add_argument(
        "--seed",
        type=_integer(0, 2**32 - 1),
        default=Settings.seed,
        metavar="S",
        help="the same seed gives the same result (default: %(default)s)",
    )


# Values


def _choice(names):
    def parse_choice(text):
        if text in names:
            return text
        raise argparse.ArgumentTypeError(
            f"must be one of {', '.join(names)}, got {text!r}{_meant(text, names)}"
        )

    return parse_choice


def _meant(text, names):
    close = difflib.get_close_matches(text, names, n=1)
    return f"; did you mean {close[0]}?" if close else ""


def _integer(low, high=None):
    def parse_integer(text):
        try:
            value = int(text)
        except ValueError:
            value = None
        if value is None or value < low or (high is not None and value > high):
            bounds = f"[{low}, {high}]" if high is not None else f"[{low}, inf)"
            raise argparse.ArgumentTypeError(
                f"must be an integer in {bounds}, got {text!r}"
            )
        return value

    return parse_integer


def _seconds(text):
    try:
        value = float(text)
    except ValueError:
        value = None
    if value is None or not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(
            f"must be a number of seconds above 0, got {text!r}"
        )
    return value


def _n_jobs(text):
    if text.removeprefix("-").isdecimal() and int(text) != 0:
        return int(text)
    raise argparse.ArgumentTypeError(
        f"must be a positive integer, or -1 for all cores, got {text!r}"
    )
