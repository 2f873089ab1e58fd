"""Collects the static files when they have changed, since compressing them takes seconds."""

import hashlib
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.contrib.staticfiles.storage import HashedFilesMixin
from django.core.management import call_command
from whitenoise.storage import CompressedManifestStaticFilesStorage  # type: ignore[import-untyped]


class HashedStaticStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # untyped
    """Names of files bear the hash of their content, also where one of our modules imports another.

    Django's own rule would ask for semicolons, and stumble over other people's modules that a build should find.
    """

    patterns = (
        *HashedFilesMixin.patterns,
        ("js/*.js", ((r"""(?P<matched>from "(?P<url>\./[^"]+)")""", 'from "%(url)s"'),)),
    )

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self._urls: dict[str, str] = {}

    def url(self, name: str, force: bool = False) -> str:
        """The manifest does not change while a process runs, and a page names a hundred files, most of them icons."""
        if force or name not in self._urls:
            self._urls[name] = super().url(name, force)
        return self._urls[name]


def collect_if_changed() -> bool:
    """Collect the static files into STATIC_ROOT unless they are there; return whether it did."""
    root = Path(settings.STATIC_ROOT)
    note = root / ".collected"
    current = _fingerprint()
    if note.exists() and note.read_text() == current:
        return False
    call_command("collectstatic", interactive=False, verbosity=0, clear=True)
    note.write_text(current)
    return True


def _fingerprint() -> str:
    """A digest of every file's name, size and time, and of how they are stored."""
    digest = hashlib.sha256(repr(settings.STORAGES["staticfiles"]).encode())
    for finder in get_finders():
        for path, storage in sorted(finder.list([]), key=lambda found: found[0]):
            status = Path(storage.path(path)).stat()
            digest.update(f"{path}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
    return digest.hexdigest()
