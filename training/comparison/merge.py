"""Several sets of findings of one image made into one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..findings.finding import Finding, Findings, new_id
from ..findings.formats.lidc.nodules import groups, one_of_each_reader
from ..findings.geometry import Box, Geometry, Sphere
from ..findings.truth import sphere_of
from .differences import differences


def merged(a: Findings, b: Findings) -> Findings:
    """Join two sets: A's findings, and of B what A lacks.

    Where both come from the same run (the same id), what a person changed, judged or described wins over what nobody has touched;
    where both were touched, A's stays. What A rejected stays so, and takes in what B has at the same place.
    """
    pairs = differences(a, b)
    listed = {one.a.id for one in pairs if one.a is not None}
    items = [f for f in a if f.id not in listed]  # rejected, and nothing in B says otherwise
    for one in pairs:
        if one.a is None or one.b is None:
            items.append(one.finding)
        else:
            theirs = one.a.id == one.b.id and one.b.is_touched and not one.a.is_touched
            items.append(one.b if theirs else one.a)
    known: set[str] = set()
    unique = []
    for f in items:  # two files may have given one id to two findings
        unique.append(f if f.id not in known else f.with_(id=new_id()))
        known.add(unique[-1].id)
    order = {f.id: i for i, f in enumerate(a)}
    return a.with_items(tuple(sorted(unique, key=lambda f: order.get(f.id, len(order)))))


def agreed(sets: Sequence[Findings], at_least: int) -> Findings:
    """Make one set of what at least so many sets have.

    As LUNA16 did with LIDC's readers: findings are one where their centres are closer than the sum of their radii, of each set the
    one nearest to the middle counts, and position, diameter and malignancy are means. Volumes become spheres; on a radiograph the
    boxes are means, taken for one where their middles are closer than half the sum of their longer sides.

    Raises
    ------
    ValueError
        There is no set.
    """
    if not sets:
        raise ValueError("at least one set of findings is needed")
    found = [(k, f) for k, each in enumerate(sets) for f in each if f.status != "rejected"]
    spheres = np.array([_sphere(f) for _, f in found]).reshape(-1, 4)
    items: list[Finding] = []
    for members in groups(spheres):
        best = one_of_each_reader(members, spheres, [found[i][0] for i in members])
        if len(best) < at_least:
            continue
        parts = [found[i][1] for i in best]
        said = [f.malignancy for f in parts if f.malignancy is not None]
        items.append(
            Finding(
                _mean(parts),
                malignancy=float(np.mean(said)) if said else None,
                status="accepted",
                note=f"{len(best)} of {len(sets)}",
                id=f"agreed{len(items)}",
            )
        )
    return sets[0].with_items(tuple(items))


def _sphere(finding: Finding) -> tuple[float, ...]:
    if finding.box is not None:
        return 0.0, *finding.box.center, finding.box.diameter
    sphere = sphere_of(finding)
    return *sphere.center, sphere.diameter


def _mean(parts: Sequence[Finding]) -> Geometry:
    boxes = [f.box for f in parts if f.box is not None]
    if boxes:
        (y0, x0), (y1, x1) = np.mean([(b.low, b.high) for b in boxes], axis=0)
        return Box((y0, x0), (y1, x1))
    z, y, x, diameter = np.mean([_sphere(f) for f in parts], axis=0)
    return Sphere((z, y, x), diameter)
