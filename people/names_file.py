"""Takes in names that Kith gave away as JSON (people.export): into another library, or the same one later.

A photo is known by its SHA-256, a face in it by its box. A face that nobody finds there is drawn, so no name is lost.
"""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

from django.db import transaction

from accounts.models import User
from ml.geometry import BoundingBox
from people import answers
from people.drawing import SAME_OVERLAP, BadBox, draw
from people.forms import NameForm
from people.ledger import Outcome, decide
from people.models import Decision, Face, Person
from people.tracks import FaceState
from photos.models import Photo


class BadNames(ValueError):
    """The file cannot be read; the message is a sentence."""


@dataclass
class Imported:
    """Counts of faces. named: by this import. known: bore the name already. elsewhere: their photos are not here.
    kept: bear another name, or were set aside. impossible: neither found nor drawn."""

    named: int = 0
    known: int = 0
    elsewhere: int = 0
    kept: int = 0
    impossible: int = 0


@dataclass(frozen=True)
class _Row:
    person: int
    sha256: str
    box: BoundingBox
    is_by_machine: bool


def import_names(owner: User, text: str) -> Imported:
    """Give faces of an owner's photos the names a file says. Safe to do twice. Raises BadNames."""
    people, rows = _read(owner, text)
    imported, known = Imported(), _People(owner, people)
    by_photo: defaultdict[str, list[_Row]] = defaultdict(list)
    for row in rows:
        by_photo[row.sha256].append(row)
    photos = Photo.objects.owned_by(owner).filter(sha256__in=list(by_photo)).order_by("pk")
    found: defaultdict[tuple[int, bool], list[int]] = defaultdict(list)
    for photo in photos.iterator():
        for row, face in _matched(photo, by_photo.pop(photo.sha256), owner, imported):
            found[row.person, row.is_by_machine].append(face)
    imported.elsewhere = sum(map(len, by_photo.values()))
    for (number, is_by_machine), faces in found.items():
        _name(known.of(number), faces, is_by_machine=is_by_machine, owner=owner, imported=imported)
    return imported


@transaction.atomic
def _name(person: Person, faces: list[int], *, is_by_machine: bool, owner: User, imported: Imported) -> None:
    before = dict(Face.objects.filter(pk__in=faces).values_list("pk", "person"))
    imported.known += sum(before[pk] == person.pk for pk in faces)
    if is_by_machine:
        decision = answers.tag(person, faces)
    else:
        state = FaceState(person=person.pk, tagged_by=Face.TaggedBy.USER)
        outcome = Outcome(state, only_if=partial(_is_free_for, person.pk))
        decision = decide(owner, Decision.Verb.IMPORT, dict.fromkeys(faces, outcome), actor=owner, person=person)
    named = decision.changes.count() if decision is not None else 0
    imported.named += named
    imported.kept += sum(before[pk] not in (None, person.pk) for pk in faces)


def _is_free_for(person: int, face: FaceState) -> bool:
    return face.waits_for_a_name or (face.person == person and face.tagged_by == Face.TaggedBy.MACHINE)


def _matched(photo: Photo, rows: Sequence[_Row], owner: User, imported: Imported) -> list[tuple[_Row, int]]:
    """A face for each row and a row for each face, those that overlap most first; the others are drawn."""
    faces = list(photo.faces.shown().without_vectors())
    overlaps = [(row.box.intersection_over_union(face.box), n, face.pk) for n, row in enumerate(rows) for face in faces]
    found: dict[int, int] = {}
    for overlap, number, face in sorted(overlaps, key=lambda each: (-each[0], *each[1:])):
        if overlap > SAME_OVERLAP and number not in found and face not in found.values():
            found[number] = face
    for number, row in enumerate(rows):
        if number not in found:
            try:
                found[number] = draw(photo, row.box, actor=owner)[0].pk
            except BadBox:
                imported.impossible += 1
    return [(rows[number], face) for number, face in sorted(found.items())]


class _People:
    """Who the people of a file are here: the same name, note and day of birth, else somebody new."""

    def __init__(self, owner: User, said: Mapping[int, Mapping[str, Any]]) -> None:
        self._owner, self._said = owner, said
        self._known: dict[int, Person] = {}

    def of(self, number: int) -> Person:
        if number not in self._known:
            said = self._said[number]
            same = Person.objects.owned_by(self._owner).filter(
                name=said["name"], note=said["note"], birth_date=said["birth_date"]
            )
            taken = [person.pk for person in self._known.values()]
            found = same.exclude(pk__in=taken).order_by("pk").first()
            self._known[number] = found or Person.objects.create(owner=self._owner, **said)
        return self._known[number]


def _read(owner: User, text: str) -> tuple[dict[int, dict[str, Any]], list[_Row]]:
    try:
        said = json.loads(text)
        people = {int(person["id"]): _person(owner, person) for person in said["people"]}
        rows = [_row(face) for face in said["faces"]]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise BadNames(
            "This is not a file of names that Kith wrote: it takes the JSON of Settings, Your data."
        ) from error
    if not {row.person for row in rows} <= people.keys():
        raise BadNames("This file names faces after people it does not list.")
    return people, rows


def _person(owner: User, said: Mapping[str, Any]) -> dict[str, Any]:
    form = NameForm({"name": said["name"]}, owner=owner)
    if not form.is_valid():
        raise ValueError(said["name"])
    return {
        "name": form.cleaned_data["name"],
        "note": str(said.get("note", ""))[:200],
        "birth_date": date.fromisoformat(said["birth_date"]) if said.get("birth_date") else None,
        "is_hidden": bool(said.get("is_hidden")),
    }


def _row(said: Mapping[str, Any]) -> _Row:
    box = BoundingBox(*(float(said[side]) for side in ("left", "top", "width", "height")))
    return _Row(int(said["person_id"]), str(said["photo_sha256"]), box, said.get("named_by") == Face.TaggedBy.MACHINE)
