"""The lung field of a chest CT: both lungs with their vessels and with nodules that touch the pleura.

Everything happens on a grid of about 2 mm (lungs are smooth on that scale) with exact Euclidean distances; the result is
brought back to the image's voxels. Thresholds follow the usual recipe (lung below -400 HU); what is new against it is
said where it stands.
"""

from __future__ import annotations

import math

import cc3d
import edt
import fill_voids
import numpy as np
from scipy import ndimage

from ..errors import ImageError, NoLungFoundError
from ..image import Image
from ..values import NOWHERE

STEP = 2.0  # mm
AIR = -400.0  # HU; lung and air are below, soft tissue above
GAS = -930.0  # HU of a 3 x 3 x 3 mean; free air is below, lung above (emphysema apart)
PADDING = -1018.0  # HU; below are only voxels outside the scanned circle, clipped to -1024
CLOSE = 9.0  # mm; gaps left by vessels at the hilum and by small nodules
BRIDGE = 30.0  # mm; wide enough to span a nodule of 30 mm at the pleura
DENT = 17.0  # mm; largest inner radius of what a wide closing may add: a nodule, not the heart
CORE = 6.0  # mm; a lung holds a ball of this radius, air cells of a skull do not


def lung_field(image: Image) -> np.ndarray:
    """Segment both lungs of a CT (HU), vessels and juxtapleural nodules included.

    A part of a scan, a single lung, a field of view that cuts the lungs and a patient table are fine. Nodules up
    to about 30 mm across are kept in; tumours that replace a large part of a lung are not.

    Parameters
    ----------
    image
        CT in Hounsfield units, LPS (z, y, x), any spacing.

    Returns
    -------
    numpy.ndarray
        Boolean, of ``image.shape``.

    Raises
    ------
    NoLungFoundError
        Nothing in the volume looks like a lung.
    ImageError
        The image is not a volume with a spacing.
    """
    if image.ndim != 3 or image.spacing is None:
        raise ImageError(f"{_name(image)}: a lung field needs a CT volume with known voxel spacing.")
    factors = [max(1, min(round(STEP / s), n)) for s, n in zip(image.spacing, image.shape, strict=True)]
    hu, nowhere = _reduce(image.voxels, factors)
    spacing = tuple(s * f for s, f in zip(image.spacing, factors, strict=True))
    labels = _lung_components(hu, nowhere, spacing)
    if labels is None:
        raise NoLungFoundError(
            f"{_name(image)}: no lung was found in this volume. Choose a chest CT in Hounsfield units "
            "(is this another body part, or a series without rescale?)."
        )
    field = np.zeros(hu.shape, bool)
    for box, part in _parts(labels, spacing):
        field[box] |= _include_dents(part, spacing)
    return _enlarge(field, factors, image.shape)


def _name(image: Image) -> str:
    return str(image.source or image.series_uid or "this image")


def _reduce(voxels: np.ndarray, factors: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Every n-th voxel, smoothed just enough against noise, clipped to [-1024, 400]; float32. Second: which lie beside the scan.

    Along x and y the nearest neighbour within the step is averaged in: half the noise for two slices of reading. What lies
    beside the scan counts as tissue: a lung that the scan cuts ends there, and must not run into the air around the patient.
    """
    fz, fy, fx = factors
    a = voxels[fz // 2 :: fz, fy // 2 :: fy, fx // 2 :: fx]
    out = np.clip(np.nan_to_num(a, nan=-1024) if a.dtype.kind == "f" else a, -1024, 400).astype(np.float32)
    nowhere = a <= NOWHERE
    if fx > 1:
        b = voxels[fz // 2 :: fz, fy // 2 - 1 :: fy, fx // 2 - 1 :: fx] if fy > 1 else a
        b = b[: out.shape[0], : out.shape[1], : out.shape[2]]
        out += np.clip(np.nan_to_num(b, nan=-1024) if b.dtype.kind == "f" else b, -1024, 400)
        out *= 0.5
        nowhere |= b <= NOWHERE
    out[nowhere] = 0.0
    return out, nowhere


def _enlarge(mask: np.ndarray, factors: list[int], shape: tuple[int, ...]) -> np.ndarray:
    """Nearest-neighbour enlargement to `shape`."""
    index = [np.minimum(np.arange(n) // f, m - 1) for n, f, m in zip(shape, factors, mask.shape, strict=True)]
    return mask[index[0]][:, index[1]][:, :, index[2]]


def _distance(mask: np.ndarray, spacing: tuple[float, ...]) -> np.ndarray:
    """Distance (mm) of true voxels to the nearest false one; the array's border is no edge."""
    return edt.edt(mask, anisotropy=spacing, black_border=False, parallel=0)


def _touches_sides(labels: np.ndarray, count: int, beside: np.ndarray) -> np.ndarray:
    """Whether each label reaches the first or last row or column of a slice, or what lies `beside` the scan."""
    seen = np.zeros(count + 1, bool)
    seen[np.unique(labels[beside])] = True
    for face in (labels[:, 0], labels[:, -1], labels[:, :, 0], labels[:, :, -1]):
        seen[np.unique(face)] = True
    return seen


def _lung_components(hu: np.ndarray, nowhere: np.ndarray, spacing: tuple[float, ...]) -> np.ndarray | None:
    """Labels of the lungs (0 elsewhere), or None."""
    air = hu < AIR
    smooth = ndimage.uniform_filter(hu, [3 if n > 2 else 1 for n in hu.shape], mode="nearest")
    gas = smooth < GAS
    outside = _outside(air, smooth, _beside(nowhere))
    inside = air & ~outside
    # A rim of partial volume stays along skin and table: thinner than any lung.
    inside &= ~_airways(inside, gas, hu, spacing)
    labels, count = cc3d.connected_components(inside, connectivity=6, return_N=True)
    if count == 0:
        return None
    kept = _choose(labels, count, inside, smooth, ~air & ~nowhere, spacing)
    if not kept.any():
        return None
    return np.where(kept[labels], labels, 0)


def _beside(nowhere: np.ndarray) -> np.ndarray:
    """Voxels within two of what lies beside the scan in their own slice: as near as smoothing leaves gas to be seen."""
    if not nowhere.any():
        return nowhere
    return ndimage.binary_dilation(nowhere, np.ones((1, 5, 5), bool)) & ~nowhere


def _outside(air: np.ndarray, smooth: np.ndarray, beside: np.ndarray) -> np.ndarray:
    """Air around the patient, told from a lung that the field of view cuts.

    Both reach the sides of the slices, but around the patient there is free gas, and cloth and mattress go with it. A
    narrow round field of view has padding against the lung: no gas has its value, and it is taken alone.
    """
    labels, count = cc3d.connected_components(air, connectivity=6, return_N=True)
    if count == 0:
        return np.zeros_like(air)
    at_sides = _touches_sides(labels, count, beside)
    at_sides[0] = False
    gas = smooth < GAS
    gases, n = cc3d.connected_components(gas & at_sides[labels], connectivity=6, return_N=True)
    free = _touches_sides(gases, n, beside)
    free[0] = False
    around = free[gases]

    def share(part: np.ndarray) -> np.ndarray:
        return np.bincount(labels[part], minlength=count + 1) / np.maximum(size, 1)

    size = np.bincount(labels.ravel(), minlength=count + 1)
    gas_share = share(around)
    padded = share(around & (smooth < PADDING)) > 0.8 * gas_share
    whole = at_sides & (gas_share > 0.5) & ~(padded & (gas_share < 0.9))
    return (ndimage.binary_dilation(around, iterations=2) & at_sides[labels]) | whole[labels]


def _airways(inside: np.ndarray, gas: np.ndarray, hu: np.ndarray, spacing: tuple[float, ...]) -> np.ndarray:
    """Trachea, main bronchi and gas in the bowel: free gas in a wall of tissue (bullae have a wall of lung)."""
    labels, count = cc3d.connected_components(gas & inside, connectivity=6, return_N=True)
    out = np.zeros_like(inside)
    if count == 0:
        return out
    statistics = cc3d.statistics(labels)
    ml = float(np.prod(spacing)) / 1000
    for number in np.flatnonzero(statistics["voxel_counts"] * ml > 0.3):
        if number == 0:
            continue
        box = tuple(
            slice(max(s.start - 4, 0), min(s.stop + 4, n))
            for s, n in zip(statistics["bounding_boxes"][number], inside.shape, strict=True)
        )
        core = labels[box] == number
        # The mean of 3 x 3 x 3 has pared the core by a voxel, and the next one holds the edge's partial volume.
        near = ndimage.binary_dilation(core, iterations=2)
        shell = ndimage.binary_dilation(near, iterations=1) & ~near
        if shell.any() and (hu[box][shell] > AIR - 150).mean() > 0.5:
            out[box] |= near
    return out & inside


def _choose(
    labels: np.ndarray,
    count: int,
    inside: np.ndarray,
    smooth: np.ndarray,
    tissue: np.ndarray,
    spacing: tuple[float, ...],
) -> np.ndarray:
    """Which labels are lungs: thick, not free gas, and with the body on at least two sides."""
    depth = _distance(inside, spacing)
    size = np.bincount(labels.ravel(), minlength=count + 1)
    large = np.flatnonzero(size * float(np.prod(spacing)) > 1500)
    kept = np.zeros(count + 1, bool)
    body = _body(tissue)
    volumes = {}
    boxes = cc3d.statistics(labels)["bounding_boxes"]
    for number in large[large > 0]:
        box = tuple(boxes[number])
        part = labels[box] == number
        if depth[box][part].max() < CORE:
            continue
        level = float(np.median(smooth[box][part][::7]))
        if not -975 < level < -450:
            continue
        if sum(_faces(part, body, box)) < 2:
            continue
        volumes[number] = size[number]
    for number, volume in volumes.items():
        kept[number] = volume > 0.03 * max(volumes.values())
    return kept


def _body(tissue: np.ndarray) -> np.ndarray:
    """The largest piece of tissue: the patient, not the table."""
    return cc3d.largest_k(tissue, k=1, connectivity=6).astype(bool)


def _faces(part: np.ndarray, body: np.ndarray, box: tuple[slice, ...]) -> list[bool]:
    """Whether the body lies in front, behind, to the right and to the left of most of `part`."""
    z, y, x = box
    out = []
    for axis, strip in ((1, body[z, :, x]), (2, body[z, y, :])):
        reached = part.any(axis=axis)
        first = box[axis].start + part.argmax(axis=axis)
        last = box[axis].stop - 1 - np.flip(part, axis).argmax(axis=axis)
        # The body's first and last voxel along each line tell whether it begins before and ends behind.
        any_body = strip.any(axis=axis)
        begins = np.where(any_body, strip.argmax(axis=axis), np.iinfo(np.int64).max)
        ends = np.where(any_body, strip.shape[axis] - 1 - np.flip(strip, axis).argmax(axis=axis), -1)
        out += [bool((begins < first)[reached].mean() > 0.6), bool((ends > last)[reached].mean() > 0.6)]
    return out


def _parts(labels: np.ndarray, spacing: tuple[float, ...]) -> list[tuple[tuple[slice, ...], np.ndarray]]:
    """Each lung in its box with room to grow; components that may be one lung stay apart."""
    boxes = cc3d.statistics(labels)["bounding_boxes"]
    out = []
    for number in np.unique(labels)[1:]:
        room = [math.ceil(6.0 / s) for s in spacing]
        box = tuple(
            slice(max(b.start - r, 0), min(b.stop + r, n))
            for b, r, n in zip(boxes[number], room, labels.shape, strict=True)
        )
        out.append((box, labels[box] == number))
    return out


def _close(mask: np.ndarray, spacing: tuple[float, ...], radius: float) -> np.ndarray:
    """Closing with a ball; beyond the array the mask goes on as at its border, so cut ends close, too."""
    pad = [math.ceil(radius / s) for s in spacing]
    grown = np.pad(mask, [(p, p) for p in pad], mode="edge")
    grown = _distance(~grown, spacing) <= radius
    closed = _distance(grown, spacing) > radius
    inner = tuple(slice(p, p + n) for p, n in zip(pad, mask.shape, strict=True))
    return closed[inner] | mask


def _include_dents(lung: np.ndarray, spacing: tuple[float, ...]) -> np.ndarray:
    """Add vessels, the hilum and nodules at the pleura.

    A closing with a small ball takes in vessels and small nodules. One that spans 30 mm would take in
    the heart's bed and the dome of the liver as well, so of what it adds only compact pieces are kept.
    """
    lung = lung_alone = fill_voids.fill(lung)
    factors = [max(1, round(4.0 / s)) for s in spacing]
    small = lung[:: factors[0], :: factors[1], :: factors[2]]
    coarse = tuple(s * f for s, f in zip(spacing, factors, strict=True))
    dents = _close(small, coarse, BRIDGE) & ~small
    depth = _distance(dents, coarse)
    # Slivers along the ribs connect everything; what is left without them are separate dents.
    cores, count = cc3d.connected_components(depth > 4.0, connectivity=6, return_N=True)
    if count:
        inner = ndimage.maximum(depth, cores, np.arange(1, count + 1))
        volume = np.bincount(cores.ravel(), minlength=count + 1)[1:] * float(np.prod(coarse)) / 1000
        good = np.concatenate([[False], (inner < DENT) & (volume < 12)])
        if good.any():
            near = _distance(~good[cores], coarse) <= 8.0
            lung = lung | _enlarge(near & dents, factors, lung.shape)
    # After that, so that it smooths the steps of the coarse grid, too.
    closed = fill_voids.fill(_close(lung, spacing, CLOSE))
    # A closing ends at the chord; the chest wall behind a nodule is rounder.
    pieces = _distance(closed & ~lung_alone, spacing) > 2.5
    return closed | (_distance(~pieces, spacing) <= 5.5)
