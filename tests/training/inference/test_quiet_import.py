"""Collections pass over what imports brought, and find what has gone all the same when they are asked to."""

from __future__ import annotations

import gc
import sys
import types
import weakref

import pytest

from napari_lungmtl.training.inference import quiet_import
from napari_lungmtl.training.inference.quiet_import import MANY, reclaim, times_settled, without_collections


class Node:
    """Something in a cycle."""

    def __init__(self) -> None:
        self.me = self


@pytest.fixture(autouse=True)
def as_before():
    """Other tests have their own settled objects."""
    yield
    gc.freeze()


def test_many_new_modules_are_settled_before_anything_can_be_collected(monkeypatch):
    before = times_settled()
    names = [f"settled_{n}" for n in range(MANY)]
    with without_collections():
        assert not gc.isenabled()
        for name in names:
            monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    assert gc.isenabled()
    assert times_settled() == before + 1
    assert not any(each is sys.modules[names[0]] for each in gc.get_objects()), "collections pass over it"


def test_a_few_modules_are_not_and_a_collector_that_was_off_stays_off():
    before = times_settled()
    gc.disable()
    try:
        with without_collections():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
    assert times_settled() == before


def test_what_has_gone_since_is_reclaimed():
    node = Node()
    gone = weakref.ref(node)
    quiet_import.settle()
    del node
    gc.collect()
    assert gone() is not None
    reclaim()
    assert gone() is None
