"""The rules of the house: who may import what, and what must be where. Read from the files; nothing is run."""

import ast
import importlib.metadata
import os
import re
import sys
import tomllib
from pathlib import Path

import pytest

from .house import GUI, PACKAGE, PLUGIN, ROOMS, ROOT, TRAINING, imports, name

NETWORKS = ROOT / "training" / "networks"
TESTS = sorted((ROOT / "tests").rglob("*.py"))


def matches(paths: list[Path], pattern: str) -> list[tuple[str, str]]:
    """Files and what in them matches."""
    return [(name(p), m.group()) for p in paths for m in re.finditer(pattern, p.read_text(encoding="utf-8"))]


def under(found: str, package: str) -> bool:
    return found == package or found.startswith(package + ".")


@pytest.mark.parametrize(
    ("link", "target"),
    [
        ("napari_lungmtl/training", "../training"),
        ("napari_lungmtl/sample_data", "../sample_data"),
        ("napari.yaml", "napari_lungmtl/napari.yaml"),
    ],
)
def test_links_lead_to_the_real_folders(link: str, target: str):
    assert os.readlink(ROOT / link) == target
    assert (ROOT / link).exists()


def test_training_is_imported_as_a_part_of_the_package():
    """A bare `training` would load modules twice, and be shadowed by a user's own folder of that name."""
    assert not [name(path) for path in [*PACKAGE, *TESTS] if any(under(f, "training") for f in imports(path))]


def test_training_knows_no_window():
    """`lungmtl view` and `demo` load the plugin by name, when called."""
    imported = {(name(path), found) for path in TRAINING for found in imports(path)}
    assert not [(path, found) for path, found in imported if any(under(found, gui) for gui in GUI)]
    ours = {(path, found) for path, found in imported if under(found, "napari_lungmtl")}
    assert ours
    assert not [(path, found) for path, found in ours if not under(found, "napari_lungmtl.training")]


def test_a_room_imports_no_other_room():
    crossed = [
        (name(path), found)
        for path in TRAINING
        for room in ROOMS
        if path.is_relative_to(NETWORKS) and path.relative_to(NETWORKS).parts[0] != room
        for found in imports(path)
        if under(found, f"napari_lungmtl.training.networks.{room}")
    ]
    assert not crossed


def test_the_plugin_uses_the_public_api_of_napari():
    assert not [(name(p), f) for p in PLUGIN for f in imports(p) if under(f, "napari") and "._" in f]
    assert not matches(PLUGIN, r"\bnapari\._|qt_viewer\b|_qt_window\b")
    assert not matches(PLUGIN, r"viewer\.(camera|axes|scale_bar|grid)\b"), "deprecated for .scene and .canvas"
    private = [
        f"{name(path)}: {node.value.id}.{node.attr}"
        for path in PLUGIN
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
        if re.search(r"viewer|layer|dims|window|worker", node.value.id) and re.match(r"_[^_]", node.attr)
    ]
    assert not private


def test_nothing_that_a_person_opens_can_run_code():
    code = r"\btorch\.load\(|allow_pickle\s*=\s*True|\byaml\.load\(|(?<![\w.])(?:eval|exec)\("
    assert not matches(PACKAGE, code)
    picklers = ("pickle", "dill", "joblib", "cloudpickle")
    assert not [(name(p), f) for p in PACKAGE for f in imports(p) if f.partition(".")[0] in picklers]


def test_files_stay_short():
    lengths = {name(p): len(p.read_text(encoding="utf-8").splitlines()) for p in [*PACKAGE, *TESTS]}
    assert not {path: length for path, length in lengths.items() if length > 400}


def test_every_import_is_a_declared_dependency():
    """What only this machine happens to have is missing in a user's environment."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *extras["networks"], *extras["train"]]
    declared = {_canonical(re.match(r"[\w.-]+", d).group()) for d in wanted}  # type: ignore[union-attr]
    owners = importlib.metadata.packages_distributions()
    undeclared = {
        f"{found} in {name(path)}"
        for path in PACKAGE
        for found in (f.partition(".")[0] for f in imports(path))
        if found not in sys.stdlib_module_names and found != "napari_lungmtl"
        if not declared & {_canonical(o) for o in owners.get(found, [])}
    }
    assert not undeclared


def _canonical(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()


def test_the_tutorial_lists_the_keys():
    from napari_lungmtl.shortcuts import KEYS

    page = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(.+?)` \| (.+?) \|$", page.partition("## Keys")[2].partition("\n#")[0], re.M)
    assert rows == [(key.key, key.description) for key in KEYS]


def test_the_docs_list_the_commands():
    from typer.main import get_command

    from napari_lungmtl.training.cli.app import app

    page = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")
    listed = re.findall(r"^lungmtl (\w+)", page, re.M)
    assert sorted(set(listed)) == sorted(get_command(app).commands)  # type: ignore[attr-defined]
