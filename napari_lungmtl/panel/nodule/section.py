"""Section *nodule*: the selected finding from near, what the networks say about it, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QHBoxLayout, QPushButton, QWidget

from ...reviewed_images import ReviewedImage
from ...text.boxes import size, story
from ...text.networks import network
from ...text.votes import READERS, UNLIKE, attributes_of, is_unlike, mean_and_deviation, verdict
from ...training.findings import Finding, Opinion, Sphere
from ...training.findings.history import correction
from ...training.imaging.image import Image
from ...training.imaging.radiograph.orientation import AS_STORED, Orientation
from ..preferences import Preferences
from ..widgets.fold_out import FoldOut
from ..widgets.section import Section, label
from ..widgets.theme import Palette
from .attribute_scale import AttributeScales
from .closeups import CloseUps
from .opinion_plots import (
    ScoreRows,
    SlicePlot,
    fold_rows,
    malignancy_rows,
    part_rows,
    slice_places,
)
from .review_rows import ReviewRows


class NoduleCardSection(Section):
    """Close-ups, malignancy, attributes and the networks' scores for the session's selected finding."""

    characterise = Signal(str)
    """A person wants the networks' opinion on the finding of this id."""
    _built = False

    def __init__(self, preferences: Preferences) -> None:
        super().__init__("nodule")
        self._shown: tuple[Image | None, Finding | None, Orientation | None] | None = None
        self._empty = label("Select a finding to see it from near.", "faint", wrap=True)
        self.closeups = CloseUps()
        self.scores = ScoreRows(ends=True)
        self.verdict = label("", wrap=True)
        self.verdict.setToolTip(READERS)
        self.scores.setToolTip(READERS)
        self.notes = label("", "warning", wrap=True)
        self.bars = AttributeScales()
        self.review = ReviewRows(preferences)
        for widget in (
            *(self._empty, self.closeups, self.review, self.verdict),
            *(self.scores, self.notes, self.bars),
        ):
            self.body.addWidget(widget)
        self.body.addWidget(self._build_offer())
        self.details = self._build_details()
        self.body.addWidget(self.details)
        self._built = True

    def _build_offer(self) -> QWidget:
        self._offer = QWidget()
        self.button = QPushButton("Characterise")
        self.button.setToolTip("Ask the networks how malignant this nodule is, and what it looks like")
        self.button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.button.clicked.connect(self._ask_for_opinions)
        row = QHBoxLayout(self._offer)
        row.setContentsMargins(0, 0, 0, 0)
        self._missing = label(role="faint", wrap=True)
        row.addWidget(self._missing, 1)
        row.addWidget(self.button)
        return self._offer

    def _build_details(self) -> FoldOut:
        details = FoldOut("Scores by slice, view and model")
        self.slices, self.parts, self.folds = SlicePlot(), ScoreRows(), ScoreRows()
        self._slices_title, self._parts_title = label("", "faint"), label("", "faint")
        self._folds_title = label("By each model that was trained without this scan", "faint")
        for widget in (
            self._slices_title,
            self.slices,
            self._parts_title,
            self.parts,
            self._folds_title,
            self.folds,
        ):
            details.body.addWidget(widget)
        return details

    def follow(self, reviewed: ReviewedImage | None) -> None:
        """Show the image's selected finding in the window of its layer."""
        self._shown = None
        if reviewed is not None:
            events = reviewed.session.events
            for signal in (events.image, events.findings, events.selected, events.thresholds):
                self.listen(signal, self._show)
            self.listen(reviewed.layer.events.contrast_limits, self._show_window)
        self._show()

    def set_open(self, shown: bool) -> None:
        """Unfold or fold the body; what happened while it was folded is drawn now."""
        super().set_open(shown)
        if self._built:  # the base opens it before there is anything in it
            self._show()

    def set_colors(self, colors: Palette) -> None:
        """Colours of the present theme."""
        for painted in (self.scores, self.bars, self.slices, self.parts, self.folds):
            painted.set_colors(colors)

    def _ask_for_opinions(self) -> None:
        if self.reviewed is not None and self.reviewed.session.selected is not None:
            self.characterise.emit(self.reviewed.session.selected)

    def _show(self, _value: object = None) -> None:
        session = self.reviewed.session if self.reviewed is not None else None
        image = session.image if session is not None else None
        id = session.selected if session is not None else None
        finding = session.findings[id] if session is not None and id is not None else None
        self.summary.setText(_summary(finding, image))
        if (
            session is not None
            and image is not None
            and finding is not None
            and finding.box is not None
            and self._title.isChecked()
        ):
            self.closeups.words.setText(story(finding, session.findings, session.agreement, image))
        held = session.orientation if session is not None else None
        if not self._title.isChecked() or self._shown == (image, finding, held):
            return
        self._shown = (image, finding, held)
        self.review.show_finding(session, finding)
        self._empty.setVisible(finding is None)
        fits = finding is not None and image is not None and len(finding.center) == image.ndim
        self.closeups.setVisible(fits)
        if finding is not None and image is not None and fits:
            self.closeups.show_finding(image, finding, self._limits(), held or AS_STORED)
        opinions = finding.opinions if finding is not None else ()
        self._show_judgement(finding, opinions, image if fits else None)
        self._show_details(opinions)

    def _show_judgement(
        self, finding: Finding | None, opinions: Sequence[Opinion], image: Image | None
    ) -> None:
        rows = malignancy_rows(finding) if finding is not None else []
        self.scores.set_rows(rows)
        self.scores.setVisible(bool(rows))
        said = verdict(finding) if finding is not None else ""
        self.verdict.setText(said)
        self.verdict.setVisible(bool(said))
        attributes = attributes_of(finding) if finding is not None else {}
        votes = finding.votes if finding is not None else {}
        self.bars.set_values(attributes, _deviations(votes) if votes else _attribute_spread(opinions))
        self.bars.setVisible(bool(attributes))
        notes = notes_of(opinions)
        if finding is not None and image is not None and not image.contains(finding.center):
            notes.insert(0, "The centre of this finding lies outside the image.")
        self.notes.setText("\n".join(f"⚠ {note}" for note in notes))
        self.notes.setVisible(bool(notes))
        judgeable = finding is not None and isinstance(finding.geometry, Sphere) and image is not None
        done = correction(finding) if finding is not None else ""
        self._missing.setText(f"Not characterised since it was {done}." if done else "Not characterised yet.")
        self._offer.setVisible(judgeable and not rows and not attributes)

    def _show_details(self, opinions: Sequence[Opinion]) -> None:
        sliced = next(((o, x) for o in opinions if (x := slice_places(o)) is not None), None)
        viewed = next((o for o in opinions if o.view_scores and slice_places(o) is None), None)
        folds = fold_rows(opinions)
        if sliced is not None:
            self.slices.set_slices(sliced[1], sliced[0].view_scores)
            self._slices_title.setText(
                f"{network(sliced[0].model)}, slice by slice, to ±{self.slices.reach:g} mm"
            )
        if viewed is not None:
            self._parts_title.setText(f"{network(viewed.model)}, view by view")
            self.parts.set_rows(part_rows(viewed))
        self.folds.set_rows(folds)
        for shown, widgets in (
            (sliced, (self._slices_title, self.slices)),
            (viewed, (self._parts_title, self.parts)),
            (folds, (self._folds_title, self.folds)),
        ):
            for widget in widgets:
                widget.setVisible(bool(shown))
        self.details.setVisible(bool(sliced or viewed or folds))

    def _show_window(self, _event: object = None) -> None:
        if self._title.isChecked() and not self.closeups.isHidden():
            self.closeups.set_limits(self._limits())

    def _limits(self) -> tuple[float, float]:
        low, high = self.reviewed.layer.contrast_limits if self.reviewed is not None else (0.0, 1.0)
        return float(low), float(high)


def notes_of(opinions: Sequence[Opinion]) -> list[str]:
    """The opinions' notes, each once, with the network's name where the others do not say the same."""
    by_note: dict[str, list[str]] = {}
    for opinion in opinions:
        for note in dict.fromkeys(opinion.notes):
            by_note.setdefault(note, []).append(network(opinion.model))
    return [
        note if len(names) == len(opinions) else f"{', '.join(names)}: {note}"
        for note, names in by_note.items()
    ]


def _deviations(votes: Mapping[str, Sequence[float]]) -> Mapping[str, float]:
    return {name: mean_and_deviation(shares)[1] for name, shares in votes.items()}


def _attribute_spread(opinions: Sequence[Opinion]) -> Mapping[str, float]:
    return {name: value for opinion in opinions for name, value in opinion.attribute_spread.items()}


def _summary(finding: Finding | None, image: Image | None) -> str:
    """``Ø 21.3 mm · malignancy 0.81``: what matters while the section is folded."""
    if finding is None:
        return ""
    if finding.box is not None and image is not None:
        return size(finding, image)
    units = "px" if image is not None and image.spacing is None else "mm"
    parts = [f"Ø {finding.diameter:.1f} {units}"]
    if is_unlike(finding):
        parts.append(UNLIKE)
    elif finding.malignancy is not None:
        parts.append(f"malignancy {finding.malignancy:.2f}")
    return " · ".join(parts)
