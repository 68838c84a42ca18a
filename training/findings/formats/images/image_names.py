"""What files call an image, so that no two images of a file share a name, and each takes back its own only.

A table calls an image by its series identifier (DICOM: the SeriesInstanceUID; else the file's name without suffix), a list of
pictures by its file's name. Where that is the same for two images that are written together, the folders that tell them apart
stand before it: ``p1/ct``, ``p2/ct``. On the way back a name means an image only if its folders are the image's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from ....imaging.formats import format_by_suffix
from ....imaging.paths import stem_of, suffix_of
from ...finding import Findings, ImageReference
from ..errors import FindingsFileError, SaveError

_OTHERS = (".dcm", ".dicom", ".ima", ".zarr")
"""Suffixes of images that are in no table of formats by their suffix."""


def image_name(image: ImageReference) -> str:
    """What a list of pictures calls an image: its file, or the series where there is none or a folder of many."""
    return _path(image)[-1]


def apart(
    cases: Iterable[Findings],
    path: Path | str,
    short: Callable[[ImageReference], str] = lambda image: image.series_uid,
) -> list[tuple[str, Findings]]:
    """Name the images of findings that are written into one file.

    Parameters
    ----------
    cases
        The findings of each image.
    path
        The file, for the sentence.
    short
        What the format calls an image that no other is confused with.

    Returns
    -------
    list of tuple
        The name and the findings of each, in their order.

    Raises
    ------
    SaveError
        Nothing tells two of them apart.
    """
    cases = list(cases)
    alike: dict[str, list[int]] = {}
    for i, case in enumerate(cases):
        alike.setdefault(_stem(_split(short(case.image))[-1]), []).append(i)
    names: dict[int, str] = {}
    for group in alike.values():
        names |= zip(group, _apart([cases[i].image for i in group], path, short), strict=True)
    return [(names[i], case) for i, case in enumerate(cases)]


def renamed(cases: Iterable[Findings], path: Path | str) -> list[Findings]:
    """Give the findings of images that are written into one table the series identifiers that it has for them.

    Raises
    ------
    SaveError
        As `apart`.
    """
    return [
        case if name == case.image.series_uid else replace(case, image=replace(case.image, series_uid=name))
        for name, case in apart(cases, path)
    ]


def own_name(names: Iterable[str], image: ImageReference, path: Path | str) -> str | None:
    """Choose the one of a file's names for images that means this image; None where none does.

    Raises
    ------
    FindingsFileError
        Several can mean it: which one does not tell the file.
    """
    own = _meant(names, image)
    if len(own) > 1:
        raise FindingsFileError(
            f"{path} names {own[0]} and {own[1]}, and both can be {image.source or image.series_uid}: "
            "put into it the folders that tell them apart, or delete the other"
        )
    return own[0] if own else None


def is_named(name: str, image: ImageReference) -> bool:
    """Whether a file's name for an image can mean this one: its folders are the image's, and suffixes do not count."""
    return _agreement(name, image, _path(image)) > 0


def named_by_file(image: ImageReference) -> bool:
    """Whether an image is called as its file, and not by an identifier that no other has (DICOM)."""
    name = _split(image.source)[-1]
    return bool(image.source) and format_by_suffix(Path(name)) is not None and _stem(name) == image.series_uid


def folders_alike(one: ImageReference, other: ImageReference) -> int:
    """Count the last parts of two paths that are the same, the file's name among them."""
    pairs = zip(reversed(_path(one)), reversed(_path(other)), strict=False)
    return next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(_path(one)), len(_path(other))))


def _apart(
    images: Sequence[ImageReference], path: Path | str, short: Callable[[ImageReference], str]
) -> list[str]:
    """Names of images that may be confused: the shortest with which each takes back its own."""
    for names in _choices(images, short):
        if len(images) == 1 or (
            all(_meant(names, image) == [name] for name, image in zip(names, images, strict=True))
            and len(set(names)) == len(names)
        ):
            return names
    one, other = _confused(images)
    raise SaveError(
        f"{path} was not saved: two images are named {short(one)} ({one.source or 'of no file'} and "
        f"{other.source or 'of no file'}), and nothing tells them apart; write each into a file of its own"
    )


def _choices(images: Sequence[ImageReference], short: Callable[[ImageReference], str]) -> Iterator[list[str]]:
    """Names of images from the shortest on: alone, with the same number of folders each, and with the suffix."""
    paths = [_path(image) for image in images]
    deepest = max(map(len, paths))
    for last in (list(map(short, images)), [path[-1] for path in paths]):
        for folders in range(deepest):
            yield [
                "/".join((*path[:-1][max(len(path) - 1 - folders, 0) :], name))
                for path, name in zip(paths, last, strict=True)
            ]


def _confused(images: Sequence[ImageReference]) -> tuple[ImageReference, ImageReference]:
    """Two images of the same path, else the first two."""
    seen: dict[tuple[str, ...], ImageReference] = {}
    for image in images:
        if (before := seen.setdefault((*_path(image), image.series_uid), image)) is not image:
            return before, image
    return images[0], images[1]


def _meant(names: Iterable[str], image: ImageReference) -> list[str]:
    """Which names mean an image, of those that agree with it best."""
    path = _path(image)
    ends = {_stem(path[-1]), _stem(image.series_uid)} - {""}
    likely = (name for name in names if any(end in name for end in ends))  # tables have a thousand names
    agreements = {name: _agreement(name, image, path) for name in likely}
    best = max(agreements.values(), default=0)
    return [name for name, value in agreements.items() if best and value == best]


def _agreement(name: str, image: ImageReference, path: tuple[str, ...]) -> int:
    """0 where a name cannot mean an image, 2 where it does to the letter, 1 where the suffix is another or absent."""
    if not name:
        return 0
    if name == image.series_uid:
        return 2
    parts = _split(name)
    folders = parts[:-1]
    if len(folders) >= len(path) or folders != path[:-1][len(path) - 1 - len(folders) :]:
        return 0
    file, last = path[-1], parts[-1]
    if last and last in (file, image.series_uid):
        return 2
    return int(bool(last) and _stem(last) in (file, _stem(file), image.series_uid))


def _path(image: ImageReference) -> tuple[str, ...]:
    """The parts of the path of an image; in a folder of many the last is the series identifier."""
    parts = _split(image.source) if image.source else ()
    if parts and (not image.series_uid or _is_file(image, parts[-1])):
        return parts
    return (*parts, image.series_uid)


def _is_file(image: ImageReference, name: str) -> bool:
    """Whether the path of an image leads to it alone, and not to a folder that may hold others."""
    if _stem(name) != name:
        return True
    place = Path(image.source)
    return not place.is_dir() if place.exists() else image.series_uid == name


def _split(text: str) -> tuple[str, ...]:
    """The parts of a path, as any system writes it."""
    return tuple(part for part in re.split(r"[/\\]+", text) if part) or (text,)


def _stem(name: str) -> str:
    """A name without the suffix of an image; the dots of an identifier begin none."""
    path = Path(name)
    known = suffix_of(path) in _OTHERS or format_by_suffix(path) is not None
    return stem_of(path) if known else name
