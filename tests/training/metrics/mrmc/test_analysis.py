"""Figures of merit against scikit-learn and brute force; Obuchowski–Rockette against Dorfman–Berbaum–Metz's own formulae."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import roc_auc_score

from napari_lungmtl.training.metrics.mrmc.components import Components
from napari_lungmtl.training.metrics.mrmc.figures import MarkedCase, auc, delong, wafroc
from napari_lungmtl.training.metrics.mrmc.obuchowski_rockette import analyse, mean_squares


def study(seed, t=2, r=4, n1=12, n0=15, levels=6):
    """Correlated ratings on a few levels, so that there are ties: (t, r, n), and the truth."""
    rng = np.random.default_rng(seed)
    truth = np.arange(n1 + n0) < n1
    case = rng.normal(size=n1 + n0)
    noise = rng.normal(size=(t, r, n1 + n0)) + rng.normal(size=(1, r, n1 + n0)) / 2
    ratings = case + truth * (1 + 0.4 * np.arange(t)[:, None, None]) + rng.normal(size=(t, r, 1)) / 4 + noise
    return np.clip(np.round(ratings * 1.5), 0, levels - 1), truth


@settings(max_examples=8)
@given(st.integers(0, 10**6))
def test_aucs_are_scikit_learns_and_so_are_those_without_a_case(seed):
    ratings, truth = study(seed, n1=4, n0=5)
    estimates = auc(ratings, truth)
    for i, j in itertools.product(range(2), range(4)):
        assert estimates.figure[i, j] == pytest.approx(roc_auc_score(truth, ratings[i, j]))
        for n in range(len(truth)):
            keep = np.arange(len(truth)) != n
            assert estimates.left_out[n, i, j] == pytest.approx(
                roc_auc_score(truth[keep], ratings[i, j][keep])
            )


def test_covariances_by_their_definitions():
    ratings, truth = study(1)
    flat = ratings.reshape(8, -1)
    matrix = delong(ratings, truth)

    def placements(k, case, other):
        return np.mean([(a > b) + (a == b) / 2 for a, b in itertools.product([case], flat[k, other])])

    for k, m in ((0, 0), (0, 3), (2, 6), (7, 1)):
        above = [[placements(q, x, ~truth) for x in flat[q, truth]] for q in (k, m)]
        below = [[1 - placements(q, y, truth) for y in flat[q, ~truth]] for q in (k, m)]
        expected = np.cov(above)[0, 1] / truth.sum() + np.cov(below)[0, 1] / (~truth).sum()
        assert matrix[k, m] == pytest.approx(expected)
    jackknifed = auc(ratings, truth).covariance()
    assert jackknifed == pytest.approx(matrix, rel=0.12, abs=2e-4), "two estimates of the same"
    pseudo = auc(ratings, truth).pseudovalues().reshape(len(truth), -1)
    assert jackknifed == pytest.approx(np.cov(pseudo.T) / len(truth)), (
        "the mean of pseudovalues varies as much"
    )


def test_components_are_means_of_the_matrix():
    matrix = auc(*study(2, t=3, r=3)).covariance()
    c = Components.of(matrix, 3, 3)
    kinds = {"cov1": [], "cov2": [], "cov3": []}
    for (i, j), (k, m) in itertools.permutations(itertools.product(range(3), range(3)), 2):
        kind = "cov1" if j == m else "cov2" if i == k else "cov3"
        kinds[kind].append(matrix[3 * i + j, 3 * k + m])
    assert c.means == pytest.approx((np.diag(matrix).mean(), *(np.mean(v) for v in kinds.values())))
    assert Components.of(matrix[:1, :1], 1, 1).means == pytest.approx((matrix[0, 0], 0, 0, 0))


def pseudovalue_anova(y):
    """Mean squares of pseudovalues (n, t, r): T, TR, TC, TRC, by the formulae of a three-way table."""
    n, t, r = y.shape
    m = y.mean()
    of = {axes: y.mean(axis=axes, keepdims=True) for axes in ((0, 2), (0,), (2,), (1, 2), (0, 1), (1,))}
    T, TR, TC, C, R, RC = (of[a] for a in ((0, 2), (0,), (2,), (1, 2), (0, 1), (1,)))
    return (
        n * r * np.sum((T - m) ** 2) / (t - 1),
        n * np.sum((TR - T - R + m) ** 2) / ((t - 1) * (r - 1)),
        r * np.sum((TC - T - C + m) ** 2) / ((t - 1) * (n - 1)),
        np.sum((y - TR - TC - RC + T + R + C - m) ** 2) / ((t - 1) * (r - 1) * (n - 1)),
    )


@settings(max_examples=40)
@given(st.integers(0, 10**6), st.integers(2, 3), st.integers(2, 4))
def test_it_is_what_dorfman_berbaum_and_metz_get_from_pseudovalues(seed, t, r):
    """F, degrees of freedom and p: Hillis et al. 2005 and 2008 (one denominator, Hillis's df) of the other analysis."""
    estimates = auc(*study(seed, t, r))
    mine = analyse(estimates.figure, Components.of(estimates.covariance(), t, r))
    ms_t, ms_tr, ms_tc, ms_trc = pseudovalue_anova(estimates.pseudovalues())
    denominator = ms_tr + max(ms_tc - ms_trc, 0)
    if denominator < 1e-9:
        return
    df2 = denominator**2 / (ms_tr**2 / ((t - 1) * (r - 1))) if ms_tr > 1e-12 else np.inf
    f = ms_t / denominator
    assert mine.both.test.f == pytest.approx(f, rel=1e-6)
    if np.isfinite(df2) and df2 < 1e6:
        assert mine.both.test.df2 == pytest.approx(df2, rel=1e-6)
        assert mine.both.test.p == pytest.approx(stats.f.sf(f, t - 1, df2), rel=1e-5, abs=1e-12)
    if ms_tr > 1e-9:
        assert mine.readers.test.f == pytest.approx(ms_t / ms_tr, rel=1e-6), "fixed cases"
    if ms_tc > ms_trc:
        assert mine.cases.test.f == pytest.approx(ms_t / ms_tc, rel=1e-6), "fixed readers"


def test_no_difference_is_found_as_often_as_chance_has_it():
    """Modalities of one kind: p under 0.05 in about one study of twenty."""
    found = 0
    for seed in range(400):
        rng = np.random.default_rng(seed)
        truth = np.arange(40) < 20
        ratings = rng.normal(size=40) + truth + rng.normal(size=(1, 4, 40)) / 2 + rng.normal(size=(2, 4, 40))
        estimates = auc(ratings, truth)
        found += analyse(estimates.figure, Components.of(estimates.covariance(), 2, 4)).both.test.p < 0.05
    assert 6 <= found <= 32, "0.05 of 400 is 20"


def test_one_reader_and_one_modality():
    ratings, truth = study(3)
    estimates = auc(ratings[:, :1], truth)
    one = analyse(estimates.figure, Components.of(estimates.covariance(), 2, 1))
    assert one.both is None
    assert one.readers is None
    sd = np.std(estimates.pseudovalues()[:, 0, 0] - estimates.pseudovalues()[:, 1, 0], ddof=1)
    z = np.diff(estimates.figure[:, 0])[0] / (sd / np.sqrt(len(truth)))
    assert one.cases.test.f == pytest.approx(z**2)
    estimates = auc(ratings[:1], truth)
    single = analyse(estimates.figure, Components.of(estimates.covariance(), 1, 4))
    assert (single.both.test, single.both.differences) == (None, {})
    assert single.both.means[0].value == pytest.approx(estimates.figure.mean())
    assert np.isnan(mean_squares(estimates.figure).modality)


def test_readers_who_do_the_same_everywhere_differ_by_nothing():
    same = analyse(np.full((2, 3), 1.0), Components(np.zeros((2, 3)), np.zeros(3), np.zeros(2), 0.0))
    assert np.isnan(same.both.test.p)
    assert same.both.differences[0, 1].value == 0
    assert same.both.test.to_json()["p"] is None


def test_marks_with_one_lesion_a_case_and_at_most_one_mark_are_an_auc():
    """With one lesion in each case, and marks on it or else none, wAFROC is the area under the ROC curve of the ratings."""
    ratings, truth = study(4)
    table = [
        [
            [MarkedCase((x,), ()) if t else MarkedCase((), (x,)) for x, t in zip(reader, truth, strict=True)]
            for reader in modality
        ]
        for modality in ratings
    ]
    mine, known = wafroc(table), auc(ratings, truth)
    assert mine.figure == pytest.approx(known.figure)
    assert mine.left_out == pytest.approx(known.left_out)


def test_misses_unmarked_cases_and_weights_by_hand():
    cases = [
        MarkedCase((0.9, -np.inf), (0.95,)),  # two lesions, one missed; its false mark does not count
        MarkedCase((0.5,)),
        MarkedCase((), (0.6, 0.2)),
        MarkedCase(),  # nothing there, nothing marked
    ]
    first = ((1 + 0) / 2 + (1 + 0.5) / 2) / 2  # against 0.6, and against an unmarked case
    second = (0 + 1) / 2
    assert wafroc([[cases]]).figure[0, 0] == pytest.approx((first + second) / 2)
    everywhere = wafroc([[cases[:2]]]).figure[0, 0]
    assert everywhere == pytest.approx((((0 + 0) / 2 + (1 + 0.5) / 2) / 2 + (0 + 1) / 2) / 2), (
        "false marks of all cases"
    )


def test_what_cannot_be_analysed_says_what_is_missing():
    with pytest.raises(ValueError, match="2 cases with and 2 without a nodule, not 1 and 3"):
        auc(np.zeros((1, 1, 4)), [True, False, False, False])
    with pytest.raises(ValueError, match="with and two without"):
        wafroc([[[MarkedCase((0.5,)), MarkedCase()]]])
    with pytest.raises(ValueError, match="modality, reader"):
        analyse(np.zeros((2, 3)), Components(np.zeros((2, 2)), np.zeros(2), np.zeros(2), 0.0))
