"""The review queue: which question settles most faces, and how many are left."""

from collections.abc import Collection
from dataclasses import dataclass
from math import ceil

from django.db.models import Count, Q

from accounts.models import User
from people.early_years import not_born_by
from people.models import Cluster, Face, Person, Suggestion
from people.models.cluster import SMALLEST_GROUP
from photos.face_model import suggestion_distance

FACES_ASKED = 12  # at once: what fits one screen without scrolling
FACES_SHOWN_OF_GROUP = 12
REFERENCES = 4
OTHERS = 3
# As many times as far as a suggestion goes: worth a key, not worth a question.
OTHERS_AS_FAR = 1.67


@dataclass(frozen=True)
class Question:
    """Either "Is this Ann?" about suggested faces, or "Who is this?" about a group."""

    key: str
    person: Person | None
    cluster: Cluster | None
    faces: list[Face]
    references: list[Face]
    others: list[Person]
    settles: int

    @property
    def unseen(self) -> int:
        """Faces of the group that a name settles without being shown."""
        return self.settles - len(self.faces)


@dataclass(frozen=True)
class _Topic:
    """A question not yet fetched: about whom, and how many faces wait for it."""

    key: str
    faces: int
    person_id: int | None = None
    cluster_id: int | None = None

    @property
    def settled_at_once(self) -> int:
        return min(self.faces, FACES_ASKED) if self.person_id else self.faces


def next_question(owner: User, *, skipped: Collection[str] = (), about: int | None = None) -> Question | None:
    """Return the question that settles most faces, or None when all are answered or skipped.

    `about` asks only about the person with this primary key.
    """
    topics = [topic for topic in _topics(owner) if topic.key not in skipped]
    if about is not None:
        topics = [topic for topic in topics if topic.person_id == about]
    if not topics:
        return None
    best = max(topics, key=lambda topic: (topic.settled_at_once, topic.key))
    if best.person_id is not None:
        return _about_person(owner, best, best.person_id)
    assert best.cluster_id is not None
    return _about_group(owner, best, best.cluster_id)


def count_questions(owner: User) -> int:
    """How many answers are still to be given, if every one is yes."""
    return sum(ceil(topic.faces / FACES_ASKED) if topic.person_id else 1 for topic in _topics(owner))


def _topics(owner: User) -> list[_Topic]:
    people = (
        Suggestion.objects.owned_by(owner)
        .filter(person__is_hidden=False)
        .values_list("person")
        .annotate(Count("pk"))
        .order_by()
    )
    # Faces that are asked about as somebody's are not asked about again as a group's.
    unasked = Q(faces__person=None, faces__is_ignored=False, faces__suggestion=None)
    groups = (
        Cluster.objects.owned_by(owner)
        .filter(is_hidden=False)
        .annotate(unasked=Count("faces", filter=unasked))
        .filter(unasked__gte=SMALLEST_GROUP)
        .values_list("pk", "unasked")
    )
    return [_Topic(f"p{pk}", faces, person_id=pk) for pk, faces in people] + [
        _Topic(f"g{pk}", faces, cluster_id=pk) for pk, faces in groups
    ]


def _about_person(owner: User, topic: _Topic, person_id: int) -> Question:
    person = Person.objects.owned_by(owner).with_photo_count().get(pk=person_id)
    asked = Face.objects.owned_by(owner).filter(suggestion__person=person).order_by("suggestion__distance", "pk")
    faces = list(asked.without_vectors().select_related("photo")[:FACES_ASKED])
    return Question(
        key=topic.key,
        person=person,
        cluster=None,
        faces=faces,
        references=reference_faces(person),
        others=likely_people(owner, faces, but_not=person),
        settles=len(faces),
    )


def _about_group(owner: User, topic: _Topic, cluster_id: int) -> Question:
    cluster = Cluster.objects.owned_by(owner).get(pk=cluster_id)
    faces = cluster.faces.untagged().filter(suggestion=None).order_by("-quality", "pk")
    shown = list(faces.without_vectors().select_related("photo")[:FACES_SHOWN_OF_GROUP])
    return Question(
        key=topic.key,
        person=None,
        cluster=cluster,
        faces=shown,
        references=[],
        others=likely_people(owner, shown),
        settles=faces.count(),
    )


def reference_faces(person: Person) -> list[Face]:
    """Confirmed faces to compare with: the best of each quarter of the years known, oldest first."""
    faces = list(person.faces.gallery().without_vectors().select_related("photo").order_by("photo__taken_at", "pk"))
    if len(faces) <= REFERENCES:
        return faces
    step = len(faces) / REFERENCES
    quarters = [faces[round(i * step) : round((i + 1) * step)] for i in range(REFERENCES)]
    return [max(quarter, key=lambda face: face.quality) for quarter in quarters]


def likely_people(owner: User, faces: Collection[Face], *, but_not: Person | None = None) -> list[Person]:
    """Other named people the first of these faces may show, the most alike first, for the keys 1 to 3."""
    probe = next(iter(faces), None)
    if probe is None:
        return []
    gallery = Face.objects.owned_by(owner).gallery().filter(person__is_hidden=False).embedded_by(probe.model)
    gallery = gallery.exclude(person=but_not) if but_not else gallery
    gallery = gallery.exclude(person__in=not_born_by(probe))
    likely = gallery.closest_people(probe, threshold=OTHERS_AS_FAR * suggestion_distance(probe.model))[:OTHERS]
    people = Person.objects.in_bulk([pk for pk, _ in likely])
    return [people[pk] for pk, _ in likely]
