"""Adding a network is a folder and a line: commands, run section, card and table know it then, and no other file changes."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from napari_lungmtl.contributions.writer import write_points
from napari_lungmtl.jobs import run_modes
from napari_lungmtl.layers.spheres.layer_data import points_layer_data
from napari_lungmtl.training.cli.app import app
from napari_lungmtl.training.findings import Finding, Findings, ImageReference, Sphere
from napari_lungmtl.training.findings.formats.csv_file import read_csv
from napari_lungmtl.training.imaging.image import Image
from napari_lungmtl.training.inference.chain import choose
from napari_lungmtl.training.inference.predictor import finish

from ..stand_ins.fresh_models import fresh_model_store
from ..stand_ins.toy_network import NAME, TITLE, toy_network


@pytest.fixture
def predictor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The shipped networks and the toy in place of the test detector."""
    fresh_model_store(monkeypatch)
    with toy_network(tmp_path / "elsewhere", monkeypatch):
        yield


@pytest.fixture
def nodule(predictor, image: Image) -> Finding:
    """A sphere that the toy characterised."""
    sphere = Finding(Sphere(tuple(image.to_world((20, 30, 30))), 10.0), id="one")
    (finding,) = finish(choose(image, [NAME]).characterise(image, Findings((sphere,))))
    return finding


def test_the_commands_list_and_evaluate_it(predictor, tmp_path: Path):
    listed = CliRunner().invoke(app, ["models"])
    assert listed.exit_code == 0
    assert f"{NAME} 0.1 · {TITLE}" in listed.stdout
    assert "Says the same of every nodule." in listed.stdout
    figures = CliRunner().invoke(app, ["evaluate", NAME, "--data", str(tmp_path), "--json", f"{tmp_path}/f"])
    assert figures.exit_code == 0, figures.stderr
    assert f'"network": "{NAME}"' in (tmp_path / "f").read_text()


def test_the_run_section_offers_it(window):
    _, dock = window
    mode = dock.run.mode.findData(run_modes.CHARACTERISE)
    dock.run.mode.setCurrentIndex(mode)
    assert f"MTMR-Net, MT-CNN and {TITLE} judge" in dock.run.purpose.text()


def test_a_findings_card_names_it(window, nodule: Finding):
    _, dock = window
    session = dock.reviewed.session
    session.replace_findings(Findings((nodule,)))
    session.select(nodule.id)
    assert [(row.name, row.text) for row in dock.card.scores.rows] == [
        ("Malignancy", "0.25 ± 0.12"),
        (TITLE, "0.25 ± 0.12"),
    ]


def test_the_table_has_its_columns(nodule: Finding, tmp_path: Path):
    data, attributes, _ = points_layer_data(Findings((nodule,), ImageReference("1.2.3")))
    (path,) = write_points(str(tmp_path / "f.csv"), data, attributes)
    header, row = Path(path).read_text().splitlines()
    assert header.endswith(
        "mtmr_malignancy,mtmr_spread,mtcnn_malignancy,mtcnn_spread,toy_malignancy,toy_spread"
    )
    assert row.endswith(",,,,0.25,0.125")
    (again,) = read_csv(path).values()
    assert again[0].opinion(NAME).malignancy == 0.25
