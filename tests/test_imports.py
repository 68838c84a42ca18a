"""What is imported when: looked at in fresh interpreters, because this one has loaded everything already."""

import ast
import importlib
import json
from pathlib import Path

import pytest
from npe2 import PluginManifest

from .house import GUI, ROOT, TRAINING
from .stand_ins.fresh_python import barred, python

READERS = ("SimpleITK", "pydicom", "cc3d", "edt", "fill_voids", "zarr")
SCRIPTS = sorted((*ROOT.glob("benchmarks/*.py"), *ROOT.glob("experiments/**/*.py")))


def test_training_runs_where_no_window_can():
    """First trainings without readers and a window, then every module without a window; in one interpreter, torch loads slowly."""
    modules = [
        ".".join(p.relative_to(ROOT).with_suffix("").parts) for p in TRAINING if p.name != "__main__.py"
    ]
    python(f"""
{barred(*GUI)}
{barred(*READERS)}
import importlib
for name in ("fitting.fit", *(f"networks.{{n}}.training" for n in ("ag3d", "dhn", "mosegnet", "mtmr"))):
    importlib.import_module("napari_lungmtl.training." + name)
sys.meta_path.pop(0)
for module in {modules!r}:
    importlib.import_module("napari_lungmtl." + module.removesuffix(".__init__"))
""")


CHEAP = {
    "napari_lungmtl": ("numpy", "napari", "torch", "qtpy", "scipy", "SimpleITK"),
    "napari_lungmtl.training.imaging": (
        "torch",
        "SimpleITK",
        "napari",
        "qtpy",
        "fsspec",
        "paramiko",
        "aiohttp",
    ),
    "napari_lungmtl.training.inference.registry": ("torch", "SimpleITK", "napari", "qtpy"),
    "napari_lungmtl.training.cli.app": ("torch", "lightning", "napari", "qtpy"),
    "napari_lungmtl.contributions.reader": ("torch", "SimpleITK", "pydicom"),
    "napari_lungmtl.panel.dock": ("torch", "lightning"),
}
"""What is imported, and what must not come along, in the order in which it is imported."""


@pytest.fixture(scope="module")
def loaded() -> dict[str, list[str]]:
    """Which of those packages are there after each import, one after the other in one interpreter."""
    return json.loads(
        python(f"""
import importlib, json, sys
loaded = dict()
for name, heavy in {CHEAP!r}.items():
    importlib.import_module(name)
    loaded[name] = [n for n in heavy if n in sys.modules]
print(json.dumps(loaded))
""")
    )


@pytest.mark.parametrize("imported", CHEAP)
def test_imports_stay_cheap(imported: str, loaded: dict[str, list[str]]):
    assert loaded[imported] == []


def test_the_front_door_opens_without_a_window_and_lists_the_models_without_torch():
    """Every public name with napari and Qt barred: on a cluster there is neither."""
    printed = python(f"""
{barred(*GUI)}
import napari_lungmtl as lm
for name in lm.__all__:
    getattr(lm, name)
print(*[m.name for m in lm.models()], "torch" in sys.modules)
""")
    names, torch = printed.rsplit(" ", 1)
    assert names.split()[0] == "ag3d"
    assert torch == "False"


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_benchmarks_and_experiments_import_what_is_there(path: Path):
    """Nobody runs them with the tests, so that a name which moved would go unseen."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("napari_lungmtl"):
            module = importlib.import_module(node.module or "")
            for alias in node.names:
                if not hasattr(module, alias.name):
                    importlib.import_module(f"{node.module}.{alias.name}")


def test_the_manifest_is_valid_and_everything_it_names_exists():
    manifest = PluginManifest.from_file(ROOT / "napari_lungmtl" / "napari.yaml")
    manifest.validate_imports()
    commands = [command.id for command in manifest.contributions.commands or []]
    assert commands, "a plugin without commands does nothing"
    assert all(command.startswith("napari-lungmtl.") for command in commands)
