"""The whole phantom: anatomy, trees and nodules mixed into Hounsfield units, scanned, with the exact truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from ..findings.finding import Finding, Findings, ImageReference, Origin, Sphere
from ..imaging.image import Image
from . import nodules as nod
from . import trees
from .anatomy import LEFT, RIGHT, Anatomy, Waves
from .grid import Grid, coverage, stamp, upsample
from .scanner import blur, noise
from .spec import NoduleSpec, Phantom, PhantomSpec

COARSE = 2.5  # mm; every organ is smoother than this
TRUTH = 0.5  # mm; grid on which a nodule's volume and centre are measured


class PlacementError(ValueError):
    """A nodule does not fit anywhere in the scanned part of the lungs."""


@dataclass(frozen=True)
class _Lungs:
    """Both lungs on a fixed grid (4 mm), the same for every cut of one patient."""

    grid: Grid
    distance: tuple[np.ndarray, np.ndarray]
    arteries: tuple[list[trees.Branch], list[trees.Branch]]
    veins: tuple[list[trees.Branch], list[trees.Branch]]

    def at(self, points: np.ndarray) -> np.ndarray:
        """Distance to the pleura (mm, positive inside a lung) at points (n, 3)."""
        both = np.maximum(*self.distance)
        return ndimage.map_coordinates(both, self.grid.index(points).T, order=1, mode="nearest")


def make_phantom(spec: PhantomSpec | int) -> Phantom:
    """A synthetic chest CT with its truth.

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
    lungs = _draw_lungs(anatomy, tree_rng)
    shift = world_rng.uniform((-340, -60, -30), (-120, 40, 30))
    grid = _image_grid(spec, anatomy)
    placed = _place(spec, anatomy, lungs, grid, place_rng)

    factors = tuple(max(1, round(s / 1.3)) for s in spec.spacing)
    fine = grid.refined(factors)  # type: ignore[arg-type]
    hu, lung, tubes = _tissues(spec, anatomy, lungs, fine, tissue_rng)
    labels = np.zeros(grid.shape, np.uint8)
    findings = []
    for number, (nodule, center, rng) in enumerate(placed):
        shape, sphere = _measure(nodule, center, anatomy, rng)
        _mix_nodule(hu, lung, fine, nodule, shape, center, rng)
        _label(labels, number + 1, grid, nodule, shape, center, anatomy)
        world = Sphere(tuple(np.asarray(sphere.center) + shift), sphere.diameter)  # type: ignore[arg-type]
        findings.append(
            Finding(
                world,
                attributes=nod.attributes(nodule),
                origin=Origin(person="phantom"),
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
        series_uid=f"1.2.826.0.1.3680043.10.1577.{spec.seed}",
        window=(-600.0, 1500.0),
        metadata={"description": "synthetic thorax", "patient_id": f"PHANTOM-{spec.seed}"},
    )
    reference = ImageReference(image.series_uid, "", "CT", image.shape, image.spacing, image.origin)
    return Phantom(
        image, Findings(tuple(findings), reference), _pool(lung, factors) > 0, labels, _pool(tubes, factors)
    )


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


def _draw_lungs(anatomy: Anatomy, rng: np.random.Generator) -> _Lungs:
    z0, z1 = anatomy.z_range
    deep, wide = anatomy.half_depth + 12, anatomy.half_width + 12
    step = 4.0
    shape = (int((z1 - z0) / step) + 2, int(2 * deep / step) + 2, int(2 * wide / step) + 2)
    grid = Grid((z0, -deep, -wide), (step,) * 3, shape)
    axes = grid.axes()
    mediastinum = anatomy.mediastinum(axes)
    distances, arteries, veins = [], [], []
    for side in (RIGHT, LEFT):
        distance = anatomy.lung(axes, side, mediastinum)
        distances.append(distance.astype(np.float32))
        inside = np.argwhere(distance > 3.0)
        # About one end branch for 1.3 ml: the vessels that a CT shows, down to 0.5 mm.
        count = int(len(inside) * step**3 / 1300)

        def ends(n: int, inside: np.ndarray = inside) -> np.ndarray:
            chosen = rng.choice(len(inside), min(n, len(inside)), replace=False)
            return np.asarray(grid.start) + (inside[chosen] + rng.uniform(-0.5, 0.5, (len(chosen), 3))) * step

        heading = np.array([-0.3, 0.25, side * 0.9])
        hilum = np.array([-14.0, 8.0, -32.0]) if side == RIGHT else np.array([-8.0, 14.0, 38.0])
        arteries.append(trees.grow(hilum, heading, ends(count), rng.uniform(5.6, 7.2), rng))
        atrium = np.array([-34.0, 12.0, side * 26.0 + 4])
        veins.append(trees.grow(atrium, heading, ends(int(0.75 * count)), rng.uniform(5.2, 6.6), rng))
    return _Lungs(grid, (distances[0], distances[1]), (arteries[0], arteries[1]), (veins[0], veins[1]))


def _mix(hu: np.ndarray, share: np.ndarray, value: np.ndarray | float) -> None:
    """Replace the share of each voxel by `value`, in place."""
    hu += share * (value - hu)


def _bone(hu: np.ndarray, distance: np.ndarray, voxel: float, cancellous: float, cortex: float) -> None:
    """Spongy bone with a cortex of about 1.3 mm, drawn where there is any."""
    where = np.flatnonzero(distance.ravel() > -voxel)
    d, flat = distance.ravel()[where], hu.reshape(-1)
    value = cortex + (cancellous - cortex) * np.clip((d - 0.9) / 1.4, 0, 1)
    flat[where] += np.clip(d / voxel + 0.5, 0, 1) * (value - flat[where])


def _tissues(
    spec: PhantomSpec, anatomy: Anatomy, lungs: _Lungs, grid: Grid, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """HU before blur (float32), signed distance to the pleura and share of tubes, on `grid`."""
    coarse = grid.coarse(COARSE)
    axes = coarse.axes()
    voxel = float(np.mean(grid.spacing))
    waves = Waves.draw(rng, 30)(axes)

    def field(values: np.ndarray) -> np.ndarray:
        return upsample(np.broadcast_to(values, coarse.shape), coarse, grid)

    contrast = spec.contrast if spec.contrast is not None else bool(rng.random() < 0.5)
    blood = float(rng.uniform(130, 260) if contrast else rng.uniform(32, 52))
    body, cage = anatomy.body(axes), anatomy.cage(axes)
    mediastinum = anatomy.mediastinum(axes)
    sides = [anatomy.lung(axes, side, mediastinum) for side in (RIGHT, LEFT)]
    hu = np.full(grid.shape, -1000, np.float32)
    if spec.scanner.bed_table:
        _table(hu, anatomy, grid)
    skin = field(body)
    _mix(hu, coverage(skin, voxel), float(rng.uniform(-115, -95)))
    _mix(hu, coverage(2.0 - np.abs(skin - 1.5), voxel), 20.0)
    # Muscle between fat and rib cage, with fat planes in it.
    _mix(
        hu, field(np.clip(np.minimum(body - anatomy.fat - 4 * waves, 6 * (1.1 - waves) + 4) / 2, 0, 1)), 48.0
    )
    inner = field(cage)
    _mix(
        hu, coverage(inner, voxel), field(-95 + 60 * np.clip(waves - 0.9, 0, 1))
    )  # mediastinal fat with nodes
    del inner
    for name, value in (
        ("liver", 58.0 + 0.25 * blood * contrast),
        ("spleen", 52.0),
        ("stomach", 25.0),
        ("gas", -960.0),
    ):
        organ = field(anatomy.belly(axes)[name])
        _mix(hu, coverage(organ, voxel), value)
    heart = np.maximum(_heart(anatomy, axes), tuple_max([s * 0 - 99 for s in sides]))
    _mix(hu, coverage(field(heart), voxel), 0.75 * blood + 12)
    _mix(hu, coverage(field(anatomy.vessels(axes)), voxel), blood)
    bone, disc = anatomy.spine(axes)
    _mix(hu, coverage(field(disc), voxel), 80.0)
    cartilage = field(anatomy.cartilage(axes, cage))
    _mix(hu, coverage(cartilage, voxel), 95.0)
    bones = np.maximum(np.maximum(bone, anatomy.ribs(axes, cage)), anatomy.other_bones(axes, cage))
    _bone(
        hu,
        np.minimum(field(bones), skin - 3),
        voxel,
        float(rng.uniform(130, 230)),
        float(rng.uniform(450, 800)),
    )
    del skin, cartilage
    lung = field(np.maximum(*sides))
    parenchyma = _parenchyma(anatomy, coarse, grid, sides, field, rng)
    _mix(hu, coverage(lung, voxel), parenchyma)
    tubes = _draw_tubes(hu, lungs, anatomy, grid, blood, lung, rng)
    return hu, lung, tubes


def tuple_max(fields: list[np.ndarray]) -> np.ndarray:
    """Largest of several fields."""
    return np.maximum.reduce(fields)


def _heart(anatomy: Anatomy, axes: tuple[np.ndarray, np.ndarray, np.ndarray]) -> np.ndarray:
    from .anatomy import ellipsoid

    return ellipsoid(axes, anatomy.heart, anatomy.heart_half)


def _table(hu: np.ndarray, anatomy: Anatomy, grid: Grid) -> None:
    """A curved carbon shell under the patient's back."""
    _, y, x = grid.axes()
    deep, wide = anatomy.body_half()
    sag = deep + 6 - 14 * (x / wide) ** 2
    shell = np.clip(1.5 - np.abs(y - sag), 0, 1) + np.clip(1.5 - np.abs(y - sag - 12), 0, 1)
    hu += (shell * 750).astype(np.float32)


def _parenchyma(anatomy, coarse, grid, sides, field, rng) -> np.ndarray:
    """HU of lung tissue: gravity, regional change, fine mottle, emphysema, fissures."""
    axes = coarse.axes()
    z, y, x = axes
    base = float(rng.uniform(-895, -840))
    gravity = float(rng.uniform(25, 80))
    depth = np.clip((y + anatomy.half_depth) / (2 * anatomy.half_depth), 0, 1)
    region = Waves.draw(rng, 45)(axes)
    patch = Waves.draw(rng, 14, 14)(axes)
    smooth = base + gravity * depth**2 + 9 * region + 9 * patch
    pleura = np.maximum(*sides)
    # Dependent density close to the back's pleura.
    smooth = smooth + rng.uniform(0, 130) * np.exp(-np.clip(pleura, 0, None) / 3) * (depth > 0.8) * np.clip(
        region, 0, 2
    )
    if rng.random() < 0.35:
        holes = np.clip(Waves.draw(rng, 18, 14)(axes) - rng.uniform(0.8, 1.6), 0, 1)
        smooth = smooth - holes * (smooth + 975)
    hu = field(smooth)
    mottle = ndimage.gaussian_filter(
        rng.standard_normal(grid.shape, np.float32), [0.9 / s for s in grid.spacing], truncate=2.5
    )
    mottle *= np.float32(rng.uniform(18, 34) / max(float(mottle.std()), 1e-6))
    hu += mottle
    del mottle
    slow = Waves.draw(rng, 80)(axes)
    oblique = (z - (rng.uniform(-36, -24) + 1.05 * y + 5 * slow)) / 1.45
    level = z - (rng.uniform(-14, 2) + 4 * slow)
    strength = float(rng.uniform(0.12, 0.3))
    sheet = np.exp(-((field(oblique) / 0.7) ** 2))
    right = field(np.minimum(np.clip(oblique, -1, 1), np.clip(-x / 2, -1, 1)))
    sheet = np.maximum(sheet, np.exp(-((field(level) / 0.7) ** 2)) * (right > 0.5))
    hu += strength * sheet * (-hu)
    return hu


def _near(branches: list[trees.Branch], grid: Grid, margin: float = 14.0) -> list[trees.Branch]:
    low = np.asarray(grid.start) - margin
    high = np.asarray(grid.start) + np.asarray(grid.spacing) * np.asarray(grid.shape) + margin
    return [b for b in branches if np.all(b.points.max(0) > low) and np.all(b.points.min(0) < high)]


def _draw_tubes(
    hu: np.ndarray,
    lungs: _Lungs,
    anatomy: Anatomy,
    grid: Grid,
    blood: float,
    lung: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """Vessels, airway walls and lumens; returns the share of vessels and walls within the lungs."""
    vessels = np.zeros(grid.shape, np.float32)
    walls, lumens = np.zeros_like(vessels), np.zeros_like(vessels)
    for number, side in enumerate((RIGHT, LEFT)):
        for tree in (lungs.arteries[number], lungs.veins[number]):
            stamp(vessels, grid, *trees.stack_points(_near(tree, grid)))
        beside = np.array([-0.35, 0.75, side * 0.56])
        points, radii = trees.stack_points(_near(trees.airways(lungs.arteries[number], beside), grid))
        stamp(walls, grid, points, radii + trees.wall(radii))
        stamp(lumens, grid, points, radii)
    for path, radius in anatomy.airway_paths():
        count = int(np.linalg.norm(np.diff(path, axis=0), axis=1).sum() * 2)
        t = np.linspace(0, len(path) - 1, count)
        points = np.stack([np.interp(t, np.arange(len(path)), path[:, i]) for i in range(3)], 1)
        radii = np.interp(t, np.arange(len(path)), radius)
        stamp(walls, grid, points, radii + 1.6)
        stamp(lumens, grid, points, radii)
    # End branches fade before the pleura.
    inside = np.clip((lung - 1.0) / 2.0, 0, 1)
    _mix(hu, np.where(lung > 0, vessels * inside, 0), blood)
    _mix(hu, walls, float(rng.uniform(-10, 40)))
    _mix(hu, lumens, -985.0)
    np.maximum(vessels, walls, out=vessels)
    return vessels * inside


def _place(
    spec: PhantomSpec, anatomy: Anatomy, lungs: _Lungs, grid: Grid, rng: np.random.Generator
) -> list[tuple[NoduleSpec, np.ndarray, np.random.Generator]]:
    """A centre for each nodule, and its own stream of numbers."""
    seeds = rng.integers(0, 2**63, len(spec.nodules))
    both = np.maximum(*lungs.distance)
    low = np.asarray(grid.start)
    high = low + np.asarray(grid.spacing) * (np.asarray(grid.shape) - 1)
    points, radii = trees.stack_points([b for t in (*lungs.arteries, *lungs.veins) for b in t])
    large = cKDTree(points[radii > 0.9])
    taken: list[tuple[np.ndarray, float]] = []
    placed: list[tuple[NoduleSpec, np.ndarray, np.random.Generator] | None] = [None] * len(spec.nodules)
    # Given places first, then the largest.
    order = sorted(
        range(len(spec.nodules)), key=lambda i: (spec.nodules[i].center is None, -spec.nodules[i].diameter)
    )
    for i in order:
        nodule, own = spec.nodules[i], np.random.default_rng(seeds[i])
        r = nodule.diameter / 2
        if nodule.center is not None:
            center = np.asarray(nodule.center, float)
        else:
            found = None
            for _ in range(400):
                candidate = _candidate(nodule, lungs, both, points, radii, own)
                if candidate is None or np.any(candidate < low + r) or np.any(candidate > high - r):
                    continue
                if nodule.place == "isolated" and large.query(candidate)[0] < r + 1.5:
                    continue
                if all(np.linalg.norm(candidate - c) > r + q + 4 for c, q in taken):
                    found = candidate
                    break
            if found is None:
                raise PlacementError(
                    f"no room for a {nodule.place} nodule of {nodule.diameter:g} mm in z_range {spec.z_range}; "
                    "take a larger z_range, fewer or smaller nodules"
                )
            center = found
        taken.append((center, r))
        placed[i] = (nodule, center, own)
    return [p for p in placed if p is not None]


def _candidate(
    nodule: NoduleSpec,
    lungs: _Lungs,
    both: np.ndarray,
    points: np.ndarray,
    radii: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray | None:
    """A random position of the kind that `nodule` asks for, or None."""
    r, step = nodule.diameter / 2, lungs.grid.spacing[0]
    start = np.asarray(lungs.grid.start)
    if nodule.place == "juxtavascular":
        near = np.flatnonzero((radii > 0.8) & (radii < 2.6))
        k = near[rng.integers(len(near))]
        away = rng.normal(size=3)
        center = points[k] + away / np.linalg.norm(away) * (radii[k] + 0.75 * r)
        return center if lungs.at(center[None])[0] > r + 1 else None
    if nodule.place == "juxtapleural":
        shell = np.argwhere(np.abs(both - 3) < 2.5)
        index = shell[rng.integers(len(shell))] + rng.uniform(-0.5, 0.5, 3)
        point = start + index * step
        steps = np.concatenate([np.eye(3), -np.eye(3)]) * 3.0
        d = lungs.at(point + steps)
        normal = d[:3] - d[3:]
        if np.linalg.norm(normal) < 1e-3:
            return None
        normal /= np.linalg.norm(normal)
        wanted = rng.uniform(0.35, 0.85) * r
        center = point + normal * (wanted - lungs.at(point[None])[0])
        # Only the costal pleura and the like: not where the other side is close, too.
        return center if abs(lungs.at(center[None])[0] - wanted) < 1.0 + 0.2 * r else None
    inside = np.argwhere(both > r + 3)
    if not len(inside):
        return None
    return start + (inside[rng.integers(len(inside))] + rng.uniform(-0.5, 0.5, 3)) * step


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
    """The shape scaled to the wanted visible volume, and the sphere measured on a fine grid."""
    shape = nod.draw_shape(spec, rng)
    step = min(TRUTH, spec.diameter / 20)
    reach = 1.3 * nod.reach(shape) + 1
    n = 2 * int(reach / step) + 1
    local = Grid(tuple(center - (n // 2) * step), (step,) * 3, (n, n, n))  # type: ignore[arg-type]
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
    inside = nod.signed_distance(shape, center, part)
    voxel = float(np.mean(grid.spacing))
    share = nod.soft_share(inside, voxel, nod.margin_width(spec))
    value = nod.density(spec, inside, rng)
    strands = nod.spicules(shape, center, part)
    strands *= 1.0 if spec.texture == "solid" else 0.6
    share, value = np.maximum(share, strands), np.where(strands > share, np.maximum(value, -120), value)
    share *= np.clip(lung[where] / voxel + 0.8, 0, 1)
    view = hu[where]
    view += share * np.maximum(value - view, 0)


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
