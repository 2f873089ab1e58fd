"""Two faces of one photo are two people."""

import numpy as np

from ml.dbscan import NOISE
from ml.same_photo import part_same_photo
from tests.ml.synthetic import on_circle


def part(degrees, labels, photos):
    return part_same_photo(np.array(labels), on_circle(*degrees), np.array(photos)).tolist()


def test_the_face_most_like_the_group_stays():
    assert part([0, 1, 2, 30], [0, 0, 0, 0], [1, 2, 3, 3]) == [0, 0, 0, NOISE]


def test_a_group_of_one_photo_falls_apart():
    assert part([0, 1], [0, 0], [7, 7]) == [NOISE, NOISE]


def test_other_groups_and_noise_stay_as_they_are():
    assert part([0, 1, 90, 91, 180], [0, 0, 1, 1, NOISE], [1, 2, 1, 2, 1]) == [0, 0, 1, 1, NOISE]


def test_no_faces_are_no_groups():
    labels = part_same_photo(np.zeros(0, dtype=np.int64), np.zeros((0, 2), np.float32), np.zeros(0, dtype=np.int64))

    assert labels.tolist() == []
