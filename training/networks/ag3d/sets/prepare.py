"""From a public set of whole CTs, as it was downloaded, to the cubes and thoraxes that the detector is trained on.

Several processes each read a scan; of each a folder is left with its cubes and the part around the lungs at 1 mm, of which training
reads the patches that it draws. What is done is not done again, unless a file of it is not what was written.
"""

from __future__ import annotations

import glob
import json
import logging
import shutil
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ....data.errors import DatasetError
from ....data.processes import each
from ....data.public.ct.cubes import KNOWN, SCANS, write_cube_folder, write_scan_cubes
from ....data.public.ct.scan_set import ScanSet, SetScan
from ....data.sharded import damaged_files, write_hashes
from ....error_boundary import as_sentences
from ....errors import LungmtlError
from ....findings import Findings
from ....findings.formats.atomic import write_atomically
from ....imaging.ct.lung_field import lung_field
from ....log_file import log_error
from ..mining import thorax_of
from ..predictor import prepare
from ..thorax import store_thorax

log = logging.getLogger(__name__)
LEFT_OVER = 3600.0
"""Seconds without a change after which a scan that is not whole belongs to nobody."""
SET = "set.json"
"""What is written last: title, licence, limit, how many scans are there, and why others are not."""


def prepare_set(scans: ScanSet, out: Path, processes: int | None = None) -> Path:
    """Prepare a set for training; what is there already, and whole, stays.

    Parameters
    ----------
    scans, out
        The set, and the folder for it.
    processes
        How many work at once; by default as many as cores and memory allow.

    Returns
    -------
    Path
        `out`: a folder in the layout of nodule cubes, with folds, and the thoraxes below ``scans``.

    Raises
    ------
    DatasetError
        No scan could be read.
    """
    failed = {}
    (out / SCANS).mkdir(parents=True, exist_ok=True)
    todo = [
        _Task(scan, out / SCANS / scan.name) for scan in scans.scans if not _is_done(out / SCANS / scan.name)
    ]
    done = len(scans.scans) - len(todo)
    for task, sentence in each(_prepare, todo, processes):
        if sentence:  # one bad scan must not cost the others
            failed[task.scan.name] = sentence
            log.warning("%s is left out: %s", task.scan.name, sentence)
        done += 1
        if done % 20 == 0:
            log.warning("%d of %d scans of %s are prepared", done, len(scans.scans), scans.title)
    count = len(scans.scans) - len(failed)
    if not count:
        raise DatasetError(f"no scan of {scans.title} could be prepared: {next(iter(failed.values()))}")
    written = out / SET
    if not written.is_file() or json.loads(written.read_text(encoding="utf-8"))["scans"] != count:
        write_cube_folder(out)
        about = {"title": scans.title, "licence": scans.licence, "limit": scans.limit, "scans": count}
        # Other processes of a training take it as soon as it is there.
        write_atomically(written, json.dumps({**about, "left_out": failed}, indent=1).encode())
    return out


@dataclass(frozen=True)
class _Task:
    """A scan, and the folder for what comes of it."""

    scan: SetScan
    target: Path


def _is_done(target: Path) -> bool:
    """Whether a scan is prepared and whole; what is not is taken away, and the file named."""
    if not target.exists():
        return False
    damaged = damaged_files(target) if (target / KNOWN).is_file() else [KNOWN]
    if damaged:
        log.warning(
            "%s is not what was written (%d file(s)): the scan is prepared again",
            target / damaged[0],
            len(damaged),
        )
        shutil.rmtree(target)
    return not damaged


def _prepare(task: _Task) -> str:
    """Prepare a scan; why it cannot be, or nothing."""
    try:
        with as_sentences(task.scan.path):
            _prepare_scan(task.scan, task.target)
    except LungmtlError as error:
        log_error(error, task.scan.path)
        return " ".join(str(error).split())
    return ""


def _prepare_scan(scan: SetScan, target: Path) -> None:
    read = scan.open()
    lungs = lung_field(read.image) if read.lungs is None else read.lungs
    volume, near = prepare(read.image, lungs)
    thorax = thorax_of(read.known, volume, near, Findings(()), read.image.scale[0])
    _remove_leftovers(target)
    # Not by the process' number: in a container each run has the same, and what a killed one left would be in the way.
    partial = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
    partial.mkdir()
    try:
        store_thorax(partial, thorax)
        write_scan_cubes(partial, read, scan.fold)
        write_hashes(partial)
        if not target.exists():  # another process may have been as fast
            partial.rename(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _remove_leftovers(target: Path) -> None:
    """Remove what killed processes left of a scan; writing one takes seconds."""
    for partial in target.parent.glob(f".{glob.escape(target.name)}.*"):
        with suppress(OSError):  # another process may be as fast
            if time.time() - partial.stat().st_mtime > LEFT_OVER:
                shutil.rmtree(partial)
