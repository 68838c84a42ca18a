"""npe2 reader: images and findings by drag and drop, File → Open, or ``viewer.open(…, plugin="napari-lungmtl")``."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from napari import current_viewer
from napari.layers import Layer
from napari.utils.notifications import show_error, show_warning

from ..training.error_boundary import as_sentences
from ..training.errors import LungmtlError
from ..training.imaging import Image, Series, SeveralSeriesError
from ..training.imaging.dicom.header import SUFFIXES as DICOM_SUFFIXES
from ..training.imaging.dicom.header import is_part10, read_header
from ..training.imaging.errors import ImageError
from ..training.imaging.formats import FORMATS, format_by_suffix, format_of
from ..training.imaging.paths import suffix_of
from ..training.imaging.radiograph.frontal import check_frontal
from ..training.imaging.read import open_image
from ..training.imaging.streamed import rest_of
from ..training.log_file import keep_log, log_error
from ..training.storage.address import HTTP, StorageError, address_of, is_remote, shown
from ..training.storage.fetch import CopyStoppedError
from .truth import is_truth_dicom, is_truth_table, truth_layers

log = logging.getLogger(__name__)

LayerData = tuple[Any, ...]
NOTHING: list[LayerData] = [(None,)]
"""What a napari reader returns when it understood the path and there is nothing to add."""

LOOKED_INTO = (".tif", ".tiff", ".bmp")
"""Suffixes of pictures that microscopes and cameras use too: claimed where the header can be read as a picture."""
CLAIMED = (*DICOM_SUFFIXES, *(s for form in FORMATS for s in form.suffixes))
"""Suffixes that the manifest's patterns name."""
LONGEST_NAME = 40
"""Characters of a name without any dot that the manifest's patterns name: DICOM's own have eight, hashes forty."""
_LOOK_AT_MOST = 200
"""Files of a folder that are looked at before it is said to be none of ours."""
_SAME_DROP = 3.0
"""Seconds within which further files of a series just opened count as dropped together with it."""


def get_reader(path: str | list[str]) -> Callable[[str | list[str]], list[LayerData]] | None:
    """The function that reads `path`, or None where this plugin has no business with it: then others are asked."""
    paths = [path] if isinstance(path, str) else list(path)
    if paths and all(_is_our_address(p) for p in paths):
        return _read
    return _read if paths and all(_is_ours(Path(p)) for p in paths) else None


def _is_our_address(path: str) -> bool:
    """Whether a place on a server is ours by its name: nobody is asked over the network before a person has chosen."""
    try:
        address = address_of(path)
    except StorageError:
        return False
    if address is None:
        return False
    name = Path(address.name)
    form = format_by_suffix(name)
    return suffix_of(name) in DICOM_SUFFIXES or (not form.flat if form is not None else address.kind != HTTP)


def _is_ours(path: Path) -> bool:
    try:
        return _looks_ours(path)
    except Exception:  # whatever it is, it is not ours, and others may know it
        log.info("%s is left to other readers", path, exc_info=True)
        return False


def _looks_ours(path: Path) -> bool:
    if path.name.lower().endswith(".lungmtl.json"):
        return path.is_file()
    if is_truth_table(path):
        return True
    if path.is_dir():
        files = (Path(folder) / name for folder, _, names in os.walk(path) for name in names)
        return format_of(path) is not None or any(_is_study(file) for file in islice(files, _LOOK_AT_MOST))
    if not path.is_file():  # a pipe or a device is not opened, not even to look
        return False
    suffix = suffix_of(path)
    form = format_by_suffix(path)
    if is_part10(path):
        return True
    if suffix in LOOKED_INTO and form is not None:
        form.describe(path)
        return True
    return suffix in CLAIMED or (form is None and _is_bare_dicom(path))


def _is_bare_dicom(path: Path) -> bool:
    """Whether a file without suffix, or with a number for one, is DICOM without the 128 bytes that it should begin with."""
    suffix = path.suffix.lstrip(".")
    if suffix and not suffix.isdecimal():
        return False
    header = read_header(path)
    return header is not None and header.has_pixels


def _is_study(path: Path) -> bool:
    """Whether a file within a folder makes the folder ours."""
    try:
        if not path.is_file():
            return False
        if suffix_of(path) in DICOM_SUFFIXES:
            return True
        form = format_of(path)
        return form.in_folders if form is not None else is_part10(path) or _is_bare_dicom(path)
    except (ImageError, OSError):
        return False


def _read(path: str | list[str]) -> list[LayerData]:
    """Read images and findings as layers.

    Raises
    ------
    LungmtlError
        None of the files could be read; with a sentence for the person, which napari shows.
    """
    keep_log(terminal=True)
    layers: list[LayerData] = []
    failed: list[LungmtlError] = []
    for one in [path] if isinstance(path, str) else path:
        try:
            with as_sentences(shown(one)):
                layers += _layers(Path(one))
        except CopyStoppedError:
            log.info("%s was not opened", shown(one))
        except LungmtlError as error:  # of several files the others are opened
            log_error(error, shown(one))
            failed.append(error)
    if failed and not layers:
        raise failed[0]
    for one_failed in failed:
        show_error(str(one_failed))
    return layers or NOTHING


def _layers(path: Path) -> list[LayerData]:
    if is_remote(path):
        return _image_layers(path)
    if path.name.lower().endswith(".lungmtl.json"):
        return _findings_layers(path)
    if is_truth_table(path) or is_truth_dicom(path):
        return truth_layers(path)
    return [] if _dropped_with_the_last(path) else _image_layers(path)


def _findings_layers(path: Path) -> list[LayerData]:
    from ..layers.spheres.layer_data import points_layer_data
    from ..training.findings.formats.json_file import read_findings

    return [points_layer_data(read_findings(path), name=path.name.removesuffix(".lungmtl.json"))]


def _image_layers(path: Path) -> list[LayerData]:
    from ..layers.image import agree_ahead, fill_layers, image_layer_data

    image = read_or_choose(path)
    if image is None:
        return []
    if is_remote(path):
        if image.warnings:
            show_warning(_told(shown(path), image.warnings))
        if viewer := current_viewer():
            fill_layers(viewer, image)
        return [agree_ahead(_open_layers(), image_layer_data(image))]
    _remember(path, image)
    # A photograph is for napari's own reader, which keeps its colours.
    form = format_of(path)  # a CT slice may bear the name of a picture
    doubt = check_frontal(image) if form is not None and form.flat else ""
    if image.warnings or doubt:
        show_warning(_told(path.name, [*image.warnings, doubt]))
    return [agree_ahead(_open_layers(), image_layer_data(image))]


def _open_layers() -> Iterable[Layer]:
    viewer = current_viewer()
    return viewer.layers if viewer is not None else ()


def _told(name: str, warnings: Iterable[str]) -> str:
    """``a.jpg: does not state its pixel size``: what many warnings begin with is said once."""
    return " ".join([f"{name}:", *(each.removeprefix(f"{name} ") for each in warnings if each)])


def read_or_choose(path: Path) -> Image | None:
    """Read an image; of several series the person chooses one, or (None) thinks better of it.

    Without a window the CT series with most slices is taken, and a warning says so.
    """
    try:
        return _opened(path)
    except SeveralSeriesError:
        return None


def _opened(path: Path) -> Image:
    if not _has_window():
        return open_image(path, choose=lambda series: _chosen(path, series))
    from ..panel.study.series_chooser import choose_series
    from ..panel.widgets.copying import copying

    with copying(path) as on_progress:
        image = open_image(path, choose=choose_series, on_progress=on_progress)
    if current_viewer() is None:  # nobody would read the rest
        for _ in rest_of(image):
            pass
    return image


def _chosen(path: Path, several: Sequence[Series]) -> str:
    largest = max(several, key=lambda s: (s.modality == "CT", s.n_slices))
    show_warning(f"{shown(path)} holds {len(several)} series; this one was opened: {largest}")
    return largest.uid


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
