"""Deleting an account leaves nothing of it, and touches nobody else's."""

import pytest
from axes.models import AccessAttempt, AccessLog
from django.apps import apps
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import BrowserSession, User
from people import answers, leaving, tasks
from photos.models import Photo
from tests.factories import make_album, make_batch, make_face, make_group, make_person, make_photo, make_user

URL = reverse("people:delete-account")
PASSWORD = "correct horse 7"


@pytest.fixture
def user(alice):
    alice.set_password(PASSWORD)
    alice.save()
    return alice


@pytest.fixture
def browser(user):
    client = Client()
    client.force_login(user)
    return client


def fill(owner: User) -> list[str]:
    """A library of an owner; return the names of its files."""
    face = make_face(make_photo(owner))
    answers.confirm(make_person(owner), [face.pk], actor=owner)
    make_group(owner)
    make_album(owner).photos.add(face.photo)
    make_batch(owner)
    make_photo(owner, trashed_at=timezone.now())
    return [face.crop.name]


def rows_of(owner: User) -> dict[str, int]:
    """Rows of each table that say whose they are."""
    counts = {}
    for model in apps.get_models():
        for field in model._meta.fields:
            if field.related_model is User:
                counts[f"{model._meta.label}.{field.name}"] = model._base_manager.filter(**{field.name: owner}).count()
    return counts


@pytest.mark.django_db(transaction=True)
def test_everything_of_an_account_goes_and_nothing_of_others():
    alice, bob = make_user(), make_user()
    files, kept = fill(alice), fill(bob)
    before = rows_of(bob)

    leaving.leave(alice)
    tasks.finish_leaving()

    assert not User.objects.filter(pk=alice.pk).exists()
    assert set(rows_of(alice).values()) == {0}
    assert rows_of(bob) == before
    assert not any(default_storage.exists(name) for name in files)
    assert all(default_storage.exists(name) for name in kept)


def test_the_account_is_closed_at_once_and_its_name_is_free(user, browser):
    make_user()  # else the first page comes back
    elsewhere = Client()
    elsewhere.force_login(user)

    response = browser.post(URL, {"username": user.username, "password": PASSWORD})

    assert response.url == reverse("accounts:sign-in")
    assert elsewhere.get(reverse("accounts:settings")).status_code == 302
    assert not BrowserSession.objects.filter(user=user).exists()
    again = Client().post(reverse("accounts:sign-in"), {"username": "alice", "password": PASSWORD})
    assert again.status_code == 422
    make_user(username="alice")


@pytest.mark.parametrize(("username", "password"), [("alice", "wrong"), ("bob", PASSWORD), ("", "")])
def test_a_wrong_name_or_password_deletes_nothing(user, browser, username, password):
    make_user(username="bob", password=PASSWORD)

    response = browser.post(URL, {"username": username, "password": password})

    assert response.status_code == 422
    assert "Nothing was deleted" in response.content.decode()
    user.refresh_from_db()
    assert user.is_active and user.deleted_at is None


@pytest.mark.django_db(transaction=True)
def test_a_deletion_that_was_stopped_goes_on(monkeypatch):
    alice = make_user()
    fill(alice)
    leaving.leave(alice)
    monkeypatch.setattr(leaving, "purge", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        tasks.finish_leaving()
    assert Photo.everywhere.owned_by(alice).exists()

    monkeypatch.undo()
    tasks.finish_leaving()

    assert set(rows_of(alice).values()) == {0}


def test_when_the_last_account_is_gone_the_first_page_comes_back(user, browser, client):
    browser.post(URL, {"username": user.username, "password": PASSWORD})

    assert client.get("/").url == reverse("accounts:welcome")
    new = {"username": "ruth", "password1": PASSWORD, "password2": PASSWORD}
    assert client.get(reverse("accounts:welcome")).status_code == 200  # also while the worker is not done
    assert client.post(reverse("accounts:welcome"), new).url == reverse("accounts:faces")


def test_nobody_can_read_any_more_who_signed_in_from_where(user, client):
    make_user(username="bob", password=PASSWORD)
    for name in ("alice", "bob"):
        Client().post(reverse("accounts:sign-in"), {"username": name, "password": "wrong"})
    assert AccessAttempt.objects.filter(username="alice").exists()

    leaving.leave(user)

    assert {attempt.username for attempt in AccessAttempt.objects.all()} == {"bob"}
    assert not AccessLog.objects.exists()


def test_the_name_of_a_closed_account_is_nobodys(alice):
    make_user(username=f"deleted-{alice.pk}")

    leaving.leave(alice)

    with pytest.raises(ValidationError):
        User.username_validator(alice.username)


@pytest.mark.django_db(transaction=True)
def test_an_account_stays_until_the_files_of_its_last_photo_are_gone(monkeypatch):
    """A photo that arrives while all is deleted, or that another worker holds."""
    alice = make_user()
    leaving.leave(alice)
    late = default_storage.save("originals/late.jpg", ContentFile(b"late"))
    monkeypatch.setattr(leaving, "purge", lambda: make_photo(alice, original=late))
    tasks.finish_leaving()

    monkeypatch.undo()
    tasks.finish_leaving()

    assert not User.objects.filter(pk=alice.pk).exists()
    assert not default_storage.exists(late)
