"""``lungmtl export`` and ``lungmtl import``, from the files of one to those of the other and back."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
from typer.testing import CliRunner

from napari_lungmtl.training.cli.app import app
from napari_lungmtl.training.findings import Finding, Mask
from napari_lungmtl.training.findings.formats.json_file import read_findings, write_findings
from napari_lungmtl.training.findings.hand_on import file_stem
from napari_lungmtl.training.findings.image_place import image_place
from napari_lungmtl.training.imaging import write_volume
from tests.stand_ins.exchanged import findings_on, opened, series

RUN = CliRunner()


def lungmtl(*words):
    return RUN.invoke(app, [str(word) for word in words])


@pytest.fixture
def case(tmp_path):
    """Findings of a series, saved beside it."""
    image, _ = opened(series(tmp_path / "ct", shuffled=True))
    write_findings(findings_on(image), tmp_path / "case.lungmtl.json")
    return tmp_path


def test_findings_know_their_image_from_any_folder(tmp_path, monkeypatch):
    series(tmp_path / "ct")
    monkeypatch.chdir(tmp_path)
    image, _ = opened(Path("ct"))
    write_findings(findings_on(image), "case.lungmtl.json")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    done = lungmtl("export", tmp_path / "case.lungmtl.json", "--to", "dicom-sr", "--out", "sr.dcm")
    assert done.exit_code == 0, done.output
    assert pydicom.dcmread("sr.dcm").PatientID == image.metadata["patient_id"]


@pytest.mark.parametrize("place", ["ct", "studies/patient 1/ct"])
def test_findings_that_moved_together_with_their_image_find_it(tmp_path, place):
    old, new = tmp_path / "old", tmp_path / "new"
    image, _ = opened(series(old / place))
    (old / "out").mkdir()
    write_findings(findings_on(image), old / "out" / "case.lungmtl.json")
    old.rename(new)
    file = new / "out" / "case.lungmtl.json"
    assert image_place(file, read_findings(file).image.source) == new / place
    done = lungmtl("export", file, "--to", "dicom-sr", "--out", new / "sr.dcm")
    assert done.exit_code == 0, done.output
    (new / place).rename(tmp_path / "away")
    assert image_place(file, read_findings(file).image.source) == old / place, "as it is written"
    done = lungmtl("export", file, "--to", "dicom-sr", "--out", new / "sr2.dcm")
    assert done.exit_code == 1
    assert "is not there any more; name the series with --image" in done.output


def test_an_address_stays_as_it_is_written(case):
    findings = read_findings(case / "case.lungmtl.json")
    address = "https://server/studies/ct.nii.gz"
    write_findings(
        replace(findings, image=replace(findings.image, source=address)), case / "far.lungmtl.json"
    )
    done = lungmtl("export", case / "far.lungmtl.json", "--to", "json", "--out", case / "again.lungmtl.json")
    assert done.exit_code == 0, done.output
    assert read_findings(case / "again.lungmtl.json").image.source == address


def test_the_folder_of_a_file_is_made_and_where_that_cannot_be_it_is_said_before_the_work(case):
    done = lungmtl("models", "--json", case / "new" / "folder" / "models.json")
    assert done.exit_code == 0, done.output
    assert (case / "new" / "folder" / "models.json").is_file()
    done = lungmtl("models", "--json", case / "case.lungmtl.json" / "models.json")
    assert done.exit_code == 1
    assert "case.lungmtl.json cannot be made" in done.output


def test_there_and_back(case):
    findings = case / "case.lungmtl.json"
    done = lungmtl("export", findings, "--to", "dicom-sr", "--out", case / "sr.dcm")
    assert done.exit_code == 0, done.output
    assert "sr.dcm: 3 findings; the masks that it refers to are in sr_seg.dcm" in done.output
    assert "dicom-sr does not hold: " in done.output
    assert "lungs" in done.output.partition("does not hold")[2]
    back = case / "back.lungmtl.json"
    done = lungmtl("import", case / "sr.dcm", "--image", case / "ct", "--out", back)
    assert (done.exit_code, done.output.strip()) == (0, f"{back}: 3 findings")
    was, now = read_findings(findings), read_findings(back)
    assert [(f.id, f.number, f.status, f.note) for f in now] == [
        (f.id, f.number, f.status, f.note) for f in was
    ]
    assert all(f.tracking_uid for f in now)
    assert now.done_by == was.done_by == "Dr. Müller"
    again = lungmtl("import", case / "sr.dcm", "--image", case / "ct", "--out", back)
    assert again.exit_code == 1
    assert "is there already" in again.output


def test_what_goes_with_it_and_without_names(case):
    (case / "weber.pdf").write_bytes(b"%PDF-1.4\n%%EOF\n")
    words = ("--to", "dicom-seg", "--out", case / "seg.dcm", "--attach", case / "weber.pdf", "--deidentify")
    done = lungmtl("export", case / "case.lungmtl.json", *words)
    assert done.exit_code == 0, done.output
    assert "weber.pdf was not looked into" in done.output
    written = [pydicom.dcmread(case / name) for name in ("seg.dcm", "seg_lungs.dcm", "seg_attached_1.dcm")]
    assert {d.Modality for d in written} == {"SEG", "DOC"}
    assert len({(d.StudyInstanceUID, d.PatientID) for d in written}) == 1
    assert not any("Weber" in str(d.PatientName) for d in written)
    assert "2 findings" in done.output, "a rejected one would count as found"


def test_a_series_that_is_no_dicom(case, tmp_path):
    image, _ = opened(case / "ct")
    write_volume(image, tmp_path / "scan.nii.gz")
    own = replace(read_findings(case / "case.lungmtl.json"))
    write_findings(replace(own, image=replace(own.image, series_uid="")), tmp_path / "n.lungmtl.json")
    words = (tmp_path / "n.lungmtl.json", "--image", tmp_path / "scan.nii.gz")
    done = lungmtl("export", *words, "--to", "dicom-seg", "--out", tmp_path / "x.dcm")
    assert done.exit_code == 1
    assert re.search(r"scan\.nii\.gz is no DICOM series; choose nifti, nrrd, csv or json", done.output)
    done = lungmtl("export", *words, "--to", "nrrd", "--out", tmp_path / "x.nrrd")
    assert done.exit_code == 0, done.output
    assert (tmp_path / "x.labels.csv").exists()


def test_several_cases_into_a_folder(case):
    findings = read_findings(case / "case.lungmtl.json")
    other = replace(findings, image=replace(findings.image, series_uid="../../etc/passwd"))
    write_findings(other, case / "other.lungmtl.json")
    files = (case / "case.lungmtl.json", case / "other.lungmtl.json")
    done = lungmtl("export", *files, "--to", "nifti", "--out", case / "out")
    assert done.exit_code == 0, done.output
    names = sorted(p.name for p in (case / "out").iterdir())
    assert names == [
        "1.2.3.4_findings.labels.csv",
        "1.2.3.4_findings.nii.gz",
        "etc_passwd_findings.labels.csv",
        "etc_passwd_findings.nii.gz",
    ]
    wrong = lungmtl("export", files[1], "--to", "csv", "--out", case / "f.csv", "--image", case / "ct")
    assert wrong.exit_code == 1
    assert "belongs to the series ../../etc/passwd" in wrong.output


@pytest.mark.parametrize(
    "name", ["..", "../x", "/etc/passwd", "a\0b", "CON", "", "-rf", "ü" * 300, "x/../../y"]
)
def test_no_name_leaves_the_folder(name, tmp_path):
    stem = file_stem(name, set())
    assert (tmp_path / stem).resolve().parent == tmp_path.resolve()
    assert np.all([c not in stem for c in "/\\\0"])
    assert len(stem.encode()) <= 200
    assert not stem.startswith(("-", "."))


def test_rejected_findings_that_are_left_out_are_counted(case):
    findings = read_findings(case / "case.lungmtl.json")
    rejected = case / "äußerst fraglich.lungmtl.json"
    write_findings(findings.with_items(tuple(f.with_(status="rejected") for f in findings)), rejected)
    done = lungmtl("export", rejected, "--to", "dicom-seg", "--out", case / "seg.dcm")
    assert done.exit_code == 0, done.output  # the lungs are written
    assert f"{len(findings)} rejected left out, as dicom-seg has no place for that" in done.output


@pytest.mark.parametrize("to", ["dicom-seg", "dicom-sr", "dicom-gsps", "dicom-ko", "dicom-cad"])
def test_the_count_is_of_what_is_in_the_file(case, to):
    """A ball far outside is in no segmentation, and a mask there in no report; two sentences on it do not count it twice."""
    findings = read_findings(case / "case.lungmtl.json")
    image, _ = opened(case / "ct")
    away = Mask.from_voxels(np.argwhere(np.ones((2, 2, 2), bool)), image.scale, (900.0, 900.0, 900.0))
    kept = [f.with_(status="accepted") for f in findings]
    write_findings(findings.with_items((*kept, Finding(away, number=9))), case / "far.lungmtl.json")
    done = lungmtl("export", case / "far.lungmtl.json", "--to", to, "--out", case / "x.dcm")
    assert done.exit_code == 0, done.output
    assert "x.dcm: 3 findings; " in done.output
    assert re.search(r"left out of these, .*: 9\b", done.output)
