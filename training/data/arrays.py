"""Archives of arrays (``.npz``) that other programs, downloads and full disks may have damaged."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ..error_boundary import as_sentences, require_regular
from ..errors import LungmtlError
from .errors import DatasetError

_DAMAGED = (
    AttributeError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    ValueError,
    zipfile.BadZipFile,
    zlib.error,
)
"""What numpy raises on other files, on damaged ones and where an array is missing."""


@contextmanager
def open_arrays(path: Path, kind: type[LungmtlError] = DatasetError) -> Iterator[Any]:
    """Open an archive of arrays and close it again; nothing in it is ever run.

    Raises
    ------
    LungmtlError
        As `kind`: the file is missing, damaged, or lacks an array that is taken from it.
    """
    with as_sentences(path, kind):
        require_regular(path, kind)
        try:
            with np.load(path, allow_pickle=False) as archive:
                yield archive
        except _DAMAGED as error:
            why = " ".join(str(error).strip("'\"").split())
            if "allow_pickle" in why:  # what numpy proposes would run what the file holds
                why = "it holds something else than plain arrays"
            raise kind(f"{path} is damaged ({why}): get it again from its source.") from error
