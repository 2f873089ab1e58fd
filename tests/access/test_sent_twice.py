"""What is sent twice, or at once by two: one effect, and a sentence instead of an error."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier

import pytest
from django.contrib.messages import get_messages
from django.db import connection
from django.test import Client
from django.urls import reverse

from accounts.models import User
from people.models import Face, Person
from photos import acts, trash
from photos.models import Act, Album, Photo
from tests.factories import make_album, make_face, make_known, make_photo, make_user


def said(response) -> str:
    return " ".join(str(message) for message in get_messages(response.wsgi_request))


def at_once(*calls):
    """Call all of them in threads that start together."""
    barrier = Barrier(len(calls))

    def run(call):
        try:
            barrier.wait(30)
            return call()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return [done.result() for done in [pool.submit(run, call) for call in calls]]


def client_of(user) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client


def test_an_album_deleted_twice_is_deleted_already(signed_in, alice):
    url = reverse("photos:album-delete", args=[make_album(alice).pk])
    signed_in.post(url)

    again = signed_in.post(url)

    assert again.url == reverse("photos:albums")
    assert "It was deleted already." in said(again)
    assert Act.objects.count() == 1


def test_an_album_that_came_back_can_be_deleted_again(signed_in, alice):
    album = make_album(alice)
    url = reverse("photos:album-delete", args=[album.pk])
    signed_in.post(url)
    acts.undo(Act.objects.get())

    signed_in.post(url)

    assert not Album.objects.exists()
    assert Act.objects.count() == 2


def test_the_deleted_album_of_another_is_as_unknown_as_any(client, alice, bob):
    url = reverse("photos:album-delete", args=[make_album(alice).pk])
    acts.delete_album(Album.objects.get())
    client.force_login(bob)

    assert client.post(url).status_code == 404


def test_a_person_forgotten_twice_leads_on(signed_in, alice):
    url = reverse("people:forget", args=[make_known(alice).pk])
    signed_in.post(url, {"word": "DELETE"})

    again = signed_in.post(url, {"word": "DELETE"})

    assert again.url == reverse("people:index")
    assert "Nothing was left to delete." in said(again)
    assert signed_in.get(url).status_code == 404


def test_another_of_a_name_sent_twice_is_one(signed_in, alice):
    make_known(alice, "Ann")
    face = make_face(make_photo(alice))
    url = reverse("people:name-face", args=[face.pk])
    form = {"name": "Ann", "new": "1", "note": "next door", "form_key": "abc"}

    for _ in range(2):
        assert signed_in.post(url, form).status_code == 302
    signed_in.post(url, form | {"form_key": "def"})

    assert Person.objects.filter(name="Ann").count() == 3


def test_the_page_that_asks_which_one_names_its_form(signed_in, alice):
    make_known(alice, "Ann")
    make_known(alice, "Ann")
    group = make_face(make_photo(alice))
    url = reverse("people:change-faces", args=[make_known(alice, "Bob").pk])
    faces = Face.objects.filter(person__name="Bob").values_list("pk", flat=True)

    pages = [signed_in.post(url, {"action": "move", "name": "Ann", "faces": list(faces)}) for _ in range(2)]

    keys = {page.context["form_key"] for page in pages}
    assert len(keys) == 2
    assert all(f'name="form_key" value="{page.context["form_key"]}"' in page.content.decode() for page in pages)
    assert group.person is None


def test_a_face_drawn_in_a_photo_that_was_just_trashed_is_not_drawn(signed_in, alice, monkeypatch):
    from people.views import photo as views

    photo = make_photo(alice)
    real = views._photo_of

    def then_trashed(request, photo_id):
        found = real(request, photo_id)
        trash.move_to_trash(alice, Photo.objects.filter(pk=photo_id))
        return found

    monkeypatch.setattr(views, "_photo_of", then_trashed)
    box = {"left": 0.1, "top": 0.1, "width": 0.3, "height": 0.3}

    assert signed_in.post(reverse("people:draw", args=[photo.pk]), box).status_code == 404
    assert not Face.everywhere.exists()


@pytest.mark.django_db(transaction=True)
def test_two_albums_renamed_to_one_title_at_once():
    alice = make_user()
    albums = [make_album(alice, title) for title in ("First", "Second")]

    for title in ("Sea", "Lake", "River", "Pond"):
        answers = at_once(*(partial(renamed, alice, album, title) for album in albums))
        assert sorted(answers) == [302, 422]


def renamed(owner: User, album: Album, title: str) -> int:
    return client_of(owner).post(reverse("photos:album-rename", args=[album.pk]), {"title": title}).status_code


@pytest.mark.django_db(transaction=True)
def test_an_album_deleted_twice_at_once_is_noted_once():
    alice = make_user()
    album = make_album(alice)

    answers = at_once(*[lambda: client_of(alice).post(reverse("photos:album-delete", args=[album.pk])).status_code] * 4)

    assert set(answers) == {302}
    assert Act.objects.count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("form", [{"name": "Zoe"}, {"name": "Zoe", "new": "1", "form_key": "abc"}])
def test_a_new_name_sent_four_times_at_once_makes_one_person(form):
    alice = make_user()
    face = make_face(make_photo(alice))
    url = reverse("people:name-face", args=[face.pk])

    answers = at_once(*[lambda: client_of(alice).post(url, form).status_code] * 4)

    assert set(answers) == {302}
    assert Person.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_who_goes_while_a_page_counts_them_is_left_out(monkeypatch):
    from people.views import people as views

    alice = make_user()
    ann, bob = make_known(alice, "Ann"), make_known(alice, "Bob")
    make_face(ann.faces.first().photo, person=bob)
    real = Person.objects.in_bulk

    def then_gone(counts, **options):
        Face.objects.filter(person=bob).update(person=None, tagged_by="")
        bob.delete()
        return real(counts, **options)

    monkeypatch.setattr(Person.objects, "in_bulk", then_gone)
    assert views._often_with(ann) == []
