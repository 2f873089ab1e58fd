"""Columns of faces are loaded as Django's own rows have them."""

import numpy as np
import pytest
from django.db import DataError, transaction
from pgvector import HalfVector

from ml.projection import recentred
from people.models import Face, Library
from people.vectors import centre_in_use, load_faces
from tests.factories import make_cluster, make_face, make_person, make_photo, unit


def make_several(owner) -> list[Face]:
    cluster, ann = make_cluster(owner), make_person(owner)
    photo = make_photo(owner)
    return [
        make_face(photo, likeness=unit(3, towards=70, by=-0.3), quality=0.25),
        make_face(photo, likeness=unit(4), cluster=cluster),
        make_face(make_photo(owner), likeness=unit(5, towards=2, by=0.7), person=ann),
    ]


def test_columns_are_those_of_the_rows(alice):
    faces = make_several(alice)

    loaded = load_faces(Face.objects.order_by("-pk"))

    assert loaded.pks.tolist() == [face.pk for face in faces]
    assert loaded.photos.tolist() == [face.photo_id for face in faces]
    assert loaded.clusters.tolist() == [0, faces[1].cluster_id, 0]
    assert loaded.people.tolist() == [0, 0, faces[2].person_id]
    assert loaded.qualities.tolist() == [0.25, 0.8, 0.8]
    stored = [HalfVector(face.projection).to_numpy() for face in faces]
    np.testing.assert_array_equal(loaded.rows, np.array(stored, dtype=np.float32))


def test_only_the_faces_asked_for_are_loaded(alice, bob):
    mine, _ = make_several(alice), make_several(bob)

    waiting = load_faces(Face.objects.owned_by(alice).untagged())
    gallery = load_faces(Face.objects.owned_by(alice).gallery())

    assert (waiting.pks.tolist(), gallery.pks.tolist()) == ([mine[0].pk, mine[1].pk], [mine[2].pk])


def test_a_quoted_name_in_the_query_does_no_harm(alice):
    [*_, last] = make_several(alice)

    named = load_faces(Face.objects.filter(person__name="Ann").exclude(model="100 % O'Hara"))

    assert named.pks.tolist() == [last.pk]


def test_no_faces_are_columns_without_rows(alice):
    loaded = load_faces(Face.objects.owned_by(alice), centre=unit(0))

    assert (len(loaded), loaded.pks.shape, loaded.rows.ndim) == (0, (0,), 2)


def test_a_query_that_finds_nothing_for_sure_is_answered_too():
    assert len(load_faces(Face.objects.none())) == 0


def test_a_query_that_fails_says_so_and_leaves_the_connection_usable(alice):
    make_several(alice)
    broken = Face.objects.extra(where=["1 / 0 = quality"])

    with pytest.raises(DataError, match="division by zero"), transaction.atomic():
        load_faces(broken)

    assert len(load_faces(Face.objects.owned_by(alice))) > 0


def test_the_centre_is_taken_away(alice):
    make_several(alice)
    Library.objects.create(owner=alice, centre=unit(3) * 0.2, centre_model="facenet-casia")

    centre = centre_in_use(alice.pk, "facenet-casia")
    plain, moved = load_faces(Face.objects.all()), load_faces(Face.objects.all(), centre=centre)

    np.testing.assert_allclose(moved.rows, recentred(plain.rows, unit(3) * 0.2), atol=1e-6)
    assert abs(plain.rows - moved.rows).max() > 0.1


@pytest.mark.parametrize("model", ["facenet-vggface2", ""])
def test_a_centre_of_another_model_is_none(alice, model):
    Library.objects.create(owner=alice, centre=unit(3), centre_model="facenet-casia")

    assert centre_in_use(alice.pk, model) is None


def test_faces_of_another_length_than_most_are_left_out(alice, caplog):
    faces = [*make_several(alice), make_face(make_photo(alice), likeness=unit(2, dimensions=512), model="onnx:x")]

    loaded = load_faces(Face.objects.all())

    assert loaded.pks.tolist() == [face.pk for face in faces[:3]]
    assert "1 faces are left out" in caplog.text
