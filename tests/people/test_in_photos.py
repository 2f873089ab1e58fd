"""Who is in selected photos."""

import pytest
from django.urls import reverse

from tests.factories import make_face, make_group, make_known, make_person, make_photo

URL = reverse("people:in-these")


@pytest.fixture
def ann(alice):
    return make_known(alice, "Ann", faces=2)


def test_people_groups_and_single_faces_of_selected_photos_are_shown(signed_in, alice, ann):
    group = make_group(alice)
    single = make_face(make_photo(alice))
    make_known(alice, "Bob")
    photos = [ann.faces.first().photo, group.faces.first().photo, single.photo]

    assert signed_in.post(URL, {"photos": ",".join(str(photo.pk) for photo in photos)}).url == URL
    context = signed_in.get(URL).context

    assert context["photo_count"] == 3
    assert [(person, person.together) for person in context["people"]] == [(ann, 1)]
    assert context["groups"] == [group]
    assert list(context["singles"]) == [single]


def test_photos_of_others_are_not_among_them(signed_in, bob):
    face = make_face(make_photo(bob), person=make_person(bob, "Bob"))

    signed_in.post(URL, {"photos": str(face.photo_id)})
    context = signed_in.get(URL).context

    assert (context["photo_count"], context["people"], context["groups"]) == (0, [], [])


def test_all_of_a_library_is_kept_in_a_few_words(signed_in, alice, ann):
    for _ in range(300):
        make_photo(alice)

    signed_in.post(URL, {"all": "yes", "scope": "library", "except": str(ann.faces.first().photo_id)})

    assert signed_in.get(URL).context["photo_count"] == 301
    assert len(str(dict(signed_in.session))) < 1000
