"""What clinics and exports do to series: each case is bridged with a word, or refused with a reason."""

import re

import numpy as np
import pytest
from pydicom import dcmread

from napari_lungmtl.training.imaging import Image, ImageError, read_image
from napari_lungmtl.training.imaging.dicom.write_series import write_series
from napari_lungmtl.training.imaging.errors import (
    CorruptFileError,
    EmptyFileError,
    IrregularSlicesError,
    NoImagesError,
    NoPixelDataError,
    SeveralSeriesError,
    TruncatedFileError,
    UnknownFormatError,
)

from ....stand_ins.marked_volumes import Stored, change, marked, turned, write_dicom


def ball(shape=(40, 40, 40), spacing=(1.0, 1.0, 1.0), center=(2.0, 3.0, -4.0), radius=8.0) -> Image:
    """A soft ball in air, centred in the volume's world, smooth enough to survive interpolation."""
    origin = tuple(-s * (n - 1) / 2 for n, s in zip(shape, spacing))
    image = Image(np.zeros(shape, np.int16), modality="CT", spacing=spacing, origin=origin)
    return Image(
        ball_values(image.to_world(np.moveaxis(np.indices(shape), 0, -1)), center, radius),
        "CT",
        spacing,
        origin,
    )


def ball_values(points, center=(2.0, 3.0, -4.0), radius=8.0):
    distance = np.linalg.norm(np.asarray(points) - center, axis=-1)
    return np.rint(1000 * np.clip((radius - distance) / 3 + 0.5, 0, 1) - 1000).astype(np.int16)


def center_of_mass(image):
    weight = np.clip(image.voxels.astype(float) + 1000, 0, None)
    weight[weight < 100] = 0
    points = image.to_world(np.moveaxis(np.indices(image.shape), 0, -1))
    return (points * weight[..., None]).sum(axis=(0, 1, 2)) / weight.sum()


# -- files ------------------------------------------------------------------------------------------------------


def test_zero_byte_file_alone(tmp_path):
    (tmp_path / "a.dcm").touch()
    with pytest.raises(EmptyFileError, match=r"a\.dcm is empty"):
        read_image(tmp_path / "a.dcm")
    with pytest.raises(NoImagesError, match=r"a\.dcm is empty"):
        read_image(tmp_path)


def test_zero_byte_slice_is_bridged(tmp_path):
    image = marked()
    files = write_series(image, tmp_path)
    files[2].write_bytes(b"")
    read = read_image(tmp_path)
    others = [0, 1, 3, 4, 5]
    np.testing.assert_array_equal(read.voxels[others], image.voxels[others])
    assert "1 slice(s) are missing" in read.warnings[0]
    assert f"{files[2]} is empty" in read.warnings[1]


@pytest.mark.parametrize("keep", [140, 400, 900])
def test_header_cut_off(tmp_path, keep):
    file = write_series(marked(shape=(1, 64, 64)), tmp_path)[0]
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(ImageError, match=re.escape(str(file))):
        read_image(file)


def test_pixels_cut_off(tmp_path):
    file = write_series(marked(shape=(1, 64, 64)), tmp_path)[0]
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(TruncatedFileError, match="cut off"):
        read_image(file)


def test_compressed_pixels_damaged(tmp_path):
    files = write_series(marked(shape=(5, 40, 50)), tmp_path, compress=True)
    data = bytearray(files[1].read_bytes())
    data[-1500:] = bytes(1500)
    files[1].write_bytes(data)
    read = read_image(tmp_path)
    assert read.shape == (5, 40, 50)
    assert any("0002.dcm" in w for w in read.warnings)
    assert any("1 slice(s) are missing" in w for w in read.warnings)


def test_garbage_after_the_preamble(tmp_path):
    (tmp_path / "a.dcm").write_bytes(bytes(128) + b"DICM" + np.random.default_rng(0).bytes(3000))
    with pytest.raises(ImageError, match=r"a\.dcm"):
        read_image(tmp_path / "a.dcm")


def test_not_an_image(tmp_path):
    (tmp_path / "notes.txt").write_text("hello " * 100)
    with pytest.raises(UnknownFormatError, match=r"notes\.txt is no format"):
        read_image(tmp_path / "notes.txt")


def test_files_that_are_not_dicom_are_named(tmp_path):
    write_series(marked(), tmp_path)
    (tmp_path / "report.pdf").write_bytes(b"%PDF-1.4" + bytes(500))
    read = read_image(tmp_path)
    assert read.shape == (6, 8, 9)
    assert read.warnings == ("1 file(s) are not of this series and were ignored: report.pdf.",)


def test_who_names_one_file_hears_nothing_of_its_neighbours(tmp_path):
    files = write_series(marked(), tmp_path)
    (tmp_path / "report.pdf").write_bytes(b"%PDF-1.4" + bytes(500))
    (tmp_path / "cut.dcm").write_bytes(files[2].read_bytes()[:300])
    (warning,) = read_image(files[0]).warnings
    assert "cut.dcm" in warning, "it may be a slice of the series"


def test_without_preamble(tmp_path):
    image = marked()
    for file in write_series(image, tmp_path):
        data = file.read_bytes()
        file.write_bytes(data[132:])
    np.testing.assert_array_equal(read_image(tmp_path).voxels, image.voxels)


# -- slices -----------------------------------------------------------------------------------------------------


def test_missing_slices_are_counted_and_filled(tmp_path):
    image = marked(shape=(12, 8, 9))
    files = write_series(image, tmp_path)
    for k in (3, 7, 8):
        files[k].unlink()
    read = read_image(tmp_path)
    assert read.shape == image.shape
    assert "3 slice(s) are missing in 2 gap(s)" in read.warnings[0]
    kept = [k for k in range(12) if k not in (3, 7, 8)]
    np.testing.assert_array_equal(read.voxels[kept], image.voxels[kept])
    third = image.voxels[6] + (image.voxels[9].astype(float) - image.voxels[6]) / 3
    np.testing.assert_allclose(read.voxels[7], third, atol=0.51)
    assert read.spacing == pytest.approx(image.spacing)
    assert read.metadata["sop_instance_uids"] == ()


def test_duplicate_slices(tmp_path):
    image = marked()
    files = write_series(image, tmp_path)
    (tmp_path / "copy of 0002.dcm").write_bytes(files[1].read_bytes())
    read = read_image(tmp_path)
    np.testing.assert_array_equal(read.voxels, image.voxels)
    assert "1 duplicate slice(s)" in read.warnings[0]


def test_varying_distance_is_made_even(tmp_path):
    image = ball()
    rng = np.random.default_rng(1)
    z = np.cumsum(rng.uniform(0.7, 1.6, 36))
    z -= z.mean()
    plane = np.moveaxis(np.indices((36, 40, 40)), 0, -1) * [0, 1, 1] + [0, -19.5, -19.5]
    plane[..., 0] = z[:, None, None]
    uneven = Image(ball_values(plane), "CT", (1.0, 1.0, 1.0), image.origin)
    files = write_series(uneven, tmp_path)
    change(files, ImagePositionPatient=lambda k, ds: [-19.5, -19.5, float(f"{z[k]:.6f}")])
    read = read_image(tmp_path)
    assert "varies from" in read.warnings[0]
    assert np.linalg.norm(center_of_mass(read) - [2, 3, -4]) < 0.1
    assert read.origin[0] == pytest.approx(z[0], abs=1e-5)
    assert read.to_world((read.shape[0] - 1, 0, 0))[0] == pytest.approx(z[-1], abs=1e-5)


def test_rounded_positions_are_not_uneven(tmp_path):
    image = marked(shape=(30, 8, 9), spacing=(0.7, 0.7, 0.7), origin=(0.0, 0.0, 0.0))
    files = write_series(image, tmp_path)
    change(files, ImagePositionPatient=lambda k, ds: [0, 0, round(0.7 * k + 0.011 * (-1) ** k, 2)])
    read = read_image(tmp_path)
    assert read.warnings == ()
    np.testing.assert_array_equal(read.voxels, image.voxels)
    assert read.spacing[0] == pytest.approx(0.7, abs=2e-3)


def test_slices_with_a_stray_one_far_away(tmp_path):
    files = write_series(marked(shape=(5, 8, 9)), tmp_path)
    change(files[-1:], ImagePositionPatient=[0, 0, 5003.21])
    with pytest.raises(IrregularSlicesError, match="too irregular"):
        read_image(tmp_path)


def test_spacing_in_headers_is_not_believed(tmp_path):
    image = marked()
    files = write_series(image, tmp_path)
    change(files, SliceThickness="9.0", SpacingBetweenSlices="0.1")
    assert read_image(tmp_path).spacing == pytest.approx(image.spacing)


def test_localizer_in_the_series_is_set_aside(tmp_path):
    image = marked(series_uid="1.2.3")
    write_series(image, tmp_path)
    side = turned(marked(shape=(10, 11, 2), series_uid="1.2.3"), (2, 0, 1), (False, True, False))
    files = write_dicom(Stored(side.voxels[:1], side.steps, side.origin), tmp_path / "x")
    change(files, SeriesInstanceUID="1.2.3", ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    files[0].rename(tmp_path / "localizer.dcm")
    read = read_image(tmp_path)
    np.testing.assert_array_equal(read.voxels, image.voxels)
    assert re.search(r"1 slice\(s\) of another size.*localizer\.dcm", read.warnings[0])
    assert read_image(tmp_path / "localizer.dcm").shape != image.shape


def test_two_stacks_in_one_series_are_to_be_chosen_from(tmp_path):
    axial, other = marked(series_uid="1.2.3"), turned(marked(), (1, 0, 2), (False, False, False))
    write_series(axial, tmp_path)
    for file in write_dicom(other, tmp_path / "x"):
        change([file], SeriesInstanceUID="1.2.3")
        file.rename(tmp_path / f"coronal {file.name}")
    with pytest.raises(SeveralSeriesError) as caught:
        read_image(tmp_path)
    assert sorted(s.uid for s in caught.value.series) == ["1.2.3", "1.2.3#2"]
    for series in caught.value.series:
        np.testing.assert_array_equal(read_image(tmp_path, series=series.uid).voxels, axial.voxels)


def test_wobbling_digits_do_not_divide_a_series(tmp_path):
    image = marked()
    files = write_series(image, tmp_path)
    change(files, PixelSpacing=lambda k, ds: [0.7005 + 1e-6 * (-1) ** k, 0.8])
    change(files, ImageOrientationPatient=lambda k, ds: [1, 0.005 + 1e-6 * (-1) ** k, 0, -0.005, 1, 0])
    read = read_image(tmp_path)
    np.testing.assert_array_equal(read.voxels, image.voxels)
    assert read.warnings == ()


def test_single_slice(tmp_path):
    image = marked(shape=(1, 8, 9), index=(0, 5, 2))
    write_series(image, tmp_path)
    read = read_image(tmp_path)
    assert read.shape == (1, 8, 9)
    assert read.spacing == pytest.approx(image.spacing)
    assert "only one slice" in read.warnings[0]
    change(tmp_path.iterdir(), SliceThickness=None)
    assert read_image(tmp_path).spacing[0] == 1.0


# -- geometry ---------------------------------------------------------------------------------------------------


def sampled(steps, origin, shape):
    """The ball sampled on any grid."""
    index = np.moveaxis(np.indices(shape), 0, -1)
    return Stored(ball_values(index @ steps + origin), np.asarray(steps, float), np.asarray(origin, float))


@pytest.mark.parametrize("degrees", [-20, 7, 25])
def test_gantry_tilt(tmp_path, degrees):
    tilt = np.radians(degrees)
    steps = np.array([[1.5, 0, 0], [np.sin(tilt), np.cos(tilt), 0], [0, 0, 1.0]])
    write_dicom(sampled(steps, [-25.0, -20.0, -20.0], (34, 42, 42)), tmp_path)
    read = read_image(tmp_path)
    assert any("as of a tilted gantry" in w for w in read.warnings)
    assert np.linalg.norm(center_of_mass(read) - [2, 3, -4]) < 0.1
    points = read.to_world(np.argwhere(read.voxels > -500))
    assert np.linalg.norm(points - [2, 3, -4], axis=1).max() == pytest.approx(8, abs=1.2)  # still a ball
    assert read.voxels.dtype == np.int16


def test_oblique_slices(tmp_path):
    from scipy.spatial.transform import Rotation

    rotation = Rotation.from_euler("zyx", [20, -15, 10], degrees=True).as_matrix()
    steps = np.diag([1.5, 0.9, 0.9]) @ rotation
    center = np.array([2.0, 3.0, -4.0])
    origin = center - np.array([15, 22, 22]) @ steps
    write_dicom(sampled(steps, origin, (31, 45, 45)), tmp_path)
    read = read_image(tmp_path)
    assert any("oblique" in w for w in read.warnings)
    assert np.linalg.norm(center_of_mass(read) - center) < 0.1


def test_slices_shifted_sideways(tmp_path):
    image = ball()
    files = write_series(image, tmp_path)
    shift = np.random.default_rng(2).integers(-2, 3, (40, 2))
    shift[[0, -1]] = 0
    for k, file in enumerate(files):
        ds = dcmread(file)
        dx, dy = int(shift[k, 0]), int(shift[k, 1])
        ds.ImagePositionPatient = [-19.5 + dx, -19.5 + dy, float(ds.ImagePositionPatient[2])]
        ds.PixelData = np.roll(ds.pixel_array, (-dy, -dx), (0, 1)).tobytes()
        ds.save_as(file)
    read = read_image(tmp_path)
    assert any("shifted sideways" in w for w in read.warnings)
    assert np.linalg.norm(center_of_mass(read) - [2, 3, -4]) < 0.1


def test_slices_shifted_at_random_are_no_tilted_gantry(tmp_path):
    """Nor where the first and the last of them lie farthest apart."""
    image = ball()
    files = write_series(image, tmp_path)
    shift = np.random.default_rng(4).normal(0, 1.0, (40, 2)).round(1)
    shift[0], shift[-1] = -2.0, 2.0
    change(
        files,
        ImagePositionPatient=lambda k, ds: [
            -19.5 + shift[k, 0],
            -19.5 + shift[k, 1],
            float(ds.ImagePositionPatient[2]),
        ],
    )
    read = read_image(tmp_path)
    assert any("shifted sideways" in w for w in read.warnings)
    assert not any("tilted" in w for w in read.warnings)
    assert read.shape == image.shape
    assert read.spacing == pytest.approx(image.spacing)
    assert np.abs(np.asarray(read.origin) - image.origin).max() < 1.0


@pytest.mark.parametrize("spacing", [None, [0, 0], [-1, 1]])
def test_unusable_pixel_spacing(tmp_path, spacing):
    image = marked()
    change(write_series(image, tmp_path), PixelSpacing=spacing)
    read = read_image(tmp_path)
    assert read.spacing is None
    assert read.units == "pixel"
    assert "no usable pixel spacing" in read.warnings[0]
    np.testing.assert_array_equal(read.voxels, image.voxels)


def test_without_positions(tmp_path):
    image = marked()
    files = write_series(image, tmp_path, shuffle=False)
    for k, file in enumerate(files):
        file.rename(tmp_path / f"{9 - k}.dcm")  # names in reverse: numbers decide
    change(sorted(tmp_path.iterdir()), ImagePositionPatient=None)
    read = read_image(tmp_path)
    assert read.spacing is None
    assert "no ImagePositionPatient" in read.warnings[0]
    np.testing.assert_array_equal(read.voxels, image.voxels)


# -- damaged headers --------------------------------------------------------------------------------------------


def test_random_damage_never_ends_in_a_bare_traceback(tmp_path):
    """Flip bytes all over the header: the result is an image or an ImageError, nothing else."""
    file = write_series(marked(shape=(1, 16, 16)), tmp_path)[0]
    data = file.read_bytes()
    rng = np.random.default_rng(0)
    outcomes = set()
    for _ in range(300):
        broken = bytearray(data)
        for place in rng.integers(132, len(data) - 512, rng.integers(1, 6)):
            broken[place] = rng.integers(0, 256)
        file.write_bytes(broken)
        outcomes.add(outcome(file))
    assert "read" in outcomes
    assert not [o for o in outcomes if isinstance(o, str) and o != "read"]
    assert outcomes & {CorruptFileError, TruncatedFileError, NoPixelDataError}


def outcome(file):
    """The error's class, or "read"."""
    try:
        read_image(file)
    except ImageError as error:
        named = str(file.parent) in str(error)
        return type(error) if named else f"the file is not named in: {error}"
    return "read"
