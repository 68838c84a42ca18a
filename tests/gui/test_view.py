"""What `lungmtl view` adds to the dock: the choice of a series, and the truth beside what was found."""

from dataclasses import replace

import numpy as np
import pytest
from qtpy.QtCore import Qt, QTimer
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QDialogButtonBox

from napari_lungmtl.app import read_truth, show_truth
from napari_lungmtl.layers.overlay_colors import TRUTH as TRUTH_COLOR
from napari_lungmtl.panel.study.series_chooser import SeriesDialog, choose_series
from napari_lungmtl.training.findings import Finding, Findings, Sphere
from napari_lungmtl.training.findings.formats.json_file import write_findings
from napari_lungmtl.training.imaging import list_series
from napari_lungmtl.training.imaging.dicom.write_series import write_series


@pytest.fixture
def series(image, tmp_path):
    """Two series in one folder, of 40 and of 12 slices."""
    from dataclasses import replace

    thin = replace(image, series_uid="1.2.3.1", metadata={"series_description": "thin", "patient_id": "P7"})
    few = replace(
        image,
        voxels=image.voxels[:12],
        series_uid="1.2.3.2",
        metadata={"series_description": "few", "patient_id": "P7"},
    )
    write_series(few, tmp_path / "tree" / "few")
    write_series(thin, tmp_path / "tree" / "thin")
    return list_series(tmp_path / "tree")


def answered(action) -> None:
    """Do something to the dialog that the next call opens, once it is open."""

    def act() -> None:
        dialog = QApplication.activeModalWidget()
        if isinstance(dialog, SeriesDialog):
            action(dialog)
        else:
            QTimer.singleShot(20, act)

    QTimer.singleShot(0, act)


def click(dialog: SeriesDialog, kind: QDialogButtonBox.StandardButton) -> None:
    """A real click on Open or Cancel."""
    button = dialog.findChild(QDialogButtonBox).button(kind)
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def test_the_chooser_lists_every_series_and_marks_the_longest(qtbot, series):
    dialog = SeriesDialog([replace(each, date="20000131") for each in series])
    qtbot.addWidget(dialog)
    assert dialog.grab().toImage().pixelColor(4, 4).lightness() < 100  # napari's theme, not Qt's white
    rows = {dialog.table.item(row, 0).text(): row for row in range(dialog.table.rowCount())}
    assert set(rows) == {"thin", "few"}
    texts = [dialog.table.item(rows["few"], column).text() for column in range(dialog.table.columnCount())]
    assert texts == ["few", "CT", "2000-01-31", "12", "2.5 × 1 × 1", "60 × 60", "P7"]
    assert dialog.table.currentRow() == rows["thin"]
    assert dialog.chosen == next(s.uid for s in series if s.description == "thin")


def test_open_gives_the_marked_series(qtbot, series):
    def choose(dialog: SeriesDialog) -> None:
        row = next(r for r in range(dialog.table.rowCount()) if dialog.table.item(r, 0).text() == "few")
        dialog.table.selectRow(row)
        click(dialog, QDialogButtonBox.StandardButton.Open)

    answered(choose)
    assert choose_series(series) == next(s.uid for s in series if s.description == "few")


def test_cancel_gives_none(qtbot, series):
    answered(lambda dialog: click(dialog, QDialogButtonBox.StandardButton.Cancel))
    assert choose_series(series) is None


def test_truth_is_drawn_at_its_place_in_its_colour_and_edits_nothing(after_run, findings, tmp_path):
    viewer, dock = after_run
    truth = Findings((Finding(Sphere((-180.0, 31.5, -9.0), 20.0)), Finding(Sphere((-150.0, 50.0, 0.0), 7.0))))
    write_findings(truth, tmp_path / "truth.lungmtl.json")
    reviewed = dock.reviewed
    show_truth(viewer, dock, read_truth(tmp_path / "truth.lungmtl.json", reviewed.session.image))
    layer = viewer.layers["truth"]
    drawn = [layer.data_to_world(point) for point in layer.data]
    np.testing.assert_allclose(drawn, [f.center for f in truth], atol=1e-6)
    np.testing.assert_allclose(layer.size * layer.scale[-1], [20.0, 7.0])
    red, green, blue = (int(TRUTH_COLOR[i : i + 2], 16) / 255 for i in (1, 3, 5))
    np.testing.assert_allclose(layer.border_color[:, :3], [[red, green, blue]] * 2, atol=1e-6)
    nodules = reviewed.binding.layer
    assert layer.border_color[0, :3] != pytest.approx(nodules.border_color[0, :3])
    assert str(layer.symbol[0]) != str(nodules.symbol[0])
    assert dock.reviewed is reviewed
    assert len(reviewed.session.findings) == 5
    assert "truth: 2 nodules" in dock.study_section._legend.text()
