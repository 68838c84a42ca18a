"""The pages for people: what they name is there."""

import re
import tomllib
from pathlib import Path

import pytest

import napari_lungmtl as lm

from .house import ROOT, name

DOCS = sorted((ROOT / "docs").rglob("*.md"))
PAGES = [
    *(ROOT / p for p in ("README.md", "CONTRIBUTING.md", "CODE_OF_CONDUCT.md", "sample_data/README.md")),
    *DOCS,
]
TOP = r"napari_lungmtl|training|tests|docs|scripts|experiments|benchmarks|sample_data|\.github|\.ci"


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_path_that_a_page_names_exists(page: Path):
    """``<name>`` and ``*`` in a path stand for anything."""
    named = re.findall(rf"(?<![\w/.-])((?:{TOP})/[\w./*<>-]*[\w/*>])", text_of(page))
    patterns = {re.sub(r"<\w+>", "*", path.rstrip("/")) for path in named}
    assert not [p for p in sorted(patterns) if not list(ROOT.glob(p))]


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_to_a_file_leads_there(page: Path):
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text_of(page))
    assert not [link for link in links if "://" not in link and not (page.parent / link).exists()]


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_command_that_a_page_names_has_its_options(page: Path):
    import click
    from typer.main import get_command

    from napari_lungmtl.training.cli.app import app

    def options_of(command: click.Command) -> set[str]:
        below = command.commands.values() if hasattr(command, "commands") else ()
        return {o for p in command.params for o in p.opts}.union({"--help"}, *map(options_of, below))

    known = get_command(app)
    for called, rest in re.findall(r"(?<![\w-])lungmtl ([a-z]+)\b([^`\n#]*)", text_of(page)):
        assert called in known.commands  # type: ignore[attr-defined]
        options = set(re.findall(r"--[a-z-]+", rest))
        assert options <= options_of(known.commands[called]), called  # type: ignore[attr-defined]


def test_the_reference_has_every_public_name():
    listed = re.findall(r"^::: napari_lungmtl\.(\w+)", text_of(ROOT / "docs" / "api.md"), re.M)
    assert sorted(listed) == sorted(lm.__all__)


def test_the_readme_stays_a_page():
    assert len(text_of(ROOT / "README.md").encode()) < 7000


def test_version_and_address_are_the_same_everywhere():
    project = tomllib.loads(text_of(ROOT / "pyproject.toml"))["project"]
    citation = text_of(ROOT / "CITATION.cff")
    assert f"version: {lm.__version__}\n" in citation
    assert project["urls"]["Repository"] in citation
    assert project["urls"]["Repository"] in text_of(ROOT / "mkdocs.yml")


@pytest.mark.parametrize("page", DOCS, ids=name)
def test_every_layer_that_a_page_names_is_called_so(page: Path):
    """The folder of layers has each name as text: what the layer list says, or a constant that goes into it."""
    code = "".join(text_of(p) for p in (ROOT / "napari_lungmtl" / "layers").rglob("*.py"))
    names = re.findall(r"\blayers? \*([^*]+)\*", text_of(page))
    assert not [each for each in names if f'"{each}"' not in code]
