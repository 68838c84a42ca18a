"""What OME-Zarr's metadata say (0.1 to 0.5): which array of a store is the image, and how its axes lie in the patient.

Source: ngff.openmicroscopy.org, versions 0.4 and 0.5; orientations by its RFC 4.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ....storage.address import Address
from ...errors import BadGeometryError, CorruptFileError, UnsupportedShapeError
from ..units import is_unstated, millimetres

# Anatomical directions: the world axis (z, y, x), and whether it is counted as LPS does.
ORIENTATIONS = {
    "inferior-to-superior": (0, 1), "superior-to-inferior": (0, -1),
    "anterior-to-posterior": (1, 1), "posterior-to-anterior": (1, -1),
    "right-to-left": (2, 1), "left-to-right": (2, -1),
}  # fmt: skip
DAMAGE = (KeyError, IndexError, TypeError, ValueError, ArithmeticError, AttributeError)
"""What zarr and its own words raise where metadata are not whole."""
_NAMES = {"depth": "z", "height": "y", "width": "x"}


@dataclass(frozen=True)
class StoredImage:
    """An array of a store, with its place in the patient.

    Parameters
    ----------
    array
        The finest level.
    names
        Its axes; those of ``"zyx"`` run through space.
    steps
        (n, n): row ``a`` is the world vector (z, y, x), in mm, along the spatial axis ``a`` (z, y, x); None if unknown.
    origin
        World position (z, y, x) of the first voxel.
    own
        This project's own notes.
    warnings
        Sentences for the person.
    """

    array: Any
    names: tuple[str, ...]
    steps: np.ndarray | None
    origin: np.ndarray
    own: dict[str, Any]
    warnings: tuple[str, ...] = ()


def open_image(path: Path) -> StoredImage:
    """Open the image of a store.

    Raises
    ------
    ImageError
        The store is damaged or holds no image, or places it by what is not read here.
    """
    import zarr

    if path.is_file():
        raise CorruptFileError(
            f"{path} is a file, but an OME-Zarr image is a folder; unpack it if it is an archive."
        )
    try:
        return image_of(zarr.open(str(path), mode="r"), path)
    except (*DAMAGE, OSError) as error:
        raise damaged(path, error) from error


def image_of(node: Any, path: Path | Address) -> StoredImage:
    """Find the image of a store that is open.

    Parameters
    ----------
    node
        A group or array of zarr.
    path
        Where it is, for messages.

    Raises
    ------
    ImageError
        It holds no image, or places it by what is not read here.
    KeyError, ValueError, …
        One of `DAMAGE`: its metadata are not whole.
    """
    import zarr

    if isinstance(node, zarr.Array):
        return _plain(node, path)
    node, attributes, said = _image_group(node, path)
    if isinstance(node, zarr.Array):
        return _plain(node, path)
    return _described(node, attributes, path, said)


def damaged(path: Path | Address, error: Exception) -> CorruptFileError:
    """Make the error for a store that is not whole."""
    return CorruptFileError(
        f"{path} is no complete OME-Zarr image ({type(error).__name__}: {error}); copy or export it again."
    )


def require_volume(stored: StoredImage, path: Path | Address) -> None:
    """Refuse several channels or moments, and values that are no real numbers.

    Raises
    ------
    UnsupportedShapeError
        Naming the store.
    """
    for name, count in zip(stored.names, stored.array.shape, strict=True):
        if name not in "zyx" and count != 1:
            raise UnsupportedShapeError(
                f"{path} has {count} entries along axis {name!r}; save one volume and open that."
            )
    if stored.array.dtype.kind not in "iufb":
        raise UnsupportedShapeError(
            f"{path} holds values of type {stored.array.dtype}; save it as int16 or float32."
        )


def missing_warning(array: Any, name: str, missing: int, total: int) -> tuple[str, ...]:
    """Say that chunks are not there; nothing where none is missing."""
    fill = array.fill_value if array.fill_value is not None else 0
    said = f"{name} lacks {missing:,} of its {total:,} chunks of pixels: they were filled with {fill}; copy it again."
    return (said,) if missing else ()


def uid_of(stored: StoredImage, name: str) -> str:
    """Name the image: as this project's own notes do, or by its store."""
    return stored.own.get("series_uid") or name.removesuffix(".zarr").removesuffix(".ome")


def _image_group(node: Any, path: Path | Address) -> tuple[Any, dict[str, Any], list[str]]:
    """The group with the multiscale image: the store itself, or the first of bioformats2raw's; or a lone array."""
    attributes: dict[str, Any] = dict(node.attrs)
    attributes.update(attributes.get("ome") or {})
    if "multiscales" in attributes:
        return node, attributes, []
    if "plate" in attributes or "well" in attributes:
        raise UnsupportedShapeError(
            f"{path} is a plate of many images; open one of its fields, such as {path.name}/A/1/0."
        )
    groups = sorted((name for name, _ in node.groups() if name != "OME"), key=lambda name: (len(name), name))
    if "bioformats2raw.layout" in attributes:
        notes = dict(node["OME"].attrs) if "OME" in node else {}
        groups = list((notes.get("ome") or notes).get("series") or groups)
    images = [name for name in groups if _has_image(node, name)]
    if images:
        inner = node[images[0]]
        found = {**dict(inner.attrs), **(dict(inner.attrs).get("ome") or {})}
        said = f"{path.name} holds {len(images)} images, of which {images[0]!r} was opened; {images[-1]!r} is another."
        return inner, found, [said] if len(images) > 1 else []
    arrays = [name for name, _ in node.arrays()]
    if len(arrays) == 1:
        return node[arrays[0]], attributes, []
    held = f"the arrays {', '.join(map(repr, sorted(arrays)[:5]))}" if arrays else "no array"
    raise CorruptFileError(
        f"{path} is no complete OME-Zarr image: it has no 'multiscales' and holds {held}; open the image in it."
    )


def _has_image(node: Any, name: str) -> bool:
    if name not in node:
        return False
    attributes = dict(node[name].attrs)
    return "multiscales" in (attributes.get("ome") or attributes)


def _plain(array: Any, path: Path | Address) -> StoredImage:
    stated = getattr(array.metadata, "dimension_names", None) or array.attrs.get("_ARRAY_DIMENSIONS") or ()
    names = tuple(str(name).lower() for name in stated)
    if len(set(names)) != array.ndim or not set(names) <= set("tczyx"):
        names = tuple("tczyx"[-array.ndim :])
    said = (f"{path.name} does not state its voxel size: lengths are in pixels.",)
    return StoredImage(array, names, None, np.zeros(3), {}, said)


def _described(node: Any, attributes: dict[str, Any], path: Path | Address, said: list[str]) -> StoredImage:
    multiscales = attributes["multiscales"]
    if not multiscales or not multiscales[0].get("datasets"):
        raise CorruptFileError(
            f"{path} names no image: its 'multiscales' or their 'datasets' are empty; export it again."
        )
    if len(multiscales) > 1:
        said = [*said, f"{path.name} holds {len(multiscales)} images: the first was opened."]
    if "image-label" in attributes:
        said = [
            *said,
            f"{path.name} holds labels (a segmentation) and no image: its values are numbers of regions.",
        ]
    multiscale = multiscales[0]
    level = multiscale["datasets"][0]
    array = node[level["path"]]
    axes = [
        a if isinstance(a, dict) else {"name": a} for a in multiscale.get("axes") or "tczyx"[-array.ndim :]
    ]
    names = tuple(_NAMES.get(name, name) for name in (str(axis["name"]).lower() for axis in axes))
    if len(names) != array.ndim or len(set(names)) != len(names) or not {"y", "x"} <= set(names):
        raise BadGeometryError(
            f"{path} names the {array.ndim} axes of its image {list(names)}; z, y and x are needed."
        )
    for axis, name in zip(axes, names):
        if name not in "zyx" and axis.get("type") == "space":
            raise BadGeometryError(
                f"{path} has an axis in space named {name!r}; only z, y and x are read: rename it."
            )
    # Transforms apply in order, those of the level before those of the whole image.
    transforms = [
        *(level.get("coordinateTransformations") or []),
        *(multiscale.get("coordinateTransformations") or []),
    ]
    scale, shift = _placed(transforms, len(axes), path)
    own = attributes.get("lungmtl") or {}
    where = [names.index(name) for name in "zyx" if name in names]
    if scale is None:
        unsized = f"{path.name} does not state its voxel size: lengths are in pixels."
        return StoredImage(array, names, None, np.zeros(len(where)), own, (*said, unsized))
    units = [str(axes[i].get("unit") or "") for i in where]
    factors = np.array([1.0 if is_unstated(unit) else millimetres(unit) or np.nan for unit in units])
    if not np.all(np.isfinite(factors * scale[where] * 0 + shift[where])) or np.any(scale[where] <= 0):
        raise BadGeometryError(
            f"{path} gives its axes the units {units}, scales {scale[where].tolist()} and places {shift[where].tolist()}; "
            "correct them in its metadata."
        )
    if any(map(is_unstated, units)):
        said = [*said, f"{path.name} does not state the unit of its voxel size: millimetres were taken."]
    steps, origin, more = _oriented(
        [axes[i] for i in where], scale[where] * factors, shift[where] * factors, path
    )
    return StoredImage(array, names, steps, origin, own, (*said, *more))


def _placed(
    transforms: list[dict[str, Any]], count: int, path: Path | Address
) -> tuple[np.ndarray | None, np.ndarray]:
    """Scale and translation of all transforms together; no scale where none states one."""
    scale, shift, sized = np.ones(count), np.zeros(count), False
    for step in transforms:
        kind = step["type"]
        if kind == "identity":
            continue
        if kind not in ("scale", "translation") or kind not in step:
            raise BadGeometryError(
                f"{path} places its voxels by a transformation of type {kind!r} that is not read."
            )
        numbers = np.array(step[kind], float)
        if numbers.shape != (count,):
            raise BadGeometryError(
                f"{path} has a {kind} of {numbers.size} numbers for {count} axes; correct its metadata."
            )
        if kind == "scale":
            scale, shift, sized = scale * numbers, shift * numbers, True
        else:
            shift = shift + numbers
    return (scale if sized else None), shift


def _oriented(
    axes: list[dict[str, Any]], lengths: np.ndarray, shift: np.ndarray, path: Path | Address
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Steps and origin in the patient, from the words that the axes may have for their directions."""
    steps, origin, said = np.zeros((len(axes), len(axes))), np.zeros(len(axes)), []
    for row, axis in enumerate(axes):
        word = (axis.get("orientation") or {}).get("value")
        world, sign = ORIENTATIONS.get(str(word), (row + 3 - len(axes), 1))
        if word and word not in ORIENTATIONS:
            said.append(f"{path.name} states the direction {word!r}, which is not read: LPS was taken.")
        if len(axes) < 3:  # a picture is shown as it is stored
            world, sign = row + 1, 1
        steps[row, world - 3] = sign * lengths[row]  # the last axes of three
        origin[world - 3] = sign * shift[row]
    if len(axes) == 3 and abs(np.linalg.det(steps)) == 0:
        raise BadGeometryError(
            f"{path} states one direction for two of its axes; correct the orientations in its metadata."
        )
    return steps, origin, said
