"""Changing the face model of a library: everything that was answered stays, and two models never compare."""

import os
import subprocess
import sys
import time
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from ml.models import find_model
from people import answers, tasks
from people.grouping import group_owner
from people.importing import work_until_done
from people.ledger import rejected_pairs
from people.model_change import is_changing, photos_to_embed, progress
from people.models import Cluster, Decision, Face, Suggestion
from people.reembedding import embed_some_again
from people.review import likely_people
from people.suggestions import refresh_suggestions
from photos.face_model import choose_face_model, current_face_model, wanted_face_model
from photos.intake import start_batch, take_in
from photos.models import Photo
from tests.factories import make_face, make_person, make_photo, make_user, unit
from tests.onnx_files import write_onnx
from tests.pictures import drawing, encoded, portraits
from tests.services import ROOT

CASIA, OTHER = "facenet-casia", "another-model"


@pytest.fixture
def onnx_file(own_models, tmp_path):
    return write_onnx(tmp_path / "small.onnx", dimensions=200)


@pytest.fixture
def library(alice, arriving):
    """Photos of three people, with their faces found and grouped, as after an upload."""
    obama = Image.open(portraits() / "obama.jpg").convert("RGB")
    pictures = [Image.open(portraits() / name).convert("RGB") for name in ("obama2.jpg", "biden.jpg", "astronaut.png")]
    pictures = [obama, obama.transpose(Image.Transpose.FLIP_LEFT_RIGHT), *pictures, drawing()]
    batch = start_batch(alice, title="", expected=len(pictures))
    for number, picture in enumerate(pictures):
        picture.thumbnail((900, 900))
        take_in(batch, arriving(encoded(picture, quality=92)), name=f"{number}.jpg")
    work_until_done(alice, report=lambda sentence: None)
    Face.objects.filter(detection_score__lt=0.99).delete()  # of the crowd behind
    return list(Face.objects.order_by("photo"))


def change_model(*arguments: str) -> str:
    out = StringIO()
    call_command("change_model", *arguments, stdout=out)
    return out.getvalue()


def what_was_said() -> dict[int, tuple]:
    """All that users and grouping have said about faces."""
    columns = ("person", "tagged_by", "is_ignored", "cluster", "quality", "left", "landmarks", "crop")
    return {pk: tuple(map(str, rest)) for pk, *rest in Face.objects.values_list("pk", *columns)}


def test_names_groups_and_answers_outlive_a_change_and_the_way_back(library, alice, onnx_file):
    obamas = library[:3]
    [group] = {face.cluster_id for face in obamas}
    assert group is not None
    biden, astronaut = make_person(alice, "Joe"), make_person(alice, "Eileen")
    answers.confirm(biden, [library[3].pk], actor=alice)
    answers.confirm(astronaut, [library[4].pk], actor=alice)
    answers.reject(biden, [face.pk for face in obamas], actor=alice)
    before, ruled_out = what_was_said(), rejected_pairs(alice.pk)
    embeddings = {face.pk: face.embedding for face in library}

    change_model(str(onnx_file), "--wait")

    name = find_model(onnx_file.parent / "models", str(onnx_file)).name
    faces = Face.objects.in_bulk()
    assert {face.model for face in faces.values()} == {name}
    assert all(len(face.projection) == 200 for face in faces.values())
    assert all(np.linalg.norm(face.embedding) == pytest.approx(1, abs=1e-3) for face in faces.values())
    named = {pk: said for pk, said in what_was_said().items() if faces[pk].person_id}
    assert named == {pk: said for pk, said in before.items() if faces[pk].person_id}
    assert rejected_pairs(alice.pk) == ruled_out
    assert set(Cluster.objects.values_list("pk", flat=True)) <= {group}  # the small network may see no likeness

    change_model(CASIA, "--wait")

    assert rejected_pairs(alice.pk) == ruled_out
    assert {pk: said[:3] for pk, said in what_was_said().items()} == {pk: said[:3] for pk, said in before.items()}
    for face in Face.objects.all():
        assert face.model == CASIA
        assert np.dot(face.embedding, embeddings[face.pk]) > 0.999
    assert len({face.cluster_id for face in Face.objects.filter(pk__in=[face.pk for face in obamas])}) == 1
    assert Decision.objects.exclude(actor=None).count() == 3


def test_a_group_keeps_its_number_through_a_change_of_model(alice, own_models):
    """The other model embeds by hand here: so that it sees the same people."""
    faces = [make_face(make_photo(alice), likeness=unit(1, towards=90 + n, by=0.2), model=OTHER) for n in range(4)]
    number = Cluster.objects.create(owner=alice, is_hidden=True)
    Face.objects.update(cluster=number)

    for done in range(1, 5):
        Face.objects.filter(pk__in=[face.pk for face in faces[:done]]).update(model=CASIA)
        make_face(make_photo(alice, stage=Photo.Stage.GROUPING), likeness=unit(2, towards=50 + done, by=0.1))
        group_owner(alice.pk)
        assert set(Face.objects.filter(pk__in=[f.pk for f in faces]).values_list("cluster", flat=True)) == {number.pk}

    assert Photo.objects.exclude(stage=Photo.Stage.DONE).count() == 0
    assert Cluster.objects.count() == 2
    assert Cluster.objects.get(pk=number.pk).is_hidden


def test_new_photos_join_groups_while_the_model_changes(alice, own_models):
    group = Cluster.objects.create(owner=alice)
    for axis in (1, 1, 5):
        make_face(make_photo(alice), likeness=unit(axis), cluster=group)
    make_face(make_photo(alice), likeness=unit(1), cluster=group, model=OTHER)
    new = make_face(make_photo(alice, stage=Photo.Stage.GROUPING), likeness=unit(1, towards=60, by=0.2))

    assert tasks.group_faces(alice.pk)

    assert Face.objects.get(pk=new.pk).cluster == group
    assert group.faces.count() == 5


def test_groups_that_grew_while_the_model_changed_are_made_anew_after_it(alice, own_models):
    group = Cluster.objects.create(owner=alice)
    odd = [make_face(make_photo(alice), likeness=unit(n), cluster=group, grouped_by=OTHER) for n in (1, 2)]
    late = make_face(make_photo(alice), likeness=unit(3), model=OTHER)
    make_photo(alice, stage=Photo.Stage.GROUPING)
    assert tasks.group_faces(alice.pk)
    assert group.faces.count() == 2

    Face.objects.filter(pk=late.pk).update(model=CASIA)
    group_owner(alice.pk)

    assert not Face.objects.filter(pk__in=[face.pk for face in odd]).exclude(cluster=None).exists()


def test_groups_are_made_anew_only_once_all_faces_are_of_one_model(alice, own_models):
    from people.models import Upkeep

    group = Cluster.objects.create(owner=alice)
    one, two = (make_face(make_photo(alice), likeness=unit(n), cluster=group, grouped_by=OTHER) for n in (1, 2))
    late = make_face(make_photo(alice), likeness=unit(3), model=OTHER)
    Upkeep.objects.want(alice.pk, groups=True)

    assert not tasks.group_faces(alice.pk)
    Face.objects.filter(pk=late.pk).update(model=CASIA)
    assert tasks.group_faces(alice.pk)
    assert not tasks.group_faces(alice.pk)

    assert not Face.objects.filter(pk__in=[one.pk, two.pk]).exclude(cluster=None).exists()


def test_faces_of_two_models_are_never_compared(alice, own_models):
    ann = make_person(alice)
    make_face(make_photo(alice), likeness=unit(1), person=ann, model=OTHER)
    probe = make_face(make_photo(alice), likeness=unit(1))
    make_face(make_photo(alice), likeness=unit(1), model=OTHER)

    group_owner(alice.pk)
    refresh_suggestions(alice.pk)

    assert Cluster.objects.count() == 0
    assert Suggestion.objects.count() == 0
    assert likely_people(alice, [probe]) == []


def test_projections_of_two_lengths_live_side_by_side(alice, own_models, signed_in):
    ann = make_person(alice)
    for likeness, model in ((unit(1), CASIA), (unit(1, dimensions=512), OTHER), (unit(2, dimensions=512), OTHER)):
        make_face(make_photo(alice), likeness=likeness, person=ann, model=model)
        make_face(make_photo(alice), likeness=likeness, model=model)

    group_owner(alice.pk)
    refresh_suggestions(alice.pk)
    page = signed_in.get(ann.get_absolute_url(), {"tab": "faces"})

    assert page.status_code == 200
    assert Suggestion.objects.count() == 1
    for face in Face.objects.all():
        assert likely_people(alice, [face]) == [ann]


def test_suggestions_stand_while_the_model_changes_as_far_as_answers_allow(alice, own_models):
    ann, bob = make_person(alice), make_person(alice, "Bob")
    gallery = {
        person: make_face(make_photo(alice), person=person, likeness=unit(n), model=OTHER)
        for n, person in ((1, ann), (2, bob))
    }
    waiting = [make_face(make_photo(alice), likeness=unit(1), model=OTHER) for _ in range(3)]
    for face in waiting:
        Suggestion.objects.create(face=face, person=ann, probability=0.9, distance=0.1, nearest=gallery[ann])
    answers.reject(ann, [waiting[0].pk], actor=alice)
    make_face(waiting[1].photo, person=ann, likeness=unit(1), model=OTHER)

    refresh_suggestions(alice.pk)

    assert set(Suggestion.objects.values_list("face", flat=True)) == {waiting[2].pk}

    Face.objects.update(model=CASIA)  # all done, and the new model sees Bob in her
    Face.objects.filter(pk=waiting[2].pk).update(projection=unit(2))
    refresh_suggestions(alice.pk)

    assert list(Suggestion.objects.values_list("person", flat=True)) == [bob.pk]


def test_new_photos_are_embedded_with_the_new_model_and_go_first(library, alice, onnx_file, arriving):
    change_model(str(onnx_file))
    batch = start_batch(alice, title="", expected=1)
    photo = take_in(batch, arriving(encoded(Image.open(portraits() / "astronaut.png"))), name="new.jpg").photo
    from photos.tasks import make_due_derivatives

    make_due_derivatives()

    assert tasks.embed_again() == 0
    assert tasks.find_faces() == 1
    assert photo.faces.get().model == current_face_model().name
    assert Face.objects.filter(model=CASIA).count() == len(library)
    assert tasks.embed_again() > 0


DIES = """
import os, signal, django
from django.conf import settings
from pathlib import Path
settings.DATABASES["default"]["NAME"] = os.environ["DATABASE"]
django.setup()
settings.KITH_MODELS, settings.MEDIA_ROOT = Path(os.environ["KITH_MODELS"]), Path(os.environ["MEDIA"])
settings.KITH_FACE_MODEL = os.environ["MODEL"]
settings.STORAGES["default"]["OPTIONS"] = {"location": os.environ["MEDIA"]}
from people import reembedding
from people.models.upkeep import UpkeepQuerySet
calls = []
def want(self, owner_id, *, groups):
    calls.append(owner_id)
    if len(calls) == 3:
        os.kill(os.getpid(), signal.SIGKILL)  # the rows of the third photo are written, but not committed
UpkeepQuerySet.want = want
while reembedding.embed_some_again(limit=2):
    pass
"""


@pytest.mark.django_db(transaction=True)
def test_a_killed_worker_leaves_each_photo_whole_and_the_next_goes_on(onnx_file, settings, arriving):
    alice = make_user(username="alice")
    batch = start_batch(alice, title="", expected=4)
    astronaut = Image.open(portraits() / "astronaut.png").convert("RGB")
    for number in range(4):
        pair = Image.new("RGB", (1024, 512))
        pair.paste(astronaut, (0, 0))
        pair.paste(astronaut.rotate(number), (512, 0))
        take_in(batch, arriving(encoded(pair)), name=f"{number}.jpg")
    work_until_done(alice, report=lambda sentence: None)
    change_model(str(onnx_file))
    name = current_face_model().name
    environment = os.environ | {
        "DATABASE": connection.settings_dict["NAME"], "DJANGO_SETTINGS_MODULE": "config.settings", "MODEL": name,
        "KITH_MODELS": str(settings.KITH_MODELS), "MEDIA": str(settings.MEDIA_ROOT),
    }  # fmt: skip

    died = subprocess.run([sys.executable, "-c", DIES], cwd=ROOT, env=environment, capture_output=True, text=True)

    assert died.returncode == -9, died.stderr
    by_photo = [set(photo.faces.values_list("model", flat=True)) for photo in Photo.objects.order_by("pk")]
    assert by_photo == [{name}, {name}, {CASIA}, {CASIA}]
    assert is_changing(alice.pk, name)

    while photos_to_embed(name).count() < 2:  # until PostgreSQL has noticed who died
        time.sleep(0.1)
    while embed_some_again(limit=8):
        pass

    assert not is_changing(alice.pk, name)
    assert Face.objects.embedded_by(name).count() == 8
    assert not Photo.objects.exclude(attempts=0, lease_until=None).exists()
    assert tasks.group_faces(alice.pk)  # was noted with each photo


def test_a_photo_whose_original_is_gone_keeps_its_faces_and_is_reported(library, alice, onnx_file, signed_in):
    lost = library[3]
    ann = make_person(alice)
    answers.confirm(ann, [lost.pk], actor=alice)
    original = Path(lost.photo.original.path)
    original.rename(original.with_suffix(".away"))

    said = change_model(str(onnx_file), "--wait")

    lost.refresh_from_db()
    assert (lost.model, lost.person) == (CASIA, ann)
    assert progress(current_face_model().name).unreadable == 1
    assert "1 faces are in photos that failed" in said
    assert f"{lost.photo.name}: Its original cannot be decoded any more." in said
    page = signed_in.get(reverse("photos:status")).content.decode()
    assert "1 face in photos that failed" in page
    assert lost.photo.name in page

    original.with_suffix(".away").rename(original)
    signed_in.post(reverse("photos:retry", args=[lost.photo.pk]))
    assert tasks.embed_again() == 1
    assert progress(current_face_model().name).left == 0


def test_a_face_forgotten_meanwhile_does_not_come_back(library, alice, onnx_file, monkeypatch):
    from people import erasing, reembedding

    change_model(str(onnx_file))
    opened = reembedding.open_originals

    def forget_first(originals):
        if alice.allows_faces:
            erasing.delete_face_data(alice)
        return opened(originals)

    monkeypatch.setattr(reembedding, "open_originals", forget_first)
    embed_some_again(limit=8)

    assert Face.objects.count() == 0
    assert embed_some_again(limit=8) == []


def test_photos_of_owners_who_said_no_are_not_touched(alice, own_models):
    make_face(make_photo(alice), model=OTHER)
    alice.face_analysis = alice.FaceAnalysis.OFF
    alice.save()

    assert not photos_to_embed(CASIA).exists()


def test_networks_that_fail_on_a_photo_do_not_stop_the_others(library, onnx_file, monkeypatch):
    from ml.faces import FaceFinder

    change_model(str(onnx_file))
    embed, poison = FaceFinder.embed_again, library[0].photo

    def choke(self, images, faces):
        if any(image.size == (poison.width, poison.height) for image in images):
            raise RuntimeError("out of memory")
        return embed(self, images, faces)

    monkeypatch.setattr(FaceFinder, "embed_again", choke)
    Face.objects.filter(pk=library[1].pk).delete()  # its mirror image is of the same size
    while embed_some_again(limit=8) or Photo.objects.exclude(lease_until=None).exists():
        Photo.objects.exclude(lease_until=None).update(lease_until=timezone.now())

    assert list(Photo.objects.failed()) == [poison]
    assert Face.objects.filter(model=CASIA).count() == 1


@pytest.mark.parametrize("trouble", [RuntimeError("the GPU fell off the bus"), MemoryError()])
def test_networks_that_are_sick_for_a_while_fail_no_photo(library, onnx_file, monkeypatch, trouble):
    from ml.faces import FaceFinder

    change_model(str(onnx_file))
    sent = []
    monkeypatch.setattr(tasks, "send_wakeup", lambda task, *args: sent.append(task))

    def sick(self, images, faces):
        raise trouble

    with monkeypatch.context() as patch:
        patch.setattr(FaceFinder, "embed_again", sick)
        for _ in range(12):  # as often as beat calls in six minutes
            assert tasks.embed_again() == 0
            assert not photos_to_embed(current_face_model().name).exists()  # nobody is tried again at once
            Photo.objects.update(lease_until=None)
    assert sent == []

    while tasks.embed_again():
        pass

    assert Photo.objects.failed().count() == 0
    assert progress(current_face_model().name).left == 0
    assert sent.count(tasks.group_faces) == 1


def test_the_picture_networks_are_tried_with_holds_a_face_where_it_says(models_dir):
    from people.blame import good_picture
    from people.finding import face_finder

    picture, known = good_picture()

    [face] = face_finder().find_faces([picture])[0]

    assert face.box.intersection_over_union(known.box) > 0.5
    [[again]] = face_finder().embed_again([picture], [[known]])
    assert np.dot(face.embedding, again.embedding) > 0.8


def test_a_photo_without_memory_to_decode_it_waits(library, onnx_file, monkeypatch):
    from photos import decoding
    from photos.decoding.gate import TOO_DEMANDING

    change_model(str(onnx_file))

    def too_much(original, **options):
        raise decoding.Rejected(TOO_DEMANDING)

    with monkeypatch.context() as patch:
        patch.setattr(decoding, "pixels", too_much)
        assert tasks.embed_again() == 0
    Photo.objects.update(lease_until=None)
    while tasks.embed_again():
        pass

    assert Photo.objects.failed().count() == 0
    assert progress(current_face_model().name).left == 0


def test_photos_that_are_all_bad_are_not_tried_for_ever(library, onnx_file, monkeypatch):
    from ml.faces import FaceFinder
    from people.blame import GOOD_SIZE

    change_model(str(onnx_file))
    embed = FaceFinder.embed_again

    def choke(self, images, faces):
        if any(image.size != GOOD_SIZE for image in images):
            raise RuntimeError("a bug")
        return embed(self, images, faces)

    monkeypatch.setattr(FaceFinder, "embed_again", choke)
    for _ in range(20):
        tasks.embed_again()
        Photo.objects.update(lease_until=None)

    assert Photo.objects.failed().count() == len(library)


def test_beat_sends_the_work_again(alice, own_models, monkeypatch):
    sent = []
    monkeypatch.setattr(tasks, "send_wakeup", lambda task, *args: sent.append((task, *args)))
    monkeypatch.setattr(tasks.photo_tasks, "sweep_uploads", lambda: None)
    face = make_face(make_photo(alice), model=OTHER)

    tasks.wake_workers()
    assert (tasks.embed_again,) in sent
    sent.clear()
    Face.objects.filter(pk=face.pk).update(model=CASIA)
    tasks.wake_workers()

    assert (tasks.embed_again,) not in sent


def test_the_status_page_and_the_command_say_how_far_it_is(library, alice, onnx_file, signed_in):
    assert "New model" not in signed_in.get(reverse("photos:status")).content.decode()
    change_model(str(onnx_file))
    embed_some_again(limit=2)

    page = signed_in.get(reverse("photos:status")).content.decode()

    assert "New model: 2 of 5 faces done" in page
    assert "small.onnx, plugged in" in page
    assert "2 of 5 faces are embedded with it, 3 are in line." in change_model("--status")


def test_the_choice_is_kept_and_seen_without_a_restart(db, own_models, onnx_file):
    assert wanted_face_model() == CASIA
    said = change_model(str(onnx_file))

    assert wanted_face_model() == find_model(own_models, str(onnx_file)).name
    assert "have not been measured" in said
    onnx_file.unlink()  # it is in the models folder now
    assert current_face_model().is_plugged_in


def test_the_environment_has_the_last_word(own_models, onnx_file, settings):
    settings.KITH_FACE_MODEL = CASIA

    with pytest.raises(CommandError, match="KITH_FACE_MODEL says facenet-casia"):
        change_model(str(onnx_file))

    assert wanted_face_model() == CASIA


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "Say which model"),
        (["vggface"], "no face model called vggface"),
        (["nothing.onnx"], r"nothing\.onnx cannot be read"),
    ],
)
def test_what_cannot_be_used_changes_nothing(own_models, arguments, sentence):
    with pytest.raises(CommandError, match=sentence):
        change_model(*arguments)

    assert wanted_face_model() == CASIA


@pytest.mark.parametrize("device", ["cuda", "abacus"])
def test_a_device_the_model_cannot_run_on_is_said_in_a_sentence_and_changes_nothing(onnx_file, settings, device):
    settings.KITH_DEVICE = device

    with pytest.raises(CommandError, match=r"runs on the CPU only; set the face device to auto or cpu\.$"):
        change_model(str(onnx_file))

    assert wanted_face_model() == CASIA


def test_a_device_that_is_not_there_is_said_in_a_sentence(own_models, settings):
    settings.KITH_DEVICE = "abacus"

    with pytest.raises(CommandError, match="abacus"):
        change_model(CASIA)


def test_a_file_that_is_no_model_changes_nothing(own_models, tmp_path):
    junk = tmp_path / "junk.onnx"
    junk.write_bytes(b"junk")

    with pytest.raises(CommandError, match=r"junk\.onnx cannot be read as an ONNX model"):
        change_model(str(junk))

    assert wanted_face_model() == CASIA


def test_with_an_unknown_model_pages_work_and_the_work_waits(alice, own_models, settings, signed_in):
    settings.KITH_FACE_MODEL = "lost-1234abcd"
    face = make_face(make_photo(alice), likeness=unit(1), model="lost-1234abcd")
    make_face(make_photo(alice), likeness=unit(1), model="lost-1234abcd", person=make_person(alice))
    make_photo(alice, stage=Photo.Stage.GROUPING)

    assert tasks.embed_again() == tasks.find_faces() == tasks.refresh_suggestions(alice.pk) == 0
    assert not tasks.group_faces(alice.pk)
    tasks.wake_workers()

    assert "no face model called lost-1234abcd" in signed_in.get(reverse("photos:status")).content.decode()
    assert signed_in.get(face.photo.get_absolute_url()).status_code == 200
    assert signed_in.get(reverse("people:review")).status_code == 200


def test_a_choice_is_written_whole(settings, own_models):
    choose_face_model("facenet-vggface2")
    choose_face_model(CASIA)

    assert settings.KITH_FACE_MODEL_FILE.read_text() == f"{CASIA}\n"
    assert [path.name for path in settings.KITH_FACE_MODEL_FILE.parent.glob(".face-model*")] == []
