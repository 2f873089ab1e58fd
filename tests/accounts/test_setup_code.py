"""The setup code: making the first account from elsewhere asks for what Kith shows where it was started."""

import stat
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.setup_code import is_setup_code, setup_code
from tests.factories import make_user

pytestmark = pytest.mark.django_db

WELCOME = reverse("accounts:welcome")
OWNER = {"username": "ruth", "password1": "correct horse 7", "password2": "correct horse 7"}
FROM_ELSEWHERE = {"REMOTE_ADDR": "192.168.1.20"}


@pytest.fixture(autouse=True)
def _home_of_its_own(settings, tmp_path):
    settings.KITH_HOME = tmp_path


def test_on_the_machine_itself_no_code_is_asked_for(client, django_capture_on_commit_callbacks):
    assert b"Setup code" not in client.get(WELCOME).content
    with django_capture_on_commit_callbacks(execute=True):  # forgets a code that nobody asked for
        assert client.post(WELCOME, OWNER).status_code == 302
    assert User.objects.count() == 1


@pytest.mark.parametrize("code", ["", "AAAA-AAAA", "' OR 1=1", "ß" * 40])
def test_from_elsewhere_nobody_gets_in_without_it(code):
    client = Client(**FROM_ELSEWHERE)
    assert b"Setup code" in client.get(WELCOME).content

    response = client.post(WELCOME, OWNER | {"setup_code": code})

    assert response.status_code == 422
    assert not User.objects.exists()


def test_a_code_is_good_once_however_it_is_typed(settings, django_capture_on_commit_callbacks):
    code = setup_code()
    assert setup_code() == code

    with django_capture_on_commit_callbacks(execute=True):
        response = Client(**FROM_ELSEWHERE).post(WELCOME, OWNER | {"setup_code": f" {code.lower().replace('-', ' ')}"})

    assert response.status_code == 302
    assert User.objects.get().username == "ruth"
    assert not (settings.KITH_HOME / "setup-code").exists()
    assert not is_setup_code(code)


@pytest.mark.parametrize("change", [{"KITH_IS_ELSEWHERE": True}])
@pytest.mark.parametrize("address", ["127.0.0.1", "::1", ""])
def test_behind_a_proxy_everybody_seems_to_be_on_this_machine_and_is_asked(settings, change, address):
    for name, value in change.items():
        setattr(settings, name, value)

    assert b"Setup code" in Client(REMOTE_ADDR=address).get(WELCOME).content


@pytest.mark.parametrize("address", ["", "localhost", "127.0.0.1.", "::ffff:192.168.1.20"])
def test_who_has_no_address_of_this_machine_is_asked(address):
    assert b"Setup code" in Client(REMOTE_ADDR=address).get(WELCOME).content


def test_nothing_a_stranger_says_makes_them_local():
    headers = {"X-Forwarded-For": "127.0.0.1", "X-Real-IP": "127.0.0.1", "Forwarded": "for=127.0.0.1"}

    assert b"Setup code" in Client(**FROM_ELSEWHERE).get(WELCOME, headers=headers).content


def test_codes_are_closed_to_others_and_hard_to_guess(settings):
    code = setup_code()

    kept = Path(settings.KITH_HOME / "setup-code")
    assert [path for path in settings.KITH_HOME.iterdir() if path.is_file()] == [kept]  # no other file says it
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    kept.unlink()
    assert setup_code() != code
    assert len(code.replace("-", "")) == 8


def test_the_command_shows_the_code_while_there_is_nobody():
    shown = StringIO()
    call_command("setup_code", stdout=shown)
    assert setup_code() in shown.getvalue()

    make_user()
    shown = StringIO()
    call_command("setup_code", stdout=shown)
    assert setup_code() not in shown.getvalue()
