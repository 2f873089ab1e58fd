"""Finding the faces of a labelled folder, with the real detector on real portraits."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ml.engine import OpenVinoEngine
from ml.evaluation.labels import read_folder
from ml.faces import load_face_finder, open_upright
from ml.training.errors import CannotTrain
from ml.training.faces import FACES, find_training_faces
from tests.pictures import drawing, portraits


@pytest.fixture(scope="module")
def detector(models_dir: Path):
    return OpenVinoEngine(models_dir, "facenet-casia")


@pytest.fixture
def people(tmp_path):
    folder = tmp_path / "people"
    for person, files in {"Obama": ("obama.jpg", "obama2.jpg"), "Biden": ("biden.jpg",)}.items():
        (folder / person).mkdir(parents=True)
        for file in files:
            with Image.open(portraits() / file) as image:
                smaller = image.convert("RGB")
                smaller.thumbnail((300, 300))
                smaller.save(folder / person / f"{Path(file).stem}.png")
    return folder


def found_in(folder: Path, output: Path, detector, side: int = 160):
    output.mkdir(exist_ok=True)
    return find_training_faces(read_folder(folder), lambda: detector, output, side=side)


def test_faces_are_cut_out_as_for_recognition(people, tmp_path, detector, models_dir):
    found = found_in(people, tmp_path / "out", detector)

    assert found.names == ("Biden", "Obama")
    assert found.people.tolist() == [0, 1, 1]
    assert found.pixels.shape == (3, 160, 160, 3)
    finder = load_face_finder(models_dir, device="cpu")
    for file, pixels in zip(found.files, found.pixels, strict=True):
        face = finder.find_faces([open_upright(people / file)])[0][0]
        embedded = detector.run("facenet", pixels[None].astype(np.float32))[0][0]
        assert float(embedded @ face.embedding) > 0.99


def test_smaller_faces_are_the_same_faces_reduced(people, tmp_path, detector):
    large, small = found_in(people, tmp_path / "a", detector), found_in(people, tmp_path / "b", detector, side=40)

    averaged = large.pixels.reshape(3, 40, 4, 40, 4, 3).mean(axis=(2, 4))
    assert np.abs(averaged - small.pixels).max() <= 1


def test_what_was_found_is_not_looked_for_again_until_the_photos_change(people, tmp_path, detector):
    first = found_in(people, tmp_path / "out", detector)

    again = found_in(people, tmp_path / "out", None)  # without a detector: it is not asked
    assert np.array_equal(first.pixels, again.pixels)
    assert again.files == first.files

    shutil.rmtree(people / "Biden")
    assert found_in(people, tmp_path / "out", detector).names == ("Obama",)
    (tmp_path / "out" / FACES).write_bytes(b"cut short")
    assert len(found_in(people, tmp_path / "out", detector)) == 2


def test_what_cannot_be_used_is_left_out_and_named(people, tmp_path, detector):
    (people / "Biden" / "broken.jpg").write_bytes(b"not a picture")
    shutil.copy(people / "Biden" / "biden.png", people / "Biden" / "copy.png")
    drawing(200, 150).save(people / "Obama" / "nobody.png")

    found = found_in(people, tmp_path / "out", detector)

    assert sorted(found.files) == ["Biden/biden.png", "Obama/obama.png", "Obama/obama2.png"]
    broken, copy, faceless = found.problems
    assert broken.startswith("Biden/broken.jpg is left out. The image cannot be read")
    assert copy == "Biden/copy.png is left out: it is a copy of another photo of Biden."
    assert faceless == "No face was found of who is named (1): Obama/nobody.png."


def test_photos_without_any_face_are_said_to_be(tmp_path, detector):
    for person in ("a", "b"):
        (tmp_path / "people" / person).mkdir(parents=True)
        drawing(200, 150).save(tmp_path / "people" / person / "1.png")

    with pytest.raises(CannotTrain, match=r"No face of a named person was found in the 2 photos of .* that show faces"):
        found_in(tmp_path / "people", tmp_path / "out", detector)


def test_boxes_of_a_table_say_who_is_who(tmp_path, detector):
    folder = tmp_path / "people"
    folder.mkdir()
    both = Image.new("RGB", (620, 300))
    for place, file in ((0, "obama.jpg"), (310, "biden.jpg")):
        with Image.open(portraits() / file) as image:
            both.paste(image.convert("RGB").resize((310, 300)), (place, 0))
    both.save(folder / "both.png")
    (folder / "labels.csv").write_text(
        "file,person,x,y,w,h\nboth.png,Biden,310,0,310,300\nboth.png,Obama,0,0,310,300\n"
    )

    found = found_in(folder, tmp_path / "out", detector)

    assert sorted(found.names[person] for person in found.people) == ["Biden", "Obama"]
    assert json.loads((tmp_path / "out" / "faces.json").read_text())["problems"] == []
