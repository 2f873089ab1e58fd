"""Two people under one name are found to be two; one person stays one."""

import numpy as np
import pytest

from ml.dbscan import NOISE
from ml.subgroups import find_subgroups

THRESHOLD = 0.45


def cloud(random, centre: np.ndarray, count: int, spread: float) -> np.ndarray:
    """Unit rows around a centre; spread is the length of the noise beside the centre's 1."""
    noise = random.normal(size=(count, len(centre))) / np.sqrt(len(centre)) * spread
    rows = centre + noise
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def axis(number: int) -> np.ndarray:
    return np.eye(64)[number]


@pytest.fixture
def random():
    return np.random.default_rng(3)


def test_two_people_are_two_parts_the_larger_first(random):
    rows = np.concatenate([cloud(random, axis(0), 6, 0.4), cloud(random, axis(1), 9, 0.4)])

    labels = find_subgroups(rows, threshold=THRESHOLD)

    assert labels.tolist() == [1] * 6 + [0] * 9


def test_siblings_who_are_one_at_the_usual_cut_are_two_at_a_stricter_one(random):
    sibling = axis(0) + 0.9 * axis(1)
    rows = np.concatenate([cloud(random, axis(0), 8, 0.2), cloud(random, sibling / np.linalg.norm(sibling), 5, 0.2)])

    labels = find_subgroups(rows, threshold=THRESHOLD)

    assert labels.tolist() == [0] * 8 + [1] * 5


def test_one_person_is_one_part(random):
    assert set(find_subgroups(cloud(random, axis(0), 20, 0.3), threshold=THRESHOLD)) == {0}


def test_a_face_like_no_other_belongs_to_no_part(random):
    rows = np.concatenate([cloud(random, axis(0), 6, 0.3), cloud(random, axis(1), 4, 0.3), [axis(2)]])

    assert find_subgroups(rows, threshold=THRESHOLD).tolist() == [0] * 6 + [1] * 4 + [NOISE]


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_faces_have_no_parts(count):
    rows = np.eye(4, dtype=np.float32)[:count]

    assert find_subgroups(rows, threshold=THRESHOLD).tolist() == [0] * count


def test_no_more_parts_than_asked_for(random):
    rows = np.concatenate([cloud(random, axis(number), 3, 0.1) for number in range(6)])

    assert find_subgroups(rows, threshold=THRESHOLD, max_groups=4).max() == 3


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match="rows"):
        find_subgroups(np.zeros(3, np.float32), threshold=THRESHOLD)
    with pytest.raises(ValueError, match="min_faces"):
        find_subgroups(np.zeros((3, 2), np.float32), threshold=THRESHOLD, min_faces=1)
