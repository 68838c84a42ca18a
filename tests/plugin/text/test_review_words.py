"""What a person did to a network's finding is called what it was."""

from dataclasses import replace

import numpy as np

from napari_lungmtl.layers.spheres import rows
from napari_lungmtl.text.review import author, place, signed, story
from napari_lungmtl.training.findings import Change, Finding, Mask, Provenance, Sphere
from napari_lungmtl.training.findings.history import (
    begun,
    correction,
    found_again,
    last_by_person,
    moved_by,
    recorded,
)

AT = "2026-11-29T07:40:00+00:00"
FOUND = begun(Finding(Sphere((0.0, 1.0, 2.0), 8.0), score=0.97, provenance=Provenance("fake", "1.0")), AT)


def by_ann(finding: Finding, center: tuple[float, float, float], diameter: float) -> Finding:
    after = finding.with_(
        geometry=Sphere(center, diameter), provenance=replace(finding.provenance, person="Ann")
    )
    return recorded(finding, after, "Ann", AT)


def test_what_was_only_resized_is_not_said_to_be_moved():
    resized = by_ann(FOUND, FOUND.center, 13.7)
    assert correction(FOUND) == ""
    assert correction(resized) == "resized"
    assert rows.label(resized) == "0.97 resized"
    assert "1.0, resized by Ann · resized to Ø 13.7 mm, Ann" in signed(resized)
    assert story(resized)[0].endswith("resized to Ø 13.7 mm")


def test_moved_is_said_once_it_was_and_where_a_file_has_no_history():
    moved = by_ann(by_ann(FOUND, FOUND.center, 13.7), (5.0, 1.0, 2.0), 13.7)
    assert correction(moved) == "moved"
    assert rows.label(moved) == "0.97 moved"
    assert correction(moved.with_(history=())) == "moved"


def cube(side: int) -> Mask:
    return Mask.from_array(np.ones((side,) * 3, bool), (1.0,) * 3, (-10.0, 1.0, 2.0))


def shaped(finding: Finding, geometry, by: str = "", person: str = "Ann") -> Finding:
    after = finding.with_(geometry=geometry, provenance=replace(finding.provenance, person=person))
    return recorded(finding, after, person, AT, by)


def test_what_a_network_outlined_is_not_said_to_be_a_persons_shape():
    outlined = shaped(FOUND, cube(3), "nodule_masks 0.1")
    assert (correction(outlined), moved_by(outlined)) == ("", "")
    assert author(outlined).endswith("1.0, outlined by Nodule masks 0.1")
    assert "Ann" not in signed(outlined)
    assert rows.label(outlined) == "0.97 outlined"
    assert "Nodule masks 0.1: outlined, now at x 3.0  y 2.0  z −9.0, Ø" in story(outlined)[0]
    drawn = shaped(Finding(FOUND.geometry, provenance=Provenance(person="Ann")), cube(3), "nodule_masks 0.1")
    assert author(drawn) == "drawn by Ann, outlined by Nodule masks 0.1"


def test_a_mask_that_was_repainted_is_said_to_be():
    repainted = shaped(shaped(FOUND, cube(3), "nodule_masks 0.1"), cube(2))
    assert (correction(repainted), moved_by(repainted)) == ("repainted", "Ann")
    assert "1.0, repainted by Ann" in author(repainted)
    assert "outlined" not in author(repainted)
    assert "repainted, now at x 2.5  y 1.5  z −9.5, Ø" in story(repainted)[0]
    assert rows.label(repainted) == "0.97 repainted"


def test_a_person_who_grew_a_mask_or_moved_before_is_named():
    grown = shaped(FOUND, cube(3))
    assert author(grown).endswith("outlined by Ann")
    moved = shaped(by_ann(FOUND, (5.0, 1.0, 2.0), 8.0), cube(3), "nodule_masks 0.1")
    assert author(moved).endswith("1.0, moved by Ann, outlined by Nodule masks 0.1")


def test_a_mask_that_was_one_from_the_start_is_repainted():
    found = begun(Finding(cube(3), score=0.97, provenance=Provenance("fake", "1.0")), AT)
    repainted = shaped(found, cube(2))
    assert correction(repainted) == "repainted"
    assert rows.label(repainted) == "0.97 repainted"
    assert author(repainted).endswith("1.0, repainted by Ann")
    assert "Ann: repainted, now at" in story(repainted)[0]
    drawn = begun(Finding(cube(3), provenance=Provenance(person="Ann")), AT)
    assert "Ann: repainted, now at" in story(shaped(drawn, cube(2)))[0]


def test_an_older_file_calls_every_new_shape_so_and_is_read_as_before():
    found = begun(Finding(cube(3), score=0.97, provenance=Provenance("fake", "1.0", "Ann")), AT)
    once = found.with_(history=(*found.history, Change("shape", "0.0, 0.0, 0.0; 4.0", "Ann", AT)))
    assert correction(once) == "outlined"
    twice = once.with_(history=(*once.history, Change("shape", "0.0, 0.0, 0.0; 5.0", "Ann", AT)))
    assert correction(twice) == "repainted"


def test_a_mask_with_a_network_and_a_person_that_nobody_changed_is_outlined_not_moved():
    mask = begun(Finding(cube(3), score=0.97, provenance=Provenance("fake", "1.0", "Ann")), AT)
    for finding in (mask, mask.with_(history=())):
        assert rows.label(finding) == "0.97 outlined"
        assert author(finding).endswith("1.0, outlined by Ann")


def test_a_network_that_found_it_elsewhere_later_is_nobody_who_moved_it():
    later = Finding(Sphere((0.5, 1.0, 2.0), 9.0), score=0.9, provenance=Provenance("fake", "1.1"))
    again = found_again(FOUND, later, AT)
    assert [(c.what, c.by) for c in again.history] == [("found", "fake 1.0"), ("found", "fake 1.1")]
    assert story(again)[0].endswith("fake 1.1: found at x 2.0  y 1.0  z 0.5, Ø 9.0")
    moved, sized = (Change(what, "0.5, 1.0, 2.0", "fake 1.1", AT) for what in ("place", "diameter"))
    of_older_file = later.with_(history=(*FOUND.history, moved, sized))
    for finding in (again, of_older_file):
        outlined = shaped(finding, cube(3), "nodule_masks 0.1")
        assert (moved_by(outlined), correction(outlined)) == ("", "")
        assert author(outlined).endswith("1.1, outlined by Nodule masks 0.1")
        assert last_by_person(finding) is None
        resized = by_ann(finding, finding.center, 12.0)
        assert (moved_by(resized), correction(resized)) == ("Ann", "resized")


def test_places_are_said_as_the_window_says_them():
    moved = by_ann(FOUND, (-5.0, 1.0, 2.0), 8.0)
    assert story(moved)[0].endswith("moved to x 2.0  y 1.0  z −5.0")
    assert story(moved)[1].endswith("found at x 2.0  y 1.0  z 0.0, Ø 8.0")
    assert moved.history[-1].value == "-5.0, 1.0, 2.0", "files keep what they had"
    assert place("10.0, 20.0; 8.0") == "x 20.0  y 10.0, Ø 8.0"
    assert place("somewhere") == "somewhere"
