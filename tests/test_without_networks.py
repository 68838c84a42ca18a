"""An installation without the extra ``networks``: everything but the networks works, and they say how to get them."""

import json
from pathlib import Path

import pytest

from .stand_ins.fresh_python import barred, python

pytestmark = pytest.mark.timeout(300)
BARRED = barred("torch", "torchvision", "safetensors", "lightning", "matplotlib")
SENTENCE = 'pip install "napari-lungmtl[networks]"'


def test_the_front_door_reads_edits_and_writes_and_a_run_says_what_is_missing(tmp_path: Path):
    printed = python(f"""
{BARRED}
import napari_lungmtl as lm
image = lm.read_image(lm.datasets.sample_radiograph())
drawn = lm.Findings([lm.Finding(lm.Box(low=(100.0, 100.0), high=(120.0, 120.0)))])
lm.write_findings(drawn, {str(tmp_path / "case.lungmtl.json")!r})
assert lm.read_findings({str(tmp_path / "case.lungmtl.json")!r}) == drawn
assert lm.models()
try:
    lm.analyse(image)
except lm.LungmtlError as error:
    print(error)
""")
    assert SENTENCE in printed


COMMANDS = {
    "predict {sample} --out {out}": "networks",
    "evaluate dhn --data {out}": "networks",
    "simulate prepare --data {out} --out {out}/prepared": "networks",
    "train dhn --data {out} --out {out}/run": "train",
}


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, str]]:
    """Exit code and standard error of each command, all in one interpreter: each would take seconds to start."""
    printed = python(f"""
{BARRED}
import contextlib, io, json
import napari_lungmtl as lm
from napari_lungmtl.training.cli.app import app
found = dict()
for command in {list(COMMANDS)!r}:
    arguments = command.format(sample=lm.datasets.sample_radiograph(), out={str(tmp_path_factory.mktemp("out"))!r}).split()
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            app(arguments)
    except SystemExit as end:
        found[command] = end.code, said.getvalue()
print(json.dumps(found))
""")
    return {command: tuple(end) for command, end in json.loads(printed.splitlines()[-1]).items()}


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_that_need_networks_say_so_in_one_line(command: str, said: dict[str, tuple[int, str]]):
    code, sentence = said[command]
    assert code == 1
    assert sentence.startswith("lungmtl: ")
    assert f"napari-lungmtl[{COMMANDS[command]}]" in sentence
    assert "Traceback" not in sentence


def test_the_window_opens_draws_and_exports_and_run_says_what_is_missing(tmp_path: Path):
    """In one window, as a person would: open from the menu, which asks for no torch, draw, save, press Run."""
    printed = python(f"""
{BARRED}
import os, time
os.environ["XDG_DATA_HOME"] = {str(tmp_path)!r}
import napari
from qtpy.QtWidgets import QApplication
import napari_lungmtl as lm
from napari_lungmtl.contributions.writer import write_points
from napari_lungmtl.layers.spheres.layer import add_image_layer

viewer = napari.Viewer()
add_image_layer(viewer, lm.read_image(lm.datasets.sample_ct()))
_, dock = viewer.window.add_plugin_dock_widget("napari-lungmtl", "Lung nodules")
print([name for name in Bar.asked if name.startswith(("torch", "lightning"))], dock.reviewed.layer is viewer.layers[0])
layer = next(layer for layer in viewer.layers if isinstance(layer, napari.layers.Points))
layer.add(layer.world_to_data((-141.0, 35.6, -51.0)))
data, attributes, _ = layer.as_layer_data_tuple()
write_points({str(tmp_path / "findings.csv")!r}, data, attributes)
dock.run.start()
until = time.monotonic() + 60
while dock.run.runner.running and time.monotonic() < until:
    QApplication.processEvents()
print(dock.run.message.text())
""")  # nobody closes the window: Python ends all the same, and what was drawn is saved
    opened, *_, said = printed.splitlines()
    assert opened == "[] True"
    assert SENTENCE in said
    assert len((tmp_path / "findings.csv").read_text(encoding="utf-8").splitlines()) == 2
    assert [*tmp_path.rglob("*.lungmtl.json")]
