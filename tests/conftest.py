"""Fixtures for all tests. Services are started by tests/services.py."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.core.cache import cache
from django.test import Client

from accounts.models import User
from ml import weights
from photos import media_folder
from photos.uploading import IncomingFile, receive_local_file
from tests.factories import make_user
from tests.pictures import drawing, encoded

# Files that take minutes: begun last, one process would work on them while the other has nothing left to do.
LONG = ("tests/reliability/test_faults.py", "tests/quality/test_stable_groups.py")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not item.nodeid.startswith(LONG))


@pytest.fixture(autouse=True)
def _media_of_its_own(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    media_folder.set_mark("tests")  # the photos of most tests have no files
    settings.KITH_FACE_MODEL_FILE = tmp_path / "face-model"


@pytest.fixture(autouse=True)
def _empty_cache():
    cache.clear()


@pytest.fixture(scope="session")
def models_dir() -> Path:
    """The real weights, fetched if they are not there yet."""
    return weights.fetch(django_settings.KITH_MODELS, report=print)


@pytest.fixture
def own_models(models_dir: Path, tmp_path: Path, settings) -> Path:
    """A folder of models that a test may add to; the weights in it are those of all tests."""
    folder = tmp_path / "models"
    folder.mkdir()
    for file in models_dir.iterdir():
        if file.is_file():
            (folder / file.name).symlink_to(file.resolve())
    settings.KITH_MODELS = folder
    return folder


@pytest.fixture
def arriving(tmp_path: Path) -> Callable[..., IncomingFile]:
    """Makes a file arrive as an upload does; without content it is a drawing."""

    def arrive(content: bytes | None = None, name: str = "IMG_1.jpg") -> IncomingFile:
        source = tmp_path / "source"
        source.write_bytes(encoded(drawing()) if content is None else content)
        return receive_local_file(source, name=name)

    return arrive


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
