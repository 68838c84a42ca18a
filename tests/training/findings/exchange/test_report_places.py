"""What reports draw on slices (SCOORD) lies where the header of the slice says, however the volume was made of the slices."""

import itertools

import highdicom as hd
import numpy as np
import pydicom
import pytest

from napari_lungmtl.training.findings import ImageReference
from napari_lungmtl.training.findings.formats.dicom.writing.source import open_source
from napari_lungmtl.training.findings.formats.errors import FindingsFileError
from napari_lungmtl.training.findings.import_file import import_findings
from napari_lungmtl.training.imaging import read_image, write_volume
from tests.stand_ins.exchanged import COUNT, STEP, enhanced, same_points, series
from tests.stand_ins.linear_series import ORIGIN, SPACING, ct_slice, write
from tests.stand_ins.measured_reports import measured, on_slice, report
from tests.stand_ins.turned_series import ROWS, STRAIGHT, places, turned

CIRCLE = [[6.5, 4.5], [8.5, 4.5]]
"""On the centre of the pixel in column 6 and row 4, its radius two columns."""
SQUARE = [[3, 2], [8, 2], [8, 7], [3, 7], [3, 2]]
"""Around the pixels of the columns 3 to 7 and the rows 2 to 6."""
PIXELS = np.array(list(itertools.product(range(3, 8), range(2, 7)))) + 0.5


def drawn(datasets, kind, points, path):
    """A report with the region on each slice."""
    groups = [measured(on_slice(d, kind, points), name=str(k)) for k, d in enumerate(datasets)]
    return report(datasets, groups, path)


def voxels(mask):
    """Places (n, 3) x, y, z of the voxels of a mask."""
    return (np.argwhere(mask.to_array()) * mask.spacing + mask.origin)[:, ::-1]


@pytest.mark.parametrize("name", ROWS)
def test_a_circle_lies_where_its_slice_says(tmp_path, name):
    datasets = turned(tmp_path / "ct", name)
    found, problems = import_findings(
        drawn(datasets, "CIRCLE", CIRCLE, tmp_path / "sr.dcm"), read_image(tmp_path / "ct")
    )
    assert not problems
    truth = [places(d, CIRCLE[:1])[0] for d in datasets]
    assert np.allclose([f.center[::-1] for f in found], truth, atol=1e-4)
    assert [f.diameter for f in found] == pytest.approx([4 * SPACING[1]] * len(datasets))


@pytest.mark.parametrize("name", [n for n in STRAIGHT if n not in ("uneven", "shifted")])
def test_an_outline_encloses_the_pixels_of_its_slice(tmp_path, name):
    datasets = turned(tmp_path / "ct", name)
    found, problems = import_findings(
        drawn(datasets, "POLYLINE", SQUARE, tmp_path / "sr.dcm"), read_image(tmp_path / "ct")
    )
    assert not problems
    for finding, dataset in zip(found, datasets, strict=True):
        assert same_points(voxels(finding.geometry), places(dataset, PIXELS))


@pytest.mark.parametrize(
    "name", ["tilted by 3", "tilted by 20", "turned in plane by 20", "uneven", "shifted", "ramp"]
)
def test_an_outline_on_slices_that_were_resampled_encloses_what_lies_in_it(tmp_path, name):
    datasets = turned(tmp_path / "ct", name)
    image = read_image(tmp_path / "ct")
    found, problems = import_findings(drawn(datasets, "POLYLINE", SQUARE, tmp_path / "sr.dcm"), image)
    assert not problems
    assert len(found) == len(datasets)
    for finding, dataset in zip(found, datasets, strict=True):
        right, down = np.array(dataset.ImageOrientationPatient, float).reshape(2, 3)
        away = voxels(finding.geometry) - np.array(dataset.ImagePositionPatient, float)
        columns, rows = away @ right / SPACING[1] + 0.5, away @ down / SPACING[0] + 0.5
        assert 3 <= columns.min() < 4.1
        assert 6.9 < columns.max() <= 8
        assert 2 <= rows.min() < 3.1
        # A slice that lies aside of the others reaches beyond the volume.
        last = (image.extent[1][::-1] - np.array(dataset.ImagePositionPatient, float)) @ down / SPACING[
            0
        ] - 0.5
        assert min(5.9, last if name == "shifted" else 7) < rows.max() <= 7
        assert np.abs(away @ np.cross(right, down)).max() <= STEP / 2 + 1e-3


def test_outlines_on_all_slices_of_a_tilted_gantry_fill_the_prism(tmp_path):
    datasets = turned(tmp_path / "ct", "tilted by 20")
    image = read_image(tmp_path / "ct")
    found, _ = import_findings(drawn(datasets, "POLYLINE", SQUARE, tmp_path / "sr.dcm"), image)
    points = np.round(np.concatenate([voxels(f.geometry) for f in found]), 3)
    assert len(np.unique(points, axis=0)) == len(points), "no voxel lies on two slices"
    volume = 25 * np.prod(SPACING) * len(datasets) * STEP * np.cos(np.deg2rad(20))
    assert len(points) * np.prod(image.spacing) == pytest.approx(volume, rel=0.1)


def frame_z(frame):
    """The frames of `enhanced` go from the head down."""
    return 30.0 + (COUNT - frame) * STEP


def test_each_frame_of_a_multi_frame_file_has_its_own_place(tmp_path):
    image = read_image(enhanced(tmp_path / "ct"))
    (dataset,) = map(pydicom.dcmread, (tmp_path / "ct").iterdir())
    numbers = [*((n,) for n in range(1, COUNT + 1)), (3, 4, 5)]
    groups = [measured(on_slice(dataset, "CIRCLE", CIRCLE, n)) for n in numbers]
    found, problems = import_findings(report([dataset], groups, tmp_path / "sr.dcm"), image)
    assert not problems
    y, x = ORIGIN[1] + 4 * SPACING[0], ORIGIN[0] + 6 * SPACING[1]
    assert [f.center for f in found] == [
        pytest.approx((frame_z(np.mean(n)), y, x), abs=1e-4) for n in numbers
    ]
    squares = [measured(on_slice(dataset, "POLYLINE", SQUARE, (2, 3)))]
    (found,), _ = import_findings(report([dataset], squares, tmp_path / "sr.dcm"), image)
    assert found.geometry.to_array().shape == (2, 5, 5)
    assert found.geometry.to_array().all()
    assert found.geometry.origin == pytest.approx((frame_z(3), ORIGIN[1] + 3, ORIGIN[0] + 3.75))


@pytest.mark.parametrize(
    ("frames", "said"), [(None, "does not say on which of the 8 frames"), ((99,), "drawn on frame 99 of")]
)
def test_a_frame_that_is_not_known_is_said(tmp_path, frames, said):
    image = read_image(enhanced(tmp_path / "ct"))
    (dataset,) = map(pydicom.dcmread, (tmp_path / "ct").iterdir())
    path = report([dataset], [measured(on_slice(dataset, "CIRCLE", CIRCLE, frames))], tmp_path / "sr.dcm")
    with pytest.raises(FindingsFileError, match=said):
        import_findings(path, image)


def test_why_a_region_is_on_no_slice_is_said(tmp_path):
    folder = series(tmp_path / "ct")
    image = read_image(folder)
    datasets = [pydicom.dcmread(p) for p in sorted(folder.iterdir())]
    path = drawn(datasets[:1], "CIRCLE", CIRCLE, tmp_path / "sr.dcm")
    write_volume(image, tmp_path / "ct.nii.gz")
    with pytest.raises(FindingsFileError, match=r"ct\.nii\.gz is none: open that series"):
        import_findings(path, read_image(tmp_path / "ct.nii.gz"))
    other = datasets[0]
    other.SOPInstanceUID = hd.UID()
    with pytest.raises(FindingsFileError, match="a slice that is not open"):
        import_findings(drawn([other], "CIRCLE", CIRCLE, tmp_path / "sr.dcm"), image)
    for file in folder.iterdir():
        file.unlink()
    with pytest.raises(FindingsFileError, match=r"cannot be looked up|does not hold the series"):
        import_findings(path, image)


def test_slices_without_a_place_in_the_patient_are_counted(tmp_path):
    nowhere = {"ImagePositionPatient": None, "ImageOrientationPatient": None}
    datasets = [ct_slice(k, InstanceNumber=k + 1, **nowhere) for k in range(4)]
    for dataset in datasets:
        dataset.PatientName, dataset.PatientBirthDate, dataset.PatientSex = "A^B", "", ""
        dataset.StudyDate = dataset.StudyTime = dataset.AccessionNumber = dataset.StudyID = ""
        dataset.ReferringPhysicianName = ""
    write(datasets, tmp_path / "ct")
    image = read_image(tmp_path / "ct")
    assert image.spacing is None
    found, _ = import_findings(drawn(datasets, "CIRCLE", CIRCLE, tmp_path / "sr.dcm"), image)
    assert [f.center for f in found] == [(k, 4, 6) for k in range(4)]


def test_slices_turned_in_their_plane_are_no_few_oblique_ones(tmp_path):
    turned(tmp_path / "ct", "turned in plane by 20")
    image = read_image(tmp_path / "ct")
    assert len(open_source(ImageReference.of(image), "x.dcm").planes) == image.shape[0] == 9


def test_a_few_oblique_slices_say_that_they_have_no_place(tmp_path):
    half = np.sqrt(0.5)
    rows = [half, half, 0, 0, 0, -1]
    step = np.cross(rows[:3], rows[3:])
    datasets = turned(tmp_path / "other", "axial")[:3]
    for k, dataset in enumerate(datasets):
        dataset.ImageOrientationPatient = [f"{v:.12g}" for v in rows]
        dataset.ImagePositionPatient = [f"{v:.12g}" for v in k * step]
    write(datasets, tmp_path / "ct")
    image = read_image(tmp_path / "ct")
    assert "shown in their own plane" in " ".join(image.warnings)
    with pytest.raises(FindingsFileError, match="shown in their own plane"):
        import_findings(drawn(datasets, "CIRCLE", CIRCLE, tmp_path / "sr.dcm"), image)
