"""Findings handed on as a person asks: which of them, in which format, without identities, with files beside them."""

from __future__ import annotations

import re
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..export_options import Format
from .deidentify import Deidentifier
from .export import IN_DICOM, export, holdable
from .finding import Findings
from .formats.errors import SaveError

if TYPE_CHECKING:
    from .formats.dicom.writing.source import Source


@dataclass(frozen=True)
class Handed:
    """What was written.

    Parameters
    ----------
    path
        The file.
    count
        How many findings are in it.
    said
        Sentences on further files and on what was left out.
    attached
        The files that were attached, and what they became.
    look_at
        Sentences on what a person must look at before it is passed on: text burnt into pictures.
    """

    path: Path
    count: int
    said: tuple[str, ...] = ()
    attached: tuple[tuple[Path, Path], ...] = ()
    look_at: tuple[str, ...] = ()


def hand_on(
    cases: Sequence[Findings],
    path: Path,
    format: Format,
    hide: Deidentifier | None = None,
    attach: Sequence[Path] = (),
    networks: Sequence[str] = (),
) -> Generator[str, None, Handed]:
    """Write findings into one file, and attached files beside it; yield what is done next, in words.

    Parameters
    ----------
    cases
        The findings of each image.
    path
        The file.
    format
        Its format.
    hide
        Hides identities; one for all files of a batch.
    attach
        PDFs, pictures, volumes of values: written as DICOM of the same study, named after `path`.
    networks
        Have columns in a CSV table in any case.

    Returns
    -------
    Handed
        What was written.

    Raises
    ------
    SaveError
        As `export` and `write_attachment`.
    """
    if attach and format not in IN_DICOM:
        raise SaveError(
            f"{attach[0]} was not attached: that goes with DICOM formats, not with {format.value}"
        )
    source: Source | None = None
    if format in IN_DICOM and len(cases) == 1 and (len(cases[0]) or cases[0].regions):
        from .formats.dicom.writing.source import open_source

        yield "reading the headers of the series"
        source = open_source(cases[0].image, path)
    look_at: tuple[str, ...] = ()
    if hide is not None:
        from .identity.burnt_in import burnt_in

        yield "looking for text in the pictures"
        look_at = tuple(burnt_in(cases, source, attach))
        cases = [hide.findings(case) for case in cases]
        source = None if source is None else replace(hide.source(source), image=cases[0].image)
    yield "writing"
    said = export(cases, path, format, networks, source)
    beside = []
    for number, file in enumerate(attach, 1):
        from .formats.dicom.writing.attachments import write_attachment

        yield f"attaching {number} of {len(attach)}"
        assert source is not None
        # A name that somebody gave may be the patient's.
        name = f"attached_{number}" if hide is not None else file_stem(file.name.replace(".", "_"), set())
        made = path.with_name(f"{path.name.split('.')[0]}_{name}.dcm")
        write_attachment(file, made, source)
        beside.append((file, made))
    return Handed(path, _count(cases, format, said), tuple(said), tuple(beside), look_at)


def _count(cases: Sequence[Findings], format: Format, said: Sequence[str]) -> int:
    """How many findings are in the file that was written."""
    if format not in IN_DICOM:
        return sum(len(holdable(case, format)) for case in cases)
    from .formats.dicom.writing.left_out import count_left_out

    return sum(map(len, cases)) - count_left_out(said)


def file_stem(name: str, taken: set[str]) -> str:
    """Make of any text a file name without folders, dots at its ends or strange letters, that no other case has.

    It is added to `taken`.

    Examples
    --------
    >>> file_stem("../../etc/passwd", set())
    'etc_passwd'
    """
    plain = re.sub(r"[^\w.\-]+", "_", name).strip("._-")[:100].rstrip("._-") or "case"
    if plain.split(".")[0].upper() in _DEVICES:
        plain = f"case_{plain}"
    stem, number = plain, 1
    while stem.lower() in taken:
        number += 1
        stem = f"{plain}_{number}"
    taken.add(stem.lower())
    return stem


_DEVICES = frozenset(
    ("CON", "PRN", "AUX", "NUL", *(f"{name}{n}" for name in ("COM", "LPT") for n in range(10)))
)
"""Names that are devices on Windows, with any suffix."""
