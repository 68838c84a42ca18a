"""Rows of the history: what they are called, where they lead, and what hovers over them."""

from __future__ import annotations

from napari_lungmtl.panel.history import rows
from napari_lungmtl.panel.history.rows import Row, rows_of
from napari_lungmtl.session.log.history import MAX_STEPS

NOON = "2026-11-29T12:04:00+01:00"


def test_going_back_and_forth_makes_no_longer_words(session):
    session.accept(session.findings[0].id)
    session.reject(session.findings[1].id)
    for n in range(6):
        session.go_to(rows_of(session)[n % 2 + 1].target, rows_of(session)[n % 2 + 1].goes_to)
    assert all(step.words.count("back to ") == 1 for step in session.steps[3:])
    assert session.steps[3].words == f"back to {session.steps[1].at[11:16]}, accepted 1"
    before = Row(NOON, "bob", "back to 12:01, rejected 3", "before")
    assert before.goes_to == f"12:04 on {rows.day(NOON)}, rejected 3"


def test_names_in_a_log_are_no_markup():
    row = Row(NOON, "<img src='file:///etc/passwd'>", "noted <b>on</b> 3 " + "x" * 10_000, "before")
    assert "<img" not in row.tip
    assert "<b>" not in row.tip
    assert "noted &lt;b&gt;on&lt;/b&gt; 3" in row.tip
    assert len(row.tip) < 1000


def test_of_very_many_commands_the_first_row_is_not_how_it_was_opened(session):
    opened = session.findings
    for n in range(MAX_STEPS):
        session.set_done(n % 2 == 0)
    first = rows_of(session)[-1]
    assert first.what == f"before the last {MAX_STEPS} commands"
    assert first.target == opened, "the run had been the first"
