"""Section *study*: what is open, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from napari.layers import Layer
from qtpy.QtCore import QObject, Qt, QTimer, Signal
from qtpy.QtWidgets import QHBoxLayout

from ...reviewed_images import ReviewedImage, ReviewedImages
from ...session.session import Session
from ...text.boxes import legend
from ...text.cases import elide, study_date, title
from ...training.imaging.image import Image
from ...training.imaging.streamed import fraction_of
from ...training.storage.address import shown
from ..cases.section import CasesSection
from ..show.banner import Banner
from ..show.verdict import Doubt, not_frontal, noticed, verdicts
from ..widgets.section import Section, eliding, label, tool_button
from ..widgets.theme import Palette
from .open_studies import StudyList

COMING_MS = 300
"""Between two looks at how much of a study has come from a server."""


class _FromAnyThread(QObject):
    """Who else is there is found out on a thread of its own; Qt's signals carry it to the window's."""

    elsewhere = Signal(str)


class StudySection(Section):
    """Modality, name, size and spacing of the image that the dock acts on; warnings fold out behind a ⚠."""

    def __init__(self, reviewed_images: Callable[[], ReviewedImages], cases: CasesSection) -> None:
        super().__init__("study")
        self._reviewed_images, self._cases = reviewed_images, cases
        self.studies = StudyList(lambda layer: reviewed_images().choose(layer), cases.step)
        cases.stepped.connect(self._show_place)
        self.body.addWidget(self.studies)
        self.name = eliding("name")
        self.name.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._facts = label("", "faint", wrap=True)
        self._warn = tool_button("", "Show or hide what to know about these images", self._toggle_warnings)
        self._warn.setProperty("role", "warning")
        self._warnings = label("", "warning", wrap=True)
        self._warnings.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._legend = label()
        self._legend.setTextFormat(Qt.TextFormat.RichText)
        self._legend.hide()
        row = QHBoxLayout()
        row.addWidget(self.name, 1)
        row.addWidget(self._warn, 0, Qt.AlignmentFlag.AlignRight)
        self.body.addLayout(row)
        self.banner = Banner()
        self._looked_at: Image | None = None
        self._frontal: Doubt | None = None
        self._doubt = label("", "warning", wrap=True)
        self._doubt.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._doubt.hide()
        self._agreement = label("", "faint", wrap=True)
        self._agreement.hide()
        self._elsewhere = label("", "warning", wrap=True)
        self._elsewhere.hide()
        self._coming = QTimer(self)
        self._coming.setInterval(COMING_MS)
        self._coming.timeout.connect(self._show_coming)
        self._bridge = _FromAnyThread(self)
        self._bridge.elsewhere.connect(self._show_elsewhere)
        widgets = (self._elsewhere, self._facts, self.banner, self._doubt, self._agreement, self._legend)
        for widget in (*widgets, self._warnings):
            self.body.addWidget(widget)

    def follow(self, reviewed: ReviewedImage | None) -> None:
        """Show the image; name its layer also after a person renamed it."""
        if reviewed is not None:
            events = reviewed.session.events
            self.listen(events.image, self._show_image)
            self.listen(events.elsewhere, self._bridge.elsewhere.emit)
            for signal in (events.image, events.findings, events.thresholds):
                self.listen(signal, self._show_verdicts)
            self.listen(reviewed.layer.events.name, lambda _event=None: self._show_layer())
        self._show_image(reviewed.session.image if reviewed is not None else None)
        self._show_verdicts()
        self._show_layer()
        self.show_legend()
        self._show_elsewhere()

    def show_list(self) -> None:
        """List the open images, where there are several."""
        images = self._reviewed_images()
        current = images.current.layer if images.current is not None else None
        self.studies.show_layers(
            [(layer, _listed(layer, images.image_of(layer))) for layer in images.layers], current
        )
        self._show_place()

    def _show_place(self) -> None:
        """With a folder, its list names the cases, and the arrows go through it."""
        self.studies.show_place(self._cases.place if self._cases.paths else None)
        self.name.setVisible(self.studies.box.isHidden() or self.studies.isHidden())  # else the box names it

    def set_colors(self, colors: Palette) -> None:
        """Colours of the present theme."""
        self.banner.set_colors(colors)

    def show_legend(self) -> None:
        """Say what is drawn beside the findings: a symbol in its colour, then words that can be read in any theme."""
        symbol, words, color = (self.reviewed.legend if self.reviewed is not None else None) or ("", "", "")
        self._legend.setText(f'<span style="color: {color};">{escape(symbol)}</span> {escape(words)}')
        self._legend.setVisible(bool(words))

    def _show_image(self, image: Image | None) -> None:
        if image is None:
            self.name.setText("No image is open")
            self._facts.setText(
                "Drag a DICOM folder or an image file into the window, or use File › Open Sample."
            )
        else:
            self.name.setText(title(image))
            self.name.setToolTip(f"{image.series_uid}\n{shown(image.source) if image.source else ''}".strip())
            self._facts.setText(facts(image))
            if fraction_of(image) < 1:
                self._coming.start()
        warnings = image.warnings if image is not None else ()
        self._warn.setText(f"⚠ {len(warnings)}")
        self._warn.setVisible(bool(warnings))
        self._warnings.setText("\n".join(f"• {w}" for w in warnings))
        self._warnings.setVisible(False)

    def _show_coming(self) -> None:
        """How much of a study on a server is there, and once it is whole what is to be known about it."""
        image = self.reviewed.session.image if self.reviewed is not None else None
        if image is None or fraction_of(image) == 1:
            self._coming.stop()
            self._show_image(image)
        else:
            self._facts.setText(facts(image))

    def _show_verdicts(self, _value: object = None) -> None:
        """What networks say of a radiograph as a whole, and how its boxes are to be read."""
        session = self.reviewed.session if self.reviewed is not None else None
        doubt = self._doubt_of(session) if session is not None and session.findings.image_scores else None
        found = verdicts(session, doubt)
        if found != self.banner.verdicts:
            self.banner.show_verdicts(found)
        self._doubt.setText(doubt.reason if doubt is not None else "")
        self._doubt.setVisible(doubt is not None)
        text = legend(session.agreement) if session is not None else ""
        if text != self._agreement.text():
            self._agreement.setText(text)
            self._agreement.setVisible(bool(text))

    def _doubt_of(self, session: Session) -> Doubt | None:
        """What speaks against a verdict; the image itself is looked at once."""
        image = session.image
        if image is not None and image is not self._looked_at:
            self._looked_at, self._frontal = image, not_frontal(image)
        return noticed(session) or self._frontal

    def _show_elsewhere(self, _words: str = "") -> None:
        words = self.reviewed.session.elsewhere if self.reviewed is not None else ""
        self._elsewhere.setText(words)
        self._elsewhere.setVisible(bool(words))

    def _show_layer(self) -> None:
        name = self.reviewed.layer.name if self.reviewed is not None else ""
        self.summary.setText(f"layer “{elide(name, 36)}”" if name else "")
        self.summary.setToolTip("The dock acts on the selected image layer")

    def _toggle_warnings(self) -> None:
        self._warnings.setVisible(self._warnings.isHidden())


def facts(image: Image) -> str:
    """``11 × 512 × 512 · slices 2.5 mm · pixels 0.82 mm``."""
    size = " × ".join(str(n) for n in image.shape)
    if image.spacing is None:
        return f"{size} · pixel size unknown: measured in pixels"
    pixels = " × ".join(dict.fromkeys(f"{s:.3g}" for s in image.spacing[-2:]))
    slices = f" · slices {image.spacing[0]:.3g} mm" if image.ndim == 3 else ""
    there = fraction_of(image)
    coming = f" · {there:.0%} read from the server".replace("%", "\u00a0%") if there < 1 else ""
    return f"{size}{slices} · pixels {pixels} mm{coming}"


def _listed(layer: Layer, image: Image | None) -> str:
    """What the list says of an open image: ``CT  LIDC-IDRI-0003 · 2000-01-01``."""
    if image is None:
        return str(layer.name)
    return " · ".join(part for part in (title(image), study_date(image)) if part)
