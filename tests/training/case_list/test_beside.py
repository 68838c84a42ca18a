"""The truth beside an image: its own, or a table that names it; silence is no truth."""

from pathlib import Path

import numpy as np
import pytest

from napari_lungmtl.training.case_list.beside import figures_beside, truth_beside, truth_file
from napari_lungmtl.training.findings import Finding, Findings, ImageReference, Provenance, Sphere
from napari_lungmtl.training.findings.formats.json_file import write_findings
from napari_lungmtl.training.imaging import Image

HEAD = "seriesuid,coordX,coordY,coordZ,diameter_mm\n"


def reference(path: Path) -> ImageReference:
    return ImageReference(path.stem, str(path), "CT", (20, 20, 20), (1.0,) * 3, (0.0,) * 3)


@pytest.fixture
def folder(tmp_path):
    for name in ("a.mha", "b.mha", "c.mha"):
        (tmp_path / name).touch()
    (tmp_path / "annotations.csv").write_text(f"{HEAD}a,5,6,7,8\n")
    return tmp_path


def test_a_table_names_the_nodules_of_a_series(folder):
    """A series that it does not name may bear another name there; one that was looked at has no nodule."""
    truth = truth_beside(reference(folder / "a.mha"))
    assert [f.geometry for f in truth.nodules] == [Sphere((7.0, 6.0, 5.0), 8.0)]
    assert truth_beside(reference(folder / "b.mha")) is None
    (folder / "seriesuids.csv").write_text("a\nb\n")
    assert len(truth_beside(reference(folder / "b.mha")).nodules) == 0
    assert truth_beside(reference(folder / "c.mha")) is None
    (folder / "annotations_excluded.csv").write_text(f"{HEAD}a,9,9,9,-1\n")
    image = Image(np.zeros((20, 20, 20), np.int16), "CT", (1.0,) * 3, series_uid="a", source=folder / "a.mha")
    for known in (truth_beside(reference(folder / "a.mha")), truth_beside(image)):
        assert [f.geometry for f in known.excluded] == [Sphere((9.0, 9.0, 9.0), 10.0)]
    (folder / "annotations.csv").write_text(f"{HEAD}a,5,6,7,8\na,bad,6,7,8\n")
    assert len(truth_beside(reference(folder / "a.mha")).nodules) == 1  # the good lines count


def test_its_own_truth_comes_first_and_figures_are_those_beside_it(folder):
    found = Findings(
        (Finding(Sphere((3.0, 3.0, 3.0), 6.0), 0.8, provenance=Provenance("n", "1")),),
        reference(folder / "a.mha"),
    )
    write_findings(found.with_items((found[0].with_(status="accepted"),)), folder / "a.truth.lungmtl.json")
    assert truth_file(folder / "a.mha") == folder / "a.truth.lungmtl.json"
    assert truth_file(folder / "b.mha") == folder / "annotations.csv"
    figures = figures_beside(found, truth_beside(found.image))
    assert (figures.missed, figures.distance_mm, figures.highest_false_alarm) == (0, 0.0, None)
    assert figures_beside(found, truth_beside(reference(folder / "b.mha"))).missed is None
    below = folder / "deeper" / "d.mha"
    below.parent.mkdir()
    below.touch()
    assert truth_file(below) == folder / "annotations.csv"  # LUNA16's subsets lie below it
