"""No real radiograph is refused; lateral views, CT slices and photographs are, with a reason."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture

from napari_lungmtl.training.imaging import Image, read_image
from napari_lungmtl.training.imaging.errors import NotAFrontalRadiographError
from napari_lungmtl.training.imaging.radiograph.frontal import check_frontal

from ....stand_ins.dicom_radiographs import radiograph, write


def refused(image) -> str:
    with pytest.raises(NotAFrontalRadiographError) as caught:
        check_frontal(image)
    return str(caught.value)


def read(tmp_path, **tags) -> Image:
    return read_image(write(radiograph(), tmp_path / "film.dcm", **tags))


@pytest.mark.parametrize(
    "tags",
    [
        {},
        {"ViewPosition": "AP", "SeriesDescription": "Thorax lateral"},  # only a doubt, below
        {"SeriesDescription": "Chest PA and lateral", "ViewPosition": ""},
        {"SeriesDescription": "bilateral effusion", "ViewPosition": ""},
        {"BodyPartExamined": "", "ViewPosition": "", "PatientOrientation": None},
        {"BodyPartExamined": "ABDOMEN", "ProtocolName": "chest portable"},
        {"Modality": "CR", "BodyPartExamined": "PORT CHEST"},
    ],
)
def test_frontal_headers_are_not_refused(tmp_path, tags):
    assert isinstance(check_frontal(read(tmp_path, **tags)), str)


def test_nothing_speaks_against_an_ordinary_radiograph(tmp_path):
    assert check_frontal(read(tmp_path)) == ""


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ({"ViewPosition": "LL"}, "lateral view"),
        ({"ViewPosition": "LATERAL"}, "lateral view"),
        ({"ViewPosition": "RL"}, "lateral view"),
        ({"ViewPosition": "", "SeriesDescription": "W034 Chest_Lat."}, "Chest_Lat"),
        ({"ViewPosition": "", "ProtocolName": "Thorax seitlich"}, "seitlich"),
        ({"ViewPosition": "", "PatientOrientation": ["A", "F"]}, "from the side"),
        ({"BodyPartExamined": "HAND"}, "HAND"),
        ({"BodyPartExamined": "PELVIS"}, "PELVIS"),
        ({"Modality": "MG"}, "is MG"),
        ({"Modality": "XA"}, "is XA"),
    ],
)
def test_headers_that_say_otherwise(tmp_path, tags, words):
    reason = refused(read(tmp_path, **tags))
    assert reason.startswith("film.dcm ")
    assert words in reason
    assert "open" in reason


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ({"ViewPosition": "LLD"}, "decubitus"),
        ({"BodyPartExamined": "CLAVICLE"}, "CLAVICLE"),
        ({"PatientOrientation": ["R", "F"]}, "mirrored"),
        ({"SeriesDescription": "Thorax lateral"}, "check which"),
    ],
)
def test_doubts_are_said(tmp_path, tags, words):
    assert words in check_frontal(read(tmp_path, **tags))


def test_volumes_and_ct():
    assert "volume" in refused(Image(np.zeros((3, 80, 80), np.int16), "CT", source=None, series_uid="1.2"))
    assert "is CT" in refused(Image(radiograph().voxels, "CT", series_uid="1.2"))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.zeros((300, 300)), "no contrast"),
        (np.arange(90_000).reshape(300, 300) % 3, "grey values"),
        (np.random.default_rng(0).normal(size=(100, 400)), "too long"),
        (np.random.default_rng(0).normal(size=(40, 40)), "too small"),
    ],
)
def test_pictures_that_cannot_be_radiographs(values, words):
    assert words in refused(Image(values.astype(np.float32), series_uid="picture"))


@pytest.mark.parametrize("name", ["astronaut", "coffee", "chelsea"])
def test_photographs(tmp_path, name):
    from skimage import data

    Picture.fromarray(getattr(data, name)()).save(tmp_path / "photo.jpg")
    assert "in colour" in refused(read_image(tmp_path / "photo.jpg"))


def test_a_blue_radiograph_is_no_photograph_but_coloured_marks_are_said(tmp_path, lungmtl_data):
    file = sorted((lungmtl_data / "cxr" / "nih").glob("*.png"))[0]
    gray = np.asarray(Picture.open(file).convert("L"))
    tinted = np.stack([gray * 0.7, gray * 0.8, gray * 0.9 + 20], -1).astype(np.uint8)
    Picture.fromarray(tinted).save(tmp_path / "blue.png")
    assert check_frontal(read_image(tmp_path / "blue.png")) == ""
    marked = np.stack([gray] * 3, -1)
    n = len(gray) // 10
    marked[n : 2 * n, n : 2 * n] = (255, 0, 0)
    Picture.fromarray(marked).save(tmp_path / "marked.png")
    assert "coloured marks" in check_frontal(read_image(tmp_path / "marked.png"))


def test_no_real_radiograph_is_refused_or_doubted(lungmtl_data):
    folder = lungmtl_data / "cxr"
    files = [
        *folder.glob("nih/*.png"), *folder.glob("lung_masks_100/*.jpg"), *folder.glob("*.jpg"), *folder.glob("*.dcm"),
        *(f for f in folder.glob("lung_masks/*.jpg") if "mask" not in f.name),
    ]  # fmt: skip
    assert len(files) > 148
    assert [why for file in files if (why := check_frontal(read_image(file)))] == []


@pytest.mark.parametrize("window", [(-1350, 150), (-160, 240), (-1024, 1000)])
@pytest.mark.parametrize(
    "study", ["dicom/LIDC-IDRI-0002", "dicom/LIDC-IDRI-0003", "ct/totalsegmentator/example_ct_dicom"]
)
def test_slices_of_ct_are_refused(tmp_path, lungmtl_data, study, window):
    low, high = window
    for number, values in enumerate(read_image(lungmtl_data / study).voxels):
        gray = np.clip((values.astype(float) - low) / (high - low), 0, 1) * 255
        Picture.fromarray(gray.astype(np.uint8)).save(tmp_path / f"{number}.png")
        assert "CT" in refused(read_image(tmp_path / f"{number}.png"))


def test_a_turned_radiograph_in_a_black_frame_is_no_ct(lungmtl_data):
    from scipy.ndimage import rotate

    file = sorted((lungmtl_data / "cxr" / "nih").glob("*.png"))[3]
    values = np.asarray(Picture.open(file).convert("L").resize((400, 440))).astype(np.float32) + 60
    for angle in (4, 10, 20):
        assert check_frontal(Image(rotate(values, angle, order=1), series_uid="turned")) == ""


def flat_file(tmp_path, values: np.ndarray, spacing: tuple[float, float]) -> Image:
    """A radiograph file of other pixels."""
    return read_image(write(Image(values.astype(np.int32), "DX", spacing), tmp_path / "film.dcm"))


@pytest.fixture
def film() -> np.ndarray:
    return read_image(Path(__file__).parents[4] / "sample_data" / "radiograph.dcm").voxels


def test_a_film_is_as_long_as_it_is_in_mm(tmp_path, film):
    for rows, columns in ((2, 1), (1, 2), (4, 1), (1, 1)):
        image = flat_file(tmp_path, film[::rows, ::columns], (0.8 * rows, 0.8 * columns))
        assert check_frontal(image) == "", image.shape
    long = flat_file(tmp_path, film, (0.8, 0.2))
    assert "375 × 498 pixels of 0.8 × 0.2 mm, too long" in refused(long)
    assert "188 × 498 pixels, too long" in refused(Image(film[::2], "DX"))  # nobody knows its shape
    rounded = flat_file(tmp_path, film[::2], (0.8, 0.8002))
    assert "188 × 498 pixels, too long" in refused(rounded)


def test_a_turned_radiograph_of_flat_pixels_is_no_ct_and_a_slice_of_such_is_one(tmp_path, lungmtl_data):
    from scipy.ndimage import rotate

    file = sorted((lungmtl_data / "cxr" / "nih").glob("*.png"))[3]
    values = np.asarray(Picture.open(file).convert("L").resize((800, 880))).astype(np.float32) + 60
    for rows, columns in ((2, 1), (1, 2), (3, 1), (1, 3)):
        turned = rotate(values, 20, order=1)[::rows, ::columns]
        assert check_frontal(flat_file(tmp_path, turned, (0.3 * rows, 0.3 * columns))) == ""
        ct = read_image(lungmtl_data / "dicom/LIDC-IDRI-0003")
        gray = np.clip((ct.voxels[ct.shape[0] // 2].astype(float) + 1350) / 1500, 0, 1) * 4000
        flat = flat_file(tmp_path, gray[::rows, ::columns], (0.7 * rows, 0.7 * columns))
        assert "slice of CT" in refused(flat)
