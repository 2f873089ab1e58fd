"""Answers to the review queue as its script sends them: once each, the right card behind them, and the way back."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from people import answers, ledger
from people.answered import CARD, answer_once, new_card
from people.models import Decision, Face, Person, Question
from people.ranking import rank_questions
from tests.factories import make_face, make_group, make_known, make_photo, make_suggestion, unit


@pytest.fixture
def ann(alice) -> Person:
    """Ann, two single faces that may be hers, and a group of four that may be."""
    ann = make_known(alice, likeness=unit(1), faces=2)
    faces = [make_face(make_photo(alice), likeness=unit(1)) for _ in range(2)]
    for face in [*faces, *make_group(alice, 4, likeness=unit(1)).faces.all()]:
        make_suggestion(face, ann)
    rank_questions(alice.pk)
    return ann


@pytest.fixture
def groups(alice) -> list:
    groups = [make_group(alice, size) for size in (5, 4, 3)]
    rank_questions(alice.pk)
    return groups


def forms_in(html: str) -> list[dict[str, list[str]]]:
    """What the forms of the cards in a page send: of the one shown, and of the one made ready."""
    forms = []
    for form in re.findall('<form class="question.*?</form>', html, re.DOTALL):
        fields: dict[str, list[str]] = {}
        for field in re.findall("<input[^>]*>", form):
            name, value = re.search('name="([^"]*)"', field), re.search('value="([^"]*)"', field)
            if name and value and name[1] != "csrfmiddlewaretoken":
                fields.setdefault(name[1], []).append(value[1])
        forms.append(fields)
    return forms


def open_queue(client, query: str = "") -> list[dict[str, list[str]]]:
    return forms_in(client.get(reverse("people:review") + query).content.decode())


def send(client, form, kind: str, *, showing=None, **fields):
    """Answer as the page's script does: it shows the card made ready, or none."""
    showing = showing or {}
    behind = {
        "showing": showing.get("key", [""])[0],
        "showing-shown": ",".join(showing.get("shown", [])),
        "showing-counted": showing.get("counted", [""])[0],
    }
    return client.post(reverse("people:answer"), form | {"answer": kind} | behind | fields)


# ---------- The card behind


def test_the_reply_leaves_the_card_that_is_shown_alone_and_brings_the_one_after_it(signed_in, groups):
    first, second = open_queue(signed_in)

    html = send(signed_in, first, "ignore", showing=second).content.decode()

    assert "data-keeps" in html
    [third] = forms_in(html)
    assert third["key"] == [f"g{groups[2].pk}-"]
    assert "5 faces set aside" in html
    assert re.search('class="pill" aria-label="2 questions"', html)


def test_a_card_that_was_settled_elsewhere_is_replaced(signed_in, alice, groups):
    first, second = open_queue(signed_in)
    answers.ignore(alice, [face.pk for face in groups[1].faces.all()], actor=alice)

    html = send(signed_in, first, "ignore", showing=second).content.decode()

    assert "data-keeps" not in html
    assert forms_in(html)[0]["key"] == [f"g{groups[2].pk}-"]


def test_without_a_card_behind_the_reply_brings_one(signed_in, groups):
    first, _ = open_queue(signed_in)

    cards = forms_in(send(signed_in, first, "ignore").content.decode())

    assert [card["key"][0] for card in cards] == [f"g{group.pk}-" for group in groups[1:]]


def test_the_reply_takes_as_many_queries_in_any_library(signed_in, alice, groups, django_assert_max_num_queries):
    for _ in range(8):
        make_group(alice, 4)
    rank_questions(alice.pk)
    first, second = open_queue(signed_in)

    with django_assert_max_num_queries(49):
        send(signed_in, first, "name", showing=second, name="Cleo")


def test_the_page_takes_as_many_queries_in_any_library(signed_in, alice, ann, groups, django_assert_max_num_queries):
    for _ in range(8):
        make_group(alice, 4)
    rank_questions(alice.pk)

    with django_assert_max_num_queries(34):
        signed_in.get(reverse("people:review"))


# ---------- Once


def test_an_answer_that_arrives_twice_counts_once(signed_in, ann):
    [form] = open_queue(signed_in)

    replies = [send(signed_in, form, "yes").content.decode() for _ in range(2)]

    assert Decision.objects.count() == 1
    assert all("6 faces confirmed as Ann" in html for html in replies)


def test_another_answer_on_the_same_card_does_not_count(signed_in, ann):
    """The reply to the first one was lost, and the user thought again."""
    [form] = open_queue(signed_in)
    send(signed_in, form, "yes")

    html = send(signed_in, form, "no").content.decode()

    assert "6 faces confirmed as Ann" in html
    assert Decision.objects.count() == 1


def test_a_late_second_delivery_does_not_redo_what_was_undone(signed_in, alice, ann):
    [form] = open_queue(signed_in)
    send(signed_in, form, "yes")
    ledger.undo(Decision.objects.get(), actor=alice)

    html = send(signed_in, form, "yes").content.decode()

    assert "answered and undone meanwhile" in html
    assert ann.faces.count() == 2


def test_a_new_name_that_arrives_twice_makes_one_person(signed_in, groups):
    first, _ = open_queue(signed_in)
    for _ in range(2):
        send(signed_in, first, "name", name="Cleo")

    assert Person.objects.count() == 1
    assert Decision.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_deliveries_at_once_are_one_answer(alice, groups):
    client = Client()
    client.force_login(alice)
    first, _ = open_queue(client)

    def deliver(kind: str) -> int:
        own = Client()
        own.force_login(alice)
        try:
            return send(own, first, kind, name="Cleo").status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        codes = list(pool.map(deliver, ["name", "ignore", "name", "ignore"]))

    assert codes == [200] * 4
    assert Decision.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_the_second_of_two_different_answers_at_once_is_taken_back(alice, groups):
    """Neither saw the other when it began: the database refuses the second."""
    card = new_card(Question.objects.first())
    mine, theirs = (list(group.faces.values_list("pk", flat=True)) for group in groups[:2])

    def answer_elsewhere() -> None:
        try:
            answer_once(alice, card, lambda: answers.ignore(alice, theirs, actor=alice))
        finally:
            connection.close()

    def act():
        with ThreadPoolExecutor(1) as pool:
            pool.submit(answer_elsewhere).result()
        return answers.ignore(alice, mine, actor=alice)

    decision, is_old = answer_once(alice, card, act)

    assert is_old
    assert set(decision.changes.values_list("face", flat=True)) == set(theirs)
    assert Face.objects.filter(pk__in=mine, is_ignored=True).count() == 0


def test_a_card_of_somebody_else_says_nothing(signed_in, bob, alice, groups):
    first, _ = open_queue(signed_in)
    theirs = answers.ignore(bob, [make_face(make_photo(bob)).pk], actor=bob)
    theirs.card = first["card"][0]
    theirs.save()

    send(signed_in, first, "ignore")

    assert Decision.objects.owned_by(alice).count() == 1


@pytest.mark.parametrize("card", ["", "x", "p1-.", "p1-.\0", "p1-." + "x" * 80])
def test_a_card_without_a_proper_name_is_answered_all_the_same(signed_in, ann, card):
    [form] = open_queue(signed_in)

    send(signed_in, form | {"card": card}, "yes")

    assert Decision.objects.get().card == ""


def test_what_is_no_answer_is_refused_with_a_reason(signed_in, groups):
    first, second = open_queue(signed_in)

    no_face = send(signed_in, first | {"faces": []}, "ignore", showing=second)
    no_name = send(signed_in, first, "name", showing=second)

    assert (no_face.status_code, no_name.status_code) == (422, 422)
    assert "Tick at least one face first." in no_face.content.decode()
    assert "Say who this is." in no_name.content.decode()
    assert Decision.objects.count() == 0


def test_a_script_whose_user_is_signed_out_is_told_so(client, alice, groups):
    client.force_login(alice)
    first, _ = open_queue(client)
    client.logout()

    assert client.post(reverse("people:answer"), first, headers={"X-CSRFToken": "x"}).status_code == 401


# ---------- The way back


def test_a_card_that_was_answered_is_shown_as_it_was_answered(signed_in, alice, ann):
    [form] = open_queue(signed_in)
    unticked = form["faces"][0]
    send(signed_in, form | {"faces": form["faces"][1:]}, "yes")

    response = signed_in.get(reverse("people:review"), {"q": form["card"][0]})

    said = {each.face.pk: each.said for each in response.context["answered"].faces}
    assert said[int(unticked)] == "no"
    assert sorted(said.values()) == ["no"] + ["yes"] * (len(said) - 1)
    assert "You answered this" in response.content.decode()


def test_the_undo_of_the_message_leads_back_to_the_queue(signed_in, ann):
    [form] = open_queue(signed_in)

    html = send(signed_in, form, "yes").content.decode()

    [undo] = re.findall(r'action="/history/\d+/undo/">.*?name="next" value="([^"]*)"', html, re.DOTALL)
    assert undo == reverse("people:review")


def test_an_answer_that_is_changed_asks_its_question_again_under_a_new_name(signed_in, ann):
    [form] = open_queue(signed_in)
    send(signed_in, form, "yes")

    signed_in.post(reverse("people:undo", args=[Decision.objects.get().pk]))
    response = signed_in.get(reverse("people:review"), {"q": form["card"][0]})
    [again] = forms_in(response.content.decode())

    assert again["key"] == form["key"]
    assert sorted(again["shown"]) == sorted(form["shown"])
    assert again["card"] != form["card"]
    send(signed_in, again, "no")
    assert answers.rejected_pairs(ann.owner_id) == {(int(face), ann.pk) for face in form["shown"]}


def test_undo_of_a_no_asks_about_the_same_person_again(signed_in, ann):
    [form] = open_queue(signed_in)
    send(signed_in, form, "no")
    assert open_queue(signed_in) == []

    signed_in.post(reverse("people:undo-last"))

    [again] = open_queue(signed_in)
    assert (again["key"], sorted(again["shown"])) == (form["key"], sorted(form["shown"]))


def test_undo_of_another_name_asks_about_the_first_person_again(signed_in, alice, ann):
    bea = make_known(alice, "Bea", likeness=unit(40))
    [form] = open_queue(signed_in)
    send(signed_in, form, "", person=bea.pk)

    signed_in.post(reverse("people:undo-last"))

    assert open_queue(signed_in)[0]["about"] == [str(ann.pk)]


def test_a_reload_keeps_the_name_of_the_card(signed_in, groups):
    first, _ = open_queue(signed_in)

    again, _ = open_queue(signed_in, f"?q={first['card'][0]}")

    assert again["card"] == first["card"]
    assert CARD.fullmatch(again["card"][0])


def test_undo_after_a_skip_asks_what_was_skipped_and_takes_no_answer_back(signed_in, groups):
    first, second = open_queue(signed_in)
    send(signed_in, first, "ignore", showing=second)
    [form, *_] = open_queue(signed_in)
    send(signed_in, form, "skip")

    signed_in.post(reverse("people:undo-last"))

    assert open_queue(signed_in)[0]["key"] == form["key"]
    assert Decision.objects.get().is_in_force


def test_undo_after_a_skip_and_an_act_elsewhere_takes_that_back(signed_in, alice, groups):
    first, _ = open_queue(signed_in)
    send(signed_in, first, "skip")
    signed_in.post(reverse("people:name-group", args=[groups[1].pk]), {"name": "Ann"})

    signed_in.post(reverse("people:undo-last"))

    assert Decision.objects.order_by("pk").first().is_in_force is False


# ---------- A part of the queue


def test_about_one_person_only(signed_in, ann, groups):
    [form] = open_queue(signed_in, f"?person={ann.pk}")
    assert form["only"] == [str(ann.pk)]

    html = send(signed_in, form, "yes").content.decode()

    assert "Nothing left to ask about Ann" in html
    assert forms_in(html) == []


def test_the_questions_about_a_person_are_a_tab_of_theirs(signed_in, ann, django_assert_max_num_queries):
    address = f"{reverse('people:review')}?person={ann.pk}"

    def tabs(page: str) -> list[tuple[str, bool]]:
        links = re.findall(r"<li><a href=[^>]*>.*?</a>", re.search(r'<ul class="tabs">.*?</ul>', page, re.DOTALL)[0])
        return [(re.sub(r"<[^>]*>", "", link).strip(), 'aria-current="page"' in link) for link in links]

    signed_in.get(address)
    with django_assert_max_num_queries(40):
        page = signed_in.get(address).content.decode()

    assert tabs(page) == [("Photos 2", False), ("Faces 2", False), ("To review 6", True)]
    assert tabs(signed_in.get(ann.get_absolute_url()).content.decode()) == [
        ("Photos 2", True),
        ("Faces 2", False),
        ("To review 6", False),
    ]
    assert 'class="tabs"' not in signed_in.get(reverse("people:review")).content.decode()
    [form] = open_queue(signed_in, f"?person={ann.pk}")
    reply = send(signed_in, form, "yes", faces=form["shown"][:1]).content.decode()
    assert tabs(reply)[1] == ("Faces 3", False)


def test_about_the_faces_of_some_photos_only(signed_in, ann, groups):
    photos = ",".join(str(face.photo_id) for face in groups[2].faces.all())

    [form] = open_queue(signed_in, f"?photos={photos}")

    assert form["key"] == [f"g{groups[2].pk}-"]
    assert form["photos"] == [photos]


def test_a_person_of_somebody_else_is_no_part(signed_in, bob, groups):
    theirs = make_known(bob, "Bea")

    assert open_queue(signed_in, f"?person={theirs.pk}")[0]["key"] == [f"g{groups[0].pk}-"]


# ---------- Piles


def pile(client, ann, face: str):
    return client.get(reverse("people:pile"), {"person": ann.pk, "face": face})


def test_a_pile_shows_the_other_faces_of_its_group(signed_in, ann):
    [form] = open_queue(signed_in)
    cover = Face.objects.get(pk__in=form["shown"], cluster__isnull=False)

    response = pile(signed_in, ann, str(cover.pk))

    others = cover.cluster.faces.exclude(pk=cover.pk)
    assert {face.pk for face in response.context["faces"]} == {face.pk for face in others}


def test_a_face_of_an_open_pile_is_answered_for_by_itself(signed_in, ann):
    [form] = open_queue(signed_in)
    cover = Face.objects.get(pk__in=form["shown"], cluster__isnull=False)
    one, two, _ = cover.cluster.faces.exclude(pk=cover.pk).order_by("pk")
    opened = {
        "opened": [str(cover.cluster_id)],
        "shown": [*form["shown"], str(one.pk), str(two.pk)],
        "faces": [*form["faces"], str(two.pk)],
    }

    send(signed_in, form | opened, "yes")

    assert answers.rejected_pairs(ann.owner_id) == {(one.pk, ann.pk)}
    assert ann.faces.count() == 2 + 6 - 1


def test_piles_of_others_are_not_found(client, bob, ann):
    client.force_login(bob)
    face = Face.objects.filter(cluster__isnull=False).first()

    assert pile(client, ann, str(face.pk)).status_code == 404


# ---------- Around it


def test_the_number_in_the_navigation_can_be_asked_for(signed_in, groups, django_assert_max_num_queries):
    with django_assert_max_num_queries(4):
        html = signed_in.get(reverse("people:question-count")).content.decode()

    assert re.search('<span class="pill"[^>]*>3<', html)


def test_single_keys_are_switched_off_for_the_user(signed_in, alice):
    assert 'data-keys="off"' not in signed_in.get(reverse("accounts:settings")).content.decode()

    signed_in.post(reverse("accounts:change-keys"), {})
    alice.refresh_from_db()
    assert alice.uses_keys is False
    assert 'data-keys="off"' in signed_in.get(reverse("people:review")).content.decode()

    signed_in.post(reverse("accounts:change-keys"), {"uses_keys": "on"})
    alice.refresh_from_db()
    assert alice.uses_keys is True


def test_the_time_left_follows_the_pace_of_the_answers(signed_in, alice):
    for _ in range(30):
        make_group(alice, 3)
    rank_questions(alice.pk)

    assert signed_in.get(reverse("people:review")).context["minutes"] == 4
    session = signed_in.session
    session["pace"] = 2.0
    session.save()
    assert signed_in.get(reverse("people:review")).context["minutes"] == 1
