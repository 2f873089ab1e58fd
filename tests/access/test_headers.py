"""What every answer tells the browser not to do."""

import pytest
from django.test import Client

from tests.access.addresses import ROUTES, address, ask
from tests.access.routes import EXPECTED

pytestmark = pytest.mark.usefixtures("at_home")

POLICY = {
    "default-src": "'self'",
    "img-src": "'self' data: blob:",
    "object-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'self'",
}
# The same texts for everybody, at an address that changes when they do.
PUBLIC = {"words"}


def directives(policy: str) -> dict[str, str]:
    return {name: " ".join(values) for name, *values in (part.split() for part in policy.split(";") if part.strip())}


@pytest.mark.parametrize("name", sorted(ROUTES))
@pytest.mark.parametrize("role", ["owner", "anonymous"])
def test_every_answer_bears_every_header(home, clients, name, role):
    for method in ("GET", "POST", "PUT"):
        response = ask(clients[role], method, address(name, home.ids))

        assert response["X-Content-Type-Options"] == "nosniff"
        assert response["X-Frame-Options"] == "SAMEORIGIN"
        assert response["Referrer-Policy"] == "same-origin"
        assert response["Cross-Origin-Opener-Policy"] == "same-origin"
        assert response["Cross-Origin-Resource-Policy"] == "same-origin"
        assert "microphone=()" in response["Permissions-Policy"]
        assert "geolocation=()" in response["Permissions-Policy"]
        policy = directives(response["Content-Security-Policy"])
        assert policy in (POLICY, {"sandbox": ""})
        assert "unsafe" not in response["Content-Security-Policy"]
        if name not in PUBLIC or response.status_code != 200:
            assert {"private", "no-store"} <= set(response["Cache-Control"].split(", "))
        assert "Access-Control-Allow-Origin" not in response


def test_the_camera_is_for_one_page(home, clients):
    allowed = [
        name
        for name in ROUTES
        if "camera=()" not in ask(clients["owner"], "GET", address(name, home.ids))["Permissions-Policy"]
    ]

    assert allowed == ["people:recognise"]


@pytest.mark.parametrize("path", ["/no-such-page/", "/static/no-such-file.js", "/%00", "/photos/99999999999999999999/"])
def test_what_does_not_exist_bears_them_too(path):
    response = Client().get(path)

    assert response["X-Content-Type-Options"] == "nosniff"
    assert directives(response["Content-Security-Policy"]) == POLICY


def test_every_route_was_asked():
    assert EXPECTED.keys() == ROUTES.keys()
