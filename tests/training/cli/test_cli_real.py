"""The command line on real data with the real weights."""

import csv
import json
import math
import subprocess
import sys

import numpy as np
import pytest

from napari_lungmtl.training.findings.formats.json_file import read_findings
from napari_lungmtl.training.inference import registry

NODULE_ZYX = (-190.46, 76.90, 72.29)
"""Of LIDC-IDRI-0003, LPS mm."""


def lungmtl(*arguments):
    command = [sys.executable, "-m", "napari_lungmtl.training.cli.app", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True)


def test_froc_on_the_challenge_files(lungmtl_data, tmp_path):
    folder = lungmtl_data / "luna16"
    done = lungmtl(
        *(
            "froc",
            "--truth",
            folder / "annotations.csv",
            "--excluded",
            folder / "annotations_excluded.csv.gz",
        ),
        *("--series", folder / "seriesuids.csv", "--submission", folder / "dpn26bs32.csv.gz"),
        *("--json", tmp_path / "froc.json"),
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    figures = json.loads((tmp_path / "froc.json").read_text())
    expected = json.loads((folder / "expected_froc.json").read_text())
    np.testing.assert_allclose(
        list(figures["sensitivity_at"].values()), expected["sensitivities"], rtol=0, atol=1e-9
    )
    assert figures["cpm"] == pytest.approx(expected["cpm"], abs=1e-9)
    assert figures["bootstrap"] is None
    for ours, theirs in (("ignored_excluded", "marks_ignored_on_excluded"), ("false_positives",) * 2):
        assert figures[ours] == expected[theirs]


def test_predict_finds_the_annotated_nodule_and_calls_it_malignant(lungmtl_data, tmp_path):
    """The scan took part in no training or tuning; LUNA16's criterion at the default threshold."""
    done = lungmtl(
        *("predict", lungmtl_data / "dicom" / "LIDC-IDRI-0003", "--out", tmp_path / "out", "--device", "cpu"),
        *("--json", tmp_path / "summary.json"),
    )
    assert done.returncode == 0, done.stderr
    with (tmp_path / "out" / "findings.csv").open() as file:
        rows = list(csv.DictReader(file))
    threshold = registry.card("ag3d").default_threshold
    shown = [r for r in rows if float(r["probability"]) >= threshold]
    places = np.array([[float(r[c]) for c in ("coordX", "coordY", "coordZ")] for r in shown])
    hits = np.linalg.norm(places - NODULE_ZYX[::-1], axis=1) < 21.45 / 2
    assert hits.any()
    assert (~hits).sum() <= 4
    (case,) = json.loads((tmp_path / "summary.json").read_text())["cases"]
    assert case["above_threshold"] == len(shown)
    assert rows[0]["seriesuid"] == case["series"]
    assert rows[0]["seriesuid"].startswith("1.3.6.1.4.1.14519.5.2.1.6279.6001.")

    # What the same run says of the nodule, which every reader called malignant.
    (file,) = (tmp_path / "out").glob("*.lungmtl.json")
    found = read_findings(file)
    best = max((f for f in found if math.dist(f.center, NODULE_ZYX) < 21.45 / 2), key=lambda f: f.score)
    assert best.malignancy > 0.5
    for name in ("mtmr", "mtcnn"):
        # The scan is in no fold, so every fold model was asked.
        assert len(best.opinion(name).fold_scores) == 5
    assert 0 < best.malignancy_spread < 0.5
