"""No two images of a file share a name, and each image takes back its own findings only."""

import json
from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Picture

from napari_lungmtl.training.export_options import Format
from napari_lungmtl.training.findings.deidentify import Deidentifier
from napari_lungmtl.training.findings.export import export
from napari_lungmtl.training.findings.finding import Box, Finding, Findings, ImageReference, Sphere
from napari_lungmtl.training.findings.formats.csv_file import read_csv
from napari_lungmtl.training.findings.formats.errors import FindingsFileError, SaveError
from napari_lungmtl.training.findings.formats.images.image_names import apart, image_name, is_named, own_name
from napari_lungmtl.training.findings.import_file import import_findings
from napari_lungmtl.training.imaging.image import Image
from napari_lungmtl.training.imaging.read import read_image

TABLES = (Format.CSV, Format.LUNA16)
LISTS = (Format.CSV, Format.COCO, Format.NODE21)


def scan(path, value=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(np.full((9, 9, 9), value, np.int16), np.diag([-1, -1, 1, 1])), path)
    return read_image(path)


def film(path, value=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    Picture.fromarray(np.full((90, 90), value, np.uint8)).save(path)
    return read_image(path)


def case(image, place):
    flat = image.ndim == 2
    geometry = Box((place, 10.0), (place + 5, 15.0)) if flat else Sphere((place, 1.0, 1.0), 2.0)
    return Findings((Finding(geometry, status="accepted"),), ImageReference.of(image))


def place_of(findings):
    (one,) = findings
    return one.geometry.low[0] if isinstance(one.geometry, Box) else one.center[0]


@pytest.mark.parametrize(
    ("make", "names", "formats"),
    [
        (scan, ("p1/ct.nii.gz", "p2/ct.nii.gz"), TABLES),
        (scan, ("a/p1/s/ct.nii", "a/p2/s/ct.nii", "b/p1/s/ct.nii"), TABLES),
        (scan, ("one/ct.nii", "one/ct.nii.gz"), TABLES),
        (film, ("fa/1.png", "fb/1.png"), LISTS),
        (film, ("fa/1.png", "fa/1.jpg", "fb/1.png"), LISTS),
    ],
)
def test_images_of_one_name_stay_apart_and_each_takes_back_its_own(make, names, formats, tmp_path):
    images = [make(tmp_path / name) for name in names]
    for format in formats:
        path = tmp_path / format.value / "out"
        path.parent.mkdir()
        export([case(image, float(i + 1)) for i, image in enumerate(images)], path, format)
        for i, image in enumerate(images):
            back, _ = import_findings(path, image)
            assert place_of(back) == pytest.approx(i + 1)


@pytest.mark.parametrize("format", TABLES)
def test_the_findings_of_one_are_nobody_elses(format, tmp_path):
    images = [scan(tmp_path / name) for name in ("p1/ct.nii", "p2/ct.nii", "p3/ct.nii")]
    path = tmp_path / "out.csv"
    empty = Findings((), ImageReference.of(images[1]))
    export([case(images[0], 1.0), empty], path, format)
    for other in images[1:]:
        with pytest.raises(FindingsFileError, match="p1/ct"):
            import_findings(path, other)


def test_one_folder_is_written_as_ever(tmp_path):
    images = [scan(tmp_path / "a.nii.gz"), scan(tmp_path / "1.2.3.nii")]
    export([case(image, 1.0) for image in images], tmp_path / "out.csv", Format.LUNA16)
    assert (tmp_path / "out.csv").read_text().split() == [
        "seriesuid,coordX,coordY,coordZ,probability",
        "a,1.0,1.0,1.0,1.0",
        "1.2.3,1.0,1.0,1.0,1.0",
    ]
    films = [film(tmp_path / "a.png"), film(tmp_path / "b.png")]
    export([case(image, 1.0) for image in films], tmp_path / "out.json", Format.COCO)
    written = json.loads((tmp_path / "out.json").read_text())["images"]
    assert [one["file_name"] for one in written] == ["a.png", "b.png"]


@pytest.mark.parametrize("format", [Format.CSV, Format.LUNA16, Format.COCO, Format.NODE21])
def test_what_nothing_tells_apart_is_refused_before_anything_is_written(format, tmp_path):
    image = film(tmp_path / "1.png") if format in (Format.COCO, Format.NODE21) else scan(tmp_path / "1.nii")
    with pytest.raises(SaveError, match=r"two images are named .*1\."):
        export([case(image, 1.0), case(image, 2.0)], tmp_path / "out", format)
    assert not (tmp_path / "out").exists()


def test_names_that_both_can_mean_an_image_are_refused(tmp_path):
    image = ImageReference("ct", "/data/p1/ct.nii")
    with pytest.raises(FindingsFileError, match=r"names ct and p1/ct, and both can be /data/p1/ct\.nii"):
        own_name(["ct", "p1/ct", "p2/ct"], image, "findings.csv")
    assert own_name(["ct.nii", "ct.png"], image, "f") == "ct.nii"
    path = tmp_path / "c.json"
    entry = {"file_name": "1.png", "width": 9, "height": 9}
    document = {"images": [{"id": 1, **entry}, {"id": 2, **entry}], "annotations": [], "categories": []}
    path.write_text(json.dumps(document))
    with pytest.raises(FindingsFileError, match=r"lists 2 images of the name 1\.png"):
        import_findings(path, film(tmp_path / "1.png"))


def test_films_of_one_dicom_folder_have_their_series(tmp_path):
    a, b = (ImageReference(uid, str(tmp_path), shape=(90, 90)) for uid in ("1.2.3.1.1", "1.2.3.1.2"))
    assert [image_name(one) for one in (a, b)] == ["1.2.3.1.1", "1.2.3.1.2"]
    cases = [Findings((Finding(Box((y, 1.0), (y + 5, 9.0))),), one) for y, one in ((10.0, a), (50.0, b))]
    for format in (Format.COCO, Format.NODE21):
        export(cases, tmp_path / format.value, format)
        for y, one in ((10.0, a), (50.0, b)):
            image = Image(
                np.zeros((90, 90)), "DX", None, (0.0, 0.0), series_uid=one.series_uid, source=tmp_path
            )
            assert place_of(import_findings(tmp_path / format.value, image)[0]) == pytest.approx(y)


def test_an_identifier_has_no_suffix():
    assert not is_named("1.2.3.4", ImageReference("1.2.3"))
    assert not is_named("1.2.3", ImageReference("1.2.3.4"))


def test_identifiers_that_were_hidden_stay_apart(tmp_path):
    hide = Deidentifier()
    cases = [case(scan(tmp_path / name), 1.0) for name in ("p1/ct.nii", "p2/ct.nii")]
    export([hide.findings(one) for one in cases], tmp_path / "f.csv", Format.CSV)
    assert len(read_csv(tmp_path / "f.csv")) == 2
    assert "ct" not in (tmp_path / "f.csv").read_text().splitlines()[1].split(",")[0]


part = st.sampled_from(["p1", "p2", "a", "a.png", "1.2.3", "ct"])
paths = st.lists(part, max_size=3).flatmap(
    lambda folders: st.builds(
        lambda stem, suffix: ("/".join(["", "data", *folders, stem + suffix]), stem),
        st.sampled_from(["ct", "a", "1.2.3", "1.2.3.4", "p1"]),
        st.sampled_from([".png", ".jpg", ".nii.gz"]),
    )
)


@given(st.lists(paths, min_size=1, max_size=8, unique=True), st.booleans())
def test_each_of_any_images_takes_its_own_name_and_no_other(places, pictures):
    images = [ImageReference(uid, source) for source, uid in places]
    short = image_name if pictures else lambda image: image.series_uid
    names = [name for name, _ in apart([Findings((), one) for one in images], "f", short)]
    assert len(set(names)) == len(images)
    for name, image in zip(names, images, strict=True):
        assert own_name(names, image, "f") == name
        moved = replace(image, source="/elsewhere" + image.source)
        assert own_name(names, moved, "f") == name
    plain = [short(one) for one in images]
    stems = [one.series_uid for one in images]
    if len(set(stems)) == len(stems):
        assert names == plain


@given(st.lists(paths, min_size=1, max_size=6, unique=True), paths)
def test_a_name_with_folders_means_no_image_of_other_folders(places, other):
    images = [ImageReference(uid, source) for source, uid in places]
    names = [name for name, _ in apart([Findings((), one) for one in images], "f")]
    for name in names:
        if "/" in name and is_named(name, ImageReference(other[1], other[0])):
            assert other[0].rsplit("/", 1)[0].endswith(name.rsplit("/", 1)[0])
