"""Why not here: every mark is found again at its place, and without the named causes every other place has one."""

import time
from collections import Counter

import numpy as np
import pytest

from napari_lungmtl.training.data.public.luna16_nodules import to_hu
from napari_lungmtl.training.explain.answer import NOTHING, UNSEEN, Place, under_threshold
from napari_lungmtl.training.findings import Sphere
from napari_lungmtl.training.imaging import Image
from napari_lungmtl.training.inference import registry
from napari_lungmtl.training.inference.predictor import finish

from .....stand_ins.pace import pace

NODULES = ((30.0, 40.0, 35.0, 12.0), (30.0, 70.0, 75.0, 8.0), (40.0, 20.0, 6.0, 10.0))
"""Centre in mm from the corner and diameter: in the left lung, in the right one, and in the chest wall."""


@pytest.fixture(scope="module")
def shipped():
    return registry.load_predictor("ag3d", "cpu")


def small_thorax() -> Image:
    """Two lungs in a body, with dense balls."""
    z, y, x = np.meshgrid(*[np.arange(n) + 0.5 for n in (60, 100, 110)], indexing="ij")
    hu = np.full(z.shape, -1000.0, np.float32)
    hu[((y - 50) / 48) ** 2 + ((x - 55) / 54) ** 2 < 1] = 40
    for cx in (31, 79):
        hu[((y - 50) / 38) ** 2 + ((x - cx) / 18) ** 2 < 1] = -860
    for cz, cy, cx, d in NODULES:
        hu[(z - cz) ** 2 + (y - cy) ** 2 + (x - cx) ** 2 < (d / 2) ** 2] = 60
    hu += np.random.default_rng(0).normal(0, 20, hu.shape).astype(np.float32)
    return Image(hu.astype(np.int16), "CT", (1.0, 1.0, 1.0), (-190.0, -70.0, -95.0), "test")


@pytest.fixture(scope="module")
def traced(shipped):
    """A run's trace, its findings and its image."""
    image, traces = small_thorax(), []
    run = shipped.run(image)
    while True:
        try:
            step = next(run)
        except StopIteration as stop:
            return traces[0], stop.value, image
        traces += [step.trace] if step.trace is not None else []


def is_exact(trace, answer) -> bool:
    """Whether the promised mark is there once the causes are switched off."""
    there = [score for sphere, score in trace.marks_without(answer) if trace.is_here(sphere, answer.place)]
    return any(score == pytest.approx(answer.score, abs=1e-5) for score in there)


def test_every_finding_is_the_mark_of_its_place(traced):
    trace, findings, _ = traced
    assert len(findings)
    for finding in findings:
        for nodule in (None, finding.geometry):
            answer = trace.answer(Place(finding.center, nodule))
            assert answer.mark == finding.geometry
            assert answer.score == finding.score
            assert not answer.causes
            assert all(stage.passed for stage in answer.stages)
    assert [(s, score) for s, score in trace.marks_without(answer)] == [
        (f.geometry, f.score) for f in findings
    ]


def test_without_the_causes_a_mark_appears_everywhere(traced):
    trace, _, image = traced
    rng, causes = np.random.default_rng(0), Counter()
    low, high = image.extent
    points = [*rng.uniform(low, high, (24, 3)), np.array(NODULES[2][:3]) + image.origin - 0.5]
    for k, point in enumerate(points):
        nodule = Sphere(tuple(point), rng.uniform(4, 20)) if k % 2 else None
        answer = trace.answer(Place(tuple(point), nodule))
        if answer.mark is not None or answer.causes[0].kind in (NOTHING, UNSEEN):
            continue
        assert is_exact(trace, answer), answer
        assert answer.sentence
        failed = [stage for stage in answer.stages if stage.passed is False]
        assert failed
        causes["+".join(c.kind for c in answer.causes)] += 1
    assert len(causes) >= 3, "places differ in why they are not marked"


def test_each_question_takes_less_than_50_ms(traced):
    trace, _, image = traced
    trace.answer(Place(tuple(image.to_world((30, 50, 50)))))
    took = []
    for index in np.random.default_rng(1).uniform(0, (60, 100, 110), (15, 3)):
        start = time.process_time()
        trace.answer(Place(tuple(image.to_world(index))))
        took.append(time.process_time() - start)
    assert np.median(took) < 0.05 * pace()


def test_a_place_outside_the_scan_was_not_looked_at(traced):
    trace, *_ = traced
    answer = trace.answer(Place((500.0, 0.0, 0.0)))
    assert [c.kind for c in answer.causes] == [UNSEEN]
    assert "did not look here" in answer.sentence


def test_a_trace_costs_the_run_nothing_when_nobody_keeps_it(shipped, traced):
    _, findings, image = traced
    again = finish(shipped.run(image))
    assert [(f.geometry, f.score) for f in again] == [(f.geometry, f.score) for f in findings]


def test_nodules_of_fold_0_are_hits_and_places_beside_them_misses(shipped, luna16_cubes):
    """All of them, and real misses: experiments/explain/exact.py."""
    cubes = [c for c in luna16_cubes if c.fold == "0"][:40:13]
    asked = Counter()
    for cube in cubes:
        trace = shipped.trace_cube(to_hu(cube.voxels))
        spheres, scores = shipped.detect_cubes([to_hu(cube.voxels)])[0]
        beside = np.array([[10.0, 10.0, 10.0, 6.0]])
        for *center, diameter in np.concatenate([cube.truth, beside]):
            place = Place(tuple(center), Sphere(tuple(center), diameter))
            away = np.linalg.norm(spheres[:, :3] - center, axis=1)
            best = scores[away < diameter / 2].max(initial=0.0)
            answer = under_threshold(trace.answer(place), 0.5)
            hit = best >= 0.5
            assert (answer.mark is not None and not answer.causes) == hit
            asked["hit" if hit else "miss"] += 1
            if answer.mark is not None:
                assert answer.score == pytest.approx(best, abs=1e-5)
            elif answer.causes[0].kind not in (NOTHING, UNSEEN):
                assert is_exact(trace, answer)
    assert asked["hit"]
    assert asked["miss"]
