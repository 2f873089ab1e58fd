"""The trash: out of sight at once, back as it was, and gone for good with every file."""

from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.urls import reverse
from django.utils import timezone

from photos import acts, trash
from photos.intake import start_batch, take_in
from photos.models import Archive, Batch, BatchFile, Photo
from photos.models.photo import KEPT_IN_TRASH
from tests.factories import make_album, make_batch, make_photo


def photos(*some: Photo):
    return Photo.everywhere.filter(pk__in=[photo.pk for photo in some])


def with_files(owner, **fields) -> Photo:
    photo = make_photo(owner, **fields)
    photo.original.save(f"originals/{photo.pk}.jpg", ContentFile(b"original"), save=False)
    photo.small.save(f"derivatives/{photo.pk}-small.webp", ContentFile(b"small"), save=False)
    photo.save()
    return photo


def test_a_batch_is_not_waited_for_because_of_photos_in_the_trash(alice):
    batch = make_batch(alice, expected=3)
    for number in range(3):
        photo = make_photo(alice, small="x.webp")
        BatchFile.objects.create(batch=batch, name=f"{number}.jpg", outcome=BatchFile.Outcome.STORED, photo=photo)

    acts.move_to_trash(alice, photos(photo))

    progress = batch.progress()
    assert (progress.total, progress.stored, progress.is_done) == (3, 3, True)
    assert (progress.kept, progress.thumbnails, progress.faces, progress.grouped) == (2, 2, 2, 2)


def test_a_young_batch_does_not_wait_for_photos_that_are_deleted_for_good(alice):
    batch = make_batch(alice, expected=4)  # one of which is an archive
    archive = Archive.objects.create(batch=batch, name="a.zip", file_count=2, finished_at=timezone.now())
    for number in range(5):
        photo = make_photo(alice, small="x.webp")
        packed_in = archive if number > 2 else None
        stored = BatchFile.Outcome.STORED
        BatchFile.objects.create(batch=batch, name=f"{number}.jpg", outcome=stored, photo=photo, archive=packed_in)
    first = Photo.objects.order_by("pk").first()
    acts.move_to_trash(alice, photos(first, photo))

    trash.delete_for_good(alice, photos(first, photo))
    trash.purge()

    progress = Batch.objects.get().progress()
    assert (progress.total, progress.uploaded, progress.kept, progress.is_done) == (3, 3, 3, True)


def test_what_is_in_the_trash_takes_room_until_it_is_gone(signed_in, alice):
    photo = make_photo(alice, byte_size=5 * 1024**2)
    acts.move_to_trash(alice, photos(photo))
    assert "Your originals: 5.0\xa0MB" in signed_in.get(reverse("photos:status")).content.decode()

    trash.delete_for_good(alice, photos(photo))
    assert "Your originals: 0\xa0bytes" in signed_in.get(reverse("photos:status")).content.decode()


def test_what_is_in_the_trash_is_in_no_list(signed_in, alice):
    album = make_album(alice)
    kept, gone = (make_photo(alice, is_favourite=True, small="x.webp") for _ in range(2))
    album.photos.add(kept, gone)

    acts.move_to_trash(alice, photos(gone))

    pages = ["/", "/favourites/", "/undated/", album.get_absolute_url(), "/albums/", "/status/"]
    for address in pages:
        html = signed_in.get(address).content.decode()
        assert f"photos/{gone.pk}/" not in html, address
    assert f"photo-{kept.pk}" in signed_in.get("/").content.decode()
    assert signed_in.get(album.get_absolute_url()).context["photo_count"] == 1
    assert signed_in.get("/albums/").context["albums"][0].photo_count == 1
    assert signed_in.get(gone.get_absolute_url()).status_code == 404
    assert f"photo-{gone.pk}" in signed_in.get("/trash/").content.decode()


def test_undo_and_restore_put_a_photo_back_where_it_was(alice):
    album, photo = make_album(alice), make_photo(alice, is_favourite=True)
    album.photos.add(photo)

    assert acts.undo(acts.move_to_trash(alice, photos(photo)))
    again = acts.move_to_trash(alice, photos(photo))
    acts.restore(alice, photos(photo))

    photo.refresh_from_db()
    assert (photo.trashed_at, photo.is_favourite, list(album.photos.all())) == (None, True, [photo])
    assert not acts.undo(again)  # it is back already


def test_nobody_touches_the_photos_of_others(alice, bob):
    photo = make_photo(alice)

    assert acts.move_to_trash(bob, photos(photo)) is None
    acts.move_to_trash(alice, photos(photo))
    assert acts.restore(bob, photos(photo)) is None
    assert trash.delete_for_good(bob, photos(photo)) == 0


def test_after_thirty_days_row_and_files_are_gone(alice):
    old, young, kept = (with_files(alice) for _ in range(3))
    acts.move_to_trash(alice, photos(old, young))
    Photo.everywhere.filter(pk=old.pk).update(trashed_at=timezone.now() - KEPT_IN_TRASH - timedelta(minutes=1))

    assert trash.purge() == 1
    assert trash.purge() == 0

    assert set(Photo.everywhere.values_list("pk", flat=True)) == {young.pk, kept.pk}
    assert not old.original.storage.exists(old.original.name)
    assert not old.small.storage.exists(old.small.name)
    assert young.original.storage.exists(young.original.name)


def test_deleting_for_good_asks_first_and_no_page_knows_the_photo_afterwards(signed_in, alice):
    photo = with_files(alice)
    acts.move_to_trash(alice, photos(photo))
    url = reverse("photos:trash-delete")

    assert "for good?" in signed_in.post(url, {"photos": photo.pk}).content.decode()
    assert photos(photo).in_trash().exists()
    signed_in.post(url, {"photos": photo.pk, "sure": "yes"})

    assert f"photo-{photo.pk}" not in signed_in.get("/trash/").content.decode()
    assert signed_in.get(photo.small_url).status_code == 404
    assert acts.restore(alice, photos(photo)) is None
    assert trash.purge() == 1


def test_a_photo_that_is_not_in_the_trash_is_not_deleted(signed_in, alice):
    photo = make_photo(alice)

    signed_in.post(reverse("photos:trash-delete"), {"photos": photo.pk, "sure": "yes"})

    assert trash.purge() == 0
    assert Photo.objects.filter(pk=photo.pk).exists()


def test_adding_a_photo_again_takes_it_out_of_the_trash_and_says_so(alice, arriving):
    photo = take_in(start_batch(alice, title="", expected=1), arriving(), name="IMG_1.jpg").photo
    acts.move_to_trash(alice, photos(photo))

    file = take_in(start_batch(alice, title="", expected=1), arriving(), name="IMG_1.jpg")

    assert (file.photo, file.outcome) == (photo, BatchFile.Outcome.DUPLICATE)
    assert "trash" in file.reason
    assert Photo.objects.filter(pk=photo.pk).exists()


def test_a_photo_deleted_for_good_can_be_added_again_before_a_worker_came_by(alice, arriving):
    photo = take_in(start_batch(alice, title="", expected=1), arriving(), name="IMG_1.jpg").photo
    acts.move_to_trash(alice, photos(photo))
    trash.delete_for_good(alice, photos(photo))

    file = take_in(start_batch(alice, title="", expected=1), arriving(), name="IMG_1.jpg")

    assert file.outcome == BatchFile.Outcome.STORED
    assert file.photo.pk != photo.pk
    assert trash.purge() == 0
    assert file.photo.original.storage.exists(file.photo.original.name)


def test_nobody_works_on_a_photo_that_went_into_the_trash(alice):
    photo = make_photo(alice, stage=Photo.Stage.DERIVATIVES)
    [claimed] = Photo.objects.claim(Photo.Stage.DERIVATIVES, limit=4)

    acts.move_to_trash(alice, photos(photo))

    assert claimed.locked_in_our_hands() is None
    assert Photo.objects.claim(Photo.Stage.DERIVATIVES, limit=4) == []
    acts.restore(alice, photos(photo))
    assert Photo.objects.claim(Photo.Stage.DERIVATIVES, limit=4) == [photo]


@pytest.mark.parametrize("htmx", [True, False])
def test_the_trash_costs_the_same_number_of_queries_for_any_number_of_photos(
    signed_in, alice, django_assert_max_num_queries, htmx
):
    some = [make_photo(alice) for _ in range(20)]
    acts.move_to_trash(alice, photos(*some))

    with django_assert_max_num_queries(9):
        signed_in.get("/trash/", headers={"HX-Request": "true"} if htmx else {})
