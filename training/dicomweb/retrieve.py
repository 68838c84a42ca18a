"""Retrieve a series into a folder (WADO-RS, DICOM PS3.18 10.4): whole, or not there at all."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
import uuid
import warnings
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..error_boundary import as_sentences
from ..findings.hand_on import file_stem
from ..inference.predictor import Progress
from .connection import connect
from .errors import ArchiveError, told
from .query import find_series, instances_of
from .server import Server

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

AS_STORED = (("application/dicom", "*"),)
"""In whichever transfer syntax the archive has it: asked for another one, many cannot give it."""
PARTIAL = ".partial-"
"""Begins the name of the folder that a series comes into; readers pass over folders whose names begin with a dot."""
_LEFT_S = 86400.0


@dataclass(frozen=True)
class Retrieved:
    """A series on this machine.

    Parameters
    ----------
    folder
        Where it lies, alone.
    count
        How many instances it has.
    was_there
        Whether it lay there already, whole, and nothing had to be retrieved.
    """

    folder: Path
    count: int
    was_there: bool = False


def retrieve_series(
    server: Server, series_uid: str, folder: Path, study_uid: str = ""
) -> Generator[Progress, None, Retrieved]:
    """Retrieve a series, one instance in memory at a time, into a folder of its own.

    It comes into a hidden folder that takes its name only when all is there; stopped or failed, that folder goes.

    Parameters
    ----------
    server
        The archive.
    series_uid
        SeriesInstanceUID.
    folder
        Where the folder of the series is made.
    study_uid
        StudyInstanceUID, where it is known.

    Yields
    ------
    Progress
        After each instance; to close the generator stops it.

    Raises
    ------
    ArchiveError
        As `told`; the archive has no such series, or gave less of it than it has.
    """
    yield Progress(0.0, "asking what the series holds")
    _tidy(folder)
    client = connect(server)
    study_uid = study_uid or find_series(client, server, series_uid).study_uid
    wanted = instances_of(client, server, study_uid, series_uid)
    if not wanted:
        raise ArchiveError(f"{server} has no series {series_uid} any more: search again.")
    names: set[str] = set()
    files = {uid: f"{file_stem(uid, names)}.dcm" for uid in wanted}
    target = folder / file_stem(series_uid, set())
    if all((target / name).is_file() for name in files.values()):
        return Retrieved(target, len(files), was_there=True)
    partial = folder / f"{PARTIAL}{uuid.uuid4().hex}"  # two windows may retrieve the same
    with as_sentences(folder, ArchiveError):
        partial.mkdir(parents=True)
    try:
        with told(server):
            parts = client.iter_series(study_uid, series_uid, media_types=AS_STORED)
        done: set[str] = set()
        while (found := _next(parts, server, series_uid)) is not None:
            uid, instance = found
            if uid not in files:  # came to the archive since
                files[uid] = f"{file_stem(uid, names)}.dcm"
            with as_sentences(folder, ArchiveError), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                instance.save_as(partial / files[uid], enforce_file_format=False)
            done.add(uid)
            yield Progress(
                min(len(done) / len(files), 1.0), f"retrieving, {len(done)} of {len(files)} images"
            )
        if files.keys() - done:
            raise ArchiveError(
                f"{server} gave {len(done)} of {len(files)} instances of the series: try again, and look at its log."
            )
        with as_sentences(folder, ArchiveError):
            _move(partial, target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return Retrieved(target, len(files))


def _tidy(folder: Path) -> None:
    """Take away what a process left that was killed more than a day ago."""
    with contextlib.suppress(OSError):
        for left in folder.glob(f"{PARTIAL}*"):
            if time.time() - left.stat().st_mtime > _LEFT_S:
                shutil.rmtree(left, ignore_errors=True)


def _next(parts: object, server: Server, series_uid: str) -> tuple[str, Dataset] | None:
    """The next instance that the archive gives, with its SOPInstanceUID, or None after the last."""
    with told(server), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        instance = next(parts, None)  # type: ignore[call-overload]
        if instance is None:
            return None
        if str(instance.SeriesInstanceUID) != series_uid:
            raise ValueError("another series")
        return str(instance.SOPInstanceUID), instance


def _move(partial: Path, target: Path) -> None:
    """Give the folder its name; where an older state of the series lies there, with a person's findings, add what it lacks."""
    if not target.exists():
        os.replace(partial, target)
        return
    for file in sorted(partial.iterdir()):
        os.replace(file, target / file.name)
