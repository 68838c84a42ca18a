"""What headers of volume files say of place and size, and what they leave out or contradict."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_lungmtl.training.imaging import read_image
from napari_lungmtl.training.imaging.errors import BadGeometryError, CorruptFileError

from ....stand_ins.linear_fields import SPACING, check, stored, write_mhd, write_nifti, write_nrrd
from ....stand_ins.marked_volumes import Stored, flips, orders

UNITS = {"mm": 1.0, "um": 1000.0, "cm": 0.1, "m": 0.001}
SPACES = {"left-posterior-superior": (1, 1, 1), "RAS": (-1, -1, 1), "left-anterior-superior": (1, -1, 1)}


@given(order=orders, flip=flips, unit=st.sampled_from(sorted(UNITS)))
@settings(max_examples=25, deadline=None)
def test_metaimage_on_any_axes_in_any_unit(order, flip, unit):
    with tempfile.TemporaryDirectory() as folder:
        check(write_mhd(Path(folder) / "a.mha", stored(order, flip), UNITS[unit], DistanceUnits=unit))


@given(order=orders, flip=flips, unit=st.sampled_from(sorted(UNITS)), space=st.sampled_from(sorted(SPACES)))
@settings(max_examples=25, deadline=None)
def test_nrrd_on_any_axes_in_any_unit_and_space(order, flip, unit, space):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.nrrd"
        units = " ".join([f'"{unit}"'] * 3)
        check(
            write_nrrd(path, stored(order, flip), UNITS[unit], SPACES[space], space=space, space_units=units)
        )


@given(
    order=orders,
    flip=flips,
    unit=st.sampled_from([(1, 0.001), (2, 1.0), (3, 1000.0), (0, 1.0)]),
    endian=st.sampled_from("<>"),
    version=st.sampled_from([1, 2]),
)
@settings(max_examples=25, deadline=None)
def test_nifti_on_any_axes_in_any_unit(order, flip, unit, endian, version):
    with tempfile.TemporaryDirectory() as folder:
        data = stored(order, flip)
        check(
            write_nifti(Path(folder) / "a.nii", data, unit[1], units=unit[0], order=endian, version=version)
        )


# -- NIfTI ------------------------------------------------------------------------------------------------------


def sheared() -> Stored:
    """As of a tilted gantry: the slices step 0.75 mm to the front (RAS: y grows) for each 2.5 mm."""
    data = stored()
    steps = data.steps.copy()
    steps[0, 1] = -0.75
    place = np.moveaxis(np.indices(data.voxels.shape), 0, -1) @ steps + data.origin
    return Stored(np.rint(-200 + place @ [5, 3, 2]).astype(np.int16), steps, data.origin)


@pytest.mark.parametrize("qform", [0, 1])
def test_a_sheared_sform_is_resampled_whatever_the_qform_says(tmp_path, qform):
    data = sheared()
    path = write_nifti(
        tmp_path / "a.nii", data, qform=qform, quatern=(0, 0, 1), pixdim=(1, 1.25, 1.5, 2.5, 0, 0, 0, 0)
    )
    image = check(path, "sheared", least=0.6)
    assert image.spacing == pytest.approx(SPACING)
    assert ("sform and qform" in " ".join(image.warnings)) == bool(qform)


def test_sform_counts_where_the_qform_places_voxels_elsewhere(tmp_path):
    path = write_nifti(tmp_path / "a.nii", stored(), qform=1, quatern=(0, 0, 1), place=(90, 20, 30))
    check(path, "states two places for its voxels")


def test_qform_alone_with_either_handedness(tmp_path):
    check(write_nifti(tmp_path / "a.nii", stored(), sform=0, qform=1, quatern=(0, 0, 1)))
    upside = stored(flip=(True, False, False))
    lengths = (1.25, 1.5, 2.5, 0, 0, 0, 0)
    check(write_nifti(tmp_path / "b.nii", upside, sform=0, qform=1, quatern=(0, 0, 1), pixdim=(-1, *lengths)))
    # The voxel size's own sign means nothing, and a handedness of 0 is 1.
    odd = (0, -1.25, 1.5, -2.5, 0, 0, 0, 0)
    check(write_nifti(tmp_path / "c.nii", stored(), sform=0, qform=1, quatern=(0, 0, 1), pixdim=odd))


def test_no_orientation_is_said(tmp_path):
    path = write_nifti(tmp_path / "a.nii", stored(), sform=0)
    assert "codes 0 and does not state its orientation" in read_image(path).warnings[0]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"pixdim": (1, 1.25, 1.5, 5, 0, 0, 0, 0)}, "two voxel sizes"),
        ({"units": 5}, "unit of length that is unknown"),
        ({"qform": 1, "quatern": (0, 0, 1), "srow": np.zeros((3, 4))}, "its qform was taken"),
        ({"qform": 1, "quatern": (0, 0, 1), "srow": np.full((3, 4), np.nan)}, "its qform was taken"),
        ({"srow": [[-1, 0, 0, 10], [0, -1, 0, 20], [0, 0, 1, 30]]}, "sform without voxel size"),
    ],
)
def test_what_contradicts_itself_is_said(tmp_path, fields, said):
    check(write_nifti(tmp_path / "a.nii", stored(), **fields), said)


@pytest.mark.parametrize(
    "fields",
    [
        {"srow": np.zeros((3, 4))},
        {"srow": [[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0]]},
        {"srow": np.full((3, 4), np.nan)},
        {"sform": 0, "qform": 1, "pixdim": (1, 0, 1, 1, 0, 0, 0, 0)},
        {"sform": 0, "qform": 1, "quatern": (1, 1, 1)},
        {"sform": 0, "pixdim": (1, 1, 1, np.nan, 0, 0, 0, 0)},
    ],
)
def test_no_usable_transform_is_refused(tmp_path, fields):
    with pytest.raises(BadGeometryError, match=r"a\.nii"):
        read_image(write_nifti(tmp_path / "a.nii", stored(), **fields))


def test_a_file_in_metres_that_says_millimetres_is_doubted(tmp_path):
    image = read_image(write_nifti(tmp_path / "a.nii", stored(), 0.001))
    assert "far too small for a chest" in image.warnings[0]
    image = read_image(write_nifti(tmp_path / "b.nii", stored(), 1000.0))
    assert "far too large for a chest" in image.warnings[0]


# -- MetaImage --------------------------------------------------------------------------------------------------


def test_metaimage_without_spacing_is_in_pixels(tmp_path):
    image = read_image(write_mhd(tmp_path / "a.mhd", stored(), ElementSpacing=None))
    assert image.spacing is None
    assert "does not state its voxel size" in image.warnings[0]


def test_element_size_is_the_spacing_where_there_is_no_other(tmp_path):
    check(write_mhd(tmp_path / "a.mhd", stored(), ElementSpacing=None, ElementSize="1.25 1.5 2.5"))
    check(write_mhd(tmp_path / "b.mhd", stored(), ElementSize="1.25 1.5 5"), "another ElementSize")


def test_a_sheared_matrix_is_resampled(tmp_path):
    check(write_mhd(tmp_path / "a.mha", sheared()), "sheared", least=0.6)


def test_entries_after_the_last_one_count(tmp_path):
    path = write_mhd(tmp_path / "a.mhd", stored(), ElementSpacing=None)
    path.write_text(path.read_text() + "ElementSpacing = 1.25 1.5 2.5\n")
    check(path)


@pytest.mark.parametrize(
    "matrix", ["0 0 0 0 0 0 0 0 0", "2 0 0 0 1 0 0 0 1", "1 0 0 1 0 0 0 0 1", "nan 0 0 0 1 0 0 0 1"]
)
def test_a_matrix_that_is_no_rotation_is_refused(tmp_path, matrix):
    with pytest.raises(BadGeometryError, match=r"a\.mha"):
        read_image(write_mhd(tmp_path / "a.mha", stored(), TransformMatrix=matrix))


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"ElementSpacing": "0 1 1"}, BadGeometryError),
        ({"ElementSpacing": "-1 1 1"}, BadGeometryError),
        ({"ElementSpacing": "nan 1 1"}, BadGeometryError),
        ({"ElementSpacing": "1 1"}, CorruptFileError),
        ({"ElementSpacing": "1;5 1 1"}, CorruptFileError),
        ({"Offset": "nan 0 0"}, BadGeometryError),
        ({"DistanceUnits": "furlong"}, BadGeometryError),
        ({"DimSize": "12 10"}, CorruptFileError),
        ({"DimSize": "12 10 -8"}, CorruptFileError),
    ],
)
def test_numbers_that_are_none_are_refused(tmp_path, fields, error):
    with pytest.raises(error, match=r"a\.mha"):
        read_image(write_mhd(tmp_path / "a.mha", stored(), **fields))


def test_letters_that_contradict_the_matrix_are_said(tmp_path):
    check(write_mhd(tmp_path / "a.mha", stored(), AnatomicalOrientation="LPI"), "AnatomicalOrientation LPI")
    turned = stored(flip=(False, True, True))
    check(write_mhd(tmp_path / "b.mha", turned, AnatomicalOrientation="LPI"))
    check(write_mhd(tmp_path / "c.mha", turned, AnatomicalOrientation="RAI"))  # as LUNA16 has it


# -- NRRD -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("space", ["3D-right-handed", "scanner-xyz", None])
def test_a_space_that_is_no_patient_is_said(tmp_path, space):
    path = write_nrrd(tmp_path / "a.nrrd", stored(), space=space, space_dimension=None if space else 3)
    check(path, "does not state its orientation")


def test_nrrd_with_spacings_alone(tmp_path):
    fields = {"space": None, "space_directions": None, "space_origin": None}
    path = write_nrrd(
        tmp_path / "a.nrrd", stored(), **fields, spacings="1.25 1.5 2.5", axis_mins="-10 -20 30"
    )
    check(path, "does not state its orientation")
    path = write_nrrd(tmp_path / "b.nrrd", stored(), **fields, spacings="125 150 250", units='"um" "um" "um"')
    assert read_image(path).spacing == pytest.approx((0.25, 0.15, 0.125))
    for name, spacings in (("c.nrrd", None), ("d.nrrd", "nan nan nan")):
        image = read_image(write_nrrd(tmp_path / name, stored(), **fields, spacings=spacings))
        assert image.spacing is None
        assert any("does not state its voxel size" in said for said in image.warnings)


def test_spacings_beside_other_directions_are_said(tmp_path):
    check(write_nrrd(tmp_path / "a.nrrd", stored(), spacings="1 1 1"), "the directions were taken")


@pytest.mark.parametrize(
    "fields",
    [
        {"space_directions": "(0,0,0) (0,1,0) (0,0,1)"},
        {"space_directions": "(1,0,0) (1,0,0) (0,0,1)"},
        {"space_directions": "(nan,0,0) (0,1,0) (0,0,1)"},
        {"space_directions": "none (0,1) (0,0,1)", "sizes": "1 12 80"},
        {"space_directions": None, "spacings": "1 0 1"},
        {"space_origin": "(0,nan,0)"},
        {"space_origin": "(0,0)"},
        {"space_units": '"furlong" "mm" "mm"'},
    ],
)
def test_directions_that_are_none_are_refused(tmp_path, fields):
    with pytest.raises(BadGeometryError, match=r"a\.nrrd"):
        read_image(write_nrrd(tmp_path / "a.nrrd", stored(), **fields))


@pytest.mark.parametrize("first", [True, False])
def test_an_axis_of_one_entry_anywhere(tmp_path, first):
    directions = ["(1.25,0,0)", "(0,1.5,0)", "(0,0,2.5)"]
    sizes, kinds = ["12", "10", "8"], ["domain"] * 3
    for words, more in ((directions, "none"), (sizes, "1"), (kinds, "list")):
        words.insert(0 if first else 3, more)
    fields = {"sizes": " ".join(sizes), "kinds": " ".join(kinds), "space_directions": " ".join(directions)}
    check(write_nrrd(tmp_path / "a.nrrd", stored(), dimension=4, **fields))


def test_a_quantised_range_is_said(tmp_path):
    check(
        write_nrrd(tmp_path / "a.nrrd", stored(), old_min=-1024, old_max=3071),
        "quantised from the range -1024 … 3071",
    )
