"""New faces among groups that are there."""

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from ml.clustering import group_faces
from ml.dbscan import NOISE
from ml.regrouping import SETTLED, regroup
from tests.ml.synthetic import make_embeddings, on_circle

CUTS = {"proposal_threshold": 0.40, "linkage_threshold": 0.45}


def place(degrees, before, new, **known):
    """Regroup faces on a circle; `new` are places. 0.40 is 53 degrees, 0.45 is 57."""
    is_new = np.isin(np.arange(len(degrees)), new)
    return regroup(on_circle(*degrees), np.array(before, dtype=np.int64), is_new, **{**CUTS, **known}).tolist()


def crowd(random, people=40, faces=20):
    """Faces of people some of whom look alike, each in a photo of its own, and poor ones among them."""
    looks = random.normal(size=(people, 16))
    rows = np.repeat(looks, faces, axis=0) + random.normal(scale=0.55, size=(people * faces, 16))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32), random.random(people * faces) > 0.1


def test_a_new_face_joins_the_group_it_is_near():
    assert place([0, 5, 180, 185, 3], [7, 7, 9, 9, NOISE], [4]) == [7, 7, 9, 9, 7]


def test_a_new_face_and_one_left_over_make_a_group_of_a_new_number():
    assert place([0, 5, 90, 92], [7, 7, NOISE, NOISE], [3]) == [7, 7, 8, 8]


def test_without_new_faces_nothing_changes_however_odd_the_groups():
    before = [3, NOISE, 3, 5, 5, NOISE]

    assert place([0, 1, 180, 181, 2, 3], before, []) == before


def test_what_the_new_face_does_not_touch_stays_however_odd():
    # 90 and 92 would be a group, 180 and 270 none.
    assert place([0, 5, 90, 92, 180, 270, 2], [7, 7, NOISE, NOISE, 9, 9, NOISE], [6]) == [7, 7, NOISE, NOISE, 9, 9, 7]


def test_groups_are_merged_by_a_face_that_touches_both_and_the_larger_gives_its_number():
    assert place([0, 2, 40, 42, 44, 20], [5, 5, 6, 6, 6, NOISE], [5]) == [6] * 6


def test_one_bad_bridge_face_does_not_merge_two_people():
    before = [5] * 6 + [6] * 6
    first, second = [0, 2, 4, 6, 8, 10], [90, 92, 94, 96, 98, 100]

    labels = place([*first, *second, 50], [*before, NOISE], [12])

    assert labels[:12] == before
    assert group_faces(on_circle(*first, *second, 50)).tolist()[:12] == [0] * 6 + [1] * 6


def test_a_settled_group_is_not_divided_and_a_small_one_is():
    small = [1, 1, 1, 1]
    large = [1] * SETTLED + [1] * SETTLED

    assert place([0, 1, 90, 91, 2], [*small, NOISE], [4]) != [*small, 1]
    degrees = [*np.linspace(0, 2, SETTLED), *np.linspace(90, 92, SETTLED), 1]
    assert place(degrees, [*large, NOISE], [2 * SETTLED], linkage_threshold=0.9) == [*large, 1]


def test_everything_new_is_grouping_at_once(random):
    rows, good = crowd(random)
    before = random.integers(0, 9, len(rows))

    labels = regroup(rows, before, np.ones(len(rows), dtype=bool), **CUTS, may_seed=good)

    assert adjusted_rand_score(group_faces(rows, may_seed=good), labels) == 1


def test_faces_that_arrive_in_turn_are_grouped_nearly_as_all_at_once(random):
    rows, good = crowd(random)
    order = random.permutation(len(rows))
    labels = np.zeros(0, dtype=np.int64)
    for start in range(0, len(rows), 50):
        there = order[: start + 50]
        before = np.concatenate([labels, np.full(len(there) - len(labels), NOISE)])
        labels = regroup(rows[there], before, np.arange(len(there)) >= len(labels), **CUTS, may_seed=good[there])

    assert adjusted_rand_score(group_faces(rows, may_seed=good)[order], labels) > 0.9


@pytest.mark.parametrize("seed", range(5))
def test_a_photo_changes_the_group_of_no_face_it_does_not_touch(seed):
    random = np.random.default_rng(seed)
    rows, good = crowd(random, people=60)
    count = len(rows)
    coming = random.permutation(count)[:60]
    labels = regroup(
        rows, np.full(count, NOISE), ~np.isin(np.arange(count), coming), held=np.isin(np.arange(count), coming),
        may_seed=good, **CUTS,
    )  # fmt: skip
    for photo in coming.reshape(-1, 3):
        there = ~np.isin(np.arange(count), coming[np.flatnonzero(coming == photo[2])[0] + 1 :])
        is_new = np.isin(np.arange(count), photo)
        after = labels.copy()
        after[there] = regroup(rows[there], labels[there], is_new[there], may_seed=good[there], **CUTS)
        moved = np.flatnonzero((after != labels) & ~is_new)
        assert not set(moved) - touched_by(rows, labels, photo, there)
        labels = after


@pytest.mark.parametrize("seed", range(40))
def test_to_look_only_at_what_new_faces_reach_changes_nothing(seed, monkeypatch):
    random = np.random.default_rng(seed)
    count = 300
    rows, _ = make_embeddings(random, [10] * 30, noise=random.choice([0.12, 0.18]), dimensions=32)
    good = random.random(count) < random.choice([0.6, 0.9])
    photos = random.integers(0, 250, count)
    first = regroup(rows, np.full(count, NOISE), random.random(count) < 0.7, may_seed=good, photos=photos, **CUTS)
    before = np.where(random.random(count) < 0.1, random.integers(NOISE, 10, count), first)
    known = {
        "held": random.random(count) < 0.1,
        "apart": random.integers(0, count, (4, 2)),
        "together": random.integers(0, count, (3, 2)),
        "min_faces": int(random.integers(2, 4)),
        "settled": int(random.integers(2, 20)),
        "may_seed": good,
        "photos": photos,
    }
    is_new = random.random(count) < random.choice([0, 0.02, 0.2])

    some = regroup(rows, before, is_new, **known, **CUTS)
    monkeypatch.setattr("ml.regrouping.FEW", 0)
    whole = regroup(rows, before, is_new, **known, **CUTS)

    assert some.tolist() == whole.tolist()


def touched_by(rows, labels, photo, there):
    """Faces within the threshold of those of a photo, and all that are in a group with one of them."""
    near = ((1 - rows @ rows[photo].T).min(axis=1) <= CUTS["proposal_threshold"] + 1e-5) & there
    groups = set(labels[near].tolist()) - {NOISE}
    return set(np.flatnonzero(near | np.isin(labels, sorted(groups))).tolist())


# Constraints


def test_faces_of_one_photo_are_not_in_one_group_unless_it_is_a_mirror():
    photos = np.array([1, 2, 2])

    parted = place([0, 1, 2], [NOISE] * 3, [0, 1, 2], photos=photos)
    mirrored = place([0, 1, 2], [NOISE] * 3, [0, 1, 2], photos=photos, repeats=[2])

    assert (parted, mirrored) == ([0, 0, NOISE], [0, 0, 0])


def test_what_is_said_to_be_one_beats_the_photo():
    assert place([0, 90], [NOISE] * 2, [0, 1], photos=np.array([2, 2]), together=[[0, 1]]) == [0, 0]


def test_what_is_said_to_be_one_is_a_group_however_unlike_and_poor():
    assert place([0, 180, 90], [NOISE] * 3, [], together=[[0, 1]], may_seed=np.zeros(3, dtype=bool)) == [0, 0, NOISE]


def test_a_group_that_breaks_a_constraint_is_linked_again():
    labels = place([0, 1, 2, 3], [4] * 4, [], apart=[[0, 3]])

    assert labels[0] != labels[3]
    assert 4 in labels
    assert len(set(labels)) == 2


def test_two_groups_of_one_person_are_one():
    assert place([0, 1, 2, 180, 181], [4, 4, 4, 6, 6], [], together=[[0, 4]]) == [4] * 5


def test_a_poor_face_joins_the_next_group_if_the_nearest_holds_another_of_its_photo():
    labels = place(
        [0, 1, 30, 31, 5], [4, 4, 6, 6, NOISE], [4], photos=np.array([1, 2, 3, 4, 1]), linkage_threshold=0.12,
        may_seed=np.array([True] * 4 + [False]),
    )  # fmt: skip

    assert labels == [4, 4, 6, 6, 6]


def test_a_poor_face_is_added_to_one_group_and_joins_no_two():
    good = np.array([True] * 4 + [False])

    assert place([0, 1, 60, 61, 30], [4, 4, 6, 6, NOISE], [4], may_seed=good)[:4] == [4, 4, 6, 6]


def test_held_faces_stay_and_count_for_others():
    held = np.array([True, True, True, False, False])

    labels = place([0, 180, 90, 1, 92], [4, 4, NOISE, NOISE, NOISE], [0, 1, 3, 4], held=held, linkage_threshold=1.1)

    assert labels[:3] == [4, 4, NOISE]
    assert labels[3] == 4


def test_two_groups_with_held_faces_are_not_merged():
    held = np.array([True, False, True, False, False])

    labels = place([0, 1, 4, 5, 3], [4, 4, 6, 6, NOISE], [4], held=held)

    assert labels[0] == 4
    assert labels[2] == 6


@pytest.mark.parametrize("seed", range(40))
def test_whatever_is_known_is_kept_to(seed):
    random = np.random.default_rng(seed)
    count = 120
    rows, _ = make_embeddings(random, [10] * 12, noise=0.12, dimensions=16)
    before = random.integers(NOISE, 10, count)
    held = random.random(count) < 0.1
    photos = random.integers(0, 80, count)
    apart = random.integers(0, count, (12, 2))
    apart = apart[(apart[:, 0] != apart[:, 1]) & ~held[apart].any(axis=1)]
    together = random.integers(0, count, (4, 2))

    labels = regroup(
        rows, before, random.random(count) < 0.3, held=held, photos=photos, repeats=[3], apart=apart,
        together=together, may_seed=random.random(count) < 0.8, **CUTS,
    )  # fmt: skip

    assert (labels[held] == before[held]).all()
    first, second = apart.T
    assert ((labels[first] != labels[second]) | (labels[first] == NOISE)).all()
    again = regroup(
        rows, labels, np.zeros(count, dtype=bool), held=held, photos=photos, repeats=[3], apart=apart,
        together=together, **CUTS,
    )  # fmt: skip
    assert (labels[held] == again[held]).all()
