"""The image under review: the single source of truth that layers, table and plots are views of.

No Qt, no torch, no napari. One `Session` per open image: it keeps its own history and sidecar, so that an
image that nobody looks at can still take a run's result.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from ..training.findings import Finding, Findings, ImageReference, Measurement, Region
from ..training.findings.history import now
from ..training.findings.log.record import Record
from ..training.findings.measurements.of_nodules import followed
from ..training.imaging.image import Image
from ..training.imaging.radiograph.orientation import AS_STORED, Orientation
from .changes import changed_ids, edited, what_changed, with_news, words_of
from .events import SessionEvents
from .log.history import History, Standing, Step
from .log.writer import JOINED
from .looking import Looking
from .review import merge_run, moved, reviewer, stood_upright
from .same_findings import numbered
from .saving import Place, Saving, Sidecar
from .shared.joining import Change, each_once
from .thresholds import Thresholds

__all__ = ["Session", "SessionEvents", "Thresholds"]


WENT_BACK = "back to "
"""Begins the words of a step that brought an earlier state back."""


class Session(Looking):
    """One image under review with its findings, thresholds and selection.

    Commands that edit findings can be undone; thresholds and selection are ways of looking and stay out of the history. Every edit
    is saved within a fraction of a second in the sidecar that `place` gives the image. Commands are for one thread (the window's).
    """

    def __init__(self, place: Place = Sidecar) -> None:
        super().__init__()
        self._image: Image | None = None
        self._last_number = self._last_before = self._last_taken_out = 0
        self._partial: Findings | None = None
        self._before_run: Findings | None = None
        self._history: History[Findings] = History()
        self._saving = Saving(self.events, place)

    # ---- what is known

    @property
    def image(self) -> Image | None:
        """The image under review."""
        return self._image

    @property
    def findings(self) -> Findings:
        """All findings, shown or not."""
        return self._findings

    @property
    def orientation(self) -> Orientation:
        """How the radiograph is turned to be looked at; findings lie where they are in the file."""
        return self._findings.orientation or AS_STORED

    @property
    def last_taken_out(self) -> int:
        """The highest number of a measurement that is gone from the image: it may stand in a report, and is not given again."""
        return self._last_taken_out

    @property
    def is_partial(self) -> bool:
        """Whether a run goes on whose first networks alone have said what is shown."""
        return self._partial is not None and self._partial is self._findings

    @property
    def can_undo(self) -> bool:
        """Whether an edit can be taken back."""
        return self._history.can_undo

    @property
    def can_redo(self) -> bool:
        """Whether an edit that was taken back can be done again."""
        return self._history.can_redo

    @property
    def undo_words(self) -> str:
        """What `undo` would take back: ``rejected 3``; empty where there is nothing."""
        return words_of(self._history.last)

    @property
    def redo_words(self) -> str:
        """What `redo` would do again; empty where there is nothing."""
        return words_of(self._history.next)

    @property
    def steps(self) -> tuple[Step[Findings], ...]:
        """All commands since the image was opened, by time, also those that were taken back."""
        return self._history.steps

    @property
    def standings(self) -> dict[object, Standing]:
        """How each of `steps` stands, by its key; what holds last of those that are done is what is shown."""
        return self._history.standings()

    @property
    def saving(self) -> Saving:
        """Where the findings and the log of commands are kept."""
        return self._saving

    @property
    def sidecar(self) -> Path | None:
        """The file that autosave writes; None while no image is open."""
        return self._saving.path

    @property
    def saved_at(self) -> datetime | None:
        """When the sidecar was last written by this session."""
        return self._saving.saved_at

    # ---- the image

    def open(self, image: Image | None, findings: Findings | None = None) -> None:
        """Put an image under review, with what its sidecar holds.

        Parameters
        ----------
        image
            The new image; None closes the present one. What the present one had is saved first.
        findings
            Findings to start from, from a file. They join the sidecar's like a run's, and can be undone.
        """
        stored, problem = self._saving.open(image)
        self._history.clear()
        self._partial = self._before_run = None
        self._image, self._selection, self._last_taken_out = image, (), 0
        self._last_number = max((f.number for f in stored), default=0)
        self._findings = stored if image is None else replace(stored, image=ImageReference.of(image))
        if (upright := stood_upright(image, self._findings)) is not None:
            self._history.push(self._step(replace(self._findings, orientation=AS_STORED), upright))
            self._findings = upright  # saved when a person or a run does something
        self._forget_views()
        self.events.image.emit(image)
        self.events.findings.emit(self._findings)
        self.events.selected.emit(None)
        self.events.selection.emit(())
        if problem:
            self.events.problem.emit(problem)
        if findings is not None:
            self.replace_findings(findings)

    def save(self, *, wait: bool = True) -> bool:
        """Write now what is not yet saved, at once or in the background; whether everything is on the disk."""
        return self._saving.save(wait=wait)

    def close(self, *, wait: bool = True) -> None:
        """Save, at once or in the background, and stop saving. The session can be read, but edits are no longer kept."""
        self._saving.close(wait=wait)

    def take_in(self) -> None:
        """Show what others have saved of the same image since; no undo takes it back."""
        before = self._findings
        if self._saving.take_in(self._join):
            joined, self._findings = self._findings, before
            self._note_taken_out(before, joined)
            self._put(joined, JOINED, joins=True)

    def _join(self, change: Change) -> Findings:
        """Do what others changed to all states that there are."""
        joined = each_once(
            lambda ours: followed(
                change.after, followed(ours, change.of(ours).findings, self._image), self._image
            )
        )
        self._history.change_all(joined)
        self._partial = self._partial and joined(self._partial)
        self._before_run = self._before_run and joined(self._before_run)
        self._findings = joined(self._findings)
        return self._findings

    @property
    def elsewhere(self) -> str:
        """Who else has the image open, in a sentence, if anybody has."""
        return self._saving.elsewhere

    # ---- commands on findings (undoable)

    def replace_findings(self, findings: Findings, *, partial: bool = False) -> None:
        """Take a run's result, and keep what a person accepted, rejected, drew, edited or noted.

        Parameters
        ----------
        findings
            The result.
        partial
            It is what is known so far: the next result joins it in one step of the history, if nobody has edited since.
        """
        step = self._history.retract() if self.is_partial else None
        present = self._findings if step is None else step.before  # as if the partial result had never been
        former = present if self._before_run is None else self._before_run
        self._last_number = self._last_number if step is None else self._last_before
        self._before_run, self._last_before = former if partial else None, self._last_number
        after = numbered(merge_run(present, findings, former, self._last_taken_out), self._last_number)
        after = followed(present, after, self._image)
        self._partial = after if partial else None  # views ask while they are told
        if step is not None:
            self._history.push(self._step(present, after, step.selection))
            self._note_taken_out(present, after)
            self._put(after)
        else:
            self._do(after)
        if self._findings is not after:  # nothing new
            self._partial = None

    def drop_partial(self) -> bool:
        """A run ended before its end: take its partial result back; False where somebody has edited it since, and it stays."""
        partial, self._partial, self._before_run = self._partial, None, None
        if partial is None or not self._history.has_done(partial):  # nothing had come, or it was undone
            return True
        if partial is not self._findings:
            return False
        self._put(self._history.undo().before, "took back what a run had found that did not end")
        return True

    def edit(
        self,
        *,
        add: Iterable[Finding] = (),
        change: Iterable[Finding] = (),
        remove: Iterable[str] = (),
        models: Iterable[Mapping[str, Any]] = (),
        notes: Iterable[str] = (),
        measurements: Iterable[Measurement] = (),
        outlined_by: Mapping[str, str] | None = None,
    ) -> None:
        """Several edits as one step of the history.

        Parameters
        ----------
        add
            New findings, appended.
        change
            Findings that replace those of the same id.
        remove
            Ids to take out.
        models, notes, measurements
            What the change comes from, what a run had to say and what it measured; they join those of the findings.
        outlined_by
            By id the network, with the version of its weights, that drew the new shape; a person drew all others.

        Raises
        ------
        KeyError
            No finding has that id.
        """
        items = edited(self._findings, add, change, remove, outlined_by)
        after = numbered(self._findings.with_items(items), self._last_number)
        after = with_news(after, models, notes, measurements, self._last_taken_out)
        self._do(followed(self._findings, after, self._image))

    def add(self, finding: Finding) -> None:
        """Append a finding and select it."""
        self.edit(add=[finding])
        self.select(finding.id)

    def remove(self, id: str) -> None:
        """Take a finding out."""
        self.edit(remove=[id])

    def change(self, id: str, **fields: Any) -> None:
        """Change fields of a finding (`geometry`, `note` …); who moves or resizes it becomes its author (see `moved`)."""
        finding = self._findings[id]
        geometry = fields.get("geometry", finding.geometry)
        if geometry != finding.geometry:
            finding = moved(finding, geometry)
        self.edit(change=[finding.with_(**fields)])

    def accept(self, *ids: str) -> None:
        """A person agrees with some findings, in one step of the history."""
        self.edit(change=[self._findings[id].with_(status="accepted", reason="") for id in ids])

    def reject(self, *ids: str) -> None:
        """A person disagrees with some findings; they stay, so that it can be taken back in one step."""
        self.edit(change=[self._findings[id].with_(status="rejected") for id in ids])

    def set_regions(self, regions: Iterable[Region]) -> None:
        """Replace lungs and other anatomy, as a person outlines them.

        Raises
        ------
        ValueError
            Two regions share a name.
        """
        self._do(replace(self._findings, regions=tuple(regions)))

    def measure(self, measurements: Iterable[Measurement]) -> None:
        """Replace all that was measured on the image (see `measuring`)."""
        self._do(replace(self._findings, measurements=tuple(measurements)))

    def orient(self, orientation: Orientation) -> None:
        """Turn, mirror or invert the radiograph for the eye and for the networks; findings keep their places in the file."""
        self._do(replace(self._findings, orientation=orientation))

    def set_done(self, done: bool) -> None:
        """A person has read the image, or says that it is to be read again."""
        self._do(replace(self._findings, done_by=reviewer() if done else ""))

    def undo(self) -> None:
        """Take the last edit back, with what was selected then, and say what it was; nothing happens where there is none."""
        if self._history.can_undo:
            step = self._history.undo()
            self._put(step.before, f"undone: {words_of(step)}")
            self.select_all(self._there(step.selection))
            self.events.undone.emit(f"Undone: {words_of(step)}")

    def redo(self) -> None:
        """Do the last undone edit again, select what is seen of its change, and say what; nothing happens where there is none."""
        if self._history.can_redo:
            step = self._history.redo()
            self._put(step.after, f"done again: {words_of(step)}")
            ids = set(changed_ids(step.before, step.after))
            self.select_all(self._there(step.selection or [f.id for f in self.visible if f.id in ids][-1:]))
            self.events.undone.emit(f"Done again: {words_of(step)}")

    def go_to(self, findings: Findings, words: str) -> None:
        """Bring an earlier state back, in one step of the history; `words` say which: ``12:04, rejected 3``."""
        self._do(replace(findings, image=self._findings.image), f"{WENT_BACK}{words}")

    def join(self, findings: Findings, words: str, records: Iterable[Record] = ()) -> None:
        """Show what became of these findings and another person's, in one step; the records of their log go into the image's."""
        self._saving.take_records(records)
        findings = followed(self._findings, findings, self._image)
        if findings == self._findings:
            self._saving.request(findings)
        self._do(findings, words, joins=True)

    def _step(
        self, before: Findings, after: Findings, selection: tuple[str, ...] = (), words: str = ""
    ) -> Step[Findings]:
        return Step(before, after, selection, words or what_changed(before, after), reviewer(), now())

    def _do(self, after: Findings, words: str = "", *, joins: bool = False) -> None:
        if after != self._findings:
            step = self._step(self._findings, after, self._selection, words)
            self._history.push(step)
            self._note_taken_out(step.before, after)
            self._put(after, step.words, joins=joins)

    def _note_taken_out(self, before: Findings, after: Findings) -> None:
        kept = {m.number for m in after.measurements}
        gone = (m.number for m in before.measurements if m.number not in kept)
        self._last_taken_out = max(self._last_taken_out, *gone, 0)

    def _put(self, findings: Findings, words: str = "", *, joins: bool = False) -> None:
        self._saving.note(self._findings, findings, words, joins=joins)
        self._findings = findings
        self._last_number = max([self._last_number if len(findings) else 0, *(f.number for f in findings)])
        self._forget_views()
        self._saving.request(findings)
        before, kept = self.selected, self._there(self._selection)
        lost, self._selection = kept != self._selection, kept
        self.events.findings.emit(findings)
        if self.selected != before:
            self.events.selected.emit(self.selected)
        if lost:
            self.events.selection.emit(self._selection)
