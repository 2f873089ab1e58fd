"""A Kith of its own to break: real PostgreSQL, Valkey, gunicorn and workers in a home that is removed."""

import http.client
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg

from config.embedded import EmbeddedServices
from config.embedded.process import processes_in
from config.management.commands.up import _web, _worker
from tests.config.conftest import open_folder
from tests.pictures import drawing, encoded
from tests.services import KEPT, ROOT

CSRF = "a" * 32

SET_UP = """
import django
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from accounts.models import User
from accounts.sessions import SessionStore
user, _ = User.objects.get_or_create(username="ada", defaults={"face_analysis": User.FaceAnalysis.ON})
session = SessionStore()
session[SESSION_KEY] = str(user.pk)
session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
session[HASH_SESSION_KEY] = user.get_session_auth_hash()
session.save()
print(session.session_key)
"""


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: str
    seconds: float

    @property
    def json(self) -> dict:
        return json.loads(self.body)


class StoreKith:
    """Its services, its programs, and one user who is signed in. To be used from the main thread."""

    def __init__(
        self,
        folder: Path,
        *,
        faces: bool = False,
        megabytes: int = 64,
        settings: str = "tests.stores.settings",
        **environment,
    ):
        self.home = folder / "home"
        self.media = self.home / "media"
        self.services = EmbeddedServices(self.home)
        self.port = _free_port()
        self.programs: dict[str, subprocess.Popen] = {}
        self.commands = {
            "web": _web("127.0.0.1", self.port),
            "io": _worker("io", "-B", f"--schedule={folder / 'beat-schedule'}"),
        }
        if faces:
            self.commands["ml"] = _worker("ml")
        self._megabytes = megabytes  # of the disk for photos, where one may mount
        self._environment = _inherited() | {
            "KITH_HOME": str(self.home),
            "KITH_MODELS": str(KEPT / "models" if faces else folder / "no-models"),
            "DJANGO_SETTINGS_MODULE": settings,
            "PYTHONUNBUFFERED": "1",
            **environment,
        }
        self.session = self.batch = ""
        self.has_own_disk = False

    # --- Start and stop

    def start(self) -> None:
        self.services.start()
        self.has_own_disk = mount_small_disk(self.media, self._megabytes)
        (self.home / "static").mkdir(exist_ok=True)  # WhiteNoise warns when it is missing
        made = subprocess.check_output([sys.executable, "-c", SET_UP], cwd=ROOT, env=self._environment, text=True)
        self.session = made.split()[-1]
        for name in self.commands:
            self.start_program(name)
        self.wait_until(lambda: self.get("/healthz").status == 200, 60)
        self.batch = str(self.post("/batches/", {"title": "", "expected": "1"}).json["upload_url"])

    def start_program(self, name: str, *, under: tuple[str, ...] = ()) -> None:
        logs = self.home / "logs"
        environment = {"KITH_PROGRAM": name, "KITH_LOG_FILE": str(logs / f"{name}.jsonl")}
        with (logs / f"{name}.log").open("a") as log:
            self.programs[name] = subprocess.Popen(
                [*under, *self.commands[name]],
                cwd=ROOT,
                env=self._environment | environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def stop_program(self, name: str) -> None:
        program = self.programs.pop(name)
        with suppress(ProcessLookupError):
            os.killpg(program.pid, signal.SIGTERM)
        try:
            program.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(program.pid, signal.SIGKILL)
            program.wait(10)

    def stop(self) -> None:
        for name in list(self.programs):
            self.stop_program(name)
        self.services.stop()

    # --- What `manage.py up` does all the time

    def heal(self) -> None:
        self.services.restart_ended()
        for name, program in list(self.programs.items()):
            if program.poll() is not None:
                self.start_program(name)

    def wait_until(self, is_so: Callable[[], bool], seconds: float, *, healing: bool = True) -> float:
        """Wait for a state, and return how long it took."""
        started = time.monotonic()
        while not is_so():
            if time.monotonic() - started > seconds:
                raise AssertionError(f"not so within {seconds:.0f} s\n{self.last_lines()}")
            if healing:
                self.heal()
            time.sleep(0.1)
        return time.monotonic() - started

    # --- What is to break

    @property
    def valkey(self) -> list[psutil.Process]:
        return processes_in(self.services.home.valkey, "valkey-server")

    @property
    def postgres(self) -> list[psutil.Process]:
        return processes_in(self.services.home.cluster, "postgres")

    def programs_of(self, name: str) -> list[psutil.Process]:
        program = psutil.Process(self.programs[name].pid)
        return [program, *program.children(recursive=True)]

    def backends(self) -> list[psutil.Process]:
        """The processes of PostgreSQL that serve one connection of Kith each."""
        return [each for each in self.postgres if "kith kith" in _title(each)]

    # --- What users do

    def get(self, path: str, **headers: str) -> Answer:
        return self._ask("GET", path, None, headers)

    def post(self, path: str, fields: dict[str, str], files: dict[str, tuple[str, bytes]] | None = None) -> Answer:
        boundary = secrets.token_hex(8)
        body = _multipart(fields, files or {}, boundary)
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}", "X-CSRFToken": CSRF}
        return self._ask("POST", path, body, headers)

    def upload(self, number: int, *, width: int = 320, name: str = "") -> Answer:
        """Send one picture as the uploader does; each number is another one."""
        content = encoded(drawing(width, width * 3 // 4, seed=number))
        name = name or f"IMG_{number}.jpg"
        return self.post(self.batch, {"name": name}, {"file": (name, content)})

    # --- What is kept

    def rows(self, query: str) -> list[tuple]:
        with psycopg.connect(self.services.database_url, connect_timeout=5) as connection:
            return connection.execute(query).fetchall()

    def photos(self) -> int:
        return self.rows("SELECT count(*) FROM photos_photo")[0][0]

    def waiting(self, *stages: str) -> int:
        listed = ", ".join(f"'{stage}'" for stage in stages or ("derivatives",))
        return self.rows(f"SELECT count(*) FROM photos_photo WHERE stage IN ({listed}) AND failure = ''")[0][0]

    def parts(self) -> list[Path]:
        """Files that are not whole."""
        return [path for path in self.media.rglob("*") if path.suffix in (".part", ".lent")]

    def json_lines(self, program: str) -> list[dict]:
        """What a program has written to its log so far."""
        lines = (self.home / "logs" / f"{program}.jsonl").read_text().splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def last_lines(self) -> str:
        logs = sorted((self.home / "logs").glob("*.log"))
        return "\n".join(f"== {log.name}\n{log.read_text(errors='replace')[-2500:]}" for log in logs)

    def _ask(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Answer:
        started = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        cookies = f"sessionid={self.session}; csrftoken={CSRF}"
        try:
            connection.request(method, path, body, {"Cookie": cookies, **headers})
            answer = connection.getresponse()
            text = answer.read().decode(errors="replace")
            return Answer(answer.status, dict(answer.getheaders()), text, time.monotonic() - started)
        except (OSError, http.client.HTTPException):
            return Answer(0, {}, "", time.monotonic() - started)
        finally:
            connection.close()


@contextmanager
def store_kith(**options) -> Iterator[StoreKith]:
    with open_folder() as folder:
        kith = StoreKith(folder, **options)
        try:
            kith.start()
            yield kith
        finally:
            for process in (*kith.postgres, *kith.valkey):
                with suppress(psutil.NoSuchProcess):
                    process.resume()
            kith.stop()
            if kith.has_own_disk:
                subprocess.run(["umount", "-l", str(kith.media)], check=True)


@contextmanager
def frozen(processes: list[psutil.Process]) -> Iterator[None]:
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.resume()


def kill(processes: list[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(processes, timeout=10)


@contextmanager
def full(disk: Path) -> Iterator[None]:
    """Leave no byte of a disk free."""
    ballast = disk / "ballast"
    try:
        with ballast.open("wb", buffering=0) as file:
            for size in (1 << 16, 1 << 12, 1):
                with suppress(OSError):
                    while True:
                        file.write(bytes(size))
        yield
    finally:
        ballast.unlink()


def mount_small_disk(folder: Path, megabytes: int) -> bool:
    """Mount a disk of this size on a folder; False where this user may not."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    mount = shutil.which("mount")
    command = [str(mount), "-t", "tmpfs", "-o", f"size={megabytes}m,mode=700", "tmpfs", str(folder)]
    return os.geteuid() == 0 and bool(mount) and subprocess.run(command, capture_output=True).returncode == 0


def _title(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""


def _multipart(fields: dict[str, str], files: dict[str, tuple[str, bytes]], boundary: str) -> bytes:
    parts = []
    for name, value in fields.items():
        parts.append(f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode())
    for name, (filename, content) in files.items():
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{filename}"\r\n'
        parts.append(head.encode() + b"Content-Type: image/jpeg\r\n\r\n" + content + b"\r\n")
    return b"".join(parts) + f"--{boundary}--\r\n".encode()


def _inherited() -> dict[str, str]:
    ours = ("KITH_", "DJANGO_", "DATABASE_URL", "REDIS_URL", "PYTEST_", "PROMETHEUS_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
