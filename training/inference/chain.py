"""Chains of models: detection, false-positive reduction (where it helps), characterisers, fusion of their opinions.

A chain has the shape of a `Predictor`: one run, one progress, stopped by closing. What one link cannot do is said in a note, and
the others go on. Models are loaded when their turn comes, and kept for the next run.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from ..errors import LungmtlError
from ..findings import Finding, Findings
from ..findings.models import join_models
from ..imaging.image import Image
from ..imaging.radiograph.orientation import AS_STORED, Orientation, turn
from ..imaging.radiograph.upright import with_dark_air
from . import model_store, registry
from .fusion import fuse
from .predictor import HeatMap, ModelInfo, PredictorError, Progress
from .progress import ChainProgress, arriving, noted
from .radiograph_answer import answered
from .suitability import frontal_doubt, places, sort_out, suits
from .view import View, heat_map_as_stored
from .weights import WeightsError

log = logging.getLogger(__name__)

Run = Generator[Progress, None, Findings]
TASKS = ("detection", "reduction", "characterisation", "segmentation")
STAGE = "judging malignancy"


def choose(image: Image, names: Sequence[str] | None = None, device: str = "auto") -> Chain:
    """The chain for an image.

    Parameters
    ----------
    names
        The stages by name, such as ``["mtmr"]``; by default everything at hand that suits the image, a reduction only if its
        card says that it helps, and no segmentation: it puts masks in the place of spheres.

    Raises
    ------
    PredictorError
        A name is unknown, no weights are at hand, or no model takes such an image.
    """
    by_name = {info.name: info for info in registry.models()}
    if not by_name:
        raise PredictorError(
            "no weights are at hand: install the package again, or train with 'lungmtl train'"
        )
    for name in names or ():
        if name not in by_name:
            raise PredictorError(
                f"there is no model {name!r}; 'lungmtl models' lists those at hand: {', '.join(by_name)}"
            )
    if names:  # what does not suit says so itself
        named = [by_name[name] for name in dict.fromkeys(names)]
        return chain_of([i for i in named if suits(i, image)] or named, device)
    picked = registry.running(i for i in by_name.values() if suits(i, image) and runs_unasked(i))
    if not picked:
        kinds = ", ".join(sorted({m for i in by_name.values() for m in i.modalities}))
        kind = image.modality or ("volume" if image.ndim == 3 else "flat image")
        raise PredictorError(
            f"{image.source or image.series_uid or 'the image'} is {kind}, and the models take {kinds}. "
            "Open a chest CT or a frontal chest radiograph."
        )
    return chain_of(picked, device)


def runs_unasked(info: ModelInfo) -> bool:
    """Whether a model runs where none was named."""
    return info.task != "segmentation" and (info.task != "reduction" or helps(info.name))


def helps(name: str) -> bool:
    """Whether a reduction was measured to help (``metrics["helps"]`` of its card)."""
    return registry.card(name).metrics.get("helps") is True


def chain_of(infos: Iterable[ModelInfo], device: str = "auto") -> Chain:
    """The chain of some models, in the order of work."""
    infos = tuple(infos)
    by_task = {task: tuple(i for i in infos if i.task == task) for task in TASKS}
    detectors, reductions, characterisers, outliners = (by_task[task] for task in TASKS)
    return Chain(detectors, reductions, characterisers, outliners, device)


@dataclass(frozen=True)
class Chain:
    """Models one after the other.

    Parameters
    ----------
    detectors, reductions, characterisers, outliners
        Each may be empty; without detectors, `characterise` takes what is there.
    device
        As for `registry.load_predictor`.
    """

    detectors: tuple[ModelInfo, ...] = ()
    reductions: tuple[ModelInfo, ...] = ()
    characterisers: tuple[ModelInfo, ...] = ()
    outliners: tuple[ModelInfo, ...] = ()
    device: str = "auto"

    @property
    def infos(self) -> tuple[ModelInfo, ...]:
        """All its models in the order of work."""
        return (*self.detectors, *self.reductions, *self.characterisers, *self.outliners)

    @property
    def info(self) -> ModelInfo:
        """The chain as one model."""
        return ModelInfo(
            name="+".join(i.name for i in self.infos),
            title=" → ".join(i.title for i in self.infos),
            purpose=" ".join(i.purpose for i in self.infos),
            modalities=tuple(sorted({m for i in self.infos for m in i.modalities})),
            default_threshold=min((i.default_threshold for i in self.detectors), default=0.5),
            task="detection" if self.detectors else "characterisation",
        )

    def run(
        self, image: Image, manual: Sequence[Finding] = (), orientation: Orientation | None = None
    ) -> Run:
        """Detect, reduce, characterise; return findings by descending score, with the notes that came with them.

        Parameters
        ----------
        manual
            Findings of a person. They are characterised with the others and come first; no other stage touches them.
        orientation
            How networks look at a radiograph; findings lie where they are in the file all the same. By default one that
            certainly lies on its side or upside down is turned, with a note.

        Raises
        ------
        PredictorError, WeightsError
            The detector does not take the image, or cannot be loaded; or there is none; or radiograph networks meet
            what is certainly no frontal chest radiograph. A later stage that fails is noted,
            and the findings until then are kept.
        """
        if not self.detectors:
            raise PredictorError(
                f"{self.info.title} judges findings that are there: name a detector too, or give findings."
            )
        yield from arriving(image)
        notes: list[str] = []
        found = yield from noted(self._run(image, manual, orientation), notes)
        return replace(found, notes=tuple(dict.fromkeys(notes)))

    def _run(self, image: Image, manual: Sequence[Finding], orientation: Orientation | None) -> Run:
        progress = ChainProgress(self.infos)
        if doubt := frontal_doubt(self.detectors, image):
            yield Progress(progress.at(0.0), "detecting", note=doubt)
        view = View.of(image, orientation)
        if view.note:
            yield Progress(progress.at(0.0), "detecting", note=view.note)
        detections = Findings()
        for number, info in enumerate(self.detectors):
            change = partial(_alone, view)
            part = yield from self._follow(info, progress, lambda m: m.run(view.turned), change)
            part = view.as_stored(part)
            items = sorted((*detections, *part), key=lambda f: -f.score)
            detections = replace(
                part if number == 0 else detections,
                items=tuple(items),
                models=(*detections.models, *_listed(info, part.models)),
                image_scores=(*detections.image_scores, *part.image_scores),
                regions=(
                    *detections.regions,
                    *(r for r in part.regions if detections.region(r.name) is None),
                ),
            )
            if len(self.detectors) > 1:
                yield Progress(progress.at(1.0), "detecting", detections)
        if image.ndim == 2:
            detections = answered(view.doubted(detections))
        for info in self.reductions:
            detections = yield from self._reduce(image, detections, info, progress)
        ids = {f.id for f in manual}
        detections = detections.with_items((*manual, *(f for f in detections if f.id not in ids)))
        if self.characterisers:
            yield Progress(progress.at(1.0), "detecting", detections)
        findings = yield from self._characterise(image, detections, progress, _Outcome())
        return (yield from self._outline(image, findings, progress))

    def characterise(self, image: Image, findings: Findings) -> Run:
        """Characterise findings that are there, without looking for others: same order, same ids, same places.

        Raises
        ------
        PredictorError, WeightsError
            None of the characterisers could say anything about any of them; the message says why.
        """
        if not self.characterisers and not self.outliners:
            raise PredictorError("no characteriser is at hand: 'lungmtl models' lists the models that are.")
        yield from arriving(image)
        outcome, notes = _Outcome(), list(findings.notes)
        progress = ChainProgress((*self.characterisers, *self.outliners))
        result = yield from noted(self._characterise(image, findings, progress, outcome), notes)
        if outcome.problems and not outcome.opinions:
            raise outcome.problems[0]
        result = yield from noted(self._outline(image, result, progress), notes)
        return replace(result, notes=tuple(dict.fromkeys(notes)))

    def _reduce(self, image: Image, detections: Findings, info: ModelInfo, progress: ChainProgress) -> Run:
        try:
            part = yield from self._follow(info, progress, lambda m: m.run(image, detections))
        except Exception as error:
            log.exception("%s failed", info.name)
            yield Progress(progress.at(1.0), "detecting", note=_sentence(info, error))
            return detections
        items = sorted(part, key=lambda f: -f.score)
        return replace(part, items=tuple(items), models=(*detections.models, *_listed(info)))

    def _outline(self, image: Image, findings: Findings, progress: ChainProgress) -> Run:
        """The findings with masks in the place of spheres, and their measurements; last, since characterisers take spheres."""
        for info in self.outliners:
            try:
                findings = yield from self._follow(info, progress, partial(_run_on, image, findings))
                findings = replace(findings, models=join_models(findings.models, _listed(info)))
            except (LungmtlError, ImportError) as error:
                yield Progress(progress.at(1.0), "outlining", note=_sentence(info, error))
        if self.outliners:
            yield Progress(progress.end(), "outlining", findings)
        return findings

    def _characterise(
        self, image: Image, findings: Findings, progress: ChainProgress, outcome: _Outcome
    ) -> Run:
        """The findings with opinions and what fusion makes of them."""
        if not self.characterisers:
            return findings
        chosen, note = sort_out(image, findings)
        if note:
            outcome.problems.append(PredictorError(note))
            yield Progress(progress.at(0.0), STAGE, note=note)
        ids = {f.id for f in chosen}
        for info in self.characterisers if chosen else ():
            try:
                findings = yield from self._predict(image, findings, ids, info, progress, outcome)
                findings = replace(findings, models=join_models(findings.models, _listed(info)))
            except (LungmtlError, ImportError) as error:
                outcome.problems.append(error)
                yield Progress(progress.at(1.0), STAGE, note=_sentence(info, error))
        series = image.series_uid
        findings = findings.with_items(tuple(fuse(f, series) if f.id in ids else f for f in findings))
        yield Progress(progress.at(1.0) if self.outliners else progress.end(), STAGE, findings)
        return findings

    def _predict(
        self,
        image: Image,
        findings: Findings,
        ids: set[str],
        info: ModelInfo,
        progress: ChainProgress,
        outcome: _Outcome,
    ) -> Run:
        """One characteriser on the findings with these ids; if it fails on all together, on one after the other."""
        # Without the network's former word, so that it shows which ones are done.
        spheres = findings.with_items(
            tuple(
                f.with_(opinions=tuple(o for o in f.opinions if o.model != info.name))
                for f in findings
                if f.id in ids
            )
        )
        done: dict[str, Finding] = {}

        def take(part: Findings) -> Findings:
            new = {f.id: f for f in part if f.opinion(info.name) is not None}
            done.update(new)
            outcome.opinions += len(new)
            return findings.with_items(tuple(done.get(f.id, f) for f in findings))

        def change(step: Progress) -> Progress:
            so_far = take(step.findings) if step.findings is not None else None
            number = len(done) if so_far is not None else round(step.fraction * len(spheres))
            stage = f"{info.title}: {STAGE} {max(number, 1)} of {len(spheres)}"
            return replace(step, stage=stage, findings=so_far)

        def predict(some: Findings) -> Run:
            return self._follow(info, progress, lambda model: model.run(image, some), change)

        try:
            return take((yield from predict(spheres)))
        except (LungmtlError, ImportError):
            raise
        except Exception as error:
            if len(spheres) == 1:
                raise PredictorError(_sentence(info, error)) from error
            log.exception("%s failed on %d findings together: one after the other", info.name, len(spheres))
        failed, why = [], ""
        for finding in spheres:
            if finding.id in done:
                continue
            try:
                take((yield from predict(spheres.with_items((finding,)))))
            except Exception as error:
                log.exception("%s failed on finding %s", info.name, finding.id)
                failed.append(finding)
                why = _sentence(info, error)
        if failed:
            note = f"{places(failed)}: not judged. {why}"
            outcome.problems.append(PredictorError(note))
            yield Progress(progress.at(1.0), STAGE, note=note)
        return take(spheres.with_items(()))

    def _follow(
        self,
        info: ModelInfo,
        progress: ChainProgress,
        start: Callable[[Any], Run],
        change: Callable[[Progress], Progress] = lambda step: step,
    ) -> Run:
        """Load a model and pass its run on, on the chain's own progress."""
        progress.enter(info)
        yield Progress(progress.at(0.0), f"loading {info.title}")
        with closing(start(model_store.store.of(info, self.device))) as run:
            while True:
                try:
                    step = next(run)
                except StopIteration as stop:
                    return stop.value
                yield replace(change(step), fraction=progress.at(step.fraction))


def _run_on(image: Image, findings: Findings, model: Any) -> Run:
    return model.run(image, findings)


def _alone(view: View, step: Progress) -> Progress:
    """A detector's step without what it knows so far: the chain says what all have found."""
    return replace(view.traced(step), findings=None)


@dataclass
class _Outcome:
    """What came of the characterisers: how many opinions, and what kept them from more."""

    opinions: int = 0
    problems: list[Exception] = field(default_factory=list)


def _sentence(info: ModelInfo, error: Exception) -> str:
    """What a person reads when a model fails."""
    if isinstance(error, LungmtlError):
        return str(error)
    return f"{info.title} stopped ({type(error).__name__}: {error}). The log has the details."


def _listed(info: ModelInfo, own: Sequence[Mapping[str, Any]] = ()) -> tuple[Mapping[str, Any], ...]:
    """What `Findings.models` says of a model; its own words, if it has any, come with the hash of the weights."""
    entry: dict[str, Any] = {"name": info.name, "version": info.version}
    for entry_of in own:
        if entry_of.get("name") == info.name:
            entry.update(entry_of)
    if not entry.get("sha256"):
        try:
            entry["sha256"] = registry.card_of(info).sha256
        except WeightsError:  # not one of the shipped models
            entry["sha256"] = ""
    return (entry,)


def heat_map(image: Image, name: str, device: str = "auto", orientation: Orientation = AS_STORED) -> HeatMap:
    """The heat map of a radiograph's network, such as ``"dhn"`` or ``"mosegnet"``, which looks at it in an orientation.

    It lies on the radiograph as the file holds it.

    Raises
    ------
    PredictorError, WeightsError
        The network has none for such an image, or is not at hand.
    """
    model = model_store.store.in_use(name, device)
    if not hasattr(model, "heat_map"):
        raise PredictorError(f"{model.info.title} has no heat map.")
    seen = with_dark_air(image, orientation)
    return heat_map_as_stored(model.heat_map(turn(image, seen)), image, seen)
