"""What a region of a structure set is: a lesion, the margin of a treatment around one, or anatomy. Its name and its type tell."""

from __future__ import annotations

import re
from typing import Literal

Kind = Literal["lesion", "margin", "anatomy", "unknown"]

_SIDES = r"l|r|lt|rt|left|right"
_ORGANS = (
    *("lung(?:e|en)?", "heart", "cord", "oesophagus", "esophagus", "trachea", "carina", "body", "external"),
    *("skin", "couch", "airway", "aorta", "liver", "spine", "rib", "thorax", "bronch(?:us|i|ial)?"),
)
_ORGAN = re.compile(
    rf"(?:{_SIDES}|both|total|spinal)?(?:{'|'.join(_ORGANS)})(?:s|es)?(?:{_SIDES}|both|total|sum|cage|tree|wall|surface)?"
)
_LESIONS = r"[a-z]*(?:gtv|nodul|tumou?r|lesion|metasta|carcinom)[a-z]*|itv[a-z]*|mass(?:es)?|mets?|ca|cancers?|nscl?c|sclc"
_LESION = re.compile(_LESIONS)
_MARGIN = re.compile(r"[cp]tv[a-z]*")
_GLUED = re.compile(r"(minus|without|ohne)|(?<=[a-z]{2})(?=[A-Z])")
"""Where words begin that a name writes in one: LungsLessGTV, LUNGSminusGTV."""
_WITHOUT = re.compile(
    rf"""
    (?<![a-z])(?:minus|less|sub|subtract(?:ed|ing)?|without|w[/.]?o|ohne|not?|ex|excl?|excluding)(?![a-z])[\s_.–−-]*
        (?:(?:the|any|all|{_SIDES})[\s_]+)*(?:{_LESIONS}|[cp]tv[a-z]*)(?![a-z])
    | [-–−][\s_]*[a-z]?(?:gtv|[icp]tv)
    | (?<=lungs)[\s_]*[-–−][\s_]*(?:{_LESIONS})(?![a-z])
    | [\s_][-–−][\s_]+(?:{_LESIONS})(?![a-z]|[\s_\#-]*\d)
    """,
    re.IGNORECASE | re.VERBOSE,
)
"""Lungs-GTV is a lung without its tumour. A hyphen alone may also join words, as in Lung-nodule-1."""
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_NEVER = (
    *("EXTERNAL", "SUPPORT", "FIXATION", "BOLUS", "MARKER", "ISOCENTER", "REGISTRATION", "CONTROL", "CAVITY"),
    *("DOSE_REGION", "DOSE_MEASUREMENT", "CONTRAST_AGENT", "TREATED_VOLUME", "IRRAD_VOLUME", "AVOIDANCE"),
)
"""Types (RTROIInterpretedType, PS3.3 C.8.8.8.1) that are no lesion, whatever their name: nothing in a patient, or to be spared."""
_OF_TYPE: dict[str, Kind] = {
    "GTV": "lesion",
    "CTV": "margin",
    "PTV": "margin",
    "ORGAN": "anatomy",
}


def kind_of_roi(name: str, interpreted_type: str = "") -> Kind:
    """Tell what a region is.

    A name that speaks of a lesion holds against the type ORGAN, which programs give to all they have.

    Parameters
    ----------
    name
        ROIName.
    interpreted_type
        RTROIInterpretedType; empty where it is not given.

    Examples
    --------
    >>> kind_of_roi("Lung nodule 1"), kind_of_roi("Lung_L"), kind_of_roi("Lungs-GTV"), kind_of_roi("PTV distribution")
    ('lesion', 'anatomy', 'anatomy', 'margin')
    """
    stated = interpreted_type.strip().upper()
    if stated in _NEVER:
        return "anatomy"
    by_type, by_name = _OF_TYPE.get(stated, "unknown"), _by_name(name)
    if by_type in ("lesion", "margin"):
        return by_type
    return by_type if by_name == "unknown" else by_name


def _by_name(name: str) -> Kind:
    apart = _GLUED.sub(r" \1 ", name)
    if any(_by_words(apart[: found.start()]) == "anatomy" for found in _WITHOUT.finditer(apart)):
        return "anatomy"
    return _by_words(name)


def _by_words(name: str) -> Kind:
    words = {word.lower() for word in (*_WORD.findall(name), *re.findall(r"[a-z]+", name.lower()))}
    if any(map(_MARGIN.fullmatch, words)):
        return "margin"
    if any(map(_LESION.fullmatch, words)):
        return "lesion"
    return "anatomy" if any(map(_ORGAN.fullmatch, words)) else "unknown"
