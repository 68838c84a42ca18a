"""Which files are one scan: without series UIDs, with one for each slice, and of several patients under one."""

import numpy as np
import pytest
from pydicom.uid import generate_uid

from napari_lungmtl.training.imaging import list_series, read_image
from napari_lungmtl.training.imaging.errors import SeveralSeriesError

from .....stand_ins.linear_series import ct_slice, shift_of, stack, write


def test_without_series_uid(tmp_path):
    write(stack(8, SeriesInstanceUID=None), tmp_path / "cd")
    image = read_image(tmp_path)
    assert shift_of(image).tolist() == [0] * 8
    assert image.series_uid == "cd"
    assert image.warnings == (
        "The files have no SeriesInstanceUID: 8 of one folder, patient and geometry were taken as one scan.",
    )


def test_one_file_without_series_uid_stands_for_its_scan(tmp_path):
    files = write(stack(8, SeriesInstanceUID=None), tmp_path / "cd")
    assert read_image(files[3]).shape[0] == 8


def test_without_any_uid(tmp_path):
    nothing = dict.fromkeys(("SeriesInstanceUID", "StudyInstanceUID", "FrameOfReferenceUID", "PatientID"))
    write(stack(8, **nothing), tmp_path)
    assert shift_of(read_image(tmp_path)).tolist() == [0] * 8


def test_two_scans_without_series_uid(tmp_path):
    first = stack(6, SeriesInstanceUID=None, ConvolutionKernel="B30f")
    second = stack(6, SeriesInstanceUID=None, ConvolutionKernel="B70f", shift=50)
    write(first + second, tmp_path)
    listed = list_series(tmp_path)
    assert [s.description for s in listed] == ["Chest, kernel B30f", "Chest, kernel B70f"]
    assert [set(shift_of(read_image(tmp_path, series=s.uid))) for s in listed] == [{0}, {50}]


def test_patients_without_series_uid_stay_apart(tmp_path):
    write(stack(6, SeriesInstanceUID=None, PatientID="A"), tmp_path / "a")
    write(stack(6, SeriesInstanceUID=None, PatientID="B", shift=50), tmp_path / "b")
    write(
        stack(6, SeriesInstanceUID=None, PatientID="C", shift=90), tmp_path / "b", [f"c{k}" for k in range(6)]
    )
    listed = list_series(tmp_path)
    assert [s.patient_id for s in listed] == ["A", "B", "C"]
    assert [set(shift_of(read_image(tmp_path, series=s.uid))) for s in listed] == [{0}, {50}, {90}]


@pytest.mark.parametrize(
    "tags", [("SeriesInstanceUID",), ("SeriesInstanceUID", "StudyInstanceUID", "FrameOfReferenceUID")]
)
def test_a_uid_for_each_slice(tmp_path, tags):
    files = write(
        stack(8, **{tag: lambda k, t=tag: generate_uid(entropy_srcs=[t, str(k)]) for tag in tags}), tmp_path
    )
    image = read_image(tmp_path)
    assert shift_of(image).tolist() == [0] * 8
    assert "Each slice has a SeriesInstanceUID of its own" in image.warnings[0]
    assert read_image(files[5]).shape == image.shape


def test_single_slices_of_several_patients_are_not_joined(tmp_path):
    write(stack(6, SeriesInstanceUID=lambda k: f"1.2.{k}", PatientID=lambda k: f"P{k}"), tmp_path)
    assert [s.n_slices for s in list_series(tmp_path)] == [1] * 6


def test_single_slices_without_order_are_not_joined(tmp_path):
    places = np.cumsum([3.0, 7.7, 1.3, 11.1, 4.9, 2.2])
    write([ct_slice(z, SeriesInstanceUID=f"1.2.{k}") for k, z in enumerate(places)], tmp_path)
    assert [s.n_slices for s in list_series(tmp_path)] == [1] * 6


@pytest.mark.parametrize("tag", ["PatientID", "StudyInstanceUID", "FrameOfReferenceUID"])
def test_scans_of_others_under_one_series_uid(tmp_path, tag):
    write(stack(6, **{tag: "1.1"}) + stack(7, shift=50, **{tag: "1.2"}), tmp_path)
    with pytest.raises(SeveralSeriesError) as caught:
        read_image(tmp_path)
    several = caught.value.series
    assert [set(shift_of(read_image(tmp_path, series=s.uid))) for s in several] == [{0}, {50}]
    assert [s.n_slices for s in several] == [6, 7]


def test_names_of_files_decide_nothing(tmp_path):
    datasets = stack(6, AcquisitionNumber=1) + stack(6, shift=50, AcquisitionNumber=2)
    rng = np.random.default_rng(3)
    seen = []
    for round_number in range(3):
        folder = tmp_path / str(round_number)
        names = [f"{k:04d}.dcm" for k in rng.permutation(len(datasets))]
        write(datasets, folder, names)
        listed = list_series(folder)
        seen.append(
            [(s.uid, s.description, shift_of(read_image(folder, series=s.uid)).tolist()) for s in listed]
        )
    assert seen[0] == seen[1] == seen[2]


def test_larger_odd_parts_are_listed(tmp_path):
    coronal = stack(5, position=None, ImageOrientationPatient=[1, 0, 0, 0, 0, -1])
    for k, ds in enumerate(coronal):
        ds.ImagePositionPatient = [-10, -20 + 3 * k, 60]
    write(stack(20) + coronal, tmp_path)
    assert sorted(s.n_slices for s in list_series(tmp_path)) == [5, 20]


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


def test_a_scan_without_kernel_is_not_put_between_the_slices_of_others(tmp_path):
    write(stack(8, ConvolutionKernel="B30f"), tmp_path / "a")
    write(stack(8, start=31.2, shift=50, ConvolutionKernel="B70f"), tmp_path / "b")
    write(stack(8, shift=90, ConvolutionKernel=None), tmp_path / "c")
    shifts = [set(shift_of(read_image(tmp_path, series=s.uid))) for s in list_series(tmp_path)]
    assert sorted(shifts, key=min) == [{0}, {50}, {90}]


def test_a_slice_without_kernel_fills_the_gap_it_belongs_to(tmp_path):
    first = stack(8, ConvolutionKernel=lambda k: None if k == 3 else "B30f")
    write(first + stack(8, start=80, shift=50, ConvolutionKernel="B70f"), tmp_path)
    listed = list_series(tmp_path)
    assert [s.n_slices for s in listed] == [8, 8]
    assert [set(shift_of(read_image(tmp_path, series=s.uid))) for s in listed] == [{0}, {50}]
