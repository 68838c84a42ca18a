"""Which radiographs a network is trained on, and which ones set its operating point."""

import pytest

from napari_lungmtl.training.data.errors import DatasetError
from napari_lungmtl.training.data.public.open_radiographs import open_radiograph_cases
from napari_lungmtl.training.fitting.radiograph_sources import RadiographSources, open_radiograph_sources

from ...stand_ins.disc_radiographs import Blobs
from ...stand_ins.radiograph_sets import write_node21


def test_real_sets_are_calibrated_on_patients_that_are_held_out(tmp_path):
    write_node21(tmp_path, ".png")
    sources = open_radiograph_sources(tmp_path, ("1",))
    assert sources.held_out
    assert set(sources.dev.cases) == {c.name for c in open_radiograph_cases(tmp_path, "held-out")}
    assert set(sources.training.cases) == {c.name for c in open_radiograph_cases(tmp_path, "train")}


def test_without_anybody_held_out_it_is_an_error_or_said(tmp_path):
    write_node21(tmp_path, ".png")
    table = tmp_path / "metadata.csv"
    held_out = {c.name for c in open_radiograph_cases(tmp_path, "held-out")}
    rows = [row for row in table.read_text().splitlines() if not any(name in row for name in held_out)]
    table.write_text("\n".join(rows) + "\n")
    with pytest.raises(DatasetError):
        open_radiograph_sources(tmp_path, ("1",))
    sources = open_radiograph_sources(tmp_path, ("1",), needs_dev=False)
    assert sources.dev is sources.training
    assert not sources.held_out


def test_the_card_names_all_cases():
    sources = RadiographSources(Blobs(), Blobs(cases=("c",)))
    record = sources.record(Blobs(), {"steps": 3})
    assert record["data"] == ["blobs (own)"]
    assert (record["cases"], record["dev_cases"], record["log"]) == (["b0", "b1"], ["c"], {"steps": 3})
    assert record["config"]["side"] == 128


def test_a_source_says_what_its_radiographs_are():
    sources = RadiographSources(Blobs(), Blobs())
    assert sources.limit("simulated ones") == "simulated ones"
    real = Blobs()
    real.limit = "real ones"
    assert RadiographSources(real, Blobs()).limit("simulated ones") == "real ones"
