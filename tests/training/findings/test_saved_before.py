"""What people have on their discs opens, whatever the code calls its fields by now."""

from __future__ import annotations

import json

import numpy as np
import pytest

from napari_lungmtl.training.findings import (
    Box,
    Finding,
    Findings,
    ImageReference,
    ImageScore,
    Mask,
    Opinion,
    Provenance,
    Region,
    Sphere,
)
from napari_lungmtl.training.findings.formats.json_file import read_findings, write_findings

from ...stand_ins.saved_findings import SAVED_CT, SAVED_RADIOGRAPH

MTMR = Opinion(
    *("mtmr", "0.2", 0.81, 0.12),
    view_scores=(0.7, 0.9),
    view_names=("axial −1.0 mm", "axial +0.0 mm"),
    fold_scores=(0.8, 0.82),
    attributes={"spiculation": 4.1},
    attribute_spread={"spiculation": 0.3},
    notes=("At the edge of the scan.",),
)
MTCNN = Opinion(
    "mtcnn", "0.1", 0.6, 0.2, view_scores=(0.5, 0.7), view_names=("axial", "coronal"), fold_scores=(0.6,)
)
CT = Findings(
    (
        Finding(
            Sphere((-190.5, 76.25, 72.0), 21.5),
            score=0.97,
            malignancy=0.81,
            malignancy_spread=0.12,
            attributes={"spiculation": 4.1, "margin": 2.5},
            opinions=(MTMR, MTCNN),
            scores={"rpn": 0.9, "fprn": 0.8, "detector": 0.95, "mtcnn_fpr": 0.7},
            provenance=Provenance("ag3d", "0.1", "ann"),
            status="accepted",
            note="größer?",
            id="a1",
        ),
        Finding(
            Sphere((-100.0, 10.0, 20.0), 6.0),
            provenance=Provenance(person="ann"),
            status="rejected",
            id="b2",
        ),
    ),
    ImageReference(
        *("1.2.840.1", "scan.mha", "CT", (11, 512, 512), (2.5, 0.75, 0.75), (-200.0, 0.0, 0.0)),
    ),
    (
        {"name": "ag3d", "version": "0.1", "sha256": "00ff"},
        {"name": "mtmr", "version": "0.2", "sha256": "11"},
    ),
)
LUNG = Mask.from_array(np.array([[1, 0], [1, 1]], bool), (2.0, 2.0), (0.0, 0.0))
SPOT = Mask.from_array(np.array([[0, 1], [1, 1]], bool), (1.0, 1.0), (4.0, 5.0))
RADIOGRAPH = Findings(
    (
        Finding(
            Box((1.0, 2.0), (3.5, 4.5)),
            score=0.5,
            scores={"rpn": 0.4},
            provenance=Provenance("dhn", "0.2"),
            id="d1",
        ),
        Finding(SPOT, score=0.75, scores={"peak": 0.7}, provenance=Provenance("mosegnet", "0.4"), id="m1"),
    ),
    ImageReference("radiograph", "", "DX", (30, 40), None, (0.0, 0.0), "pixel"),
    (
        {"name": "dhn", "version": "0.2", "sha256": "22"},
        {"name": "mosegnet", "version": "0.4", "sha256": "33"},
    ),
    (ImageScore("dhn", "0.2", 0.8, 0.45),),
    (Region("left lung", LUNG, Provenance("mosegnet", "0.4", "ann")),),
)


@pytest.mark.parametrize(("text", "findings"), [(SAVED_CT, CT), (SAVED_RADIOGRAPH, RADIOGRAPH)])
def test_saved_findings_open_with_all_values_and_are_written_as_they_were(tmp_path, text, findings):
    """But for the score of what a person drew, who gave none."""
    path = tmp_path / "case.lungmtl.json"
    path.write_text(text, "utf-8")
    assert read_findings(path) == findings
    write_findings(findings, path)
    expected = json.loads(text) | {"schema_version": 5}
    for entry in expected["findings"]:
        if not entry["origin"]["model"]:
            entry["score"] = None
    assert json.loads(path.read_text("utf-8")) == expected
