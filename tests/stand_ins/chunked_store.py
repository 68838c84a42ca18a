"""OME-Zarr with chunks of a test's own choice."""

from __future__ import annotations

from pathlib import Path

import zarr

from napari_lungmtl.training.imaging.formats.ome_zarr.write import multiscale
from napari_lungmtl.training.imaging.image import Image


def write_chunked(image: Image, path: Path, chunks: tuple[int, ...], **options: object) -> None:
    """Write one level; `options` go to zarr (format 3 with shards, for example)."""
    version = 3 if "shards" in options else 2
    group = zarr.open_group(str(path), mode="w", zarr_format=version)
    if version == 2:
        options = {"chunk_key_encoding": {"name": "v2", "separator": "/"}, **options}
    group.create_array("0", data=image.voxels, chunks=chunks, **options)
    described = {"multiscales": [multiscale(image, "zyx")]}
    group.attrs.update({"ome": described} if version == 3 else described)
    group.attrs["lungmtl"] = {"series_uid": image.series_uid, "modality": image.modality}
