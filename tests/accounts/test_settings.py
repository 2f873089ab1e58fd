"""The settings page."""

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.signals import face_analysis_changed

SETTINGS = reverse("accounts:settings")


@pytest.fixture
def told():
    """What listeners hear about face analysis."""
    heard = []

    def listen(sender, user, **kwargs):
        heard.append(user.face_analysis)

    face_analysis_changed.connect(listen)
    yield heard
    face_analysis_changed.disconnect(listen)


def test_the_page_shows_what_is_set(signed_in, alice):
    page = signed_in.get(SETTINGS).content.decode()

    assert "alice" in page
    assert "Turn off" in page
    assert reverse("photos:status") in page


def test_the_theme_is_kept_and_put_on_the_page(signed_in, alice):
    assert b'data-theme="system"' in signed_in.get(SETTINGS).content

    response = signed_in.post(reverse("accounts:change-theme"), {"theme": "dark"})

    assert response.url == SETTINGS
    assert b'data-bs-theme="dark">' in signed_in.get(SETTINGS).content


def test_an_unknown_theme_changes_nothing(signed_in, alice):
    signed_in.post(reverse("accounts:change-theme"), {"theme": "mauve"})

    alice.refresh_from_db()
    assert alice.theme == User.Theme.SYSTEM


def test_faces_can_be_turned_off_and_on_again(signed_in, alice, told):
    for answer in ("off", "on"):
        response = signed_in.post(reverse("accounts:change-faces"), {"face_analysis": answer})
        alice.refresh_from_db()

        assert response.url == SETTINGS
        assert alice.face_analysis == answer
    assert told == ["off", "on"]


def test_an_answer_that_changes_nothing_is_not_announced(signed_in, alice, told):
    signed_in.post(reverse("accounts:change-faces"), {"face_analysis": "on"})

    assert told == []


def test_a_new_password_keeps_this_browser_and_signs_the_others_out(alice):
    alice.set_password("correct horse 7")
    alice.save()
    here, there = Client(), Client()
    here.force_login(alice)
    there.force_login(alice)
    new = {"old_password": "correct horse 7", "new_password1": "better horse 8", "new_password2": "better horse 8"}

    response = here.post(reverse("accounts:change-password"), new)

    assert [str(message) for message in get_messages(response.wsgi_request)] == ["Password changed."]
    assert here.get(SETTINGS).status_code == 200
    assert there.get(SETTINGS).status_code == 302
    alice.refresh_from_db()
    assert alice.check_password("better horse 8")


def test_a_password_change_with_a_wrong_old_password_is_refused_in_place(signed_in, alice):
    wrong = {"old_password": "wrong", "new_password1": "better horse 8", "new_password2": "better horse 8"}

    response = signed_in.post(reverse("accounts:change-password"), wrong)

    assert response.status_code == 422
    assert b'aria-invalid="true"' in response.content


@pytest.mark.parametrize("name", ["change-theme", "change-faces", "change-password"])
def test_changes_need_a_post(signed_in, name):
    assert signed_in.get(reverse(f"accounts:{name}")).status_code == 405
