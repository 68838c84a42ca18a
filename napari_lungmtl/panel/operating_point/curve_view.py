"""The curve of an evaluation, tied to the threshold of the image under review."""

from __future__ import annotations

from functools import cache, partial
from pathlib import Path

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QVBoxLayout, QWidget

from ...jobs.worker import Worker, one_step
from ...session.session import Session
from ...training.inference import registry
from ...training.inference.radiograph_answer import ANSWER, shipped_answer
from ...training.inference.suitability import suits
from ...training.operating_point.cases import Evaluation, EvaluationFileError, read_evaluation
from ...training.operating_point.curve import OperatingCurve, froc, roc
from ...training.operating_point.shipped import on_answers_scale, shipped_evaluation
from ..show.verdict import verdicts
from ..widgets.section import eliding, label, tool_button
from . import words
from .plot import CurvePlot

Shown = tuple[Evaluation, OperatingCurve]


def curve_of(evaluation: Evaluation) -> OperatingCurve:
    """The ROC curve of radiographs, the FROC curve of scans."""
    curve = roc(evaluation.cases) if evaluation.radiographs else froc(evaluation.cases)
    if curve is None:
        raise EvaluationFileError(f"{evaluation.title} has no curve: choose another evaluation.")
    return curve


@cache
def shipped(radiographs: bool) -> Shown | None:
    """What comes with the weights, if it belongs to them."""
    evaluation = shipped_evaluation(radiographs)
    return None if evaluation is None else (evaluation, curve_of(evaluation))


def read(path: Path, radiographs: bool, answered: bool) -> Shown:
    """The curve of a file for the kind of image that is seen.

    Parameters
    ----------
    answered
        Whether radiographs are judged by the one answer, whose scale is another than a network's.

    Raises
    ------
    EvaluationFileError
        There is none, or it is of the other kind.
    """
    evaluation = read_evaluation(path)
    if evaluation.radiographs != radiographs:
        kinds = "radiographs", "scans"
        there, seen = kinds if evaluation.radiographs else kinds[::-1]
        raise EvaluationFileError(f"{path} is of {there}, and {seen} are looked at: choose one of {seen}.")
    if radiographs and answered:
        try:
            evaluation = on_answers_scale(evaluation, shipped_answer())
        except EvaluationFileError as error:
            raise EvaluationFileError(f"{path} {error}") from None
    return evaluation, curve_of(evaluation)


class CurveView(QWidget):
    """Chooses an evaluation, draws its curve, and says what the threshold is worth; the handle moves the threshold."""

    changed = Signal()
    """What is said of the present threshold."""

    def __init__(self) -> None:
        super().__init__()
        self._session: Session | None = None
        self._chosen: dict[bool, Shown] = {}
        self.work = Worker("The evaluation cannot be shown", self)
        self.work.finished.connect(self._take)
        self.work.failed.connect(self._refuse)
        self.open = tool_button(
            "Evaluation…", "Show the curve of a file that 'lungmtl evaluate --json' wrote", self._ask
        )
        self.name = eliding("faint")
        self.remove = tool_button("✕", "Back to the curve that comes with the weights", self._forget)
        self.plot = CurvePlot()
        self.plot.moved.connect(self._move)
        self.line = label("", wrap=True)
        self.basis = label("", "faint", wrap=True)
        self.problem = label("", "warning", wrap=True)
        row = QHBoxLayout()
        row.addWidget(self.open)
        row.addWidget(self.name, 1)
        row.addWidget(self.remove)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(row)
        for widget in (self.plot, self.line, self.basis, self.problem):
            column.addWidget(widget)

    # ---- what is shown

    @property
    def radiographs(self) -> bool:
        """Whether a radiograph is looked at."""
        image = self._session.image if self._session is not None else None
        return image is not None and image.ndim == 2

    @property
    def shown(self) -> Shown | None:
        """The evaluation that is drawn, with its curve; None where nothing is known."""
        if self._session is None or self._session.image is None:
            return None
        return self._chosen.get(self.radiographs) or shipped(self.radiographs)

    @property
    def threshold(self) -> float:
        """The present one, of scores, or of what is said of whole radiographs (at a prevalence of 50 %)."""
        assert self._session is not None
        if not self.radiographs:
            return self._session.thresholds.score
        said = verdicts(self._session)
        chosen = self._session.thresholds.image
        return said[0].threshold if said else shipped_answer().threshold if chosen is None else chosen

    @property
    def brief(self) -> str:
        """For the section's title."""
        return "" if self.shown is None else words.brief(self.shown[1], self.threshold)

    def set_session(self, session: Session | None) -> None:
        """Show another image's threshold."""
        self._session = session
        self._say("")
        self.show_all()

    def show_all(self) -> None:
        """Draw evaluation and threshold anew."""
        shown = self.shown
        evaluation, curve = shown if shown is not None else (None, None)
        self.plot.set_curve(curve)
        for widget in (self.plot, self.line, self.basis):
            widget.setVisible(shown is not None)
        self.name.setText(evaluation.title if evaluation is not None else "no evaluation of these weights")
        tip = "\n".join((evaluation.title, *evaluation.notes)) if evaluation is not None else ""
        self.name.setToolTip(tip)
        self.remove.setVisible(self.radiographs in self._chosen)
        self.open.setEnabled(self._session is not None and self._session.image is not None)
        if evaluation is not None and curve is not None:
            self.basis.setText(f"{words.basis(curve)}.{self._other_weights(evaluation)}")
            self.basis.setToolTip(tip)
        self.show_threshold()

    def show_threshold(self) -> None:
        """Draw the threshold anew."""
        shown = self.shown
        if shown is not None:
            self.plot.set_threshold(self.threshold)
            text = words.expectation(shown[1], self.threshold)
            self.line.setText(text)
            self.plot.setAccessibleDescription(text)
        self.changed.emit()

    def _other_weights(self, evaluation: Evaluation) -> str:
        """A sentence where the marks, or those that a run would bring, come from others than the weights that were evaluated."""
        assert self._session is not None
        findings = self._session.findings
        if not findings.models and not findings.image_scores:
            return "" if self._in_use(evaluation) else " A run would use other weights than the curve's."
        if evaluation.network == ANSWER:
            foreign = bool(findings.image_scores) and all(s.model != ANSWER for s in findings.image_scores)
        else:
            known = {str(m.get("name")): str(m.get("sha256") or "") for m in findings.models}
            foreign = bool(known) and not known.get(evaluation.network, "-").startswith(evaluation.sha256)
        return " The marks come from other weights than the curve." if foreign else ""

    def _in_use(self, evaluation: Evaluation) -> bool:
        """Whether a run on the image would be by the weights that were evaluated; the answer is of shipped ones."""
        assert self._session is not None
        image = self._session.image
        assert image is not None
        in_use = {i.name: i for i in registry.running(i for i in registry.models() if suits(i, image))}
        if evaluation.network == ANSWER:
            return all(name in in_use and in_use[name].weights is None for name in shipped_answer().speakers)
        if evaluation.network not in in_use:
            return False
        # Of a file that has gone since, or lies on a slow disk, the run tells.
        return registry.card_as_chosen(evaluation.network).sha256.startswith(evaluation.sha256)

    # ---- what a person does

    def _move(self, threshold: float) -> None:
        if self._session is not None:
            self._session.set_thresholds(**{"image" if self.radiographs else "score": threshold})

    def _ask(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Evaluation", "", "Evaluation (*.json);;All files (*)")
        if path:
            self.load(Path(path))

    def load(self, path: Path) -> None:
        """Show the curve of a file, once it is read."""
        if self._session is None:
            return
        self._say("")
        scores = self._session.findings.image_scores
        answered = not scores or any(s.model == ANSWER for s in scores)
        radiographs = self.radiographs

        def work() -> tuple[bool, Shown]:
            return radiographs, read(path, radiographs, answered)

        self.work.start(partial(one_step, work), str(path))

    def _take(self, result: tuple[bool, Shown]) -> None:
        radiographs, shown = result
        self._chosen[radiographs] = shown
        self.show_all()

    def _refuse(self, message: str) -> None:
        self._say(message)

    def _forget(self) -> None:
        self._chosen.pop(self.radiographs, None)
        self._say("")
        self.show_all()

    def _say(self, text: str) -> None:
        self.problem.setText(text)
        self.problem.setVisible(bool(text))
