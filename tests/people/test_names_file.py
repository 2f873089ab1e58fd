"""What is exported comes back: originals and names, into another library."""

import io
import json
import zipfile
from datetime import date

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from people import answers
from people.models import Decision, Face, Person
from people.names_file import BadNames, import_names
from photos.intake import start_batch, take_in
from photos.models import Photo
from tests.factories import make_face, make_person, make_photo
from tests.pictures import drawing, encoded


def exported(client) -> str:
    return b"".join(client.get(reverse("people:names-json")).streaming_content).decode()


def told(owner) -> list[tuple]:
    """Who is where, as the owner sees it."""
    named = Face.objects.owned_by(owner).filter(person__isnull=False).order_by("photo__sha256", "left")
    return [
        (f.photo.name, f.photo.sha256, f.box, f.tagged_by, f.person.name, f.person.note, f.person.birth_date)
        for f in named.select_related("photo", "person")
    ]


@pytest.fixture
def library(alice, arriving):
    """Two people called Ann, a third by the machine; a face in nobody's name, and one drawn where nothing was found."""
    batch = start_batch(alice, title="", expected=2)
    photos = [take_in(batch, arriving(encoded(drawing(seed=n))), name=f"Größe {n}.jpg").photo for n in range(2)]
    people = [
        make_person(alice, "Ann", note="choir", birth_date=date(1990, 4, 7)),
        make_person(alice, "Ann"),
        make_person(alice, "Bob"),
    ]
    for number, person in enumerate(people[:2]):
        for photo in photos:
            answers.confirm(person, [make_face(photo, left=0.1 + 0.31 * number).pk], actor=alice)
    answers.tag(people[2], [make_face(photos[0], left=0.80123456789).pk])
    make_face(photos[1], left=0.8)
    return alice


def test_originals_and_names_make_the_same_library_again(library, signed_in, bob, arriving):
    names = exported(signed_in)
    zipped = b"".join(signed_in.get(reverse("photos:originals")).streaming_content)
    batch = start_batch(bob, title="", expected=2)
    with zipfile.ZipFile(io.BytesIO(zipped)) as archive:
        for entry in archive.namelist():
            take_in(batch, arriving(archive.read(entry), entry), name=entry)
    for photo in Photo.objects.owned_by(bob):  # another detector's boxes, and one face it does not find
        for left in (0.103, 0.413):
            make_face(photo, left=left)

    done = import_names(bob, names)

    assert (done.named, done.elsewhere, done.impossible) == (5, 0, 0)
    theirs, ours = told(library), told(bob)
    assert [row[:2] + row[3:] for row in ours] == [row[:2] + row[3:] for row in theirs]
    assert all(a[2].intersection_over_union(b[2]) > 0.9 for a, b in zip(ours, theirs, strict=True))
    assert Person.objects.owned_by(bob).count() == 3
    assert call_command("verify", stdout=io.StringIO()) is None


def test_again_and_in_the_same_library_nothing_changes(library, signed_in, alice):
    names, before = exported(signed_in), told(alice)

    done = import_names(alice, names)

    assert (done.named, done.known) == (0, 5)
    assert told(alice) == before
    assert not Decision.objects.filter(verb=Decision.Verb.IMPORT).exists()


def test_a_name_somebody_gave_meanwhile_stays(library, signed_in, alice):
    names = exported(signed_in)
    face = Face.objects.filter(person__name="Bob").get()
    answers.confirm(make_person(alice, "Cyd"), [face.pk], actor=alice)

    done = import_names(alice, names)

    face.refresh_from_db()
    assert (face.person.name, done.kept, done.known) == ("Cyd", 1, 4)


def test_boxes_are_exported_to_the_last_digit(library, signed_in):
    lefts = [face["left"] for face in json.loads(exported(signed_in))["faces"]]

    assert 0.80123456789 in lefts


def test_photos_that_are_not_here_are_counted_and_others_photos_left_alone(library, signed_in, alice, bob):
    names = exported(signed_in)

    assert import_names(bob, names).elsewhere == 5

    assert not Person.objects.owned_by(bob).exists()
    make_photo(bob)
    assert told(bob) == []


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"people": [], "faces": [{}]}', '{"people": [{"id": 1, "name": ""}], "faces": []}', "\0"],
)
def test_what_kith_did_not_write_is_refused(alice, text):
    with pytest.raises(BadNames):
        import_names(alice, text)


def test_the_command_says_what_it_did(library, signed_in, tmp_path):
    file = tmp_path / "names.json"
    file.write_text(exported(signed_in))
    out = io.StringIO()

    call_command("import_names", str(file), user="alice", stdout=out)

    assert "0 faces named, 5 bore the name already" in out.getvalue()
    with pytest.raises(CommandError, match="no user called eve"):
        call_command("import_names", str(file), user="eve")
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("import_names", str(tmp_path / "nothing"), user="alice")
