"""Write OME-Zarr volumes, with zarr alone."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import ImageWriteError
from ...image import Image
from .metadata import ORIENTATIONS

_CHUNK = 64
_DIRECTIONS = {"zyx"[axis]: word for word, (axis, sign) in ORIENTATIONS.items() if sign > 0}


def write_zarr(image: Image, path: Path) -> Path:
    """Write one level as OME-Zarr 0.4 (the version that most programs read); see `write_volume`."""
    import zarr

    assert image.spacing is not None
    partial = path.with_name(f".{path.name}.partial")
    names = "zyx"[-image.ndim :]
    try:
        shutil.rmtree(partial, ignore_errors=True)
        group = zarr.open_group(str(partial), mode="w", zarr_format=2)
        array = group.create_array(
            "0",
            data=np.ascontiguousarray(image.voxels),
            chunks=tuple(min(_CHUNK, n) for n in image.shape),
            config={"write_empty_chunks": True},  # what is all air is not missing
            chunk_key_encoding={"name": "v2", "separator": "/"},
        )
        array.attrs["_ARRAY_DIMENSIONS"] = list(names)
        group.attrs["multiscales"] = [multiscale(image, names)]
        group.attrs["lungmtl"] = {"series_uid": image.series_uid, "modality": image.modality}
        if path.is_dir():
            shutil.rmtree(path)
        partial.rename(path)
    except OSError as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise ImageWriteError(
            f"{path} could not be written ({error}); check free space and permissions, or choose another folder."
        ) from error
    return path


def multiscale(image: Image, names: str) -> dict[str, Any]:
    """What OME-Zarr says of a volume that is the array ``0`` of its group, with its place in the patient."""
    axes = [
        {
            "name": name,
            "type": "space",
            "unit": "millimeter",
            "orientation": {"type": "anatomical", "value": _DIRECTIONS[name]},
        }
        for name in names
    ]
    transforms = [
        {"type": "scale", "scale": list(image.scale)},
        {"type": "translation", "translation": list(image.origin)},
    ]
    return {
        "version": "0.4",
        "name": image.series_uid,
        "axes": axes,
        "datasets": [{"path": "0", "coordinateTransformations": transforms}],
    }
