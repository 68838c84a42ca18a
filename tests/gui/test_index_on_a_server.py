"""The index of a run on S3 in a real window: its list, its map, and studies that lie there too."""

from pathlib import Path

import numpy as np
import pytest

from napari_lungmtl.app import holds_index
from napari_lungmtl.panel.cases import thumbnail
from napari_lungmtl.panel.cohort import section as section_module
from napari_lungmtl.training.cluster.rows import finding_rows, study_row
from napari_lungmtl.training.cluster.task import DONE, Outcome
from napari_lungmtl.training.cluster.writer import IndexWriter
from napari_lungmtl.training.findings import ATTRIBUTES, Finding, Findings, ImageReference, Provenance, Sphere
from napari_lungmtl.training.findings.formats.json_file import write_findings
from napari_lungmtl.training.imaging import read_image
from napari_lungmtl.training.storage.filesystem import filesystem

from ..stand_ins import case_folder
from ..stand_ins.case_folder import click_row, names, write_scan
from ..stand_ins.cohort_window import circle, click, load
from ..stand_ins.servers import BUCKET, s3_bucket, s3_server

pytest.importorskip("s3fs")
pytest.importorskip("moto")
NETWORK = Provenance("ag3d", "0.3")


@pytest.fixture
def results(tmp_path, monkeypatch):
    """Two scans of one name on S3 with three nodules each, and their results there."""
    with s3_server() as endpoint, s3_bucket(endpoint, monkeypatch) as s3:
        filesystem.cache_clear()
        out = Path(f"s3://{BUCKET}/results ä")
        writer = IndexWriter(out, "0.1")
        rng = np.random.default_rng(1)
        for number, name in enumerate("ab"):
            address = f"s3://{BUCKET}/{name}/ct.nii.gz"
            s3.put(str(write_scan(tmp_path / name / "ct.nii.gz", 40 + number)), address)
            items = [
                Finding(
                    Sphere((-80.0, 20.0, -12.0 + 4 * i), 5.0 + i),
                    0.95 - 0.1 * i - 0.01 * number,
                    malignancy=0.5,
                    attributes=dict(zip(ATTRIBUTES, rng.uniform(1, 5, 8), strict=True)),
                    provenance=NETWORK,
                    id=f"{name}{i}",
                )
                for i in range(3)
            ]
            models = ({"name": "ag3d", "version": "0.3"},)
            findings = Findings(tuple(items), ImageReference.of(read_image(address)), models=models)
            file = f"results/{name}.lungmtl.json"
            write_findings(findings, out / file)
            rows = finding_rows(findings, name, file)
            writer.add(Outcome(address, DONE, "", name, file, study_row(findings), rows))
        writer.flush()
        yield out
        filesystem.cache_clear()


def test_list_and_map_of_an_index_on_s3_lead_to_studies_there(window, results, qtbot, monkeypatch):
    viewer, dock = window
    viewer.layers.clear()
    monkeypatch.setattr(thumbnail, "read_series", pytest.fail)  # for a thumbnail a study would be fetched
    assert holds_index(results)
    case_folder.load(dock, results, qtbot)
    assert names(dock) == ["a/ct.nii.gz", "b/ct.nii.gz"]
    assert dock.cases.many.count.text() == "6 findings · 2 studies listed"
    dock.cases.filter.words.setText("/b/")
    qtbot.waitUntil(
        lambda: not dock.cases.many._rest.isActive() and not dock.cases.search.running, timeout=60_000
    )
    assert names(dock) == ["b/ct.nii.gz"]
    click_row(dock, "b/ct.nii.gz")
    qtbot.waitUntil(
        lambda: dock.reviewed is not None and len(dock.reviewed.session.findings) == 3, timeout=60_000
    )
    assert dock.reviewed.session.findings[0].id.startswith("b")
    assert int(dock.reviewed.session.image.voxels.max()) == 41
    np.testing.assert_allclose(viewer.dims.point, (-80.0, 20.0, -12.0))

    monkeypatch.setattr(section_module, "embed", circle)
    load(dock, results, qtbot=qtbot)
    assert dock.cohort.summary.text() == "6 nodules"
    click(dock, 2, qtbot)  # by score: of the first scan, the second, the first again
    session = dock.reviewed.session
    assert (session.selected, int(session.image.voxels.max())) == ("a1", 40)

    nowhere = Path(f"s3://{BUCKET}/nowhere")
    case_folder.load(dock, nowhere, qtbot)
    assert f"s3://{BUCKET}/nowhere has no index" in dock.cases.message.text()
    load(dock, nowhere, qtbot=qtbot)
    assert f"s3://{BUCKET}/nowhere has no index" in dock.cohort.message.text()
