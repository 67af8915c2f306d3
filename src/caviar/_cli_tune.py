"""``python -m caviar tune`` and ``checkup``: from a table to a folder of results."""

import csv
import time
from pathlib import Path

import joblib

from caviar._cli_arguments import read_problem
from caviar._cli_folder import CommandFailed, Folder
from caviar._cli_progress import Progress, Work
from caviar._cli_report import plan_lines, report_lines, written_lines
from caviar._cli_run import NothingToKeep, run, stages
from caviar._cli_search import Settings, plan
from caviar._cli_study import begin_study, finish_study
from caviar._cli_table import CommandError, check_size
from caviar._cli_words import leave_stdout
from caviar._report import render

TABLE_SUFFIXES = {".csv", ".tsv", ".txt", ".parquet", ".pq", ".gz", ".bz2", ".zip"}
TABLE_SUFFIXES |= {".xz", ".zst"}


def tune(arguments, command):
    """Search, write what was found into a folder, and say it.

    Parameters
    ----------
    arguments : Namespace
    command : str
        The command line, with which an interrupted search goes on.
    """
    start = time.perf_counter()
    settings = _settings(arguments)
    problem = read_problem(arguments)
    check_size(problem, settings.n_splits, settings.nested)
    with Folder(arguments.out or default_folder(arguments.data)) as folder:
        study = begin_study(problem, settings, command, folder.path)
        goes_on = folder.begin(_asked(arguments), study, arguments.restart)
        lines = plan_lines(problem, settings, folder.path, goes_on)
        try:
            print(*lines, sep="\n", flush=True)
        except BrokenPipeError:  # what is found is found all the same
            leave_stdout()
        outcome = _run(problem, settings, folder)
        finish_study(study, problem, outcome, time.perf_counter() - start)
        lines = [*report_lines(study), *written_lines(study)]
        try:
            # Before anything is printed: whoever reads may have left.
            _write(folder, study, outcome)
        except CommandFailed:
            print(*report_lines(study), sep="\n")
            raise
        folder.finish()
    print(*lines, sep="\n")
    print(f"Time: {study.seconds:.1f} s")


def _run(problem, settings, folder):
    """The outcome; says how to go on where it is cut short."""
    names = [part.stage for part in stages(problem, settings)]
    work = Work(plan(problem, settings), settings.n_splits, names, folder.journal)
    try:
        with Progress(work, settings.time_budget) as progress:
            return run(problem, settings, folder.journal, progress)
    except KeyboardInterrupt as interruption:
        work.look()
        raise type(interruption)(
            f"{work.n_fits:,} finished fits are kept in '{folder.path}': the same command "
            f"goes on from there, and `python -m caviar report {folder.path}` shows the "
            "ranking so far."
        ) from None
    except NothingToKeep:
        folder.finish()
        raise


def _settings(arguments):
    if arguments.n_iter is not None and arguments.search in ("grid", "hyperband"):
        reason = {
            "grid": "its candidates are fixed",
            "hyperband": "its candidates follow from --epochs",
        }[arguments.search]
        raise CommandError(
            f"`--n-iter` has no meaning with `--search {arguments.search}`: {reason}."
        )
    return Settings(
        kind=arguments.search,
        n_iter=arguments.n_iter,
        n_splits=arguments.cv,
        n_jobs=arguments.n_jobs,
        seed=arguments.seed,
        nested=arguments.nested or arguments.data is None,
        time_budget=arguments.time_budget,
        epochs=arguments.epochs,
        search_rows=arguments.search_rows,
    )


def default_folder(data):
    """caviar-NAME, for NAME.csv or NAME.csv.gz, in the folder of the moment."""
    if data is None:
        return Path("caviar-digits")
    path = Path(data)
    while path.suffix.lower() in TABLE_SUFFIXES:
        path = path.with_suffix("")
    return Path(f"caviar-{path.name}")


def _asked(arguments):
    """What the search depends on, but for the table: its journal knows that."""
    options = ("target", "task", "search", "n_iter", "epochs", "cv", "seed")
    asked = {}
    for name in (*options, "search_rows", "nested"):
        value = getattr(arguments, name)
        if value is not None and value is not False:
            asked["--" + name.replace("_", "-")] = "" if value is True else str(value)
    return asked


def _write(folder, study, outcome):
    results = outcome.search.cv_results_
    # What it was written to is nothing to a search that is read elsewhere.
    outcome.search.set_params(journal=None, time_budget=None)
    folder.write("model.joblib", lambda path: joblib.dump(outcome.model, path))
    folder.write("search.joblib", lambda path: joblib.dump(outcome.search, path))
    folder.write("cv_results.csv", lambda path: _write_results(path, results))
    folder.write_text("study.json", study.to_json())
    folder.write_text("report.html", render(study))


def _write_results(path, results):
    names = [name for name in results if name != "params"]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(names)
        writer.writerows(zip(*(results[name] for name in names), strict=True))
