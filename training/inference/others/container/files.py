"""What goes into a container, and what comes out of it: a CT as DICOM without names, and nodules in one of three formats."""

from __future__ import annotations

import contextlib
import os
import struct
from collections.abc import Generator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ....error_boundary import reads
from ....findings import Finding, Mask, Sphere
from ....findings.formats.dicom.seg import segments_of
from ....findings.formats.errors import FindingsFileError
from ....findings.formats.json_document import read_json
from ....findings.formats.json_values import checked, entries_of, number
from ....findings.formats.luna16 import read_submission
from ....findings.import_file import UNKNOWN_MM
from ....findings.measurements.segment import NoEdgeError
from ....imaging.dicom.write_series import identity_of, slice_dataset
from ....imaging.image import Image
from ....segmentation.grow import LeakError, grow
from .card import ContainerSettings

MOST_BYTES, MOST_NODULES = 1 << 30, 1000
"""A file of findings that is larger, or has more of them, holds something else."""


@dataclass(frozen=True)
class Written:
    """Nodules that a container found, sentences for the person, and whether it says how large they are."""

    nodules: tuple[Finding, ...]
    notes: tuple[str, ...] = ()
    sized: bool = False


def write_input(image: Image, folder: Path) -> Generator[int, None, None]:
    """Write a CT as a DICOM series without names and dates, under identifiers made from its voxels.

    Yields
    ------
    int
        How many slices are written.

    Raises
    ------
    ValueError
        Values do not fit CT pixels.
    """
    nameless = _nameless(image)
    identity = identity_of(nameless)
    for index in range(len(nameless.voxels)):
        file = folder / f"{index + 1:04d}.dcm"
        slice_dataset(nameless, index, identity=identity).save_as(file, enforce_file_format=True)
        file.chmod(0o644)  # the container's root without rights is no owner of it
        yield index + 1


def _nameless(image: Image) -> Image:
    """The voxels and their place alone: what a container was given, and what its output belongs to."""
    return Image(image.voxels, "CT", image.spacing, image.origin)


def share(folder: Path) -> None:
    """Let this user delete what another makes in a folder, as Docker's root does; where there are no such lists it stays."""
    if not hasattr(os, "setxattr"):
        return
    nobody, all_rights = 0xFFFFFFFF, 7
    # POSIX ACL, version 2: tags of the owner, this user, the group, the mask and the others, as linux/posix_acl_xattr.h has them.
    entries = ((1, nobody), (2, os.getuid()), (4, nobody), (16, nobody), (32, nobody))
    rights = b"".join(struct.pack("<HHI", tag, all_rights, who) for tag, who in entries)
    with contextlib.suppress(OSError):
        os.setxattr(folder, "system.posix_acl_default", struct.pack("<I", 2) + rights)


def find_output(folder: Path, pattern: str) -> Path:
    """The one file of an output that a pattern means; a link that leads out of the folder is none.

    Raises
    ------
    FindingsFileError
        There is none, or there are several, or it is too large.
    """
    inside = folder.resolve()
    found = [p for p in folder.glob(pattern) if p.is_file() and p.resolve().is_relative_to(inside)]
    if len(found) != 1:
        raise FindingsFileError(f"there are {len(found)} files {pattern} in its output, and one is expected")
    if found[0].stat().st_size > MOST_BYTES:
        raise FindingsFileError(f"{found[0].name} has more than {MOST_BYTES:,} bytes")
    return found[0]


def read_output(path: Path, image: Image, settings: ContainerSettings) -> Written:
    """Read nodules in the way that the file's suffix says; those outside of the image are left out, with a sentence.

    Raises
    ------
    FindingsFileError
        It is damaged, or something else.
    """
    if path.suffix == ".dcm":
        written = _segmentation(path, image, settings.segments)
    else:
        written = _report(path) if path.suffix == ".json" else _submission(path)
    _require_few(path, len(written.nodules))
    inside = tuple(f for f in written.nodules if image.contains(f.center))
    outside = len(written.nodules) - len(inside)
    said = (f"{outside} of its marks lie outside of the image, and are left out",) if outside else ()
    return replace(written, nodules=inside, notes=(*written.notes, *said))


def _require_few(path: Path, count: int) -> None:
    if count > MOST_NODULES:
        raise FindingsFileError(f"{path} has {count} separate marks, which are no nodules")


def measured(written: Written, image: Image) -> Generator[int, None, Written]:
    """Give marks the diameter of what grows at their places; where nothing does they keep theirs, and a sentence counts them.

    Yields
    ------
    int
        The number of the mark whose turn it is.
    """
    nodules, count = [], 0
    for number_, finding in enumerate(written.nodules, 1):
        yield number_
        with contextlib.suppress(NoEdgeError, LeakError):
            z, y, x = finding.center
            sphere = Sphere((z, y, x), grow(image, [finding.center]).sphere.diameter)
            finding, count = finding.with_(geometry=sphere), count + 1
        nodules.append(finding)
    others = f", and {UNKNOWN_MM:g} mm is taken for the others" if count < len(nodules) else ""
    said = f"it gives no sizes: {count} of {len(nodules)} were measured here{others}"
    return replace(
        written, nodules=tuple(nodules), notes=(*written.notes, said) if nodules else written.notes
    )


@reads(FindingsFileError)
def _report(path: Path) -> Written:
    """The report of MHub's gc_grt123_lung_cancer: centres in LPS mm, and probabilities."""
    document = read_json(path)
    try:
        checked(document, dict)
        if checked(document["lungcad"], dict)["coordinatesystem"] != "World":
            raise FindingsFileError(f"{path} has places in other coordinates than World, which is LPS mm")
        entries = entries_of(document)
        nodules = tuple(
            Finding(
                Sphere((number(e["z"]), number(e["y"]), number(e["x"])), UNKNOWN_MM),
                score=_probability(e["probability"]),
                scores={"cancer": _probability(e["cancerprobability"])},
            )
            for e in entries
        )
        cancer = _probability(checked(document["cancerinfo"], dict)["casecancerprobability"])
    except (KeyError, TypeError, ValueError) as error:
        raise FindingsFileError(
            f"{path} is no report of nodules as MHub's, or is damaged: {error!r}"
        ) from None
    return Written(nodules, (f"the probability of cancer is {cancer:.2f} for this scan",))


def _probability(value: object) -> float:
    if not 0 <= number(value) <= 1:
        raise ValueError(f"a probability lies between 0 and 1, not {number(value):.4g}")
    return number(value)


@reads(FindingsFileError)
def _submission(path: Path) -> Written:
    spots = list(read_submission(path).values())
    if len(spots) > 1:
        raise FindingsFileError(f"{path} has lines of {len(spots)} series, and one was given")
    return Written(
        tuple(
            Finding(Sphere((z, y, x), UNKNOWN_MM), score=float(p))
            for each in spots
            for (z, y, x), p in zip(each.center, each.value, strict=True)
        )
    )


@reads(FindingsFileError)
def _segmentation(path: Path, image: Image, wanted: frozenset[str]) -> Written:
    """Each component (26 neighbours) of the segments that are nodules: one segment of MHub's holds all lesions."""
    import cc3d
    from scipy.ndimage import find_objects

    def refused(said: Any) -> str:
        kind = said.segmented_property_type
        if wanted & {kind.value.lower(), kind.meaning.lower(), str(said.SegmentLabel).lower()}:
            return ""
        return f"its segment {said.SegmentLabel} is none that its card calls nodules, and is left out"

    # Its frame of reference is that of the copy.
    segments, problems = segments_of(path, _nameless(image), refused=refused)
    nodules: list[Finding] = []
    for _, _, mask in segments:
        labels, count = cc3d.connected_components(mask.to_array(), connectivity=26, return_N=True)
        _require_few(path, len(nodules) + count)
        for number_, box in enumerate(find_objects(labels.astype(np.int32)), 1):
            corner = np.asarray(mask.origin) + [s.start * d for s, d in zip(box, mask.spacing, strict=True)]
            part = Mask.from_array(labels[box] == number_, mask.spacing, tuple(corner))
            nodules.append(Finding(part))
    unscored = ("it gives no scores: 1 is taken for each",) if nodules else ()
    told = (p.replace(str(path), path.name).rstrip(".") for p in problems)
    return Written(tuple(nodules), (*told, *unscored), sized=True)
