"""Which study comes next: the one on which networks, or a network and its mirror image, disagree."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from napari_lungmtl.training.cli.app import app
from napari_lungmtl.training.findings import Box, Finding, Findings, Mask, Provenance, Sphere
from napari_lungmtl.training.imaging.image import Image
from napari_lungmtl.training.inference import registry
from napari_lungmtl.training.learning.next_study import mirror, mirrored, question_of

from ...stand_ins.learning_network import LOOK_ALIKE, NAME, NODULE, learning_network, reviewed_scan


class OneSided:
    """Marks the brightest voxel with a score that depends on the side that it lies on."""

    def __init__(self, name: str, left: float, right: float) -> None:
        self.name, self.scores = name, (left, right)

    def run(self, image: Image):
        yield
        at = np.unravel_index(image.voxels.argmax(), image.shape)
        score = self.scores[int(at[-1] >= image.shape[-1] / 2)]
        finding = Finding(
            Sphere(tuple(image.to_world(at)), 6.0), score, provenance=Provenance(self.name, "1")
        )
        return Findings((finding,))


def test_the_largest_disagreement_its_place_and_who():
    voxels = np.zeros((4, 8, 20), np.int16)
    voxels[2, 4, 3] = 1
    image = Image(voxels, "CT", (2.0, 1.0, 1.0), (10.0, 0.0, -50.0))
    even, odd = OneSided("even", 0.9, 0.9), OneSided("odd", 0.8, 0.2)
    asked = question_of(image, {"Even": even, "Odd": odd})
    assert asked.disagreement == pytest.approx(0.6)
    assert asked.voices == ("Odd", "Odd mirrored")
    assert asked.case.at == pytest.approx((-47.0, 4.0, 14.0))
    assert asked.total == pytest.approx(0.6 + 0.1)


def test_what_is_found_on_the_mirror_image_comes_back():
    image = Image(np.zeros((40, 60), np.int16), "DX", (0.5, 0.5), origin=(3.0, -7.0))
    inside = np.zeros((4, 5), bool)
    inside[1, :3] = True
    shapes = (Box((5.0, -5.0), (9.0, 1.0)), Mask.from_array(inside, (0.5, 0.5), (5.0, -5.0)))
    findings = Findings(tuple(Finding(g) for g in shapes))
    there = mirrored(findings, image)
    assert there[0].geometry == Box((5.0, 14.5), (9.0, 20.5))
    assert there[1].center[1] == pytest.approx(-7.0 + 22.5 - findings[1].center[1])
    assert mirrored(there, image)[1].center == pytest.approx(findings[1].center)
    assert (mirror(image).voxels == image.voxels[:, ::-1]).all()


def test_the_command_lists_what_nobody_has_reviewed(tmp_path: Path, monkeypatch):
    with learning_network(tmp_path / "networks", monkeypatch):
        own = registry.info_of(registry.card(NAME))
        monkeypatch.setattr(registry, "models", lambda: (own,))
        studies = tmp_path / "studies"
        for name in ("done", "open"):
            reviewed_scan(studies, name, (NODULE, LOOK_ALIKE))
        (studies / "open.lungmtl.json").unlink()
        out, machine = tmp_path / "next.csv", tmp_path / "next.json"
        told = CliRunner().invoke(app, ["next", str(studies), "--out", str(out), "--json", str(machine)])
        assert told.exit_code == 0, told.output
        assert "1 study to review" in told.output
        assert [row["path"] for row in csv.DictReader(out.open())] == ["studies/open.nrrd"]
        assert json.loads(machine.read_text())[0]["disagreement"] == 0.0
        reviewed_scan(studies / "p1", "done", (NODULE, LOOK_ALIKE))
        reviewed_scan(studies / "p2", "done", (NODULE, LOOK_ALIKE))
        (studies / "p2" / "done.lungmtl.json").unlink()
        CliRunner().invoke(app, ["next", str(studies), "--json", str(machine)])
        names = [Path(row["path"]).parent.name for row in json.loads(machine.read_text())]
        assert names == ["p2", "studies"], "another film of a name that was reviewed is not"
        for folder in ("p1", "p2"):
            shutil.rmtree(studies / folder)
        (studies / "open.nrrd").unlink()
        nothing = CliRunner().invoke(app, ["next", str(studies)])
        assert nothing.exit_code == 1
        assert "no study that is left to review: 1 are reviewed" in nothing.output.replace("\n", " ")
