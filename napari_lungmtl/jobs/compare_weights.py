"""What a person's own weights, or a network of another make, find beside what the shipped networks find. No Qt, no torch."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace

from ..training.findings import Findings
from ..training.imaging.image import Image
from ..training.imaging.radiograph.orientation import Orientation
from ..training.inference import registry
from ..training.inference.chain import Chain
from ..training.inference.predictor import Progress

Compared = tuple[Findings, Findings]
"""By a person's own weights, and by the shipped ones."""


def with_shipped(chain: Chain) -> Chain:
    """The same networks with their shipped weights; ours in the place of one of another make."""
    return replace(
        chain,
        detectors=registry.shipped(chain.detectors),
        reductions=registry.shipped(chain.reductions),
        characterisers=registry.shipped(chain.characterisers),
    )


def compare_weights(
    image: Image, chain: Chain, findings: Findings, orientation: Orientation | None
) -> Generator[Progress, None, Compared]:
    """Yield progress; run a chain as it is and with the shipped weights, and return what both say.

    What both have in common runs once: where no detector has weights of its own, both characterise the same findings; of several
    detectors only those with weights of their own run.

    Parameters
    ----------
    chain
        With a person's own weights somewhere.
    findings
        What is characterised where the chain has no detector.
    orientation
        How networks look at a radiograph.

    Raises
    ------
    LungmtlError
        As `Chain.run` and `Chain.characterise`.
    """
    own = tuple(info for info in chain.detectors if info.weights is not None)
    if own or any(info.weights is not None for info in chain.reductions):
        chain = replace(chain, detectors=own or chain.detectors)
        ours = yield from _part(chain.run(image, (), orientation), 0.0, 0.5, "chosen networks")
        theirs = yield from _part(
            with_shipped(chain).run(image, (), orientation), 0.5, 1.0, "shipped networks"
        )
        return ours, theirs
    if chain.detectors:
        detect = replace(chain, characterisers=())
        findings = yield from _part(detect.run(image, (), orientation), 0.0, 0.6, "finding nodules")
    if not len(findings):
        return findings, findings
    judge = replace(chain, detectors=(), reductions=())
    ours = yield from _part(judge.characterise(image, findings), 0.6, 0.8, "chosen networks")
    theirs = yield from _part(with_shipped(judge).characterise(image, findings), 0.8, 1.0, "shipped networks")
    return ours, theirs


def _part(
    run: Generator[Progress, None, Findings], low: float, high: float, words: str
) -> Generator[Progress, None, Findings]:
    """A run as a part of the whole, without what it knows so far: nothing of it reaches the session."""
    try:
        while True:
            try:
                step = next(run)
            except StopIteration as end:
                return end.value
            fraction = low + (high - low) * step.fraction
            yield Progress(fraction, f"{words}: {step.stage}", note=step.note)
    finally:
        run.close()
