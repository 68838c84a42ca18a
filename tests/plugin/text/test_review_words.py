"""What a person did to a network's finding is called what it was."""

from dataclasses import replace

from napari_lungmtl.layers.spheres import rows
from napari_lungmtl.text.review import signed, story
from napari_lungmtl.training.findings import Finding, Provenance, Sphere
from napari_lungmtl.training.findings.history import begun, correction, recorded

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
