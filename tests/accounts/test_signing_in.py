"""Signing in and out."""

import pytest
from django.urls import reverse

from accounts.hashers import BoundedArgon2PasswordHasher
from tests.factories import make_user

SIGN_IN = reverse("accounts:sign-in")
PASSWORD = "correct horse 7"


@pytest.fixture
def ruth(db):
    return make_user(username="ruth", password=PASSWORD)


def sign_in(client, **more):
    return client.post(SIGN_IN, {"username": "ruth", "password": PASSWORD} | more)


def test_signing_in_leads_to_the_photos(client, ruth):
    response = sign_in(client)

    assert response.url == reverse("photos:timeline")
    assert client.session["_auth_user_id"] == str(ruth.pk)


def test_signing_in_leads_to_where_the_user_wanted_to_be(client, ruth):
    page = client.get(reverse("photos:albums"), follow=True)

    response = sign_in(client, next=page.context["next"])

    assert response.url == reverse("photos:albums")


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "http:///evil"]
)
def test_signing_in_never_leads_to_another_site(client, ruth, elsewhere):
    assert sign_in(client, next=elsewhere).url == reverse("photos:timeline")
    client.logout()
    client.force_login(ruth)
    assert client.get(SIGN_IN, {"next": elsewhere}).url == reverse("photos:timeline")


def test_a_wrong_password_says_so_without_saying_which_was_wrong(client, ruth):
    wrong_password = sign_in(client, password="wrong")
    no_such_user = sign_in(client, username="nobody")

    sentence = b"User name and password do not match"
    assert wrong_password.status_code == no_such_user.status_code == 422
    assert sentence in wrong_password.content
    assert sentence in no_such_user.content
    assert "_auth_user_id" not in client.session


def test_after_ten_wrong_passwords_even_the_right_one_waits(client, ruth, settings):
    for _ in range(settings.AXES_FAILURE_LIMIT):
        response = sign_in(client, password="wrong")

    assert response.status_code == 429
    assert sign_in(client).status_code == 429
    assert b"Too many tries" in response.content


def test_a_fragment_of_an_ended_session_reloads_the_page(client, ruth):
    response = client.get(SIGN_IN, headers={"HX-Request": "true"})

    assert response["HX-Refresh"] == "true"


def test_signing_out_needs_a_post(signed_in):
    assert signed_in.get(reverse("accounts:sign-out")).status_code == 405
    assert "_auth_user_id" in signed_in.session

    assert signed_in.post(reverse("accounts:sign-out")).url == SIGN_IN
    assert "_auth_user_id" not in signed_in.session


def test_passwords_are_hashed_with_bounded_argon2id(ruth):
    hasher = BoundedArgon2PasswordHasher()

    assert ruth.password.startswith("argon2$argon2id$")
    assert "m=19456,t=2,p=1" in ruth.password
    assert hasher.verify(PASSWORD, ruth.password)
