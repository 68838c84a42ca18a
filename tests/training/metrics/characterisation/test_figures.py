"""Out-of-fold files and the table that is made of them."""

import json
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from napari_lungmtl.training.crossval.out_of_fold_file import read_out_of_fold, write_out_of_fold
from napari_lungmtl.training.findings.formats.errors import FindingsFileError
from napari_lungmtl.training.metrics.characterisation.figures import (
    characterisation_figures,
    characterisation_table,
)
from napari_lungmtl.training.metrics.characterisation.out_of_fold import OutOfFold, same_nodules

NAN = float("nan")


def predictions(n=60, seed=0, attributes=True):
    rng = np.random.default_rng(seed)
    mean = rng.integers(4, 21, n) / 4
    malignancy = 1 / (1 + np.exp(-(mean - 3 + rng.normal(0, 1, n))))
    return OutOfFold(
        index=np.arange(n) * 2,
        series=np.array([f"1.{i // 2}" for i in range(n)]),
        fold=np.array([str(i // 2 % 5) for i in range(n)]),
        diameter=rng.uniform(3, 30, n),
        readers={"mean": mean, "median": np.round(mean)},
        malignancy=malignancy,
        attributes=rng.uniform(1, 4, (n, 8)) if attributes else np.full((n, 8), NAN),
        logit=np.log(malignancy / (1 - malignancy)),
        spread=rng.uniform(0, 0.2, n),
    )


def readers(n, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.integers(1, 5, (3, 9)).astype(float) for _ in range(n)]


def test_a_file_comes_back_as_it_was(tmp_path):
    for attributes in (True, False):
        written = predictions(attributes=attributes)
        write_out_of_fold(tmp_path / "oof.csv", written)
        read = read_out_of_fold(tmp_path / "oof.csv")
        for name in ("index", "series", "fold", "diameter", "malignancy", "attributes", "logit", "spread"):
            np.testing.assert_array_equal(getattr(read, name), getattr(written, name))
        for rule in ("mean", "median"):
            np.testing.assert_array_equal(read.label(rule), written.label(rule))
        assert read.has_attributes == attributes


def test_a_file_without_the_optional_columns(tmp_path):
    (tmp_path / "oof.csv").write_text(
        "index,seriesuid,fold,diameter_mm,mean_malignancy,median_malignancy,malignancy\n7,1.2,0,5,3,3.5,0.4\n"
    )
    read = read_out_of_fold(tmp_path / "oof.csv")
    assert (read.label("mean"), read.label("median")) == (-1, 1)
    assert np.isnan(read.logit).all()
    assert not read.has_attributes


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (",0.4", ",1.4", "probability from 0 to 1"),
        (",0.4", ",", "too few|not a number"),
        (",0.4", ",often", "not a number"),
        ("malignancy\n", "risk\n", "no column malignancy"),
        ("0.4\n", "0.4\n7,1.2,0,5,3,3.5,0.4\n", "twice"),
        ("7,1.2,0,5,3,3.5,0.4\n", "", "no predictions"),
    ],
)
def test_a_damaged_file_says_what_is_wrong(tmp_path, old, new, says):
    path = tmp_path / "oof.csv"
    text = (
        "index,seriesuid,fold,diameter_mm,mean_malignancy,median_malignancy,malignancy\n7,1.2,0,5,3,3.5,0.4\n"
    )
    path.write_text(text.replace(old, new))
    with pytest.raises(FindingsFileError, match=says):
        read_out_of_fold(path)


def test_figures_by_hand():
    known = predictions()
    figures = characterisation_figures(known, readers(60), samples=200)
    for rule in ("mean", "median"):
        clear = known.readers[rule] != 3
        label, p = known.readers[rule][clear] > 3, known.malignancy[clear]
        part = figures[rule]
        assert (part["malignant"], part["benign"]) == (label.sum(), (~label).sum())
        assert part["auc"]["value"] == pytest.approx(roc_auc_score(label, p))
        by_fold = [
            roc_auc_score(label[inside], p[inside])
            for f in "01234"
            if (inside := known.fold[clear] == f).any()
        ]
        assert part["auc"]["fold_mean"] == pytest.approx(np.mean(by_fold))
        assert part["auc"]["fold_sd"] == pytest.approx(np.std(by_fold, ddof=1))
        assert part["auc"]["lower"] < part["auc"]["value"] < part["auc"]["upper"]
        assert part["accuracy"]["value"] == pytest.approx(np.mean((p >= 0.5) == label))
    json.dumps(figures, allow_nan=False)
    assert figures == characterisation_figures(known, readers(60), samples=200)


def test_the_table_says_what_the_figures_say():
    figures = characterisation_figures(predictions(), readers(60), samples=50)
    table = characterisation_table(figures)
    assert all(len(row) == 4 for row in table)
    (auc, auc_median) = [row for row in table if row[0].strip() == "AUC"]
    assert auc[1] == f"{figures['mean']['auc']['value']:.3f}"
    assert auc_median[3].startswith(f"{figures['median']['auc']['fold_mean']:.3f} ± ")
    assert sum("mean absolute error" in row[0] for row in table) == 8
    assert any("accuracy" in row[3] for row in table if row[0].startswith("calcification"))


def test_data_without_folds_or_with_one_class_still_has_a_table():
    known = predictions(attributes=False)
    one = replace(known, fold=np.full(60, ""), readers={"mean": np.full(60, 5.0), "median": np.full(60, 3.0)})
    figures = characterisation_figures(one, samples=50)
    assert figures["mean"]["auc"]["value"] is None
    assert figures["mean"]["sensitivity"]["value"] is not None
    assert figures["median"]["auc"] is None
    json.dumps(figures, allow_nan=False)
    assert len(characterisation_table(figures)) == 15
    assert "attributes" not in figures


def test_pairs_stand_on_the_same_nodules():
    first = predictions()
    second = predictions().take(np.arange(50)[::-1])
    a, b = same_nodules([first, second])
    assert a.index.tolist() == b.index.tolist() == [2 * i for i in range(50)]
    np.testing.assert_array_equal(a.malignancy, b.malignancy)
