"""The options of an export, for the command line and for the window's form; this module imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Which(StrEnum):
    """Part of the findings: all, all but those that a person rejected, those above the thresholds, or those accepted or drawn."""

    ALL = "all"
    KEPT = "not-rejected"
    SHOWN = "shown"
    ACCEPTED = "accepted"

    @property
    def words(self) -> str:
        """What a form calls it."""
        return _PARTS[self]


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
    DICOM_CAD = "dicom-cad"
    DICOM_KO = "dicom-ko"
    DICOM_GSPS = "dicom-gsps"

    @property
    def words(self) -> str:
        """What a form calls it."""
        return _NAMES[self]


_PARTS = {
    Which.ALL: "all, the rejected too",
    Which.KEPT: "all but the rejected",
    Which.SHOWN: "shown above the thresholds",
    Which.ACCEPTED: "accepted or drawn by a person",
}
_NAMES = {
    Format.CSV: "Table (CSV)",
    Format.JSON: "Everything (lungmtl.json)",
    Format.LUNA16: "LUNA16 submission (CSV)",
    Format.NODE21: "NODE21 boxes (CSV)",
    Format.COCO: "COCO boxes and masks (JSON)",
    Format.YOLO: "YOLO boxes (text)",
    Format.NIFTI: "Labels (NIfTI)",
    Format.NRRD: "Labels (NRRD)",
    Format.DICOM_SEG: "DICOM segmentation (SEG)",
    Format.DICOM_LABELMAP: "DICOM label map (SEG)",
    Format.DICOM_SR: "DICOM report (SR)",
    Format.DICOM_CAD: "DICOM Chest CAD report (SR)",
    Format.DICOM_KO: "DICOM key slices (KO)",
    Format.DICOM_GSPS: "DICOM marks (GSPS)",
}


@dataclass(frozen=True)
class ExportOptions:
    """Which findings to write, as what."""

    which: Which = field(
        default=Which.ALL,
        metadata={
            "help": "Findings to write: all (also hidden and rejected ones), all but the rejected, those shown above the "
            "thresholds, or those accepted or drawn by a person."
        },
    )
    format: Format = field(
        default=Format.CSV,
        metadata={
            "help": "Format: csv (a table), json (everything, one image), luna16 (CT), node21, coco or yolo (radiographs), "
            "nifti or nrrd (labels on a CT), and of a DICOM series dicom-seg, dicom-labelmap (segmentations), dicom-sr (report), "
            "dicom-cad (Chest CAD report), dicom-ko (key slices), dicom-gsps (marks)."
        },
    )
