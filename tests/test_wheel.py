"""Wheel and sdist, built from the tree and installed where the tree is not, do what the tree does."""

import json
import os
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path
from typing import Any

import pytest

from napari_lungmtl.training.inference import registry

from .house import ROOT

pytestmark = pytest.mark.timeout(600)


def run(*command: str | Path, cwd: Path) -> str:
    """Standard output of a command that must succeed, started outside the tree and without its paths."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    done = subprocess.run(
        [str(c) for c in command], cwd=cwd, env=env, capture_output=True, text=True, timeout=400
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the sdist, and the wheel that was built from it: as an index serves and pip makes them."""
    folder = tmp_path_factory.mktemp("built")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    (wheel,) = built.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        found = archive.namelist()
    assert len(found) == len(set(found)), "a file came twice"
    return set(found)


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment of its own with the wheel in it; only the dependencies come from the present one.

    A .pth line adds a folder without reading the .pth files in it, so the editable tree stays out of sight.
    """
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder / "env", with_pip=False, symlinks=os.name != "nt")
    python = _python(folder / "env")
    purelib = Path(
        run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder).strip()
    )
    run(sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", wheel, cwd=folder)
    (purelib / "dependencies.pth").write_text(
        f"{sysconfig.get_path('purelib')}\n{sysconfig.get_path('platlib')}\n"
    )
    return folder


def _python(env: Path) -> Path:
    return env / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def test_the_wheel_holds_every_file_of_the_tree_once(names: set[str]):
    """The links are followed: training/ and sample_data/ are inside the package."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "training", "sample_data", "napari_lungmtl"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if listed.returncode:
        pytest.skip("this tree is no git clone")
    links = {"napari_lungmtl/training", "napari_lungmtl/sample_data"}
    tree = {n for n in listed.stdout.split("\0") if n and n not in links and (ROOT / n).is_file()}
    expected = {n if n.startswith("napari_lungmtl/") else f"napari_lungmtl/{n}" for n in tree}
    assert expected <= names
    assert not [
        n for n in names if "__pycache__" in n or n.startswith(("training/", "tests/", "sample_data/"))
    ]


def test_the_sdist_holds_tests_docs_and_no_leftovers(built: Path):
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = [name.partition("/")[2] for name in archive.getnames()]
    assert len(names) == len(set(names)), "a file came twice"
    assert {
        "pyproject.toml",
        "LICENSE",
        "README.md",
        "CITATION.cff",
        "docs/index.md",
        "tests/test_wheel.py",
    } <= set(names)
    assert not [
        n for n in names if n.startswith((".venv/", ".git/", "demo/", "site/", "runs/")) or "__pycache__" in n
    ]


def test_the_metadata_ask_for_torch_only_with_the_networks(wheel: Path):
    import email.parser

    import napari_lungmtl

    with zipfile.ZipFile(wheel) as archive:
        (name,) = (n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
        metadata = email.parser.Parser().parsestr(archive.read(name).decode())
    assert metadata["Version"] == napari_lungmtl.__version__
    assert {"networks", "train", "all"} <= set(metadata.get_all("Provides-Extra") or ())
    torch = [r for r in metadata.get_all("Requires-Dist") or () if r.startswith(("torch", "safetensors"))]
    assert torch
    assert all("extra ==" in r for r in torch), "a person who only reviews needs none of them"


def test_the_wheel_holds_manifest_weights_and_sample(names: set[str]):
    assert {"napari_lungmtl/napari.yaml", "napari_lungmtl/py.typed"} <= names
    weights = [registry.weights_path(info.name).resolve().relative_to(ROOT) for info in registry.models()]
    assert len(weights) >= 6
    for path in weights:
        assert {
            f"napari_lungmtl/{path.with_suffix(s).as_posix()}" for s in (".safetensors", ".json")
        } <= names
    assert (
        len([n for n in names if n.startswith("napari_lungmtl/sample_data/ct/") and n.endswith(".dcm")]) > 10
    )


def test_the_entry_point_leads_to_the_manifest(wheel: Path, names: set[str]):
    (entry,) = (n for n in names if n.endswith("entry_points.txt"))
    with zipfile.ZipFile(wheel) as archive:
        text = archive.read(entry).decode()
    assert "napari-lungmtl = napari_lungmtl:napari.yaml" in text
    assert "lungmtl = napari_lungmtl.training.cli.app:main" in text


@pytest.fixture(scope="module")
def done(installed: Path) -> dict[str, Any]:
    """What was done with the wheel, all in one interpreter: each would take seconds to load torch and the readers."""
    return json.loads(run(_python(installed / "env"), "-c", DONE, cwd=installed).splitlines()[-1])


DONE = """
import csv, dataclasses, doctest, json, npe2
from pathlib import Path
import napari_lungmtl as lm
import napari_lungmtl.training

folder = Path(lm.__file__).parent / "sample_data"

# Through npe2 as napari does it: the sample commands, and the reader on the same files.
manager = npe2.PluginManager.instance()
manager.discover()
samples = {c.key: c for name, cs in manager.iter_sample_data() if name == "napari-lungmtl" for c in cs}
opened = {}
for key, file in (("ct", "ct"), ("radiograph", "radiograph.dcm")):
    layers = [
        samples[key].open(_registry=manager.commands)[0],
        npe2.read([str(folder / file)], stack=False, plugin_name="napari-lungmtl")[0],
    ]
    opened[key] = [[list(layer[0].shape), layer[2]] for layer in layers]

from napari_lungmtl.training.inference.predictor import finish
from napari_lungmtl.training.inference.registry import load_predictor
predictor = load_predictor("ag3d", "cpu")
rows = list(csv.DictReader(open(folder / "annotations.csv")))
largest = max(rows, key=lambda r: float(r["diameter_mm"]))
truth = [float(largest[c]) for c in ("coordZ", "coordY", "coordX")]
image = lm.read_image(folder / "ct")
# 60 mm are enough to find it in, and a quarter of the work.
low, high = (int(image.to_index((truth[0] + mm, *truth[1:]))[0]) for mm in (-30, 30))
origin = tuple(image.to_world((low, 0, 0)))
found = finish(predictor.run(dataclasses.replace(image, voxels=image.voxels[low:high], origin=origin)))
shown = [list(map(float, f.center)) for f in found if f.score >= predictor.info.default_threshold]

# All but `detect`, which was done at length above.
things = {name: getattr(lm, name) for name in lm.__all__ if name != "detect"} | {"lm": lm}
results = {}
for name, thing in things.items():
    module = thing if name in ("lm", "datasets", "metrics") else None
    (example,) = doctest.DocTestFinder(recurse=False).find(thing, name, module=module, globs={})
    results[name] = doctest.DocTestRunner().run(example)

print(json.dumps({
    "where": lm.training.__file__,
    "samples": sorted(samples),
    "opened": opened,
    "largest": [truth, float(largest["diameter_mm"]), shown],
    "examples": len(results),
    "wrong": [name for name, result in results.items() if result.failed or not result.attempted],
}))
"""


def test_it_is_the_wheel_that_is_imported(installed: Path, done: dict[str, Any]):
    assert Path(done["where"]).is_relative_to(installed)


def test_napari_finds_a_valid_plugin(installed: Path):
    assert "valid" in run(
        _python(installed / "env"), "-m", "npe2", "validate", "napari-lungmtl", cwd=installed
    )


def test_napari_opens_the_samples_and_reads_their_files(done: dict[str, Any]):
    assert done["samples"] == sorted(done["opened"])
    for key, axes in (("ct", 3), ("radiograph", 2)):
        sample, read = done["opened"][key]
        assert sample == read
        assert len(sample[0]) == axes
        assert sample[1] == "image"


def test_the_command_line_knows_its_weights(installed: Path):
    script = _python(installed / "env").with_name("lungmtl.exe" if os.name == "nt" else "lungmtl")
    out = installed / "models.json"
    run(script, "models", "--json", out, cwd=installed)
    names = [card["name"] for card in json.loads(out.read_text(encoding="utf-8"))]
    assert names == ["ag3d", "mtcnn_fpr", "mtmr", "mtcnn", "nodule_masks", "dhn", "mosegnet"]


def test_the_weights_load_and_find_the_largest_sample_nodule(done: dict[str, Any]):
    """From the wheel to a finding, so that nothing that the way needs was left behind in the tree."""
    truth, diameter, found = done["largest"]
    assert any(sum((a - b) ** 2 for a, b in zip(truth, c, strict=True)) < (diameter / 2) ** 2 for c in found)


def test_the_examples_of_the_front_door_are_true(done: dict[str, Any]):
    assert (done["examples"], done["wrong"]) == (20, [])
