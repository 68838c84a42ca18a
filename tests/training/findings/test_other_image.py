"""Findings of another patient's file of the same name are told from those of a copy."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image as Picture
from typer.testing import CliRunner

from napari_lungmtl.training.cli.app import app
from napari_lungmtl.training.findings.finding import Box, Finding, Findings, ImageReference
from napari_lungmtl.training.findings.formats.images.other_image import is_another, other_image_words
from napari_lungmtl.training.findings.formats.json_file import write_findings
from napari_lungmtl.training.findings.formats.truth.load import load_truth
from napari_lungmtl.training.findings.import_file import import_findings
from napari_lungmtl.training.imaging.read import read_image


@pytest.fixture
def films(tmp_path):
    images = []
    for patient, value in (("p1", 0), ("p2", 9)):
        path = tmp_path / patient / "1.png"
        path.parent.mkdir()
        Picture.fromarray(np.full((90, 90), value, np.uint8)).save(path)
        images.append(read_image(path))
    return images


@pytest.fixture
def saved(films, tmp_path):
    path = tmp_path / "p1" / "1.lungmtl.json"
    finding = Finding(Box((1.0, 1.0), (9.0, 9.0)), status="accepted")
    write_findings(Findings((finding,), ImageReference.of(films[0])), path)
    return path


def test_another_patients_film_of_the_same_name_is_said(films, saved):
    for read in (import_findings, load_truth):
        found = read(saved, films[1])
        (said,) = found[1] if read is import_findings else found.problems
        assert "was written for another image" in said
        assert str(films[0].source) in said
        assert str(films[1].source) in said
        own = read(saved, films[0])
        assert not (own[1] if read is import_findings else own.problems)


def test_export_refuses_the_image_of_another_patient(films, saved, tmp_path):
    out = tmp_path / "out.csv"
    arguments = ["export", str(saved), "--to", "csv", "--out", str(out), "--image"]
    failed = CliRunner().invoke(app, [*arguments, str(films[1].source)])
    assert failed.exit_code == 1
    assert "p1/1.png" in failed.stderr
    assert not out.exists()
    assert CliRunner().invoke(app, [*arguments, str(films[0].source)]).exit_code == 0


def test_a_copy_is_the_same_and_a_file_that_moved_may_be(films, tmp_path):
    copy = tmp_path / "copy" / "1.png"
    copy.parent.mkdir()
    shutil.copy(films[0].source, copy)
    written, image = ImageReference.of(films[0]), ImageReference.of(read_image(copy))
    assert not is_another(written, image)
    gone = replace(written, source="/gone/1.png")
    assert not is_another(gone, image)
    assert "look whether they are the same" in other_image_words("f", gone, image)[0]
    assert not other_image_words("f", replace(written, source="/gone/copy/1.png"), image)


def test_a_lattice_tells_files_apart_and_an_identifier_series(films):
    written = ImageReference.of(films[0])
    assert is_another(replace(written, shape=(80, 90)), written)
    assert is_another(replace(written, origin=(5.0, 0.0)), written)
    series = ImageReference("1.2.3", "/ct", "CT", (9, 9, 9), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
    assert not is_another(series, replace(series, source="/other", shape=(12, 9, 9)))
    assert is_another(series, replace(series, series_uid="1.2.4"))
