"""*Export…*: the form has the command line's options, and what it writes is what it says."""

from __future__ import annotations

import inspect
from dataclasses import fields
from typing import get_args, get_type_hints

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_lungmtl.layers.spheres.layer import add_image_layer
from napari_lungmtl.panel.archive.sending import SendBox
from napari_lungmtl.panel.hand_on.export_dialog import ExportDialog
from napari_lungmtl.panel.widgets.form import Form
from napari_lungmtl.session.session import Session
from napari_lungmtl.training.cli.predict import predict
from napari_lungmtl.training.export_options import ExportOptions, Format, Which
from napari_lungmtl.training.findings import Box, Finding, Findings, Mask
from napari_lungmtl.training.findings.formats.csv_file import read_csv
from napari_lungmtl.training.findings.formats.json_file import read_findings
from napari_lungmtl.training.findings.import_file import import_findings
from napari_lungmtl.training.imaging import read_image
from tests.stand_ins.exchanged import radiograph
from tests.stand_ins.turned_series import turned


def test_the_form_and_the_command_line_have_the_same_options(qtbot):
    form = Form(ExportOptions)
    qtbot.addWidget(form.widget)
    options, hints = inspect.signature(predict).parameters, get_type_hints(predict, include_extras=True)
    assert form.value == ExportOptions()
    for field in fields(ExportOptions):
        widget = form.container[field.name]
        kind, option = get_args(hints[field.name])
        assert tuple(widget.choices) == tuple(kind)
        assert widget.value == options[field.name].default == field.default
        assert widget.tooltip == option.help == field.metadata["help"]


@pytest.fixture
def dialog(after_run, qtbot, tmp_path):
    """The form over five findings: three shown, one of them accepted, one rejected."""
    _, dock = after_run
    session = dock.reviewed.session
    session.accept("f1")
    session.reject("f2")
    dialog = ExportDialog(session, dock)
    dialog.folder.setText(str(tmp_path / "out"))
    (tmp_path / "out").mkdir()
    qtbot.addWidget(dialog)
    yield dialog
    dialog.close()


def save(dialog, qtbot) -> None:
    """Press the button, and wait until the file is there or is refused."""
    QTest.mouseClick(dialog.write, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not dialog.worker.running)


WRITTEN = (
    (
        Which.ALL,
        ["f1", "f2", "f3", "f4", "f5"],
        "5 findings of 5 will be written, 1 of them accepted, 1 of them rejected, 2 of them hidden by the thresholds.",
    ),
    (
        Which.KEPT,
        ["f1", "f3", "f4", "f5"],
        "4 findings of 5 will be written, 1 of them accepted, 2 of them hidden by the thresholds.",
    ),
    (
        Which.SHOWN,
        ["f1", "f2", "f3"],
        "3 findings of 5 will be written, 1 of them accepted, 1 of them rejected.",
    ),
    (Which.ACCEPTED, ["f1"], "1 finding of 5 will be written, 1 of them accepted."),
)


def test_it_says_what_it_will_write_and_writes_that(dialog, qtbot, tmp_path):
    for which, ids, words in WRITTEN:
        folder = tmp_path / "out" / which.name
        folder.mkdir()
        dialog.folder.setText(str(folder))
        dialog.form.container["which"].value = which
        dialog.form.container["format"].value = Format.JSON
        assert dialog.count.text() == words
        assert dialog.write.text() != "Replace"
        save(dialog, qtbot)
        target = folder / "findings.lungmtl.json"
        assert [f.id for f in read_findings(target)] == ids
        assert str(target) in dialog.told.text()
        assert dialog.write.text() == "Replace"


def test_what_a_format_loses_is_said_before_and_one_that_does_not_fit_cannot_be_chosen(
    dialog, qtbot, tmp_path
):
    dialog.form.container["format"].value = Format.LUNA16
    assert dialog.lost.text().startswith("luna16 does not hold: spheres (without their diameters)")
    assert "1 rejected left out" in dialog.count.text()
    model = dialog._combo("format").model()
    can = {format for row, format in enumerate(Format) if model.item(row).isEnabled()}
    assert can == {Format.CSV, Format.JSON, Format.LUNA16, Format.NIFTI, Format.NRRD}
    dialog.form.container["format"].value = Format.COCO
    save(dialog, qtbot)
    assert "choose csv or json" in dialog.told.text()
    assert not list((tmp_path / "out").iterdir())


def test_a_series_whose_planes_are_no_slices_is_dicom_too(dialog, qtbot, tmp_path):
    turned(tmp_path / "tilted", "tilted by 20")
    session = Session()
    session.open(read_image(tmp_path / "tilted"), Findings(()))
    box, tilted = SendBox(), ExportDialog(session, dialog.parent())
    for widget in (box, tilted):
        qtbot.addWidget(widget)
    model = tilted._combo("format").model()
    can = {format for row, format in enumerate(Format) if model.item(row).isEnabled()}
    assert can >= {Format.DICOM_SEG, Format.DICOM_SR, Format.DICOM_GSPS}
    box._session = session
    box.show_state()
    assert "no DICOM series" not in box.count.text()
    session.close()


def test_no_name_leaves_the_folder_and_a_folder_is_no_file(dialog, qtbot, tmp_path):
    for typed in ("../../mine.csv", "/etc/mine.csv", "..\\..\\mine.csv"):
        dialog.name.setText(typed)
        assert dialog.path == tmp_path / "out" / "mine.csv"
    save(dialog, qtbot)
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["mine.csv"]
    for typed in ("", "..", "."):
        dialog.name.setText(typed)
        assert not dialog.write.isEnabled()


def test_without_names(dialog, qtbot, tmp_path):
    dialog.name.setText("secret.csv")
    dialog.hidden.setChecked(True)
    save(dialog, qtbot)
    text = (tmp_path / "out" / "secret.csv").read_text()
    assert "2.25." in text
    assert "1.2.3," not in text


def test_with_the_mouse_from_the_table_to_the_file(after_run, tmp_path, qtbot):
    _, dock = after_run
    QTest.mouseClick(dock.findings.export, Qt.MouseButton.LeftButton)
    dialog = dock.hand_on.export.dialog
    assert dialog.isVisible()
    assert not dialog.isModal()
    dialog.folder.setText(str(tmp_path))
    assert dialog.name.text() == "findings.csv"
    dock.reviewed.session.reject("f1")
    assert "1 of them rejected" in dialog.count.text(), "the window goes on beside it"
    save(dialog, qtbot)
    (written,) = read_csv(tmp_path / "findings.csv").values()
    assert len(written) == 5
    QTest.mouseClick(dialog.shut, Qt.MouseButton.LeftButton)
    assert dock.hand_on.export.dialog is None


def test_nothing_to_export(window):
    _, dock = window
    assert not dock.findings.export.isEnabled()
    dialog = dock.hand_on.export.open()
    assert not dialog.write.isEnabled()
    dock.reviewed_images.events.current.emit(None)
    assert dock.hand_on.export.dialog is None
    assert not dock.hand_on.export.isEnabled()


def test_the_dialog_is_a_child_of_the_window_though_hand_on_was_never_unfolded(after_run):
    _, dock = after_run
    QTest.mouseClick(dock.findings.export, Qt.MouseButton.LeftButton)
    dialog = dock.hand_on.export.dialog
    assert not dock.hand_on.content.isVisible()
    assert dialog.parentWidget().window() is dock.window(), "white on a dark window, and behind it"
    dialog.close()


def test_of_a_film_what_is_said_to_be_written_is_in_the_segmentation(window, tmp_path, qtbot):
    viewer, dock = window
    image = read_image(radiograph(tmp_path / "cr"))
    add_image_layer(viewer, image)
    session = dock.reviewed.session
    region = Mask.from_voxels(np.argwhere(np.ones((3, 4), bool)) + 5, image.scale, image.origin)
    marks = [Finding(Box((1.0 + n, 2.0), (6.0 + n, 8.0)), 0.9, id=f"b{n}") for n in range(4)]
    items = (*marks, Finding(region, id="m"), Finding(region, id="r", status="rejected"))
    session.replace_findings(Findings(items, session.findings.image))
    dialog = ExportDialog(session, dock)
    qtbot.addWidget(dialog)
    dialog.folder.setText(str(tmp_path))
    dialog.form.container["format"].value = Format.DICOM_SEG
    place = "1 rejected and 4 boxes left out, as dicom-seg has no place for that"
    assert dialog.count.text() == f"1 finding of 6 will be written, {place}."
    assert "boxes" in dialog.lost.text()
    save(dialog, qtbot)
    assert dialog.told.text().startswith(
        f"1 finding written to {tmp_path / 'findings_seg.dcm'}. Left out of these"
    )
    assert len(import_findings(tmp_path / "findings_seg.dcm", image)[0]) == 1
    dialog.close()
