"""What notebooks show of the diagnostics' results."""

from ._html_pieces import card, details, escape, number, pairs, status, table


def finding_html(finding, more=""):
    """The card of a `Finding`; `more` is HTML that comes after its words."""
    return card(finding.step.capitalize(), [_words(finding), more, _numbers(finding)])


def checkup_html(checkup):
    """The card of a `Checkup`: its findings, and the code to go on with."""
    body = [
        f'<div class="caviar-finding">{_words(f)}{_numbers(f)}</div>'
        for f in checkup.findings
    ]
    code = f"<pre>{_lines(checkup.code)}</pre>" if checkup.code else ""
    return card(
        f"Checkup of {checkup.estimator}",
        [*body, details("Code for the next search", code)],
    )


def retest_html(retest):
    """The card of a `Retest`: its words, and the candidates with both scores."""
    rows = [
        (
            int(retest.new_ranks[i]),
            int(retest.old_ranks[i]),
            _with_spread(retest.new_scores[i], retest.new_stds[i]),
            _with_spread(retest.old_scores[i], retest.old_stds[i]),
            ", ".join(f"{k}={number(v)}" for k, v in retest.params[i].items()),
        )
        for i in retest.new_ranks.argsort(kind="stable")
    ]
    header = ["now", "before", f"{retest.metric} now", f"{retest.metric} before", "set"]
    return finding_html(retest, table(header, rows))


def activations_html(statistics):
    """The card of `ActivationStatistics`: a row for each hidden layer."""
    header = [
        "layer",
        "activation",
        "units",
        "mean",
        "std",
        "saturated",
        "zeros",
        "dead",
    ]
    columns = [getattr(statistics, name) for name in header[2:]]
    rows = [
        (number_of, activation, *(column[number_of - 1] for column in columns))
        for number_of, activation in enumerate(statistics.activations, start=1)
    ]
    return card("Outputs of the hidden layers", [table(header, rows)])


def _with_spread(score, spread):
    return f"{score:.4f}\u00a0\u00b1\u00a0{spread:.4f}"


def _words(finding):
    advice = "".join(f"<li>{_advice(sentence)}</li>" for sentence in finding.advice)
    return (
        f"<p>{status(finding.status)}<b>{escape(finding.title)}</b></p>"
        f"<p>{escape(finding.explanation)}</p>"
        + (f"<ul>{advice}</ul>" if advice else "")
    )


def _advice(sentence):
    """A sentence; what stands on lines of its own in it is code."""
    words, *code = sentence.split("\n")
    return escape(words) + (f"<pre>{_lines(chr(10).join(code))}</pre>" if code else "")


def _lines(code):
    return "\n".join(
        line[: len(line) - len(line.lstrip())] + escape(line)
        for line in code.splitlines()
    )


def _numbers(finding):
    items = [
        (str(name).replace("_", " "), _shown(value))
        for name, value in finding.numbers.items()
    ]
    return details("The numbers", pairs(items))


def _shown(value):
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_shown(v)}" for key, v in value.items())
    if hasattr(value, "__len__") and not isinstance(value, str):
        some = ", ".join(_shown(v) for v in list(value)[:8])
        return some + (f", \u2026 ({len(value)} in all)" if len(value) > 8 else "")
    return value if isinstance(value, str) else number(value)
