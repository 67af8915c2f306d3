"""The report's account of the work: data, search, training, checkup, how to go on."""

from . import _report_plots
from ._report_headline import is_number
from ._report_html import (
    advice,
    bullets,
    code_block,
    escape,
    fact_list,
    figure,
    fold,
    long_table,
    number,
    paragraph,
    plural,
    prose,
    section,
    table,
    text,
)

N_FIRST_COLUMNS = 25
STATUS_WORDS = {"ok": "good", "warning": "to look at", "problem": "problem"}


# The data


def data(study):
    """The table: its size, its columns, what was left out and why."""
    about, target = study.data, study.target
    if not about:
        return ""
    n_dropped = about.get("n_dropped_rows")
    items = [
        ("source", text(about["source"]) if about.get("source") else None),
        ("rows", number(about.get("n_rows"))),
        ("columns learned from", number(about.get("n_columns"))),
        ("rows without a target", number(n_dropped) if n_dropped else None),
        (
            "read as",
            _reading(about.get("reading") or {}),
        ),
    ]
    return section(
        "data",
        "The data",
        fact_list(items),
        _target(target),
        _columns(about.get("columns") or ()),
        "<h3>Decided on the way</h3>" if about.get("notes") else "",
        bullets([prose(sentence) for sentence in about.get("notes") or ()]),
    )


def _reading(reading):
    """How the file was read, in words: CSV, separator ';', encoding utf-8."""
    words = []
    for name, value in reading.items():
        shown = (
            f"\u201c{escape(value)}\u201d" if len(str(value)) == 1 else escape(value)
        )
        if name == "header":
            words.append("with a header" if value else "without a header")
        elif value is not None:
            words.append(shown if name == "format" else f"{escape(name)} {shown}")
    return ", ".join(words)


def _target(target):
    if not target:
        return ""
    words = escape(target.get("task", "")).capitalize()
    if target.get("reason"):
        words += f": {text(target['reason'])}."
    pieces = ["<h3>The target</h3>", paragraph(words)]
    if target.get("counts"):
        n_rows = sum(target["counts"])
        pairs = zip(target["classes"], target["counts"], strict=True)
        rows = [
            [text(label), number(count), f"{100 * count / n_rows:.1f} %"]
            for label, count in sorted(pairs, key=lambda pair: -pair[1])
        ]
        header = ["class", "rows", "share"]
        pieces.append(
            long_table("Classes of the target", header, rows, {1, 2}, n_first=12)
        )
    elif target.get("quantiles"):
        header = ["smallest", "a quarter below", "median", "a quarter above", "largest"]
        rows = [[number(value) for value in target["quantiles"]]]
        pieces.append(table("Values of the target", header, rows, set(range(5))))
    return "".join(pieces)


def _note(words):
    return f'<div class="words">{text(words)}</div>' if words else ""


def _columns(columns):
    """Every column of the table; those that were left out come with the reason."""
    if not columns:
        return ""
    rows = [
        [
            text(column["name"]),
            escape(column.get("kind", "")),
            number(column.get("n_missing")),
            number(column.get("n_different")),
            _note(column.get("note")),
        ]
        for column in columns
    ]
    n_out = sum(column.get("kind") == "left out" for column in columns)
    words = f"{plural(len(columns), 'column')} besides the target"
    words += f", {n_out:,} of them left out." if n_out else ", all of them used."
    header = ["column", "kind", "missing", "different values", "note"]
    return (
        "<h3>The columns</h3>"
        + paragraph(words)
        + long_table(
            "Columns of the table", header, rows, {2, 3}, n_first=N_FIRST_COLUMNS
        )
    )


# The winner's training


def training(study):
    """Its curves, and what they say."""
    history = study.winner.get("history") or {}
    finding, pieces = study.diagnosis, []
    if finding:
        pieces.append(f"<h3>{_verdict(finding)}</h3>")
        pieces.append(paragraph(prose(finding.get("explanation", ""))))
    if history.get("loss"):
        pieces.append(_curves(history))
    if finding.get("advice"):
        pieces += ["<h3>What to try</h3>", advice(finding["advice"])]
    pieces.append(fold("The numbers behind it", _numbers(finding.get("numbers") or {})))
    return section("training", "How it was trained", *pieces)


def _curves(history):
    if not _report_plots.available():
        return paragraph(_report_plots.MISSING, "soft small")
    drawing = _report_plots.training_curves(history)
    words = f"The winner's training over {plural(len(history['loss']), 'epoch')}."
    if any(is_number(loss) for loss in history.get("validation_loss", ())):
        words += (
            " Validation is on rows that this training does not learn from: curves that "
            "part say that it learns by heart."
        )
    return figure(f'<div class="plot">{drawing}</div>', words)


def _verdict(finding):
    """The title of a finding, with a word for its status."""
    status, title = finding.get("status"), prose(finding.get("title", ""))
    if status not in STATUS_WORDS:
        return title
    return f'<span class="status {status}">{STATUS_WORDS[status]}</span>{title}'


def _numbers(numbers):
    rows = [
        [escape(str(name).replace("_", " ")), _figure_of(value)]
        for name, value in numbers.items()
    ]
    return table("Numbers", ["what", "value"], rows, {1})


def _figure_of(value):
    if isinstance(value, (list, tuple)):
        shown = ", ".join(_figure_of(v) for v in value[:8])
        return shown + (f", \u2026 ({len(value)} in all)" if len(value) > 8 else "")
    if isinstance(value, dict):
        shown = [f"{escape(k)}: {_figure_of(v)}" for k, v in list(value.items())[:8]]
        return ", ".join(shown)
    return number(value)


# Checkup


def checkup(study):
    """One entry for each finding."""
    findings = study.checkup.get("findings") or ()
    if not findings:
        return ""
    blocks = [
        f'<div class="finding"><h3>{_verdict(finding)}</h3>'
        f"{paragraph(prose(finding.get('explanation', '')))}"
        f"{advice(finding.get('advice') or ())}"
        f"{fold('The numbers', _numbers(finding.get('numbers') or {}))}</div>"
        for finding in findings
    ]
    counts = [finding.get("status") for finding in findings]
    summary = ", ".join(
        f"{counts.count(status)} {words}"
        for status, words in STATUS_WORDS.items()
        if counts.count(status)
    )
    code = study.checkup.get("code")
    block = code_block(code, "Code for the next search") if code else ""
    return section(
        "checkup",
        "Checkup",
        paragraph(
            f"What is checked before a network is trusted: {summary}. A problem often "
            "has those below it as its consequences."
        ),
        *blocks,
        fold("Code for the next search", block),
    )


# How to go on


def usage(study):
    """The commands that come next."""
    words = {
        "resume": "Go on with the search",
        "predict": "Predict the rows of another table",
        "retest": "Test the best candidates again on newer data",
        "checkup": "Check the model on a table",
        "report": "Make this page again",
    }
    commands = [
        f"<h3>{title}</h3>{code_block(study.usage[name], title)}"
        for name, title in words.items()
        if study.usage.get(name)
    ]
    files = study.usage.get("files") or {}
    rows = [
        [f"<code>{escape(name)}</code>", escape(what)] for name, what in files.items()
    ]
    folder = study.usage.get("folder")
    where = f"Files in {folder}" if folder else "Files"
    return section(
        "use", "How to use it", *commands, table(where, ["file", "holds"], rows)
    )


def code(study):
    """The program that rebuilds the winner."""
    if not study.code:
        return ""
    return section(
        "code",
        "The code that rebuilds it",
        paragraph(
            "This program builds the same model from the same table; with the versions "
            "below it has the same numbers to the last bit. A click selects it all."
        ),
        code_block(study.code, "Program that rebuilds the model"),
    )


def provenance(study):
    """Command, seed and versions: what it takes to have the same again."""
    rows = [[escape(name), escape(version)] for name, version in study.versions.items()]
    seed = study.search.get("seed")
    command = code_block(study.command, "Command line") if study.command else ""
    return section(
        "versions",
        "How to get the same again",
        paragraph("The command that made this page:") if command else "",
        command,
        paragraph(f"Seed {escape(seed)}.") if seed is not None else "",
        table("Versions", ["package", "version"], rows),
    )
