"""The two commands: phantoms for training, and the committed sample study."""

import csv
from pathlib import Path

import numpy as np
import pytest

from napari_lungmtl.training.data.phantoms import NoduleSpec, PhantomSpec, make_phantom
from napari_lungmtl.training.data.phantoms.make_samples import SAMPLE, sample_study, write_samples
from napari_lungmtl.training.data.phantoms.make_training import draw_spec, save
from napari_lungmtl.training.findings.formats.json_file import read_findings
from napari_lungmtl.training.imaging import read_image

SAMPLES = Path(__file__).parents[4] / "sample_data"


def tiny() -> PhantomSpec:
    return PhantomSpec(5, (NoduleSpec(9), NoduleSpec(12)), (2.5, 2.0, 2.0), (-20, 20), (180, 260))


def test_training_file_holds_voxels_lung_and_voxel_indices(tmp_path):
    phantom = make_phantom(tiny())
    save(phantom, tmp_path / "p.npz")
    with np.load(tmp_path / "p.npz") as file:
        hu = file["voxels"].astype(float) * 8 - 1024
        lung = np.unpackbits(file["lung"], axis=2, count=int(file["shape"][2])).astype(bool)
        centers, diameters = file["centers"], file["diameters"]
    inside = phantom.image.voxels < 1000
    assert np.abs(hu - phantom.image.voxels)[inside].max() <= 4
    assert np.array_equal(lung, phantom.lung_mask)
    assert np.allclose(phantom.image.to_world(centers), [f.center for f in phantom.truth], atol=1e-3)
    assert diameters == pytest.approx([9, 12], rel=0.03)


def test_training_cases_vary_and_some_have_no_nodule():
    specs = [draw_spec(seed) for seed in range(60)]
    counts = [len(s.nodules) for s in specs]
    assert 4 <= sum(c == 0 for c in counts) <= 22
    assert all(8 <= c <= 15 for c in counts if c)
    diameters = np.array([n.diameter for s in specs for n in s.nodules])
    assert diameters.min() >= 3
    assert diameters.max() <= 30
    assert 0.5 < ((diameters >= 4) & (diameters <= 10)).mean() < 0.85
    assert {n.texture for s in specs for n in s.nodules} == {"solid", "part-solid", "ground-glass"}
    assert specs[3] == draw_spec(3)


def test_samples_are_read_back_where_they_were_written(tmp_path):
    write_samples(tmp_path, tiny())
    image, truth = read_image(tmp_path / "ct"), read_findings(tmp_path / "ct_truth.lungmtl.json")
    phantom = make_phantom(tiny())
    assert np.array_equal(image.voxels, phantom.image.voxels)
    assert np.allclose(image.origin, phantom.image.origin, atol=1e-6)
    assert truth.image.series_uid == image.series_uid
    with (tmp_path / "annotations.csv").open() as file:
        rows = list(csv.DictReader(file))
    for row, finding in zip(rows, truth, strict=True):
        assert row["seriesuid"] == image.series_uid
        place = [float(row[f"coord{axis}"]) for axis in "ZYX"]
        assert place == pytest.approx(finding.center, abs=1e-3)
        # The nodule is there in the image as read: denser than what surrounds it.
        z, y, x = np.rint(image.to_index(place)).astype(int)
        assert image.voxels[z, y, x] > -300


def test_the_committed_sample_is_what_its_seed_makes():
    image, truth = read_image(SAMPLES / "ct"), read_findings(SAMPLES / "ct_truth.lungmtl.json")
    made = sample_study()
    assert image.shape == made.image.shape
    assert len(truth) == len(SAMPLE.nodules)
    for one, two in zip(truth, made.truth, strict=True):
        assert one.center == pytest.approx(two.center, abs=1e-3)
        assert one.diameter == pytest.approx(two.diameter, abs=1e-3)
    # Bit for bit on one machine; other processors round the last bit of a float otherwise, and the rim of a vessel may then
    # fall on the other side of a voxel (seen: 0.07 % of the voxels).
    difference = np.abs(image.voxels.astype(int) - made.image.voxels)
    assert (difference > 1).mean() < 2e-3


def test_the_samples_are_small_enough_for_the_repository():
    assert sum(f.stat().st_size for f in SAMPLES.rglob("*") if f.is_file()) < 12e6
