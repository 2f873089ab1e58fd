"""The first visit: an account, the question about faces, and nothing before them."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.signals import face_analysis_changed
from tests.factories import make_photo, make_user

OWNER = {"username": "ruth", "password1": "correct horse 7", "password2": "correct horse 7"}
WELCOME = reverse("accounts:welcome")
FACES = reverse("accounts:faces")


@pytest.fixture
def undecided(client, db) -> User:
    user = make_user(face_analysis=User.FaceAnalysis.UNANSWERED)
    client.force_login(user)
    return user


@pytest.mark.parametrize("name", ["photos:timeline", "photos:upload", "accounts:sign-in", "accounts:settings"])
def test_before_there_is_a_user_every_page_leads_to_the_welcome_page(client, db, name):
    response = client.get(reverse(name))

    assert response.status_code == 302
    assert response.url == WELCOME


def test_before_there_is_a_user_the_health_check_answers(client, db):
    assert client.get(reverse("photos:healthz")).status_code == 200


def test_the_welcome_page_makes_the_owner_and_signs_in(client, db):
    response = client.post(WELCOME, OWNER)

    owner = User.objects.get()
    assert response.url == FACES
    assert client.session["_auth_user_id"] == str(owner.pk)
    assert owner.check_password("correct horse 7")
    assert owner.face_analysis == User.FaceAnalysis.UNANSWERED


@pytest.mark.parametrize(
    "change", [{"password2": "correct horse 8"}, {"password1": "1", "password2": "1"}, {"username": ""}]
)
def test_a_bad_answer_comes_back_with_what_is_wrong(client, db, change):
    response = client.post(WELCOME, OWNER | change)

    assert response.status_code == 422
    assert b"field-error" in response.content
    assert not User.objects.exists()


def test_the_welcome_page_works_only_once(client, db):
    make_user()

    for response in (client.get(WELCOME), client.post(WELCOME, OWNER)):
        assert response.url == reverse("accounts:sign-in")
    assert User.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_first_visits_at_once_make_one_owner():
    def visit(number: int) -> int:
        try:
            return Client().post(WELCOME, OWNER | {"username": f"ruth{number}"}).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(visit, range(4))) == {302}

    assert User.objects.count() == 1


@pytest.mark.parametrize("accept", [{}, {"Accept": "text/html,application/xhtml+xml"}])
def test_pages_ask_about_faces_until_there_is_an_answer(client, undecided, accept):
    assert client.get(reverse("photos:timeline"), headers=accept).url == FACES


def test_fragments_do_not_ask_about_faces(client, undecided):
    assert client.get(reverse("photos:timeline"), headers={"HX-Request": "true"}).status_code == 200


def test_pictures_do_not_ask_about_faces(client, undecided):
    picture = reverse("photos:original", args=[make_photo(undecided).pk])

    assert client.get(picture).url == FACES
    assert client.get(picture, headers={"Accept": "image/avif,image/webp,*/*"}).status_code != 302


def test_neither_answer_about_faces_is_preselected(client, undecided):
    response = client.get(FACES)

    assert response.content.count(b'type="radio"') == 2
    assert b"checked" not in response.content


@pytest.mark.parametrize("data", [{}, {"face_analysis": "unanswered"}, {"face_analysis": "perhaps"}])
def test_no_answer_about_faces_is_told_in_place(client, undecided, data):
    response = client.post(FACES, data)

    undecided.refresh_from_db()
    assert response.status_code == 422
    assert b"Choose one." in response.content
    assert undecided.face_analysis == User.FaceAnalysis.UNANSWERED


@pytest.mark.parametrize(("answer", "allowed"), [("on", True), ("off", False)])
def test_an_answer_about_faces_is_kept_announced_and_leads_to_the_upload(client, undecided, answer, allowed):
    told = []

    def listen(sender, user, **kwargs):
        told.append((user, user.allows_faces))

    face_analysis_changed.connect(listen)
    try:
        response = client.post(FACES, {"face_analysis": answer})
    finally:
        face_analysis_changed.disconnect(listen)

    undecided.refresh_from_db()
    assert response.url == reverse("photos:upload")
    assert undecided.allows_faces is allowed
    assert told == [(undecided, allowed)]


def test_the_question_about_faces_is_for_users_only(client, db):
    make_user()

    assert client.get(FACES).url.startswith(reverse("accounts:sign-in"))
