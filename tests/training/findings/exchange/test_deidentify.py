"""A de-identified export holds no name, date, note or path, and hides the same things alike within a batch."""

import pydicom
import pytest

from napari_lungmtl.training.export_options import Format
from napari_lungmtl.training.findings import Finding, Findings, Sphere
from napari_lungmtl.training.findings.deidentify import Deidentifier
from napari_lungmtl.training.findings.export import FILE_NAMES, export, tellable
from napari_lungmtl.training.findings.formats.csv_file import read_csv
from napari_lungmtl.training.findings.formats.tables import read_rows, write_rows
from tests.stand_ins.exchanged import PATIENT, findings_on, opened, series

SECRETS = [
    *(
        word.encode()
        for word in ("Weber", "nne^", "KH-471108", "ACC-77", "Meier", "Karl", "19500203", "20240506")
    ),
    *("Müller".encode(), "Gefäß".encode(), "Müller".encode("latin1"), b"1.2.3.4", b"1.2.3.9"),
]


@pytest.mark.parametrize("format", [f for f in Format if f not in (Format.NODE21, Format.COCO, Format.YOLO)])
def test_nothing_of_the_patient_and_the_reader_is_left(tmp_path, format):
    image, source = opened(series(tmp_path / "weber"))
    assert PATIENT["PatientID"].encode() in SECRETS
    said = {"reason": "as Dr Meier said", "label": "Meier's", "note": "Weber, Karl"}
    findings = findings_on(image)
    findings = findings.with_items(tuple(f.with_(**said) for f in findings))
    if format is Format.DICOM_LABELMAP:
        findings = findings.with_items(findings.items[:2])
    hide = Deidentifier()
    out = tmp_path / "out"
    out.mkdir()
    export(
        [tellable(hide.findings(findings), format)],
        out / FILE_NAMES[format],
        format,
        source=hide.source(source),
    )
    files = [*out.iterdir()]
    assert files
    secrets = [*SECRETS, str(tmp_path).encode()]
    for file in files:
        data = file.read_bytes()
        assert not [s for s in secrets if s in data], file.name
        if file.suffix == ".dcm":
            times = [
                e.value for e in pydicom.dcmread(file).iterall() if e.VR in ("DA", "TM", "DT") and e.value
            ]
            assert set(map(str, times)) <= {"19000101", "000000"}


def test_a_reason_of_the_list_is_no_secret():
    hide, vessel = Deidentifier(), Finding(Sphere((0, 0, 0), 5), status="rejected", reason="vessel")
    (kept,) = hide.findings(Findings((vessel,)))
    assert (kept.status, kept.reason) == ("rejected", "vessel")


def test_the_same_series_is_the_same_in_every_file_of_a_batch(tmp_path):
    image, source = opened(series(tmp_path / "ct"))
    findings, hide = findings_on(image), Deidentifier()
    uids = set()
    for format in (Format.DICOM_SEG, Format.DICOM_SR, Format.DICOM_KO):
        export([hide.findings(findings)], tmp_path / f"{format}.dcm", format, source=hide.source(source))
        written = pydicom.dcmread(tmp_path / f"{format}.dcm")
        uids.add((written.StudyInstanceUID, written.PatientID))
        assert written.PatientIdentityRemoved == "YES"
    assert len(uids) == 1
    export([hide.findings(findings)], tmp_path / "f.csv", Format.CSV)
    assert list(read_csv(tmp_path / "f.csv")) == [hide.uid(image.series_uid)]
    other = Deidentifier()
    assert other.uid(image.series_uid) != hide.uid(image.series_uid)


def test_cells_never_start_a_formula(tmp_path):
    rows = [("=1+2", "+4", "-x", "@SUM(A1)", "'=quoted", "it's", "2-3")]
    write_rows(tmp_path / "t.csv", ("a", "b", "c", "d", "e", "f", "=g"), rows)
    text = (tmp_path / "t.csv").read_text()
    assert text.splitlines()[1] == "'=1+2,'+4,'-x,'@SUM(A1),''=quoted,it's,2-3"
    assert "'=g" in text.splitlines()[0]
    ((_, back),) = read_rows(tmp_path / "t.csv", ("a",))
    assert [back[k] for k in "abcdef"] == [*rows[0][:6]]
