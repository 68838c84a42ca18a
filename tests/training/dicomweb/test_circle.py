"""With a real Orthanc: what is stored is found, retrieved, read, and its findings come back from there as they were sent."""

from __future__ import annotations

import json
import os
from dataclasses import replace

import numpy as np
import pydicom
import pytest
from typer.testing import CliRunner

from napari_lungmtl.training.cli.app import app
from napari_lungmtl.training.dicomweb.findings import for_archive, loss_sentence, send_findings
from napari_lungmtl.training.dicomweb.query import Wanted, find_studies
from napari_lungmtl.training.dicomweb.retrieve import PARTIAL, retrieve_series
from napari_lungmtl.training.dicomweb.server import server_at
from napari_lungmtl.training.dicomweb.store import send
from napari_lungmtl.training.findings import ImageReference
from napari_lungmtl.training.findings.formats.json_file import write_findings
from napari_lungmtl.training.findings.import_file import import_findings
from napari_lungmtl.training.imaging import read_image
from napari_lungmtl.training.inference.predictor import finish
from tests.stand_ins.exchanged import findings_on, radiograph, series


@pytest.fixture(scope="module")
def study(orthanc, tmp_path_factory):
    """A CT and a radiograph of a patient, in the archive too."""
    folder = tmp_path_factory.mktemp("study")
    series(folder / "ct")
    (film,) = radiograph(folder / "film").iterdir()
    picture = pydicom.dcmread(film)
    picture.StudyInstanceUID, picture.SeriesInstanceUID = "1.2.5", "1.2.5.4"
    picture.save_as(film)
    files = [*sorted((folder / "ct").iterdir()), film]
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment(orthanc).items():
            patch.setenv(name, value)
        sent = finish(send(server_at(), files))
    assert [s.refused for s in sent] == [""] * len(files)
    return read_image(folder / "ct")


def environment(orthanc):
    from tests.stand_ins.orthanc import PASSWORD, USER

    return {
        "LUNGMTL_ARCHIVE_URL": orthanc.url,
        "LUNGMTL_ARCHIVE_CA": str(orthanc.certificates.ca),
        "LUNGMTL_ARCHIVE_USER": USER,
        "LUNGMTL_ARCHIVE_PASSWORD": PASSWORD,
    }


def find(**wanted):
    return finish(find_studies(server_at(), Wanted(**wanted))).studies


def run(*arguments):
    return CliRunner().invoke(app, ["archive", *map(str, arguments)])


def test_a_patient_is_found_by_name_number_and_date(signed_in, study):
    for wanted in (
        {"name": "weber"},
        {"name": "Weber, Änne"},
        {"patient_id": "KH-471108"},
        {"dates": "2024-05-06"},
        {"dates": "2024-05-01..2024-05-31"},
    ):
        (found, *_) = find(**wanted, modalities=("CT",))
        assert (found.patient_id, found.date) == ("KH-471108", "20240506")
        (ct,) = (s for s in found.series if s.modality == "CT")
        assert (ct.uid, ct.n_instances) == (study.series_uid, 8)
    assert found.patient == "Weber, Änne"
    assert not find(name="Nobody")
    assert not find(dates="2024-05-07..")
    assert not find(patient_id="KH-471108", modalities=("DX",))


def test_the_whole_circle(signed_in, study, tmp_path):
    got = finish(retrieve_series(server_at(), study.series_uid, tmp_path))
    assert (got.folder, got.count) == (tmp_path / study.series_uid, 8)
    image = read_image(got.folder)
    np.testing.assert_array_equal(image.voxels, study.voxels)
    assert (image.spacing, image.origin) == (study.spacing, study.origin)
    assert finish(retrieve_series(server_at(), study.series_uid, tmp_path)).was_there

    findings = replace(findings_on(image), image=ImageReference.of(image))
    case = for_archive(findings)
    assert len(case) == len(findings) - 1, "the rejected one stays here"
    assert loss_sentence(case).startswith("SEG and SR do not hold: ")
    sent = finish(send_findings(server_at(), case))
    assert sent.count == len(case)

    (found,) = find(patient_id="KH-471108", modalities=("CT",))
    there = {s.uid: s for s in found.series}
    uids = {each.uid: each for each in sent.objects}
    beside = tmp_path / "beside"
    retrieved = {}
    for one in (s for s in there.values() if s.modality in ("SEG", "SR")):
        folder = finish(retrieve_series(server_at(), one.uid, beside, found.uid)).folder
        (retrieved[one.description],) = folder.iterdir()
    assert {pydicom.dcmread(p).SOPInstanceUID for p in retrieved.values()} == set(uids)
    together = tmp_path / "together"
    together.mkdir()
    for name, file in retrieved.items():
        (together / f"{name.replace(':', '')}.dcm").write_bytes(file.read_bytes())
    back, problems = import_findings(together / "Lung nodules measurements.dcm", image)
    assert not problems
    assert [f.kind for f in back] == [f.kind for f in case]
    for mine, theirs in zip(case, back, strict=True):
        assert theirs.status == mine.status
        np.testing.assert_allclose(theirs.center, mine.center, atol=0.05)
        assert theirs.diameter == pytest.approx(mine.diameter, abs=0.05)


def test_the_same_on_the_command_line(signed_in, study, tmp_path):
    listed = run("query", "--id", "KH-471108", "--json", tmp_path / "found.json")
    assert listed.exit_code == 0
    assert "Weber, Änne" in listed.stdout
    found = json.loads((tmp_path / "found.json").read_text())
    assert study.series_uid in [s["uid"] for one in found["studies"] for s in one["series"]]
    got = run("get", study.series_uid, "--out", tmp_path)
    assert (got.exit_code, got.stdout) == (0, f"{tmp_path / study.series_uid}: 8 instances\n")
    image = read_image(tmp_path / study.series_uid)
    write_findings(
        replace(findings_on(image), image=ImageReference.of(image)), tmp_path / "case.lungmtl.json"
    )
    sent = run("send", tmp_path / "case.lungmtl.json", "--which", "accepted")
    assert sent.exit_code == 0
    assert "nodules_seg.dcm" in sent.stdout
    assert "report_sr.dcm" in sent.stdout
    assert "SEG and SR do not hold" in sent.stderr


def test_boxes_of_a_radiograph_go_as_a_report(signed_in, study, tmp_path):
    from napari_lungmtl.training.findings import Box, Finding, Findings

    (found,) = find(modalities=("CR", "DX"))
    (film,) = (s for s in found.series if s.is_image)
    image = read_image(finish(retrieve_series(server_at(), film.uid, tmp_path)).folder)
    boxes = Findings((Finding(Box((5, 6), (9, 12)), 0.5),), ImageReference.of(image))
    sent = finish(send_findings(server_at(), boxes))
    assert [each.file.name for each in sent.objects] == ["report_sr.dcm"]


def test_stopped_nothing_looks_whole(signed_in, study, tmp_path):
    left = tmp_path / f"{PARTIAL}of-a-killed-process"
    left.mkdir()
    os.utime(left, (0, 0))
    run = retrieve_series(server_at(), study.series_uid, tmp_path)
    stages = [next(run).stage for _ in range(3)]
    assert stages[-1] == "retrieving, 2 of 8 images"
    (partial,) = tmp_path.iterdir()
    assert partial.name.startswith(PARTIAL)
    assert len(list(partial.iterdir())) == 2
    run.close()
    assert not list(tmp_path.iterdir())


def test_what_the_archive_does_not_have_is_not_sent_to_it(signed_in, tmp_path):
    image = read_image(series(tmp_path / "ct", SeriesInstanceUID="2.25.7"))
    findings = for_archive(replace(findings_on(image), image=ImageReference.of(image)))
    with pytest.raises(Exception, match=r"has no series 2\.25\.7"):
        finish(send_findings(server_at(), findings))


def test_the_password_is_asked_for_tried_and_kept_in_the_keyring_only(orthanc, study, keyring, tmp_path):
    where = ("--url", orthanc.url, "--ca", orthanc.certificates.ca)
    refused = run("query", *where)
    assert refused.exit_code == 1
    assert "does not accept user and password" in refused.stderr
    wrong = CliRunner().invoke(app, ["archive", "login", *map(str, where)], input="reader\nwrong-secret\n")
    assert wrong.exit_code == 1
    assert not keyring.entries
    right = CliRunner().invoke(app, ["archive", "login", *map(str, where)], input="reader\ncorrect horse\n")
    assert right.exit_code == 0, right.stderr
    assert "wrong-secret" not in wrong.output
    assert "correct horse" not in right.output
    assert run("query", *where).exit_code == 0
    assert run("login", "--forget", *where).exit_code == 0
    assert run("query", *where).exit_code == 1
