"""Measuring: contestants take turns in processes of their own, with inputs chosen the same way each time."""

import os
from functools import partial

import numpy as np
import pytest
from PIL import Image

from ml.bench.inputs import choose_photos, cut_faces, write_enlarged, write_full_hd
from ml.bench.machine import describe_machine
from ml.bench.racing import Measurement, RaceFailed, Ready, in_own_process, race, ratio
from ml.bench.report import BASELINE, OURS, compared


def counting(log, name):
    def run() -> int:
        with log.open("a") as file:
            file.write(f"{name} {os.getpid()}\n")
        return 3

    return Ready(run, "1")


def failing():
    def run() -> int:
        raise ZeroDivisionError("no faces to divide by")

    return Ready(run, "1")


def dying():
    return Ready(lambda: os._exit(3), "1")


def measured(*seconds) -> Measurement:
    return Measurement(seconds, seconds, 1, 1, "1")


def test_contestants_take_turns_in_their_own_processes(tmp_path):
    log = tmp_path / "log"
    ticks = []

    results = race([partial(counting, log, "a"), partial(counting, log, "b")], rounds=3, tick=lambda: ticks.append(1))

    lines = [line.split() for line in log.read_text().splitlines()]
    assert [name for name, _ in lines] == ["a", "b"] * 4  # one round to warm up
    assert len({process for _, process in lines}) == 2
    assert str(os.getpid()) not in {process for _, process in lines}
    assert len(ticks) == 8
    for result in results:
        assert len(result.seconds) == len(result.processor_seconds) == 3
        assert result.faces == 3
        assert result.peak_bytes > 1e6


@pytest.mark.parametrize(("contestant", "says"), [(failing, "no faces to divide by"), (dying, "died")])
def test_a_contestant_that_breaks_down_is_reported(contestant, says):
    with pytest.raises(RaceFailed, match=says):
        race([contestant])


def test_a_function_is_called_in_a_process_of_its_own():
    assert in_own_process(os.getpid) != os.getpid()


def test_the_ratio_is_the_median_over_rounds():
    assert ratio(measured(2, 8, 3), measured(1, 1, 1)) == 3


def test_figures_are_for_one_photo():
    figures = compared({BASELINE: measured(8, 8), OURS: measured(2, 2)}, things=4)

    assert figures["ratio"] == 4
    assert figures[OURS]["seconds"] == 0.5


def test_photos_are_spread_over_the_folder_and_broken_ones_left_out(tmp_path):
    for number in range(10):
        Image.new("RGB", (20, 20)).save(tmp_path / f"{number}.png")
    (tmp_path / "0.png").write_bytes(b"broken")
    (tmp_path / "notes.txt").write_text("no photo")

    assert [path.stem for path in choose_photos(tmp_path, 5)] == ["2", "4", "6", "8"]
    assert len(choose_photos(tmp_path, 80)) == 9


def test_no_more_megapixels_are_taken_than_a_few_minutes_allow(tmp_path):
    for number in range(3):
        Image.new("L", (8000, 6000)).save(tmp_path / f"{number}.png")

    assert len(choose_photos(tmp_path, 80)) == 2


def test_photos_of_any_shape_come_in_full_hd(tmp_path):
    (tmp_path / "out").mkdir()
    for name, size in (("high", (300, 900)), ("wide", (900, 300)), ("big", (4000, 3000))):
        Image.new("RGB", size, "white").save(tmp_path / f"{name}.png")

    written = write_full_hd(choose_photos(tmp_path, 80), tmp_path / "out")

    assert len(written) == 3
    for path in written:
        with Image.open(path) as image:
            assert image.size == (1920, 1080)


def test_photos_are_enlarged_to_a_cameras_size(tmp_path):
    (tmp_path / "out").mkdir()
    for number in range(12):
        Image.new("RGB", (90, 60), "white").save(tmp_path / f"{number}.png")

    written = write_enlarged(choose_photos(tmp_path, 80), 12, tmp_path / "out")

    assert len(written) == 8  # 100 megapixels in all
    for path in written:
        with Image.open(path) as image:
            assert image.format == "JPEG"
            assert image.size == (4243, 2828)


@pytest.mark.parametrize("megapixels", [0, -1, float("nan"), 101])
def test_impossible_sizes_are_refused(tmp_path, megapixels):
    with pytest.raises(ValueError, match="megapixels"):
        write_enlarged([], megapixels, tmp_path)


def test_faces_are_repeated_until_there_are_enough(models_dir, astronaut, tmp_path):
    astronaut.save(tmp_path / "a.png")
    Image.new("RGB", (300, 300)).save(tmp_path / "b.png")

    faces = cut_faces([tmp_path / "a.png"], models_dir, "facenet-casia")

    assert faces.shape == (32, 160, 160, 3)
    assert np.array_equal(faces[0], faces[-1])
    assert len(cut_faces([tmp_path / "b.png"], models_dir, "facenet-casia")) == 0


def test_the_machine_is_described():
    facts = describe_machine()

    assert facts["cores"] >= 1
    assert facts["processor"]
    assert facts["libraries"]["torch"]
