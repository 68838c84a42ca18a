"""What training draws from real radiographs: folds that never meet, pairs that differ by their nodules alone."""

import numpy as np
import pytest

from napari_lungmtl.training.data.errors import DatasetError
from napari_lungmtl.training.data.public.radiographs import draw_together
from napari_lungmtl.training.data.simulation import real_store
from napari_lungmtl.training.data.simulation.real_radiographs import CORE, RealRadiographs, is_dev
from napari_lungmtl.training.data.simulation.real_store import compressed, load_real_store, prepare_real
from napari_lungmtl.training.findings.formats.errors import FindingsFileError
from napari_lungmtl.training.fitting.radiograph_sources import open_radiograph_sources

from ....stand_ins.prepared_stores import lungs, views
from ....stand_ins.radiograph_sets import write_jsrt_rows, write_nih_films
from ....stand_ins.real_stores import BOX, store


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("prepared_real")
    store().save(folder)
    return folder


def test_folds_and_parts_never_meet(prepared):
    sources = open_radiograph_sources(prepared, (), held_out=("0",))
    everything = load_real_store(prepared)
    fold = dict(zip(everything.name, everything.fold, strict=True))
    patient = dict(zip(everything.name, everything.patient, strict=True))
    assert sources.held_out
    drawn = {*sources.training.cases, *sources.dev.cases}
    assert {fold[name] for name in drawn} == set("1234")
    assert all(is_dev(patient[name]) for name in sources.dev.cases)
    rng = np.random.default_rng(0)
    for part in (sources.training, sources.dev):
        assert {part.draw(rng).name for _ in range(60)} <= set(part.cases)


def test_folds_that_there_are_not(prepared, tmp_path):
    with pytest.raises(DatasetError, match=r"fold 7.* 0, 1, 2, 3, 4"):
        open_radiograph_sources(prepared, (), held_out=("7",))
    write_jsrt_rows(tmp_path)
    with pytest.raises(DatasetError, match="no folds to hold out"):
        open_radiograph_sources(tmp_path, (), held_out=("0",))


def test_a_pair_differs_by_its_nodules(prepared):
    radiographs = RealRadiographs(prepared)
    rng = np.random.default_rng(1)
    for number in radiographs.backgrounds[:6]:
        with_nodules, without = radiographs.with_and_without(int(number), rng)
        assert len(with_nodules.boxes)
        assert not len(without.boxes)
        assert not without.nodules.any()
        assert with_nodules.name == without.name
        differ = np.abs(with_nodules.pixels - without.pixels) > 0.02
        assert differ.any()
        inside = np.zeros(differ.shape, bool)
        for x0, y0, x1, y1 in with_nodules.boxes.astype(int):
            inside[y0 - 12 : y1 + 12, x0 - 12 : x1 + 12] = True
        assert not (differ & ~inside).any()
        # Shams of the same touch lie on the other one, where the nodules are.
        original = radiographs.as_it_is(int(number)).pixels
        assert (without.pixels != original)[inside].any()


def test_pairs_of_real_radiographs_are_of_one_site(prepared):
    radiographs = RealRadiographs(prepared, pasted=0.0)
    rng = np.random.default_rng(2)
    for _ in range(20):
        positive, negative = draw_together(radiographs, rng)
        assert positive.positive
        assert not negative.positive
        assert positive.name.startswith("jsrt") == negative.name.startswith("jsrt")


def test_the_rim_of_a_generous_box_is_uncertain(prepared):
    radiographs = RealRadiographs(prepared)
    names = list(radiographs.store.name)
    exact, generous = (radiographs.as_it_is(names.index(name)) for name in ("jsrt0", "nih_boxed1"))
    assert exact.uncertain is None
    area = np.pi / 4 * (BOX[2] - BOX[0]) ** 2
    assert exact.nodules.sum() == pytest.approx(area, rel=0.05)
    assert generous.nodules.sum() == pytest.approx(CORE**2 * area, rel=0.1)
    assert not (generous.nodules & generous.uncertain).any()
    assert (generous.nodules | generous.uncertain)[BOX[1] : BOX[3], BOX[0] : BOX[2]].all()
    np.testing.assert_array_equal(generous.boxes, [BOX])


def test_the_same_state_gives_the_same_pair(prepared):
    radiographs = RealRadiographs(prepared)
    pairs = [radiographs.draw_pair(np.random.default_rng(5)) for _ in range(2)]
    for one, again in zip(*pairs, strict=True):
        np.testing.assert_array_equal(one.pixels, again.pixels)


def test_preparing(tmp_path, monkeypatch):
    monkeypatch.setattr(real_store, "load_views", lambda _: views())
    data = tmp_path / "data"
    write_jsrt_rows(data / "cxr" / "jsrt")
    write_nih_films(data / "cxr")
    outlined = []

    def outline(pixels):
        outlined.append(pixels.shape)
        return lungs() if len(outlined) % 2 else None

    prepare_real(data, tmp_path / "out", outline)
    made = load_real_store(tmp_path / "out")
    # Four of JSRT with their own lungs, three boxed, four without nodules (the controls once).
    assert list(made.source) == ["jsrt"] * 4 + ["nih_boxed"] * 3 + ["nih_clear"] * 4
    assert len(outlined) == 7
    assert made.outlined.tolist() == [True] * 4 + [False] * 7
    assert made.positive.sum() == 5
    assert made.mm[0] == pytest.approx(0.175 * 4)
    x0, y0, x1, y1 = made.boxes[made.box_radiograph == 5][0].astype(int)
    assert made.pixels[5, y0 + 8 : y1 - 8, x0 + 8 : x1 - 8].mean() > 2 * np.median(made.pixels[5])
    assert len(made.views.diameter_mm)


def test_nothing_to_prepare(tmp_path):
    with pytest.raises(DatasetError, match="holds none of jsrt, nih_boxed, nih_clear"):
        prepare_real(tmp_path, tmp_path, lambda _: None)


def test_compression_leaves_its_traces_and_nothing_else():
    pixels = store(4).pixels[0]
    again = compressed(pixels)
    assert (again != pixels).any()
    assert np.abs(again.astype(int) - pixels).mean() < 3


def test_radiographs_that_were_marked_in_vain_are_drawn_more_often(tmp_path):
    store().save(tmp_path)
    plain = RealRadiographs(tmp_path, pasted=0.0)
    hard = str(plain.store.name[plain.clear["nih"][0]])
    (tmp_path / "hard.csv").write_text(f"img_name,score\n{hard},0.95\nunknown,0.5\n")
    counts = []
    for radiographs in (plain, RealRadiographs(tmp_path, pasted=0.0)):
        rng = np.random.default_rng(0)
        drawn = [radiographs.draw_pair(rng)[1].name for _ in range(200)]
        counts.append(drawn.count(hard))
    assert counts[1] > 2 * counts[0] > 0
    (tmp_path / "hard.csv").write_text("img_name,score\nx,high\n")
    with pytest.raises(FindingsFileError, match=r"hard.csv.*score"):
        RealRadiographs(tmp_path)
