"""Work that never ends: what kills it finds some done and some begun."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

from napari_lungmtl.training.data.processes import each


def never(where: Path, scan: object) -> None:
    """Begin, and say so."""
    (where / f"begun.{os.getpid()}").touch()
    time.sleep(600)


def begin(data: Path, out: Path) -> int:
    """Prepare a set in a fork, which comes as far as the third scan; gives its process."""
    from napari_lungmtl.training.data.public.ct.layouts import open_scan_set
    from napari_lungmtl.training.networks.ag3d.sets.prepare import prepare_set

    out.mkdir()
    scans = open_scan_set(data)
    slow = [replace(scan, open=partial(never, out, scan)) for scan in scans.scans[2:]]
    child = os.fork()
    if child == 0:
        try:
            prepare_set(replace(scans, scans=(*scans.scans[:2], *slow)), out, processes=1)
        finally:
            os._exit(1)
    return child


if __name__ == "__main__":
    list(each(partial(never, Path(sys.argv[1])), [1, 2, 3], processes=2))
