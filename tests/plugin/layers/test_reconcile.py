"""What a person did to a layer's rows, told by ids and geometry alone."""

from __future__ import annotations

from napari_lungmtl.layers.reconcile import Edit, reconcile
from napari_lungmtl.training.findings import Finding, Provenance, Sphere

A, B, C = (
    Finding(Sphere((z, 0.0, 0.0), 5.0), provenance=Provenance("m", "1"), id=id) for z, id in enumerate("abc")
)


def edit(*rows: tuple[str, Sphere | None], rendered=(A, B, C)) -> Edit:
    """Rows are ids with spheres; None is a click that drew nothing."""

    def changed(finding: Finding, row: Sphere | None) -> Sphere | None:
        return row if row != finding.geometry else None

    return reconcile(rendered, [id for id, _ in rows], [row for _, row in rows], lambda row: row, changed)


def sphere(z: float) -> Sphere:
    return Sphere((z, 0.0, 0.0), 5.0)


def test_rows_as_they_were_given_are_no_edit() -> None:
    assert not edit(*((f.id, f.geometry) for f in (A, B, C)))


def test_a_row_that_moved_changes_its_finding_and_becomes_the_persons() -> None:
    done = edit(("a", sphere(9)), ("b", B.geometry), ("c", C.geometry))
    [finding] = done.change
    assert (finding.id, finding.geometry) == ("a", sphere(9))
    assert finding.provenance.person
    assert not done.add
    assert not done.remove


def test_a_row_that_is_missing_removes_its_finding() -> None:
    assert edit(("a", A.geometry), ("c", C.geometry)) == Edit(remove=("b",))


def test_rows_with_no_id_or_a_copied_one_are_new() -> None:
    """napari gives a new row the id of the row that was selected."""
    done = edit(*((f.id, f.geometry) for f in (A, B, C)), ("a", sphere(20)), ("", sphere(30)))
    assert [f.geometry for f in done.add] == [sphere(20), sphere(30)]
    assert len({f.id for f in (*done.add, A, B, C)}) == 5
    assert not done.change
    assert not done.remove


def test_a_click_that_drew_nothing_is_no_edit() -> None:
    assert not edit(*((f.id, f.geometry) for f in (A, B, C)), ("", None))
