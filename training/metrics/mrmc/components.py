"""Obuchowski and Rockette's error variance and covariances, from the covariance matrix of the figures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, eq=False)
class Components:
    """Variance and covariances of the figures' errors.

    Parameters
    ----------
    variance
        (t, r) of each reader in each modality.
    cov1
        (r,) between two modalities of one reader, the mean over pairs; 0 where there is one modality.
    cov2
        (t,) between two readers in one modality, the mean over pairs; 0 where there is one reader.
    cov3
        Between two readers in two modalities, the mean over all such pairs.
    """

    variance: np.ndarray
    cov1: np.ndarray
    cov2: np.ndarray
    cov3: float

    @classmethod
    def of(cls, covariance: npt.ArrayLike, modalities: int, readers: int) -> Components:
        """Average the covariance matrix (t·r, t·r) of figures that are listed modality by modality."""
        t, r = modalities, readers
        table = np.asarray(covariance, float).reshape(t, r, t, r)
        same = np.einsum("ijij->ij", table)
        within_reader = np.einsum("ijkj->j", table) - same.sum(0)
        within_modality = np.einsum("ijil->i", table) - same.sum(1)
        apart = table.sum() - within_reader.sum() - within_modality.sum() - same.sum()
        pairs_of_modalities, pairs_of_readers = t * (t - 1), r * (r - 1)
        return cls(
            same,
            within_reader / pairs_of_modalities if t > 1 else np.zeros(r),
            within_modality / pairs_of_readers if r > 1 else np.zeros(t),
            float(apart / (pairs_of_modalities * pairs_of_readers)) if t > 1 and r > 1 else 0.0,
        )

    @property
    def means(self) -> tuple[float, float, float, float]:
        """Error variance, Cov1, Cov2 and Cov3, averaged over all readers and modalities."""
        return (
            float(np.mean(self.variance)),
            float(np.mean(self.cov1)),
            float(np.mean(self.cov2)),
            float(self.cov3),
        )
