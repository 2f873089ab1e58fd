"""People who are confused again and again are told apart by what differs between them."""

import numpy as np
import pytest

from ml.projection import unit_rows
from people import answers
from people.models import Suggestion
from people.separators import confused_pairs
from people.suggestions import refresh_suggestions
from tests.factories import make_face, make_person, make_photo


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(6)


@pytest.fixture
def twins(alice, random):
    """Ann and Bea differ in one direction, and by less than photos of one do in all others."""
    people = [make_person(alice, "Ann"), make_person(alice, "Bea")]
    for person, side in zip(people, (1, -1), strict=True):
        for row in likenesses(random, side, 8):
            make_face(make_photo(alice), person=person, likeness=row)
    return people


def likenesses(random, side: int, count: int) -> np.ndarray:
    rows = 0.06 * random.normal(size=(count, 128))
    rows[:, 0] += 1
    rows[:, 1] = 0.15 * side + 0.03 * random.normal(size=count)
    return unit_rows(rows)


def confuse(alice, first, second, times: int) -> None:
    """A user says of faces that they are not the first, then that they are the second."""
    for _ in range(times):
        face = make_face(make_photo(alice), likeness=unit_rows(np.eye(128)[[5]])[0], quality=0.1)
        answers.reject(first, [face.pk], actor=alice)
        answers.confirm(second, [face.pk], actor=alice)


def test_only_who_was_confused_three_times_is(alice, twins):
    confuse(alice, *twins, times=2)
    assert confused_pairs(alice.pk) == []

    confuse(alice, *twins, times=1)

    assert confused_pairs(alice.pk) == [(min(t.pk for t in twins), max(t.pk for t in twins))]


def test_a_name_taken_off_and_given_to_the_other_counts(alice, twins):
    ann, bea = twins
    faces = list(ann.faces.values_list("pk", flat=True)[:3])
    answers.remove_name(ann, faces, actor=alice)
    answers.confirm(bea, faces, actor=alice)

    assert len(confused_pairs(alice.pk)) == 1


def test_the_plane_between_them_lowers_wrong_names(alice, twins, random):
    rows = likenesses(random, 1, 30)
    faces = [make_face(make_photo(alice), likeness=row).pk for row in rows]
    refresh_suggestions(alice.pk)
    before = chances(faces, twins[0])

    confuse(alice, *twins, times=3)
    refresh_suggestions(alice.pk)
    after = chances(faces, twins[0])

    assert after.mean() > before.mean() + 0.1


def chances(faces: list[int], person) -> np.ndarray:
    """Of each face being this person; of another one suggested, or nobody, 0."""
    found = dict(Suggestion.objects.filter(person=person).values_list("face", "probability"))
    return np.array([found.get(face, 0) for face in faces])
