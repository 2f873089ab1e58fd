"""Long work gives way to photos that arrive."""

import time
from types import SimpleNamespace

import pytest

from people import share_of_time, suggestions, tasks
from people.share_of_time import ShareOfTime
from photos.models import Photo
from tests.factories import make_photo, make_user


@pytest.fixture
def clock(monkeypatch):
    """Seconds that pass when the test says so."""
    now = [100.0]
    monkeypatch.setattr(share_of_time, "time", SimpleNamespace(monotonic=lambda: now[0]))
    return now


def test_after_a_long_run_comes_a_pause_five_times_as_long(clock):
    share = ShareOfTime()
    with share.taken(1):
        clock[0] += 20

    clock[0] += 99
    assert not share.is_due(1)
    assert share.is_due(2)
    clock[0] += 2
    assert share.is_due(1)


def test_a_short_run_needs_no_pause_but_the_least(clock):
    free, spaced = ShareOfTime(free=2), ShareOfTime(least_pause=10)
    for share in (free, spaced):
        with share.taken(1):
            clock[0] += 1

    clock[0] += 0.5
    assert free.is_due(1)
    assert not spaced.is_due(1)
    clock[0] += 10
    assert spaced.is_due(1)


def test_a_run_that_fails_does_not_count(clock):
    share = ShareOfTime(least_pause=10)
    with pytest.raises(ValueError, match="broken"), share.taken(1):
        raise ValueError("broken")

    assert share.is_due(1)


@pytest.mark.django_db(transaction=True)
def test_suggestions_that_take_long_wait_while_photos_arrive(monkeypatch):
    owner = make_user()
    photo = make_photo(owner, stage=Photo.Stage.FACES)
    runs = []
    monkeypatch.setattr(suggestions, "refresh_suggestions", lambda owner_id, **_: runs.append(owner_id) or 0)
    monkeypatch.setattr(tasks, "_suggesting", ShareOfTime(free=2))
    tasks._suggesting._runs[owner.pk] = (time.monotonic(), 30.0)

    tasks.refresh_suggestions(owner.pk)
    assert not runs
    Photo.objects.filter(pk=photo.pk).update(stage=Photo.Stage.DONE)
    tasks.refresh_suggestions(owner.pk)

    assert runs == [owner.pk]
