"""Whose image it is, in words: case, series and date, as the dock, the list of open studies and the canvas say them."""

from __future__ import annotations

import re
from pathlib import Path

from ..training.imaging.image import Image
from ..training.imaging.paths import stem_of
from ..training.imaging.series import Series

_UID = re.compile(r"[\d.]{24,}(#\d+)?")
"""What no person can tell from another: identifiers of 24 digits and more."""


def case_name(image: Image) -> str:
    """Name the case of an image: its PatientID, else its file's or folder's name, else the series description.

    A series uid stands for itself only where nothing else is known, shortened to its end.

    Examples
    --------
    >>> import numpy as np, napari_lungmtl as lm
    >>> case_name(lm.Image(np.zeros((2, 2)), series_uid="1.3.6.1.4.1.14519.5.2.1.6279.6001.1009"))
    '…6001.1009'
    """
    patient = str(image.metadata.get("patient_id") or "").strip()
    return _first_name(patient, file_name(image.source), _described(image), image.series_uid)


def series_case_name(series: Series) -> str:
    """Name the case of a series that has not been read yet, as `case_name` will name its image."""
    return _first_name(series.patient_id.strip(), file_name(series.path), series.description, series.uid)


def _first_name(*names: str) -> str:
    """The first that a person can tell from others, else the end of the last, an identifier."""
    return next((name for name in names if name and not _UID.fullmatch(name)), short_uid(names[-1]))


def kind_words(modality: str, ndim: int) -> str:
    """The modality, or what an image is whose file does not say: ``radiograph``, ``volume``."""
    return modality or ("radiograph" if ndim == 2 else "volume")


def series_words(image: Image) -> str:
    """Name modality and series: ``CT · Thorax 2.5 mm``."""
    kind = kind_words(image.modality, image.ndim)
    return " · ".join(part for part in (kind, _described(image)) if part)


def study_date(image: Image) -> str:
    """Write the StudyDate as ``2000-01-31``; empty where the file has none."""
    return date_words(str(image.metadata.get("study_date") or ""))


def date_words(date: str) -> str:
    """Write a DICOM date (``YYYYMMDD``) with hyphens; what is none stays as it is.

    Examples
    --------
    >>> date_words("20000131")
    '2000-01-31'
    """
    date = date.strip()
    return f"{date[:4]}-{date[4:6]}-{date[6:]}" if len(date) == 8 and date.isdigit() else date


def title(image: Image) -> str:
    """Name an image in one line: ``CT  LIDC-IDRI-0003``."""
    return "  ".join(part for part in (image.modality or "Image", elide(case_name(image), 34)) if part)


def file_name(path: Path | str | None) -> str:
    """The stem of a file, or a folder's name; empty for none and for what is only an identifier."""
    stem = stem_of(Path(path)) if path is not None else ""
    return "" if _UID.fullmatch(stem) else stem


def short_uid(uid: str) -> str:
    """A long identifier's end, by which two of them differ."""
    return f"…{uid[-9:]}" if _UID.fullmatch(uid) else uid


def elide(text: str, length: int) -> str:
    """The text, its middle left out where it is longer than `length`."""
    half = (length - 1) // 2
    return text if len(text) <= length else f"{text[:half]}…{text[-half:]}"


def _described(image: Image) -> str:
    return str(image.metadata.get("series_description") or "").strip()
