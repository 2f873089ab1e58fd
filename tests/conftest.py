"""Fixtures for all tests. Services are started by tests/services.py."""

from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.core.cache import cache
from django.test import Client

from accounts.models import User
from ml import weights
from tests.factories import make_user


@pytest.fixture(autouse=True)
def _media_of_its_own(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture(autouse=True)
def _empty_cache():
    cache.clear()


@pytest.fixture(scope="session")
def models_dir() -> Path:
    """The real weights, fetched if they are not there yet."""
    return weights.fetch(django_settings.KITH_MODELS, report=print)


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
