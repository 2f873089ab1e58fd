import numpy as np
import pytest

from ml.geometry import BoundingBox, pairwise_overlap, squared, suppress_overlaps


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
