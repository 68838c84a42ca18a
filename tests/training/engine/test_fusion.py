"""Fusion of two opinions: the formula, the file, and the fit."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_lungmtl.training.engine.fusion import Coefficients, Fusion, fit_fusion, main, read_fusion
from napari_lungmtl.training.engine.weights import WeightsError
from napari_lungmtl.training.findings import Finding, Opinion, Sphere
from napari_lungmtl.training.metrics.classification import roc_auc
from napari_lungmtl.training.metrics.out_of_fold import OutOfFold, write_out_of_fold

SPHERE = Sphere((0, 0, 0), 8)


def judged(**said):
    return Finding(SPHERE, opinions=tuple(Opinion(n, "1", p, s) for n, (p, s) in said.items()))


def test_the_formula():
    fusion = Fusion(Coefficients(-1.0, 0.5, 2.0))
    fused = fusion.fuse(judged(mtmr=(0.75, 0.3), mtcnn=(0.2, 0.1)))
    z = -1 + 0.5 * np.log(3) + 2 * np.log(0.25)
    assert fused.malignancy == pytest.approx(1 / (1 + np.exp(-z)))
    assert fused.malignancy_spread == pytest.approx(np.sqrt(0.05))


def test_one_opinion_stands_and_none_changes_nothing():
    fusion = Fusion(Coefficients(-1.0, 0.5, 2.0))
    one = fusion.fuse(judged(mtcnn=(0.2, 0.1)))
    assert (one.malignancy, one.malignancy_spread) == (0.2, 0.1)
    person = Finding(SPHERE, malignancy=0.4, attributes={"margin": 3})
    assert fusion.fuse(person) is person


def test_a_scan_of_a_fold_gets_the_coefficients_that_never_saw_it():
    fusion = Fusion(Coefficients(0, 1, 0), {"2": Coefficients(0, 0, 1)})
    finding = judged(mtmr=(0.9, 0), mtcnn=(0.3, 0))
    assert fusion.fuse(finding, "2").malignancy == pytest.approx(0.3)
    assert fusion.fuse(finding, "4").malignancy == pytest.approx(0.9)
    assert fusion.fuse(finding).malignancy == pytest.approx(0.9)


@given(*(st.floats(0, 1),) * 3)
def test_by_default_it_rises_with_both_and_lies_between(a, b, c):
    fusion = Fusion()
    low, high = sorted((a, b))
    assert low - 1e-4 <= fusion.malignancy(a, b) <= high + 1e-4
    assert fusion.malignancy(low, c) <= fusion.malignancy(high, c)


def opinions(seed, label, strength):
    rng = np.random.default_rng(seed)
    n = len(label)
    log_odds = strength * (2 * label - 1) + rng.normal(size=n)
    return OutOfFold(
        index=np.arange(n),
        series=np.array([f"s{i // 2}" for i in range(n)]),
        fold=np.array([str(i // 2 % 5) for i in range(n)]),
        diameter=np.full(n, 8.0),
        readers={rule: np.where(label == 1, 4.0, 2.0) for rule in ("mean", "median")},
        malignancy=1 / (1 + np.exp(-log_odds)),
        attributes=np.full((n, 8), np.nan),
    )


@pytest.fixture
def two():
    label = np.random.default_rng(0).integers(0, 2, 4000)
    return opinions(1, label, 1.0), opinions(2, label, 0.5), label


def test_the_fit_is_better_than_either_and_never_saw_the_fold(two):
    mtmr, mtcnn, label = two
    document, fused = fit_fusion(mtmr, mtcnn, label)
    best = max(roc_auc(label, mtmr.malignancy), roc_auc(label, mtcnn.malignancy))
    assert roc_auc(label, fused) > best
    # Log odds of two unit normals at ±1 and ±0.5: their likelihood ratios have the weights 2 and 1.
    w = document["coefficients"]
    assert (w["mtmr"], w["mtcnn"]) == pytest.approx((2, 1), abs=0.2)
    changed = np.where(mtmr.fold == "3", 1 - label, label)
    other, _ = fit_fusion(mtmr, mtcnn, changed)
    assert other["folds"]["3"] == document["folds"]["3"]
    assert other["folds"]["2"] != document["folds"]["2"]
    left_out = np.where(mtmr.fold == "3", -1, label)
    assert fit_fusion(mtmr, mtcnn, left_out)[0]["coefficients"] == pytest.approx(document["folds"]["3"])


def test_the_fit_refuses_what_is_not_the_same(two):
    mtmr, mtcnn, label = two
    with pytest.raises(ValueError, match="same nodules"):
        fit_fusion(mtmr, mtcnn.take(np.arange(3999)), label)
    with pytest.raises(ValueError, match="one class only"):
        fit_fusion(mtmr, mtcnn, np.ones(4000, int))


def test_the_command_writes_what_the_reader_reads(two, tmp_path, capsys):
    mtmr, mtcnn, _ = two
    write_out_of_fold(tmp_path / "a.csv", mtmr)
    write_out_of_fold(tmp_path / "b.csv", mtcnn.take(np.arange(300)))
    out = tmp_path / "new" / "fusion.json"
    main(["--mtmr", str(tmp_path / "a.csv"), "--mtcnn", str(tmp_path / "b.csv"), "--out", str(out)])
    assert "mean   rule, fused: AUC 0." in capsys.readouterr().out
    document = json.loads(out.read_text())
    assert document["name"] == "fusion"
    assert document["trained_on"]["nodules"] == 300
    fusion = read_fusion(out)
    assert vars(fusion.coefficients) == document["coefficients"]
    assert sorted(fusion.folds) == list("01234")
    assert len(fusion.sha256) == 64


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"coefficients": {"intercept": 1}, "folds": {}, "version": ""}']
)
def test_a_damaged_file_is_named(tmp_path, text):
    (tmp_path / "fusion.json").write_text(text)
    with pytest.raises(WeightsError, match=r"fusion\.json"):
        read_fusion(tmp_path / "fusion.json")
    with pytest.raises(WeightsError, match=r"none\.json cannot be read"):
        read_fusion(tmp_path / "none.json")
