"""Who is in a picture that is shown: the worker's side, with the real networks."""

import io
from pathlib import Path

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from PIL import Image

from people import recognising
from people.inquiry import Answer
from people.models import Face, Person
from people.recognising import UNREADABLE, who_is_in
from people.tasks import recognise
from photos.uploading import incoming_folder
from tests.factories import make_face, make_person, make_photo, unit
from tests.pictures import drawing, encoded, portraits

pytestmark = pytest.mark.usefixtures("models_dir")


@pytest.fixture
def confirmed():
    """Confirms the face of a portrait as somebody's."""

    def confirm(name: str, person: Person) -> Face:
        with Image.open(portraits() / name) as image:
            found = recognising.face_finder().find_faces([image.convert("RGB")])[0][0]
        return make_face(
            make_photo(person.owner),
            person=person,
            likeness=found.projection,
            quality=found.quality,
            model=recognising.face_finder().model_name,
        )

    return confirm


@pytest.fixture
def lent(arriving):
    """Lends a picture as the web does, and returns the name it is found by."""
    held = []

    def lend(content: bytes) -> str:
        held.append(arriving(content))
        return held[-1].lend()

    return lend


@pytest.fixture
def replies(monkeypatch) -> list[Answer]:
    sent = []
    monkeypatch.setattr(recognising, "reply", lambda name, answer: sent.append(answer))
    return sent


def portrait(name: str) -> bytes:
    return (portraits() / name).read_bytes()


def side_by_side(*names: str) -> bytes:
    images = [Image.open(portraits() / name).convert("RGB").resize((600, 600)) for name in names]
    together = Image.new("RGB", (600 * len(images), 600))
    for number, image in enumerate(images):
        together.paste(image, (600 * number, 0))
    return encoded(together, quality=95)


def people_in(answer: Answer) -> list[int | None]:
    return [face.person for face in answer.faces]


def test_a_person_is_known_again_with_a_probability(alice, confirmed, lent, replies):
    barack, joe = make_person(alice, "Barack"), make_person(alice, "Joe")
    confirmed("obama.jpg", barack)
    confirmed("biden.jpg", joe)

    recognise(lent(portrait("obama2.jpg")), alice.pk)

    [answer] = replies
    assert people_in(answer) == [barack.pk]
    assert 0.9 < answer.faces[0].probability <= 1
    assert 0 < answer.faces[0].box.left < 1
    assert answer.width and answer.height


def test_whom_of_the_library_a_face_looks_like_is_told_if_asked(alice, confirmed, lent, replies):
    same = confirmed("obama.jpg", make_person(alice, "Barack"))
    confirmed("biden.jpg", make_person(alice, "Joe"))

    recognise(lent(portrait("obama2.jpg")), alice.pk, True)
    recognise(lent(portrait("obama2.jpg")), alice.pk)

    assert [answer.faces[0].alike for answer in replies] == [(same.pk,), ()]


def test_whoever_has_no_name_is_nobody(alice, confirmed, lent, replies):
    confirmed("obama.jpg", make_person(alice, "Barack"))

    recognise(lent(portrait("astronaut.png")), alice.pk)

    assert people_in(replies[0]) == [None]


def test_a_person_appears_once_in_a_picture(alice, confirmed, lent, replies):
    barack = make_person(alice, "Barack")
    confirmed("obama.jpg", barack)

    recognise(lent(side_by_side("obama.jpg", "obama2.jpg", "biden.jpg")), alice.pk)

    assert people_in(replies[0]) == [barack.pk, None, None]  # from left to right


def test_people_of_somebody_else_are_nobody(alice, bob, confirmed, lent, replies):
    confirmed("obama.jpg", make_person(bob, "Barack"))

    recognise(lent(portrait("obama2.jpg")), alice.pk)

    assert people_in(replies[0]) == [None]


def test_faces_only_the_machine_named_and_those_of_another_model_are_not_compared_with(alice, confirmed, lent, replies):
    face = confirmed("obama.jpg", make_person(alice, "Barack"))
    for change in ({"tagged_by": Face.TaggedBy.MACHINE}, {"tagged_by": Face.TaggedBy.USER, "model": "other"}):
        Face.objects.filter(pk=face.pk).update(**change)
        recognise(lent(portrait("obama2.jpg")), alice.pk)

    assert [people_in(answer) for answer in replies] == [[None], [None]]


def test_a_picture_without_faces_and_a_library_without_names_are_normal(alice, lent, replies):
    recognise(lent(encoded(drawing())), alice.pk)
    recognise(lent(portrait("obama2.jpg")), alice.pk)

    assert [people_in(answer) for answer in replies] == [[], [None]]


def test_nothing_is_left_of_a_picture_whatever_happens(alice, lent, replies, monkeypatch):
    recognise(lent(portrait("obama.jpg")), alice.pk)
    recognise(lent(b"no picture"), alice.pk)
    monkeypatch.setattr(recognising, "face_finder", lambda: 1 / 0)
    recognise(lent(portrait("obama.jpg")), alice.pk)

    assert [answer.trouble for answer in replies] == ["", UNREADABLE, recognising.FAILED]
    assert [answer.is_unreadable for answer in replies] == [False, True, False]
    assert list(incoming_folder().iterdir()) == []
    assert Face.objects.count() == 0


def test_a_picture_that_takes_too_much_memory_may_be_tried_again(alice, lent, replies, monkeypatch):
    def too_much(path):
        raise MemoryError

    monkeypatch.setattr(recognising, "open_original", too_much)
    recognise(lent(encoded(drawing())), alice.pk)

    assert (replies[0].trouble, replies[0].is_unreadable) == (recognising.TOO_MUCH, False)


def test_a_crowd_is_compared_in_one_query_and_the_surest_are_answered(alice, confirmed, lent, replies, monkeypatch):
    barack, joe = make_person(alice, "Barack"), make_person(alice, "Joe")
    confirmed("obama.jpg", barack)
    confirmed("biden.jpg", joe)
    finder = recognising.face_finder()
    [found] = finder.find_faces([Image.open(io.BytesIO(side_by_side("obama2.jpg", "biden.jpg", "astronaut.png")))])
    least_sure = min(found, key=lambda face: face.score)

    with CaptureQueriesContext(connection) as queries:
        recognise(lent(side_by_side("obama2.jpg", "biden.jpg", "astronaut.png")), alice.pk)
    monkeypatch.setattr(recognising, "MOST_FACES", len(found) - 1)
    recognise(lent(side_by_side("obama2.jpg", "biden.jpg", "astronaut.png")), alice.pk)

    assert people_in(replies[0]) == [barack.pk, joe.pk, None]
    assert sum("<=>" in query["sql"] for query in queries) == 1
    left_out = {face.box for face in replies[0].faces} - {face.box for face in replies[1].faces}
    assert left_out == {least_sure.box}


def test_each_face_is_as_far_from_a_person_as_from_the_nearest_face(alice, bob):
    ann, ben = make_person(alice, "Ann"), make_person(alice, "Ben")
    for person, number in ((ann, 1), (ann, 2), (ben, 3)):
        make_face(make_photo(alice), person=person, likeness=unit(number))
    make_face(make_photo(alice), likeness=unit(4))

    people, distances = Face.objects.owned_by(alice).people_near([unit(n) for n in (2, 3, 4)])

    assert people == [ann.pk, ben.pk]
    assert distances == pytest.approx(np.array([[0, 1], [1, 0], [1, 1]]), abs=1e-3)
    assert Face.objects.owned_by(alice).people_near([])[0] == []
    assert Face.objects.owned_by(alice).people_near([np.zeros(128, np.float32)])[1].tolist() == [[2.0, 2.0]]
    assert Face.objects.owned_by(bob).people_near([unit(1)])[1].shape == (1, 0)  # a stranger has nobody
    _, distances = Face.objects.owned_by(alice).people_near([unit(n % 100) for n in range(recognising.MOST_FACES)])
    assert distances.shape == (recognising.MOST_FACES, 2)


def test_whoever_asks_for_smaller_faces_gets_them_in_a_picture_that_is_shown_too(alice, lent, replies, settings):
    crowd = Image.new("RGB", (3840, 2400), (90, 110, 90))
    with Image.open(portraits() / "astronaut.png") as astronaut:
        crowd.paste(astronaut.convert("RGB").resize((100, 100), Image.Resampling.LANCZOS), (1800, 1100))
    for smallest in (20, 10):
        settings.KITH_SMALLEST_FACE = smallest
        recognise(lent(encoded(crowd, quality=95)), alice.pk)

    assert [len(answer.faces) for answer in replies] == [0, 1]


def test_a_message_delivered_twice_or_too_late_is_no_error(alice, lent, replies):
    name = lent(encoded(drawing()))
    recognise(name, alice.pk)
    recognise(name, alice.pk)

    assert len(replies) == 1


@pytest.mark.parametrize("name", ["../../etc/passwd", "a" * 31, "A" * 32, ""])
def test_a_forged_name_reaches_no_file(alice, name):
    with pytest.raises(ValueError, match="not the name"):
        recognise(name, alice.pk)


def test_missing_weights_are_said(alice, lent, replies, monkeypatch):
    def missing():
        raise recognising.WeightsUnavailable("Run manage.py fetch_models.")

    monkeypatch.setattr(recognising, "face_finder", missing)
    recognise(lent(encoded(drawing())), alice.pk)

    assert replies[0].trouble == "Faces cannot be found yet. Run manage.py fetch_models."


def test_the_file_is_gone_before_the_networks_look(alice, arriving, monkeypatch):
    incoming = arriving(encoded(drawing()))
    incoming.lend()
    seen: list[bool] = []

    class Finder:
        model_name = "facenet-casia"

        def find_faces(self, images):
            seen.append(Path(incoming.flushed_path).exists())
            return [[]]

    monkeypatch.setattr(recognising, "face_finder", Finder)
    who_is_in(Path(incoming.flushed_path), alice)

    assert seen == [False]
