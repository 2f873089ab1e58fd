"""A browser without a screen: signs in, sends photos and forms, and asks again until it is answered."""

import http.client
import json
import time
import urllib.parse
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookies import SimpleCookie
from typing import Any

ANSWER_SECONDS = 90
PATIENCE_SECONDS = 180
PAUSE_SECONDS = 0.3
ACKNOWLEDGED = (200, 201, 202, 204, 302)


class Unanswered(Exception):
    """Kith did not say yes for longer than anybody waits."""


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes

    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found


class Client:
    def __init__(self, port: int, username: str, password: str) -> None:
        self.port = port
        self.server_errors = 0  # answers of 500: pages that broke, not pages that say "later"
        self._cookies: dict[str, str] = {}
        self._request("GET", "/sign-in/")
        answer = self.post("/sign-in/", {"username": username, "password": password})
        if answer.status != 302:
            raise Unanswered(f"Not signed in: {answer.status}")

    def post(self, path: str, fields: Mapping[str, str], *, file: tuple[str, bytes] | None = None) -> Answer:
        """Send a form until it is taken. Each of them may be sent twice without harm."""
        body, kind = _multipart(fields, file)
        end = time.monotonic() + PATIENCE_SECONDS
        last: object = None
        while time.monotonic() < end:
            try:
                answer = self._request("POST", path, body, {"Content-Type": kind})
            except (OSError, http.client.HTTPException) as error:
                last = error
            else:
                if answer.status in ACKNOWLEDGED or answer.status == 422:
                    return answer
                self.server_errors += answer.status == 500
                last = answer.status
            time.sleep(PAUSE_SECONDS)
        raise Unanswered(f"{path}: {last}")

    def open_batch(self, title: str, expected: int) -> int:
        return int(self.post("/batches/", {"title": title, "expected": str(expected)}).json()["id"])

    def upload(self, batch: int, name: str, content: bytes) -> Answer:
        return self.post(f"/batches/{batch}/files/", {"name": name}, file=(name, content))

    def break_off(self, batch: int, name: str, content: bytes, share: float) -> None:
        """Begin to send a photo and hang up after some share of it."""
        body, kind = _multipart({"name": name}, (name, content))
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_SECONDS)
        try:
            connection.putrequest("POST", f"/batches/{batch}/files/")
            headers = self._headers() | {"Content-Type": kind, "Content-Length": str(len(body))}
            for header, value in headers.items():
                connection.putheader(header, value)
            connection.endheaders()
            connection.send(body[: int(len(body) * share)])
        except OSError:
            pass
        finally:
            connection.close()

    def gets_a_page(self) -> bool:
        try:
            return self._request("GET", "/").status == 200
        except (OSError, http.client.HTTPException):
            return False

    def _request(self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_SECONDS)
        try:
            connection.request(method, path, body, self._headers() | dict(headers or {}))
            response = connection.getresponse()
            for name, value in response.getheaders():
                if name.lower() == "set-cookie":
                    self._cookies |= {key: morsel.value for key, morsel in SimpleCookie(value).items()}
            return Answer(response.status, response.read())
        finally:
            connection.close()

    def _headers(self) -> dict[str, str]:
        cookies = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        return {"Cookie": cookies, "X-CSRFToken": self._cookies.get("csrftoken", "")}


def _multipart(fields: Mapping[str, str], file: tuple[str, bytes] | None) -> tuple[bytes, str]:
    if file is None:
        return urllib.parse.urlencode(fields).encode(), "application/x-www-form-urlencoded"
    edge = uuid.uuid4().hex
    parts = [
        f'--{edge}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    name, content = file
    head = f'--{edge}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
    parts += [f"{head}Content-Type: image/jpeg\r\n\r\n".encode(), content, f"\r\n--{edge}--\r\n".encode()]
    return b"".join(parts), f"multipart/form-data; boundary={edge}"
