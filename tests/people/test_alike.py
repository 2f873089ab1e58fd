"""Faces that look like one of the library, or like one of a picture that is shown."""

import re

from django.urls import reverse

from ml.models import MODELS
from people.alike import faces_like
from tests.factories import make_cluster, make_face, make_person, make_photo, unit

MODEL = MODELS["facenet-casia"]


def test_the_most_alike_come_first_whoever_they_are(alice, bob):
    ann = make_person(alice)
    near = make_face(make_photo(alice), likeness=unit(1, towards=2, by=0.3), person=ann)
    same = make_face(make_photo(alice), likeness=unit(1))
    make_face(make_photo(alice), likeness=unit(5))  # somebody else
    make_face(make_photo(alice), likeness=unit(1), is_ignored=True)
    make_face(make_photo(bob), likeness=unit(1))
    make_face(make_photo(alice), likeness=unit(1), model="another")

    assert faces_like(alice, unit(1), MODEL) == [same.pk, near.pk]
    assert faces_like(alice, unit(1), MODEL, most=1) == [same.pk]


def test_the_page_of_a_face_fetches_those_like_it(alice, signed_in):
    face = make_face(make_photo(alice), likeness=unit(1))
    other = make_face(make_photo(alice), likeness=unit(1), person=make_person(alice, "Ann"))
    url = reverse("people:like", args=[face.pk])

    assert f'hx-get="{url}"' in signed_in.get(url).content.decode()

    found = signed_in.get(url, headers={"HX-Request": "true"}).content.decode()
    assert other.photo.get_absolute_url() in found
    assert "Ann" in found
    assert face.photo.get_absolute_url() not in found
    assert other.photo.get_absolute_url() in signed_in.get(f"{url}?list=1").content.decode()  # without JavaScript


def test_faces_of_others_are_nowhere(alice, bob, signed_in):
    theirs = make_face(make_photo(bob))

    assert signed_in.get(reverse("people:like", args=[theirs.pk])).status_code == 404
    page = signed_in.get(reverse("people:alike"), {"faces": f"{theirs.pk},x,-1,99999999999999999999"})
    assert theirs.photo.get_absolute_url() not in page.content.decode()
    assert "No other face looks like this one" in page.content.decode()


def test_the_faces_of_a_picture_stay_in_their_order(alice, signed_in):
    faces = [make_face(make_photo(alice)) for _ in range(3)]
    wanted = [faces[2], faces[0]]

    page = signed_in.get(reverse("people:alike"), {"faces": ",".join(str(face.pk) for face in wanted)})

    assert page.context["faces"] == wanted


def test_pages_with_a_face_lead_to_faces_like_it(signed_in, alice):
    ann, group = make_person(alice), make_cluster(alice)
    named = make_face(make_photo(alice), person=ann)
    waiting = [make_face(make_photo(alice), cluster=group) for _ in range(2)]

    def links(address: str) -> list[str]:
        return re.findall(r'href="(/faces/\d+/like/)"', signed_in.get(address).content.decode())

    assert links(named.photo.get_absolute_url()) == [f"/faces/{named.pk}/like/"]
    assert links(waiting[0].photo.get_absolute_url()) == [f"/faces/{waiting[0].pk}/like/"]
    assert links(group.get_absolute_url())[0] in {f"/faces/{face.pk}/like/" for face in waiting}
    chosen = {"faces": [named.pk], "action": "like"}
    answer = signed_in.post(reverse("people:change-faces", args=[ann.pk]), chosen)
    assert answer.url == f"/faces/{named.pk}/like/"
