"""KITH_HOME: the folder that holds everything one Kith keeps, and what lies where in it."""

import os
import secrets
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from config.embedded.errors import EmbeddedError

# The kernel's limit on a Unix socket's path: 107 bytes on Linux, 103 on macOS.
MAX_SOCKET_PATH = 103
_LONGEST_SOCKET = "postgres/.s.PGSQL.5432"


def default_home() -> Path:
    """Return where Kith keeps its data when KITH_HOME does not say."""
    if os.geteuid() == 0:
        return Path("/var/lib/kith")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "Kith"
    data_home = os.environ.get("XDG_DATA_HOME", "")
    # The XDG specification tells us to ignore a relative path.
    base = Path(data_home) if data_home.startswith("/") else Path.home() / ".local" / "share"
    return base / "kith"


@dataclass(frozen=True)
class Home:
    """The layout of one KITH_HOME. Making folders and secrets is idempotent."""

    path: Path

    @property
    def postgres(self) -> Path:
        """What the account of PostgreSQL owns: the cluster, nothing else."""
        return self.path / "postgres"

    @property
    def cluster(self) -> Path:
        """The data directory, named for the major version that can read it."""
        return self.postgres / "18"

    @property
    def valkey(self) -> Path:
        return self.path / "valkey"

    @property
    def run(self) -> Path:
        return self.path / "run"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def metrics(self) -> Path:
        """What each process counted, for the one that is asked to add up."""
        return self.run / "metrics"

    @property
    def programs(self) -> Path:
        """Copies of programs that the account of PostgreSQL cannot reach where they are."""
        return self.path / "programs"

    def make(self) -> None:
        """Make the folder and its common parts."""
        # As root PostgreSQL runs as another user, who must pass through but not look around.
        passage = 0o711 if os.geteuid() == 0 else 0o700
        try:
            make_folder(self.path, passage)
            make_folder(self.run, passage)
            make_folder(self.logs, 0o700)
        except PermissionError as error:
            raise EmbeddedError(
                f"Kith may not write to {error.filename}. Give that folder to the user who runs"
                " Kith, or set KITH_HOME to a folder of your own."
            ) from error

    def sockets(self) -> Path:
        """Return the folder of the sockets: `run`, or a short one if `run` lies too deep."""
        if len(os.fsencode(self.run / _LONGEST_SOCKET)) <= MAX_SOCKET_PATH:
            return self.run
        return Path(self._kept(self.run / "sockets-are-in", _short_folder))

    def secret(self, name: str) -> str:
        """Return the secret kept under this name, making it on first use."""
        return self._kept(self.path / name, lambda: secrets.token_urlsafe(48))

    def _kept(self, path: Path, value: Callable[[], str]) -> str:
        if not path.exists():
            self.make()
            _write_once(path, value())
        try:
            return path.read_text().strip()
        except PermissionError as error:
            raise EmbeddedError(
                f"{path} belongs to another user: run Kith as the user who owns {self.path},"
                " or set KITH_HOME to a folder of your own."
            ) from error


def make_folder(path: Path, mode: int) -> None:
    """Make a folder with exactly this mode; one that is there already stays as it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        path.mkdir()
    except FileExistsError:
        return
    path.chmod(mode)  # mkdir's own mode is cut by the umask


def _short_folder() -> str:
    # /tmp is open to all, but nobody can have taken a name they cannot guess.
    return f"/tmp/kith-{secrets.token_hex(8)}"  # noqa: S108


def _write_once(path: Path, text: str) -> None:
    # mkstemp makes the file 0600, and link refuses an existing name: of two processes
    # started at once one wins, and both then read the same whole text.
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    with os.fdopen(handle, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(temporary, path)
    except FileExistsError:
        pass
    finally:
        Path(temporary).unlink()
