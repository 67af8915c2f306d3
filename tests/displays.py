"""What the tests of displays share: figures that are closed, and texts that can be read."""

import io
from itertools import combinations

import numpy as np


def no_leaks():
    """Around each test: Agg, global settings as they were, all figures closed."""
    import matplotlib
    from matplotlib import pyplot

    matplotlib.use("Agg")
    before = dict(matplotlib.rcParams)
    assert pyplot.get_fignums() == []
    yield
    pyplot.close("all")
    assert dict(matplotlib.rcParams) == before


def svg_bytes(figure):
    """The size of a figure as SVG."""
    file = io.BytesIO()
    figure.savefig(file, format="svg")
    return len(file.getvalue())


def left_end(patch):
    """Where a rectangle, or with an older matplotlib its polygon, begins in the data."""
    path = patch.get_path().transformed(patch.get_patch_transform())
    return path.get_extents().x0


def crowded_texts(figure):
    """Pairs of texts that overlap, and texts that leave the figure.

    Tick labels, labels, titles and legends, as they are rendered.
    """
    figure.canvas.draw()
    boxes = [(text, box) for text, box in _texts(figure) if box.width and box.height]
    wrong = []
    width, height = figure.canvas.get_width_height()
    for text, box in boxes:
        if box.x0 < -1 or box.y0 < -1 or box.x1 > width + 1 or box.y1 > height + 1:
            wrong.append((text, "leaves the figure"))
    for (one, a), (other, b) in combinations(boxes, 2):
        shared_x = min(a.x1, b.x1) - max(a.x0, b.x0)
        shared_y = min(a.y1, b.y1) - max(a.y0, b.y0)
        if shared_x > 1 and shared_y > 1:
            wrong.append((one, other))
    return wrong


def _texts(figure):
    renderer = figure.canvas.get_renderer()
    for ax in figure.axes:
        if not ax.axison or not ax.get_visible():
            continue
        texts = [ax.xaxis.label, ax.yaxis.label, ax.title, ax._left_title]
        texts += [ax._right_title]
        for axis, limits in ((ax.xaxis, ax.get_xlim()), (ax.yaxis, ax.get_ylim())):
            low, high = sorted(limits)
            for tick in axis.get_major_ticks():
                if low <= tick.get_loc() <= high and tick.label1.get_visible():
                    rotated = tick.label1.get_rotation() % 90 != 0
                    texts += [] if rotated else [tick.label1]
        for text in texts:
            if text.get_text() and text.get_visible():
                yield text.get_text(), text.get_window_extent(renderer)
    for legend in figure.legends:
        yield "legend", legend.get_window_extent(renderer)


def cielab(colors):
    """sRGB colours, of shape (n, 3) in [0, 1], in CIE 1976 L*a*b* (D65, 2 degrees)."""
    to_xyz = np.array(
        [
            [0.4124564, 0.3575761, 0.1804375],
            [0.2126729, 0.7151522, 0.0721750],
            [0.0193339, 0.1191920, 0.9503041],
        ]
    )
    xyz = linear(colors) @ to_xyz.T / to_xyz.sum(axis=1)
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz * (29 / 6) ** 2 / 3 + 4 / 29)
    x, y, z = f.T
    return np.column_stack([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def linear(colors):
    """sRGB without its gamma, IEC 61966-2-1."""
    colors = np.asarray(colors, dtype=np.float64)
    return np.where(
        colors <= 0.04045, colors / 12.92, ((colors + 0.055) / 1.055) ** 2.4
    )


def encoded(rgb):
    """The inverse of `linear`, cut to what a screen can show."""
    rgb = np.clip(rgb, 0, 1)
    return np.where(rgb <= 0.0031308, 12.92 * rgb, 1.055 * rgb ** (1 / 2.4) - 0.055)
