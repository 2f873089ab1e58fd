"""Brothers and sisters who do not exist: what tells them apart is small beside what differs from photo to photo."""

from datetime import UTC, datetime

import numpy as np
from django.conf import settings

from accounts.models import User
from ml.models import projection_path
from ml.projection import load_projection, unit_rows
from people.models import Face, Person
from photos.models import Photo

MODEL = "facenet-casia"
MOODS = 6  # light, pose, age
SPREAD = 0.045  # of a face around its person, in each dimension
WAITING = 2  # of each person's faces: they have no name


def lookalikes(people: int, faces: int, *, moods: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Embeddings, shape (people * faces, 512), and the number of the person each shows; every two are siblings.

    moods: how much pictures of everybody differ in a few directions that say nothing about who it is.
    """
    random = np.random.default_rng(seed)
    identities = unit_rows(random.normal(size=(people, 128)))
    one, other = identities[0::2].copy(), identities[1::2].copy()
    identities[0::2], identities[1::2] = (0.8 * one + 0.2 * other), (0.2 * one + 0.8 * other)
    directions = np.linalg.qr(random.normal(size=(128, MOODS)))[0].T
    who = np.repeat(np.arange(people), faces)
    rows = unit_rows(identities)[who] + random.normal(scale=moods, size=(len(who), MOODS)) @ directions
    rows = unit_rows(rows + random.normal(scale=SPREAD, size=rows.shape))
    basis = load_projection(projection_path(settings.KITH_MODELS, MODEL)).basis
    return unit_rows(rows @ basis), who


def make_lookalikes(
    owner: User, people: int = 30, faces: int = 9, *, moods: float = 0.5, crop: str = ""
) -> list[Person]:
    """Store them, each face in a photo of its own; most of each person's faces bear the name."""
    embeddings, who = lookalikes(people, faces, moods=moods)
    projections = load_projection(projection_path(settings.KITH_MODELS, MODEL)).apply(embeddings)
    named = [Person.objects.create(owner=owner, name=f"Person {number}") for number in range(people)]
    photos = Photo.objects.bulk_create(_photo(owner, number) for number in range(len(who)))
    Face.objects.bulk_create(
        Face(
            photo=photos[number],
            left=0.4,
            top=0.3,
            width=0.1,
            height=0.2,
            landmarks=[0.5] * 10,
            detection_score=0.99,
            quality=0.8,
            embedding=embeddings[number],
            projection=projections[number],
            model=MODEL,
            crop=crop,
            grouped_by=MODEL,
            **({} if number % faces < WAITING else {"person": named[who[number]], "tagged_by": Face.TaggedBy.USER}),
        )
        for number in range(len(who))
    )
    return named


def _photo(owner: User, number: int) -> Photo:
    return Photo(
        owner=owner,
        name=f"IMG_{number:04}.jpg",
        sha256=f"{owner.pk:08x}{number:056x}",
        media_type="image/jpeg",
        original=f"originals/lookalikes/{owner.pk}-{number}.jpg",
        byte_size=1000,
        width=1500,
        height=1000,
        taken_at=datetime(2024, 5, 3, 14, 22, tzinfo=UTC),
        stage=Photo.Stage.DONE,
    )
