"""Section *inside*: maps, crops and proposals of a network at the selected finding, or at a nodule that was missed."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from napari.components import ViewerModel
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QPushButton, QWidget

from ...jobs.latest import LatestAnswer
from ...layers import planes
from ...reviewed_images import ReviewedImage
from ...training.findings import Finding
from ...training.imaging.image import Image
from ...training.inference import registry
from ...training.inference.inside.feature_maps import Extent, Inside, Proposal
from ...training.inference.inside.look import Look, look_inside, networks_to_look_into
from ...training.inference.predictor import Progress
from ..widgets.section import Section, label, set_role, tool_button
from .groups import MapGroups
from .proposals import ProposalList

LEAST_MM, MOST_MM = 16.0, 32.0
"""Half of the side of what is seen of a CT's maps: as a nodule needs it; further away maps are not those of a whole run."""
PART_OF_FILM = 0.12
"""The same of a radiograph, as a part of its longer side."""


class InsideSection(Section):
    """Asks a network what it saw and made of a place; only while it is open, and off the GUI thread.

    Parameters
    ----------
    viewer
        Whose canvas a click on a map moves.
    device
        Tells where networks run.
    look
        Looks inside of a network.
    """

    _built = False

    def __init__(
        self,
        viewer: ViewerModel,
        device: Callable[[], str] = lambda: "auto",
        look: Callable[..., Look] = look_inside,
    ) -> None:
        super().__init__("inside")
        self._viewer, self._device, self._look = viewer, device, look
        self._at: Finding | None = None
        self._missed = False
        self._asked: tuple[object, ...] | None = None
        self.inside: Inside | None = None
        self.answer = LatestAnswer("What happened in the network could not be computed", self)
        self.answer.ready.connect(self._on_ready)
        self.answer.failed.connect(partial(self._say, role="warning"))
        self.answer.progressed.connect(self._on_progress)
        self._build()
        self.set_open(False)
        self._built = True
        self._show()

    def _build(self) -> None:
        self.network = QComboBox()
        self.network.setToolTip("Which network to look into")
        self.network.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.network.activated.connect(self._ask)
        self.whole = tool_button(
            "Whole film", "Show all of each map, or the part around the place", self._draw
        )
        self.whole.setCheckable(True)
        self.back = tool_button(
            "Selected finding", "Leave the miss, and look at the selected finding", self._leave_miss
        )
        row = QHBoxLayout()
        row.addWidget(self.network, 1)
        row.addWidget(self.whole)
        row.addWidget(self.back)
        self.message = label("", "faint", wrap=True)
        self.cancel_button = QPushButton("Cancel")
        self.cancel_button.clicked.connect(self.cancel)
        self._state = QWidget()
        state = QHBoxLayout(self._state)
        state.setContentsMargins(0, 0, 0, 0)
        state.addWidget(self.message, 1)
        state.addWidget(self.cancel_button)
        self.groups = MapGroups()
        self.groups.clicked.connect(self._go_to)
        self.proposals = ProposalList()
        self.proposals.chosen.connect(self._on_proposal)
        self.body.addLayout(row)
        for widget in (self._state, self.proposals, self.groups):
            self.body.addWidget(widget)

    def follow(self, reviewed: ReviewedImage | None) -> None:
        """Look at the selected finding of another image."""
        self._at, self._missed = None, False
        if reviewed is not None:
            events = reviewed.session.events
            self.listen(events.selected, self._on_selected)
            for signal in (events.image, events.findings):
                self.listen(signal, self._on_session)
        self._list_networks()
        self._on_session()

    def release(self) -> None:
        """Stop listening, and let go of what is being computed."""
        super().release()
        self.answer.forget()

    def set_open(self, shown: bool) -> None:
        """Unfold or fold the body; folded, nothing is computed."""
        super().set_open(shown)
        if self._built:
            self._show()

    def look_at(self, finding: Finding) -> None:
        """Look at something that need not be the session's: a nodule that was missed."""
        self._at, self._missed = finding, True
        self._show()

    def again(self) -> None:
        """Other weights are in use: what was computed with the former ones is out of date."""
        self._asked = None
        self._list_networks()
        self._show()

    def cancel(self) -> None:
        """Stop computing; the section stays empty until another place or network is chosen."""
        self.answer.forget()
        self._say("Cancelled. Choose a network or another place to go on.")

    # ---- the place

    @property
    def _image(self) -> Image | None:
        return self.reviewed.session.image if self.reviewed is not None else None

    def _on_selected(self, id: str | None) -> None:
        self._missed = False
        self._on_session()

    def _on_session(self, _value: object = None) -> None:
        """The selected finding, as it is now: it may have been moved."""
        if not self._missed:
            session = self.reviewed.session if self.reviewed is not None else None
            id = session.selected if session is not None else None
            self._at = session.findings[id] if session is not None and id is not None else None
        self._show()

    def _leave_miss(self) -> None:
        self._missed = False
        self._on_session()

    def _list_networks(self) -> None:
        image = self._image
        names = networks_to_look_into(image) if image is not None else {}
        own = {name: registry.own_weights(name) for name in names}
        titles = [f"{title}, own weights" if own[name] else title for name, title in names.items()]
        if list(names) == [self.network.itemData(i) for i in range(self.network.count())]:
            for place, title in enumerate(titles):
                self.network.setItemText(place, title)
            return
        self.network.clear()
        for name, title in zip(names, titles, strict=True):
            self.network.addItem(title, name)

    # ---- asking

    def _show(self) -> None:
        """Ask for the place that is looked at, where the section is open and has not asked yet."""
        at, image = self._at, self._image
        self.summary.setText(self._words(at, image))
        if not self._title.isChecked():
            self.answer.forget()
            self._asked = self._asked if self.inside is not None else None
            return
        self.whole.setVisible(image is not None and image.ndim == 2)
        selected = self.reviewed is not None and self.reviewed.session.selected is not None
        self.back.setVisible(self._missed and selected)
        fits = at is not None and image is not None and len(at.center) == image.ndim
        if not fits or not self.network.count():
            self._forget()
            empty = "Select a finding, or go to a miss of the truth, to see what a network made of it."
            none = "No network at hand shows what it made of such an image."
            self._say(none if image is not None and not self.network.count() else empty)
            return
        self._ask_if_new()

    def _ask(self, _place: int = 0) -> None:
        """A person chose a network, perhaps the same again after Cancel."""
        self._asked = None
        self._show()

    def _ask_if_new(self) -> None:
        at, image, name = self._at, self._image, self.network.currentData()
        if at is None or image is None or self.reviewed is None:
            return
        orientation = self.reviewed.session.orientation
        wanted = (id(image), name, at.center, round(at.diameter, 3), orientation)
        if wanted == self._asked:
            return
        self._forget()
        self._asked = wanted
        self._say("Looking into the network …", busy=True)
        device = self._device()
        self.answer.ask(
            (wanted, registry.own_weights(name)),
            lambda: self._look(image, name, at.center, at.diameter, device, orientation),
        )

    def _forget(self) -> None:
        self.answer.forget()
        self._asked = self.inside = None
        self.groups.clear()
        self.proposals.hide()

    def _on_progress(self, step: object) -> None:
        if isinstance(step, Progress):
            self._say(f"{step.stage[:1].upper()}{step.stage[1:]} …", busy=True)

    def _on_ready(self, inside: Inside) -> None:
        self.inside = inside
        self._say(inside.words)
        image = self._image
        units = "mm" if image is not None and image.spacing is not None else "px"
        self.proposals.show_proposals(inside, units)
        self._draw()

    # ---- drawing

    def _draw(self) -> None:
        if self.inside is None or self._image is None:
            return
        self.groups.show_inside(self.inside, self._reach(self._image))
        self._outline()

    def _outline(self) -> None:
        if self.inside is None or self._at is None:
            return
        chosen = self.proposals.selected
        marked = _extent(self._at) if chosen is None else chosen.extent
        self.groups.outline(self.proposals.outlines(self.inside.place), marked)

    def _reach(self, image: Image) -> float | None:
        if image.ndim == 3:
            size = self._at.diameter if self._at is not None else 0.0
            return min(max(1.2 * size, LEAST_MM), MOST_MM)
        if self.whole.isChecked():
            return None
        return PART_OF_FILM * max(n * s for n, s in zip(image.shape, image.scale, strict=True))

    def _on_proposal(self, proposal: Proposal) -> None:
        self._outline()
        self._move(proposal.center)

    def _go_to(self, world: tuple[float, ...]) -> None:
        """A click on a map: the view goes to the place that it shows."""
        self._move(world)

    def _move(self, world: tuple[float, ...]) -> None:
        if len(world) == 3:
            planes.go_to(self._viewer, world)
        else:
            planes.go_to_box(self._viewer, world, world)

    def _say(self, text: str, role: str = "faint", *, busy: bool = False) -> None:
        set_role(self.message, role)
        self.message.setText(text)
        self.cancel_button.setVisible(busy)

    def _words(self, at: Finding | None, image: Image | None) -> str:
        if at is None or image is None:
            return ""
        units = "px" if image.spacing is None else "mm"
        what = "Missed nodule" if self._missed else f"Finding {at.number}" if at.number else "Finding"
        return f"{what}, Ø {at.diameter:.1f} {units}"


def _extent(finding: Finding) -> Extent:
    """The box around a finding."""
    if finding.box is not None:
        return finding.box.low, finding.box.high
    reach = finding.diameter / 2
    return tuple(c - reach for c in finding.center), tuple(c + reach for c in finding.center)
