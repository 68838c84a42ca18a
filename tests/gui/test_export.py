"""*Export…*: the form has the command line's options, and what it writes is what it says."""

from __future__ import annotations

import inspect
from dataclasses import fields
from pathlib import Path
from typing import get_args, get_type_hints

import pytest
from qtpy.QtCore import Qt, QTimer
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QDialogButtonBox, QFileDialog

from napari_lungmtl.panel.findings.export_dialog import ExportDialog
from napari_lungmtl.panel.widgets.form import Form
from napari_lungmtl.training.cli.predict import predict
from napari_lungmtl.training.export_options import ExportOptions, Format, Which
from napari_lungmtl.training.findings.formats.csv_file import read_csv
from napari_lungmtl.training.findings.formats.json_file import read_findings


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
def dialog(after_run, qtbot):
    """The form over five findings: three shown, one of them accepted, one rejected."""
    _, dock = after_run
    session = dock.reviewed.session
    session.accept("f1")
    session.reject("f2")
    dialog = ExportDialog(session, dock.window())
    qtbot.addWidget(dialog)
    return dialog


@pytest.mark.parametrize(
    ("which", "ids", "words"),
    [
        (
            Which.ALL,
            ["f1", "f2", "f3", "f4", "f5"],
            "5 findings of 5 will be written, 1 of them accepted, 1 of them rejected, 2 of them hidden by the thresholds.",
        ),
        (
            Which.SHOWN,
            ["f1", "f2", "f3"],
            "3 findings of 5 will be written, 1 of them accepted, 1 of them rejected.",
        ),
        (Which.ACCEPTED, ["f1"], "1 finding of 5 will be written, 1 of them accepted."),
    ],
)
def test_it_says_what_it_will_write_and_writes_that(dialog, tmp_path, which, ids, words):
    dialog.form.container["which"].value = which
    dialog.form.container["format"].value = Format.JSON
    assert dialog.message.text() == words
    dialog.save(tmp_path / "out.lungmtl.json")
    assert [f.id for f in read_findings(tmp_path / "out.lungmtl.json")] == ids


def test_a_format_that_does_not_fit_says_what_to_choose(dialog, tmp_path):
    dialog.form.container["format"].value = Format.COCO
    dialog.save(tmp_path / "boxes.json")
    assert "choose csv or json" in dialog.message.text()
    assert not (tmp_path / "boxes.json").exists()


def test_with_the_mouse_from_the_table_to_the_file(after_run, tmp_path, monkeypatch, qtbot):
    _, dock = after_run
    target = tmp_path / "mine.csv"
    asked = []

    def choose(_parent, _title, proposed):
        asked.append(Path(proposed).name)
        return str(target), ""

    monkeypatch.setattr(QFileDialog, "getSaveFileName", choose)

    def save() -> None:
        dialog = QApplication.activeModalWidget()
        if not isinstance(dialog, ExportDialog):
            QTimer.singleShot(20, save)
            return
        button = dialog.buttons.button(QDialogButtonBox.StandardButton.Save)
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)

    QTimer.singleShot(0, save)
    QTest.mouseClick(dock.findings.export, Qt.MouseButton.LeftButton)
    assert asked == ["findings.csv"]
    (written,) = read_csv(target).values()
    assert len(written) == 5


def test_nothing_to_export(window):
    _, dock = window
    assert not dock.findings.export.isEnabled()
