"""The nodules most like the selected one: at once among those of a folder, off the GUI thread among all of an index."""

from __future__ import annotations

from functools import partial

from qtpy.QtCore import QObject, Signal

from ...jobs.latest import LatestAnswer
from ...training.cluster.reuse.cohort import finding_alike
from ...training.cohort import Alike, Cohort, alike
from ...training.findings import Finding


class NearestNodules(QObject):
    """Looks for the look-alikes of one finding after the other.

    Parameters
    ----------
    parent
        Of Qt.
    """

    found = Signal(object, object, object)
    """The table that has them, the finding that was asked for, and the rows with their distances."""
    began = Signal()
    """A search takes its time: what was found for another nodule is old."""
    failed = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._finding: Finding
        self._asked: tuple[object, ...] = ()
        self._answer: tuple[Cohort, tuple[Alike, ...]] | None = None
        self.searching = LatestAnswer("like nodules cannot be looked for", self)
        self.searching.ready.connect(self._on_ready)
        self.searching.failed.connect(self.failed)

    def look_for(self, cohort: Cohort, finding: Finding, series: str, *, in_index: bool) -> None:
        """Look for the nodules most like a finding; `found` brings them, unless others are looked for before.

        Parameters
        ----------
        cohort, finding, series
            As for `alike`.
        in_index
            Whether the cohort is a part of an index, all of which is searched.
        """
        self._finding = finding
        if not in_index:
            self.found.emit(cohort, finding, alike(cohort, finding, series))
            return
        asked = (id(cohort), series, finding.id, finding.diameter, *finding.attributes.values())
        if asked == self._asked and self._answer is not None:
            self.found.emit(self._answer[0], finding, self._answer[1])
            return
        if asked != self._asked:
            self.began.emit()
        self._asked, self._answer = asked, None
        self.searching.ask(asked, partial(finding_alike, cohort, finding, series))

    def forget(self) -> None:
        """Nothing is selected, or the window is going."""
        self.searching.forget()

    def _on_ready(self, answer: tuple[Cohort, tuple[Alike, ...]]) -> None:
        self._answer = answer
        self.found.emit(answer[0], self._finding, answer[1])
