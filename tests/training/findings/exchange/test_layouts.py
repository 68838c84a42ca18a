"""Reports and marks in the published layouts of other programs, written tag by tag and not by this program or highdicom."""

import warnings

import numpy as np
import pydicom
import pytest
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset

from napari_lungmtl.training.export_options import Format
from napari_lungmtl.training.findings import Mask
from napari_lungmtl.training.findings.export import IN_DICOM, export
from napari_lungmtl.training.findings.formats.dicom.writing.seg import write_seg
from napari_lungmtl.training.findings.import_file import import_findings
from tests.stand_ins.exchanged import FLIPPED, TILTED, findings_on, opened, radiograph, series

ENHANCED_SR, GSPS = "1.2.840.10008.5.1.4.1.1.88.22", "1.2.840.10008.5.1.4.1.1.11.1"


@pytest.fixture(scope="module")
def scan(tmp_path_factory):
    return opened(series(tmp_path_factory.mktemp("ct"), shuffled=True))


def code(value: str, scheme: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


def content(kind: str, relation: str, concept: Dataset | None, below=(), **values) -> Dataset:
    """A content item (PS3.3 C.17.3) with further ones below it."""
    item = Dataset()
    item.ValueType, item.RelationshipType = kind, relation
    if concept is not None:
        item.ConceptNameCodeSequence = [concept]
    for name, value in values.items():
        setattr(item, name, value)
    if below:
        item.ContentSequence = list(below)
    return item


def container(relation: str, concept: Dataset, below, template: str = "") -> Dataset:
    item = content("CONTAINER", relation, concept, below, ContinuityOfContent="SEPARATE")
    if template:
        said = Dataset()
        said.MappingResource, said.TemplateIdentifier = "DCMR", template
        item.ContentTemplateSequence = [said]
    return item


def reference(dataset: Dataset, segment: int | None = None) -> list[Dataset]:
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = dataset.SOPClassUID, dataset.SOPInstanceUID
    if segment is not None:
        item.ReferencedSegmentNumber = segment
    return [item]


def measured(value: float, concept: Dataset, unit: Dataset) -> Dataset:
    number = Dataset()
    number.NumericValue, number.MeasurementUnitsCodeSequence = f"{value:g}", [unit]
    return content("NUM", "CONTAINS", concept, MeasuredValueSequence=[number])


def rated(concept: tuple, value: tuple) -> Dataset:
    return content("CODE", "CONTAINS", code(*concept), ConceptCodeSequence=[code(*value)])


def save(dataset: Dataset, source, sop_class: str, modality: str, path) -> None:
    """Give an object its identifiers and its header, and write it."""
    first = source.datasets[0]
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = sop_class
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = pydicom.uid.generate_uid()
    dataset.SeriesInstanceUID, dataset.StudyInstanceUID = pydicom.uid.generate_uid(), first.StudyInstanceUID
    dataset.Modality, dataset.Manufacturer, dataset.InstanceNumber = modality, "QIICR", 1
    dataset.PatientID, dataset.PatientName, dataset.SeriesNumber = first.PatientID, first.PatientName, 1
    dataset.save_as(path, enforce_file_format=True)


def dcmqi_report(segmentation: Dataset, source, number: int, evaluations) -> Dataset:
    """TID 1500 as dcmqi writes it for QuantitativeReporting and lidc2dicom: SNOMED codes of the old form, activity session, image
    library, one group (TID 1411) that refers to a segment."""
    finding = content("CODE", "CONTAINS", code("121071", "DCM", "Finding"))
    finding.ConceptCodeSequence = [code("M-03010", "SRT", "Nodule")]
    site = content("CODE", "CONTAINS", code("G-C0E3", "SRT", "Finding Site"))
    site.ConceptCodeSequence = [code("T-28000", "SRT", "Lung")]
    session = code("C67447", "NCIt", "Activity Session")
    group = container(
        "CONTAINS",
        code("125007", "DCM", "Measurement Group"),
        [
            content("TEXT", "HAS OBS CONTEXT", session, TextValue="1"),
            content(
                "TEXT",
                "HAS OBS CONTEXT",
                code("112039", "DCM", "Tracking Identifier"),
                TextValue="Nodule 1 - Annotation IL057_127364",
            ),
            content(
                "UIDREF",
                "HAS OBS CONTEXT",
                code("112040", "DCM", "Tracking Unique Identifier"),
                UID="1.2.276.0.7230010.3.1.4.77",
            ),
            finding,
            content(
                "IMAGE",
                "CONTAINS",
                code("121191", "DCM", "Referenced Segment"),
                ReferencedSOPSequence=reference(segmentation, number),
            ),
            content(
                "UIDREF",
                "CONTAINS",
                code("121232", "DCM", "Source series for segmentation"),
                UID=source.datasets[0].SeriesInstanceUID,
            ),
            site,
            measured(523.6, code("G-D705", "SRT", "Volume"), code("mm3", "UCUM", "cubic millimeter")),
            measured(10.0, code("M-02550", "SRT", "Diameter"), code("mm", "UCUM", "millimeter")),
            *evaluations,
        ],
        "1411",
    )
    library = container(
        "CONTAINS",
        code("111028", "DCM", "Image Library"),
        [
            container(
                "CONTAINS",
                code("126200", "DCM", "Image Library Group"),
                [content("IMAGE", "CONTAINS", None, ReferencedSOPSequence=reference(source.datasets[0]))],
            )
        ],
    )
    language = content(
        "CODE", "HAS CONCEPT MOD", code("121049", "DCM", "Language of Content Item and Descendants")
    )
    language.ConceptCodeSequence = [code("eng", "RFC5646", "English")]
    procedure = content("CODE", "HAS CONCEPT MOD", code("121058", "DCM", "Procedure reported"))
    procedure.ConceptCodeSequence = [code("25045-6", "LN", "CT unspecified body region")]
    observer = content("CODE", "HAS OBS CONTEXT", code("121005", "DCM", "Observer Type"))
    observer.ConceptCodeSequence = [code("121006", "DCM", "Person")]
    name = content(
        "PNAME", "HAS OBS CONTEXT", code("121008", "DCM", "Person Observer Name"), PersonName="Anonymous"
    )
    measurements = container("CONTAINS", code("126010", "DCM", "Imaging Measurements"), [group])
    report = container(
        "",
        code("126000", "DCM", "Imaging Measurement Report"),
        [language, observer, name, procedure, library, measurements],
        "1500",
    )
    del report.RelationshipType
    report.CompletionFlag, report.VerificationFlag = "COMPLETE", "UNVERIFIED"
    return report


@pytest.mark.parametrize(
    "shape", [{}, {"rows": FLIPPED}, {"rows": TILTED}], ids=["straight", "flipped", "tilted"]
)
def test_a_report_of_dcmqi(tmp_path, shape):
    image, source = opened(series(tmp_path / "ct", shuffled=True, **shape))
    write_seg(findings_on(image), tmp_path / "seg.dcm", source)
    segmentation = pydicom.dcmread(tmp_path / "seg.dcm")
    evaluations = [
        rated(("C45992", "NCIt", "Subtlety score"), ("105", "99LIDCQIICR", "5 out of 5 (Obvious)")),
        rated(("200", "99LIDCQIICR", "Internal structure"), ("C12471", "NCIt", "Soft tissue")),
        rated(("C3672", "NCIt", "Calcification"), ("RID28473", "RADLEX", "Absent")),
        rated(("400", "99LIDCQIICR", "Sphericity"), ("004", "99LIDCQIICR", "4 out of 5")),
        rated(("C28749", "NCIt", "Spiculation"), ("705", "99LIDCQIICR", "5 out of 5 (Marked spiculation)")),
        rated(("RID36042", "RADLEX", "Malignancy"), ("905", "99LIDCQIICR", "5 out of 5 (Highly Suspicious)")),
    ]
    report = dcmqi_report(segmentation, source, 2, evaluations)
    save(report, source, ENHANCED_SR, "SR", tmp_path / "sr.dcm")
    (own,), problems = import_findings(tmp_path / "sr.dcm", image)
    assert not problems
    (seg, *_) = [f for f in import_findings(tmp_path / "seg.dcm", image)[0] if f.number == 2]
    assert own.geometry == seg.geometry
    assert own.attributes == {
        "subtlety": 5,
        "internalStructure": 1,
        "calcification": 6,
        "sphericity": 4,
        "spiculation": 5,
    }
    assert (own.malignancy, own.tracking_uid) == (1.0, "1.2.276.0.7230010.3.1.4.77")


def graphic(kind: str, points, images, units: str = "PIXEL") -> Dataset:
    """A graphic annotation on some images (PS3.3 C.10.5), its points column and row."""
    drawn, annotation = Dataset(), Dataset()
    drawn.GraphicAnnotationUnits, drawn.GraphicDimensions = units, 2
    drawn.NumberOfGraphicPoints = len(points)
    drawn.GraphicData = [float(v) for point in points for v in point]
    drawn.GraphicType, drawn.GraphicFilled = kind, "N"
    annotation.GraphicLayer = "LAYER1"
    annotation.ReferencedImageSequence = [reference(each)[0] for each in images]
    annotation.GraphicObjectSequence = [drawn]
    return annotation


def test_marks_of_a_viewer_on_a_ct(scan, tmp_path):
    """As Weasis and other viewers draw: a circle and an ellipse, each on one slice and without a tracking identifier."""
    image, source = scan
    state = Dataset()
    on = source.datasets[3]
    state.GraphicAnnotationSequence = [
        graphic("CIRCLE", [(6.5, 5.5), (8.5, 5.5)], [on]),
        graphic("ELLIPSE", [(2.5, 3.5), (6.5, 3.5), (4.5, 2.5), (4.5, 4.5)], [on]),
        graphic("POLYLINE", [(0.1, 0.1), (0.9, 0.1)], [on], "DISPLAY"),
        graphic("POINT", [(3.5, 3.5)], [on]),
    ]
    save(state, source, GSPS, "PR", tmp_path / "pr.dcm")
    findings, problems = import_findings(tmp_path / "pr.dcm", image)
    place = np.array(on.ImagePositionPatient, float)
    down, right = map(float, on.PixelSpacing)
    circle, ellipse = findings
    assert circle.center == pytest.approx(place[::-1] + (0, 5 * down, 6 * right), abs=1e-3)
    assert circle.diameter == pytest.approx(4 * right, abs=1e-3)
    assert ellipse.center == pytest.approx(place[::-1] + (0, 3 * down, 4 * right), abs=1e-3)
    assert ellipse.diameter == pytest.approx(np.sqrt(4 * right * 2 * down), abs=1e-3)
    assert "1 graphics are on other images or no outlines" in problems[0]


def test_marks_of_a_viewer_on_a_radiograph(tmp_path):
    film, source = opened(radiograph(tmp_path / "cr"))
    state = Dataset()
    corners = [(10.0, 5.0), (20.0, 5.0), (20.0, 12.0), (10.0, 12.0), (10.0, 5.0)]
    state.GraphicAnnotationSequence = [graphic("POLYLINE", corners, source.datasets)]
    save(state, source, GSPS, "PR", tmp_path / "pr.dcm")
    ((box,), _) = import_findings(tmp_path / "pr.dcm", film)
    assert np.allclose(film.to_index([box.geometry.low, box.geometry.high]), [[4.5, 9.5], [11.5, 19.5]])


def test_a_structure_set_of_rt_utils(tmp_path):
    """Contours run through the middles of the outermost pixels there: the mask comes back but for pixels that lie on them.

    The pixels are square: rt-utils 1.2.7 takes the spacing of rows for that of columns.
    """
    rt_utils = pytest.importorskip("rt_utils")
    image, _ = opened(series(tmp_path / "ct", PixelSpacing=[1.25, 1.25]))
    inside = np.zeros(image.shape, bool)
    inside[2:5, 2:8, 3:9] = True
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = rt_utils.RTStructBuilder.create_new(str(tmp_path / "ct"))
        made.add_roi(mask=np.moveaxis(inside, 0, -1), name="GTV nodule", approximate_contours=False)
        made.save(str(tmp_path / "rt.dcm"))
    ((found,), _) = import_findings(tmp_path / "rt.dcm", image)
    assert isinstance(found.geometry, Mask)
    start = np.rint(image.to_index(found.geometry.origin)).astype(int)
    ours = np.zeros_like(inside)
    index = np.argwhere(found.geometry.to_array()) + start
    ours[tuple(index.T)] = True
    core = np.zeros_like(inside)
    core[2:5, 3:7, 4:8] = True
    assert not (ours & ~inside).any()
    assert not (core & ~ours).any()


def test_every_object_refers_to_the_series_that_is_open(scan, tmp_path):
    """And by the same tracking identifiers, which are those of the sidecar."""
    image, source = scan
    findings = findings_on(image)
    known = {str(d.SOPInstanceUID) for d in source.datasets}
    tracked: dict[Format, set[str]] = {}
    for format in sorted(IN_DICOM - {Format.DICOM_LABELMAP}):
        export([findings], tmp_path / f"{format}.dcm", format)
        written = pydicom.dcmread(tmp_path / f"{format}.dcm")
        beside = [pydicom.dcmread(p).SOPInstanceUID for p in tmp_path.glob(f"{format}_*.dcm")]
        referred = {str(e.value) for e in written.iterall() if e.keyword == "ReferencedSOPInstanceUID"}
        assert referred & known
        assert referred <= known | set(map(str, beside))
        uids = {str(e.value) for e in written.iterall() if e.keyword == "TrackingUID"}
        uids |= {str(i.UID) for i in items_of(written) if i.ConceptNameCodeSequence[0].CodeValue == "112040"}
        tracked[format] = uids
        assert written.StudyInstanceUID == source.datasets[0].StudyInstanceUID
    export([findings], tmp_path / "own.lungmtl.json", Format.JSON)
    assert len(tracked[Format.DICOM_SR]) == 3
    for format in (Format.DICOM_SEG, Format.DICOM_CAD, Format.DICOM_GSPS):
        assert tracked[format] == tracked[Format.DICOM_SR]


def items_of(dataset: Dataset):
    """Content items that have a name, all the way down."""
    for item in dataset.get("ContentSequence", ()):
        if "ConceptNameCodeSequence" in item:
            yield item
        yield from items_of(item)
