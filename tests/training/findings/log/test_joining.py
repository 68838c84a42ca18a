"""Two people's findings of one image become one: what only one changed is taken, what both did is kept twice and told."""

from __future__ import annotations

from dataclasses import replace

from napari_lungmtl.training.findings import Finding, Findings, Measurement, Provenance, Sphere
from napari_lungmtl.training.findings.history import begun, recorded
from napari_lungmtl.training.findings.log.joining import join

T0, T1, T2 = (f"2026-11-29T12:0{n}:00+01:00" for n in range(3))


def found(id: str, z: float = 0.0, **fields) -> Finding:
    """What a network found at noon."""
    return begun(
        Finding(Sphere((z, 0.0, 0.0), 8.0), score=0.8, provenance=Provenance("net", "1"), id=id, **fields), T0
    )


def said(finding: Finding, who: str, at: str, **fields) -> Finding:
    return recorded(finding, finding.with_(**fields), who, at)


BASE = Findings(tuple(found(id, 10.0 * n, number=n) for n, id in enumerate("abcd", 1)))


def of(base: Findings = BASE, **changed: Finding | None) -> Findings:
    """The base with some findings in the place of those of the same id, or without."""
    return base.with_items(tuple(f for f in (changed.get(f.id, f) for f in base) if f is not None))


def test_what_only_one_changed_is_taken():
    a, b, c = BASE["a"], BASE["b"], BASE["c"]
    drawn = Finding(Sphere((99.0, 0.0, 0.0), 4.0), id="new", number=5)
    ours = of(a=said(a, "ann", T1, note="mine"), b=said(b, "ann", T1, status="accepted"))
    ours = replace(ours, items=(*ours, Finding(Sphere((-9.0, 0.0, 0.0), 4.0), id="own", number=5)))
    theirs = of(a=said(a, "bob", T2, status="rejected", reason="vessel"), c=None)
    theirs = theirs.with_items((*theirs, drawn))
    joined = join(BASE, ours, theirs)
    both = joined.findings
    assert (both["a"].note, both["a"].status, both["a"].reason) == ("mine", "rejected", "vessel")
    assert [c.by for c in both["a"].history] == ["net 1", "ann", "bob", "bob"]
    assert both["b"].status == "accepted"
    assert [f.id for f in both] == ["a", "b", "d", "own", "new"]
    assert len({f.number for f in both}) == 5
    assert (joined.added, joined.changed, joined.removed, joined.conflicts) == (1, 1, 1, ())
    assert join(BASE, ours, ours).findings == ours
    again = join(theirs, both, theirs)
    assert (again.findings, again.added, again.changed) == (both, 0, 0), "joined once is joined"
    assert c.id not in {f.id for f in both}


def test_what_both_changed_stands_twice_and_the_later_one_keeps_the_number():
    a, b = BASE["a"], BASE["b"]
    ours = of(a=said(a, "ann", T1, status="rejected"), b=said(b, "ann", T2, note="mine"), d=None)
    theirs = of(
        a=said(a, "bob", T2, status="accepted"),
        b=said(b, "bob", T1, note="theirs"),
        d=said(BASE["d"], "bob", T1, status="accepted"),
    )
    joined = join(BASE, ours, theirs)
    verdict, note, deleted = joined.conflicts
    assert (verdict.of, verdict.ours_stays, verdict.stays.number) == (("verdict",), False, 1)
    assert (verdict.stays.status, verdict.other.status) == ("accepted", "rejected")
    assert (note.of, note.stays.note, note.other.note) == (("note",), "mine", "theirs")
    assert (deleted.of, deleted.other, deleted.ours_stays) == (("deleted",), None, False)
    assert joined.findings["d"].status == "accepted"
    assert joined.findings.items[-2:] == (verdict.other, note.other)
    assert len({f.number for f in joined.findings}) == len(joined.findings) == 6
    # Whoever joins the other way round sees the same things standing.
    back = join(BASE, theirs, ours)
    assert [c.stays for c in back.conflicts] == [verdict.stays, note.stays, deleted.stays]
    assert {f.id for f in back.findings} == {f.id for f in joined.findings}


def test_what_was_joined_once_is_joined_also_where_no_log_tells():
    line = Measurement("line", ((0.0, 0.0, 0.0), (0.0, 0.0, 9.0)), 0, {"length": 9.0}, id="m", number=1)
    longer, shorter = (line.with_(points=((0.0, 0.0, 0.0), (0.0, 0.0, x))) for x in (12.0, 3.0))
    mine = said(said(BASE["a"], "ann", T2, note="mine"), "ann", T2, status="rejected")
    ours = replace(of(a=mine), measurements=(longer,))
    theirs = replace(of(a=said(BASE["a"], "bob", T1, note="theirs")), measurements=(shorter,))
    both = join(replace(BASE, measurements=(line,)), ours, theirs).findings
    assert len(both) == 5
    for other, base in ((theirs, None), (theirs, BASE), (join(None, theirs, ours).findings, None)):
        again = join(base, both, other)
        assert (again.findings, again.conflicts, again.sentences) == (both, (), ())
    # Whoever lost has what nobody disputed taken all the same.
    later = join(BASE, of(a=mine), of(a=said(BASE["a"], "bob", "2026-11-29T12:05:00+01:00", note="theirs")))
    (conflict,) = later.conflicts
    assert (conflict.stays.note, conflict.stays.status) == ("theirs", "rejected")
    assert (conflict.other.note, conflict.other.status) == ("mine", "rejected")


def test_what_both_knew_keeps_its_name():
    copy = BASE["a"].with_(id="copy", number=5, note="mine")
    ours = BASE.with_items((*BASE.items[1:], copy))
    joined = join(BASE, ours, BASE)
    assert (joined.findings, joined.conflicts) == (ours, ()), (
        "they did nothing; we took one out, and copied it before"
    )


def test_what_was_measured_of_a_nodule_is_of_ours():
    axes = Measurement(
        "axes", ((0.0, 0.0, 0.0), (0.0, 0.0, 9.0), (0.0, 1.0, 4.0), (0.0, 5.0, 4.0)), 0, finding="x", id="m"
    )
    theirs = Findings((found("x", 10.0, number=1),), measurements=(axes,))
    joined = join(None, Findings((BASE["a"],)), theirs).findings
    assert ([f.id for f in joined], joined.measurements[0].finding) == (["a"], "a")


def test_histories_are_joined_by_instants_and_each_keeps_its_order():
    """Of people in two time zones, one of whom has a clock that was put back."""
    a = BASE["a"]
    ours = said(
        said(a, "ann", "2026-11-29T12:30:00+01:00", label="1"), "ann", "2026-11-29T12:20:00+01:00", label="2"
    )
    theirs = said(a, "bob", "2026-11-29T11:25:00+00:00", note="3")
    (joined, *_) = join(BASE, of(a=ours), of(a=theirs)).findings
    assert [c.value for c in joined.history[1:]] == ["3", "1", "2"]
    assert (joined.label, joined.note) == ("2", "3")


def test_without_a_common_state_histories_and_the_networks_marks_tell():
    ours = of(a=said(BASE["a"], "ann", T1, status="accepted"))
    own_run = Findings(tuple(f.with_(id=f"x{f.id}") for f in BASE))
    theirs = own_run.with_items(
        (
            said(own_run["xa"], "bob", T2, note="theirs"),
            said(own_run["xb"], "bob", T2, geometry=Sphere((21.0, 0.0, 0.0), 9.0)),
            *own_run.items[2:],
        )
    )
    joined = join(None, ours, theirs)
    assert [f.id for f in joined.findings] == ["a", "b", "c", "d"]
    assert (joined.findings["a"].status, joined.findings["a"].note) == ("accepted", "theirs")
    assert joined.findings["b"].diameter == 9.0
    assert not joined.conflicts
    older = join(None, joined.findings, BASE)
    assert older.findings == joined.findings, "what we came from brings nothing"


def test_measurements_and_what_an_image_has_once():
    line = Measurement("line", ((0.0, 0.0, 0.0), (0.0, 0.0, 9.0)), 0, {"length": 9.0}, id="m", number=1)
    base = replace(BASE, measurements=(line,))
    longer = line.with_(points=((0.0, 0.0, 0.0), (0.0, 0.0, 12.0)))
    other = line.with_(id="n")
    joined = join(
        base, replace(base, measurements=(longer,)), replace(base, measurements=(line, other), done_by="bob")
    )
    assert [(m.id, m.number) for m in joined.findings.measurements] == [("m", 1), ("n", 2)]
    assert joined.findings.measurements[0] == longer
    assert joined.findings.done_by == "bob"
    shorter = line.with_(points=((0.0, 0.0, 0.0), (0.0, 0.0, 3.0)))
    both = join(
        base,
        replace(base, measurements=(longer,), done_by="ann"),
        replace(base, measurements=(shorter,), done_by="bob"),
    )
    assert [m.points[1][2] for m in both.findings.measurements] == [12.0, 3.0]
    assert both.findings.done_by == "ann"
    assert len(both.sentences) == 2
