"""Curves of a training as a small inline SVG, without matplotlib.

Colours are mid-tones of Okabe and Ito's palette, which keep 3:1 on white and on black;
everything else is drawn in the colour of the text round it.
"""

import html
import math

import numpy as np

WIDTH, HEIGHT = 420, 170
LEFT, RIGHT, TOP, BOTTOM = 52, 12, 24, 26
MAX_POINTS = 400
BLUE, ORANGE = "#2f7fc1", "#d06a00"
LOG_FROM = 10  # largest over smallest loss from which the axis is logarithmic


def curves_svg(history, best_epoch=None, marks=()):
    """Training and validation loss against the epoch.

    Parameters
    ----------
    history : dict
        As `history_`; its columns ``loss`` and ``validation_loss`` are drawn.
    best_epoch : int, default=None
        Counted from 1; a dashed line.
    marks : sequence of tuple (epoch, text)
        Where something was changed: small triangles on the axis, with the text as their
        title.

    Returns
    -------
    str
        An ``<svg>`` element without ids; empty where there is no finite loss.
    """
    series = [
        (title, colour, _values(history, name))
        for title, colour, name in [
            ("training loss", BLUE, "loss"),
            ("validation loss", ORANGE, "validation_loss"),
        ]
    ]
    return lines_svg(series, "epoch", 1, best_epoch, marks)


def lines_svg(series, x_label, first, best=None, marks=()):
    """Lines over whole numbers, such as epochs.

    Parameters
    ----------
    series : list of tuple (title, colour, ndarray)
        Those without a finite value are left out.
    x_label : str
    first : int
        The number that the arrays begin at.
    best : int, default=None
        Where a dashed line stands.
    marks : sequence of tuple (number, text)

    Returns
    -------
    str
        An ``<svg>`` element without ids; empty where there is nothing to draw.
    """
    series = [entry for entry in series if np.isfinite(entry[2]).any()]
    if not series:
        return ""
    last = first + max(len(values) for _, _, values in series) - 1
    every = np.concatenate([values[np.isfinite(values)] for _, _, values in series])
    scale = _Scale(first, last, float(every.min()), float(every.max()))
    parts = [_axes(scale, x_label)]
    if best is not None and first <= best <= last:
        parts.append(_best(scale, best, x_label))
    parts += [_mark(scale, at, f"after {x_label} {at}: {text}") for at, text in marks]
    x = LEFT
    for title, colour, values in series:
        parts.append(_line(scale, colour, values))
        parts.append(
            f'<rect x="{x}" y="6" width="14" height="3" fill="{colour}"/>'
            f'<text x="{x + 19}" y="12">{html.escape(title)}</text>'
        )
        x += 19 + 6 * len(title) + 22
    label = html.escape(_in_words(series, x_label, best))
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        f'role="img" aria-label="{label}" fill="currentColor" '
        f'font-family="system-ui,sans-serif" font-size="11">{"".join(parts)}</svg>'
    )


def _values(history, name):
    values = [math.nan if v is None else v for v in history.get(name, ())]
    return np.asarray(values, dtype=np.float64)


class _Scale:
    """From epochs and losses to the picture's coordinates."""

    def __init__(self, first, last, low, high):
        self.first, self.last = first, last
        self.is_log = low > 0 and high / low >= LOG_FROM
        if low == high:
            low, high = low - 0.5 * (abs(low) or 1), high + 0.5 * (abs(high) or 1)
        self.low, self.high = low, high

    def x(self, epoch):
        n_steps = self.last - self.first
        share = (epoch - self.first) / n_steps if n_steps else 0.5
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(self, loss):
        low, high = self.low, self.high
        if self.is_log:
            share = np.log(loss / low) / np.log(high / low)
        else:
            share = (loss - low) / (high - low)
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)

    def ticks(self):
        """A few losses, ends included."""
        if self.is_log:
            return np.geomspace(self.low, self.high, 3)
        return np.linspace(self.low, self.high, 3)


def _axes(scale, x_label):
    lines = []
    for value in scale.ticks():
        y = float(scale.y(value))
        lines.append(
            f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="currentColor" '
            f'stroke-opacity=".18"/><text x="{LEFT - 6}" y="{y + 4:.1f}" '
            f'text-anchor="end">{value:.3g}</text>'
        )
    base, middle = HEIGHT - 8, (LEFT + WIDTH - RIGHT) / 2
    words = html.escape(x_label) + (" (log scale upwards)" if scale.is_log else "")
    lines.append(f'<text x="{middle}" y="{base}" text-anchor="middle">{words}</text>')
    if scale.last > scale.first:
        lines.append(
            f'<text x="{LEFT}" y="{base}">{scale.first}</text>'
            f'<text x="{WIDTH - RIGHT}" y="{base}" text-anchor="end">{scale.last}</text>'
        )
    return "".join(lines)


def _best(scale, at, x_label):
    x = scale.x(at)
    return (
        f'<path d="M{x:.1f} {TOP}V{HEIGHT - BOTTOM}" stroke="currentColor" '
        f'stroke-opacity=".6" stroke-dasharray="3 3"><title>best {html.escape(x_label)}: '
        f"{at}</title></path>"
    )


def _mark(scale, at, text):
    x, y = scale.x(min(max(at, scale.first), scale.last)), HEIGHT - BOTTOM
    return (
        f'<path d="M{x:.1f} {y - 8}l5 8h-10z" fill-opacity=".7">'
        f"<title>{html.escape(text)}</title></path>"
    )


def _line(scale, colour, values):
    """A polyline with gaps where there is no value; a dot where one stands alone."""
    epochs = np.arange(scale.first, scale.first + len(values))
    if len(values) > MAX_POINTS:
        keep = np.unique(np.linspace(0, len(values) - 1, MAX_POINTS).astype(int))
        epochs, values = epochs[keep], values[keep]
    path, pen_down, alone = [], False, []
    finite = np.isfinite(values)
    for i in np.flatnonzero(finite):
        pen_down = i > 0 and finite[i - 1]
        x, y = scale.x(epochs[i]), float(scale.y(values[i]))
        path.append(f"{'L' if pen_down else 'M'}{x:.1f} {y:.1f}")
        if not pen_down and not (i + 1 < len(values) and finite[i + 1]):
            alone.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{colour}"/>')
    return (
        f'<path d="{"".join(path)}" fill="none" stroke="{colour}" stroke-width="1.8" '
        f'stroke-linejoin="round"/>{"".join(alone)}'
    )


def _in_words(series, x_label, best):
    """The picture for those who do not see it."""
    sentences = []
    for title, _, values in series:
        finite = values[np.isfinite(values)]
        sentences.append(
            f"{title} from {finite[0]:.3g} to {finite[-1]:.3g} over {len(values)} values"
        )
    if best is not None:
        sentences.append(f"best {x_label} {best}")
    return "Curves: " + "; ".join(sentences) + "."
