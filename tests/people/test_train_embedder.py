"""`manage.py train_embedder` on portraits, with the real detector: a small network, in seconds."""

import fcntl
import json
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from django.core.management import CommandError, call_command
from PIL import Image, ImageEnhance, ImageOps

from ml.cards import every
from ml.cards.card import Percent
from ml.faces import open_face_finder, open_upright
from ml.models import find_model
from ml.training import embedder
from ml.training.trainer import CHECKPOINT, LOG
from ml.weights import missing
from tests.pictures import drawing, portraits

QUICK = ("--backbone", "small", "--side", "40", "--dim", "32", "--epochs", "2", "--mining", "batch-all")


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    """Eight people with four photos each: three portraits, as they are and stretched, mirrored and in other light."""
    folder = tmp_path_factory.mktemp("training") / "people"
    for file in ("obama.jpg", "biden.jpg", "astronaut.png"):
        with Image.open(portraits() / file) as image:
            portrait = image.convert("RGB")
            portrait.thumbnail((240, 240))
        for form, size in (("", (200, 240)), ("_wide", (240, 220)), ("_mirrored", (215, 240))):
            person = folder / f"{Path(file).stem}{form}"
            person.mkdir(parents=True)
            shown = portrait.resize(size)
            for number, light in enumerate((0.7, 0.9, 1.1, 1.3)):
                photo = ImageEnhance.Brightness(ImageOps.mirror(shown) if form == "_mirrored" else shown).enhance(light)
                photo.save(person / f"{number}.png")
    shutil.rmtree(folder / "astronaut_mirrored")
    return folder


@pytest.fixture(autouse=True)
def _one_thread():
    """Threads that wait for one another take as much time as those that work."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def train(models_dir, tmp_path, settings):
    """Runs the command; returns its figures and what it prints."""
    settings.KITH_HOME = tmp_path / "home"

    def run(folder: Path, *arguments: str, models: Path = models_dir):
        file = tmp_path / "figures.json"
        with (tmp_path / "printed.txt").open("w+") as printed:
            call_command(
                "train_embedder", str(folder), "--json", str(file), "--models", str(models), "--device", "cpu",
                *arguments, stdout=printed, verbosity=0,
            )  # fmt: skip
            printed.seek(0)
            return json.loads(file.read_text("utf-8")), printed.read()

    return run


def copied(people: Path, folder: Path, photos: dict[str, int]) -> Path:
    """Some people with so many of their photos, under other names."""
    for source, (name, number) in zip(sorted(people.iterdir()), photos.items(), strict=False):
        (folder / name).mkdir(parents=True)
        for file in sorted(source.iterdir())[:number]:
            shutil.copy(file, folder / name)
    return folder


def test_a_folder_a_person_trains_a_network_and_says_how_good_it_is(people, train, own_models, tmp_path):
    figures, printed = train(people, *QUICK, "--keep-model", models=own_models)

    assert {"svm_accuracy", "svm_accuracy_untrained", "verification"} <= figures.keys()
    for share in (
        figures["svm_accuracy"], figures["svm_accuracy_untrained"], figures["verification"]["accuracy"],
        figures["verification"]["accuracy_untrained"],
    ):  # fmt: skip
        assert 0 <= share <= 1
    assert figures["counts"]["faces"] == 32
    assert (figures["counts"]["people_trained_on"], figures["counts"]["people_unseen"]) == (4, 2)
    assert figures["training"]["ended"] == "All 2 epochs are done."
    (output,) = (tmp_path / "home" / "training").iterdir()
    assert {CHECKPOINT, LOG, "embedder.safetensors", "figures.json"} <= {path.name for path in output.iterdir()}
    assert "32 faces of 8 people. Trained on 12 of 4." in printed
    [card] = every.of_files(own_models)
    assert (card.model, card.tables[0].rows[0].cells[1]) == (figures["model"], Percent(figures["svm_accuracy"]))
    # The model is there to be chosen, and embeds what it is shown; nothing uses it.
    assert f"`manage.py change_model {figures['model']}` takes it into use." in printed
    model = find_model(own_models, figures["model"])
    assert (model.crop, model.side, model.dimensions) == ("box", 160, 32)
    assert missing(own_models, model.name) is None
    face = open_face_finder(own_models, model.name, "cpu").find_faces([open_upright(portraits() / "biden.jpg")])[0][0]
    assert np.linalg.norm(face.embedding[:32]) == pytest.approx(1, abs=1e-4)
    assert not face.embedding[32:].any()


@pytest.fixture
def _ctrl_c() -> Iterator[None]:
    """As in a terminal: what a shell runs in the background ignores it, and so do the tests then."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_ctrl_c")
def test_ctrl_c_ends_it_with_a_sentence_and_the_same_command_goes_on_to_the_same_figures(people, train, monkeypatch):
    saved = embedder.Trainer._save

    def save_and_interrupt(trainer) -> None:
        saved(trainer)
        monkeypatch.undo()
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(embedder.Trainer, "_save", save_and_interrupt)
    words = r"Stopped\. What was learned so far is kept in .*; the same command goes on"
    with pytest.raises(CommandError, match=words) as ended:
        train(people, *QUICK)
    assert ended.value.returncode == 130

    resumed, _ = train(people, *QUICK)
    anew, _ = train(people, *QUICK, "--restart")

    for figures in (resumed, anew):
        for changing in ("seconds", "faces_per_second"):
            del figures["training"][changing]
    assert resumed["training"]["epochs"] == 2
    assert resumed == anew


def test_a_pretrained_network_is_fine_tuned_and_not_taken_into_use(people, train, tmp_path, settings):
    few = copied(people, tmp_path / "few", {"a": 3, "b": 3, "c": 3, "d": 3})

    figures, printed = train(
        few, "--pretrained", "facenet-casia", "--train", "last-block", "--epochs", "1",
        "--people-per-batch", "2", "--faces-per-person", "2",
    )  # fmt: skip

    assert figures["settings"]["learning_rate"] == 1e-4
    assert figures["is_better"] is False  # on two people nothing can be said
    assert figures["verification"]["gain_low"] is None
    assert figures["svm_accuracy_untrained"] > 0.5
    assert "not surely better than before, so leave things as they are" in printed
    assert not settings.KITH_FACE_MODEL_FILE.exists()


def test_too_few_people_or_photos_are_said(people, train, tmp_path):
    with pytest.raises(
        CommandError, match=r"two people at least with 3 different photos each.* 1 of 2 people have so many"
    ):
        train(copied(people, tmp_path / "few", {"a": 4, "b": 2}), *QUICK)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--dim", "0"), "Dim must be a whole number of at least 1, not 0"),
        (("--margin", "nan"), "Margin must be a finite number"),
        (("--mining", "hard"), "The mining must be one of semi-hard, batch-hard, batch-all, not hard"),
        (("--backbone", "vgg"), "There is no backbone vgg; use inception-resnet-v1 or small"),
        (("--train", "last-block"), "Only a pretrained network can be trained in its last block alone"),
        (("--pretrained", "nothing"), "There is no face model called nothing"),
        (("--device", "tpu"), "There is no face device called tpu"),
        (("--learning-rate", "1e30"), "The loss is no longer a number"),
        (("--output", "people/obama/0.png"), "The folder .* cannot be used"),
    ],
)
def test_options_that_cannot_be_are_said(train, people, arguments, words, monkeypatch):
    monkeypatch.chdir(people.parent)

    with pytest.raises(CommandError, match=words):
        train(people, *QUICK, *arguments)


def test_two_trainings_do_not_share_a_folder(train, people, tmp_path):
    (tmp_path / "out").mkdir()
    with (tmp_path / "out" / ".lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)

        with pytest.raises(CommandError, match="Another training is at work in"):
            train(people, *QUICK, "--output", str(tmp_path / "out"))


def test_a_folder_without_faces_or_none_at_all_is_said(train, tmp_path):
    broken = tmp_path / "broken"
    for person in ("a", "b"):
        (broken / person).mkdir(parents=True)
        (broken / person / "1.jpg").write_bytes(b"not a picture")
        drawing(80, 60).save(broken / person / "2.png")

    with pytest.raises(
        CommandError, match=r"No face of a named person was found in the 4 photos .* a/1\.jpg is left out"
    ):
        train(broken, *QUICK)
    with pytest.raises(CommandError, match="is not a folder"):
        train(tmp_path / "none", *QUICK)
