"""Pages for fifty people while the workers are busy, and what becomes of Kith when there are two hundred (G7)."""

import threading
import time
from dataclasses import dataclass

from tools.faults import library, pictures
from tools.faults.client import Client
from tools.faults.running import Running
from tools.load.crowd import Answers, visit

PHOTOS, FACES = 20_000, 40_000
FIFTY, TOO_MANY = 50, 200
TOO_MANY_SECONDS = 60
TOO_MANY_JOIN = 10  # a second: they come at once
P95_MS, P99_MS, NORMAL_SECONDS = 400, 1000, 30
NORMAL_MS = 400
SENT_PER_SECOND = 1.0  # photos with faces: about what a worker beside the pages keeps up with


@dataclass
class Load:
    """answers: of fifty people. crowded: of two hundred, for a minute. normal_after: seconds since they have gone."""

    minutes: float
    answers: Answers
    sent: int
    crowded: Answers
    normal_after: float

    @property
    def is_good(self) -> bool:
        fifty = self.answers
        is_quick = fifty.p95 <= P95_MS and fifty.p99 <= P99_MS
        return is_quick and fifty.server_errors == 0 and self.normal_after <= NORMAL_SECONDS


class Sender(threading.Thread):
    """Keeps the workers busy: sends a photo of a face every second until it is told to stop."""

    def __init__(self, kith: Running) -> None:
        super().__init__()
        self.sent = 0
        self._client = Client(kith.port, library.OWNER, library.PASSWORD)
        self._stop = threading.Event()

    def run(self) -> None:
        batch = self._client.open_batch("Meanwhile", 0)
        while not self._stop.wait(1 / SENT_PER_SECOND):
            picture = pictures.portrait(self.sent)
            self._client.upload(batch, picture.name, picture.content)
            self.sent += 1

    def stop(self) -> None:
        self._stop.set()
        self.join()


def measure(kith: Running, minutes: float) -> Load:
    invent_library()
    sender = Sender(kith)
    sender.start()
    answers = visit(kith, people=FIFTY, seconds=minutes * 60)
    crowded = visit(kith, people=TOO_MANY, seconds=TOO_MANY_SECONDS, join=TOO_MANY_JOIN)
    normal_after = seconds_until_normal(kith)
    sender.stop()
    return Load(minutes, answers, sender.sent, crowded, normal_after)


def invent_library() -> None:
    from accounts.models import User
    from people.invented_library import make_library

    make_library(User.objects.get(username=library.OWNER), photos=PHOTOS, faces=FACES, seed=1, report=print)


def seconds_until_normal(kith: Running) -> float:
    """How long until three pages in a row come as soon as they should."""
    client = Client(kith.port, library.OWNER, library.PASSWORD)
    began = time.monotonic()
    in_a_row = 0
    while in_a_row < 3:
        start = time.monotonic()
        is_page = client.gets_a_page()
        in_a_row = in_a_row + 1 if is_page and (time.monotonic() - start) * 1000 <= NORMAL_MS else 0
    return round(time.monotonic() - began, 1)
