"""Texts that attack stay texts: a page of them has the same elements and attributes as a page of plain ones.

tests/e2e/test_7_hostile.py opens them in a real browser.
"""

from collections import Counter
from html.parser import HTMLParser

import pytest
from django.db import transaction
from django.test import Client

from tests.access.addresses import told
from tests.e2e.hostile import PAYLOADS, fill
from tests.factories import make_user

pytestmark = pytest.mark.django_db

LISTS = ("/", "/albums/", "/people/", "/review/", "/search/", "/history/", "/status/", "/trash/", "/settings/")


class Elements(HTMLParser):
    """Counts elements with the names of their attributes; not what they hold."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: Counter[tuple[str, tuple[str, ...]]] = Counter()
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.found[tag, tuple(name for name, _ in attributes)] += 1


def elements_of(texts: list[str], name: str) -> list[tuple[str, Counter]]:
    with transaction.atomic():
        owner = make_user(username=name)
        client = Client()
        client.force_login(owner)
        paths = [*LISTS, *(path for pages in fill(owner, texts) for path in pages)]
        found = [(path, Elements(told(client.get(path))[2].decode()).found) for path in paths]
        transaction.set_rollback(True)
    return found


def test_the_counter_sees_an_element_more():
    assert Elements('<a href="x">').found == Elements('<a href="&quot;y">').found
    assert Elements('<a href="x">').found != Elements('<a href="x" onclick="y">').found
    assert Elements("<p>").found != Elements("<p><script>").found


def test_a_text_makes_no_element_and_no_attribute():
    # As long as the attacks, for what is too long is shortened.
    plain = [f"{number:02}{'n' * (len(text) - 2)}" for number, text in enumerate(PAYLOADS)]
    expected = elements_of(plain, "n" * len(PAYLOADS[1]))

    for (path, found), (_path, of_plain) in zip(elements_of(list(PAYLOADS), PAYLOADS[1]), expected, strict=True):
        assert found == of_plain, path
