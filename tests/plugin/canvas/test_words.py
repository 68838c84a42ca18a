"""What the canvas says, and which letter stands at which edge."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_lungmtl.canvas import words
from napari_lungmtl.canvas.sides import edges
from napari_lungmtl.training.imaging.image import Image
from napari_lungmtl.training.imaging.slab import Slab


@pytest.fixture
def volume() -> Image:
    """99 slices from −190 mm up, of 2.5 mm."""
    voxels = np.full((99, 8, 6), -640, np.int16)
    return Image(voxels, "CT", (2.5, 0.5, 0.5), (-190.0, 10.0, -30.0), series_uid="1.2")


@pytest.mark.parametrize(
    ("order", "vertical", "letters"),
    [
        ((0, 1, 2), "down", "APRL"),
        ((0, 2, 1), "down", "RLAP"),
        ((1, 0, 2), "up", "HFRL"),
        ((1, 0, 2), "down", "FHRL"),
        ((2, 0, 1), "up", "HFAP"),
        ((2, 1, 0), "down", "APFH"),
    ],
)
def test_letters_stand_where_the_patients_sides_are(order, vertical, letters):
    found = edges(order, vertical, "right")
    assert "".join(found[edge] for edge in ("top", "bottom", "left", "right")) == letters
    mirrored = edges(order, vertical, "left")
    assert (mirrored["left"], mirrored["right"]) == (found["right"], found["left"])


def test_the_slice_is_counted_from_one_with_its_place(volume):
    assert words.where(volume, 0, -190.0) == "slice 1 of 99 · z −190.0 mm"
    assert words.where(volume, 0, -79.9) == "slice 45 of 99 · z −80.0 mm"
    assert words.where(volume, 2, -28.0) == "slice 5 of 6 · x −28.0 mm"
    assert words.where(volume, 0, 900.0).startswith("outside the 99 slices")


def test_place_and_value_under_the_cursor(volume):
    assert words.under_cursor(volume, (-180.0, 10.4, -29.1)) == "x −29.1  y 10.4  z −180.0 mm\n−640 HU"
    assert words.under_cursor(volume, (-180.0, 99.0, 0.0)) == ""
    volume.voxels[4, 2, 3] = 300
    below = volume.to_world((6, 2, 3))
    for axis, slab, said in ((0, Slab("MIP", 10.0), "MIP 300 HU"), (1, Slab("MIP", 5.0), "MIP −640 HU")):
        assert words.under_cursor(volume, below, axis, slab).endswith(f"\n{said}")
    film = Image(np.full((4, 4), 7, np.uint8), "DX", None, series_uid="1.3")
    assert words.under_cursor(film, (2.2, 1.0)) == "x 1  y 2 px\ngrey value 7"


def test_the_window_is_told_as_centre_and_width(volume):
    assert words.grayscale(volume, (-1350.0, 150.0)) == "window −600 / 1500 HU"
    assert words.grayscale(replace(volume, modality="DX"), (0.0, 100.0)) == "window 50 / 100"


def test_who_it_is(volume):
    metadata = {"patient_id": "LIDC-3", "series_description": "Thorax", "study_date": "20000131"}
    assert words.who(replace(volume, metadata=metadata)) == "LIDC-3\nCT · Thorax\n2000-01-31"
    uid = "1.3.6.1.4.1.14519.5.2.1.6279.6001.100925"
    assert words.who(replace(volume, series_uid=uid)) == "…01.100925\nCT"
