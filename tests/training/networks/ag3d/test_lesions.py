"""One lesion, one mark: what is joined, what is not, and the sphere that stands for all."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_lungmtl.training.networks.ag3d.detect import Detections
from napari_lungmtl.training.networks.ag3d.lesions import LARGEST_MM, enclosing_sphere, join_marks

LUNG, TISSUE = -850, 30


def volume(*balls, shape=(80, 80, 80)):
    hu = np.full(shape, LUNG, np.int16)
    z, y, x = np.ogrid[tuple(slice(n) for n in shape)]
    for cz, cy, cx, d in balls:
        hu[(z - cz) ** 2 + (y - cy) ** 2 + (x - cx) ** 2 <= (d / 2) ** 2] = TISSUE
    return hu


def marks(*rows):
    """Detections of (z, y, x, diameter, score) rows."""
    table = np.array(rows, float)
    return Detections(table[:, :4], table[:, 4], table[:, 4], table[:, 4])


def test_two_marks_in_one_mass_are_one_finding_around_both():
    hu = volume((40, 40, 40, 44))
    found = join_marks(marks((40, 40, 32, 24, 0.9), (40, 40, 48, 24, 0.8)), hu)
    assert len(found) == 1
    assert found.score == pytest.approx([0.9])
    assert found.spheres[0, :3] == pytest.approx([40, 40, 40], abs=0.2)
    apart, radius = 16, 12
    lens = np.pi * (4 * radius + apart) * (2 * radius - apart) ** 2 / 12
    union = 2 * 4 / 3 * np.pi * radius**3 - lens
    assert found.spheres[0, 3] == pytest.approx(np.cbrt(6 * union / np.pi), rel=0.02)
    assert len(found.members[0]) == 2


def test_two_nodules_with_air_between_them_stay_two():
    hu = volume((40, 40, 28, 12), (40, 40, 44, 12))
    found = join_marks(marks((40, 40, 28, 12, 0.9), (40, 40, 44, 12, 0.8)), hu)
    assert len(found) == 2
    assert found.spheres[:, 3] == pytest.approx([12, 12])


def test_a_vessel_between_two_nodules_joins_them_not():
    hu = volume((40, 40, 28, 12), (40, 40, 44, 12))
    hu[39:42, 39:42, 28:45] = TISSUE  # 3 mm thick
    assert len(join_marks(marks((40, 40, 28, 12, 0.9), (40, 40, 44, 12, 0.8)), hu)) == 2


def test_a_chain_of_marks_is_one_lesion():
    hu = volume((40, 40, 20, 24), (40, 40, 36, 24), (40, 40, 52, 24))
    rows = [(40, 40, c, 18, s) for c, s in ((20, 0.9), (36, 0.6), (52, 0.8))]
    found = join_marks(marks(*sorted(rows, key=lambda r: -r[4])), hu)
    assert len(found) == 1
    assert found.spheres[0, :3] == pytest.approx([40, 40, 36], abs=0.2)
    assert 18 < found.spheres[0, 3] < 50


def test_a_faint_mark_does_not_widen_a_nodule():
    hu = volume((40, 40, 40, 40))
    found = join_marks(marks((40, 40, 34, 10, 0.9), (40, 40, 44, 20, 0.1)), hu)
    assert len(found) == 1
    assert found.spheres[0] == pytest.approx([40, 40, 34, 10])


def test_a_mark_on_the_rim_of_a_mass_belongs_to_it():
    hu = volume((40, 40, 40, 26))
    found = join_marks(
        marks((40, 40, 40, 26, 0.9), (40, 40, 54, 6, 0.6)), hu
    )  # its centre lies in air, 1 mm outside
    assert len(found) == 1
    assert found.spheres[0, 3] == pytest.approx(
        26, rel=0.05
    )  # the air in the small sphere counts for nothing


def test_spheres_that_overlap_in_air_stay_two():
    hu = volume((40, 40, 28, 10), (40, 40, 44, 10))
    assert len(join_marks(marks((40, 40, 28, 18, 0.9), (40, 40, 44, 18, 0.8)), hu)) == 2


def test_no_joined_sphere_is_larger_than_a_lesion_can_be():
    hu = np.full((40, 40, 200), TISSUE, np.int16)
    rows = [(20, 20, c, 24, 0.9 - c / 1000) for c in range(20, 190, 20)]
    found = join_marks(marks(*rows), hu)
    assert 1 < len(found) < len(rows)
    assert found.spheres[:, 3].max() <= LARGEST_MM


balls = st.tuples(*(st.floats(-50, 50),) * 3, st.floats(1, 30))


@settings(deadline=None)
@given(st.lists(balls, min_size=1, max_size=6))
def test_the_sphere_encloses_every_member_and_is_not_wildly_larger(rows):
    spheres = np.array(rows, float)
    whole = enclosing_sphere(spheres)
    beyond = np.linalg.norm(spheres[:, :3] - whole[:3], axis=1) + spheres[:, 3] / 2
    assert beyond.max() <= whole[3] / 2 + 1e-6
    apart = np.linalg.norm(spheres[:, None, :3] - spheres[None, :, :3], axis=2)
    widest = (apart + (spheres[:, None, 3] + spheres[None, :, 3]) / 2).max()
    assert whole[3] <= 1.6 * widest


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(*(st.floats(5, 60),) * 3, st.floats(3, 25), st.floats(0.05, 1)), max_size=8))
def test_every_mark_is_a_member_of_exactly_one_finding(rows):
    rows = sorted(rows, key=lambda r: -r[4])
    found = join_marks(
        marks(*rows) if rows else marks((1, 1, 1, 1, 1))[np.zeros(1, bool)], volume((30, 30, 30, 40))
    )
    members = np.concatenate([*found.members, np.zeros((0, 4))])
    assert sorted(map(tuple, members)) == sorted(tuple(map(float, r[:4])) for r in rows)
    assert list(found.score) == sorted(found.score, reverse=True)
