import numpy as np
import pytest

from ml import identification
from ml.identification import assign_people, closest_people, thresholds_for
from tests.ml.synthetic import make_embeddings, on_circle

ANN, BOB = 11, 22
NOBODY = np.zeros((0, 2), dtype=np.float32)


def test_a_probe_may_be_whoever_has_a_face_near_it():
    gallery, persons = on_circle(0, 10, 20, 95), np.array([ANN, ANN, BOB, BOB])

    found = closest_people(on_circle(12), gallery, persons, threshold=0.4)

    assert [(candidate.person, candidate.nearest) for candidate in found] == [(ANN, 1), (BOB, 2)]
    assert found[0].distance == pytest.approx(1 - np.cos(np.deg2rad(2)), abs=1e-6)


def test_a_probe_far_from_everyone_may_be_nobody_named():
    assert closest_people(on_circle(180), on_circle(0), np.array([ANN]), threshold=0.4) == []


def test_the_nearest_pairs_of_all_probes_come_first():
    gallery, persons = on_circle(0, 90), np.array([ANN, BOB])

    found = closest_people(on_circle(20, 89), gallery, persons, threshold=0.4)

    assert [(candidate.probe, candidate.person) for candidate in found] == [(1, BOB), (0, ANN)]


def test_the_order_of_the_gallery_does_not_matter():
    gallery, persons = on_circle(0, 30, 5, 35), np.array([BOB, ANN, BOB, ANN])

    found = closest_people(on_circle(29), gallery, persons, threshold=0.05)

    assert [(candidate.person, candidate.nearest) for candidate in found] == [(ANN, 1)]


def test_the_same_face_is_at_distance_zero():
    face = on_circle(77)

    [candidate] = closest_people(face, face, np.array([ANN]), threshold=0)

    assert candidate.distance == 0


def test_an_empty_gallery_knows_nobody():
    assert closest_people(on_circle(0, 1), NOBODY, np.zeros(0, dtype=np.int64), threshold=2) == []


def test_no_probes_give_no_candidates():
    assert closest_people(NOBODY, on_circle(0), np.array([ANN]), threshold=2) == []


def test_candidates_do_not_depend_on_the_block_size(random, monkeypatch):
    embeddings, people = make_embeddings(random, [10, 20, 30])
    probes, gallery = embeddings[::2], embeddings[1::2]
    expected = closest_people(probes, gallery, people[1::2], threshold=0.4)

    monkeypatch.setattr(identification, "BLOCK", 50)

    found = closest_people(probes, gallery, people[1::2], threshold=0.4)
    assert [(c.probe, c.person, c.nearest) for c in found] == [(c.probe, c.person, c.nearest) for c in expected]
    nearest = {candidate.probe: candidate.person for candidate in reversed(found)}
    assert [nearest[probe] for probe in range(len(probes))] == people[::2].tolist()


def test_a_gallery_with_too_few_names_is_refused():
    with pytest.raises(ValueError, match="persons must"):
        closest_people(on_circle(0), on_circle(0, 1), np.array([ANN]), threshold=0.4)


@pytest.mark.parametrize("model", ["facenet-casia", "facenet-vggface2", "arcface", "a model we have not measured"])
@pytest.mark.parametrize("recentred", [False, True])
def test_every_model_has_thresholds(model, recentred):
    thresholds = thresholds_for(model, recentred=recentred)

    assert 0 < thresholds.suggestion <= thresholds.linkage < 1
    assert 0 < thresholds.grouping < 1
    assert 0 <= thresholds.poor_quality < 1


def test_each_person_is_given_to_the_face_that_is_most_probably_theirs():
    probabilities = np.array([[0.9, 0.1], [0.95, 0.7], [0.2, 0.3]])

    assert assign_people(probabilities, least=0.5) == [0, 1, None]  # the second is nearly as probably the other
    assert assign_people(probabilities, least=0.05) == [0, 1, None]


def test_nobody_is_assigned_below_the_least_probability_or_without_people():
    assert assign_people(np.array([[0.49]]), least=0.5) == [None]
    assert assign_people(np.array([[np.nan, 0.8]]), least=0.5) == [1]
    assert assign_people(np.zeros((2, 0)), least=0.5) == [None, None]
    assert assign_people(np.zeros((0, 3)), least=0.5) == []


def test_probabilities_have_to_be_a_matrix():
    with pytest.raises(ValueError, match="probabilities"):
        assign_people(np.zeros(3), least=0.5)
