"""Who is kept for what: no face in two parts, no measured person among those learned from."""

import numpy as np
import pytest

from ml.training.errors import CannotTrain
from ml.training.splitting import split_faces


def people_with(*photos: int) -> np.ndarray:
    return np.repeat(np.arange(len(photos)), photos)


MANY = people_with(*range(1, 41))


@pytest.mark.parametrize("seed", range(5))
def test_no_face_is_in_two_parts_and_nobody_who_is_measured_is_trained_on(seed):
    split = split_faces(MANY, seed=seed)

    rows = np.concatenate([split.train, split.test, split.validation, split.unseen])
    assert len(set(rows.tolist())) == len(rows)
    owners = {name: set(MANY[getattr(split, name)].tolist()) for name in ("train", "test", "validation", "unseen")}
    assert owners["train"] == owners["test"]
    assert not owners["train"] & owners["unseen"]
    assert not owners["train"] & owners["validation"]
    assert not owners["unseen"] & owners["validation"]
    assert len(owners["unseen"]) == len(owners["validation"]) == 6  # 15 % of 39


def test_a_fifth_of_the_photos_is_tested_with_and_two_are_left_to_learn_from():
    split = split_faces(people_with(3, 4, 10), seed=0)

    tested = np.bincount(people_with(3, 4, 10)[split.test], minlength=3)
    learned = np.bincount(people_with(3, 4, 10)[split.train], minlength=3)
    assert tested.tolist() == [1, 1, 2]
    assert learned.tolist() == [2, 3, 8]


def test_the_same_seed_splits_alike():
    first, again, other = (split_faces(MANY, seed=seed) for seed in (1, 1, 2))

    assert np.array_equal(first.unseen, again.unseen) and np.array_equal(first.test, again.test)
    assert not np.array_equal(first.unseen, other.unseen)


@pytest.mark.parametrize(
    ("photos", "trained", "unseen", "validated"),
    [((5, 5), 2, 0, 0), ((5, 5, 5), 3, 0, 0), ((5,) * 4, 2, 2, 0), ((5,) * 5, 3, 2, 0), ((5,) * 8, 4, 2, 2)],
)
def test_of_few_people_nobody_is_kept_who_is_needed(photos, trained, unseen, validated):
    people = people_with(*photos)

    split = split_faces(people, seed=0)

    counted = [len(set(people[rows].tolist())) for rows in (split.train, split.unseen, split.validation)]
    assert counted == [trained, unseen, validated]


@pytest.mark.parametrize("seed", range(5))
def test_two_people_with_enough_photos_are_always_left(seed):
    people = people_with(3, 3, 2, 2, 2, 2, 2, 2, 2)

    assert set(people[split_faces(people, seed=seed).train].tolist()) == {0, 1}


@pytest.mark.parametrize(
    ("photos", "words"),
    [
        ((), "two people at least with 3 different photos each, and no face was found"),
        ((9,), "there is only one person. Add a folder with photos of somebody else"),
        ((1, 1, 1), "nobody has more than one. Add photos of the same people"),
        ((9, 2, 1), "1 of 3 people have so many"),
    ],
)
def test_too_little_is_said_in_a_sentence(photos, words):
    with pytest.raises(CannotTrain, match=words):
        split_faces(people_with(*photos), seed=0)


def test_more_photos_can_be_asked_for():
    with pytest.raises(CannotTrain, match="with 10 different photos each"):
        split_faces(people_with(9, 9, 9), seed=0, fewest_photos=10)
