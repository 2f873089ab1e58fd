"""What a library's own answers teach its probabilities."""

import numpy as np

from people.learning import FEWEST_FACES, learn
from people.models import Library
from people.scores import calibration_in_use
from photos.face_model import current_face_model
from tests.factories import make_face, make_person, make_photo, unit


def confirm_some(alice, count: int) -> None:
    for number in range(count):
        if number % 5 == 0:
            person = make_person(alice, f"Person {number}")
        leaning = unit(number // 5, towards=60 + number % 5, by=0.4)
        make_face(make_photo(alice), person=person, likeness=leaning)


def test_few_answers_teach_nothing_and_enough_do_once(alice):
    model = current_face_model()
    confirm_some(alice, FEWEST_FACES - 5)
    assert not learn(alice.pk, model)
    shipped = calibration_in_use(alice.pk, model, recentred=False)

    confirm_some(alice, 10)

    assert learn(alice.pk, model)
    assert not learn(alice.pk, model)  # nothing new was said
    assert calibration_in_use(alice.pk, model, recentred=False) != shipped
    assert np.isfinite(list(Library.objects.get(owner=alice).calibration["calibration"].values())).all()
    assert calibration_in_use(alice.pk, model, recentred=True) != shipped  # of the other distances, the shipped one
