"""From folders of reviewed studies to weights that are measured before and after: what the command and the window run."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import LungmtlError
from ..inference import registry
from ..inference.predictor import Progress
from ..inference.view import View
from ..inference.weights import ModelCard, read_card
from .candidates import Candidates, Head, LearningError, Outcome
from .card import write_learned
from .fit import Choice, Rows, Scale, choose_pull, fit, together
from .guard import Comparison, Verdict, compare, joined
from .kept import Kept
from .known import KnownCase, known_set, outcome_of
from .places import judged_rows
from .reviewed import ReviewedStudy, find_reviewed
from .turned import as_stored, to_turned

SHARES = (1.0, 0.5, 0.25)
"""Parts of the step that are tried until nothing is forgotten."""
HELD_BACK = 0.3
"""Share of the reviewed studies that nothing is learnt from."""
ENOUGH = 5
"""Studies from which on some are held back."""
BACK = "held-back reviewed studies"
Measure = Callable[[Any, str], Outcome]
"""Gets a predictor and the SHA-256 of its weights."""


@dataclass(frozen=True)
class Learned:
    """What came of learning.

    Parameters
    ----------
    weights
        The file, its card beside it.
    studies, held_back
        Names of the studies that were learnt from, and of those that were not.
    passed_over
        A sentence for each that could not be used.
    """

    network: str
    weights: Path
    verdict: Verdict
    choice: Choice
    studies: tuple[str, ...]
    held_back: tuple[str, ...]
    passed_over: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """For a person: what it was learnt from, what follows, and before and after."""
        return f"{self.lesson} {self.verdict.sentence}"

    @property
    def lesson(self) -> str:
        """What it was learnt from."""
        count = len(self.studies)
        said = f"Learnt from {count} stud{'y' if count == 1 else 'ies'}, {len(self.held_back)} held back."
        if self.choice.helps:
            return said
        why = (
            "What they teach did not hold on those of them that were left out"
            if self.choice.after
            else "They are few"
        )
        return f"{said} {why}, so the smallest step was taken."


def learners() -> tuple[str, ...]:
    """Names of the networks that learn from reviewed studies; imports no torch."""
    names = (info.name for info in registry.models() if info.name in registry.NETWORKS)
    return tuple(name for name in names if registry.network(name).learns)


def split(studies: Sequence[ReviewedStudy]) -> tuple[list[ReviewedStudy], list[ReviewedStudy]]:
    """Divide studies into those to learn from and those held back, by a hash of their names: the same on every machine.

    Both have studies with nodules and without, as far as there are such; of fewer than `ENOUGH` none is held back.
    """
    if len(studies) < ENOUGH:
        return list(studies), []

    def order(study: ReviewedStudy) -> tuple[bool, bytes]:
        name = study.name.encode("utf-8", "surrogatepass")
        return not len(study.nodules), hashlib.blake2b(name).digest()

    back = [int((i + 1) * HELD_BACK) > int(i * HELD_BACK) for i in range(len(studies))]
    ordered = sorted(studies, key=order)
    return (
        [s for s, held in zip(ordered, back, strict=True) if not held],
        [s for s, held in zip(ordered, back, strict=True) if held],
    )


@dataclass(frozen=True, eq=False)
class Lessons:
    """What studies teach: what was judged in each, and the features (P, F) of all that was looked at."""

    studies: list[ReviewedStudy] = field(default_factory=list)
    rows: list[Rows] = field(default_factory=list)
    features: list[np.ndarray] = field(default_factory=list)


class _Learning:
    """One run: the weights that it starts from, and what was worked out so far."""

    def __init__(self, name: str, kept: Path, weights: Path | None, device: str) -> None:
        if not registry.network(name).learns:
            raise LearningError(
                f"{name} does not learn from reviewed studies; those that do: {', '.join(learners())}."
            )
        self.network, self.device = registry.network(name), device
        self.weights = weights or registry.weights_path(name)
        self.card: ModelCard = read_card(self.weights)
        self.predictor = registry.load_predictor(name, device, weights)
        self.kept = Kept(kept, self.card.sha256)
        self.passed_over: list[str] = []

    def candidates(self, study: ReviewedStudy) -> Candidates:
        """What the network looked at in a study."""
        drawn = np.concatenate([study.nodules, study.rejected])
        return self.kept.candidates(study.key, lambda: self._look(study, drawn))

    def _look(self, study: ReviewedStudy, drawn: np.ndarray) -> Candidates:
        view = View.of(study.open(), study.findings.orientation)
        return as_stored(self.network.candidates(self.predictor, view.turned, to_turned(drawn, view)), view)

    def outcome(self, study: ReviewedStudy, predictor: Any, weights: str) -> Outcome:
        """What weights make of a reviewed study: marks on what nobody accepted are other marks."""
        return self.kept.outcome(
            weights,
            f"{study.key} reviewed",
            lambda: outcome_of(
                study.name, study.open(), predictor, study.nodules, study.findings.orientation
            ),
        )

    def known(self, case: KnownCase, predictor: Any, weights: str) -> Outcome:
        """What weights make of a case of the dev set."""
        return self.kept.outcome(weights, f"{case.name} known", lambda: case.outcome(predictor))

    def look_at(self, studies: Sequence[ReviewedStudy], steps: _Steps) -> Generator[Progress, None, Lessons]:
        """Look at the studies to learn from; those that cannot be read are passed over."""
        lessons = Lessons()
        for study in studies:
            yield steps.next(f"looking at {study.name}")
            try:
                seen = self.candidates(study)
            except LungmtlError as error:
                self.passed_over.append(str(error))
                continue
            planar = len(study.findings.image.shape) == 2
            lessons.rows.append(judged_rows(seen, study.nodules, study.rejected, planar))
            lessons.features.append(seen.features[~seen.drawn])
            lessons.studies.append(study)
        return lessons

    def teach(self, lessons: Lessons) -> tuple[Choice, Head]:
        """Fit the step; gives the pull that was chosen, and by how much the layer moves.

        Raises
        ------
        LearningError
            Nothing is accepted, or nothing rejected.
        """
        every = together(lessons.rows) if lessons.rows else None
        if every is None or not every.both:
            lack = (
                "rejected as no nodule" if every is not None and every.label.any() else "accepted as a nodule"
            )
            told = f" {self.passed_over[0]}" if self.passed_over else ""
            raise LearningError(
                f"In the studies to learn from nothing is {lack}: it takes both, accepted and rejected findings.{told}"
            )
        scale = Scale.of(lessons.features)
        choice = choose_pull(lessons.rows, scale)
        return choice, fit(every, scale, choice.pull)

    def with_step(self, step: Head) -> dict[str, Any]:
        """The network's tensors with the layer that has moved."""
        return self.network.with_head(self.predictor, self.network.head(self.predictor) + step)

    def compare(
        self, name: str, cases: Mapping[str, Measure], path: Path, steps: _Steps
    ) -> Generator[Progress, None, Comparison | None]:
        """Measure both weights on cases; None where none could be measured."""
        new = read_card(path)
        predictor = registry.load_predictor(self.card.name, self.device, path)
        pairs: list[list[Outcome]] = []
        for case, measure in cases.items():
            both: list[Outcome] = []
            for who, sha in ((self.predictor, self.card.sha256), (predictor, new.sha256)):
                yield steps.next(f"measuring on {case}")
                try:
                    both.append(measure(who, sha))
                except LungmtlError as error:
                    self.passed_over.append(str(error))
                    break
            if len(both) == 2:
                pairs.append(both)
        before, after = (joined(pair[i] for pair in pairs) for i in range(2))
        return compare(name, before, after, self.card.default_threshold) if pairs else None


class _Steps:
    """Equal parts of the whole, for a progress bar."""

    def __init__(self, count: int) -> None:
        self._count, self._done = max(count, 1), 0

    def next(self, stage: str) -> Progress:
        """The step that begins now."""
        self._done += 1
        return Progress(min(0.02 + 0.96 * (self._done - 1) / self._count, 0.98), stage)


def learn(
    name: str,
    folders: Sequence[Path],
    out: Path,
    *,
    weights: Path | None = None,
    device: str = "auto",
    kept: Path | None = None,
) -> Generator[Progress, None, Learned]:
    """Yield progress; learn from reviewed studies, write weights with their card, and measure them before and after.

    A run that was stopped goes on where it stood when it is started again with the same folder: what follows comes out the same.

    Parameters
    ----------
    name
        One of `learners`.
    folders
        Searched for saved findings, all folders below them too.
    out
        Gets the weights, their card, and ``kept``, what was worked out on the way.
    weights
        Other weights than the shipped ones to start from.
    kept
        Another folder than `out` for what was worked out on the way.

    Raises
    ------
    LearningError
        There is no reviewed study, nothing accepted, or nothing rejected; or `out` holds the weights to start from.
    """
    card = registry.card(name) if weights is None else read_card(weights)
    if card.name != name:
        raise LearningError(f"{weights} holds weights of {card.name}, not of {name}.")
    target = out / f"{name}.safetensors"
    if target.resolve() in {path.resolve() for path in (registry.weights_path(name), weights) if path}:
        raise LearningError(
            f"{target} is what is learnt from, and would be overwritten: choose another --out."
        )
    studies, passed_over = find_reviewed(folders, [registry.info_of(card)])
    yield Progress(0.0, "loading the network")
    run = _Learning(name, kept or out, weights, device)
    run.passed_over += passed_over
    chosen, held_back = split(studies)
    known = known_set(name, run.card)
    steps = _Steps(len(chosen) + 2 * len(held_back) + 2 * len(known.cases))
    lessons = yield from run.look_at(chosen, steps)
    choice, step = run.teach(lessons)
    dev: dict[str, Measure] = {c.name: partial(run.known, c) for c in known.cases}
    for share in SHARES:
        choice, state = replace(choice, share=share), run.with_step(step.scaled(share))
        path = write_learned(state, run.card, out, lessons.studies, held_back, choice)
        old = yield from run.compare(known.name, dev, path, steps)
        if old is None or not old.worse:
            break
    reviewed: dict[str, Measure] = {s.name: partial(run.outcome, s) for s in held_back}
    own = yield from run.compare(BACK, reviewed, path, steps)
    verdict = Verdict(tuple(c for c in (own, old) if c is not None), own is not None)
    path = write_learned(state, run.card, out, lessons.studies, held_back, choice, verdict)
    yield Progress(1.0, "done")
    names, back = (tuple(s.name for s in group) for group in (lessons.studies, held_back))
    return Learned(name, path, verdict, choice, names, back, tuple(run.passed_over))
