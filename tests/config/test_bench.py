"""`manage.py bench` with the real networks, PostgreSQL and stock facenet-pytorch."""

import json
import os
import shutil
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from PIL import Image

from tests.pictures import portraits

pytestmark = pytest.mark.usefixtures("models_dir")


def figure(figures, path):
    for key in path.split("."):
        figures = figures[key]
    return figures


def test_two_photos_are_measured_and_the_figures_written(tmp_path, capsys, monkeypatch):
    # Where other programs keep the cores busy, torch's threads wait for each other for minutes.
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    photos = tmp_path / "photos"
    photos.mkdir()
    for name in ("astronaut.png", "obama.jpg"):
        shutil.copy(portraits() / name, photos)
    before = dict(os.environ), set(Path("/var/tmp").glob("kith-bench-*"))

    call_command("bench", str(photos), "--rounds", "1", "--json", str(tmp_path / "figures.json"))

    figures = json.loads((tmp_path / "figures.json").read_text())
    for path in ("ratio.detect", "ratio.embed", "ratio.pipeline"):
        assert figure(figures, path) > 0
    assert figures["ratio"]["embed"] == min(figures["embed"]["batch_8"]["ratio"], figures["embed"]["batch_32"]["ratio"])
    assert figures["embed"]["cosine"]["min"] > 0.999
    for part in ("detect", "embed.batch_8", "embed.batch_32", "pipeline"):
        for contestant in ("facenet_pytorch", "kith"):
            one = figure(figures, part)[contestant]
            assert one["seconds"] > 0
            assert one["processor_seconds"] > 0
            assert one["peak_bytes"] > 50e6
            assert one["faces"] >= 2
            assert one["threads"]
    assert figures["pipeline"]["photos"] == 2
    assert figures["machine"]["cores"] >= 1
    assert "times as fast as stock facenet-pytorch" in capsys.readouterr().out
    assert (dict(os.environ), set(Path("/var/tmp").glob("kith-bench-*"))) == before


@pytest.mark.parametrize(
    ("folder", "says"), [("missing", "There is no folder"), ("empty", "There are no photos"), ("blank", "no faces")]
)
def test_what_cannot_be_measured_is_said_in_a_sentence(tmp_path, folder, says):
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "notes.jpg").write_text("no photo")
    (tmp_path / "blank").mkdir()
    Image.new("RGB", (200, 100)).save(tmp_path / "blank" / "a.png")

    with pytest.raises(CommandError, match=says):
        call_command("bench", str(tmp_path / folder))


def test_figures_that_could_not_be_written_are_not_measured(tmp_path):
    with pytest.raises(CommandError, match="There is no folder"):
        call_command("bench", str(portraits()), "--json", str(tmp_path / "missing" / "figures.json"))
