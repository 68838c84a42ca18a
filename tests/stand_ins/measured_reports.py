"""Measurement reports (TID 1500) as other programs write them, by highdicom alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import highdicom as hd
import numpy as np
from pydicom import Dataset
from pydicom.sr.codedict import codes

NAMES = {
    "diameter": ("81827009", "SCT", "Diameter"),
    "long axis": ("103339001", "SCT", "Long axis"),
    "area": ("42798000", "SCT", "Area"),
    "volume": ("118565006", "SCT", "Volume"),
    "certainty": ("111012", "DCM", "Certainty of Finding"),
    "cancer": ("111047", "DCM", "Probability of cancer"),
}


def tracking(name: str) -> hd.sr.TrackingIdentifier:
    """A name with a uid of its own."""
    return hd.sr.TrackingIdentifier(hd.UID(), name)


def number(name: str, value: float, unit: str, scheme: str = "UCUM") -> hd.sr.Measurement:
    """A measurement in a unit."""
    concept = hd.sr.CodedConcept(*NAMES[name])
    return hd.sr.Measurement(concept, value, hd.sr.CodedConcept(unit, scheme, unit))


def on_slice(
    dataset: Dataset, kind: str, points: Any, frames: Sequence[int] | None = None
) -> hd.sr.ImageRegion:
    """A region (SCOORD) in the pixels of an instance, or of frames of it."""
    source = hd.sr.SourceImageForRegion(dataset.SOPClassUID, dataset.SOPInstanceUID, frames and list(frames))
    return hd.sr.ImageRegion(kind, np.array(points, float), source)


def in_space(kind: str, points: Any, frame_of_reference: str) -> hd.sr.ImageRegion3D:
    """A region (SCOORD3D) in the patient, x, y, z."""
    return hd.sr.ImageRegion3D(kind, np.array(points, float), frame_of_reference)


def measured(region: Any, measurements: Sequence[hd.sr.Measurement] = (), name: str = "nodule") -> Any:
    """A measurement group of a planar region."""
    return hd.sr.PlanarROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=tracking(name), referenced_region=region, measurements=list(measurements) or None
    )


def report(slices: Sequence[Dataset], groups: Sequence[Any], path: Path) -> Path:
    """Write a report of measurement groups."""
    person = hd.sr.ObserverContext(
        observer_type=codes.DCM.Person,
        observer_identifying_attributes=hd.sr.PersonObserverIdentifyingAttributes("A^B"),
    )
    content = hd.sr.MeasurementReport(
        observation_context=hd.sr.ObservationContext(observer_person_context=person),
        procedure_reported=codes.LN.CTUnspecifiedBodyRegion,
        imaging_measurements=groups,
        title=codes.DCM.ImagingMeasurementReport,
    )
    hd.sr.Comprehensive3DSR(
        evidence=slices,
        content=content,
        series_instance_uid=hd.UID(),
        series_number=1,
        sop_instance_uid=hd.UID(),
        instance_number=1,
        manufacturer="test",
    ).save_as(path)
    return path
