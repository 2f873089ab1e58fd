"""What a library's own answers teach its probabilities."""

import numpy as np

from people import answers
from people.learning import FEWEST_FACES, learn, others_in_photo
from people.models import Face, Library
from people.spaces import calibration_in_use
from people.vectors import load_faces
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


def learnt(alice) -> dict:
    Library.objects.filter(owner=alice).update(calibration=None)
    assert learn(alice.pk, current_face_model())
    return Library.objects.get(owner=alice).calibration["calibration"]


def test_two_people_in_one_photo_teach_that_they_are_two_however_unlike(alice):
    confirm_some(alice, FEWEST_FACES)
    apart = learnt(alice)
    first, *_, last = Face.objects.order_by("pk")

    Face.objects.filter(pk=last.pk).update(photo=first.photo)
    beside = learnt(alice)
    answers.repeat(first.photo, actor=alice)

    assert beside != apart
    assert learnt(alice) == apart  # a collage says nothing


def test_others_in_the_photo_are_all_but_oneself(alice):
    photo = make_photo(alice)
    people = [make_person(alice, name) for name in ("Ann", "Bea", "Cy")]
    for number, person in enumerate(people):
        make_face(photo, person=person, likeness=unit(number))
    make_face(make_photo(alice), person=people[0], likeness=unit(0))
    columns = load_faces(Face.objects.all())

    pairs = others_in_photo(columns, np.array([1, 3]))

    assert pairs.tolist() == [[0, people[0].pk], [0, people[2].pk]]
    assert others_in_photo(columns, np.array([1]), {photo.pk}).tolist() == []
