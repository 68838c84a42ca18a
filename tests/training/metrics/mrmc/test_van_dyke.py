"""Obuchowski–Rockette's analysis of Van Dyke's study (5 readers, 114 patients, spin-echo against cine MRI), as it is published.

All figures are printed in the user guide of the R package MRMCaov (Smith, Hillis & Pesce; "Covariance estimation methods" and
"Fixed factors"), which analyses the data of Van Dyke et al. 1993 with empirical AUCs. The ratings themselves are not kept here:
the analysis is fed with the published AUCs, variances and covariances, and must give the published F, df, p and intervals.
"""

import numpy as np
import pytest

from napari_lungmtl.training.metrics.mrmc.components import Components
from napari_lungmtl.training.metrics.mrmc.obuchowski_rockette import analyse, mean_squares

AUC = np.array(
    [
        [0.9196457, 0.8587762, 0.9038647, 0.9731079, 0.8297907],
        [0.9478261, 0.9053140, 0.9217391, 0.9993559, 0.9299517],
    ]
)
ERROR = np.array(
    [
        [0.0301255164, 0.0363753335, 0.0282594118, 0.0173388332, 0.0417201720],
        [0.0221416887, 0.0298151099, 0.0297673065, 0.0007213348, 0.0262023046],
    ]
)
"""Jackknifed standard errors of the single AUCs."""
DIFFERENCE_ERROR = np.array([0.02551213, 0.02630183, 0.03120965, 0.01729129, 0.04405746])
"""Of each reader's difference of two AUCs."""
JACKKNIFE = Components(
    ERROR**2,
    (ERROR**2).mean(0) - DIFFERENCE_ERROR**2 / 2,  # the variance of a difference is 2 (variance − Cov1)
    np.array([0.0004839618, 0.0002041879]),
    0.0002390284,
)
DELONG = Components(
    np.full((2, 5), 0.0007921325),
    np.full(5, 0.0003420090),
    np.array([0.0004775239, 0.0002015292]),
    0.0002358497,
)


def close(value):
    """Equal to a published figure in its last digits but one."""
    return pytest.approx(value, rel=3e-6)


def test_the_published_parts_agree_with_each_other():
    """The means of what is published of single readers and modalities are the published components."""
    assert JACKKNIFE.means == tuple(map(close, (0.0008022883, 0.0003466137, 0.0003440748, 0.0002390284)))


def test_mean_squares():
    squares = mean_squares(AUC)
    assert squares.modality == close(0.004796171)
    assert squares.interaction == close(0.0005510306)
    assert squares.reader_by_modality == (close(0.003082629), close(0.001304602))


def test_random_readers_and_random_cases_with_delongs_covariances():
    both = analyse(AUC, DELONG).both
    assert (both.test.f, both.test.df1) == (close(4.484854), 1)
    assert (both.test.df2, both.test.p) == (close(15.06611), close(0.05123303))
    difference = both.differences[0, 1]
    assert difference.value == close(-0.04380032)
    assert difference.standard_error == close(0.0206825)
    assert (difference.df, difference.p) == (close(15.06611), close(0.05123303))
    assert difference.lower == close(-0.0878671960)
    assert difference.upper == pytest.approx(0.0002665519, abs=2e-7), "of AUCs with seven digits"
    expected = (
        (0.8970370, 0.03307642, 12.59597, 0.8253461, 0.9687280),
        (0.9408374, 0.02150464, 12.56530, 0.8942155, 0.9874592),
    )
    for mean, values in zip(both.means, expected, strict=True):
        assert (mean.value, mean.standard_error, mean.df, mean.lower, mean.upper) == tuple(map(close, values))


def test_fixed_readers():
    cases = analyse(AUC, JACKKNIFE).cases
    assert (cases.test.f, cases.test.df1, cases.test.df2) == (close(5.475953), 1, np.inf)
    assert cases.test.p == close(0.01927984)
    difference = cases.differences[0, 1]
    assert difference.standard_error == close(0.01871748)
    assert (difference.lower, difference.upper) == (close(-0.08048591), close(-0.00711473))
    assert difference.value / difference.standard_error == close(-2.340075)
    expected = ((0.02428971, 0.8494301, 0.9446440), (0.01677632, 0.9079564, 0.9737183))
    for mean, values in zip(cases.means, expected, strict=True):
        assert (mean.standard_error, mean.lower, mean.upper) == tuple(map(close, values))


def test_each_fixed_readers_own_difference():
    own = analyse(AUC, JACKKNIFE).cases.reader_differences[0, 1]
    lower = (-0.078183215, -0.098088476, -0.079044180, -0.060138290, -0.186512066)
    upper = (0.021822507, 0.005012792, 0.043295388, 0.007642316, -0.013809995)
    p = (0.26933885, 0.07683102, 0.56683414, 0.12901715, 0.02300099)
    for n, estimate in enumerate(own):
        assert estimate.lower == pytest.approx(lower[n], abs=2e-7)
        assert estimate.upper == pytest.approx(upper[n], abs=2e-7)
        assert estimate.p == pytest.approx(p[n], rel=2e-5)


def test_fixed_cases():
    readers = analyse(AUC, JACKKNIFE).readers
    assert (readers.test.f, readers.test.df1, readers.test.df2) == (close(8.704), 1, 4)
    assert readers.test.p == close(0.04195875)
    difference = readers.differences[0, 1]
    assert (difference.standard_error, difference.df) == (close(0.01484629), 4)
    assert (difference.lower, difference.upper) == (close(-0.08502022), pytest.approx(-0.00258042, abs=2e-7))
    expected = ((0.02482994, 0.8280981, 0.9659760), (0.01615303, 0.8959894, 0.9856854))
    for mean, values in zip(readers.means, expected, strict=True):
        assert (mean.standard_error, mean.lower, mean.upper) == tuple(map(close, values))
