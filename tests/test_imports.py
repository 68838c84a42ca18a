"""What is imported when: looked at in fresh interpreters, because this one has loaded everything already."""

import subprocess
import sys

import pytest
from npe2 import PluginManifest

from .house import GUI, ROOT, TRAINING


def python(code: str) -> str:
    """What a fresh interpreter prints."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_training_runs_where_no_window_can():
    """Every module of training imports with napari and Qt barred."""
    modules = [
        ".".join(p.relative_to(ROOT).with_suffix("").parts) for p in TRAINING if p.name != "__main__.py"
    ]
    python(f"""
import importlib, sys
class Bar:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {GUI!r}:
            raise ImportError(f"{{name}} is barred")
sys.meta_path.insert(0, Bar())
for module in {modules!r}:
    importlib.import_module("napari_lungmtl." + module.removesuffix(".__init__"))
""")


@pytest.mark.parametrize(
    ("imported", "barred"),
    [
        ("napari_lungmtl", ("numpy", "napari", "torch", "qtpy", "scipy", "SimpleITK")),
        ("napari_lungmtl.training.imaging", ("torch", "SimpleITK", "napari", "qtpy")),
        ("napari_lungmtl.training.inference.registry", ("torch", "SimpleITK", "napari", "qtpy")),
        ("napari_lungmtl.training.cli.app", ("torch", "lightning", "napari", "qtpy")),
        ("napari_lungmtl.panel.dock", ("torch", "lightning")),
        ("napari_lungmtl.contributions.reader", ("torch", "SimpleITK", "pydicom")),
    ],
)
def test_imports_stay_cheap(imported: str, barred: tuple[str, ...]):
    loaded = python(f"import {imported}, sys; print(*(n for n in {barred!r} if n in sys.modules))")
    assert loaded == ""


def test_listing_the_models_imports_no_torch():
    code = "from napari_lungmtl.training.inference.registry import models; import sys; "
    names, torch = python(code + "print(*[m.name for m in models()], 'torch' in sys.modules)").rsplit(" ", 1)
    assert names.split()[0] == "ag3d"
    assert torch == "False"


def test_the_manifest_is_valid_and_everything_it_names_exists():
    manifest = PluginManifest.from_file(ROOT / "napari_lungmtl" / "napari.yaml")
    manifest.validate_imports()
    commands = [command.id for command in manifest.contributions.commands or []]
    assert commands, "a plugin without commands does nothing"
    assert all(command.startswith("napari-lungmtl.") for command in commands)
