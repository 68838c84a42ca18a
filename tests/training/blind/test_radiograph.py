"""Looking all over a radiograph, with a detector that is blind on its left half."""

import numpy as np
import pytest
from scipy.ndimage import center_of_mass, label

from napari_lungmtl.training.blind import one as one_module
from napari_lungmtl.training.blind import radiograph
from napari_lungmtl.training.blind.at_hand import bank_at_hand
from napari_lungmtl.training.blind.bank import of_kind
from napari_lungmtl.training.blind.kinds import Kind
from napari_lungmtl.training.blind.look import Request, look
from napari_lungmtl.training.blind.one import graft_one
from napari_lungmtl.training.blind.radiograph import film_of, put, try_on_film, view_of
from napari_lungmtl.training.blind.trials import share
from napari_lungmtl.training.findings import Box, Finding, Findings, Mask, Region
from napari_lungmtl.training.imaging.image import Image
from napari_lungmtl.training.inference.predictor import PredictorError, finish

KIND = Kind("12–20 mm", "plain")
LUNGS = {"right lung": (slice(30, 170), slice(20, 90)), "left lung": (slice(30, 170), slice(130, 200))}


@pytest.fixture
def image() -> Image:
    pixels = np.full((200, 220), 3000, np.uint16)
    for where in LUNGS.values():
        pixels[where] = 1200
    pixels += np.random.default_rng(0).integers(0, 40, pixels.shape).astype(np.uint16)
    return Image(pixels, "DX", (1.6, 1.6), (10.0, -20.0), series_uid="film")


def regions(image):
    masks = {name: np.zeros(image.shape, bool) for name in LUNGS}
    for name, where in LUNGS.items():
        masks[name][where] = True
    return tuple(Region(n, Mask.from_array(m, image.scale, image.origin)) for n, m in masks.items())


@pytest.fixture
def detect(image, monkeypatch):
    """Marks what is brighter than the film was, right of its middle."""
    clean = image.voxels.astype(int)

    def detect_on(seen, _device, _orientation):
        yield
        blobs, count = label(seen.voxels - clean > 40)
        middles = center_of_mass(blobs > 0, blobs, range(1, count + 1)) if count else ()
        places = [image.to_world(m) for m in middles if m[1] > 110]
        boxes = [Box(tuple(p - 8), tuple(p + 8)) for p in places]
        return Findings(tuple(Finding(box, score=0.8) for box in boxes), regions=regions(image))

    for module in (radiograph, one_module):
        monkeypatch.setattr(module, "detect_on", detect_on)
    return detect_on


def test_the_map_shows_the_blind_half(image, detect):
    run, last = look(Request(image, KIND)), None
    while True:
        try:
            last = next(run)
        except StopIteration as stop:
            trials = stop.value
            break
    middle = float(image.to_world((0, 110))[1])
    left, right = ([t for t in trials if (t.center[1] > middle) == side] for side in (False, True))
    assert share(left, 0.5)[0] == 0 < len(left)
    assert share(right, 0.5)[0] >= 0.8 * len(right) > 0
    assert last.trials == trials
    index = np.round((np.array([t.center for t in trials]) - last.grid.origin) / last.grid.spacing).astype(
        int
    )
    assert last.grid.inside[tuple(index.T)].all(), "inside the lungs"


def test_strength_zero_is_the_film_and_more_is_brighter_just_there(image, detect):
    film = film_of(image, finish(detect(image, "cpu", None)))
    rng = np.random.default_rng(0)
    place = image.to_world((100, 165))[None]
    views = [(view_of(of_kind(bank_at_hand().nodules, "10–20 mm", "solid")[1], rng), 1.2)]
    assert put(film, views, place, "plain", 0.0) is image
    before = image.voxels.copy()
    changed = put(film, views, place, "plain").voxels.astype(int) - before
    where = np.argwhere(changed > 10)
    assert np.linalg.norm(where.mean(0) - (100, 165)) < 2.5
    assert changed.min() >= -1
    assert np.array_equal(image.voxels, before)
    faint = put(film, views, place, "faint").voxels.astype(int) - before
    assert 0.2 * changed.max() < faint.max() < 0.6 * changed.max()
    none = try_on_film(film, KIND, place, "cpu", None, rng, strength=0.0)
    assert not none[0].found(0.5)


@pytest.mark.parametrize("spacing", [(0.8, 1.6), (1.6, 0.8)])
def test_a_nodule_is_as_high_as_it_is_wide_in_mm(spacing):
    """Where pixels are not square, it was twice as long along one side as along the other."""
    shape = tuple(round(320 / s) for s in spacing)
    pixels = np.full(shape, 3000, np.uint16)
    lungs = np.zeros(shape, bool)
    lungs[shape[0] // 8 : -shape[0] // 8, shape[1] // 8 : -shape[1] // 8] = True
    pixels[lungs] = 1200
    pixels += (np.arange(shape[1]) % 40).astype(np.uint16)
    image = Image(pixels, "DX", spacing, (0.0, 0.0), series_uid="flat")
    found = Findings(regions=(Region("lungs", Mask.from_array(lungs, image.scale, image.origin)),))
    round_view = np.zeros((40, 40), np.float32)
    round_view[np.hypot(*(np.indices((40, 40)) - 19.5)) < 9] = 0.5
    changed = put(film_of(image, found), [(round_view, 1.0)], np.array([[160.0, 160.0]]), "plain").voxels
    where = np.argwhere(changed.astype(int) - pixels > 10) * spacing
    height, width = np.ptp(where, axis=0) + spacing
    assert height == pytest.approx(width, abs=1.7)
    assert (height + width) / 2 == pytest.approx(20, abs=3), "18 mm and its blur"
    np.testing.assert_allclose(where.mean(0), 160, atol=1.0)


def test_one_to_look_at_keeps_the_film_for_the_next(image, detect):
    run, one = graft_one(image, KIND, tuple(image.to_world((100, 165))), seed=1), None
    try:
        while True:
            next(run)
    except StopIteration as stop:
        one = stop.value
    assert one.trial.found(0.5)
    assert one.words.startswith("plain contrast, Ø 1")
    assert one.picture.shape < image.shape
    assert one.film is not None


def test_a_film_without_lungs_is_refused(image):
    with pytest.raises(PredictorError, match="No lungs were outlined on film"):
        film_of(image, Findings())
