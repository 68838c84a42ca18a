"""Looking all over a CT, with a detector that is blind in the lower half."""

import numpy as np
import pytest

from napari_lungmtl.training.blind import scan as scan_module
from napari_lungmtl.training.blind.at_hand import bank_at_hand
from napari_lungmtl.training.blind.bank import of_kind
from napari_lungmtl.training.blind.kinds import Kind
from napari_lungmtl.training.blind.look import Request, look
from napari_lungmtl.training.blind.one import graft_one
from napari_lungmtl.training.blind.scan import detector_of, prepare_scan, try_graft
from napari_lungmtl.training.blind.trials import chance_map, share
from napari_lungmtl.training.imaging.image import Image
from napari_lungmtl.training.inference import registry
from napari_lungmtl.training.inference.predictor import PredictorError

from ...stand_ins.blob_detector import INFO, BlobDetector
from ...stand_ins.fresh_models import fresh_model_store

BLIND = -150.0
KIND = Kind("6–10 mm", "solid")


@pytest.fixture
def image() -> Image:
    voxels = np.full((56, 90, 90), 40, np.int16)
    voxels[:, 8:82, 8:82] = -850
    return Image(voxels, "CT", (2.5, 1.0, 1.0), (-220.0, 10.0, -30.0), series_uid="1.2.3")


@pytest.fixture
def detector(monkeypatch) -> BlobDetector:
    model = BlobDetector(BLIND)
    fresh_model_store(monkeypatch)
    monkeypatch.setattr(registry, "models", lambda: (INFO,))
    monkeypatch.setattr(registry, "load_predictor", lambda name, device="auto": model)
    monkeypatch.setattr(scan_module, "lung_field", lambda image: image.voxels < -400)
    return model


def exhaust(run):
    steps = []
    while True:
        try:
            steps.append(next(run))
        except StopIteration as stop:
            return steps, stop.value


def _is_free(place) -> bool:
    """Whether a graft touches no wall, with which it would be one blob."""
    return -212 < place[0] < -88 and 30 < place[1] < 80 and -10 < place[2] < 40


def test_the_map_shows_where_the_detector_is_blind(image, detector):
    steps, trials = exhaust(look(Request(image, KIND, "cpu")))
    assert len(steps[-1].trials) == len(trials) > 10
    fractions = [step.fraction for step in steps]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1
    above = [t for t in trials if t.center[0] > BLIND + 8 and _is_free(t.center)]
    below = [t for t in trials if t.center[0] < BLIND - 8]
    assert share(below, 0.5)[0] == 0 < len(below)
    assert share(above, 0.5)[0] >= 0.8 * len(above) > 3
    grid = steps[-1].grid
    chance = chance_map(trials, 0.5, grid)
    middle = np.array(chance.shape) // 2
    low, high = (chance[z, middle[1], middle[2]] for z in (3, -6))
    assert low < 0.5 * high


def test_closing_stops_and_nothing_else_is_looked_at(image, detector):
    run = look(Request(image, KIND, "cpu"))
    while not next(run).trials:
        pass
    seen = detector.seen
    run.close()
    assert detector.seen == seen <= 2


def test_a_graft_of_zero_strength_is_never_found(image, detector):
    rng = np.random.default_rng(0)
    image.voxels[45:49, 40:46, 40:46] = 30  # what is found anyway
    place = image.to_world((47, 43, 43))
    nodule = of_kind(bank_at_hand().nodules, "10–20 mm", "solid")[0]
    detect = detector_of(detector)
    none, _ = try_graft(detect, image, nodule, place, rng, strength=0.0)
    assert none.score == none.before == 0.9
    assert not none.found(0.5)
    free = image.to_world((47, 24, 60))
    assert not try_graft(detect, image, nodule, free, rng, strength=0.0)[0].score
    assert try_graft(detect, image, nodule, free, rng)[0].found(0.5)


def test_one_to_look_at(image, detector):
    place = tuple(image.to_world((47, 45, 45)))
    before = image.voxels.copy()
    _, one = exhaust(graft_one(image, KIND, place, "cpu", seed=3))
    assert one.trial.found(0.5)
    assert one.words.startswith("solid, Ø ")
    assert np.array_equal(image.voxels, before)
    low = np.round(image.to_index(one.picture.origin)).astype(int)
    own = tuple(slice(a, a + n) for a, n in zip(low, one.picture.shape, strict=True))
    differs = one.picture.voxels != before[own]
    assert differs.any()
    assert not differs[:, 0].any(), "its rim is the image"
    with pytest.raises(PredictorError, match="outside"):
        exhaust(graft_one(image, KIND, (0.0, 0.0, 0.0), "cpu"))


def test_the_grid_has_whole_voxels_of_the_image(image, detector):
    grid = prepare_scan(image).grid
    ratio = np.array(grid.spacing) / image.scale
    assert np.array_equal(ratio, np.round(ratio))
    assert all(s >= o for s, o in zip(grid.spacing, image.scale, strict=True)), "sliders keep their steps"
    corner = np.array(grid.origin) - np.array(grid.spacing) / 2
    assert np.allclose(corner, np.array(image.origin) - np.array(image.scale) / 2)
