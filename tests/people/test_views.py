"""Pages and actions of people: what they show, what they do, and that they also work without htmx."""

import re

import pytest
from django.urls import reverse

from people import answers, ledger
from people.models import Decision, Face, Person, Question, Suggestion
from people.ranking import rank_questions
from people.suggestions import refresh_suggestions
from tests.factories import (
    make_cluster,
    make_face,
    make_group,
    make_known,
    make_person,
    make_photo,
    make_suggestion,
    unit,
)

HTMX = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture
def group(alice):
    return make_group(alice, 3)


@pytest.fixture
def question(alice):
    """Ann, known by one face, and two faces that may be hers."""
    ann = make_known(alice, likeness=unit(1))
    faces = [make_face(make_photo(alice), likeness=unit(1)) for _ in range(2)]
    for face in faces:
        make_suggestion(face, ann)
    rank_questions(alice.pk)
    return ann, faces


def answer(client, kind: str, faces: list[Face], *, ticked: list[Face] | None = None, **fields):
    ticked = faces if ticked is None else ticked
    data = {"answer": kind, "shown": [f.pk for f in faces], "faces": [f.pk for f in ticked]} | fields
    return client.post(reverse("people:answer"), data)


def form_shown(client) -> dict[str, list[str]]:
    """What the form of the question sends, with all ticks left."""
    html = client.get(reverse("people:review")).content.decode()
    form = re.search('<form class="question.*?</form>', html, re.DOTALL)
    assert form is not None
    fields: dict[str, list[str]] = {}
    for field in re.findall("<input[^>]*>", form[0]):
        name, value = re.search('name="([^"]*)"', field), re.search('value="([^"]*)"', field)
        if name and value and name[1] != "csrfmiddlewaretoken":
            fields.setdefault(name[1], []).append(value[1])
    return fields


@pytest.mark.parametrize("page", ["index", "review", "search", "history", "strip", "delete-face-data"])
def test_pages_of_an_empty_library_say_what_to_do(signed_in, page):
    assert signed_in.get(reverse(f"people:{page}")).status_code == 200


def test_naming_a_group_names_all_its_faces(signed_in, group):
    signed_in.post(reverse("people:name-group", args=[group.pk]), {"name": "Ann"})

    assert Person.objects.get().faces.count() == 3


def test_faces_unticked_on_the_page_of_a_group_stay_unnamed(signed_in, alice, group):
    first, second, third = group.faces.order_by("pk")
    data = {"name": "Ann", "shown": [first.pk, second.pk], "faces": [first.pk]}

    signed_in.post(reverse("people:name-group", args=[group.pk]), data)

    ann = Person.objects.get()
    assert set(ann.faces.all()) == {first, third}
    assert answers.rejected_pairs(alice.pk) == {(second.pk, ann.pk)}


def test_the_page_of_a_group_names_nothing_that_joined_the_group_later(signed_in, alice, group):
    html = signed_in.get(group.get_absolute_url()).content.decode()
    counted = re.search('name="counted" value="([0-9,]*)"', html)
    shown = re.findall('name="shown" value="([0-9]*)"', html)
    assert counted is not None
    late = make_face(make_photo(alice), cluster=group)

    data = {"name": "Ann", "counted": counted[1], "shown": shown, "faces": shown}
    signed_in.post(reverse("people:name-group", args=[group.pk]), data)

    assert Person.objects.get().faces.count() == 3
    assert list(Face.objects.untagged()) == [late]


def test_this_is_not_ann_takes_no_other_name_off(signed_in, alice):
    face = make_face(make_photo(alice), person=make_person(alice, "Ann"))
    html = signed_in.get(face.photo.get_absolute_url()).content.decode()
    about = re.search('name="about" value="([0-9]*)"', html)
    assert about is not None
    bea = make_person(alice, "Bea")
    answers.confirm(bea, [face.pk], actor=alice)

    url = reverse("people:remove-name", args=[face.pk])
    signed_in.post(url, {"about": about[1]})
    assert list(bea.faces.all()) == [face]

    signed_in.post(url, {"about": bea.pk})
    assert list(bea.faces.all()) == []


def test_a_known_name_means_the_known_person(signed_in, alice, group):
    ann = make_person(alice, "Ann")
    make_face(make_photo(alice), person=ann)

    signed_in.post(reverse("people:name-group", args=[group.pk]), {"name": "ann"})

    assert ann.faces.count() == 4
    assert Person.objects.count() == 1


def test_a_name_of_nothing_changes_nothing(signed_in, group):
    signed_in.post(reverse("people:name-group", args=[group.pk]), {"name": " \n\0 "})

    assert Person.objects.count() == 0


def test_yes_confirms_the_ticked_faces_and_rules_out_the_others(signed_in, alice, question):
    ann, (one, other) = question

    response = answer(signed_in, "yes", [one, other], ticked=[one], about=ann.pk)

    assert response.status_code == 302
    assert one in ann.faces.all()
    assert answers.rejected_pairs(alice.pk) == {(other.pk, ann.pk)}


def test_an_answered_face_is_not_asked_about_again_before_a_worker_came_by(signed_in, question):
    ann, faces = question

    answer(signed_in, "no", faces, about=ann.pk)

    assert Suggestion.objects.count() == 0


def test_somebody_else_can_be_picked(signed_in, alice, question):
    _, faces = question
    bea = make_person(alice, "Bea")

    answer(signed_in, "name", faces, person=bea.pk)

    assert set(bea.faces.all()) == set(faces)


def test_faces_that_are_nobody_are_set_aside(signed_in, question):
    _, faces = question

    answer(signed_in, "ignore", faces)

    assert Face.objects.filter(is_ignored=True).count() == 2


def test_a_skipped_question_comes_back_when_asked_for(signed_in, question):
    signed_in.post(reverse("people:answer"), {"answer": "skip", "key": f"p{question[0].pk}-"})
    assert signed_in.get(reverse("people:review")).context["question"] is None

    signed_in.get(reverse("people:review"), {"again": 1})

    assert signed_in.get(reverse("people:review")).context["question"] is not None


def test_a_double_click_is_one_answer(signed_in, question):
    ann, faces = question
    for _ in range(2):
        answer(signed_in, "yes", faces, about=ann.pk)

    assert ann.decisions.count() == 1


def test_htmx_gets_the_next_question_with_the_message(signed_in, question):
    ann, faces = question
    data = {"answer": "yes", "about": ann.pk, "shown": [f.pk for f in faces], "faces": [f.pk for f in faces]}

    html = signed_in.post(reverse("people:answer"), data, **HTMX).content.decode()

    assert "<html" not in html
    assert "2 faces confirmed as Ann." in html


@pytest.mark.parametrize("kind", ["yes", "name"])
def test_an_answer_with_the_next_question_takes_few_queries(
    signed_in, alice, question, kind, django_assert_max_num_queries
):
    ann, faces = question
    asked = make_group(alice, 30)  # more than one screen
    bea = make_known(alice, "Bea", likeness=unit(1))
    for _ in range(2):
        make_suggestion(make_face(make_photo(alice), likeness=unit(1)), bea)
    make_group(alice, 20)
    rank_questions(alice.pk)
    about = {"about": ann.pk, "key": f"p{ann.pk}-"} if kind == "yes" else {"cluster": asked.pk, "key": f"g{asked.pk}-"}
    pks = [face.pk for face in (faces if kind == "yes" else asked.faces.all()[:12])]
    data = {"answer": kind, "name": "Cleo", "shown": pks, "faces": pks} | about

    with django_assert_max_num_queries(58):  # two cards: this one and the one after it
        response = signed_in.post(reverse("people:answer"), data, **HTMX)

    assert response.context["question"] is not None


def test_undo_takes_the_last_answer_back(signed_in, question):
    ann, faces = question
    answer(signed_in, "yes", faces, about=ann.pk)

    signed_in.post(reverse("people:undo-last"))

    assert ann.faces.count() == 1


def test_undo_without_an_answer_says_so(signed_in):
    response = signed_in.post(reverse("people:undo-last"), follow=True)

    assert "nothing to undo" in response.content.decode()


def test_the_history_tells_what_was_done(signed_in, question):
    ann, faces = question
    answer(signed_in, "yes", faces, about=ann.pk)

    assert "2 faces confirmed as Ann" in signed_in.get(reverse("people:history")).content.decode()


def test_a_photo_shows_who_is_in_it(signed_in, alice, question):
    ann, _ = question
    photo = ann.faces.get().photo
    make_face(photo)

    response = signed_in.get(photo.get_absolute_url())

    assert response.context["alt_text"] == "Ann and 1 unnamed person, 3 May 2024"
    assert response.context["named_count"] == 1


def test_the_least_alike_faces_come_first(signed_in, alice):
    ann = make_person(alice)
    for _ in range(4):
        make_face(make_photo(alice), person=ann, likeness=unit(1))
    odd = make_face(make_photo(alice), person=ann, likeness=unit(2))

    response = signed_in.get(ann.get_absolute_url(), {"tab": "faces"})

    assert response.context["faces"][0] == odd


def test_a_wrong_face_is_taken_off_a_person(signed_in, alice, question):
    ann, _ = question
    face = ann.faces.get()

    signed_in.post(reverse("people:change-faces", args=[ann.pk]), {"faces": [face.pk], "action": "remove"})

    assert ann.faces.count() == 0
    assert answers.rejected_pairs(alice.pk) == {(face.pk, ann.pk)}


def test_merging_moves_all_faces(signed_in, alice, question):
    ann, _ = question
    bea = make_person(alice, "Bea")

    make_face(make_photo(alice), person=bea)

    signed_in.post(reverse("people:merge"), {"people": [ann.pk, bea.pk], "keep": bea.pk})

    assert bea.faces.count() == 2
    assert not Person.objects.with_faces().filter(pk=ann.pk).exists()


def test_hidden_people_and_groups_leave_the_lists(signed_in, question, group):
    ann, _ = question
    signed_in.post(reverse("people:hide", args=[ann.pk]))
    signed_in.post(reverse("people:hide-group", args=[group.pk]))

    context = signed_in.get(reverse("people:index")).context

    assert list(context["people"]) == []
    assert list(context["groups"]) == []
    assert list(context["hidden"]) == [ann]
    assert list(signed_in.get(reverse("people:unnamed"), {"kind": "hidden"}).context["items"]) == [group]


def test_an_answer_returns_only_to_a_page_of_ours(signed_in, group):
    url = reverse("people:name-group", args=[group.pk])

    response = signed_in.post(url, {"name": "Ann", "next": "https://example.com/"})

    assert response.url == Person.objects.get().get_absolute_url()


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "{{7*7}}", "'; DROP TABLE people_person;--"])
def test_a_name_is_shown_as_it_was_typed(signed_in, group, name):
    from django.utils.html import escape

    signed_in.post(reverse("people:name-group", args=[group.pk]), {"name": name})

    html = signed_in.get(reverse("people:index")).content.decode()
    assert escape(name) in html
    assert "<script>alert" not in html


def test_the_people_page_costs_the_same_number_of_queries_for_any_number_of_people(
    signed_in, alice, django_assert_max_num_queries
):
    for number in range(12):
        make_face(make_photo(alice), person=make_person(alice, f"P{number}"))

    with django_assert_max_num_queries(22):
        signed_in.get(reverse("people:index"))


@pytest.mark.parametrize("target", ["foo", "?x", "#x", "a b", "//example.com", "https://example.com/"])
def test_a_page_to_return_to_that_is_none_of_ours_is_left_out(signed_in, group, target):
    response = signed_in.post(reverse("people:hide-group", args=[group.pk]), {"next": target})

    assert (response.status_code, response.url) == (302, "/people/")


@pytest.mark.parametrize("page", ["index", "names", "search"])
def test_a_search_for_nonsense_finds_nobody(signed_in, page):
    assert signed_in.get(reverse(f"people:{page}"), {"q": "a\0b"}).status_code == 200


@pytest.mark.parametrize("name", ["\ufdfa" * 12, "\u0958" * 100, "a" * 101, " ", "\0"])
def test_odd_names_are_kept_or_refused_but_never_an_error(signed_in, group, name):
    for url in (reverse("people:name-group", args=[group.pk]), reverse("people:answer")):
        assert signed_in.post(url, {"name": name, "answer": "name"}).status_code == 302


def test_an_answer_without_yes_or_no_is_neither(signed_in, alice, question):
    ann, (face, _) = question

    signed_in.post(reverse("people:answer-face", args=[face.pk]), {"about": ann.pk})

    assert answers.rejected_pairs(alice.pk) == set()


def test_a_cover_that_turned_out_to_be_somebody_else_is_not_shown(signed_in, alice, question):
    ann, _ = question
    wrong = make_face(make_photo(alice), person=ann, quality=0.1)
    signed_in.post(reverse("people:change-faces", args=[ann.pk]), {"faces": [wrong.pk], "action": "cover"})
    assert signed_in.get(ann.get_absolute_url()).context["person"].cover == wrong

    answers.remove_name(ann, [wrong.pk], actor=alice)

    assert signed_in.get(ann.get_absolute_url()).context["person"].cover != wrong


# ---------- The queue


@pytest.fixture
def alike(alice):
    """Ann and Anna, who look alike, and the question whether they are one."""
    ann = make_known(alice, "Ann", likeness=unit(1), faces=3)
    anna = make_known(alice, "Anna", likeness=unit(1), faces=2)
    rank_questions(alice.pk)
    return ann, anna, Question.objects.get()


def answer_two(client, kind: str, question: Question, **headers):
    counted = ",".join(str(face.pk) for side in question.sides() for face in side)
    data = {"answer": kind, "key": question.key, "question": question.pk, "counted": counted}
    return client.post(reverse("people:answer"), data, **headers)


def question_shown(client) -> Question | None:
    return client.get(reverse("people:review")).context["question"]


def test_a_tick_answers_for_its_whole_group_and_a_missing_one_rules_out_only_what_was_seen(signed_in, alice):
    ann = make_known(alice, likeness=unit(1))
    ticked, unticked = make_group(alice, 4, likeness=unit(1)), make_group(alice, 3, likeness=unit(1))
    for face in Face.objects.untagged():
        make_suggestion(face, ann)
    rank_questions(alice.pk)
    form = form_shown(signed_in)
    kept = [face.pk for face in ticked.faces.all() if str(face.pk) in form["faces"]]

    signed_in.post(reverse("people:answer"), form | {"answer": "yes", "faces": kept})

    assert ann.faces.count() == 5
    [(seen, person)] = answers.rejected_pairs(alice.pk)
    assert (unticked.faces.filter(pk=seen).exists(), person) == (True, ann.pk)
    assert str(seen) in form["shown"]


def test_after_a_no_to_one_face_of_a_group_it_is_asked_who_the_group_is(signed_in, alice):
    ann = make_known(alice, likeness=unit(1), faces=3)
    group = make_group(alice, 4, likeness=unit(1, towards=60, by=0.2))
    refresh_suggestions(alice.pk)
    form = form_shown(signed_in)
    assert form["about"] == [str(ann.pk)]

    signed_in.post(reverse("people:answer"), form | {"answer": "no"})

    assert len(answers.rejected_pairs(alice.pk)) == 1
    assert question_shown(signed_in) is None  # not about another face of the same group
    refresh_suggestions(alice.pk)
    assert question_shown(signed_in).cluster == group
    assert not signed_in.get(reverse("people:review")).context["card"].others
    Face.objects.filter(pk__in=dict(answers.rejected_pairs(alice.pk))).update(cluster=None)  # they are two people, then
    refresh_suggestions(alice.pk)
    assert question_shown(signed_in).person == ann


def test_a_tick_does_not_name_a_face_that_joined_its_group_after_the_page_was_made(signed_in, alice):
    ann = make_known(alice, likeness=unit(1))
    group = make_group(alice, 4, likeness=unit(1))
    for face in group.faces.all():
        make_suggestion(face, ann)
    rank_questions(alice.pk)
    form = form_shown(signed_in)
    late = make_face(make_photo(alice), cluster=group, likeness=unit(1))
    make_suggestion(late, ann)

    signed_in.post(reverse("people:answer"), form | {"answer": "yes"})

    assert ann.faces.count() == 5
    assert list(Face.objects.untagged()) == [late]


def test_a_name_for_a_group_does_not_reach_faces_that_joined_it_after_the_page_was_made(signed_in, alice):
    group = make_group(alice, 20)
    rank_questions(alice.pk)
    form = form_shown(signed_in)
    late = make_face(make_photo(alice), cluster=group)

    signed_in.post(reverse("people:answer"), form | {"answer": "name", "name": "Ann"})

    assert Person.objects.get().faces.count() == 20
    assert list(Face.objects.untagged()) == [late]


def test_what_is_said_of_two_groups_says_nothing_of_faces_that_join_them_later(signed_in, alice):
    one, other = make_group(alice, 4), make_group(alice, 3)
    Question.objects.create(owner=alice, kind="same", cluster=one, other_cluster=other, faces=3, answers=1, worth=100)
    form = form_shown(signed_in)
    late = make_face(make_photo(alice), cluster=other)

    signed_in.post(reverse("people:answer"), form | {"answer": "different"})

    said = Decision.objects.get()
    assert said.changes.count() == 7
    assert not said.changes.filter(face=late).exists()


def test_the_page_says_how_many_faces_a_tick_stands_for(signed_in, alice):
    ann = make_known(alice, likeness=unit(1))
    group = make_group(alice, 14, likeness=unit(1))
    for face in group.faces.all():
        make_suggestion(face, ann)
    rank_questions(alice.pk)

    html = signed_in.get(reverse("people:review")).content.decode()

    assert 'data-faces="14"' in html
    assert ">+13</a>" in html
    assert f'href="{group.get_absolute_url()}" target="_blank"' in html


def test_naming_a_group_in_the_queue_takes_its_question_away_at_once(signed_in, alice, group):
    rank_questions(alice.pk)
    key = question_shown(signed_in).key

    answer(signed_in, "name", list(group.faces.all()), name="Ann", cluster=group.pk, key=key)

    assert Question.objects.count() == 0


def test_yes_the_same_merges_two_people(signed_in, alike):
    ann, anna, question = alike

    answer_two(signed_in, "same", question)

    assert (ann.faces.count(), anna.faces.count()) == (5, 0)
    assert question_shown(signed_in) is None


def test_a_merge_leaves_faces_that_got_the_name_after_the_page_was_made(signed_in, alice, alike):
    ann, anna, _ = alike
    form = form_shown(signed_in)
    late = make_face(make_photo(alice), person=anna)

    signed_in.post(reverse("people:answer"), form | {"answer": "same"})

    assert ann.faces.count() == 5
    assert list(anna.faces.all()) == [late]


def test_an_answer_that_says_nothing_leaves_the_question(signed_in, alike):
    *_, question = alike

    signed_in.post(reverse("people:answer"), {"answer": "nonsense", "key": question.key})
    answer_two(signed_in, "same", Question(pk=0, kind="same", person=question.person, other_person=question.person))

    assert question_shown(signed_in) == question


def test_no_two_people_is_not_asked_again(signed_in, alice, alike):
    _, _, question = alike

    answer_two(signed_in, "different", question)

    assert question_shown(signed_in) is None
    rank_questions(alice.pk)
    assert question_shown(signed_in) is None


def test_a_question_about_two_of_somebody_else_is_not_answered(client, bob, alike):
    ann, _, question = alike
    client.force_login(bob)

    answer_two(client, "same", question)

    assert ann.faces.count() == 3
    assert Question.objects.count() == 1


def test_the_queue_asks_next_what_an_undo_brought_back(signed_in, alice, alike):
    *_, question = alike
    make_group(alice, 9)
    rank_questions(alice.pk)
    answer_two(signed_in, "different", question)
    assert question_shown(signed_in).kind == "group"

    signed_in.post(reverse("people:undo-last"))

    assert question_shown(signed_in).key == question.key
    assert question_shown(signed_in).kind == "group"  # once: then the queue goes on in its order


def test_redo_is_offered_right_after_an_undo(signed_in, alike):
    *_, question = alike
    answer_two(signed_in, "different", question)
    review = reverse("people:review")
    assert signed_in.get(review).context["can_redo"] is False

    signed_in.post(reverse("people:undo-last"))
    assert signed_in.get(review).context["can_redo"] is True

    signed_in.post(reverse("people:redo-last"))
    assert signed_in.get(review).context["can_redo"] is False


def test_what_was_skipped_is_counted_neither_in_the_queue_nor_in_the_menu(signed_in, alice, question, group):
    rank_questions(alice.pk)
    key = question_shown(signed_in).key

    signed_in.post(reverse("people:answer"), {"answer": "skip", "key": key})

    context = signed_in.get(reverse("people:review")).context
    assert context["question"].key != key
    assert context["left"].questions == 1
    assert str(context["questions_left"]) == "1"


def test_a_queue_that_may_go_on_looks_again_by_itself(signed_in, alice, question):
    ann, faces = question
    html = answer_and_read(signed_in, ann, faces)
    assert 'hx-trigger="every 3s"' in html

    alice.upkeep.suggestions_made = alice.upkeep.suggestions_wanted
    alice.upkeep.save()
    html = signed_in.get(reverse("people:review")).content.decode()
    assert "All caught up" in html
    assert 'hx-trigger="every 3s"' not in html


def answer_and_read(client, ann, faces) -> str:
    data = {"answer": "yes", "about": ann.pk, "key": f"p{ann.pk}-"}
    data |= {"shown": [f.pk for f in faces], "faces": [f.pk for f in faces]}
    return client.post(reverse("people:answer"), data, **HTMX).content.decode()


def test_strangers_are_folded_away_on_the_people_page_and_below_the_queue(signed_in, alice):
    known, strange = make_group(alice, 6), make_group(alice, 3)
    rank_questions(alice.pk)
    Question.objects.filter(cluster=strange).update(is_stranger=True)

    context = signed_in.get(reverse("people:index")).context
    assert list(context["groups"]) == [known]
    assert [(kind, count) for kind, _, count in context["folded"]] == [("strangers", 1)]
    assert list(signed_in.get(reverse("people:unnamed"), {"kind": "strangers"}).context["items"]) == [strange]
    assert signed_in.get(reverse("people:strip")).context["groups"] == [known]

    known.faces.update(is_ignored=True)
    html = signed_in.get(reverse("people:review")).content.decode()
    assert "1 group of people seen on one day only" in html
    assert reverse("people:name-group", args=[strange.pk]) in html


def test_naming_a_stranger_below_the_queue_shows_the_queue_again(signed_in, alice):
    group = make_group(alice, 3)
    rank_questions(alice.pk)
    Question.objects.update(is_stranger=True)
    data = {"name": "Ann", "next": reverse("people:review")}

    response = signed_in.post(
        reverse("people:name-group", args=[group.pk]), data, HTTP_HX_TARGET="question", follow=True, **HTMX
    )

    assert response.redirect_chain == [(reverse("people:review"), 302)]
    assert Person.objects.get().faces.count() == 3


# ---------- People who may be the same


def test_a_person_page_names_somebody_who_may_be_the_same(signed_in, alike):
    ann, anna, question = alike

    for person in (ann, anna):
        response = signed_in.get(person.get_absolute_url())
        assert response.context["alike"] == question
        assert f"{reverse('people:review')}?key={question.key}" in response.content.decode()


def test_a_link_to_a_question_asks_it_first_even_if_it_was_skipped(signed_in, alice, alike):
    *_, question = alike
    make_group(alice, 9)
    rank_questions(alice.pk)
    signed_in.post(reverse("people:answer"), {"answer": "skip", "key": question.key})

    response = signed_in.get(reverse("people:review"), {"key": question.key})

    assert response.context["question"] == question


def test_a_card_names_no_face_that_joined_its_group_since(signed_in, alice, group):
    ledger.regroup(alice.pk, {face.pk: group.pk for face in group.faces.all()})
    page = signed_in.get(reverse("people:index"))
    as_of = page.context["as_of"]
    assert f'name="as-of" value="{as_of}"' in page.content.decode()
    joined = make_face(make_photo(alice))
    ledger.regroup(alice.pk, {joined.pk: group.pk})

    signed_in.post(reverse("people:name-group", args=[group.pk]), {"name": "Ann", "as-of": as_of})

    joined.refresh_from_db()
    assert joined.person is None
    assert Person.objects.get().faces.count() == 3


def test_the_photos_page_keeps_a_place_for_groups_that_can_be_named(signed_in, alice):
    def has_place() -> bool:
        return 'id="who-title"' in signed_in.get("/").content.decode()

    make_photo(alice)
    assert not has_place()
    group = make_group(alice, 2)
    assert has_place()
    group.is_hidden = True
    group.save()
    assert not has_place()
    make_face(make_photo(alice), cluster=make_cluster(alice))  # one face is no group
    assert not has_place()
