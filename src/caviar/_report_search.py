"""The report's account of the search: what was looked for, and what came of it."""

from . import _report_plots
from ._report_headline import is_number, metric_name, n_tried
from ._report_html import (
    duration,
    escape,
    fact_list,
    figure,
    long_table,
    note,
    number,
    ordered,
    paragraph,
    parameter,
    plural,
    score,
    section,
    short_names,
    table,
)

N_FIRST_CANDIDATES = 10


def search(study):
    """What was looked for, where and how hard."""
    about = study.search
    if not about:
        return ""
    space = about.get("space") or {}
    names = short_names(space)
    rows = [
        [f"<code>{escape(names[name])}</code>", escape(space[name])]
        for name in ordered(space)
    ]
    return section(
        "search",
        "What was searched",
        fact_list(_settings(study, n_tried(study.results))),
        table("Parameters and what they were drawn from", ["parameter", "from"], rows),
        _rounds(about.get("rounds") or ()),
        _edges(about.get("boundaries") or (), about.get("ranges") or {}),
        _search_plot(study),
    )


def _settings(study, n_done):
    about = study.search
    asked, budget = about.get("n_candidates"), about.get("time_budget")
    of = f" of {asked:,}" if asked and asked != n_done else ""
    n_failed, n_splits = about.get("n_failed"), about.get("n_splits")
    return [
        ("strategy", escape(about["kind"]) if about.get("kind") else None),
        ("candidates", f"{n_done:,}{of}"),
        ("diverged or failed", number(n_failed) if n_failed else None),
        ("compared by", metric_name(study)),
        ("cross-validation", plural(n_splits, "fold") if n_splits else None),
        ("fits", number(about["n_fits"]) if about.get("n_fits") else None),
        (
            "epochs trained",
            number(about["n_epochs"]) if about.get("n_epochs") else None,
        ),
        ("time budget", duration(budget) if budget else None),
        ("time", duration(about["seconds"]) if about.get("seconds") else None),
        ("seed", str(about["seed"]) if about.get("seed") is not None else None),
    ]


def _rounds(rounds):
    if len(rounds) < 2:
        return ""
    has_epochs = any(entry.get("epochs") for entry in rounds)
    rows = []
    for i, entry in enumerate(rounds, start=1):
        row = [
            str(i),
            number(entry.get("n_candidates")),
            score(entry.get("best_score")),
        ]
        rows.append([*row, number(entry.get("epochs"))] if has_epochs else row)
    header = ["round", "candidates", "best score"]
    header += ["epochs"] if has_epochs else []
    return table("Rounds of the search", header, rows, {1, 2, 3})


def _edges(boundaries, ranges):
    """A warning for each parameter whose best value lies beside an edge."""
    names = short_names(
        dict.fromkeys([*ranges, *(entry["parameter"] for entry in boundaries)])
    )
    notes = []
    for entry in boundaries:
        name = entry["parameter"]
        edge = {"low": "lower", "high": "upper"}[entry["edge"]]
        further = {"low": "down", "high": "up"}[entry["edge"]]
        low_high = ranges.get(name)
        where = (
            f" [{escape(parameter(low_high[0]))}, {escape(parameter(low_high[1]))}]"
            if low_high
            else ""
        )
        notes.append(
            note(
                f"The best value of <code>{escape(names[name])}</code>, "
                f"{escape(parameter(entry['value']))}, lies beside the {edge} edge of its "
                f"range{where}. A better one may lie beyond: search again with a range "
                f"that goes further {further}.",
                "warning",
            )
        )
    return "".join(notes)


def _search_plot(study):
    scores = study.results.get("mean_test_score", ())
    if sum(map(is_number, scores)) < 2:
        return ""
    heading = "<h3>Score against each parameter</h3>"
    if not _report_plots.available():
        return heading + paragraph(_report_plots.MISSING, "soft small")
    drawing = _report_plots.search(
        study.results, study.search, study.winner.get("index")
    )
    caption = (
        "Each point is a candidate, in the mean over its folds. Where good scores pile up "
        "at one side the range should go further there; where there is no pattern the "
        "parameter matters little."
    )
    return heading + figure(f'<div class="plot">{drawing}</div>', caption)


def ranking(study):
    """The candidates, best first."""
    results = study.results
    order = ranked(results)
    if not order:
        return ""
    params = results["params"]
    names = short_names(ordered(dict.fromkeys(name for p in params for name in p)))
    more = [name for name in ("round", "iter", "epochs") if name in results]
    spread = results.get("std_test_score") or [None] * len(params)
    seconds = results.get("mean_fit_time") or [None] * len(params)
    rows = [
        [
            str(place),
            score(results["mean_test_score"][i]),
            f"\u00b1 {score(spread[i])}",
            number(seconds[i], 2),
            *(number(results[name][i] + (name != "epochs")) for name in more),
            *(escape(parameter(params[i].get(name, ""))) for name in names),
        ]
        for place, i in enumerate(order, start=1)
    ]
    codes = [f"<code>{escape(short)}</code>" for short in names.values()]
    titles = ["round" if name == "iter" else name for name in more]
    header = ["rank", "score", "std", "s/fit", *titles, *codes]
    metric = metric_name(study)
    winner = study.winner.get("index")
    place = order.index(winner) + 1 if winner in order else None
    return section(
        "ranking",
        "The best candidates",
        paragraph(
            f"By mean {metric} over the folds, with its standard deviation there. Those "
            "closer to one another than that are as good as the same."
            + (f" The winner is number {place}." if place and place > 1 else "")
        ),
        long_table(
            "Ranking",
            header,
            rows,
            set(range(len(header))),
            quiet=True,
            n_first=N_FIRST_CANDIDATES,
            n_most=200,
            wide=True,
        ),
    )


def ranked(results):
    """Indices of the candidates with a score, best first.

    Of searches that give candidates more and more epochs, each candidate counts where it
    got furthest, and whoever got further comes first: scores after few and after many
    epochs do not compare.
    """
    scores = results.get("mean_test_score", ())
    steps = results.get("epochs") or results.get("iter") or [0] * len(scores)
    finite = [i for i, s in enumerate(scores) if is_number(s)]
    order = sorted(finite, key=lambda i: (-steps[i], -scores[i], i))
    seen, kept = set(), []
    for i in order:
        params = results["params"][i].items()
        candidate = repr([p for p in params if not p[0].endswith("max_iter")])
        if candidate not in seen:
            seen.add(candidate)
            kept.append(i)
    return kept
