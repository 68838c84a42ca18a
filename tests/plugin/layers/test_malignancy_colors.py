"""The scale of malignancy: its order is seen with any colour vision, and no colour is one of the image's greys."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage.color import rgb2lab

from napari_lungmtl.layers.malignancy_colors import (
    STOPS,
    UNKNOWN,
    UNKNOWN_HEX,
    malignancy_color,
    malignancy_colors,
    malignancy_hex,
)

# Machado, Oliveira and Fernandes 2009, severity 1, for linear RGB.
VISION = {
    "normal": np.eye(3),
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
    "tritanopia": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}


def lab(rgb: np.ndarray, vision: str) -> np.ndarray:
    """CIE Lab of sRGB colours (n, 3) as this vision has them."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4) @ VISION[vision].T
    linear = np.clip(linear, 0, 1)
    seen = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return rgb2lab(seen[None])[0]


def luminance(rgb: np.ndarray) -> float:
    return float(
        np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722]
    )


def test_the_ends_are_the_first_and_the_last_stop():
    assert malignancy_hex(0.0) == STOPS[0]
    assert malignancy_hex(1.0) == STOPS[-1]
    assert malignancy_hex(None) == UNKNOWN_HEX
    assert malignancy_color(None) == UNKNOWN == malignancy_color(float("nan"))


@given(st.lists(st.none() | st.floats(0, 1), max_size=20))
def test_many_are_as_one_by_one(values):
    colors = malignancy_colors(values)
    assert colors.shape == (len(values), 4)
    assert ((colors >= 0) & (colors <= 1)).all()
    for value, color in zip(values, colors, strict=True):
        np.testing.assert_allclose(color, malignancy_color(value))


@pytest.mark.parametrize("vision", VISION)
def test_further_apart_in_malignancy_is_further_apart_in_colour(vision):
    """From either end, colours only go away; a quarter of the scale is at least ten times what can just be seen (ΔE 1)."""
    seen = lab(malignancy_colors(np.linspace(0, 1, 41))[:, :3], vision)
    assert (np.diff(np.linalg.norm(seen - seen[0], axis=1)) > 0).all()
    assert (np.diff(np.linalg.norm(seen - seen[-1], axis=1)) < 0).all()
    assert np.linalg.norm(seen[10:] - seen[:-10], axis=1).min() > 10


@pytest.mark.parametrize("vision", VISION)
def test_unknown_is_no_value_of_the_scale(vision):
    scale = lab(malignancy_colors(np.linspace(0, 1, 41))[:, :3], vision)
    unknown = lab(np.array([UNKNOWN[:3]]), vision)
    assert np.linalg.norm(scale - unknown, axis=1).min() > 20


def test_no_colour_is_a_grey_of_the_image():
    grays = lab(np.linspace(0, 1, 64)[:, None] * np.ones(3), "normal")
    for rgb in (*malignancy_colors(np.linspace(0, 1, 41))[:, :3], np.array(UNKNOWN[:3])):
        assert np.linalg.norm(grays - lab(rgb[None], "normal"), axis=1).min() > 25


def test_every_value_stands_out_from_lung_and_from_tissue():
    """Contrast as in WCAG, on black lung and on the near-white of tissue in the lung window."""
    for rgb in malignancy_colors(np.linspace(0, 1, 41))[:, :3]:
        assert (luminance(rgb) + 0.05) / 0.05 > 4.5
        assert 1.05 / (luminance(rgb) + 0.05) > 2
