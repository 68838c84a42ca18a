"""The shipped networks together, on the sample CT and on a real scan that took part in no training."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from napari_lungmtl.training.cli import app as cli
from napari_lungmtl.training.findings import ATTRIBUTES, SCHEMA_VERSION, Finding, Findings, Sphere
from napari_lungmtl.training.findings.formats.json_file import read_findings
from napari_lungmtl.training.imaging import read_image
from napari_lungmtl.training.inference import registry
from napari_lungmtl.training.inference.chain import choose
from napari_lungmtl.training.inference.predictor import finish

JUDGES = ("mtmr", "mtcnn")
pytestmark = [
    pytest.mark.skipif(
        not {"ag3d", *JUDGES} <= {info.name for info in registry.models()},
        reason="the weights of the characterisers are not at hand",
    ),
    pytest.mark.timeout(900),
]
SAMPLES = Path(__file__).resolve().parents[3] / "sample_data"
NODULE = Sphere((-190.46, 76.90, 72.29), 21.45)
"""Of LIDC-IDRI-0003, z, y, x in LPS mm: every reader called it malignant (4 or 5)."""


def test_the_sample_ct_from_file_to_files(tmp_path):
    result = CliRunner().invoke(cli.app, ["predict", str(SAMPLES / "ct"), "--out", str(tmp_path)])
    assert result.exit_code == 0, result.output
    (file,) = tmp_path.glob("*.lungmtl.json")
    findings = read_findings(file)
    assert (findings[0].kind, findings[0].score > 0.9) == ("sphere", True)  # as the example of lm.detect says
    shown = [f for f in findings if f.score >= 0.5]
    truth = read_findings(SAMPLES / "ct_truth.lungmtl.json")
    near = [min(np.linalg.norm(np.subtract(f.center, t.center)) for f in shown) for t in truth]
    assert np.median(near) < 3
    assert all({o.model for o in f.opinions} == set(JUDGES) for f in findings)
    assert all(set(f.attributes) == set(ATTRIBUTES) for f in findings)
    cards = {name: registry.card(name) for name in ("ag3d", *JUDGES)}
    listed = {m["name"]: (m["version"], m["sha256"]) for m in findings.models}
    assert {n: listed[n] for n in cards} == {n: (c.version, c.sha256) for n, c in cards.items()}
    with (tmp_path / "findings.csv").open() as table:
        rows = list(csv.DictReader(table))
    for row, finding in zip(rows, findings, strict=True):
        assert float(row["malignancy"]) == finding.malignancy
        assert float(row["mtcnn_malignancy"]) == finding.opinion("mtcnn").malignancy
    assert json.loads(file.read_text())["schema_version"] == SCHEMA_VERSION


@pytest.fixture(scope="module")
def scan(request):
    folder = request.getfixturevalue("lungmtl_data") / "dicom" / "LIDC-IDRI-0003"
    return read_image(folder)


def test_the_real_nodule_is_called_malignant(scan):
    """As drawn by a reader; as found by 3D-AG in ``tests/training/cli/test_cli_real.py``."""
    (finding,) = finish(choose(scan, JUDGES).characterise(scan, Findings((Finding(NODULE),))))
    assert finding.malignancy > 0.5
    for name in JUDGES:
        # The scan is in no fold, so every fold model was asked.
        assert len(finding.opinion(name).fold_scores) == 5
    assert 0 < finding.malignancy_spread < 0.5


def test_many_nodules_go_on_step_by_step(scan):
    """The budget (10 s on two free cores) is measured in benchmarks; here only that a caller can stop at every step."""
    rng = np.random.default_rng(0)
    low, high = scan.extent
    items = tuple(
        Finding(Sphere(tuple(rng.uniform(low + 5, high - 5)), rng.uniform(4, 20))) for _ in range(20)
    )
    steps = [step.fraction for step in _steps(choose(scan, JUDGES).characterise(scan, Findings(items)))]
    assert len(steps) > 40
    assert steps == sorted(steps)


def _steps(run):
    """All progress of a run."""
    while True:
        try:
            yield next(run)
        except StopIteration:
            return
