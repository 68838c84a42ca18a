"""Two sets beside each other, merged into one, and what several readers agree on."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_lungmtl.training.comparison.differences import Kind, differences
from napari_lungmtl.training.comparison.merge import agreed, merged
from napari_lungmtl.training.findings import Box, Finding, Findings, Mask, Provenance, Sphere
from napari_lungmtl.training.findings.formats.luna16 import read_annotations
from napari_lungmtl.training.findings.formats.truth.load import load_truth
from napari_lungmtl.training.imaging import read_image


def ball(z, d=8.0, **more):
    return Finding(Sphere((z, 0, 0), d), **more)


def test_what_differs():
    a = Findings(
        (ball(0, id="a0"), ball(30, id="a1", malignancy=0.2), ball(60, id="a2"), ball(90, status="rejected"))
    )
    b = Findings((ball(2.5, 10, id="b0"), ball(30.5, id="b1", malignancy=0.6), ball(120, id="b2")))
    found = differences(a, b)
    assert [d.kinds for d in found] == [
        (Kind.MOVED, Kind.RESIZED),
        (Kind.MALIGNANCY,),
        (Kind.ONLY_A,),
        (Kind.ONLY_B,),
    ]
    assert found[3].finding is b[2]
    assert [d.same for d in differences(a, a)] == [True] * 3


def test_boxes_overlap_or_are_two():
    a = Findings((Finding(Box((0, 0), (10, 10)), id="a"),))
    near = Findings((Finding(Box((1, 1), (11, 11)), id="b"),))
    apart = Findings((Finding(Box((11, 0), (21, 10)), id="b"),))
    assert [d.kinds for d in differences(a, near)] == [(Kind.SAME,)]
    assert [d.kinds for d in differences(a, apart)] == [(Kind.ONLY_A,), (Kind.ONLY_B,)]


def test_what_a_person_touched_wins_in_a_merge():
    run = ball(0, id="r", provenance=Provenance("ag3d"))
    a = Findings((run, ball(30, id="mine")))
    b = Findings((run.with_(geometry=Sphere((1, 0, 0), 9), status="accepted"), ball(60, id="mine")))
    both = merged(a, b)
    assert both["r"].status == "accepted"
    assert [f.center[0] for f in both] == [1, 30, 60]
    assert len({f.id for f in both}) == 3
    touched = Findings((run.with_(note="cyst"),))
    assert merged(touched, b)["r"].note == "cyst", "both were touched: A's stays"
    for said in ({"reason": "scar"}, {"label": "cavity"}, {"confidence": 0.5}, {"note": "old"}):
        theirs = Findings((run.with_(**said),))
        assert merged(Findings((run,)), theirs)["r"] == theirs["r"], "whatever a person said of it"


def test_decisions_of_the_same_finding_are_compared_and_merged():
    run = [ball(30 * i, id=f"r{i}", provenance=Provenance("ag3d")) for i in range(6)]
    mask = Mask.from_array(np.ones((8, 8, 8), bool), (1, 1, 1), (86, -4, -4))
    a = Findings((*run[:4], run[4].with_(status="rejected"), run[5].with_(status="rejected")))
    b = Findings(
        (
            run[0].with_(status="rejected"),
            run[1].with_(status="accepted"),
            run[2].with_(note="scar?"),
            run[3].with_(geometry=mask, provenance=Provenance("ag3d", person="B")),
            run[4],
            ball(150, id="other run"),
        )
    )
    kinds = [d.kinds for d in differences(a, b)]
    decision = (Kind.DECISION,)
    assert [k for k in kinds if Kind.SHAPE not in k] == [
        decision,
        decision,
        (Kind.WORDS,),
        decision,
        decision,
    ]
    assert len(kinds) == 6
    both = merged(a, b)
    assert [f.id for f in both] == [f.id for f in run], "no finding comes twice"
    assert both.items[:4] == b.items[:4], "what B decided wins over what nobody touched"
    assert both.items[4:] == a.items[4:], "what B never touched overrides no decision of A's"


def test_a_rejected_finding_takes_no_partner_from_what_replaced_it():
    a = Findings((ball(0, id="r", status="rejected"), ball(1, id="redrawn")))
    found = differences(a, Findings((ball(0, id="truth", status="accepted"),)))
    assert [(d.a.id, d.kinds) for d in found] == [("redrawn", (Kind.SAME,))]
    alone = Findings((ball(60, id="b", status="rejected"),))
    assert differences(Findings((ball(30, id="r", status="rejected"),)), alone) == []


PLACES = st.lists(st.tuples(st.integers(-50, 50), st.integers(3, 12)), max_size=8)


@given(PLACES, PLACES)
@settings(max_examples=60, deadline=None)
def test_nothing_is_lost_or_doubled(ours, theirs):
    a, b = (
        Findings(tuple(ball(z, d, id=f"{n}{i}") for i, (z, d) in enumerate(each)))
        for n, each in (("a", ours), ("b", theirs))
    )
    found = differences(a, b)
    assert [d.a for d in found if d.a is not None] == list(a)
    assert {d.b.id for d in found if d.b is not None} == {f.id for f in b}
    assert len(merged(a, b)) == len(found)
    back = differences(b, a)
    assert sum(d.a is not None and d.b is not None for d in found) == sum(
        d.a is not None and d.b is not None for d in back
    )
    assert all(d.same for d in differences(a, merged(a, a)))


def test_three_of_four_readers_of_a_real_scan(lungmtl_data):
    cut = read_image(lungmtl_data / "ct" / "whole" / "LIDC-IDRI-0063.nii.gz")
    voxels = np.full((cut.shape[0], 512, 512), -1024, np.int16)
    z, y, x = cut.origin
    scan = replace(cut, voxels=voxels, origin=(z, y - 76 * cut.spacing[1], x))  # the rows that were cut off
    readers = load_truth(lungmtl_data / "lidc_xml" / "LIDC-IDRI-0063_185_197.xml", scan).readers.values()
    found = agreed(list(readers), at_least=3)
    uid = "1.3.6.1.4.1.14519.5.2.1.6279.6001.272190966764020277652079081128"
    published = read_annotations(lungmtl_data / "luna16" / "annotations.csv")[uid]
    assert len(found) == len(published.value) == 2
    for finding in found:
        distance = np.linalg.norm(published.center - finding.center, axis=1)
        assert distance.min() < 1
        assert finding.diameter == pytest.approx(published.value[distance.argmin()], abs=0.6)
    assert len(agreed(list(readers), at_least=1)) == 4
