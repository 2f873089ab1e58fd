import numpy as np
import pytest

from ml.projection import FEWEST_GROUPS, library_centre, projection_from_weights, recentred, unit_rows
from tests.ml.synthetic import make_embeddings


def test_a_library_of_few_people_has_no_centre(random):
    projections, people = make_embeddings(random, [5] * (FEWEST_GROUPS - 1), dimensions=128)

    assert not library_centre(projections, people).any()


def test_what_all_faces_share_is_taken_away(random):
    projections, people = make_embeddings(random, [3] * FEWEST_GROUPS, dimensions=128)
    shared = np.full(128, 1 / np.sqrt(128), dtype=np.float32)
    shifted = unit_rows(projections + shared)

    centred = recentred(shifted, library_centre(shifted, people))

    assert np.linalg.norm(shifted.mean(axis=0)) > 0.6
    assert np.linalg.norm(centred.mean(axis=0)) < 0.1
    assert np.linalg.norm(centred, axis=1) == pytest.approx(np.ones(len(people)), abs=1e-5)


def test_a_person_photographed_a_thousand_times_is_not_the_centre(random):
    projections, people = make_embeddings(random, [1000] + [1] * (FEWEST_GROUPS - 1), dimensions=128)

    centre = library_centre(projections, people)

    assert projections[0] @ centre < 0.05


def test_faces_without_a_group_count_one_by_one(random):
    projections, _ = make_embeddings(random, [1] * FEWEST_GROUPS, dimensions=128)

    centre = library_centre(projections, np.full(FEWEST_GROUPS, -1))

    assert centre == pytest.approx(projections.mean(axis=0), abs=1e-6)


def test_an_empty_library_has_no_centre():
    assert not library_centre(np.zeros((0, 128), dtype=np.float32), np.zeros(0, dtype=np.int64)).any()


def test_the_projection_finds_the_subspace_of_the_last_layer(random):
    subspace = np.linalg.qr(random.normal(size=(512, 128)))[0].T
    weights = {
        "last_linear.weight": (subspace.T @ random.normal(size=(128, 300))).astype(np.float32),
        "last_bn.weight": np.ones(512, dtype=np.float32),
        "last_bn.bias": np.zeros(512, dtype=np.float32),
        "last_bn.running_var": np.ones(512, dtype=np.float32),
    }

    basis = projection_from_weights(weights).basis

    assert np.linalg.norm(subspace @ basis.T) ** 2 == pytest.approx(128, rel=1e-4)
    assert (basis[np.arange(128), np.abs(basis).argmax(axis=1)] > 0).all()
