"""`manage.py measure_model` as it is run: with the real networks, on a folder of people."""

import re
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from PIL import Image

from ml.models import find_model
from ml.strictness import Matched
from people.management.commands import measure_model as command
from tests.onnx_files import write_onnx
from tests.pictures import portraits

LINE = re.compile(
    r"(grouping|linkage|suggestion) (\d\.\d{3}): takes (\d+) pairs? of strangers for one person \(\d+\.\d{4} %\),"
    r" as facenet-casia does at (\d\.\d\d)\.( Rough: more photos would make it sure\.)?"
)


@pytest.fixture
def folder(tmp_path) -> Path:
    """Thirty people, who are three, some turned a little; one photo shows nobody, and one file is no photo."""
    faces = [Image.open(portraits() / name).convert("RGB") for name in ("obama.jpg", "biden.jpg", "astronaut.png")]
    for number in range(30):
        person = tmp_path / "people" / f"Person {number}"
        person.mkdir(parents=True)
        face = faces[number % 3].copy()
        face.thumbnail((400, 400))
        face.rotate(number // 3).save(person / "1.jpg")
    Image.new("RGB", (60, 60)).save(person / "2.jpg")
    (person / "notes.txt").write_text("Dear diary")
    return tmp_path / "people"


def measure_model(*arguments: object) -> list[str]:
    out = StringIO()
    call_command("measure_model", *map(str, arguments), stdout=out)
    return out.getvalue().splitlines()


def test_a_measured_model_is_as_strict_as_itself_and_nothing_is_written(folder, own_models):
    before = sorted(own_models.iterdir())

    counts, *lines = measure_model(folder)

    assert counts == "30 faces of 30 people."
    found = [LINE.fullmatch(line) for line in lines]
    assert [match[1] for match in found] == ["grouping", "linkage", "suggestion"]
    for match in found:
        assert int(match[3]) == 3 * 45  # the pairs that are one person in truth
        assert match[5] is None
    assert sorted(own_models.iterdir()) == before


def test_the_distances_of_a_plugged_in_model_are_written_where_kith_reads_them(folder, own_models, tmp_path):
    file = write_onnx(tmp_path / "small.onnx", dimensions=200)

    lines = measure_model(folder, "--model", file, "--write")

    model = find_model(own_models, str(file))
    assert model.is_measured
    written = model.limits()
    for match in map(LINE.fullmatch, lines[1:4]):
        assert getattr(written, match[1]) == float(match[2])
    assert lines[4] == f"Written to {own_models / model.name}.thresholds.json."


def test_distances_that_rest_on_no_pair_are_shown_but_not_written(folder, own_models, monkeypatch):
    monkeypatch.setattr(
        command, "match_strictness", lambda *distances: [Matched("grouping", 0.4, 0.465, accepted=0, rate=0.0)]
    )

    assert measure_model(folder)[1].endswith("Rough: more photos would make it sure.")
    with pytest.raises(CommandError, match=r"^Nothing is written: .* more people\.$"):
        measure_model(folder, "--write")

    assert list(own_models.glob("*.thresholds.json")) == []


def test_what_cannot_be_measured_is_said_in_a_sentence(folder, own_models, settings, tmp_path):
    with pytest.raises(CommandError, match=r"is not a folder\.$"):
        measure_model(tmp_path / "nothing")
    with pytest.raises(CommandError, match=r"at least 30 people\.$"):
        measure_model(own_models)
    with pytest.raises(CommandError, match="no face model called vggface"):
        measure_model(folder, "--model", "vggface")
    settings.KITH_DEVICE = "cuda"
    with pytest.raises(CommandError, match="set the face device to auto or cpu"):
        measure_model(folder)
