"""What goes with ``tune``: checkup before it; predict, report and retest after it."""

import sys
import warnings
from pathlib import Path

import joblib

import caviar
from caviar import diagnostics
from caviar._cli_arguments import read_problem
from caviar._cli_folder import CommandFailed, read_unfinished, write_whole_text
from caviar._cli_report import report_lines, unfinished_lines
from caviar._cli_search import Settings, build_model, model_columns
from caviar._cli_study import study_so_far
from caviar._cli_table import CommandError, last_line, load_like, load_rows
from caviar._report import render
from caviar._study import Study
from caviar.model_selection import read_journal

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
    _say_notes([last_line(warning.message) + "." for warning in caught[:1]])
    return loaded


def _say_notes(notes):
    for note in notes:
        print(f"note: {note}", file=sys.stderr)


# report


def report(arguments, command):
    """Show what a folder of `tune` holds, finished or not."""
    folder = _existing_folder(arguments.folder)
    text = read_unfinished(folder)
    if text is not None:
        study = study_so_far(_study(text, folder), _results_so_far(folder))
        lines = unfinished_lines(study)
    else:
        study = _finished_study(folder)
        lines = report_lines(study)
    # Before it is said: whoever reads may have left.
    page = folder / "report.html"
    write_whole_text(page, _render(study, folder))
    print(*lines, "", f"Written: {page}", sep="\n")


def _render(study, folder):
    try:
        return render(study)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise CommandError(
            f"'{folder / 'study.json'}' is not what `caviar tune` has written "
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
    path = folder / "study.json"
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise CommandError(
            f"'{folder}' has no study.json: it is no folder of `caviar tune`."
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


# checkup and retest


def checkup(arguments, command):
    """Check a table and a first network for it; print one page."""
    problem = read_problem(arguments)
    settings = Settings(seed=arguments.seed)
    model = build_model(problem, settings)
    print(diagnostics.checkup(model, problem.X, problem.y, random_state=settings.seed))


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
    target = study.target
    columns = model_columns(_load(_model_path(folder), "a model"))
    problem = load_like(
        arguments.data, columns, target["name"], target["task"], target.get("classes")
    )
    print(
        diagnostics.retest(
            search, problem.X, problem.y, k=arguments.k, n_jobs=arguments.n_jobs
        )
    )
