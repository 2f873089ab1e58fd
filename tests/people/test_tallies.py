"""What PostgreSQL counts of faces is what is there, after every act and whoever wrote it."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection, transaction
from django.db.models import Count, Q

from people import answers, away, erasing, ledger
from people.models import Cluster, Decision, Face, GroupTally, PersonTally, PhotoTally, Upkeep
from photos.models import Photo
from tests.factories import make_cluster, make_face, make_group, make_person, make_photo


def counted() -> tuple[set, set, set]:
    """What is kept of people, groups and photos."""
    return tuple(set(model.objects.values_list()) for model in (PersonTally, GroupTally, PhotoTally))


def there() -> tuple[set, set, set]:
    """The same from the faces themselves."""
    faces = Face.objects.order_by()
    photos, unnamed = Count("photo", distinct=True), Count("pk", filter=Q(person=None))
    return (
        set(faces.filter(person__isnull=False).values_list("person").annotate(Count("pk"), x=photos)),
        set(faces.untagged().exclude(cluster=None).values_list("cluster").annotate(Count("pk"), x=photos)),
        set(faces.filter(is_ignored=False).values_list("photo").annotate(Count("pk"), x=unnamed)),
    )


@pytest.fixture
def library(alice):
    """A person who is twice in one photo, and two groups, one of which has two faces in one photo."""
    ann, photo = make_person(alice, "Ann"), make_photo(alice)
    for place in (photo, photo, make_photo(alice)):
        make_face(place, person=ann)
    group = make_group(alice, 4)
    make_face(group.faces.first().photo, cluster=group)
    make_face(photo, cluster=make_cluster(alice))
    return ann


def test_who_has_no_face_is_not_counted(alice, library):
    person, group, _ = counted()

    assert person == {(library.pk, 3, 2)}
    assert {row[1:] for row in group} == {(5, 4), (1, 1)}
    make_person(alice, "Nobody")
    make_cluster(alice)
    assert counted() == there() == (person, group, counted()[2])


def test_every_act_is_counted(alice, library):
    group = Cluster.objects.waiting()[0]
    faces = list(group.faces.order_by("pk").values_list("pk", flat=True))
    bea = make_person(alice, "Bea")
    photos = [face.photo_id for face in Face.objects.filter(pk__in=faces[:2])]
    upkeep, _ = Upkeep.objects.get_or_create(owner=alice)
    assert upkeep

    decisions = []
    for act in (
        lambda: answers.confirm(library, faces[:2], actor=alice),
        lambda: answers.confirm(bea, faces[2:4], actor=alice),
        lambda: answers.merge(library, bea, actor=alice),
        lambda: answers.ignore(alice, faces[4:], actor=alice),
        lambda: ledger.regroup(alice.pk, dict.fromkeys(Face.objects.untagged().values_list("pk", flat=True))),
        lambda: answers.remove_name(bea, faces[:1], actor=alice),
        lambda: away.take_away(alice.pk, photos),
        lambda: away.bring_back(alice.pk, photos),
    ):
        before = counted()
        with transaction.atomic():
            decisions.append(act())
        assert counted() == there() != before

    for decision in reversed([each for each in decisions if isinstance(each, Decision)]):
        ledger.undo(decision, actor=alice)
        assert counted() == there()
    erasing.forget_person(library)
    assert counted() == there()
    assert (library.pk, 3, 2) not in counted()[0]


def test_faces_that_go_with_their_photo_are_counted_no_more(alice, library):
    Photo.objects.all().delete()

    assert counted() == there() == (set(), set(), set())


@pytest.mark.django_db(transaction=True)
def test_two_who_name_faces_at_once_count_both(alice):
    ann, photo = make_person(alice, "Ann"), make_photo(alice)
    faces = [make_face(photo).pk for _ in range(6)]
    together = Barrier(2)

    def name(some: list[int]) -> None:
        together.wait()
        for face in some:
            answers.confirm(ann, [face], actor=alice)
        connection.close()

    with ThreadPoolExecutor(2) as both:
        list(both.map(name, (faces[:3], faces[3:])))

    assert counted() == there() == ({(ann.pk, 6, 1)}, set(), {(photo.pk, 6, 0)})
