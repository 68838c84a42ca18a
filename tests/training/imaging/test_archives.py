"""Archives are named, and the first DICOM file in one is not taken for the study."""

import gzip
import tarfile
import zipfile

import pytest

from napari_lungmtl.training.imaging import list_series, read_image
from napari_lungmtl.training.imaging.errors import NoImagesError, UnknownFormatError

from ...stand_ins.linear_series import stack, write


def packed(path, files):
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            for file in files:
                archive.write(file, file.name)
    elif path.suffix == ".tar":
        with tarfile.open(path, "w") as tar:
            for file in files:
                tar.add(file, file.name)
    else:
        path.write_bytes(gzip.compress(files[0].read_bytes()))
    return path


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a.zip", "a zip archive"), ("a.tar", "a tar archive"), ("a.dcm.gz", "compressed with gzip")],
)
def test_archives_are_named(tmp_path, name, kind):
    files = write(stack(4), tmp_path / "study")
    (tmp_path / "sent").mkdir()
    path = packed(tmp_path / "sent" / name, files)
    with pytest.raises(UnknownFormatError, match=f"{name} is {kind}; unpack it"):
        read_image(path)
    assert list_series(path.parent) == []
    with pytest.raises(NoImagesError, match=f"{name} is {kind}; unpack it"):
        read_image(path.parent)
    packed(tmp_path / "study" / name, files)
    image = read_image(tmp_path / "study")
    assert image.shape[0] == 4
    assert f"{name} is {kind}; unpack it" in image.warnings[0]


def test_documents_that_are_zip_archives_are_only_strangers(tmp_path):
    packed(tmp_path / "a.zip", write(stack(4), tmp_path)).rename(tmp_path / "letter.docx")
    assert read_image(tmp_path).warnings == (
        "1 file(s) are not of this series and were ignored: letter.docx.",
    )
