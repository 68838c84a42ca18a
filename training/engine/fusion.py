"""Fusion of the characterisers' opinions: malignancy = sigmoid(w0 + w1 logit(p of MTMR-Net) + w2 logit(p of MT-CNN)).

The weights are a logistic regression on out-of-fold opinions of the training nodules. A scan of the training data is judged
with the weights that the other folds gave. Where one network alone was asked, its opinion stands.

Fitting: ``python -m napari_lungmtl.training.engine.fusion --mtmr oof.csv --mtcnn oof.csv --out fusion.json``
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..findings import Finding, Opinion
from .weights import WeightsError

if TYPE_CHECKING:
    import numpy as np

    from ..metrics.out_of_fold import OutOfFold

NAMES = ("mtmr", "mtcnn")
"""The networks whose opinions are fused."""
PATH = Path(__file__).resolve().parent / "weights" / "fusion.json"
EPS = 1e-4
"""Probabilities are kept this far from 0 and 1 before the logarithm is taken."""


@dataclass(frozen=True)
class Coefficients:
    """Weights of the log odds."""

    intercept: float
    mtmr: float
    mtcnn: float


@dataclass(frozen=True)
class Fusion:
    """How two opinions become one.

    Parameters
    ----------
    coefficients
        Fitted on all folds, for scans that are in none; by default the mean of the log odds.
    folds
        Fold -> coefficients fitted on the others.
    version, sha256
        Of the file that they come from.
    """

    coefficients: Coefficients = Coefficients(0.0, 0.5, 0.5)
    folds: Mapping[str, Coefficients] = field(default_factory=dict)
    version: str = ""
    sha256: str = ""

    def malignancy(self, mtmr: float, mtcnn: float, fold: str | None = None) -> float:
        """The fused probability for a scan of a fold, or of none."""
        w = self.folds.get(fold, self.coefficients) if fold is not None else self.coefficients
        return _sigmoid(w.intercept + w.mtmr * _logit(mtmr) + w.mtcnn * _logit(mtcnn))

    def fuse(self, finding: Finding, fold: str | None = None) -> Finding:
        """The finding with malignancy, spread and attributes as its opinions have them.

        The spread is the root mean square of the opinions' own spreads. A finding without opinions stays as it is.
        """
        opinions = [o for name in NAMES if (o := finding.opinion(name)) is not None]
        if not opinions:
            return finding
        fused = opinions[0].malignancy
        if len(opinions) == 2:
            fused = self.malignancy(opinions[0].malignancy, opinions[1].malignancy, fold)
        attributes = next((o.attributes for o in opinions if o.attributes), finding.attributes)
        return finding.with_(malignancy=fused, malignancy_spread=_spread(opinions), attributes=attributes)


def _spread(opinions: Sequence[Opinion]) -> float:
    return math.sqrt(sum(o.spread**2 for o in opinions) / len(opinions))


def _logit(p: float) -> float:
    p = min(max(p, EPS), 1 - EPS)
    return math.log(p / (1 - p))


def _sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def read_fusion(path: Path = PATH) -> Fusion:
    """The shipped fusion, or another one.

    Raises
    ------
    WeightsError
        The file is missing or damaged.
    """
    try:
        data = path.read_bytes()
        values = json.loads(data)
        return Fusion(
            Coefficients(**values["coefficients"]),
            {str(fold): Coefficients(**w) for fold, w in values["folds"].items()},
            str(values["version"]),
            hashlib.sha256(data).hexdigest(),
        )
    except OSError as error:
        raise WeightsError(
            f"{path} cannot be read ({error.strerror}), so two opinions cannot be fused: install the package again."
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise WeightsError(
            f"{path} is no fusion of opinions ({error!r}): install the package again."
        ) from error


def fit_fusion(
    mtmr: OutOfFold, mtcnn: OutOfFold, labels: np.ndarray, version: str = "0.1"
) -> tuple[dict[str, Any], np.ndarray]:
    """Logistic regression on out-of-fold opinions, for all folds and for each the one without it.

    Parameters
    ----------
    mtmr, mtcnn
        Opinions on the same n nodules in the same order.
    labels
        (n,) 1 malignant, 0 benign, −1 neither (left out of the fit).

    Returns
    -------
    dict, ndarray
        What ``fusion.json`` holds, and the (n,) fused probabilities, each by coefficients that never saw its fold.

    Raises
    ------
    ValueError
        The nodules differ, or a fit would see one class only.
    """
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    if list(mtmr.index) != list(mtcnn.index) or len(labels) != len(mtmr):
        raise ValueError("both networks' opinions and the labels must be of the same nodules")
    p = np.clip(np.column_stack([mtmr.malignancy, mtcnn.malignancy]), EPS, 1 - EPS)
    x = np.log(p / (1 - p))

    def fit(rows: np.ndarray) -> Coefficients:
        if len(np.unique(labels[rows])) < 2:
            raise ValueError("a fold's complement holds one class only: more nodules are needed")
        # Three weights from hundreds of nodules need no penalty to speak of.
        w = LogisticRegression(C=1e4, max_iter=1000).fit(x[rows], labels[rows])
        return Coefficients(float(w.intercept_[0]), *(float(c) for c in w.coef_[0]))

    known = labels >= 0
    folds = {str(k): fit(known & (mtmr.fold != k)) for k in np.unique(mtmr.fold)}
    fusion = Fusion(fit(known), folds)
    fused = np.array(
        [fusion.malignancy(a, b, str(k)) for a, b, k in zip(p[:, 0], p[:, 1], mtmr.fold, strict=True)]
    )
    document = {
        "name": "fusion",
        "version": version,
        "coefficients": vars(fusion.coefficients),
        "folds": {k: vars(w) for k, w in folds.items()},
        "trained_on": {
            "what": "out-of-fold opinions on the nodules of luna16_nodules with a label",
            "nodules": int(known.sum()),
            "malignant": int((labels == 1).sum()),
            "scans": len(set(mtmr.series[known].tolist())),
        },
    }
    return document, fused


def main(arguments: Sequence[str] | None = None) -> None:
    """Fit the fusion from two ``oof.csv`` under the mean rule, and print how good it is."""
    import numpy as np

    from ..findings.formats.atomic import write_atomically
    from ..metrics.classification import brier_score, calibration_error, roc_auc
    from ..metrics.out_of_fold import read_out_of_fold, same_nodules

    parser = argparse.ArgumentParser(
        prog="python -m napari_lungmtl.training.engine.fusion", description=main.__doc__
    )
    parser.add_argument(
        "--mtmr", type=Path, required=True, metavar="CSV", help="out-of-fold opinions of MTMR-Net"
    )
    parser.add_argument(
        "--mtcnn", type=Path, required=True, metavar="CSV", help="out-of-fold opinions of MT-CNN"
    )
    parser.add_argument("--out", type=Path, default=PATH, metavar="JSON", help="the fusion's file")
    given = parser.parse_args(arguments)
    mtmr, mtcnn = same_nodules([read_out_of_fold(given.mtmr), read_out_of_fold(given.mtcnn)])
    labels = mtmr.label("mean")
    document, fused = fit_fusion(mtmr, mtcnn, labels)
    for rule in ("mean", "median"):
        label = mtmr.label(rule)
        known = label >= 0
        for name, p in (("mtmr", mtmr.malignancy), ("mtcnn", mtcnn.malignancy), ("fused", fused)):
            auc, brier, error = (
                float(np.squeeze(measure(label[known], p[known])))
                for measure in (roc_auc, brier_score, calibration_error)
            )
            print(
                f"{rule:6s} rule, {name:5s}: AUC {auc:.4f}, Brier {brier:.4f}, calibration error {error:.4f}"
            )
    given.out.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(given.out, json.dumps(document, indent=1).encode() + b"\n")
    print(given.out)


if __name__ == "__main__":
    main()
