"""``import napari_lungmtl as lm``: what is there, that each name has an example, and that the examples are true."""

import ast
import doctest
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import napari_lungmtl as lm

from .stand_ins.sample_slab import write_sample_slab


@pytest.mark.parametrize("name", lm.__all__)
def test_every_public_name_has_an_example(name: str):
    documented = getattr(lm, name).__doc__ or ""
    assert "\nExamples\n" in documented.replace("    ", ""), f"lm.{name} has no section Examples"
    assert ">>> " in documented


@pytest.fixture(params=[None, *lm.__all__], ids=lambda name: name or "lm")
def examples(request: pytest.FixtureRequest) -> Iterator[doctest.DocTest]:
    """The examples of one name, of the whole package for None."""
    thing = lm if request.param is None else getattr(lm, request.param)
    found = doctest.DocTestFinder(recurse=False).find(
        thing, f"lm.{request.param}", module=thing if isinstance(thing, ModuleType) else None, globs={}
    )
    return found[0]


def test_the_examples_are_true(examples: doctest.DocTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Each by itself, in an empty folder; models stay loaded between them."""
    monkeypatch.chdir(tmp_path)
    if examples.name == "lm.detect":  # on the whole sample in tests/training/inference/test_chain_real.py
        slab = write_sample_slab(tmp_path / "slab")
        monkeypatch.setattr(lm.datasets, "sample_ct", lambda: slab)
    said: list[str] = []
    result = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(examples, out=said.append)
    assert result.attempted
    assert not result.failed, "".join(said)


def test_all_and_the_types_name_the_same():
    """The lazy lookup, ``__all__`` and what a type checker sees are written one by one."""
    tree = ast.parse(Path(lm.__file__).read_text(encoding="utf-8"))
    (typed,) = (node for node in tree.body if isinstance(node, ast.If))
    seen = {
        alias.asname or alias.name
        for node in ast.walk(typed)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert sorted(seen) == lm.__all__ == sorted(lm._HOMES)
    assert set(lm.__all__) <= set(dir(lm))


def test_what_is_not_there_says_so():
    with pytest.raises(AttributeError, match=r"napari_lungmtl.*no attribute 'films'"):
        lm.films  # noqa: B018
