"""What is known of pairs of faces."""

import numpy as np
import pytest

from ml.constraints import pairs_of_one_photo, sets_of_one_person

NO_PAIRS = np.zeros((0, 2), dtype=np.int64)


def as_sets(pairs):
    return {frozenset(pair) for pair in pairs.tolist()}


def test_faces_of_one_photo_are_apart():
    pairs = pairs_of_one_photo(np.array([7, 3, 7, 7, 5]))

    assert as_sets(pairs) == {frozenset({0, 2}), frozenset({0, 3}), frozenset({2, 3})}
    assert len(pairs) == 3


def test_faces_of_a_photo_with_a_mirror_are_not():
    assert len(pairs_of_one_photo(np.array([7, 7, 8, 8]), [7])) == 1


@pytest.mark.parametrize("count", [0, 1])
def test_without_two_faces_there_are_no_pairs(count):
    assert pairs_of_one_photo(np.zeros(count, dtype=np.int64)).shape == (0, 2)


def test_who_is_one_with_another_is_one_with_all_of_theirs():
    sets = sets_of_one_person(6, np.array([[4, 2], [2, 0], [3, 5]]), NO_PAIRS)

    assert sets.tolist() == [0, 1, 0, 3, 0, 3]


def test_what_is_apart_stays_so_also_by_a_detour():
    sets = sets_of_one_person(4, np.array([[0, 1], [1, 2], [2, 3]]), np.array([[0, 2]]))

    assert sets.tolist() == [0, 0, 2, 2]


def test_a_set_has_one_kind():
    sets = sets_of_one_person(4, np.array([[0, 1], [1, 2], [2, 3]]), NO_PAIRS, np.array([8, -1, 9, 9]))

    assert sets.tolist() == [0, 0, 2, 2]


@pytest.mark.parametrize("seed", range(20))
def test_sets_never_hold_two_that_are_apart(seed):
    random = np.random.default_rng(seed)
    together, apart = random.integers(0, 30, (40, 2)), random.integers(0, 30, (12, 2))
    apart = apart[apart[:, 0] != apart[:, 1]]

    sets = sets_of_one_person(30, together, apart)

    assert (sets[apart[:, 0]] != sets[apart[:, 1]]).all()
