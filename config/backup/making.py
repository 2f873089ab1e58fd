"""Makes a backup while Kith goes on working.

First the files, however long that takes. Then one moment: a snapshot of the database, and the few files that came or
changed since. Nothing is taken out of the trash for good in that moment, and should a file of the snapshot be gone all
the same, there is another one. So what is in the database is in the folder, too, and what was deleted is in neither.
"""

import os
import shutil
import time
import tomllib
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction
from django.db.migrations.recorder import MigrationRecorder

from accounts.models import User
from config.backup import database, layout
from config.backup.layout import BackupError, Manifest
from ml.checked_files import sha256_of
from people.integrity import crop_names
from people.models import Decision, Face, Person
from photos import media_folder
from photos.last_backup import LastBackup, note_backup
from photos.models import Album, Archive, Photo
from photos.trash import FILES_HELD

Report = Callable[[str], None]

BACKING_UP = 5850  # advisory lock: one backup at a time
MOMENTS = 5  # snapshots that are tried before a file counts as lost
ROWS = 5000  # read at once
COUNTED = {"users": User, "photos": Photo, "albums": Album, "people": Person, "faces": Face, "decisions": Decision}


@dataclass(frozen=True)
class Made:
    """lost: files that the database has and the media folder has not. altered: originals with other bytes than were
    received. linked: files shared with an earlier backup."""

    folder: Path
    manifest: Manifest
    lost: list[str]
    altered: list[str]
    linked: int


def make(target: Path, report: Report) -> Made:
    """Make a backup in a folder of its own in `target`. Raises BackupError."""
    target = target.expanduser().resolve()
    media_folder.require()
    if target.is_relative_to(Path(settings.MEDIA_ROOT).resolve()):
        raise BackupError(f"{target} lies in the media folder. Choose a folder outside of it, best on another disk.")
    library = media_folder.library_name()
    with _alone():
        folder = _begun(target, library)
        copy = _Copy(folder / layout.MEDIA, _latest(target, library))
        try:
            return _fill(folder, library, copy, report)
        except OSError as error:
            raise BackupError(f"The backup could not be written: {error}. Earlier ones are as they were.") from error


def _fill(folder: Path, library: str, copy: "_Copy", report: Report) -> Made:
    for number, name in enumerate(_names(), 1):
        copy.bring(name)
        if number % ROWS == 0:
            report(f"{number} files looked at.")
    report("Taking the moment that counts.")
    with _nothing_purged():
        lost, rest = _at_one_moment(folder, copy)
    sums = copy.sums() | {layout.DUMP: sha256_of(folder / layout.DUMP)}
    rest |= {"library": library, "file_count": len(sums)}
    rest["byte_count"] = layout.total_bytes(folder / path for path in sums)
    manifest = layout.write(folder, sums, rest)
    final = _finished(folder, manifest)
    note_backup(LastBackup(manifest.made_at, manifest.counts["photos"], manifest.byte_count))
    return Made(final, manifest, lost, _altered(copy.sums()), copy.linked)


def _at_one_moment(folder: Path, copy: "_Copy") -> tuple[list[str], dict[str, object]]:
    """Bring the files up to a snapshot of the database, and dump it; return lost files, and what the manifest says."""
    for left in reversed(range(MOMENTS)):
        with _snapshot() as snapshot:
            made_at = datetime.now(UTC)
            names = set(_names())
            lost = sorted(name for name in names if not copy.bring(name))
            if lost and left:  # somebody deleted them just now: then they are not in the next snapshot
                time.sleep(1)
                continue
            copy.keep_only(names)
            database.dump(folder / layout.DUMP, snapshot=snapshot)
            return lost, {
                "kith": version(),
                "made_at": made_at.isoformat(timespec="seconds"),
                "postgresql": database.server_version(),
                "migrations": applied_migrations(),
                "counts": counts(),
                "model": _chosen_model(),
            }
    raise AssertionError("the last moment is always taken")


@dataclass
class _Copy:
    """The files of the library, brought to a backup. earlier: the latest backup of the same library, if any."""

    target: Path
    earlier: "_Earlier | None"
    linked: int = 0
    _seen: dict[str, tuple[tuple[int, int], str]] = field(default_factory=dict)  # size and time, hash

    def bring(self, name: str) -> bool:
        """Have a file here as it is in the library now, or was a moment ago; whether there is one."""
        source, target = Path(settings.MEDIA_ROOT) / name, self.target / name
        try:
            stamp = _stamp(source)
        except FileNotFoundError:
            return name in self._seen  # it is being deleted: only a snapshot says whether it belongs here
        if name in self._seen and self._seen[name][0] == stamp:
            return True
        if self.earlier is not None and (sha256 := self.earlier.lend(name, stamp, target)):
            self.linked += 1
        elif target.is_file() and _stamp(target) == stamp:  # from a backup that was cut short
            sha256 = sha256_of(target)
        else:
            try:
                stamp, sha256 = _copied(source, target)
            except FileNotFoundError:
                return False
        self._seen[name] = (stamp, sha256)
        return True

    def keep_only(self, names: Collection[str]) -> None:
        """Forget files that were deleted since they were copied."""
        for name in self._seen.keys() - names:
            del self._seen[name]
        for path in self.target.rglob("*"):
            if path.is_file() and path.relative_to(self.target).as_posix() not in self._seen:
                path.unlink()

    def sums(self) -> dict[str, str]:
        return {f"{layout.MEDIA}/{name}": sha256 for name, (_, sha256) in self._seen.items()}


@dataclass(frozen=True)
class _Earlier:
    folder: Path
    sums: dict[str, str]

    def lend(self, name: str, stamp: tuple[int, int], target: Path) -> str:
        """Link a file that has not changed since, and return its hash; "" if none is there, or disks link none."""
        path = f"{layout.MEDIA}/{name}"
        try:
            if path not in self.sums or _stamp(self.folder / path) != stamp:
                return ""
            target.parent.mkdir(parents=True, exist_ok=True)
            target.unlink(missing_ok=True)
            target.hardlink_to(self.folder / path)
        except OSError:
            return ""
        return self.sums[path]


def _copied(source: Path, target: Path) -> tuple[tuple[int, int], str]:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)  # it may be shared with another backup
    with source.open("rb") as original, layout.new_file(target) as copy:
        stat = os.fstat(original.fileno())
        shutil.copyfileobj(original, copy)
    os.utime(target, ns=(stat.st_mtime_ns, stat.st_mtime_ns))
    # Of what was written, not of what was read: a disk that loses bytes at once is found out at once.
    return (stat.st_size, stat.st_mtime_ns), sha256_of(target)


def _stamp(path: Path) -> tuple[int, int]:
    stat = path.stat()
    return stat.st_size, stat.st_mtime_ns


def _names() -> Iterator[str]:
    """Every file that a row holds."""
    for row in Photo.everywhere.values_list("original", "small", "large").iterator(chunk_size=ROWS):
        yield from (name for name in row if name)
    yield from crop_names()
    yield from Archive.objects.unfinished().exclude(file="").values_list("file", flat=True)


def _altered(sums: dict[str, str]) -> list[str]:
    originals = Photo.everywhere.values_list("original", "sha256").iterator(chunk_size=ROWS)
    return [name for name, sha256 in originals if sums.get(f"{layout.MEDIA}/{name}", sha256) != sha256]


def _begun(target: Path, library: str) -> Path:
    """The folder to fill: of a backup that was cut short, or a new one."""
    folder = target / f"{layout.PREFIX}{library[:8]}{layout.UNFINISHED}"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise BackupError(f"{target} cannot be written to: {error.strerror}.") from error
    for name in (layout.COMPLETE, layout.MANIFEST):
        (folder / name).unlink(missing_ok=True)
    return folder


def _finished(folder: Path, manifest: Manifest) -> Path:
    stem = layout.PREFIX + datetime.fromisoformat(manifest.made_at).strftime("%Y-%m-%dT%H-%M-%S")
    final = folder.with_name(stem)
    if final.exists():  # of another library, within the same second
        final = folder.with_name(f"{stem}-{manifest.library[:8]}")
    return folder.rename(final)


def _latest(target: Path, library: str) -> _Earlier | None:
    for folder in layout.finished(target):
        try:
            manifest, sums = layout.read(folder)
        except BackupError:
            continue
        if manifest.library == library:
            return _Earlier(folder, sums)
    return None


@contextmanager
def _alone() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [BACKING_UP])
        if not cursor.fetchone()[0]:
            raise BackupError("Another backup of this library is being made. Wait until it is done.")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [BACKING_UP])


@contextmanager
def _nothing_purged() -> Iterator[None]:
    """Nothing leaves the trash for good while the block runs (photos.trash.purge)."""
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = 0")  # a purge that runs ends soon
        cursor.execute("SELECT pg_advisory_lock(%s)", [FILES_HELD])
        cursor.execute("RESET lock_timeout")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [FILES_HELD])


@contextmanager
def _snapshot() -> Iterator[str]:
    """See the database as it is now until the end of the block, and have others see it so by the name that is given."""
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        # However long it takes: PostgreSQL's tools set the same for themselves.
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        cursor.execute("SELECT pg_export_snapshot()")
        yield cursor.fetchone()[0]


def version() -> str:
    """Kith's own."""
    project = tomllib.loads((settings.BASE_DIR / "pyproject.toml").read_text())
    return str(project["project"]["version"])


def applied_migrations() -> list[str]:
    return sorted(f"{app}.{name}" for app, name in MigrationRecorder(connection).applied_migrations())


def counts() -> dict[str, int]:
    return {name: model._base_manager.count() for name, model in COUNTED.items()}


def _chosen_model() -> str:
    try:
        chosen: str = settings.KITH_FACE_MODEL_FILE.read_text().strip()
    except FileNotFoundError:
        return ""
    return chosen
