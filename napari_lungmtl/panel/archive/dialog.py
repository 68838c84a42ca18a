"""*Archive…*: search, open and send, each in the background, beside a window that goes on working."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from napari.components import ViewerModel
from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QComboBox,
    QDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from ...jobs.worker import Steps, Worker
from ...layers.image import add_image_layer
from ...layers.window_presets import presets
from ...reviewed_images import ReviewedImages
from ...session.changes import counted
from ...training.dicomweb.credentials import Credentials
from ...training.dicomweb.errors import ArchiveError
from ...training.dicomweb.findings import SentFindings, send_findings
from ...training.dicomweb.login import sign_in
from ...training.dicomweb.query import CHEST, MOST, Found, FoundSeries, Wanted, find_studies
from ...training.dicomweb.retrieve import retrieve_series
from ...training.dicomweb.server import Server
from ...training.imaging import Image, Series, SeveralSeriesError, read_image
from ...training.inference.predictor import Progress
from ..study.series_chooser import choose_series
from ..widgets.section import label, set_role
from .remembered import studies_folder
from .results import Results
from .sending import SendBox
from .server_row import ServerRow

HINT = "By name, patient ID or date."


@dataclass(frozen=True)
class Opened:
    """A series that lies on this machine now: its image, or where its files hold several, which there are."""

    folder: Path
    image: Image | None
    several: tuple[Series, ...] = ()


class ArchiveDialog(QDialog):
    """Asks one thing of the archive at a time; what goes on can be cancelled.

    Parameters
    ----------
    viewer, reviewed_images
        Where images are opened.
    parent
        Beside which it opens.
    """

    def __init__(
        self,
        viewer: ViewerModel,
        reviewed_images: Callable[[], ReviewedImages],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Archive (DICOMweb)")
        self._viewer, self._reviewed_images = viewer, reviewed_images
        self._then: Callable[[Any], None] = lambda _result: None
        self.worker = Worker("The archive could not be asked", self)
        self.server = ServerRow()
        self.name, self.patient, self.dates = QLineEdit(), QLineEdit(), QLineEdit()
        self.dates.setPlaceholderText("2024-05-06")
        self.dates.setToolTip("A day, or one to another: 2024-05-01..2024-05-31")
        self.name.setToolTip("Part of it, or with * and ?")
        self.patient.setToolTip("The whole of it, or with * and ?")
        self.modality = QComboBox()
        for words, codes in (("CT and radiographs", CHEST), ("CT", ("CT",)), ("Radiographs", ("CR", "DX"))):
            self.modality.addItem(words, codes)
        self.look, self.take = QPushButton("Search"), QPushButton("Open")
        self.stop, self.shut = QPushButton("Cancel"), QPushButton("Close")
        self.results = Results()
        self.told = label(HINT, "faint", wrap=True)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.sending = SendBox()
        self._lay_out()
        self._connect()
        self._show_state()

    def _lay_out(self) -> None:
        search = QHBoxLayout()
        for words, field, wide in (
            ("Name", self.name, 3),
            ("ID", self.patient, 2),
            ("Date", self.dates, 3),
            ("", self.modality, 0),
        ):
            if words:
                search.addWidget(QLabel(words))
            search.addWidget(field, wide)
        search.addWidget(self.look)
        self.look.setDefault(True)
        self.take.setObjectName("primary")
        for button in (self.take, self.stop, self.shut):
            button.setAutoDefault(False)
        buttons = QHBoxLayout()
        buttons.addWidget(self.told, 1)
        for button in (self.stop, self.take):
            buttons.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)
        last = QHBoxLayout()
        last.addStretch(1)
        last.addWidget(self.shut)
        column = QVBoxLayout(self)
        column.setSpacing(8)
        column.addWidget(self.server)
        column.addLayout(search)
        column.addWidget(self.results, 1)
        column.addWidget(self.bar)
        column.addLayout(buttons)
        column.addWidget(self.sending)
        column.addLayout(last)
        self.resize(760, 620)

    def _connect(self) -> None:
        self.look.clicked.connect(lambda: self.search())
        for edit in (self.server.url, self.name, self.patient, self.dates):
            edit.returnPressed.connect(self.search)
        self.server.sign_in.connect(self._sign_in)
        self.results.chosen.connect(self._show_state)
        self.results.wanted.connect(self.open_chosen)
        self.take.clicked.connect(lambda: self.open_chosen())
        self.stop.clicked.connect(lambda: self.worker.cancel())
        self.shut.clicked.connect(self.close)
        self.sending.button.clicked.connect(lambda: self.send_back())
        self.worker.progressed.connect(self._on_progress)
        self.worker.finished.connect(self._on_finished)
        self.worker.failed.connect(self._on_failed)
        self.worker.cancelled.connect(self._on_cancelled)

    # ---- what a person asks for

    def search(self, after: str = "") -> None:
        """Look for studies, in the background; what was just done is said again with what is found."""
        wanted = Wanted(self.name.text(), self.patient.text(), self.dates.text(), self.modality.currentData())
        self._start(lambda server: find_studies(server, wanted), partial(self._on_found, after))

    def open_chosen(self) -> None:
        """Retrieve the chosen series, in the background, and open it; one that is open already is shown."""
        series = self.results.series
        if series is None:
            return
        for reviewed in self._reviewed_images():
            image = reviewed.session.image
            if image is not None and image.series_uid.partition("#")[0] == series.uid:
                self._reviewed_images().choose(reviewed.layer)
                self._tell("This series is open.", "accepted")
                return
        folder = studies_folder()
        self._start(lambda server: _opening(server, series, folder), self._on_opened)

    def send_back(self) -> None:
        """Send the findings of the image under review, in the background."""
        findings = self.sending.findings
        if len(findings):
            self._start(lambda server: send_findings(server, findings), self._on_sent)

    def done(self, result: int) -> None:
        """Closed: what goes on is stopped, and a series that has not come whole is taken away again."""
        self.worker.abandon()
        self.sending.release()
        super().done(result)

    def _sign_in(self, credentials: Credentials) -> None:
        self._start(lambda server: sign_in(server, credentials), self._on_signed_in)

    # ---- one thing at a time

    def _start(self, run: Callable[[Server], Steps[Any]], then: Callable[[Any], None]) -> None:
        if self.worker.running:
            return
        try:
            server = self.server.server()
        except ArchiveError as error:
            self._tell(str(error), "error")
            return
        self._then = then
        self.bar.setRange(0, 0)
        self._tell("asking the archive…", "faint")
        self.worker.start(lambda: run(server), str(server))
        self._show_state()

    def _on_progress(self, step: Progress) -> None:
        self.bar.setRange(0, 100)
        self.bar.setValue(round(100 * step.fraction))
        self._tell(f"{step.stage}…", "faint")

    def _on_finished(self, result: object) -> None:
        self._show_state()
        self._then(result)

    def _on_failed(self, words: str) -> None:
        self._show_state()
        self._tell(words, "error")

    def _on_cancelled(self) -> None:
        self._show_state()
        self._tell("Cancelled.", "faint")

    # ---- what came of it

    def _on_found(self, after: str, found: Found) -> None:
        kept = self.results.series
        self.results.show_studies(found.studies)
        if kept is not None:
            self.results.choose(kept.uid)
        self._show_state()
        n = len(found.studies)
        words = f"{n} {'study' if n == 1 else 'studies'} found." if n else "Nothing is found."
        words += f" There are more than {MOST}: say more of the patient or the date." if found.more else ""
        self._tell(
            f"{after} {words}".strip(), "accepted" if after else "warning" if found.more or not n else "faint"
        )

    def _on_opened(self, opened: Opened) -> None:
        image, uid = opened.image, None
        if image is None:
            uid = choose_series(opened.several, self)
            if uid is None:
                self._on_cancelled()
                return
            self._start(lambda _server: _reading(opened.folder, uid), self._on_opened)
            return
        add_image_layer(self._viewer, image)
        self._tell(f"Opened. Its files are kept in {opened.folder}.", "accepted")

    def _on_sent(self, sent: SentFindings) -> None:
        words = f"{counted(sent.count)} sent: {', '.join(_kinds(sent))}."
        more = " ".join(f"{one[:1].upper()}{one[1:]}." for one in sent.said)
        self.search(f"{words} {more}".strip())

    def _on_signed_in(self, _result: None) -> None:
        self.server.show_fields(False)
        self.search("Signed in.")

    # ---- what is shown

    def _show_state(self) -> None:
        busy = self.worker.running
        self.bar.setVisible(busy)
        self.stop.setVisible(busy)
        self.look.setEnabled(not busy)
        self.server.enter.setEnabled(not busy)
        self.take.setEnabled(not busy and self.results.series is not None)
        self.sending.set_busy(busy)

    def _tell(self, words: str, role: str) -> None:
        set_role(self.told, role)
        self.told.setText(words)


def _kinds(sent: SentFindings) -> list[str]:
    """``SEG``, ``SR``, as the names of the objects tell."""
    return [each.file.stem.rpartition("_")[2].upper() for each in sent.objects]


def _opening(server: Server, series: FoundSeries, folder: Path) -> Generator[Progress, None, Opened]:
    retrieved = yield from retrieve_series(server, series.uid, folder, series.study_uid)
    return (yield from _reading(retrieved.folder))


def _reading(folder: Path, uid: str | None = None) -> Generator[Progress, None, Opened]:
    yield Progress(1.0, "reading the images")
    try:
        image = read_image(folder, series=uid)
    except SeveralSeriesError as several:
        return Opened(folder, None, tuple(several.series))
    presets(image)  # takes a while too, and is kept
    return Opened(folder, image)
