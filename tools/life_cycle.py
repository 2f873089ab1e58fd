"""Backs a library up while photos come and go, restores it elsewhere, compares; then deletes a thousand photos.

    python -m tools.life_cycle 2000 --folder FOLDER

FOLDER must not exist; both libraries and the backups are made in it, by programs as users run them.
"""

import argparse
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FACES = 2  # in each photo
PEOPLE = 40
SQL = {
    "photos": "SELECT id, name, sha256, original, small, large, taken_at FROM photos_photo WHERE id <= %(last)s",
    "faces": 'SELECT f.id, photo_id, "left", top, width, height, embedding::text, projection::text,'
    " own_projection::text, crop, p.name FROM people_face f"
    " LEFT JOIN people_person p ON p.id = person_id WHERE photo_id <= %(last)s",
    "decisions": "SELECT d.id, verb, made_at, is_in_force, photo_sha256, box, before, after, %(last)s"
    " FROM people_decision d LEFT JOIN people_change c ON c.decision_id = d.id",
    "projections": "SELECT p.id, model, content, figures::text, is_used, is_allowed, %(last)s"
    " FROM people_ownprojection p JOIN people_training ON filled_id = p.id",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=int)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--deleted", type=int, default=1000)
    options = parser.parse_args()
    folder = options.folder.resolve()
    folder.mkdir(parents=True)
    folder.chmod(0o711)
    here, there = folder / "here", folder / "there"
    os.environ |= {"KITH_HOME": str(here), "DJANGO_SETTINGS_MODULE": "config.settings", "KITH_DEBUG": "1"}
    from config.embedded import running

    with running(here):
        import django

        django.setup()
        begun = time.monotonic()
        owner, last = _make_library(options.photos)
        print(f"{options.photos} photos, {options.photos * FACES} faces made in {time.monotonic() - begun:.0f} s")
        _back_up(owner, folder / "backups")
        took, said = _timed(there, "restore", folder / "backups")
        print(f"restored in {took:.0f} s: {said.splitlines()[-1]}")
        took, said = _timed(there, "verify", "--checksums")
        print(f"verified in {took:.0f} s: {said.splitlines()[-1]}")
        with running(there) as other:
            _compare(other.database_url, here / "media", there / "media", last)
        _flip_bytes(folder / "backups", there)
        _delete(owner, min(options.deleted, options.photos))


def _make_library(count: int):
    from django.core.management import call_command

    from accounts.models import User
    from people import answers
    from people.models import Face, Person
    from photos.models import Photo
    from photos.tasks import make_due_derivatives

    call_command("migrate", verbosity=0)
    owner = User.objects.create_user("ruth", password="correct horse 7", face_analysis="on")  # noqa: S106
    _upload(owner, range(count))
    while make_due_derivatives():
        pass
    photos = list(Photo.objects.order_by("pk"))
    for photo in photos:
        Face.objects.bulk_create(_faces(photo))
    Photo.objects.update(stage=Photo.Stage.DONE)
    faces = list(Face.objects.order_by("pk").values_list("pk", flat=True))
    for number in range(PEOPLE):
        person = Person.objects.create(owner=owner, name=f"Person {number}")
        theirs = faces[number :: 2 * PEOPLE]  # half of the faces stay without a name
        answers.confirm(person, theirs, actor=owner)
    _learn(owner)
    return owner, photos[-1].pk


def _learn(owner) -> None:
    """A projection that was learnt from the answers, in use; what is in it makes no difference here."""
    import numpy as np

    from people.models import Face, OwnProjection, Training

    row = np.random.default_rng(1).normal(size=128)
    Face.objects.update(own_projection=row / np.linalg.norm(row))
    about = {"model": "facenet-casia", "figures": {"faces": PEOPLE}, "is_better": True}
    own = OwnProjection.objects.create(owner=owner, content=bytes(range(256)), **about)
    Training.objects.create(owner=owner, latest=own, filled=own, is_used=True)


def _upload(owner, seeds: range) -> None:
    import numpy as np
    from django.conf import settings
    from PIL import Image

    from photos.intake import start_batch, take_in
    from photos.uploading import receive_local_file

    batch = start_batch(owner, title="Summer", expected=len(seeds))
    source = settings.KITH_HOME / f"source-{seeds.start}.jpg"
    for seed in seeds:
        noise = np.random.default_rng(seed).integers(0, 255, (90, 120, 3), dtype=np.uint8)
        Image.fromarray(noise).resize((640, 480)).save(source, quality=85)
        take_in(batch, receive_local_file(source, name=f"{seed}.jpg"), name=f"{seed}.jpg")
    source.unlink()


def _faces(photo) -> list:
    import numpy as np
    from PIL import Image

    from people.finding import put_crop
    from people.models import Face

    made = []
    for number in range(FACES):
        vector = np.random.default_rng([photo.pk, number]).normal(size=512)
        unit, short = vector / np.linalg.norm(vector), vector[:128] / np.linalg.norm(vector[:128])
        box = {"left": 0.1 + 0.4 * number, "top": 0.2, "width": 0.2, "height": 0.3, "landmarks": [0.5] * 10}
        likeness = {"embedding": unit, "projection": short, "model": "facenet-casia"}
        face = Face(photo=photo, detection_score=0.99, quality=0.8, **box, **likeness)
        put_crop(face, Image.new("RGB", (160, 160), (number * 90, photo.pk % 256, photo.pk // 256)), name=str(number))
        made.append(face)
    return made


def _back_up(owner, target: Path) -> None:
    """Two backups, the second after little has changed, while photos arrive and others leave the trash for good."""
    from django.db import connections

    from config.backup.making import make
    from photos import trash
    from photos.models import Photo
    from photos.models.photo import DELETED_AT
    from photos.tasks import make_due_derivatives

    is_over, counts = threading.Event(), {"arrived": 0, "deleted": 0}

    def go_on() -> None:
        while not is_over.is_set():
            number = 1_000_000 + counts["arrived"]
            _upload(owner, range(number, number + 4))
            make_due_derivatives()
            counts["arrived"] += 4
            doomed = Photo.objects.filter(pk__gt=Photo.objects.order_by("pk")[0].pk, name__startswith="10000")
            Photo.everywhere.filter(pk__in=doomed.order_by("pk").values("pk")[:2]).update(trashed_at=DELETED_AT)
            counts["deleted"] += trash.purge()
        connections.close_all()

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        for which in ("first", "second"):
            begun = time.monotonic()
            made = make(target, lambda sentence: None)
            took, size = time.monotonic() - begun, made.manifest.byte_count / 1e6
            print(
                f"{which} backup in {took:.0f} s: {made.manifest.file_count} files, {made.linked} shared, {size:.0f} MB"
            )
            assert not made.lost and not made.altered, made
    finally:
        is_over.set()
        thread.join()
    print(f"meanwhile {counts['arrived']} photos arrived and {counts['deleted']} were deleted for good")


def _timed(home: Path, *arguments: object, code: int = 0) -> tuple[float, str]:
    begun = time.monotonic()
    command = [sys.executable, "manage.py", *map(str, arguments)]
    environment = dict(os.environ) | {"KITH_HOME": str(home)}
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if ended.returncode != code:
        raise SystemExit(ended.stdout + ended.stderr)
    return time.monotonic() - begun, (ended.stdout + ended.stderr).strip()


def _compare(other: str, ours: Path, theirs: Path, last: int) -> None:
    import psycopg
    from django.conf import settings

    from config.embedded import EmbeddedServices
    from ml.checked_files import sha256_of

    both = []
    for url in (EmbeddedServices(settings.KITH_HOME).database_url, other):
        with psycopg.connect(url) as database:
            both.append({name: sorted(database.execute(sql, {"last": last}), key=repr) for name, sql in SQL.items()})
    for name in SQL:
        assert both[0][name] == both[1][name], name
    names = [row[3] for row in both[1]["photos"]]
    assert all(sha256_of(ours / name) == sha256_of(theirs / name) for name in names)
    print("equal: " + ", ".join(f"{len(rows)} {name}" for name, rows in both[1].items()) + ", all hashes of originals")


def _flip_bytes(backups: Path, home: Path, count: int = 10) -> None:
    from config.backup import layout
    from config.backup.layout import BackupError, finished

    [latest, *_] = finished(backups)
    files = sorted(path for path in latest.rglob("*") if path.is_file())
    found = 0
    for number in range(count):
        path = files[number * len(files) // count]
        content = path.read_bytes()
        at = number * 104_729 % len(content)
        path.write_bytes(content[:at] + bytes([content[at] ^ 1 << number % 8]) + content[at + 1 :])
        try:
            layout.check(latest, layout.read(latest)[1])
        except BackupError:
            found += 1
        path.write_bytes(content)
    print(f"flipped bytes found: {found} of {count}")


def _delete(owner, count: int) -> None:
    from photos import acts, trash
    from photos.models import Photo

    chosen = list(Photo.objects.order_by("pk").values_list("pk", flat=True)[:count])
    begun = time.monotonic()
    acts.move_to_trash(owner, Photo.objects.filter(pk__in=chosen))
    trash.delete_for_good(owner, Photo.everywhere.filter(pk__in=chosen))
    purged = trash.purge()
    print(f"{purged} photos deleted for good in {time.monotonic() - begun:.1f} s")


if __name__ == "__main__":
    main()
