"""The report's answer in full: the score, the model, its mistakes, what it depends on."""

from . import _report_plots
from ._report_headline import is_number, metric_name
from ._report_html import (
    escape,
    fact_list,
    figure,
    fold,
    long_table,
    number,
    ordered,
    paragraph,
    parameter,
    plural,
    score,
    section,
    short_names,
    table,
    text,
)
from ._report_matrix import matrix


def result(study):
    """The score in full: how it was measured, its spread, and what it is not."""
    measured = study.score
    if "value" not in measured:
        return ""
    metric, spread = metric_name(study), measured.get("spread")
    nested = measured.get("kind") == "nested"
    folds = [f for f in measured.get("folds") or () if is_number(f)]
    how = (
        "Nested cross-validation: the whole search was repeated within each outer fold, "
        "and its winner scored on the rows of that fold, which it had not seen. The "
        "spread is the standard deviation over the folds."
        if nested
        else "A part of the rows was held out before the search and used once, to score "
        "its winner. The spread is the standard error of the score on so many rows."
    )
    return section(
        "result",
        "How good it is on new rows",
        paragraph(
            f"<strong>{metric[0].upper() + metric[1:]} {score(measured['value'])}</strong>"
            + (f" \u00b1 {score(spread)}" if spread is not None else "")
            + f". {how}"
        ),
        _range(study, folds),
        _against_the_ranking(study),
        _others(measured.get("others") or ()),
        _folds_table(folds, metric),
    )


def _range(study, folds):
    """A line with the baseline, the folds, and the score with its spread."""
    value, baseline = study.score["value"], study.score.get("baseline")
    spread = study.score.get("spread") or 0
    points = [value - spread, value + spread, *folds]
    points += [baseline] if is_number(baseline) else []
    bounded = study.score.get("metric") in ("accuracy", "r2", "balanced_accuracy")
    low = min([0, *points]) if bounded else min(points)
    high = max([1, *points]) if bounded else max(points)
    width = (high - low) or 1

    def at(point):
        return f"left:{100 * (min(max(point, low), high) - low) / width:.2f}%"

    def label(point, kind, words):
        # From the middle on to the left of its point, so that none leaves the page.
        share = (point - low) / width
        side = "transform:translateX(-100%)" if share > 0.5 else ""
        return f'<span class="{kind}" style="{at(point)};{side}">{words}</span>'

    first, last = max(value - spread, low), min(value + spread, high)
    parts = [
        '<i class="axis"></i>',
        f'<i class="spread" style="{at(first)};width:{100 * (last - first) / width:.2f}%">'
        "</i>",
        *(f'<i class="fold" style="{at(fold)}"></i>' for fold in folds),
        f'<i class="mean" style="{at(value)}"></i>',
        label(value, "above", f"{score(value)} \u00b1 {score(spread)}"),
    ]
    if is_number(baseline):
        parts.append(f'<i class="base" style="{at(baseline)}"></i>')
        parts.append(label(baseline, "below", f"without a model {score(baseline)}"))
    in_words = (
        f"Score {score(value)} with a spread of {score(spread)}, on a line from "
        f"{number(low)} to {number(high)}"
    )
    caption = f"From {number(low)} to {number(high)}: the score with its spread"
    caption += ", the folds as circles" if folds else ""
    drawing = (
        f'<div class="range" role="img" aria-label="{in_words}">{"".join(parts)}</div>'
    )
    return figure(drawing, f"{caption}.")


def _against_the_ranking(study):
    scores = study.results.get("mean_test_score", ())
    index = study.winner.get("index")
    if index is None or index >= len(scores) or not is_number(scores[index]):
        return ""
    return paragraph(
        f"In the ranking the same candidate has {score(scores[index])}. It was chosen as "
        "the best of many there, so some of that is luck; expect the score above."
    )


def _others(others):
    rows = [
        [
            escape(", ".join(filter(None, [other["title"], other.get("unit")]))),
            number(other["value"]),
        ]
        for other in others
    ]
    return table("Other measures on the same rows", ["measure", "value"], rows, {1})


def _folds_table(folds, metric):
    rows = [[str(i), score(value)] for i, value in enumerate(folds, start=1)]
    return fold(
        "The folds", table("Score of each outer fold", ["fold", metric], rows, {1})
    )


def winner(study):
    """What was found: its parameters, and how large it is."""
    found = study.winner
    if not found:
        return ""
    params = found.get("params", {})
    shown = short_names(params)
    items = [
        (f"<code>{escape(shown[name])}</code>", escape(parameter(value)))
        for name, value in ((name, params[name]) for name in ordered(params))
    ]
    n_epochs, best = found.get("n_epochs"), found.get("best_epoch")
    trained = plural(n_epochs, "epoch") if n_epochs else None
    if trained and best and best != n_epochs:
        trained += f", the best of them number {best}"
    n_parameters = found.get("n_parameters")
    items += [
        ("weights and biases", number(n_parameters) if n_parameters else None),
        ("trained for", trained),
    ]
    return section(
        "model",
        "The model",
        paragraph(
            "The best candidate, fitted again on all rows. These parameters were "
            "searched; the others are in the code below."
        ),
        fact_list(items),
    )


def mistakes(study):
    """Which classes are taken for which others; or errors of a regression."""
    confusion, residuals = study.score.get("confusion"), study.score.get("residuals")
    if confusion and confusion.get("labels"):
        return section("mistakes", "Where it errs", *_of_classes(confusion))
    if residuals and residuals.get("truth"):
        return section("mistakes", "Where it errs", *_of_numbers(residuals))
    return ""


def _of_classes(confusion):
    labels, counts = confusion["labels"], confusion["counts"]
    pieces = [
        paragraph(
            "Rows held out, by their class and by the class that was predicted. On the "
            "diagonal it is right."
        ),
        matrix(labels, counts),
    ]
    wrong = sorted(
        (
            (counts[i][j], i, j)
            for i in range(len(labels))
            for j in range(len(labels))
            if i != j and counts[i][j]
        ),
        key=lambda item: (-item[0], item[1:]),
    )
    rows = [
        [
            text(labels[i]),
            text(labels[j]),
            number(n),
            f"{100 * n / sum(counts[i]):.0f} %",
        ]
        for n, i, j in wrong
    ]
    header = ["class", "taken for", "rows", "of the class"]
    if rows:
        pieces.append("<h3>The most frequent mistakes</h3>")
        pieces.append(long_table("Mistakes", header, rows, {2, 3}, True, 5, 200))
    else:
        pieces.append(paragraph("There is not one mistake."))
    pieces.append(fold("Each class by itself", _each_class(labels, counts)))
    return pieces


def _each_class(labels, counts):
    rows = []
    for i, label in enumerate(labels):
        n_true, n_predicted = sum(counts[i]), sum(row[i] for row in counts)
        hit = counts[i][i]
        rows.append(
            [
                text(label),
                number(n_true),
                f"{100 * hit / n_true:.0f} %" if n_true else number(None),
                f"{100 * hit / n_predicted:.0f} %" if n_predicted else number(None),
            ]
        )
    header = ["class", "rows", "of them found (recall)", "right when said (precision)"]
    return table("Each class", header, rows, {1, 2, 3})


def _of_numbers(residuals):
    truth, predicted = residuals["truth"], residuals["predicted"]
    errors = sorted(abs(t - p) for t, p in zip(truth, predicted, strict=True))
    if not _report_plots.available():
        drawing = paragraph(_report_plots.MISSING, "soft small")
    else:
        drawing = figure(
            f'<div class="plot">{_report_plots.errors(truth, predicted)}</div>',
            "Each point is a row held out. On the line the prediction is right. A fan or "
            "a bow on the right says that errors depend on the size of the prediction.",
        )
    half, most = errors[len(errors) // 2], errors[int(0.9 * (len(errors) - 1))]
    return [
        paragraph(
            "Half of the predictions are off by less than "
            f"<strong>{number(half)}</strong>, nine of ten by less than "
            f"<strong>{number(most)}</strong>."
        ),
        drawing,
    ]


def importances(study):
    """What the predictions depend on."""
    entries = [entry for entry in study.importances if is_number(entry["mean"])]
    if not entries:
        return ""
    largest = max(max(entry["mean"] for entry in entries), 1e-300)
    rows = [
        [
            text(entry["column"]),
            f"{score(entry['mean'])}",
            f"\u00b1 {score(entry['std'])}",
            _bar(max(entry["mean"], 0) / largest),
        ]
        for entry in entries
    ]
    unsure = [e for e in entries if e["mean"] <= 2 * e["std"]]
    words = ""
    if unsure and len(unsure) < len(entries):
        names = " \u00b7 ".join(text(e["column"]) for e in unsure[:8])
        more = f" and {len(unsure) - 8:,} more" if len(unsure) > 8 else ""
        words = f"Not told apart from no effect (2 standard deviations): {names}{more}."
    metric = metric_name(study)
    return section(
        "columns",
        "What it depends on",
        paragraph(
            f"By how much the {metric} falls when the values of a column are shuffled "
            "among the rows held out (permutation importance, mean and standard deviation "
            "over repeats). Columns that say the same share their importance."
        ),
        long_table(
            "Importance of each column",
            ["column", f"{metric} lost", "", '<span class="soft">relative</span>'],
            rows,
            {1, 2},
            True,
        ),
        paragraph(words, "soft"),
    )


def _bar(share):
    return f'<div class="bar"><i style="width:{100 * share:.1f}%"></i></div>'
