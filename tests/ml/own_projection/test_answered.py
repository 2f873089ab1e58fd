import numpy as np
import pytest

from ml.own_projection import Answered, TooFewFaces
from ml.own_projection.answered import (
    FEWEST,
    UNNAMED,
    at_most,
    check_enough,
    in_order,
)
from tests.ml.own_projection.libraries import NO_NOES, answers_of

ROWS = np.eye(4, 512, dtype=np.float32)
WHO, WHERE, GOOD = np.arange(4), np.arange(4), np.ones(4)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"embeddings": ROWS * np.float32(np.nan)}, "embeddings must be finite"),
        ({"embeddings": ROWS * np.float32(0)}, "unit length"),
        ({"embeddings": ROWS * np.float32(2)}, "unit length"),
        ({"embeddings": ROWS[0]}, "embeddings must have the shape"),
        ({"people": WHO[:3]}, "people must have the shape"),
        ({"people": WHO + 0.5}, "people must be whole"),
        ({"photos": WHERE[:3]}, "photos must have the shape"),
        ({"qualities": GOOD * np.inf}, "qualities must be finite"),
        ({"noes": np.array([[4, 0]])}, "rows of embeddings"),
        ({"noes": np.array([[-1, 0]])}, "rows of embeddings"),
        ({"noes": np.array([1, 0])}, "noes must have the shape"),
    ],
)
def test_bad_answers_are_refused_by_name(changed, words):
    good = {"embeddings": ROWS, "people": WHO, "photos": WHERE, "qualities": GOOD, "noes": NO_NOES}
    Answered(**good)

    with pytest.raises(ValueError, match=words):
        Answered(**good | changed)


def some(people, photos):
    people, photos = np.asarray(people), np.asarray(photos)
    rows = np.tile(np.eye(1, 512, dtype=np.float32), (len(people), 1))
    return answers_of(rows, people, photos)


@pytest.mark.parametrize(
    ("answered", "what", "found"),
    [
        (some([], []), "faces", 0),
        (some([UNNAMED] * 500, range(500)), "faces", 0),
        (some([1] * 500, range(500)), "people", 1),
        (some(range(500), range(500)), "people", 0),
        (some(np.arange(500) % 250, np.arange(500) // 250), "photos", 2),
    ],
)
def test_too_few_are_refused_with_what_is_needed(answered, what, found):
    with pytest.raises(
        TooFewFaces, match=rf"Confirm .*at least {FEWEST[what]} {what}.*; so far it is {found}\."
    ) as error:
        check_enough(answered)

    assert (error.value.what, error.value.least, error.value.found) == (what, FEWEST[what], found)


def test_as_many_as_are_needed_are_enough():
    check_enough(some(np.arange(FEWEST["faces"]) % FEWEST["people"], range(FEWEST["faces"])))


def test_some_rows_keep_the_noes_about_them():
    answered = answers_of(ROWS, WHO, WHERE, noes=[(3, 0), (1, 2), (3, 0)])

    fewer = answered.only(np.array([3, 0]))

    assert fewer.people.tolist() == [3, 0]
    assert fewer.noes.tolist() == [[0, 0]]


def test_the_order_hangs_on_what_the_rows_are(random):
    rows = np.eye(9, 512, dtype=np.float32)
    answered = answers_of(rows, np.arange(9) % 4, np.arange(9) // 2, noes=[(3, 1), (8, 2)])

    shuffled = answered.only(random.permutation(9))

    for name in ("embeddings", "people", "photos", "noes"):
        assert np.array_equal(getattr(in_order(shuffled), name), getattr(in_order(answered), name))


def test_of_too_many_faces_everybody_keeps_up_to_one_number(random):
    people = np.repeat([1, 2, 3, UNNAMED], [50, 20, 3, 4])

    fewer = at_most(some(people, range(77)), 33, random)

    named, counts = np.unique(fewer.people, return_counts=True)
    assert dict(zip(named.tolist(), counts.tolist(), strict=True)) == {UNNAMED: 4, 1: 15, 2: 15, 3: 3}
    assert len(at_most(some(people, range(77)), 77, random)) == 77
