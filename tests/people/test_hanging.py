"""A worker that hangs over a photo ends itself, and only that photo's attempt counts."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest

from people import finding, hanging
from photos import ending
from photos.models import Photo
from tests.factories import make_photo


class Killed(BaseException):
    pass


@pytest.fixture
def quick(monkeypatch):
    """Limits of a moment; being killed is an exception."""

    def kill(pid, number):
        raise Killed

    monkeypatch.setattr(hanging, "LIMIT_SECONDS", 0.05)
    monkeypatch.setattr(hanging, "PROCESSOR_SECONDS", 0.05)
    monkeypatch.setattr(hanging, "LAST_LIMIT_SECONDS", 0.2)
    monkeypatch.setattr(hanging, "LOOK_EVERY", 0.01)
    monkeypatch.setattr(hanging.os, "kill", kill)


def test_what_ends_in_time_is_answered(quick):
    with ThreadPoolExecutor(1) as pool:
        assert hanging.result_of(pool.submit(lambda: 7), before_the_end=Killed) == 7


@pytest.mark.parametrize("is_busy", [True, False])
def test_what_hangs_is_ended_whether_it_works_or_waits(quick, is_busy):
    over, last_words = Event(), []

    def hang():
        while is_busy and not over.is_set():
            pass
        over.wait(10)

    with ThreadPoolExecutor(1) as pool:
        with pytest.raises(Killed):
            hanging.result_of(pool.submit(hang), before_the_end=lambda: last_words.append("back in line"))
        over.set()
    assert last_words == ["back in line"]


def test_a_busy_machine_is_no_hang(quick, monkeypatch):
    monkeypatch.setattr(hanging, "LAST_LIMIT_SECONDS", 60)
    monkeypatch.setattr(hanging, "PROCESSOR_SECONDS", 60)
    with ThreadPoolExecutor(1) as pool:
        assert hanging.result_of(pool.submit(lambda: time.sleep(0.3) or 7), before_the_end=Killed) == 7


def test_only_the_photo_that_is_being_decoded_is_to_blame(alice, monkeypatch):
    stuck, *others = [make_photo(alice, stage=Photo.Stage.FACES) for _ in range(4)]
    claimed = Photo.objects.claim(Photo.Stage.FACES, limit=8)
    monkeypatch.setattr(finding, "_opening", {Path(stuck.original.path)})

    finding._free_others(claimed, claimed[:2])

    free = Photo.objects.due(Photo.Stage.FACES)
    assert set(free) == set(others)
    assert set(free.values_list("attempts", flat=True)) == {0}
    stuck.refresh_from_db()
    assert stuck.attempts == 1


def test_a_worker_that_was_asked_to_end_puts_back_what_it_has_not_looked_at(alice, monkeypatch, models_dir):
    for _ in range(3):
        make_photo(alice, stage=Photo.Stage.FACES)
    monkeypatch.setattr(ending, "is_asked", lambda: True)

    assert finding.find_faces_of(Photo.objects.claim(Photo.Stage.FACES, limit=8)) == 0

    assert list(Photo.objects.values_list("attempts", "lease_until")) == [(0, None)] * 3
