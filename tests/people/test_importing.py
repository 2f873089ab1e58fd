"""`manage.py import_photos`: a folder of this machine, also one folder per person."""

import shutil
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from accounts.models import User
from people.models import Person
from photos.models import Album, Photo
from tests.factories import make_user
from tests.pictures import drawing, portraits

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("models_dir")]


@pytest.fixture
def people_folder(tmp_path) -> Path:
    """The classic layout: one folder per person."""
    folder = tmp_path / "Training Dataset"
    for person, names in {"Barack_Obama": ["obama.jpg", "obama2.jpg"], "Joe Biden": ["biden.jpg"]}.items():
        (folder / person).mkdir(parents=True)
        for name in names:
            shutil.copy(portraits() / name, folder / person / name)
    (folder / ".hidden").mkdir()
    drawing().save(folder / ".hidden" / "x.jpg")
    return folder


def run(*arguments: object, **options: object) -> str:
    out = StringIO()
    call_command("import_photos", *map(str, arguments), stdout=out, verbosity=0, **options)
    return out.getvalue()


def test_a_folder_becomes_an_album(alice, tmp_path):
    for number in range(3):
        drawing(seed=number).save(tmp_path / f"{number}.jpg")
    (tmp_path / "diary.txt").write_text("Dear diary")

    said = run(tmp_path, user="alice", album="Summer")

    assert "3 added, 0 duplicates, 1 left out." in said
    assert "diary.txt is not a photo Kith can read and was left out." in said
    assert Album.objects.get(title="Summer").photos.count() == 3
    assert {photo.stage for photo in Photo.objects.all()} == {Photo.Stage.DONE}


def test_folders_of_people_name_their_faces(alice, people_folder):
    said = run(people_folder, user="alice", people_from_folders=True)

    assert "Barack Obama: 2 faces confirmed." in said
    counts = {person.name: person.faces.count() for person in Person.objects.all()}
    assert counts == {"Barack Obama": 2, "Joe Biden": 1}


def test_importing_again_adds_nothing(alice, people_folder):
    run(people_folder, user="alice", people_from_folders=True)

    said = run(people_folder, user="alice", people_from_folders=True)

    assert "0 added, 3 duplicates" in said
    assert Person.objects.count() == 2


def test_names_from_folders_need_consent(people_folder):
    make_user(username="bob", face_analysis=User.FaceAnalysis.OFF)

    with pytest.raises(CommandError, match="has not allowed face analysis"):
        run(people_folder, user="bob", people_from_folders=True)


@pytest.mark.parametrize(("folder", "user", "sentence"), [("nowhere", "alice", "is not a folder"), (".", "eve", "eve")])
def test_what_is_wrong_is_said_in_a_sentence(alice, folder, user, sentence):
    with pytest.raises(CommandError, match=sentence):
        run(folder, user=user)


def test_a_folder_that_cannot_be_a_name_does_not_end_the_import(alice, people_folder):
    for name in ("_", "a" * 101):
        shutil.copytree(people_folder / "Joe Biden", people_folder / name)

    said = run(people_folder, user="alice", people_from_folders=True)

    assert "Barack Obama: 2 faces confirmed." in said
    assert Person.objects.count() == 2


def test_missing_weights_end_the_import_with_a_sentence(alice, tmp_path, settings):
    drawing().save(tmp_path / "a.jpg")
    settings.KITH_MODELS = tmp_path / "nothing"

    with pytest.raises(CommandError, match="The photos are in, but faces cannot be found"):
        run(tmp_path, user="alice")

    assert Photo.objects.count() == 1


def test_an_empty_folder_says_so(alice, tmp_path):
    with pytest.raises(CommandError, match="no files"):
        run(tmp_path, user="alice")
