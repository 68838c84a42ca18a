"""The rules of the house: who may import what, and what must be where. Read from the files; nothing is run."""

import ast
import importlib.metadata
import os
import re
import sys
import tomllib
from pathlib import Path

import pytest

from .house import (
    GUI,
    NETWORKS,
    ORDER,
    PACKAGE,
    PLUGIN,
    ROOT,
    TRAINING,
    circles,
    import_graph,
    imports,
    name,
    values,
)

FOLDER = ROOT / "training" / "networks"
TESTS = sorted((ROOT / "tests").rglob("*.py"))
REGISTRY = ROOT / "training" / "inference" / "registry.py"
REPORT = ROOT / "training" / "report"
MOST_MODULES = 16


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


def test_a_network_imports_no_other_network():
    crossed = [
        (name(path), found)
        for path in TRAINING
        for network in NETWORKS
        if path.is_relative_to(FOLDER) and path.relative_to(FOLDER).parts[0] != network
        for found in imports(path)
        if under(found, f"napari_lungmtl.training.networks.{network}")
    ]
    assert not crossed


def test_no_modules_import_each_other():
    graph = import_graph()
    assert sum(map(len, graph.values())) > 500
    assert not circles(graph)


@pytest.mark.parametrize("package", ORDER)
def test_folders_import_only_what_stands_before_them(package: str):
    order = ORDER[package]

    def folder(module: str) -> str:
        inside = module.removeprefix(package + ".") if under(module, package) else ""
        return inside.partition(".")[0] if inside != package else ""

    arrows = {
        (module, found)
        for module, known in import_graph().items()
        for found in known
        if folder(module) and folder(found) and folder(module) != folder(found)
        if not (package == "napari_lungmtl" and folder(module) == "training")
    }
    assert arrows
    assert not {a for a in arrows if order.index(folder(a[1])) > order.index(folder(a[0]))}


def test_folders_stay_small_enough_to_read():
    counts: dict[Path, int] = {}
    for path in PACKAGE:
        counts[path.parent] = counts.get(path.parent, 0) + (path.name != "__init__.py")
    assert not {name(folder): count for folder, count in counts.items() if count > MOST_MODULES}


def test_networks_are_named_in_their_own_folders_only():
    """A name is a value in the code; what docstrings tell is no dependency. The report compares two papers, by name."""
    pattern = re.compile(rf"\b({'|'.join(NETWORKS)})\b|\b({'|'.join(NETWORKS)})_")
    named = {
        (name(path), value)
        for path in PACKAGE
        if not path.is_relative_to(FOLDER) and not path.is_relative_to(REPORT) and path != REGISTRY
        for value in values(path)
        if pattern.search(value)
    }
    assert not named


def test_the_package_points_to_nothing_outside_of_it():
    """Papers by DOI, layouts by name: nobody who installs it has our shared folder or our plan."""
    assert not matches(PACKAGE, r"\bshared/|\bthe design\b|\bthe house\b")


def test_no_test_file_imports_another():
    assert not [(name(p), f) for p in TESTS for f in imports(p) if re.search(r"tests\.(\w+\.)*test_\w+", f)]


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
    code = r"allow_pickle\s*=\s*True|\byaml\.load\(|(?<![\w.])(?:eval|exec)\("
    assert not matches(PACKAGE, code)
    with_loads = [path for path in PACKAGE if "torch.load" in path.read_text(encoding="utf-8")]
    loads = {
        (name(path), ast.unparse(node))
        for path in with_loads
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.load"
    }
    assert not {load for load in loads if "weights_only=True" not in load[1]}
    assert not matches(PACKAGE, r"\bfrom torch import [^\n]*\bload\b|\bjit\.load\(")
    picklers = ("pickle", "dill", "joblib", "cloudpickle")
    assert not [(name(p), f) for p in PACKAGE for f in imports(p) if f.partition(".")[0] in picklers]


def test_files_stay_short():
    lengths = {name(p): len(p.read_text(encoding="utf-8").splitlines()) for p in [*PACKAGE, *TESTS]}
    assert not {path: length for path, length in lengths.items() if length > 400}


def test_every_import_is_a_declared_dependency():
    """What only this machine happens to have is missing in a user's environment."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    added = (
        *extras["networks"],
        *extras["train"],
        *extras["report"],
        *extras["dicomweb"],
        *extras["cluster"],
        *extras["monai"],
        *extras["onnx"],
        *extras["openvino"],
        *extras["storage"],
    )
    wanted = [*project["dependencies"], *added]
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
