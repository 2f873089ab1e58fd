"""Bytes of photos: only through a view that knows who asks, and kept by nobody on the way."""

from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from photos import trash
from photos.models import Photo
from tests.access.addresses import told
from tests.access.library import UNKNOWN, photo_with_files
from tests.factories import make_face

FILES = ("photos:small", "photos:large", "photos:original", "people:crop")


@pytest.fixture
def photo(alice) -> Photo:
    return photo_with_files(alice, name='Ann "at" the\r\nsea.jpg')


@pytest.fixture
def addresses(photo) -> dict[str, str]:
    face = make_face(photo)
    return {name: reverse(name, args=[face.pk if name == "people:crop" else photo.pk]) for name in FILES}


def statuses(client: Client, addresses: dict[str, str], **headers: str) -> set[int]:
    return {told(client.get(url, headers=headers))[0] for url in addresses.values()}


def test_pictures_are_for_their_owner_and_their_own_browser(signed_in, addresses):
    for url in addresses.values():
        response = signed_in.get(url)

        assert response.status_code == 200
        assert b"".join(response)
        assert response["X-Content-Type-Options"] == "nosniff"
        assert response["Cross-Origin-Resource-Policy"] == "same-origin"
        assert response["Cache-Control"] == "private, no-store"
        assert "Cookie" in response["Vary"]


def test_an_original_is_a_download_that_runs_nothing(signed_in, addresses):
    headers = told(signed_in.get(addresses["photos:original"]))[1]

    assert headers["Content-Disposition"].startswith("attachment; filename")
    assert not {"\r", "\n"} & set(headers["Content-Disposition"])
    assert headers["Content-Security-Policy"] == "sandbox"


def test_a_part_or_only_the_head_is_checked_as_the_whole_is(client, bob, addresses):
    client.force_login(bob)
    unknown = reverse("photos:original", args=[UNKNOWN])

    for url in addresses.values():
        for method in (client.get, client.head):
            part = method(url, headers={"Range": "bytes=0-9"})
            assert told(part) == told(method(unknown, headers={"Range": "bytes=0-9"}))
            assert part.status_code == 404


def test_the_head_of_ones_own_has_no_body(signed_in, addresses):
    for url in addresses.values():
        status, _headers, content = told(signed_in.head(url))
        assert (status, content) == (200, b"")


def test_addresses_end_with_the_session(signed_in, addresses):
    signed_in.post(reverse("accounts:sign-out"))

    assert statuses(signed_in, addresses) == {302}


def test_addresses_end_with_the_photo(signed_in, alice, photo, addresses):
    trash.move_to_trash(alice, Photo.objects.filter(pk=photo.pk))
    # The trash shows it until it is gone; its faces are away.
    assert statuses(signed_in, {name: url for name, url in addresses.items() if name != "people:crop"}) == {200}
    assert signed_in.get(addresses["people:crop"]).status_code == 404

    trash.delete_for_good(alice, Photo.everywhere.filter(pk=photo.pk))

    assert statuses(signed_in, addresses) == {404}


@pytest.mark.parametrize("path", ["/media/originals/1.jpg", "/static/../media/x", "/photos/../secret-key", "/kept/x"])
def test_no_address_leads_to_files_by_their_name(signed_in, path):
    assert signed_in.get(path).status_code == 404


def test_a_name_that_leads_out_of_the_library_is_not_followed(signed_in, photo, settings, tmp_path):
    outside = tmp_path / "secret"
    outside.write_text("secret")
    Photo.objects.filter(pk=photo.pk).update(original="../secret")
    for prefix in ("", "/kept/"):
        settings.KITH_ACCEL = prefix
        assert signed_in.get(reverse("photos:original", args=[photo.pk])).status_code == 404


def test_behind_nginx_the_proxy_sends_what_was_checked(signed_in, photo, addresses, settings, client):
    plain = {name: told(signed_in.get(url))[1] for name, url in addresses.items()}
    settings.KITH_ACCEL = "/kept/"

    for name, url in addresses.items():
        response = signed_in.get(url)
        assert response.content == b""
        assert response["X-Accel-Redirect"].startswith("/kept/")
        for header in ("Content-Type", "Cache-Control", "Vary", "X-Content-Type-Options", "Content-Security-Policy"):
            assert response[header] == plain[name][header]
        is_download = plain[name]["Content-Disposition"].startswith("attachment")
        assert response.get("Content-Disposition") == (plain[name]["Content-Disposition"] if is_download else None)
    Path(photo.original.path).unlink()
    assert signed_in.get(addresses["photos:original"]).status_code == 404
    assert Client().get(addresses["photos:small"]).status_code == 302
