"""DICOM objects of series that lack slices, have no identity any more, or are rescaled frame by frame."""

import numpy as np
import pydicom
import pytest
from pydicom import Dataset

from napari_lungmtl.training.export_options import Format
from napari_lungmtl.training.findings import Finding, Findings, ImageReference, Sphere
from napari_lungmtl.training.findings.deidentify import Deidentifier
from napari_lungmtl.training.findings.export import export
from napari_lungmtl.training.findings.formats.dicom.writing.seg import write_seg
from napari_lungmtl.training.findings.formats.errors import SaveError
from napari_lungmtl.training.findings.import_file import import_findings
from tests.stand_ins.exchanged import COUNT, PATIENT, STEP, findings_on, opened, series
from tests.stand_ins.linear_series import multi_frame, plane, shared_group, write

OBJECTS = [Format.DICOM_SEG, Format.DICOM_SR, Format.DICOM_GSPS, Format.DICOM_KO, Format.DICOM_CAD]


def code_of_method() -> Dataset:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator = "113100", "DCM"
    code.CodeMeaning = "Basic Application Confidentiality Profile"
    return code


@pytest.mark.parametrize("format", OBJECTS)
@pytest.mark.parametrize("by_code", [False, True])
def test_a_study_without_identity_keeps_its_date_and_says_so(tmp_path, format, by_code):
    """PS3.3 C.7.1.1: the method may be text, a code, or both. The date is the study's: equal in all of its objects."""
    method = (
        {"DeidentificationMethodCodeSequence": [code_of_method()]}
        if by_code
        else {"DeidentificationMethod": "CTP"}
    )
    image, source = opened(series(tmp_path / "ct", PatientIdentityRemoved="YES", **method))
    export([findings_on(image)], tmp_path / "made.dcm", format, source=source)
    made = pydicom.dcmread(tmp_path / "made.dcm")
    assert made.StudyDate == PATIENT["StudyDate"]
    assert made.get("ContentDate", made.get("PresentationCreationDate")) != "19000101"
    assert made.PatientIdentityRemoved == "YES"
    if by_code:
        assert made.DeidentificationMethodCodeSequence[0].CodeValue == "113100"
    else:
        assert made.DeidentificationMethod == "CTP"
    hide = Deidentifier()
    export([hide.findings(findings_on(image))], tmp_path / "hidden.dcm", format, source=hide.source(source))
    assert pydicom.dcmread(tmp_path / "hidden.dcm").get("StudyDate", "") in ("", "19000101")


def test_a_region_with_a_missing_slice_is_said_to_have_a_hole(tmp_path):
    folder = series(tmp_path / "ct")
    files = {float(pydicom.dcmread(p).ImagePositionPatient[2]): p for p in folder.iterdir()}
    files[30.0 + 4 * STEP].unlink()
    image, source = opened(folder)
    assert any("missing" in warning for warning in image.warnings)
    _, y, x = image.to_world(np.array(image.shape) / 2)
    within = Finding(Sphere((30.0 + 4 * STEP, y, x), 12.0), number=1)
    beside = Finding(Sphere((30.0 + 1 * STEP, y, x), 5.5), number=2)
    findings = Findings((within, beside), ImageReference.of(image))
    said = write_seg(findings, tmp_path / "seg.dcm", source)
    assert said == ["slices lie far apart, or are missing, within 1: no region is written between them"]
    heights = [f.geometry.to_array().any((1, 2)) for f in import_findings(tmp_path / "seg.dcm", image)[0]]
    assert len(heights[0]) > heights[0].sum(), "the hole that is spoken of"
    assert heights[1].all()


def rescaled(slope: float, intercept: float) -> dict[str, object]:
    return {"RescaleSlope": slope, "RescaleIntercept": intercept, "RescaleType": "HU"}


@pytest.mark.parametrize("equal", [True, False])
def test_a_presentation_state_of_frames_that_bear_their_own_rescale(tmp_path, equal):
    frames = []
    for k in range(COUNT):
        group = plane(30.0 + k * STEP)
        values = rescaled(1, -1024 if equal else -1024 - k)
        group.PixelValueTransformationSequence = [_elements(values)]
        frames.append((30.0 + k * STEP, 0.0, group))
    dataset = multi_frame(frames, shared_group(), **PATIENT, RescaleSlope=None, RescaleIntercept=None)
    organization = Dataset()
    organization.DimensionOrganizationUID = "1.2.3.99"
    dataset.DimensionOrganizationSequence = [organization]
    write([dataset], tmp_path / "ct")
    image, source = opened(tmp_path / "ct")
    sphere = Finding(Sphere(tuple(image.to_world(np.array(image.shape) / 2)), 7.0), number=1)
    findings = Findings((sphere,), ImageReference.of(image))
    if not equal:
        with pytest.raises(SaveError, match=r"rescaled differently.*choose dicom-seg or dicom-sr"):
            export([findings], tmp_path / "pr.dcm", Format.DICOM_GSPS, source=source)
        return
    export([findings], tmp_path / "pr.dcm", Format.DICOM_GSPS, source=source)
    state = pydicom.dcmread(tmp_path / "pr.dcm")
    assert (float(state.RescaleSlope), float(state.RescaleIntercept)) == (1, -1024)
    (back,) = import_findings(tmp_path / "pr.dcm", image)[0]
    assert np.allclose(back.center, sphere.center, atol=1.5)
    group = source.datasets[0].PerFrameFunctionalGroupsSequence[0]
    assert "PixelValueTransformationSequence" in group, "the series is as it was"


def _elements(values: dict[str, object]) -> Dataset:
    inner = Dataset()
    for name, value in values.items():
        setattr(inner, name, value)
    return inner


def test_a_classic_series_that_is_rescaled_slice_by_slice(tmp_path):
    folder = series(tmp_path / "ct")
    for n, path in enumerate(sorted(folder.iterdir())):
        dataset = pydicom.dcmread(path)
        dataset.RescaleSlope = f"{1 + n / 10:.1f}"
        dataset.save_as(path)
    image, source = opened(folder)
    with pytest.raises(SaveError, match="rescaled differently"):
        export([findings_on(image)], tmp_path / "pr.dcm", Format.DICOM_GSPS, source=source)
