"""What a backup looks like on disk, and whether one is whole.

    kith-2026-11-22T18-30-05/
        database.dump     pg_dump, custom format
        media/...         every file of the library, under its own name
        SHA256SUMS        a line for each of those, as sha256sum writes and checks them
        manifest.json     what made it, of what, and the hash of SHA256SUMS
        COMPLETE          the hash of manifest.json, written last

So each byte is held by a hash, and a backup without COMPLETE was cut short.
"""

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from ml.checked_files import sha256_of

FORMAT = 1
PREFIX, UNFINISHED = "kith-", ".unfinished"
DUMP, MEDIA, SUMS, MANIFEST, COMPLETE = "database.dump", "media", "SHA256SUMS", "manifest.json", "COMPLETE"


class BackupError(RuntimeError):
    """It cannot be made or restored; the message is a sentence or two for whoever asked."""


@dataclass(frozen=True)
class Manifest:
    """migrations: applied ones, as "app.name". counts: rows by table. model: the face model somebody chose, or ""."""

    format: int
    kith: str  # version
    made_at: str  # ISO 8601, UTC
    library: str
    postgresql: str
    migrations: list[str]
    counts: dict[str, int]
    model: str
    file_count: int
    byte_count: int
    sums: str  # SHA-256 of SHA256SUMS


def write(folder: Path, sums: dict[str, str], manifest: dict[str, Any]) -> Manifest:
    """Finish a backup: hashes by path within the folder, and what the manifest is to say besides."""
    lines = "".join(f"{sha256}  {path}\n" for path, sha256 in sorted(sums.items()))
    _write_flushed(folder / SUMS, lines)
    made = Manifest(format=FORMAT, sums=sha256_of(folder / SUMS), **manifest)
    _write_flushed(folder / MANIFEST, json.dumps(asdict(made), indent=1) + "\n")
    os.sync()  # all files at once: waiting for each takes longer than copying them
    _write_flushed(folder / COMPLETE, f"{sha256_of(folder / MANIFEST)}  {MANIFEST}\n")
    return made


def read(folder: Path) -> tuple[Manifest, dict[str, str]]:
    """The manifest, and the hash of each file by its path. Raises BackupError."""
    if not (folder / COMPLETE).is_file():
        if (folder / MANIFEST).is_file() or folder.name.endswith(UNFINISHED):
            raise BackupError(f"The backup in {folder} was never finished. Choose another one.")
        raise BackupError(f"There is no backup of Kith in {folder}.")
    if _content(folder, COMPLETE) != f"{_hash_or_missing(folder, MANIFEST)}  {MANIFEST}\n".encode():
        raise damaged(folder, MANIFEST)
    said = json.loads(_content(folder, MANIFEST))
    if said.get("format") != FORMAT:
        raise BackupError(f"The backup in {folder} was made by a newer Kith ({said.get('kith')}). Update Kith first.")
    manifest = Manifest(**said)
    if _hash_or_missing(folder, SUMS) != manifest.sums:
        raise damaged(folder, SUMS)
    return manifest, dict(_lines(folder))


def check(folder: Path, sums: dict[str, str]) -> None:
    """Read every file. Raises BackupError for the first that is not as it was."""
    for path, sha256 in sums.items():
        if _hash_or_missing(folder, path) != sha256:
            raise damaged(folder, path)


def damaged(folder: Path, path: str) -> BackupError:
    return BackupError(f"The backup in {folder} is damaged: {path} is not as it was. Nothing was changed.")


def finished(folder: Path) -> list[Path]:
    """The backups in a folder that have an end, the latest first."""
    return sorted((path.parent for path in folder.glob(f"{PREFIX}*/{COMPLETE}")), reverse=True)


def chosen(folder: Path) -> Path:
    """The backup that is meant: the folder itself, or the latest of those in it. Raises BackupError."""
    if (folder / COMPLETE).exists() or (folder / MANIFEST).exists():
        return folder
    if candidates := finished(folder):
        libraries = {read(candidate)[0].library for candidate in candidates}
        if len(libraries) > 1:
            raise BackupError(f"{folder} holds backups of several libraries. Name one of the folders in it.")
        return candidates[0]
    begun = next(folder.glob(f"{PREFIX}*{UNFINISHED}"), None)
    return begun or folder  # which read() refuses


def _lines(folder: Path) -> Iterator[tuple[str, str]]:
    for line in _content(folder, SUMS).decode().splitlines():
        sha256, _, path = line.partition("  ")
        if not _is_ours(path):
            raise BackupError(f"The backup in {folder} is none of Kith's: it holds {path!r}. Nothing was changed.")
        yield path, sha256


def _is_ours(path: str) -> bool:
    """Whether a path stays within the backup: it will be written to."""
    parts = PurePosixPath(path).parts
    return path == DUMP or (len(parts) > 1 and parts[0] == MEDIA and ".." not in parts)


def _hash_or_missing(folder: Path, path: str) -> str:
    try:
        return sha256_of(folder / path)
    except OSError:  # a disk that cannot be read is as bad as a file that is not there
        return ""


def _content(folder: Path, path: str) -> bytes:
    try:
        return (folder / path).read_bytes()
    except OSError as error:
        raise damaged(folder, path) from error


def _write_flushed(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    with new_file(path) as file:
        file.write(text.encode())
        file.flush()
        os.fsync(file.fileno())


def new_file(path: Path) -> BinaryIO:
    """A file, to be written, that nobody else may read."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def total_bytes(paths: Iterable[Path]) -> int:
    return sum(path.stat().st_size for path in paths)
