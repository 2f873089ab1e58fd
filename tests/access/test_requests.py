"""Requests that are not what they seem: forged, redirected, spoofed, injected."""

from urllib.parse import urlsplit

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from accounts.models import User
from tests.access.addresses import address, told
from tests.access.routes import EXPECTED, REFUSED
from tests.factories import make_user

pytestmark = pytest.mark.usefixtures("at_home")

UNSAFE = sorted(name for name, expected in EXPECTED.items() if expected.post != REFUSED)
SIGN_IN = reverse("accounts:sign-in")
ELSEWHERE = (
    "https://evil.example/",
    "//evil.example/",
    "///evil.example/",
    "/\\evil.example/",
    "\\\\evil.example\\",
    "/%09/evil.example",
    "/\t/evil.example/",
    "http:evil.example",
    "http:///evil.example",
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "https://testserver@evil.example/",
    "https://testserver.evil.example/",
    "evil.example",
)
# Forms that say where to go on: all those of photos and people read the same field by the same function.
GOING_ON = ("accounts:change-language", "photos:favourite", "photos:trash-restore", "people:together", "people:hide")
SQL = (
    "'",
    "' OR 1=1 --",
    "1; DROP TABLE photos_photo; --",
    "1 UNION SELECT password FROM accounts_user",
    "\\",
    "%",
    "\0",
)
SUM, RESULT = "7919*6997", b"55409243"  # nothing that a token or an address might hold by chance
TEMPLATES = (f"{{{{{SUM}}}}}", "{% debug %}", f"${{{SUM}}}", f"#{{{SUM}}}", "%(username)s", "{0.__class__}")
SEARCHES = (
    "people:search", "people:search-offers", "people:names", "people:index", "people:history", "people:merge",
    "people:review", "people:alike", "people:pile", "people:unnamed", "photos:timeline", "photos:albums",
)  # fmt: skip
FIELDS = ("q", "p", "without", "album", "place", "from", "to", "faces", "mode", "page", "sort", "kind", "at", "person")


@pytest.mark.parametrize("name", UNSAFE)
def test_every_form_needs_its_token(home, name):
    client = Client(enforce_csrf_checks=True)
    if not EXPECTED[name].is_public:
        client.force_login(home.owner)

    for headers in ({}, {"X-CSRFToken": "a" * 64}, {"Origin": "https://evil.example", "X-CSRFToken": "a" * 64}):
        refused = client.post(address(name, home.ids), headers=headers)
        assert refused.status_code == 403
    assert b"too old" in refused.content


def test_every_unsafe_route_is_tested():
    assert len(UNSAFE) > 50


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_method_is_what_it_is(home, clients, name):
    """No header and no field makes a POST of a GET, or something else of a POST."""
    expected = EXPECTED[name]
    with transaction.atomic():
        overridden = clients["owner"].get(
            address(name, home.ids), {"_method": "POST"}, headers={"X-HTTP-Method-Override": "POST"}
        )
        list(overridden) if overridden.streaming else None
        transaction.set_rollback(True)

    assert overridden.status_code == expected.get


@pytest.mark.parametrize("elsewhere", ELSEWHERE)
def test_nothing_leads_to_another_site(client, elsewhere):
    make_user(username="ruth", password="correct horse 7")
    signed_in = client.post(SIGN_IN, {"username": "ruth", "password": "correct horse 7", "next": elsewhere})
    urls = [signed_in.url, client.get(SIGN_IN, {"next": elsewhere}).url]
    ruth = User.objects.get(username="ruth")
    from tests.factories import make_known

    person = make_known(ruth)
    for name in GOING_ON:
        url = reverse(name, args=[person.pk] if name == "people:hide" else [])
        fields = {"next": elsewhere, "language": "en", "photos": "1"}
        urls.append(client.post(url, fields).url)
        answer = client.post(url, fields, headers={"HX-Request": "true"})
        urls.append(answer.get("HX-Redirect") or answer.url)

    for url in urls:
        assert urlsplit(url).netloc == ""
        assert url.startswith("/")
        assert not url.startswith(("//", "/\\"))


def test_a_host_that_is_not_ours_is_refused(home, client):
    for host in ("evil.example", "127.0.0.1.evil.example", "testserver@evil.example", "evil.example:80"):
        assert client.get("/", headers={"Host": host}).status_code == 400


@pytest.mark.parametrize("https", [False, True])
def test_a_host_that_is_forwarded_counts_for_nothing(home, client, settings, https):
    settings.KITH_HTTPS = https
    response = client.get("/", headers={"X-Forwarded-Host": "evil.example"}, secure=https)

    assert urlsplit(response.url).netloc == ""


@pytest.mark.parametrize(
    ("https", "address", "is_believed"),
    [(False, "127.0.0.1", False), (True, "8.8.4.4", False), (True, "172.18.0.5", True), (True, "127.0.0.1", True)],
)
def test_only_the_proxy_says_that_a_request_came_encrypted(rf, settings, https, address, is_believed):
    from config.middleware import ForwardedMiddleware

    settings.KITH_HTTPS = https
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    request = rf.get("/", REMOTE_ADDR=address, headers={"X-Forwarded-Proto": "https", "X-Forwarded-For": "1.2.3.4"})

    ForwardedMiddleware(lambda request: None)(request)

    assert request.is_secure() is is_believed
    assert ("HTTP_X_FORWARDED_FOR" in request.META) is is_believed


def test_a_new_address_in_a_header_is_not_a_new_try(client):
    make_user(username="ruth", password="correct horse 7")

    answers = [
        client.post(
            SIGN_IN, {"username": "ruth", "password": "wrong"}, headers={"X-Forwarded-For": f"198.51.100.{number}"}
        ).status_code
        for number in range(11)
    ]

    assert answers[-1] == 429


@pytest.mark.parametrize("name", SEARCHES)
def test_what_looks_like_a_command_is_a_text(home, clients, name):
    url = address(name, home.ids)
    for text in SQL + TEMPLATES:
        with transaction.atomic():
            response = clients["owner"].get(url, dict.fromkeys(FIELDS, text))
            transaction.set_rollback(True)
        assert response.status_code in (200, 302, 404)
        assert b"argon2" not in response.content
        assert RESULT not in response.content


@pytest.mark.parametrize("name", UNSAFE)
def test_forms_take_nonsense_without_breaking(home, clients, name):
    fields = (
        "name", "person", "title", "photos", "faces", "shown", "groups", "people", "query", "note", "answer", "key",
        "card", "counted", "as-of", "as_of", "scope", "day", "state", "expected", "session", "language", "theme",
        "left", "top", "width", "height", "word", "username", "password", "about", "cluster", "question", "keep",
    )  # fmt: skip
    for text in ("' OR 1=1 --", "\0", "{{7*7}}", "9" * 30, "-1", "NaN"):
        with transaction.atomic():
            response = clients["owner"].post(address(name, home.ids), dict.fromkeys(fields, text))
            told(response)
            transaction.set_rollback(True)
        assert response.status_code < 500
