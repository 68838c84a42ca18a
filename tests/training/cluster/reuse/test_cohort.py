"""The nodules of an index on a map, and those most like one among all of them."""

import numpy as np
import pytest

from napari_lungmtl.training.cluster.reuse.cohort import finding_alike, loading_index
from napari_lungmtl.training.cohort import CohortError, alike
from napari_lungmtl.training.findings import ATTRIBUTES, Finding, Findings, ImageReference, Provenance, Sphere
from napari_lungmtl.training.inference.predictor import finish

from ....stand_ins.indexed import write_study

pytest.importorskip("pyarrow")
NETWORK = Provenance("ag3d", "0.3")


def nodule(number, score=None, **fields):
    rng = np.random.default_rng(number)
    values = dict(zip(ATTRIBUTES, rng.uniform(1, 5, 8), strict=True))
    given = {"malignancy": 0.1 * number % 1, "attributes": values, "provenance": NETWORK, **fields}
    sphere = Sphere((-50.0, 9.0, 3.0 * number), 4.0 + number)
    return Finding(sphere, 0.5 + 0.02 * number if score is None else score, id=f"n{number}", **given)


def scan(number, *items):
    return Findings(
        items, ImageReference(series_uid=f"1.2.3.{number}", source=f"/archive/{number}", modality="CT")
    )


@pytest.fixture
def results(tmp_path):
    """Three scans with four nodules each, the first of which was done before; and what no map shows."""
    write_study(tmp_path, scan(0, nodule(30, 0.9)), "before")
    for number in range(3):
        write_study(tmp_path, scan(number, *(nodule(4 * number + i) for i in range(4))), f"k{number}")
    left_out = (nodule(40, 0.4), nodule(41, 0.8, attributes={"subtlety": 2.0}))
    write_study(tmp_path, scan(9, *left_out), "k9")
    return tmp_path


def test_the_surest_nodules_of_the_last_results_come_on_the_map(results):
    whole = finish(loading_index(results))
    assert {n.id for n in whole.nodules} == {f"n{i}" for i in range(12)}
    assert not whole.problems
    (first,) = (n for n in whole.nodules if n.id == "n5")
    assert first.finding == nodule(5)
    assert (first.case, str(first.source), first.file) == (
        "1.2.3.1",
        "/archive/1",
        results / "results" / "k1.lungmtl.json",
    )
    part = finish(loading_index(results, most=6))
    assert {n.id for n in part.nodules} == {f"n{i}" for i in range(6, 12)}, (
        "in the place of one that was done again"
    )
    assert "the 6 surest of 13" in part.problems[0]
    with pytest.raises(CohortError, match=r"score of 0\.99 or more and all eight attributes"):
        finish(loading_index(results, min_score=0.99))


def test_look_alikes_are_looked_for_among_all(results):
    whole = finish(loading_index(results))
    asked = nodule(6)
    expected = alike(whole, asked, "1.2.3.1")
    cohort, rows = finish(finding_alike(whole, asked, "1.2.3.1"))
    assert [n.id for n in cohort.nodules] == [whole.nodules[one.row].id for one in expected]
    assert [one.row for one in rows] == list(range(5))
    np.testing.assert_allclose([one.distance for one in rows], [one.distance for one in expected])
    assert all(n.case != "1.2.3.1" for n in cohort.nodules)
    part = finish(loading_index(results, most=3))
    off_the_map = {n.id for n in finish(finding_alike(part, asked))[0].nodules} - {n.id for n in part.nodules}
    assert "n6" in off_the_map
    assert finish(finding_alike(whole, nodule(6, attributes={})))[1] == ()
