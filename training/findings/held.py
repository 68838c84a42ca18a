"""What each format cannot hold of findings: the table of the documentation, and the sentence that is said at export."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from ..export_options import Format
from .finding import Finding, Findings
from .geometry import Mask
from .history import last_by_person

OUT = "left out"
_BALL = "as the ball (a radiograph: the box) of its size"

ASPECTS: Mapping[str, Callable[[Findings], int]] = {
    "spheres": lambda f: _count(f, lambda x: x.kind == "sphere"),
    "masks": lambda f: _count(f, lambda x: isinstance(x.geometry, Mask)),
    "boxes": lambda f: _count(f, lambda x: x.kind == "box"),
    "scores": lambda f: _count(f, lambda x: x.network_score is not None),
    "malignancy": lambda f: _count(f, lambda x: x.malignancy is not None),
    "attributes": lambda f: _count(f, lambda x: bool(x.attributes)),
    "rejected": lambda f: _count(f, lambda x: x.status == "rejected"),
    "status": lambda f: _count(f, lambda x: x.status != "unreviewed"),
    "reasons": lambda f: _count(f, lambda x: bool(x.reason)),
    "confidence": lambda f: _count(f, lambda x: x.confidence is not None),
    "labels": lambda f: _count(f, lambda x: bool(x.label)),
    "notes": lambda f: _count(f, lambda x: bool(x.note)),
    "numbers": lambda f: _count(f, lambda x: bool(x.number)),
    "networks": lambda f: _count(f, lambda x: bool(x.provenance.model)),
    "people": lambda f: _count(f, lambda x: bool(x.provenance.person)) + bool(f.done_by),
    "spread": lambda f: _count(f, lambda x: x.malignancy_spread is not None),
    "votes": lambda f: _count(f, lambda x: bool(x.votes) or x.unlike is not None),
    "opinions": lambda f: _count(f, lambda x: bool(x.opinions)),
    "parts": lambda f: _count(f, lambda x: bool(x.scores or x.members)),
    "histories": lambda f: _count(f, lambda x: last_by_person(x) is not None),
    "lungs": lambda f: len(f.regions),
    "measurements": lambda f: len(f.measurements),
    "image scores": lambda f: len(f.image_scores),
}
"""What findings may have, and of how many things they have it; each field of `Finding` belongs to one or two of these."""
MEANING = {
    "rejected": "findings that a person rejected",
    "status": "which were accepted or rejected",
    "reasons": "why a person decided so",
    "confidence": "how sure that person is",
    "labels": "what it is in a person's words",
    "numbers": "numbers and ids, by which findings are known again",
    "networks": "which network found them",
    "people": "who drew, corrected or read",
    "spread": "how far slices and views disagree on malignancy",
    "votes": "what readers would say of malignancy and attributes, and whether it is a nodule",
    "opinions": "what each network says, with its slices, views and folds",
    "parts": "parts of scores, joined marks",
    "histories": "which values a person changed, and when",
    "image scores": "probabilities of the image as a whole",
}
"""In other words, where the name alone does not tell."""

_OF_IMAGE = ("lungs", "measurements", "image scores")
_OF_RUN = ("spread", "votes", "opinions", "parts")
_WORDS = ("reasons", "confidence", "labels", "notes")
_SAID = ("malignancy", "attributes", *_WORDS, "people", "status", "rejected", "histories")


def _without(*names: str, **changed: str) -> dict[str, str]:
    """What is left out, and what is there otherwise than it was; an underscore stands for a space."""
    return dict.fromkeys(names, OUT) | {name.replace("_", " "): how for name, how in changed.items()}


_TABLE = _without(
    *("people", "parts", *_OF_IMAGE),
    opinions="malignancy and its spread only",
    histories="as text, which does not come back",
)
_PLACES = _without("numbers", "networks", *_SAID, *_OF_RUN, *_OF_IMAGE)
_LABELS = _TABLE | _without("boxes", masks="where two overlap, the smaller one")
_SEGMENTS = _without("boxes", "scores", *_SAID, *_OF_RUN, "measurements", "image scores")
_SEGMENTS |= _without(spheres="as their voxels", people="that one drew or corrected, without the name")
_REPORT = _without(
    *_OF_RUN, "histories", "lungs", "image scores", attributes="as whole grades", people="the one who read"
)
LOST: Mapping[Format, Mapping[str, str]] = {
    Format.JSON: {},
    Format.CSV: _TABLE | _without("numbers", masks=_BALL, people="who drew or corrected, not who read"),
    Format.LUNA16: _PLACES | _without("boxes", spheres="without their diameters", masks="as their middles"),
    Format.NODE21: _PLACES | _without("spheres", "scores", masks="as the boxes around them"),
    Format.COCO: _PLACES | _without("spheres"),
    Format.YOLO: _PLACES | _without("spheres", "scores", masks="as the boxes around them"),
    Format.NIFTI: _LABELS,
    Format.NRRD: _LABELS,
    Format.DICOM_SEG: _SEGMENTS,
    Format.DICOM_LABELMAP: _SEGMENTS | _without(masks="refused where two overlap"),
    Format.DICOM_SR: _REPORT
    | _without(
        masks="in the segmentation beside; on radiographs as boxes",
        measurements="the two axes of a nodule only",
    ),
    Format.DICOM_CAD: _without(
        *("malignancy", "attributes", *_WORDS, "people", *_OF_RUN, "histories", *_OF_IMAGE)
    )
    | _without(
        status="as the intent to render",
        **dict.fromkeys(("spheres", "masks"), "as the circle on the slice through the middle"),
    ),
    Format.DICOM_KO: _PLACES
    | _without(
        "scores", **dict.fromkeys(("spheres", "masks", "boxes"), "as the slices through their middles")
    ),
    Format.DICOM_GSPS: _without("scores", "networks", *_SAID, *_OF_RUN, *_OF_IMAGE)
    | _without(masks=_BALL, spheres="one that a single slice cuts lies on it, as large as the cut"),
}
"""By format, what is lost or changed of what findings may have; all else comes back as it was."""
TELLS_STATUS = frozenset(format for format, lost in LOST.items() if "rejected" not in lost)
"""Formats that say which findings were rejected: in another they would count as found."""


def _count(findings: Findings, has: Callable[[Finding], bool]) -> int:
    return sum(map(has, findings))


def lost_of(cases: Iterable[Findings], format: Format) -> dict[str, str]:
    """What a format loses or changes of what these findings have, by aspect."""
    cases = list(cases)
    return {
        aspect: how
        for aspect, how in LOST[format].items()
        if any(ASPECTS[aspect](findings) for findings in cases)
    }


def loss_sentence(cases: Iterable[Findings], format: Format) -> str:
    """Tell a person what a format cannot hold of these findings; empty where it holds all.

    Examples
    --------
    >>> import napari_lungmtl as lm
    >>> finding = lm.Finding(lm.Sphere((0, 0, 0), 8), note="beside a vessel", malignancy=0.4)
    >>> loss_sentence([lm.Findings([finding])], Format.LUNA16)
    'luna16 does not hold: spheres (without their diameters), malignancy, notes'
    """
    lost = lost_of(cases, format)
    order = {aspect: how for aspect in ASPECTS if (how := lost.get(aspect))}
    words = [aspect if how == OUT else f"{aspect} ({how})" for aspect, how in order.items()]
    return f"{format.value} does not hold: {', '.join(words)}" if words else ""
