"""A reader study as a person has it in the window, and what networks had found before."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QAbstractButton, QApplication, QLabel

from napari_lungmtl.panel.reading.study import State
from napari_lungmtl.session.sidecar import Sidecar
from napari_lungmtl.training.findings import Finding, Findings, ImageReference, ImageScore, Provenance, Sphere
from napari_lungmtl.training.findings.formats.json_file import write_findings
from napari_lungmtl.training.findings.geometry import Box
from napari_lungmtl.training.imaging import read_image
from napari_lungmtl.training.reader_study.plan import Design

MODEL = Provenance("fake", "1.0")


def suggest(path) -> Findings:
    """Two spheres, or two boxes with a verdict, beside an image: one of them accepted by somebody who must not help."""
    image = read_image(path)
    if image.ndim == 3:
        places = [image.to_world(p) for p in ((5, 15, 15), (7, 25, 22))]
        geometries = [Sphere(tuple(p), 9.0) for p in places]
    else:
        geometries = [Box((10.0, 10.0), (25.0, 22.0)), Box((30.0, 25.0), (45.0, 40.0))]
    items = tuple(
        Finding(g, score=0.9 - i / 10, provenance=MODEL, id=f"n{i}", status=("accepted", "unreviewed")[i])
        for i, g in enumerate(geometries)
    )
    drawn = Finding(geometries[0], id="old", provenance=Provenance(person="somebody"), note="clear")
    scores = () if image.ndim == 3 else (ImageScore("fake", "1.0", 0.87),)
    models = ({"name": "fake", "version": "1.0"},)
    findings = Findings(
        (*items, drawn), ImageReference.of(image), models=models, image_scores=scores, done_by="somebody"
    )
    write_findings(findings, Sidecar(image).path)
    return findings


def begin(dock, folder, qtbot, design=Design.LOOK_FIRST, seed=0) -> None:
    """What a person does: choose the folder and the mode, press Start, wait for the first case."""
    form = dock.reading.form
    dock.reading.set_open(True)
    form.reader.setText("Dr A")
    form.set_folder(folder)
    qtbot.waitUntil(lambda: not dock.reading.search.running, timeout=60_000)
    form.design.setCurrentText(str(design))
    form.seed.setValue(seed)
    click(form.start)
    wait(dock, qtbot)


def wait(dock, qtbot) -> None:
    """Until the case is on the canvas, and drawn."""
    qtbot.waitUntil(
        lambda: dock.reading.study is None or dock.reading.study.state is not State.OPENING, timeout=60_000
    )
    for _ in range(10):
        QApplication.processEvents()
        QTest.qWait(10)


def click(button) -> None:
    assert button.isEnabled()
    QTest.mouseClick(button, Qt.MouseButton.LeftButton, pos=button.rect().center())
    QApplication.processEvents()


def words(dock) -> str:
    """All that can be read in the dock and hovers over it, the table included."""
    said = [
        w for label in dock.findChildren(QLabel) if label.isVisible() for w in (label.text(), label.toolTip())
    ]
    said += [b.text() for b in dock.findChildren(QAbstractButton) if b.isVisible()]
    model = dock.findings.model
    said += [
        str(model.index(r, c).data()) for r in range(model.rowCount()) for c in range(model.columnCount())
    ]
    return "\n".join(said)


def draw(dock, index=(4, 20, 20), id="mine") -> None:
    """A mark of the reader's."""
    image = dock.reviewed.session.image
    place = Sphere(tuple(image.to_world(index)), 7.0) if image.ndim == 3 else Box((5.0, 5.0), (15.0, 15.0))
    dock.reviewed.session.add(Finding(place, id=id, provenance=Provenance(person="Dr A")))
    QApplication.processEvents()
