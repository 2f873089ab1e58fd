"""`manage.py backup` and `restore`: a library comes back as it was, and what is not whole is refused."""

import io
import json
import os
import shutil
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import connection, connections

from config.backup import layout, making
from ml.checked_files import sha256_of
from people import answers
from people.models import Face
from photos import media_folder, trash
from photos.intake import start_batch, take_in
from photos.last_backup import last_backup
from photos.models import Photo
from photos.models.photo import DELETED_AT
from photos.tasks import make_due_derivatives
from photos.uploading import receive_local_file
from tests.factories import make_album, make_cluster, make_face, make_person, make_user
from tests.pictures import drawing, encoded

pytestmark = pytest.mark.django_db(transaction=True)
REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def backups(tmp_path: Path) -> Path:
    return tmp_path / "backups"


def run(command: str, *arguments: object, **options: object) -> str:
    out = io.StringIO()
    call_command(command, *map(str, arguments), stdout=out, **options)
    return out.getvalue()


def upload(owner, folder: Path, seeds: range) -> list[Photo]:
    """Photos that came in as photos do."""
    batch = start_batch(owner, title="Summer", expected=len(seeds))
    source = folder / f"{seeds.start}.jpg"
    photos = []
    for seed in seeds:
        source.write_bytes(encoded(drawing(160, 120, seed=seed)))
        file = take_in(batch, receive_local_file(source, name=f"{seed}.jpg"), name=f"{seed}.jpg")
        photos.append(file.photo)
    return photos


@pytest.fixture
def library(tmp_path):
    """Photos with thumbnails; two people, a group, a no and an album."""
    owner = make_user(username="ruth")
    photos = upload(owner, tmp_path, range(12))
    while make_due_derivatives():
        pass
    Photo.objects.update(stage=Photo.Stage.DONE)
    ann, bob = make_person(owner, "Ann Öz"), make_person(owner, "Bob")
    faces = [make_face(photo) for photo in photos]
    answers.confirm(ann, [face.pk for face in faces[:4]], but_not=[faces[4].pk], actor=owner)
    answers.confirm(bob, [face.pk for face in faces[4:6]], actor=owner)
    Face.objects.filter(pk__in=[face.pk for face in faces[6:9]]).update(cluster=make_cluster(owner))
    make_album(owner, "Hills").photos.add(*photos[:3])
    return owner


def media_hashes(media: Path) -> dict[str, str]:
    files = (path for path in media.rglob("*") if path.is_file() and "incoming" not in path.parts)
    return {path.relative_to(media).as_posix(): sha256_of(path) for path in files}


# What must be equal after a round trip: rows of photos, and who is where in them, and what was decided when.
TOLD = {
    "photos": "SELECT id, name, sha256, original, small, large, taken_at, stage FROM photos_photo ORDER BY id",
    "faces": 'SELECT f.id, photo_id, "left", top, width, height, embedding, projection::text, crop, p.name, cluster_id'
    " FROM people_face f LEFT JOIN people_person p ON p.id = person_id ORDER BY f.id",
    "decisions": "SELECT d.id, verb, made_at, is_in_force, photo_sha256, box, before, after, rejected_id"
    " FROM people_decision d LEFT JOIN people_change c ON c.decision_id = d.id ORDER BY d.id, c.id",
    "albums": "SELECT title, photo_id FROM photos_album a JOIN photos_album_photos p ON p.album_id = a.id"
    " WHERE title = 'Hills' ORDER BY photo_id",  # uploads go into another one
    "users": "SELECT id, username, password, face_analysis FROM accounts_user ORDER BY id",
}


def told(url: str) -> dict[str, list]:
    with psycopg.connect(url) as database:
        return {what: database.execute(query).fetchall() for what, query in TOLD.items()}


def url_of(database: str) -> str:
    parameters = connection.get_connection_params()
    return f"postgres://{parameters['user']}:{parameters['password']}@/{database}?host={parameters['host']}"


@contextmanager
def empty_database(name: str):
    with psycopg.connect(url_of("postgres"), autocommit=True) as admin:
        admin.execute(f"DROP DATABASE IF EXISTS {name}")
        admin.execute(f"CREATE DATABASE {name}")
        try:
            yield url_of(name)
        finally:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


def manage(home: Path, url: str, *arguments: object, code: int = 0) -> str:
    """Run a command as on another machine: its own home, its own database."""
    environment = dict(os.environ) | {"KITH_HOME": str(home), "DATABASE_URL": url, "REDIS_URL": "redis://127.0.0.1:1"}
    command = [sys.executable, "manage.py", *map(str, arguments)]
    ended = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == code, ended.stdout + ended.stderr
    return ended.stdout + ended.stderr


def test_a_library_comes_back_as_it_was_although_photos_came_and_went_meanwhile(library, backups, tmp_path):
    doomed = upload(library, tmp_path, range(100, 115))
    is_over = threading.Event()
    errors: list[BaseException] = []

    def go_on():
        """New photos, thumbnails, names; others leave the trash for good."""
        try:
            number = 200
            while not is_over.is_set():
                upload(library, tmp_path, range(number, number + 1))
                make_due_derivatives()
                if doomed:
                    Photo.everywhere.filter(pk=doomed.pop().pk).update(trashed_at=DELETED_AT)
                trash.purge()
                number += 1
        except BaseException as error:
            errors.append(error)
        finally:
            connections.close_all()

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        said = run("backup", backups)
    finally:
        is_over.set()
        thread.join()
    assert not errors
    assert "2 people" in said

    with empty_database("kith_restored") as url:
        home = tmp_path / "elsewhere"
        assert "Restored" in manage(home, url, "restore", backups)
        [made] = layout.finished(backups)
        manifest, sums = layout.read(made)
        files = {f"media/{name}": sha256 for name, sha256 in media_hashes(home / "media").items()}
        assert files.pop("media/.kith")
        assert files == {path: sha256 for path, sha256 in sums.items() if path != layout.DUMP}
        assert "Everything fits together" in manage(home, url, "verify", "--checksums")
        back = told(url)
        assert len(back["photos"]) == manifest.counts["photos"] >= 12
        # What nothing happened to is as it was.
        here = told(url_of(settings.DATABASES["default"]["NAME"]))
        assert [row for row in back["photos"] if row[0] <= 12] == [row for row in here["photos"] if row[0] <= 12]
        for what in ("faces", "decisions", "albums", "users"):
            assert back[what] == here[what]
        assert "There is a library already" in manage(home, url, "restore", backups, code=1)


def test_an_older_librarys_backup_is_brought_up_to_date(library, backups, tmp_path):
    """The database as the migration before the last one left it."""
    run("backup", backups)
    with empty_database("kith_older") as older, empty_database("kith_newer") as newer:
        manage(tmp_path / "older", older, "restore", backups)
        manage(tmp_path / "older", older, "migrate", "people", "0016", "--verbosity=0")
        manage(tmp_path / "older", older, "backup", tmp_path / "old")
        assert "people.0017_search_by_faces" not in layout.read(layout.finished(tmp_path / "old")[0])[0].migrations

        manage(tmp_path / "newer", newer, "restore", tmp_path / "old")

        assert told(newer) == told(url_of(settings.DATABASES["default"]["NAME"]))
        assert "[X] 0017_search_by_faces" in manage(tmp_path / "newer", newer, "showmigrations", "people")


def test_the_next_backup_shares_what_did_not_change_and_stands_alone(library, backups, tmp_path):
    run("backup", backups)
    [first] = layout.finished(backups)
    upload(library, tmp_path, range(50, 52))
    make_due_derivatives()
    Photo.everywhere.filter(name="0.jpg").update(trashed_at=DELETED_AT)
    trash.purge()

    said = run("backup", backups)

    second, _ = layout.finished(backups)
    _, before = layout.read(first)
    _, after = layout.read(second)
    shared = before.keys() & after.keys() - {layout.DUMP}
    assert f"{len(shared)} of them shared" in said
    assert all((first / path).stat().st_ino == (second / path).stat().st_ino for path in shared)
    assert len(after) > len(shared) > 30
    gone = before.keys() - after.keys()
    assert len(gone) == 4  # original, two thumbnails and a crop of what was deleted in between
    assert not any((second / path).exists() for path in gone)
    shutil.rmtree(first)
    assert "is whole" in run("restore", second, check=True)


def test_a_flipped_byte_is_found_wherever_it_is(library, backups):
    run("backup", backups)
    [made] = layout.finished(backups)
    assert "is whole: 12 photos, 2 people" in run("restore", backups, check=True)
    files = sorted(path for path in made.rglob("*") if path.is_file())
    own = [made / name for name in (layout.DUMP, layout.SUMS, layout.MANIFEST, layout.COMPLETE)]
    for number, path in enumerate([*own, *files[:: len(files) // 8]]):
        content = path.read_bytes()
        place = number * 977 % len(content)
        changed = bytes([content[place] ^ 1])
        path.write_bytes(content[:place] + changed + content[place + 1 :])
        with pytest.raises(CommandError, match=r"damaged|none of Kith's"):
            run("restore", backups, check=True)
        path.write_bytes(content)
    assert "is whole" in run("restore", backups, check=True)


def test_a_damaged_backup_leaves_the_place_empty_and_a_restore_cut_short_is_begun_anew(library, backups, tmp_path):
    run("backup", backups)
    [made] = layout.finished(backups)
    original = made / layout.MEDIA / Photo.objects.last().original.name
    content = original.read_bytes()
    original.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    home = tmp_path / "elsewhere"
    with empty_database("kith_damaged") as url:
        assert "is damaged" in manage(home, url, "restore", backups, code=1)
        assert media_hashes(home / "media") == {}
        assert not (home / media_folder.RESTORING).exists()

        original.write_bytes(content)
        (home / media_folder.RESTORING).touch()  # as a restore that was killed leaves it
        (home / "media" / "half").write_bytes(b"half")
        assert "Run manage.py restore again" in manage(home, url, "verify", code=1)
        manage(home, url, "restore", backups)
        assert not (home / "media" / "half").exists()
        assert "Everything fits together" in manage(home, url, "verify", "--checksums")


def test_a_backup_that_was_killed_is_not_restored_and_the_next_one_goes_on_with_it(library, backups, tmp_path):
    program = (
        "import os, signal, django; django.setup()\n"
        "from config.backup import database\n"
        "database.dump = lambda *a, **k: os.kill(os.getpid(), signal.SIGKILL)\n"
        "from django.core.management import call_command\n"
        "from pathlib import Path\n"
        "from django.conf import settings\n"
        f"settings.MEDIA_ROOT = Path({str(settings.MEDIA_ROOT)!r})\n"
        f"call_command('backup', {str(backups)!r})\n"
    )
    environment = dict(os.environ) | {
        "DATABASE_URL": url_of(settings.DATABASES["default"]["NAME"]),
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }
    ended = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, env=environment, check=False)
    assert ended.returncode == -9
    [unfinished] = backups.iterdir()
    assert len(media_hashes(unfinished)) > 30
    with pytest.raises(CommandError, match="never finished"):
        run("restore", backups, check=True)

    run("backup", backups)

    assert [path.name for path in backups.iterdir()] == [layout.finished(backups)[0].name]
    assert "is whole" in run("restore", backups, check=True)


def test_a_strange_folder_a_newer_backup_and_paths_that_leave_it_are_refused(library, backups, tmp_path):
    (tmp_path / "photos").mkdir()
    with pytest.raises(CommandError, match="no backup of Kith"):
        run("restore", tmp_path / "photos", check=True)
    run("backup", backups)
    [made] = layout.finished(backups)
    _, sums = layout.read(made)
    manifest = json.loads((made / layout.MANIFEST).read_text())
    rest = {key: value for key, value in manifest.items() if key not in ("format", "sums")}

    layout.write(made, sums, rest | {"migrations": [*manifest["migrations"], "people.0999_of_the_future"]})
    with pytest.raises(CommandError, match="newer Kith"):
        run("restore", backups, check=True)
    layout.write(made, sums | {"media/../../evil": "0" * 64}, rest)
    with pytest.raises(CommandError, match="none of Kith's"):
        run("restore", backups, check=True)


def test_a_live_library_is_never_overwritten(library, backups):
    run("backup", backups)
    before = told(url_of(settings.DATABASES["default"]["NAME"]))

    with pytest.raises(CommandError, match="There is a library already"):
        run("restore", backups)

    assert told(url_of(settings.DATABASES["default"]["NAME"])) == before
    assert all(default_storage.exists(photo.original.name) for photo in Photo.objects.all())


def test_while_somebody_else_uses_the_database_nothing_is_restored(library, backups):
    run("backup", backups)

    with (
        psycopg.connect(url_of(settings.DATABASES["default"]["NAME"])),
        pytest.raises(CommandError, match="Kith is running here"),
    ):
        run("restore", backups)


def test_nothing_leaves_the_trash_for_good_in_the_moment_of_a_backup(library):
    Photo.objects.filter(name="0.jpg").update(trashed_at=DELETED_AT)
    with psycopg.connect(url_of(settings.DATABASES["default"]["NAME"]), autocommit=True) as backup:
        backup.execute("SELECT pg_advisory_lock(%s)", [trash.FILES_HELD])
        assert trash.purge() == 0

        backup.execute("SELECT pg_advisory_unlock(%s)", [trash.FILES_HELD])
        assert trash.purge() == 1


def test_two_backups_at_once_are_one(library, backups):
    with psycopg.connect(url_of(settings.DATABASES["default"]["NAME"]), autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [making.BACKING_UP])
        with pytest.raises(CommandError, match="Another backup"):
            run("backup", backups)


def test_what_is_wrong_with_the_library_is_said_and_backed_up_as_it_is(library, backups):
    lost, altered = Photo.objects.order_by("pk")[:2]
    Path(lost.original.path).unlink()
    Path(altered.original.path).write_bytes(b"other bytes")
    out = io.StringIO()

    with pytest.raises(CommandError, match="the library is not"):
        call_command("backup", str(backups), stdout=out)

    assert f"{lost.original.name} is missing" in out.getvalue()
    assert f"{altered.original.name} has other bytes" in out.getvalue()
    assert "is whole" in run("restore", backups, check=True)


def test_a_backup_inside_the_media_folder_is_refused(library):
    with pytest.raises(CommandError, match="outside"):
        run("backup", settings.MEDIA_ROOT / "backups")


def test_backups_are_private_and_hold_no_session(library, backups, client):
    client.force_login(library)
    key = client.session.session_key

    run("backup", backups)

    [made] = layout.finished(backups)
    assert made.stat().st_mode & 0o777 == 0o700
    assert all(path.stat().st_mode & 0o077 == 0 for path in made.iterdir() if path.is_file())
    restored = subprocess.run(
        ["pg_restore", "--data-only", "--table=accounts_browsersession", "--file=-", made / layout.DUMP],
        capture_output=True,
        text=True,
        check=False,
    )
    assert key not in restored.stdout


def test_the_status_page_says_when_the_last_backup_was(library, backups, client):
    (settings.KITH_HOME / "last-backup").unlink(missing_ok=True)
    client.force_login(library)
    assert "No backup has been made yet." in client.get("/status/").content.decode()

    run("backup", backups)

    assert last_backup().photo_count == 12
    assert "The last one was made on" in client.get("/status/").content.decode()
    (settings.KITH_HOME / "last-backup").unlink()
