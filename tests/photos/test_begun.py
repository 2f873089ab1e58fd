"""What a process that was killed has begun is found again and taken away."""

import os

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from people.finding import put_crop
from people.models import Face
from photos import intake, trash
from photos.derivatives import thumbnail_names
from photos.media_folder import MARK
from photos.models import Photo
from photos.models.photo import DELETED_AT
from photos.tasks import sweep_uploads
from photos.uploading import STALE_AFTER_SECONDS, incoming_folder
from tests.factories import make_photo
from tests.pictures import drawing

pytestmark = pytest.mark.django_db


class Killed(BaseException):
    pass


@pytest.fixture
def killed_at(monkeypatch):
    def arm(wanted):
        def fault(step):
            if step == wanted:
                raise Killed

        monkeypatch.setattr(intake, "fault", fault)

    return arm


def an_hour_passes():
    for path in incoming_folder().iterdir():
        os.utime(path, (0, path.stat().st_mtime - 2 * STALE_AFTER_SECONDS))


def files():
    return sorted(path.name for path in incoming_folder().parent.rglob("*") if path.is_file() and path.name != MARK)


def test_an_original_whose_row_was_never_committed_goes_after_an_hour(alice, arriving, killed_at):
    killed_at("photo-renamed")
    with pytest.raises(Killed):
        intake.take_in(intake.start_batch(alice, title="", expected=1), arriving(), name="a.jpg")
    assert Photo.objects.count() == 0
    assert any(name.endswith(".jpg") for name in files())
    sweep_uploads()
    assert any(name.endswith(".jpg") for name in files()), "its row may be committed in a moment"

    an_hour_passes()
    assert sweep_uploads() == 1

    assert files() == []


def test_an_original_that_was_sent_again_stays(alice, arriving, killed_at):
    batch = intake.start_batch(alice, title="", expected=1)
    killed_at("photo-renamed")
    with pytest.raises(Killed):
        intake.take_in(batch, arriving(), name="a.jpg")
    note = next(incoming_folder().glob("*.begun"))
    killed_at("")
    photo = intake.take_in(batch, arriving(), name="a.jpg").photo
    note.touch()  # as it would be had the first one been killed later

    an_hour_passes()
    sweep_uploads()

    assert default_storage.exists(photo.original.name)
    assert Photo.objects.get() == photo
    assert list(incoming_folder().iterdir()) == []


def test_with_a_photo_go_thumbnails_and_crops_that_no_row_names(alice):
    photo = make_photo(alice, trashed_at=DELETED_AT)
    for name in thumbnail_names(photo):
        default_storage.save(name, ContentFile(b"its worker was killed before the row named it"))
    put_crop(Face(photo=photo), drawing(), name="0")
    assert len(files()) == 3

    assert trash.purge() == 1

    assert files() == []
