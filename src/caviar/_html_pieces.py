"""The pieces of a notebook's card: text, numbers, tables, what opens at a click.

A card has no script, no id and no link, takes its colours from the page round it, so that
it is legible on light and dark, and says the same without its style sheet, which
notebooks that are not trusted drop.
"""

import html
import re
import reprlib
from numbers import Integral, Real

import numpy as np

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
.caviar-status{font-size:.85em;font-weight:600;padding:.05em .6em;margin-right:.5em;
border:2px solid;border-radius:1em;white-space:nowrap}
.caviar-card .ok{border-color:#1b8a57}.caviar-card .warning{border-color:#b26a00}
.caviar-card .problem{border-color:#d13c32}
.caviar-finding{margin-top:1em}
</style>"""


def escape(value):
    """Text for HTML, quotes included; on one line."""
    return html.escape(re.sub(r"\s*[\n\r\t]\s*", " ", str(value)))


def number(value):
    """A number to four figures, whole ones whole; what is none as it is shown."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, Real):
        return shown(value)
    if value != value:  # NaN
        return "\u2013"
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


def cell(value):
    """A text as it is, a number as `number` shows it."""
    return escape(value if isinstance(value, str) else number(value))


def pairs(items):
    """A list of names and values; nothing for None."""
    rows = "".join(
        f"<dt>{escape(name)}</dt><dd>{cell(value)}</dd>"
        for name, value in items
        if value is not None
    )
    return f"<dl>{rows}</dl>" if rows else ""


def table(header, rows):
    """Rows of cells; nothing for none."""
    if not rows:
        return ""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in header)
    body = "".join(
        f"<tr>{''.join(f'<td>{cell(value)}</td>' for value in row)}</tr>"
        for row in rows
    )
    return (
        f'<div class="caviar-wide"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def status(kind):
    """A word for 'ok', 'warning' or 'problem', in a frame of its colour."""
    words = {"ok": "good", "warning": "to look at", "problem": "problem"}[kind]
    return f'<span class="caviar-status {kind}">{words}</span>'


def details(summary, content):
    """What opens at a click; nothing of nothing."""
    if not content:
        return ""
    return f"<details><summary>{escape(summary)}</summary>{content}</details>"
