"""What cannot be resampled honestly: holes of centimetres, and few slices that lie oblique."""

import numpy as np
import pytest

from napari_lungmtl.training.imaging import list_series, read_image
from napari_lungmtl.training.imaging.errors import BadGeometryError, IrregularSlicesError

from ....stand_ins.linear_series import SHAPE, ct_slice, shift_of, stack, write
from ....stand_ins.turned_series import ROWS, turned


def test_a_block_of_slices_missing(tmp_path):
    write(stack(12, step=1.25) + stack(10, start=127.5, step=1.25), tmp_path)
    listed = list_series(tmp_path)
    assert sorted(s.description for s in listed) == ["Chest, z 127.5 to 138.75 mm", "Chest, z 30 to 43.75 mm"]
    for series in listed:
        image = read_image(tmp_path, series=series.uid)
        assert shift_of(image).tolist() == [0] * series.n_slices
        assert image.shape[0] == series.n_slices


def test_a_hole_below_two_centimetres_is_filled_linearly(tmp_path):
    datasets = stack(24, step=1.25)
    del datasets[8:20]
    write(datasets, tmp_path)
    image = read_image(tmp_path)
    assert image.shape[0] == 24
    assert np.abs(shift_of(image)).max() <= 1
    assert "12 slice(s) are missing in 1 gap(s)" in image.warnings[0]


def test_slices_that_are_far_apart_throughout_are_no_holes(tmp_path):
    write(stack(6, step=25.0), tmp_path)
    assert shift_of(read_image(tmp_path)).tolist() == [0] * 6


def test_a_few_strays_of_a_long_scan_are_set_aside(tmp_path):
    write([*stack(30), ct_slice(500.0, InstanceNumber=31)], tmp_path)
    image = read_image(tmp_path)
    assert shift_of(image).tolist() == [0] * 30
    assert "1 slice(s) of another kind or far from the others were left out (0030.dcm)" in image.warnings[0]


def test_a_hole_of_damaged_slices_is_not_filled(tmp_path):
    files = write(stack(20), tmp_path)
    for file in files[5:14]:
        file.write_bytes(file.read_bytes()[:-50])
    with pytest.raises(IrregularSlicesError, match="too irregular"):
        read_image(tmp_path)


def tilted(degrees, count):
    angle = np.radians(degrees)
    rows = [1, 0, 0, 0, float(np.cos(angle)), float(-np.sin(angle))]
    across = np.cross(rows[:3], rows[3:])
    return [
        ct_slice(
            0, position=[float(v) for v in np.array([-10, -20, 30]) + 5 * k * across], ImageOrientationPatient=rows,
            SliceThickness="5", InstanceNumber=k + 1,
        )
        for k in range(count)
    ]  # fmt: skip


@pytest.mark.parametrize("degrees", [20, -40])
def test_one_oblique_slice_stays_one_plane(tmp_path, degrees):
    from pydicom import dcmread

    (file,) = write(tilted(degrees, 1), tmp_path)
    image = read_image(file)
    stored = dcmread(file).pixel_array.astype(int) - 1024
    assert image.shape == (1, 10, 12)
    np.testing.assert_array_equal(image.voxels[0], stored)
    assert image.spacing == pytest.approx((5, 1.5, 1.25))
    assert any("oblique in the patient and are too few" in w for w in image.warnings)


def test_one_oblique_sagittal_slice_stays_one_plane(tmp_path):
    rows = [0.1, 0.995, 0, 0, 0, -1]
    (file,) = write(
        [ct_slice(0, position=[-10, -20, 60], ImageOrientationPatient=rows, SliceThickness="2")], tmp_path
    )
    image = read_image(file)
    assert sorted(image.shape) == [1, 10, 12]


def test_many_oblique_slices_are_resampled(tmp_path):
    write(tilted(20, 12), tmp_path)
    image = read_image(tmp_path)
    assert any("were resampled to straight axes" in w for w in image.warnings)
    index = np.argwhere(image.voxels > image.voxels.min())
    z, y, x = image.to_world(index).T
    off = image.voxels[tuple(index.T)] - (-200 + 2 * x + 3 * y + 5 * z)
    assert np.median(np.abs(off)) <= 1


@pytest.mark.parametrize("tag", ["ImagePositionPatient", "ImageOrientationPatient"])
def test_slices_without_a_place_are_left_out_by_name(tmp_path, tag):
    def slices():
        return [
            ct_slice(30 + 2.5 * k, InstanceNumber=k + 1, **({tag: None} if k in (2, 5) else {}))
            for k in range(8)
        ]

    write(slices(), tmp_path)
    image = read_image(tmp_path)
    assert shift_of(image).tolist() == [0] * 8
    assert f"2 slice(s) that do not say where in the patient they lie (no usable {tag})" in image.warnings[0]
    assert "2 slice(s) are missing" in image.warnings[1]


def test_a_position_that_is_no_number(tmp_path):
    for k, file in enumerate(write(stack(8), tmp_path)):
        if k == 3:
            data = file.read_bytes()
            assert data.count(b"\\37.5") == 1
            file.write_bytes(data.replace(b"\\37.5", b"\\ NaN"))
    image = read_image(tmp_path)
    assert shift_of(image).tolist() == [0] * 8
    assert "no usable ImagePositionPatient" in image.warnings[0]


def test_the_absent_tag_is_named(tmp_path):
    write(stack(8, ImageOrientationPatient=None), tmp_path)
    assert "no ImageOrientationPatient" in read_image(tmp_path).warnings[0]


def test_erased_positions_are_found_in_the_slice_locations(tmp_path):
    slices = stack(8, SliceLocation=lambda k: 30 + 2.5 * k)
    for ds in slices:
        ds.ImagePositionPatient = [-10, -20, 0]
    write(slices, tmp_path)
    image = read_image(tmp_path)
    assert shift_of(image).tolist() == [0] * 8
    assert "give one ImagePositionPatient: they were placed by their SliceLocation" in image.warnings[0]


def test_rows_and_columns_askew_are_refused(tmp_path):
    write(stack(5, ImageOrientationPatient=[1, 0, 0, 0.3, 0.954, 0]), tmp_path)
    with pytest.raises(BadGeometryError, match=r"0000\.dcm: the rows and columns .* not at right angles"):
        read_image(tmp_path)


def test_stacks_of_other_geometry_say_so(tmp_path):
    sagittal = [
        ct_slice(0, position=[5.0 * k, -20, 30], ImageOrientationPatient=[0, 1, 0, 0, 0, -1])
        for k in range(8)
    ]
    write(stack(8) + sagittal + stack(8, PixelSpacing=[0.75, 0.625], first_number=9), tmp_path)
    words = [s.description for s in list_series(tmp_path)]
    assert words == [
        "Chest, axial, pixels of 0.625 mm",
        "Chest, axial, pixels of 1.25 mm",
        "Chest, sagittal, pixels of 1.25 mm",
    ]


@pytest.mark.parametrize("name", ROWS)
def test_instances_run_with_the_voxels_or_are_none(tmp_path, name):
    """A plane is the slice with its uid where the two have one height; tilted, missing, uneven and upright slices are no planes."""
    datasets = {d.SOPInstanceUID: d for d in turned(tmp_path, name)}
    image = read_image(tmp_path)
    uids = image.metadata["sop_instance_uids"]
    heights = [float(datasets[uid].ImagePositionPatient[2]) for uid in uids]
    no_planes = ("coronal", "sagittal", "tilted by 3", "tilted by 20", "missing slice", "uneven")
    planes = [] if name in no_planes else [image.to_world((k, 0, 0))[0] for k in range(len(datasets))]
    assert heights == pytest.approx(planes)
    assert image.is_dicom


def test_a_coronal_series_with_as_many_slices_as_rows_has_no_instances_by_plane(tmp_path):
    rows = [1, 0, 0, 0, 0, -1]
    write(
        [ct_slice(0, position=(0, 2.5 * k, 90), ImageOrientationPatient=rows) for k in range(SHAPE[0])],
        tmp_path,
    )
    image = read_image(tmp_path)
    assert image.shape == (SHAPE[0], SHAPE[0], SHAPE[1])
    assert image.metadata["sop_instance_uids"] == ()


def test_uneven_slices_that_become_as_many_planes_have_no_instances_by_plane(tmp_path):
    heights = [0.0, 2.0, 4.0, 6.0, 7.3, 8.7, 10.9]
    write([ct_slice(z, InstanceNumber=k) for k, z in enumerate(heights)], tmp_path)
    image = read_image(tmp_path)
    assert image.shape[0] == len(heights)
    assert "were resampled" in image.warnings[0]
    assert image.metadata["sop_instance_uids"] == ()
