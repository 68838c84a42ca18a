"""What models can judge: images of their kind, and spheres inside them. The others get a sentence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..findings import Finding
from ..imaging.image import Image
from .predictor import ModelInfo

NAMED = 5
"""Places that a sentence names."""


def suits(info: ModelInfo, image: Image) -> bool:
    """Whether a model takes such images; where the file does not say, volumes count as CT and flat images as radiographs."""
    modalities = {image.modality} if image.modality else ({"CT"} if image.ndim == 3 else {"CR", "DX"})
    return bool(modalities & set(info.modalities))


def places(findings: Sequence[Finding]) -> str:
    """Where findings are, for a sentence: ``Sphere at z −190.5 mm``, ``3 spheres at z −190.5, −180.0, 12.5 mm``."""
    spheres = [f for f in findings if f.kind == "sphere"]
    at = ", ".join(f"{f.center[0]:.1f}".replace("-", "−") for f in spheres[:NAMED])
    more = " …" if len(spheres) > NAMED else ""
    return f"Sphere at z {at} mm" if len(spheres) == 1 else f"{len(spheres)} spheres at z {at}{more} mm"


def sort_out(image: Image, findings: Iterable[Finding]) -> tuple[list[Finding], str]:
    """The findings that can be judged, and what to say of the others, which stay as they are."""
    flat, outside, judged = [], [], []
    for finding in findings:
        if finding.kind != "sphere":
            flat.append(finding)
        elif image.ndim == 3 and not image.contains(
            finding.center
        ):  # a flat image: the model says what it needs
            outside.append(finding)
        else:
            judged.append(finding)
    notes = []
    if outside:
        what = "it" if len(outside) == 1 else "them"
        notes.append(f"{places(outside)}: not judged, because outside the scan. Move {what} onto a nodule.")
    if flat:
        what = "One finding is" if len(flat) == 1 else f"{len(flat)} findings are"
        notes.append(f"{what} no sphere and not judged: draw a sphere around the nodule.")
    return judged, " ".join(notes)
