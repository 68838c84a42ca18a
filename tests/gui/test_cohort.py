"""The cohort section in a real window: a click on a point opens that nodule at its place in the world."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_lungmtl.layers.malignancy_colors import malignancy_color
from napari_lungmtl.panel.cohort import section as section_module
from napari_lungmtl.training.cohort import alike
from napari_lungmtl.training.findings import ATTRIBUTES, Finding, Findings, ImageReference, Provenance, Sphere
from napari_lungmtl.training.findings.formats.json_file import write_findings
from napari_lungmtl.training.imaging import write_volume

from ..stand_ins.cohort_window import DIRECTIONS, N, circle, click, load, pixel, write_cohort
from ..stand_ins.cubes_folder import place, write_predictions


@pytest.fixture(scope="module")
def cubes(tmp_path_factory):
    """Cubes and predictions for them."""
    return write_cohort(tmp_path_factory.mktemp("cohort"))


@pytest.fixture(autouse=True)
def quick_map(monkeypatch):
    """A map at once."""
    monkeypatch.setattr(section_module, "embed", circle)


@pytest.fixture
def loaded(window, cubes, qtbot):
    """The section with the cubes and their predictions on its map."""
    viewer, dock = window
    load(dock, *cubes, qtbot=qtbot)
    return viewer, dock


def test_the_section_is_folded_until_there_is_a_cohort(window, cubes, qtbot):
    _, dock = window
    assert not dock.cohort.plot.isVisible()
    assert not dock.cohort.button.isVisible()
    load(dock, cubes[0], qtbot=qtbot)
    assert dock.cohort.plot.isVisible()
    assert dock.cohort.summary.text() == f"{N} nodules"


def test_a_click_opens_the_cube_at_the_nodule(loaded, qtbot):
    assert [DIRECTIONS[row] for row in (2, 3)] == [1, -1]
    for row in (2, 3):
        _opens_at(loaded, row, qtbot)


def _opens_at(loaded, row: int, qtbot) -> None:
    viewer, dock = loaded
    click(dock, row, qtbot)
    center = place(row, DIRECTIONS[row])[0]
    session = dock.reviewed.session
    assert session.image.series_uid == f"1.2.{row}"
    assert session.selected == f"nodule{row}"
    np.testing.assert_allclose(session.findings[session.selected].center, center)
    np.testing.assert_allclose(viewer.dims.point[-3:], center, atol=0.51)
    np.testing.assert_allclose(viewer.scene.camera.center[-2:], center[1:])
    # The marked voxel is where the layer says that the annotated point is.
    layer = dock.reviewed.layer
    index = tuple(np.rint(layer.world_to_data(center)).astype(int))
    assert layer.data[index] == 0
    assert np.count_nonzero(layer.data == 0) == 1
    drawn = dock.reviewed.binding.layer
    np.testing.assert_allclose(drawn.data_to_world(drawn.data[0]), center, atol=1e-6)
    assert dock.cohort.plot.marked == row
    assert f"Nodule {row}" in dock.cohort.message.text()


def test_look_alikes_of_the_selected_nodule_are_shown_and_open(loaded, qtbot):
    _, dock = loaded
    click(dock, 4, qtbot)
    row, session = dock.cohort.alike, dock.reviewed.session
    assert row.isVisible()
    shown = [button for button in row.buttons if button.isVisible()]
    assert len(shown) == 5
    qtbot.waitUntil(lambda: all(not button.icon().isNull() for button in shown))
    assert "Like nodule 1" in row.title.text()
    assert "of 5 votes over 3" in row.title.text()
    assert all(button.text() in "12345" for button in shown)
    expected = alike(dock.cohort.cohort, session.findings["nodule4"], "1.2.4")
    with qtbot.waitSignal(dock.cohort.opener.opened) as opened:
        QTest.mouseClick(shown[1], Qt.MouseButton.LeftButton)
    assert opened.args == [expected[1].row]
    assert dock.reviewed.session.image.series_uid == f"1.2.{expected[1].row}"
    dock.reviewed.session.select(None)
    assert not row.isVisible()


def test_no_nodule_is_described_that_is_not_marked(loaded, qtbot):
    """Not of the image that one goes back to, and not once it is no longer selected."""
    _, dock = loaded
    scan = dock.reviewed
    click(dock, 4, qtbot)
    cube = dock.reviewed
    assert "Nodule 4" in dock.cohort.message.text()
    dock.reviewed_images.choose(scan.layer)
    assert (dock.cohort.plot.marked, dock.cohort.message.text()) == (None, "")
    dock.reviewed_images.choose(cube.layer)
    assert dock.cohort.plot.marked == 4
    assert "Nodule 4" in dock.cohort.message.text()
    dock.reviewed.session.select(None)
    assert (dock.cohort.plot.marked, dock.cohort.message.text()) == (None, "")


def test_what_the_network_says_comes_with_it(loaded, qtbot):
    _, dock = loaded
    click(dock, 4, qtbot)
    finding = dock.reviewed.session.findings["nodule4"]
    assert finding.malignancy == pytest.approx(5 / 13)
    assert finding.malignancy_spread == pytest.approx(0.1)
    assert finding.attributes["subtlety"] == pytest.approx(2 + 4 / 12)
    assert "0.38 (network)" in dock.cohort.message.text()
    assert dock.show_section.summary.text() == "1 of 1 shown"
    box = dock.cohort.color_by
    box.setCurrentIndex(box.findText("Subtlety (network)"))
    assert "Subtlety (network): 2.3" in dock.cohort.message.text()


def test_colours_follow_the_choice(loaded):
    _, dock = loaded
    plot, box = dock.cohort.plot, dock.cohort.color_by
    assert box.currentText() == "Malignancy (network)"
    np.testing.assert_allclose(plot.color(7).getRgbF(), malignancy_color(8 / 13), atol=0.01)
    seen = {}
    for title in ("Malignancy (readers)", "Subtlety (network)", "Calcification (readers)", "Diameter"):
        box.setCurrentIndex(box.findText(title))
        seen[title] = [plot.color(row).name() for row in range(N)]
    assert len({tuple(colors) for colors in seen.values()}) == 4
    assert len(set(seen["Subtlety (network)"])) == N  # all differ in what it says
    box.setCurrentIndex(box.findText("Calcification (readers)"))
    assert "Calcification (readers): " in dock.cohort._describe(0)
    painted = plot.grab().toImage()
    at = pixel(dock, 7) * painted.devicePixelRatio()
    assert painted.pixelColor(at).name() == plot.color(7).name()


def test_unknown_values_are_hollow_and_counted(window, cubes, tmp_path, qtbot):
    _, dock = window
    load(dock, cubes[0], write_predictions(tmp_path / "some.csv", N, first=5), qtbot=qtbot)
    assert dock.cohort.plot.color(4) is None
    assert dock.cohort.plot.color(5) is not None
    assert "no prediction for 5 of the 12" in dock.cohort.message.text()


def test_only_the_last_opened_stays_and_other_studies_are_hidden(loaded, qtbot):
    viewer, dock = loaded
    own = dock.reviewed
    click(dock, 0, qtbot)
    first = dock.reviewed
    click(dock, 1, qtbot)
    assert first.layer not in viewer.layers
    assert own.layer in viewer.layers
    assert not own.layer.visible
    assert not own.binding.layer.visible
    assert dock.reviewed.layer.visible
    assert dock.reviewed.binding.layer.visible


def test_what_is_open_is_not_read_again(loaded, qtbot):
    viewer, dock = loaded
    click(dock, 0, qtbot)
    layer = dock.reviewed.layer
    viewer.layers.selection.active = viewer.layers[0]
    dock.reviewed.session.select(None)
    click(dock, 0, qtbot)
    assert dock.reviewed.layer is layer
    assert dock.reviewed.session.selected == "nodule0"


def test_what_a_person_did_is_there_again_with_newer_predictions(loaded, cubes, tmp_path, qtbot):
    _, dock = loaded
    click(dock, 3, qtbot)
    dock.reviewed.session.accept("nodule3")
    click(dock, 5, qtbot)
    load(dock, cubes[0], write_predictions(tmp_path / "newer.csv", N + 1), qtbot=qtbot)
    click(dock, 3, qtbot)
    finding = dock.reviewed.session.findings["nodule3"]
    assert finding.status == "accepted"
    assert finding.malignancy == pytest.approx(4 / 14)


def test_an_image_that_a_model_runs_on_stays(loaded, predictor, qtbot):
    viewer, dock = loaded
    click(dock, 0, qtbot)
    layer = dock.reviewed.layer
    predictor.go_on.clear()
    dock.run.start()
    click(dock, 1, qtbot)
    assert layer in viewer.layers
    dock.run.cancel()


def test_thresholds_never_hide_what_was_clicked(loaded, qtbot):
    _, dock = loaded
    click(dock, 0, qtbot)
    session = dock.reviewed.session
    session.set_thresholds(malignancy=0.9, diameter=25.0)
    assert not session.visible
    click(dock, 0, qtbot)
    assert [f.id for f in session.visible] == ["nodule0"]


# ---- results of a run


@pytest.fixture
def results(image, tmp_path):
    """A scan with six nodules, and what `lungmtl predict` wrote of it."""
    scan = tmp_path / "scans" / "p1.nii.gz"
    scan.parent.mkdir()
    write_volume(image, scan)
    items = tuple(
        Finding(
            Sphere(tuple(image.to_world((6 + 5 * i, 15 + 5 * i, 45 - 5 * i))), 5.0 + i),
            score=0.95 - 0.08 * i,
            malignancy=0.1 + 0.15 * i,
            attributes={name: 1.0 + (i * (k + 1)) % 5 / 2 for k, name in enumerate(ATTRIBUTES)},
            provenance=Provenance("ag3d", "0.1"),
            id=f"r{i}",
        )
        for i in range(6)
    )
    reference = ImageReference("p1", str(scan), "CT", image.shape, image.spacing, image.origin)
    file = tmp_path / "out" / "p1.lungmtl.json"
    file.parent.mkdir()
    write_findings(Findings(items, reference), file)
    return file, items


def test_results_open_their_scan_and_follow_the_selection(window, results, qtbot):
    viewer, dock = window
    file, items = results
    load(dock, file.parent, qtbot=qtbot)
    click(dock, 3, qtbot)
    session = dock.reviewed.session
    assert session.image.source.name == "p1.nii.gz"
    assert [f.id for f in session.findings] == [f.id for f in items]
    np.testing.assert_allclose(viewer.dims.point[-3:], items[3].center, atol=1.26)
    np.testing.assert_allclose(viewer.scene.camera.center[-2:], items[3].center[1:])
    assert dock.cohort.plot.marked == 3
    layer = dock.reviewed.layer
    session.select("r1")
    assert dock.cohort.plot.marked == 1
    click(dock, 5, qtbot)  # of the same scan
    assert dock.reviewed.layer is layer
    assert session.selected == "r5"


def test_an_image_that_has_gone_gives_a_sentence(window, results, qtbot):
    _, dock = window
    file, _ = results
    (file.parent.parent / "scans" / "p1.nii.gz").unlink()
    load(dock, file.parent, qtbot=qtbot)
    before = dock.reviewed
    with qtbot.waitSignal(dock.cohort.opener.failed):
        QTest.mouseClick(dock.cohort.plot, Qt.MouseButton.LeftButton, pos=pixel(dock, 0))
    assert "not there any more" in dock.cohort.message.text()
    assert dock.cohort.message.property("role") == "error"
    assert dock.reviewed is before


def test_moved_nodules_keep_their_place(window, results, qtbot):
    """Who moved a sphere in the window sees it where it is now; what networks said of the old place stays away."""
    _, dock = window
    file, items = results
    load(dock, file.parent, qtbot=qtbot)
    click(dock, 0, qtbot)
    session = dock.reviewed.session
    there = replace(items[0].geometry, center=tuple(np.add(items[0].center, 4)))
    session.change("r0", geometry=there)
    click(dock, 0, qtbot)
    assert session.findings["r0"].geometry == there
    assert session.findings["r0"].malignancy is None
