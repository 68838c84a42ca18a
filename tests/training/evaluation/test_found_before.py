"""Findings that were written before: the detector's own are taken, and those that do not belong are refused."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from napari_lungmtl.training.evaluation.found_before import FoundBefore
from napari_lungmtl.training.findings import Finding, Findings, ImageReference, Mask, Provenance, Sphere
from napari_lungmtl.training.findings.formats.json_file import write_findings
from napari_lungmtl.training.imaging import Image
from napari_lungmtl.training.inference.predictor import PredictorError
from napari_lungmtl.training.inference.weights import ModelCard

CARD = ModelCard("net", "2", "Net", "", ("CT",), {}, "ab")
IMAGE = Image(np.zeros((4, 5, 6), np.int16), "CT", (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
PATH = Path("/archive/a")


class Written:
    """Results of which one file is known."""

    def __init__(self, file):
        self.file = file

    def files(self, cases):
        return {path: self.file for path, _ in cases}


def found(score, model="net", **fields):
    return Finding(Sphere((1.0, 2.0, 3.0), 4.0), score, provenance=Provenance(model, "2"), **fields)


@pytest.fixture
def written(tmp_path):
    """Writes findings and gives them as they are evaluated."""

    def write(*items, **fields):
        models = ({"name": "net", "version": "2", "sha256": "ab"}, {"name": "other", "version": "1"})
        file = tmp_path / "a.lungmtl.json"
        findings = Findings(items, ImageReference.of(IMAGE), models=models)
        write_findings(replace(findings, **fields), file)
        before = FoundBefore(Written(file), CARD)
        before.look_up([(PATH, ())])
        return before.of(PATH, IMAGE)

    return write


def test_the_detectors_own_findings_have_its_own_scores(written):
    reduced = found(0.2, scores={"detector": 0.9}, id="reduced")
    shared = found(0.7, scores={"own": 0.4}, id="shared")
    kept = written(found(0.8, id="plain"), shared, reduced, found(0.95, "other"))
    assert [(f.id, f.score) for f in kept] == [("reduced", 0.9), ("plain", 0.8), ("shared", 0.4)]


def test_what_does_not_belong_is_refused(written, tmp_path):
    mask = Mask.from_array(np.ones((2, 2, 2), bool), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
    with pytest.raises(PredictorError, match="outlines in the place of spheres"):
        written(replace(found(0.8), geometry=mask))
    with pytest.raises(PredictorError, match="another size"):
        written(image=replace(ImageReference.of(IMAGE), shape=(4, 5, 7)))
    with pytest.raises(PredictorError, match="no findings of net: other ran there"):
        written(models=({"name": "other"},))
    with pytest.raises(PredictorError, match="net 1 with other weights than 2"):
        written(models=({"name": "net", "version": "1", "sha256": "cd"},))
    before = FoundBefore(Written("It is cut off."), CARD)
    before.look_up([(PATH, ())])
    with pytest.raises(PredictorError, match=r"/archive/a: It is cut off\."):
        before.file_of(PATH)
