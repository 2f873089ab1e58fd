"""Files that are on the disk whole, or not at all."""

import errno
import os
import stat
from pathlib import Path

import pytest
from django.core.files.base import ContentFile

from people.tasks import wake_workers
from photos.media_folder import MARK
from photos.storage import DurableStorage, flush_folder, write_whole
from photos.uploading import LENT_SECONDS, STALE_AFTER_SECONDS, incoming_folder, receive_local_file, sweep_incoming


class BreakingOff(ContentFile):
    def chunks(self, chunk_size=None):
        yield b"x"
        raise OSError(errno.ENOSPC, "No space left on device")


class Disk:
    """What a power cut would leave: bytes as they were flushed last, under names whose folder was flushed since."""

    def __init__(self, monkeypatch):
        self._flush = os.fsync
        self._bytes: dict[int, bytes] = {}
        self._names: dict[int, dict[str, int]] = {}
        monkeypatch.setattr(os, "fsync", self._note)

    def _note(self, handle: int) -> None:
        self._flush(handle)
        status = os.fstat(handle)
        if stat.S_ISDIR(status.st_mode):
            self._names[status.st_ino] = {entry.name: entry.inode() for entry in os.scandir(handle)}
        else:
            self._bytes[status.st_ino] = Path(f"/proc/self/fd/{handle}").read_bytes()

    def left_of(self, path: Path) -> bytes | None:
        names = self._names.get(path.parent.stat().st_ino, {})
        return self._bytes.get(names.get(path.name, 0))


@pytest.fixture
def disk(monkeypatch) -> Disk:
    return Disk(monkeypatch)


def files_below(folder) -> list[Path]:
    """All but the mark of the folder."""
    return [path for path in Path(folder).rglob("*") if path.is_file() and path.name != MARK]


def test_a_write_that_fails_leaves_nothing(settings):
    with pytest.raises(OSError, match="No space"):
        DurableStorage().save("crops/1/x.webp", BreakingOff(b"x"))

    assert files_below(settings.MEDIA_ROOT) == []


def test_a_write_whose_name_is_taken_by_a_folder_leaves_nothing(settings):
    (settings.MEDIA_ROOT / "crops" / "x.webp").mkdir(parents=True)

    with pytest.raises(IsADirectoryError):
        DurableStorage().save("crops/x.webp", ContentFile(b"x"))

    assert files_below(settings.MEDIA_ROOT) == []


def test_a_write_that_cannot_begin_says_why(settings, monkeypatch):
    def fail(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "open", fail)

    with pytest.raises(OSError, match="No space"):
        DurableStorage().save("crops/x.webp", ContentFile(b"x"))


def test_what_was_stored_survives_a_power_cut(settings, disk):
    for name in ("x.webp", "y.webp", "x.webp"):  # the last one is a newer version
        content = os.urandom(100_000)
        DurableStorage().save(f"crops/1/{name}", ContentFile(content))

        assert disk.left_of(settings.MEDIA_ROOT / "crops" / "1" / name) == content


def test_a_text_that_was_written_whole_survives_a_power_cut(tmp_path, disk):
    write_whole(tmp_path / "mark", "old\n")
    write_whole(tmp_path / "mark", "new\n")

    assert disk.left_of(tmp_path / "mark") == b"new\n"


def test_flushing_a_folder_leaves_nothing_open(tmp_path):
    before = set(Path("/proc/self/fd").iterdir())

    flush_folder(tmp_path)

    assert set(Path("/proc/self/fd").iterdir()) == before


def test_closing_removes_a_part_nobody_took_over(arriving):
    incoming = arriving()
    assert len(files_below(incoming_folder())) == 1

    incoming.close()

    assert files_below(incoming_folder()) == []


def test_closing_leaves_a_file_that_was_stored(settings, arriving):
    incoming = arriving(b"content")
    DurableStorage().save("originals/x.jpg", incoming)

    incoming.close()

    assert (settings.MEDIA_ROOT / "originals" / "x.jpg").read_bytes() == b"content"


def test_a_local_file_that_cannot_be_opened_leaves_no_part(tmp_path):
    with pytest.raises(FileNotFoundError):
        receive_local_file(tmp_path / "gone.jpg", name="gone.jpg")

    assert files_below(incoming_folder()) == []


def test_the_sweep_takes_old_parts_only(arriving):
    old, new = arriving(), arriving()
    os.utime(old.flushed_path, (0, new.flushed_path.stat().st_mtime - STALE_AFTER_SECONDS - 1))

    assert sweep_incoming() == 1
    assert files_below(incoming_folder()) == [new.flushed_path]


def test_the_sweep_takes_lent_files_soon(arriving):
    forgotten, new = arriving(), arriving()
    forgotten.lend()
    new.lend()
    os.utime(forgotten.flushed_path, (0, new.flushed_path.stat().st_mtime - LENT_SECONDS - 1))

    assert sweep_incoming() == 1
    assert files_below(incoming_folder()) == [new.flushed_path]


def test_a_lent_file_is_gone_when_it_is_closed(arriving):
    incoming = arriving()
    incoming.lend()
    incoming.close()

    assert files_below(incoming_folder()) == []


def test_a_part_that_is_taken_over_during_the_sweep_does_not_stop_it(monkeypatch):
    vanished = incoming_folder() / "a.part"
    monkeypatch.setattr(Path, "glob", lambda *_: iter([vanished]))

    assert sweep_incoming() == 0


@pytest.mark.django_db
def test_due_work_is_sent_again_even_if_the_sweep_fails(alice, monkeypatch):
    from photos import tasks
    from tests.factories import make_photo

    make_photo(alice, stage="derivatives")
    sent = []

    def fail():
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(tasks, "sweep_incoming", fail)
    monkeypatch.setattr(tasks, "wake_derivatives", lambda: sent.append(1))
    with pytest.raises(OSError, match="Input/output"):
        wake_workers()

    assert sent == [1]
