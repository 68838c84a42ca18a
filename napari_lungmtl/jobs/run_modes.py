"""What one Run does: detect and characterise, one of the two, or characterise a single sphere. No Qt, no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..session.session import Session, Thresholds
from ..training.imaging.image import Image
from ..training.inference import registry
from ..training.inference.chain import Chain, choose
from ..training.inference.suitability import suits

ALL, DETECT, CHARACTERISE = "all", "detect", "characterise"
TITLES = {ALL: "Detect → characterise", DETECT: "Detect only", CHARACTERISE: "Characterise only"}


def modes_for(image: Image) -> tuple[str, ...]:
    """What can be done with an image by the models at hand; the first is the sensible default."""
    tasks = {info.task for info in registry.models() if suits(info, image)}
    detect, characterise = "detection" in tasks, "characterisation" in tasks
    possible = ((ALL, detect and characterise), (DETECT, detect), (CHARACTERISE, characterise))
    return tuple(mode for mode, is_possible in possible if is_possible)


def title_of(image: Image, mode: str) -> str:
    """What the box beside Run says: on a radiograph, the networks by name."""
    chain = chain_for(image, mode)
    if image.ndim == 2 and chain.detectors:
        return " + ".join(info.title for info in chain.infos)
    return TITLES[mode]


def chain_for(image: Image, mode: str, device: str = "auto") -> Chain:
    """The models of a mode, one of `modes_for`."""
    chain = choose(image, device=device)
    if mode == DETECT:
        return replace(chain, characterisers=())
    if mode == CHARACTERISE:
        return replace(chain, detectors=(), reductions=())
    return chain


def set_threshold(session: Session, score: float) -> None:
    """Show findings from the score on that a chain proposes, unless a person has moved any of the thresholds."""
    moved = replace(session.thresholds, prevalence=Thresholds().prevalence)  # which hides nothing
    if moved == Thresholds():
        session.set_thresholds(score=score)


def purpose(chain: Chain) -> str:
    """A sentence on what a chain does."""
    if not chain.characterisers:
        return " ".join(info.purpose for info in chain.detectors)
    judges = _list([info.title for info in chain.characterisers])
    s = "s" if len(chain.characterisers) == 1 else ""
    if not chain.detectors:
        return f"{judges} judge{s} every sphere in the list, also those that you drew or moved."
    finders = [info.title for info in (*chain.detectors, *chain.reductions)]
    looks = "looks" if len(finders) == 1 else "look"
    return f"{_list(finders)} {looks} for nodules, {judges} judge{s} how malignant each is."


def _list(words: Sequence[str]) -> str:
    return " and ".join((", ".join(words[:-1]), words[-1])) if len(words) > 1 else words[0]
