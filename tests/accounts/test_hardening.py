"""What a stranger can learn and do at the sign-in page, and how a new Kith stands."""

import json
import os
import re
import statistics
import subprocess
import sys
import time

import pytest
from django.conf import settings
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.test import Client
from django.urls import reverse

from accounts.hashers import BoundedArgon2PasswordHasher
from accounts.models import BrowserSession, User
from tests.factories import make_user
from tests.services import ROOT

SIGN_IN = reverse("accounts:sign-in")
PASSWORD = "correct horse 7"
TRIES = 15  # of each kind


@pytest.fixture
def ruth(db):
    return make_user(username="ruth", password=PASSWORD)


def sign_in(client: Client, username: str = "ruth", password: str = PASSWORD, **more):
    return client.post(SIGN_IN, {"username": username, "password": password}, **more)


@pytest.fixture
def hashed(monkeypatch) -> list[str]:
    """A note for each time a password was hashed, the costly step."""
    done = []
    for name in ("encode", "verify"):
        real = getattr(BoundedArgon2PasswordHasher, name)

        def noted(self, *args, _real=real, _name=name, **kwargs):
            done.append(_name)
            return _real(self, *args, **kwargs)

        monkeypatch.setattr(BoundedArgon2PasswordHasher, name, noted)
    return done


def test_a_hash_of_other_costs_is_renewed_at_the_next_sign_in(client, ruth):
    ruth.password = Argon2PasswordHasher().encode(PASSWORD, "s" * 16)
    ruth.save()
    assert "m=102400" in ruth.password

    assert sign_in(client).status_code == 302

    ruth.refresh_from_db()
    assert ruth.password.startswith("argon2$argon2id$")
    assert "m=19456,t=2,p=1" in ruth.password


def test_all_threads_hashing_at_once_stay_below_300_megabytes():
    threads = settings.KITH_WEB_PROCESSES * settings.KITH_WEB_THREADS

    assert threads * BoundedArgon2PasswordHasher.memory_cost * 1024 <= 330e6
    assert settings.PASSWORD_HASHERS == ["accounts.hashers.BoundedArgon2PasswordHasher"]


def test_who_is_locked_out_costs_no_hash(client, ruth, hashed):
    for _ in range(settings.AXES_FAILURE_LIMIT):
        sign_in(client, password="wrong")
    hashed.clear()

    assert sign_in(client).status_code == 429
    assert sign_in(client, password="wrong").status_code == 429

    assert hashed == []


def test_the_lock_is_for_one_name_from_one_address(client, ruth):
    make_user(username="nina", password=PASSWORD)
    for _ in range(settings.AXES_FAILURE_LIMIT + 1):
        sign_in(client, password="wrong")

    assert sign_in(client).status_code == 429
    assert sign_in(Client(), "nina").status_code == 302
    assert sign_in(Client(REMOTE_ADDR="192.168.1.9")).status_code == 302


def test_slips_are_forgotten_once_the_password_was_right(client, ruth):
    for _ in range(3):
        for _ in range(settings.AXES_FAILURE_LIMIT - 1):
            assert sign_in(Client(), password="wrong").status_code == 422
        assert sign_in(Client()).status_code == 302


def test_known_unknown_and_closed_names_get_the_same_answer(ruth):
    make_user(username="gone", password=PASSWORD, is_active=False)
    answers = set()
    for name in ("ruth", "nobody", "gone"):
        response = sign_in(Client(), name, "wrong")
        page = re.sub(r"[A-Za-z0-9]{64}", "", response.content.decode().replace(name, "NAME"))
        answers.add((response.status_code, page, tuple(sorted(response.headers.keys()))))

    assert len(answers) == 1
    assert sign_in(Client(), "gone", PASSWORD).status_code == 422


def test_known_and_unknown_names_take_the_same_time(ruth, hashed, settings, django_assert_max_num_queries):
    """Processor time of this thread: what other tests do meanwhile does not count."""
    settings.AXES_FAILURE_LIMIT = 10 * TRIES
    seconds = {"ruth": [], "nobody": []}
    for _ in range(TRIES):
        for name, taken in seconds.items():
            begin = time.thread_time()
            sign_in(Client(), name, "wrong")
            taken.append(time.thread_time() - begin)

    known, unknown = (statistics.median(taken) for taken in seconds.values())
    print(f"known {known * 1000:.1f} ms, unknown {unknown * 1000:.1f} ms")
    assert len(hashed) == 2 * TRIES
    assert abs(known - unknown) <= 0.020


def test_a_session_gets_a_new_key_at_sign_in(client, ruth):
    client.get(SIGN_IN)
    session = client.session
    session["planted"] = True
    session.save()
    client.cookies[settings.SESSION_COOKIE_NAME] = planted = session.session_key

    assert sign_in(client).status_code == 302

    assert client.cookies[settings.SESSION_COOKIE_NAME].value != planted
    assert not BrowserSession.objects.filter(pk=planted).exists()


def test_signing_out_ends_the_session_wherever_its_cookie_went(client, ruth):
    sign_in(client)
    thief = Client()
    thief.cookies[settings.SESSION_COOKIE_NAME] = client.cookies[settings.SESSION_COOKIE_NAME].value
    assert thief.get("/settings/").status_code == 200

    client.post(reverse("accounts:sign-out"))

    assert thief.get("/settings/").status_code == 302


@pytest.mark.parametrize("change", [{"is_active": False}, {"password": "!"}])
def test_closing_an_account_ends_its_sessions_at_once(client, ruth, change):
    sign_in(client)
    User.objects.filter(pk=ruth.pk).update(**change)

    assert client.get("/settings/").status_code == 302


def test_cookies_are_not_for_scripts_and_not_for_other_sites(client, ruth):
    sign_in(client)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME]

    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"


def test_a_new_kith_has_no_user(db):
    assert not User.objects.exists()


def fresh(home, *command: str, **environment: str) -> subprocess.CompletedProcess:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("KITH_", "DJANGO_", "DATABASE_", "REDIS_"))}
    return subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=inherited | {"KITH_HOME": str(home)} | environment,
        capture_output=True, text=True,
    )  # fmt: skip


def test_a_new_kith_is_closed(tmp_path):
    script = (
        "import json, django; from django.conf import settings as s; s.DEBUG; from pathlib import Path;"
        "from config.management.commands.up import Command;"
        "options = Command().create_parser('manage.py', 'up').parse_args([]);"
        "key = Path(s.KITH_HOME, 'secret-key');"
        "print(json.dumps([s.DEBUG, s.SECRET_KEY, s.ALLOWED_HOSTS, oct(key.stat().st_mode), options.host]))"
    )
    settings_module = {"DJANGO_SETTINGS_MODULE": "config.settings"}
    told = [fresh(tmp_path / str(number), "-c", script, **settings_module) for number in range(2)]

    (debug, key, hosts, mode, listens), other = (json.loads(each.stdout) for each in told)
    assert (debug, mode, listens) == (False, "0o100600", "127.0.0.1")
    assert hosts == ["127.0.0.1", "localhost", "[::1]"]
    assert key != other[1]
    assert len(key) >= 50


def test_behind_https_djangos_own_check_has_nothing_to_say(tmp_path):
    production = {"KITH_HTTPS": "1", "KITH_ALLOWED_HOSTS": "photos.example.org"}

    checked = fresh(tmp_path, "manage.py", "check", "--deploy", "--fail-level", "WARNING", **production)

    assert checked.returncode == 0, checked.stderr
    assert "no issues (3 silenced)" in checked.stdout
