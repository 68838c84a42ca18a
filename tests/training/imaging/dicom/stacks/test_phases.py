"""Several scans in one series: each phase, acquisition or reconstruction is read alone, and nothing is torn that is one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_lungmtl.training.imaging import list_series, read_image
from napari_lungmtl.training.imaging.dicom.header import read_header
from napari_lungmtl.training.imaging.dicom.slices import slices_of
from napari_lungmtl.training.imaging.dicom.stacks.grouping import Part
from napari_lungmtl.training.imaging.dicom.stacks.phases import split_phases
from napari_lungmtl.training.imaging.errors import IrregularSlicesError, SeveralSeriesError

from .....stand_ins.linear_series import ct_slice, shift_of, stack, write


def shuffled(datasets, seed=0):
    order = np.random.default_rng(seed).permutation(len(datasets))
    return [datasets[i] for i in order]


def shifts(folder):
    """What each listed series is called, and how far its slices lie above the field: one number for each."""
    found = {}
    for series in list_series(folder):
        by_slice = shift_of(read_image(folder, series=series.uid))
        assert np.ptp(by_slice) == 0, f"{series} mixes scans: {by_slice}"
        found[series.description] = (series.n_slices, float(by_slice[0]))
    return found


# -- at the same places ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tag", "values", "words"),
    [
        ("AcquisitionNumber", [1, 2, 3], ["acquisition 1", "acquisition 2", "acquisition 3"]),
        ("TemporalPositionIdentifier", [1, 2, 3], ["phase 1", "phase 2", "phase 3"]),
        ("TemporalPositionIndex", [1, 2, 3], ["phase 1", "phase 2", "phase 3"]),
        ("NominalPercentageOfCardiacPhase", [0.0, 40.0, 70.0], ["phase 0 %", "phase 40 %", "phase 70 %"]),
        ("TriggerTime", [0, 300, 600], ["trigger time 0 ms", "trigger time 300 ms", "trigger time 600 ms"]),
        ("KVP", [80, 100, 140], ["80 kV", "100 kV", "140 kV"]),
        ("SliceThickness", [1, 2.5, 5], ["1 mm thick", "2.5 mm thick", "5 mm thick"]),
        ("ConvolutionKernel", ["B30f", "B50f", "B70f"], ["kernel B30f", "kernel B50f", "kernel B70f"]),
        ("AcquisitionTime", ["101000", "101020", "101040"], ["time 101000", "time 101020", "time 101040"]),
        ("SeriesDescription", ["arterial", "native", "venous"], ["arterial", "native", "venous"]),
        ("ImageType", [["ORIGINAL", "PRIMARY", "AXIAL", t] for t in "ABC"], [f"AXIAL {t}" for t in "ABC"]),
    ],
)
def test_phases_are_listed_by_what_tells_them_apart(tmp_path, tag, values, words):
    phases = [stack(6, shift=100 * k, **{tag: value}) for k, value in enumerate(values)]
    write(shuffled([ds for phase in phases for ds in phase]), tmp_path)
    found = shifts(tmp_path)
    assert [found[name] for name in sorted(found, key=lambda n: found[n][1])] == [(6, 0), (6, 100), (6, 200)]
    for word, name in zip(words, sorted(found, key=lambda n: found[n][1]), strict=True):
        assert word in name


def test_contrast_and_native(tmp_path):
    write(stack(shift=50, ContrastBolusAgent="Iomeprol") + stack(), tmp_path)
    assert shifts(tmp_path) == {"Chest, contrast Iomeprol": (8, 50), "Chest, without contrast": (8, 0)}


def test_kernels_within_phases(tmp_path):
    datasets = [
        ds
        for shift, (kernel, phase) in enumerate([("B30f", 1), ("B30f", 2), ("B70f", 1), ("B70f", 2)])
        for ds in stack(5, shift=100 * shift, ConvolutionKernel=kernel, TemporalPositionIdentifier=phase)
    ]
    write(shuffled(datasets), tmp_path)
    assert shifts(tmp_path) == {
        "Chest, kernel B30f, phase 1": (5, 0),
        "Chest, kernel B30f, phase 2": (5, 100),
        "Chest, kernel B70f, phase 1": (5, 200),
        "Chest, kernel B70f, phase 2": (5, 300),
    }


def test_trigger_times_that_wobble(tmp_path):
    datasets = [
        ds
        for phase in range(3)
        for ds in stack(6, shift=100 * phase, TriggerTime=lambda k, p=phase: 300 * p + 0.3 * k)
    ]
    write(shuffled(datasets), tmp_path)
    assert sorted(shifts(tmp_path).values()) == [(6, 0), (6, 100), (6, 200)]


def test_a_time_for_each_slice(tmp_path):
    """Cine: at each table place three times, one after the other."""
    datasets = [
        ct_slice(30 + 2.5 * k, 100 * phase, InstanceNumber=1, AcquisitionTime=f"{101000 + 3 * k + phase}")
        for k in range(6)
        for phase in range(3)
    ]
    write(shuffled(datasets), tmp_path)
    assert sorted(shifts(tmp_path).values()) == [(6, 0), (6, 100), (6, 200)]


@pytest.mark.parametrize("back", [False, True])
def test_nothing_but_numbers(tmp_path, back):
    second = stack(6, shift=100, first_number=7)
    if back:  # the table went back while it scanned
        second = stack(6, start=42.5, step=-2.5, shift=100, first_number=7)
    write(shuffled(stack(6) + second), tmp_path)
    assert sorted(shifts(tmp_path).values()) == [(6, 0), (6, 100)]


def test_numbers_with_unequal_ranges(tmp_path):
    write(shuffled(stack(9) + stack(6, start=37.5, shift=100, first_number=10)), tmp_path)
    assert sorted(shifts(tmp_path).values()) == [(6, 100), (9, 0)]


def test_folders_tell_apart(tmp_path):
    write(stack(6, InstanceNumber=None), tmp_path / "before")
    write(stack(6, shift=100, InstanceNumber=None), tmp_path / "after")
    assert shifts(tmp_path) == {"Chest, folder after": (6, 100), "Chest, folder before": (6, 0)}


def test_what_nothing_tells_apart_is_refused(tmp_path):
    write(shuffled(stack(6, InstanceNumber=None) + stack(6, shift=100, InstanceNumber=None)), tmp_path)
    with pytest.raises(
        IrregularSlicesError, match=r"2 slices with different pixels lie at each of 6 place.*nothing"
    ):
        read_image(tmp_path)
    assert list_series(tmp_path)[0].spacing is None


def test_one_place_many_times_is_no_volume(tmp_path):
    files = write(
        [ct_slice(30, 10 * k, InstanceNumber=k + 1, AcquisitionNumber=k + 1) for k in range(9)], tmp_path
    )
    (series,) = list_series(tmp_path)
    assert (series.n_slices, series.kind) == (9, "several times one place")
    with pytest.raises(IrregularSlicesError, match=r"All 9 slices .* lie at one place"):
        read_image(tmp_path)
    image = read_image(files[4])
    assert shift_of(image).tolist() == [40]
    assert any("8 other slice(s) of its series lie at the same place" in w for w in image.warnings)


def test_the_phase_of_the_file_that_was_opened(tmp_path):
    phases = [stack(5, shift=100 * k, AcquisitionNumber=k + 1) for k in range(3)]
    files = write([ds for phase in phases for ds in phase], tmp_path)
    for k in range(3):
        image = read_image(files[5 * k + 2])
        assert set(shift_of(image)) == {100 * k}
        assert image.series_uid == list_series(tmp_path)[k].uid
        assert f"this is acquisition {k + 1}." in image.warnings[0]


# -- between each other ---------------------------------------------------------------------------------------------


def test_acquisitions_between_each_other(tmp_path):
    tags = ({"ConvolutionKernel": "B30f"}, {"ConvolutionKernel": "B70f"})
    for n, (one, other) in enumerate([tags, ({}, {}), ({"KVP": 80}, {"KVP": 140})]):
        folder = tmp_path / str(n)
        second = stack(8, start=31.2, shift=50, AcquisitionNumber=2, **other)
        write(shuffled(stack(8, AcquisitionNumber=1, **one) + second), folder)
        assert sorted(shifts(folder).values()) == [(8, 0), (8, 50)]
        assert [s.spacing[0] for s in list_series(folder)] == [2.5, 2.5]


def test_numbers_between_each_other(tmp_path):
    write(shuffled(stack(8) + stack(8, start=30.6, shift=50, first_number=9)), tmp_path)
    assert sorted(shifts(tmp_path).values()) == [(8, 0), (8, 50)]


def test_thick_and_thin_slices(tmp_path):
    thick = stack(5, start=30.4, step=5.0, shift=50, SliceThickness=5)
    write(thick + stack(12, step=1.25, SliceThickness=1.25), tmp_path)
    assert sorted(shifts(tmp_path).values()) == [(5, 50), (12, 0)]


# -- one scan -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "tags",
    [
        {"AcquisitionNumber": lambda k: k + 1},
        {"AcquisitionNumber": lambda k: 1 + k // 4},
        {"AcquisitionNumber": lambda k: 1 + k // 6},
        {"AcquisitionTime": lambda k: f"1010{k:02d}"},
        {"AcquisitionTime": lambda k: f"10{k // 3:02d}00"},
        {"ContentTime": lambda k: f"1010{(7 * k) % 12:02d}"},
        {"ContentTime": lambda k: f"1010{(7 * k) % 3:02d}"},
        {"ConvolutionKernel": lambda k: None if k in (3, 8) else "B70f"},
        {"AcquisitionNumber": lambda k: None if k in (3, 8) else 1},
        {"FrameOfReferenceUID": lambda k: None if k == 5 else "1.2.3.9"},
        {"FrameOfReferenceUID": lambda k: f"1.2.3.9.{k}"},
        {"KVP": lambda k: 120 if k < 5 else None},
        {"TriggerTime": lambda k: 10.5 * k},
        {"ImageType": lambda k: ["ORIGINAL", "PRIMARY", "AXIAL", f"{k}"]},
        {"SliceThickness": lambda k: f"{2.5 + 1e-4 * k:.4f}"},
    ],
)
def test_one_scan_stays_one(tmp_path, tags):
    write(shuffled(stack(12, **tags)), tmp_path)
    (series,) = list_series(tmp_path)
    assert series.n_slices == 12
    assert shift_of(read_image(tmp_path)).tolist() == [0] * 12


def test_two_halves_of_other_kernels_or_frames_are_two(tmp_path):
    for n, tag in enumerate(["ConvolutionKernel", "FrameOfReferenceUID", "PatientID", "StudyInstanceUID"]):
        folder = tmp_path / str(n)
        write(stack(6, **{tag: "1.1"}) + stack(6, start=45.0, **{tag: "1.2"}), folder)
        assert [s.n_slices for s in list_series(folder)] == [6, 6]


def test_two_halves_that_share_their_border_are_one(tmp_path):
    upper = stack(12, start=57.5, first_number=13, AcquisitionNumber=2, SOPInstanceUID=lambda k: f"1.9.{k}")
    upper[0].PixelData = bytes(len(upper[0].PixelData))
    write(stack(12, AcquisitionNumber=1) + upper, tmp_path)
    image = read_image(tmp_path)
    assert set(shift_of(image)) == {0}
    assert image.shape[0] == 23
    assert "at the place of another one, with other pixels" in image.warnings[0]


def test_the_whole_series_twice(tmp_path):
    write(stack(6), tmp_path / "a")
    write(stack(6, AcquisitionTime="101010"), tmp_path / "b")
    (series,) = list_series(tmp_path)
    assert "6 duplicate slice(s)" in series.warnings[0]
    assert shift_of(read_image(tmp_path)).tolist() == [0] * 6


def test_a_cut_off_copy_gives_way_to_the_whole_one(tmp_path):
    files = write([*stack(6), ct_slice(35.0, InstanceNumber=3)], tmp_path)
    files[2].write_bytes(files[2].read_bytes()[:-50])
    image = read_image(tmp_path)
    assert shift_of(image).tolist() == [0] * 6
    assert "1 duplicate slice(s)" in image.warnings[0]


def test_one_strange_slice_at_a_taken_place(tmp_path):
    strange = ct_slice(35.0, 300, InstanceNumber=99)
    write([strange, *stack(8)], tmp_path)
    image = read_image(tmp_path)
    assert shift_of(image).tolist() == [0] * 8
    assert (
        "1 slice(s) at the place of another one, with other pixels, were left out (0000.dcm)"
        in image.warnings[0]
    )
    assert shift_of(read_image(tmp_path / "0000.dcm")).tolist() == [300]


# -- properties -----------------------------------------------------------------------------------------------------

tags_of_phases = st.sampled_from(
    [
        "AcquisitionNumber",
        "TemporalPositionIdentifier",
        "TriggerTime",
        "KVP",
        "InstanceNumber",
        "AcquisitionTime",
    ]
)


@settings(max_examples=15, deadline=None)
@given(st.data(), tags_of_phases, st.integers(2, 4), st.integers(4, 7), st.floats(0.5, 8.0))
def test_no_phases_are_mixed_whatever_the_names(tmp_path_factory, data, tag, phases, count, step):
    step = round(step, 2)
    datasets = [
        ds
        for phase in range(phases)
        for ds in stack(
            count,
            step=step,
            shift=100 * phase,
            first_number=1 + phase * count,
            **({} if tag == "InstanceNumber" else {tag: f"10{phase + 1}000"}),
        )
    ]
    order = data.draw(st.permutations(range(len(datasets))))
    folder = tmp_path_factory.mktemp("phases")
    write(datasets, folder, [f"{order[k]:04d}.dcm" for k in range(len(datasets))])
    headers = [read_header(f) for f in sorted(folder.iterdir())]
    parts = split_phases(Part([s for header in headers for s in slices_of(header)]))
    assert sorted(len(part.slices) for part in parts) == [count] * phases
    for part in parts:
        numbers = {int(s.header.numbers("InstanceNumber")[0] - 1) // count for s in part.slices}
        assert len(numbers) == 1
    listed = list_series(folder)
    assert [s.description for s in listed] == sorted(s.description for s in listed)
    with pytest.raises(SeveralSeriesError):
        read_image(folder)
