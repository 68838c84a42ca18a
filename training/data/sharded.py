"""Arrays that training takes small parts of: zarr 3, in shards of compressed chunks, each with its check sum.

A part is read without the rest. A byte that is not what was written is found by whoever reads its chunk, and by `damaged_files`,
which reads all.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..error_boundary import as_sentences
from .errors import DatasetError

CHUNK, SHARD = 64, 256
"""Voxels along each side: a patch of 64 touches eight chunks, and a thorax has four files instead of a hundred and fifty."""
HASHES = "sha256.json"


class Sharded:
    """An array on the disk; what is taken of it by slices and numbers is an array of numpy.

    Parameters
    ----------
    array
        Of zarr.
    path
        Where it is, for messages.
    """

    def __init__(self, array: Any, path: Path) -> None:
        self._array, self._path = array, path
        self.shape: tuple[int, ...] = tuple(array.shape)
        self.dtype: np.dtype = array.dtype
        self.ndim = len(self.shape)
        self.size = int(np.prod(self.shape))

    def __getitem__(self, part: Any) -> Any:
        try:
            return self._array[part]
        except Exception as error:  # codecs raise anything on damaged chunks
            why = " ".join(str(error).split())
            raise DatasetError(
                f"{self._path} is damaged ({why}): delete its folder, and the scan is prepared again."
            ) from error

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self[...], dtype)


def write_sharded(path: Path, array: np.ndarray) -> None:
    """Write an array for `open_sharded`; cut off, it is no array.

    Parameters
    ----------
    path
        A folder that is made.
    array
        Any numbers; a `CHUNK` or `SHARD` that is longer than an axis ends with it.
    """
    import zarr
    from zarr.codecs import Crc32cCodec, ZstdCodec

    chunks = tuple(min(CHUNK, n) for n in array.shape)
    stored = zarr.create_array(
        str(path),
        shape=array.shape,
        dtype=array.dtype,
        chunks=chunks,
        shards=tuple(-(-min(SHARD, n) // c) * c for n, c in zip(array.shape, chunks, strict=True)),
        compressors=[ZstdCodec(level=3), Crc32cCodec()],
        zarr_format=3,
        config={"write_empty_chunks": True},  # what is zero everywhere is not missing
    )
    stored[...] = array


def open_sharded(path: Path) -> Sharded:
    """Open what `write_sharded` wrote.

    Raises
    ------
    DatasetError
        It is not there or damaged.
    """
    import zarr

    with as_sentences(path, DatasetError):
        return Sharded(zarr.open_array(str(path), mode="r"), path)


def write_hashes(folder: Path) -> None:
    """Write the SHA-256 of all files below a folder; last, once they are whole."""
    values = {name: _hash(folder / name) for name in _files(folder)}
    (folder / HASHES).write_text(json.dumps(values, indent=1), encoding="utf-8")


def damaged_files(folder: Path) -> list[str]:
    """Find files that are not what `write_hashes` saw; nothing where a folder has no hashes, as those of older versions.

    Returns
    -------
    list of str
        Their names below the folder.
    """
    written = folder / HASHES
    if not written.is_file():
        return []
    try:
        values: Mapping[str, str] = json.loads(written.read_text(encoding="utf-8"))
        return [name for name, value in values.items() if _hash(folder / name) != value]
    except (AttributeError, ValueError):
        return [HASHES]


def _files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def _hash(path: Path) -> str:
    if not path.is_file():
        return "missing"
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
