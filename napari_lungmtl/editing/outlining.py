"""Selected spheres of a CT become masks that a network draws around them, off the GUI thread, as one command."""

from __future__ import annotations

from collections.abc import Callable, Generator

from napari.utils.notifications import show_info
from qtpy.QtCore import QObject

from ..jobs.latest import LatestAnswer
from ..session.session import Session
from ..training.findings import Findings, Sphere
from ..training.findings.history import now, recorded
from ..training.findings.measurements.of_nodules import axes_of
from ..training.imaging.image import Image
from ..training.inference import registry
from ..training.inference.chain import chain_of, choose
from ..training.inference.predictor import Progress
from . import commands


class Outlining(QObject):
    """Asks the network for masks of nodules.

    Parameters
    ----------
    session
        Gives the session that is looked at, or None.
    show_masks
        Called when there are masks to be seen.
    """

    def __init__(self, session: Callable[[], Session | None], show_masks: Callable[[], object]) -> None:
        super().__init__()
        self._session, self._show_masks = session, show_masks
        self._asked: tuple[Session, Image, Findings] | None = None
        self.answer = LatestAnswer("the nodules could not be outlined", self)
        self.answer.ready.connect(self._on_ready)
        self.answer.failed.connect(show_info)

    def outline(self) -> None:
        """Draw masks around all selected spheres."""
        session = self._session()
        image = session.image if session is not None else None
        names = [info.name for info in registry.models() if info.task == "segmentation"]
        if session is None or image is None:
            return
        spheres = [
            f for f in session.findings if f.id in session.selection and isinstance(f.geometry, Sphere)
        ]
        if image.ndim != 3 or not spheres:
            show_info("Select spheres of a CT: a network draws masks around them.")
        elif not names:
            show_info(
                "No network that outlines nodules is at hand: Shift+X grows a mask by Hounsfield units."
            )
        else:
            asked = session.findings.with_items(tuple(spheres))
            self._asked = session, image, asked
            key = (id(session), *((f.id, f.geometry) for f in spheres))
            self.answer.ask(key, lambda: _steps(image, asked, names))

    def let_go(self) -> None:
        """Want nothing any more."""
        self.answer.forget()

    def _on_ready(self, outlined: object) -> None:
        if self._asked is None or not isinstance(outlined, Findings):
            return
        (session, image, asked), self._asked = self._asked, None
        if session.image is not image:
            return
        if commands.outline(session, asked, outlined):
            self._show_masks()
            if kept := _measured_by_hand(session, asked):
                show_info(f"The measurement that a person made stays, not the network's: nodule {kept}.")
        for note in outlined.notes:
            if note not in asked.notes:
                show_info(note)


def _measured_by_hand(session: Session, asked: Findings) -> str:
    """Numbers of the outlined nodules whose axes are a person's: ``3, 7``."""
    axes = {f.number: axes_of(session.findings.measurements, f.id) for f in asked}
    return ", ".join(str(number) for number, one in axes.items() if one is not None and one.person)


def _steps(image: Image, asked: Findings, names: list[str]) -> Generator[Progress, None, Findings]:
    """One network after the other on what is still a sphere; the history of each finding says which of them drew it."""
    result = asked
    for info in choose(image, names).outliners:
        before = result
        result = yield from chain_of([info]).characterise(image, before)
        by = f"{info.name} {info.version}".strip()
        result = result.with_items(
            tuple(
                f if f.geometry == was.geometry else recorded(was, f, by, now(), by)
                for was, f in zip(before, result, strict=True)
            )
        )
    return result
