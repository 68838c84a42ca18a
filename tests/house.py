"""Where things are, and what modules import: for the tests of the house rules."""

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PLUGIN = sorted(
    p
    for p in (ROOT / "napari_lungmtl").rglob("*.py")
    if not p.is_relative_to(ROOT / "napari_lungmtl/training")
)
TRAINING = sorted((ROOT / "training").rglob("*.py"))
PACKAGE = [*PLUGIN, *TRAINING]
GUI = ("napari", "qtpy", "superqt", "magicgui", "PyQt6", "PyQt5", "PySide6", "vispy")
NETWORKS = ("dhn", "mosegnet", "ag3d", "mtmr", "mtcnn")
ORDER = {
    "napari_lungmtl.training": (
        *(
            "errors",
            "extras",
            "error_boundary",
            "log_file",
            "file_stamp",
            "export_options",
            "storage",
            "imaging",
            "ops",
            "findings",
            "segmentation",
            "growth",
            "guidelines",
            "explain",
            "inference",
            "dicomweb",
            "case_report",
            "data",
            "metrics",
            "comparison",
            "operating_point",
            "reader_study",
            "case_list",
            "fitting",
            "crossval",
        ),
        *(
            "evaluation",
            "learning",
            "networks",
            "cohort",
            "blind",
            "report",
            "report_html",
            "api",
            "cluster",
            "remote",
            "cli",
        ),
    ),
    "napari_lungmtl": (
        *(
            "training",
            "session",
            "text",
            "jobs",
            "layers",
            "canvas",
            "views",
            "reviewed_image",
            "reviewed_images",
            "prior",
            "shortcuts",
            "editing",
            "panel",
        ),
        *("contributions", "app"),
    ),
}
"""Folders of a package from the ground up: each imports only what stands before it."""


def name(path: Path) -> str:
    """For test ids and messages."""
    return str(path.relative_to(ROOT))


def module(path: Path) -> tuple[str, ...]:
    """The parts of the package (not module) that a file belongs to: what its relative imports start from."""
    parts = path.parent.relative_to(ROOT).parts
    return ("napari_lungmtl", *parts) if parts[0] == "training" else parts


def imports(path: Path) -> Iterator[str]:
    """Every imported module by its absolute name, those inside functions too."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [_absolute(path, node, alias.name) for alias in node.names]
        else:
            continue
        yield from names


def _absolute(path: Path, node: ast.ImportFrom, alias: str) -> str:
    base = module(path)[: len(module(path)) - node.level + 1] if node.level else ()
    return ".".join([*base, *([node.module] if node.module else []), alias])


def values(path: Path) -> Iterator[str]:
    """Every name and every string in a file's code, docstrings left out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            yield node.value
        elif isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr


def module_name(path: Path) -> str:
    """The dotted name of a file of the package."""
    parts = (*module(path), path.stem)
    return ".".join(parts[:-1] if path.stem == "__init__" else parts)


@functools.cache
def import_graph() -> dict[str, set[str]]:
    """Each module of the package with the modules of the package that it imports."""
    modules = {module_name(path) for path in PACKAGE}

    def owner(found: str) -> str:
        while found and found not in modules:
            found = found.rpartition(".")[0]
        return found

    return {
        module_name(path): {owner(found) for found in imports(path)} - {"", module_name(path)}
        for path in PACKAGE
    }


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Groups of modules that import each other, by networkx."""
    import networkx

    found = networkx.strongly_connected_components(networkx.DiGraph(graph))
    return sorted(sorted(group) for group in found if len(group) > 1)
