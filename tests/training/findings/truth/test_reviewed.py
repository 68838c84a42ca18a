"""A file of a review as truth: only what somebody stands for is a nodule, in every format that says who decided what."""

import csv

import numpy as np
import pytest

from napari_lungmtl.training.export_options import Format
from napari_lungmtl.training.findings.export import export
from napari_lungmtl.training.findings.finding import Finding, Findings, ImageReference, Provenance, Sphere
from napari_lungmtl.training.findings.formats.luna16 import read_nodules
from napari_lungmtl.training.findings.formats.truth.load import load_truth, load_truth_of
from napari_lungmtl.training.findings.truth import TRUTH, is_true
from napari_lungmtl.training.imaging.image import Image

CT = Image(np.zeros((64, 64, 64), np.int16), "CT", (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), series_uid="1.2.3")
NETWORK = Provenance("ag3d", "0.3")


def at(z, status="unreviewed", provenance=NETWORK):
    return Finding(Sphere((z, 10.0, 10.0), 8.0), 0.5, provenance=provenance, status=status)


REVIEW = (
    at(10.0, "accepted"),
    at(20.0, provenance=Provenance()),  # drawn by a person
    at(30.0, provenance=Provenance("ag3d", "0.3", "reader")),  # moved by one
    at(40.0, "rejected"),
    at(50.0),
    at(55.0),
)


@pytest.fixture(params=[Format.JSON, Format.CSV])
def file(request, tmp_path):
    path = tmp_path / ("a.lungmtl.json" if request.param is Format.JSON else "findings.csv")
    export([Findings(REVIEW, ImageReference.of(CT))], path, request.param)
    return path


@pytest.mark.parametrize(
    "load", [load_truth, lambda path, image: load_truth_of(path, ImageReference.of(image))]
)
def test_what_nobody_reviewed_is_no_nodule_and_what_was_rejected_counts_neither_way(file, load):
    truth = load(file, CT)
    assert [f.center[0] for f in truth.nodules] == [10, 20, 30]
    assert [f.center[0] for f in truth.excluded] == [40]
    assert [f.center[0] for f in truth.unreviewed] == [50, 55]
    (said,) = truth.problems
    assert "2 findings of networks were reviewed by nobody" in said


def test_froc_takes_the_same_nodules_from_a_table(tmp_path, caplog):
    path = tmp_path / "findings.csv"
    export([Findings(REVIEW, ImageReference.of(CT))], path, Format.CSV)
    assert read_nodules(path)["1.2.3"].center[:, 0].tolist() == [10, 20, 30]
    assert "3 findings are no nodules" in caplog.text


def test_a_table_without_decisions_is_all_truth(tmp_path):
    path = tmp_path / "annotations.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(
            [("seriesuid", "coordX", "coordY", "coordZ", "diameter_mm"), ("1.2.3", 10, 10, 20, 6)]
        )
    assert len(load_truth(path, CT).nodules) == len(read_nodules(path)["1.2.3"].value) == 1


def test_a_truth_that_this_program_wrote_is_true():
    assert is_true(at(1.0, provenance=TRUTH))
    assert not is_true(at(1.0, "rejected", Provenance()))
