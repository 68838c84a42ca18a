"""A detector's marks on nodule cubes with what became of them: what false-positive reduction is trained on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..data.public.luna16_nodules import NoduleCube
from ..findings.formats.tables import number, read_rows, write_rows
from ..metrics.froc.matching import match_marks

COLUMNS = (
    "index",
    "seriesuid",
    "fold",
    "z",
    "y",
    "x",
    "coordX",
    "coordY",
    "coordZ",
    "diameter_mm",
    "probability",
    "nodule",
)


@dataclass(frozen=True, eq=False)
class Candidates:
    """n marks.

    Parameters
    ----------
    index, series, fold
        (n,) row of ``nodules.csv`` whose cube the mark lies in, and its scan.
    center
        (n, 3) z, y, x in voxels of the stored cube.
    world
        (n, 3) z, y, x in LPS mm.
    diameter, probability
        (n,) mm, and the detector's score.
    nodule
        (n,) 1 the best mark on a nodule, 0 a false positive, −1 neither: a second mark on a nodule, or a mark on an excluded
        finding or on a nodule whose centre lies outside the cube (the rules of `cubes`).
    """

    index: np.ndarray
    series: np.ndarray
    fold: np.ndarray
    center: np.ndarray
    world: np.ndarray
    diameter: np.ndarray
    probability: np.ndarray
    nodule: np.ndarray

    def __len__(self) -> int:
        return len(self.index)

    def take(self, chosen: np.ndarray) -> Candidates:
        """Some of them: a mask (n,) or positions."""
        return Candidates(**{name: value[chosen] for name, value in vars(self).items()})


def label_marks(cube: NoduleCube, spheres: np.ndarray, scores: np.ndarray) -> Candidates:
    """Label the marks (K, 4) z, y, x, diameter in voxels of a cube that lie in it: nodule, false positive or neither."""
    shape = np.array(cube.voxels.shape)

    def within(points: np.ndarray) -> np.ndarray:
        return np.all((points[:, :3] >= -0.5) & (points[:, :3] < shape - 0.5), axis=1)

    spheres, scores = spheres[within(spheres)], scores[within(spheres)]
    own = within(cube.truth)
    ignored = np.concatenate([cube.excluded, cube.truth[~own]])
    truth = cube.truth[own]
    matching = match_marks(
        spheres[:, :3], scores, truth[:, :3], truth[:, 3], ignored[:, :3], ignored[:, 3], max_marks=None
    )
    nodule = np.where(matching.false_positive, 0, -1)
    nodule[matching.nodule_mark[matching.found]] = 1
    row, n = cube.row, len(scores)
    flip = float(row["direction_xy"])
    origin = np.array([float(row[f"origin{axis}"]) for axis in "ZYX"])
    return Candidates(
        index=np.full(n, int(row["index"])),
        series=np.full(n, cube.series),
        fold=np.full(n, cube.fold),
        center=spheres[:, :3],
        world=origin + spheres[:, :3] * np.array([1.0, flip, flip]),
        diameter=spheres[:, 3],
        probability=scores,
        nodule=nodule,
    )


def joined(parts: Iterable[Candidates]) -> Candidates:
    """Several as one."""
    parts = list(parts)
    return Candidates(**{name: np.concatenate([getattr(p, name) for p in parts]) for name in vars(parts[0])})


def write_candidates(path: Path, candidates: Candidates) -> None:
    """Write them as csv."""
    c = candidates
    write_rows(
        path,
        COLUMNS,
        (
            (
                int(c.index[i]),
                str(c.series[i]),
                str(c.fold[i]),
                *(round(float(v), 3) for v in c.center[i]),
                *(round(float(v), 3) for v in c.world[i, ::-1]),
                round(float(c.diameter[i]), 3),
                float(c.probability[i]),
                int(c.nodule[i]),
            )
            for i in range(len(c))
        ),
    )


def read_candidates(paths: Sequence[Path]) -> Candidates:
    """Read one or more files, such as one of each detector.

    Raises
    ------
    FindingsFileError
        A file is no such table.
    ValueError
        Two files have marks in the same cube: then it is unknown which detector they belong to.
    """
    parts: list[Candidates] = []
    for path in paths:
        rows = list(read_rows(path, COLUMNS))

        def column(
            *names: str, path: Path = path, rows: list[tuple[int, dict[str, str]]] = rows
        ) -> np.ndarray:
            values = [[number(path, line, row, name) for name in names] for line, row in rows]
            return np.array(values, float).reshape(-1, len(names))

        part = Candidates(
            index=column("index")[:, 0].astype(int),
            series=np.array([row["seriesuid"] for _, row in rows], str),
            fold=np.array([row["fold"] for _, row in rows], str),
            center=column("z", "y", "x"),
            world=column("coordZ", "coordY", "coordX"),
            diameter=column("diameter_mm")[:, 0],
            probability=column("probability")[:, 0],
            nodule=column("nodule")[:, 0].astype(int),
        )
        again = set(map(str, part.series)).intersection(*[{str(s) for p in parts for s in p.series}])
        if again:
            raise ValueError(f"{path} has marks in {len(again)} scans that another file has, too.")
        parts.append(part)
    return joined(parts)
