"""Every text of the interface is marked, collected, translated and compiled."""

import re

import pytest

from tests import unmarked
from tools import messages

CATALOGUES = [(language, domain) for language in messages.LANGUAGES for domain in messages.DOMAINS]
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%\{\w+\}|%s|%%|</?\w[^>]*>")


def placeholders(text: str) -> list[str]:
    return sorted(PLACEHOLDER.findall(text))


@pytest.mark.parametrize(("language", "domain"), CATALOGUES)
def test_the_catalogues_have_the_texts_of_the_source(language, domain):
    """Run `make messages` and translate what it left empty."""
    source = {(message.context, message.id) for message in messages.collect(domain) if message.id}
    kept = {(message.context, message.id) for message in messages.read(language, domain) if message.id}

    assert source - kept == set()
    assert kept - source == set()


@pytest.mark.parametrize(("language", "domain"), CATALOGUES)
def test_every_text_is_translated(language, domain):
    missing = [
        message.id
        for message in messages.read(language, domain)
        if message.id and (message.fuzzy or not messages.has_text(message.string))
    ]

    assert missing == []


@pytest.mark.parametrize(("language", "domain"), CATALOGUES)
def test_translations_keep_the_parts_that_are_filled_in(language, domain):
    wrong = []
    for message in messages.read(language, domain):
        if not message.id:
            continue
        if isinstance(message.id, str):
            is_same = placeholders(message.string) == placeholders(message.id)
        else:
            # Of one, the number may be said in words: "a person", "one you have hidden".
            singular, plural = (placeholders(text) for text in message.id)
            one, many = (placeholders(text) for text in message.string)
            is_same = many == plural and {*one} <= {*plural} and {*singular} <= {*one, "%(n)s"}
        if not is_same:
            wrong.append((message.id, message.string))

    assert wrong == []


@pytest.mark.parametrize(("language", "domain"), CATALOGUES)
def test_what_is_compiled_is_what_is_translated(language, domain):
    """Run `make messages`."""
    compiled = messages.LOCALE / language / "LC_MESSAGES" / f"{domain}.mo"

    assert compiled.read_bytes() == messages.as_mo(messages.read(language, domain))


def test_no_text_of_a_template_is_unmarked():
    assert unmarked.in_templates() == []


def test_no_message_of_a_view_or_form_is_unmarked():
    assert unmarked.in_python() == []


def test_no_text_of_a_script_is_unmarked():
    assert unmarked.in_scripts() == []


def test_dates_are_written_as_the_language_writes_them():
    assert unmarked.dates() == []
    assert unmarked.FIXED_DATE.search('{{ day|date:"j F Y" }}')
    assert unmarked.FIXED_DATE.search("f'{day:%-d %B}'")
    assert unmarked.FIXED_DATE.search('date_format(day, "F Y")')


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("<p>\n  Hello there</p>", ["x.html:2: Hello there"]),
        ('<p>{% translate "Hello" %} you</p>', ["x.html:1: you"]),
        ('<a aria-label="Close {{ name }}">', ["x.html:1: Close"]),
        ('{% include "a.html" with label="Name it" %}', ["x.html:1: Name it"]),
        ('{{ text|default:"Drop it" }}', ["x.html:1: Drop it"]),
        ("<p>{% blocktranslate %}Hello {{ name }}{% endblocktranslate %}</p>", []),
        ("<a aria-label=\"{% translate 'Close' %}\"><kbd>Esc</kbd> 1</a>", []),
        ('{# A remark. #}<p class="some thing">{{ name }}, {{ other }}</p>', []),
    ],
)
def test_unmarked_text_is_found(source, found):
    assert unmarked.in_template(source, "x.html") == found


def test_unmarked_text_of_python_and_scripts_is_found():
    python = 'messages.error(request, "No.")\nraise ValidationError(f"Up to {n}")\nmessages.info(request, _("Yes."))\n'
    script = 'item.textContent = "Open"\nsay(gettext("All sent"))\nthrow new Error("It did not work")\nfind("a b")\n'

    assert unmarked.in_module(python, "x.py") == ["x.py:1: No.", "x.py:2: Up to "]
    assert unmarked.in_script(script, "x.js") == ["x.js:1: Open", "x.js:3: It did not work"]
