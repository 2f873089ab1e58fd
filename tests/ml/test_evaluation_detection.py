"""Detection figures that one can work out by hand."""

import numpy as np
import pytest

from ml.evaluation.detection import SearchedPhoto, average_precision, precision_recall_curve, score_detection
from ml.evaluation.labels import LabelledFace, LabelledPhoto
from ml.evaluation.matching import main_face, match_boxes


def boxes(*sides):
    return np.array(sides, dtype=np.float32).reshape(-1, 4)


def searched(status, drawn, found, scores):
    """Boxes drawn are left, top, width, height; boxes found left, top, right, bottom."""
    faces = tuple(LabelledFace(None, box) for box in drawn)
    return SearchedPhoto(LabelledPhoto("a.jpg", faces, status), boxes(*found), np.array(scores, dtype=np.float32))


FIRST, SECOND, ELSEWHERE = (0, 0, 10, 10), (20, 0, 30, 10), (60, 60, 70, 70)


def test_boxes_match_one_to_one():
    found = boxes(FIRST, (1, 1, 11, 11), ELSEWHERE)

    assert match_boxes(found, boxes(FIRST, SECOND)).tolist() == [0, -1]
    assert match_boxes(found, boxes()).tolist() == []
    assert match_boxes(boxes(), boxes(FIRST)).tolist() == [-1]


def test_as_many_boxes_match_as_can():
    # The first box found fits both boxes drawn, and better the first; the second fits only the first.
    found = boxes((0, 0, 12, 10), (0, 0, 8, 10))
    drawn = boxes((0, 0, 11, 10), (5, 0, 17, 10))

    assert match_boxes(found, drawn).tolist() == [1, 0]


@pytest.mark.parametrize(
    ("found", "fits"),
    [
        ((4, 4, 6, 6), True),  # small, in the middle
        ((-20, -20, 30, 30), True),  # large, its middle inside
        ((5.2, 0, 15.2, 10), True),  # its middle just outside, 48 of 152 in common
        ((6, 0, 16, 10), False),  # 40 of 160
        ((0, 0, 30, 10), True),  # 100 of 300
        ((0, 0, 36, 10), False),  # 100 of 360
    ],
)
def test_a_box_fits_by_its_middle_or_by_overlap(found, fits):
    assert match_boxes(boxes(found), boxes(FIRST)).tolist() == ([0] if fits else [-1])


@pytest.mark.parametrize(
    ("found", "drawn", "name"),
    [
        (np.zeros((2, 3), np.float32), boxes(FIRST), "found"),
        (boxes(FIRST), np.zeros(4, np.float32), "drawn"),
        (boxes((0, 0, np.nan, 1)), boxes(FIRST), "found"),
    ],
)
def test_bad_boxes_are_refused(found, drawn, name):
    with pytest.raises(ValueError, match=f"{name} must"):
        match_boxes(found, drawn)


def test_the_main_face_is_large_and_near_the_middle():
    middle, corner, large = (40, 40, 60, 60), (0, 0, 25, 25), (20, 20, 80, 80)

    assert main_face(boxes(corner, middle), (100, 100), np.array([True, True])) == 1
    assert main_face(boxes(corner, middle, large), (100, 100), np.array([True, True, True])) == 2
    assert main_face(boxes(corner, middle, large), (100, 100), np.array([True, True, False])) == 1
    assert main_face(boxes(), (100, 100), np.zeros(0, bool)) is None


def test_average_precision_by_hand():
    # Four faces; hits at ranks 1, 3 and 4: precision 1, 2/3, 3/4, of which 3/4 stands for recall 0.25 to 0.75.
    curve = precision_recall_curve(
        np.array([0.9, 0.8, 0.7, 0.6, 0.5], np.float32), np.array([True, False, True, True, False]), 4
    )

    assert curve[:, 0].tolist() == [0.25, 0.25, 0.5, 0.75, 0.75]
    assert curve[:, 1] == pytest.approx([1, 1 / 2, 2 / 3, 3 / 4, 3 / 5])
    assert average_precision(curve) == pytest.approx(0.25 * 1 + 0.5 * 0.75)


def test_equal_scores_make_one_step():
    curve = precision_recall_curve(np.array([0.9, 0.9], np.float32), np.array([False, True]), 1)

    assert curve.tolist() == [[1, 0.5]]
    assert average_precision(curve) == 0.5
    assert average_precision(precision_recall_curve(np.zeros(0, np.float32), np.zeros(0, bool), 3)) == 0


def test_scores_and_hits_must_fit():
    with pytest.raises(ValueError, match="hits must"):
        precision_recall_curve(np.zeros(2, np.float32), np.zeros(3, bool), 1)


def test_what_counts_depends_on_how_well_a_photo_is_known():
    drawn_first, drawn_second = (0, 0, 10, 10), (20, 0, 10, 10)
    photos = [
        searched("complete", [drawn_first, drawn_second], [FIRST, ELSEWHERE], [0.9, 0.8]),
        searched("partial", [drawn_first, drawn_second], [SECOND, ELSEWHERE], [0.99, 0.98]),
        searched("no_faces", [], [ELSEWHERE], [0.95]),
        searched("no_faces", [], [], []),
        searched("unannotated", [], [FIRST, SECOND], [0.9, 0.9]),
        searched("nominal_box", [drawn_first], [SECOND], [0.9]),
        searched("name_only", [], [SECOND], [0.9]),
    ]

    score = score_detection(photos)

    assert (score.photos, score.known_photos, score.boxes) == (4, 3, 4)
    assert score.recall == 0.5
    assert score.false_positives == 2
    assert score.precision == pytest.approx(1 / 3)
    assert score.false_positives_per_photo == pytest.approx(2 / 3)
    # Of the two faces in fully known photos the one found comes second, after the false one in the empty photo.
    assert score.average_precision == pytest.approx(0.5 * 0.5)
    assert score.known_recall == 0.5


def test_average_precision_may_exceed_recall_but_not_the_recall_of_photos_that_are_fully_known():
    first, second = (0, 0, 10, 10), (20, 0, 10, 10)
    photos = [searched("complete", [first], [FIRST], [0.9]), searched("partial", [first, second], [FIRST], [0.9])]

    score = score_detection(photos)

    assert score.recall == pytest.approx(2 / 3)
    assert score.average_precision == score.known_recall == 1


def test_without_boxes_nothing_is_measured():
    score = score_detection([searched("name_only", [], [FIRST], [0.9])])

    assert (score.recall, score.precision, score.false_positives_per_photo, score.average_precision) == (None,) * 4
    assert score.known_recall is None


def test_photos_without_faces_show_false_ones_all_the_same():
    score = score_detection([searched("no_faces", [], [FIRST], [0.9]), searched("no_faces", [], [], [])])

    assert score.false_positives_per_photo == 0.5
    assert score.precision == 0
    assert (score.recall, score.average_precision) == (None, None)
