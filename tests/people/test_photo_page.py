"""The page of one photo: what it shows, the list one leafs through, and acts on the photo as a whole."""

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from accounts.models import User
from people import answers
from people.models import Decision, Face
from people.photo_words import exposure_text
from photos.models import Photo
from tests.factories import make_album, make_face, make_known, make_person, make_photo, make_suggestion, unit

START = datetime(2024, 5, 1, 12, tzinfo=UTC)
BOX = {"left": "0.6", "top": "0.3", "width": "0.1", "height": "0.2"}


@pytest.fixture
def photos(alice) -> list[Photo]:
    """Five photos, a day apart, the oldest first."""
    return [make_photo(alice, taken_at=START + timedelta(days=day)) for day in range(5)]


@pytest.fixture
def photo(alice) -> Photo:
    return make_photo(alice, large="large.webp", small="small.webp")


def page(client, photo: Photo, scope: str = "") -> str:
    return client.get(photo.get_absolute_url(), {"in": scope} if scope else {}).content.decode()


def slides(client, photo: Photo, scope: str = "") -> list[int]:
    response = client.get(photo.get_absolute_url(), {"in": scope} if scope else {})
    return [slide["id"] for slide in response.context["slides"]]


def test_one_leafs_through_the_whole_library(signed_in, photos):
    oldest, second, middle, fourth, newest = photos

    assert slides(signed_in, middle) == [newest.pk, fourth.pk, middle.pk, second.pk, oldest.pk]
    html = page(signed_in, newest)
    assert 'rel="prev"' not in html
    assert f'href="{fourth.get_absolute_url()}"' in html


def test_photos_of_one_moment_come_in_one_order(signed_in, alice):
    first, second, third = (make_photo(alice, taken_at=START) for _ in range(3))

    assert slides(signed_in, second) == [third.pk, second.pk, first.pk]


def test_one_leafs_through_an_album_and_back_to_it(signed_in, alice, photos):
    album = make_album(alice)
    album.photos.add(photos[0], photos[2], photos[4])
    scope = f"album-{album.pk}"

    assert slides(signed_in, photos[2], scope) == [photos[4].pk, photos[2].pk, photos[0].pk]
    html = page(signed_in, photos[2], scope)
    assert f'href="{photos[4].get_absolute_url()}?in={scope}"' in html
    assert f'href="{album.get_absolute_url()}?at={photos[2].pk}#photo-{photos[2].pk}"' in html
    assert "Back to the album" in html


def test_one_leafs_through_the_photos_of_a_person(signed_in, alice, photos):
    ann = make_person(alice)
    for each in (photos[0], photos[3]):
        make_face(each, person=ann)

    assert slides(signed_in, photos[3], f"person-{ann.pk}") == [photos[3].pk, photos[0].pk]


def test_one_leafs_through_a_search(signed_in, alice, photos):
    ann, bob = make_person(alice), make_person(alice, "Bob")
    for each in photos[:3]:
        make_face(each, person=ann)
    make_face(photos[1], person=bob, left=0.7)
    scope = f"search-p={ann.pk}&without={bob.pk}"

    assert slides(signed_in, photos[2], scope) == [photos[2].pk, photos[0].pk]
    assert f"/search/?p={ann.pk}&amp;without={bob.pk}&amp;at={photos[2].pk}" in page(signed_in, photos[2], scope)


@pytest.mark.parametrize("scope", ["album-999", "album-x", "nonsense", "person-1-2", "search-", "\x00"])
def test_a_list_that_is_none_is_the_whole_library_or_empty(signed_in, photos, scope):
    assert signed_in.get(photos[2].get_absolute_url(), {"in": scope}).status_code == 200


def test_the_album_of_somebody_else_is_none(signed_in, bob, photos):
    theirs = make_album(bob)

    assert len(slides(signed_in, photos[2], f"album-{theirs.pk}")) == 5


def test_a_photo_that_left_its_list_still_has_neighbours_there(signed_in, alice, photos):
    ann = make_person(alice)
    face = make_face(photos[2], person=ann)
    make_face(photos[1], person=ann)
    answers.remove_name(ann, [face.pk], actor=alice)

    assert slides(signed_in, photos[2], f"person-{ann.pk}") == [photos[2].pk, photos[1].pk]


def test_an_act_stays_in_the_list(signed_in, alice, photo):
    face = make_face(photo)
    url = f"{reverse('people:name-face', args=[face.pk])}?in=album-7"

    response = signed_in.post(url, {"name": "Ann"})

    assert response.url == f"{photo.get_absolute_url()}?in=album-7"


def test_the_number_of_queries_does_not_grow_with_the_faces(signed_in, alice, photo, django_assert_max_num_queries):
    ann = make_known(alice, likeness=unit(1))
    for number in range(60):
        face = make_face(photo, left=number / 60)
        if number % 3 == 0:
            answers.confirm(ann, [face.pk], actor=alice)
        elif number % 3 == 1:
            make_suggestion(face, ann)

    with django_assert_max_num_queries(16):
        response = signed_in.get(photo.get_absolute_url())

    assert response.content.decode().count('class="face-row"') == 60


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"stage": Photo.Stage.FACES}, "Faces are still being looked for."),
        ({"stage": Photo.Stage.DERIVATIVES, "large": ""}, "This photo is still being prepared."),
        ({}, "No faces were found in this photo."),
        ({"failure": "It broke."}, "It broke."),
    ],
)
def test_the_page_says_how_far_the_photo_is(signed_in, alice, fields, text):
    photo = make_photo(alice, **{"large": "large.webp"} | fields)

    assert text in page(signed_in, photo)


def test_the_page_says_that_face_analysis_is_off(signed_in, alice, photo):
    User.objects.update(face_analysis=User.FaceAnalysis.OFF)

    html = page(signed_in, photo)

    assert "Face analysis is off." in html
    assert "Draw a face" not in html


def test_a_failed_photo_is_tried_again_from_its_page(signed_in, alice):
    photo = make_photo(alice, failure="It broke.", stage=Photo.Stage.FACES)

    response = signed_in.post(reverse("photos:retry", args=[photo.pk]), {"from_photo": "1"})

    photo.refresh_from_db()
    assert (response.url, photo.failure) == (photo.get_absolute_url(), "")


def test_the_photo_is_told_in_words(signed_in, alice):
    photo = make_photo(alice, large="l.webp", place="Rome, Lazio, Italy")
    make_face(photo, person=make_person(alice), left=0.1)
    make_face(photo, left=0.3)
    make_face(photo, left=0.5)

    assert 'alt="Ann and 2 unnamed people, Rome, 3 May 2024"' in page(signed_in, photo)


def test_details_of_the_file_and_the_camera_are_shown(signed_in, alice):
    exposure = {"seconds": 0.004, "aperture": 1.7, "iso": 100, "focal_35mm": 24, "lens": "Pixel lens"}
    photo = make_photo(alice, camera="Pixel 8", exposure=exposure, latitude=41.89, longitude=12.4922)
    album = make_album(alice)
    album.photos.add(photo)

    html = page(signed_in, photo)

    for text in ("Pixel 8", "24 mm, f/1.7, 1/250 s, ISO 100", "Pixel lens", "41.8900° N, 12.4922° E", "Summer"):
        assert text in html
    assert 'href="geo:41.890000,12.492200"' in html
    assert 'viewBox="-275 -619 800 400"' in html


@pytest.mark.parametrize(
    ("exposure", "text"),
    [
        (None, ""),
        ({}, ""),
        ({"seconds": 2.5, "flash": True}, "2.5 s, flash"),
        ({"seconds": 1 / 8000}, "1/8000 s"),
        ({"focal_mm": 6.8, "flash": False}, "6.8 mm"),
    ],
)
def test_how_a_photo_was_taken(exposure, text):
    assert exposure_text(exposure) == text


def test_a_face_is_drawn_and_listed(signed_in, photo):
    response = signed_in.post(reverse("people:draw", args=[photo.pk]), BOX, follow=True)

    html = response.content.decode()
    face = photo.faces.get()
    assert "1 face drawn by hand" in html
    assert f'id="face-{face.pk}"' in html
    assert "data-waiting" in html
    crop = signed_in.get(face.crop_url)
    assert (crop.status_code, crop["Content-Type"]) == (200, "image/svg+xml")


@pytest.mark.parametrize(
    ("box", "text"),
    [
        ({}, "Draw a box around a face first."),
        (BOX | {"left": "nan"}, "Draw a box around a face first."),
        (BOX | {"width": "-1"}, "Draw a box around a face first."),
        (BOX | {"left": "1.5"}, "That box lies outside the photo."),
        (BOX | {"width": "0.001"}, "That box is too small"),
    ],
)
def test_a_bad_box_is_answered_with_a_sentence(signed_in, photo, box, text):
    response = signed_in.post(reverse("people:draw", args=[photo.pk]), box, follow=True)

    assert text in response.content.decode()
    assert not Face.objects.exists()


def test_nobody_draws_while_face_analysis_is_off(signed_in, photo):
    User.objects.update(face_analysis=User.FaceAnalysis.OFF)

    response = signed_in.post(reverse("people:draw", args=[photo.pk]), BOX, follow=True)

    assert "Face analysis is off. Turn it on in Settings to draw faces." in response.content.decode()
    assert not Face.objects.exists()


def test_the_other_faces_are_ignored_in_one_decision(signed_in, alice, photo):
    ann = make_known(alice)
    named = make_face(photo, person=ann, left=0.1)
    asked = make_face(photo, left=0.3)
    make_suggestion(asked, ann)
    others = [make_face(photo, left=left) for left in (0.5, 0.7)]

    html = page(signed_in, photo)
    assert "Ignore the other 2" in html
    shown = [face.pk for face in others]
    elsewhere = make_face(make_photo(alice))
    data = {"faces": [*shown, named.pk, elsewhere.pk]}
    signed_in.post(reverse("people:ignore-others", args=[photo.pk]), data)

    assert set(Face.objects.filter(is_ignored=True)) == set(others)
    assert Decision.objects.filter(verb=Decision.Verb.IGNORE).count() == 1


def test_what_is_no_face_is_said_so_and_can_be_taken_back(signed_in, photo):
    face = make_face(photo)
    url = reverse("people:ignore-face", args=[face.pk])

    signed_in.post(url, {"no_face": "1"})

    assert "No face, you said" in page(signed_in, photo)
    signed_in.post(url, {"show": "1"})
    face.refresh_from_db()
    assert (face.is_ignored, face.is_no_face) == (False, False)


@pytest.mark.parametrize("name", ["draw", "ignore-others", "repeat"])
def test_the_photo_of_somebody_else_does_not_exist(client, bob, photo, name):
    client.force_login(bob)
    url = reverse(f"people:{name}", args=[photo.pk])

    assert client.post(url, BOX).status_code == 404
    assert client.get(url).status_code == 405


def test_a_suggested_face_can_be_set_aside_too_and_says_that_it_was_drawn(signed_in, alice):
    face = make_face(make_photo(alice), is_drawn=True)
    make_suggestion(face, make_known(alice))

    page = signed_in.get(face.photo.get_absolute_url()).content.decode()

    assert "This is no face" in page
    assert "Suggested, drawn by hand" in page
