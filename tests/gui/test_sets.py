"""A second reader's copy of the findings beside them: every decision is listed, taken and merged, and nothing comes twice."""

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_lungmtl.training.findings import Finding, Mask, Provenance
from napari_lungmtl.training.findings.formats.json_file import write_findings


@pytest.fixture
def beside(after_run, tmp_path):
    """Opens a copy of the findings, some of them changed, as set B; gives the session and the view of both sets."""

    def open_copy(changes, more=()):
        _, dock = after_run
        session, sets = dock.reviewed.session, dock.compare.sets
        dock.compare.set_open(True)
        items = (f.with_(**changes.get(f.id, {})) for f in session.findings)
        copy = session.findings.with_items((*items, *more))
        write_findings(copy, tmp_path / "readerB.lungmtl.json")
        assert sets.open(tmp_path / "readerB.lungmtl.json")
        return session, sets

    return open_copy


def rows(sets):
    return [sets.list.item(i).text() for i in range(sets.list.count())]


def kinds(sets):
    return [row.partition(":")[0] for row in rows(sets)]


def click(button):
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def take(sets, kind):
    sets.list.setCurrentRow(kinds(sets).index(kind))
    click(sets.take)


def outline(image):
    low = image.to_world((6, 18, 18))
    return Mask.from_array(np.ones((5, 5, 5), bool), image.spacing, tuple(low))


def test_decisions_are_listed_and_merged(beside):
    session, sets = beside(
        {"f1": {"status": "rejected"}, "f2": {"status": "accepted"}, "f3": {"note": "scar"}}
    )
    listed = rows(sets)
    assert kinds(sets)[:3] == ["other decision", "other decision", "other note"]
    assert listed[0].endswith("unreviewed → rejected")
    before = session.findings
    click(sets.merge)
    assert [f.status for f in session.findings][:3] == ["rejected", "accepted", "unreviewed"]
    assert session.findings["f3"].note == "scar"
    assert len(session.findings) == len(before)
    session.undo()
    assert session.findings == before
    sets.choose("findings shown", "readerB.lungmtl.json")
    take(sets, "other decision")
    assert session.findings["f1"].status == "rejected"


def test_what_b_never_touched_overrides_no_rejection(beside):
    session, sets = beside({})
    session.reject("f2")
    sets.choose("findings shown", "readerB.lungmtl.json")
    assert "other decision" in kinds(sets)
    before = session.findings
    click(sets.merge)
    assert session.findings == before
    sets.choose("findings shown", "readerB.lungmtl.json")
    take(sets, "other decision")
    assert session.findings["f2"].status == "unreviewed", "but asked for it is as B has it"
    assert len(session.findings) == len(before)


def test_what_a_threshold_hides_is_not_doubled(beside):
    session, sets = beside({"f4": {"status": "accepted"}})
    take(sets, "only in B")
    assert [f.id for f in session.findings] == ["f1", "f2", "f3", "f4", "f5"]
    assert session.findings["f4"].status == "accepted"
    sets.choose("findings shown", "readerB.lungmtl.json")
    before = session.findings
    take(sets, "only in B")  # f5, which B has not touched either
    assert session.findings == before


def test_an_outline_is_taken_as_one(beside, image):
    mask, reader = outline(image), Provenance("fake", "1.0", "Dr. B")
    session, sets = beside({"f1": {"geometry": mask, "provenance": reader}})
    row = next(k for k in kinds(sets) if "other outline" in k)
    take(sets, row)
    assert session.findings["f1"].geometry == mask
    session.undo()
    click(sets.merge)
    assert session.findings["f1"].geometry == mask


def test_undo_tells_what_was_taken_from_what_a_run_found(beside, image):
    place = tuple(image.to_world((36, 15, 45)))
    mask = Mask.from_array(np.ones((3, 3, 3), bool), image.spacing, place)
    new = Finding(mask, score=0.9, provenance=Provenance("fake", "1.0"), id="b1", status="accepted")
    session, sets = beside({}, [new])
    click(sets.merge)
    assert session.findings["b1"].kind == "mask"
    assert session.undo_words == "added 6"
    session.undo()
    sets.choose("findings shown", "readerB.lungmtl.json")
    take(sets, "only in B")  # the mask: B accepted it
    assert session.undo_words == "added 7"
