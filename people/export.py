"""Everything an owner said of faces, to take away: a row for each named face, as CSV or JSON.

A face is told by its photo's file name and SHA-256 and by its box, so that other programs can find it again.
"""

import csv
import json
from collections.abc import Iterator
from datetime import date

from accounts.models import User
from people.models import Face, Person

CHUNK = 2000
COLUMNS = (
    "person_id",  # tells two people of one name apart
    "person",
    "note",
    "birth_date",
    "photo",
    "photo_sha256",
    "taken_at",
    "left",
    "top",
    "width",
    "height",
    "named_by",
)


def rows(owner: User) -> Iterator[dict[str, object]]:
    """Named faces by person, then by time; the boxes are fractions of the upright photo."""
    named = Face.objects.owned_by(owner).filter(person__isnull=False).select_related("photo", "person")
    ordered = named.without_vectors().order_by("person__folded_name", "person_id", "photo__taken_at", "pk")
    for face in ordered.iterator(chunk_size=CHUNK):
        person = face.person
        assert person is not None
        yield {
            "person_id": person.pk,
            "person": person.name,
            "note": person.note,
            "birth_date": _day(person.birth_date),
            "photo": face.photo.name,
            "photo_sha256": face.photo.sha256,
            # The camera's own clock, of which nobody knows the zone.
            "taken_at": face.photo.taken_at.replace(tzinfo=None).isoformat(timespec="seconds"),
            "left": face.left,
            "top": face.top,
            "width": face.width,
            "height": face.height,
            "named_by": face.tagged_by,
        }


def as_csv(owner: User) -> Iterator[str]:
    """The rows as lines of a table, with a mark in front by which spreadsheets know UTF-8."""
    writer = csv.DictWriter(_Lines(), COLUMNS)
    yield "\ufeff"
    yield writer.writeheader()
    for row in rows(owner):
        yield writer.writerow({key: _harmless(value) for key, value in row.items()})


def as_json(owner: User) -> Iterator[str]:
    """The people, and the rows, as one JSON object."""
    yield '{"people": [\n'
    people = Person.objects.owned_by(owner).with_faces().order_by("folded_name", "pk")
    yield from _listed(
        {
            "id": person.pk,
            "name": person.name,
            "note": person.note,
            "birth_date": _day(person.birth_date),
            "is_hidden": person.is_hidden,
        }
        for person in people.iterator(chunk_size=CHUNK)
    )
    yield '\n], "faces": [\n'
    yield from _listed(rows(owner))
    yield "\n]}\n"


class _Lines:
    """A file that hands back what is written: the csv module wants one."""

    def write(self, line: str) -> str:
        return line


def _listed(values: Iterator[dict[str, object]]) -> Iterator[str]:
    for number, value in enumerate(values):
        yield (",\n" if number else "") + json.dumps(value, ensure_ascii=False)


def _day(day: date | None) -> str:
    return day.isoformat() if day else ""


def _harmless(value: object) -> object:
    """A spreadsheet takes what starts with one of these for a formula, and would run it."""
    is_formula = isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r"))
    return f"'{value}" if is_formula else value
