import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ml import faces
from ml.detection import Detections, detect_faces, smallest_face_of, working_side
from ml.device import choose_device
from ml.faces import BoundingBox, load_face_finder, open_upright
from ml.projection import load_projection, unit_rows
from ml.weights import projection_path
from tests.ml.pictures import crowd

# Where the astronaut's face is in her portrait, by eye
FACE = BoundingBox(left=0.34, top=0.13, width=0.20, height=0.26)
MODEL = "facenet-casia"
ROOT = Path(__file__).resolve().parents[2]


def test_an_embedding_equals_that_of_the_original_tensorflow_graph(engine, astronaut):
    reference = json.loads((Path(__file__).parent / "astronaut_embedding.json").read_text())
    pixels = np.asarray(astronaut)[20:180, 144:304].astype(np.float32)[None]

    embedding = engine.run("facenet", pixels)[0][0]

    assert np.abs(embedding - np.array(reference["embedding"])).max() < 1e-5


def test_the_astronaut_is_found_where_she_is(finder, astronaut):
    [face] = finder.find_faces([astronaut])[0]

    assert face.box.intersection_over_union(FACE) > 0.5
    assert face.score > 0.99
    assert face.quality > 0.5
    left_eye, right_eye, nose, left_mouth, right_mouth = face.landmarks
    assert left_eye[0] < nose[0] < right_eye[0]
    assert max(left_eye[1], right_eye[1]) < nose[1] < min(left_mouth[1], right_mouth[1])
    assert face.embedding.shape == (512,)
    assert face.projection.shape == (128,)
    assert np.linalg.norm(face.embedding) == pytest.approx(1, abs=1e-5)
    assert np.linalg.norm(face.projection) == pytest.approx(1, abs=1e-5)
    assert face.crop.width == face.crop.height <= 320


def test_every_photo_of_a_batch_gets_its_own_faces(finder, astronaut):
    nobody = Image.new("RGB", (300, 200), "green")
    mirrored = astronaut.transpose(Image.Transpose.FLIP_LEFT_RIGHT)

    found = finder.find_faces([nobody, astronaut, crowd(astronaut), mirrored])

    assert [len(faces) for faces in found] == [0, 1, 4, 1]
    alone = finder.find_faces([astronaut])[0][0]
    assert np.abs(found[1][0].embedding - alone.embedding).max() < 1e-5
    assert found[3][0].box.left == pytest.approx(1 - alone.box.left - alone.box.width, abs=0.03)


def test_a_detection_beside_the_image_is_no_face(finder, astronaut, monkeypatch):
    def with_others_beside(image, *arguments, **options):
        found = detect_faces(image, *arguments, **options)
        shifts = np.array([[0, 0], [2, 0], [-2, 0], [0, 2], [0, -2]], dtype=np.float32) * image.width
        return Detections(
            boxes=np.concatenate([found.boxes[:1] + np.tile(shift, 2) for shift in shifts]),
            scores=np.repeat(found.scores[:1], len(shifts)),
            landmarks=np.concatenate([found.landmarks[:1] + shift for shift in shifts]),
        )

    monkeypatch.setattr(faces, "detect_faces", with_others_beside)

    [face] = finder.find_faces([astronaut])[0]

    assert face.box.intersection_over_union(FACE) > 0.5


def test_no_photos_have_no_faces(finder):
    assert finder.find_faces([]) == []


def test_noise_does_not_exhaust_the_detector(finder, random):
    noise = Image.fromarray(random.integers(0, 256, size=(900, 1200, 3), dtype=np.uint8))

    assert len(finder.find_faces([noise])[0]) < 10


def test_two_hundred_faces_are_found_at_once(finder, astronaut):
    face = astronaut.crop((130, 20, 330, 220)).resize((120, 120))
    wall = Image.new("RGB", (20 * 120, 10 * 120))
    for number in range(200):
        wall.paste(face, (number % 20 * 120, number // 20 * 120))

    faces = finder.find_faces([wall])[0]

    assert len(faces) == 200
    assert min(face.embedding @ faces[0].embedding for face in faces) > 0.9


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_a_photo_stored_sideways_has_the_same_boxes(finder, astronaut, tmp_path, orientation):
    turns = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}
    stored = astronaut.transpose(turns[orientation]) if orientation in turns else astronaut
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored.save(tmp_path / "a.png", exif=exif)

    [face] = finder.find_faces([open_upright(tmp_path / "a.png")])[0]

    [expected] = finder.find_faces([astronaut])[0]
    assert face.box == expected.box


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_faces_are_found_in_grey_and_in_printers_colours(finder, astronaut, tmp_path, mode):
    astronaut.convert(mode).save(tmp_path / "a.jpg", quality=95)

    [face] = finder.find_faces([open_upright(tmp_path / "a.jpg")])[0]

    assert face.box.intersection_over_union(FACE) > 0.5


def test_a_box_drawn_over_a_face_embeds_like_the_face_found(finder, astronaut):
    [found] = finder.find_faces([astronaut])[0]

    drawn = finder.embed_box(astronaut, FACE)

    assert drawn.box == FACE
    assert drawn.projection @ found.projection > 0.8
    assert drawn.score > 0.9


@pytest.mark.parametrize(
    "box",
    [
        BoundingBox(0, 0, 0.1, 0.1),
        BoundingBox(0.9, 0.9, 0.1, 0.1),
        BoundingBox(0, 0, 1, 1),
        BoundingBox(0.5, 0.5, 0, 0),
    ],
)
def test_a_box_drawn_anywhere_gets_an_embedding(finder, astronaut, box):
    drawn = finder.embed_box(astronaut, box)

    assert drawn.box == box
    assert np.isfinite(drawn.embedding).all()
    assert np.isfinite(drawn.projection).all()
    assert drawn.landmarks.shape == (5, 2)
    assert 0 <= drawn.quality <= 1


def test_the_smallest_face_grows_with_the_photo():
    assert smallest_face_of((640, 480)) == smallest_face_of((1920, 1080)) == 20
    assert smallest_face_of((480, 3840)) == smallest_face_of((3840, 480)) == 40
    assert smallest_face_of((640, 480), 10) == 10
    assert smallest_face_of((3840, 480), 10) == 20


def test_photos_keep_enough_pixels_for_the_smallest_face_asked_for():
    assert working_side() == working_side(40) == 1920
    assert working_side(10) == 3840
    for smallest in (8, 10, 13.3):
        side = working_side(smallest)
        assert smallest_face_of((side, 100), smallest) == pytest.approx(20, abs=0.01)


@pytest.mark.parametrize("smallest", [0, 7.9, -20, float("nan"), float("inf")])
def test_no_face_is_too_small_to_be_refused(models_dir, smallest):
    with pytest.raises(ValueError, match="smallest_face"):
        load_face_finder(models_dir, device="cpu", smallest_face=smallest)


def test_the_networks_are_loaded_once_per_process(models_dir, finder):
    assert load_face_finder(models_dir, device="cpu") is finder


def test_the_finder_says_which_model_and_device_it_uses(finder):
    assert finder.model_name == MODEL
    assert finder.device.startswith("CPU, ")


def test_the_projection_keeps_what_tells_people_apart(models_dir, random):
    projection = load_projection(projection_path(models_dir, MODEL))

    assert np.abs(projection.basis @ projection.basis.T - np.eye(128)).max() < 1e-5
    projected = projection.apply(unit_rows(random.normal(size=(5, 512))))
    assert np.linalg.norm(projected, axis=1) == pytest.approx(np.ones(5), abs=1e-5)


def test_two_threads_may_bring_openvino_its_first_arrays_at_once(models_dir):
    """Its Python binding locked up in about one start of three before the engine warmed itself up."""
    script = f"""
import sys, threading
from pathlib import Path
import numpy as np
from ml.engine import OpenVinoEngine
engine = OpenVinoEngine(Path({str(models_dir)!r}), {MODEL!r})
sys.setswitchinterval(1e-6)
together = threading.Barrier(2)
def run():
    together.wait()
    engine.run("facenet", np.zeros((1, 160, 160, 3), dtype=np.float32))
threads = [threading.Thread(target=run) for _ in range(2)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""
    for _ in range(3):
        subprocess.run([sys.executable, "-c", script], check=True, timeout=120, cwd=ROOT)


def test_a_cpu_worker_does_not_load_torch(models_dir):
    script = f"""
import sys
from pathlib import Path
from ml.faces import load_face_finder
load_face_finder(Path({str(models_dir)!r}), device="auto" if {not has_gpu()} else "cpu")
assert "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=120, cwd=ROOT)


def has_gpu() -> bool:
    return choose_device() != "cpu"
