"""An index on S3: searched with a few of its bytes, and judged beside a truth; one that lacks columns says so."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from napari_lungmtl.training.cli.app import app
from napari_lungmtl.training.cluster.columns import DAY, FINDINGS, STUDIES, folder_of, schema_of
from napari_lungmtl.training.cluster.index import open_index
from napari_lungmtl.training.cluster.reuse.cohort import loading_index
from napari_lungmtl.training.cluster.search import Conditions, holds_index, results_of, search
from napari_lungmtl.training.cluster.task import ClusterError
from napari_lungmtl.training.cluster.writer import IndexWriter
from napari_lungmtl.training.findings import Finding, Findings, ImageReference, Provenance, Sphere
from napari_lungmtl.training.findings.formats.tables import read_text
from napari_lungmtl.training.inference.predictor import finish
from napari_lungmtl.training.storage import files
from napari_lungmtl.training.storage.address import address_of
from napari_lungmtl.training.storage.filesystem import telling

from ...stand_ins.indexed import write_study
from ...stand_ins.servers import BUCKET

OUT = Path(f"s3://{BUCKET}/results ä")


def put(s3, table: str, values: pa.Table, name: str = "part-0") -> int:
    """Write a file of a table as the writer does; gives its bytes."""
    data = pa.BufferOutputStream()
    pq.write_table(values, data, compression="zstd")
    key = f"{BUCKET}/{OUT.name}/index/{table}/{DAY}=2026-11-29/{name}.parquet"
    s3.pipe_file(key, data.getvalue().to_pybytes())
    return data.getvalue().size


def filled(table: str, rows: int, **columns) -> pa.Table:
    """A table with some columns filled, the others with noise or nothing."""
    rng = np.random.default_rng(3)
    schema = schema_of(table)
    arrays = []
    for field in schema:
        values = columns.get(field.name)
        if values is None and pa.types.is_floating(field.type):
            values = rng.random(rows)
        arrays.append(pa.array([None] * rows if values is None else values, field.type))
    return pa.Table.from_arrays(arrays, schema=schema)


@pytest.fixture
def counted(monkeypatch):
    """Bytes that were read of Parquet files."""
    read = [0]

    def counting(self, size=-1, real=files.RangeFile.read):
        data = real(self, size)
        read[0] += len(data)
        return data

    monkeypatch.setattr(files.RangeFile, "read", counting)
    return read


def test_a_search_reads_a_few_of_the_bytes(s3, counted):
    rows = 30_000
    keys = [f"k{n}" for n in range(rows // 3)]
    scores = np.linspace(0.99, 0.01, rows)
    best = filled(FINDINGS, rows, key=np.repeat(keys, 3), probability=scores, kind=["sphere"] * rows)
    whole = put(s3, FINDINGS, best)
    paths = [f"s3://{BUCKET}/a/{key}" for key in keys]
    whole += put(
        s3,
        STUDIES,
        filled(
            STUDIES, len(keys), key=keys, path=paths, status=["done"] * len(keys), file=keys, series_uid=keys
        ),
    )
    found = search(OUT, Conditions(score=0.9), most=5)
    assert [case.series_uid for case in found.cases] == ["k0", "k1"]
    assert (found.total, found.problems) == (rows, ())
    assert 1000 < counted[0] < 0.5 * whole
    counted[0] = 0
    assert open_index(OUT).findings.count_rows() == rows
    assert counted[0] < 0.05 * whole


def scan(uid: str, *marks: tuple[float, float]) -> Findings:
    items = (
        Finding(Sphere((-50.0, 9.0, x), 6.0), score, provenance=Provenance("ag3d", "0.3"), id=f"{uid}-{x}")
        for x, score in marks
    )
    return Findings(
        tuple(items), ImageReference(series_uid=uid, source=f"s3://{BUCKET}/{uid}", modality="CT")
    )


def test_froc_takes_an_index_on_s3_and_a_table_there(s3, tmp_path):
    write_study(OUT, scan("1.2.3.1", (10.0, 0.9), (90.0, 0.3)), "k1")
    write_study(OUT, scan("1.2.3.2"), "k2")
    (tmp_path / "truth.csv").write_text("seriesuid,coordX,coordY,coordZ,diameter_mm\n1.2.3.1,10,9,-50,6\n")
    (tmp_path / "series.csv").write_text("1.2.3.1\n1.2.3.2\n")
    table = "seriesuid,coordX,coordY,coordZ,probability\n1.2.3.1,10,9,-50,0.9\n1.2.3.1,90,9,-50,0.3\n"
    s3.pipe_file(f"{BUCKET}/submission.csv", table.encode())
    asked = ("froc", "--truth", tmp_path / "truth.csv", "--series", tmp_path / "series.csv")
    figures = []
    for submission in (OUT, OUT / "index", f"s3://{BUCKET}/submission.csv"):
        rest = ("--submission", submission, "--json", tmp_path / "f.json")
        done = CliRunner().invoke(app, [str(a) for a in (*asked, *rest)])
        assert done.exit_code == 0, done.output
        figures.append(json.loads((tmp_path / "f.json").read_text())["sensitivity_at"])
    assert figures[0] == figures[1] == figures[2]
    assert figures[0]["0.5"] == 1.0
    done = CliRunner().invoke(app, [str(a) for a in (*asked, "--submission", f"s3://{BUCKET}/none")])
    assert done.exit_code == 1
    assert f"s3://{BUCKET}/none has no index" in done.stderr


def test_a_web_server_gives_tables_and_no_index(web, served):
    """Signed addresses are passwords: no message has one."""
    (served / "s.csv").write_text("seriesuid,coordX,coordY,coordZ,probability\n1.2.3.1,10,9,-50,0.9\n")
    write_study(served / "out", scan("1.2.3.1", (10.0, 0.9)), "k1")
    signed = f"{web.url('s.csv', user='me:secret@')}?sig=secret"
    assert results_of(Path(signed)) is None
    assert read_text(Path(signed)).startswith("seriesuid")
    for address in (web.url("out"), f"{web.url('out', user='me:secret@')}?sig=secret"):
        assert not holds_index(Path(address))
        with pytest.raises(ClusterError, match="is on a web server") as caught:
            search(results_of(Path(address)), Conditions())
        assert "secret" not in str(caught.value)


def test_a_bucket_that_is_not_listed_still_gives_its_files(s3, monkeypatch):
    """Without the right to list it, S3 refuses what does not exist: the image beside which an index is looked for may be there."""

    def refused(path):
        with telling(address_of(path)):
            raise PermissionError("Access Denied")

    monkeypatch.setattr("napari_lungmtl.training.cluster.search.is_there", refused)
    assert not holds_index(Path(f"s3://{BUCKET}/scan.nii.gz"))


def without(out: Path, table: str, *names: str) -> None:
    """Write the files of a table anew as a version did that did not know some columns."""
    for file in folder_of(out, table).rglob("*.parquet"):
        pq.write_table(pq.read_table(file, partitioning=None).drop_columns(list(names)), file)


def test_what_an_older_index_lacks_is_said(tmp_path):
    out = tmp_path / "out"
    write_study(out, scan("1.2.3.1", (10.0, 0.9)), "k1")
    without(out, FINDINGS, "unlike", "malignancy_votes")
    write_study(out, scan("1.2.3.2", (12.0, 0.8)), "k2")
    index = open_index(out)
    (said,) = index.problems
    assert said.startswith(
        f"1 of 2 files in {folder_of(out, FINDINGS)} lack the columns malignancy_votes, unlike:"
    )
    assert search(out, Conditions()).problems == index.problems
    assert len(search(out, Conditions()).cases) == 2
    assert index.findings.to_table(filter=ds.field("unlike").is_valid()).num_rows == 0

    without(out, STUDIES, "status")
    for reading in (open_index, lambda out: search(out, Conditions()), lambda out: IndexWriter(out, "1")):
        with pytest.raises(ClusterError, match=r"2 of 2 files .* lack the column status: another version"):
            reading(out)
    with pytest.raises(ClusterError, match="Move the folder index away"):
        finish(loading_index(out))
