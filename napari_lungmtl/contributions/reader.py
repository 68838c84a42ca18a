"""npe2 reader: images and findings by drag and drop, File → Open, or ``viewer.open(…, plugin="napari-lungmtl")``."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from napari.utils.notifications import show_warning

from ..training.imaging import Image, Series, SeveralSeriesError, read_image
from ..training.imaging.dicom.header import SUFFIXES as DICOM_SUFFIXES
from ..training.imaging.dicom.header import is_part10, read_header
from ..training.imaging.errors import ImageError
from ..training.imaging.formats import FORMATS, format_by_suffix, format_of
from ..training.imaging.paths import suffix_of
from ..training.imaging.radiograph.frontal import check_frontal

LayerData = tuple[Any, ...]
NOTHING: list[LayerData] = [(None,)]
"""What a napari reader returns when it understood the path and there is nothing to add."""

LEFT_TO_NAPARI = (".tif", ".tiff", ".bmp")
"""Pictures that are read where a person asks for it, and not claimed: mostly they are no radiographs."""
CLAIMED = (*DICOM_SUFFIXES, *(s for form in FORMATS for s in form.suffixes if s not in LEFT_TO_NAPARI))
"""Suffixes that the manifest's patterns name."""
_LOOK_AT_MOST = 200
"""Files of a folder that are looked at before it is said to be none of ours."""
_SAME_DROP = 3.0
"""Seconds within which further files of a series just opened count as dropped together with it."""


def get_reader(path: str | list[str]) -> Callable[[str | list[str]], list[LayerData]] | None:
    """The function that reads `path`, or None where this plugin has no business with it."""
    paths = [path] if isinstance(path, str) else list(path)
    return _read if paths and all(_is_ours(Path(p)) for p in paths) else None


def _is_ours(path: Path) -> bool:
    if path.name.lower().endswith(".lungmtl.json"):
        return True
    if not path.is_dir():
        return path.is_file() and (suffix_of(path) in CLAIMED or _begins_as_dicom(path))
    if format_of(path) is not None:
        return True
    files = (Path(folder) / name for folder, _, names in os.walk(path) for name in names)
    return any(_is_study(file) for file in islice(files, _LOOK_AT_MOST))


def _is_study(path: Path) -> bool:
    """Whether a file within a folder makes the folder ours."""
    if suffix_of(path) in DICOM_SUFFIXES:
        return True
    form = format_of(path)
    return form.in_folders if form is not None else _begins_as_dicom(path)


def _begins_as_dicom(path: Path) -> bool:
    try:
        return is_part10(path)
    except OSError:
        return False


def _read(path: str | list[str]) -> list[LayerData]:
    """Read images and findings as layers.

    Raises
    ------
    ImageError, FindingsFileError
        With a sentence for the person; napari shows it.
    """
    layers: list[LayerData] = []
    for one in [path] if isinstance(path, str) else path:
        if one.lower().endswith(".lungmtl.json"):
            layers += _findings_layers(Path(one))
        elif not _dropped_with_the_last(Path(one)):
            layers += _image_layers(Path(one))
    return layers or NOTHING


def _findings_layers(path: Path) -> list[LayerData]:
    from ..layers.spheres.layer_data import points_layer_data
    from ..training.findings.formats.json_file import read_findings

    return [points_layer_data(read_findings(path), name=path.name.removesuffix(".lungmtl.json"))]


def _image_layers(path: Path) -> list[LayerData]:
    from ..layers.image import image_layer_data

    image = read_or_choose(path)
    if image is None:
        return []
    _remember(path, image)
    # A photograph is for napari's own reader, which keeps its colours.
    form = format_by_suffix(path)
    doubt = check_frontal(image) if form is not None and form.flat else ""
    if image.warnings or doubt:
        show_warning(" ".join([f"{path.name}:", *image.warnings, doubt]).strip())
    return [image_layer_data(image)]


def read_or_choose(path: Path) -> Image | None:
    """Read an image; of several series the person chooses one, or (None) thinks better of it.

    Without a window the CT series with most slices is taken, and a warning says so.
    """
    try:
        return read_image(path)
    except SeveralSeriesError as several:
        if _has_window():
            from ..panel.series_chooser import choose_series

            uid = choose_series(several.series)
            return read_image(path, series=uid) if uid is not None else None
        largest = _largest(several.series)
        show_warning(f"{path} holds {len(several.series)} series; this one was opened: {largest}")
        return read_image(path, series=largest.uid)


def _largest(series: tuple[Series, ...]) -> Series:
    return max(series, key=lambda s: (s.modality == "CT", s.n_slices))


def _has_window() -> bool:
    try:
        from qtpy.QtWidgets import QApplication
    except ImportError:  # napari without a Qt binding
        return False
    return QApplication.instance() is not None


@dataclass
class _Opened:
    """The series opened last: the file that was asked for, the series' identifier, and when."""

    path: Path = Path()
    uid: str = ""
    when: float = float("-inf")


_last = _Opened()


def _remember(path: Path, image: Image) -> None:
    _last.path, _last.uid, _last.when = path.resolve(), image.series_uid, time.monotonic()


def _dropped_with_the_last(path: Path) -> bool:
    """Whether `path` is one more file of the series just opened.

    napari hands over the files of a drop one by one, and any one of them opens the whole series: a hundred
    selected slices must not become a hundred copies of it.
    """
    path = path.resolve()
    recent = time.monotonic() - _last.when < _SAME_DROP
    if not recent or not path.is_file() or path == _last.path or path.parent != _last.path.parent:
        return False
    try:
        header = read_header(path)
    except ImageError:
        return False
    # Where a series falls into several stacks, the reader numbers them: uid#2.
    if header is None or header.code("SeriesInstanceUID") != _last.uid.partition("#")[0]:
        return False
    _last.when = time.monotonic()
    return True
