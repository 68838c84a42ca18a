"""How a run joins what a person has done, and whose word about malignancy stays."""

from __future__ import annotations

from napari_lungmtl.session.review import merge_run, with_opinions
from napari_lungmtl.training.findings import Findings, Opinion, Provenance, Sphere

from ...stand_ins.chests import ball


def judged(finding, malignancy, *models):
    """The finding with the opinions of networks."""
    said = tuple(Opinion(name, "1", malignancy, 0.1) for name in models or ("mtmr",))
    return finding.with_(malignancy=malignancy, malignancy_spread=0.1, opinions=said)


def entries(*names):
    return tuple({"name": name, "version": "1"} for name in names)


def test_a_kept_finding_takes_what_the_run_said_of_it():
    mine = ball(-180, provenance=Provenance(person="me"), id="mine", status="accepted", note="hm")
    run = Findings((judged(mine.with_(status="unreviewed", note=""), 0.7), ball(-100, id="new")))
    after = merge_run(Findings((mine,)), run)
    assert {f.id for f in after} == {"mine", "new"}
    kept = after["mine"]
    assert (kept.malignancy, kept.status, kept.note) == (0.7, "accepted", "hm")
    assert kept.opinion("mtmr").malignancy == 0.7


def test_a_kept_finding_that_moved_during_the_run_takes_nothing():
    mine = ball(-180, provenance=Provenance(person="me"), id="mine")
    run = Findings((judged(mine, 0.7),))
    moved = mine.with_(geometry=Sphere((-170, 20, 10), 8))
    assert merge_run(Findings((moved,)), run)["mine"].malignancy is None
    assert with_opinions(moved, run[0]) is moved


def test_an_accepted_finding_without_opinions_takes_those_of_the_nodule_found_again():
    accepted = ball(-180, status="accepted", id="old")
    drawn = ball(-120, provenance=Provenance(person="me"), id="mine")
    run = Findings((judged(ball(-181, id="again"), 0.6), judged(ball(-121, id="there"), 0.9)))
    after = merge_run(Findings((accepted, drawn)), run)
    assert [f.id for f in after] == ["old", "mine"]
    assert after["old"].malignancy == 0.6
    assert after["mine"].malignancy is None  # a person's sphere is another place than the network's


def test_opinions_that_are_there_stay_when_a_run_has_none():
    accepted = judged(ball(-180, status="accepted", id="old"), 0.6, "mtmr", "mtcnn")
    present = Findings((accepted,), models=entries("ag3d", "mtmr", "mtcnn", "other"))
    run = Findings((ball(-181, id="again"), ball(-100, id="new")), models=({"name": "ag3d", "version": "2"},))
    after = merge_run(present, run)
    assert after["old"] == accepted
    assert [(m["name"], m["version"]) for m in after.models] == [
        ("mtmr", "1"),
        ("mtcnn", "1"),
        ("ag3d", "2"),
    ]


def test_the_opinions_of_another_time_are_not_replaced_by_those_of_the_nodule_found_again():
    accepted = judged(ball(-180, status="accepted", id="old"), 0.6)
    after = merge_run(Findings((accepted,)), Findings((judged(ball(-181, id="again"), 0.9),)))
    assert after["old"].malignancy == 0.6
