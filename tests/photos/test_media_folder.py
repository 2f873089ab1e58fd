"""A disk that is not mounted looks like a library without files: Kith then keeps its hands off."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.urls import reverse

from accounts.models import User
from config import celery
from config.management.commands.up import Command
from people import leaving
from people import tasks as people_tasks
from photos import media_folder, tasks, trash
from photos.intake import NotStored, start_batch, take_in
from photos.models import Photo
from photos.models.photo import DELETED_AT
from photos.uploading import receive_local_file
from tests.factories import make_batch, make_photo
from tests.pictures import drawing, encoded

pytestmark = pytest.mark.django_db
SENTENCE = "Is its disk mounted?"


@pytest.fixture
def unmounted(alice, arriving, settings) -> Photo:
    """A photo whose media folder is an empty one."""
    photo = take_in(start_batch(alice, title="", expected=1), arriving(), name="a.jpg").photo
    settings.MEDIA_ROOT.rename(settings.MEDIA_ROOT.with_name("unplugged"))
    settings.MEDIA_ROOT.mkdir()
    return photo


def mount_again(settings) -> None:
    settings.MEDIA_ROOT.rmdir()
    settings.MEDIA_ROOT.with_name("unplugged").rename(settings.MEDIA_ROOT)


def test_a_new_library_gets_its_mark(settings):
    (settings.MEDIA_ROOT / media_folder.MARK).unlink()

    assert media_folder.trouble() == ""

    name = media_folder.library_name()
    assert len(name) == 32
    assert media_folder.trouble() == ""
    assert media_folder.library_name() == name


def test_a_library_of_before_there_were_marks_is_known_by_its_photos(unmounted, settings):
    mount_again(settings)
    (settings.MEDIA_ROOT / media_folder.MARK).unlink()

    assert media_folder.trouble() == ""
    assert media_folder.library_name()


@pytest.mark.parametrize(("there", "is_known"), [(2, True), (1, False), (0, False)])
def test_a_folder_without_a_mark_is_the_one_if_half_of_its_photos_are_there(alice, settings, there, is_known):
    (settings.MEDIA_ROOT / media_folder.MARK).unlink()
    for number in range(4):
        photo = make_photo(alice, original=f"{number}.jpg")
        if number < there:
            (settings.MEDIA_ROOT / photo.original.name).touch()

    assert (media_folder.trouble() == "") is is_known
    assert (media_folder.library_name() != "") is is_known


def test_nothing_is_given_up_stored_or_cleaned_up_while_the_disk_is_away(unmounted, alice, settings, client):
    deleted = make_photo(alice, trashed_at=DELETED_AT)
    assert SENTENCE in media_folder.trouble()

    assert tasks.make_due_derivatives() == 0
    assert tasks.unpack_archives() is False
    assert people_tasks.find_faces() == 0
    assert people_tasks.embed_again() == 0
    assert trash.purge() == 0
    people_tasks.wake_workers()

    unmounted.refresh_from_db()
    assert (unmounted.attempts, unmounted.failure, unmounted.stage) == (0, "", Photo.Stage.DERIVATIVES)
    assert Photo.everywhere.filter(pk=deleted.pk).exists()
    client.force_login(alice)
    answer = client.post(reverse("people:delete-face-data"), {"word": "DELETE"})
    assert (answer.status_code, SENTENCE in answer.content.decode()) == (503, True)
    leaving.leave(alice)
    people_tasks.finish_leaving()
    assert User.objects.filter(pk=alice.pk).exists()
    assert list(settings.MEDIA_ROOT.iterdir()) == []
    with pytest.raises(CommandError, match="disk mounted"):
        call_command("verify", "--repair", stdout=io.StringIO())

    mount_again(settings)
    assert tasks.make_due_derivatives() == 1
    people_tasks.finish_leaving()
    assert not User.objects.filter(pk=alice.pk).exists()
    assert not any(path.is_file() for path in settings.MEDIA_ROOT.rglob("originals/**/*"))


def test_an_upload_is_refused_and_nothing_lands_where_the_disk_belongs(unmounted, alice, tmp_path, settings):
    source = tmp_path / "b.jpg"
    source.write_bytes(encoded(drawing(seed=9)))

    with pytest.raises(NotStored):
        take_in(make_batch(alice), receive_local_file(source, name="b.jpg"), name="b.jpg")

    assert list(settings.MEDIA_ROOT.iterdir()) == []
    assert Photo.objects.count() == 1


def test_a_mark_nobody_can_read_is_trouble_too(unmounted, settings):
    (settings.MEDIA_ROOT / media_folder.MARK).mkdir()  # as a damaged disk may show it

    assert "cannot be used" in media_folder.trouble()


def test_health_and_status_say_so(unmounted, client, alice):
    answer = client.get(reverse("photos:healthz"))
    assert (answer.status_code, SENTENCE in answer.content.decode()) == (503, True)

    client.force_login(alice)
    assert SENTENCE in client.get(reverse("photos:status")).content.decode()


def test_neither_up_nor_a_worker_starts(unmounted, settings):
    with pytest.raises(Exception, match="disk mounted"):
        Command().refuse_without_media()
    with pytest.raises(SystemExit, match="disk mounted"):
        celery.refuse_without_media()

    mount_again(settings)
    Command().refuse_without_media()
    celery.refuse_without_media()


@pytest.mark.django_db(transaction=True)
def test_a_real_worker_ends_with_the_sentence(alice, tmp_path):
    make_photo(alice)
    told = connection.get_connection_params()
    environment = dict(os.environ) | {
        "KITH_HOME": str(tmp_path / "home"),
        "DATABASE_URL": f"postgres://{told['user']}:{told['password']}@/{told['dbname']}?host={told['host']}",
        "REDIS_URL": "redis://127.0.0.1:1",
    }
    command = [sys.executable, "-m", "celery", "--quiet", "-A", "config.celery", "worker", "-Q", "io"]
    root = Path(__file__).resolve().parents[2]
    ended = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert ended.returncode != 0
    assert SENTENCE in ended.stdout + ended.stderr
