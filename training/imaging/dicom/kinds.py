"""What a DICOM picture is, where it is no scan and no radiograph: localizers, captures of a screen, reformats."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from .slices import RADIOGRAPH_MODALITIES, Slice

LOCALIZER = "localizer"
CAPTURE = "screen capture"
REFORMAT = "reformatted"
RENDERED = "rendered from a volume"
ONE_PLACE = "several times one place"
SPARE = frozenset({CAPTURE, REFORMAT})
"""Kinds that may be what a person means where there is nothing else: digitised films, axial reformats."""

FEW = 3
"""Slices: so few beside a whole scan are no scan."""

_CAPTURE_CLASS = "1.2.840.10008.5.1.4.1.1.7"
_LOCALIZERS = frozenset({"LOCALIZER", "SCOUT", "TOPOGRAM", "SURVIEW"})
_CAPTURES = frozenset({"SCREEN SAVE", "SCREEN CAPTURE", "SCREENSHOT", "DOSE_INFO", "DOSE INFO", "DOSE"})
_RENDERED = frozenset(
    {
        "MIP",
        "MINIP",
        "MAX_IP",
        "MIN_IP",
        "MAXIP",
        "VRT",
        "VR",
        "SSD",
        "CPR",
        "CURVED",
        "3D",
        "3D RENDERING",
        "VOLREN",
    }
    | {"PROJECTION IMAGE", "RENDERED", "RENDERING", "VOLUME RENDERING", "CSA MIP", "RADIAL"}
)
_REFORMATS = frozenset({"MPR", "REFORMATTED", "REFORMAT", "CSA MPR", "MULTIPLANAR", "THICK MPR", "OBLIQUE"})
_SCOUT_WORDS = re.compile(r"\b(scout|topo|topogram\w*|locali[sz]er|surview|scanogram|pilot)\b", re.IGNORECASE)
_PAGE_WORDS = re.compile(r"dos(e|is)|report|protocol|summary|screen|exam info", re.IGNORECASE)
_DEEP = 50.0  # mm: no slice of a scan is so thick
_BY_CLASS = {
    "1.2.840.10008.5.1.4.1.1.1": "CR",
    "1.2.840.10008.5.1.4.1.1.1.1": "DX",
    "1.2.840.10008.5.1.4.1.1.1.1.1": "DX",
    "1.2.840.10008.5.1.4.1.1.2": "CT",
    "1.2.840.10008.5.1.4.1.1.2.1": "CT",
    "1.2.840.10008.5.1.4.1.1.2.2": "CT",
    "1.2.840.10008.5.1.4.1.1.4": "MR",
    "1.2.840.10008.5.1.4.1.1.4.1": "MR",
    "1.2.840.10008.5.1.4.1.1.20": "NM",
    "1.2.840.10008.5.1.4.1.1.128": "PT",
}


def modality_of(s: Slice) -> str:
    """Return the DICOM modality; where an anonymiser removed it, what the storage class implies, or ``""``."""
    return s.header.code("Modality") or _BY_CLASS.get(s.header.code("SOPClassUID"), "")


def is_capture_class(s: Slice) -> bool:
    """Tell whether a file is stored as a secondary capture (of one frame or several)."""
    uid = s.header.code("SOPClassUID")
    return uid == _CAPTURE_CLASS or uid.startswith(_CAPTURE_CLASS + ".")


def frame_kind(s: Slice) -> str:
    """Return what one slice is by its image type and class: one of the kinds of this module, or ``""``."""
    modality = modality_of(s)
    if modality in RADIOGRAPH_MODALITIES:
        return ""
    words = _words(s.label("ImageType")) | _words(s.label("FrameType"))
    if words & _LOCALIZERS:
        return LOCALIZER
    if words & _CAPTURES or (s.position is None and _looks_captured(s, words, modality)):
        return CAPTURE
    if words & _RENDERED:
        return RENDERED
    return REFORMAT if words & _REFORMATS else ""


@lru_cache(maxsize=256)  # most slices of a series have one image type
def _words(image_type: str) -> frozenset[str]:
    return frozenset(word.strip().upper() for word in image_type.split("\\"))


def _looks_captured(s: Slice, words: frozenset[str], modality: str) -> bool:
    colors = s.header.integer("SamplesPerPixel", 1) > 1
    if is_capture_class(s) or (modality == "CT" and (colors or "SECONDARY" in words)):
        return True
    return is_page(s) and bool(_PAGE_WORDS.search(s.header.text("SeriesDescription")))


def is_page(s: Slice) -> bool:
    """Tell whether a CT picture says neither where it lies nor how large its pixels are, as pages of text do."""
    return modality_of(s) == "CT" and s.position is None and s.orientation is None and s.pixel_spacing is None


def looks_like_a_localizer(slices: Sequence[Slice]) -> bool:
    """Tell localizers whose image type does not say so: few CT slices, not axial, deeper than slices or named so."""
    first = slices[0]
    if modality_of(first) != "CT" or len(slices) > FEW or is_axial(first):
        return False
    thickness = (first.numbers("SliceThickness") or (0.0,))[0]
    return thickness >= _DEEP or bool(_SCOUT_WORDS.search(first.header.text("SeriesDescription")))


def is_axial(s: Slice) -> bool:
    """Tell whether a slice lies across the patient, tilted by less than 45°."""
    if s.orientation is None:
        return False
    across = np.cross(s.orientation[:3], s.orientation[3:])
    return bool(abs(across[2]) > 0.707 * (np.linalg.norm(across) or 1.0))
