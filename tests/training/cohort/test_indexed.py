"""A cohort of results with an index: its rows are those of the files, which are read only where the index lacks something."""

import os
from dataclasses import replace

import numpy as np
import pytest

from napari_lungmtl.training.cohort import load_cohort, results
from napari_lungmtl.training.findings import (
    ATTRIBUTES,
    Box,
    Finding,
    Findings,
    ImageReference,
    Provenance,
    Sphere,
)
from napari_lungmtl.training.findings.formats.json_file import read_findings, write_findings

from ...stand_ins.indexed import write_failure, write_study

pytest.importorskip("pyarrow")
NETWORK = Provenance("my net", "0.3+ab")


def nodule(number: int, **fields) -> Finding:
    rng = np.random.default_rng(number)
    given = {
        "malignancy": None if number % 3 == 0 else float(rng.random()),
        "malignancy_spread": 0.1 / 3,
        "attributes": {name: float(rng.uniform(1, 5)) for name in ATTRIBUTES[: number % 9]},
        "provenance": NETWORK,
        **fields,
    }
    return Finding(
        Sphere((-50.0, 9.0, number / 3), 4.0 + number / 7), 0.1 * (number % 10), id=f"n{number}", **given
    )


def scan(uid: str, *items: Finding) -> Findings:
    return Findings(items, ImageReference(series_uid=uid, source=f"/archive/{uid}", modality="CT"))


@pytest.fixture
def out(tmp_path):
    """Studies of a run; what a person judged since; a radiograph; a failure; and a result without rows."""
    out = tmp_path / "out"
    for number in range(4):
        write_study(out, scan(f"1.2.3.{number}", *(nodule(8 * number + i) for i in range(8))), f"k{number}")
    write_study(out, scan("1.2.3.1", nodule(45)), "again")
    film = Finding(Box((9.0, 19.0), (19.0, 39.0)), 0.9, provenance=NETWORK)
    write_study(out, Findings((film,), ImageReference(series_uid="film", modality="DX")), "film")
    write_failure(out, "/archive/bad", "1.2.3.9", "It is cut off.")
    write_findings(scan("1.2.3.8", nodule(57)), out / "results" / "told_by_nobody.lungmtl.json")
    return out


@pytest.fixture
def read(monkeypatch):
    """Names of the files that were read."""
    seen = []

    def counted(file):
        seen.append(file.name.partition(".")[0])
        return read_findings(file)

    monkeypatch.setattr(results, "read_findings", counted)
    return seen


def rows(cohort):
    """All that a cohort says of its nodules: what else a finding's file has is in none of its columns."""
    keep = (
        "geometry",
        "score",
        "malignancy",
        "malignancy_spread",
        "attributes",
        "provenance",
        "status",
        "id",
    )
    return [
        (n.case, n.file, n.source, n.readers, n.votes, *(getattr(n.finding, name) for name in keep))
        for n in cohort.nodules
    ]


def by_files(out, **options):
    """The cohort without its index."""
    (out / "index").rename(out / "elsewhere")
    try:
        return load_cohort(out, **options)
    finally:
        (out / "elsewhere").rename(out / "index")


def test_rows_of_the_index_are_those_of_the_files(out, read):
    for options in ({}, {"min_score": 0.0}, {"min_score": 0.75}):
        expected = rows(by_files(out, **options))
        assert len(set(read)) == 7
        read.clear()
        assert rows(load_cohort(out, **options)) == expected
        assert set(read) == {"told_by_nobody"}
        read.clear()
    assert any(attributes for *_, attributes, _, _, _ in expected)


def test_what_changed_since_is_read_from_its_file(out, read):
    file = out / "results" / "k0.lungmtl.json"
    findings = read_findings(file)
    rejected, accepted = (findings.items[n] for n in (7, 1))
    judged = [
        replace(rejected, status="rejected"),
        replace(accepted, status="accepted"),
        *findings.items[2:7],
    ]
    write_findings(replace(findings, items=tuple(judged)), file)
    os.utime(file, None)
    (out / "results" / "k1.lungmtl.json").unlink()
    ids = {n.id for n in load_cohort(out).nodules}
    assert {"n1"} <= ids
    assert "n7" not in ids
    assert not ids & {f"n{n}" for n in range(8, 16)}
    assert set(read) == {"k0", "told_by_nobody"}
    expected = rows(by_files(out))
    assert rows(load_cohort(out)) == expected


@pytest.mark.parametrize(("later_ns", "changed"), [(0, False), (999_999, False), (1_000_000, True)])
def test_a_file_of_the_millisecond_in_which_it_was_told_has_not_changed(out, read, later_ns, changed):
    import pyarrow.dataset as ds

    studies = ds.dataset(out / "index/studies", format="parquet", partitioning="hive").to_table()
    for row in studies.to_pylist():
        if row["file"]:
            told = round(row["written"].timestamp() * 1000) * 1_000_000
            os.utime(out / row["file"], ns=(told, told + later_ns))
    load_cohort(out)
    assert (set(read) == {"told_by_nobody"}) is not changed


def test_a_damaged_or_old_index_is_passed_over(out, read):
    import pyarrow.parquet as pq

    expected = rows(load_cohort(out))
    for file in out.glob("index/findings/*/*.parquet"):
        pq.write_table(pq.read_table(file, partitioning=None).drop_columns(["texture", "model"]), file)
    assert rows(load_cohort(out)) == expected
    assert len(set(read)) == 7
    for file in out.glob("index/studies/*/*.parquet"):
        file.write_bytes(b"PAR1")
    assert rows(load_cohort(out)) == expected


def test_an_index_that_lost_some_or_has_columns_of_another_type_is_passed_over(out, read):
    import pyarrow as pa
    import pyarrow.parquet as pq

    expected = rows(load_cohort(out))
    lost, *_ = sorted(out.glob("index/findings/*/*.parquet"))
    lost.unlink()
    read.clear()
    assert rows(load_cohort(out)) == expected
    assert len(set(read)) == 2, f"only what was lost, and what has no rows: {set(read)}"
    for file in out.glob("index/studies/*/*.parquet"):
        table = pq.read_table(file, partitioning=None)
        column = table.schema.get_field_index("status")
        pq.write_table(table.set_column(column, "status", pa.array([1] * len(table))), file)
    assert rows(load_cohort(out)) == expected
