import numpy as np
import pytest

from ml import identification
from ml.identification import Identification, nearest_person, thresholds_for
from tests.ml.synthetic import make_embeddings, on_circle

ANN, BOB = 11, 22


def test_the_nearest_gallery_face_names_the_probe():
    gallery, persons = on_circle(0, 10, 90, 95), np.array([ANN, ANN, BOB, BOB])

    found = nearest_person(on_circle(12), gallery, persons, threshold=0.4)[0]

    assert found.person == ANN
    assert found.distance == pytest.approx(1 - np.cos(np.deg2rad(2)), abs=1e-6)
    assert found.gallery == (1, 0)


def test_a_probe_far_from_everyone_is_nobody_named():
    assert nearest_person(on_circle(180), on_circle(0), np.array([ANN]), threshold=0.4) == [None]


def test_the_evidence_is_the_persons_own_faces_within_the_threshold():
    gallery, persons = on_circle(0, 5, 40, 7), np.array([ANN, ANN, ANN, BOB])

    found = nearest_person(on_circle(1), gallery, persons, threshold=0.1)[0]

    assert found.gallery == (0, 1)


def test_no_more_evidence_than_asked_for():
    gallery, persons = on_circle(*range(10)), np.full(10, ANN)

    assert nearest_person(on_circle(0), gallery, persons, threshold=0.4, k=3)[0].gallery == (0, 1, 2)


def test_the_same_face_is_at_distance_zero():
    face = on_circle(77)

    assert nearest_person(face, face, np.array([ANN]), threshold=0)[0] == Identification(ANN, 0.0, (0,))


def test_an_empty_gallery_knows_nobody():
    nobody = np.zeros((0, 2), dtype=np.float32)

    assert nearest_person(on_circle(0, 1), nobody, np.zeros(0, dtype=np.int64), threshold=2) == [None, None]


def test_no_probes_give_no_answers():
    nobody = np.zeros((0, 2), dtype=np.float32)

    assert nearest_person(nobody, on_circle(0), np.array([ANN]), threshold=2) == []


def test_answers_do_not_depend_on_the_block_size(random, monkeypatch):
    embeddings, people = make_embeddings(random, [10, 20, 30])
    probes, gallery = embeddings[::2], embeddings[1::2]
    expected = nearest_person(probes, gallery, people[1::2], threshold=0.4)

    monkeypatch.setattr(identification, "BLOCK", 50)

    found = nearest_person(probes, gallery, people[1::2], threshold=0.4)
    assert [one.gallery for one in found] == [one.gallery for one in expected]
    assert [one.person for one in found] == people[::2].tolist()


def test_a_gallery_with_too_few_names_is_refused():
    with pytest.raises(ValueError, match="belong together"):
        nearest_person(on_circle(0), on_circle(0, 1), np.array([ANN]), threshold=0.4)


@pytest.mark.parametrize("model", ["facenet-casia", "vggface2", "a model we have not measured"])
@pytest.mark.parametrize("recentred", [False, True])
def test_every_model_has_thresholds(model, recentred):
    thresholds = thresholds_for(model, recentred=recentred)

    assert 0 < thresholds.suggestion <= thresholds.linkage < 1
    assert 0 < thresholds.grouping < 1
    assert 0 <= thresholds.poor_quality < 1
