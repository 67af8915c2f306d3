"""The top of the report: what was asked, what was found, in words and four figures."""

import math

from ._report_html import (
    duration,
    escape,
    note,
    paragraph,
    plural,
    prose,
    score,
    text,
)


def is_finished(study):
    """Whether there is a winner whose worth was measured."""
    return bool(study.winner) and "value" in study.score


def title(study):
    """What the page is about, as text."""
    source = study.data.get("source", "a table")
    target = study.target.get("name")
    return f"Predicting {target} from {source}" if target else f"Learning from {source}"


def headline(study):
    """The top of the page: title, the answer in words, and four figures."""
    name, source = study.target.get("name"), study.data.get("source", "a table")
    what = f"Predicting \u201c{text(name)}\u201d" if name else "Learning"
    heading = f"{what} from {text(source)}"
    when = f" \u00b7 {escape(study.created)}" if study.created else ""
    pieces = [
        paragraph(f"caviar tune{when}", "eyebrow"),
        f"<h1>{heading}</h1>",
        *(_answer(study) if is_finished(study) else _unfinished(study)),
        _tiles(study),
        *(note(prose(sentence), "warning") for sentence in study.notes),
    ]
    return "".join(pieces)


def _answer(study):
    """How good, against what is reached without any model."""
    measured = study.score
    value, spread, baseline = (measured.get(k) for k in ("value", "spread", "baseline"))
    words = _value_in_words(study, value)
    where = (
        "by searching anew in each of "
        f"{plural(len(measured.get('folds') or []) or 2, 'fold')} and testing on rows "
        "the search had not seen"
        if measured.get("kind") == "nested"
        else f"on {plural(measured['n_rows'], 'row')} that played no part in choosing it"
        if measured.get("n_rows")
        else "on rows that played no part in choosing it"
    )
    lead = f"{words} That was measured {where}."
    verdict = ""
    if baseline is not None and value - 2 * (spread or 0) <= baseline:
        verdict = note(
            f"{trivial(study)} {_reaches(study, baseline)}. With its uncertainty, the "
            "network is not shown to be better: do not rely on it.",
            "problem",
        )
    elif baseline is not None:
        lead += f" {trivial(study)} {_reaches(study, baseline)}."
    return paragraph(lead, "lead"), verdict, _time_is_up(study)


def _time_is_up(study):
    if study.search.get("stopped") != "time budget":
        return ""
    n_done, asked = n_tried(study.results), study.search.get("n_candidates")
    of = f" of {asked:,}" if asked else ""
    return note(
        f"The time was over before all candidates had been tried: {n_done:,}{of}.",
        "warning",
    )


def _value_in_words(study, value):
    metric, target = study.score.get("metric"), study.target.get("name")
    what = f"\u201c{text(target)}\u201d" if target else "the target"
    if metric == "accuracy":
        right = f"<strong>{100 * value:.1f} %</strong> of new rows"
        return f"The network found is right on {right}."
    if metric == "r2" and value > 0:
        return (
            f"The network found explains <strong>{100 * value:.0f} %</strong> of how "
            f"{what} varies (R\u00b2\u00a0{score(value)})."
        )
    if metric == "r2":
        return (
            f"The network found is no better than always answering the mean of {what} "
            f"(R\u00b2\u00a0{score(value)})."
        )
    return f"The network found has a {metric_name(study)} of {score(value)}."


def metric_name(study):
    """What is measured, as HTML."""
    name = study.score.get("title") or study.search.get("title") or "score"
    return "R\u00b2" if name == "R2" else escape(name)


def trivial(study):
    if study.target.get("task") == "classification":
        return "Always answering the commonest class"
    return "Always answering the mean"


def _reaches(study, baseline):
    if study.score.get("metric") == "accuracy":
        return f"is right on {100 * baseline:.1f} %"
    if study.score.get("metric") == "r2":
        return f"explains {max(0, 100 * baseline):.0f} %"
    return f"reaches {score(baseline)}"


def _unfinished(study):
    search = study.search
    n_done = n_tried(study.results)
    asked = search.get("n_candidates")
    of = f" of {asked:,}" if asked else ""
    reason = {
        "interrupted": "It was interrupted.",
        "time budget": "Its time was over.",
    }.get(search.get("stopped"), "")
    words = (
        f"This search is not finished: {n_done:,}{of} candidates have been evaluated. "
        f"{reason} What there is so far follows; the model, its score on new rows and "
        "all that depends on them come when it is finished."
    )
    resume = study.usage.get("resume")
    how = f" To go on: <code>{escape(resume)}</code>" if resume else ""
    return paragraph(words, "lead"), note(f"Not finished.{how}", "warning")


def _tiles(study):
    """Up to four figures that are worth a large type."""
    tiles, measured = [], study.score
    if "value" in measured:
        spread = measured.get("spread")
        of = "std over folds" if measured.get("kind") == "nested" else "standard error"
        around = f"\u00b1 {score(spread)} ({of})" if spread is not None else ""
        tiles.append((metric_name(study), score(measured["value"]), around))
    if measured.get("baseline") is not None:
        answer = trivial(study)
        tiles.append(("without a model", score(measured["baseline"]), answer))
    scores = [s for s in study.results.get("mean_test_score", ()) if is_number(s)]
    if scores and not is_finished(study):
        tiles.append(
            (
                f"best {metric_name(study)} so far",
                score(max(scores)),
                "in its folds",
            )
        )
    n_done = n_tried(study.results)
    if n_done:
        n_splits = study.search.get("n_splits")
        folds = f"in {plural(n_splits, 'fold')} each" if n_splits else ""
        tiles.append(("candidates tried", f"{n_done:,}", folds))
    if study.seconds:
        tiles.append(("time, all in all", duration(study.seconds), ""))
    cells = "".join(
        f"<div><dt>{name}</dt><dd>{value}<small>{more}</small></dd></div>"
        for name, value, more in tiles
    )
    return f'<dl class="tiles">{cells}</dl>' if tiles else ""


def is_number(value):
    return value is not None and math.isfinite(value)


def n_tried(results):
    """How many candidates were evaluated, each counted once."""
    if "candidate" not in results:
        return len(results.get("params", ()))
    brackets = results.get("bracket") or [0] * len(results["params"])
    return len(set(zip(brackets, results["candidate"], strict=True)))
