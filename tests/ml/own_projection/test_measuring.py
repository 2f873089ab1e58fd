"""Folds, names, and what of a difference is chance."""

import numpy as np
import pytest

from ml.calibration import CALIBRATION
from ml.own_projection.answered import UNNAMED, TooFewFaces
from ml.own_projection.comparing import compare
from ml.own_projection.folds import FOLDS, Fold, folds_of
from ml.own_projection.naming import Named, doubles_of, held_pairs
from ml.own_projection.progress import silent
from tests.ml.own_projection.libraries import BASE, answers_of, make_world


def test_everybody_is_a_stranger_once_and_no_photo_is_both_learnt_from_and_held_out(random):
    people = random.integers(-1, 30, 400)
    answered = answers_of(np.tile(np.eye(1, 512, dtype=np.float32), (400, 1)), people, random.integers(0, 150, 400))

    folds = list(folds_of(answered, random))

    named = people != UNNAMED
    assert len(folds) == FOLDS
    assert (sum(fold.is_stranger.astype(int) for fold in folds) == named).all()
    for fold in folds:
        known, held_out, strangers = (set(people[part]) for part in (fold.is_known, fold.is_held_out, fold.is_stranger))
        assert held_out <= known
        assert not strangers & known
        assert UNNAMED not in held_out | strangers
        assert not (fold.is_known & fold.is_held_out).any()
    held_out = sum(fold.is_held_out.astype(int) for fold in folds)
    assert held_out.max() == 1
    assert held_out[named].mean() > 0.7
    beside = {photo: set() for photo in answered.photos.tolist()}
    for number, fold in enumerate(folds):
        for photo in answered.photos[fold.is_held_out].tolist():
            beside[photo].add(number)
    assert max(map(len, beside.values())) == 1


def test_nobody_is_held_out_to_the_last_face():
    people = np.repeat(np.arange(50), 2)
    photos = np.zeros(100, dtype=int)  # all in one photo

    folds = list(folds_of(answers_of(np.tile(np.eye(1, 512, dtype=np.float32), (100, 1)), people, photos), rng()))

    assert not any(fold.is_held_out.any() for fold in folds)


def rng():
    return np.random.default_rng(4)


def names(probability, is_right, is_known):
    count = len(probability)
    return Named(np.arange(count), np.zeros(count, int), np.array(probability), np.array(is_right), np.array(is_known))


def test_the_share_named_at_one_stranger_in_a_hundred():
    """Of 200 strangers two may be named: the limit is the third's probability."""
    strangers = np.append([0.9, 0.8, 0.7], np.full(197, 0.1))
    known = np.array([0.95, 0.75, 0.72, 0.7, 0.2])
    right = np.array([True, True, False, True, True])
    named = names(np.append(strangers, known), np.append(np.zeros(200, bool), right), np.arange(205) >= 200)

    found = compare(named, named, np.arange(205), rng(), silent)

    assert found.base.tpir == pytest.approx(2 / 5)
    assert found.base == found.own
    assert (found.gain, found.gain_low, found.error_growth_low) == (0, 0, 0)


@pytest.mark.parametrize(("lost", "is_sure"), [(40, True), (2, False)])
def test_a_gain_is_sure_when_many_people_have_it(lost, is_sure):
    """Of 100 people with five faces each, some are named by one projection only."""
    people = np.repeat(np.arange(200), 5)
    is_known = people < 100
    other = np.where(is_known, 0.9, 0.1)
    one = np.where(people < lost, 0.05, other)

    found = compare(names(one, is_known, is_known), names(other, is_known, is_known), people, rng(), silent)

    assert found.gain == pytest.approx(lost / 100)
    assert (found.gain_low > 0.02) is is_sure


def test_faces_of_one_person_count_as_one():
    people = np.where(np.arange(600) < 300, 0, 1 + np.arange(600) % 60)
    is_known = np.arange(600) < 450
    other = np.where(is_known, 0.9, 0.1)
    one = np.where(people == 0, 0.05, other)

    found = compare(names(one, is_known, is_known), names(other, is_known, is_known), people, rng(), silent)

    assert found.gain == pytest.approx(2 / 3)
    assert found.gain_low == 0  # a library without that person is not improbable


@pytest.mark.parametrize("is_known", [True, False])
def test_without_strangers_or_without_known_faces_nothing_can_be_measured(is_known):
    named = names(np.full(9, 0.5), np.zeros(9, bool), np.full(9, is_known))

    with pytest.raises(TooFewFaces, match="so far nothing can be measured"):
        compare(named, named, np.arange(9), rng(), silent)


def test_a_stranger_who_is_taken_for_one_person_throughout_is_a_double(random):
    world = make_world(random, 40, alike=2, likeness=0.45, mood=0.0)
    people = np.repeat(np.arange(40), 8)
    answered = answers_of(world.faces(people), people)
    is_stranger = np.isin(people, [0, 5, 6])
    fold = Fold(~is_stranger, np.zeros(len(people), dtype=bool), is_stranger)

    held = held_pairs(BASE.apply(answered.embeddings), answered, fold, silent)

    assert set(people[doubles_of(held, fold, people, CALIBRATION)]) == {0}
    assert fold.without(np.flatnonzero(people == 0)).is_stranger.sum() == 16
