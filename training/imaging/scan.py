"""What is in a folder: series by their headers alone, without reading a pixel."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from ..error_boundary import reads
from .archives import archive_sentence, is_archive_name
from .dicom.header import SUFFIXES, Header, is_part10, read_header
from .dicom.stacks.stack import Stack, stacks_of
from .errors import (
    EmptyFileError,
    ImageError,
    ImageNotFoundError,
    NoImagesError,
    UnknownFormatError,
    UnreadableFileError,
)
from .formats import Format, format_by_content, format_by_suffix, format_of
from .media_directory import is_media_directory, listed_files
from .paths import stem_of, suffix_of
from .series import Series

_COMPANIONS = frozenset({".raw", ".zraw", ".img", ".img.gz"})  # pixels of .mhd, .nhdr, .hdr
_OWN_FILES = (
    ".lungmtl.json",
    ".lungmtl.log.jsonl",
)  # findings that were saved beside their images, and their logs
NO_PICTURE = "is DICOM without a picture"
"""Part of the sentence on reports, segmentations and their like."""


@dataclass(frozen=True)
class Volume:
    """A file (or store) that holds one image, with its format."""

    path: Path
    form: Format


@dataclass
class Contents:
    """A scanned folder: DICOM stacks, files of other formats with their format, what was neither, and damaged files of others."""

    stacks: list[Stack] = field(default_factory=list)
    volumes: dict[Path, Format] = field(default_factory=dict)
    unread: dict[Path, str] = field(default_factory=dict)
    damaged: dict[Path, ImageError] = field(default_factory=dict)

    def warnings_for(self, folders: set[Path]) -> list[str]:
        """Sentences on the files in these folders that were passed over."""
        sentences = []
        strange = sorted(p.name for p, why in self.unread.items() if not why and p.parent in folders)
        if strange:
            more = f" and {len(strange) - 5} more" if len(strange) > 5 else ""
            sentences.append(
                f"{len(strange)} file(s) are not of this series and were ignored: {', '.join(strange[:5])}{more}."
            )
        said = [(p, why) for p, why in sorted(self.unread.items()) if why and p.parent in folders]
        objects = [(p, why) for p, why in said if NO_PICTURE in why]
        if len(objects) > 2:  # reports, presentation states and keys of a whole study: one sentence for all
            said = [pair for pair in said if pair not in objects]
            kinds = Counter(why.partition("(")[2].partition(")")[0] for _, why in objects)
            listed = ", ".join(f"{n} {kind}" for kind, n in sorted(kinds.items()))
            sentences.append(f"{len(objects)} DICOM files without a picture were ignored: {listed}.")
        return sentences + [why for _, why in said]


@reads(UnreadableFileError)
def list_series(path: str | Path) -> list[Series]:
    """List what can be read at a path, from headers alone.

    Parameters
    ----------
    path
        A folder (searched with all folders below it), a DICOM file (its folder's files of the same series), a volume
        file or a picture.

    Returns
    -------
    list of Series
        Sorted by folder, then description; empty if there is nothing.

    Raises
    ------
    ImageNotFoundError
        There is nothing at `path`.

    Examples
    --------
    >>> import napari_lungmtl as lm
    >>> [(series.modality, series.n_slices) for series in lm.list_series(lm.datasets.sample_ct())]
    [('CT', 80)]
    """
    return [series for series, _ in choices(scan(Path(path)))]


def scan(path: Path, *, pictures: bool = False) -> Contents:
    """Find what there is at a path, whatever it is: content decides, then the name; `pictures` are as for `directories`.

    Raises
    ------
    ImageNotFoundError
        There is nothing at `path`.
    UnknownFormatError
        It is a pipe, a socket or a device.
    NoImagesError
        It is the DICOMDIR of a disc whose files are not beside it.
    """
    try:
        there = path.exists()
    except OSError as error:  # a folder above may not be searched, or the name is too long
        raise ImageNotFoundError(
            f"{path} cannot be read ({error.strerror}); check path and permissions."
        ) from error
    if not there:
        if path.is_symlink():
            raise ImageNotFoundError(f"{path} is a link that leads nowhere; open the file itself.")
        raise ImageNotFoundError(f"{path} does not exist; check the path.")
    if path.is_dir():
        form = format_of(path)
        return Contents(volumes={path: form}) if form is not None else scan_folder(path, pictures=pictures)
    if not path.is_file():
        raise UnknownFormatError(
            f"{path} is a pipe, a socket or a device and no file; open a file or a folder."
        )
    if _is_dicom(path):
        return _scan_disc(path) if is_media_directory(path) else scan_file(path)
    form = (
        format_of(path) or format_by_content(path) or format_by_suffix(path)
    )  # and that says itself what is wrong with it
    return Contents(volumes={path: form}) if form is not None else scan_file(path)


def _is_dicom(path: Path) -> bool:
    try:
        return is_part10(path)
    except OSError as error:
        raise ImageNotFoundError(
            f"{path} cannot be read ({error.strerror}); check path and permissions."
        ) from error


def choices(contents: Contents) -> list[tuple[Series, Stack | Volume]]:
    """Describe each series with what it is read from, sorted by folder, then description; identifiers are unique.

    A volume file that cannot be read moves to `Contents.unread` and `damaged`: it does not hide the others.
    """
    described: list[tuple[Series, Stack | Volume]] = []
    for path, form in list(contents.volumes.items()):
        try:
            described.append((form.describe(path), Volume(path, form)))
        except ImageError as error:
            del contents.volumes[path]
            contents.unread[path], contents.damaged[path] = str(error), error
    described = [(stack_series(stack, contents), stack) for stack in contents.stacks] + described
    described.sort(key=lambda pair: (str(pair[0].path), pair[0].description, pair[0].uid))
    taken: set[str] = set()
    for i, (series, what) in enumerate(described):
        uid = series.uid
        if uid in taken:  # scan.mha beside scan.nii: the name tells them apart; in other folders, the path
            uid = series.path.name if series.path.name not in taken else str(series.path)
            described[i] = (replace(series, uid=uid), what)
        taken.add(uid)
    return described


def scan_folder(
    folder: Path, *, recursive: bool = True, prefer: Path | None = None, pictures: bool = False
) -> Contents:
    """Read the headers of all files in a folder (and below it); `pictures` are as for `directories`."""
    contents = Contents()
    headers: list[Header] = []
    for each in directories(folder, recursive=recursive, prefer=prefer, pictures=pictures):
        headers += each.headers
        contents.volumes |= each.volumes
        contents.unread |= each.unread
    contents.stacks = stacks_of(headers, prefer)
    return contents


@dataclass
class Directory:
    """What lies in one directory: headers of DICOM pictures, files of other formats, and what was neither, with the reason."""

    path: Path
    headers: list[Header] = field(default_factory=list)
    volumes: dict[Path, Format] = field(default_factory=dict)
    unread: dict[Path, str] = field(default_factory=dict)


def directories(
    folder: Path, *, recursive: bool = True, prefer: Path | None = None, pictures: bool = False
) -> Iterator[Directory]:
    """Read the headers of all files in a folder, one directory after the other.

    Parameters
    ----------
    folder, recursive
        Where to look, and whether below it too.
    prefer
        A file that counts although its name begins with a dot.
    pictures
        Whether the pictures of a directory without any other images are radiographs. Beside DICOM or volumes they are previews.

    Yields
    ------
    Directory
        As soon as its files have been looked at.
    """
    closed: dict[Path, str] = {}

    def refuse(error: OSError) -> None:
        where = Path(error.filename or folder)
        closed[where] = f"{where} cannot be read ({error.strerror}); check its permissions."

    for path, below, names in os.walk(folder, onerror=refuse):
        here = Directory(Path(path), unread=dict(closed))
        closed.clear()
        stores = [name for name in sorted(below) if _add_volume(here.path / name, here)]
        below[:] = sorted(n for n in below if n not in stores and not n.startswith(".")) if recursive else []
        films: dict[Path, Format] = {}
        for name in sorted(names):
            file = here.path / name
            if (name.startswith(".") and file != prefer) or name.endswith(_OWN_FILES):
                continue
            if pictures and (form := _picture_format(file)) is not None:
                films[file] = form
            else:
                _scan_one(file, here)
        if here.headers or here.volumes:
            here.unread |= dict.fromkeys(films, "")
        else:
            here.volumes = films
        yield here
    if closed:
        yield Directory(folder, unread=closed)


def _picture_format(path: Path) -> Format | None:
    """The format of a file that is, or is named as, a picture."""
    if not os.path.isfile(path):
        return None
    form = format_of(path)
    return form if form is not None and form.flat and not form.in_folders else None


def _scan_disc(path: Path) -> Contents:
    """Read the headers of the files that a DICOMDIR lists."""
    files, count = listed_files(path)
    found = Directory(path.parent)
    for file in files:
        _scan_one(file, found)
    headers = found.headers
    contents = Contents(volumes=found.volumes, unread=found.unread)
    if not headers:
        raise NoImagesError(
            f"{path} is the directory of a disc and lists {count} file(s), of which {len(files)} are beside it and none is "
            "a picture; copy the whole disc, or open the folder with the images."
        )
    contents.stacks = stacks_of(headers)
    if len(files) < count:
        missing = f"{count - len(files)} of {count} files that {path.name} lists are not there; copy the disc again."
        for stack in contents.stacks:
            stack.warnings.append(missing)
    return contents


def scan_file(path: Path) -> Contents:
    """Find the series of one DICOM file: that of its folder which the file belongs to.

    Raises
    ------
    ImageError
        The file itself cannot be read.
    """
    header = read_header(path)
    if header is None or not header.has_pixels:
        return Contents(unread={path: ""})
    contents = scan_folder(path.parent, recursive=False, prefer=path)
    contents.stacks = [s for s in contents.stacks if any(part.path == path for part in s.slices)]
    contents.volumes = {}
    # Whoever names one file did not ask about what lies beside it; a damaged slice may be one of its own series.
    contents.unread = {p: why for p, why in contents.unread.items() if why and NO_PICTURE not in why}
    return contents


def stack_series(stack: Stack, contents: Contents) -> Series:
    """Describe a stack of DICOM slices by its headers."""
    header, first = stack.header, stack.slices[0]
    files = tuple(dict.fromkeys(s.path for s in stack.slices))
    shape: tuple[int, ...] = first.shape if stack.is_radiograph else (len(stack.slices), *first.shape)
    return Series(
        uid=stack.uid,
        description=", ".join(filter(None, (header.text("SeriesDescription"), stack.label))),
        modality=stack.modality,
        n_slices=len(stack.slices),
        spacing=_spacing(stack),
        shape=shape,
        patient_id=header.text("PatientID"),
        date=header.code("StudyDate"),
        files=files,
        path=Path(os.path.commonpath([f.parent for f in files])),
        kind=stack.kind,
        warnings=(*stack.warnings, *contents.warnings_for({f.parent for f in files})),
    )


def _spacing(stack: Stack) -> tuple[float, ...] | None:
    in_plane = stack.slices[0].pixel_spacing
    if in_plane is None:
        return None
    if stack.is_radiograph:
        return in_plane
    along = stack.distances
    if along is None or stack.trouble:
        return None
    if len(along) == 1:
        return ((stack.slices[0].numbers("SliceThickness") or (1.0,))[0] or 1.0, *in_plane)
    return (round(float(np.median(np.diff(along))), 6), *in_plane)


def _scan_one(path: Path, found: Directory) -> None:
    suffix = suffix_of(path)
    if not os.path.isfile(path):  # opening a pipe would wait for ever
        dangling = path.is_symlink() and not path.exists()
        found.unread[path] = (
            f"{path.name} is a link that leads nowhere and was passed over." if dangling else ""
        )
        return
    if suffix in _COMPANIONS and _has_header_file(path):
        return
    if _add_volume(path, found):
        return
    try:
        header = read_header(path)
    except ImageError as error:
        # An empty file is worth a word only where it should have been a slice.
        if not isinstance(error, EmptyFileError) or suffix in SUFFIXES or not suffix:
            found.unread[path] = str(error)
        return
    if header is None:
        found.unread[path] = archive_sentence(path) if is_archive_name(path) else ""
    elif header.has_pixels:
        found.headers.append(header)
    elif path.name.upper() != "DICOMDIR" and not is_media_directory(path):
        found.unread[path] = f"{path.name} {NO_PICTURE} ({_kind_of(header)}) and was ignored."


def _add_volume(path: Path, found: Directory) -> bool:
    """Note a path that is a study of its own; whether it is one."""
    form = format_of(path)
    if form is None or not form.in_folders or (path.is_file() and _is_dicom_inside(path)):
        return False
    found.volumes[path] = form
    return True


def _is_dicom_inside(path: Path) -> bool:
    """Whether a file that bears another format's suffix is DICOM; one that cannot be opened says so later."""
    try:
        return is_part10(path)
    except OSError:
        return False


def _kind_of(header: Header) -> str:
    from pydicom.uid import UID

    return UID(header.code("SOPClassUID")).name or header.code("Modality") or "unknown object"


def _has_header_file(path: Path) -> bool:
    return any(
        (path.parent / (stem_of(path) + suffix)).exists() for suffix in (".mhd", ".nhdr", ".hdr", ".hdr.gz")
    )
