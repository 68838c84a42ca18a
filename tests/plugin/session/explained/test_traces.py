"""Traces of runs: one for each image and network, bounded, and only of the present weights."""

from dataclasses import dataclass
from types import SimpleNamespace

import pytest

from napari_lungmtl.session.explained import traces as t
from napari_lungmtl.session.session import Session


@dataclass(eq=False)
class Blank:
    """A trace without answers."""

    model: str = "net"
    version: str = "1"
    nbytes: int = 100


@pytest.fixture
def one(session):
    return session


def test_a_new_run_takes_the_place_of_the_one_before(one):
    kept = t.Traces()
    first, second, other = Blank(), Blank(), Blank("other")
    for trace in (first, other, second):
        kept.keep(one, trace)
    assert kept.of(one) == (other, second)
    assert kept.of(Session()) == ()
    kept.forget(one)
    assert len(kept) == 0


def test_what_was_asked_longest_ago_goes_when_memory_ends(one):
    kept, two = t.Traces(limit=250), Session()
    for session, trace in ((one, Blank()), (two, Blank())):
        kept.keep(session, trace)
    assert kept.of(one), "asked last"
    kept.keep(Session(), Blank())
    assert kept.of(one)
    assert not kept.of(two)
    assert kept.nbytes <= 250
    kept.keep(two, Blank(nbytes=1000))
    assert len(kept) == 1, "one is kept, however large"


def test_reasons_of_other_weights_are_not_told(one, monkeypatch):
    """Also where others were chosen while the run went on whose trace comes then."""
    in_use = ["1"]
    models = lambda: (SimpleNamespace(name="net", version=in_use[0]),)  # noqa: E731
    monkeypatch.setattr(t.registry, "models", models)
    kept = t.Traces()
    kept.keep(one, Blank())
    assert kept.of(one)
    in_use[0] = "1+own.3fa2c1d"
    assert not kept.of(one)
    kept.keep(one, Blank())
    assert not kept.of(one), "the run began with the former weights"
    kept.keep(one, Blank(version="1+own.3fa2c1d"))
    assert kept.of(one)
