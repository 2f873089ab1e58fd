"""Fills an empty Kith with an invented library: for measuring how it does with many photos, and for looking at it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

import numpy as np
from django.conf import settings
from django.db import connection
from numpy.typing import NDArray

from accounts.models import User
from people.invented_faces import Faces, Naming, faces_of_library, name_some, places_in_photos
from people.invented_photos import Shots, file_name, photo_rows, store_batches, take_photos
from people.invented_pictures import CROPS, KINDS, Pictures, Sizes, boxes_of, draw_pictures, link_all
from people.invented_rows import DIMENSIONS, FIRST_DAY, Box, go_on_numbering, store_named
from people.mapping import draw_map
from people.models import Cluster, Decision, Face, Person, SavedSearch, Upkeep
from people.ranking import rank_questions
from photos import acts
from photos.models import Act, Album, Photo

FRIENDS, FAMILY = 6, 6  # people.invented_faces: the first people; nobody has named the friends yet
NAMED = 0.4  # of the people with so many faces
LEAST_TO_BE_NAMED = 5
CONFIRMED = 0.85  # of a named person's faces
IGNORED = 0.02  # of the faces of people without a name
ALBUM_EVERY = 12  # events
TRASHED = 0.004  # of the photos
HIDDEN_EVERY = 60  # people, and groups
GIVEN = ("Ada", "Ben", "Chloé", "Dmitri", "Elif", "Farid", "Grete", "Hana", "Ivo", "Jun", "Kofi", "Lena", "Mateo",
         "Nora", "Ömer", "Priya", "Quentin", "Rosa", "Søren", "Tariq", "Uma", "Vera", "Wanda", "Xenia", "Yusuf",
         "Zoë")  # fmt: skip
FAMILIES = ("Abel", "Brandt", "Castillo", "Dvořák", "Eriksen", "Fischer", "García", "Horn", "Ito", "Jansen", "Kaya",
            "Lindqvist", "Moreau", "Nowak", "Okafor", "Pérez", "Rossi", "Sato", "Tanaka", "Ulrich", "Vogel",
            "Walsh", "Young", "Żak")  # fmt: skip


@dataclass(frozen=True)
class Invented:
    """A library before it is stored. heads: faces of each photo; boxes: of each face."""

    shots: Shots
    faces: Faces
    naming: Naming
    heads: NDArray[np.int64]
    boxes: list[Box]


def is_empty() -> bool:
    """Whether Kith holds nothing: no photos, no names and nothing that was decided."""
    models = (Photo.everywhere, Face.everywhere, Person.objects, Decision.objects)
    return not any(rows.exists() for rows in models)


def make_library(
    owner: User, *, photos: int, faces: int, seed: int, report: Callable[[str], object], has_pictures: bool = True
) -> None:
    """Make the library of an owner in an empty Kith. The same numbers and the same seed make the same one.

    has_pictures: else its rows name files that are not there.

    Raises WeightsUnavailable when it is unknown which model the questions are to be ranked for.
    """
    _unlimited()
    report("Inventing photos and faces.")
    library = invent(photos, faces, seed)
    sizes = _draw(library, report) if has_pictures else {}
    report("Storing the library.")
    _store(owner, library, sizes, seed)
    _act(owner, library, seed)
    _tidy()
    report("Ranking questions and drawing the map.")
    rank_questions(owner.pk)
    draw_map(owner.pk)
    _tidy()


def invent(photos: int, faces: int, seed: int) -> Invented:
    found = faces_of_library(faces, photos=photos, dimensions=DIMENSIONS, seed=seed)
    naming = name_some(
        found,
        named=NAMED,
        least=LEAST_TO_BE_NAMED,
        confirmed=CONFIRMED,
        never=FRIENDS,
        always=FAMILY,
        ignored=IGNORED,
        seed=seed + 2,
    )
    shots = take_photos(photos, seed=seed)
    heads = np.bincount(found.photos, minlength=photos + 1)[1:]
    known = {(shape, count): boxes_of(shape, count) for shape in range(6) for count in range(int(heads.max()) + 1)}
    numbers = (found.photos - 1).tolist()
    boxes = [
        known[int(shots.shapes[photo]), int(heads[photo])][place]
        for photo, place in zip(numbers, places_in_photos(found.photos).tolist(), strict=True)
    ]
    return Invented(shots, found, naming, heads, boxes)


def _draw(library: Invented, report: Callable[[str], object]) -> Sizes:
    report("Drawing pictures.")
    media = Path(settings.MEDIA_ROOT)
    pictures = draw_pictures(media / "invented")
    _link(library, pictures, media)
    return pictures.sizes()


def _link(library: Invented, pictures: Pictures, media: Path) -> None:
    shapes, heads = library.shots.shapes.tolist(), library.heads.tolist()
    for kind in KINDS:
        link_all(
            (pictures.photos[key][kind], media / file_name(kind, number))
            for number, key in enumerate(zip(shapes, heads, strict=True), 1)
        )
    link_all(
        (pictures.crops[person % CROPS], media / file_name("crops", number))
        for number, person in enumerate(library.faces.people.tolist(), 1)
    )


def _unlimited() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute("SET idle_in_transaction_session_timeout = 0")


def _tidy() -> None:
    """Have PostgreSQL count its tables, as it does by itself in time."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE" if connection.in_atomic_block else "VACUUM ANALYZE")


def _store(owner: User, library: Invented, sizes: Sizes, seed: int) -> None:
    photos = photo_rows(owner, library.shots, library.heads, sizes, seed=seed)
    crop = partial(file_name, "crops")
    store_named(owner, library.faces, library.naming, photos, name_of=_name, boxes=library.boxes, crop=crop)
    go_on_numbering(*store_batches(owner, library.shots))
    Upkeep.objects.get_or_create(owner=owner)


def _name(number: int) -> str:
    return f"{GIVEN[number % len(GIVEN)]} {FAMILIES[number * 7 // len(GIVEN) % len(FAMILIES)]}"


def _act(owner: User, library: Invented, seed: int) -> None:
    """What an owner does besides naming: hides somebody, makes albums, keeps searches, throws photos away."""
    random = np.random.default_rng([seed, 9])
    for model in (Person, Cluster):
        # Nobody of the family, nor the largest groups.
        pks = model._default_manager.filter(pk__gt=FRIENDS + FAMILY).order_by("pk").values_list("pk", flat=True)
        model._default_manager.filter(pk__in=list(pks)[::HIDDEN_EVERY]).update(is_hidden=True)
    _make_albums(owner, library.shots)
    photos = Photo.objects.owned_by(owner)
    chosen = (random.permutation(len(library.shots)) + 1).tolist()
    acts.move_to_trash(owner, photos.filter(pk__in=chosen[: max(1, round(TRASHED * len(chosen)))]))
    for start in range(1000, min(len(chosen), 4000), 30):
        acts.mark(owner, photos.filter(pk__in=chosen[start : start + 30]), is_favourite=True)
    _keep_searches(owner)
    _spread_acts(owner)


def _make_albums(owner: User, shots: Shots) -> None:
    """An album of one event, or of a few that follow each other."""
    starts = np.flatnonzero(np.diff(shots.events, prepend=-1)).tolist()
    for number, first in enumerate(range(0, len(starts), ALBUM_EVERY)):
        end = min(first + 1 + number % 6, len(starts) - 1)
        photos = list(range(starts[first] + 1, (starts[end] if end > first else len(shots)) + 1))
        town = shots.places[shots.towns[starts[first]]].partition(",")[0] if shots.towns[starts[first]] >= 0 else "Home"
        title = f"{town}, {shots.times[starts[first]]:%B %Y}"
        acts.add_to_album(owner, Photo.objects.owned_by(owner).filter(pk__in=photos), title)


def _spread_acts(owner: User) -> None:
    """Have them made all along, as the decisions were: a page of the history shows both."""
    made, decisions = list(Act.objects.owned_by(owner).order_by("pk")), Decision.objects.owned_by(owner).count()
    for number, act in enumerate(made, 1):
        act.made_at = FIRST_DAY + timedelta(minutes=number * decisions / len(made))
    Act.objects.bulk_update(made, ["made_at"], 1000)


def _keep_searches(owner: User) -> None:
    people = list(Person.objects.owned_by(owner).order_by("pk")[:6])
    albums = list(Album.objects.owned_by(owner).order_by("pk")[:2])
    searches = {f"Photos of {person}": f"p={person.pk}" for person in people}
    searches |= {f"Everything in {album}": f"album={album.pk}" for album in albums}
    searches["Large groups"] = "faces=6"
    for title, query in searches.items():
        SavedSearch.objects.get_or_create(owner=owner, query=query, defaults={"title": title[:200]})
