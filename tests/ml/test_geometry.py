import numpy as np
import pytest

from ml.geometry import BoundingBox, pairwise_overlap, squared
from ml.suppression import suppress_neighbours, suppress_overlaps


def test_a_box_goes_to_pixels_and_back():
    box = BoundingBox(0.1, 0.2, 0.3, 0.4)

    corners = box.to_pixels((1000, 500))

    assert corners.tolist() == pytest.approx([100, 100, 400, 300])
    again = BoundingBox.from_pixels(corners, (1000, 500))
    assert [again.left, again.top, again.width, again.height] == pytest.approx([0.1, 0.2, 0.3, 0.4])


def test_a_box_beyond_the_image_is_cut_off_at_its_edges():
    box = BoundingBox.from_pixels(np.array([-10, 20, 120, 300], dtype=np.float32), (100, 200))

    assert box == BoundingBox(0.0, 0.1, 1.0, 0.9)


def test_a_box_outside_the_image_has_no_area():
    assert BoundingBox.from_pixels(np.array([200, 10, 300, 20], dtype=np.float32), (100, 100)).width == 0


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (BoundingBox(0.0, 0.0, 0.5, 0.5), 1.0),
        (BoundingBox(0.25, 0.0, 0.5, 0.5), 1 / 3),
        (BoundingBox(0.5, 0.5, 0.5, 0.5), 0.0),
        (BoundingBox(0.0, 0.0, 0.0, 0.0), 0.0),
    ],
)
def test_boxes_agree_by_the_area_they_share(other, expected):
    assert BoundingBox(0.0, 0.0, 0.5, 0.5).intersection_over_union(other) == pytest.approx(expected)


def test_overlap_may_be_measured_against_the_smaller_box():
    outer, inner = np.array([[0, 0, 10, 10]], dtype=np.float32), np.array([[2, 2, 6, 6]], dtype=np.float32)

    assert pairwise_overlap(outer, inner)[0, 0] == pytest.approx(0.16)
    assert pairwise_overlap(outer, inner, over_smaller=True)[0, 0] == pytest.approx(1)


def test_a_box_becomes_a_square_about_its_centre():
    assert squared(np.array([[0, 10, 20, 20]], dtype=np.float32)).tolist() == [[0, 5, 20, 25]]


@pytest.mark.parametrize("threshold", [0.1, 0.4, 0.7])
@pytest.mark.parametrize("over_smaller", [False, True])
def test_suppression_is_that_of_the_plain_loop(random, threshold, over_smaller):
    for count in (0, 1, 2, 5, 60):
        boxes = random.uniform(0, 50, size=(count, 4)).astype(np.float32)
        boxes[:, 2:] = boxes[:, :2] + random.uniform(5, 40, size=(count, 2))
        scores = random.choice([0.6, 0.7, 0.8, 0.9], size=count).astype(np.float32)

        kept = suppress_overlaps(boxes, scores, threshold, over_smaller=over_smaller)

        assert kept.tolist() == plain_suppression(boxes, scores, threshold, over_smaller)


@pytest.mark.parametrize("scale", [0.6, 0.3016, 0.1])
def test_suppression_on_a_grid_is_that_of_the_plain_loop(random, scale):
    for count in (0, 1, 2, 30, 250):
        cells = random.choice(25 * 20, size=count, replace=False)
        places = np.stack([cells // 20, cells % 20], axis=1).astype(np.int32)
        first = np.floor((places[:, ::-1] * 2 + 1) / np.float32(scale))
        boxes = np.concatenate([first, np.floor((places[:, ::-1] * 2 + 12) / np.float32(scale))], axis=1)
        scores = random.choice([0.6, 0.7, 0.8, 0.9], size=count).astype(np.float32)

        kept = suppress_neighbours(boxes.astype(np.float32), scores, places, 0.5)

        assert kept.tolist() == plain_suppression(boxes.astype(np.float32), scores, 0.5, False)


BOXES = np.array([[0, 0, 5, 5], [1, 1, 6, 6]], dtype=np.float32)
NO_NUMBER = np.array([[0, 0, 5, np.nan], [1, 1, 6, 6]], dtype=np.float32)
SCORES = np.array([0.5, 0.6], dtype=np.float32)
PLACES = np.array([[0, 0], [0, 1]], dtype=np.int32)


@pytest.mark.parametrize("boxes", [BOXES[:, :3], BOXES[0], NO_NUMBER])
def test_senseless_boxes_are_refused(boxes):
    for refusing in (
        lambda: suppress_overlaps(boxes, SCORES[: len(boxes)], 0.5),
        lambda: suppress_neighbours(boxes, SCORES[: len(boxes)], PLACES[: len(boxes)], 0.5),
        lambda: pairwise_overlap(boxes, BOXES),
        lambda: squared(boxes),
    ):
        with pytest.raises(ValueError, match=r"boxes|scores|places"):
            refusing()
    with pytest.raises(ValueError, match="others"):
        pairwise_overlap(BOXES, boxes)


@pytest.mark.parametrize("scores", [SCORES[:1], SCORES[:, None], np.array([0.5, np.nan], dtype=np.float32)])
def test_senseless_scores_are_refused(scores):
    with pytest.raises(ValueError, match="scores"):
        suppress_overlaps(BOXES, scores, 0.5)
    with pytest.raises(ValueError, match="scores"):
        suppress_neighbours(BOXES, scores, PLACES, 0.5)


@pytest.mark.parametrize("places", [PLACES[:1], PLACES - 1, PLACES.astype(np.float32), PLACES[:, :1]])
def test_senseless_places_are_refused(places):
    with pytest.raises(ValueError, match="places"):
        suppress_neighbours(BOXES, SCORES, places, 0.5)


def test_no_boxes_overlap_with_nothing():
    nothing = np.zeros((0, 4), dtype=np.float32)

    assert pairwise_overlap(nothing, BOXES).shape == (0, 2)
    assert suppress_overlaps(nothing, SCORES[:0], 0.5).shape == (0,)
    assert squared(nothing).shape == (0, 4)


def plain_suppression(boxes, scores, threshold, over_smaller):
    kept = []
    for candidate in np.argsort(-scores, kind="stable"):
        overlaps = [pairwise_overlap(boxes[[k]], boxes[[candidate]], over_smaller=over_smaller)[0, 0] for k in kept]
        if all(overlap <= threshold for overlap in overlaps):
            kept.append(int(candidate))
    return kept


def test_the_best_box_of_a_chain_wins_and_frees_the_third():
    # The middle one overlaps both neighbours; the outer ones do not touch.
    boxes = np.array([[0, 0, 10, 10], [4, 0, 14, 10], [12, 0, 22, 10]], dtype=np.float32)

    assert suppress_overlaps(boxes, np.array([0.9, 0.8, 0.7], dtype=np.float32), 0.1).tolist() == [0, 2]
    assert suppress_overlaps(boxes, np.array([0.8, 0.9, 0.7], dtype=np.float32), 0.1).tolist() == [1]


def test_scores_of_any_type_are_compared():
    boxes = np.array([[0, 0, 9, 9], [0, 0, 9, 8]])

    assert suppress_overlaps(boxes, np.array([0, 200], dtype=np.uint8), 0.5).tolist() == [1]
