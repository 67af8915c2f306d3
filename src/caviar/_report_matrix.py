"""Confusion matrices as HTML: a table for few classes, a picture for many."""

from ._report_html import escape, number, plural, text

MOST_IN_TABLE = 16
N_SHADES = 8
STRONGEST = 0.45  # opacity of the fullest cell: text on it keeps its contrast
CELL, MARGIN = 10, 8


def matrix(labels, counts):
    """Rows are true classes, columns predicted ones; shaded by the share of the row."""
    shares = [[n / (sum(row) or 1) for n in row] for row in counts]
    if len(labels) <= MOST_IN_TABLE:
        return _as_table(labels, counts, shares)
    return _as_picture(labels, shares)


def _as_table(labels, counts, shares):
    head = "".join(f'<th scope="col">{text(label)}</th>' for label in labels)
    rows = []
    for i, label in enumerate(labels):
        cells = "".join(
            f'<td{" class=hit" if i == j else ""} style="background:rgba(var(--heat),'
            f'{STRONGEST * shares[i][j]:.3f})">{number(n)}</td>'
            for j, n in enumerate(counts[i])
        )
        rows.append(f'<tr><th scope="row">{text(label)}</th>{cells}</tr>')
    caption = "True classes down, predicted classes across"
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{caption}">'
        f'<table class="matrix"><caption>{caption}</caption><thead><tr>'
        f'<th scope="col">true \\ predicted</th>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _as_picture(labels, shares):
    """One path for each shade; every tenth class is numbered."""
    size = len(labels)
    squares = {}
    for i, row in enumerate(shares):
        for j, share in enumerate(row):
            if share > 0:
                shade = max(1, round(share * N_SHADES))
                squares.setdefault((shade, i == j), []).append(
                    f"M{j * CELL} {i * CELL}h{CELL}v{CELL}h-{CELL}z"
                )
    paths = "".join(
        f'<path d="{"".join(squares[key])}" style="fill:'
        f'{"rgb(var(--heat))" if key[1] else "var(--problem)"}" '
        f'fill-opacity="{0.15 + 0.85 * key[0] / N_SHADES:.2f}"/>'
        for key in sorted(squares)
    )
    every = 10 if size <= 120 else 50
    extent = size * CELL
    ticks = "".join(
        f'<path d="M0 {at * CELL}H{extent}M{at * CELL} 0V{extent}" '
        'style="stroke:var(--line)"/>'
        for at in range(0, size + 1, every)
    )
    font = max(14, extent // 45)
    pad = 3 * font
    numbers = "".join(
        f'<text x="{-MARGIN}" y="{at * CELL + font}" text-anchor="end">{at + 1}</text>'
        f'<text x="{at * CELL}" y="{-MARGIN}">{at + 1}</text>'
        for at in range(0, size, every)
    )
    right = sum(row[i] for i, row in enumerate(shares)) / size
    words = (
        f"Confusion matrix of {plural(size, 'class', 'classes')}; on average "
        f"{100 * right:.0f} % of a class are on the diagonal."
    )
    return (
        f'<figure class="heat"><svg viewBox="{-pad} {-pad} {extent + pad + MARGIN} '
        f'{extent + pad + MARGIN}" role="img" aria-label="{escape(words)}" '
        f'font-size="{font}" style="fill:var(--soft)">{ticks}{paths}{numbers}</svg>'
        f"<figcaption>{escape(words)} True classes down, predicted classes across, in the "
        f"order of the table of classes, from {text(labels[0])} to {text(labels[-1])}; "
        "mistakes are red.</figcaption></figure>"
    )
