"""Public sets of CTs: every nodule lies on its voxels, whichever way a set stores them; folds and exclusions are the set's."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from napari_lungmtl.training.data.errors import DatasetError
from napari_lungmtl.training.data.public.ct.layouts import holds_scan_set, open_scan_set
from napari_lungmtl.training.findings.formats.errors import FindingsFileError
from napari_lungmtl.training.findings.formats.lidc.nodules import Grid, consensus, region, sphere_of
from napari_lungmtl.training.findings.formats.lidc.readings import Outline, Reading, read_lidc_xml
from tests.stand_ins import public_ct_sets as sets


def centroid_of_dense(image, sphere):
    """World centroid (z, y, x) and volume-equivalent diameter of the dense voxels around a sphere in the lung."""
    grid = np.stack(np.meshgrid(*(np.arange(n) for n in image.shape), indexing="ij"), -1)
    world = image.to_world(grid)
    inside = (image.voxels == sets.DENSE) & (np.linalg.norm(world - sphere[:3], axis=-1) < sphere[3])
    return world[inside].mean(0), np.cbrt(6 * inside.sum() * np.prod(image.spacing) / np.pi)


def require_on_voxels(scan, count):
    assert len(scan.known.nodules) == count
    for nodule in scan.known.nodules:
        center, diameter = centroid_of_dense(scan.image, nodule)
        assert np.abs(center - nodule[:3]).max() <= 0.5 * max(scan.image.spacing)
        assert diameter == pytest.approx(nodule[3], rel=0.12)


@pytest.fixture(scope="module")
def luna16(tmp_path_factory):
    return sets.write_luna16(tmp_path_factory.mktemp("luna16"))


@pytest.fixture(scope="module")
def lidc(tmp_path_factory):
    return sets.write_lidc(tmp_path_factory.mktemp("lidc"), sets.LIDC_PATIENTS[:2])


@pytest.fixture(scope="module")
def deeplesion(tmp_path_factory):
    return sets.write_deeplesion(tmp_path_factory.mktemp("deeplesion"))


def test_luna16_has_its_subsets_for_folds_and_nodules_where_they_are(luna16):
    assert holds_scan_set(luna16)
    scans = open_scan_set(luna16).scans
    assert {s.name: s.fold for s in scans} == {k: str(v[0]) for k, v in sets.LUNA16_SCANS.items()}
    for scan in scans:  # every second is stored with x and y reversed
        opened = scan.open()
        require_on_voxels(opened, 1)
        assert opened.known.excluded.tolist() == [[*sets.EXCLUDED[:3], 10]], "a diameter of -1 is unknown"


def test_luna16_in_part_and_damaged(luna16, tmp_path):
    folder = Path(shutil.copytree(luna16, tmp_path / "set"))
    shutil.rmtree(folder / "subset1")
    (folder / "CSVFILES").mkdir()
    (folder / "annotations.csv").rename(folder / "CSVFILES" / "annotations.csv")
    (folder / "annotations_excluded.csv").unlink()
    found = open_scan_set(folder)
    assert [s.fold for s in found.scans] == ["0", "2"]
    assert "not at hand" in found.limit
    shutil.copytree(folder / "subset0", folder / "subset3")
    with pytest.raises(DatasetError, match=r"subset3.*in subset0 too"):
        open_scan_set(folder)
    shutil.rmtree(folder / "subset3")
    for name in ("subset0", "subset2"):
        shutil.rmtree(folder / name)
        (folder / name).mkdir()
    with pytest.raises(DatasetError, match="unpack"):
        open_scan_set(folder)


def test_lidc_finds_each_series_its_readers_and_merges_them(lidc):
    scans = open_scan_set(lidc).scans
    assert [s.name for s in scans] == [f"{sets.UID}.1", f"{sets.UID}.2"]
    assert {s.fold for s in scans} <= set("01234")
    for (
        scan
    ) in scans:  # the second's rows and columns run against the axes, and its XML lies beside the slices
        opened = scan.open()
        require_on_voxels(opened, 1)
        assert opened.readers[0].shape == (4, 9)
        assert opened.readers[0][0].tolist() == [4, 1, 6, 4, 4, 4, 4, 4, 4]
        doubtful, point = sorted(opened.known.excluded, key=lambda one: -one[0])
        assert doubtful[:3] == pytest.approx(sets.LIDC_DOUBTFUL[:3], abs=0.7), "outlined by two of four"
        column, row = (109 - 30 if scan.name.endswith("2") else 30), 40
        if scan.name.endswith("2"):
            column, row = opened.image.shape[2] - 1 - 30, opened.image.shape[1] - 1 - 40
        assert point[:3] == pytest.approx(opened.image.to_world((0, row, column)))


def test_lidc_without_series_says_what_is_missing(lidc, tmp_path):
    shutil.copytree(lidc / "LIDC-XML-only", tmp_path / "xml")
    with pytest.raises(DatasetError, match="1 files of LIDC readers, but no DICOM"):
        open_scan_set(tmp_path)
    (xml,) = tmp_path.rglob("*.xml")
    xml.write_text(xml.read_text()[:-30])
    with pytest.raises(DatasetError, match=r"158\.xml, line \d+: the file is damaged"):
        open_scan_set(tmp_path)
    with pytest.raises(DatasetError, match="no set of CTs"):
        open_scan_set(lidc / "LIDC-IDRI" / sets.LIDC_PATIENTS[0])


def square(low, high, inclusion=True, z=0.0):
    """An outline around pixels low … high - 1 of both axes."""
    side = range(low - 1, high + 1)
    rim = [(x, low - 1) for x in side] + [(high, y) for y in side]
    rim += [(x, high) for x in reversed(side)] + [(low - 1, y) for y in reversed(side)]
    return Outline(np.array(rim), inclusion, z, "")


GRID = Grid(np.array([[0, 0, 0.5], [0, 0.5, 0], [0, -10, -20]]), lambda outline: outline.z, 2.0)


def test_outlines_enclose_what_lies_within_and_holes_are_left_out():
    assert len(region([square(10, 20)])) == 100
    assert region([square(10, 20)]).min(0).tolist() == [10, 10]
    assert len(region([square(10, 20), square(13, 15, False)])) == 96
    assert len(region([square(10, 12), square(30, 33)])) == 4 + 9
    whole = sphere_of(Reading(0, (square(10, 20, z=4.0), square(10, 20, z=6.0))), GRID)
    assert whole[:3] == pytest.approx([5.0, -10 + 14.5 / 2, -20 + 14.5 / 2])
    assert whole[3] == pytest.approx(np.cbrt(6 * 200 * 0.5 / np.pi))
    holed = sphere_of(Reading(0, (square(10, 20), square(13, 15, False))), GRID)
    assert holed[3] == pytest.approx(np.cbrt(6 * 96 * 0.5 / np.pi))


def test_three_of_four_readers_make_a_nodule():
    def readings(*readers):
        return [Reading(r, (square(10, 20), square(10, 20, z=2.0)), np.full(9, 3.0)) for r in readers]

    assert len(consensus(readings(0, 1, 2), GRID).nodules) == 1
    for few in ((0, 1), (0, 1, 1), (2, 2, 2, 2)):  # of a reader that split it, or read twice, one counts
        found = consensus(readings(*few), GRID)
        assert (len(found.nodules), len(found.excluded)) == (0, 1)
    assert consensus([], GRID).nodules.shape == (0, 4)
    apart = [*readings(0, 1, 2), Reading(3, (square(60, 70), square(60, 70, z=2.0)))]
    assert (len(consensus(apart, GRID).nodules), len(consensus(apart, GRID).excluded)) == (1, 1)


def test_the_readers_of_a_real_scan_make_luna16s_nodules(lungmtl_data):
    """LIDC-IDRI-0003's slices say where its pixels lie; LUNA16 published what came of them."""
    import pydicom

    from napari_lungmtl.training.data.public.luna16_nodules import spheres_by_series

    file = read_lidc_xml(lungmtl_data / "lidc_xml" / "LIDC-IDRI-0003_185_072.xml")
    slices = sorted((lungmtl_data / "dicom" / "LIDC-IDRI-0003").glob("*.dcm"))
    header = pydicom.dcmread(slices[0], stop_before_pixels=True)
    row, column = np.array(header.ImageOrientationPatient, float).reshape(2, 3)
    spacing = np.array(header.PixelSpacing, float)
    to_world = np.stack([row * spacing[1], column * spacing[0], header.ImagePositionPatient])[:, ::-1]
    found = consensus(file.readings, Grid(np.array(to_world, float), lambda outline: outline.z, 2.5))
    published = spheres_by_series(lungmtl_data / "luna16" / "annotations.csv")[file.series_uid]
    assert len(found.nodules) == len(published) == 3
    for nodule in published:
        nearest = found.nodules[np.linalg.norm(found.nodules[:, :3] - nodule[:3], axis=1).argmin()]
        assert np.abs(nearest[:3] - nodule[:3]).max() < 0.3
        assert nearest[3] == pytest.approx(nodule[3], rel=0.04)
    holed = read_lidc_xml(lungmtl_data / "lidc_xml" / "inclusion_false_188_259.xml")
    assert any(not o.inclusion for r in holed.readings for o in r.outlines)
    zeros = read_lidc_xml(lungmtl_data / "lidc_xml" / "all_zero_ratings_188_264.xml")
    assert all(r.ratings is None or r.ratings.min() >= 1 for r in zeros.readings), "nine zeros are no rating"
    repeated = read_lidc_xml(lungmtl_data / "lidc_xml" / "repeated_readings_188_011.xml")
    assert {r.reader for r in repeated.readings} == {0, 1, 2, 3}
    assert read_lidc_xml(lungmtl_data / "lidc_xml" / "LIDC-IDRI-0063_185_198.xml").flat, "of a radiograph"


def test_deeplesion_takes_the_lesions_of_the_lung(deeplesion):
    scans = open_scan_set(deeplesion).scans
    assert [(s.name, s.fold) for s in scans] == [
        ("000001_01_01_100-139", "train"),
        ("000001_02_01_100-139", "train"),
        ("000002_01_01_100-139", "val"),
        ("000003_01_02_100-139", "test"),
    ]
    for scan in (scans[0], scans[3]):  # without types, and with them
        opened = scan.open()
        assert opened.image.voxels.min() == sets.LUNG
        require_on_voxels(opened, 1)
        (nodule,) = opened.known.nodules
        z, y, x, d = sets.IN_LUNG
        assert nodule.tolist() == pytest.approx([z + 1.25, y + 0.5, x, d]), "the mean of both marks"
        assert sorted(s[3] for s in opened.known.excluded) == [14, 50], "another organ's; over 48 mm"


def test_deeplesion_in_part_and_damaged(deeplesion, tmp_path):
    folder = Path(shutil.copytree(deeplesion, tmp_path / "set"))
    shutil.rmtree(folder / "Images_png" / "000001_01_01")
    (folder / "Images_png" / "000001_02_01" / "117.png").unlink()
    (scan, *_) = open_scan_set(folder).scans
    with pytest.raises(DatasetError, match=r"117\.png is missing"):
        scan.open()
    table = folder / "DL_info.csv"
    table.write_text(table.read_text().replace('"100, 139"', '"100"', 1))
    with pytest.raises(FindingsFileError, match="line 2: Slice_range"):
        open_scan_set(folder)
    with pytest.raises(DatasetError, match="leave --truth"):
        open_scan_set(folder, truth=table)
