"""Can grafts be told from real nodules? The same nodules in their own scans and grafted into others.

    python -m experiments.blind.tell shared/data/luna16_nodules

Two classifiers (logistic regression, gradient boosting) on intensities, gradients, grain and shells of each; cross-validated by
groups of scans, donors and hosts of the test nodules being unknown. Where a nodule lies is not what is asked: of forty places in
the host's lung the one is taken whose surroundings are most like the nodule's own (``--anywhere``: the first). AUC with 95 %
interval by bootstrap over donors.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from scipy.ndimage import binary_dilation, distance_transform_edt, gaussian_filter
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from experiments.blind.common import as_image, places
from napari_lungmtl.training.blind.bank import cut
from napari_lungmtl.training.blind.graft import graft
from napari_lungmtl.training.data.public.luna16_nodules import load_cubes, load_masks, to_bytes, to_hu

GROUPS = 5


def features(hu: np.ndarray, mask: np.ndarray, shells: tuple[tuple[float, float], ...]) -> list[float]:
    """Numbers that describe a nodule (HU, 1 mm) and the shells (mm from its mask) around it."""
    gradient = np.stack(np.gradient(hu))
    steep = np.linalg.norm(gradient, axis=0)
    fine = hu - gaussian_filter(hu, 1.0)
    outside = distance_transform_edt(~mask)
    regions = [mask, binary_dilation(mask) & ~mask, *((outside > a) & (outside <= b) for a, b in shells)]
    numbers = []
    for region in regions:
        values = hu[region]
        numbers += [values.mean(), values.std(), *np.percentile(values, (5, 25, 50, 75, 95))]
        numbers += [
            steep[region].mean(),
            steep[region].std(),
            fine[region].std(),
            np.median(np.abs(fine[region])),
        ]
        along = [float((g[region] ** 2).mean()) for g in gradient]
        numbers += [along[0] / (along[1] + along[2] + 1), along[1] / (along[1] + along[2] + 1)]
    return [float(n) for n in numbers]


def alike(own: np.ndarray, mask: np.ndarray, hu: np.ndarray, where: np.ndarray) -> np.ndarray:
    """The place of some whose surroundings (2 to 6 mm from the nodule) have the mean and the tissue of the nodule's own."""
    outside = distance_transform_edt(~mask)
    shell = np.argwhere((outside > 2) & (outside <= 6)) - np.argwhere(mask).mean(0)

    def describe(volume: np.ndarray, middle: np.ndarray) -> np.ndarray:
        index = np.clip(np.round(shell + middle).astype(int), 0, np.array(volume.shape) - 1)
        values = volume[tuple(index.T)]
        return np.array([np.median(values) / 100, values.mean() / 100, 10 * (values > -500).mean()])

    wanted = describe(own, np.argwhere(mask).mean(0))
    return min(where, key=lambda place: float(np.linalg.norm(describe(hu, place) - wanted)))


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cubes", type=Path)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--anywhere", action="store_true", help="graft anywhere in the lung, not where it looks alike"
    )
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    cubes, masks = load_cubes(options.cubes), load_masks(options.cubes)
    assert masks is not None
    series = sorted({c.series for c in cubes})
    group_of = dict(zip(series, rng.permutation(len(series)) % GROUPS, strict=True))
    sets = {"nodule and 2 mm around": ((1.0, 2.0),), "with 6 mm around": ((1.0, 2.0), (2.0, 4.0), (4.0, 6.0))}
    rows: dict[str, list[list[float]]] = {name: [] for name in sets}
    label, donor, group = [], [], []
    for i in rng.permutation(len(cubes)):
        own, mask = cubes[i], masks[int(cubes[i].row["index"])]
        nodule = cut(own, mask) if float(own.row["diameter_mm"]) < 15 else None
        if nodule is None:
            continue
        hosts = [c for c in cubes if c.series != own.series and group_of[c.series] == group_of[own.series]]
        host = hosts[int(rng.integers(len(hosts)))]
        found = places(host, nodule.diameter, rng, 1 if options.anywhere else 40, 0.0)
        if not len(found):
            continue
        image = as_image(host)
        place = found[0] if options.anywhere else alike(as_image(own).voxels, mask, image.voxels, found)
        grafted = graft(image, nodule, place, rng)
        low = np.round(grafted.center - nodule.center).astype(int)
        there = np.zeros(image.shape, bool)
        part = tuple(
            slice(max(a, 0), min(a + n, m))
            for a, n, m in zip(low, nodule.mask.shape, image.shape, strict=True)
        )
        inner = tuple(slice(p.start - a, p.stop - a) for p, a in zip(part, low, strict=True))
        there[part] = nodule.mask[inner]
        for name, shells in sets.items():
            rows[name].append(features(as_image(own).voxels, mask, shells))
            rows[name].append(
                features(to_hu(to_bytes(grafted.image.voxels)), there, shells)
            )  # as cubes are stored
        label += [0, 1]
        donor += [own.series] * 2
        group += [group_of[own.series]] * 2
        if len(label) >= 2 * options.count:
            break
    report(rows, np.array(label), np.array(donor), np.array(group))


def report(
    rows: dict[str, list[list[float]]], label: np.ndarray, donor: np.ndarray, group: np.ndarray
) -> None:
    """Print the AUCs."""
    print(
        f"{len(label) // 2} nodules of {len(set(donor))} scans, each in its own scan and grafted into another"
    )
    for name, values in rows.items():
        x = np.array(values)
        for model in ("logistic regression", "gradient boosting"):
            score = np.zeros(len(label))
            for g in range(GROUPS):
                train, test = group != g, group == g
                if model == "logistic regression":
                    classifier = make_pipeline(StandardScaler(), LogisticRegression(C=0.05, max_iter=2000))
                else:
                    classifier = HistGradientBoostingClassifier(max_iter=80, learning_rate=0.08, max_depth=3)
                score[test] = classifier.fit(x[train], label[train]).predict_proba(x[test])[:, 1]
            low, high = bootstrap_auc(label, score, donor)
            print(
                f"{name}, {model}: AUC {roc_auc_score(label, score):.3f} [{low:.3f}, {high:.3f}]", flush=True
            )


def bootstrap_auc(label: np.ndarray, score: np.ndarray, scan: np.ndarray, samples: int = 500) -> np.ndarray:
    """95 % interval of an AUC over scans."""
    rng, scans = np.random.default_rng(0), np.unique(scan)
    members = [np.flatnonzero(scan == s) for s in scans]
    drawn = []
    for _ in range(samples):
        rows = np.concatenate([members[i] for i in rng.integers(len(scans), size=len(scans))])
        if 0 < label[rows].mean() < 1:
            drawn.append(roc_auc_score(label[rows], score[rows]))
    return np.percentile(drawn, (2.5, 97.5))


if __name__ == "__main__":
    main()
