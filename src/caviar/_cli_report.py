"""What ``python -m caviar`` says on the terminal: plan, ranking, score, what comes next.

Words and layout of a `Study`; computes nothing that would change a result.
"""

import math

import joblib
import numpy as np

from caviar import _report_plots as plots
from caviar._cli_search import max_epochs, n_candidates, plan
from caviar._cli_table import TEST_SIZE

N_IMPORTANT = 5  # columns that are named
PARAMETER_ORDER = [
    "learning_rate_init",
    "alpha",
    "batch_size",
    "hidden_layer_sizes",
    "batch_norm",
]
IN_WORDS = {
    "learning_rate_init": "learning rate",
    "alpha": "penalty (alpha)",
    "hidden_layer_sizes": "number of hidden units",
    "batch_size": "batch size",
}
SHORT = {"hidden_layer_sizes": "hidden"}  # a ranking fits a terminal of 92 columns


# Before the search


def plan_lines(problem, settings, folder, goes_on=False):
    """What is about to be done, and why: printed before the search."""
    n_rows, n_columns = problem.X.shape
    n_fits = _n_fits(problem, settings)
    limit = ""
    if settings.time_budget is not None:
        limit = f", {settings.time_budget:g} s at most"
    lines = [
        f"Data    {problem.source}: {n_rows:,} rows, {n_columns} columns to learn from",
        *(f"        {note}" for note in problem.notes),
        f"Task    {problem.task}: {problem.reason}",
        f"Search  {settings.kind}: {_candidates(problem, settings)} x "
        f"{settings.n_splits} folds",
        *(f"        {line}" for line in _honesty(problem, settings)),
        f"        {n_fits:,} fits, {joblib.effective_n_jobs(settings.n_jobs)} at a time, "
        f"seed {settings.seed}{limit}",
        f"Folder  {folder}",
    ]
    if goes_on:
        lines.append("        going on with the search that was cut short there")
    return lines


def _candidates(problem, settings):
    n = n_candidates(problem, settings)
    rounds = plan(problem, settings)
    if settings.kind == "coarse-to-fine":
        n = sum(r.n_candidates for r in rounds)
        return f"{n} candidates in {len(rounds)} rounds"
    if rounds[0].n_epochs is None:
        return f"{n} candidates"
    first = min(r.epochs for r in rounds if r.number == 0)
    return f"{n} candidates of {first} to {max_epochs(problem, settings)} epochs"


def _honesty(problem, settings):
    n_rows = len(problem.y)
    if settings.nested:
        yield (
            f"and once more within each of {settings.n_splits} outer folds, for an "
            "honest score (nested)"
        )
        rows = n_rows - n_rows // settings.n_splits
    else:
        n_test = math.ceil(n_rows * TEST_SIZE)
        yield f"with a quarter of the rows, {n_test:,}, held out for an honest score"
        rows = n_rows - n_test
    if rows > settings.search_rows:
        yield (
            f"on {settings.search_rows:,} of the other {rows:,} rows, drawn at random; "
            "the winner learns from all"
        )


def _n_fits(problem, settings):
    per_search = settings.n_splits * sum(
        r.n_candidates for r in plan(problem, settings)
    )
    return per_search * (1 + settings.n_splits * settings.nested)


# After it


def report_lines(study):
    """Ranking, honest score, what matters and what to mind: printed after the search."""
    lines = ["", *_ranking_section(study), "", *_score_section(study)]
    if study.importances:
        lines += ["", *_importance_lines(study)]
    lines += ["", *_health_lines(study)]
    remarks = [*_boundary_lines(study), *study.notes]
    if study.search.get("stopped") == "time budget":
        remarks.insert(0, "The time was over before all candidates had been tried.")
    if remarks:
        lines += ["", *(f"Note    {remark}" for remark in remarks)]
    return lines


def unfinished_lines(study):
    """Of a search that was cut short: how far it is, and the ranking so far."""
    search = study.search
    lines = [
        f"Data    {study.data['source']}: {study.data['n_rows']:,} rows",
        f"Search  {search['kind']}, not finished; fits done: {search['n_fits']:,}",
        "",
    ]
    if study.results:
        lines += _ranking_section(study)
    else:
        lines.append("No candidate is complete on all folds yet.")
    return [*lines, "", "To go on:", f"  {study.usage['resume']}"]


def _ranking_section(study):
    results, n_splits = study.results, study.search["n_splits"]
    lines = [f"Ranking by mean {study.search['title']} over {n_splits} folds"]
    lines += ranking_lines(results)
    if n_failed := study.search.get("n_failed", 0):
        lines.append(f"left out because a fit diverged: {n_failed}")
    seconds = results["mean_fit_time"]
    lines.append(
        f"Seconds per fit: {np.mean(seconds):.3f} on average, "
        f"{min(seconds):.3f} to {max(seconds):.3f}"
    )
    return lines


def _score_section(study):
    score = study.score
    if score["kind"] == "nested":
        kind = "Nested cross-validation"
        spread = f"mean and std over {len(score['folds'])} outer folds"
    else:
        kind, spread = "Held-out rows", "standard error"
    lines = [
        f"{kind}: {score['title']} {score['value']:.4f} +- {score['spread']:.4f} "
        f"({spread})",
        "  Expect this on new rows. The best score in the ranking is the winner of",
        "  many, so some of it is luck.",
    ]
    if study.target["task"] == "classification":
        lines.append(
            f"  Always answering the commonest class gives {score['baseline']:.4f}."
        )
    else:
        lines.append("  Always answering the mean gives 0.")
    for other in score["others"]:
        lines.append(f"  The {other['title']} is {other['value']:.4g}.")
    return lines


def _importance_lines(study):
    title = study.search["title"]
    best = [entry for entry in study.importances if entry["mean"] > 0][:N_IMPORTANT]
    if not best:
        return ["No column matters: shuffling any of them costs nothing."]
    width = max(len(entry["column"]) for entry in best)
    return [
        f"What matters most (how much {title} falls where the column is shuffled)",
        *(f"  {entry['column']:{width}}  {entry['mean']:.3f}" for entry in best),
    ]


def _health_lines(study):
    """What the curves say, and what the checkup found, a line each."""
    if study.diagnosis:
        yield f"Training: {study.diagnosis['title']}"
        yield from (f"  -> {advice}" for advice in study.diagnosis["advice"][:1])
    if study.checkup:
        findings = study.checkup["findings"]
        wrong = [finding for finding in findings if finding["status"] != "ok"]
        n, n_well = len(findings), len(findings) - len(wrong)
        yield f"Checkup: {n_well} of {n} points are in order."
        yield from (f"  {finding['step']}: {finding['title']}" for finding in wrong)


def _boundary_lines(study):
    for entry in study.search.get("boundaries", []):
        name = entry["parameter"].rpartition("__")[2]
        side, further = {
            "low": ("lower", "smaller"),
            "high": ("upper", "larger"),
        }[entry["edge"]]
        line = (
            f"The best {IN_WORDS.get(name, name)}, {_show(entry['value'])}, is at the "
            f"{side} edge of what was searched; a {further} one may be better."
        )
        if study.search["kind"] != "coarse-to-fine":
            line += " --search coarse-to-fine goes on past an edge."
        yield line


def written_lines(study):
    """The files, and what to do with them."""
    files, folder = study.usage["files"], study.usage["folder"]
    width = max(map(len, files))
    lines = ["", f"Written to {folder}:"]
    lines += [f"  {name:{width}}  {what}" for name, what in files.items()]
    if not plots.available():
        lines.append("  (For the plots: pip install 'caviar[plots]'; then `report`.)")
    return [*lines, "Next:", f"  {study.usage['predict']}"]


# The ranking


def ranking_lines(results, n_best=10):
    """The best candidates as an aligned table, one string a line."""
    best = ranking(results)[:n_best]
    if not best:
        return ["no candidate could be fitted"]
    titles = {key.rpartition("__")[2]: key for key in results["params"][best[0]]}
    names = [name for name in PARAMETER_ORDER if name in titles]
    epochs = ["epochs"] if "epochs" in results else []
    rows = [["rank", "score", "std", *epochs, *(SHORT.get(n, n) for n in names)]]
    for rank, index in enumerate(best, start=1):
        figures = [
            str(rank),
            f"{results['mean_test_score'][index]:.4f}",
            f"{results['std_test_score'][index]:.4f}",
            *(str(results[name][index]) for name in epochs),
        ]
        params = results["params"][index]
        rows.append(figures + [_show(params[titles[name]]) for name in names])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    ]


def ranking(results):
    """Indices of the candidates that could be fitted, best first.

    Of a search that evaluates a candidate in several rounds each candidate's last round
    counts, and whoever got further comes first: scores after few and after many epochs do
    not compare.
    """
    scores = np.asarray(results["mean_test_score"], dtype=float)
    epochs = np.asarray(results.get("epochs", np.zeros(len(scores))))
    order = np.lexsort((-scores, -epochs))
    candidates = _candidate_keys(results)
    last_rounds = {}
    for index in order[np.isfinite(scores[order])]:
        last_rounds.setdefault(candidates[index], int(index))
    return list(last_rounds.values())


def _candidate_keys(results):
    """What tells candidates apart: of those trained by epochs their bracket and number."""
    if "candidate" not in results:
        return list(range(len(results["mean_test_score"])))
    return list(zip(results["bracket"], results["candidate"], strict=True))


def _show(value):
    if isinstance(value, tuple | list):
        return "-".join(map(str, value))
    return f"{value:.3g}" if isinstance(value, float) else str(value)
