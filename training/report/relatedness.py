"""Which attributes malignancy hangs on: recursive feature elimination (MTMR-Net, Table IV) and t-SNE (its Fig. 5)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.decomposition import PCA
from sklearn.feature_selection import RFE
from sklearn.linear_model import LogisticRegression
from sklearn.manifold import TSNE
from sklearn.preprocessing import StandardScaler

from ..metrics.characterisation.classification import roc_auc
from .baselines import logistic_model, splits


@dataclass(frozen=True)
class Relatedness:
    """One entry for each attribute.

    Parameters
    ----------
    mean, sd
        Its fraction of all standardised coefficients' absolute values in a logistic regression on all attributes: mean and
        standard deviation (n − 1) over the folds. The fractions add up to 1, as the paper's do.
    elimination
        Mean over the folds of the place from the end at which recursive feature elimination drops it: 1 stays longest.
    rank
        1 is the most related: by elimination, ties by fraction.
    """

    mean: np.ndarray
    sd: np.ndarray
    elimination: np.ndarray
    rank: np.ndarray

    @property
    def above_average(self) -> np.ndarray:
        """Attributes with more than an equal fraction."""
        return self.mean > 1 / len(self.mean)


def relatedness(attributes: np.ndarray, label: np.ndarray, fold: np.ndarray) -> Relatedness:
    """Fractions and ranks, each fold left out once.

    Parameters
    ----------
    attributes, label, fold
        (n, k), (n,) 0 or 1, (n,).
    """
    fractions, places = [], []
    for learn, _ in splits(fold):
        x = StandardScaler().fit_transform(attributes[learn])
        model = LogisticRegression(max_iter=2000)
        size = np.abs(model.fit(x, label[learn]).coef_[0])
        fractions.append(size / size.sum())
        places.append(RFE(model, n_features_to_select=1).fit(x, label[learn]).ranking_)
    mean, elimination = np.mean(fractions, axis=0), np.mean(places, axis=0)
    rank = np.empty(len(mean), int)
    rank[np.lexsort((-mean, elimination))] = np.arange(1, len(mean) + 1)
    return Relatedness(mean, np.std(fractions, axis=0, ddof=1), elimination, rank)


def left_out_auc(attributes: np.ndarray, label: np.ndarray, fold: np.ndarray) -> float:
    """AUC of a cross-validated logistic regression on these attributes: the figure beside the picture."""
    score = np.empty(len(label))
    for learn, held_out in splits(fold):
        score[held_out] = (
            logistic_model().fit(attributes[learn], label[learn]).decision_function(attributes[held_out])
        )
    return float(roc_auc(label, score))


def map_of(attributes: np.ndarray, seed: int = 0) -> np.ndarray:
    """(n, 2) positions by t-SNE of the standardised attributes, always the same for the same nodules."""
    x = StandardScaler().fit_transform(attributes)
    if x.shape[1] < 2:
        x = np.column_stack([x, np.zeros(len(x))])
    # As `init="pca"`, but free of the solver's choice of sign.
    start = PCA(2, svd_solver="full").fit_transform(x)
    start *= np.sign(start[np.abs(start).argmax(axis=0), [0, 1]] + 1e-30) * 1e-4 / (start[:, 0].std() + 1e-12)
    model = TSNE(
        perplexity=min(30.0, (len(x) - 1) / 3), init=start.astype(np.float32), random_state=seed, max_iter=750
    )
    return model.fit_transform(x)
