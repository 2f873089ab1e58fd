"""Answers until faces have their names, counted by hand on libraries of a few faces."""

import numpy as np
import pytest

from ml.dbscan import NOISE
from ml.evaluation.answers import (
    AnswerCurve,
    baselines,
    best_cut,
    each_face_alone,
    name_groups,
    nearest_neighbour_groups,
    one_answer_each,
)
from tests.ml.synthetic import on_circle

# Two people to be named, of four faces and of two, and a stranger of two.
PEOPLE = np.array([7, 7, 7, 7, 8, 8, 9, 9])
TO_NAME = PEOPLE != 9


def counted(labels, people=PEOPLE, to_name=TO_NAME) -> tuple[list[int], list[int]]:
    curve = name_groups(np.array(labels), people, to_name)
    return curve.answers.tolist(), curve.right.tolist()


def test_the_floor_is_one_answer_for_each_person_the_largest_first():
    curve = one_answer_each(PEOPLE, TO_NAME)

    assert (curve.answers.tolist(), curve.right.tolist(), curve.faces) == ([1, 2], [4, 6], 6)
    assert curve.answers_per_face(0.6) == pytest.approx(1 / 6)
    assert curve.answers_per_face(0.95) == pytest.approx(2 / 6)


def test_one_by_one_strangers_are_not_counted():
    assert each_face_alone(PEOPLE, TO_NAME).answers_per_face(1.0) == 1


def test_whole_groups_take_one_answer_each_a_strangers_too():
    assert counted([0, 0, 0, 0, 1, 1, 2, 2]) == ([1, 2, 3], [4, 6, 6])


def test_a_wrong_face_takes_a_click_and_later_one_for_itself():
    assert counted([0, 0, 0, 0, 0, 1, 1, NOISE]) == ([2, 4, 5, 6, 7], [4, 5, 6, 6, 6])


def test_faces_left_alone_come_last():
    assert counted([NOISE, 0, 0, 0, 1, 1, NOISE, NOISE]) == ([1, 2, 3, 4, 5], [3, 5, 6, 6, 6])


def test_what_is_never_reached_is_said_to_be():
    curve = AnswerCurve(np.array([1]), np.array([3]), np.array([1]), 6)

    assert curve.answers_per_face(0.5) == pytest.approx(1 / 6)
    assert curve.wrong_names(0.5) == pytest.approx(0.25)
    assert curve.answers_per_face(0.95) is None
    assert curve.wrong_names(0.95) is None


def test_nearest_neighbours_make_people_of_three_faces_and_join_the_rest_later():
    rows = on_circle(0, 5, 10, 12, 100, 103, 200)  # four alike, two alike, one alone

    labels = nearest_neighbour_groups(rows, threshold=0.01)

    assert len(set(labels[:4].tolist())) == 1
    assert labels[:4].min() > NOISE
    assert labels[4:].tolist() == [NOISE] * 3  # two neighbours are no person


def test_a_face_with_one_neighbour_joins_that_ones_person():
    rows = on_circle(0, 3, 6, 13)  # the last is near the third only

    labels = nearest_neighbour_groups(rows, threshold=1 - np.cos(np.radians(7.5)))

    assert set(labels.tolist()) == {0}


def test_the_order_of_arrival_is_the_seeds():
    rows = on_circle(*np.random.default_rng(1).uniform(0, 360, 60))

    first, second, again = (nearest_neighbour_groups(rows, threshold=0.002, seed=seed) for seed in (1, 2, 1))

    assert np.array_equal(first, again)
    assert not np.array_equal(first, second)


def test_the_best_cut_is_the_one_with_fewest_answers():
    cuts = {0.1: np.arange(8), 0.2: np.array([0, 0, 0, 0, 1, 1, 2, 2]), 0.3: np.zeros(8, np.int64)}

    cut, curve = best_cut(cuts.__getitem__, list(cuts), PEOPLE, TO_NAME, share=0.95)

    assert cut == 0.2
    assert curve.answers_per_face(0.95) == pytest.approx(2 / 6)


def test_all_baselines_name_everybody_in_a_library_that_is_easy():
    rows = np.repeat(np.eye(3, 8, dtype=np.float32), [4, 2, 2], axis=0)

    curves = baselines(rows, PEOPLE, TO_NAME, share=0.95)

    assert set(curves) == {"each_face", "dbscan_clusters", "nearest_neighbour"}
    assert curves["dbscan_clusters"][1].answers_per_face(0.95) == pytest.approx(2 / 6)
    assert curves["each_face"][0] is None
    assert all(curve.right[-1] == 6 for _, curve in curves.values())


def test_nobody_to_name_is_an_error():
    with pytest.raises(ValueError, match="to_name"):
        one_answer_each(PEOPLE, np.zeros(8, dtype=bool))
