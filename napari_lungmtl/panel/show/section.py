"""Section *show*: thresholds that act while they are moved, each saying what it hides; windows, planes, overlays."""

from __future__ import annotations

from collections import Counter
from functools import partial

from napari.components import ViewerModel
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QHBoxLayout,
    QLabel,
    QSlider,
    QWidget,
)

from ...canvas.cine import Cine
from ...layers import planes
from ...reviewed_images import ReviewedImage
from ...session.session import Session, Thresholds
from ...shortcuts import tooltip
from ...text import expectation
from ...training.inference.predictor import SCORE_FLOOR
from ...training.inference.radiograph_answer import without_prevalence
from ...views.linked import LinkedViews
from ..preferences import Preferences
from ..widgets.section import Section, label, tool_button
from .cine_row import CineRow
from .color_bar import ColorBar
from .film_row import FilmRow
from .heat_map_row import CAPTION, HeatMapRow
from .marks_row import MarksRow
from .prevalence import PrevalenceSlider
from .slab_row import LinkedButton, SlabRow
from .verdict import verdicts
from .window_row import WindowRow


class ThresholdSlider(QWidget):
    """A slider over ``low + step * position`` in one line with its caption and with what it hides.

    Parameters
    ----------
    caption
        Such as ``"Score at least {:.2f}"``.
    low, high, step
        Range of the value.
    tip
        What moving it does.
    """

    moved = Signal(float)
    CAPTION, HIDES = 128, 66
    """Widths of the texts in pixels."""

    def __init__(self, caption: str, low: float, high: float, step: float, tip: str) -> None:
        super().__init__()
        self._template, self._low, self._high, self._step = caption, low, high, step
        self._caption = label()
        self.hides = label("", "faint")
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, round((high - low) / step))
        self.slider.setPageStep(max(1, self.slider.maximum() // 10))
        self.slider.setToolTip(tip)
        self.slider.setAccessibleName(caption.split("{")[0].strip())
        self.slider.valueChanged.connect(self._on_moved)
        self._caption.setFixedWidth(self.CAPTION)  # the sliders of all thresholds begin and end in line
        self.hides.setFixedWidth(self.HIDES)
        self.hides.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        row.addWidget(self._caption)
        row.addWidget(self.slider, 1)
        row.addWidget(self.hides)

    def set_range(self, high: float, step: float) -> None:
        """Another end and step, for other units."""
        if (high, step) != (self._high, self._step):
            self._high, self._step = high, step
            blocked = self.slider.blockSignals(True)
            self.slider.setRange(0, round((high - self._low) / step))
            self.slider.setPageStep(max(1, self.slider.maximum() // 10))
            self.slider.blockSignals(blocked)

    def set_value(self, value: float, units: str = "mm") -> None:
        """Show a value without reporting it back."""
        self._caption.setText(self._template.format(value, units))
        position = round((value - self._low) / self._step)
        if position != self.slider.value():
            blocked = self.slider.blockSignals(True)
            self.slider.setValue(position)
            self.slider.blockSignals(blocked)

    def _on_moved(self, position: int) -> None:
        self.moved.emit(round(self._low + position * self._step, 6))


class ShowSection(Section):
    """What of the findings and of the image is shown."""

    def __init__(self, viewer: ViewerModel, views: LinkedViews, cine: Cine, preferences: Preferences) -> None:
        super().__init__("show")
        self._viewer = viewer
        self.slab = SlabRow(views)
        self.linked = LinkedButton(views)
        self.score = ThresholdSlider(
            "Score ≥ {:.2f}", SCORE_FLOOR, 1.0, 0.01, "Hide findings that the model is less sure of"
        )
        self.diameter = ThresholdSlider("Diameter ≥ {:g} {}", 0.0, 30.0, 0.5, "Hide smaller findings")
        self.score.moved.connect(lambda value: self._threshold(score=value))
        self.diameter.moved.connect(lambda value: self._threshold(diameter=value))
        self.malignancy = ThresholdSlider(
            "Malignancy ≥ {:.2f}",
            0.0,
            1.0,
            0.01,
            "Hide findings that are less likely to be malignant; those that nothing judged stay",
        )
        self.malignancy.moved.connect(lambda value: self._threshold(malignancy=value))
        self.radiograph = ThresholdSlider(
            "Radiograph ≥ {:.2f}",
            0.0,
            1.0,
            0.01,
            "From which probability the radiograph as a whole counts as showing a nodule; it hides no boxes",
        )
        self.radiograph.moved.connect(self._move_radiograph)
        self.prevalence = PrevalenceSlider()
        self.prevalence.moved.connect(self._set_prevalence)
        self._prevalence: float | None = None
        self.color_bar = ColorBar()
        self.expected = label("", "faint", wrap=True)
        self.expected.setToolTip(
            "Measured on whole scans that the network never saw: its model card says on which"
        )
        for widget in (
            *(self.score, self.expected, self.diameter, self.malignancy),
            *(self.radiograph, self.prevalence, self.color_bar),
        ):
            self.body.addWidget(widget)
        self.heat = HeatMapRow()
        self.film = FilmRow()
        self.marks = MarksRow(preferences)
        self.body.addWidget(self.heat)
        self.body.addWidget(self.film)
        self.body.addWidget(self._image_row())
        self.body.addWidget(self.marks)
        self.body.addLayout(self._plane_row())
        self.body.addWidget(self.slab)
        self.cine = CineRow(cine, CAPTION)
        self.body.addWidget(self.cine)

    def _image_row(self) -> WindowRow:
        self.windows = WindowRow(CAPTION)
        self.window_preset = self.windows.box
        self.overlays = QCheckBox("Overlays")
        self.overlays.setToolTip(tooltip("overlays"))
        self.overlays.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.overlays.clicked.connect(self._choose_overlays)
        self.windows.row.addSpacing(8)
        self.windows.row.addWidget(self.overlays)
        return self.windows

    def _choose_overlays(self, shown: bool) -> None:
        if self.reviewed is not None:
            self.reviewed.session.show_overlays(shown)

    def _plane_row(self) -> QHBoxLayout:
        self.planes = QButtonGroup(self)
        row = QHBoxLayout()
        row.setSpacing(2)
        self._view = QLabel("View")
        row.addWidget(self._view)
        row.addSpacing(6)
        for plane in planes.PLANES:
            button = tool_button(plane, tooltip(f"view {plane}"), partial(self.choose_plane, plane))
            button.setCheckable(True)
            self.planes.addButton(button)
            row.addWidget(button)
        row.addStretch(1)
        row.addWidget(self.linked)
        return row

    def choose_plane(self, plane: str) -> None:
        """Show the image in one of `planes.PLANES`; a radiograph has none."""
        if self._is_deep:
            planes.show(self._viewer, plane)

    @property
    def _is_deep(self) -> bool:
        """Whether there are slices to look at; a CT may wait behind a radiograph."""
        image = self.reviewed.session.image if self.reviewed is not None else None
        return self._viewer.dims.ndim >= 3 and (image is None or image.ndim == 3)

    def follow(self, reviewed: ReviewedImage | None) -> None:
        """Show and change the image's thresholds, its window and overlays."""
        self.setEnabled(reviewed is not None and reviewed.session.image is not None)
        self.listen(self._viewer.dims.events.ndisplay, self._show_plane)
        self.listen(self._viewer.dims.events.order, self._show_plane)
        if reviewed is not None:
            events = reviewed.session.events
            self.listen(events.thresholds, self._show_thresholds)
            self.listen(events.findings, self._show_thresholds)
            self.listen(events.overlays, self._show_overlays)
            self.listen(reviewed.layer.events.contrast_limits, self.windows.show_window)
            if self._prevalence is not None:
                reviewed.session.set_thresholds(prevalence=self._prevalence)
            self.overlays.setChecked(reviewed.session.overlays_shown)
        self.heat.set_reviewed(reviewed)
        self.film.set_reviewed(reviewed)
        self.windows.set_reviewed(reviewed)
        self.marks.set_reviewed(reviewed)
        self._show_thresholds()
        self._show_plane()

    def release(self) -> None:
        """Stop listening; no widget is touched."""
        super().release()
        self.heat.release()
        self.film.release()
        self.marks.release()

    def show_expected(self) -> None:
        """Say what the threshold is worth: with the marks that are seen, or before a run with the network in use."""
        self.expected.setText(
            expectation.of_session(self.reviewed.session if self.reviewed is not None else None)
        )
        self.expected.setVisible(bool(self.expected.text()))

    def _threshold(self, **change: float) -> None:
        if self.reviewed is not None:
            self.reviewed.session.set_thresholds(**change)

    def _set_prevalence(self, value: float) -> None:
        """It is the clinic's, not the film's: the next ones have it too."""
        self._prevalence = value
        self._threshold(prevalence=value)

    def _move_radiograph(self, value: float) -> None:
        """The slider is on the scale of the banner; the threshold itself is at a prevalence of 50 %."""
        said = verdicts(self.reviewed.session) if self.reviewed is not None else ()
        prevalence = said[0].prevalence if said else None
        self._threshold(image=value if prevalence is None else without_prevalence(value, prevalence))

    def _show_thresholds(self, _value: object = None) -> None:
        session = self.reviewed.session if self.reviewed is not None else None
        thresholds = session.thresholds if session is not None else Thresholds()
        units = session.image.units if session is not None and session.image is not None else "mm"
        self.score.set_value(thresholds.score)
        self.show_expected()
        self.diameter.set_range(*((150.0, 1.0) if units == "pixel" else (30.0, 0.5)))
        self.diameter.set_value(thresholds.diameter, "px" if units == "pixel" else units)
        self.malignancy.set_value(thresholds.malignancy)
        hidden = hidden_by(session) if session is not None else Counter()
        for name in ("score", "diameter", "malignancy"):
            getattr(self, name).hides.setText(f"hides {hidden[name]}" if hidden[name] else "")
        # Where nothing has been judged there is nothing to choose by.
        judged = session is not None and any(f.malignancy is not None for f in session.findings)
        self.malignancy.setVisible(judged)
        self.color_bar.setVisible(judged)
        self.color_bar.unknown.setVisible(
            session is not None and any(f.malignancy is None for f in session.visible)
        )
        said = verdicts(session)
        self.radiograph.setVisible(bool(said))
        self.prevalence.setVisible(bool(said) and said[0].prevalence is not None)
        if said:
            self.radiograph.set_value(said[0].limit)
        self.prevalence.set_value(thresholds.prevalence)
        self.summary.setText(shown_words(session) if session is not None else "")

    def _show_overlays(self, shown: bool) -> None:
        self.overlays.setChecked(shown)

    def _show_plane(self, _event: object = None) -> None:
        now = planes.current(self._viewer)
        deep = self._is_deep
        self._view.setVisible(deep)
        self.cine.setVisible(deep)
        for button in self.planes.buttons():
            button.setChecked(button.text() == now)
            button.setVisible(deep)
        self.linked.setVisible(deep)


def shown_words(session: Session) -> str:
    """``3 of 5 shown``; of a radiograph *marks*, as the list has one line for what two networks marked; empty where nothing is."""
    total = len(session.findings)
    flat = session.image is not None and session.image.ndim == 2
    return f"{len(session.visible)} of {total} {'marks ' if flat else ''}shown" if total else ""


def hidden_by(session: Session) -> Counter[str]:
    """How many findings each threshold hides, by its name; a finding counts once, for the first that it does not reach."""
    shown = {f.id for f in session.visible}
    return Counter(session.thresholds.hides(f) for f in session.findings if f.id not in shown)
