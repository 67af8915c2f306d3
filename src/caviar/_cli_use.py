"""What goes with ``tune``: checkup before it; predict, report and retest after it."""

import shlex
import sys
import warnings
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import joblib
import numpy as np
import sklearn
from sklearn.exceptions import InconsistentVersionWarning

import caviar
from caviar import diagnostics
from caviar._cli_arguments import read_problem
from caviar._cli_folder import (
    UNFINISHED,
    CommandFailed,
    read_unfinished,
    write_whole_text,
)
from caviar._cli_report import report_lines, unfinished_lines
from caviar._cli_search import Settings, build_model, choose_rows, model_columns, take
from caviar._cli_study import study_so_far
from caviar._cli_table import CommandError, last_line, load_like, load_rows
from caviar._report import render
from caviar._study import Study
from caviar.model_selection import read_journal

STUDY = "study.json"

# predict


def predict(arguments, command):
    """Read a model and a table, write one prediction a row."""
    path = _model_path(arguments.model)
    model = _load(path, "a model")
    if "columns" not in getattr(model, "named_steps", {}):
        raise CommandError(
            f"'{path}' must hold a model of `caviar tune`, got {type(model).__name__}."
        )
    if arguments.proba and not hasattr(model, "predict_proba"):
        raise CommandError("`--proba` needs a classifier, got a regression model.")
    rows = load_rows(arguments.data, model_columns(model))
    _say_notes(rows.notes)
    table = _predict(model, rows.X, arguments.proba, path)
    import pandas

    try:
        pandas.DataFrame(table).to_csv(arguments.out or sys.stdout, index=False)
        sys.stdout.flush()
    except BrokenPipeError:
        raise  # whoever reads stdout has left: main knows
    except OSError as error:
        reason = error.strerror or last_line(error)
        where = f"'{arguments.out}'" if arguments.out else "the predictions"
        kind = CommandError if arguments.out else CommandFailed
        raise kind(f"Cannot write {where}: {reason}.") from error


def _predict(model, X, proba, path):
    try:
        table = {"prediction": model.predict(X)}
        if proba:
            names = (f"probability_{label}" for label in model.classes_)
            table.update(zip(names, model.predict_proba(X).T, strict=True))
    except (AttributeError, ValueError, TypeError) as error:
        raise CommandFailed(
            f"The model '{path}' cannot predict here ({last_line(error)}): tune again "
            f"with this caviar, {caviar.__version__}."
        ) from error
    return table


def _model_path(name):
    path = Path(name)
    if path.is_dir():
        if read_unfinished(path) is not None and not (path / "model.joblib").exists():
            raise CommandError(
                f"The search in '{path}' is not finished, so there is no model yet."
            )
        path = path / "model.joblib"
    if not path.is_file():
        raise CommandError(f"There is no model file '{path}'.")
    return path


def _load(path, what):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            loaded = joblib.load(path)
        except MemoryError as error:
            raise CommandFailed(f"The memory does not suffice for '{path}'.") from error
        except OSError as error:
            raise CommandError(f"Cannot read '{path}': {last_line(error)}.") from error
        except Exception as error:  # unpickling other data can raise anything
            raise CommandError(
                f"'{path}' is not {what} of `caviar tune` "
                f"({type(error).__name__}: {last_line(error)})."
            ) from error
    versions = [
        warning.message.original_sklearn_version
        for warning in caught
        if isinstance(warning.message, InconsistentVersionWarning)
    ]
    _say_notes(
        f"'{path}' was written with scikit-learn {version}, and this is "
        f"{sklearn.__version__}: if it fails or predicts nonsense, tune again."
        for version in versions[:1]
    )
    return loaded


def _say_notes(notes):
    for note in notes:
        print(f"note: {note}", file=sys.stderr)


# report


def report(arguments, command):
    """Show what a folder of `tune` holds, finished or not."""
    folder = _existing_folder(arguments.folder)
    text = read_unfinished(folder)
    path = folder / (STUDY if text is None else UNFINISHED)
    study = _finished_study(folder) if text is None else _study(text, path)
    with _reading(path):
        if text is None:
            lines = report_lines(study)
        else:
            study = study_so_far(study, _results_so_far(folder), _n_fits_so_far(folder))
            lines = unfinished_lines(study)
        content = render(study)
    # Before it is said: whoever reads may have left.
    page = folder / "report.html"
    write_whole_text(page, content)
    print(*lines, "", f"Written: {page}", sep="\n")


@contextmanager
def _reading(path):
    """What is missing from a study, or of another kind than it should be, is one line."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise CommandError(
            f"'{path}' is not what `caviar tune` has written "
            f"({type(error).__name__}: {last_line(error)})."
        ) from error


def _existing_folder(name):
    folder = Path(name)
    if not folder.exists():
        raise CommandError(f"There is no folder '{name}'.")
    if not folder.is_dir():
        raise CommandError(f"'{name}' must be a folder of `caviar tune`, not a file.")
    return folder


def _finished_study(folder):
    path = folder / STUDY
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise CommandError(
            f"'{folder}' has no {STUDY}: it is no folder of `caviar tune`."
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"Cannot read '{path}': {last_line(error)}.") from error
    return _study(text, path)


def _study(text, path):
    try:
        return Study.from_json(text)
    except (ValueError, TypeError, RecursionError) as error:
        raise CommandError(f"'{path}' cannot be read: {last_line(error)}.") from error


def _results_so_far(folder):
    path = folder / "tune-search.journal"
    try:
        return read_journal(path)
    except FileNotFoundError as error:
        raise CommandError(
            f"The search in '{folder}' has just begun: there is nothing to show."
        ) from error
    except (OSError, ValueError) as error:
        raise CommandError(f"Cannot read '{path}': {last_line(error)}.") from error


def _n_fits_so_far(folder):
    """Of all searches of a nested run, as `tune` counts them."""
    n_fits = 0
    for path in folder.glob("tune-*.journal"):
        # One that has just been made has no header yet.
        with suppress(OSError, ValueError):
            n_fits += read_journal(path).n_fits
    return n_fits


# checkup and retest


def checkup(arguments, command):
    """Check a table and a first network for it; print one page."""
    problem = read_problem(arguments)
    settings = Settings(seed=arguments.seed)
    rows = choose_rows(problem, settings, np.arange(len(problem.y)))
    for note in problem.notes:
        print(note)
    if len(rows) < len(problem.y):
        print(f"looked at {len(rows):,} of {len(problem.y):,} rows, drawn at random")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what is amiss is among the findings
        found = diagnostics.checkup(
            build_model(problem, settings),
            take(problem.X, rows),
            problem.y[rows],
            random_state=settings.seed,
            verbose=False,
        )
    # The code goes on in Python; here the next command does.
    print(replace(found, code=""))
    if found.status != "problem":
        print(f"Next:\n  {command.replace(' checkup', ' tune', 1)}")


def retest(arguments, command):
    """Score the best candidates of an earlier search on new rows."""
    folder = _existing_folder(arguments.folder)
    study = _finished_study(folder)
    path = folder / "search.joblib"
    if not path.is_file():
        raise CommandError(f"There is no search file '{path}'.")
    search = _load(path, "a search")
    if not hasattr(search, "cv_results_"):
        raise CommandError(
            f"'{path}' must hold a search of `caviar tune`, got {type(search).__name__}."
        )
    with _reading(folder / STUDY):
        target, task = study.target["name"], study.target["task"]
        classes = study.target.get("classes")
    if target is None:
        raise CommandError("The digits have no new rows: `retest` is for tables.")
    columns = model_columns(_load(_model_path(folder), "a model"))
    problem = load_like(arguments.data, columns, target, task, classes)
    _say_notes(problem.notes)
    found = _retest(search, problem, arguments)
    print(found)
    print(f"\n{_what_to_do(found, arguments.data, target)}")


def _retest(search, problem, arguments):
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of trainings: the scores say it
            return diagnostics.retest(
                search,
                problem.X,
                problem.y,
                k=arguments.k,
                n_jobs=arguments.n_jobs,
            )
    except ValueError as error:
        raise CommandFailed(f"The retest failed: {last_line(error)}.") from error


def _what_to_do(found, data, target):
    if found.verdict == "holds" and found.ok:
        return "No need to tune again: the winner of the search still holds."
    if found.verdict == "undecided" and found.ok:
        return "No need to tune again yet: retest with more rows to be sure."
    command = shlex.join(["python", "-m", "caviar", "tune", data, "--target", target])
    return f"Tune again:\n  {command}"
