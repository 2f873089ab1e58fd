"""The history page: what was done in words, filters, undo with what holds faces back, redo."""

import re

import pytest
from django.urls import reverse

from people import answers, ledger
from people.history import sentence
from people.models import Decision, Face
from tests.factories import make_cluster, make_face, make_person, make_photo, make_user

URL = "/history/"


@pytest.fixture
def faces(alice) -> list[int]:
    return [make_face(make_photo(alice)).pk for _ in range(4)]


@pytest.fixture
def ann(alice):
    return make_person(alice)


@pytest.fixture
def bob_marley(alice):
    return make_person(alice, "Bob")


def listed(client, **query) -> list[str]:
    page = client.get(URL, query).content.decode()
    return [re.sub(r"<[^>]+>", "", text) for text in re.findall(r'class="what">\s*<span>(.*?)</span>', page)]


def person_of(pk: int) -> str | None:
    person = Face.objects.get(pk=pk).person
    return person.name if person else None


def test_every_kind_of_act_is_told_in_words(alice, faces, ann, bob_marley):
    a, b, c, d = faces
    told = [
        sentence(decision)
        for decision in (
            answers.confirm(ann, [a, b], but_not=[c], actor=alice),
            answers.tag(bob_marley, [d]),
            answers.reject(bob_marley, [d], actor=alice),
            answers.same(alice, [a, b], [c], actor=alice),
            answers.different(alice, [a], [d], actor=alice),
            answers.different_people(ann, bob_marley, actor=alice),
            answers.repeat(Face.objects.get(pk=a).photo, actor=alice),
            answers.merge(ann, bob_marley, actor=alice),
            ledger.regroup(alice.pk, {c: make_cluster(alice).pk}),
        )
    ]

    assert told == [
        "2 faces confirmed as Ann, 1 not",
        "1 face named Bob",
        "1 face is not Bob",
        "2 faces and 1 more are one person",
        "1 face and 1 more are two people",
        "Ann and Bob are two people",
        "A photo shows somebody more than once",
        "3 faces of Ann merged into Bob",
        "1 face grouped",
    ]


def test_an_undo_tells_what_was_undone_and_a_redo_what_was_done_again(alice, faces, ann):
    decision = answers.confirm(ann, faces[:2], actor=alice)
    undone = ledger.undo(decision, actor=alice).decision
    redone = ledger.undo(undone, actor=alice).decision

    assert sentence(undone) == "Undone: 2 faces confirmed as Ann"
    assert sentence(redone) == "Done again: 2 faces confirmed as Ann"


def test_regroups_are_listed_only_when_asked_for(signed_in, alice, faces, ann):
    ledger.regroup(alice.pk, {faces[0]: make_cluster(alice).pk})
    answers.confirm(ann, faces[1:2], actor=alice)
    answers.tag(ann, faces[2:3])

    assert listed(signed_in) == ["1 face named Ann", "1 face confirmed as Ann"]
    assert listed(signed_in, by="kith") == ["1 face named Ann", "1 face grouped"]
    assert listed(signed_in, kind="groups") == ["1 face grouped"]
    assert listed(signed_in, by="you") == ["1 face confirmed as Ann"]
    assert listed(signed_in, by="kith", kind="names") == ["1 face named Ann"]


def test_acts_of_another_user_can_be_listed_alone(signed_in, alice, faces, ann):
    carl = make_user(username="carl")
    answers.confirm(ann, faces[:1], actor=carl)
    answers.ignore(alice, faces[1:2], actor=alice)

    assert listed(signed_in, by=str(carl.pk)) == ["1 face confirmed as Ann"]
    assert listed(signed_in, by="you") == ["1 face set aside"]
    assert "carl" in signed_in.get(URL).content.decode()


def test_acts_on_one_person_or_of_some_days_can_be_listed_alone(signed_in, alice, faces, ann, bob_marley):
    answers.confirm(ann, faces[:1], actor=alice)
    answers.confirm(bob_marley, faces[1:2], actor=alice)
    answers.different_people(bob_marley, ann, actor=alice)
    Decision.objects.filter(person=ann).update(made_at="2024-05-03T12:00Z")

    assert listed(signed_in, person=ann.pk) == ["Bob and Ann are two people", "1 face confirmed as Ann"]
    assert listed(signed_in, until="2024-05-03") == ["1 face confirmed as Ann"]
    assert len(listed(signed_in, since="2024-05-04")) == 2


@pytest.mark.parametrize(
    "query", [{"by": "x"}, {"kind": "x"}, {"person": "x"}, {"since": "x"}, {"at": "x"}, {"page": "x"}, {"at": "9" * 30}]
)
def test_what_cannot_be_read_is_left_out(signed_in, alice, faces, query):
    answers.ignore(alice, faces, actor=alice)

    assert listed(signed_in, **query) == ["4 faces set aside"]


def test_filters_that_find_nothing_offer_to_show_everything(signed_in, alice, faces):
    answers.ignore(alice, faces, actor=alice)

    assert "Nothing like this has happened" in signed_in.get(URL, {"kind": "merges"}).content.decode()


def test_an_undo_says_which_later_act_holds_which_faces(signed_in, alice, faces, ann, bob_marley):
    decision = answers.confirm(ann, faces[:3], actor=alice)
    later = answers.confirm(bob_marley, faces[:2], actor=alice)

    page = signed_in.post(reverse("people:undo", args=[decision.pk]), follow=True).content.decode()

    assert "1 of 3 faces went back. 2 stay as they are: confirmed as Bob on" in page
    assert "2 faces stay: confirmed as Bob on" in page
    assert f"/history/?at={later.pk}#decision-{later.pk}" in page
    assert "Undo that, too" in page
    assert [person_of(pk) for pk in faces] == ["Bob", "Bob", None, None]


def test_later_acts_are_undone_too_in_one_click(signed_in, alice, faces, ann, bob_marley):
    decision = answers.confirm(ann, faces[:3], actor=alice)
    answers.confirm(bob_marley, faces[:2], actor=alice)
    answers.ignore(alice, faces[:1], actor=alice)
    undone = ledger.undo(decision, actor=alice)
    assert [held.verb for held in undone.later] == ["ignore", "confirm"]

    page = signed_in.post(reverse("people:undo-later", args=[undone.decision.pk]), follow=True).content.decode()

    assert "2 later answers undone, too." in page
    assert "stay" not in page
    assert [person_of(pk) for pk in faces] == [None] * 4
    assert not Face.objects.filter(is_ignored=True).exists()


def test_a_face_named_since_holds_against_the_undo_of_a_regroup(alice, faces, ann):
    old, new = make_cluster(alice), make_cluster(alice)
    Face.objects.update(cluster=old)
    regroup = ledger.regroup(alice.pk, dict.fromkeys(faces, new.pk))
    named = answers.confirm(ann, faces[:1], actor=alice)

    undone = ledger.undo(regroup, actor=alice)

    assert (undone.restored, [face.pk for face in undone.stale], undone.later) == (3, faces[:1], [named])
    ledger.undo(named, actor=alice)
    assert set(Face.objects.values_list("cluster", flat=True)) == {old.pk}


def test_redo_does_again_what_was_undone_last_step_by_step(signed_in, alice, faces, ann, bob_marley):
    answers.confirm(ann, faces[:1], actor=alice)
    answers.confirm(bob_marley, faces[1:2], actor=alice)
    for _ in range(2):
        signed_in.post(reverse("people:undo-last"))
    assert [person_of(pk) for pk in faces[:2]] == [None, None]

    signed_in.post(reverse("people:redo-last"))
    assert [person_of(pk) for pk in faces[:2]] == ["Ann", None]
    signed_in.post(reverse("people:redo-last"))
    assert [person_of(pk) for pk in faces[:2]] == ["Ann", "Bob"]
    page = signed_in.post(reverse("people:redo-last"), follow=True).content.decode()
    assert "There is nothing to do again." in page

    signed_in.post(reverse("people:undo-last"))
    assert [person_of(pk) for pk in faces[:2]] == ["Ann", None]


def test_the_queue_offers_redo_as_long_as_there_is_something_to_do_again(signed_in, alice, faces, ann):
    def is_offered() -> bool:
        return signed_in.get(reverse("people:review")).context["can_redo"]

    answers.confirm(ann, faces[:1], actor=alice)
    answers.confirm(ann, faces[1:2], actor=alice)
    assert not is_offered()
    for _ in range(2):
        signed_in.post(reverse("people:undo-last"))

    for _ in range(2):
        assert is_offered()
        signed_in.post(reverse("people:redo-last"))
    assert not is_offered()


def test_a_new_answer_ends_what_can_be_done_again(signed_in, alice, faces, ann):
    answers.confirm(ann, faces[:1], actor=alice)
    signed_in.post(reverse("people:undo-last"))
    answers.ignore(alice, faces[1:2], actor=alice)

    signed_in.post(reverse("people:redo-last"))

    assert person_of(faces[0]) is None


def test_an_undone_act_offers_redo_and_a_redone_one_undo(signed_in, alice, faces, ann):
    undone = ledger.undo(answers.confirm(ann, faces[:1], actor=alice), actor=alice).decision
    assert "Redo: 1 face confirmed as Ann" in re.sub(r"Undone: ", "", signed_in.get(URL).content.decode())

    ledger.undo(undone, actor=alice)

    page = signed_in.get(URL).content.decode()
    assert "Undo: Done again: 1 face confirmed as Ann" in page
    assert "Redo" not in page


def test_an_older_hiding_that_is_done_again_hides_again(signed_in, alice, ann):
    older = ledger.hide(alice, [ann], [], actor=alice)
    shown = ledger.undo(older, actor=alice).decision
    ann.refresh_from_db()
    ledger.undo(ledger.hide(alice, [ann], [], actor=alice), actor=alice)

    ledger.undo(shown, actor=alice)

    ann.refresh_from_db()
    assert ann.is_hidden
    assert sentence(older) == "Ann hidden"


def test_who_was_hidden_by_two_acts_stays_hidden_until_both_are_taken_back(alice, ann):
    older = ledger.hide(alice, [ann], [], actor=alice)
    shown = ledger.undo(older, actor=alice).decision
    ann.refresh_from_db()
    newer = ledger.hide(alice, [ann], [], actor=alice)
    again = ledger.undo(shown, actor=alice).decision
    hidden = []
    for act in (again, newer):
        ledger.undo(act, actor=alice)
        ann.refresh_from_db()
        hidden.append(ann.is_hidden)

    assert hidden == [True, False]


def test_at_turns_to_the_page_of_a_decision(signed_in, alice, faces):
    first = answers.ignore(alice, faces, actor=alice)
    for _ in range(60):
        answers.show_again(alice, faces, actor=alice)
        answers.ignore(alice, faces, actor=alice)

    page = signed_in.get(URL, {"at": first.pk}).content.decode()

    assert f'id="decision-{first.pk}" class=" lit"' in page


def test_the_page_takes_as_many_queries_for_many_acts_as_for_few(
    signed_in, alice, faces, ann, bob_marley, django_assert_max_num_queries
):
    for _ in range(10):
        decision = answers.confirm(ann, faces, actor=alice)
        answers.confirm(bob_marley, faces[:2], actor=alice)
        undone = ledger.undo(decision, actor=alice)
        ledger.undo(undone.decision, actor=alice)
        ledger.undo(decision, actor=alice)

    with django_assert_max_num_queries(20):
        signed_in.get(URL)


@pytest.mark.parametrize("name", ["undo", "undo-later"])
def test_decisions_of_somebody_else_do_not_exist(signed_in, bob, name):
    decision = answers.ignore(bob, [make_face(make_photo(bob)).pk], actor=bob)
    undone = ledger.undo(decision, actor=bob).decision

    assert signed_in.post(reverse(f"people:{name}", args=[undone.pk])).status_code == 404


def test_a_photo_can_be_said_to_show_somebody_twice_and_once_again(signed_in, alice):
    photo = make_photo(alice)
    make_face(photo)
    make_face(photo, left=0.7)
    url = reverse("people:repeat", args=[photo.pk])
    assert 'aria-checked="false"' in signed_in.get(photo.get_absolute_url()).content.decode()

    page = signed_in.post(url, {"repeat": "yes"}, follow=True).content.decode()
    assert 'aria-checked="true"' in page
    assert "A photo shows somebody more than once." in page

    page = signed_in.post(url, {"repeat": "no"}, follow=True).content.decode()
    assert 'aria-checked="false"' in page


def test_the_photo_of_somebody_else_cannot_be_said_to(signed_in, bob):
    photo = make_photo(bob)
    make_face(photo)

    assert signed_in.post(reverse("people:repeat", args=[photo.pk]), {"repeat": "yes"}).status_code == 404
    assert not Decision.objects.exists()


def test_a_photo_tells_whom_no_detection_finds_any_more(signed_in, alice, ann):
    photo = make_photo(alice)
    answers.confirm(ann, [make_face(photo).pk], actor=alice)
    photo.faces.all().delete()

    assert "Kith does not find" in signed_in.get(photo.get_absolute_url()).content.decode()
