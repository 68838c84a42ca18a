"""Searching an index: what no study meets is no error, and damage is told in a sentence."""

import pytest

from napari_lungmtl.training.cluster.search import Conditions, search
from napari_lungmtl.training.cluster.task import ClusterError
from napari_lungmtl.training.findings import Finding, Findings, ImageReference, Provenance, Sphere

from ...stand_ins.indexed import write_study

pq = pytest.importorskip("pyarrow.parquet")
ONE = Findings(
    (Finding(Sphere((-50.0, 9.0, 3.0), 6.0), 0.9, provenance=Provenance("net", "1")),),
    ImageReference(series_uid="1.2.3.1", source="/archive/1", modality="CT"),
)


@pytest.mark.parametrize("asked", [{"words": "nobody"}, {"figures": (("findings", ">", 9.0),)}])
def test_no_study_that_meets_the_conditions_is_an_empty_list(asked, tmp_path):
    write_study(tmp_path, ONE, "k1")
    found = search(tmp_path, Conditions(**asked))
    assert (found.cases, found.findings, found.total) == ((), 0, 1)


def test_a_column_of_another_type_is_told(tmp_path):
    write_study(tmp_path, ONE, "k1")
    (file,) = tmp_path.glob("index/findings/*/*.parquet")
    table = pq.read_table(file, partitioning=None)
    place = table.schema.get_field_index("probability")
    pq.write_table(table.set_column(place, "probability", [[[0.5]]]), file)
    with pytest.raises(ClusterError, match="Unsupported cast from list"):
        search(tmp_path, Conditions())
