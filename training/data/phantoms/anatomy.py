"""The thorax as signed distance fields (mm, positive inside), drawn from a seed.

Frame: (z, y, x) in mm, the carina's height is z = 0, z to the head, y to the back, x to the patient's left, the body's
axis at y = x = 0. Sizes follow adult anatomy (lungs 22-27 cm high, rib cage 24-30 cm wide).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

RIGHT, LEFT = -1, 1
TUBE_REACH = 16.0  # mm; nothing asks for distances further outside
Axes = tuple[np.ndarray, np.ndarray, np.ndarray]


def smooth_min(a: np.ndarray, b: np.ndarray, k: float) -> np.ndarray:
    """Intersection of two fields with an edge rounded over about `k` mm."""
    h = np.clip(0.5 + 0.5 * (b - a) / k, 0, 1)
    return b * (1 - h) + a * h - k * h * (1 - h)


def ellipsoid(axes: Axes, center: tuple[float, float, float], half: tuple[float, float, float]) -> np.ndarray:
    """Approximate signed distance to an upright ellipsoid."""
    squares = [((a - c) / h) ** 2 for a, c, h in zip(axes, center, half, strict=True)]
    return (1 - np.sqrt(squares[0] + squares[1] + squares[2])) * min(half)


def tube(axes: Axes, path: np.ndarray, radius: np.ndarray) -> np.ndarray:
    """Signed distance to a chain of balls along `path` (n, 3), finely resampled; at least ``-TUBE_REACH``."""
    steps = np.maximum(np.ceil(np.linalg.norm(np.diff(path, axis=0), axis=1) / 4).astype(int), 1)
    t = np.concatenate(
        [np.linspace(i, i + 1, n, endpoint=False) for i, n in enumerate(steps)] + [[len(path) - 1]]
    )
    points = np.stack([np.interp(t, np.arange(len(path)), path[:, i]) for i in range(3)], 1)
    radii = np.interp(t, np.arange(len(path)), np.broadcast_to(radius, (len(path),)))
    best = np.full(np.broadcast_shapes(*(a.shape for a in axes)), -TUBE_REACH, np.float32)
    flat = [a.ravel() for a in axes]
    for point, r in zip(points, radii, strict=True):
        # Only the box in which this ball can matter.
        reach = r + TUBE_REACH
        z, y, x = (
            slice(*np.searchsorted(f, (p - reach, p + reach))) for f, p in zip(flat, point, strict=True)
        )
        pz, py, px = point
        d = np.sqrt((axes[0][z] - pz) ** 2 + (axes[1][:, y] - py) ** 2 + (axes[2][:, :, x] - px) ** 2)
        np.maximum(best[z, y, x], r - d, out=best[z, y, x])
    return best


@dataclass(frozen=True)
class Waves:
    """A smooth random function of position: a sum of plane waves, the same on any grid."""

    vectors: np.ndarray
    phases: np.ndarray

    @classmethod
    def draw(cls, rng: np.random.Generator, wavelength: float, count: int = 8) -> Waves:
        """Waves of about `wavelength` mm."""
        direction = rng.normal(size=(count, 3))
        direction /= np.linalg.norm(direction, axis=1, keepdims=True)
        return cls(
            direction * (2 * np.pi / (wavelength * rng.uniform(0.7, 1.4, (count, 1)))),
            rng.uniform(0, 2 * np.pi, count),
        )

    def __call__(self, axes: Axes) -> np.ndarray:
        """Values of unit variance at the broadcast axes."""
        total: np.ndarray | float = 0.0
        for (kz, ky, kx), phase in zip(self.vectors, self.phases, strict=True):
            # A plane wave is a product of one-axis exponentials: three vectors instead of a sine per voxel.
            yx = np.exp(1j * (ky * axes[1] + phase)) * np.exp(1j * kx * axes[2])
            ez = np.exp(1j * kz * axes[0])
            total = total + ez.real * yx.real - ez.imag * yx.imag
        return np.asarray(total) * np.sqrt(2 / len(self.phases))


@dataclass(frozen=True)
class Anatomy:
    """The drawn sizes of one patient (mm) and the fields made from them."""

    half_width: float
    half_depth: float
    apex: tuple[float, float]
    dome: tuple[float, float]
    fat: float
    muscle: float
    column: float
    heart: tuple[float, float, float]
    heart_half: tuple[float, float, float]
    aorta: float
    rib_phase: float
    spine_phase: float
    bumps: Waves
    slow: Waves

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Anatomy:
        """A patient."""
        size = rng.uniform(0.9, 1.08)
        apex = 95 * size + rng.uniform(-6, 8)
        dome = -88 * size + rng.uniform(-18, 12)
        large = rng.uniform(0.85, 1.15)
        return cls(
            half_width=132 * size + rng.uniform(-6, 6),
            half_depth=88 * size + rng.uniform(-7, 9),
            apex=(apex, apex + rng.uniform(-4, 4)),
            dome=(dome, dome - rng.uniform(4, 18)),
            fat=float(np.clip(rng.gamma(3, 5), 4, 38)),
            muscle=rng.uniform(16, 30),
            column=rng.uniform(25, 33),
            heart=(dome + rng.uniform(28, 38), rng.uniform(-32, -22), rng.uniform(16, 26)),
            heart_half=(50 * large, 45 * large, rng.uniform(55, 64) * large),
            aorta=rng.uniform(10.5, 14.5),
            rib_phase=rng.uniform(0, 1),
            spine_phase=rng.uniform(0, 1),
            bumps=Waves.draw(rng, 22),
            slow=Waves.draw(rng, 70),
        )

    @property
    def z_range(self) -> tuple[float, float]:
        """Heights from below the costophrenic angles to above the apices."""
        return min(self.dome) - 75, max(self.apex) + 15

    @property
    def spine_y(self) -> float:
        """Where the vertebral bodies' middle is."""
        return self.half_depth - 20

    def body_half(self) -> tuple[float, float]:
        """Half depth and half width of the skin."""
        return (
            self.half_depth + self.muscle + self.fat * 0.8 + 8,
            self.half_width + self.muscle + self.fat + 12,
        )

    def cage(self, axes: Axes) -> np.ndarray:
        """Distance to the inside of the rib cage, regardless of apices and diaphragm."""
        z, y, x = axes
        narrowing = 1 - 0.42 * np.clip((z - 10) / 110, 0, 1.2) ** 2
        wide = self.half_width * narrowing
        # The back is flatter than the front and has gutters beside the spine.
        deep = self.half_depth * (1 - 0.22 * np.clip((z - 10) / 110, 0, 1.2) ** 2)
        gutter = np.where(y > 0, 6 * np.exp(-(((np.abs(x) - 55) / 30) ** 2)), 0)
        u = (np.abs(x / wide) ** 2.3 + np.abs(y / (deep + gutter)) ** 2.3) ** (1 / 2.3)
        return (1 - u) * deep

    def diaphragm(self, axes: Axes, side: int) -> np.ndarray:
        """Height above the diaphragm of one side."""
        z, y, x = axes
        top = self.dome[0] if side == RIGHT else self.dome[1]
        u = ((x - side * 0.5 * self.half_width) / (0.62 * self.half_width)) ** 2
        v = ((y + 0.12 * self.half_depth) / (0.95 * self.half_depth)) ** 2
        return z - (top - 42 * np.clip(u + 1.15 * v, 0, 1.6) + 2.5 * self.slow(axes))

    def mediastinum(self, axes: Axes) -> np.ndarray:
        """Distance to the mediastinum with heart, great vessels and spine."""
        z, y, x = axes
        front = np.exp(-(((y / self.half_depth - 0.1) / 0.52) ** 2))
        # The hila are the widest part.
        hilum = 1 + 0.22 * np.exp(-(((z + 15) / 28) ** 2))
        width = 4 + self.column * front * hilum
        out = (width - np.abs(x - 3)) * 0.8
        spine = 24 - np.sqrt(x**2 + (y - self.spine_y) ** 2)
        out = np.maximum(out, spine)
        out = np.maximum(out, ellipsoid(axes, self.heart, self.heart_half) + 3)
        return np.maximum(out, self.vessels(axes) + 2)

    def aorta_path(self) -> np.ndarray:
        """Middle line of the aorta from the valve over the arch to the diaphragm."""
        spine = self.spine_y
        return np.array(
            [
                [-38, -24, -2],
                [-10, -26, -14],
                [18, -22, -13],
                [32, -10, -4],
                [36, 8, 10],
                [30, spine - 34, 22],
                [10, spine - 27, 25],
                [-40, spine - 25, 23],
                [-90, spine - 24, 16],
                [-190, spine - 24, 8],
            ],
            float,
        )

    def vessels(self, axes: Axes) -> np.ndarray:
        """Distance to aorta, pulmonary trunk and its main branches, and the superior vena cava."""
        a = self.aorta
        out = tube(
            axes, self.aorta_path(), np.array([a * 1.2, a * 1.2, a * 1.1, a, a, a, a, a, a * 0.9, a * 0.9])
        )
        trunk = np.array(
            [[-35, -38, 16], [-15, -36, 20], [-6, -20, 20], [-6, -2, 8], [-10, 6, -18], [-16, 8, -36]], float
        )
        out = np.maximum(out, tube(axes, trunk, np.array([14.0, 13.5, 12.5, 10.5, 9.5, 8.0])))
        left = np.array([[-6, -14, 22], [0, 4, 32], [-8, 14, 40]], float)
        out = np.maximum(out, tube(axes, left, np.array([11.0, 10.0, 8.0])))
        cava = np.array(
            [[-45, -12, -24], [20, -14, -24], [60, -22, -22], [75, -28, -10], [80, -32, 25]], float
        )
        return np.maximum(out, tube(axes, cava, np.array([9.0, 9.0, 8.0, 7.0, 6.0])))

    def airway_paths(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Trachea and main bronchi: (points, radii of the lumen)."""
        trachea = np.array([[140, 0, 0], [80, 6, 0], [40, 12, -1], [2, 17, -1]], float)
        right = np.array([[2, 17, -2], [-12, 18, -18], [-22, 16, -34]], float)
        left = np.array([[2, 17, 0], [-14, 19, 22], [-24, 20, 42]], float)
        return [
            (trachea, np.array([8.5, 8.8, 8.5, 9.0])),
            (right, np.array([7.5, 6.8, 5.8])),
            (left, np.array([7.0, 6.2, 5.2])),
        ]

    def lung(self, axes: Axes, side: int, mediastinum: np.ndarray | None = None) -> np.ndarray:
        """Signed distance to one lung's pleura."""
        z, y, x = axes
        apex = self.apex[0] if side == RIGHT else self.apex[1]
        center = side * 0.42 * self.half_width
        # Steeper in front than behind.
        deep = np.where(y < 14, 68.0, 52.0)
        u, v = (x - center) / 46, (y - 14) / deep
        top = apex - z - 42 * (u**2 + v**2)
        top = top / np.sqrt(1 + (84 * u / 46) ** 2 + (84 * v / deep) ** 2)
        if mediastinum is None:
            mediastinum = self.mediastinum(axes)
        out = smooth_min(self.cage(axes), top, 12)
        out = smooth_min(out, self.diaphragm(axes, side) * 0.8, 3)
        out = smooth_min(out, -mediastinum, 7)
        out = smooth_min(out, side * (x - 3 * np.exp(-(((z + 10) / 60) ** 2))) - 2.0, 2)
        # Rib impressions and the unevenness of every real surface.
        return out + 0.55 * self.bumps(axes) + 0.8 * self.slow(axes)

    def ribs(self, axes: Axes, cage: np.ndarray) -> np.ndarray:
        """Signed distance to the ribs: oblique bands within the chest wall."""
        z, y, x = axes
        angle = np.abs(np.arctan2(x, y))  # 0 at the spine, pi at the sternum
        drop = 125 * np.clip(angle / np.pi, 0, 1) ** 1.25 * np.clip((130 - z) / 160, 0.25, 1)
        pitch = 25.0
        turns = (z + drop) / pitch + self.rib_phase
        across = (turns - np.rint(turns)) * pitch * 0.9
        radial = cage + 6.5 + 0.6 * self.slow(axes)
        bone = 1 - np.sqrt((across / 6.6) ** 2 + (radial / 4.2) ** 2)
        bone = bone * 4.2
        # Ribs end in cartilage towards the sternum.
        return np.minimum(bone, (2.35 - angle) * 60)

    def cartilage(self, axes: Axes, cage: np.ndarray) -> np.ndarray:
        """Signed distance to the costal cartilages in front."""
        z, y, x = axes
        angle = np.abs(np.arctan2(x, y))
        turns = (z + 52 - 30 * np.clip(angle - 2.35, 0, 1)) / 25.0 + self.rib_phase
        across = (turns - np.rint(turns)) * 22.0
        bone = (1 - np.sqrt((across / 6.0) ** 2 + ((cage + 6.5) / 4.5) ** 2)) * 4.5
        return np.minimum(bone, (angle - 2.35) * 60)

    def spine(self, axes: Axes) -> tuple[np.ndarray, np.ndarray]:
        """Signed distances to the vertebrae (bodies, arches, processes) and to the discs."""
        z, y, x = axes
        turns = z / 24.0 + self.spine_phase
        along = (turns - np.rint(turns)) * 24.0
        round_ = 16.5 + 0.02 * along**2 - np.sqrt(x**2 + (y - self.spine_y) ** 2)
        body = np.minimum(round_, 9.6 - np.abs(along))
        disc = np.minimum(round_ - 0.5, np.abs(along) - 9.6)
        y0 = self.spine_y + 24
        ring = np.minimum(11.5 - np.sqrt(x**2 + (y - y0) ** 2), np.sqrt(x**2 + (y - y0) ** 2) - 8.0)
        ring = np.minimum(ring, 8.5 - np.abs(along))
        process = np.minimum(np.minimum(4 - np.abs(x), 16 - np.abs(y - y0 - 20)), 7 - np.abs(along + 3))
        wings = np.minimum(np.minimum(5 - np.abs(y - y0 + 2), 6 - np.abs(along - 1)), 28 - np.abs(x))
        wings = np.minimum(wings, np.abs(x) - 9)
        bone = np.maximum(np.maximum(body, ring), np.maximum(process, wings))
        return bone, disc

    def other_bones(self, axes: Axes, cage: np.ndarray) -> np.ndarray:
        """Signed distance to sternum, scapulae and clavicles."""
        z, y, x = axes
        sternum = np.minimum(
            np.minimum(17 - np.abs(x) + 0.06 * (z - 20).clip(0, 60), 5.5 - np.abs(cage + 12)),
            70 - np.abs(z + 5),
        )
        sternum = np.minimum(sternum, -y)
        lateral = np.abs(x) - 0.62 * self.half_width
        blade = np.minimum(
            2.6 - np.abs(cage + 21 + 0.5 * self.slow(axes)),
            38 - np.abs(lateral) - 0.35 * (40 - z).clip(0, 80),
        )
        blade = np.minimum(np.minimum(blade, y - 10), np.minimum(z + 45, 95 - z))
        out = np.maximum(sternum, blade)
        for side in (RIGHT, LEFT):
            path = np.array(
                [[66, -62, side * 18], [76, -58, side * 60], [92, -30, side * 110], [96, -10, side * 150]],
                float,
            )
            out = np.maximum(out, tube(axes, path, np.array([7.5, 6.0, 6.0, 7.0])))
        return out

    def belly(self, axes: Axes) -> dict[str, np.ndarray]:
        """Signed distances to what lies below the diaphragm: liver, spleen, stomach and its gas."""
        z, y, x = axes
        under = np.minimum(-self.diaphragm(axes, RIGHT) - 3, self.cage(axes) - 3)
        liver = np.minimum(under, 25 - x - 0.15 * (z - self.dome[0]))
        under_left = np.minimum(-self.diaphragm(axes, LEFT) - 3, self.cage(axes) - 3)
        spleen = np.minimum(under_left, np.minimum(x - 55, y - 5))
        stomach = np.minimum(under_left - 2, ellipsoid(axes, (self.dome[1] - 42, -15, 62), (38, 42, 40)))
        # The patient lies on the back, so gas gathers in front.
        gas = np.minimum(stomach - 4, -18 - y + 0.0 * z)
        return {"liver": liver, "spleen": spleen, "stomach": stomach, "gas": gas}

    def body(self, axes: Axes) -> np.ndarray:
        """Signed distance to the skin (arms raised, as in every chest CT)."""
        z, y, x = axes
        deep, wide = self.body_half()
        shoulder = np.clip((z - 40) / 70, 0, 1) ** 2
        breadth = wide * (1 + 0.10 * shoulder)
        depth = deep * (1 - 0.18 * shoulder)
        u = (np.abs(x / breadth) ** 2.6 + np.abs(y / depth) ** 2.6) ** (1 / 2.6)
        return (1 - u) * depth + 1.5 * self.slow(axes)
