"""From a public set of whole CTs, as it was downloaded, to the cubes and thoraxes that the detector is trained on.

Scans are read one after the other; of each a folder is left with its cubes and the part around the lungs at 1 mm, which training
maps into memory. A scan takes about 50 MB on the disk and none of the memory.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
from pathlib import Path

from ....data.errors import DatasetError
from ....data.public.ct.cubes import KNOWN, SCANS, write_cube_folder, write_scan_cubes
from ....data.public.ct.scan_set import ScanSet, SetScan
from ....error_boundary import as_sentences
from ....errors import LungmtlError
from ....findings import Findings
from ....imaging.ct.lung_field import lung_field
from ....log_file import log_error
from ..mining import thorax_of
from ..predictor import prepare
from ..thorax import store_thorax

log = logging.getLogger(__name__)
SET = "set.json"
"""What is written last: title, licence, limit, how many scans are there, and why others are not."""


def prepare_set(scans: ScanSet, out: Path) -> Path:
    """Prepare a set for training; what is there already stays.

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
    for i, scan in enumerate(scans.scans):
        target = out / SCANS / scan.name
        if (target / KNOWN).is_file():
            continue
        try:
            with as_sentences(scan.path):
                _prepare_scan(scan, target)
        except LungmtlError as error:  # one bad scan must not cost the others
            log_error(error, scan.path)
            failed[scan.name] = " ".join(str(error).split())
            log.warning("%s is left out: %s", scan.name, failed[scan.name])
        if i % 20 == 19:
            log.warning("%d of %d scans of %s are prepared", i + 1, len(scans.scans), scans.title)
    count = len(scans.scans) - len(failed)
    if not count:
        raise DatasetError(f"no scan of {scans.title} could be prepared: {next(iter(failed.values()))}")
    written = out / SET
    if not written.is_file() or json.loads(written.read_text(encoding="utf-8"))["scans"] != count:
        write_cube_folder(out)
        about = {"title": scans.title, "licence": scans.licence, "limit": scans.limit, "scans": count}
        written.write_text(json.dumps({**about, "left_out": failed}, indent=1), encoding="utf-8")
    return out


def _prepare_scan(scan: SetScan, target: Path) -> None:
    read = scan.open()
    lungs = lung_field(read.image) if read.lungs is None else read.lungs
    volume, near = prepare(read.image, lungs)
    thorax = thorax_of(read.known, volume, near, Findings(()), read.image.scale[0])
    partial = target.with_name(f".{target.name}.{os.getpid()}")
    partial.mkdir()
    try:
        store_thorax(partial, thorax)
        write_scan_cubes(partial, read, scan.fold)
        if not target.exists():  # another process may have been as fast
            partial.rename(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
