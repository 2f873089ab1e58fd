"""What can be done with selected photos, and taken back."""

import io
import zipfile
from datetime import UTC, date, datetime

import pytest
from django.core.files.base import ContentFile
from django.urls import reverse

from photos import acts
from photos.models import Act, Album, Photo
from photos.selection import chosen_photos
from photos.zipping import Names
from tests.factories import make_album, make_batch, make_photo, make_user
from tests.people.test_races import at_once


def everything(owner):
    return Photo.objects.owned_by(owner)


def post(client, name: str, photos=(), **fields):
    keys = ",".join(str(photo.pk) for photo in photos)
    args = fields.pop("args", [])
    return client.post(reverse(name, args=args), {"photos": keys} | fields)


def test_favourites_are_made_and_unmade(signed_in, alice):
    one, other = make_photo(alice), make_photo(alice)

    post(signed_in, "photos:favourite", [one])
    assert [photo.pk for photo in everything(alice).filter(is_favourite=True)] == [one.pk]
    post(signed_in, "photos:favourite", [one, other], plain="1")
    assert not everything(alice).filter(is_favourite=True).exists()

    assert Act.objects.get(verb=Act.Verb.PLAIN).photos == [one.pk]  # the other one was none
    acts.undo(Act.objects.get(verb=Act.Verb.PLAIN))
    assert [photo.pk for photo in everything(alice).filter(is_favourite=True)] == [one.pk]


def test_photos_go_into_an_album_that_is_made_for_them_and_undo_takes_both_away(signed_in, alice):
    photos = [make_photo(alice) for _ in range(3)]

    assert "album" in post(signed_in, "photos:add-to-album", photos).content.decode()
    post(signed_in, "photos:add-to-album", photos, title=" Rome ")

    album = Album.objects.get(title="Rome")
    assert album.photos.count() == 3
    assert acts.undo(Act.objects.get())
    assert not Album.objects.exists()


def test_a_title_in_other_case_is_the_album_there_is_and_undo_leaves_what_was_in_it(alice):
    album, there, new = make_album(alice, "Rome"), make_photo(alice), make_photo(alice)
    album.photos.add(there)

    act = acts.add_to_album(alice, everything(alice), "rome")

    assert act.photos == [new.pk]
    assert album.photos.count() == 2
    acts.undo(act)
    assert list(album.photos.all()) == [there]


def test_the_answer_to_an_act_says_what_was_done_and_offers_to_take_it_back(signed_in, alice):
    photo = make_photo(alice)

    response = signed_in.post(
        reverse("photos:move-to-trash"), {"photos": photo.pk, "next": "/favourites/"}, follow=True
    )

    assert response.redirect_chain == [("/favourites/", 302)]
    assert "1 photo moved to the trash" in response.content.decode()
    undo = reverse("photos:undo-act", args=[Act.objects.get().pk])
    assert undo in response.content.decode()
    signed_in.post(undo)
    assert everything(alice).exists()


def test_removing_photos_from_an_album_takes_its_cover_along_and_undo_brings_it_back(alice):
    album, cover, other = make_album(alice), make_photo(alice), make_photo(alice)
    album.photos.add(cover, other)
    acts.choose_cover(album, cover)
    album.refresh_from_db()

    act = acts.remove_from_album(alice, album, everything(alice).filter(pk=cover.pk))

    album.refresh_from_db()
    assert (album.cover, list(album.photos.all())) == (None, [other])
    acts.undo(act)
    album.refresh_from_db()
    assert (album.cover, album.photos.count()) == (cover, 2)


def test_a_cover_in_the_trash_gives_way_to_the_newest_photo(signed_in, alice):
    album, cover, other = make_album(alice), make_photo(alice), make_photo(alice)
    album.photos.add(cover, other)
    acts.choose_cover(album, cover)
    acts.move_to_trash(alice, everything(alice).filter(pk=cover.pk))

    assert signed_in.get(reverse("photos:albums")).context["albums"][0].shown_cover == other


def test_an_album_that_is_deleted_leaves_its_photos_and_comes_back_whole(signed_in, alice):
    album, photos = make_album(alice, "Rome"), [make_photo(alice) for _ in range(3)]
    album.photos.add(*photos)
    acts.choose_cover(album, photos[1])
    batch = make_batch(alice, album=album)

    signed_in.post(reverse("photos:album-delete", args=[album.pk]))

    assert not Album.objects.exists()
    assert everything(alice).count() == 3
    acts.undo(Act.objects.get(verb=Act.Verb.DELETE))
    back = Album.objects.get()
    assert (back.pk, back.title, back.created_at, back.cover) == (album.pk, "Rome", album.created_at, photos[1])
    assert back.photos.count() == 3
    batch.refresh_from_db()
    assert batch.album == back


def test_a_rename_is_taken_back_unless_the_old_title_is_another_albums_by_now(alice):
    album = make_album(alice, "Rome")
    act = acts.rename_album(album, "Roma")
    make_album(alice, "Rome")

    assert not acts.undo(act)
    Album.objects.filter(title="Rome").delete()
    assert acts.undo(act)
    assert Album.objects.get().title == "Rome"


def test_photos_get_a_day_and_keep_their_time(signed_in, alice):
    moment = datetime(2026, 11, 22, 14, 43, 7, tzinfo=UTC)
    photo = make_photo(alice, taken_at=moment)

    assert b'value="2026-11-22"' in post(signed_in, "photos:set-date", [photo]).content
    post(signed_in, "photos:set-date", [photo], day="1998-05-03")

    photo.refresh_from_db()
    assert (photo.taken_at, photo.taken_at_source) == (moment.replace(1998, 5, 3), Photo.DateSource.USER)
    acts.undo(Act.objects.get())
    photo.refresh_from_db()
    assert (photo.taken_at, photo.taken_at_source) == (moment, Photo.DateSource.UPLOAD)


def test_a_day_nobody_can_read_is_asked_for_again(signed_in, alice):
    photo = make_photo(alice)

    assert "Enter a valid date" in post(signed_in, "photos:set-date", [photo], day="soon").content.decode()
    assert not Act.objects.exists()


def test_a_question_on_a_page_of_its_own_is_a_plain_form_and_has_a_heading(signed_in, alice):
    asked = {"photos": str(make_photo(alice).pk)}

    page = signed_in.post(reverse("photos:set-date"), asked).content.decode()
    part = signed_in.post(reverse("photos:set-date"), asked, headers={"HX-Request": "true"}).content.decode()

    assert "<h1" in page
    assert 'hx-target="#months"' not in page  # it is not there
    assert 'hx-target="#months"' in part


def test_all_of_a_list_means_what_its_page_showed(alice, rf):
    album, photos = make_album(alice), [make_photo(alice) for _ in range(5)]
    album.photos.add(*photos[:4])
    form = rf.post(
        "/",
        {
            "all": "yes",
            "scope": f"album-{album.pk}",
            "except": f"{photos[0].pk}",
            "as_of": photos[2].uploaded_at.isoformat(),
        },
    ).POST

    assert set(chosen_photos(alice, form)) == {photos[1], photos[2]}


@pytest.mark.parametrize("scope", ["", "album-", "album-x", "album-987654", "nothing-1", "person-1", "search-p=1"])
def test_a_list_that_is_not_there_means_no_photos(alice, rf, scope):
    make_photo(alice)

    assert not chosen_photos(alice, rf.post("/", {"all": "yes", "scope": scope}).POST).exists()


def test_lists_of_others_mean_nothing(alice, bob, rf):
    album, photo = make_album(bob), make_photo(bob)
    album.photos.add(photo)

    assert not chosen_photos(alice, rf.post("/", {"photos": photo.pk}).POST).exists()
    assert not chosen_photos(alice, rf.post("/", {"all": "yes", "scope": f"album-{album.pk}"}).POST).exists()


@pytest.mark.django_db(transaction=True)
def test_two_clicks_on_a_new_album_make_one():
    alice = make_user()
    photo = make_photo(alice)

    made = at_once(*[lambda: acts.add_to_album(alice, everything(alice), "Rome")] * 4)

    assert list(Album.objects.get(title="Rome").photos.all()) == [photo]
    assert [act.before for act in made if act] == [{"is_new": True}]


def test_what_was_said_later_of_a_photo_stands_until_that_is_taken_back(alice):
    one, other = make_photo(alice), make_photo(alice)
    both, the_other = everything(alice), everything(alice).filter(pk=other.pk)
    first = acts.set_date(alice, both, date(2001, 1, 1))
    later = acts.set_date(alice, the_other, date(2005, 1, 1))

    assert acts.undo(first)
    assert years(one, other) == [2024, 2005]
    assert acts.undo(later)
    assert not acts.undo(later)


@pytest.mark.parametrize("kind", ["trash", "favourite", "album", "rename", "cover"])
def test_an_act_that_was_done_again_later_is_not_undone_by_its_first_time(alice, kind):
    photo, album = make_photo(alice), make_album(alice, "Rome")
    photos = everything(alice)
    trashed = Photo.everywhere.filter(pk=photo.pk)
    do, back = {
        "trash": (lambda: acts.move_to_trash(alice, photos), lambda: acts.restore(alice, trashed)),
        "favourite": (
            lambda: acts.mark(alice, photos, is_favourite=True),
            lambda: acts.mark(alice, photos, is_favourite=False),
        ),
        "album": (
            lambda: acts.add_to_album(alice, photos, "Rome"),
            lambda: acts.remove_from_album(alice, album, photos),
        ),
        "rename": (lambda: acts.rename_album(album, "Roma"), lambda: acts.rename_album(album, "Rome")),
        "cover": (lambda: acts.choose_cover(album, photo), lambda: acts.choose_cover(album, make_photo(alice))),
    }[kind]
    done = [do(), back(), do()]
    assert not acts.undo(done[0])
    assert not acts.undo(done[1])
    assert all(acts.undo(act) for act in reversed(done))


def years(*photos: Photo) -> list[int]:
    for photo in photos:
        photo.refresh_from_db()
    return [photo.taken_at.year for photo in photos]


def test_acts_of_others_cannot_be_taken_back(signed_in, bob):
    act = acts.mark(bob, everything(bob).filter(pk=make_photo(bob).pk), is_favourite=True)

    assert signed_in.post(reverse("photos:undo-act", args=[act.pk])).status_code == 404


def with_original(owner, name: str, content: bytes) -> Photo:
    photo = make_photo(owner, name=name)
    photo.original.save(f"originals/{photo.pk}.jpg", ContentFile(content))
    return photo


def test_one_photo_is_downloaded_as_it_is(signed_in, alice):
    photo = with_original(alice, "IMG_1.jpg", b"as uploaded")

    response = post(signed_in, "photos:download", [photo])

    assert b"".join(response.streaming_content) == b"as uploaded"
    assert 'filename="IMG_1.jpg"' in response["Content-Disposition"]


def test_several_photos_are_downloaded_as_a_zip_with_names_of_their_own(signed_in, alice):
    photos = [with_original(alice, name, name.encode()) for name in ("IMG_1.jpg", "IMG_1.jpg", "img_1.JPG", "b.jpg")]
    lost = make_photo(alice, name="lost.jpg", original="originals/lost.jpg")

    response = post(signed_in, "photos:download", [*photos, lost])

    archive = zipfile.ZipFile(io.BytesIO(b"".join(response.streaming_content)))
    assert archive.testzip() is None
    assert len({name.casefold() for name in archive.namelist()}) == 5
    assert sorted(archive.read(name) for name in archive.namelist() if name != "missing.txt") == sorted(
        photo.name.encode() for photo in photos
    )
    assert archive.read("missing.txt") == b"lost.jpg\n"


@pytest.mark.parametrize("year", [1066, 2345])
def test_a_date_no_zip_can_say_does_not_stop_it(signed_in, alice, year):
    photo, other = with_original(alice, "a.jpg", b"a"), with_original(alice, "b.jpg", b"b")
    acts.set_date(alice, everything(alice).filter(pk=photo.pk), date(year, 5, 3))

    response = post(signed_in, "photos:download", [photo, other])

    archive = zipfile.ZipFile(io.BytesIO(b"".join(response.streaming_content)))
    assert sorted(archive.namelist()) == ["a.jpg", "b.jpg"]


def test_a_zip_is_sent_in_pieces_and_never_held_whole(alice):
    from photos.zipping import CHUNK, zipped

    photos = [with_original(alice, f"{number}.jpg", bytes(3 * CHUNK)) for number in range(4)]

    pieces = [len(piece) for piece in zipped(photos)]

    assert max(pieces) < 2 * CHUNK
    assert sum(pieces) > 12 * CHUNK


def test_names_in_a_zip_stay_in_it():
    names = Names()

    assert [names.unique(name) for name in ("../../etc/passwd", "a/b.jpg", "..", "a_b.jpg")] == [
        "_.._etc_passwd",
        "a_b.jpg",
        "photo",
        "a_b (2).jpg",
    ]


def test_setting_a_date_counts_queries_not_photos(signed_in, alice, django_assert_max_num_queries):
    photos = [make_photo(alice) for _ in range(30)]

    with django_assert_max_num_queries(16):
        post(signed_in, "photos:set-date", photos, day="1998-05-03")

    assert {photo.taken_at.date() for photo in everything(alice)} == {date(1998, 5, 3)}
