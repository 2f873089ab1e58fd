"""A Kith of its own, started as a user starts it, and its processes by name, to be killed."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[2]
READY_SECONDS = 300
# What tells the programs of a Kith apart in their command lines; the pool, beat and the rest are children of these.
SIGNS = {
    "web": "gunicorn",
    "io": "io@%h",
    "ml": "ml@%h",
    "training": "training@%h",
    "postgres": "/postgres -D",
    "valkey": "valkey-server",
}


class Running:
    """One `manage.py up`. faults: the folder photos.faults looks into."""

    def __init__(self, home: Path, *, models: Path, faults: Path) -> None:
        self.home, self.faults, self.port = home, faults, _free_port()
        self.log = home.parent / "up.log"
        faults.mkdir(parents=True, exist_ok=True)
        ours = ("KITH_", "DJANGO_", "DATABASE_URL", "REDIS_URL", "PYTEST_")
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        self._environment = inherited | {
            "KITH_HOME": str(home),
            "KITH_MODELS": str(models),
            "KITH_FAULT": f"{faults}/",
            "PYTHONUNBUFFERED": "1",
            "PYTHONFAULTHANDLER": "1",  # says where, should a process end by a segmentation fault
        }
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            command = [sys.executable, "manage.py", "up", "--port", str(self.port)]
            self.process = subprocess.Popen(  # noqa: S603  our own command
                command, cwd=ROOT, env=self._environment, stdout=log, stderr=log
            )
        said = f"Kith is ready: http://127.0.0.1:{self.port}"
        if not until(lambda: said in self.said() and self.leader("ml") is not None, READY_SECONDS):
            raise RuntimeError(f"Kith did not start:\n{self.said()[-5000:]}")

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(60)

    def said(self) -> str:
        return self.log.read_text(errors="replace")

    def leader(self, name: str) -> psutil.Process | None:
        """The main process of a program, if it runs."""
        assert self.process is not None
        return next((each for each in _children(self.process.pid) if SIGNS[name] in _command(each)), None)

    def children(self, name: str) -> list[psutil.Process]:
        """The processes that do the work of a program: of a worker its pool, of web its workers."""
        leader = self.leader(name)
        found = _children(leader.pid) if leader else []
        if name in ("io", "ml", "training"):
            found = [each for each in found if SIGNS[name] in _command(each) and not _is_beat(each)]
        return found

    def beat(self) -> psutil.Process | None:
        leader = self.leader("io")
        return (
            next((each for each in _children(leader.pid) if SIGNS["io"] in _command(each) and _is_beat(each)), None)
            if leader
            else None
        )

    def kill_program(self, name: str, number: signal.Signals = signal.SIGKILL) -> bool:
        """Kill a program with all its processes at once; whether it ran."""
        leader = self.leader(name)
        if leader is None:
            return False
        return _sent(lambda: os.killpg(leader.pid, number))

    def program_of(self, pid: int) -> str:
        """Which program a process belongs to."""
        leader = psutil.Process(os.getpgid(pid))
        return next(name for name, sign in SIGNS.items() if sign in _command(leader))


@contextmanager
def running(folder: Path, *, models: Path) -> Iterator[Running]:
    """A Kith in an empty folder, stopped in the end."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o711)  # PostgreSQL may run as another user
    kith = Running(folder / "home", models=models, faults=folder / "faults")
    try:
        kith.start()
        yield kith
    finally:
        kith.stop()


def until(condition: Callable[[], object], seconds: float, *, pause: float = 0.1) -> bool:
    """Whether a condition holds within some seconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(pause)
    return bool(condition())


def send(process: psutil.Process | None, number: signal.Signals) -> bool:
    """Send a signal to a process; whether it was there."""
    return process is not None and _sent(lambda: process.send_signal(number))


def _sent(action: Callable[[], object]) -> bool:
    try:
        action()
    except (ProcessLookupError, psutil.NoSuchProcess):
        return False
    return True


def _children(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children()
    except psutil.NoSuchProcess:
        return []


def _command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def _is_beat(process: psutil.Process) -> bool:
    """Beat catches SIGINT, a process of Celery's pool ignores it; nothing else tells them apart from outside."""
    try:
        status = Path(f"/proc/{process.pid}/status").read_text()
    except OSError:
        return False
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught.split()[1], 16) & 1 << (signal.SIGINT - 1))


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
