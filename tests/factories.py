"""Makes objects for tests, with defaults for whatever a test does not care about."""

from datetime import UTC, datetime
from itertools import count

import numpy as np
from django.core.files.base import ContentFile

from accounts.models import User
from people.models import Cluster, Face, Person, Question, Suggestion
from photos.models import Album, Batch, Photo

_numbers = count(1)


def make_user(**fields) -> User:
    name = fields.pop("username", f"user{next(_numbers)}")
    fields.setdefault("face_analysis", User.FaceAnalysis.ON)
    return User.objects.create_user(name, password=fields.pop("password", None), **fields)


def make_photo(owner: User | None = None, **fields) -> Photo:
    number = next(_numbers)
    defaults = {
        "name": f"IMG_{number:04}.jpg",
        "sha256": f"{number:064x}",
        "media_type": "image/jpeg",
        "original": f"originals/{number}.jpg",
        "byte_size": 1000,
        "width": 1500,
        "height": 1000,
        "taken_at": datetime(2024, 5, 3, 14, 22, tzinfo=UTC),
        "stage": Photo.Stage.DONE,
    }
    return Photo.objects.create(owner=owner or make_user(), **defaults | fields)


def make_person(owner: User | None = None, name: str = "Ann", **fields) -> Person:
    return Person.objects.create(owner=owner or make_user(), name=name, **fields)


def make_cluster(owner: User) -> Cluster:
    return Cluster.objects.create(owner=owner)


def make_group(owner: User, count: int = 3, *, days: int = 1, **fields) -> Cluster:
    """A group of so many faces that look the same, each in a photo of its own, taken on so many days."""
    cluster = make_cluster(owner)
    fields.setdefault("likeness", unit(next(_numbers) % 128))
    for number in range(count):
        taken_at = datetime(2024, 5, 1 + number % days, 12, tzinfo=UTC)
        photo = make_photo(owner, taken_at=taken_at, taken_at_source=Photo.DateSource.CAMERA)
        make_face(photo, cluster=cluster, **fields)
    return cluster


def make_known(owner: User, name: str = "Ann", *, likeness: np.ndarray | None = None, faces: int = 1) -> Person:
    """A person with confirmed faces."""
    person = make_person(owner, name)
    for _ in range(faces):
        make_face(make_photo(owner), person=person, likeness=likeness)
    return person


def make_suggestion(face: Face, person: Person, probability: float = 0.9) -> Suggestion:
    """A suggestion as the worker writes it; the person must have a face."""
    nearest = person.faces.first()
    return Suggestion.objects.create(face=face, person=person, probability=probability, distance=0.1, nearest=nearest)


def make_question(person: Person, other: Person) -> Question:
    """Whether two people are one."""
    kind = Question.Kind.SAME
    return Question.objects.create(
        owner=person.owner, kind=kind, person=person, other_person=other, faces=1, answers=1, worth=1
    )


def make_album(owner: User, title: str = "Summer") -> Album:
    return Album.objects.create(owner=owner, title=title)


def make_batch(owner: User, **fields) -> Batch:
    return Batch.objects.create(owner=owner, **{"title": "Summer", "expected": 1} | fields)


def unit(axis: int, *, towards: int | None = None, by: float = 0.0, dimensions: int = 128) -> np.ndarray:
    """A unit vector along one axis, leaning `by` towards another: cosine distances one can do in the head."""
    vector = np.zeros(dimensions, dtype=np.float32)
    vector[axis] = 1.0
    if towards is not None:
        vector[towards] = by
    return vector / np.linalg.norm(vector)


def make_face(photo: Photo | None = None, *, likeness: np.ndarray | None = None, **fields) -> Face:
    """A face; `likeness` is its projection."""
    number = next(_numbers)
    likeness = unit(number % 128) if likeness is None else likeness
    embedding = np.zeros(512, dtype=np.float32)
    embedding[: len(likeness)] = likeness
    if "person" in fields:
        fields.setdefault("tagged_by", Face.TaggedBy.USER)
    defaults = {
        "left": 0.4,
        "top": 0.3,
        "width": 0.1,
        "height": 0.2,
        "landmarks": [0.5] * 10,
        "detection_score": 0.99,
        "quality": 0.8,
        "embedding": embedding,
        "projection": likeness,
        "model": "facenet-casia",
    }
    face = Face(photo=photo or make_photo(), **defaults | fields)
    face.crop.save(f"crops/test/{number}.webp", ContentFile(b"not decoded by tests"), save=False)
    face.save()
    return face
