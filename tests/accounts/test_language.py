"""In which language Kith speaks: the user's choice, else the browser's."""

import re

import pytest
from django.conf import settings
from django.urls import reverse

CHANGE = reverse("accounts:change-language")
SETTINGS = reverse("accounts:settings")
SIGN_IN = reverse("accounts:sign-in")
GERMAN = {"Accept-Language": "de-AT,de;q=0.9,en;q=0.5"}


def language_of(response) -> str:
    found = re.search(rb'<html lang="([^"]*)"', response.content)
    assert found
    return found[1].decode()


def test_a_stranger_is_spoken_to_as_the_browser_says(client, alice):
    assert language_of(client.get(SIGN_IN)) == "en"
    assert language_of(client.get(SIGN_IN, headers=GERMAN)) == "de"
    assert language_of(client.get(SIGN_IN, headers={"Accept-Language": "fr"})) == "en"


def test_a_stranger_can_choose(client, alice):
    response = client.post(CHANGE, {"language": "de", "next": SIGN_IN})

    assert response.headers["Location"] == SIGN_IN
    assert language_of(client.get(SIGN_IN)) == "de"


def test_the_users_choice_counts_more_than_cookie_and_browser(client, alice):
    client.force_login(alice)
    client.post(CHANGE, {"language": "de", "next": SETTINGS})
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = "en"

    assert language_of(client.get(SETTINGS, headers={"Accept-Language": "en"})) == "de"
    alice.refresh_from_db()
    assert alice.language == "de"


def test_without_a_choice_it_is_the_browsers_again(client, alice):
    client.force_login(alice)
    client.post(CHANGE, {"language": "de"})
    client.post(CHANGE, {"language": ""})

    assert language_of(client.get(SETTINGS, headers={"Accept-Language": "en"})) == "en"
    assert language_of(client.get(SETTINGS, headers=GERMAN)) == "de"


def test_the_choice_stays_after_signing_out(client, alice):
    client.force_login(alice)
    client.post(CHANGE, {"language": "de"})
    client.post(reverse("accounts:sign-out"))

    assert language_of(client.get(SIGN_IN)) == "de"


def test_nonsense_changes_nothing(client, alice):
    client.force_login(alice)
    response = client.post(CHANGE, {"language": "xx", "next": "https://elsewhere.example/"})

    assert response.headers["Location"].startswith("/")
    alice.refresh_from_db()
    assert alice.language == ""


def test_the_owner_keeps_the_language_of_the_welcome_page(client, db):
    from accounts.models import User

    client.post(CHANGE, {"language": "de", "next": reverse("accounts:welcome")})
    client.post(
        reverse("accounts:welcome"), {"username": "ada", "password1": "a-good-long-one", "password2": "a-good-long-one"}
    )

    assert User.objects.get().language == "de"


@pytest.mark.parametrize(("language", "status"), [("en", 200), ("de", 200), ("fr", 404)])
def test_scripts_have_a_catalogue_in_each_language(client, alice, language, status):
    assert client.get(f"/jsi18n/{language}.js").status_code == status


def test_browsers_keep_the_catalogue_until_it_changes(client, alice):
    client.force_login(alice)
    page = client.get(SETTINGS).content.decode()
    found = re.search(r'<script src="(/jsi18n/[^"]*)" defer>', page)
    assert found
    response = client.get(found[1], headers=GERMAN | {"Accept-Encoding": "gzip"})

    assert "immutable" in response["Cache-Control"]
    assert response["Content-Language"] == "en"
    assert response["Vary"] == "Accept-Encoding"
    assert len(response.content) < 8_000
    assert "immutable" not in client.get("/jsi18n/en.js?v=old")["Cache-Control"]
