import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from ml import proposals
from ml.clustering import group_faces
from ml.dbscan import NOISE, cluster_embeddings
from ml.group_ids import match_labels
from tests.ml.synthetic import make_embeddings, on_circle


@pytest.mark.parametrize("group", [lambda rows: cluster_embeddings(rows, threshold=0.3), group_faces])
class TestBothWays:
    def test_no_faces_give_no_labels(self, group):
        assert group(np.zeros((0, 128), dtype=np.float32)).tolist() == []

    def test_a_single_face_is_noise(self, group):
        assert group(on_circle(0)).tolist() == [NOISE]

    def test_identical_faces_are_one_group(self, group):
        assert group(np.tile(on_circle(33), (7, 1))).tolist() == [0] * 7

    def test_faces_far_apart_are_noise(self, group):
        assert group(on_circle(0, 90, 180)).tolist() == [NOISE] * 3

    def test_one_row_instead_of_a_table_is_refused(self, group):
        with pytest.raises(ValueError, match="embeddings"):
            group(np.zeros(128, dtype=np.float32))


def test_groups_are_the_people(random):
    embeddings, people = make_embeddings(random, [2, 3, 8, 20, 40], noise=0.05)

    assert adjusted_rand_score(people, group_faces(embeddings)) == 1


def test_average_linkage_parts_two_people_that_a_chain_joins():
    # Steps of 25 degrees are within the proposal threshold (0.09); the two ends are 0.9 apart on average.
    embeddings = on_circle(0, 5, 10, 35, 60, 85, 90, 95)

    assert len(set(cluster_embeddings(embeddings, threshold=0.40).tolist())) == 1
    labels = group_faces(embeddings, proposal_threshold=0.40, linkage_threshold=0.30)
    assert labels[0] != labels[-1]


def test_groups_are_numbered_by_their_first_face():
    labels = group_faces(on_circle(0, 120, 240, 241, 121, 1))

    assert labels.tolist() == [0, 1, 2, 2, 1, 0]


def test_groups_do_not_depend_on_the_order_of_faces(random):
    embeddings, _ = make_embeddings(random, [5, 6, 7, 8], noise=0.08)
    order = random.permutation(len(embeddings))

    shuffled = group_faces(embeddings[order])

    assert adjusted_rand_score(group_faces(embeddings)[order], shuffled) == 1


def test_smaller_groups_than_asked_for_are_noise():
    labels = group_faces(on_circle(0, 1, 120, 121, 122), min_faces=3)

    assert labels.tolist() == [NOISE, NOISE, 0, 0, 0]


def test_a_poor_face_joins_a_group():
    labels = group_faces(on_circle(0, 2, 20), may_seed=np.array([True, True, False]))

    assert labels.tolist() == [0, 0, 0]


def test_poor_faces_do_not_found_a_group():
    labels = group_faces(on_circle(0, 1, 2), may_seed=np.array([True, False, False]))

    assert labels.tolist() == [NOISE] * 3


def test_a_poor_face_does_not_join_two_groups():
    good = on_circle(0, 1, 100, 101)
    bridge = on_circle(50)

    labels = group_faces(
        np.concatenate([good, bridge]), linkage_threshold=0.9, may_seed=np.array([True, True, True, True, False])
    )

    assert labels[0] != labels[2]
    assert labels[4] in (labels[0], labels[2])


def test_a_poor_face_far_from_all_groups_stays_alone():
    labels = group_faces(on_circle(0, 1, 180), may_seed=np.array([True, True, False]))

    assert labels.tolist() == [0, 0, NOISE]


def test_all_faces_may_be_poor():
    assert group_faces(on_circle(0, 1), may_seed=np.zeros(2, dtype=bool)).tolist() == [NOISE] * 2


def test_may_seed_of_another_length_is_refused():
    with pytest.raises(ValueError, match="may_seed"):
        group_faces(on_circle(0, 1), may_seed=np.ones(3, dtype=bool))


def test_a_component_too_large_for_linkage_is_cut_tighter_first(random, monkeypatch):
    monkeypatch.setattr(proposals, "LARGEST_COMPONENT", 10)
    embeddings = on_circle(*range(0, 9), *range(25, 34))

    labels = group_faces(embeddings, proposal_threshold=0.1, linkage_threshold=0.5)

    assert labels.tolist() == [0] * 9 + [1] * 9


def test_more_copies_of_one_face_than_linkage_can_take_are_still_grouped(monkeypatch):
    monkeypatch.setattr(proposals, "LARGEST_COMPONENT", 10)

    labels = group_faces(np.tile(on_circle(10), (25, 1)))

    assert NOISE not in labels


def test_a_group_keeps_the_id_it_shares_most_faces_with():
    old = ["ann", "ann", "ann", "bob", "bob", None]

    assert match_labels(old, np.array([0, 0, 1, 1, 1, 2])) == {0: "ann", 1: "bob", 2: None}


def test_an_id_is_given_to_the_larger_part_of_a_group_that_splits():
    assert match_labels([7, 7, 7, 7, 7], np.array([0, 0, 1, 1, 1])) == {0: None, 1: 7}


def test_the_larger_id_lives_on_when_groups_merge():
    assert match_labels([7, 8, 8, None], np.array([0, 0, 0, 0])) == {0: 8}


def test_noise_takes_no_id():
    assert match_labels([7, 7, 7], np.array([NOISE, NOISE, 0])) == {0: 7}


def test_nothing_matches_nothing():
    assert match_labels([], np.zeros(0, dtype=np.int64)) == {}


def test_labels_of_different_faces_are_refused():
    with pytest.raises(ValueError, match="new must"):
        match_labels([1, 2], np.array([0]))
