"""One library, and a browser of everybody who may ask for something in it."""

import itertools
from collections.abc import Iterator

import pytest
from django.db import connection, transaction
from django.test import Client

from people.models import Face
from photos import media_folder, trash
from photos.models import Photo
from tests.access.library import Belongings, make_belongings, owned_models
from tests.factories import make_photo, make_user

STARTS = itertools.count(10**6, 10**6)  # of the numbers of a library: those of two modules may be there at once


@pytest.fixture(scope="module")
def home(django_db_setup, django_db_blocker, tmp_path_factory) -> Iterator[Belongings]:
    """One library for all tests of this module, gone afterwards."""
    from django.conf import settings

    kept, settings.MEDIA_ROOT = settings.MEDIA_ROOT, tmp_path_factory.mktemp("media")
    media_folder.set_mark("tests")
    with django_db_blocker.unblock(), transaction.atomic():
        yield make_belongings(make_user(username="alice"), media=settings.MEDIA_ROOT)
        transaction.set_rollback(True)
    settings.MEDIA_ROOT = kept


@pytest.fixture(scope="module")
def clients(home) -> dict[str, Client]:
    """A browser of everybody. The deactivated user is signed in, and owns everything, too."""
    clients = {role: Client() for role in ("anonymous", "other", "owner", "staff", "deactivated")}
    clients["owner"].force_login(home.owner)
    clients["other"].force_login(make_user(username="bob"))
    clients["staff"].force_login(make_user(username="carol", is_staff=True, is_superuser=True))
    clients["deactivated"].force_login(home.owner)
    return clients


@pytest.fixture
def at_home(db, settings, home):
    """The fixture of all tests has given this one an empty folder of files."""
    settings.MEDIA_ROOT = home.media


@pytest.fixture(scope="module")
def two(django_db_setup, django_db_blocker, tmp_path_factory) -> Iterator[tuple[Belongings, Belongings, Client]]:
    """Two libraries, and the browser of the first one's owner. The other's numbers stand nowhere by chance."""
    from django.conf import settings

    kept, settings.MEDIA_ROOT = settings.MEDIA_ROOT, tmp_path_factory.mktemp("media")
    media_folder.set_mark("tests")
    with django_db_blocker.unblock(), transaction.atomic():
        mine = make_belongings(make_user(), "Bernard")
        start = next(STARTS)
        count_from(700 * start)
        theirs = make_belongings(make_user())
        count_from(start)
        for each in (mine, theirs):
            photo = make_photo(each.owner)
            trash.move_to_trash(each.owner, Photo.objects.filter(pk=photo.pk))
            each.ids["trashed_id"] = photo.pk
            each.ids["named_id"] = Face.objects.filter(person=each.ids["person_id"]).values_list("pk", flat=True)[0]
            each.ids["grouped_id"] = Face.objects.filter(cluster=each.ids["cluster_id"]).values_list("pk", flat=True)[0]
        client = Client()
        client.force_login(mine.owner)
        yield mine, theirs, client
        transaction.set_rollback(True)
    settings.MEDIA_ROOT = kept


def count_from(number: int) -> None:
    with connection.cursor() as cursor:
        for model in owned_models():
            cursor.execute("SELECT pg_get_serial_sequence(%s, %s)", [model._meta.db_table, model._meta.pk.column])
            if sequence := cursor.fetchone()[0]:
                cursor.execute("SELECT setval(%s, %s)", [sequence, number])
