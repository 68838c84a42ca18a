"""A fold that there is not is refused by every command on nodule cubes; counts of candidates add up."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from napari_lungmtl.training.cli import app as cli
from napari_lungmtl.training.inference import registry

from ...stand_ins.cross_validation import write_data


@pytest.fixture(scope="module")
def cubes(tmp_path_factory):
    return write_data(tmp_path_factory.mktemp("cubes"), 12)


def lungmtl(*arguments):
    return CliRunner().invoke(cli.app, [str(a) for a in arguments])


@pytest.mark.parametrize("network", ["mtmr", "mtcnn", "mtcnn_fpr", "ag3d", "nodule_masks", None])
def test_a_slip_of_the_pen_in_folds_is_refused(cubes, tmp_path, network):
    """The figures of the folds that are left would look like those that were asked for."""
    command = ("candidates", "--out", tmp_path / "c.csv") if network is None else ("evaluate", network)
    result = lungmtl(*command, "--data", cubes, "--folds", "0,9")
    assert result.exit_code == 1
    assert "there is no fold 9; the folds are 0, 1, 2, 3, 4, never." in result.stderr
    assert not result.stdout


class Marks:
    """Marks each nodule twice in its middle, and the corner of its cube."""

    def detect_cubes(self, batch):
        middle = (np.array(batch[0].shape) - 1) / 2
        spheres = np.array([[*middle, 8.0], [*middle, 8.0], [2.0, 2.0, 2.0, 4.0]])
        return [(spheres, np.array([0.9, 0.8, 0.7])) for _ in batch]


def test_counts_of_candidates_add_up(cubes, tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "load_predictor", lambda *_: Marks())
    result = lungmtl(
        *("candidates", "--data", cubes, "--folds", "0", "--out", tmp_path / "c.csv"),
        *("--json", tmp_path / "c.json"),
    )
    assert result.exit_code == 0, result.stderr
    counts = json.loads((tmp_path / "c.json").read_text())
    assert counts["nodules"] == counts["false_positives"] == counts["neither"] > 0
    assert counts["marks"] == counts["nodules"] + counts["false_positives"] + counts["neither"]
    n = counts["nodules"]
    assert f"{n} the best mark on a nodule, {n} false positives, {n} neither" in result.stdout
