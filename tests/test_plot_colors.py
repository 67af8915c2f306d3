"""Colours of the displays, for those who see fewer of them, and on paper without any."""

from itertools import pairwise

import numpy as np
import pytest

from caviar import _plot_curves, _plot_style
from caviar._plot_points import level_colors
from displays import cielab, encoded, linear

matplotlib = pytest.importorskip("matplotlib")

# Machado, Oliveira & Fernandes, "A physiologically-based model for simulation of color
# vision deficiency", IEEE Transactions on Visualization and Computer Graphics 15, 2009,
# table for severity 1.0; they are applied to linear RGB.
DEFICIENCIES = {
    "none": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
}
every_eye = pytest.mark.parametrize("deficiency", DEFICIENCIES)


def seen(colors, deficiency):
    """Colours in CIELAB, as they are seen."""
    rgb = np.array([matplotlib.colors.to_rgb(color) for color in colors])
    return cielab(encoded(linear(rgb) @ DEFICIENCIES[deficiency].T))


def distances(lab):
    """CIE 1976 differences of each two; 2.3 is just noticeable."""
    apart = np.linalg.norm(lab[:, np.newaxis] - lab, axis=-1)
    return apart[np.triu_indices(len(lab), 1)]


def test_the_matrices_leave_greys_as_they_are():
    for matrix in DEFICIENCIES.values():
        np.testing.assert_allclose(matrix.sum(axis=1), 1, atol=2e-6)


def test_lab_is_that_of_published_colours():
    # Lindbloom's values for sRGB white, red and blue under D65.
    np.testing.assert_allclose(
        cielab(np.array([[1, 1, 1], [1, 0, 0], [0, 0, 1.0]])),
        [[100, 0, 0], [53.24, 80.09, 67.20], [32.30, 79.19, -107.86]],
        atol=0.02,
    )


def test_colours_are_those_of_okabe_and_ito():
    # Red, green and blue of 255, as their table has them.
    table = {
        "BLACK": (0, 0, 0),
        "ORANGE": (230, 159, 0),
        "SKY_BLUE": (86, 180, 233),
        "GREEN": (0, 158, 115),
        "YELLOW": (240, 228, 66),
        "BLUE": (0, 114, 178),
        "VERMILION": (213, 94, 0),
        "PURPLE": (204, 121, 167),
    }
    for name, expected in table.items():
        rgb = matplotlib.colors.to_rgb(getattr(_plot_style, name))
        assert tuple(np.rint(np.multiply(rgb, 255))) == expected


@every_eye
def test_series_can_be_told_apart_by_colour(deficiency):
    colors = [color for color, _ in _plot_style.SERIES]
    assert distances(seen(colors, deficiency)).min() > 10
    # The two that are in nearly every picture: training and validation.
    curves = [_plot_curves.LINES[name][1] for name in ("loss", "validation_loss")]
    assert distances(seen(curves, deficiency)).min() > 50


@every_eye
@pytest.mark.parametrize("n_levels", [2, 3, 5, 8])
def test_levels_can_be_told_apart_and_are_in_order_of_lightness(n_levels, deficiency):
    lab = seen(level_colors(n_levels), deficiency)
    # As on paper without colours, where nothing else is left.
    assert all(a - b > 40 / n_levels for a, b in pairwise(lab[:, 0]))
    neighbours = np.linalg.norm(np.diff(lab, axis=0), axis=1)
    assert neighbours.min() > 60 / n_levels


@every_eye
def test_the_best_and_warnings_stand_out_from_all_levels(deficiency):
    warning = seen([_plot_style.VERMILION], deficiency)
    levels = seen(level_colors(5), deficiency)
    assert np.linalg.norm(levels - warning, axis=1).min() > 20


def test_series_differ_without_colour_too():
    styles = [style for _, style in _plot_style.SERIES]
    assert len(set(map(str, styles))) == len(styles)
    assert len(set(_plot_style.MARKERS)) == len(_plot_style.MARKERS) >= 7
    marks = [marker for marker, _, _ in _plot_curves.MARKS.values()]
    assert len(set(marks)) == len(marks)


def test_lines_have_contrast_enough_on_white():
    # Web Content Accessibility Guidelines 2.1, 1.4.11: 3 to 1 for graphics.
    for name in ("loss", "validation_loss", "learning_rate"):
        luminance = linear(matplotlib.colors.to_rgb(_plot_curves.LINES[name][1]))
        luminance = luminance @ [0.2126, 0.7152, 0.0722]
        assert 1.05 / (luminance + 0.05) >= 3
