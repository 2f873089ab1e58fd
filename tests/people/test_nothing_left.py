"""What is deleted is gone: searched for in a dump of the database and in every file, not by Kith's own queries."""

import io
import subprocess
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from config.embedded.binaries import postgres_tool
from people import answers, erasing, grouping, leaving, suggestions, tasks
from people.models import Face, OwnProjection, Person, SavedSearch, Training
from people.search import PhotoSearch
from photos import acts, trash
from photos.intake import start_batch, take_in
from photos.models import Photo
from photos.models.photo import DELETED_AT, KEPT_IN_TRASH
from photos.tasks import make_due_derivatives
from photos.uploading import receive_local_file
from tests.factories import make_cluster, make_face, make_person, make_suggestion, make_user
from tests.pictures import drawing, encoded

pytestmark = pytest.mark.django_db(transaction=True)


def dump() -> str:
    """The whole database as text, by PostgreSQL's own program."""
    told = connection.get_connection_params()
    url = f"postgres://{told['user']}:{told['password']}@/{told['dbname']}?host={told['host']}"
    command = [postgres_tool("pg_dump"), "--data-only", f"--dbname={url}"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def found(traces: Iterable[str]) -> set[str]:
    """Which of these are in the database, or in the name or the bytes of a file."""
    text = dump()
    files = [path for path in settings.MEDIA_ROOT.rglob("*") if path.is_file()]
    names = "\n".join(str(path) for path in files)
    contents = [path.read_bytes() for path in files]
    return {trace for trace in traces if trace in text or trace in names or any(trace.encode() in c for c in contents)}


def as_text(vector) -> str:
    """The beginning of a vector as PostgreSQL writes it."""
    return ",".join(f"{value:.9g}" for value in list(vector)[:6])


def own_row_of(face: Face) -> str:
    """The beginning of a face's row of its library's own projection, as in a dump."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT own_projection::text FROM people_face WHERE id = %s", [face.pk])
        return cursor.fetchone()[0][1:60]


def photo_of(owner: User, folder: Path, seed: int) -> Photo:
    """A photo that came in as photos do, with a face whose vectors are like no other's."""
    name = f"IMG-{owner.username}-{seed}.jpg"
    (folder / name).write_bytes(encoded(drawing(160, 120, seed=seed)))
    batch = start_batch(owner, title=f"Batch {owner.username} {seed}", expected=1)
    photo = take_in(batch, receive_local_file(folder / name, name=name), name=name).photo
    while make_due_derivatives():
        pass
    Photo.objects.filter(pk=photo.pk).update(stage=Photo.Stage.DONE)
    photo.refresh_from_db()
    vector = np.random.default_rng(seed).normal(size=512).astype(np.float32)
    face = make_face(photo)
    embedding = vector / np.linalg.norm(vector)
    projection = vector[:128] / np.linalg.norm(vector[:128])
    own = vector[128:256] / np.linalg.norm(vector[128:256])
    Face.objects.filter(pk=face.pk).update(embedding=embedding, projection=projection, own_projection=own)
    return photo


def traces_of(photo: Photo) -> set[str]:
    face = photo.faces.get()
    files = (photo.original, photo.small, photo.large, face.crop)
    with connection.cursor() as cursor:
        query = "SELECT embedding::text, projection::text, own_projection::text FROM people_face WHERE id = %s"
        cursor.execute(query, [face.pk])
        vectors = cursor.fetchone()
    return {photo.name, photo.sha256, *(file.name for file in files), *(vector[1:60] for vector in vectors)}


def learn_something(owner: User) -> set[str]:
    """A projection learnt from an owner's faces, in use; return what it looks like in a dump."""
    content = np.random.default_rng(owner.pk).bytes(64)
    about = {"model": "facenet-casia", "figures": {"of": f"learnt by {owner.username}"}, "is_better": True}
    own = OwnProjection.objects.create(owner=owner, content=content, **about)
    Training.objects.create(owner=owner, latest=own, filled=own, is_used=True)
    return what_was_learnt(owner)


def what_was_learnt(owner: User) -> set[str]:
    own = OwnProjection.objects.get(owner=owner)
    return {bytes(own.content).hex(), own.figures["of"]}


@pytest.fixture
def library(tmp_path):
    """Ann in two photos, Bob in one, a group; a no, a date, an album, searches, a trip to the trash and back."""
    ruth = make_user(username="ruth")
    learn_something(ruth)
    photos = [photo_of(ruth, tmp_path, seed) for seed in range(5)]
    faces = [photo.faces.get() for photo in photos]
    ann = make_person(ruth, "Ann Quince", note="from the choir", birth_date=date(1990, 4, 7))
    bob = make_person(ruth, "Bob Medlar")
    answers.confirm(ann, [faces[0].pk, faces[1].pk], but_not=[faces[2].pk], actor=ruth)
    answers.confirm(bob, [faces[2].pk], actor=ruth)
    answers.different(ruth, [faces[0].pk], [faces[3].pk], actor=ruth)
    Face.objects.filter(pk__in=[faces[3].pk, faces[4].pk]).update(cluster=make_cluster(ruth))
    make_suggestion(faces[3], ann)
    of = {photo.pk: Photo.objects.filter(pk=photo.pk) for photo in photos}
    acts.set_date(ruth, of[photos[0].pk] | of[photos[1].pk], date(2020, 2, 3))
    acts.add_to_album(ruth, Photo.objects.all(), "Hills")
    acts.undo(acts.move_to_trash(ruth, of[photos[1].pk]))
    for person in (ann, bob):
        query = PhotoSearch.from_query(ruth, QueryDict(f"p={person.pk}")).query()
        SavedSearch.objects.create(owner=ruth, title=f"With {person.name}", query=query)
    return ruth, photos, (ann, bob)


def test_a_photo_whose_thirty_days_are_over_leaves_nothing_and_the_others_are_as_they_were(library):
    ruth, photos, (ann, _bob) = library
    gone, kept = traces_of(photos[0]), traces_of(photos[1]) | traces_of(photos[2]) | {"Ann Quince", "Bob Medlar"}
    assert found(gone | kept) == gone | kept
    acts.move_to_trash(ruth, Photo.objects.filter(pk=photos[0].pk))
    assert found(gone) == gone  # it can still be put back
    Photo.everywhere.filter(pk=photos[0].pk).update(trashed_at=timezone.now() - KEPT_IN_TRASH - timedelta(minutes=1))

    assert trash.purge() == 1

    assert found(gone | kept) == kept
    assert {face.person for face in Face.objects.filter(photo=photos[1])} == {ann}
    assert call_command("verify", "--checksums", stdout=io.StringIO()) is None


def test_with_the_last_photo_of_somebody_their_name_goes(library):
    ruth, photos, (_ann, _bob) = library
    gone = traces_of(photos[2]) | {"Bob Medlar"}
    acts.move_to_trash(ruth, Photo.objects.filter(pk=photos[2].pk))
    trash.delete_for_good(ruth, Photo.everywhere.filter(pk=photos[2].pk))

    trash.purge()

    assert found(gone | {"Ann Quince"}) == {"Ann Quince"}
    assert call_command("verify", stdout=io.StringIO()) is None


def test_numbers_of_deleted_photos_stand_in_no_act(library):
    ruth, photos, _ = library
    text = f"{{{photos[1].pk}}}"  # as the act that moved it to the trash lists it
    assert text in dump()
    Photo.everywhere.filter(pk=photos[1].pk).update(trashed_at=DELETED_AT)

    trash.purge()

    assert text not in dump()
    assert f'"{photos[1].pk}": [' not in dump()  # the date it had before
    listed = [act.photos for act in ruth.acts.all()]
    assert all(photos[1].pk not in pks for pks in listed)
    assert any(photos[0].pk in pks for pks in listed)


def test_a_person_who_is_forgotten_leaves_nothing_and_does_not_come_back(library, models_dir):
    ruth, photos, (ann, bob) = library
    learnt = what_was_learnt(ruth)
    faces = [photo.faces.get() for photo in photos]
    crops = {faces[0].crop.name, faces[1].crop.name}
    vectors = {trace for photo in photos[:2] for trace in traces_of(photo) if "," in trace}
    own_rows = {own_row_of(face) for face in faces}
    gone = {"Ann Quince", "from the choir", "1990-04-07", "With Ann", *crops, *vectors, *learnt}
    kept = {"Bob Medlar", photos[0].sha256, photos[0].name, photos[0].small.name}
    assert found(gone | kept) == gone | kept

    assert erasing.forget_person(ann) == 2

    assert found(gone | kept) == kept
    grouping.group_owner(ruth.pk)
    suggestions.refresh_suggestions(ruth.pk)
    assert found(gone | kept) == kept
    tasks.learn_from_answers(ruth.pk)
    assert found(own_rows) == set()  # rows of what was learnt from Ann, on the faces of others
    assert set(Person.objects.all()) == {bob}
    assert not Face.everywhere.filter(photo__in=photos[:2]).exists()
    assert call_command("verify", stdout=io.StringIO()) is None


def test_a_deleted_account_leaves_nothing_and_the_others_are_as_they_were(library, tmp_path):
    ruth, photos, _ = library
    other = make_user(username="olga")
    theirs = photo_of(other, tmp_path, 77)
    answers.confirm(make_person(other, "Cyd Sorrel"), [theirs.faces.get().pk], actor=other)
    gone = set().union(*map(traces_of, photos)) | {"ruth", "Ann Quince", "Bob Medlar", "Hills", "from the choir"}
    gone |= what_was_learnt(ruth)
    kept = traces_of(theirs) | {"olga", "Cyd Sorrel"} | learn_something(other)
    assert found(gone | kept) == gone | kept

    leaving.leave(ruth)
    tasks.finish_leaving()

    assert found(gone | kept) == kept
    places = [path.relative_to(settings.MEDIA_ROOT).parts for path in settings.MEDIA_ROOT.rglob("*") if path.is_dir()]
    assert not any(str(ruth.pk) in parts for parts in places)


def test_turning_face_analysis_off_erases_every_vector_and_keeps_the_names(library, client, tmp_path):
    ruth, photos, (ann, _bob) = library
    other = make_user(username="olga")
    theirs = photo_of(other, tmp_path, 77)
    vectors = {trace for photo in photos for trace in traces_of(photo) if "," in trace}
    vectors |= what_was_learnt(ruth)
    kept = {"Ann Quince", *(trace for trace in traces_of(theirs) if "," in trace)} | learn_something(other)
    client.force_login(ruth)

    client.post(reverse("accounts:change-faces"), {"face_analysis": "off"})
    tasks.erase_vectors()

    assert found(vectors | kept) == kept
    assert {face.person for face in Face.objects.filter(photo=photos[0])} == {ann}
    assert call_command("verify", stdout=io.StringIO()) is None
    for url in ("/people/", "/review/", ann.get_absolute_url(), "/status/", photos[0].get_absolute_url()):
        assert client.get(url, follow=True).status_code == 200


def test_vectors_that_were_stored_while_it_was_turned_off_are_found_and_erased(library, monkeypatch):
    ruth, *_ = library
    User.objects.filter(pk=ruth.pk).update(face_analysis="off")
    sent = []
    monkeypatch.setattr(tasks, "send_wakeup", lambda task, *arguments: sent.append(task))

    tasks.wake_workers()

    assert tasks.erase_vectors in sent
    assert tasks.erase_vectors() == 5
    sent.clear()
    tasks.wake_workers()
    assert tasks.erase_vectors not in sent


def test_deleting_face_data_leaves_photos_only(library):
    ruth, photos, _ = library
    gone = {trace for photo in photos for trace in traces_of(photo) if "," in trace or trace.startswith("crops/")}
    gone |= what_was_learnt(ruth)
    kept = {photo.original.name for photo in photos} | {photo.name for photo in photos}

    erasing.delete_face_data(ruth)

    assert found(gone | kept | {"Ann Quince", "Bob Medlar"}) == kept
