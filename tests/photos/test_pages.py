"""The timeline, albums and files of photos."""

from datetime import UTC, datetime

import pytest
from django.core.files.base import ContentFile
from django.urls import reverse

from photos import pagination
from photos.models import Photo
from photos.pagination import asked_page, month_counts, timeline_page
from photos.scrubber import library_scrubber
from tests.factories import make_album, make_photo


def on(year: int, month: int = 1, day: int = 1) -> datetime:
    return datetime(year, month, day, 12, tzinfo=UTC)


def test_photos_are_listed_by_month_newest_first(alice):
    may = [make_photo(alice, taken_at=on(2024, 5, day)) for day in (1, 2)]
    april = make_photo(alice, taken_at=on(2024, 4))

    months = timeline_page(Photo.objects.owned_by(alice), None).months

    assert [(m.title, m.count, m.photos) for m in months] == [
        ("May 2024", 2, may[::-1]),
        ("April 2024", 1, [april]),
    ]


def test_photos_without_a_date_are_those_that_stand_where_they_were_added(signed_in, alice):
    sources = {source: make_photo(alice, taken_at_source=source) for source in Photo.DateSource}

    months = signed_in.get(reverse("photos:undated")).context["months"]

    assert [photo for month in months for photo in month.photos] == [sources[Photo.DateSource.UPLOAD]]


@pytest.mark.parametrize(
    ("width", "height", "shape"),
    [(1500, 1000, ""), (4000, 3000, "r13"), (1600, 2000, "r8"), (1000, 1000, "r10"), (9000, 1000, "r30"), (1, 9, "r5")],
)
def test_a_row_is_laid_out_before_its_pictures_are_there(alice, width, height, shape):
    assert make_photo(alice, width=width, height=height).ratio_class == shape


def test_a_photo_is_named_by_its_day_where_the_camera_said_it_and_by_its_town(alice):
    taken = make_photo(alice, taken_at_source="camera", taken_at=on(2024, 5, 3), place="Rome, Latium, Italy")
    sent = make_photo(alice, name="IMG_1.jpg", taken_at_source="upload")

    assert (taken.alt_text, taken.town) == ("Photo of 3 May 2024", "Rome")
    assert (sent.alt_text, sent.town, sent.state_text) == ("Photo IMG_1.jpg", "", "")


@pytest.mark.parametrize("is_counted", [False, True])
def test_pages_follow_each_other_without_gap_or_repetition(alice, monkeypatch, is_counted):
    monkeypatch.setattr(pagination, "PAGE_SIZE", 3)
    days = [(2021, 2), (2024, 4), (2024, 4), (2024, 4), (2024, 5), (2024, 5), (2024, 5), (9999, 12)]
    photos = [make_photo(alice, taken_at=on(*day)) for day in days]
    counts = month_counts(Photo.objects.owned_by(alice)) if is_counted else None
    seen, cursor = [], None

    for _ in range(3):
        page = timeline_page(Photo.objects.owned_by(alice), cursor, counts=counts)
        seen += [photo for month in page.months for photo in month.photos]
        cursor = page.next_cursor

    assert seen == photos[::-1]
    assert cursor is None


def test_a_month_that_goes_on_has_no_second_heading(alice, monkeypatch):
    monkeypatch.setattr(pagination, "PAGE_SIZE", 1)
    for _ in range(2):
        make_photo(alice)
    first = timeline_page(Photo.objects.owned_by(alice), None)

    second = timeline_page(Photo.objects.owned_by(alice), first.next_cursor)

    assert [first.months[0].is_continued, second.months[0].is_continued] == [False, True]
    assert first.months[0].count == second.months[0].count == 2


@pytest.mark.parametrize(("headers", "name"), [({}, True), ({"HX-Request": "true", "HX-Target": "older"}, False)])
def test_of_a_month_only_the_part_with_its_heading_bears_its_name(signed_in, alice, monkeypatch, headers, name):
    monkeypatch.setattr(pagination, "PAGE_SIZE", 1)
    for _ in range(2):
        make_photo(alice)
    first = signed_in.get(reverse("photos:timeline"))

    second = signed_in.get(first.context["next_url"], headers=headers).content.decode()

    assert ("aria-labelledby" in second, "is-continued" in second) == (name, not name)


def test_a_year_of_two_digits_stops_nobody(alice, monkeypatch):
    """A date field gives the year 24 to whoever types no more of it."""
    monkeypatch.setattr(pagination, "PAGE_SIZE", 1)
    older, newer = (make_photo(alice, taken_at=datetime(24, 5, day, tzinfo=UTC)) for day in (1, 2))
    first = timeline_page(Photo.objects.owned_by(alice), None)

    second = timeline_page(Photo.objects.owned_by(alice), first.next_cursor)

    assert [month.photos for month in first.months + second.months] == [[newer], [older]]
    assert asked_page(Photo.objects.owned_by(alice), {"to": first.months[0].slug}).months[0].photos == [newer]
    assert [month.slug for month in library_scrubber(alice).months] == ["0024-05"]


@pytest.mark.parametrize("cursor", ["", "x", "2024-01-01", "2024-01-01~x", "~1", "9999999~1"])
def test_a_cursor_nobody_can_read_starts_at_the_top(signed_in, alice, cursor):
    make_photo(alice)

    response = signed_in.get(reverse("photos:timeline"), {"after": cursor})

    assert len(response.context["months"]) == 1


def test_the_timeline_costs_the_same_number_of_queries_for_any_number_of_photos(
    signed_in, alice, django_assert_max_num_queries
):
    for day in range(1, 25):
        make_photo(alice, taken_at=on(2024, 5, day))

    with django_assert_max_num_queries(12):
        signed_in.get(reverse("photos:timeline"))


@pytest.mark.parametrize("page", ["photos:timeline", "photos:albums", "photos:upload", "photos:status"])
def test_pages_of_an_empty_library_say_what_to_do(signed_in, page):
    assert signed_in.get(reverse(page)).status_code == 200


def test_an_album_can_be_renamed_but_not_to_the_name_of_another(signed_in, alice):
    rome, _ = make_album(alice, "Rome"), make_album(alice, "Ostia")
    url = reverse("photos:album-rename", args=[rome.pk])

    assert signed_in.post(url, {"title": "Ostia"}).status_code == 422
    assert signed_in.post(url, {"title": "Rome 2024"}).status_code == 302

    rome.refresh_from_db()
    assert rome.title == "Rome 2024"


def test_an_original_is_a_download_that_can_run_nothing(signed_in, alice):
    photo = make_photo(alice, name='we"ird\u202e.jpg')
    photo.original.save("originals/1.jpg", ContentFile(b"<script>alert(1)</script>"))

    response = signed_in.get(photo.original_url)

    assert b"".join(response.streaming_content) == b"<script>alert(1)</script>"
    assert response["Content-Disposition"].startswith("attachment")
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Cache-Control"] == "private, no-store"
    assert "sandbox" in response["Content-Security-Policy"]


def test_a_thumbnail_that_is_not_made_yet_is_404(signed_in, alice):
    assert signed_in.get(make_photo(alice).small_url).status_code == 404


def test_pages_carry_a_strict_policy(signed_in):
    policy = signed_in.get(reverse("photos:timeline"))["Content-Security-Policy"]

    assert "default-src 'self'" in policy
    assert "unsafe" not in policy


def test_status_lists_failed_photos_and_all_can_be_retried(signed_in, alice, bob):
    broken = [make_photo(alice, failure="It is damaged.", stage=Photo.Stage.FACES) for _ in range(3)]
    theirs = make_photo(bob, failure="It is damaged.", stage=Photo.Stage.FACES)

    page = signed_in.get(reverse("photos:status")).content.decode()
    assert page.count("It is damaged.") == 3
    assert "Retry all" in page

    signed_in.post(reverse("photos:retry-all"))

    assert not Photo.objects.filter(pk__in=[photo.pk for photo in broken]).failed().exists()
    assert Photo.objects.failed().get() == theirs


def test_status_asks_as_much_for_many_as_for_few(signed_in, alice, django_assert_max_num_queries):
    for _ in range(30):
        make_photo(alice, failure="It is damaged.", stage=Photo.Stage.FACES)

    with django_assert_max_num_queries(14):
        signed_in.get(reverse("photos:status"))


def test_only_kith_itself_may_show_its_pages_in_a_frame(signed_in):
    response = signed_in.get(reverse("photos:timeline"))

    assert "frame-ancestors 'self'" in response["Content-Security-Policy"]
    assert response["X-Frame-Options"] == "SAMEORIGIN"
