"""What is said of the marks on a slice or a radiograph, in which colour, and where on any canvas they lie."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_lungmtl.canvas.frame import Frame
from napari_lungmtl.canvas.marks import table, words
from napari_lungmtl.canvas.marks.scene import ACCENT_HEX, lay_out
from napari_lungmtl.layers.malignancy_colors import UNKNOWN_HEX, malignancy_hex
from napari_lungmtl.layers.rectangle import overlap
from napari_lungmtl.layers.spheres.discs import SELECTED_WIDTH, STAND_OFF, disc_radius, ring_radius
from napari_lungmtl.session.session import Session
from napari_lungmtl.training.findings import ATTRIBUTES, Findings, Provenance
from napari_lungmtl.training.findings.attribute_words import SCALES

from ....stand_ins.chests import ball, chest
from ....stand_ins.reviewed_radiographs import by_both, radiograph

VALUES = dict(zip(ATTRIBUTES, (4.8, 1.0, 5.9, 3.6, 1.0, 2.7, 4.1, 5.0), strict=True))
AXIAL = Frame((0, 1, 2), (1, 1), (19.0, 11.0), 1 / 12, (700, 900), -165.0)
"""Twelve pixels for a millimetre."""


def measure(text: str) -> tuple[float, float]:
    return 18.0, 8.0 * len(text)


@pytest.fixture
def judged(folder):
    """Three nodules on a slice of a chest, of different malignancy, and one that lies elsewhere."""
    session = Session()
    session.open(chest(folder))
    session.replace_findings(
        Findings(
            (
                ball(-165, 19, 11, score=0.97, attributes=VALUES, malignancy=0.81, id="a"),
                ball(-164, 12, 3, d=3.0, score=0.8, malignancy=0.04, id="b"),
                ball(-166, 25, 20, d=5.0, score=0.7, id="c"),
                ball(-150, 20, 10, id="elsewhere"),
            )
        )
    )
    yield session
    session.close()


def scene_of(session, view=AXIAL, **more):
    return lay_out(session, view, measure, findings=session.visible, **more)


def texts(scene) -> dict[str, str]:
    return {caption.mark.finding.id: caption.mark.text for caption in scene.captions}


# ---- spheres


def test_captions_give_number_diameter_score_and_malignancy_of_the_slice_alone(judged) -> None:
    numbers = {f.id: f.number for f in judged.findings}
    assert texts(scene_of(judged)) == {
        "a": f"{numbers['a']} · 8.0 mm · 0.97 · M .81",
        "b": f"{numbers['b']} · 3.0 mm · 0.80 · M .04",
        "c": f"{numbers['c']} · 5.0 mm · 0.70",
    }
    judged.accept("c")
    judged.add(ball(-165, 8, 20, score=1.0, provenance=Provenance(person="me")))
    said = texts(scene_of(judged))
    assert said["c"].startswith("✓ ")
    assert any(text.endswith("by hand") for text in said.values())
    assert set(texts(scene_of(judged, replace(AXIAL, position=-150.0)))) == {"elsewhere"}
    judged.show_overlays(False)
    assert not scene_of(judged).captions


def test_each_mark_has_the_colour_of_its_own_malignancy(judged) -> None:
    judged.select("c")
    colors = {mark.finding.id: mark.color for mark in scene_of(judged).marks}
    assert colors == {"a": malignancy_hex(0.81), "b": malignancy_hex(0.04), "c": ACCENT_HEX}
    judged.select(None)
    assert {m.color for m in scene_of(judged).marks if m.finding.id == "c"} == {UNKNOWN_HEX}
    judged.reject("b")
    [grey] = [mark.color for mark in scene_of(judged).marks if mark.finding.id == "b"]
    assert len({grey[1:3], grey[3:5], grey[5:7]}) == 1


@pytest.mark.parametrize("offset", [0.0, 1.0, 3.9])
def test_the_outline_stands_off_the_disc_that_the_slice_cuts(judged, offset) -> None:
    [mark] = [
        m for m in scene_of(judged, replace(AXIAL, position=-165.0 + offset)).marks if m.finding.id == "a"
    ]
    top, left, bottom, right = mark.shape.rectangle
    disc = np.sqrt(16 - offset**2)
    assert (bottom - top) / 2 == pytest.approx(12 * (disc + STAND_OFF) + SELECTED_WIDTH / 2)
    assert ((top + bottom) / 2, (left + right) / 2) == pytest.approx((350, 450))


def test_a_nodule_between_two_slices_is_told_on_the_nearest() -> None:
    assert disc_radius(8.0, 0.0, 2.5) == 4.0
    assert disc_radius(2.0, 1.2, 2.5) == 0.0
    assert disc_radius(2.0, -1.3, 2.5) is None
    assert ring_radius(8.0, 5.0, 2.5) is None
    assert 2 <= STAND_OFF <= 3


def test_the_table_says_what_the_selected_one_has_and_keeps_off_marks_texts_and_truth(judged) -> None:
    assert scene_of(judged).table is None
    judged.select("a")
    scene = scene_of(judged)
    assert scene.table.title == f"Nodule {judged.findings['a'].number}"
    assert [bar.name for bar in scene.table.bars] == [scale.title for scale in SCALES.values()]
    assert [bar.value for bar in scene.table.bars][:3] == ["4.8", "soft tissue", "absent"]
    corner = scene.table.rectangle
    blocks = [corner]
    moved = scene_of(judged, taken=blocks).table.rectangle
    assert not overlap(moved, corner)
    place = np.array(corner).reshape(2, 2).mean(axis=0)
    y, x = (place - (350, 450)) / 12 + (19, 11)
    around = scene_of(judged, truth=[ball(-165, y, x, d=4.0)])
    assert not overlap(around.table.rectangle, (*(place - 20), *(place + 20)))
    for one in (scene, around):
        for mark in one.marks:
            assert not overlap(one.table.rectangle, mark.shape.rectangle)
        for caption in one.captions:
            assert not overlap(one.table.rectangle, caption.place.rectangle)
    assert scene_of(judged, with_table=False).table is None
    assert scene_of(judged, replace(AXIAL, position=-150.0)).table is None, "it is not on this slice"
    judged.select("c")
    assert scene_of(judged).table is None, "nothing judged it"


def test_bars_are_as_long_as_their_values_and_categories_have_none() -> None:
    bars = {bar.name: bar.filled[3] - bar.filled[1] for bar in table.bars(VALUES)}
    assert bars["Texture"] == table.BAR_WIDTH
    assert bars["Sphericity"] == pytest.approx(table.BAR_WIDTH * 2.6 / 4)
    assert bars["Margin"] == bars["Internal structure"] == 0
    two = table.bars({"texture": 3.0, "subtlety": 2.0})
    assert [(bar.name, bar.strip[0]) for bar in two] == [("Subtlety", table.ROW), ("Texture", 2 * table.ROW)]
    assert table.size({"texture": 3.0}) == (2 * table.ROW, table.WIDTH)


# ---- radiographs


@pytest.fixture
def film(user_folder):
    image, session = radiograph(), Session()
    session.open(image)
    session.replace_findings(by_both(image))
    yield session
    session.close()


def test_each_place_of_a_radiograph_is_named_once_with_number_and_size(film) -> None:
    view = Frame((0, 1), (1, 1), (85.0, 40.0), 1 / 4, (700, 560))
    said = texts(scene_of(film, view))
    assert sorted(text.split(" · ")[2] for text in said.values()) == [
        "DHN 0.70",
        "DHN 0.90 + MO-SegNet 0.80",
        "MO-SegNet 0.60",
    ]
    assert said["d1"] == words.caption(film.findings["d1"], "mm", film.findings["m1"])
    assert f" · {film.findings['d1'].diameter:.1f} mm · " in said["d1"]
    film.accept("m1")
    assert texts(scene_of(film, view))["m1"] == f"✓ {film.findings['m1'].number}"


def test_without_spacing_sizes_are_pixels() -> None:
    assert words.length(57.4, "pixel") == "57 px"
    assert words.length(8.25, "mm") == "8.2 mm"
