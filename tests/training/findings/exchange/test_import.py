"""Files of other programs as findings: structure sets, reports in the layout of dcmqi, LUNA16's marks, YOLO with confidences."""

import json

import highdicom as hd
import numpy as np
import pydicom
import pytest
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset

from napari_lungmtl.session.review import is_reviewed, passes
from napari_lungmtl.session.thresholds import Thresholds
from napari_lungmtl.training.export_options import Format
from napari_lungmtl.training.findings import Box, Finding, Findings, ImageReference, Provenance
from napari_lungmtl.training.findings.export import FILE_NAMES, export
from napari_lungmtl.training.findings.formats.dicom.codes import ATTRIBUTE, grade_code, grade_of
from napari_lungmtl.training.findings.formats.dicom.writing.seg import write_seg
from napari_lungmtl.training.findings.formats.errors import FindingsFileError
from napari_lungmtl.training.findings.formats.truth.load import load_truth
from napari_lungmtl.training.findings.import_file import import_findings
from napari_lungmtl.training.findings.lidc_scales import SCALE_MAX
from tests.stand_ins.exchanged import findings_on, opened, radiograph, series


@pytest.fixture(scope="module")
def scan(tmp_path_factory):
    return opened(series(tmp_path_factory.mktemp("ct"), shuffled=True))


def test_a_structure_set_with_a_hole_and_an_organ(scan, tmp_path):
    image, _ = scan

    def ring(z, low, high):
        corners = [(low, low), (low, high), (high, high), (high, low)]
        return [c for y, x in corners for c in image.to_world((z, y, x))[::-1]]

    def contour(data):
        item = Dataset()
        item.ContourGeometricType, item.NumberOfContourPoints, item.ContourData = (
            "CLOSED_PLANAR",
            len(data) // 3,
            data,
        )
        return item

    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.481.3"
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = "1.2.3.55"
    dataset.Modality = "RTSTRUCT"
    dataset.StructureSetROISequence, dataset.ROIContourSequence = [], []
    for number, (name, rings) in enumerate(
        [("GTV nodule", [ring(3, 0.5, 7.5), ring(3, 2.5, 4.5)]), ("Lung_L", [ring(2, 0.5, 3.5)])], 1
    ):
        roi, contours = Dataset(), Dataset()
        roi.ROINumber, roi.ROIName, roi.ReferencedFrameOfReferenceUID = number, name, "1.2.3.9"
        contours.ReferencedROINumber, contours.ContourSequence = number, [contour(r) for r in rings]
        dataset.StructureSetROISequence.append(roi)
        dataset.ROIContourSequence.append(contours)
    dataset.save_as(tmp_path / "rt.dcm", enforce_file_format=True)
    findings, problems = import_findings(tmp_path / "rt.dcm", image)
    expected = np.zeros(image.shape, bool)
    expected[3, 1:8, 1:8] = True
    expected[3, 3:5, 3:5] = False
    index = np.argwhere(findings[0].geometry.to_array()) + np.rint(
        image.to_index(findings[0].geometry.origin)
    ).astype(int)
    assert np.array_equal(index, np.argwhere(expected))
    assert findings[0].note == "GTV nodule"
    assert "(Lung_L) is anatomy" in problems[0]


def test_a_report_in_the_layout_of_dcmqi_and_lidc2dicom(scan, tmp_path):
    """A group that refers to a segment, with LIDC's ratings, and no field of this program."""
    image, source = scan
    findings = findings_on(image)
    write_seg(findings, tmp_path / "seg.dcm", source)
    segmentation = pydicom.dcmread(tmp_path / "seg.dcm")
    code = hd.sr.CodedConcept
    group = hd.sr.VolumetricROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=hd.sr.TrackingIdentifier("1.2.3.4.5", "Nodule 1 - Annotation IL057"),
        referenced_segment=hd.sr.ReferencedSegment(
            segmentation.SOPClassUID,
            segmentation.SOPInstanceUID,
            2,
            source_series=hd.sr.SourceSeriesForSegmentation("1.2.3.4"),
        ),
        finding_type=code("27925004", "SCT", "Nodule"),
        measurements=[
            hd.sr.Measurement(code("118565006", "SCT", "Volume"), 100.0, code("mm3", "UCUM", "mm3"))
        ],
        qualitative_evaluations=[
            hd.sr.QualitativeEvaluation(code(*ATTRIBUTE[name]), code(*grade_code(name, grade)))
            for name, grade in {"subtlety": 5, "calcification": 6, "margin": 4, "malignancy": 4}.items()
        ],
    )
    observer = hd.sr.ObserverContext(
        code("121006", "DCM", "Person"), hd.sr.PersonObserverIdentifyingAttributes("Reader^One")
    )
    content = hd.sr.MeasurementReport(
        observation_context=hd.sr.ObservationContext(observer_person_context=observer),
        procedure_reported=code("24627-2", "LN", "CT Chest"),
        imaging_measurements=[group],
    )
    hd.sr.Comprehensive3DSR(
        evidence=[*source.datasets, segmentation],
        content=content[0],
        series_instance_uid=hd.UID(),
        series_number=1,
        sop_instance_uid=hd.UID(),
        instance_number=1,
    ).save_as(tmp_path / "sr.dcm")
    back, problems = import_findings(tmp_path / "sr.dcm", image)
    assert not problems
    (nodule,) = back
    assert nodule.geometry == findings[1].geometry
    assert nodule.attributes == {"subtlety": 5, "calcification": 6, "margin": 4}
    assert (nodule.malignancy, nodule.status, nodule.tracking_uid) == (0.75, "unreviewed", "1.2.3.4.5")
    (tmp_path / "seg.dcm").unlink()
    with pytest.raises(FindingsFileError, match="a segmentation that is not beside the report"):
        import_findings(tmp_path / "sr.dcm", image)


@pytest.mark.parametrize(
    ("plane", "voxels"),
    [
        ([(0.5, 4, 1.5), (0.5, 4, 6.5), (4.5, 4, 6.5), (4.5, 4, 1.5)], np.s_[1:5, 4, 2:7]),
        ([(0.5, 1.5, 3), (0.5, 6.5, 3), (4.5, 6.5, 3), (4.5, 1.5, 3)], np.s_[1:5, 2:7, 3]),
        ([(2, 0.5, 1.5), (2, 0.5, 6.5), (2, 4.5, 6.5), (2, 4.5, 1.5)], np.s_[2, 1:5, 2:7]),
        ([(0.5, 1, 1.5), (0.5, 1, 6.5), (4.5, 5, 6.5), (4.5, 5, 1.5)], None),
    ],
    ids=["coronal", "sagittal", "axial", "oblique"],
)
def test_polygons_of_a_report_are_filled_in_their_own_plane(scan, tmp_path, plane, voxels):
    """SCOORD3D; the corners are given as fractional indices."""
    image, source = scan
    corners = image.to_world([*plane, plane[0]])[:, ::-1]
    group = hd.sr.PlanarROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=hd.sr.TrackingIdentifier("1.2.3.4.5", "polygon"),
        referenced_region=hd.sr.ImageRegion3D(hd.sr.GraphicTypeValues3D.POLYGON, corners, "1.2.3.9"),
    )
    observer = hd.sr.ObserverContext(
        hd.sr.CodedConcept("121006", "DCM", "Person"),
        hd.sr.PersonObserverIdentifyingAttributes("Reader^One"),
    )
    content = hd.sr.MeasurementReport(
        observation_context=hd.sr.ObservationContext(observer_person_context=observer),
        procedure_reported=hd.sr.CodedConcept("24627-2", "LN", "CT Chest"),
        imaging_measurements=[group],
    )
    hd.sr.Comprehensive3DSR(
        evidence=list(source.datasets),
        content=content[0],
        series_instance_uid=hd.UID(),
        series_number=1,
        sop_instance_uid=hd.UID(),
        instance_number=1,
    ).save_as(tmp_path / "sr.dcm")
    ((found,), problems) = import_findings(tmp_path / "sr.dcm", image)
    assert not problems
    own = found.geometry.to_array()
    if voxels is None:
        # One voxel for each column and slice, as slice k is cut midway between rows k and k + 1.
        assert (own.sum(), own.any(1).sum()) == (4 * 5, 4 * 5)
        assert found.center == pytest.approx(image.to_world((2.5, 3.0, 4.0)), abs=0.8)
        return
    expected = np.zeros(image.shape, bool)
    expected[voxels] = True
    index = np.argwhere(own) + np.rint(image.to_index(found.geometry.origin)).astype(int)
    assert np.array_equal(index, np.argwhere(expected))


def test_every_grade_has_a_code_of_its_own():
    for name in ATTRIBUTE:
        grades = range(1, SCALE_MAX.get(name, 5) + 1)
        assert [grade_of(name, grade_code(name, grade).value) for grade in grades] == list(grades)
    assert grade_of("spiculation", "703") == 3, "as others write what lies between"
    assert grade_of("texture", "RID9999") is None


def test_marks_of_a_challenge_and_of_yolo(scan, tmp_path):
    image, _ = scan
    (tmp_path / "marks.csv").write_text(
        f"seriesuid,coordX,coordY,coordZ,probability\n{image.series_uid},-5,-10,40,0.7\nother,1,2,3,0.1\n"
    )
    findings, problems = import_findings(tmp_path / "marks.csv", image)
    assert [(f.center, f.score, f.number) for f in findings] == [((40, -10, -5), 0.7, 1)]
    assert "10 mm is taken" in problems[0]
    film, _ = opened(radiograph(tmp_path / "cr"))
    (tmp_path / "film.txt").write_text("0 0.5 0.5 0.2 0.1 0.9\n")
    (box,) = import_findings(tmp_path / "film.txt", film)[0]
    assert (box.score, box.provenance, box.status) == (0.9, Provenance("film"), "unreviewed")
    assert np.allclose(film.to_index([box.geometry.low, box.geometry.high]), [[17.5, 19.5], [21.5, 29.5]])


def test_a_label_volume_lies_on_its_ct_for_other_programs(scan, tmp_path):
    import SimpleITK as sitk

    image, _ = scan
    findings = findings_on(image)
    said = export([findings], tmp_path / "labels.nii.gz", Format.NIFTI)
    assert said[0] == "the labels are listed in labels.labels.csv"
    volume = sitk.ReadImage(tmp_path / "labels.nii.gz")
    for x, y, z in (image.to_world((2, 1, 2))[::-1], image.to_world((3, 3, 5))[::-1]):
        assert volume[volume.TransformPhysicalPointToIndex((float(x), float(y), float(z)))] == 2
    back, _ = import_findings(tmp_path / "labels.nii.gz", image)
    assert back[1].geometry == findings[1].geometry
    assert [f.note for f in back] == [f.note for f in findings]


@pytest.mark.parametrize("format", [Format.COCO, Format.NODE21, Format.YOLO])
def test_marks_that_nobody_reviewed_come_back_so_and_count_as_true_only_beside(format, tmp_path):
    film, _ = opened(radiograph(tmp_path / "cr"))
    mark = Finding(Box((5, 6), (9, 12)), 0.06, provenance=Provenance("dhn", "0.3"))
    drawn = Finding(Box((2, 3), (6, 8)), provenance=Provenance(person="ann"))
    path = tmp_path / FILE_NAMES[format]
    export([Findings((mark, drawn), ImageReference.of(film))], path, format)
    back = import_findings(path, film)[0]
    status = "accepted" if format is Format.COCO else "unreviewed"  # the others do not tell who made a box
    assert [f.status for f in back] == ["unreviewed", status]
    # An empty provenance is a person's: then it would be shown at any threshold, and learnt from.
    assert back[1].provenance == (Provenance() if format is Format.COCO else Provenance(path.stem))
    assert [is_reviewed(f) for f in back] == [False, format is Format.COCO]
    if format is Format.COCO:
        assert (back[0].provenance, back[0].score) == (Provenance("findings.coco"), 0.06)
        assert not passes(back[0], Thresholds()), "it was hidden, and still is"
    if format is not Format.YOLO:
        truth = load_truth(path, film)
        assert [f.status for f in truth.nodules] == ["accepted"] * 2


def test_a_score_of_one_is_a_networks_and_bad_entries_of_coco_are_said(tmp_path):
    film, _ = opened(radiograph(tmp_path / "cr"))
    findings = Findings(
        (Finding(Box((5, 6), (9, 12)), 1.0, provenance=Provenance("net")),), ImageReference.of(film)
    )
    export([findings], tmp_path / "a.json", Format.COCO)
    document = json.loads((tmp_path / "a.json").read_text())
    document["annotations"].append(document["annotations"][0] | {"bbox": [1, 2, 0, 3]})
    (tmp_path / "a.json").write_text(json.dumps(document))
    (back,), problems = import_findings(tmp_path / "a.json", film)
    assert (back.status, back.provenance.model) == ("unreviewed", "a")
    assert "annotation 2" in problems[0]
