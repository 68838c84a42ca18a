"""Findings and DICOM headers without names, dates, identifiers and paths, the same ones hidden alike within a batch."""

from __future__ import annotations

import copy
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from .finding import REASONS, Finding, Findings, ImageReference, Provenance
from .formats.dicom.writing.identity import tracking_uid
from .formats.images.image_names import named_by_file

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

    from .formats.dicom.writing.source import Source

_KEPT = (
    *("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID"),
    *(
        "Modality",
        "SpecificCharacterSet",
        "Rows",
        "Columns",
        "NumberOfFrames",
        "InstanceNumber",
        "SeriesNumber",
    ),
    *(
        "ImagePositionPatient",
        "ImageOrientationPatient",
        "PixelSpacing",
        "ImagerPixelSpacing",
        "SliceThickness",
    ),
    *("SpacingBetweenSlices", "PositionReferenceIndicator", "BodyPartExamined", "PatientOrientation"),
    *("SamplesPerPixel", "PhotometricInterpretation", "BitsAllocated", "BitsStored", "HighBit"),
    *(
        "PixelRepresentation",
        "RescaleSlope",
        "RescaleIntercept",
        "RescaleType",
        "WindowCenter",
        "WindowWidth",
    ),
    *(
        "SharedFunctionalGroupsSequence",
        "PerFrameFunctionalGroupsSequence",
        "PresentationLUTShape",
        "ImageType",
    ),
    *("DimensionOrganizationSequence", "DimensionIndexSequence", "DimensionOrganizationType"),
)
"""What a DICOM object made from a series needs of it; all else may tell who the patient is, and goes."""
_GROUPS_KEPT = (
    *("PlanePositionSequence", "PlaneOrientationSequence", "PixelMeasuresSequence"),
    *("PixelValueTransformationSequence", "FrameVOILUTSequence"),
)
_MODEL_KEYS = (
    "name",
    "version",
    "sha256",
    "precision",
    "doubt",
    "orientation",
    "threshold",
    "default_threshold",
)


@dataclass(frozen=True)
class Deidentifier:
    """Hides identities with one secret for a batch: what was the same stays the same, and nobody can guess back.

    Parameters
    ----------
    key
        The secret; a fresh one for each batch, unless two batches must fit together.
    """

    key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    def _digest(self, kind: str, value: str) -> bytes:
        return hmac.new(self.key, f"{kind}/{value}".encode("utf-8", "surrogatepass"), hashlib.sha256).digest()

    def uid(self, uid: str) -> str:
        """A DICOM identifier (2.25.…, PS3.5 B.2) in the place of another; none in the place of none."""
        return f"2.25.{int.from_bytes(self._digest('uid', uid)[:16], 'big')}" if uid else ""

    def series(self, image: ImageReference) -> str:
        """The same for an image; two files of one name are two images."""
        named = f"{image.source}\0{image.series_uid}" if named_by_file(image) else image.series_uid
        return self.uid(named)

    def name(self, kind: str, value: str) -> str:
        """``reader-3f2a91c0`` in the place of a name."""
        return f"{kind}-{self._digest(kind, value)[:4].hex()}" if value else ""

    def findings(self, findings: Findings) -> Findings:
        """Findings without identifiers, paths, people's names and what people and programs wrote in words of their own.

        Series and tracking identifiers are hashed, names of people become ``reader-…``; notes go, for they may say anything.
        """
        series = findings.image.series_uid
        image = replace(findings.image, series_uid=self.series(findings.image), source="")
        measured = tuple(
            m.with_(person=self.name("reader", m.person), notes=()) for m in findings.measurements
        )
        regions = tuple(replace(r, provenance=self._who(r.provenance)) for r in findings.regions)
        return replace(
            findings,
            items=tuple(self._finding(f, series) for f in findings),
            image=image,
            models=tuple({k: m[k] for k in _MODEL_KEYS if k in m} for m in findings.models),
            regions=regions,
            measurements=measured,
            notes=(),
            done_by=self.name("reader", findings.done_by),
        )

    def _finding(self, finding: Finding, series: str) -> Finding:
        opinions = tuple(replace(o, notes=()) for o in finding.opinions)
        return finding.with_(
            note="",
            label="",
            reason=finding.reason if finding.reason in REASONS else "",
            history=(),
            opinions=opinions,
            provenance=self._who(finding.provenance),
            tracking_uid=self.uid(tracking_uid(finding, series)),
        )

    def _who(self, provenance: Provenance) -> Provenance:
        return replace(provenance, person=self.name("reader", provenance.person))

    def source(self, source: Source) -> Source:
        """A series of which only the geometry is left; patient and dates are empty, identifiers hashed."""
        return replace(source, datasets=tuple(self._header(d) for d in source.datasets), dated=False)

    def _header(self, dataset: Dataset) -> Dataset:
        from pydicom.dataset import Dataset

        clean = Dataset()
        clean.file_meta = dataset.file_meta
        for name in _KEPT:
            if name in dataset:
                clean[name] = copy.copy(dataset[name])  # the series itself keeps its identifiers
        for name in ("SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID"):
            if name in clean:
                setattr(clean, name, self.uid(str(clean.get(name))))
        for name in ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"):
            if name in clean:
                setattr(clean, name, [_group(group) for group in clean[name].value])
        patient = self.name("patient", str(dataset.get("PatientID", "")))
        clean.PatientID, clean.PatientName = patient, f"{patient}^" if patient else ""
        for name in (
            *("PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "StudyID", "AccessionNumber"),
            "ReferringPhysicianName",
        ):
            setattr(clean, name, "")
        clean.PatientIdentityRemoved = "YES"
        clean.DeidentificationMethod = "napari-lungmtl: new object, geometry and hashed identifiers only"
        return clean


def _group(group: Dataset) -> Dataset:
    """A functional group with the geometry alone."""
    from pydicom.dataset import Dataset

    clean = Dataset()
    for name in _GROUPS_KEPT:
        if name in group:
            clean[name] = group[name]
    return clean
