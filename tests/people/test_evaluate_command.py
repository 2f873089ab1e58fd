"""`manage.py evaluate` on real portraits, with the real networks."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from django.core.management import CommandError, call_command
from PIL import Image

from people.management.commands.evaluate import STUDIES
from tests.pictures import drawing, portraits

ROOT = Path(__file__).resolve().parents[2]
NAMES = (
    "verification.accuracy", "verification.tar_at_far_0.001", "detection.recall", "detection.precision",
    "detection.false_positives_per_photo", "identification.tpir_at_fpir_0.01", "clustering.bcubed_f",
)  # fmt: skip


@pytest.fixture
def people(tmp_path):
    """LFW's layout: Obama in three photos, two others in one each."""
    shown = {
        "Barack_Obama": ("obama.jpg", "obama2.jpg", "obama3.jpg"),
        "Joe_Biden": ("biden.jpg",),
        "Eileen_Collins": ("astronaut.png",),
    }
    for person, files in shown.items():
        (tmp_path / "photos" / person).mkdir(parents=True)
        for number, file in enumerate(files, start=1):
            with Image.open(portraits() / file) as image:
                smaller = image.convert("RGB")
                smaller.thumbnail((500, 500))
                smaller.save(tmp_path / "photos" / person / f"{person}_{number:04d}.JPG", "JPEG", quality=92)
    return tmp_path / "photos"


@pytest.fixture
def evaluate(models_dir, tmp_path):
    """Runs the command; returns its figures and what it prints."""

    def run(folder, *arguments):
        file = tmp_path / "figures.json"
        with (tmp_path / "printed.txt").open("w+") as printed:
            call_command(
                "evaluate", str(folder), *arguments, "--json", str(file), "--models", str(models_dir),
                stdout=printed, verbosity=0,
            )  # fmt: skip
            printed.seek(0)
            return json.loads(file.read_text("utf-8")), printed.read()

    return run


def test_a_folder_a_person_is_measured(people, evaluate):
    (people / "pairs.txt").write_text(
        "2 1\nBarack_Obama 1 2\nBarack_Obama 1 Joe_Biden 1\nBarack_Obama 2 3\nEileen_Collins 1 Joe_Biden 1\n"
    )

    figures, printed = evaluate(people)

    assert figures["counts"]["photos"] == 5
    assert figures["counts"]["people"] == 3
    assert figures["counts"]["found"] == 5
    assert figures["verification"]["accuracy"] == 1
    assert figures["verification"]["accuracy_raw"] == 1
    assert figures["verification"]["tar_at_far_0.001"] == 1
    assert figures["verification"]["folds"] == "as pairs.txt says"
    assert figures["clustering"]["bcubed_f"] == 1
    assert figures["clustering"]["groups"] == 1
    assert figures["identification"]["tpir_at_fpir_0.01"] == 1
    assert figures["detection"]["recall"] is None
    assert figures["reasons"]["detection.recall"] == "No boxes are drawn around faces."
    assert "Verification: 4 pairs" in printed
    assert "Not measured: detection.recall. No boxes are drawn around faces." in printed


def test_two_runs_give_the_same_figures(people, evaluate):
    first, _ = evaluate(people, "--seed", "3")
    second, _ = evaluate(people, "--seed", "3")

    assert first.pop("seconds") > 0
    assert second.pop("seconds") > 0
    assert first == second


def test_every_promised_figure_is_there_or_has_a_reason(people, evaluate):
    shutil.rmtree(people / "Barack_Obama")
    shutil.rmtree(people / "Eileen_Collins")

    figures, _ = evaluate(people, "--html", str(people.parent / "report.html"))

    assert figures["reasons"].keys() >= set(NAMES)
    for name in NAMES:
        subject, figure = name.split(".", 1)
        assert figures[subject][figure] is None


def test_boxes_negatives_turned_photos_and_bad_files(people, evaluate):
    album = people.parent / "album"
    album.mkdir()
    turn_by_exif(people / "Barack_Obama" / "Barack_Obama_0001.JPG", album / "Turned.JPG")
    with Image.open(people / "Eileen_Collins" / "Eileen_Collins_0001.JPG") as image:
        image.save(album / "ño name.jpg")
    drawing().save(album / "empty.jpg")
    (album / "broken.jpg").write_bytes(b"\xff\xd8\xff nothing more")
    rows = [
        "Turned.JPG,Barack Obama,160,40,110,150",
        "ño name.jpg,_unknown,150,20,150,200",
        "ño name.jpg,_unknown,5,400,40,40",  # the far corner, where nobody is
        "broken.jpg,Barack Obama,,,,",
        "lost.jpg,Barack Obama,,,,",
    ]
    (album / "labels.csv").write_text("\ufefffile,person,x,y,w,h\n" + "\n".join(rows), "utf-8")
    (album / "photos.csv").write_text("file,box_status\nempty.jpg,no_faces\nno-such.jpg,no_faces\n")

    figures, printed = evaluate(album)

    assert figures["detection"]["boxes"] == 3
    assert figures["detection"]["found"] == 2
    assert figures["detection"]["recall"] == pytest.approx(2 / 3, abs=1e-6)
    assert figures["detection"]["false_positives_per_photo"] == 0
    assert figures["detection"]["precision"] == 1
    assert figures["counts"]["unreadable"] == 1
    assert figures["verification"]["accuracy"] is None
    assert figures["clustering"]["bcubed_f"] is None
    assert "Labelled, but not in the folder (2): lost.jpg, no-such.jpg." in printed
    assert "broken.jpg is left out. The image cannot be read" in printed


def test_photos_without_anybody_are_measured_too(evaluate, tmp_path):
    folder = tmp_path / "empty"
    folder.mkdir()
    for seed in range(2):
        drawing(seed=seed).save(folder / f"{seed}.png")
    (folder / "labels.csv").write_text("file,person\n")
    (folder / "photos.csv").write_text("file,box_status\n0.png,no_faces\n1.png,no_faces\n")

    figures, printed = evaluate(folder, "--html", str(tmp_path / "report.html"))

    assert figures["detection"]["false_positives_per_photo"] == 0
    assert figures["detection"]["precision"] is None
    assert figures["counts"]["named_faces"] == 0
    assert "No face was found in photos whose faces are all known." in printed
    assert "Not measured." in (tmp_path / "report.html").read_text("utf-8")


def test_a_face_that_is_not_found_is_taken_from_the_middle(people, evaluate):
    (people / "Nobody").mkdir()
    drawing().save(people / "Nobody" / "Nobody_0001.jpg")
    (people / "pairs.txt").write_text("1 1\nBarack_Obama 1 2\nBarack_Obama 1 Nobody 1\n")

    figures, printed = evaluate(people)

    assert figures["counts"]["named_faces"] == 6
    assert figures["counts"]["found"] == 5
    assert (figures["counts"]["pairs"], figures["counts"]["unseen_pairs"]) == (2, 1)
    assert "Named faces that are not found: 1. Only verification counts them." in printed


def test_the_report_stands_alone(people, evaluate):
    report = people.parent / "report.html"

    evaluate(people, "--html", str(report))

    page = report.read_text("utf-8")
    assert not re.search(r"""(src|href)=["']|url\((?!data:)|@import|<script""", page)
    assert "prefers-color-scheme" in page or "light-dark(" in page
    assert page.count("<figure>") >= 3
    assert "Barack" not in page  # nobody is named


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "There are no photos in"),
        ({"Ann/a.jpg": b"no image"}, r"None of the photos can be read. Ann/a.jpg is left out."),
        ({"a.jpg": b"", "labels.csv": b"image,name\na.jpg,Ann\n"}, r"labels.csv lacks the columns file and person"),
    ],
)
def test_folders_that_cannot_be_measured_are_explained(evaluate, tmp_path, files, message):
    folder = tmp_path / "folder"
    folder.mkdir()
    for name, content in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)

    with pytest.raises(CommandError, match=message):
        evaluate(folder)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--html", "/no/such/folder/report.html"), "There is no folder to write"),
        (("--seed", "-1"), "A seed is a whole number from 0"),
        (("--model", "no-such-model"), "no-such-model"),
    ],
)
def test_options_that_make_no_sense_are_explained(evaluate, people, arguments, message):
    with pytest.raises(CommandError, match=message):
        evaluate(people, *arguments)


def test_a_study_gets_the_folder_the_weights_and_where_to_write(monkeypatch, tmp_path):
    runs = []
    module = ModuleType("study_of_a_test")
    module.run = lambda *arguments: runs.append(arguments)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setitem(STUDIES, "alignment", module.__name__)
    output = tmp_path / "deep" / "output"

    call_command("evaluate", str(tmp_path), "--study", "alignment", "--models", "weights", "--output", str(output))

    assert runs == [(tmp_path, Path("weights"), output)]
    assert output.is_dir()
    with pytest.raises(CommandError, match="nowhere is not a folder"):
        call_command("evaluate", str(tmp_path / "nowhere"), "--study", "alignment")


def test_it_starts_no_services(people, models_dir, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    environment = {**os.environ, "KITH_HOME": str(tmp_path / "home"), "KITH_MODELS": str(models_dir)}
    environment |= {"DATABASE_URL": "postgres://nobody@127.0.0.1:1/none", "REDIS_URL": "redis://127.0.0.1:1/0"}
    run = [sys.executable, str(ROOT / "manage.py"), "evaluate"]

    good = subprocess.run([*run, people], env=environment, capture_output=True, text=True, check=False)
    bad = subprocess.run([*run, empty], env=environment, capture_output=True, text=True, check=False)

    assert good.returncode == 0, good.stderr
    assert "3 people" in good.stdout
    assert bad.returncode == 1
    assert "There are no photos in" in bad.stderr
    assert "Traceback" not in bad.stderr


def turn_by_exif(source, target):
    """Store a photo lying on its side, with the orientation that sets it upright."""
    with Image.open(source) as image:
        lying = image.transpose(Image.Transpose.ROTATE_90)
        exif = Image.Exif()
        exif[0x0112] = 6
        lying.save(target, exif=exif, quality=95)
