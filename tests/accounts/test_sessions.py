"""Where a user is signed in, and signing other browsers out."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import BrowserSession
from accounts.session_views import number_of
from accounts.sessions import SEEN, names_of
from tests.factories import make_user

SETTINGS = reverse("accounts:settings")
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Version/19.0 Safari/604.1"
LAPTOP = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"


@pytest.fixture
def here(alice) -> Client:
    return browser(alice, LAPTOP)


@pytest.fixture
def phone(alice) -> Client:
    return browser(alice, PHONE)


def browser(user, agent: str) -> Client:
    if not user.has_usable_password():  # a new one would sign the user's other browsers out
        user.set_password("correct horse 7")
        user.save()
    client = Client(headers={"user-agent": agent})
    signed_in = client.post(reverse("accounts:sign-in"), {"username": user.username, "password": "correct horse 7"})
    assert signed_in.status_code == 302
    return client


@pytest.mark.parametrize(
    ("agent", "names"),
    [
        (PHONE, ("Safari", "iPhone")),
        (LAPTOP, ("Firefox", "Linux")),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/142.0 Safari/537.36 Edg/142.0", ("Edge", "Windows")),
        ("Mozilla/5.0 (Linux; Android 16) AppleWebKit/537.36 Chrome/142.0 Mobile Safari/537.36", ("Chrome", "Android")),
        ("curl/8.5", ("", "")),
        ("", ("", "")),
    ],
)
def test_a_user_agent_is_a_browser_and_a_system(agent, names):
    assert names_of(agent) == names


def test_settings_list_where_one_is_signed_in(alice, phone):
    here = browser(alice, LAPTOP)

    page = here.get(SETTINGS).content.decode()

    assert page.index("Firefox on Linux") < page.index("This browser") < page.index("Safari on iPhone")
    for session in BrowserSession.objects.all():
        assert session.session_key not in page


def test_another_browser_is_signed_out(alice, phone):
    here = browser(alice, LAPTOP)
    other = BrowserSession.objects.get(agent=PHONE)

    here.post(reverse("accounts:end-session"), {"session": number_of(other)})

    assert here.get(SETTINGS).status_code == 200
    assert phone.get(SETTINGS).status_code == 302


def test_all_others_are_signed_out_and_nobody_elses(alice, phone):
    bob = browser(make_user(username="bob"), PHONE)
    here = browser(alice, LAPTOP)

    here.post(reverse("accounts:end-other-sessions"))

    assert [client.get(SETTINGS).status_code for client in (here, phone, bob)] == [200, 302, 200]


def test_the_session_of_somebody_else_cannot_be_ended(here):
    bob = browser(make_user(username="bob"), PHONE)
    theirs = BrowserSession.objects.get(agent=PHONE)

    here.post(reverse("accounts:end-session"), {"session": number_of(theirs)})

    assert bob.get(SETTINGS).status_code == 200


def test_a_session_says_when_it_was_last_used_without_a_write_for_every_page(here):
    row = BrowserSession.objects.get()
    here.get(SETTINGS)
    assert BrowserSession.objects.get().seen_at == row.seen_at

    session = here.session
    session[SEEN] -= 3600
    session.save()
    before = BrowserSession.objects.get().seen_at
    here.get(SETTINGS)
    assert BrowserSession.objects.get().seen_at > before


def test_sessions_that_ended_are_not_listed(alice, here, phone):
    BrowserSession.objects.filter(agent=PHONE).update(expire_date=timezone.now() - timedelta(days=1))

    page = here.get(SETTINGS).content.decode()

    assert "Firefox on Linux" in page
    assert "Safari on iPhone" not in page


def test_sessions_of_others_are_not_listed(here):
    browser(make_user(username="bob"), PHONE)

    page = here.get(SETTINGS).content.decode()

    assert "Firefox on Linux" in page
    assert "Safari on iPhone" not in page
