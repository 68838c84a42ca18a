"""The options of an export, for the command line and for the window's form; this module imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Which(StrEnum):
    """Part of the findings: all of them, those that pass the thresholds, or those that a person accepted or drew."""

    ALL = "all"
    SHOWN = "shown"
    ACCEPTED = "accepted"


class Format(StrEnum):
    """File formats: the project's own, tables of challenges, label files, and DICOM objects (which need a DICOM series)."""

    CSV = "csv"
    JSON = "json"
    LUNA16 = "luna16"
    NODE21 = "node21"
    COCO = "coco"
    YOLO = "yolo"
    NIFTI = "nifti"
    NRRD = "nrrd"
    DICOM_SEG = "dicom-seg"
    DICOM_LABELMAP = "dicom-labelmap"
    DICOM_SR = "dicom-sr"
    DICOM_KO = "dicom-ko"
    DICOM_GSPS = "dicom-gsps"


@dataclass(frozen=True)
class ExportOptions:
    """Which findings to write, as what."""

    which: Which = field(
        default=Which.ALL,
        metadata={
            "help": "Findings to write: all (also hidden and rejected ones), those shown above the thresholds, "
            "or those accepted or drawn by a person."
        },
    )
    format: Format = field(
        default=Format.CSV,
        metadata={
            "help": "Format: csv (a table), json (everything, one image), luna16 (CT), node21, coco or yolo (radiographs), "
            "nifti or nrrd (labels on a CT), and of a DICOM series dicom-seg, dicom-labelmap (segmentations), dicom-sr (report), "
            "dicom-ko (key slices), dicom-gsps (marks)."
        },
    )
