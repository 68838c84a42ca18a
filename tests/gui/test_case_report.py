"""*Report…*: from the button to the file; calculators ask, and show what was said by whom."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_lungmtl.training.export_options import Which
from napari_lungmtl.training.guidelines.guideline import Guideline


def say(dialog, **answers: str) -> None:
    """Choose or type inputs as a person does."""
    for name, text in answers.items():
        editor = dialog.calculators.rows.editors[name]
        if hasattr(editor, "textActivated"):
            editor.setCurrentText(text)
            editor.textActivated.emit(text)
        else:
            editor.setFocus()
            editor.selectAll()
            QTest.keyClicks(editor, text)
            QTest.keyClick(editor, Qt.Key.Key_Return)


def test_from_the_button_to_the_file(after_run, qtbot, tmp_path):
    _, dock = after_run
    session = dock.reviewed.session
    session.accept("f3")
    session.reject("f2")
    session.select("f3")
    dock.hand_on.set_open(True)
    QTest.mouseClick(dock.hand_on.report, Qt.MouseButton.LeftButton)
    dialog = dock.hand_on.report.dialog
    assert dialog.isVisible()
    assert not dialog.isModal()
    assert dialog.count.text() == "2 findings in the report, 1 rejected, counted only."
    calculators, rows = dialog.calculators, dialog.calculators.rows
    assert calculators.area.isHidden()
    assert calculators.finding.id == "f3"

    calculators.boxes[Guideline.FLEISCHNER].setChecked(True)
    shown = {name for name, editor in rows.editors.items() if editor.isVisibleTo(dialog)}
    assert shown == {
        *("screening", "age", "known_cancer", "immunosuppressed", "texture", "count", "mean_diameter")
    }
    assert "Nobody has given, and nothing is assumed: Screening CT, Age" in calculators.results.text()
    assert rows.sources["mean_diameter"].text() == "of the mark, not measured"
    assert rows.sources["age"].text() == "not given"
    say(dialog, age="old")
    assert "age is a number" in rows.sources["age"].text()
    assert not dialog.save_button.isEnabled()
    calculators.boxes[Guideline.FLEISCHNER].setChecked(False)
    assert dialog.save_button.isEnabled(), "nobody asks for it any more"
    assert dialog.preview.isEnabled()
    calculators.boxes[Guideline.FLEISCHNER].setChecked(True)
    assert not dialog.save_button.isEnabled()
    assert "age is a number" in rows.sources["age"].text()
    say(dialog, age="34")
    assert dialog.save_button.isEnabled()
    assert "younger than 35" in calculators.results.text()
    say(
        dialog, age="61", screening="no", known_cancer="no", immunosuppressed="no", count="2", texture="solid"
    )
    assert "High risk of lung cancer" in calculators.results.text()
    say(dialog, high_risk="yes")
    assert "CT at 3–6 months, then CT at 18–24 months." in calculators.results.text()
    calculators.nodule.setCurrentIndex(1)
    calculators.nodule.activated.emit(1)
    assert calculators.finding.id == "f1"
    assert "nothing is assumed: Texture" in calculators.results.text(), (
        "the patient is the same, not the nodule"
    )
    say(dialog, texture="solid")

    session.reject("f3")
    assert dialog.count.text() == "1 finding in the report, 2 rejected, counted only."
    assert calculators.finding.id == "f1"
    dialog.language.setCurrentIndex(1)
    dialog.kind.setCurrentIndex(dialog.kind.findData(".html"))
    dialog.folder.setText(str(tmp_path))
    dialog.name.setText("../../case")
    assert dialog.path == tmp_path / "case.html"
    QTest.mouseClick(dialog.save_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not dialog.worker.running, timeout=60_000)
    html = (tmp_path / "case.html").read_text(encoding="utf-8")
    assert "CT nach 3–6 Monaten, dann CT nach 18–24 Monaten." in html
    assert "21,0 mm" in html
    assert html.count("<img") == 3
    assert str(tmp_path / "case.html") in dialog.told.text()
    assert dialog.save_button.text() == "Replace"
    QTest.mouseClick(dialog.shut, Qt.MouseButton.LeftButton)
    assert dock.hand_on.report.dialog is None


def test_what_is_not_accepted_is_not_said_to_be_below_the_thresholds(after_run, qtbot, tmp_path):
    _, dock = after_run
    session = dock.reviewed.session
    session.accept("f3")
    dialog = dock.hand_on.report.open()
    dialog.which.setCurrentIndex(dialog.which.findData(Which.ACCEPTED))
    dialog.kind.setCurrentIndex(dialog.kind.findData(".html"))
    dialog.folder.setText(str(tmp_path))
    dialog.name.setText("case")
    QTest.mouseClick(dialog.save_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not dialog.worker.running, timeout=60_000)
    html = (tmp_path / "case.html").read_text(encoding="utf-8")
    assert f"not shown (not accepted): {len(session.findings) - 1}" in html
    dialog.close()


def test_what_was_said_of_a_nodule_is_forgotten_when_its_mark_moves_to_another(after_run):
    _, dock = after_run
    session = dock.reviewed.session
    session.select("f1")
    dialog = dock.hand_on.report.open()
    calculators = dialog.calculators
    calculators.boxes[Guideline.BROCK].setChecked(True)
    say(dialog, age="61", texture="solid", long_axis="6.5")
    place = session.findings["f1"].geometry
    near = replace(place, center=tuple(np.add(place.center, (0, 1, 1))))
    session.change("f1", geometry=near)
    assert {"age", "texture", "long_axis"} == set(calculators.rows.said)
    session.change("f1", geometry=replace(place, center=tuple(np.add(place.center, (0, 30, 30)))))
    assert set(calculators.rows.said) == {"age"}, "the patient is the same, not the nodule"
    assert calculators.rows.sources["long_axis"].text() == "of the mark, not measured"
    assert calculators.rows.editors["long_axis"].text() == f"{place.diameter:g}"
    dialog.close()


def test_on_a_low_screen_the_buttons_stay_in_sight(after_run):
    _, dock = after_run
    dock.hand_on.set_open(True)
    dialog = dock.hand_on.report.open()
    screen = dialog.screen().availableGeometry()
    dialog.move(screen.left(), screen.bottom() - dialog.height())
    dialog.calculators.boxes[Guideline.FLEISCHNER].setChecked(True)
    assert dialog.calculators.area.isVisible()
    assert dialog.geometry().bottom() <= screen.bottom()
    assert dialog.height() > 420  # it has grown for the inputs
    dialog.close()
