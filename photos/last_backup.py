"""When the last backup was made: a note in Kith's home, which the status page reads."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from photos.storage import write_whole

NOTE = "last-backup"


@dataclass(frozen=True)
class LastBackup:
    """made_at: ISO 8601 with its zone. byte_count: what lies in it, files shared with earlier ones included."""

    made_at: str
    photo_count: int
    byte_count: int

    @property
    def at(self) -> datetime:
        return timezone.localtime(datetime.fromisoformat(self.made_at))


def last_backup() -> LastBackup | None:
    """The backup made last; None if none was, or nobody can read the note."""
    try:
        return LastBackup(**json.loads(_note().read_text()))
    except (OSError, ValueError, TypeError):
        return None


def note_backup(backup: LastBackup) -> None:
    write_whole(_note(), json.dumps(asdict(backup)))


def _note() -> Path:
    return Path(settings.KITH_HOME) / NOTE
