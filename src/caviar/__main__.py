"""``python -m caviar``: tune a network on a table, predict with it.

Arguments and dispatch only: `_cli_table` has the data, `_cli_search` what is
computed, `_cli_report` what is shown of it.
"""

import argparse
import os
import sys
import time
import warnings
from pathlib import Path

import joblib

import caviar
from caviar._cli_report import Progress, plan_lines, report_lines, write_outcome
from caviar._cli_search import (
    METRICS,
    SEARCHES,
    Settings,
    count_scores,
    model_columns,
    run,
)
from caviar._cli_table import (
    CommandError,
    align_columns,
    check_size,
    last_line,
    load_digits_problem,
    load_problem,
    read_table,
)

EXIT_USAGE = 2
EXIT_INTERRUPTED = 130  # 128 + SIGINT, as shells have it

DESCRIPTION = "Find a good neural network for a table of data, and use it."

EXAMPLES = """\
examples:
  python -m caviar tune
      a demonstration on scikit-learn's digits, within a minute
  python -m caviar tune house.csv --target price --out house-model
      tune on your table; writes model.joblib and cv_results.csv
  python -m caviar predict house-model/model.joblib new.csv --out prices.csv
      predict the rows of another table
"""

TUNE_NOTES = """\
what it does:
  The task follows from the target: texts and few different whole numbers are
  classes, other numbers a regression. Missing numbers are replaced by the
  median and missing texts by the most frequent; texts become one column for
  each category; numbers are standardized. Constant columns, dates, row numbers
  and texts that hardly repeat are left out, and named. An empty field and the
  usual marks (NA, NaN, null, ?) are missing values.

  random   draws --n-iter candidates
  grid     tries 24 fixed ones
  halving  draws --n-iter, gives them few epochs, and the best third of them
           three times as many, until few are left

examples:
  python -m caviar tune
  python -m caviar tune iris.csv --target species
  python -m caviar tune house.csv --target price --n-iter 50 --out house-model
  python -m caviar tune house.parquet --target price --search halving --nested
"""

PREDICT_NOTES = """\
what it needs:
  The table needs the columns the model was trained on, in any order; others,
  such as the target, are ignored. A model file is a joblib file: loading one
  can run code, so use only files that you trust.

examples:
  python -m caviar predict house-model/model.joblib new.csv
  python -m caviar predict iris-model/model.joblib new.csv --proba --out new-iris.csv
"""


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        # One line, like every other answer; argparse would print the usage too.
        self.exit(EXIT_USAGE, f"{self.prog}: error: {message} (see --help)\n")


def _integer(low, high=None):
    def parse(text):
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

    return parse


def _n_jobs(text):
    if text.removeprefix("-").isdecimal() and int(text) != 0:
        return int(text)
    raise argparse.ArgumentTypeError(
        f"must be a positive integer, or -1 for all cores, got {text!r}"
    )


def build_parser():
    """The arguments of both commands, with their help."""
    layout = argparse.RawDescriptionHelpFormatter
    parser = _Parser(
        prog="python -m caviar",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=layout,
    )
    parser.add_argument(
        "--version", action="version", version=f"caviar {caviar.__version__}"
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    tune = commands.add_parser(
        "tune",
        help="search for the best network for a table",
        description="Search for the network that predicts one column of a table "
        "from the others,\nand say honestly how good it is. Without DATA: a "
        "demonstration on scikit-learn's\ndigits.",
        epilog=TUNE_NOTES,
        formatter_class=layout,
    )
    _add_tune_arguments(tune)
    predict = commands.add_parser(
        "predict",
        help="use a model that tune has written",
        description="Predict a value for each row of a table; prints CSV.",
        epilog=PREDICT_NOTES,
        formatter_class=layout,
    )
    predict.add_argument("model", metavar="MODEL", help="model.joblib, from tune --out")
    predict.add_argument("data", metavar="DATA", help="a CSV or Parquet file")
    predict.add_argument("--out", metavar="FILE", help="write here, not to stdout")
    predict.add_argument(
        "--proba", action="store_true", help="also the probability of each class"
    )
    return parser


def _add_tune_arguments(tune):
    add = tune.add_argument
    add("data", nargs="?", metavar="DATA", help="a CSV or Parquet file with a header")
    add("--target", metavar="COLUMN", help="the column to predict")
    add(
        "--task",
        choices=["classification", "regression"],
        help="default: decided from the target, and said",
    )
    add("--search", choices=sorted(SEARCHES), default="random", help="default: random")
    add(
        "--n-iter",
        type=_integer(1),
        metavar="N",
        help="candidates to draw (default: 20)",
    )
    add(
        "--cv",
        type=_integer(2, 100),
        default=5,
        metavar="K",
        help="folds of the cross-validation (default: 5)",
    )
    add(
        "--nested",
        action="store_true",
        help="score by nested cross-validation on all rows, K + 1 times the work "
        "(default: on a quarter of the rows held out; the digits are always nested)",
    )
    add(
        "--n-jobs",
        type=_n_jobs,
        default=-1,
        metavar="N",
        help="processes to fit with (default: -1, all cores)",
    )
    add(
        "--seed",
        type=_integer(0, 2**32 - 1),
        default=0,
        metavar="S",
        help="the same seed gives the same result (default: 0)",
    )
    add("--out", metavar="DIR", help="write model.joblib and cv_results.csv here")


# tune


def tune(arguments):
    """Search, report, and write the model where --out says."""
    start = time.perf_counter()
    problem, settings = _read_problem(arguments)
    folder = _output_folder(arguments.out)
    print(*plan_lines(problem, settings), sep="\n", flush=True)
    metric = METRICS[problem.task][0]
    with Progress(count_scores(settings)) as progress:
        outcome = run(problem, settings, progress.scorer(metric))
    print(*report_lines(problem, settings, outcome), sep="\n")
    if folder is not None:
        print(*write_outcome(folder, outcome), sep="\n")
    elif arguments.data is not None:
        print("Nothing was written; --out DIR keeps the model.")
    print(f"Time: {time.perf_counter() - start:.1f} s")


def _read_problem(arguments):
    if arguments.search == "grid" and arguments.n_iter is not None:
        raise CommandError("`--n-iter` has no meaning with `--search grid`.")
    if arguments.data is None:
        for option in ("target", "task"):
            if getattr(arguments, option) is not None:
                raise CommandError(f"`--{option}` needs a table: tune DATA.csv ...")
        problem = load_digits_problem()
    else:
        problem = load_problem(arguments.data, arguments.target, arguments.task)
    settings = Settings(
        kind=arguments.search,
        n_iter=arguments.n_iter or Settings.n_iter,
        n_splits=arguments.cv,
        n_jobs=arguments.n_jobs,
        seed=arguments.seed,
        nested=arguments.nested or arguments.data is None,
    )
    check_size(problem, settings.n_splits, settings.nested)
    return problem, settings


def _output_folder(out):
    """Make DIR before the search: a bad name must not cost its result."""
    if out is None:
        return None
    folder = Path(out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CommandError(f"Cannot write to '{out}': {error.strerror}.") from error
    if not os.access(folder, os.W_OK):
        raise CommandError(f"Cannot write to '{out}': permission denied.")
    return folder


# predict


def predict(arguments):
    """Read a model and a table, write one prediction a row."""
    model = _load_model(arguments.model)
    if arguments.proba and not hasattr(model, "predict_proba"):
        raise CommandError("`--proba` needs a classifier, got a regression model.")
    columns = model_columns(model)
    frame = read_table(arguments.data, columns.get("categorical", ()))
    X = align_columns(frame, columns, arguments.data)
    table = {"prediction": model.predict(X)}
    if arguments.proba:
        probabilities = model.predict_proba(X).T
        names = (f"probability_{label}" for label in model.classes_)
        table.update(zip(names, probabilities, strict=True))
    import pandas

    try:
        pandas.DataFrame(table).to_csv(arguments.out or sys.stdout, index=False)
    except BrokenPipeError:
        raise  # whoever reads stdout has left: main knows
    except OSError as error:
        reason = error.strerror or last_line(error)
        raise CommandError(f"Cannot write '{arguments.out}': {reason}.") from error


def _load_model(path):
    if not os.path.isfile(path):
        raise CommandError(f"There is no model file '{path}'.")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            model = joblib.load(path)
        except Exception as error:  # unpickling other data can raise anything
            raise CommandError(
                f"'{path}' is not a model of `caviar tune` "
                f"({type(error).__name__}: {last_line(error)})."
            ) from error
    if "columns" not in getattr(model, "named_steps", {}):
        raise CommandError(
            f"'{path}' must hold a model of `caviar tune`, got {type(model).__name__}."
        )
    for warning in caught[:1]:
        print(f"note: {last_line(warning.message)}", file=sys.stderr)
    return model


def main(argv=None):
    """Run one command; returns the exit status: 0, 2 (bad request), 130 (Ctrl-C)."""
    arguments = build_parser().parse_args(argv)
    command = {"tune": tune, "predict": predict}[arguments.command]
    try:
        command(arguments)
        sys.stdout.flush()
    except CommandError as error:
        print(f"caviar: error: {error}", file=sys.stderr)
        return EXIT_USAGE
    except KeyboardInterrupt:
        print("caviar: interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # Python flushes stdout once more at exit; let that find an open file.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


if __name__ == "__main__":
    sys.exit(main())
