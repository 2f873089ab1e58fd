"""The faces a batch brought."""

from django.urls import reverse

from photos.models import BatchFile
from tests.factories import make_batch, make_face, make_photo


def strip(client, batch):
    return client.get(reverse("people:new-faces", args=[batch.pk]))


def test_only_faces_of_photos_the_batch_brought_are_shown(signed_in, alice):
    batch = make_batch(alice)
    brought, known = make_photo(alice), make_photo(alice)
    face, elsewhere = make_face(brought), make_face(known)
    make_face(brought, is_ignored=True)
    batch.record("a.jpg", BatchFile.Outcome.STORED, photo=brought, reason="")
    batch.record("b.jpg", BatchFile.Outcome.DUPLICATE, photo=known, reason="")

    response = strip(signed_in, batch)

    assert list(response.context["faces"]) == [face]
    assert f"new-face-{elsewhere.pk}" not in response.content.decode()
    assert reverse("people:review") in response.content.decode()


def test_a_batch_without_faces_leaves_their_place_as_it_is(signed_in, alice):
    assert strip(signed_in, make_batch(alice)).status_code == 204


def test_the_page_keeps_a_place_for_the_faces_there_are(signed_in, alice):
    batch, photo = make_batch(alice), make_photo(alice)
    batch.record("a.jpg", BatchFile.Outcome.STORED, photo=photo, reason="")
    assert "New faces so far" not in signed_in.get(batch.get_absolute_url()).content.decode()

    make_face(photo)

    assert "New faces so far" in signed_in.get(batch.get_absolute_url()).content.decode()


def test_the_strip_costs_the_same_number_of_queries_for_any_number_of_faces(
    signed_in, alice, django_assert_max_num_queries
):
    batch = make_batch(alice)
    for _ in range(30):
        photo = make_photo(alice)
        make_face(photo)
        batch.record(photo.name, BatchFile.Outcome.STORED, photo=photo, reason="")

    with django_assert_max_num_queries(6):
        assert len(strip(signed_in, batch).context["faces"]) == 12
