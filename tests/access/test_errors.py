"""Whatever breaks in a view: a plain page with a number, the trace in the log alone, and nothing half done."""

import functools
import logging
import re

import pytest
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.test import Client

from tests.access.addresses import ROUTES, address
from tests.access.forms import CHANGING, labels
from tests.access.library import rows_of
from tests.access.routes import EXPECTED, REFUSED

pytestmark = pytest.mark.django_db


class Broken(Exception):
    """What a view did not foresee."""


@pytest.fixture
def quiet(caplog):
    """Errors are expected here; what the log says of them is looked at."""
    caplog.set_level(logging.ERROR)
    return caplog


def break_view(monkeypatch, name: str) -> None:
    view = ROUTES[name].callback

    @functools.wraps(view)
    def broken(request: HttpRequest, **kwargs: object) -> HttpResponse:
        raise Broken("the secret of this view")

    monkeypatch.setattr(ROUTES[name], "callback", broken)


@pytest.mark.parametrize("name", sorted(ROUTES))
def test_a_view_that_breaks_shows_a_number_and_no_trace(at_home, home, quiet, monkeypatch, name):
    break_view(monkeypatch, name)
    client = Client(raise_request_exception=False)
    client.force_login(home.owner)
    method = client.get if EXPECTED[name].get != REFUSED else client.post

    response = method(address(name, home.ids))

    page = response.content.decode()
    assert response.status_code == 500
    number = re.search(r"Error ([0-9a-f]{8})", page)
    assert number
    assert number[1] == response["X-Request-ID"]  # every line of the log bears it: tests/config
    assert "the secret of this view" in quiet.text
    for part in ("Traceback", "secret", "Broken", ".py", "Annabel"):
        assert part not in page
    assert response["Cache-Control"] == "private, no-store"
    assert "default-src 'self'" in response["Content-Security-Policy"]


WRITES = re.compile(r'^\s*(?:INSERT INTO|UPDATE|DELETE FROM) "(people|photos|accounts_user)')


class FailingWrite:
    """Lets through so many writes of one request, and fails at the next."""

    def __init__(self, allowed: int | None = None) -> None:
        self.allowed = allowed
        self.seen = 0

    def __call__(self, execute, sql, params, many, context):
        if WRITES.match(str(sql)):
            self.seen += 1
            if self.allowed is not None and self.seen > self.allowed:
                raise Broken("the disk")
        return execute(sql, params, many, context)


@pytest.mark.parametrize(("name", "body"), CHANGING, ids=labels(CHANGING))
def test_what_breaks_at_its_last_write_is_taken_back_whole(two, quiet, name, body):
    mine, theirs, _client = two
    client = Client(raise_request_exception=False)
    client.force_login(mine.owner)
    sent = body(mine.ids, theirs.ids)
    with transaction.atomic():
        counting = FailingWrite()
        with connection.execute_wrapper(counting):
            assert client.post(address(name, mine.ids), sent).status_code < 500
        transaction.set_rollback(True)
    before = rows_of(mine.owner)

    with connection.execute_wrapper(FailingWrite(counting.seen - 1)):
        response = client.post(address(name, mine.ids), sent)

    # Deleting and writing in bulk spare themselves a savepoint, and so condemn the transaction of this test.
    transaction.set_rollback(False)
    assert counting.seen > 0
    assert response.status_code == 500
    after = rows_of(mine.owner)
    for rows in (before, after):
        rows.pop("accounts.BrowserSession", None)
    assert after == before
