"""One library, and a browser of everybody who may ask for something in it."""

from collections.abc import Iterator

import pytest
from django.db import transaction
from django.test import Client

from tests.access.library import Belongings, make_belongings
from tests.factories import make_user


@pytest.fixture(scope="module")
def home(django_db_setup, django_db_blocker, tmp_path_factory) -> Iterator[Belongings]:
    """One library for all tests of this module, gone afterwards."""
    from django.conf import settings

    kept, settings.MEDIA_ROOT = settings.MEDIA_ROOT, tmp_path_factory.mktemp("media")
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
