"""From a row of the list to its image: read off the GUI thread, the next one ahead, and those far away are let go."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from napari.components import ViewerModel
from qtpy.QtCore import QObject, QTimer, Signal

from ...jobs.worker import Worker, one_step
from ...layers import view_state
from ...layers.image import IMAGE, add_image_layer
from ...layers.window_presets import presets
from ...reviewed_images import ReviewedImage, ReviewedImages
from ...training.errors import LungmtlError
from ...training.findings.formats.json_file import read_findings
from ...training.imaging.image import Image
from ...training.imaging.read import read_series
from ...training.storage.address import is_remote
from .case import Case

KEPT = 2
"""Images of the list that stay in the viewer: the one that is seen and the one before it."""
AHEAD_MS = 200
"""From the opening of a case until others are let go and the next one is read: the first has then been drawn."""

LOOKS = 10
"""Looks at a case that is not saved yet, `AHEAD_MS` apart, until the person is told."""


class CaseOpener(QObject):
    """Shows cases; of those that it opened, `KEPT` stay in the viewer, and one more waits in memory.

    What a person did to the others was saved when they were let go; one that cannot be saved stays. Images that were opened
    otherwise are never closed.

    Parameters
    ----------
    viewer, reviewed_images
        Where images go, and what is under review there.
    keep
        Whether an image must stay all the same: a model runs on it.
    following
        The case that is likely to be asked for after one.
    """

    opened = Signal(object)  # Case
    failed = Signal(object, str)  # Case, sentence
    kept = Signal(str)
    """A sentence on an image that could not be let go."""
    image_read = Signal(object, object)  # Case, Image

    def __init__(
        self,
        viewer: ViewerModel,
        reviewed_images: Callable[[], ReviewedImages],
        keep: Callable[[ReviewedImage], bool],
        following: Callable[[Case], Case | None],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._viewer, self._reviewed_images = viewer, reviewed_images
        self._keep, self._following = keep, following
        self._asked: Case | None = None
        self._wanted: Case | None = None
        self._reading_case: Case | None = None
        self._ahead: tuple[Case, Image] | None = None
        self._mine: list[Case] = []
        self._late: dict[int, int] = {}  # how often each was looked at and not saved yet
        self._reading = Worker("The case cannot be opened", self)
        self._reading.finished.connect(self._on_read)
        self._reading.failed.connect(self._on_failed)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(AHEAD_MS)
        self._soon.timeout.connect(self._read_ahead)

    @property
    def asked(self) -> Case | None:
        """The case that was asked for last: it is seen, or being read."""
        return self._asked

    @property
    def waiting(self) -> bool:
        """Whether the case that was asked for is still being read."""
        return self._wanted is not None

    @property
    def ahead(self) -> Case | None:
        """The case that waits in memory."""
        return self._ahead[0] if self._ahead is not None else None

    def show(self, case: Case) -> None:
        """Show a case; `opened` or `failed` may come later. However quickly others are asked for, one is read at a time."""
        self._asked, self._wanted = case, None
        self._soon.stop()
        if case.layer is not None and case.layer in self._viewer.layers:
            self._reviewed_images().choose(case.layer)
            self._after(case)
        elif self._ahead is not None and self._ahead[0] is case:
            self._add(*self._ahead)
        else:
            self._wanted = case
            if self._reading_case is None:
                self._read(case)

    def seen(self, case: Case | None) -> None:
        """A person chose another image in the viewer; a case that is still being read waits in memory then."""
        if case is not None:
            self._asked, self._wanted = case, None

    def forget(self) -> None:
        """Other cases are listed: nothing waits for them."""
        self._asked = self._wanted = self._ahead = None
        self._soon.stop()
        self._reading_case = None
        self._reading.cancel()

    def abandon(self) -> None:
        """The window is going."""
        self._reading.abandon()
        self._asked = self._ahead = None
        self._mine.clear()

    # ---- reading

    def _read(self, case: Case) -> None:
        assert case.series is not None
        self._reading_case = case
        self._reading.start(partial(one_step, _read, case), str(case.path))

    def _read_ahead(self) -> None:
        self._mine = [case for case in self._mine if case.layer in self._viewer.layers]
        strangers = self._strangers(_units(self._mine[-1])) if self._mine else []
        self._let_go([*strangers, *(case for case in self._mine[:-KEPT] if case not in strangers)])
        following = self._following(self._asked) if self._asked is not None else None
        wanted = following is not None and following.layer is None and following.can_open
        if following is not None and wanted and self._reading_case is None and self.ahead is not following:
            self._ahead = None  # before the next is read: never two in memory
            self._read(following)

    def _on_read(self, image: Image) -> None:
        case, self._reading_case = self._reading_case, None
        if case is None:
            return
        self.image_read.emit(case, image)
        if case is self._wanted:
            self._add(case, image)
        else:
            self._ahead = case, image
            self._read_wanted()

    def _on_failed(self, message: str) -> None:
        case, self._reading_case = self._reading_case, None
        if case is self._wanted:
            self._wanted = None
        if case is not None:
            self.failed.emit(case, message)
        self._read_wanted()
        self._soon.start()

    def _read_wanted(self) -> None:
        """What was asked for while another case was read."""
        if self._wanted is not None:
            self._ahead = None
            self._read(self._wanted)

    # ---- the viewer

    def _add(self, case: Case, image: Image) -> None:
        self._ahead = self._wanted = None
        images = self._reviewed_images()
        seen = images.current
        self._let_go(self._strangers(image.units))
        case.layer = add_image_layer(self._viewer, image)
        if seen is not None and seen.layer not in self._viewer.layers and images.current is not None:
            # The first in an empty viewer, as napari sees it, but not as the next one is looked at.
            view_state.first_look(self._viewer, case.layer)
            if images.current.radiograph is not None:
                images.current.radiograph.view.show()
        self._mine = [each for each in self._mine if each is not case] + [case]
        self._after(case)

    def _after(self, case: Case) -> None:
        if case in self._mine:
            self._mine.remove(case)
            self._mine.append(case)
        self.opened.emit(case)
        self._soon.start()

    def _strangers(self, units: str) -> list[Case]:
        """Those of other units: napari draws mm and pixels in one world, and warns at every step."""
        return [case for case in self._mine if _units(case) != units]

    def _let_go(self, cases: Sequence[Case]) -> None:
        """Close those that are saved; the others are being saved, and looked at again."""
        late = []
        for case in cases:
            reviewed = next((s for s in self._reviewed_images() if s.layer is case.layer), None)
            if reviewed is not None and self._keep(reviewed):
                continue
            if reviewed is not None and not reviewed.session.save(wait=False):
                late.append(case)
                continue
            self._mine.remove(case)
            if case.layer in self._viewer.layers:
                self._viewer.layers.remove(case.layer)
        self._late = {id(case): self._late.get(id(case), 0) + 1 for case in late}
        for case in late:
            if self._late[id(case)] >= LOOKS:  # again and again: what else happens has words of its own
                self.kept.emit(f"{case.name} cannot be saved and stays open until it can.")
        if late:
            self._soon.start()


def _units(case: Case) -> str:
    image = case.layer.metadata.get(IMAGE) if case.layer is not None else None
    return image.units if isinstance(image, Image) else ""


def _read(case: Case) -> Image:
    """The image, with all that the window needs to know of its values, which takes a while too; and its findings on a server."""
    assert case.series is not None
    image = read_series(case.series.path, case.series)
    presets(image)
    saved = case.listed.saved if case.listed is not None else None
    if saved is not None and is_remote(saved.file):
        try:
            case.saved = read_findings(saved.file)
        except LungmtlError as error:
            case.saved = error
    return image
