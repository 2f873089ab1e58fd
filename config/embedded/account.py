"""Which user PostgreSQL runs as: it refuses to be root, so root lends it an account."""

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from config.embedded.errors import EmbeddedError

SYSTEM_USER = "kith"


@dataclass(frozen=True)
class Account:
    name: str
    uid: int
    gid: int

    def owns(self, path: Path) -> bool:
        return path.stat().st_uid == self.uid

    def first_closed_folder(self, path: Path) -> Path | None:
        """Return the outermost folder on the way to `path` that the account cannot enter."""
        for folder in [*reversed(path.parents), path]:
            if folder.is_dir() and not self._may_enter(folder):
                return folder
        return None

    def _may_enter(self, folder: Path) -> bool:
        # Mode bits only. An access list may say otherwise; then we copy a few
        # megabytes for nothing, or ask for another folder.
        status = folder.stat()
        if status.st_uid == self.uid:
            return bool(status.st_mode & 0o100)
        if status.st_gid == self.gid:
            return bool(status.st_mode & 0o010)
        return bool(status.st_mode & 0o001)


def server_account(cluster: Path) -> Account | None:
    """Return the account for the server of this data directory, None for our own."""
    if os.geteuid() != 0:
        return None
    if cluster.exists() and (owner := cluster.stat().st_uid) != 0:
        # A library that an ordinary user made, or whose `kith` had another number.
        return Account(name=str(owner), uid=owner, gid=cluster.stat().st_gid)
    return _system_account() or _make_system_account()


def _system_account() -> Account | None:
    try:
        entry = pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        return None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _make_system_account() -> Account:
    useradd = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if useradd:
        options = ["--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
        subprocess.run(  # noqa: S603  no part of it comes from outside
            [useradd, *options, "--shell", "/usr/sbin/nologin", SYSTEM_USER],
            capture_output=True,
            check=False,  # another `up` may have made it meanwhile: only the outcome counts
        )
    account = _system_account()
    if account is None:
        raise EmbeddedError(
            f"PostgreSQL will not run as root, and the user '{SYSTEM_USER}' for it could not be"
            f" made. Run Kith as an ordinary user, or make a system user named '{SYSTEM_USER}'."
        )
    return account
