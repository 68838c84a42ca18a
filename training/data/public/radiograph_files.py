"""What the folders of radiographs share: finding image files by name, and boxes that fit their image."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from fnmatch import fnmatch
from pathlib import Path

import numpy as np

from ...findings.formats.pixels import PixelBox
from ...findings.formats.tables import bad_line, read_rows
from ...imaging.image import Image
from ...imaging.read import read_image
from ..errors import DatasetError
from .radiographs import RadiographCase

SUFFIXES = (".mha", ".mhd", ".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".dcm", ".img", ".nii", ".nrrd")
"""Of image files, in lower case."""


def read_radiograph(case: RadiographCase) -> Image:
    """Read the image of a case, upright: a picture with the head at the left is turned clockwise.

    Raises
    ------
    ImageError
        It cannot be read.
    ValueError
        It lies on its side and has boxes or lungs, which would no longer fit.
    """
    image = read_image(case.path)
    if case.upright:
        return image
    if not case.truth_upright and ((case.boxes is not None and len(case.boxes)) or case.lungs is not None):
        raise ValueError(f"{case.name} lies on its side, and so does its truth.")
    spacing = None if image.spacing is None else image.spacing[::-1]
    return replace(image, voxels=np.ascontiguousarray(np.rot90(image.voxels, -1)), spacing=spacing)


def first_file(folder: Path, *names: str) -> Path | None:
    """Find the first file in the folder with such a name or pattern (``Data_Entry_2017*.csv``) in any case, gzipped or not."""
    files = sorted(p for p in folder.iterdir() if p.is_file()) if folder.is_dir() else []
    for name in names:
        for pattern in (name.lower(), name.lower() + ".gz"):
            if found := next((p for p in files if fnmatch(p.name.lower(), pattern)), None):
                return found
    return None


def read_listing(folder: Path, name: str, columns: Sequence[str]) -> tuple[Path, dict[str, dict[str, str]]]:
    """Read a folder's table of files: its path, and its rows by their column ``file``.

    Raises
    ------
    DatasetError, FindingsFileError
        The table is missing or damaged, or lists a file twice.
    """
    table = first_file(folder, name)
    if table is None:
        raise DatasetError(f"{folder} has no {name}.")
    rows: dict[str, dict[str, str]] = {}
    for line, row in read_rows(table, columns):
        if row["file"] in rows:
            raise bad_line(table, line, f"{row['file']} is listed twice")
        rows[row["file"]] = row
    return table, rows


def image_files(folder: Path, below: bool = True) -> list[Path]:
    """List image files in a folder, and below it unless told otherwise, in order."""
    paths = folder.rglob("*") if below else folder.iterdir()
    return sorted(p for p in paths if p.suffix.lower() in SUFFIXES and p.is_file())


def by_name(files: Iterable[Path]) -> dict[str, Path]:
    """Find image files by their name.

    Raises
    ------
    DatasetError
        Two files in different folders share a name.
    """
    found: dict[str, Path] = {}
    for path in files:
        if path.name in found:
            raise DatasetError(
                f"{path} and {found[path.name]} share a name, so that it is not clear which of them is meant: "
                "move one of them away."
            )
        found[path.name] = path
    return found


def require_files(names: Iterable[str], files: dict[str, Path], table: Path, where: str) -> None:
    """Check that every image that a table names is there.

    Raises
    ------
    DatasetError
        One error for all of them, naming the first.
    """
    missing = [name for name in dict.fromkeys(names) if name not in files]
    if missing:
        more = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
        raise DatasetError(
            f"{missing[0]}{more} is named in {table} but is not in {where}: copy the missing images there, or delete their rows."
        )


def size_of(path: Path) -> tuple[int, int] | None:
    """Read height and width of an image file (pixels) from its header, None where the header alone does not tell (DICOM, JSRT).

    None for a damaged file too: whoever reads it says so, and one bad radiograph does not keep the others from being read.
    """
    suffix = path.suffix.lower()
    if suffix in (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp"):
        from PIL import Image, UnidentifiedImageError

        try:
            with Image.open(path) as picture:
                return picture.height, picture.width
        except (UnidentifiedImageError, OSError):
            return None
    if suffix in (".mha", ".mhd", ".nii", ".nrrd"):
        import SimpleITK as sitk

        reader = sitk.ImageFileReader()
        reader.SetFileName(str(path))
        try:
            reader.ReadImageInformation()
        except RuntimeError:
            return None
        width, height = reader.GetSize()[:2]
        return height, width
    return None


def corners(boxes: Sequence[PixelBox], path: Path, size: tuple[int, int] | None) -> np.ndarray:
    """Make boxes (n, 4) x0, y0, x1, y1 in pixels of a file, float32; what reaches beyond the image is cut off.

    Raises
    ------
    DatasetError
        A box lies outside the image altogether.
    """
    found = np.array([(b.x, b.y, b.x + b.width, b.y + b.height) for b in boxes], np.float32).reshape(-1, 4)
    if size is None:
        return found
    clipped = np.clip(found, 0, np.array([size[1], size[0]] * 2, np.float32))
    outside = np.flatnonzero((clipped[:, 2:] <= clipped[:, :2]).any(1))
    if len(outside):
        x0, y0, x1, y1 = found[outside[0]]
        raise DatasetError(
            f"the box x {x0:g} to {x1:g}, y {y0:g} to {y1:g} lies outside {path}, which has {size[1]} × {size[0]} pixels: "
            "correct it, or delete its row."
        )
    return clipped
