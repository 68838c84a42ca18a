"""What was drawn on another scan or another film is refused, and what was drawn on this one comes back."""

from dataclasses import replace

import highdicom as hd
import numpy as np
import pydicom
import pytest

from napari_lungmtl.training.export_options import Format
from napari_lungmtl.training.findings import Box, Finding, Findings, ImageReference, Mask, Sphere
from napari_lungmtl.training.findings.export import export
from napari_lungmtl.training.findings.formats.errors import FindingsFileError
from napari_lungmtl.training.findings.formats.truth.load import load_truth
from napari_lungmtl.training.findings.import_file import import_findings
from tests.stand_ins.exchanged import findings_on, opened, radiograph, series

ALICE, BOB = (
    {"StudyInstanceUID": f"1.2.{n}", "SeriesInstanceUID": f"1.2.{n}.4", "PatientID": name}
    for n, name in ((31, "ALICE"), (32, "BOB"))
)


def film(folder, **tags):
    """A radiograph and a finding on it that has an outline."""
    image, _ = opened(radiograph(folder, **tags))
    inside = np.zeros(image.shape, bool)
    inside[10:20, 15:31] = True
    mask = Mask.from_voxels(np.argwhere(inside), image.scale, image.origin)
    return image, Findings((Finding(mask, number=1),), ImageReference.of(image))


@pytest.mark.parametrize("format", [Format.DICOM_SR, Format.DICOM_SEG, Format.DICOM_GSPS])
def test_a_ct_takes_nothing_of_another_patient(tmp_path, format):
    image, _ = opened(series(tmp_path / "alice", **ALICE, FrameOfReferenceUID="1.2.31.9"))
    bob, _ = opened(series(tmp_path / "bob", **BOB, FrameOfReferenceUID="1.2.32.9"))
    written = tmp_path / "of_alice.dcm"
    sphere = Finding(Sphere(tuple(image.to_world(np.array(image.shape) / 2)), 7.0), 0.9, number=1)
    export([Findings((sphere,), ImageReference.of(image))], written, format)
    (back,) = import_findings(written, image)[0]
    assert np.allclose(back.center, sphere.center, atol=1.5)
    assert bob.contains(sphere.center)
    with pytest.raises(FindingsFileError, match=r"another scan|open the series that it was drawn on"):
        import_findings(written, bob)
    if format is not Format.DICOM_GSPS:
        with pytest.raises(FindingsFileError, match="another scan"):
            load_truth(written, bob)


def test_a_long_report_of_another_patient_is_refused_in_few_words(tmp_path):
    image, _ = opened(series(tmp_path / "alice", **ALICE, FrameOfReferenceUID="1.2.31.9"))
    bob, _ = opened(series(tmp_path / "bob", **BOB, FrameOfReferenceUID="1.2.32.9"))
    center = np.array(image.to_world(np.array(image.shape) / 2))
    items = tuple(Finding(Sphere(tuple(center + k / 10), 4.0), number=k + 1) for k in range(12))
    export([Findings(items, ImageReference.of(image))], tmp_path / "sr.dcm", Format.DICOM_SR)
    with pytest.raises(FindingsFileError, match=r"9 more were left out\.$") as refused:
        import_findings(tmp_path / "sr.dcm", bob)
    assert "its frame of reference is 1.2.31.9, this image's 1.2.32.9" in str(refused.value)


@pytest.mark.parametrize("format", [Format.DICOM_SR, Format.DICOM_SEG, Format.DICOM_LABELMAP])
@pytest.mark.parametrize("space", [{}, {"PixelSpacing": [0.5, 0.25]}, {"FrameOfReferenceUID": "1.2.7.7"}])
def test_a_film_takes_its_own_and_nothing_of_another_film_of_its_size(tmp_path, format, space):
    image, findings = film(tmp_path / "alice", **ALICE, **space)
    bob, _ = film(tmp_path / "bob", **BOB, **space)
    assert image.shape == bob.shape
    written = tmp_path / "of_alice.dcm"
    export([findings], written, format)
    (back,) = import_findings(written, image)[0]
    if format is Format.DICOM_SR:
        assert isinstance(back.geometry, Box)
        assert np.allclose(back.center, findings[0].center, atol=1)
    else:
        assert back.geometry == findings[0].geometry
        assert len(hd.seg.segread(written).segment_numbers) == 1
    with pytest.raises(FindingsFileError, match="another picture"):
        import_findings(written, bob)


def test_a_film_takes_a_report_that_does_not_say_on_which_image_it_was_drawn(tmp_path):
    """Against TID 1410, but nothing speaks against it either."""
    image, findings = film(tmp_path / "alice", **ALICE)
    export([findings], tmp_path / "sr.dcm", Format.DICOM_SR)
    report = pydicom.dcmread(tmp_path / "sr.dcm")
    regions = [
        item
        for group in report.iterall()
        if group.keyword == "ContentSequence"
        for item in group.value
        if item.get("ValueType") == "SCOORD"
    ]
    assert regions
    for region in regions:
        region.ContentSequence = []
    report.save_as(tmp_path / "sr.dcm")
    (back,) = import_findings(tmp_path / "sr.dcm", image)[0]
    assert np.allclose(back.center, findings[0].center, atol=1)


def test_a_segmentation_of_a_film_lies_in_no_frame_of_reference(tmp_path):
    """PS3.3 A.51.5.1: it would ask for planes. So the same picture without its header takes it, too."""
    image, findings = film(tmp_path / "alice", **ALICE, FrameOfReferenceUID="1.2.7.7")
    export([findings], tmp_path / "seg.dcm", Format.DICOM_SEG)
    assert "FrameOfReferenceUID" not in pydicom.dcmread(tmp_path / "seg.dcm")
    copy = replace(image, metadata={}, source=tmp_path / "copy.png")
    (back,) = import_findings(tmp_path / "seg.dcm", copy)[0]
    assert back.geometry == findings[0].geometry


def test_a_chest_cad_report_is_refused_with_what_to_choose(tmp_path):
    image, _ = opened(series(tmp_path / "ct"))
    export([findings_on(image)], tmp_path / "cad.dcm", Format.DICOM_CAD)
    with pytest.raises(FindingsFileError, match=r"Chest CAD report.*dicom-sr"):
        import_findings(tmp_path / "cad.dcm", image)
