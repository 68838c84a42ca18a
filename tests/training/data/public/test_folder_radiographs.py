"""Training samples from folders: what is drawn lies where the picture shows it, and held-out patients never appear."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from napari_lungmtl.training.data.errors import DatasetError
from napari_lungmtl.training.data.public.folder_radiographs import (
    is_held_out,
    labels_on,
    on_radiograph,
)
from napari_lungmtl.training.data.public.open_radiographs import (
    open_radiograph_cases,
)
from napari_lungmtl.training.fitting.radiograph_sources import open_training_radiographs
from napari_lungmtl.training.imaging.image import Image
from napari_lungmtl.training.imaging.radiograph.network_input import make_radiograph_input

from ....stand_ins.radiograph_sets import (
    JSRT_ROWS,
    picture,
    save,
    write_coco_set,
    write_jsrt,
    write_nih,
    write_node21,
)


def drawn(radiographs, count=30, seed=0):
    rng = np.random.default_rng(seed)
    return [radiographs.draw(rng) for _ in range(count)]


@pytest.mark.parametrize("suffix", [".mha", ".png"])
def test_boxes_lie_on_the_bright_squares(tmp_path, suffix):
    truth = write_node21(tmp_path, suffix, radiographs=16)
    radiographs = open_training_radiographs(tmp_path)
    samples = drawn(radiographs)
    for sample in samples:
        assert sample.pixels.shape == (512, 512)
        assert sample.pixels.dtype == np.float32
        assert 0 <= sample.pixels.min() <= sample.pixels.max() <= 1
        assert len(sample.boxes) == len(truth[sample.name]) == len(sample.diameter_mm)
        # Pictures of 128 × 96 become 512 × 384, with 64 rows of padding above and below.
        expected = [[x * 4, y * 4 + 64, (x + w) * 4, (y + h) * 4 + 64] for x, y, w, h in truth[sample.name]]
        np.testing.assert_allclose(sample.boxes, np.reshape(expected, (-1, 4)), atol=1e-3)
        bright = np.zeros((512, 512), bool)
        for x0, y0, x1, y1 in np.rint(sample.boxes).astype(int):
            assert sample.pixels[y0 + 3 : y1 - 3, x0 + 3 : x1 - 3].min() > 0.9
            bright[y0:y1, x0:x1] = True
        assert not (sample.nodules & ~bright).any()
        area = sum((x1 - x0) * (y1 - y0) for x0, y0, x1, y1 in sample.boxes) * np.pi / 4
        assert sample.nodules.sum() == pytest.approx(area, rel=0.02)
        assert sample.lungs is None
    assert 0.3 < np.mean([sample.positive for sample in samples]) < 0.7


def test_the_same_generator_gives_the_same_samples(tmp_path):
    write_node21(tmp_path, ".png")
    radiographs = open_training_radiographs(tmp_path)
    for a, b in zip(drawn(radiographs, 8), drawn(radiographs, 8), strict=True):
        assert a.name == b.name
        np.testing.assert_array_equal(a.pixels, b.pixels)
        np.testing.assert_array_equal(a.boxes, b.boxes)
    assert len({sample.name for sample in drawn(radiographs, 15, seed=1)}) > 5


def test_the_split_is_by_patient_and_leaves_nobody_out(tmp_path):
    write_node21(tmp_path, ".png")
    train, held, everything = (
        {case.name for case in open_radiograph_cases(tmp_path, part)} for part in ("train", "held-out", "all")
    )
    assert train | held == everything
    assert not train & held
    assert train
    assert held
    assert set(open_training_radiographs(tmp_path).cases) == train
    assert set(open_training_radiographs(tmp_path, part="held-out").cases) == held
    assert {sample.name for sample in drawn(open_training_radiographs(tmp_path), 40)} <= train


HELD = [0, 1, 6, 10, 22, 26, 29, 36]


def test_the_split_never_changes():
    """Cards say which patients a network has seen: another split would make them wrong."""
    assert [i for i in range(40) if is_held_out(str(i))] == HELD
    share = np.mean([is_held_out(f"{i:08}") for i in range(5000)])
    assert 0.18 < share < 0.22


def test_nih_trains_on_boxes_and_on_clear_radiographs_only(tmp_path):
    write_nih(tmp_path)
    radiographs = open_training_radiographs(tmp_path, part="all")
    assert set(radiographs.cases) == {"00000001_000.png", "00000001_001.png", "00000003_000.png"}
    for sample in drawn(radiographs, 20):
        assert sample.positive == (sample.name == "00000001_000.png")
        assert sample.nodule_known
        if sample.positive:
            np.testing.assert_allclose(sample.boxes, [[128, 256, 192, 288]], atol=1e-3)


def test_jsrt_gives_lungs_and_nodules(tmp_path):
    write_jsrt(tmp_path)
    radiographs = open_training_radiographs(tmp_path, part="all")
    # The radiograph whose nodule has no size is left out.
    assert set(radiographs.cases) == {"JPCLN001.png", "JPCLN003.png", "JPCNN001.png"}
    for sample in drawn(radiographs, 12):
        assert sample.sides
        assert sample.lungs.shape == (2, 512, 512)
        right, left = (np.argwhere(lung) for lung in sample.lungs)
        # Masks of 128 pixels: rows 20 to 108, columns 10 to 60 and 68 to 118.
        assert [right.min(0).tolist(), (right.max(0) + 1).tolist()] == [[80, 40], [432, 240]]
        assert [left.min(0).tolist(), (left.max(0) + 1).tolist()] == [[80, 272], [432, 472]]


def test_jsrts_own_radiographs_show_the_nodule_where_the_table_says(tmp_path):
    """2048² pixels of 16 bits, most significant byte first, dense tissue low."""
    stored = np.random.default_rng(0).integers(2000, 3000, (2048, 2048)).astype(">u2")
    # 21 mm around pixel (512, 600): 120 pixels.
    stored[600 - 60 : 600 + 60, 512 - 60 : 512 + 60] = 100
    stored.tofile(tmp_path / "JPCLN003.IMG")
    (tmp_path / "CLNDAT_EN.txt").write_bytes(JSRT_ROWS.split("\r")[2].encode())
    (sample,) = drawn(open_training_radiographs(tmp_path, part="all"), 1)
    np.testing.assert_allclose(sample.boxes, [[113.125, 135.125, 143.125, 165.125]], atol=1e-2)
    assert sample.pixels[137:163, 115:141].min() > 0.9
    assert sample.mm == pytest.approx(0.7)
    assert sample.diameter_mm == [21]


def test_lung_masks_alone_train_lungs_only(tmp_path):
    mask = np.zeros((96, 128), np.uint8)
    mask[20:80, 10:50] = mask[20:80, 70:120] = 255
    save(picture(), tmp_path / "1.jpg")
    save(mask, tmp_path / "1-mask.png")
    (sample,) = drawn(open_training_radiographs(tmp_path, part="all"), 1)
    assert (sample.nodule_known, sample.sides, sample.nodules, len(sample.boxes)) == (False, False, None, 0)
    assert sample.lungs[0].sum() == (mask > 0).sum() * 16
    assert not sample.lungs[1].any()


def test_coco_trains(tmp_path):
    write_coco_set(tmp_path)
    assert {s.positive for s in drawn(open_training_radiographs(tmp_path, part="all"), 20)} == {True, False}


def test_sets_that_cannot_train(tmp_path):
    write_nih(tmp_path)
    (tmp_path / "BBox_List_2017.csv").unlink()
    with pytest.raises(DatasetError, match="nothing to train on"):
        open_training_radiographs(tmp_path, part="all")
    with pytest.raises(DatasetError, match="no folds"):
        open_training_radiographs(tmp_path, folds=["2"])
    save(picture(), tmp_path / "m" / "f.jpg")
    save(picture(), tmp_path / "m" / "f.png")
    (tmp_path / "m" / "labels.csv").write_text("file,labels,use\nf.jpg,f.png,measure\n")
    with pytest.raises(DatasetError, match="to measure on, not to train on"):
        open_training_radiographs(tmp_path / "m")


quick = settings(deadline=None, max_examples=20)


@quick
@given(st.integers(2, 300), st.integers(2, 300), st.floats(0.1, 3), st.tuples(*(st.floats(0, 1),) * 2))
def test_boxes_on_a_radiograph_are_where_the_picture_is(height, width, spacing, place):
    image = Image(np.zeros((height, width), np.int16), spacing=(spacing, spacing), origin=(3, -5))
    radiograph = make_radiograph_input(image)
    y, x = place[0] * height, place[1] * width
    boxes = np.array([[0, 0, width, height], [x, y, x + 1, y + 1]], np.float32)
    whole, one = on_radiograph(boxes, image, radiograph)
    scale = 512 / max(height, width)
    np.testing.assert_allclose(whole[2:] - whole[:2], [width * scale, height * scale], atol=1e-2)
    np.testing.assert_allclose(one[2:] - one[:2], [scale, scale], rtol=0.02, atol=2e-3)
    np.testing.assert_allclose(one[:2] - whole[:2], [x * scale, y * scale], atol=1e-2)


@quick
@given(npst.arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40)), elements=st.integers(0, 2)))
def test_labels_cover_the_picture_at_any_size(labels):
    """A mask of as many pixels as the picture says at every radiograph pixel what it says at the picture's pixel there."""
    radiograph = make_radiograph_input(Image(np.zeros(labels.shape, np.int16)), side=64)
    on = labels_on(labels, radiograph)
    assert not on[~radiograph.inside].any()
    rows, columns = np.nonzero(radiograph.inside)
    index = (np.stack([rows, columns], 1) + 0.5 - np.asarray(radiograph.offset)) / radiograph.scale
    index = np.minimum(index.astype(int), np.array(labels.shape) - 1)
    np.testing.assert_array_equal(on[radiograph.inside], labels[tuple(index.T)])
