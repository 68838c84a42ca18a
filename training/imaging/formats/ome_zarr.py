"""OME-Zarr volumes, versions 0.4 and 0.5, with zarr alone.

World coordinates are stored as this project has them: axes z, y, x in millimetres along LPS (to the head, the back, the
patient's left), said by each axis' ``orientation``. Files that do not state an orientation are taken to be LPS.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import BadGeometryError, CorruptFileError, ImageWriteError, UnsupportedShapeError
from ..image import Image
from ..orient import to_lps
from ..series import Series
from ..values import as_int16_or_float32

_MILLIMETRES = {"millimeter": 1.0, "micrometer": 1e-3, "nanometer": 1e-6, "centimeter": 10.0, "meter": 1e3}
# Anatomical directions in OME-Zarr's words; the second of each pair is the same axis seen from its other end.
_ORIENTATION = {
    "z": ("inferior-to-superior", "superior-to-inferior"),
    "y": ("anterior-to-posterior", "posterior-to-anterior"),
    "x": ("right-to-left", "left-to-right"),
}
_CHUNK = 64


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
    array, steps, origin, attributes = _open(path)
    try:
        voxels = np.asarray(array[...])
    except Exception as error:  # codecs raise anything on damaged chunks
        raise _damaged(path, error) from error
    names = attributes["axes"]
    for axis, name in reversed(list(enumerate(names))):
        if name not in "zyx":
            if voxels.shape[axis] != 1:
                raise UnsupportedShapeError(
                    f"{path} has {voxels.shape[axis]} entries along axis {name!r}; save one volume and open that."
                )
            voxels = voxels.squeeze(axis)
    space = [name for name in names if name in "zyx"]
    order = [space.index(name) for name in "zyx" if name in space]
    voxels = as_int16_or_float32(voxels.transpose(order))
    own = attributes["own"]
    common: dict[str, Any] = {
        "series_uid": own.get("series_uid") or path.name.removesuffix(".zarr").removesuffix(".ome"),
        "modality": own.get("modality", ""),
        "source": path,
    }
    if steps is None:
        said = (f"{path.name} does not state its voxel size: lengths are in pixels.",)
        return Image(voxels, spacing=None, warnings=said, **common)
    if voxels.ndim == 2:
        return Image(voxels, spacing=tuple(np.abs(np.diag(steps))), origin=tuple(origin), **common)
    voxels, spacing, place, _ = to_lps(voxels, steps, origin, str(path))
    return Image(voxels, spacing=spacing, origin=place, **common)


def zarr_series(path: Path) -> Series:
    """Describe a store by its metadata."""
    array, steps, _, attributes = _open(path)
    shape = tuple(n for n, name in zip(array.shape, attributes["axes"], strict=True) if name in "zyx")
    return Series(
        uid=attributes["own"].get("series_uid") or path.name.removesuffix(".zarr").removesuffix(".ome"),
        modality=attributes["own"].get("modality", ""),
        n_slices=shape[0] if len(shape) > 2 else 1,
        spacing=None if steps is None else tuple(np.abs(np.diag(steps))),
        shape=shape,
        files=(path,),
        path=path,
    )


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
            chunk_key_encoding={"name": "v2", "separator": "/"},
        )
        array.attrs["_ARRAY_DIMENSIONS"] = list(names)
        group.attrs["multiscales"] = [_multiscale(image, names)]
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


def _multiscale(image: Image, names: str) -> dict[str, Any]:
    axes = [
        {
            "name": name,
            "type": "space",
            "unit": "millimeter",
            "orientation": {"type": "anatomical", "value": _ORIENTATION[name][0]},
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


def _open(path: Path) -> tuple[Any, np.ndarray | None, np.ndarray, dict[str, Any]]:
    """The array, the steps (z, y, x) from voxel to voxel, the origin, and axis names with this project's own notes."""
    import zarr

    try:
        node: Any = zarr.open(str(path), mode="r")
        attributes: dict[str, Any] = dict(node.attrs)
        if isinstance(node, zarr.Array):
            return node, None, np.zeros(3), {"axes": list("tczyx"[-node.ndim :]), "own": {}}
        multiscale = (attributes.get("ome") or attributes)["multiscales"][0]
        level = multiscale["datasets"][0]
        array = node[level["path"]]
        axes = [a if isinstance(a, dict) else {"name": a} for a in multiscale["axes"]]
        scale, shift = np.ones(len(axes)), np.zeros(len(axes))
        # Transforms apply in order, those of the level before those of the whole image.
        for step in [
            *level.get("coordinateTransformations", []),
            *multiscale.get("coordinateTransformations", []),
        ]:
            if step["type"] == "scale":
                scale, shift = scale * step["scale"], shift * step["scale"]
            elif step["type"] == "translation":
                shift = shift + step["translation"]
        names = [axis["name"].lower() for axis in axes]
        where = [names.index(name) for name in "zyx" if name in names]
    except (KeyError, IndexError, TypeError, ValueError, OSError) as error:
        raise _damaged(path, error) from error
    unit = np.array([_MILLIMETRES.get(axes[i].get("unit", "millimeter"), np.nan) for i in where])
    if not np.all(np.isfinite(unit)) or np.any(scale[where] <= 0):
        raise BadGeometryError(
            f"{path} gives its axes the units {[axes[i].get('unit') for i in where]} and scales {scale[where].tolist()}; "
            "correct them in its metadata."
        )
    steps, origin = np.diag(scale[where] * unit), shift[where] * unit
    for row, i in enumerate(where):
        word = (axes[i].get("orientation") or {}).get("value")
        if word == _ORIENTATION[names[i]][1]:  # the axis, and its translation with it, counts the other way
            steps[row, row] *= -1
            origin[row] *= -1
    return array, steps, origin, {"axes": names, "own": attributes.get("lungmtl") or {}}


def _damaged(path: Path, error: Exception) -> CorruptFileError:
    return CorruptFileError(
        f"{path} is no complete OME-Zarr image ({type(error).__name__}: {error}); copy or export it again."
    )
