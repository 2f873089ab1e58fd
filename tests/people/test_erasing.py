"""Deleting face data leaves no face, crop or name, and keeps the photos."""

import pytest
from django.core.files.storage import default_storage
from django.urls import reverse

from people import answers
from people.erasing import delete_face_data, forget_person
from people.models import Change, Cluster, Decision, Face, Library, Person, Suggestion
from photos.models import Photo
from tests.factories import make_cluster, make_face, make_person, make_photo, make_user


@pytest.fixture
def library(alice):
    """Ann and Bob are named, a third face waits in a group and is suggested to be Ann."""
    ann, bob = make_person(alice), make_person(alice, "Bob")
    of_ann, of_bob = make_face(make_photo(alice)), make_face(make_photo(alice))
    answers.confirm(ann, [of_ann.pk], but_not=[of_bob.pk], actor=alice)
    answers.confirm(bob, [of_bob.pk], actor=alice)
    waiting = make_face(make_photo(alice), cluster=make_cluster(alice))
    Suggestion.objects.create(face=waiting, person=ann, probability=0.9, distance=0.1, nearest=of_ann)
    return ann, bob


@pytest.mark.django_db(transaction=True)
def test_deleting_everything_leaves_only_photos():
    alice = make_user()
    face = make_face(make_photo(alice), cluster=make_cluster(alice))
    answers.confirm(make_person(alice), [face.pk], actor=alice)
    face.refresh_from_db()
    Library.objects.create(owner=alice, is_tagging=True)
    of_bob = make_face(make_photo(make_user()))

    assert delete_face_data(alice) == 1

    for model in (Decision, Change, Cluster, Person, Suggestion, Library):
        assert model.objects.count() == 0
    assert list(Face.objects.all()) == [of_bob]
    assert not default_storage.exists(face.crop.name)
    assert default_storage.exists(of_bob.crop.name)
    assert Photo.objects.owned_by(alice).count() == 1
    alice.refresh_from_db()
    assert not alice.allows_faces


def test_faces_are_looked_for_again_only_after_a_new_yes(alice, library):
    delete_face_data(alice)
    assert Photo.objects.claim(Photo.Stage.FACES, limit=8) == []

    alice.face_analysis = alice.FaceAnalysis.ON
    alice.save()

    assert len(Photo.objects.claim(Photo.Stage.FACES, limit=8)) == 3


def test_a_worker_in_the_middle_of_a_photo_stores_nothing_after_deletion(alice):
    make_photo(alice, stage=Photo.Stage.FACES)
    [claimed] = Photo.objects.claim(Photo.Stage.FACES, limit=1)

    delete_face_data(alice)

    assert claimed.locked_in_our_hands() is None


def test_forgetting_a_person_keeps_the_others(alice, library):
    ann, bob = library

    assert forget_person(ann) == 1

    assert list(Person.objects.all()) == [bob]
    assert bob.faces.count() == 1
    assert Suggestion.objects.count() == 0
    assert answers.rejected_pairs(alice.pk) == set()
    assert Photo.objects.count() == 3


def test_the_page_deletes_only_after_the_typed_word(signed_in, alice, library):
    url = reverse("people:delete-face-data")
    assert "2 people and 3 faces" in signed_in.get(url).content.decode()

    assert signed_in.post(url, {"word": "delete"}).status_code == 422
    assert Face.objects.count() == 3

    assert signed_in.post(url, {"word": "DELETE"}).status_code == 302
    assert Face.objects.count() == 0


def test_one_person_is_deleted_after_the_typed_word(signed_in, library):
    ann, bob = library

    signed_in.post(reverse("people:forget", args=[ann.pk]), {"word": "DELETE"})

    assert list(Person.objects.all()) == [bob]
