"""Makes a library of invented faces for tools.naming_speed: named people, groups that wait, suggestions, a history.

Straight into the tables, for to ask web and workers for it would take hours.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np
from django.db import connection
from django.db.models import Max
from numpy.typing import NDArray

from accounts.models import User
from people.models import Change, Cluster, Decision, Face, Person, Suggestion
from people.tracks import FaceState
from photos.models import Photo
from tools.clustering_speed import Rows, invented_people

FACES_A_PHOTO = 1.5
PHOTOS_LATER = 1000
LARGE_GROUPS = 6  # people of so many faces, whom nobody has named yet
LARGE_GROUP = 1010
LEAST_TO_BE_NAMED = 5  # faces; nobody names those seen less often
NAMED = 0.4  # of the people with so many
CONFIRMED = 0.8  # of a named person's faces; Kith suggests the others
POOR = 0.1  # of all faces
FACES_A_DECISION = 12
REJECTIONS = 5000
FIRST_PHOTO = datetime(2004, 1, 1, tzinfo=UTC)
BETWEEN_PHOTOS = timedelta(minutes=55)
DIMENSIONS = 128
EMBEDDING = 512
MODEL = "facenet-casia"
CHUNK = 10_000
BOX = (0.4, 0.3, 0.1, 0.2)


@dataclass(frozen=True)
class Faces:
    """Invented faces, row by row: projection, who it really is, the number of its photo, and its quality."""

    rows: Rows
    people: NDArray[np.int64]
    photos: NDArray[np.int64]
    qualities: NDArray[np.float64]

    def part(self, which: slice) -> "Faces":
        return Faces(self.rows[which], self.people[which], self.photos[which], self.qualities[which])


def invent(count: int) -> tuple[Faces, Faces]:
    """The faces of a library, and those of photos that come later: of some of the same people."""
    whole = count + round(PHOTOS_LATER * FACES_A_PHOTO)
    rows, people = invented_people(whole, DIMENSIONS, [LARGE_GROUP] * LARGE_GROUPS)
    random = np.random.default_rng(1)
    qualities = np.where(random.random(whole) < POOR, 0.1, random.uniform(0.4, 1, whole))
    photos = np.floor(np.arange(whole) / FACES_A_PHOTO).astype(np.int64) + 1
    faces = Faces(rows, people, photos, qualities)
    return faces.part(slice(0, count)), faces.part(slice(count, None))


def fill(owner: User, faces: Faces) -> None:
    """Store the library of an owner; everything else in the database must be empty."""
    names, groups = _named(faces), np.zeros(len(faces.people), np.int64)
    waiting = names == 0
    sizes = np.bincount(faces.people[waiting], minlength=faces.people.max() + 1)
    suggested = waiting & np.isin(faces.people, np.unique(faces.people[~waiting]))
    in_group = waiting & ~suggested & (sizes[faces.people] > 1)
    groups[in_group] = faces.people[in_group] + 1
    _copy(Person, _people(owner, np.unique(names[~waiting])))
    _copy(Cluster, _clusters(owner, np.unique(groups[in_group])))
    _store(owner, faces, 1, names, groups, Photo.Stage.DONE)
    _suggest(faces, suggested, names)
    _remember(owner, faces, names)
    _go_on_numbering()


def store_arrivals(owner: User, faces: Faces) -> list[int]:
    """Store photos that wait for their groups, with faces that have neither name nor group; return the photos."""
    first_photo, first_face = (model.objects.aggregate(Max("pk", default=0))["pk__max"] + 1 for model in (Photo, Face))
    photos = faces.photos - faces.photos[0] + first_photo
    nobody = np.zeros(len(faces.people), np.int64)
    _store(owner, replace(faces, photos=photos), first_face, nobody, nobody, Photo.Stage.GROUPING)
    _go_on_numbering()
    return list(np.unique(photos).tolist())


def _store(
    owner: User,
    faces: Faces,
    first: int,
    names: NDArray[np.int64],
    groups: NDArray[np.int64],
    stage: Photo.Stage,
) -> None:
    _copy(Photo, _photos(owner, np.unique(faces.photos), stage))
    _copy(Face, _faces(faces, first, names, groups))


def _named(faces: Faces) -> NDArray[np.int64]:
    """The primary key of the person each face bears the name of, or 0."""
    random = np.random.default_rng(2)
    sizes = np.bincount(faces.people)
    is_named = (random.random(len(sizes)) < NAMED) & (sizes >= LEAST_TO_BE_NAMED)
    is_named[:LARGE_GROUPS] = False
    confirmed = is_named[faces.people] & (random.random(len(faces.people)) < CONFIRMED)
    return np.where(confirmed, faces.people + 1, 0)


def _people(owner: User, pks: NDArray[np.int64]) -> Iterator[dict[str, object]]:
    for pk in pks.tolist():
        yield {
            "id": pk,
            "owner_id": owner.pk,
            "name": f"Person {pk}",
            "folded_name": f"person {pk}",
            "note": "",
            "is_hidden": False,
            "created_at": FIRST_PHOTO,
        }


def _clusters(owner: User, pks: NDArray[np.int64]) -> Iterator[dict[str, object]]:
    for pk in pks.tolist():
        yield {"id": pk, "owner_id": owner.pk, "is_hidden": False, "created_at": FIRST_PHOTO}


def _photos(owner: User, numbers: NDArray[np.int64], stage: Photo.Stage) -> Iterator[dict[str, object]]:
    for number in numbers.tolist():
        yield {
            "id": number,
            "owner_id": owner.pk,
            "name": f"IMG_{number}.jpg",
            "sha256": f"{number:064x}",
            "media_type": "image/jpeg",
            "original": f"originals/{number:064x}.jpg",
            "byte_size": 4_000_000,
            "width": 4000,
            "height": 3000,
            "small": f"small/{number:064x}.webp",
            "large": f"large/{number:064x}.webp",
            "taken_at": FIRST_PHOTO + number * BETWEEN_PHOTOS,
            "taken_at_source": Photo.DateSource.CAMERA,
            "camera": "Invented",
            "uploaded_at": FIRST_PHOTO,
            "stage": stage,
            "attempts": 0,
            "failure": "",
        }


def _faces(
    faces: Faces, first: int, names: NDArray[np.int64], groups: NDArray[np.int64]
) -> Iterator[dict[str, object]]:
    landmarks = [0.5] * 10
    for start in range(0, len(names), CHUNK):
        rows = faces.rows[start : start + CHUNK]
        embeddings = _binary(np.pad(rows, ((0, 0), (0, EMBEDDING - DIMENSIONS))), ">f4")
        projections = _binary(rows, ">f2")
        for place, (embedding, projection) in enumerate(zip(embeddings, projections, strict=True), start):
            person, group = int(names[place]), int(groups[place])
            yield {
                "id": first + place,
                "photo_id": int(faces.photos[place]),
                **dict(zip(("left", "top", "width", "height"), BOX, strict=True)),
                "landmarks": landmarks,
                "detection_score": 0.99,
                "quality": float(faces.qualities[place]),
                "embedding": embedding,
                "projection": projection,
                "model": MODEL,
                "crop": f"crops/{first + place}.webp",
                "person_id": person or None,
                "tagged_by": Face.TaggedBy.USER if person else Face.TaggedBy.NOBODY,
                "is_ignored": False,
                "cluster_id": group or None,
                "grouped_by": MODEL if person or group else "",
            }


def _binary(rows: Rows, number: str) -> list[bytes]:
    """Vectors as pgvector takes them: how many numbers, a spare field, the numbers."""
    head = np.tile(np.array([rows.shape[1], 0], ">i2").view(np.uint8), (len(rows), 1))
    body = np.ascontiguousarray(rows.astype(number)).view(np.uint8).reshape(len(rows), -1)
    return [row.tobytes() for row in np.concatenate([head, body], axis=1)]


def _suggest(faces: Faces, suggested: NDArray[np.bool_], names: NDArray[np.int64]) -> None:
    """Each face that waits of a person who has a name is suggested to be them."""
    nearest = dict(zip(names.tolist(), range(1, len(names) + 1), strict=True))
    wanted = [place for place in np.flatnonzero(suggested).tolist() if faces.people[place] + 1 in nearest]
    _copy(
        Suggestion,
        (
            {
                "id": number,
                "face_id": place + 1,
                "person_id": int(faces.people[place]) + 1,
                "probability": 0.9,
                "distance": 0.25,
                "nearest_id": nearest[int(faces.people[place]) + 1],
            }
            for number, place in enumerate(wanted, 1)
        ),
    )


def _remember(owner: User, faces: Faces, names: NDArray[np.int64]) -> None:
    """The history: each person's faces were confirmed a dozen at a time, and some were ruled out."""
    by_person = np.argsort(names, kind="stable")
    by_person = by_person[names[by_person] > 0]
    decisions: list[tuple[int, str, list[int]]] = []  # person, verb, faces
    for person in np.split(by_person, np.flatnonzero(np.diff(names[by_person])) + 1):
        for start in range(0, len(person), FACES_A_DECISION):
            part = person[start : start + FACES_A_DECISION]
            decisions.append((int(names[part[0]]), Decision.Verb.CONFIRM, part.tolist()))
    waiting = np.flatnonzero(names == 0)[:REJECTIONS].tolist()
    people = np.unique(names[names > 0])
    decisions += [(int(people[i % len(people)]), Decision.Verb.REJECT, [face]) for i, face in enumerate(waiting)]
    order = np.random.default_rng(3).permutation(len(decisions))
    decisions = [decisions[place] for place in order.tolist()]
    _copy(Decision, _decisions(owner, decisions))
    _copy(Change, _changes(faces, decisions))


def _decisions(owner: User, decisions: Sequence[tuple[int, str, list[int]]]) -> Iterator[dict[str, object]]:
    for pk, (person, verb, _) in enumerate(decisions, 1):
        yield {
            "id": pk,
            "owner_id": owner.pk,
            "actor_id": owner.pk,
            "verb": verb,
            "person_id": person,
            "made_at": FIRST_PHOTO + timedelta(minutes=pk),
            "is_in_force": True,
        }


def _changes(faces: Faces, decisions: Sequence[tuple[int, str, list[int]]]) -> Iterator[dict[str, object]]:
    before, pk = asdict(FaceState()), 0
    for decision, (person, verb, places) in enumerate(decisions, 1):
        is_no = verb == Decision.Verb.REJECT
        after = before if is_no else asdict(FaceState(person, Face.TaggedBy.USER))
        for place in places:
            pk += 1
            yield {
                "id": pk,
                "decision_id": decision,
                "face_id": place + 1,
                "photo_sha256": f"{faces.photos[place]:064x}",
                "box": list(BOX),
                "before": before,
                "after": after,
                "rejected_id": person if is_no else None,
            }


def _copy(model: type, rows: Iterable[dict[str, object]]) -> None:
    """Store rows of a table, the fields that are given; vectors come as bytes already."""
    rows = iter(rows)
    first = next(rows, None)
    if first is None:
        return
    columns = {field.column: _type(field.db_type(connection) or "") for field in model._meta.concrete_fields}
    names = ", ".join(f'"{name}"' for name in first)
    with (
        connection.cursor() as cursor,
        cursor.copy(f'COPY "{model._meta.db_table}" ({names}) FROM STDIN (FORMAT BINARY)') as copy,
    ):
        copy.set_types([columns[name] for name in first])
        copy.write_row(tuple(first.values()))
        for row in rows:
            copy.write_row(tuple(row.values()))


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


def _go_on_numbering() -> None:
    with connection.cursor() as cursor:
        for model in (Person, Cluster, Photo, Face, Suggestion, Decision, Change):
            table = model._meta.db_table
            cursor.execute(
                "SELECT setval(pg_get_serial_sequence(%s, 'id'), (SELECT coalesce(max(id), 0) + 1 FROM "  # noqa: S608
                f'"{table}"), false)',
                [table],
            )
