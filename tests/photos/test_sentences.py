"""Stored sentences are said in the language of the page, and only there."""

import ast
from pathlib import Path

import pytest
from django.utils import translation

from photos import sentences
from photos.intake import NotStored
from photos.sentences import in_words


@pytest.mark.parametrize(
    ("stored", "german"),
    [
        ("is damaged and was left out", "ist beschädigt und wurde ausgelassen"),
        ("is larger than 200 MB and was left out", "ist größer als 200 MB und wurde ausgelassen"),
        (
            "has 144 megapixels, more than the 100 Kith takes, and was left out",
            "hat 144 Megapixel, mehr als die 100, die Kith annimmt, und wurde ausgelassen",
        ),
        ("CPU, 1 core", "CPU, 1 Kern"),
        ("CPU, 8 cores", "CPU, 8 Kerne"),
        ("Something nobody knows: 50% (of it)", "Something nobody knows: 50% (of it)"),
        ("", ""),
    ],
)
def test_a_stored_sentence_is_translated_when_it_is_shown(stored, german):
    assert in_words(stored) == stored
    with translation.override("de"):
        assert in_words(stored) == german


@pytest.mark.parametrize(
    ("module", "names"),
    [
        ("photos/decoding/kinds.py", ("IS_DAMAGED",)),
        ("photos/decoding/gate.py", ("TOO_DEMANDING",)),
        ("photos/derivatives.py", ("VANISHED", "UNREADABLE")),
        ("photos/models/photo.py", ("GAVE_UP",)),
        ("people/recognising.py", ("UNREADABLE", "TOO_MUCH", "FAILED")),
    ],
)
def test_what_other_processes_say_is_known(module, names):
    said = {
        target.id: node.value.value
        for node in ast.parse(Path(module).read_text()).body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    }

    assert [name for name in names if said[name] not in sentences.KNOWN] == []


def test_the_log_stays_english_while_the_page_does_not():
    with translation.override("de"):
        error = NotStored("a.jpg", OSError(28, "No space left on device"))

        assert str(error) == "a.jpg could not be stored: the disk is full."
        assert error.text == "a.jpg konnte nicht gespeichert werden: Der Datenträger ist voll."
