"""Where things are, and what modules import: for the tests of the house rules."""

import ast
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
ROOMS = ("dhn", "mosegnet", "ag3d", "mtmr", "mtcnn")


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
