"""The yes to face analysis can be taken back: what faces are compared by goes at once, and a new yes brings it back."""

import numpy as np
import pytest
from django.test import Client
from django.urls import reverse
from PIL import Image

from accounts.models import User
from people import answers, tasks
from people.models import Face
from people.models.face import ERASED
from photos.intake import start_batch, take_in
from photos.models import Photo
from photos.tasks import make_due_derivatives
from tests.factories import make_person
from tests.pictures import encoded, portraits

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("models_dir")]


def say(client: Client, answer: str) -> None:
    client.post(reverse("accounts:change-faces"), {"face_analysis": answer})


def test_a_new_yes_brings_back_what_faces_are_compared_by_and_names_were_there_all_along(signed_in, alice, arriving):
    take_in(
        start_batch(alice, title="", expected=1), arriving(encoded(Image.open(portraits() / "biden.jpg"))), name="b"
    )
    make_due_derivatives()
    tasks.find_faces()
    tasks.group_faces(alice.pk)
    before = Face.objects.get()
    assert before.photo.stage == Photo.Stage.DONE
    ann = make_person(alice)
    answers.confirm(ann, [before.pk], actor=alice)

    say(signed_in, "off")
    assert tasks.erase_vectors() == 1

    face = Face.objects.get()
    assert (face.model, face.person, face.crop) == (ERASED, ann, before.crop)
    assert not np.any(face.embedding) and not np.any(face.projection)
    assert tasks.embed_again() == 0  # not without a yes
    assert "New model" not in signed_in.get("/status/").content.decode()

    say(signed_in, "on")
    assert tasks.embed_again() == 1

    face.refresh_from_db()
    assert (face.model, face.person, face.box) == (before.model, ann, before.box)
    assert float(np.dot(face.embedding, before.embedding)) > 0.999


def test_who_has_not_answered_or_says_yes_keeps_everything(alice, bob):
    User.objects.filter(pk=bob.pk).update(face_analysis=User.FaceAnalysis.UNANSWERED)

    assert tasks.erase_vectors() == 0
