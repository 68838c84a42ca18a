"""Radiographs that lie are told, and those that stand are left alone: by the shipped weights, on real films."""

import numpy as np
import pytest

from napari_lungmtl.training.imaging import read_image
from napari_lungmtl.training.imaging.image import Image
from napari_lungmtl.training.imaging.radiograph.orientation import (
    AS_STORED,
    ORIENTATIONS,
    Orientation,
    turn,
)
from napari_lungmtl.training.imaging.radiograph.upright import (
    describe,
    right_turn,
    suspicion,
    uprightness,
    with_dark_air,
)


@pytest.fixture(scope="module")
def film(lungmtl_data) -> Image:
    """A frontal radiograph of a hospital that gave none to the fit, upright."""
    return read_image(sorted((lungmtl_data / "cxr" / "lung_masks_100").glob("*.jpg"))[0])


def test_the_descriptions_of_a_turned_picture_are_those_of_the_picture_in_another_order():
    rng = np.random.default_rng(0)
    picture = np.kron(rng.random((12, 12)), np.ones((16, 16))).astype(np.float32)
    described = describe(picture)
    for place, orientation in enumerate(ORIENTATIONS[:8]):
        np.testing.assert_allclose(describe(orientation.apply(picture))[0], described[place], atol=2e-2)
    np.testing.assert_allclose(describe(1 - picture)[0], described[8], atol=2e-2)


@pytest.mark.parametrize("quarters", range(4))
def test_a_film_that_lies_is_turned_the_right_way_and_one_that_stands_stays(film, quarters):
    lying = turn(film, Orientation(quarters))
    found = right_turn(lying)
    assert found == (AS_STORED if quarters == 0 else Orientation(4 - quarters))
    assert suspicion(lying, found) is None
    if quarters:
        said = suspicion(lying, AS_STORED)
        assert said.voids
        assert f"turned by {('', '90° clockwise', '180°', '90° anticlockwise')[quarters]}" in said.words


def test_a_negative_is_inverted_and_a_person_who_looks_at_one_changes_nothing_for_networks(film):
    negative = turn(film, Orientation(inverted=True))
    assert right_turn(negative) == Orientation(inverted=True)
    assert "negative" in suspicion(negative, AS_STORED).words
    assert suspicion(negative, Orientation(inverted=True)) is None
    for inverted in (False, True):
        assert with_dark_air(film, Orientation(1, inverted=inverted)) == Orientation(1)
        assert with_dark_air(negative, Orientation(1, inverted=inverted)) == Orientation(1, inverted=True)


def test_mirrored_films_are_said_and_never_changed(lungmtl_data):
    said = 0
    for path in sorted((lungmtl_data / "cxr" / "lung_masks_100").glob("*.jpg"))[:8]:
        stored = read_image(path)
        mirrored = turn(stored, Orientation(mirrored=True))
        assert suspicion(stored, AS_STORED) is None
        assert right_turn(mirrored) == AS_STORED
        assert suspicion(mirrored, Orientation(mirrored=True)) is None
        found = suspicion(mirrored, AS_STORED)
        if found is not None:
            assert "mirrored" in found.words
            assert not found.voids
            said += 1
    assert said >= 3


def test_films_as_a_hospital_stores_them(lungmtl_data):
    """Every seventh of NIH's: those that lie on their side are turned clockwise, the others stay."""
    import csv

    folder = lungmtl_data / "cxr" / "nih"
    with (folder / "labels.csv").open() as file:
        rows = list(csv.DictReader(file))[::7]
    for row in rows:
        path = next(folder.rglob(row["file"]))
        expected = Orientation(3) if row["rotated_90"] == "1" else AS_STORED
        assert right_turn(read_image(path)) == expected, row["file"]


def test_what_shows_nothing_is_left_alone():
    blank = Image(np.full((40, 30), 7, np.uint8), "DX")
    assert right_turn(blank) == AS_STORED
    assert suspicion(blank, AS_STORED) is None
    np.testing.assert_allclose(uprightness(blank.voxels).probabilities, 1 / 16)
