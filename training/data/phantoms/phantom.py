"""The whole phantom: anatomy, trees and nodules mixed into Hounsfield units, scanned, with the exact truth."""

from __future__ import annotations

import uuid

import numpy as np

from ...findings.finding import Finding, Findings, ImageReference, Provenance, Sphere
from ...imaging.image import Image
from . import nodules as nod
from .anatomy import LEFT, RIGHT, Anatomy
from .grid import Grid, upsample
from .lungs import draw_lungs
from .placement import PlacementError, place
from .scanner import blur, noise
from .spec import NoduleSpec, Phantom, PhantomSpec
from .tissues import COARSE, tissues

TRUTH = 0.5  # mm; grid on which a nodule's volume and centre are measured


def make_phantom(spec: PhantomSpec | int) -> Phantom:
    """Make a synthetic chest CT with its truth.

    Parameters
    ----------
    spec
        What to make; a plain number is the seed of a whole thorax without nodules at 1 mm.

    Returns
    -------
    Phantom
        Image (int16 HU, LPS, nonzero origin), findings, lung mask and nodule labels on the image's grid.

    Raises
    ------
    PlacementError
        A nodule fits nowhere in the scanned part.
    """
    if not isinstance(spec, PhantomSpec):
        spec = PhantomSpec(seed=int(spec))
    # One stream for each concern: more noise must not move a nodule.
    streams = np.random.SeedSequence(spec.seed).spawn(6)
    body_rng, tree_rng, place_rng, tissue_rng, noise_rng, world_rng = (
        np.random.default_rng(s) for s in streams
    )
    anatomy = Anatomy.draw(body_rng)
    lungs = draw_lungs(anatomy, tree_rng)
    shift = world_rng.uniform((-340, -60, -30), (-120, 40, 30))
    grid = _image_grid(spec, anatomy)
    placed = place(spec, lungs, grid, place_rng)

    factors = tuple(max(1, round(s / 1.5)) for s in spec.spacing)
    fine = grid.refined(factors)  # type: ignore[arg-type]
    hu, lung, tubes = tissues(spec, anatomy, lungs, fine, tissue_rng)
    labels = np.zeros(grid.shape, np.uint8)
    findings = []
    for number, (nodule, center, rng) in enumerate(placed):
        shape, sphere = _measure(nodule, center, anatomy, rng)
        _mix_nodule(hu, lung, fine, nodule, shape, center, rng)
        _label(labels, number + 1, grid, nodule, shape, center, anatomy)
        world = Sphere(tuple(np.asarray(sphere.center) + shift), sphere.diameter)
        findings.append(
            Finding(
                world,
                attributes=nod.attributes(nodule),
                provenance=Provenance(person="phantom"),
                id=f"phantom-{spec.seed}-{number + 1}",
                note=nodule.place,
            )
        )
    thickness = spec.scanner.slice_thickness or spec.spacing[0]
    hu = _pool(blur(hu, fine, spec.scanner, thickness), factors)
    hu += noise(hu.shape, spec.spacing, spec.scanner, thickness, noise_rng) * (
        0.75 + 0.25 * _pool(lung < 0, factors)
    )
    origin = tuple(np.asarray(grid.start) + shift)
    image = Image(
        np.clip(np.rint(hu), -1024, 3071).astype(np.int16),
        modality="CT",
        spacing=spec.spacing,
        origin=origin,
        series_uid=_uid(spec),
        window=(-600.0, 1500.0),
        metadata={"series_description": "synthetic thorax", "patient_id": f"PHANTOM-{spec.seed}"},
    )
    reference = ImageReference(image.series_uid, "", "CT", image.shape, image.spacing, image.origin)
    return Phantom(
        image, Findings(tuple(findings), reference), _pool(lung, factors) > 0, labels, _pool(tubes, factors)
    )


def _uid(spec: PhantomSpec) -> str:
    """A valid DICOM UID that is the same for equal specs."""
    return f"2.25.{uuid.uuid5(uuid.NAMESPACE_URL, repr(spec)).int}"


def _pool(values: np.ndarray, factors: tuple[int, ...]) -> np.ndarray:
    """Means over blocks of `factors` voxels."""
    if all(f == 1 for f in factors):
        return values.astype(np.float32, copy=False)
    z, y, x = (n // f for n, f in zip(values.shape, factors, strict=True))
    blocks = values.reshape(z, factors[0], y, factors[1], x, factors[2])
    return blocks.mean(axis=(1, 3, 5), dtype=np.float32)


def _image_grid(spec: PhantomSpec, anatomy: Anatomy) -> Grid:
    z0, z1 = spec.z_range or anatomy.z_range
    if spec.field_of_view:
        half_y, half_x = spec.field_of_view[0] / 2, spec.field_of_view[1] / 2
    else:
        deep, wide = anatomy.body_half()
        half_y, half_x = deep + 22, wide * 1.1 + 12
    dz, dy, dx = spec.spacing
    shape = (max(1, round((z1 - z0) / dz)), round(2 * half_y / dy), round(2 * half_x / dx))
    # Voxel edges, not centres, lie on the borders.
    return Grid((z0 + dz / 2, -half_y + dy / 2, -half_x + dx / 2), (dz, dy, dx), shape)


def _crop(grid: Grid, center: np.ndarray, reach: float) -> tuple[tuple[slice, ...], Grid] | None:
    """The part of `grid` within `reach` mm of `center`, as slices and as a grid; None where there is none."""
    low = np.floor(grid.index(center - reach)).astype(int).clip(0)
    high = np.minimum(np.ceil(grid.index(center + reach)).astype(int) + 1, grid.shape)
    if np.any(high <= low):
        return None
    start = np.asarray(grid.start) + low * np.asarray(grid.spacing)
    part = Grid(tuple(start), grid.spacing, tuple(int(n) for n in high - low))  # type: ignore[arg-type]
    return tuple(slice(a, b) for a, b in zip(low, high, strict=True)), part


def _pleura(anatomy: Anatomy, grid: Grid) -> np.ndarray:
    axes = grid.axes()
    mediastinum = anatomy.mediastinum(axes)
    return np.maximum(*(anatomy.lung(axes, side, mediastinum) for side in (RIGHT, LEFT)))


def _measure(
    spec: NoduleSpec, center: np.ndarray, anatomy: Anatomy, rng: np.random.Generator
) -> tuple[nod.Shape, Sphere]:
    """The shape scaled to the visible volume of the spec, and the sphere measured on a fine grid."""
    shape = nod.draw_shape(spec, rng)
    step = min(TRUTH, spec.diameter / 20)
    reach = 1.3 * nod.reach(shape) + 1
    n = 2 * int(reach / step) + 1
    local = Grid(tuple(center - (n // 2) * step), (step,) * 3, (n, n, n))
    cut = local.coarse(COARSE)
    free = upsample(_pleura(anatomy, cut), cut, local) > 0
    for _ in range(3):
        inside = (nod.signed_distance(shape, center, local) > 0) & free
        volume = float(inside.sum()) * step**3
        if volume == 0:
            raise PlacementError(f"the place {tuple(np.round(center, 1))} lies outside the lungs")
        diameter = (6 * volume / np.pi) ** (1 / 3)
        if abs(diameter / spec.diameter - 1) < 0.01:
            break
        shape = nod.Shape(**{**shape.__dict__, "scale": shape.scale * min(1.3, spec.diameter / diameter)})
    z, y, x = (
        np.average(a.ravel(), weights=inside.sum(axis=other))
        for a, other in zip(local.axes(), ((1, 2), (0, 2), (0, 1)), strict=True)
    )
    return shape, Sphere((float(z), float(y), float(x)), diameter)


def _mix_nodule(
    hu: np.ndarray,
    lung: np.ndarray,
    grid: Grid,
    spec: NoduleSpec,
    shape: nod.Shape,
    center: np.ndarray,
    rng: np.random.Generator,
) -> None:
    """Mix a nodule and its spicules into `hu`; what is denser already (vessels, chest wall) stays."""
    crop = _crop(grid, center, 2.2 * nod.reach(shape) + 4 if len(shape.spikes) else nod.reach(shape) + 5)
    if crop is None:
        return
    where, part = crop
    fraction, value = nod.mixture(spec, shape, center, part, rng)
    fraction *= np.clip(lung[where] / float(np.mean(grid.spacing)) + 0.8, 0, 1)
    view = hu[where]
    view += fraction * np.maximum(value - view, 0)


def _label(
    labels: np.ndarray,
    number: int,
    grid: Grid,
    spec: NoduleSpec,
    shape: nod.Shape,
    center: np.ndarray,
    anatomy: Anatomy,
) -> None:
    """Write the exact mask (without spicules) into `labels`."""
    crop = _crop(grid, center, nod.reach(shape) + 3)
    if crop is None:
        return
    where, part = crop
    cut = part.coarse(COARSE)
    mask = (nod.signed_distance(shape, center, part) > 0) & (upsample(_pleura(anatomy, cut), cut, part) > 0)
    view = labels[where]
    view[mask & (view == 0)] = number
