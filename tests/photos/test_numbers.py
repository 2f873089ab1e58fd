"""Counts are grouped as the language of the page does it, and what a machine reads again is not."""

import pytest
from django.template import engines
from django.utils import translation
from django.utils.functional import SimpleLazyObject

from photos.numbers import written
from tests.factories import make_face, make_person, make_photo


@pytest.mark.parametrize(
    ("language", "shown"), [("en", "12,345 photos, 12,345 of 12345"), ("de", "12.345 Fotos, 12.345 of 12345")]
)
def test_counts_are_grouped_in_every_language(language, shown):
    source = """{% load i18n %}{% blocktranslate trimmed count counter=n|written %}{{ counter }} photo{% plural %}
        {{ counter }} photos{% endblocktranslate %}, {{ n|written }} of {{ n }}"""

    with translation.override(language):
        assert engines["django"].from_string(source).render({"n": 12345}) == shown
        assert f"{written(12345)} {written(12345) + 1}" == shown.split(" ")[0] + " 12346"


def test_a_number_that_is_counted_when_it_is_asked_for_is_written_too():
    lazy = SimpleLazyObject(lambda: 12345)

    assert engines["django"].from_string("{{ n|written }}").render({"n": lazy}) == "12,345"
    assert str(written(written(12345))) == "12,345"


@pytest.mark.parametrize("what", [None, "", "12345", True, 1.5])
def test_what_is_no_whole_number_is_left_as_it_is(what):
    template = engines["django"].from_string("{{ what|written }}")

    assert template.render({"what": what}) == engines["django"].from_string("{{ what }}").render({"what": what})


@pytest.mark.django_db
def test_large_numbers_in_addresses_are_as_the_database_has_them(signed_in, alice):
    photo = make_photo(alice, pk=1234567)
    person = make_person(alice, pk=7654321)
    make_face(photo, person=person, pk=2345678)

    pages = [signed_in.get(address).content.decode() for address in ("/", "/people/", "/people/7654321/?tab=faces")]

    assert all(str(key) in page for key, page in zip((1234567, 7654321, 2345678), pages, strict=True))
    assert not any(grouped in page for page in pages for grouped in ("1,234,567", "7,654,321", "2,345,678"))
