"""OME-Zarr volumes, versions 0.1 to 0.5, and plain zarr arrays.

World coordinates are stored as this project has them: axes z, y, x in millimetres along LPS (to the head, the back, the
patient's left), said by each axis' ``orientation``. Files that do not state an orientation are taken to be LPS.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import CorruptFileError, TruncatedFileError
from ...image import Image
from ...orient import to_lps
from ...series import Series
from ...values import as_int16_or_float32, finite
from ..units import size_warning
from .metadata import damaged, missing_warning, open_image, require_volume, uid_of

_METADATA = ("zarr.json", ".zarray", ".zattrs", ".zgroup", ".zmetadata")


def is_zarr(path: Path) -> bool:
    """Tell whether a folder is a zarr group or array."""
    return path.is_dir() and any((path / name).is_file() for name in ("zarr.json", ".zgroup", ".zarray"))


def read_zarr(path: Path) -> Image:
    """Read the finest level of an OME-Zarr image, or a plain zarr array.

    Raises
    ------
    ImageError
        The store is damaged, is no image, or holds several channels or moments.
    """
    stored = open_image(path)
    require_volume(stored, path)
    try:
        said = [*stored.warnings, *_check_chunks(stored.array, path)]
    except (ArithmeticError, ValueError) as error:  # sizes beyond any number of files
        raise damaged(path, error) from error
    try:
        voxels = np.asarray(stored.array[...])
    except Exception as error:  # codecs raise anything on damaged chunks
        raise damaged(path, error) from error
    space = [name for name in stored.names if name in "zyx"]
    voxels = voxels.reshape([n for n, name in zip(voxels.shape, stored.names) if name in "zyx"])
    order = [space.index(name) for name in "zyx" if name in space]
    voxels, numbers = finite(as_int16_or_float32(voxels.transpose(order)), path.name)
    said += numbers
    common: dict[str, Any] = {
        "series_uid": uid_of(stored, path.name),
        "modality": stored.own.get("modality", ""),
        "source": path,
    }
    steps, origin = stored.steps, stored.origin
    if steps is None:
        return Image(voxels, spacing=None, warnings=tuple(said), **common)
    if voxels.ndim == 2:
        spacing = tuple(np.linalg.norm(steps, axis=1))
        return Image(voxels, spacing=spacing, origin=tuple(origin), warnings=tuple(said), **common)
    voxels, spacing, place, _ = to_lps(voxels, steps, origin, str(path))
    said += size_warning(spacing, voxels.shape, path.name)
    return Image(voxels, spacing=spacing, origin=place, warnings=tuple(said), **common)


def zarr_series(path: Path) -> Series:
    """Describe a store by its metadata."""
    stored = open_image(path)
    sizes = dict(zip(stored.names, stored.array.shape, strict=True))
    shape = tuple(sizes[name] for name in "zyx" if name in sizes)
    return Series(
        uid=uid_of(stored, path.name),
        modality=stored.own.get("modality", ""),
        n_slices=shape[0] if len(shape) > 2 else 1,
        spacing=None
        if stored.steps is None
        else tuple(float(s) for s in np.linalg.norm(stored.steps, axis=1)),
        shape=shape,
        files=(path,),
        path=path,
    )


def _check_chunks(array: Any, path: Path) -> tuple[str, ...]:
    """Find chunks that are not there, which zarr fills without a word, and those that are cut off.

    Raises
    ------
    ImageError
        More than half are missing, or one is cut off.
    """
    folder = path / array.path if array.path else path
    total = int(array.nchunks)
    if array.shards is None:
        files = sum(1 for _ in _chunk_files(folder))
        # zarr lists every chunk by name to count them: too much where the shape is wildly wrong.
        present = files if total > 2 * files else int(array.nchunks_initialized)
    else:
        present = _chunks_in_shards(array, folder)
    missing = total - present
    if missing and (other := _other_names(array, folder)):
        raise CorruptFileError(other)
    if 2 * missing > total:
        raise CorruptFileError(f"{path} lacks {missing:,} of its {total:,} chunks of pixels; copy it again.")
    whole = 0
    if not array.compressors and not array.filters and array.shards is None:
        whole = math.prod(array.chunks) * array.dtype.itemsize
    outermost = type(array.compressors[-1]).__name__ if array.compressors and array.shards is None else ""
    for file in _chunk_files(folder):
        _check_chunk(file, outermost.startswith("Blosc"), whole)
    return missing_warning(array, path.name, missing, total)


def _chunk_files(folder: Path) -> Iterator[Path]:
    for inner, _, names in os.walk(folder):
        yield from (Path(inner) / name for name in names if name not in _METADATA)


def _chunks_in_shards(array: Any, folder: Path) -> int:
    """Count the chunks within the array that the indices of its shards list."""
    inside = [shard // chunk for shard, chunk in zip(array.shards, array.chunks, strict=True)]
    chunks = [-(-n // chunk) for n, chunk in zip(array.shape, array.chunks, strict=True)]
    size = 16 * math.prod(inside)  # offset and length of each, then a checksum
    at_start = "start" in str(array.metadata.codecs[0].index_location)
    count = 0
    for file in _chunk_files(folder):
        key = file.relative_to(folder).as_posix().removeprefix("c").strip("/.").replace("/", ".")
        if not re.fullmatch(r"\d+(\.\d+)*", key):
            continue
        data = file.read_bytes()
        index = data[:size] if at_start else data[-size - 4 : -4]
        if len(index) < size:
            raise TruncatedFileError(f"{file} is cut off: it ends before its index; copy the store again.")
        listed = np.frombuffer(index, "<u8").reshape(*inside, 2)[..., 0] != np.iinfo(np.uint64).max
        place = [int(part) for part in key.split(".")]
        within = tuple(slice(0, max(n - p * i, 0)) for n, p, i in zip(chunks, place, inside, strict=True))
        count += int(np.count_nonzero(listed[within]))
    return count


def _other_names(array: Any, folder: Path) -> str:
    """A sentence if the chunks are there under names with the other separator (``0/0/0`` and ``0.0.0``), or nothing."""
    if array.metadata.zarr_format != 2 or array.ndim < 2:
        return ""
    stated = array.metadata.dimension_separator
    other = "/" if stated == "." else "."
    found = [file.relative_to(folder).as_posix() for file in _chunk_files(folder)]
    pattern = re.escape(other).join([r"\d+"] * array.ndim)
    if not any(re.fullmatch(pattern, name) for name in found):
        return ""
    return f'{folder} names its chunks otherwise than its metadata say: write "dimension_separator": "{other}" into its .zarray.'


def _check_chunk(chunk: Path, blosc: bool, whole: int) -> None:
    length = chunk.stat().st_size
    needed = whole or 1
    if length > whole > 0:
        raise CorruptFileError(
            f"{chunk} holds {length:,} bytes and should hold {whole:,}; copy the store again."
        )
    if blosc and length:
        with open(chunk, "rb") as file:
            needed = int.from_bytes(
                file.read(16)[12:16], "little"
            )  # Blosc reads on beyond the end of a chunk
    if length < max(needed, 1):
        raise TruncatedFileError(
            f"{chunk} is cut off: it holds {length:,} of {needed:,} bytes; copy the store again."
        )
