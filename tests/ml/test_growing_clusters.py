"""Whatever comes and goes, the labels are those of one run over the faces that are there."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml import growing_clusters
from ml.dbscan import NOISE, cluster_embeddings
from ml.growing_clusters import GrowingClusters
from tests.ml.synthetic import make_embeddings, on_circle
from tests.ml.test_neighbours import cloud

# How many faces come, or (below 0) how many of those there go.
steps = st.lists(st.integers(-12, 15), min_size=1, max_size=12)


@given(st.integers(0, 10**6), steps, st.floats(0.05, 0.9), st.integers(1, 5), st.floats(0.2, 0.8))
@settings(max_examples=150, deadline=None)
def test_labels_are_those_of_a_run_over_all(seed, steps, threshold, min_faces, spread):
    random = np.random.default_rng(seed)
    supply = cloud(seed, sum(step for step in steps if step > 0), 24, spread)
    clusters = GrowingClusters(24, threshold=threshold, min_faces=min_faces)
    there, used = np.zeros((0, 24), np.float32), 0
    for step in steps:
        if step >= 0:
            new, used = supply[used : used + step], used + step
            clusters.insert(new)
            there = np.concatenate([there, new])
        else:
            gone = random.permutation(len(there))[:-step]
            clusters.remove(gone)
            there = np.delete(there, gone, axis=0)

        expected = cluster_embeddings(there, threshold=threshold, min_faces=min_faces)
        assert clusters.labels().tolist() == expected.tolist()
        assert len(clusters) == len(there)


def test_a_face_between_two_clusters_joins_them_and_parts_them_when_it_goes():
    clusters = GrowingClusters(2, threshold=0.0076)  # seven degrees are 0.0075
    clusters.insert(on_circle(0, 1, 14, 15))
    assert clusters.labels().tolist() == [0, 0, 1, 1]

    clusters.insert(on_circle(7.5))
    assert clusters.labels().tolist() == [0, 0, 0, 0, 0]

    clusters.remove(np.array([4]))
    assert clusters.labels().tolist() == [0, 0, 1, 1]

    clusters.remove(np.array([0]))
    assert clusters.labels().tolist() == [NOISE, 0, 0]


def test_clusters_that_lose_nothing_are_not_looked_at_again(random, monkeypatch):
    rows, people = make_embeddings(random, [30, 30, 30], noise=0.02)
    clusters = GrowingClusters(64, threshold=0.3)
    clusters.insert(rows)
    looked_at = []
    within = growing_clusters.pairs_within
    monkeypatch.setattr(
        growing_clusters,
        "pairs_within",
        lambda rows, **options: (looked_at.append(len(rows)), within(rows, **options))[1],
    )

    clusters.remove(np.flatnonzero(people == 1)[:3])

    assert looked_at == [27]
    assert np.bincount(clusters.labels()).tolist() == [30, 27, 30]


@pytest.mark.parametrize("places", [[3], [-1], [0, 0], [[0]], [0.5]])
def test_faces_that_are_not_there_cannot_be_removed(places):
    clusters = GrowingClusters(2, threshold=0.1)
    clusters.insert(on_circle(0, 1, 2))

    with pytest.raises(ValueError, match="places"):
        clusters.remove(np.array(places))
    assert clusters.labels().tolist() == [0, 0, 0]


@pytest.mark.parametrize("rows", [np.zeros((2, 3)), np.zeros(2), np.full((1, 2), np.nan)])
def test_rows_that_are_none_are_refused(rows):
    clusters = GrowingClusters(2, threshold=0.1)

    with pytest.raises(ValueError, match="rows"):
        clusters.insert(rows)
    assert len(clusters) == 0
