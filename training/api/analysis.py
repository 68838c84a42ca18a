"""From an image to findings in one call, or step by step; the networks are chosen by the image's modality."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace

from ..findings import Findings
from ..imaging.image import Image
from ..inference.chain import Chain, choose
from ..inference.predictor import PredictorError, Progress, finish
from ..inference.registry import load_predictor as load
from ..inference.registry import models

__all__ = ["Run", "analyse", "characterise", "detect", "load", "models", "run"]

Run = Generator[Progress, None, Findings]


def run(image: Image, networks: Sequence[str] | None = None, *, device: str = "auto") -> Run:
    """Analyse an image step by step, with progress after each step and a way to stop.

    Parameters
    ----------
    image
        A chest CT in Hounsfield units, or a frontal chest radiograph.
    networks
        Names of `models`, such as ``["ag3d", "mtmr"]``; by default all that suit the image.
    device
        ``"auto"``, ``"cpu"``, ``"cuda"``, ``"cuda:N"`` or ``"mps"``.

    Yields
    ------
    Progress
        `fraction` (0–1 of the whole), `stage`, `note` (a sentence for the person, or empty) and `findings`: None where
        nothing is new; the last step has them all. Closing the generator stops the run.

    Returns
    -------
    Findings
        By descending score, everything above a score of 0.05.

    Raises
    ------
    LungmtlError
        No network takes such an image, torch is not installed, or weights or device are not there; the message says which.

    Examples
    --------
    >>> import napari_lungmtl as lm
    >>> image = lm.read_image(lm.datasets.sample_radiograph())
    >>> for step in lm.run(image):
    ...     progress = f"{step.stage}: {step.fraction:.0%}"
    >>> progress
    'done: 100%'
    >>> step.findings.image.modality
    'DX'
    """
    return _with_last_step(choose(image, networks, device), image)


def _with_last_step(chain: Chain, image: Image) -> Run:
    """The run, and one more step that carries the findings: a ``for`` loop does not see what a generator returns."""
    findings = yield from chain.run(image)
    yield Progress(1.0, "done", findings)
    return findings


def analyse(image: Image, networks: Sequence[str] | None = None, *, device: str = "auto") -> Findings:
    """Detect nodules and, on a CT, characterise them: all that the shipped networks can say about an image.

    On a radiograph DHN and MO-SegNet mark boxes and masks, score the image as a whole (`Findings.image_scores`, the one
    answer first) and outline the lungs (`Findings.regions`). One that lies on its side is turned for them, and what they find
    lies where it is in the file. Parameters and errors as for `run`.

    Returns
    -------
    Findings
        By descending score, everything above a score of 0.05.

    Examples
    --------
    >>> import napari_lungmtl as lm
    >>> radiograph = lm.read_image(lm.datasets.sample_radiograph())
    >>> findings = lm.analyse(radiograph)
    >>> [score.model for score in findings.image_scores], sorted({finding.kind for finding in findings})
    (['radiograph', 'dhn'], ['box', 'mask'])
    """
    return finish(run(image, networks, device=device))


def detect(image: Image, networks: Sequence[str] | None = None, *, device: str = "auto") -> Findings:
    """Detect nodules: spheres in mm on a CT, boxes and masks on a radiograph; nothing is characterised.

    Parameters and errors as for `run`.

    Returns
    -------
    Findings
        By descending score, everything above a score of 0.05.

    Examples
    --------
    >>> import napari_lungmtl as lm
    >>> findings = lm.detect(lm.read_image(lm.datasets.sample_ct()))
    >>> findings[0].kind, findings[0].score > 0.9, findings[0].malignancy
    ('sphere', True, None)
    """
    chain = choose(image, networks, device)
    return finish(replace(chain, characterisers=()).run(image))


def characterise(
    image: Image, findings: Findings, networks: Sequence[str] | None = None, *, device: str = "auto"
) -> Findings:
    """Rate malignancy (0–1) and the eight LIDC attributes of the spheres in a CT, without looking for others.

    Parameters and errors as for `run`.

    Returns
    -------
    Findings
        The same findings in the same order, each sphere inside the image with `malignancy`, `attributes` and `opinions`.

    Examples
    --------
    >>> import napari_lungmtl as lm
    >>> image = lm.read_image(lm.datasets.sample_ct())
    >>> drawn = lm.Findings([lm.Finding(lm.Sphere(center=(-140.9, 35.6, -51.0), diameter=21.0))])
    >>> findings = lm.characterise(image, drawn)
    >>> 0 < findings[0].malignancy < 1, sorted(findings[0].attributes)[:3]
    (True, ['calcification', 'internalStructure', 'lobulation'])
    """
    chain = choose(image, networks, device)
    if not chain.characterisers:
        raise PredictorError(
            "No network at hand characterises findings in such an image; it takes a chest CT."
        )
    return finish(replace(chain, detectors=(), reductions=()).characterise(image, findings))
