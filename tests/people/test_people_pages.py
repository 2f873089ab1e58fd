"""The pages of people: lists, selecting, naming namesakes, merging, splitting, hiding, and undo of each."""

from datetime import UTC, date, datetime

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from people import answers, constraints, ledger
from people.models import Decision, Face, Person, Question
from people.ranking import rank_questions
from photos.models import Photo
from tests.factories import (
    make_cluster,
    make_face,
    make_group,
    make_known,
    make_person,
    make_photo,
    make_question,
    make_suggestion,
    unit,
)

HTMX = {"HTTP_HX_REQUEST": "true"}
INDEX = "/people/"


def names_listed(client, **query) -> list[str]:
    return [person.name for person in client.get(INDEX, query).context["people"]]


def undo_last(actor) -> None:
    ledger.undo(Decision.objects.exclude(verb=Decision.Verb.REGROUP).latest("pk"), actor=actor)


def seen(owner, name: str, year: int, faces: int = 1) -> Person:
    person = make_person(owner, name)
    for _ in range(faces):
        make_face(make_photo(owner, taken_at=datetime(year, 5, 1, tzinfo=UTC)), person=person)
    return person


def mixed_person(owner, name: str = "Ann") -> tuple[Person, list[Face], list[Face]]:
    """A person whose faces are of two: six along one axis, four along another."""
    person = make_person(owner, name)
    one = [make_face(make_photo(owner), person=person, likeness=unit(1)) for _ in range(6)]
    other = [make_face(make_photo(owner), person=person, likeness=unit(2)) for _ in range(4)]
    return person, one, other


# ---------- The list


def test_people_can_be_sorted_four_ways(signed_in, alice):
    seen(alice, "Cleo", 2001, faces=2)
    seen(alice, "Ann", 2020, faces=3)
    seen(alice, "Bea", 2024)

    assert names_listed(signed_in) == ["Ann", "Cleo", "Bea"]
    assert names_listed(signed_in, sort="name") == ["Ann", "Bea", "Cleo"]
    assert names_listed(signed_in, sort="seen") == ["Bea", "Ann", "Cleo"]
    assert names_listed(signed_in, sort="added") == ["Bea", "Ann", "Cleo"]
    assert names_listed(signed_in, sort="nonsense") == ["Ann", "Cleo", "Bea"]


@pytest.mark.parametrize("query", ["zoe", "ZOË", "muller", "Zoë Mü"])
def test_the_filter_ignores_accents_and_case(signed_in, alice, query):
    make_known(alice, "Zoë Müller")
    make_known(alice, "Ann")

    assert names_listed(signed_in, q=query) == ["Zoë Müller"]


def test_the_filter_finds_hidden_people_too(signed_in, alice):
    ann = make_known(alice, "Ann")
    ledger.hide(alice, [ann], [], actor=alice)

    response = signed_in.get(INDEX, {"q": "ann"})

    assert list(response.context["hidden"]) == [ann]
    assert '<details class="fold" id="hidden" open>' in response.content.decode()


def test_hidden_people_come_in_pages(signed_in, alice):
    people = [make_known(alice, f"Person {number:03}") for number in range(50)]
    ledger.hide(alice, people, [], actor=alice)

    first, second = (signed_in.get(INDEX, {"hidden": page}).context["hidden"] for page in (1, 2))

    assert [*first, *second] == people


def test_groups_of_two_are_folded_unless_there_are_no_larger_ones(signed_in, alice):
    pair = make_group(alice, 2)
    assert list(signed_in.get(INDEX).context["groups"]) == [pair]

    large = make_group(alice, 3)
    context = signed_in.get(INDEX).context
    assert list(context["groups"]) == [large]
    assert [(kind, count) for kind, _, count in context["folded"]] == [("pairs", 1)]


def test_the_groups_come_in_pages(signed_in, alice):
    groups = [make_group(alice, 3) for _ in range(26)]

    response = signed_in.get(INDEX, {"groups": 2})

    assert list(response.context["groups"]) == groups[24:]
    assert "?groups=1#groups-title" in response.content.decode()


def test_a_fold_loads_its_first_page_and_links_to_the_others(signed_in, alice):
    make_group(alice, 3)
    for _ in range(100):
        make_face(make_photo(alice))
    url = reverse("people:unnamed")

    response = signed_in.get(url, {"kind": "singles"}, HTTP_HX_TARGET="fold-singles", **HTMX)

    assert "<html" not in response.content.decode()
    assert len(response.context["items"]) == 96
    assert "See all 100" in response.content.decode()
    assert len(signed_in.get(url, {"kind": "singles", "page": 2}).context["items"]) == 4
    assert signed_in.get(url, {"kind": "nonsense"}).status_code == 404


def test_people_who_may_be_the_same_are_asked_about_and_answered_on_the_page(signed_in, alice):
    ann, anna = make_known(alice, "Ann", faces=3), make_known(alice, "Anna")
    question = make_question(ann, anna)
    assert signed_in.get(INDEX).context["alike"] == [question]

    signed_in.post(reverse("people:answer-same", args=[question.pk]), {"answer": "different"})

    assert constraints.people_apart(alice.pk) == {(ann.pk, anna.pk)}
    assert signed_in.get(INDEX).context["alike"] == []


def test_the_same_person_is_merged_into_the_one_of_more_faces(signed_in, alice):
    ann, anna = make_known(alice, "Ann", faces=3), make_known(alice, "Anna")
    question = make_question(ann, anna)

    signed_in.post(reverse("people:answer-same", args=[question.pk]), {"answer": "same"})

    assert (ann.faces.count(), anna.faces.count()) == (4, 0)


@pytest.mark.parametrize("query", [{}, {"sort": "seen"}, {"sort": "name", "q": "p"}])
def test_the_people_page_takes_as_many_queries_for_many_as_for_few(
    signed_in, alice, query, django_assert_max_num_queries
):
    people = [make_known(alice, f"P{number}") for number in range(12)]
    for number in range(0, 12, 2):
        make_question(people[number], people[number + 1])
    for _ in range(6):
        make_group(alice, 3)
    ledger.hide(alice, people[:2], [], actor=alice)

    with django_assert_max_num_queries(24):
        signed_in.get(INDEX, query)


# ---------- Selecting


def test_several_groups_get_one_name_by_one_decision(signed_in, alice):
    groups = [make_group(alice, 3), make_group(alice, 4)]
    data = {"groups": [group.pk for group in groups], "action": "name", "name": "Ann"}

    signed_in.post(reverse("people:together"), data)

    assert Person.objects.get().faces.count() == 7
    undo_last(alice)
    assert Face.objects.untagged().count() == 7


def test_selected_groups_name_no_face_that_joined_them_since(signed_in, alice):
    group = make_group(alice, 3)
    ledger.regroup(alice.pk, {face.pk: group.pk for face in group.faces.all()})
    as_of = signed_in.get(INDEX).context["as_of"]
    late = make_face(make_photo(alice))
    ledger.regroup(alice.pk, {late.pk: group.pk})
    data = {"groups": [group.pk], "as-of": as_of, "action": "name", "name": "Ann"}

    signed_in.post(reverse("people:together"), data)

    assert list(Face.objects.untagged()) == [late]


def test_all_groups_are_hidden_by_the_server_and_shown_again_by_one_undo(signed_in, alice):
    groups = [make_group(alice, 3) for _ in range(30)]

    signed_in.post(reverse("people:together"), {"all": "groups", "action": "hide"})

    assert list(signed_in.get(INDEX).context["groups"]) == []
    html = signed_in.get(reverse("people:history")).content.decode()
    assert "30 groups hidden" in html
    undo_last(alice)
    assert signed_in.get(INDEX).context["groups"].paginator.count == len(groups)


def test_all_people_of_a_filter_are_hidden_but_no_others(signed_in, alice):
    for name in ("Ann", "Anna", "Bea"):
        make_known(alice, name)

    signed_in.post(reverse("people:together"), {"all": "people", "q": "ann", "action": "hide"})

    assert names_listed(signed_in) == ["Bea"]


def test_hiding_one_person_says_so_and_can_be_undone_and_done_again(signed_in, alice):
    ann = make_known(alice, "Ann")
    response = signed_in.post(reverse("people:hide", args=[ann.pk]), follow=True)
    assert "Ann hidden." in response.content.decode()
    decision = Decision.objects.get()

    undone = ledger.undo(decision, actor=alice)
    ann.refresh_from_db()
    assert not ann.is_hidden

    assert undone.decision is not None
    ledger.undo(undone.decision, actor=alice)
    ann.refresh_from_db()
    assert ann.is_hidden


def test_showing_again_is_an_act_of_the_history_that_can_be_undone_and_done_again(signed_in, alice):
    ann, group = make_known(alice, "Ann"), make_group(alice, 3)
    ledger.hide(alice, [ann], [group], actor=alice)

    for shown, url, said in (
        (ann, reverse("people:hide", args=[ann.pk]), "Ann shown again"),
        (group, reverse("people:hide-group", args=[group.pk]), "1 group shown again"),
    ):
        assert f"{said}." in signed_in.post(url, {"show": 1}, follow=True).content.decode()
        assert said in signed_in.get(reverse("people:history"), {"kind": "aside"}).content.decode()
        for is_hidden in (True, False):
            undo_last(alice)
            shown.refresh_from_db()
            assert shown.is_hidden is is_hidden
        assert "Nothing was left to change" in signed_in.post(url, {"show": 1}, follow=True).content.decode()


def test_who_was_hidden_and_shown_in_turn_is_as_the_acts_that_were_not_undone_say(alice):
    ann = make_known(alice, "Ann")
    acts = []
    for say in (ledger.hide, ledger.unhide, ledger.hide):
        acts.append(say(alice, [ann], [], actor=alice))
        ann.refresh_from_db()

    for act, is_hidden in ((acts[2], False), (acts[1], True), (acts[0], False)):
        ledger.undo(act, actor=alice)
        ann.refresh_from_db()
        assert ann.is_hidden is is_hidden


def test_undoing_an_old_hiding_leaves_alone_what_was_hidden_again(signed_in, alice):
    ann = make_known(alice, "Ann")
    first = ledger.hide(alice, [ann], [], actor=alice)
    signed_in.post(reverse("people:hide", args=[ann.pk]), {"show": 1})
    ann.refresh_from_db()
    ledger.hide(alice, [ann], [], actor=alice)

    assert first is not None
    ledger.undo(first, actor=alice)

    ann.refresh_from_db()
    assert ann.is_hidden


def test_forgetting_somebody_keeps_the_record_of_what_was_hidden(alice):
    from people.erasing import forget_person

    ann = make_known(alice, "Ann")
    ledger.hide(alice, [], [make_group(alice, 3)], actor=alice)

    forget_person(ann)

    assert Decision.objects.filter(verb=Decision.Verb.HIDE).exists()


def test_what_others_own_cannot_be_selected(signed_in, bob):
    theirs, group = make_known(bob), make_group(bob, 3)
    data = {"people": [theirs.pk], "groups": [group.pk]}

    signed_in.post(reverse("people:together"), {**data, "action": "hide"})
    signed_in.post(reverse("people:merge"), {**data, "keep": theirs.pk})

    theirs.refresh_from_db()
    assert not theirs.is_hidden
    assert not Decision.objects.exists()


# ---------- Names


def test_the_box_offers_who_is_called_just_so_first(signed_in, alice):
    for number in range(7):
        make_known(alice, f"Anna {number}", faces=2)
    ann = make_known(alice, "Ann")

    found = signed_in.get(reverse("people:names"), {"q": "ann"}).json()["people"]

    assert found[0]["id"] == ann.pk


def test_the_box_beside_a_group_offers_whom_it_may_show_first(signed_in, alice):
    make_known(alice, "Bea", likeness=unit(9), faces=5)
    ann = make_known(alice, "Ann", likeness=unit(1))
    group = make_group(alice, 3, likeness=unit(1))

    found = signed_in.get(reverse("people:names"), {"q": "", "group": group.pk}).json()["people"]

    assert [person["name"] for person in found] == ["Ann", "Bea"]
    face = group.faces.first()
    assert face is not None
    assert signed_in.get(reverse("people:names"), {"face": face.pk}).json()["people"][0]["id"] == ann.pk


def test_another_one_of_a_name_is_made_with_a_note(signed_in, alice):
    ann = make_known(alice, "Ann")
    group = make_group(alice, 3)
    data = {"name": "Ann", "new": "1", "note": " from  work "}

    signed_in.post(reverse("people:name-group", args=[group.pk]), data)

    other = Person.objects.exclude(pk=ann.pk).get()
    assert (other.name, other.note, other.faces.count()) == ("Ann", "from work", 3)


def test_without_javascript_a_name_of_two_people_is_asked_about(signed_in, alice):
    make_known(alice, "Ann")
    work = make_person(alice, "Ann", note="work")
    make_face(make_photo(alice), person=work)
    group = make_group(alice, 3)
    url = reverse("people:name-group", args=[group.pk])

    response = signed_in.post(url, {"name": "ann", "next": "/people/"})

    assert response.status_code == 422
    assert work.note in response.content.decode()
    assert 'name="next" value="/people/"' in response.content.decode()
    signed_in.post(url, {"name": "ann", "next": "/people/", "person": work.pk})
    assert work.faces.count() == 4


def test_without_javascript_a_face_and_a_card_ask_which_of_two_people_is_meant(signed_in, alice):
    make_known(alice, "Ann")
    work = make_person(alice, "Ann", note="work")
    make_face(make_photo(alice), person=work)
    group = make_group(alice, 3)
    alone = make_face(make_photo(alice))
    shown = sorted(group.faces.values_list("pk", flat=True))
    card = {"answer": "name", "cluster": group.pk, "key": f"g{group.pk}", "shown": shown, "faces": shown}

    for url, form in ((reverse("people:name-face", args=[alone.pk]), {}), (reverse("people:answer"), card)):
        assert signed_in.post(url, form | {"name": "Ann"}).status_code == 422
        assert Face.objects.untagged().count() == 4
    signed_in.post(reverse("people:name-face", args=[alone.pk]), {"name": "Ann", "person": work.pk})
    signed_in.post(reverse("people:answer"), card | {"name": "Ann", "person": work.pk})

    assert work.faces.count() == 5


def test_without_javascript_each_row_that_is_split_off_asks_which_of_two_people_is_meant(signed_in, alice):
    make_known(alice, "Ann")
    work = make_known(alice, "Ann")
    person, _, other = mixed_person(alice, "Cleo")
    group = make_group(alice, 3)
    waiting = list(group.faces.order_by("pk").values_list("pk", flat=True))
    rows = ((person, "people:split", [face.pk for face in other]), (group, "people:split-group", waiting))
    for split, view, faces in rows:
        url = reverse(view, args=[split.pk])
        halves = {"0-faces": ",".join(map(str, faces[:2])), "1-faces": ",".join(map(str, faces[2:]))}
        form = halves | {"0-name": "Ann", "1-name": "Ann"}
        before = work.faces.count()

        for row in (0, 1):
            asked = signed_in.post(url, form)
            assert asked.status_code == 422
            assert f'name="{row}-person" value="{work.pk}"' in asked.text
            assert f'name="{1 - row}-faces" value="{form[f"{1 - row}-faces"]}"' in asked.text
            form |= {f"{row}-person": work.pk}
        assert work.faces.count() == before
        assert signed_in.post(url, form).status_code == 302
        assert work.faces.count() == before + len(faces)


def test_an_answer_by_name_asks_once_who_that_is(signed_in, alice):
    ann, group = make_known(alice, "Ann"), make_group(alice, 3)
    shown = list(group.faces.values_list("pk", flat=True))
    card = {"answer": "name", "cluster": group.pk, "key": f"g{group.pk}", "shown": shown, "faces": shown}

    with CaptureQueriesContext(connection) as queries:
        signed_in.post(reverse("people:answer"), card | {"person": ann.pk})

    assert ann.faces.count() == 4
    chosen = f'"people_person"."id" = {ann.pk})'
    asked = [query["sql"] for query in queries if chosen in query["sql"] and "owner_id" in query["sql"]]
    assert len(asked) == 1, asked


def test_renaming_to_a_name_somebody_bears_asks_whether_to_merge_or_keep_both(signed_in, alice):
    ann, annie = make_known(alice, "Ann"), make_known(alice, "Annie")
    url = reverse("people:edit", args=[annie.pk])

    response = signed_in.post(url, {"name": "ANN"})

    html = response.content.decode()
    assert response.status_code == 422
    assert f"people={ann.pk}&amp;people={annie.pk}" in html
    annie.refresh_from_db()
    assert annie.name == "Annie"

    signed_in.post(url, {"name": "Ann", "note": "work", "keep": "1"})
    annie.refresh_from_db()
    assert (annie.name, annie.note) == ("Ann", "work")
    # A note or date of one who shares the name already is nothing to ask about.
    assert signed_in.post(url, {"name": "Ann", "note": "choir"}).status_code == 302


@pytest.mark.parametrize("name", ["W" * 100, "ליאור בן־דוד", "👩‍👩‍👧‍👦 Zoë", "<b>Ann</b>"])
def test_names_of_all_kinds_are_shown_on_all_pages(signed_in, alice, name):
    from django.utils.html import escape

    person, *_ = mixed_person(alice, name)
    other = make_known(alice, "Bea")
    question = make_question(person, other)
    pages = [INDEX, person.get_absolute_url(), f"{person.get_absolute_url()}?tab=faces"]
    pages += [reverse("people:split", args=[person.pk]), f"/people/merge/?people={person.pk}&people={other.pk}"]

    for page in pages:
        html = signed_in.get(page).content.decode()
        assert escape(name) in html, page
        assert "<b>Ann</b>" not in html
    assert question.pk


# ---------- Merging


def test_a_merge_shows_both_sides_and_the_faces_least_like_the_others(signed_in, alice):
    ann = make_known(alice, "Ann", likeness=unit(1), faces=4)
    odd = make_face(make_photo(alice), person=ann, likeness=unit(5))
    bea = make_known(alice, "Bea", likeness=unit(1, towards=2, by=0.2), faces=2)

    found = signed_in.get(reverse("people:merge"), {"people": [bea.pk, ann.pk]}).context["preview"]

    assert [(side.person, side.face_count, side.photo_count) for side in found.sides] == [(ann, 5, 5), (bea, 2, 2)]
    assert found.sides[0].strangest[0] == odd
    assert sum(len(side.strangest) for side in found.sides) == 5
    assert found.together_count == 0


def test_a_merge_warns_of_photos_that_show_both(signed_in, alice):
    ann, bea = make_known(alice, "Ann"), make_known(alice, "Bea")
    both = make_face(ann.faces.get().photo, person=bea).photo

    response = signed_in.get(reverse("people:merge"), {"people": [ann.pk, bea.pk]})

    assert response.context["preview"].together == [both]
    assert "Two people, perhaps?" in response.content.decode()


@pytest.mark.parametrize("kept", ["Ann", "Bea"])
def test_the_name_that_was_chosen_stays(signed_in, alice, kept):
    people = [make_known(alice, "Ann", faces=2), make_known(alice, "Bea")]
    chosen = Person.objects.get(name=kept)

    signed_in.post(reverse("people:merge"), {"people": [p.pk for p in people], "keep": chosen.pk})

    assert chosen.faces.count() == 3


def test_several_people_and_groups_are_merged_by_one_decision(signed_in, alice):
    ann, bea, cleo = (make_known(alice, name) for name in ("Ann", "Bea", "Cleo"))
    group = make_group(alice, 3)
    data = {"people": [ann.pk, bea.pk, cleo.pk], "groups": [group.pk], "keep": ann.pk}

    signed_in.post(reverse("people:merge"), data)

    assert ann.faces.count() == 6
    assert Decision.objects.count() == 1
    undo_last(alice)
    assert [person.faces.count() for person in (ann, bea, cleo)] == [1, 1, 1]
    assert group.faces.untagged().count() == 3


def test_a_merge_is_about_no_face_that_got_the_name_after_the_page_was_made(signed_in, alice):
    ann, bea = make_known(alice, "Ann", faces=2), make_known(alice, "Bea")
    counted = signed_in.get(reverse("people:merge"), {"people": [ann.pk, bea.pk]}).context["preview"].counted
    make_face(make_photo(alice), person=bea)
    data = {"people": [ann.pk, bea.pk], "keep": ann.pk, "counted": ",".join(map(str, counted))}

    signed_in.post(reverse("people:merge"), data)

    assert (ann.faces.count(), bea.faces.count()) == (3, 1)


def test_who_was_merged_with_several_is_one_with_all_of_them(alice):
    ann, bea, cleo = (make_known(alice, name, faces=2) for name in ("Ann", "Bea", "Cleo"))
    dora = make_known(alice, "Dora")
    answers.different_people(cleo, dora, actor=alice)

    answers.merge_all([ann, bea, cleo], ann, actor=alice)

    assert (ann.pk, dora.pk) in constraints.people_apart(alice.pk)


@pytest.mark.parametrize("query", [{}, {"people": "x"}, {"people": "987654321"}, {"name": "Nobody"}])
def test_a_merge_with_nobody_asks_whom(signed_in, alice, query):
    response = signed_in.get(reverse("people:merge"), query)

    assert response.status_code == 200
    assert response.context["preview"] is None


def test_without_javascript_whom_to_merge_with_can_be_typed(signed_in, alice):
    ann, bea = make_known(alice, "Ann"), make_known(alice, "Bea")

    response = signed_in.get(reverse("people:merge"), {"people": ann.pk, "name": "bea"})

    assert {side.person for side in response.context["preview"].sides} == {ann, bea}


def test_a_merge_of_one_changes_nothing(signed_in, alice):
    ann = make_known(alice, "Ann")

    signed_in.post(reverse("people:merge"), {"people": [ann.pk], "keep": ann.pk})

    assert not Decision.objects.exists()


# ---------- One person


def test_the_page_of_a_person_shows_years_note_and_companions(signed_in, alice):
    ann, bea = make_person(alice, "Ann", note="next door"), make_person(alice, "Bea")
    for year in (1998, 2025):
        photo = make_photo(alice, taken_at=datetime(year, 1, 2, tzinfo=UTC))
        make_face(photo, person=ann)
        make_face(photo, person=bea)

    response = signed_in.get(ann.get_absolute_url())

    assert response.context["years"] == "1998 to 2025"
    assert [(p.name, p.together) for p in response.context["often_with"]] == [("Bea", 2)]
    assert "next door" in response.content.decode()


def test_a_face_says_how_old_its_person_was(signed_in, alice):
    ann = make_person(alice, "Ann", birth_date=date(2000, 6, 1))
    for year, source in ((2004, Photo.DateSource.CAMERA), (2010, Photo.DateSource.UPLOAD)):
        make_face(make_photo(alice, taken_at=datetime(year, 7, 1, tzinfo=UTC), taken_at_source=source), person=ann)

    faces = signed_in.get(ann.get_absolute_url(), {"tab": "faces", "sort": "oldest"}).context["faces"]

    assert [face.age for face in faces] == [4, None]


@pytest.mark.parametrize(
    ("sort", "order"), [("newest", [2, 1, 0]), ("oldest", [0, 1, 2]), ("clearest", [1, 0, 2]), ("alike", [2, 0, 1])]
)
def test_faces_can_be_sorted(signed_in, alice, sort, order):
    ann = make_person(alice)
    looks = [unit(1, towards=2, by=0.3), unit(1, towards=2, by=0.1), unit(3)]
    faces = [
        make_face(
            make_photo(alice, taken_at=datetime(2000 + n, 1, 1, tzinfo=UTC)),
            person=ann,
            quality=[0.5, 0.9, 0.1][n],
            likeness=looks[n],
        )
        for n in range(3)
    ]

    shown = signed_in.get(ann.get_absolute_url(), {"tab": "faces", "sort": sort}).context["faces"]

    assert [faces.index(face) for face in shown] == order


def test_faces_of_another_model_come_last_when_sorted_by_likeness(signed_in, alice):
    ann = make_person(alice)
    for _ in range(3):
        make_face(make_photo(alice), person=ann, likeness=unit(1))
    other = make_face(make_photo(alice), person=ann, likeness=np.eye(256, dtype=np.float32)[3], model="another")

    shown = signed_in.get(ann.get_absolute_url(), {"tab": "faces"}).context["faces"]

    assert list(shown)[-1] == other


@pytest.mark.parametrize("tab", ["faces", "photos"])
def test_the_page_of_a_person_takes_as_many_queries_for_many_faces(
    signed_in, alice, tab, django_assert_max_num_queries
):
    ann = make_known(alice, "Ann", faces=30)
    make_suggestion(make_face(make_photo(alice)), ann)

    with django_assert_max_num_queries(19):
        signed_in.get(ann.get_absolute_url(), {"tab": tab})


# ---------- Splitting


def test_faces_that_are_moved_are_not_suggested_back_and_nobody_asks_whether_the_two_are_one(signed_in, alice):
    ann, _, others = mixed_person(alice)
    data = {"faces": [face.pk for face in others], "action": "move", "name": "Bea"}

    signed_in.post(reverse("people:change-faces", args=[ann.pk]), data)

    bea = Person.objects.get(name="Bea")
    assert bea.faces.count() == 4
    assert answers.rejected_pairs(alice.pk) == {(face.pk, ann.pk) for face in others}
    assert constraints.people_apart(alice.pk) == {(ann.pk, bea.pk)}
    assert "4 faces moved from Ann to Bea" in signed_in.get(reverse("people:history")).content.decode()

    undo_last(alice)
    assert ann.faces.count() == 10
    assert constraints.people_apart(alice.pk) == set()
    assert answers.rejected_pairs(alice.pk) == set()


def test_sub_groups_of_a_person_are_found_and_those_named_leave(signed_in, alice):
    ann, one, others = mixed_person(alice)
    url = reverse("people:split", args=[ann.pk])

    found = signed_in.get(url).context["found"]
    assert [set(part.faces) for part in found.parts] == [{f.pk for f in one}, {f.pk for f in others}]

    row = ",".join(str(pk) for pk in found.parts[1].faces)
    shown = [face.pk for face in found.parts[1].shown]
    kept = shown[0]
    signed_in.post(url, {"1-faces": row, "1-shown": shown, "1-ticked": shown[1:], "1-name": "Bea"})

    bea = Person.objects.get(name="Bea")
    assert {face.pk for face in bea.faces.all()} == {f.pk for f in others} - {kept}
    assert Decision.objects.get().verb == Decision.Verb.SPLIT


def test_a_split_into_three_keeps_all_three_apart_and_is_undone_at_once(alice):
    ann, one, others = mixed_person(alice)
    bea, cleo = make_person(alice, "Bea"), make_person(alice, "Cleo")
    parts = {bea: [face.pk for face in others[:2]], cleo: [face.pk for face in others[2:]]}

    answers.split(ann, parts, nobodys=[one[0].pk], actor=alice)

    assert [p.faces.count() for p in (ann, bea, cleo)] == [5, 2, 2]
    pairs = {(ann.pk, bea.pk), (ann.pk, cleo.pk)}
    assert pairs <= constraints.people_apart(alice.pk)
    undo_last(alice)
    assert ann.faces.count() == 10


def test_people_who_were_split_can_be_merged_again(alice):
    ann, _, others = mixed_person(alice)
    bea = make_person(alice, "Bea")
    answers.split(ann, {bea: [face.pk for face in others]}, actor=alice)

    answers.merge(bea, ann, actor=alice)

    assert ann.faces.count() == 10
    assert constraints.people_apart(alice.pk) == set()
    assert not {(face.pk, ann.pk) for face in others} & constraints.ruled_out(alice.pk)


def test_a_split_with_no_name_changes_nothing(signed_in, alice):
    ann, *_ = mixed_person(alice)

    response = signed_in.post(reverse("people:split", args=[ann.pk]), {"1-faces": "", "1-name": ""}, follow=True)

    assert "Nothing was split off" in response.content.decode()
    assert not Decision.objects.exists()


def test_one_person_has_no_sub_groups(signed_in, alice):
    ann = make_known(alice, "Ann", likeness=unit(1), faces=8)

    response = signed_in.get(reverse("people:split", args=[ann.pk]))

    assert "No sub-groups found" in response.content.decode()


def test_finding_sub_groups_takes_few_queries(signed_in, alice, django_assert_max_num_queries):
    ann, *_ = mixed_person(alice)

    with django_assert_max_num_queries(14):
        signed_in.get(reverse("people:split", args=[ann.pk]))


def mixed_group(owner):
    cluster = make_cluster(owner)
    one = [make_face(make_photo(owner), cluster=cluster, likeness=unit(1)) for _ in range(4)]
    other = [make_face(make_photo(owner), cluster=cluster, likeness=unit(2)) for _ in range(3)]
    return cluster, one, other


def test_a_group_that_is_not_one_person_becomes_two(signed_in, alice):
    cluster, one, other = mixed_group(alice)
    url = reverse("people:split-group", args=[cluster.pk])
    found = signed_in.get(url).context["found"]
    rows = {f"{n}-faces": ",".join(map(str, part.faces)) for n, part in enumerate(found.parts)}

    signed_in.post(url, rows)

    clusters = {face.pk: face.cluster_id for face in Face.objects.all()}
    assert {clusters[face.pk] for face in one} == {cluster.pk}
    assert len({clusters[face.pk] for face in other}) == 1
    assert cluster.pk not in {clusters[face.pk] for face in other}
    assert len(constraints.Constraints.of(alice.pk).apart()) == 12

    undo_last(alice)
    assert {face.cluster_id for face in Face.objects.all()} == {cluster.pk}
    assert len(constraints.Constraints.of(alice.pk).apart()) == 0


def test_a_part_of_a_group_can_be_named_at_once(signed_in, alice):
    cluster, one, other = mixed_group(alice)
    rows = {"0-faces": ",".join(str(f.pk) for f in one), "1-faces": ",".join(str(f.pk) for f in other)}

    signed_in.post(reverse("people:split-group", args=[cluster.pk]), {**rows, "0-name": "Ann"})

    assert Person.objects.get().faces.count() == 4
    assert {face.cluster_id for face in Face.objects.untagged()} == {cluster.pk}


def test_unticked_faces_are_split_off_a_group_once(signed_in, alice):
    cluster, one, other = mixed_group(alice)
    shown = [face.pk for face in [*one, *other]]
    data = {"shown": shown, "faces": [face.pk for face in one]}

    for _ in range(2):
        signed_in.post(reverse("people:split-off", args=[cluster.pk]), data)

    assert cluster.faces.count() == 4
    assert Decision.objects.count() == 1
    assert "A group of 7 faces split" in signed_in.get(reverse("people:history")).content.decode()


def test_a_split_group_is_not_put_together_by_the_next_grouping(signed_in, alice):
    from people.grouping import group_owner

    cluster, one, other = mixed_group(alice)
    half = one[:2]  # alike in every way: only what was said keeps them apart
    shown = [face.pk for face in [*one, *other]]
    signed_in.post(
        reverse("people:split-off", args=[cluster.pk]),
        {"shown": shown, "faces": [pk for pk in shown if pk not in {face.pk for face in half}]},
    )

    group_owner(alice.pk)

    clusters = dict(Face.objects.values_list("pk", "cluster_id"))
    assert clusters[half[0].pk] == clusters[half[1].pk] != clusters[one[2].pk]


def test_two_groups_that_may_be_one_are_asked_about_on_the_page(signed_in, alice):
    one, other = make_group(alice), make_group(alice)
    question = Question.objects.create(
        owner=alice, kind=Question.Kind.SAME, cluster=one, other_cluster=other, faces=6, answers=1, worth=6
    )
    people = make_question(make_known(alice, "Ann", faces=2), make_known(alice, "Anna"))

    page = signed_in.get(INDEX)
    assert page.context["alike"] == [people, question]
    assert "Are these two groups the same person?" in page.content.decode()
    signed_in.post(reverse("people:answer-same", args=[question.pk]), {"answer": "same"})

    assert Decision.objects.get().verb == Decision.Verb.SAME
    assert signed_in.get(INDEX).context["alike"] == [people]


def test_questions_of_hidden_people_are_not_asked_on_the_page(signed_in, alice):
    ann, anna = make_known(alice, "Ann", likeness=unit(1), faces=3), make_known(alice, "Anna", likeness=unit(1))
    rank_questions(alice.pk)
    assert Question.objects.count() == 1
    ledger.hide(alice, [anna], [], actor=alice)

    assert signed_in.get(INDEX).context["alike"] == []
    assert ann.faces.count() == 3
