"""The nodules that are grafted: those that ship, and real ones where they have been made."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest

from napari_lungmtl.training.blind import make_bank
from napari_lungmtl.training.blind.at_hand import SHIPPED, bank_at_hand, real_path
from napari_lungmtl.training.blind.bank import SIZES, TEXTURES, load_bank, of_kind, save_bank, texture_of
from napari_lungmtl.training.blind.make_bank import choose, nodules_of
from napari_lungmtl.training.blind.phantoms import EACH, make_nodule
from napari_lungmtl.training.blind.radiograph import MAGNIFIED
from napari_lungmtl.training.data.errors import DatasetError
from napari_lungmtl.training.data.public.luna16_nodules import read_folds

DATA = Path(os.environ.get("LUNGMTL_DATA") or "nowhere") / "luna16_nodules"


def command(monkeypatch, *arguments) -> None:
    monkeypatch.setattr(sys, "argv", ["make_bank", *map(str, arguments)])
    make_bank.main()


def test_what_ships_is_made_here_of_every_kind_and_small():
    bank = load_bank(SHIPPED)
    assert all(n.series.startswith("made-") and n.noise == 0 for n in bank), "no patient's voxels"
    for size in SIZES:
        for texture in TEXTURES:
            assert len({n.series for n in of_kind(bank, size, texture)}) == EACH
    assert SHIPPED.stat().st_size < 200 * 1024
    largest = max(n.diameter for n in bank if n.texture != "ground glass")
    assert largest > 30 / MAGNIFIED[1], "the largest on radiographs are made of one"


@pytest.mark.parametrize("index", [0, 15, 34, 41, 53])
def test_what_ships_is_what_the_command_makes(index):
    shipped = load_bank(SHIPPED)[index]
    made = make_nodule(shipped.size, shipped.texture, index % EACH)
    assert made.series == shipped.series
    assert made.diameter == pytest.approx(shipped.diameter, rel=1e-6)
    assert np.array_equal(made.mask, shipped.mask)
    assert np.abs(made.voxels.astype(int) - shipped.voxels).max() <= 1, "8 HU, for another machine's rounding"


@pytest.mark.parametrize("index", range(0, 54, 5))
def test_made_nodules_have_their_size_and_are_as_dense_as_their_texture(index):
    nodule = load_bank(SHIPPED)[index]
    assert (6 * nodule.mask.sum() / np.pi) ** (1 / 3) == pytest.approx(nodule.diameter, rel=0.06)
    assert not nodule.filled[~nodule.mask].min() < -0.01
    assert not np.any(nodule.filled[0]), "plain lung at the faces"
    low, high = {"solid": (0.5, 1.2), "part-solid": (0.2, 0.6), "ground glass": (0.1, 0.4)}[nodule.texture]
    assert low < nodule.filled[nodule.mask].mean() < high


def test_a_bank_comes_back_as_it_was_written(tmp_path):
    nodules = load_bank(SHIPPED)[::20]
    save_bank(tmp_path / "bank.npz", nodules)
    for a, b in zip(nodules, load_bank(tmp_path / "bank.npz"), strict=True):
        assert np.array_equal(a.voxels, b.voxels)
        assert np.array_equal(a.mask, b.mask)
        assert (a.diameter, a.texture, a.series) == (b.diameter, b.texture, b.series)
        assert (a.lung, a.noise) == (b.lung, b.noise)


def test_real_ones_are_preferred_as_soon_as_they_are_there():
    made = bank_at_hand()
    assert (made.words, made.note) == ("nodules made by this project", "")
    real_path().parent.mkdir(parents=True)
    save_bank(real_path(), made.nodules[:7])
    real = bank_at_hand()
    assert (real.words, real.note, len(real.nodules)) == ("7 real nodules of LUNA16", "", 7)


def test_damaged_real_ones_are_refused_and_those_made_here_used():
    path = real_path()
    path.parent.mkdir(parents=True)
    save_bank(path, bank_at_hand().nodules)
    whole = path.read_bytes()
    with np.load(path) as f:
        arrays = dict(f)
    for name, value in (
        ("shapes", -arrays["shapes"]),
        ("voxels", arrays["voxels"][:-1]),
        ("masks", 0 * arrays["masks"]),
        ("lung", np.nan * arrays["lung"]),
        ("texture", arrays["texture"][1:]),
        ("texture", np.array(["soft"] * len(arrays["texture"]))),
    ):
        np.savez(path, **{**arrays, name: value})
        with pytest.raises(DatasetError, match=r"nodules\.npz is damaged"):
            load_bank(path)
    for damaged in (b"", b"PK nothing", whole[: len(whole) // 2]):
        path.write_bytes(damaged)
        bank = bank_at_hand()
        assert bank.words == "nodules made by this project"
        assert f"{path} is damaged" in bank.note
        assert bank.note.endswith("make_bank CUBES' has made it anew.")
        assert len(bank.nodules) == 54


@pytest.mark.skipif(not DATA.is_dir(), reason="needs LUNA16's nodule cubes")
def test_real_ones_are_cut_out_of_cubes_but_of_none_that_the_map_is_judged_on(monkeypatch):
    monkeypatch.setattr(make_bank, "FOLDS", ("4",))
    monkeypatch.setattr(make_bank, "EACH", 2)
    command(monkeypatch, DATA)
    bank = bank_at_hand()
    assert bank.words == f"{len(bank.nodules)} real nodules of LUNA16"
    assert 12 <= len(bank.nodules) <= 2 * len(SIZES) * len(TEXTURES)
    folds = read_folds(DATA)
    assert {folds[n.series] for n in bank.nodules} == {"4"}
    assert all(n.mask.any() and -1000 < n.lung < -500 and n.noise > 0 for n in bank.nodules)
    size, texture, series = (getattr(bank.nodules[0], name) for name in ("size", "texture", "series"))
    assert all(n.series != series for n in of_kind(bank.nodules, size, texture, series)), (
        "no scan into itself"
    )


def test_what_is_wrong_is_said(tmp_path, monkeypatch, capsys):
    with pytest.raises(DatasetError, match="does not exist"):
        load_bank(tmp_path / "bank.npz")
    with pytest.raises(DatasetError, match="no solid nodule of 50 mm"):
        of_kind(bank_at_hand().nodules, "50 mm", "solid")
    with pytest.raises(DatasetError, match=r"cubes\.npz does not exist"):
        nodules_of(tmp_path)
    with pytest.raises(SystemExit):
        command(monkeypatch, tmp_path)
    assert "cubes.npz does not exist" in capsys.readouterr().err
    (tmp_path / "file").write_text("")
    with pytest.raises(SystemExit):
        command(monkeypatch, "--phantoms", "--out", tmp_path / "file" / "bank.npz")
    assert "file" in capsys.readouterr().err


def test_chosen_by_class_and_scan():
    chosen = choose(list(bank_at_hand().nodules), each=2)
    assert len(chosen) == 2 * len(SIZES) * len(TEXTURES)
    assert [texture_of(r) for r in (5, 4.5, 4.4, 2.5, 2.4, 1)] == [TEXTURES[i] for i in (0, 0, 1, 1, 2, 2)]
