"""Makes a library of a backup, where there is none.

The note `restoring` is in Kith's home from before the first change until all is there: with it nothing starts, and
restoring begins anew. The files come first and each is compared with its hash on the way; the database comes last, in
one transaction, so a backup that turns out to be damaged leaves the place as empty as it was.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from accounts.models import User
from config.backup import database, layout
from config.backup.layout import BackupError, Manifest
from config.backup.making import counts
from config.embedded.home import Home
from config.embedded.lock import FolderLock
from ml.checked_files import sha256_of
from photos import media_folder
from photos.face_model import choose_face_model
from photos.models import Photo
from photos.storage import flush_folder

Report = Callable[[str], None]

MIGRATIONS = "django_migrations"


def check(source: Path) -> tuple[Path, Manifest]:
    """Read all of a backup; return which one it is, and what it holds. Raises BackupError."""
    folder, manifest, sums = _read(source)
    layout.check(folder, sums)
    return folder, manifest


def restore(source: Path, report: Report) -> tuple[Path, Manifest]:
    """Restore a backup; return which one it was, and what it holds. Raises BackupError."""
    folder, manifest, sums = _read(source)
    with _nobody_else():
        _refuse_a_live_library()
        layout.check(folder, {layout.DUMP: sums[layout.DUMP]})
        _begin()
        try:
            _copy_files(folder, sums, report)
        except BaseException:
            _clear()
            _note().unlink()
            raise
        report("The files are here. Loading the database.")
        database.load(folder / layout.DUMP)
        _compare(manifest)
        call_command("migrate", interactive=False, verbosity=0)
        if manifest.model:
            choose_face_model(manifest.model)
        media_folder.set_mark(manifest.library)
        _note().unlink()
    return folder, manifest


def _read(source: Path) -> tuple[Path, Manifest, dict[str, str]]:
    folder = layout.chosen(source.expanduser().resolve())
    manifest, sums = layout.read(folder)
    if layout.DUMP not in sums:
        raise layout.damaged(folder, layout.SUMS)
    loader = MigrationLoader(None, load=False)
    loader.load_disk()
    if set(manifest.migrations) - {f"{app}.{name}" for app, name in loader.disk_migrations}:
        raise BackupError(f"The backup in {folder} was made by a newer Kith ({manifest.kith}). Update Kith first.")
    return folder, manifest, sums


@contextmanager
def _nobody_else() -> Iterator[None]:
    home = Home(settings.KITH_HOME)
    home.make()
    lock = FolderLock(home.run / "up.lock")
    if not lock.acquire() or database.others_connected():
        lock.release()
        raise BackupError("Kith is running here. Stop it, with all of its workers, and restore into an empty place.")
    try:
        yield
    finally:
        lock.release()


def _refuse_a_live_library() -> None:
    """Raises BackupError unless there is nothing to be lost, or only what a restore that was cut short has left."""
    if _note().exists():
        return
    present = set(database.tables())
    known = {*connection.introspection.django_table_names(), MIGRATIONS}
    if present - known:
        raise BackupError("The database holds tables that are not Kith's. Restore into an empty one.")
    held = [model for model in (User, Photo) if model._meta.db_table in present]
    has_rows = any(model._base_manager.exists() for model in held)
    if has_rows or any(_files()):
        raise BackupError(
            f"There is a library already in {settings.KITH_HOME} or its database. A backup is restored only into an"
            " empty place: set KITH_HOME to a new folder, and DATABASE_URL, if you use it, to an empty database."
        )


def _begin() -> None:
    _note().touch()
    flush_folder(_note().parent)
    _clear()


def _clear() -> None:
    database.clear(database.tables())
    for path in _files():
        path.unlink()


def _files() -> Iterator[Path]:
    """What lies in the media folder, apart from what uploads that were cut short have left, and the mark."""
    root = Path(settings.MEDIA_ROOT)
    for path in root.rglob("*"):
        if path.is_file() and path.relative_to(root).parts[0] not in ("incoming", media_folder.MARK):
            yield path


def _copy_files(folder: Path, sums: dict[str, str], report: Report) -> None:
    report(f"Copying {len(sums) - 1} files.")
    for path, sha256 in sums.items():
        if path == layout.DUMP:
            continue
        target = Path(settings.MEDIA_ROOT) / Path(path).relative_to(layout.MEDIA)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copy2(folder / path, target)
        except FileNotFoundError as error:
            raise layout.damaged(folder, path) from error
        if sha256_of(target) != sha256:
            raise layout.damaged(folder, path)
    os.sync()


def _compare(manifest: Manifest) -> None:
    loaded = counts()
    if any(loaded.get(name) != count for name, count in manifest.counts.items()):
        raise BackupError("The database of the backup is not what its manifest says. Restore another backup.")


def _note() -> Path:
    return Path(settings.KITH_HOME) / media_folder.RESTORING
