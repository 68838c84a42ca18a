"""The process that reads: one line of JSON in (kind, path), one line out; its death is a finding, and it is started anew.

Nothing is caught here but what tells a finding from a refusal: `LungmtlError` is the right answer to damage.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

GIGABYTE = 2**30
MOST_MEMORY = 2 * GIGABYTE


def _image(path: Path) -> tuple[Any, bool]:
    from napari_lungmtl.training.imaging import list_series, read_image

    listed = list_series(path)
    image = read_image(path, series=listed[0].uid if len(listed) > 1 else None)
    geometry = (image.shape, str(image.voxels.dtype), image.spacing, image.origin)
    return (hashlib.sha256(image.voxels.tobytes()).hexdigest(), *map(str, geometry)), bool(image.warnings)


def _table(module: str, name: str, *arguments: Any) -> Callable[[Path], tuple[Any, bool]]:
    def read(path: Path) -> tuple[Any, bool]:
        from importlib import import_module

        function = getattr(import_module(f"napari_lungmtl.training.{module}"), name)
        return repr(function(path, *arguments)), False

    return read


def _reference() -> Any:
    from napari_lungmtl.training.findings import ImageReference

    return ImageReference("a", "a.png", "DX", (50, 60), (1, 1), (0, 0))


def _truth(path: Path) -> tuple[Any, bool]:
    from napari_lungmtl.training.findings.formats.truth.load import load_truth
    from napari_lungmtl.training.imaging import Image

    image = Image(np.zeros((50, 60), np.uint8), "DX", (1.0, 1.0), series_uid="a", source=Path("a.png"))
    return repr(load_truth(path, image)), False


def _nodules(path: Path) -> tuple[Any, bool]:
    from napari_lungmtl.training.findings.formats.node21 import read_nodules_json

    return repr(read_nodules_json(path, (_reference(),))), False


FORMATS = "findings.formats"
READERS: dict[str, Callable[[Path], tuple[Any, bool]]] = {
    "image": _image,
    "truth": _truth,
    "nodules": _nodules,
    "annotations": _table(f"{FORMATS}.luna16", "read_annotations"),
    "submission": _table(f"{FORMATS}.luna16", "read_submission"),
    "series": _table(f"{FORMATS}.luna16", "read_series"),
    "metadata": _table(f"{FORMATS}.node21", "read_metadata"),
    "nih": _table(f"{FORMATS}.nih", "read_boxes"),
    "clndat": _table(f"{FORMATS}.jsrt", "read_nodules"),
    "findings_csv": _table(f"{FORMATS}.csv_file", "read_csv"),
    "oof": _table("crossval.out_of_fold_file", "read_out_of_fold"),
    "findings": _table(f"{FORMATS}.json_file", "read_findings"),
    "coco": _table(f"{FORMATS}.coco", "read_coco"),
    "card": _table("inference.weights", "read_card"),
}


def answer(kind: str, path: Path) -> dict[str, Any]:
    """Read a file: ``read`` with what came of it, ``refused`` with the sentence, or ``raw`` with the traceback."""
    from napari_lungmtl.training.error_boundary import UnforeseenError, foreseen
    from napari_lungmtl.training.errors import LungmtlError
    from napari_lungmtl.training.imaging.errors import UnreadableFileError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            value, warned = READERS[kind](path)
    except LungmtlError as error:
        cause: BaseException | None = error
        while cause is not None and not isinstance(cause, MemoryError):
            cause = cause.__cause__
        if cause is not None:
            return {"is": "memory", "says": str(error)}
        # The boundary made a sentence of something that no reader knew: right for a person, a hint for us.
        told = isinstance(error, (UnforeseenError, UnreadableFileError)) and error.__cause__ is not None
        unforeseen = told and not foreseen(error.__cause__)
        return {"is": "unforeseen" if unforeseen else "refused", "says": str(error)}
    except BaseException as error:  # also panics of codecs
        frames = traceback.extract_tb(error.__traceback__)
        where = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}"
        return {"is": "raw", "says": f"{type(error).__name__} at {where}: {error}"}
    return {"is": "read", "value": hashlib.sha256(repr(value).encode()).hexdigest(), "warned": warned}


def limit_memory() -> None:
    """Stop requests far beyond `MOST_MEMORY`: pages that are asked for and never touched cost nothing, within bounds."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        pages = int(Path("/proc/self/statm").read_text().split()[0])
        most = pages * os.sysconf("SC_PAGE_SIZE") + 4 * MOST_MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def most_memory() -> int:
    """Bytes that the process has held at most; 0 where the system does not say."""
    try:
        import resource
    except ImportError:
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def serve() -> None:
    """Answer line by line until the input ends."""
    import numpy  # noqa: F401
    import PIL.Image  # noqa: F401
    import pydicom  # noqa: F401
    import SimpleITK
    import zarr  # noqa: F401

    import napari_lungmtl.training.imaging  # noqa: F401

    SimpleITK.ProcessObject.SetGlobalWarningDisplay(False)
    limit_memory()
    start = most_memory()
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print does not come between the lines
    for line in sys.stdin:
        kind, path = json.loads(line)
        found = answer(kind, Path(path))
        held = most_memory() - start
        if held > MOST_MEMORY:
            found = {"is": "memory", "says": f"{held / GIGABYTE:.1f} GB were held"}
        print(json.dumps(found), file=replies, flush=True)


if __name__ == "__main__":
    serve()
