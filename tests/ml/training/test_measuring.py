"""How an embedder is measured: SVM, verification, and whether a difference says anything."""

import numpy as np
import pytest

from ml.training.measuring import compare, separation, svm_accuracy, verification_pairs, verify_rows

PEOPLE = np.repeat(np.arange(40), 4)


def rows_of(people: np.ndarray, noise: float, seed: int = 0) -> np.ndarray:
    """Unit rows around a direction for each person."""
    random = np.random.default_rng(seed)
    rows = np.random.default_rng(9).normal(0, 1, (people.max() + 1, 16))[people] + random.normal(
        0, noise, (len(people), 16)
    )
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def test_an_svm_names_the_photos_of_people_who_stand_apart():
    learned, tested = rows_of(PEOPLE, 0.1, seed=1), rows_of(PEOPLE, 0.1, seed=2)

    assert svm_accuracy(learned, PEOPLE, tested, PEOPLE) == 1
    assert svm_accuracy(learned, PEOPLE, tested, np.roll(PEOPLE, 4)) == 0


def test_rows_that_lie_close_together_are_told_apart_as_well():
    """As those of an untrained network: its rows share one direction almost wholly."""
    learned, tested = (rows_of(PEOPLE, 0.1, seed=seed) * 1e-3 + 1 for seed in (1, 2))

    assert svm_accuracy(learned, PEOPLE, tested, PEOPLE) > 0.9


def test_one_person_or_nothing_to_test_cannot_be_measured():
    rows = rows_of(PEOPLE, 0.1)

    assert svm_accuracy(rows[:4], PEOPLE[:4], rows, PEOPLE) is None
    assert svm_accuracy(rows, PEOPLE, rows[:0], PEOPLE[:0]) is None


def test_pairs_are_of_one_person_and_as_many_of_two_in_folds_that_share_nobody():
    pairs = verification_pairs(PEOPLE, seed=0)

    assert pairs.same.sum() == (~pairs.same).sum() > 100
    assert (PEOPLE[pairs.first] == PEOPLE[pairs.second]).tolist() == pairs.same.tolist()
    for fold in range(10):
        inside = set(PEOPLE[pairs.first[pairs.folds == fold]]) | set(PEOPLE[pairs.second[pairs.folds == fold]])
        outside = set(PEOPLE[pairs.first[pairs.folds != fold]]) | set(PEOPLE[pairs.second[pairs.folds != fold]])
        assert inside and not inside & outside


def test_without_people_there_are_no_pairs_and_no_figures():
    pairs = verification_pairs(PEOPLE[:0], seed=0)

    assert len(pairs.same) == 0
    assert verify_rows(np.zeros((0, 16), np.float32), pairs).accuracy is None
    assert separation(np.zeros((0, 16), np.float32), pairs) is None


def test_separation_is_the_share_of_pairs_in_the_right_order():
    pairs = verification_pairs(PEOPLE, seed=0)
    rows = rows_of(PEOPLE, 0.8)
    distances = 1 - (rows[pairs.first] * rows[pairs.second]).sum(axis=1)
    ordered = distances[pairs.same][:, None] < distances[~pairs.same][None, :]

    assert separation(rows, pairs) == pytest.approx(ordered.mean(), abs=1e-4)


def test_better_rows_are_better_and_the_same_are_not():
    pairs = verification_pairs(PEOPLE, seed=0)
    poor, good = (verify_rows(rows_of(PEOPLE, noise), pairs) for noise in (1.5, 0.2))

    assert compare(poor, good, pairs, PEOPLE).is_better
    assert not compare(good, poor, pairs, PEOPLE).is_better
    assert not compare(good, good, pairs, PEOPLE).is_better
    assert compare(poor, good, pairs, PEOPLE).gain == pytest.approx(good.accuracy - poor.accuracy)


def test_a_difference_on_few_people_says_nothing():
    people = PEOPLE[:12]
    pairs = verification_pairs(people, seed=0)
    poor, good = (verify_rows(rows_of(people, noise), pairs) for noise in (3.0, 0.1))

    difference = compare(poor, good, pairs, people)

    assert difference.gain > 0
    assert difference.gain_low is None and not difference.is_better
