"""What notebooks show of caviar's objects: small cards of HTML, beside scikit-learn's.

A card has no script, no id and no link, takes its colours from the page round it, so that
it is legible on light and dark, and says the same without its style sheet, which
notebooks that are not trusted drop. Knows the objects by their attributes only.
"""

import html
import math
import reprlib
from numbers import Integral, Real

import numpy as np

from ._html_curves import curves_svg

STYLE = """<style>
.caviar-card{font:13px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif;color:inherit;
max-width:54em;margin:.5em 0;padding:.7em 1em .8em;border:1px solid rgba(128,128,128,.35);
border-radius:6px;text-align:left;box-sizing:border-box}
.caviar-card *{box-sizing:border-box}
.caviar-head{display:flex;flex-wrap:wrap;gap:.1em .8em;align-items:baseline;
margin:0 0 .5em}
.caviar-head b{font-size:1.1em}.caviar-head span{opacity:.8}
.caviar-cols{display:flex;flex-wrap:wrap;gap:.6em 1.8em;align-items:flex-start}
.caviar-cols>svg{flex:0 1 420px;min-width:250px;width:100%;max-width:420px;height:auto}
.caviar-card dl{display:grid;grid-template-columns:auto auto;gap:.1em 1.1em;margin:0;
justify-content:start}
.caviar-card dt{opacity:.8;font-weight:400;margin:0}
.caviar-card dd{margin:0;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
.caviar-card details{margin:.5em 0 0}
.caviar-card summary{cursor:pointer}
.caviar-wide{overflow-x:auto}
.caviar-card table{border-collapse:collapse;margin:.3em 0 0;font-size:1em;color:inherit;
background:none;border:0}
.caviar-card th,.caviar-card td{text-align:left;padding:.15em 1.2em .15em 0;border:0;
border-bottom:1px solid rgba(128,128,128,.25);vertical-align:top;background:none;
font-variant-numeric:tabular-nums}
.caviar-card th{font-weight:600;white-space:nowrap}
.caviar-card pre{margin:.3em 0 0;white-space:pre-wrap;overflow-wrap:anywhere;font-size:12px;
color:inherit;background:none}
.caviar-card p{margin:.3em 0 0;max-width:46em}
.caviar-card ul{margin:.3em 0 0;padding-left:1.3em}
</style>"""


def escape(value):
    """Text for HTML, quotes included; on one line."""
    return html.escape(" ".join(str(value).split()))


def number(value):
    """A number to four figures, whole ones whole; what is none as it is shown."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, Real):
        return shown(value)
    if isinstance(value, Integral) or (abs(value) < 1e6 and float(value).is_integer()):
        return f"{int(value):,}"
    return f"{float(value):.4g}"


def shown(value):
    """The repr of a parameter, of a length that a cell of a table can take."""
    short = reprlib.Repr()
    short.maxstring = short.maxother = 80
    return short.repr(value)


def card(title, body, note=""):
    """A box with a title, a note beside it, and pieces of HTML."""
    note = f"<span>{escape(note)}</span>" if note else ""
    head = f'<div class="caviar-head"><b>{escape(title)}</b>{note}</div>'
    return f'{STYLE}<div class="caviar-card">{head}{"".join(body)}</div>'


def pairs(items):
    """A list of names and values; nothing for None."""
    rows = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(number(value))}</dd>"
        if not isinstance(value, str)
        else f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>"
        for name, value in items
        if value is not None
    )
    return f"<dl>{rows}</dl>" if rows else ""


def table(header, rows):
    """Rows of cells; numbers are shown as `number` does."""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in header)
    body = "".join(
        "<tr>"
        + "".join(
            f"<td>{escape(cell if isinstance(cell, str) else number(cell))}</td>"
            for cell in row
        )
        + "</tr>"
        for row in rows
    )
    return (
        f'<div class="caviar-wide"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def details(summary, content):
    """What opens at a click; nothing of nothing."""
    if not content:
        return ""
    return f"<details><summary>{escape(summary)}</summary>{content}</details>"


# Training


def last(history, name):
    """The newest finite value of a column of `history_`, or None."""
    finite = [v for v in history.get(name, ()) if v is not None and math.isfinite(v)]
    return finite[-1] if finite else None


def training_pairs(history, best_epoch, n_parameters=None):
    """The numbers that say how a training went."""
    n_epochs = len(history.get("loss", ()))
    at_best = (best_epoch or 0) - 1
    scores = history.get("validation_score", ())
    seconds = [s for s in history.get("seconds", ()) if s is not None]
    return [
        ("epochs", n_epochs),
        ("training loss", last(history, "loss")),
        ("validation loss", last(history, "validation_loss")),
        ("validation score", last(history, "validation_score")),
        ("best epoch", best_epoch),
        ("score there", scores[at_best] if 0 <= at_best < len(scores) else None),
        ("learning rate", last(history, "learning_rate")),
        ("parameters", n_parameters),
        ("seconds", sum(seconds) if np.isfinite(seconds).all() and seconds else None),
    ]


def session_html(session):
    """The card of a `TrainingSession`.

    Parameters
    ----------
    session : TrainingSession
        Read are its `history`, `best_epoch`, `best_in_history`, `n_epochs`, `log`,
        `snapshots`, `stopped` and `get_params()`.

    Returns
    -------
    str
        HTML: state, curves with marks where something was changed, the numbers, the log,
        the snapshots and the parameters.
    """
    history, log = session.history, list(session.log)
    params = session.get_params()
    n_epochs = session.n_epochs
    state = f"{n_epochs} of {params['max_iter']} epochs" if n_epochs else "not begun"
    if session.stopped:
        state += f", stopped: {session.stopped}"
    marks = [(entry["epoch"], entry_text(entry)) for entry in log if _is_change(entry)]
    best_epoch = session.best_epoch if session.best_in_history else None
    columns = curves_svg(history, best_epoch, marks)
    columns += pairs(training_pairs(history, best_epoch))
    rows = [(entry["epoch"], entry["event"], entry_text(entry)) for entry in log]
    kept = [(name, epoch) for name, epoch in session.snapshots.items()]
    body = [
        f'<div class="caviar-cols">{columns}</div>',
        details(
            f"Log ({len(rows)})",
            table(["epoch", "event", "what"], rows) if rows else "",
        ),
        details(
            f"Snapshots ({len(kept)})", table(["name", "epoch"], kept) if kept else ""
        ),
        details("Parameters", params_table(params)),
    ]
    return card("TrainingSession", body, state)


def _is_change(entry):
    return entry["event"] in ("params", "revert")


def entry_text(entry):
    """What an entry of a session's log says beside its epoch and its event."""
    parts = []
    for name, value in entry.items():
        if name in ("epoch", "event"):
            continue
        inner = value.items() if isinstance(value, dict) else [(name, value)]
        parts += [
            f"{key} = {v}" if isinstance(v, str) else f"{key} = {number(v)}"
            for key, v in inner
        ]
    return ", ".join(parts)


def params_table(params):
    """Parameters and their values."""
    return table(
        ["parameter", "value"], [(name, shown(params[name])) for name in sorted(params)]
    )
