"""Verification figures that one can work out by hand."""

import numpy as np
import pytest

from ml.evaluation.verification import (
    PairedFaces,
    best_threshold,
    centred_distances,
    fold_accuracies,
    pair_distances,
    roc_curve,
    score_verification,
    true_accept_rate,
)
from tests.ml.synthetic import on_circle


def floats(*values):
    return np.array(values, dtype=np.float32)


def truths(text):
    """s: one person, d: two."""
    return np.array([letter == "s" for letter in text])


def test_the_threshold_lies_in_the_middle_of_the_best_gap():
    assert best_threshold(floats(0.1, 0.2, 0.6, 0.9), truths("ssdd")) == pytest.approx(0.4)
    # Two mistakes less one: the pair at 0.5 is wrong either way.
    assert best_threshold(floats(0.1, 0.5, 0.7, 0.9), truths("sdsd")) in (pytest.approx(0.3), pytest.approx(0.8))
    assert best_threshold(floats(0.3, 0.4), truths("ss")) > 0.4
    assert best_threshold(floats(0.3, 0.4), truths("dd")) < 0.3
    # No threshold can part equal distances.
    assert best_threshold(floats(0.3, 0.3, 0.3), truths("ssd")) > 0.3


def test_each_fold_is_judged_by_the_threshold_of_the_others():
    # Fold 0 alone would choose 0.3, fold 1 alone 0.7: each gets the other's.
    distances = floats(0.2, 0.4, 0.6, 0.8)
    same = truths("sdsd")
    folds = np.array([0, 0, 1, 1])

    # Fold 0 at 0.7: 0.4 is wrongly accepted. Fold 1 at 0.3: 0.6 is wrongly refused.
    assert fold_accuracies(distances, same, folds).tolist() == [0.5, 0.5]
    assert fold_accuracies(distances, same, np.zeros(4, dtype=np.int64)).tolist() == []


def test_unequal_folds_count_alike():
    distances = floats(0.1, 0.9, 0.1, 0.9, 0.1, 0.9, 0.9)
    score = score_verification(
        distances, PairedFaces(np.arange(7), np.arange(7), truths("sdsdsds"), np.array([0, 0, 0, 0, 1, 1, 1]))
    )

    assert score.accuracy == pytest.approx((1 + 2 / 3) / 2)
    assert score.accuracy_spread == pytest.approx(1 / 6)


def test_true_accept_rate_where_a_share_of_strangers_passes():
    strangers = np.arange(1, 1001, dtype=np.float32) / 1000  # 0.001 .. 1
    own = floats(0.0005, 0.0015, 0.0105, 0.5)
    distances, same = np.concatenate([strangers, own]), np.arange(1004) >= 1000

    # One stranger of a thousand passes at 0.1 %, so up to just below 0.002; ten at 1 %, up to just below 0.011.
    assert true_accept_rate(distances, same, 0.001) == 0.5
    assert true_accept_rate(distances, same, 0.01) == 0.75
    assert true_accept_rate(distances, same, 0.0) == 0.25
    assert true_accept_rate(distances, same, 1.0) == 1


def test_few_strangers_allow_none_to_pass():
    assert true_accept_rate(floats(0.1, 0.4, 0.3), truths("ssd"), 0.001) == 0.5


def test_a_distance_that_a_stranger_shares_is_not_accepted():
    assert true_accept_rate(floats(0.1, 0.3, 0.3), truths("ssd"), 0.001) == 0.5


def test_roc_takes_equal_distances_together():
    curve = roc_curve(floats(0.1, 0.2, 0.2, 0.3), truths("ssdd"))

    assert curve.tolist() == [[0, 0], [0, 0.5], [0.5, 1], [1, 1]]


def test_distances_of_pairs_are_cosine():
    pairs = PairedFaces(np.array([0, 0]), np.array([1, 2]), truths("sd"), np.array([0, 1]))

    assert pair_distances(on_circle(0, 60, 90), pairs) == pytest.approx([0.5, 1.0])


def test_the_mean_comes_from_the_other_folds_only():
    # All faces share the direction (1, 0), and each fold's faces differ in the other.
    rows = floats([3, 1], [3, -1], [3, 2], [3, 2])
    pairs = PairedFaces(np.array([0, 2]), np.array([1, 3]), truths("ds"), np.array([0, 1]))

    distances = centred_distances(rows, pairs, fewest_faces=1)

    # Fold 0 less (3, 2): (0, -1) and (0, -3), the same way. Fold 1 less (3, 0): (0, 2) twice.
    assert distances == pytest.approx([0, 0])
    # Had fold 0 a part in its own mean, (3, 1), its faces would be (0, 0) and (0, -2).
    other_way = centred_distances(floats([3, 1], [3, -1], [3, 0], [3, 0]), pairs, fewest_faces=1)
    assert other_way[0] == pytest.approx(2)


def test_a_face_in_the_tested_fold_does_not_change_its_own_mean():
    random = np.random.default_rng(3)
    rows = random.normal(size=(8, 5)).astype(np.float32)
    pairs = PairedFaces(np.array([0, 2, 4, 6]), np.array([1, 3, 5, 7]), truths("sdsd"), np.array([0, 0, 1, 1]))
    before = centred_distances(rows, pairs, fewest_faces=4)[0]
    changed = rows.copy()
    changed[2:4] += 5  # the other pair of fold 0

    assert centred_distances(changed, pairs, fewest_faces=4)[0] == before


def test_too_few_other_faces_are_no_mean():
    rows = on_circle(0, 60, 0, 90)
    pairs = PairedFaces(np.array([0, 2]), np.array([1, 3]), truths("sd"), np.array([0, 1]))

    assert centred_distances(rows, pairs, fewest_faces=3) == pytest.approx([0.5, 1.0])


def test_without_both_kinds_of_pairs_nothing_is_measured():
    pairs = PairedFaces(np.array([0]), np.array([1]), truths("s"), np.array([0]))
    score = score_verification(floats(0.2), pairs)

    assert (score.accuracy, score.tar_at_far_1_percent, score.tar_at_far_01_percent) == (None, None, None)


@pytest.mark.parametrize(
    ("distances", "same", "message"),
    [
        (floats(), truths(""), "distances must"),
        (floats(0.1, 0.2), truths("s"), "same must have"),
        (floats(0.1, np.nan), truths("sd"), "distances must be finite"),
        (floats([0.1, 0.2]), truths("sd").reshape(1, 2), "distances must"),
        (floats(0.1, 0.2), truths("ss"), "same must hold pairs of one person and pairs of two"),
    ],
)
def test_bad_pairs_are_refused(distances, same, message):
    with pytest.raises(ValueError, match=message):
        true_accept_rate(distances, same, 0.01)


def test_folds_of_another_length_are_refused():
    with pytest.raises(ValueError, match="folds must have"):
        fold_accuracies(floats(0.1, 0.2), truths("sd"), np.array([0]))
