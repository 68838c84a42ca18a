"""Headers that contradict themselves or each other: patients, frames, high bits, commas, positions and directions."""

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.uid import generate_uid

from napari_lungmtl.training.imaging import list_series, read_image
from napari_lungmtl.training.imaging.errors import BadGeometryError

from ....stand_ins.linear_series import ct_slice, multi_frame, plane, shared_group, shift_of, stack, write

# -- patients and copies ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("tags", [{"PatientID": "1"}, {"PatientID": ""}])
def test_two_names_under_one_number_are_two_patients(tmp_path, tags):
    # Side by side, as a wrongly merged archive has them: no slice shares a place with another.
    first = stack(8, PatientName="Roe^Ann", **tags)
    write(first + stack(8, start=31.0, shift=50, PatientName="Poe^Bob", first_number=9, **tags), tmp_path)
    listed = list_series(tmp_path)
    assert [s.description for s in listed] == ["Chest, patient Poe^Bob", "Chest, patient Roe^Ann"]
    assert [set(shift_of(read_image(tmp_path, series=s.uid))) for s in listed] == [{50}, {0}]


def test_birth_dates_tell_patients_apart(tmp_path):
    first = stack(8, PatientBirthDate="19500101")
    write(first + stack(8, shift=50, PatientBirthDate="19600101", first_number=9), tmp_path)
    assert [s.n_slices for s in list_series(tmp_path)] == [8, 8]


@pytest.mark.parametrize("tag", ["PatientID", "PatientName", "ConvolutionKernel"])
def test_letter_case_tells_nobody_apart(tmp_path, tag):
    write(stack(8, **{tag: lambda k: "ROE^ANN" if k % 2 else " Roe^Ann^"}), tmp_path)
    image = read_image(tmp_path)
    assert (shift_of(image).tolist(), image.warnings) == ([0] * 8, ())


def test_what_was_lossy_once_gives_way_whatever_its_syntax(tmp_path):
    lossy = stack(8, shift=1, SOPInstanceUID=lambda k: f"1.1.{k}", LossyImageCompression="01")
    write(lossy + stack(8, SOPInstanceUID=lambda k: f"1.9.{k}"), tmp_path)
    image = read_image(tmp_path)
    assert shift_of(image).tolist() == [0] * 8
    assert "8 duplicate slice(s)" in image.warnings[0]


def test_folders_between_each_other_are_two_scans(tmp_path):
    write(stack(8), tmp_path / "a" / "ct")
    write(stack(8, start=31.0, shift=50), tmp_path / "b" / "ct")
    listed = list_series(tmp_path)
    assert [s.description for s in listed] == ["Chest, folder a/ct", "Chest, folder b/ct"]
    assert [set(shift_of(read_image(tmp_path, series=s.uid))) for s in listed] == [{0}, {50}]


def test_halves_in_folders_of_their_own_are_one_scan(tmp_path):
    write(stack(8)[:4], tmp_path / "a")
    write(stack(8)[4:], tmp_path / "b")
    assert shift_of(read_image(tmp_path)).tolist() == [0] * 8


def test_a_uid_for_each_slice_and_directions_that_wobble(tmp_path):
    wobbling = {"ImageOrientationPatient": lambda k: [1, round(1e-6 * k, 7), 0, 0, 1, 0]}
    write(stack(8, SeriesInstanceUID=lambda k: f"1.2.{k}", **wobbling), tmp_path)
    assert shift_of(read_image(tmp_path)).tolist() == [0] * 8


# -- where slices lie -------------------------------------------------------------------------------------------


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


# -- frames -----------------------------------------------------------------------------------------------------


def test_a_single_slice_that_announces_frames(tmp_path):
    write(stack(5, NumberOfFrames=8), tmp_path)
    image = read_image(tmp_path)
    assert shift_of(image).tolist() == [0] * 5
    assert image.warnings[0] == "0000.dcm announces 8 frames, and its pixels are those of 1: 1 are read."
    assert image.warnings[-1] == "The same holds for 3 more of its files."


@pytest.mark.parametrize("stated", [None, 10])
def test_the_pixels_tell_how_many_frames_there_are(tmp_path, stated):
    ds = multi_frame([(30 + 2.5 * k, 0, plane(30 + 2.5 * k)) for k in range(8)], shared_group())
    ds.NumberOfFrames = stated
    if stated is None:
        del ds.NumberOfFrames
    write([ds], tmp_path)
    image = read_image(tmp_path)
    assert shift_of(image).tolist() == [0] * 8
    assert "its pixels are those of 8: 8 are read" in image.warnings[0]


def test_a_frame_without_a_place(tmp_path):
    groups = [plane(30 + 2.5 * k) if k != 4 else Dataset() for k in range(8)]
    file = write(
        [multi_frame([(30 + 2.5 * k, 0, g) for k, g in enumerate(groups)], shared_group())], tmp_path
    )[0]
    for path in (tmp_path, file):
        image = read_image(path)
        assert shift_of(image).tolist() == [0] * 8
        assert "1 slice(s) that do not say where in the patient they lie" in image.warnings[0]


# -- values -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("truly_high", [False, True])
def test_a_high_bit_is_believed_where_the_values_allow_it(tmp_path, truly_high):
    slices = stack(5, BitsStored=12, HighBit=15)
    for ds in slices if truly_high else ():
        words = np.frombuffer(ds.PixelData, "<u2")
        ds.PixelData = (words << 4 | 5).astype("<u2").tobytes()  # an overlay in the low bits
    write(slices, tmp_path)
    image = read_image(tmp_path)
    assert shift_of(image).tolist() == [0] * 5
    said = (
        ()
        if truly_high
        else ("0000.dcm: HighBit is 15, and its values lie in the lowest 12 bits; these were read.",)
    )
    assert image.warnings == said


@pytest.mark.parametrize(
    ("tag", "text", "said"),
    [
        ("RescaleSlope", b"-1", "RescaleSlope is -1: air would be brighter than bone"),
        (
            "RescaleIntercept",
            b"-1,024",
            "the comma of RescaleIntercept '-1,024' was read as a decimal point: -1.024",
        ),
    ],
)
def test_a_rescale_that_cannot_be_meant_is_said(tmp_path, tag, text, said):
    old = {"RescaleSlope": b"S\x02\x001 ", "RescaleIntercept": b"S\x06\x00-1024 "}[tag]
    for file in write(stack(3), tmp_path):
        data = file.read_bytes()
        start = data.index(
            b"\x28\x00" + {"RescaleSlope": b"\x53\x10D", "RescaleIntercept": b"\x52\x10D"}[tag]
        )
        assert data[start + 5 : start + 5 + len(old)] == old
        file.write_bytes(
            data[: start + 6] + len(text).to_bytes(2, "little") + text + data[start + 5 + len(old) :]
        )
    assert said in " ".join(read_image(tmp_path).warnings)


@pytest.mark.parametrize("vr", [b"??", b"\0\0", b"  ", b"ds"])
def test_a_vr_that_is_none_does_not_hide_the_picture(tmp_path, vr):
    for file in write(stack(4), tmp_path):
        data = file.read_bytes()
        assert data.count(b"\x28\x00\x52\x10DS") == 1
        file.write_bytes(data.replace(b"\x28\x00\x52\x10DS", b"\x28\x00\x52\x10" + vr))
    assert shift_of(read_image(tmp_path)).tolist() == [0] * 4


# -- pages ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("description", ["Dose Report", "Patient Protocol", ""])
def test_a_page_without_image_type_beside_a_scan(tmp_path, description):
    nowhere = dict.fromkeys(("ImageType", "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"))
    page = ct_slice(0, SeriesInstanceUID=generate_uid(), SeriesDescription=description, **nowhere)
    write([*stack(8), page], tmp_path)
    assert sorted(s.kind for s in list_series(tmp_path)) == ["", "screen capture"]
