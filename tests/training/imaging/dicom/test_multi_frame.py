"""Multi-frame files of every kind: where their frames lie, and which belong together."""

import numpy as np
import pytest
from pydicom import Dataset

from napari_lungmtl.training.imaging import list_series, read_image

from ....stand_ins.linear_series import item, multi_frame, plane, shared_group, shift_of, stack, write

PLACES = [30 + 2.5 * k for k in range(8)]
ORDER = np.random.default_rng(0).permutation(8)


def frames(shift=0.0, **content):
    """Functional groups of the eight places, in no order."""
    return [
        (PLACES[k], shift, plane(PLACES[k], InStackPositionNumber=int(k) + 1, **content))
        for k in map(int, ORDER)
    ]


def by_series(path):
    return {s.description: shift_of(read_image(path, series=s.uid)).tolist() for s in list_series(path)}


def test_enhanced(tmp_path):
    (file,) = write([multi_frame(frames(), shared_group())], tmp_path)
    assert shift_of(read_image(file)).tolist() == [0] * 8
    assert read_image(file).warnings == ()


@pytest.mark.parametrize(
    ("contents", "names"),
    [
        (({"TemporalPositionIndex": 1}, {"TemporalPositionIndex": 2}), ("Chest, phase 1", "Chest, phase 2")),
        (({"StackID": "A"}, {"StackID": "B"}), ("Chest, stack A", "Chest, stack B")),
        (
            ({"FrameAcquisitionNumber": 3}, {"FrameAcquisitionNumber": 4}),
            ("Chest, acquisition 3", "Chest, acquisition 4"),
        ),
    ],
)
def test_enhanced_with_phases(tmp_path, contents, names):
    (file,) = write(
        [multi_frame(frames(**contents[0]) + frames(100, **contents[1]), shared_group())], tmp_path
    )
    assert by_series(file) == {names[0]: [0] * 8, names[1]: [100] * 8}


def with_macro(shift, **macro):
    out = frames(shift)
    for _, _, group in out:
        group.update(item(**macro))
    return out


@pytest.mark.parametrize(
    ("macro", "element", "values"),
    [
        ("CTReconstructionSequence", "ConvolutionKernel", ("B30f", "B70f")),
        ("CardiacSynchronizationSequence", "NominalPercentageOfCardiacPhase", (30.0, 75.0)),
        ("TemporalPositionSequence", "TemporalPositionTimeOffset", (0.0, 4.5)),
        ("CTXRayDetailsSequence", "KVP", (80.0, 140.0)),
        (
            "CTImageFrameTypeSequence",
            "FrameType",
            (["ORIGINAL", "PRIMARY", "VOLUME", "NONE"], ["DERIVED", "PRIMARY", "VOLUME", "NONE"]),
        ),
        ("ContrastBolusUsageSequence", "ContrastBolusAgentAdministered", ("NO", "YES")),
        ("UnassignedPerFrameConvertedAttributesSequence", "AcquisitionNumber", (1, 2)),
    ],
)
def test_frames_told_apart_by_a_macro(tmp_path, macro, element, values):
    both = [
        frame for k, value in enumerate(values) for frame in with_macro(100 * k, **{macro: {element: value}})
    ]
    (file,) = write([multi_frame(both, shared_group())], tmp_path)
    assert sorted(by_series(file).values()) == [[0] * 8, [100] * 8]


def test_frames_told_apart_by_a_dimension_only(tmp_path):
    from pydicom import Dataset

    both = frames() + frames(100)
    for n, (_, _, group) in enumerate(both):
        group.FrameContentSequence[0].DimensionIndexValues = [
            1 + n // 8,
            group.FrameContentSequence[0].InStackPositionNumber,
        ]
    ds = multi_frame(both, shared_group())
    pointers = []
    for tag in (0x00189318, 0x00209057):
        pointer = Dataset()
        pointer.DimensionIndexPointer = tag
        pointers.append(pointer)
    ds.DimensionIndexSequence = pointers
    (file,) = write([ds], tmp_path)
    assert sorted(by_series(file).values()) == [[0] * 8, [100] * 8]


def test_legacy_converted(tmp_path):
    """What a converter could not place is in sequences of unassigned attributes."""
    both = frames() + frames(100)
    for n, (_, _, group) in enumerate(both):
        del group.FrameContentSequence
        group.update(
            item(
                UnassignedPerFrameConvertedAttributesSequence={
                    "AcquisitionNumber": 1 + n // 8,
                    "InstanceNumber": n,
                }
            )
        )
    ds = multi_frame(both, shared_group())
    ds.SOPClassUID = "1.2.840.10008.5.1.4.1.1.2.2"
    (file,) = write([ds], tmp_path)
    assert by_series(file) == {"Chest, acquisition 1": [0] * 8, "Chest, acquisition 2": [100] * 8}


def test_phases_in_files_of_their_own(tmp_path):
    files = write(
        [multi_frame(frames(shift), shared_group(), SOPInstanceUID=f"1.5.{shift}") for shift in (1, 101)],
        tmp_path,
    )
    assert sorted(by_series(tmp_path).values()) == [[1] * 8, [101] * 8]
    assert shift_of(read_image(files[1])).tolist() == [101] * 8


def test_a_scan_in_two_files(tmp_path):
    both = frames()
    write(
        [
            multi_frame(part, shared_group(), SOPInstanceUID=f"1.5.{n}")
            for n, part in enumerate((both[:5], both[5:]))
        ],
        tmp_path,
    )
    assert shift_of(read_image(tmp_path)).tolist() == [0] * 8


def test_enhanced_files_of_one_frame(tmp_path):
    write(
        [multi_frame([frame], shared_group(), SOPInstanceUID=f"1.5.{n}") for n, frame in enumerate(frames())],
        tmp_path,
    )
    assert shift_of(read_image(tmp_path)).tolist() == [0] * 8


def plain(**tags):
    return multi_frame([(z, 0.0, None) for z in PLACES], **tags)


def test_one_position_and_a_distance(tmp_path):
    (file,) = write([plain(SpacingBetweenSlices="2.5")], tmp_path)
    image = read_image(file)
    assert shift_of(image).tolist() == [0] * 8
    assert image.origin[0] == 30
    assert image.warnings == (
        "0000.dcm gives one position for all its 8 frames: they were placed 2.5 mm apart, as its SpacingBetweenSlices says.",
    )


def test_one_shared_position_and_a_distance(tmp_path):
    shared = shared_group()
    shared.update(item(PlanePositionSequence={"ImagePositionPatient": [-10, -20, 30]}))
    shared.PixelMeasuresSequence[0].SpacingBetweenSlices = "2.5"
    empty = [(z, 0.0, item()) for z in PLACES]
    (file,) = write([multi_frame(empty, shared)], tmp_path)
    assert shift_of(read_image(file)).tolist() == [0] * 8


@pytest.mark.parametrize("first", [0.0, 30.0])
def test_offsets_of_the_frames(tmp_path, first):
    offsets = [first + z - 30 for z in PLACES]
    (file,) = write([plain(GridFrameOffsetVector=offsets)], tmp_path)
    assert shift_of(read_image(file)).tolist() == [0] * 8


@pytest.mark.parametrize("tags", [{}, {"SpacingBetweenSlices": "0"}])
def test_one_position_and_no_distance(tmp_path, tags):
    (file,) = write([plain(**tags)], tmp_path)
    image = read_image(file)
    assert (image.shape[0], image.spacing) == (8, None)
    assert (
        np.diff(image.voxels[:, 0, 0]).tolist() == [12, 13] * 3 + [12]
        or (np.diff(image.voxels[:, 0, 0]) > 0).all()
    )
    assert "not how far they are apart" in image.warnings[0]
    assert "duplicate" not in " ".join(image.warnings)


@pytest.mark.parametrize("modality", ["CT", None, "OT"])
def test_secondary_capture_of_many_frames(tmp_path, modality):
    nowhere = dict.fromkeys(("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"))
    ds = plain(Modality=modality)
    for name in nowhere:
        delattr(ds, name)
    ds.SOPClassUID = "1.2.840.10008.5.1.4.1.1.7.3"
    (file,) = write([ds], tmp_path)
    image = read_image(file)
    assert (image.shape[0], image.spacing) == (8, None)
    assert (np.diff(image.voxels[:, 0, 0]) > 0).all()
    assert "in the order of their numbers and lengths are in pixels" in image.warnings[-1]


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
