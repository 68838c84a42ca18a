"""Section *hand on*: a button for each way that findings go to other programs, and come from them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from qtpy.QtWidgets import QHBoxLayout, QToolButton

from ...reviewed_images import ReviewedImage
from ..case_report.dialog import ReportDialog
from ..compare.section import CompareSection
from ..widgets.section import Section
from .button import HandOnButton
from .export_dialog import ExportDialog
from .import_dialog import ImportDialog

STUDYING = "Not while a reader study runs: it would tell what is to be found."


class HandOnSection(Section):
    """Buttons that open dialogs; the section tells them which image is under review.

    Parameters
    ----------
    buttons
        Further ways on, each a `HandOnButton(text, tip, make_dialog)`: ``HandOnSection((report, archive), …)``.
    compare
        Where a truth and a second set of findings go.
    export
        Another button that opens the export's dialog.
    studying
        Whether a reader study runs: then findings go out, and nothing comes in.
    """

    def __init__(
        self,
        buttons: Sequence[HandOnButton],
        compare: CompareSection,
        export: QToolButton,
        studying: Callable[[], bool],
    ) -> None:
        super().__init__("hand on")
        self.export = HandOnButton(
            "Export…",
            "Findings to a file for another program",
            lambda reviewed, parent: ExportDialog(reviewed.session, parent),
        )
        self.import_ = HandOnButton(
            "Import…",
            "Findings from a file: DICOM, labels, tables",
            lambda reviewed, parent: ImportDialog(
                reviewed.session, compare.set_truth, compare.show_set, parent
            ),
        )
        self.report = HandOnButton(
            "Report…",
            "One page on the case for people: HTML, PDF",
            lambda reviewed, parent: ReportDialog(reviewed.session, parent),
        )
        self.buttons: tuple[HandOnButton, ...] = (self.export, self.import_, self.report, *buttons)
        row = QHBoxLayout()
        for button in self.buttons:
            row.addWidget(button)
            button.beside = (
                self  # what nobody has unfolded is in no window: a dialog would be no child of the dock
            )
            if button is not self.export:
                button.off = lambda: STUDYING if studying() else ""
        row.addStretch(1)
        self.body.addLayout(row)
        export.clicked.connect(lambda: self.export.open())
        self.set_open(False)

    def follow(self, reviewed: ReviewedImage | None) -> None:
        """Be for another image."""
        for button in self.buttons:
            button.follow(reviewed)

    def let_go(self) -> None:
        """The dock goes: no dialog stays."""
        for button in self.buttons:
            button.close_dialog()
