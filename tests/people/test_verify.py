"""`manage.py verify`: a whole library passes, and each invariant that is broken on purpose is named."""

import io
import os
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from people import answers
from people.models import Cluster, Face, Person, PersonTally
from photos.intake import start_batch, take_in
from photos.models import BatchFile, Photo
from photos.tasks import make_due_derivatives
from tests.factories import make_album, make_face, make_group, make_person, make_photo, make_user, unit
from tests.pictures import drawing, encoded


@pytest.fixture
def library(alice, arriving) -> Photo:
    """A photo that came in as photos do, with a named face and one that waits in a group."""
    photo = take_in(start_batch(alice, title="Summer", expected=1), arriving(), name="a.jpg").photo
    make_due_derivatives()
    Photo.objects.update(stage=Photo.Stage.DONE)
    answers.confirm(make_person(alice), [make_face(photo).pk], actor=alice)
    make_face(photo, cluster=Cluster.objects.create(owner=alice))
    return Photo.objects.get()


def verify(*options: str) -> set[str]:
    """The invariants that are named."""
    said = io.StringIO()
    with suppress(CommandError):
        call_command("verify", *options, stdout=said)
    return {line[:2] for line in said.getvalue().splitlines() if line[:1] == "I" and line[2:3] == ":"}


def test_a_whole_library_passes(library):
    assert verify("--checksums", "--settled") == set()


def test_something_wrong_is_told_by_the_exit_code_too(library):
    Path(library.original.path).unlink()

    with pytest.raises(CommandError, match="1 problem left"):
        call_command("verify", stdout=io.StringIO())


def lose_the_original(photo: Photo) -> None:
    Path(photo.original.path).unlink()


def cut_the_original(photo: Photo) -> None:
    os.truncate(photo.original.path, 100)


def lose_the_row(photo: Photo) -> None:
    BatchFile.objects.update(photo=None)


def store_it_twice(photo: Photo) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SET CONSTRAINTS ALL IMMEDIATE; ALTER TABLE photos_photo DROP CONSTRAINT an_owner_has_each_photo_once"
        )
    make_photo(photo.owner, sha256=photo.sha256, original=photo.original.name, byte_size=photo.byte_size,
               small=photo.small.name, large=photo.large.name)  # fmt: skip


def hold_it_for_ever(photo: Photo) -> None:
    Photo.objects.update(lease_until=timezone.now() + timedelta(days=1))


def try_it_too_often(photo: Photo) -> None:
    Photo.objects.update(attempts=9)


def damage_an_embedding(photo: Photo) -> None:
    Face.objects.filter(person__isnull=False).update(embedding=np.full(512, 0.5))


def hold_a_row_of_nothing(photo: Photo) -> None:
    Face.objects.filter(person__isnull=False).update(own_projection=unit(1))


def move_a_box(photo: Photo) -> None:
    Face.objects.filter(person__isnull=False).update(left=-0.5)


def lose_a_thumbnail(photo: Photo) -> None:
    Path(photo.small.path).unlink()


def lose_a_crop(photo: Photo) -> None:
    Path(Face.objects.filter(person__isnull=False).get().crop.path).unlink()


def leave_a_file_behind(photo: Photo) -> None:
    old(settings.MEDIA_ROOT / "originals" / "stranger.jpg")


def leave_a_part_behind(photo: Photo) -> None:
    old(settings.MEDIA_ROOT / "incoming" / "stale.part")


def change_a_name(photo: Photo) -> None:
    Face.objects.filter(person__isnull=False).update(person=make_person(photo.owner, "Somebody else"))


def name_without_a_decision(photo: Photo) -> None:
    Face.objects.filter(person=None).update(person=Person.objects.get(), tagged_by="user", cluster=None)


def file_a_face_under_a_strangers_group(photo: Photo) -> None:
    Face.objects.filter(person=None).update(cluster=Cluster.objects.create(owner=make_user()))


def show_a_person_by_a_strangers_face(photo: Photo) -> None:
    Person.objects.update(cover_face=make_face(real_photo(make_user())))


def put_a_strangers_photo_into_an_album(photo: Photo) -> None:
    make_album(photo.owner, "Another").photos.add(real_photo(make_user()))


def group_a_named_face(photo: Photo) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SET CONSTRAINTS ALL IMMEDIATE; ALTER TABLE people_face DROP CONSTRAINT a_named_face_is_in_no_group"
        )
    Face.objects.filter(person__isnull=False).update(cluster=Cluster.objects.get())


def leave_an_empty_group(photo: Photo) -> None:
    Cluster.objects.create(owner=photo.owner)


def count_wrongly(photo: Photo) -> None:
    PersonTally.objects.update(photos=7)


@pytest.mark.parametrize(
    ("break_it", "invariant"),
    [
        (lose_the_original, "I1"),
        (cut_the_original, "I1"),
        (lose_the_row, "I1"),
        (store_it_twice, "I2"),
        (hold_it_for_ever, "I3"),
        (try_it_too_often, "I3"),
        (damage_an_embedding, "I4"),
        (hold_a_row_of_nothing, "I4"),
        (move_a_box, "I4"),
        (lose_a_thumbnail, "I5"),
        (lose_a_crop, "I5"),
        (leave_a_file_behind, "I5"),
        (leave_a_part_behind, "I5"),
        (change_a_name, "I6"),
        (name_without_a_decision, "I6"),
        (file_a_face_under_a_strangers_group, "I7"),
        (show_a_person_by_a_strangers_face, "I7"),
        (put_a_strangers_photo_into_an_album, "I7"),
        (group_a_named_face, "I8"),
        (leave_an_empty_group, "I8"),
        (count_wrongly, "I9"),
    ],
)
def test_what_is_broken_on_purpose_is_named(library, break_it: Callable[[Photo], None], invariant):
    break_it(library)

    # A face that is taken out of its group behind the ledger's back leaves the group empty.
    also = {"I8"} if break_it in (name_without_a_decision, file_a_face_under_a_strangers_group) else set()
    assert verify() == {invariant} | also


def test_other_bytes_of_the_same_length_are_found_by_their_checksum(library):
    path = Path(library.original.path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)

    assert verify() == set()
    assert verify("--checksums") == {"I1"}


def test_work_that_is_not_over_is_named_only_if_asked(library):
    Photo.objects.update(stage=Photo.Stage.FACES)

    assert verify() == set()
    assert verify("--settled") == {"I3"}


def test_repair_makes_thumbnails_again_and_puts_strange_files_aside(library):
    lose_a_thumbnail(library)
    leave_a_file_behind(library)

    call_command("verify", "--repair", stdout=io.StringIO())

    assert verify() == set()
    assert Path(library.small.path).stat().st_size > 0
    assert (settings.KITH_HOME / "lost+found" / "originals" / "stranger.jpg").read_bytes() == b"left behind"
    (settings.KITH_HOME / "lost+found" / "originals" / "stranger.jpg").unlink()


def test_repair_leaves_what_it_cannot_mend_and_says_so(library):
    lose_the_original(library)
    lose_a_thumbnail(library)

    with pytest.raises(CommandError, match="2 problems left"):
        call_command("verify", "--repair", stdout=io.StringIO())


def test_groups_that_an_undo_may_fill_again_are_no_problem(alice, library):
    group = make_group(alice)
    for face in group.faces.all():
        Face.objects.filter(pk=face.pk).update(photo=library)
    answers.confirm(Person.objects.get(), list(group.faces.values_list("pk", flat=True)), actor=alice)
    Photo.objects.exclude(pk=library.pk).delete()

    assert verify() == set()


def real_photo(owner) -> Photo:
    """A photo of somebody else with the files it needs."""
    photo = Photo.objects.exclude(owner=owner).get()
    return make_photo(owner, original=photo.original.name, byte_size=photo.byte_size, small=photo.small.name,
                      large=photo.large.name)  # fmt: skip


def old(path: Path) -> None:
    """A file that was written two hours ago."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"left behind")
    then = time.time() - 7200
    os.utime(path, (then, then))


def test_five_flipped_bytes_in_many_files_are_all_found_and_no_others(alice, arriving):
    batch = start_batch(alice, title="", expected=12)
    photos = [take_in(batch, arriving(encoded(drawing(64, 48, seed=n))), name=f"{n}.jpg").photo for n in range(12)]
    for place, photo in enumerate(photos[::2][:5]):
        path = Path(photo.original.path)
        content = bytearray(path.read_bytes())
        content[place * len(content) // 5] ^= 1 << place
        path.write_bytes(content)
    said = io.StringIO()

    with pytest.raises(CommandError, match="5 problems left"):
        call_command("verify", "--checksums", stdout=said)

    named = [line for line in said.getvalue().splitlines() if "other bytes" in line]
    assert len(named) == 5
    assert all(f"Photo {photo.pk}: " in said.getvalue() for photo in photos[::2][:5])
    assert Photo.objects.count() == 12
