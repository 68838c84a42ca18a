"""What tells a study that was done from one that was not: its files' bytes, the weights that run on it, and the version."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ..file_stamp import file_stamp
from ..findings.formats.json_file import SUFFIX
from ..imaging.formats import METAIMAGE, NIFTI, NRRD, format_of
from ..imaging.formats.metaimage import metaimage_header
from ..imaging.formats.nifti import nifti_header
from ..imaging.formats.nrrd import nrrd_header
from ..imaging.image import Image
from ..imaging.series import Series
from ..inference.device import BFLOAT16
from ..inference.suitability import suits
from .task import Options

RESULTS = "results"
_HEADERS = ((METAIMAGE, metaimage_header), (NIFTI, nifti_header), (NRRD, nrrd_header))


def content_hash(series: Series) -> str:
    """Compute the SHA-256 of all bytes that a series is read from, in the order of its slices; names and dates do not count.

    Raises
    ------
    ImageError, OSError
        A file is missing or cannot be read.
    """
    whole = hashlib.sha256()
    for file in _files(series):
        with file.open("rb") as stream:
            whole.update(hashlib.file_digest(stream, "sha256").digest())
    return whole.hexdigest()


def file_states(series: Series) -> tuple[tuple[int, int, int], ...]:
    """Give the stamp of each file of a series: what differs once somebody writes there.

    Raises
    ------
    ImageError, OSError
        A file is missing or cannot be read.
    """
    return tuple(map(file_stamp, _files(series)))


def image_hash(image: Image) -> str:
    """Compute the SHA-256 of voxels and their place: the content of what is read from a server by chunk."""
    place = (image.modality, image.voxels.dtype.str, image.shape, image.spacing, image.origin)
    whole = hashlib.sha256(json.dumps(place).encode())
    whole.update(np.ascontiguousarray(image.voxels).data)
    return whole.hexdigest()


def _files(series: Series) -> Iterator[Path]:
    for file in series.files:
        if file.is_dir():  # a store
            yield from sorted(path for path in file.rglob("*") if path.is_file())
            continue
        yield file
        form = format_of(file)
        for headed, header in _HEADERS:
            if form is headed:  # pixels may be in files of their own
                yield from (path for path in header(file).values.files if path != file)


def key_of(content: str, series: Series, options: Options) -> str:
    """Compute the key of a study: the same content under the same identifier, networks that suit it, their weights, this version.

    The device does not count, for findings agree between devices; where bfloat16 was asked for their scores do not.
    """
    networks = [(info.name, info.version, sha) for info, sha in options.networks if suits(info, series)]
    values = (content, series.uid, sorted(networks), options.version, *engine_of(options))
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()


def engine_of(options: Options) -> list[str]:
    """Name the engine where it changes findings: what was done by another is not what is asked for."""
    return [options.device] if options.device == BFLOAT16 else []


def result_file(series: Series, key: str) -> str:
    """Name the file of findings below the folder of results; 256 folders share them."""
    name = re.sub(r"[^\w.\-]+", "_", series.uid or series.path.name).strip("._")[-120:] or "case"
    return f"{RESULTS}/{key[:2]}/{name}.{key[:16]}{SUFFIX}"
