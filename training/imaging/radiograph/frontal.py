"""Whether an image can be a frontal chest radiograph: what its header says, and what the picture shows beyond doubt.

Two grades: *certain* reasons (a lateral view, a CT slice, a photograph) refuse the image, *doubtful* ones (an unknown body part,
a few coloured marks) are said and no more. A lateral view in a file that names no view is not recognised.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from ..errors import NotAFrontalRadiographError
from ..image import Image
from .frontal_evidence import EVIDENCE

PROJECTIONS = frozenset({"", "CR", "DX", "DR", "RG", "RF"})
"""Modalities of chest radiographs."""
_LATERAL_VIEWS = frozenset({"LL", "RL", "LAT", "LATERAL", "L LAT", "R LAT", "LEFT LATERAL", "RIGHT LATERAL"})
_DECUBITUS_VIEWS = frozenset({"LLD", "RLD"})
_FRONTAL_VIEWS = frozenset({"PA", "AP"})
# Underscores join words in protocol names; "bilateral" and "unilateral" are other words.
_LATERAL_WORD = re.compile(r"(?<![a-z])(lat|lateral|laterally|seitlich|profil)(?![a-z])", re.IGNORECASE)
_FRONTAL_WORD = re.compile(r"(?<![a-z])(pa|ap|p\.a|a\.p|frontal|face)(?![a-z])", re.IGNORECASE)
_CHEST_WORD = re.compile(
    r"chest|thora|lung|rib|sternum|torso|body|heart|pulm|brust|poumon|torax", re.IGNORECASE
)
# Defined terms of Body Part Examined (PS3.16 annex L) far from the chest.
_OTHER_PARTS = frozenset(
    [
        "ABDOMEN",
        "ANKLE",
        "ARM",
        "BREAST",
        "CALCANEUS",
        "CALF",
        "COCCYX",
        "CSPINE",
        "ELBOW",
        "EXTREMITY",
        "EYE",
        "FACE",
        "FEMUR",
        "FINGER",
        "FOOT",
        "FOREARM",
        "HAND",
        "HEAD",
        "HIP",
        "HUMERUS",
        "JAW",
        "KNEE",
        "LEG",
        "LSPINE",
        "LSSPINE",
        "MANDIBLE",
        "MAXILLA",
        "NECK",
        "ORBIT",
        "PATELLA",
        "PELVIS",
        "SACRUM",
        "SCAPHOID",
        "SHOULDER",
        "SINUS",
        "SKULL",
        "SSPINE",
        "TEETH",
        "THIGH",
        "THUMB",
        "TIBIA",
        "TOE",
        "WRIST",
        "ZYGOMA",
    ]
)


def check_frontal(image: Image) -> str:
    """Refuse an image that is certainly no frontal chest radiograph.

    Returns
    -------
    str
        A sentence on a doubt, or ``""``.

    Raises
    ------
    NotAFrontalRadiographError
        With the reason.
    """
    certain = _first(image, _CERTAIN)
    if certain:
        raise NotAFrontalRadiographError(certain)
    return _first(image, _DOUBTFUL)


def _first(image: Image, rules: tuple[Callable[[Image], str], ...]) -> str:
    reason = next((reason for rule in rules if (reason := rule(image))), "")
    return f"{_name(image)} {reason}" if reason else ""


def _name(image: Image) -> str:
    named = image.metadata.get("file_name") or (image.source.name if image.source else image.series_uid)
    return str(named) or "The image"


def _said(image: Image, key: str) -> str:
    return str(image.metadata.get(key, "")).strip()


def _another_kind(image: Image) -> str:
    if image.ndim != 2:
        return "is a volume, not a chest radiograph: run the CT models on it, or open a radiograph."
    if image.modality in PROJECTIONS:
        return ""
    return f"is {image.modality}, not a chest radiograph (CR or DX): open a frontal chest radiograph."


def _lateral_view(image: Image) -> str:
    if _said(image, "view_position").upper() in _LATERAL_VIEWS:
        return f"is a lateral view (view position {_said(image, 'view_position')}): open the frontal one, PA or AP."
    code = _said(image, "view_code")
    if _says_lateral(code):
        return f"is a lateral view ({code}): open the frontal one, PA or AP."
    return ""


def _lateral_name(image: Image) -> str:
    if _said(image, "view_position").upper() in _FRONTAL_VIEWS:
        return ""
    for key in ("series_description", "protocol_name", "processing"):
        if _says_lateral(_said(image, key)):
            return f"is called “{_said(image, key)}”, a lateral view: open the frontal one, PA or AP."
    return ""


def _says_lateral(text: str) -> bool:
    words = text.replace("_", " ")
    return bool(_LATERAL_WORD.search(words)) and not _FRONTAL_WORD.search(words)


def _seen_from_the_side(image: Image) -> str:
    """Patient Orientation names where rows and columns point: a frontal view has left and feet, a lateral one a front."""
    directions = _said(image, "patient_orientation").upper().split("\\")
    if _said(image, "view_position").upper() in _FRONTAL_VIEWS or len(directions) != 2:
        return ""
    if not any(direction[:1] in ("A", "P") for direction in directions):
        return ""
    return f"is seen from the side (patient orientation {directions[0]} and {directions[1]}): open the frontal view, PA or AP."


def _other_part(image: Image) -> str:
    part = _said(image, "body_part").upper().replace(" ", "").replace("_", "")
    if part not in _OTHER_PARTS or _names_a_chest(image):
        return ""
    return f"shows another part of the body ({_said(image, 'body_part')}): open a frontal chest radiograph."


def _unsure_part(image: Image) -> str:
    part = _said(image, "body_part")
    if not part or _CHEST_WORD.search(part) or part.upper() in ("UNKNOWN", "OTHER", "NONE"):
        return ""
    return f"states the body part {part}: check that it is a frontal chest radiograph."


def _names_a_chest(image: Image) -> bool:
    return any(
        _CHEST_WORD.search(_said(image, key))
        for key in ("series_description", "study_description", "protocol_name", "processing")
    )


def _lying_on_the_side(image: Image) -> str:
    if _said(image, "view_position").upper() not in _DECUBITUS_VIEWS:
        return ""
    return "was taken lying on the side (decubitus), and the networks learnt from upright radiographs: read their marks with care."


def _mirrored(image: Image) -> str:
    if _said(image, "patient_orientation").upper().split("\\")[0][:1] != "R":
        return ""
    return "is stored mirrored (the patient's right is on the right): right and left lung are exchanged."


def _frontal_beside_lateral(image: Image) -> str:
    """The view says frontal, the name lateral: one of the two is wrong."""
    if _said(image, "view_position").upper() not in _FRONTAL_VIEWS:
        return ""
    name = _said(image, "series_description")
    return f"is called “{name}”, but its view is frontal: check which it is." if _says_lateral(name) else ""


def _colored(image: Image) -> str:
    fraction = image.metadata.get("color_fraction", 0.0)
    if not isinstance(fraction, float) or fraction <= 0.05:
        return ""
    return f"is a picture in colour ({100 * fraction:.0f} % of it), not a radiograph: open the radiograph itself."


def _colored_marks(image: Image) -> str:
    fraction = image.metadata.get("color_fraction", 0.0)
    if not isinstance(fraction, float) or fraction <= 0.002:
        return ""
    return "has coloured marks in it, which the networks take for anatomy: open the picture without them if there is one."


_CERTAIN = (
    _another_kind,
    _lateral_view,
    _lateral_name,
    _seen_from_the_side,
    _other_part,
    _colored,
    *EVIDENCE,
)
_DOUBTFUL = (_lying_on_the_side, _unsure_part, _frontal_beside_lateral, _mirrored, _colored_marks)
