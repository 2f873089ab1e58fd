import numpy as np
import pytest

from ml.evaluation.clustering import bcubed
from ml.evaluation.identification import score_suggestions
from ml.evaluation.labelled_faces import LabelledFaces
from ml.evaluation.verification import pair_accuracy, true_accept_rate
from ml.memory import return_big_blocks
from tests.ml.synthetic import make_embeddings, make_labelled_faces


@pytest.mark.parametrize(
    ("labels", "precision", "recall"),
    [
        ([0, 0, 1, 1], 1, 1),
        ([0, 0, 0, 0], 0.5, 1),
        ([0, 1, 2, 3], 1, 0.5),
        ([-1, -1, -1, -1], 1, 0.5),
        ([0, 0, 0, -1], (2 / 3 + 2 / 3 + 1 / 3 + 1) / 4, 0.75),
    ],
)
def test_bcubed_of_two_people_with_two_faces_each(labels, precision, recall):
    score = bcubed(np.array(labels), np.array([0, 0, 1, 1]))

    assert score.precision == pytest.approx(precision)
    assert score.recall == pytest.approx(recall)


def test_pairs_far_apart_are_all_judged_right():
    same = np.tile([True, False], 50)
    distances = np.where(same, 0.2, 0.9).astype(np.float32)

    assert pair_accuracy(distances, same) == 1
    assert true_accept_rate(distances, same, 0.01) == 1


def test_people_far_apart_are_suggested_without_mistake(random, tmp_path):
    faces = make_labelled_faces(*make_embeddings(random, [4] * 20))
    faces.save(tmp_path / "faces.npz")

    score = score_suggestions(LabelledFaces.load(tmp_path / "faces.npz"), 0.4, confirmed=2, poor_quality=0.3)

    assert score.precision == score.recall == 1
    assert score.stranger_rate == 0


def test_big_blocks_are_given_back_or_nothing_happens():
    assert return_big_blocks() in (True, False)
