"""`manage.py make_library`: an invented library in an empty Kith, the same for the same seed."""

from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import transaction
from django.urls import reverse
from PIL import Image

from accounts.models import User
from people.invented_photos import YEARS, take_photos
from people.invented_rows import FIRST_DAY
from people.ledger import undo
from people.models import Cluster, Decision, Face, LibraryMap, Person, Question, SavedSearch, Suggestion
from photos import acts, trash
from photos.models import Act, Album, Batch, Photo
from tests.factories import make_photo


@pytest.fixture(scope="module")
def made(models_dir, tmp_path_factory, django_db_setup, django_db_blocker) -> Iterator[tuple[User, Path]]:
    """A library and the folder of its files, made once: each test takes back what it did to it in the tables."""
    folder = tmp_path_factory.mktemp("made")
    password = folder / "password"
    password.write_text("a good long password\n")
    kept, settings.MEDIA_ROOT = settings.MEDIA_ROOT, folder / "media"
    options = {"photos": 300, "faces": 900, "seed": 1, "owner": "ada", "password_file": password}
    with django_db_blocker.unblock(), transaction.atomic():
        call_command("make_library", stdout=StringIO(), **options)
        settings.MEDIA_ROOT = kept
        yield User.objects.get(username="ada"), folder / "media"
        transaction.set_rollback(True)


@pytest.fixture
def library(made, db, settings) -> User:
    owner, settings.MEDIA_ROOT = made
    return owner


def test_there_is_something_of_everything(library):
    assert library.check_password("a good long password")
    assert Photo.everywhere.owned_by(library).count() == 300
    assert Face.everywhere.owned_by(library).count() == 900
    for rows in (Album, Batch, Act, SavedSearch, Question, Decision, LibraryMap, Person, Cluster, Suggestion):
        assert rows.objects.exists(), rows
    photos, faces = Photo.objects.owned_by(library), Face.objects.owned_by(library)
    assert photos.filter(is_favourite=True).exists()
    assert photos.undated().exists()
    assert photos.filter(place__contains=", ").exists()
    assert photos.failed().exists() or photos.filter(faces=None).exists()
    assert Photo.everywhere.in_trash().exists()
    assert faces.gallery().exists()
    assert faces.filter(is_ignored=True).exists()
    assert faces.untagged().filter(cluster=None, suggestion=None).exists()
    taken = Photo.everywhere.owned_by(library).values_list("taken_at", flat=True)
    assert {(moment - FIRST_DAY).days // 365 for moment in taken} == set(range(YEARS))


def test_nobody_is_in_a_photo_twice(library):
    named = Face.everywhere.filter(person__isnull=False).values_list("photo", "person")

    assert len(set(named)) == len(named)


def test_every_file_is_there_and_is_nobody_elses(library):
    one = Photo.objects.owned_by(library).filter(width=1200, height=900).earliest("pk")
    with Image.open(one.large.path) as large:
        assert large.size == (1200, 900)
    assert all(default_storage.exists(face.crop.name) for face in Face.everywhere.all())

    acts.move_to_trash(library, Photo.objects.filter(pk=one.pk))
    trash.delete_for_good(library, Photo.everywhere.filter(pk=one.pk))
    trash.purge()

    assert not Path(one.original.path).exists()
    for photo in Photo.everywhere.all():
        assert Path(photo.original.path).stat().st_size == photo.byte_size
        assert Path(photo.small.path).exists()
        assert Path(photo.large.path).exists()


def test_its_acts_can_be_undone(library):
    confirmation = Decision.objects.filter(verb=Decision.Verb.CONFIRM).first()
    faces = list(confirmation.changes.values_list("face", flat=True))

    assert undo(confirmation, actor=library)
    assert not Face.everywhere.filter(pk__in=faces, person=confirmation.person).exists()
    assert acts.undo(Act.objects.filter(verb=Act.Verb.ADD).first())


def test_one_can_go_on_with_it(library, client):
    photo = make_photo(library, sha256="f" * 64)
    client.force_login(library)

    assert photo.pk == 301
    for name in ("photos:timeline", "people:index", "people:review", "people:map", "photos:status", "people:history"):
        assert client.get(reverse(name)).status_code == 200


def test_a_kith_that_holds_something_is_left_alone(db):
    make_photo()

    with pytest.raises(CommandError, match="not empty"):
        call_command("make_library", photos=300, faces=900, verbosity=0)
    assert not (settings.MEDIA_ROOT / "invented").exists()


@pytest.mark.parametrize(("photos", "faces"), [(0, 900), (300, 0), (100, 900)])
def test_a_library_that_cannot_be_is_refused(db, photos, faces):
    with pytest.raises(CommandError, match="at most five faces"):
        call_command("make_library", photos=photos, faces=faces, verbosity=0)


@pytest.mark.parametrize("photos", [YEARS, 2000])
def test_few_or_many_photos_are_of_each_year(photos):
    shots = take_photos(photos, seed=1)

    assert {(taken_at - FIRST_DAY).days // 365 for taken_at in shots.times} == set(range(YEARS))


def test_another_seed_makes_another_library():
    from people.invented_library import invent

    one, same, other = invent(300, 900, 1), invent(300, 900, 1), invent(300, 900, 2)

    assert one.shots.times == same.shots.times
    assert (one.faces.rows == same.faces.rows).all()
    assert one.shots.times != other.shots.times
    assert (one.faces.rows != other.faces.rows).any()
