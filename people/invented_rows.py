"""Writes invented faces and what belongs to them straight into the tables: by way of web and workers it takes hours."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from itertools import chain

import numpy as np
from django.db import connection, models
from numpy.typing import NDArray

from accounts.models import User
from people.invented_faces import Faces, Naming, Rows
from people.models import Change, Cluster, Decision, Face, Person, Suggestion
from people.models.person import fold
from people.tracks import FaceState
from photos.models import Photo

FACES_A_DECISION = 12
REJECTIONS = 5000
FIRST_DAY = datetime(2004, 1, 1, tzinfo=UTC)
DIMENSIONS = 128
EMBEDDING = 512
MODEL = "facenet-casia"
CHUNK = 10_000
BOX = (0.4, 0.3, 0.1, 0.2)
CROP = "crops/{}.webp".format

Box = tuple[float, float, float, float]
Row = dict[str, object]


def store_named(
    owner: User,
    faces: Faces,
    naming: Naming,
    photos: Iterable[Row],
    *,
    name_of: Callable[[int], str],
    boxes: Sequence[Box] | None = None,
    crop: Callable[[int], str] = CROP,
) -> None:
    """Store a library in empty tables: its people, groups, photos, faces, suggestions and history."""
    copy(Person, person_rows(owner, np.unique(naming.names[naming.names > 0]), name_of))
    copy(Cluster, cluster_rows(owner, np.unique(naming.groups[naming.groups > 0])))
    copy(Photo, photos)
    copy(Face, face_rows(faces, naming, boxes=boxes, crop=crop))
    copy(Suggestion, suggestion_rows(faces, naming))
    acts = acts_of(naming)
    copy(Decision, decision_rows(owner, acts))
    copy(Change, change_rows(faces, acts, boxes))


def photo_row(owner: User, number: int) -> Row:
    """What photos of all invented libraries have in common."""
    return {
        "id": number,
        "owner_id": owner.pk,
        "name": f"IMG_{number:05}.jpg",
        "sha256": sha256_of(number),
        "media_type": "image/jpeg",
        "attempts": 0,
        "failure": "",
    }


def sha256_of(photo: int) -> str:
    return f"{photo:064x}"


def person_rows(owner: User, pks: NDArray[np.int64], name_of: Callable[[int], str]) -> Iterator[Row]:
    for pk in pks.tolist():
        name = name_of(pk)
        yield {
            "id": pk,
            "owner_id": owner.pk,
            "name": name,
            "folded_name": fold(name),
            "note": "",
            "form_key": "",
            "is_hidden": False,
            "created_at": FIRST_DAY,
        }


def cluster_rows(owner: User, pks: NDArray[np.int64]) -> Iterator[Row]:
    for pk in pks.tolist():
        yield {"id": pk, "owner_id": owner.pk, "is_hidden": False, "created_at": FIRST_DAY}


def face_rows(
    faces: Faces,
    naming: Naming,
    *,
    first: int = 1,
    boxes: Sequence[Box] | None = None,
    crop: Callable[[int], str] = CROP,
) -> Iterator[Row]:
    """first: the primary key of the first face. crop: the name of the file, by the primary key."""
    landmarks = [0.5] * 10
    for start in range(0, len(naming.names), CHUNK):
        rows = faces.rows[start : start + CHUNK]
        embeddings = _binary(np.pad(rows, ((0, 0), (0, EMBEDDING - DIMENSIONS))), ">f4")
        projections = _binary(rows, ">f2")
        for place, (embedding, projection) in enumerate(zip(embeddings, projections, strict=True), start):
            person, group = int(naming.names[place]), int(naming.groups[place])
            box = boxes[place] if boxes else BOX
            yield {
                "id": first + place,
                "photo_id": int(faces.photos[place]),
                **dict(zip(("left", "top", "width", "height"), box, strict=True)),
                "landmarks": landmarks,
                "detection_score": 0.99,
                "quality": float(faces.qualities[place]),
                "embedding": embedding,
                "projection": projection,
                "model": MODEL,
                "crop": crop(first + place),
                "person_id": person or None,
                "tagged_by": Face.TaggedBy.USER if person else Face.TaggedBy.NOBODY,
                "is_ignored": bool(naming.is_ignored[place]),
                "cluster_id": group or None,
                "grouped_by": MODEL if person or group else "",
            }


def _binary(rows: Rows, number: str) -> list[bytes]:
    """Vectors as pgvector takes them: how many numbers, a spare field, the numbers."""
    head = np.tile(np.array([rows.shape[1], 0], ">i2").view(np.uint8), (len(rows), 1))
    body = np.ascontiguousarray(rows.astype(number)).view(np.uint8).reshape(len(rows), -1)
    return [row.tobytes() for row in np.concatenate([head, body], axis=1)]


def suggestion_rows(faces: Faces, naming: Naming) -> Iterator[Row]:
    """Each face that waits of a person who has a name is suggested to be them."""
    nearest = dict(zip(naming.names.tolist(), range(1, len(naming.names) + 1), strict=True))
    for number, place in enumerate(np.flatnonzero(naming.is_suggested).tolist(), 1):
        person = int(faces.people[place]) + 1
        yield {
            "id": number,
            "face_id": place + 1,
            "person_id": person,
            "probability": 0.9,
            "distance": 0.25,
            "nearest_id": nearest[person],
        }


Act = tuple[int | None, str, list[int]]  # person, verb, places of faces


def acts_of(naming: Naming) -> list[Act]:
    """The history: each person's faces were confirmed a dozen at a time, some ruled out, some set aside."""
    by_person = np.argsort(naming.names, kind="stable")
    by_person = by_person[naming.names[by_person] > 0]
    acts: list[Act] = []
    for person in np.split(by_person, np.flatnonzero(np.diff(naming.names[by_person])) + 1):
        for start in range(0, len(person), FACES_A_DECISION):
            part = person[start : start + FACES_A_DECISION]
            acts.append((int(naming.names[part[0]]), Decision.Verb.CONFIRM, part.tolist()))
    waiting = np.flatnonzero((naming.names == 0) & ~naming.is_ignored)[:REJECTIONS].tolist()
    people = np.unique(naming.names[naming.names > 0])
    acts += [(int(people[i % len(people)]), Decision.Verb.REJECT, [face]) for i, face in enumerate(waiting)]
    ignored = np.flatnonzero(naming.is_ignored).tolist()
    acts += [
        (None, Decision.Verb.IGNORE, ignored[start : start + FACES_A_DECISION])
        for start in range(0, len(ignored), FACES_A_DECISION)
    ]
    order = np.random.default_rng(3).permutation(len(acts))
    return [acts[place] for place in order.tolist()]


def decision_rows(owner: User, acts: Sequence[Act]) -> Iterator[Row]:
    for pk, (person, verb, _) in enumerate(acts, 1):
        yield {
            "id": pk,
            "owner_id": owner.pk,
            "actor_id": owner.pk,
            "verb": verb,
            "person_id": person,
            "made_at": FIRST_DAY + timedelta(minutes=pk),
            "is_in_force": True,
        }


def change_rows(faces: Faces, acts: Sequence[Act], boxes: Sequence[Box] | None = None) -> Iterator[Row]:
    before, pk = asdict(FaceState()), 0
    for decision, (person, verb, places) in enumerate(acts, 1):
        is_no = verb == Decision.Verb.REJECT
        after = _after(person, verb)
        for place in places:
            pk += 1
            yield {
                "id": pk,
                "decision_id": decision,
                "face_id": place + 1,
                "photo_sha256": sha256_of(int(faces.photos[place])),
                "box": list(boxes[place] if boxes else BOX),
                "before": before,
                "after": after,
                "rejected_id": person if is_no else None,
            }


def _after(person: int | None, verb: str) -> Row:
    if verb == Decision.Verb.CONFIRM:
        return asdict(FaceState(person, Face.TaggedBy.USER))
    return asdict(FaceState(is_ignored=verb == Decision.Verb.IGNORE))


def copy(model: type[models.Model], rows: Iterable[Row]) -> None:
    """Store rows of a table: the fields that are given, the others as they are by default. Vectors come as bytes."""
    rows = iter(rows)
    first = next(rows, None)
    if first is None:
        return
    columns = {field.column: _type(field.db_type(connection) or "") for field in model._meta.concrete_fields}
    others = {
        field.column: field.get_default()
        for field in model._meta.concrete_fields
        if field.column not in first and field.has_default()
    }
    names = ", ".join(f'"{name}"' for name in [*first, *others])
    with (
        connection.cursor() as cursor,
        cursor.copy(f'COPY "{model._meta.db_table}" ({names}) FROM STDIN (FORMAT BINARY)') as copy,
    ):
        copy.set_types([columns[name] for name in [*first, *others]])
        for row in chain([first], rows):
            copy.write_row((*row.values(), *others.values()))


def _type(column: str) -> str:
    """The type psycopg writes a column as."""
    if "vec" in column:
        return "bytea"
    known = {
        "double precision": "float8",
        "double precision[10]": "float8[]",
        "timestamp with time zone": "timestamptz",
    }
    return known.get(column, "text" if column.startswith("varchar") else column)


def go_on_numbering(*more: type[models.Model]) -> None:
    """Have the tables number what comes next from after what was written with numbers."""
    with connection.cursor() as cursor:
        tables: list[type[models.Model]] = [Person, Cluster, Photo, Face, Suggestion, Decision, Change, *more]
        for model in tables:
            table = model._meta.db_table
            cursor.execute(
                "SELECT setval(pg_get_serial_sequence(%s, 'id'), (SELECT coalesce(max(id), 0) + 1 FROM "  # noqa: S608
                f'"{table}"), false)',
                [table],
            )
