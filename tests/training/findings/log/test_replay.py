"""A log tells every state that there was, whatever was done, torn or cut off."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_lungmtl.training.findings import Finding, Findings, Measurement, Sphere
from napari_lungmtl.training.findings.change import Change
from napari_lungmtl.training.findings.formats.json_file import findings_of, to_document
from napari_lungmtl.training.findings.log.difference import applied, difference
from napari_lungmtl.training.findings.log.file import LogError, add_lines, log_of, read_records, tail_of
from napari_lungmtl.training.findings.log.record import Record, line_of
from napari_lungmtl.training.findings.log.replay import Log, common_ancestor
from napari_lungmtl.training.findings.log.shortening import shortened

from ....stand_ins.findings_strategies import all_findings, findings_items, words

lines = st.builds(
    lambda x, note: Measurement("line", ((0.0, 0.0, 0.0), (0.0, 0.0, x)), 0, {"length": x}, notes=(note,)),
    st.floats(1, 50),
    words,
)


@st.composite
def states(draw):
    """States of an image, each from the one before by what people and runs do."""
    state = draw(all_findings)
    result = [state]
    for _ in range(draw(st.integers(1, 5))):
        items = list(state)
        act = draw(st.sampled_from(["add", "change", "remove", "order", "measure", "other"]))
        if act == "add":
            items.append(draw(findings_items))
        elif act == "measure":
            state = replace(state, measurements=(*state.measurements, draw(lines))[-2:])
        elif act == "other":  # a run: all of it at once, but for the same findings in part
            other = draw(all_findings)
            state, items = other, [*other, *items[:2]]
        elif items:
            at = draw(st.integers(0, len(items) - 1))
            finding = items.pop(at)
            if act == "change":
                more = Change("note", draw(words), "ann", "2026-11-29T12:00:00+01:00")
                changed = {"note": draw(words), "geometry": draw(findings_items).geometry}
                items.insert(at, finding.with_(history=(*finding.history, more), **changed))
            elif act == "order":
                items.append(finding)
        state = state.with_items(tuple(items))
        result.append(state)
    return result


def plain(findings: Findings):
    """All of it, histories included, as a file holds it."""
    return json.loads(json.dumps(to_document(findings)))


def record(n: int, state=None, **fields) -> Record:
    known = {"parent": f"r{n - 1}" if n else "", "at": f"t{n}", "who": "ann", "machine": "ws", "window": "w"}
    return Record(
        **{
            **known,
            "id": f"r{n}",
            "seq": n,
            "label": f"did {n}",
            "state": to_document(state) if state is not None else None,
            **fields,
        }
    )


@given(states())
@settings(max_examples=25)
def test_what_is_replayed_is_what_was(tmp_path_factory, states):
    path = tmp_path_factory.mktemp("log") / "a.lungmtl.log.jsonl"
    first = record(0, states[0])
    commands = [
        record(n, change=difference(before, after)) for n, (before, after) in enumerate(pairwise(states), 1)
    ]
    for each in (first, *commands):
        add_lines(path, [line_of(each)])
    log = Log.read(path)
    assert (len(log), log.torn) == (len(states), 0)
    for n, state in enumerate(states):
        assert plain(log.state(f"r{n}")) == plain(state)
    # Shortened to next to nothing it still tells the last one.
    assert plain(Log(shortened(log, 1)).state(log.head.id)) == plain(states[-1])


def sphere(note: str = "", **fields) -> Finding:
    return Finding(Sphere((1.0, 2.0, 3.0), 5.0), note=note, **{"id": "a", **fields})


def grown(path: Path, n: int = 6) -> list[Findings]:
    """A log of a finding whose note counts, in the first line as a whole."""
    found = [Findings((sphere(str(k)),)) for k in range(n)]
    add_lines(path, [line_of(record(0, found[0]))])
    add_lines(path, [line_of(record(k, change=difference(found[k - 1], found[k]))) for k in range(1, n)])
    return found


def test_a_torn_end_is_passed_over_and_cut_off(tmp_path):
    path = log_of(tmp_path / "a.lungmtl.json")
    assert path.name == "a.lungmtl.log.jsonl"
    found = grown(path)
    whole = path.read_bytes()
    for cut in (len(whole) - 1, len(whole) - 30, len(whole) - 200):
        path.write_bytes(whole[:cut])
        records, _ = read_records(path)
        assert tail_of(path).last == records[-1]
        assert Log.read(path).state(records[-1].id) == found[len(records) - 1]
    add_lines(path, [line_of(record(9, found[2]))])
    assert read_records(path)[1] == 0, "nothing torn is left in the middle"
    path.write_bytes(whole[:20])  # killed in the first line
    assert (tail_of(path).size, read_records(path)) == (0, ([], 1))
    assert add_lines(path, [line_of(record(0, found[0]))]) == path.stat().st_size
    assert len(Log.read(path)) == 1


def test_an_altered_line_is_none_and_states_behind_it_are_not_told(tmp_path):
    path = tmp_path / "a.lungmtl.log.jsonl"
    found = grown(path)
    path.write_bytes(path.read_bytes().replace(b"did 3", b"did x"))
    log = Log.read(path)
    assert (len(log), log.torn) == (5, 1)
    assert log.state("r2") == found[2]
    with pytest.raises(LogError, match="missing or damaged"):
        log.state("r4")
    (tmp_path / "no.jsonl").write_text("{}\n")
    with pytest.raises(LogError, match="is no log of lungmtl"):
        Log.read(tmp_path / "no.jsonl")


def test_a_log_is_shortened_to_states_of_sessions_and_recent_lines(tmp_path):
    path = tmp_path / "a.lungmtl.log.jsonl"
    found = grown(path, 120)
    records = [replace(r, window=f"w{r.seq // 20}") for r in read_records(path)[0]]
    size = sum(len(line_of(r)) for r in records)
    kept = Log(shortened(Log(records), size // 2))
    assert sum(len(line_of(r)) for r in kept) < size // 2
    windows = {r.window for r in kept}
    assert {"w4", "w5"} <= windows <= {f"w{n}" for n in range(1, 6)}, "the oldest go first"
    for each in kept:
        assert kept.state(each.id) == found[each.seq]


def test_where_two_logs_part():
    shared = [record(0, Findings()), record(1)]
    ours = Log([*shared, record(2, id="o1", parent="r1"), record(3, id="o2", parent="o1")])
    theirs = Log([*shared, record(2, id="t1", parent="r1")])
    assert common_ancestor(ours, theirs) == shared[1]
    joined = Log([*ours, *theirs, record(4, id="j", parent="o2", other="t1")])
    more = Log([*theirs, record(3, id="t2", parent="t1")])
    assert common_ancestor(joined, more).id == "t1", "what was joined is known"
    assert common_ancestor(ours, Log([record(0, id="x")])) is None


def test_a_change_names_what_has_changed_alone():
    before = Findings((sphere(), sphere(id="b")))
    after = before.with_items((sphere("new", history=(Change("note", "new", "ann", "t"),)), before[1]))
    change = difference(before, after)
    assert change["findings"]["changed"]["a"]["before"] == {"note": ""}
    assert set(change["findings"]["changed"]) == {"a"}
    assert findings_of(applied(plain(before), change), Path("a")) == after
    assert difference(after, after) == {}
