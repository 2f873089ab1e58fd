"""Faces of photos in the trash: nowhere to be seen, followed by the ledger, and back as they were."""

import random
import re

import pytest
from django.core.files.storage import default_storage
from django.urls import reverse

from people import answers, ledger
from people.context_processors import questions_left
from people.erasing import delete_face_data, forget_person
from people.grouping import group_owner
from people.models import Change, Cluster, Decision, Face, Person, Question, Suggestion
from people.review import next_card
from people.scores import gallery_of
from people.suggestions import refresh_suggestions
from people.tracks import FaceState
from photos import acts, trash
from photos.models import Photo
from photos.scopes import photos_in
from tests.access.addresses import ROUTES
from tests.factories import (
    make_album,
    make_face,
    make_group,
    make_known,
    make_person,
    make_photo,
    make_suggestion,
    unit,
)
from tests.people.test_races import assert_ledger_holds, at_once, faces_of_a_round


def photos(*some: Photo):
    return Photo.everywhere.filter(pk__in=[photo.pk for photo in some])


def make_library(owner, chance: random.Random) -> list[Photo]:
    """Photos of several people each: some named by the user, some waiting in groups, some alone or set aside."""
    people = [make_person(owner, name) for name in ("Ann", "Bob", "Cy")]
    album = make_album(owner)
    photos = []
    for _ in range(24):
        photo = make_photo(owner, small="x.webp", is_favourite=chance.random() < 0.3)
        photos.append(photo)
        for axis in chance.sample(range(6), chance.randint(0, 3)):
            face = make_face(photo, likeness=unit(axis, towards=100 + len(photos), by=0.2), is_ignored=False)
            if axis < 3 and chance.random() < 0.5:
                answers.confirm(people[axis], [face.pk], actor=owner)
            elif chance.random() < 0.1:
                answers.ignore(owner, [face.pk], actor=owner)
    album.photos.add(*chance.sample(photos, 12))
    return photos


def work(owner) -> None:
    """What workers do after photos came or answers were given."""
    group_owner(owner.pk)
    refresh_suggestions(owner.pk)


def states(owner) -> dict[int, FaceState]:
    return {face.pk: FaceState.of(face) for face in Face.everywhere.owned_by(owner)}


def pages(owner) -> list[str]:
    """Every page there is, of everything the owner has."""
    names = [name for name, route in ROUTES.items() if not route.pattern.converters]
    found = [reverse(name) for name in names if name not in ("photos:trash", "accounts:welcome", "accounts:sign-in")]
    for key, rows, route in (
        ("person_id", Person.objects.owned_by(owner), "people:person"),
        ("cluster_id", Cluster.objects.owned_by(owner), "people:group"),
        ("photo_id", Photo.objects.owned_by(owner), "people:photo"),
        ("album_id", owner.albums.all(), "photos:album"),
        ("album_id", owner.albums.all(), "people:in-album"),
    ):
        found += [reverse(route, kwargs={key: row.pk}) for row in rows]
    for person in Person.objects.owned_by(owner):
        found += [f"{person.get_absolute_url()}?tab=faces", f"/search/?p={person.pk}", f"/search/?without={person.pk}"]
    questions = Question.objects.owned_by(owner)
    return [*found, *(f"/review/?key={question.key}" for question in questions)]


def traces(client, owner, gone: list[Photo]) -> list[str]:
    """Addresses of pages that show something of photos that are away."""
    photos = {photo.pk for photo in gone}
    faces = set(Face.everywhere.filter(photo__in=photos).values_list("pk", flat=True))
    found = []
    for address in pages(owner):
        response = client.get(address)
        if response.status_code != 200 or response.streaming:
            continue
        # The history may show what an act on photos was about, as the trash does.
        html = re.sub(r'<li id="act-\d+".*?</li>', "", response.content.decode(), flags=re.DOTALL)
        shown_photos = {int(pk) for pk in re.findall(r"/photos/(\d+)/|photo-(\d+)\b", html) for pk in pk if pk}
        shown_faces = {int(pk) for pk in re.findall(r"/faces/(\d+)/|face-(\d+)\b", html) for pk in pk if pk}
        if shown_photos & photos or shown_faces & faces:
            found.append(address)
    return found


@pytest.mark.parametrize("seed", range(4))
def test_no_page_and_no_worker_knows_a_photo_in_the_trash_and_all_comes_back_as_it_was(signed_in, alice, seed):
    chance = random.Random(seed)
    library = make_library(alice, chance)
    work(alice)
    before = states(alice)
    gone = chance.sample(library, 9)

    act = acts.move_to_trash(alice, photos(*gone))

    assert traces(signed_in, alice, gone) == []
    assert not Suggestion.objects.filter(face__is_away=True).exists()
    assert not Suggestion.objects.filter(nearest__is_away=True).exists()
    assert all(card_stands(question) for question in Question.objects.owned_by(alice))
    for person in Person.objects.owned_by(alice).with_photo_count():
        assert person.photo_count == Photo.objects.filter(faces__person=person).distinct().count()
        assert person.photo_count == photos_in(alice, f"person-{person.pk}").count()
    work(alice)
    assert traces(signed_in, alice, gone) == []
    assert {pk: state for pk, state in states(alice).items() if pk in away(gone)} == {
        pk: state for pk, state in before.items() if pk in away(gone)
    }

    assert acts.undo(act)
    assert Face.objects.owned_by(alice).count() == len(before)
    assert {pk: state.person for pk, state in states(alice).items()} == {pk: s.person for pk, s in before.items()}
    assert {pk: before[pk] for pk in away(gone)} == {pk: states(alice)[pk] for pk in away(gone)}
    assert_ledger_holds()


def away(gone: list[Photo]) -> set[int]:
    return set(Face.everywhere.filter(photo__in=[photo.pk for photo in gone]).values_list("pk", flat=True))


def card_stands(question: Question) -> bool:
    return next_card(question.owner, only=[question.key]) is not None


def test_questions_about_what_is_away_are_not_counted_even_before_a_worker_came_by(signed_in, alice, rf):
    ann, group = make_known(alice, "Ann", faces=2), make_group(alice)
    face = make_face(make_photo(alice))
    make_suggestion(face, ann)
    Question.objects.create(owner=alice, kind="person", person=ann, faces=1, answers=1, worth=1)
    Question.objects.create(owner=alice, kind="group", cluster=group, faces=3, answers=1, worth=1)
    other = make_group(alice)
    Question.objects.create(owner=alice, kind="same", cluster=other, other_cluster=group, faces=3, answers=1, worth=1)
    gone = [face.photo, *Photo.objects.filter(faces__cluster=group)[:2]]

    acts.move_to_trash(alice, photos(*gone))

    assert list(Question.objects.values_list("kind", flat=True)) == ["same"]  # of a group of one face, still
    acts.move_to_trash(alice, Photo.objects.filter(faces__cluster=group))
    assert not Question.objects.exists()
    request = rf.get("/")
    request.user, request.session = alice, {}
    assert questions_left(request)["questions_left"] == 0


def test_a_suggestion_made_by_a_face_that_goes_away_goes_with_it(alice):
    ann = make_known(alice, "Ann")
    suggestion = make_suggestion(make_face(make_photo(alice)), ann)

    acts.move_to_trash(alice, photos(suggestion.nearest.photo))

    assert not Suggestion.objects.exists()
    assert not gallery_of(alice.pk).exists()


def test_who_is_merged_takes_faces_in_the_trash_along_and_undo_brings_them_back(alice):
    ann, annie = make_known(alice, "Ann"), make_known(alice, "Annie", faces=2)
    face = Face.objects.filter(person=annie).first()
    acts.move_to_trash(alice, photos(face.photo))

    merge = answers.merge(annie, ann, actor=alice)
    acts.restore(alice, photos(face.photo))
    assert Face.objects.filter(person=ann).count() == 3

    acts.move_to_trash(alice, photos(face.photo))
    ledger.undo(merge, actor=alice)
    acts.restore(alice, photos(face.photo))
    assert Face.objects.filter(person=annie).count() == 2


def test_the_dialog_that_merges_takes_faces_in_the_trash_along(signed_in, alice):
    """It counts the faces it shows, and those in the trash are not shown."""
    ann, annie = make_known(alice, "Ann", faces=3), make_known(alice, "Annie", faces=2)
    face = Face.objects.filter(person=annie).first()
    acts.move_to_trash(alice, photos(face.photo))
    asked = signed_in.get(reverse("people:merge"), {"people": [ann.pk, annie.pk]}).context["preview"]

    data = {"people": [ann.pk, annie.pk], "keep": ann.pk, "counted": ",".join(map(str, asked.counted))}
    signed_in.post(reverse("people:merge"), data)
    acts.restore(alice, photos(face.photo))

    assert Face.objects.filter(person=ann).count() == 5


def test_an_undo_reaches_faces_in_the_trash(alice):
    ann, face = make_person(alice), make_face(make_photo(alice))
    decision = answers.confirm(ann, [face.pk], actor=alice)
    acts.move_to_trash(alice, photos(face.photo))

    ledger.undo(decision, actor=alice)
    acts.restore(alice, photos(face.photo))

    assert Face.objects.get(pk=face.pk).person is None


def test_who_is_forgotten_is_forgotten_in_the_trash_too(alice):
    ann = make_known(alice, "Ann", faces=2)
    face = Face.objects.filter(person=ann).first()
    acts.move_to_trash(alice, photos(face.photo))

    assert forget_person(ann) == 2
    acts.restore(alice, photos(face.photo))
    assert not Face.everywhere.exists()


def test_all_face_data_means_that_in_the_trash_too(alice):
    face = make_face(make_photo(alice))
    acts.move_to_trash(alice, photos(face.photo))

    assert delete_face_data(alice) == 1
    assert Photo.everywhere.get().stage == Photo.Stage.FACES


def test_a_group_outlives_that_all_its_faces_are_away(alice):
    make_group(alice)
    work(alice)
    number = Face.objects.filter(cluster__isnull=False).first().cluster_id
    acts.move_to_trash(alice, Photo.objects.owned_by(alice))
    make_face(make_photo(alice), likeness=unit(7))
    work(alice)

    acts.restore(alice, Photo.everywhere.owned_by(alice))

    assert Face.objects.filter(cluster=number).count() == 3


def test_what_is_deleted_for_good_leaves_no_face_no_crop_and_no_number_of_one(alice):
    ann, face = make_person(alice), make_face(make_photo(alice))
    answers.confirm(ann, [face.pk], actor=alice)
    crop = face.crop.name
    acts.move_to_trash(alice, photos(face.photo))
    trash.delete_for_good(alice, photos(face.photo))

    assert default_storage.exists(crop)
    assert trash.purge() == 1

    assert not Face.everywhere.exists()
    assert not default_storage.exists(crop)
    assert not Change.objects.exists()
    assert not Person.objects.exists()  # no other photo shows her


def test_going_away_costs_as_many_queries_for_many_photos_as_for_one(alice, django_assert_max_num_queries):
    group = make_group(alice, 12)

    with django_assert_max_num_queries(24):
        acts.move_to_trash(alice, Photo.objects.filter(faces__cluster=group))


# Races


def assert_away_with_their_photos() -> None:
    assert not Face.everywhere.filter(is_away=False).exclude(photo__trashed_at=None).exists()
    assert not Face.everywhere.filter(is_away=True, photo__trashed_at=None).exists()
    assert not Suggestion.objects.filter(face__is_away=True).exists()
    assert not Suggestion.objects.filter(nearest__is_away=True).exists()


ROUNDS = 12


@pytest.mark.django_db(transaction=True)
@pytest.mark.timeout(120)
def test_an_answer_that_meets_the_trash_is_noted_and_nothing_waits_for_ever(alice):
    ann = make_person(alice)
    for number in range(ROUNDS):
        faces = faces_of_a_round(alice)
        theirs = Photo.everywhere.filter(faces__in=[face.pk for face in faces])

        _, act = at_once(
            lambda pks=[face.pk for face in faces][::-1]: answers.confirm(ann, pks, actor=alice),
            lambda theirs=theirs: acts.move_to_trash(alice, theirs),
        )

        assert_away_with_their_photos()
        if number % 2:
            acts.undo(act)
            assert Face.objects.filter(pk__in=[face.pk for face in faces], person=ann).count() == len(faces)
    assert Face.everywhere.filter(person=ann).count() == ROUNDS * 3


@pytest.mark.django_db(transaction=True)
@pytest.mark.timeout(120)
def test_grouping_and_suggestions_that_meet_the_trash_leave_what_is_in_it_alone(alice):
    make_known(alice, "Ann", likeness=unit(1), faces=3)
    for number in range(ROUNDS):
        waiting = [
            make_face(make_photo(alice), likeness=unit(1 + n % 2, towards=20 + number, by=0.2)) for n in range(6)
        ]
        gone = Photo.objects.filter(pk__in=[face.photo_id for face in waiting[::2]])

        at_once(
            lambda: group_owner(alice.pk),
            lambda: refresh_suggestions(alice.pk),
            lambda gone=gone: acts.move_to_trash(alice, gone),
        )

        assert_away_with_their_photos()
    acts.restore(alice, Photo.everywhere.owned_by(alice))
    assert_away_with_their_photos()
    assert Face.objects.count() == Face.everywhere.count()
    work(alice)
    regroups = Decision.objects.filter(verb=Decision.Verb.REGROUP)
    assert not Change.objects.filter(decision__in=regroups, face=None).exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.timeout(120)
def test_two_who_empty_and_fill_the_trash_at_once_do_not_lock_each_other_out(alice):
    some = [make_face(make_photo(alice)).photo for _ in range(8)]
    for _ in range(ROUNDS):
        at_once(
            lambda: acts.move_to_trash(alice, photos(*some)),
            lambda: acts.restore(alice, photos(*some)),
            lambda: acts.mark(alice, Photo.objects.owned_by(alice), is_favourite=True),
        )
        assert_away_with_their_photos()
