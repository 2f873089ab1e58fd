"""Requests no browser sends, by raw sockets to the web server that manage.py up starts."""

import http.client
import os
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client

from config.embedded import EmbeddedServices
from config.management.commands.up import _web
from photos.media_folder import MARK
from photos.models import Batch, Photo
from tests.factories import make_batch, make_user
from tests.pictures import drawing, encoded
from tests.services import HOME, ROOT

ANSWER_SECONDS = 60
END = b"\r\n--b--\r\n"
FORM = "multipart/form-data; boundary=b"

pytestmark = pytest.mark.django_db(transaction=True)


@dataclass
class Web:
    """A running web server, and whoever is signed in to it."""

    port: int
    home: Path
    cookies: str
    token: str
    batch: Batch

    @property
    def path(self) -> str:
        return f"/batches/{self.batch.pk}/files/"

    def ask(self, head: str, body: bytes = b"", *, close: bool = True) -> int:
        """Send a request as it is; return the status of the answer, 0 for none."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=ANSWER_SECONDS) as connected:
            connected.sendall(head.replace("\n", "\r\n").encode() + b"\r\n\r\n")
            try:
                connected.sendall(body)
                if close:
                    connected.shutdown(socket.SHUT_WR)
            except OSError:  # it answered before it had all of it
                pass
            try:
                line = connected.makefile("rb").readline()
            except OSError:
                return 0
        return int(line.split()[1]) if line else 0

    def head(self, *, type: str | None = FORM, length: object = None, path: str = "", more: str = "") -> str:
        lines = [
            f"POST {path or self.path} HTTP/1.1", f"Host: 127.0.0.1:{self.port}", f"Cookie: {self.cookies}",
            f"X-CSRFToken: {self.token}", "Connection: close",
        ]  # fmt: skip
        lines += [f"Content-Type: {type}"] if type is not None else []
        lines += [f"Content-Length: {length}"] if length is not None else []
        return "\n".join(lines) + more

    def post(self, body: bytes, *, path: str = "") -> int:
        return self.ask(self.head(length=len(body), path=path), body)

    def left(self) -> list[Path]:
        """What lies in the folders of uploads and of temporary files, without gunicorn's own."""
        found = [*(self.home / "media").rglob("*"), *(self.home / "tmp").rglob("*")]
        return [path for path in found if path.is_file() and path.name != MARK and "originals" not in path.parts]


def part(content: bytes, name: str = "a.jpg", field: str = "file") -> bytes:
    head = f'--b\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\n\r\n'
    return head.encode() + content


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _database_url() -> str:
    """That of the services, for the database of the tests."""
    url = EmbeddedServices(HOME).database_url
    return re.sub(r"/[^/?]*(\?|$)", rf"/{connection.settings_dict['NAME']}\1", url, count=1)


@pytest.fixture
def web(tmp_path, transactional_db) -> Iterator[Web]:
    home, port = tmp_path / "home", _free_port()
    (home / "tmp").mkdir(parents=True)
    environment = dict(os.environ) | {
        "KITH_HOME": str(home), "TMPDIR": str(home / "tmp"), "KITH_SECRET_KEY": settings.SECRET_KEY,
        "DATABASE_URL": _database_url(), "REDIS_URL": settings.CELERY_BROKER_URL, "KITH_MAX_ARCHIVE_MB": "250",
    }  # fmt: skip
    alice = make_user(username="alice")
    client = Client()
    client.force_login(alice)
    client.get("/upload/")
    cookies = "; ".join(f"{name}={morsel.value}" for name, morsel in client.cookies.items())
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(_web("127.0.0.1", port), cwd=ROOT, env=environment, stdout=log, stderr=log)
    try:
        _wait_until_ready(port, process, tmp_path / "log")
        yield Web(port, home, cookies, client.cookies["csrftoken"].value, make_batch(alice))
    finally:
        process.terminate()
        process.wait(30)


def _wait_until_ready(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        asked = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            asked.request("GET", "/healthz")
            if asked.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.1)
        finally:
            asked.close()
    pytest.fail(log.read_text())


def test_requests_that_are_wrong_are_refused_in_good_time_and_leave_nothing(web):
    photo = part(encoded(drawing())) + END
    fields = b"".join(b'--b\r\nContent-Disposition: form-data; name="f"\r\n\r\nx\r\n' for _ in range(10_000))
    many = b"".join(part(b"x", f"{n}.jpg", "files") + b"\r\n" for n in range(5_000))
    chunked = "\nTransfer-Encoding: chunked"
    too_large = part(b"\xff\xd8\xff" + bytes(settings.KITH_MAX_FILE_BYTES)) + END
    answers = {
        "larger than a photo may be": web.post(too_large),
        "says that it is larger than an archive may be": web.ask(web.head(length=300 * 1024**2), close=False),
        "says that it has 10 exabytes": web.ask(web.head(length=10**19), close=False),
        "10,000 fields": web.post(fields + b"--b--\r\n"),
        "5,000 files": web.post(many + b"--b--\r\n", path="/upload/"),
        "5,000 files at once for a batch": web.post(many + b"--b--\r\n"),
        "shorter than it says": web.ask(web.head(length=len(photo)), photo[:-1_000]),
        "longer than it says": web.ask(web.head(length=len(photo) // 2), photo),
        "a length below 0": web.ask(web.head(length=-5), photo),
        "a length of words": web.ask(web.head(length="many"), photo),
        "no length": web.ask(web.head(), photo),
        "two lengths": web.ask(web.head(length=5, more="\nContent-Length: 6"), photo),
        "a length, and chunks": web.ask(web.head(length=5, more=chunked), b"zz\r\n"),
        "chunks of no size": web.ask(web.head(more=chunked), b"zz\r\nhello\r\n0\r\n\r\n"),
        "no boundary": web.ask(web.head(type="multipart/form-data", length=len(photo)), photo),
        "an empty boundary": web.ask(web.head(type="multipart/form-data; boundary=", length=len(photo)), photo),
        "another boundary": web.ask(web.head(type="multipart/form-data; boundary=c", length=len(photo)), photo),
        "no content type": web.ask(web.head(type=None, length=len(photo)), photo),
        "a part without an end": web.post(part(encoded(drawing()))),
        "a part without a name": web.post(b"--b\r\nContent-Disposition: form-data\r\n\r\nx" + END),
        "a part in base64 that is none": web.post(
            b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n'
            b"Content-Transfer-Encoding: base64\r\n\r\n=!=!=!" + END
        ),
        "a name that ends the header": web.post(part(b"x", 'a.jpg"\r\nX-Injected: 1\r\nY: "') + END),
        "a head of 100 kB": web.ask(web.head(length=1, more="\nX-Long: " + "x" * 100_000), b"x"),
        "no HTTP": web.ask("\x16\x03\x01 hello"),
    }

    assert {what: status for what, status in answers.items() if not 400 <= status < 500} == {}
    assert answers["larger than a photo may be"] == 413
    assert answers["says that it is larger than an archive may be"] == 413
    assert web.left() == []
    assert Photo.objects.count() == 0
    assert web.post(photo) == 201
    assert Photo.objects.count() == 1
