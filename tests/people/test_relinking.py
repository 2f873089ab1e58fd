"""Names, noes and constraints outlive the rows of faces: a new detection, a photo that was deleted and came back."""

import pytest

from people import answers, constraints, ledger
from people.erasing import delete_face_data, forget_person
from people.models import Change, Face
from people.relinking import names_not_found, relink
from people.tasks import find_faces
from photos.intake import start_batch, take_in
from photos.models import Photo
from photos.tasks import make_due_derivatives
from tests.factories import make_cluster, make_face, make_person, make_photo
from tests.pictures import encoded, portraits

PLACES = (0.1, 0.3, 0.5, 0.7)


@pytest.fixture
def photo(alice) -> Photo:
    return make_photo(alice)


@pytest.fixture
def faces(photo) -> list[Face]:
    return [make_face(photo, left=left) for left in PLACES]


def detect_again(photo: Photo, *, shift: float = 0.01, places=PLACES) -> list[Face]:
    photo.faces.all().delete()
    found = [make_face(photo, left=left + shift, width=0.11, top=0.29) for left in reversed(places)]
    relink(photo)
    return [Face.objects.get(pk=face.pk) for face in reversed(found)]


def delete_and_add_again(photo: Photo) -> list[Face]:
    sha256 = photo.sha256
    owner = photo.owner
    photo.delete()
    again = make_photo(owner, sha256=sha256)
    found = [make_face(again, left=left) for left in PLACES]
    relink(again)
    return [Face.objects.get(pk=face.pk) for face in found]


@pytest.mark.parametrize("replace", [detect_again, delete_and_add_again])
def test_all_that_was_said_of_faces_moves_to_their_new_rows(alice, photo, faces, replace):
    ann, bob = make_person(alice), make_person(alice, "Bob")
    elsewhere = make_face(make_photo(alice))
    answers.confirm(ann, [faces[0].pk], actor=alice)
    answers.reject(bob, [faces[1].pk], actor=alice)
    answers.ignore(alice, [faces[2].pk], actor=alice)
    answers.different(alice, [faces[1].pk, faces[3].pk], [elsewhere.pk], actor=alice)
    answers.repeat(photo, actor=alice)

    first, second, third, fourth = replace(photo)

    assert (first.person, first.is_confirmed) == (ann, True)
    assert (second.person, third.is_ignored, fourth.is_ignored) == (None, True, False)
    assert ledger.rejected_pairs(alice.pk) == {(second.pk, bob.pk)}
    pairs = {
        tuple(pair)
        for pair in constraints.Constraints.of(alice.pk).apart([second.pk, fourth.pk, elsewhere.pk]).tolist()
    }
    assert pairs == {(elsewhere.pk, second.pk), (elsewhere.pk, fourth.pk)}
    assert constraints.repeat_photos(alice.pk) == {second.photo_id}


def test_what_was_decided_before_can_still_be_undone_and_done_again(alice, photo, faces):
    ann = make_person(alice)
    decision = answers.confirm(ann, [faces[0].pk], actor=alice)
    [first, *_] = detect_again(photo)

    undone = ledger.undo(decision, actor=alice)
    first.refresh_from_db()
    assert (undone.restored, first.person) == (1, None)
    ledger.undo(undone.decision, actor=alice)
    first.refresh_from_db()
    assert first.person == ann


def test_an_answer_that_was_undone_does_not_come_back(alice, photo, faces):
    decision = answers.confirm(make_person(alice), [faces[0].pk], actor=alice)
    ledger.undo(decision, actor=alice)

    assert detect_again(photo)[0].person is None


def test_a_face_no_detection_finds_is_kept_and_named_until_one_does(alice, photo, faces):
    ann = make_person(alice)
    answers.confirm(ann, [faces[0].pk, faces[1].pk], actor=alice)

    found = detect_again(photo, places=PLACES[1:])
    assert found[0].person == ann
    assert names_not_found(photo) == [ann]
    assert Change.objects.filter(face=None).count() == 1

    assert detect_again(photo)[0].person == ann
    assert names_not_found(photo) == []


def test_a_third_detection_finds_what_the_second_did(alice, photo, faces):
    ann = make_person(alice)
    decision = answers.confirm(ann, [faces[0].pk], actor=alice)
    [first, *_] = detect_again(photo, shift=0.02)
    answers.confirm(make_person(alice, "Bob"), [first.pk], actor=alice)

    [first, *_] = detect_again(photo, shift=0.04)

    assert first.person.name == "Bob"
    assert first.changes.count() == 2
    assert decision.changes.get().face == first


def test_of_two_faces_near_a_box_the_nearer_one_gets_the_name(alice, photo, faces):
    ann, bob = make_person(alice), make_person(alice, "Bob")
    near, nearer = make_face(photo, left=0.80), make_face(photo, left=0.82)
    answers.confirm(ann, [near.pk], actor=alice)
    answers.confirm(bob, [nearer.pk], actor=alice)
    photo.faces.all().delete()
    found = make_face(photo, left=0.825)

    relink(photo)

    found.refresh_from_db()
    assert found.person == bob
    assert names_not_found(photo) == [ann]


def test_a_face_goes_back_into_its_group_if_that_is_still_there(alice, photo, faces):
    cluster, gone = make_cluster(alice), make_cluster(alice)
    make_face(make_photo(alice), cluster=cluster)
    ledger.regroup(alice.pk, {faces[0].pk: cluster.pk, faces[1].pk: gone.pk})
    photo.faces.all().delete()
    gone.delete()

    first, second, *_ = detect_again(photo)

    assert (first.cluster, second.cluster) == (cluster, None)


def test_a_person_who_was_forgotten_does_not_come_back(alice, photo, faces):
    ann, bob = make_person(alice), make_person(alice, "Bob")
    answers.confirm(ann, [faces[0].pk, faces[1].pk], actor=alice)
    answers.confirm(bob, [faces[1].pk], actor=alice)
    answers.different(alice, [faces[0].pk], [faces[2].pk], actor=alice)
    sha256 = photo.sha256
    photo.delete()

    forget_person(ann)
    again = make_photo(alice, sha256=sha256)
    found = [make_face(again, left=left) for left in PLACES]
    relink(again)

    assert [Face.objects.get(pk=face.pk).person for face in found] == [None, bob, None, None]
    assert not found[0].changes.exists()


def test_a_forgotten_face_that_still_had_its_row_does_not_come_back(alice, photo, faces):
    ann = make_person(alice)
    answers.confirm(ann, [faces[0].pk], actor=alice)
    forget_person(ann)

    assert detect_again(photo)[0].person is None
    assert Change.objects.count() == 0


def test_deleted_face_data_does_not_come_back(alice, photo, faces):
    answers.confirm(make_person(alice), [faces[0].pk], actor=alice)
    delete_face_data(alice)

    assert detect_again(photo)[0].person is None


def test_what_was_said_of_two_people_outlives_the_forgetting_of_a_third(alice, photo, faces):
    ann, bob, eve = (make_person(alice, name) for name in ("Ann", "Bob", "Eve"))
    answers.different_people(ann, bob, actor=alice)
    answers.different_people(ann, eve, actor=alice)

    forget_person(eve)

    assert constraints.people_apart(alice.pk) == {(ann.pk, bob.pk)}


def test_faces_of_somebody_else_get_no_names(alice, bob, photo, faces):
    answers.confirm(make_person(alice), [faces[0].pk], actor=alice)
    of_bob = make_photo(bob, sha256=photo.sha256)
    face = make_face(of_bob, left=PLACES[0])
    photo.delete()

    assert relink(of_bob) == 0
    assert not face.changes.exists()


@pytest.mark.usefixtures("models_dir")
def test_the_same_file_added_again_gets_its_names_back_from_the_networks(alice, arriving):
    from PIL import Image

    file = encoded(Image.open(portraits() / "astronaut.png").convert("RGB"), quality=95)

    def add() -> Photo:
        photo = take_in(start_batch(alice, title="", expected=1), arriving(file), name="1.jpg").photo
        while make_due_derivatives():
            pass
        assert find_faces() == 1
        return photo

    photo = add()
    ann = make_person(alice)
    answers.confirm(ann, [photo.faces.get().pk], actor=alice)
    photo.delete()

    assert add().faces.get().person == ann
