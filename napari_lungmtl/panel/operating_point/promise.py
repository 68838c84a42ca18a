"""The setting "at most N false marks a scan": tuned on reviewed cases, held for all images, with a lamp where it may not hold."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from napari.utils.notifications import show_info
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QCheckBox, QHBoxLayout, QSpinBox, QVBoxLayout, QWidget

from ...jobs.worker import Worker
from ...session.session import Session
from ...session.thresholds import Promised, open_with
from ...training.inference.predictor import SCORE_FLOOR, Progress
from ...training.operating_point.calibration import Calibration
from ...training.operating_point.likeness import Likeness
from ...training.operating_point.reviewed import weights_of
from ..cases.controls import button
from ..widgets.section import label, set_role
from . import store, words
from .reviews import Review, calibrate, measured

MOST = 20
"""False marks a scan that may be asked for."""


class PromiseView(QWidget):
    """Tunes the threshold on reviewed cases, applies it, and says for which scans it was tuned.

    Parameters
    ----------
    reviews
        The cases that are done, of radiographs or scans.
    """

    changed = Signal()
    """Another promise holds, or none; or the lamp."""
    published = Signal()
    """Images open at another score than before."""

    def __init__(self, reviews: Callable[[bool], list[Review]]) -> None:
        super().__init__()
        self._reviews = reviews
        self._session: Session | None = None
        self._kept: dict[bool, tuple[Calibration | None, str]] = {}
        self._features: tuple[object, dict[str, float]] | None = None
        self._tuned: dict[bool, tuple[tuple[Calibration, int], float | None]] = {}
        self._held = {False: False, True: False}  # whether a person wants it, of scans and of radiographs
        self._most = {False: 1, True: 1}
        self._from_before: set[bool] = (
            set()
        )  # kinds whose promise an earlier window gave, and this one has not told of
        self._tuning = False
        self._applying = False
        self._note = ""
        self.lamp: Likeness | None = None
        self.work = Worker("The reviewed cases cannot be read", self)
        self.work.progressed.connect(self._on_progress)
        self.work.finished.connect(self._take)
        self.work.failed.connect(self._on_failed)
        self.measuring = Worker("This scan cannot be compared", self)
        self.measuring.finished.connect(self._take_features)
        self._build()
        for radiographs in self._held:
            self._take_up(radiographs)

    def _take_up(self, radiographs: bool) -> None:
        """Hold what the last window held, if what it was tuned on is still there."""
        held = store.load_held(radiographs)
        if held is None or held.most not in range(1, MOST + 1):
            open_with(radiographs, None)
            return
        known = self._known(radiographs)
        self._most[radiographs] = held.most
        self._held[radiographs] = known is not None and known.weights == held.weights
        if self._held[radiographs]:
            self._from_before.add(radiographs)
        self._publish(radiographs)

    def _build(self) -> None:
        self.hold = QCheckBox("At most")
        self.hold.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.hold.clicked.connect(self._ask)
        self.most = QSpinBox()
        self.most.setRange(1, MOST)
        self.most.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.most.setAccessibleName("False marks a scan at most")
        self.most.valueChanged.connect(self._ask_most)
        self.kind = label()
        self.tune = button("Tune", "Tune on the cases of the list that are done", self.start)
        row = QHBoxLayout()
        row.setSpacing(5)
        for widget in (self.hold, self.most, self.kind):
            row.addWidget(widget)
        row.addStretch(1)
        below = QHBoxLayout()
        below.setSpacing(5)
        self.state = label("", "faint", wrap=True)
        below.addWidget(self.state, 1)
        below.addWidget(self.tune, 0, Qt.AlignmentFlag.AlignTop)
        self.like = label("", wrap=True)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(row)
        column.addLayout(below)
        column.addWidget(self.like)

    # ---- what is known

    @property
    def radiographs(self) -> bool:
        """Whether a radiograph is looked at."""
        image = self._session.image if self._session is not None else None
        return image is not None and image.ndim == 2

    @property
    def calibration(self) -> Calibration | None:
        """What was tuned on for this kind of image, also by other weights."""
        return self._known(self.radiographs)

    def _known(self, radiographs: bool) -> Calibration | None:
        if radiographs not in self._kept:
            self._kept[radiographs] = store.load(radiographs)
        return self._kept[radiographs][0]

    def _tuned_score(self, radiographs: bool) -> float | None:
        """The score with the promise for images of a kind, whatever weights this one's marks are of."""
        known = self._known(radiographs)
        if known is None:
            return None
        asked = known, self._most[radiographs]
        if radiographs not in self._tuned or self._tuned[radiographs][0] != asked:
            self._tuned[radiographs] = asked, known.threshold(asked[1])
        return self._tuned[radiographs][1]

    @property
    def fits(self) -> bool:
        """Whether it is of the weights whose marks are seen, or will be."""
        known, session = self.calibration, self._session
        if known is None or session is None:
            return False
        return not weights_of(session.findings.models) or known.fits(session.findings.models)

    @property
    def threshold(self) -> float | None:
        """The score with the promise; None where nothing is promised, more than 1 where nothing may be shown."""
        return self._tuned_score(self.radiographs) if self.fits else None

    @property
    def holds(self) -> bool:
        """Whether the promise is given for what is seen."""
        return self._held[self.radiographs] and self.threshold is not None and self.threshold <= 1

    @property
    def unlike(self) -> bool:
        """Whether this scan is unlike those that were tuned on."""
        return self.lamp is not None and self.lamp.unlike

    # ---- the image

    def set_session(self, session: Session | None) -> None:
        """Show another image, and hold the promise for it."""
        self._session = session
        self.lamp = None
        self.most.blockSignals(True)
        self.most.setValue(self._most[self.radiographs])
        self.most.blockSignals(False)
        self._apply()
        self._tell_once()

    def on_findings(self) -> None:
        """Marks have come, perhaps of other weights."""
        self._apply()

    def on_thresholds(self) -> None:
        """A person has moved the threshold: what was promised is not of that one."""
        session = self._session
        threshold = self.threshold if self.holds else None
        if session is None or self._applying or threshold is None:
            return
        if session.thresholds.score != _score(threshold):
            self._ask(False)

    def _apply(self) -> None:
        session, threshold = self._session, self.threshold
        if session is not None and threshold is not None and self.holds:
            self._applying = True
            session.set_thresholds(score=_score(threshold))
            self._applying = False
        self.show_all()

    def _ask(self, on: bool) -> None:
        self._held[self.radiographs] = on
        self._keep(self.radiographs)
        self._apply()

    def _ask_most(self, most: int) -> None:
        self._most[self.radiographs] = most
        self._keep(self.radiographs)
        self._apply()

    def _keep(self, radiographs: bool) -> None:
        """Hold it for the next image and the next window, too."""
        known = self._known(radiographs)
        self._from_before.discard(radiographs)
        held = known is not None and self._held[radiographs]
        store.keep_held(
            radiographs, store.Held(self._most[radiographs], known.weights) if known and held else None
        )
        self._publish(radiographs)

    def _publish(self, radiographs: bool) -> None:
        """Tell from which score on images of a kind open, for the list of cases counts by it."""
        known, score = self._known(radiographs), self._tuned_score(radiographs)
        given = self._held[radiographs] and known is not None and score is not None and score <= 1
        promised = Promised(_score(score), known.weights) if given and known and score is not None else None
        if open_with(radiographs, promised):
            self.published.emit()

    def _tell_once(self) -> None:
        """A window that begins with a promise says so: marks are hidden by it."""
        kind, known, threshold = self.radiographs, self.calibration, self.threshold
        if kind in self._from_before and self.holds and known is not None and threshold is not None:
            self._from_before.discard(kind)
            show_info(words.held_from_before(self._most[kind], threshold, len(known.scans), kind))

    # ---- tuning

    def start(self) -> None:
        """Read the reviewed cases, off the GUI thread."""
        if self._session is None:
            return
        self._note, self._tuning = "", self.radiographs
        models = self._session.findings.models
        self.work.start(partial(calibrate, self._reviews(self.radiographs), models))
        self.tune.setEnabled(False)

    def _on_progress(self, step: Progress) -> None:
        self.state.setText(step.stage)

    def _take(self, calibration: Calibration) -> None:
        self._kept[self._tuning] = calibration, store.keep(calibration, self._tuning)
        self._held[self._tuning] = True
        self._keep(self._tuning)
        self._apply()

    def _on_failed(self, message: str) -> None:
        self._note = message
        self.show_all()

    # ---- what is shown

    def show_all(self) -> None:
        """Say how far the promise has come, and whether it is of scans like this one."""
        known = self._session is not None and self._session.image is not None
        count = len(self._reviews(self.radiographs)) if known else 0
        threshold = self.threshold
        possible = threshold is not None and threshold <= 1
        self.kind.setText(
            f"false mark{'s' * (self.most.value() != 1)} a {'radiograph' if self.radiographs else 'scan'}"
        )
        self.hold.setToolTip(words.promise_tip(self.radiographs))
        self.hold.setEnabled(possible)
        self.hold.setChecked(self.holds)
        if not self.work.running:
            self.tune.setEnabled(known and count >= words.LEAST_SCANS)
            self._say_state(count)
        self._say_likeness()
        self.changed.emit()

    def _say_state(self, count: int) -> None:
        calibration, threshold = self.calibration, self.threshold
        trouble = self._note or self._kept.get(self.radiographs, (None, ""))[1]
        role = "warning" if trouble else "faint"
        if trouble:
            text = trouble
        elif calibration is None:
            text = words.reviewed(count, self.radiographs)
        elif not self.fits:
            role, tuned = "warning", words.scans(len(calibration.scans), self.radiographs)
            text = (
                f"Void: {tuned} were tuned on with other weights. {words.reviewed(count, self.radiographs)}"
            )
        elif threshold is None:
            text = words.reviewed(len(calibration.scans), self.radiographs)
        else:
            kept = calibration.kept(threshold)
            text = words.promise(self.most.value(), threshold, len(calibration.scans), kept, self.radiographs)
        set_role(self.state, role)
        self.state.setText(text)

    def _say_likeness(self) -> None:
        image = self._session.image if self._session is not None else None
        if self.calibration is None or not self.fits or image is None:
            self.lamp = None
        elif self._features is None or self._features[0] is not image:
            self.lamp = None
            if self.isVisible() or self.holds:
                self.measuring.start(measured(image))
        else:
            self.lamp = self.calibration.likeness(self._features[1])
        self.like.setVisible(self.lamp is not None)
        if self.lamp is not None:
            set_role(self.like, "warning" if self.lamp.unlike else "accepted")
            self.like.setText(f"{'▲' if self.lamp.unlike else '●'} {self.lamp.words}")

    def _take_features(self, result: tuple[object, dict[str, float]]) -> None:
        self._features = result
        self.show_all()


def _score(threshold: float) -> float:
    """What the image's threshold is set to: below the floor there are no marks."""
    return max(threshold, SCORE_FLOOR)
