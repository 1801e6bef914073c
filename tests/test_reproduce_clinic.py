"""Metrics, splits and the network of the HAM10000 experiment, against oracles and laws."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score, brier_score_loss, log_loss, roc_auc_score

from deepcourse.reproduce.clinic import data, metrics
from deepcourse.reproduce.frame.generated import make_ham10000

# Scores on a coarse grid, so that many are tied, and labels of both classes.
SCORED = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 1)), min_size=2, max_size=40).filter(
    lambda pairs: {label for _, label in pairs} == {0, 1}
)


def as_arrays(pairs):
    scores, y = np.array(pairs).T
    return scores / 4, y


def made_scores(count=400, seed=0, shift=1.0):
    rng = np.random.default_rng(seed)
    y = (rng.random(count) < 0.2).astype(int)
    return rng.normal(size=count) + shift * y, y


@given(SCORED)
def test_auc_is_the_share_of_pairs_won_with_ties_as_half(pairs):
    scores, y = as_arrays(pairs)
    won = [
        1.0 if case > control else 0.5 if case == control else 0.0
        for case, control in itertools.product(scores[y == 1], scores[y == 0])
    ]
    assert metrics.auc(scores, y) == pytest.approx(np.mean(won), abs=1e-12)


@given(SCORED)
def test_auc_is_that_of_scikit_learn(pairs):
    scores, y = as_arrays(pairs)
    assert metrics.auc(scores, y) == pytest.approx(roc_auc_score(y, scores), abs=1e-12)


def test_auc_of_one_class_is_none():
    assert metrics.auc(np.array([0.1, 0.2]), np.array([1, 1])) is None


@given(SCORED)
def test_the_area_under_the_roc_points_is_the_auc(pairs):
    scores, y = as_arrays(pairs)
    _, specificity, sensitivity = metrics.roc_points(scores, y)
    area = np.trapezoid(sensitivity, 1 - specificity)
    assert area == pytest.approx(metrics.auc(scores, y), abs=1e-12)


@given(SCORED, st.sampled_from([0.0, 0.5, 0.8, 0.9, 1.0]))
def test_sensitivity_at_a_specificity_is_the_best_of_a_loop_over_thresholds(pairs, wanted):
    scores, y = as_arrays(pairs)
    best = 0.0
    for threshold in [*scores, np.inf]:
        if (scores[y == 0] < threshold).mean() >= wanted - 1e-12:
            best = max(best, (scores[y == 1] >= threshold).mean())
    found, threshold = metrics.sensitivity_at(scores, y, wanted)
    assert found == pytest.approx(best)
    counted = metrics.confusion(scores, y, threshold)
    assert counted["sensitivity"] == pytest.approx(found)
    assert counted["specificity"] >= wanted - 1e-12


def test_confusion_of_groups_adds_up_to_that_of_all():
    scores, y = made_scores()
    group = np.arange(len(y)) % 3
    whole = metrics.confusion(scores, y, 0.7)
    parts = [metrics.confusion(scores[group == g], y[group == g], 0.7) for g in range(3)]
    for key in ("cases", "controls", "found", "cleared"):
        assert sum(part[key] for part in parts) == whole[key] > 0
    assert whole["cases"] + whole["controls"] == len(y)


def test_a_bootstrap_draws_whole_lesions_as_many_as_there_are():
    lesion = np.array([7, 3, 7, 3, 3, 9, 5])
    sizes = {7: 2, 3: 3, 9: 1, 5: 1}
    draws = []
    metrics.bootstrap(draws.append, lesion, np.random.default_rng(0), count=50)
    assert len(draws) == 50
    for rows in draws:
        for one, size in sizes.items():
            times = [(rows == row).sum() for row in np.flatnonzero(lesion == one)]
            assert len(times) == size
            assert len(set(times)) == 1  # all pictures of a lesion come as often
        assert sum((lesion[rows] == one).sum() / size for one, size in sizes.items()) == 4


def test_copies_of_pictures_do_not_make_the_bootstrap_surer():
    scores, y = made_scores(150)
    copied, of_lesion = np.tile(scores, 4), np.tile(np.arange(150), 4)
    widths = []
    for cluster, index in (
        (np.arange(150), np.arange(150)),  # the truth: 150 lesions
        (of_lesion, np.tile(np.arange(150), 4)),  # four copies of each, by lesion
        (np.arange(600), np.tile(np.arange(150), 4)),  # the mistake: by picture
    ):
        low, high = metrics.bootstrap(
            lambda rows, index=index: metrics.auc(scores[index[rows]], y[index[rows]]),
            cluster,
            np.random.default_rng(1),
            count=400,
        )
        widths.append(high - low)
    assert len(copied) == 600
    assert widths[1] == pytest.approx(widths[0], rel=0.15)
    assert widths[2] < 0.65 * widths[0]


def test_the_bootstrap_interval_has_the_width_of_delong():
    scores, y = made_scores(600, shift=1.5)
    low, high = metrics.bootstrap(
        lambda rows: metrics.auc(scores[rows], y[rows]),
        np.arange(600),
        np.random.default_rng(0),
    )
    won = (scores[y == 1][:, None] > scores[y == 0][None, :]).astype(float)
    of_case, of_control = won.mean(axis=1), won.mean(axis=0)
    variance = of_case.var(ddof=1) / len(of_case) + of_control.var(ddof=1) / len(of_control)
    assert low < metrics.auc(scores, y) < high
    assert high - low == pytest.approx(2 * 1.96 * variance**0.5, rel=0.1)


def test_a_bootstrap_of_something_undefined_is_none():
    assert metrics.bootstrap(lambda rows: None, np.arange(5), np.random.default_rng(0)) is None


def made_logits(classes, scale, count=500):
    rng = np.random.default_rng(classes)
    honest = rng.normal(size=(count, classes))
    p = np.exp(metrics.log_softmax(honest))
    y = np.array([rng.choice(classes, p=row) for row in p])
    return scale * honest, y


@pytest.mark.parametrize("classes", [2, 7])
def test_the_temperature_is_the_best_of_a_fine_grid_and_lowers_the_loss(classes):
    logits, y = made_logits(classes, scale=3.0)
    T = metrics.fit_temperature(logits, y)
    grid = np.geomspace(0.2, 15, 2000)
    losses = [log_loss(y, np.exp(metrics.log_softmax(logits / t))) for t in grid]
    assert abs(T / grid[np.argmin(losses)] - 1) < 5e-3
    before = metrics.negative_log_likelihood(logits, y)
    after = metrics.negative_log_likelihood(logits / T, y)
    assert after <= min(losses) + 1e-9
    assert after < before - 0.1


def test_a_network_that_is_honest_already_keeps_its_temperature():
    logits, y = made_logits(3, scale=1.0, count=20_000)
    assert metrics.fit_temperature(logits, y) == pytest.approx(1, abs=0.05)


def test_temperature_leaves_the_auc_and_the_order_as_they_are():
    logits, y = made_logits(2, scale=4.0)
    T = metrics.fit_temperature(logits, y)
    score = logits[:, 1] - logits[:, 0]
    assert abs(T - 1) > 1
    assert metrics.auc(score / T, y) == metrics.auc(score, y)


def test_separable_logits_get_the_lowest_temperature_and_not_zero():
    logits = np.array([[2.0, -2.0], [-1.0, 1.0]])
    assert metrics.fit_temperature(logits, np.array([0, 1])) == pytest.approx(0.05, rel=1e-6)


def test_log_loss_and_brier_are_those_of_scikit_learn():
    logits, y = made_logits(2, scale=2.0)
    p = np.exp(metrics.log_softmax(logits))[:, 1]
    assert metrics.negative_log_likelihood(logits, y) == pytest.approx(log_loss(y, p))
    assert metrics.calibration(p, y)["brier"] == pytest.approx(brier_score_loss(y, p))


def test_calibration_error_is_that_of_a_loop_and_small_for_honest_probabilities():
    rng = np.random.default_rng(0)
    p = rng.random(1000) ** 3
    y = (rng.random(1000) < p).astype(int)
    expected, order = 0.0, np.argsort(p)
    for first in range(0, 1000, 100):
        rows = order[first : first + 100]
        expected += abs(p[rows].mean() - y[rows].mean()) / 10
    found = metrics.calibration(p, y)
    assert found["error"] == pytest.approx(expected)
    assert found["error"] < 0.05 < metrics.calibration(p**0.3, y)["error"]
    assert sum(found["size"]) == 1000


def test_balanced_accuracy_is_that_of_scikit_learn():
    rng = np.random.default_rng(0)
    y, predicted = rng.integers(0, 5, 200), rng.integers(0, 5, 200)
    expected = balanced_accuracy_score(y, predicted)
    assert metrics.balanced_accuracy(predicted, y, 7) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("scores", "y", "message"),
    [
        ([0.1, 0.2], [0], "one score for each label"),
        ([0.1, 0.2], [0, 2], "labels 0 and 1"),
        ([0.1, float("nan")], [0, 1], "finite scores"),
    ],
)
def test_scores_that_cannot_be_judged_are_refused(scores, y, message):
    with pytest.raises(ValueError, match=message):
        metrics.auc(scores, y)


def test_no_lesion_stands_in_two_parts_and_each_part_has_its_share_of_each_class():
    made = make_ham10000()
    lesion, y = made.lesion.numpy(), made.y.numpy()
    part = data.split_by(lesion, y, (0.6, 0.2, 0.2), seed=0)
    assert set(part) == {data.TRAIN, data.VAL, data.TEST}
    for one in np.unique(lesion):
        assert len(set(part[lesion == one])) == 1
    for c in range(7):
        lesions = {number: part[lesion == number][0] for number in lesion[y == c]}
        share = np.bincount(list(lesions.values()), minlength=3) / len(lesions)
        assert share == pytest.approx([0.6, 0.2, 0.2], abs=0.05)
    assert (data.split_by(lesion, y, (0.6, 0.2, 0.2), seed=1) != part).any()


def test_a_split_by_picture_does_share_lesions():
    made = make_ham10000()
    lesion = made.lesion.numpy()
    part = data.split_by(np.arange(len(lesion)), made.y.numpy(), (0.6, 0.2, 0.2), seed=0)
    shared = set(lesion[part == data.TRAIN]) & set(lesion[part == data.TEST])
    assert len(shared) > 10


def test_fractions_that_do_not_add_up_are_refused():
    with pytest.raises(ValueError, match="add up to 1"):
        data.split_by(np.arange(9), np.zeros(9), (0.5, 0.2, 0.2), seed=0)


@given(st.integers(20, 200), st.integers(0, 5))
def test_chosen_labels_hold_each_class_in_its_share(count, seed):
    y = np.repeat([0, 1, 2], [280, 100, 20])
    rows = np.arange(1000, 1400)
    chosen = data.choose(rows, np.concatenate([np.full(1000, 9), y]), count, seed)
    assert len(set(chosen)) == count
    assert set(chosen) <= set(rows)
    held = np.bincount(y[chosen - 1000], minlength=3)
    assert held.min() >= 2
    assert held == pytest.approx(count * np.array([0.7, 0.25, 0.05]), abs=2.01)


def test_fewer_labels_are_among_the_more_of_the_same_seed():
    rows, y = np.arange(400), np.repeat([0, 1], [300, 100])
    few, more = (data.choose(rows, y, count, seed=3) for count in (50, 200))
    assert set(few) < set(more)
    assert set(data.choose(rows, y, 0, seed=3)) == set(rows)
    with pytest.raises(ValueError, match="at most 400"):
        data.choose(rows, y, 401, seed=3)


def test_swapped_siblings_leak_each_tested_lesion_and_keep_the_classes_and_the_size():
    made = make_ham10000()
    lesion, y = made.lesion.numpy(), made.y.numpy()
    part = data.split_by(lesion, y, (0.6, 0.2, 0.2), seed=0)
    before = part.copy()
    leaking, rows = data.swap_siblings(part, lesion, y, seed=0)
    assert (part == before).all()
    assert len(rows) > 5
    assert (part[rows] == data.TEST).all()
    assert (leaking[rows] == data.TEST).all()
    assert len(set(lesion[rows])) == len(rows)
    assert set(lesion[rows]) <= set(lesion[leaking == data.TRAIN])
    train, leaky = np.bincount(y[part == 0]), np.bincount(y[leaking == 0])
    assert (train == leaky).all()
    assert ((leaking == data.VAL) == (part == data.VAL)).all()


def test_shrunk_pictures_keep_their_mean_and_become_bytes_of_the_size():
    X = torch.randint(0, 256, (5, 3, 150, 200), dtype=torch.uint8)
    small = data.shrink(X, (48, 64))
    assert small.dtype == torch.uint8
    assert small.shape == (5, 3, 48, 64)
    assert small.float().mean() == pytest.approx(X.float().mean().item(), abs=0.5)
    # Smoothed, not picked: noise averages out over the 3 x 3 pixels that become one.
    assert small.float().std() < 0.6 * X.float().std()


def test_groups_of_age_and_site_cover_everybody():
    ages = data.age_groups(np.array([5.0, 40.0, 55.0, 60.0, 85.0, np.nan]))
    assert list(ages[1:]) == ["40 to 59", "40 to 59", "60 and over", "60 and over", "unknown"]
    assert ages[0] == "under 40"
    sites = data.site_groups(["back", "hand", "unknown", "ear"])
    assert list(sites) == ["trunk", "upper limb", "unknown", "head and neck"]
