"""Fixtures for all tests. Services are started by tests/services.py."""

import pytest
from django.core.cache import cache
from django.test import Client

from accounts.models import User
from tests.factories import make_user


@pytest.fixture(autouse=True)
def _media_of_its_own(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture(autouse=True)
def _empty_cache():
    cache.clear()


@pytest.fixture
def alice(db) -> User:
    return make_user(username="alice")


@pytest.fixture
def bob(db) -> User:
    return make_user(username="bob")


@pytest.fixture
def signed_in(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client
