"""The labels are scikit-learn's, numbers and faces at the border included."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.cluster import DBSCAN

from ml import neighbours
from ml.dbscan import NOISE, cluster_embeddings
from tests.ml.synthetic import make_embeddings, on_circle
from tests.ml.test_neighbours import cloud


def distances_of(rows):
    distances = np.maximum(1 - rows.astype(np.float64) @ rows.T.astype(np.float64), 0)
    np.fill_diagonal(distances, 0)
    return distances


def by_scikit_learn(rows, threshold, min_faces):
    distances = distances_of(rows)
    return DBSCAN(eps=threshold, min_samples=min_faces, metric="precomputed").fit(distances).labels_.tolist()


@given(
    st.integers(0, 10**6), st.integers(1, 80), st.floats(0.02, 1.1), st.integers(1, 7), st.floats(0.2, 0.9),
    st.sampled_from([3, 16, 2048]),
)  # fmt: skip
@settings(max_examples=150, deadline=None)
def test_labels_are_those_of_scikit_learn(seed, count, threshold, min_faces, spread, block):
    rows = cloud(seed, count, 24, spread)
    # On which side of the threshold the last digit puts a distance is nobody's concern.
    assume(np.abs(distances_of(rows) - threshold).min() > 1e-9)
    expected = by_scikit_learn(rows, threshold, min_faces)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(neighbours, "ROWS_AT_ONCE", block)
        found = cluster_embeddings(rows, threshold=threshold, min_faces=min_faces)

    assert found.tolist() == expected


@pytest.mark.parametrize("threshold", [0.05, 0.2, 0.4])
@pytest.mark.parametrize("min_faces", [1, 2, 4])
def test_clusters_are_those_of_scikit_learn(random, threshold, min_faces):
    embeddings, _ = make_embeddings(random, [1, 2, 5, 9, 1, 30], noise=0.06)

    labels = cluster_embeddings(embeddings, threshold=threshold, min_faces=min_faces)

    expected = DBSCAN(eps=threshold, min_samples=min_faces, metric="cosine").fit(embeddings).labels_
    assert labels.tolist() == expected.tolist()


def test_a_face_at_the_border_of_two_clusters_belongs_to_the_first():
    # Seven degrees are 0.0075. The face at 7 has only one neighbour on each side, so with four it is no core sample.
    rows = on_circle(14, 14.1, 14.2, 14.3, 7, 0, -0.1, -0.2, -0.3)

    assert cluster_embeddings(rows, threshold=0.0076, min_faces=4).tolist() == [0, 0, 0, 0, 0, 1, 1, 1, 1]


def test_chains_of_thousands_are_one_cluster():
    rows = on_circle(*np.arange(0, 300, 0.1))

    assert set(cluster_embeddings(rows, threshold=1e-5).tolist()) == {0}


@pytest.mark.parametrize("min_faces", [2, 3, 10])
def test_real_faces_have_the_clusters_of_scikit_learn(models_dir, min_faces):
    """Embeddings of one portrait under all kinds of light, and of noise."""
    from ml.engine import open_engine
    from ml.typical_faces import typical_faces

    engine = open_engine(models_dir, "facenet-casia", "cpu")
    [rows] = engine.run("facenet", typical_faces())

    for threshold in (0.01, 0.05, 0.2):
        found = cluster_embeddings(rows, threshold=threshold, min_faces=min_faces)
        assert found.tolist() == by_scikit_learn(rows, threshold, min_faces)


def test_a_million_pairs_do_not_pile_up(random, monkeypatch):
    """Only pairs with a face that is not yet a core sample wait."""
    rows, _ = make_embeddings(random, [700, 700], noise=0.02)
    monkeypatch.setattr(neighbours, "ROWS_AT_ONCE", 100)
    from ml import dbscan

    join, waited = dbscan.join, []

    def watched(*arguments):
        waited.append(len(rest := join(*arguments)))
        return rest

    monkeypatch.setattr(dbscan, "join", watched)

    assert set(cluster_embeddings(rows, threshold=0.3, min_faces=5).tolist()) == {0, 1}
    assert sum(waited[:-1]) < len(rows) * 5
    assert NOISE == -1
