"""Homes for tests that start real servers."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from config.embedded import EmbeddedServices, Home, running
from config.embedded.process import processes_in
from config.supervisor import end_leftovers


@pytest.fixture
def kith_home() -> Iterator[Path]:
    """An empty place for a KITH_HOME, which is cleaned of servers and files in the end.

    pytest's own tmp_path is closed to others, and as root PostgreSQL is another user.
    """
    with open_folder() as folder:
        yield folder / "home"


@pytest.fixture
def services(kith_home: Path) -> Iterator[EmbeddedServices]:
    """Both services, started."""
    services = EmbeddedServices(kith_home)
    services.start()
    yield services
    services.stop()


@pytest.fixture(scope="module")
def shared_services() -> Iterator[EmbeddedServices]:
    """Both services, for tests that neither stop nor damage them."""
    with open_folder() as folder, running(folder / "home") as services:
        yield services


@contextmanager
def open_folder() -> Iterator[Path]:
    """Give a folder that every user may pass through, and clean up what runs there."""
    folder = Path(tempfile.mkdtemp(prefix="kith-test-", dir=_place()))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        _clean_up(folder / "home")
        shutil.rmtree(folder, ignore_errors=True)


def _place() -> str:
    """A folder everybody may enter: in memory if there is room, for making a cluster is fsyncs."""
    memory = Path("/dev/shm")
    if memory.is_dir():
        status = os.statvfs(memory)
        if status.f_bavail * status.f_frsize > 2 * 1024**3 and not status.f_flag & os.ST_NOEXEC:
            return str(memory)
    return "/tmp"


def _clean_up(home: Path) -> None:
    end_leftovers(home)
    for process in all_servers(home):
        with suppress(psutil.NoSuchProcess):
            process.kill()
            process.wait(10)
    if (remembered := home / "run" / "sockets-are-in").exists():
        shutil.rmtree(remembered.read_text(), ignore_errors=True)


def all_servers(home: Path) -> list:
    layout = Home(home.resolve())
    found = []
    if layout.cluster.exists():
        found += processes_in(layout.cluster, "postgres")
    if layout.valkey.exists():
        found += processes_in(layout.valkey, "valkey-server")
    return found


def mode_of(path: Path) -> int:
    return path.stat().st_mode & 0o777


as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user as well")
