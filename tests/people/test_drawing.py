"""Faces drawn by hand, and boxes that are no face: decisions that outlive a new detection."""

import pytest
from PIL import Image

from ml.geometry import BoundingBox
from people import answers, ledger
from people.drawing import BadBox, draw, not_drawn_yet
from people.erasing import forget_person
from people.history import sentence
from people.model_change import progress
from people.models import Change, Decision, Face
from people.reembedding import embed_some_again
from people.relinking import relink
from photos.intake import start_batch, take_in
from photos.models import Photo
from photos.tasks import make_due_derivatives
from tests.factories import make_face, make_person, make_photo
from tests.pictures import encoded, portraits

BOX = BoundingBox(0.6, 0.3, 0.1, 0.2)
# Around the astronaut's face, as roughly as people draw.
ASTRONAUT = BoundingBox(0.32, 0.08, 0.24, 0.28)


@pytest.fixture
def photo(alice) -> Photo:
    return make_photo(alice)


@pytest.fixture
def drawn(alice, photo) -> tuple[Face, Decision]:
    return draw(photo, BOX, actor=alice)


def detect_again(photo: Photo, *boxes: tuple[float, float, float, float]) -> list[Face]:
    photo.faces.all().delete()
    for left, top, width, height in boxes:
        make_face(photo, left=left, top=top, width=width, height=height)
    relink(photo)
    return list(photo.faces.order_by("pk"))


def test_a_drawn_face_waits_for_a_name_and_for_the_worker(drawn):
    face, decision = drawn

    stored = Face.objects.untagged().get()
    assert (stored.pk, stored.box, stored.is_drawn, stored.model) == (face.pk, BOX, True, "")
    assert sentence(decision) == "1 face drawn by hand"


def test_a_drawing_taken_back_is_out_of_sight_and_can_be_done_again(alice, photo, drawn):
    face, decision = drawn

    undone = ledger.undo(decision, actor=alice)
    assert list(photo.faces.shown()) == []
    assert not Face.objects.untagged().exists()
    ledger.undo(undone.decision, actor=alice)

    assert Face.objects.untagged().get() == face


def test_a_drawn_face_that_was_named_keeps_its_name_when_the_drawing_is_undone(alice, drawn):
    face, decision = drawn
    ann = make_person(alice)
    answers.confirm(ann, [face.pk], actor=alice)

    undone = ledger.undo(decision, actor=alice)

    face.refresh_from_db()
    assert (face.person, undone.restored, undone.stale) == (ann, 0, [face])


@pytest.mark.parametrize(
    ("box", "words"),
    [
        ((1.1, 0.2, 0.2, 0.2), "outside"),
        ((-0.3, 0.2, 0.2, 0.2), "outside"),
        ((0.2, 0.2, 0.005, 0.2), "too small"),
        ((0.998, 0.2, 0.3, 0.2), "too small"),
    ],
)
def test_a_box_that_cannot_hold_a_face_is_refused_with_a_sentence(alice, photo, box, words):
    with pytest.raises(BadBox, match=words):
        draw(photo, BoundingBox(*box), actor=alice)

    assert not Face.objects.exists()


def test_a_box_over_the_edge_is_cut_off_there(alice, photo):
    face, _ = draw(photo, BoundingBox(-0.1, 0.9, 0.3, 0.3), actor=alice)

    assert (face.left, face.top) == (0, 0.9)
    assert (face.width, face.height) == pytest.approx((0.2, 0.1))


def test_a_face_that_is_there_is_not_drawn_twice(alice, photo, drawn):
    ann = make_person(alice)
    with pytest.raises(BadBox, match="in the list already"):
        draw(photo, BOX, actor=alice)
    answers.confirm(ann, [drawn[0].pk], actor=alice)
    with pytest.raises(BadBox, match="already: Ann"):
        draw(photo, BoundingBox(0.61, 0.31, 0.1, 0.2), actor=alice)

    assert photo.faces.count() == 1


def test_after_undo_the_same_face_can_be_drawn_anew(alice, photo, drawn):
    ledger.undo(drawn[1], actor=alice)

    face, _ = draw(photo, BOX, actor=alice)

    assert list(photo.faces.shown()) == [face]


def test_a_drawn_face_the_detector_misses_comes_back_with_its_name(alice, photo, drawn):
    ann = make_person(alice)
    answers.confirm(ann, [drawn[0].pk], actor=alice)

    other, again = detect_again(photo, (0.1, 0.3, 0.1, 0.2))

    assert (other.person, other.is_drawn) == (None, False)
    assert (again.person, again.is_drawn, again.model, again.box) == (ann, True, "", BOX)


def test_a_drawn_face_the_detector_finds_later_is_not_doubled(alice, photo, drawn):
    ann = make_person(alice)
    answers.confirm(ann, [drawn[0].pk], actor=alice)

    [found] = detect_again(photo, (0.62, 0.34, 0.07, 0.14))  # a third of the drawn box lies around it

    assert (found.person, found.is_drawn, found.model) == (ann, False, "facenet-casia")


def test_a_drawing_that_was_taken_back_hides_nothing_the_detector_finds(alice, photo, drawn):
    ledger.undo(drawn[1], actor=alice)

    [found] = detect_again(photo, (0.6, 0.3, 0.1, 0.2))

    assert not found.is_ignored


def test_a_face_drawn_before_the_detector_came_is_found_once(photo, drawn):
    near, apart = BoundingBox(0.61, 0.31, 0.09, 0.18), BoundingBox(0.1, 0.3, 0.1, 0.2)

    assert not_drawn_yet(photo, [near, apart]) == [False, True]


def test_what_is_no_face_stays_out_through_a_new_detection(alice, photo):
    face = make_face(photo, left=0.1)
    decision = answers.no_face(alice, [face.pk], actor=alice)
    assert sentence(decision) == "1 box is no face"
    assert answers.ignore(alice, [face.pk], actor=alice) is None

    [again] = detect_again(photo, (0.105, 0.3, 0.1, 0.2))

    assert (again.is_ignored, again.is_no_face) == (True, True)
    ledger.undo(decision, actor=alice)
    again.refresh_from_db()
    assert (again.is_ignored, again.is_no_face) == (False, False)


def test_the_others_are_set_aside_in_one_decision_and_names_stay(alice, photo):
    faces = [make_face(photo, left=0.1 * number) for number in range(4)]
    ann = make_person(alice)
    answers.confirm(ann, [faces[0].pk], actor=alice)

    decision = answers.ignore_waiting(alice, [face.pk for face in faces], actor=alice)

    assert decision.changes.count() == 3
    assert Face.objects.get(person=ann) == faces[0]
    assert not Face.objects.untagged().exists()


def test_a_forgotten_person_takes_their_drawn_faces_along(alice, photo, drawn):
    ann = make_person(alice)
    answers.confirm(ann, [drawn[0].pk], actor=alice)

    forget_person(ann)

    assert Change.objects.count() == 0
    assert detect_again(photo) == []


def test_a_drawn_face_is_no_change_of_model(alice, photo, drawn):
    make_face(photo)

    assert progress("facenet-casia", owner=alice).whole == 1


@pytest.mark.usefixtures("models_dir")
def test_the_worker_cuts_out_and_embeds_a_drawn_face(alice, arriving):
    file = encoded(Image.open(portraits() / "astronaut.png").convert("RGB"), quality=95)
    photo = take_in(start_batch(alice, title="", expected=1), arriving(file), name="1.jpg").photo
    while make_due_derivatives():
        pass
    photo.refresh_from_db()
    photo.advance(Photo.Stage.DONE)
    face, _ = draw(photo, ASTRONAUT, actor=alice)

    assert embed_some_again(limit=4) == [photo]

    face.refresh_from_db()
    assert (face.model, face.box, bool(face.crop)) == ("facenet-casia", ASTRONAUT, True)
    assert face.quality > 0.5
    assert face.detection_score > 0.9
    assert embed_some_again(limit=4) == []
