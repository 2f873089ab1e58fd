"""Finding faces with the real networks: from a stored photo to rows with embeddings."""

import numpy as np
import pytest
from django.utils import timezone
from PIL import Image

from people.importing import work_until_done
from people.models import Face
from people.tasks import find_faces
from photos.intake import start_batch, take_in
from photos.models import Photo
from photos.tasks import make_due_derivatives
from tests.pictures import drawing, encoded, portraits

pytestmark = pytest.mark.usefixtures("models_dir")


@pytest.fixture
def astronaut() -> Image.Image:
    return Image.open(portraits() / "astronaut.png").convert("RGB")


@pytest.fixture
def add(alice, arriving):
    """Takes pictures in, makes their thumbnails, and returns the photos."""

    def take(*contents: bytes) -> list[Photo]:
        batch = start_batch(alice, title="", expected=len(contents))
        photos = [take_in(batch, arriving(c), name=f"{n}.jpg").photo for n, c in enumerate(contents)]
        while make_due_derivatives():
            pass
        return photos

    return take


def test_a_face_is_stored_with_its_place_crop_and_embedding(add, astronaut):
    [photo] = add(encoded(astronaut, quality=95))

    assert find_faces() == 1

    face = photo.faces.get()
    assert face.left < 0.43 < face.left + face.width  # where her nose is
    assert face.top < 0.22 < face.top + face.height
    assert face.model == "facenet-casia"
    assert np.linalg.norm(face.embedding) == pytest.approx(1, abs=1e-3)
    assert np.linalg.norm(face.projection) == pytest.approx(1, abs=1e-2)
    with Image.open(face.crop.path) as crop:
        assert crop.format == "WEBP"
        assert crop.width == crop.height
    photo.refresh_from_db()
    assert photo.stage == Photo.Stage.GROUPING


def test_a_message_delivered_twice_finds_no_face_twice(add, astronaut):
    add(encoded(astronaut))
    find_faces()

    assert find_faces() == 0
    assert Face.objects.count() == 1


def test_a_worker_that_was_thought_dead_adds_no_second_faces(add, astronaut):
    from people.finding import find_faces_of

    add(encoded(astronaut))
    late = Photo.objects.claim(Photo.Stage.FACES, limit=8)
    Photo.objects.update(lease_until=None)
    find_faces()

    assert find_faces_of(late) == 0
    assert Face.objects.count() == 1


def test_a_photo_without_faces_is_done_like_any_other(add, alice):
    [photo] = add(encoded(drawing()))

    work_until_done(alice, report=lambda sentence: None)

    photo.refresh_from_db()
    assert photo.stage == Photo.Stage.DONE
    assert photo.faces.count() == 0


def test_boxes_are_of_the_upright_picture_whichever_way_it_is_stored(add, astronaut):
    turned = {1: None, 3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}
    contents = []
    for orientation, turn in turned.items():
        exif = Image.Exif()
        exif[0x0112] = orientation
        stored = astronaut if turn is None else astronaut.transpose(turn)
        contents.append(encoded(stored, quality=98, exif=exif))
    photos = add(*contents)

    while find_faces():
        pass

    boxes = np.array([[f.left, f.top, f.width, f.height] for f in (p.faces.get() for p in photos)])
    assert np.abs(boxes - boxes[0]).max() < 0.02


def test_odd_pictures_neither_fail_nor_stop_the_others(add, astronaut):
    odd = [
        encoded(Image.new("RGB", (1, 1)), "PNG"),
        encoded(Image.new("L", (3000, 4)), "PNG"),
        encoded(astronaut.convert("CMYK")),
        encoded(astronaut.convert("RGBA"), "PNG"),
        encoded(astronaut, "HEIF", quality=90),
    ]
    photos = add(*odd)

    while find_faces():
        pass

    assert [photo.faces.count() for photo in photos] == [0, 0, 1, 1, 1]
    assert Photo.objects.failed().count() == 0


def test_a_crowd_of_two_hundred_is_found(add, astronaut):
    head = astronaut.crop((150, 20, 290, 200)).resize((140, 180))
    crowd = Image.new("RGB", (140 * 20, 180 * 10))
    for number in range(200):
        crowd.paste(head, (number % 20 * 140, number // 20 * 180))
    [photo] = add(encoded(crowd, quality=92))

    find_faces()

    assert photo.faces.count() >= 190


def test_photos_wait_while_the_weights_are_missing(add, astronaut, settings, tmp_path, signed_in):
    from django.urls import reverse

    add(encoded(astronaut))
    settings.KITH_MODELS = tmp_path

    assert find_faces() == 0

    assert Photo.objects.due(Photo.Stage.FACES).count() == 1
    assert "fetch_models" in signed_in.get(reverse("photos:status")).content.decode()


def test_a_batch_the_networks_choke_on_is_tried_one_by_one(add, astronaut, monkeypatch):
    """Stands in for a photo that makes the networks fail: nobody has found such a photo yet."""
    from people import finding

    photos = add(encoded(astronaut), encoded(drawing(seed=7)))
    finder, poison = finding.face_finder(), photos[1]

    class Choking:
        model_name = finder.model_name

        def find_faces(self, images):
            if any(image.size == (poison.width, poison.height) for image in images):
                raise RuntimeError("out of memory")
            return finder.find_faces(images)

    monkeypatch.setattr(finding, "face_finder", Choking)
    find_faces()
    assert Photo.objects.due(Photo.Stage.FACES).count() == 0  # not before a pause
    for _ in range(5):
        Photo.objects.exclude(lease_until=None).update(lease_until=timezone.now())
        find_faces()

    good, bad = (Photo.objects.get(pk=photo.pk) for photo in photos)
    assert (good.stage, good.failure) == (Photo.Stage.GROUPING, "")
    assert bad.failure.startswith("Kith stopped three times")


def test_networks_that_are_sick_for_a_while_fail_no_photo(add, astronaut, monkeypatch):
    from people import finding

    photos = add(*(encoded(astronaut.rotate(turn)) for turn in range(3)))
    finder = finding.face_finder()

    class Sick:
        model_name = finder.model_name

        def find_faces(self, images):
            raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(finding, "face_finder", Sick)
        for _ in range(8):
            assert find_faces() == 0
            assert Photo.objects.due(Photo.Stage.FACES).count() == 0  # there is a pause
            Photo.objects.update(lease_until=None)

    while find_faces():
        pass

    assert [Photo.objects.get(pk=photo.pk).failure for photo in photos] == [""] * 3
    assert Face.objects.count() == 3


def test_nothing_is_stored_after_the_owner_said_no(add, astronaut, alice):
    from people.finding import find_faces_of

    add(encoded(astronaut))
    in_hand = Photo.objects.claim(Photo.Stage.FACES, limit=8)
    alice.face_analysis = alice.FaceAnalysis.OFF
    alice.save()

    assert find_faces_of(in_hand) == 0
    assert Face.objects.count() == 0


def test_a_full_disk_does_not_fail_a_photo(add, astronaut, monkeypatch):
    """Stands in for a full disk where a crop is written."""
    [photo] = add(encoded(astronaut))

    def no_space(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("photos.storage.DurableStorage._save", no_space)
    for _ in range(4):
        assert find_faces() == 0
    monkeypatch.undo()

    assert find_faces() == 1
    assert photo.faces.count() == 1


def test_whoever_asks_for_smaller_faces_gets_them_in_a_big_photo(add, astronaut, settings):
    crowd = Image.new("RGB", (3840, 2400), (90, 110, 90))
    crowd.paste(astronaut.resize((100, 100), Image.Resampling.LANCZOS), (1800, 1100))  # her face: 1/190 of the width
    pictures = [encoded(crowd, quality=95), encoded(crowd, quality=94)]
    [photo] = add(pictures[0])
    find_faces()
    assert photo.faces.count() == 0

    settings.KITH_SMALLEST_FACE = 10
    [photo] = add(pictures[1])
    find_faces()

    assert photo.faces.count() == 1
