"""Names the machine gives by itself: off unless asked for, within a budget, and taken back in one click."""

from datetime import timedelta

import pytest
from django.urls import reverse

from people import answers, ledger, tagging
from people.history import sentence
from people.models import Decision, Face, Library, Person
from people.suggestions import refresh_suggestions
from photos.models import Photo
from tests.factories import make_face, make_person, make_photo, make_user, unit

SURE = {"towards": 60, "by": 0.1}
PERHAPS = {"towards": 60, "by": 3.0}


@pytest.fixture
def ann(alice):
    person = make_person(alice)
    for axis in range(3):
        make_face(make_photo(alice), person=person, likeness=unit(1, towards=50 + axis, by=0.1), quality=0.5)
    return person


def names() -> dict[int, str]:
    return dict(Face.objects.filter(tagged_by="machine").values_list("pk", "person__name"))


def test_off_by_default(alice, ann):
    make_face(make_photo(alice), likeness=unit(1, **SURE), quality=0.5)

    refresh_suggestions(alice.pk)

    assert names() == {}


def test_when_on_only_sure_faces_are_named_by_the_machine(alice, ann):
    sure = make_face(make_photo(alice), likeness=unit(1, **SURE), quality=0.5)
    make_face(make_photo(alice), likeness=unit(1, **PERHAPS), quality=0.5)
    tagging.change_naming(alice, is_tagging=True, one_wrong_in=50)

    refresh_suggestions(alice.pk)

    assert names() == {sure.pk: "Ann"}
    decision = Decision.objects.get(verb=Decision.Verb.TAG)
    assert (decision.actor, decision.owner) == (None, alice)


def test_names_go_with_the_last_of_the_answers_they_were_given_for_and_come_back_with_it(alice):
    ann = make_person(alice, "Ann")
    known = [make_face(make_photo(alice), likeness=unit(1, towards=50 + n, by=0.1), quality=0.5) for n in range(3)]
    confirmed = answers.confirm(ann, [face.pk for face in known], actor=alice)
    sure = make_face(make_photo(alice), likeness=unit(1, **SURE), quality=0.5)
    tagging.change_naming(alice, is_tagging=True, one_wrong_in=50)
    refresh_suggestions(alice.pk)
    assert names() == {sure.pk: "Ann"}

    undone = ledger.undo(confirmed, actor=alice).decision
    refresh_suggestions(alice.pk)
    assert names() == {}

    ledger.undo(undone, actor=alice)
    refresh_suggestions(alice.pk)
    assert names() == {sure.pk: "Ann"}


def test_a_hidden_person_is_not_named(alice):
    hidden = make_person(alice, "Hal", is_hidden=True)
    make_face(make_photo(alice), person=hidden, likeness=unit(1))
    make_face(make_photo(alice), likeness=unit(1))
    tagging.change_naming(alice, is_tagging=True, one_wrong_in=50)

    refresh_suggestions(alice.pk)

    assert names() == {}


def test_a_name_that_was_undone_is_not_given_again(alice, ann):
    make_face(make_photo(alice), likeness=unit(1, **SURE), quality=0.5)
    tagging.change_naming(alice, is_tagging=True, one_wrong_in=50)
    refresh_suggestions(alice.pk)
    ledger.undo(Decision.objects.get(verb=Decision.Verb.TAG), actor=alice)

    refresh_suggestions(alice.pk)

    assert names() == {}
    assert tagging.would_name(alice.pk, 50) == {}


def test_what_a_user_says_of_a_machines_name_stays(alice, ann):
    face = make_face(make_photo(alice), likeness=unit(1, **SURE), quality=0.5)
    tagging.change_naming(alice, is_tagging=True, one_wrong_in=50)
    refresh_suggestions(alice.pk)
    answers.remove_name(ann, [face.pk], actor=alice)

    refresh_suggestions(alice.pk)

    assert names() == {}


def test_taking_back_is_one_decision_that_can_be_undone(client, alice, ann):
    client.force_login(alice)
    sure = make_face(make_photo(alice), likeness=unit(1, **SURE), quality=0.5)
    tagging.change_naming(alice, is_tagging=True, one_wrong_in=50)
    refresh_suggestions(alice.pk)
    tagging.change_naming(alice, is_tagging=False, one_wrong_in=50)

    page = client.get(reverse("people:naming"))
    client.post(reverse("people:take-back"))

    assert "Take back all 1" in page.content.decode()
    assert names() == {}
    assert ann.faces.count() == 3  # what the user said stays
    ledger.undo(Decision.objects.filter(verb=Decision.Verb.REMOVE).get(), actor=alice)
    assert names() == {sure.pk: "Ann"}


def test_the_page_says_how_many_it_would_name_and_saves(client, alice, ann):
    client.force_login(alice)
    make_face(make_photo(alice), likeness=unit(1, **SURE), quality=0.5)
    refresh_suggestions(alice.pk)

    page = client.get(reverse("people:naming")).content.decode()
    client.post(reverse("people:naming"), {"is_tagging": "on", "one_wrong_in": "200"})

    assert 'Would name <b class="num">1</b> more face now' in page
    library = Library.objects.get(owner=alice)
    assert (library.is_tagging, library.one_wrong_in) == (True, 200)


@pytest.mark.parametrize("budget", ["", "3", "x"])
def test_another_budget_is_refused(client, alice, budget):
    client.force_login(alice)

    answer = client.post(reverse("people:naming"), {"is_tagging": "on", "one_wrong_in": budget})

    assert answer.status_code == 422
    assert not Library.objects.filter(owner=alice, is_tagging=True).exists()


def test_the_names_of_another_user_stay(client, alice, ann):
    make_face(make_photo(alice), likeness=unit(1, **SURE), quality=0.5)
    tagging.change_naming(alice, is_tagging=True, one_wrong_in=50)
    refresh_suggestions(alice.pk)
    client.force_login(make_user())

    client.post(reverse("people:take-back"))

    assert len(names()) == 1
    assert client.get(reverse("people:take-back")).status_code == 405


@pytest.fixture
def named(alice, ann):
    """A face the machine named Ann."""
    face = make_face(make_photo(alice), likeness=unit(1, **SURE), quality=0.5)
    tagging.change_naming(alice, is_tagging=True, one_wrong_in=50)
    refresh_suggestions(alice.pk)
    assert names() == {face.pk: "Ann"}
    return face


def test_a_name_that_a_later_answer_contradicts_is_taken_off(alice, ann, named):
    said = answers.different(alice, [named.pk], [ann.faces.gallery().first().pk], actor=alice)

    refresh_suggestions(alice.pk)

    assert names() == {}
    taken_off = Decision.objects.filter(verb=Decision.Verb.TAG).latest("pk")
    assert (taken_off.actor, taken_off.changes.get().face) == (None, named)
    assert sentence(taken_off) == "Names that Kith gave taken off 1 face, for what was said since"
    ledger.undo(said, actor=alice)  # then nothing speaks against it any more
    refresh_suggestions(alice.pk)
    assert names() == {named.pk: "Ann"}


def test_a_name_is_taken_off_who_was_said_to_be_one_with_somebody_elses_faces(alice, named):
    bob = make_face(make_photo(alice), person=make_person(alice, "Bob"), likeness=unit(9))
    answers.same(alice, [named.pk], [bob.pk], actor=alice)

    refresh_suggestions(alice.pk)

    assert names() == {}
    assert named.suggestion.person.name == "Bob"


def test_undoing_that_brings_the_name_back_for_good(alice, ann, named):
    answers.different(alice, [named.pk], [ann.faces.gallery().first().pk], actor=alice)
    refresh_suggestions(alice.pk)

    ledger.undo(Decision.objects.filter(verb=Decision.Verb.TAG).latest("pk"), actor=alice)
    refresh_suggestions(alice.pk)

    assert names() == {named.pk: "Ann"}


def test_a_name_a_user_gave_is_never_taken_off(alice, ann):
    face = make_face(make_photo(alice), person=ann, likeness=unit(1, **SURE), quality=0.5)
    answers.different(alice, [face.pk], [ann.faces.exclude(pk=face.pk).first().pk], actor=alice)

    refresh_suggestions(alice.pk)

    face.refresh_from_db()
    assert (face.person, face.tagged_by) == (ann, "user")


def test_who_a_user_names_in_the_same_photo_takes_the_name_off(alice, ann, named):
    other = make_face(named.photo, likeness=unit(9))
    answers.confirm(ann, [other.pk], actor=alice)

    refresh_suggestions(alice.pk)

    assert names() == {}


def test_a_birth_after_the_photo_takes_the_name_off(alice, ann, named):
    Photo.objects.filter(pk=named.photo_id).update(taken_at_source=Photo.DateSource.CAMERA)
    Person.objects.filter(pk=ann.pk).update(birth_date=named.photo.taken_at.date() + timedelta(days=30))

    refresh_suggestions(alice.pk)

    assert names() == {}
