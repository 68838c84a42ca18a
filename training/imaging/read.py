"""`read_image`: any file or folder becomes an `Image`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from ..error_boundary import as_sentences, reads
from ..storage.address import Address, address_of
from ..storage.fetch import OnProgress, fetched, is_store
from ..storage.filesystem import look_at
from .archives import archive_sentence
from .dicom.header import read_header
from .dicom.projection import read_projection
from .dicom.stacks.stack import Stack, stacks_of
from .dicom.volume import read_stack
from .errors import (
    NoImagesError,
    NoPixelDataError,
    SeriesNotFoundError,
    SeveralSeriesError,
    UnknownFormatError,
    UnreadableFileError,
)
from .formats import format_of
from .formats.content import what_it_is
from .formats.ome_zarr.stream import open_stream
from .formats.pictures import PICTURE_SUFFIXES
from .image import Image
from .paths import suffix_of
from .scan import Contents, Volume, choices, scan
from .series import Series, describe

Choose = Callable[[Sequence[Series]], str | None]
"""Gets several series, and gives the identifier of one."""


def read_image(
    path: str | Path | Address, *, series: str | None = None, on_progress: OnProgress | None = None
) -> Image:
    """Read a study: a DICOM series, a volume file, an OME-Zarr store or a picture, here or on a server.

    Parameters
    ----------
    path
        A folder of DICOM files (folders below it included), one DICOM file (its whole series in that folder is
        read), ``.mhd``, ``.mha``, ``.nii``, ``.nii.gz``, ``.nrrd``, ``.zarr``, a picture (``.png``, ``.jpg``, ``.tif``,
        ``.bmp``) or a radiograph of the JSRT database (``.IMG``). Also an address: ``s3://bucket/…``, ``ssh://server/…`` (or
        ``sftp://``), ``http://…`` or ``https://…``, with the extra ``storage``.
    series
        Which one (`Series.uid`) where there are several.
    on_progress
        Of an address: gets the fraction done (0–1) and what is going on; what it raises ends the reading.

    Returns
    -------
    Image
        On LPS+ axes. CT in Hounsfield units, not below -1024 when it comes from DICOM (-2048 beside slices that were
        resampled); radiographs with dark air.
        `warnings` say what was filled, left out or resampled.

    Raises
    ------
    SeveralSeriesError
        There are several series and none was chosen; its ``series`` lists them.
    ImageError
        Anything else that is wrong with the files, one subclass per case.
    StorageError
        A server does not answer, or does not let us in.

    Examples
    --------
    >>> import napari_lungmtl as lm
    >>> image = lm.read_image(lm.datasets.sample_ct())
    >>> image.modality, image.shape, image.units
    ('CT', (80, 280, 320), 'mm')
    """
    address = address_of(path)
    if address is None:
        return _read_local(path, series)
    with as_sentences(address, UnreadableFileError):
        return _read_remote(address, series, on_progress)


def open_image(
    path: str | Path,
    *,
    series: str | None = None,
    choose: Choose | None = None,
    on_progress: OnProgress | None = None,
) -> Image:
    """Open a study to be looked at: as `read_image`, but an OME-Zarr volume on a server comes before its voxels.

    Parameters
    ----------
    path, series, on_progress
        As of `read_image`.
    choose
        Gets the series, where there are several and none was named, and gives the identifier of one, or None.

    Returns
    -------
    Image
        A `StreamedImage` where voxels are still to come: `rest_of` reads them.

    Raises
    ------
    SeveralSeriesError
        None of several series was chosen.
    LungmtlError
        As of `read_image`.
    """
    address = address_of(path)
    if address is None:
        return _read_chosen(path, series, choose)
    with as_sentences(address, UnreadableFileError):
        return _read_remote(address, series, on_progress, choose, early=True)


def _read_chosen(path: str | Path, series: str | None, choose: Choose | None) -> Image:
    try:
        return _read_local(path, series)
    except SeveralSeriesError as several:
        chosen = choose(several.series) if choose is not None else None
        if chosen is None:
            raise
        return _read_local(path, chosen)


def _read_remote(
    address: Address,
    series: str | None,
    on_progress: OnProgress | None,
    choose: Choose | None = None,
    *,
    early: bool = False,
) -> Image:
    if is_store(address):
        stream = open_stream(address, early=early)
        if stream.image is not None:
            return stream.image
        for fraction in stream.read():
            if on_progress is not None:
                on_progress(fraction, "reading")
        return stream.whole()
    with fetched(look_at(address), on_progress) as path:
        return moved(_read_chosen(path, series, choose), path, address)


def moved(image: Image, path: Path, address: Address) -> Image:
    """Give the image of a copy as that of its original.

    Parameters
    ----------
    image
        As it was read.
    path
        The copy.
    address
        What it is a copy of.
    """
    source = address.local
    if image.source is not None and image.source != path and image.source.is_relative_to(path):
        source = address.below(*image.source.relative_to(path).parts).local
    said = tuple(warning.replace(str(path), str(address)) for warning in image.warnings)
    return replace(image, source=source, warnings=said)


@reads(UnreadableFileError)
def _read_local(path: str | Path | Address, series: str | None) -> Image:
    assert not isinstance(path, Address)
    path = Path(path)
    contents = scan(path)
    if path in contents.volumes:  # a file that was named is read, or says itself what is wrong with it
        return contents.volumes[path].read(path)
    if path.is_file() and not contents.stacks:
        raise _no_picture(path)
    return _read_choice(path, contents, series)


@reads(UnreadableFileError)
def read_labels(path: Path) -> Image:
    """Read a label volume: as `read_image`, but where it must be resampled each voxel takes the number of the nearest one.

    Raises
    ------
    ImageError
        Something is wrong with the file, one subclass per case.
    """
    form = format_of(path)
    return read_image(path) if form is None or form.read_labels is None else form.read_labels(path)


@reads(UnreadableFileError)
def read_series(path: Path, series: Series) -> Image:
    """Read one of the series that `find_series` or `list_series` found, from its own files alone.

    Nothing else in a large folder is looked at again. What comes out is what ``read_image(path, series=uid)`` gives.

    Parameters
    ----------
    path
        ``series.path``.
    series
        As it was found.

    Raises
    ------
    ImageError
        Something is wrong with the files, one subclass per case.
    """
    if address_of(path) is not None:  # all of its folder is fetched first
        return read_image(path, series=series.uid)
    form = format_of(path)
    if form is not None:
        return form.read(path)
    stacks = stacks_of([header for file in series.files if (header := read_header(file)) is not None])
    if len(stacks) != 1:  # frames of one file are several series
        return read_image(path, series=series.uid)
    stack = replace(stacks[0], uid=series.uid)
    image = read_projection(stack, path) if stack.is_radiograph else read_stack(stack, path)
    return replace(image, warnings=tuple(dict.fromkeys((*image.warnings, *series.warnings))))


def _read_choice(path: Path, contents: Contents, series: str | None) -> Image:
    listed = choices(contents)
    if series is not None:
        for one, what in listed:
            if one.uid == series:
                # Findings are saved beside the series, not at the top of a tree that holds many.
                return _read_one(what, one.path if path.is_dir() else path, contents)
        uids = ", ".join(one.uid for one, _ in listed) or "none"
        raise SeriesNotFoundError(f"{path} holds no series {series}; choose one of: {uids}.")
    if not listed:
        details = " ".join(why for why in contents.unread.values() if why)
        pictures = sorted(p for p in contents.unread if suffix_of(p) in PICTURE_SUFFIXES)
        if pictures:
            details += (
                f" It holds {len(pictures)} picture(s), such as {pictures[0].name}: open such a file itself."
            )
        raise NoImagesError(
            f"{path} holds no image that can be read; choose a folder with DICOM files. {details}".strip()
        )
    if len(listed) > 1:
        several = [one for one, _ in listed]
        damaged = "".join(f"\n{why}" for why in contents.damaged.values())
        raise SeveralSeriesError(
            f"{path} holds {len(listed)} series; choose one by its identifier:\n{describe(several)}{damaged}",
            several,
        )
    return _read_one(listed[0][1], path, contents)


def _read_one(what: Stack | Volume, path: Path, contents: Contents) -> Image:
    if isinstance(what, Volume):
        volume = what.form.read(what.path)
        return replace(volume, warnings=(*volume.warnings, *map(str, contents.damaged.values())))
    image = read_projection(what, path) if what.is_radiograph else read_stack(what, path)
    passed_over = contents.warnings_for({s.path.parent for s in what.slices})
    return replace(image, warnings=(*image.warnings, *passed_over))


def _no_picture(path: Path) -> UnknownFormatError | NoPixelDataError:
    header = read_header(path)
    if header is None and (archive := archive_sentence(path)):
        return UnknownFormatError(archive)
    if header is None and (what := what_it_is(path)):
        return UnknownFormatError(f"{path} {what}")
    if header is None:
        return UnknownFormatError(
            f"{path} is no format that is read here; open DICOM, MHD, MHA, NIfTI, NRRD, OME-Zarr, PNG, JPEG, TIFF, BMP "
            "or JSRT's IMG."
        )
    return NoPixelDataError(
        f"{path} is DICOM without a picture (modality {header.code('Modality') or 'not stated'}); open the CT series instead."
    )
