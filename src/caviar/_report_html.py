"""Pieces of HTML for the report: text, numbers, tables, notes.

Whatever comes from a user's data passes through `escape` or `text` here.
"""

import html
import math
import re
from numbers import Integral, Real

N_DIGITS = 4
MOST_CHARACTERS = 120  # of a name
N_FIRST = 12  # rows of a table that are shown before the rest folds away


PARAMETER_ORDER = ("learning_rate_init", "alpha", "batch_size", "hidden_layer_sizes")


def escape(value):
    """Text for HTML: escaped, on one line, without what no page can show."""
    cleaned = " ".join(str(value).split())
    cleaned = "".join(c if c.isprintable() or c == " " else "\ufffd" for c in cleaned)
    return html.escape(cleaned)


def text(value):
    """A user's text: shortened, and kept from turning the line round it to the left."""
    value = str(value)
    if len(value) <= MOST_CHARACTERS:
        return f"<bdi>{escape(value)}</bdi>"
    short = f"{value[: MOST_CHARACTERS - 30]}\u2026{value[-29:]}"
    return f'<bdi title="{escape(value)}">{escape(short)}</bdi>'


def prose(value):
    """A sentence of ours, maybe about a user's data: `names` in it become code."""
    marked = re.sub("`([^`]+)`", r"<code>\1</code>", escape(value))
    return f"<bdi>{marked}</bdi>"


def code_block(source, label):
    """Program text, which one click selects as a whole."""
    lines = "".join(
        c if c.isprintable() or c == "\n" else "\ufffd"
        for c in source.strip("\n").expandtabs()
    )
    return (
        f'<div class="scroll code" tabindex="0" role="region" '
        f'aria-label="{escape(label)}"><pre><code>{html.escape(lines)}</code></pre></div>'
    )


def number(value, digits=N_DIGITS):
    """A number to so many figures; whole ones whole, with commas; a dash for none."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "\u2013"
    if isinstance(value, bool) or not isinstance(value, Real):
        return escape(value)
    if isinstance(value, Integral):
        return f"{value:,}".replace("-", "\u2212")
    if math.isinf(value):
        return "\u221e" if value > 0 else "\u2212\u221e"
    if abs(value) >= 1e4 and abs(value) < 1e7:
        shown = f"{value:,.0f}"
    else:
        shown = f"{value:.{digits}g}"
    return shown.replace("-", "\u2212") if "e" not in shown else shown


def score(value):
    """A score, with four decimals as on the terminal."""
    if value is None or not math.isfinite(value):
        return "\u2013"
    return f"{value:.4f}".replace("-", "\u2212")


def parameter(value):
    """The value of a parameter, as the terminal shows it: layers as 64-32."""
    if isinstance(value, (list, tuple)) and all(isinstance(v, Integral) for v in value):
        return "-".join(map(str, value)) if value else "none"
    if isinstance(value, float) and math.isfinite(value):
        return f"{value:.3g}"
    return str(value)


def ordered(names):
    """Names of parameters, those that matter most first, as on the terminal."""
    last = {name: name.rpartition("__")[2] for name in names}
    place = {name: i for i, name in enumerate(PARAMETER_ORDER)}
    return sorted(last, key=lambda name: place.get(last[name], len(place)))


def short_names(names):
    """Names of parameters without their steps, where that leaves them different."""
    last = {name: name.rpartition("__")[2] for name in names}
    counts = list(last.values())
    return {
        name: short if counts.count(short) == 1 else name
        for name, short in last.items()
    }


def duration(seconds):
    """Seconds as a person says them."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes, seconds = divmod(round(seconds), 60)
    if minutes < 100:
        return f"{minutes} min {seconds} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min"


def plural(count, noun, nouns=None):
    """A count and its noun: 1 row, 2 rows, 1,000 rows."""
    return f"{count:,} {noun if count == 1 else nouns or noun + 's'}"


# Blocks. Their arguments are HTML already, but for names that say otherwise.


def section(identifier, title, *content):
    """A part of the page with its heading; nothing where there is nothing in it."""
    content = "".join(piece for piece in content if piece)
    if not content:
        return ""
    return (
        f'<section id="{identifier}" aria-labelledby="{identifier}-title">'
        f'<h2 id="{identifier}-title">{escape(title)}</h2>{content}</section>'
    )


def paragraph(content, kind=""):
    """A paragraph; `kind` is a class of the style sheet."""
    return f"<p{_class(kind)}>{content}</p>" if content else ""


def bullets(items):
    """A list of points."""
    if not items:
        return ""
    return f"<ul>{''.join(f'<li>{item}</li>' for item in items)}</ul>"


def advice(sentences):
    """What to try; what stands on lines of its own in a sentence is code."""
    points = []
    for sentence in sentences:
        words, *lines = str(sentence).split("\n")
        block = code_block("\n".join(lines), "Code to try") if any(lines) else ""
        points.append(prose(words) + block)
    return bullets(points)


def note(content, kind):
    """Something to notice: `kind` is 'ok', 'warning' or 'problem', said in words too."""
    words = {"ok": "Good", "warning": "Note", "problem": "Problem"}[kind]
    return f'<div class="note {kind}"><p><strong>{words}:</strong> {content}</p></div>'


def table(caption, header, rows, numeric=(), quiet=False, wide=False):
    """A table that scrolls within itself where it is wider than the page.

    Parameters
    ----------
    caption : str
        Text; for those who listen, and above the table.
    header : list of str
        HTML of the columns' titles.
    rows : list of list of str
        HTML of the cells; the first one of a row is its title.
    numeric : collection of int
        Columns that are set flush right.
    quiet : bool
        Whether the caption is only for those who listen: a heading says the same.
    wide : bool
        Whether it may use the page's right margin, too.
    """
    if not rows:
        return ""

    def cell(tag, column, content, scope=""):
        kind = ' class="number"' if column in numeric else ""
        return f"<{tag}{scope}{kind}>{content}</{tag}>"

    head = "".join(cell("th", i, h, ' scope="col"') for i, h in enumerate(header))
    body = "".join(
        "<tr>"
        + "".join(
            cell("td" if i else "th", i, c, "" if i else ' scope="row"')
            for i, c in enumerate(row)
        )
        + "</tr>"
        for row in rows
    )
    return (
        f'<div class="scroll{" wide" if wide else ""}" tabindex="0" role="region" '
        f'aria-label="{escape(caption)}">'
        f"<table><caption{_class('unseen' if quiet else '')}>{escape(caption)}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def long_table(
    caption,
    header,
    rows,
    numeric=(),
    quiet=False,
    n_first=N_FIRST,
    n_most=1000,
    wide=False,
):
    """A table whose first rows are shown, and whose others open at a click."""
    if len(rows) <= n_first + 2:  # a click for two rows is not worth it
        n_first = len(rows)
    first = table(caption, header, rows[:n_first], numeric, quiet, wide)
    rest = rows[n_first : n_first + n_most]
    if not rest:
        return first
    title = f"{plural(len(rest), 'more row')}"
    if len(rows) > n_first + n_most:
        title += f" (of {len(rows) - n_first:,} that there are)"
    more = table(f"{caption}, continued", header, rest, numeric, True, wide)
    return first + fold(escape(title), more)


def fold(summary, content):
    """What opens at a click."""
    if not content:
        return ""
    return f"<details><summary>{summary}</summary>{content}</details>"


def fact_list(items):
    """Names and values, as a list of pairs; those without a value are left out."""
    rows = "".join(
        f"<div><dt>{name}</dt><dd>{value}</dd></div>"
        for name, value in items
        if value not in (None, "")
    )
    return f"<dl>{rows}</dl>" if rows else ""


def figure(content, caption):
    """A drawing with words under it."""
    if not content:
        return ""
    words = f"<figcaption>{caption}</figcaption>" if caption else ""
    return f"<figure>{content}{words}</figure>"


def _class(kind):
    return f' class="{kind}"' if kind else ""
