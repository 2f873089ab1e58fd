"""A thousand sign-ins at once: how much memory web takes for them, and whether guessing is stopped: `make sign-ins`.

    python -m tools.sign_ins [--tries 1000] [--at-once 20 1000] [--json FILE]

Wrong passwords for as many different names, so that each is hashed and none is locked out; then ten for the owner.
"""

import argparse
import http.client
import json
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urlencode

import psutil

from tests.services import KEPT
from tools.faults import library
from tools.faults.running import Running, running

MOST_MORE = 300  # MB of web, over what it takes once it has answered one after the other
WARMING = 40  # tries, so that each process has loaded what it loads with its first answers
LOCKED_AFTER = 10
PATIENCE = 600  # seconds for an answer: a thousand wait in line for a few threads
LOOK_EVERY = 0.05


@dataclass
class Figure:
    """answers: by status; 0 where the connection was refused or broke. started: MB that web took before it answered
    anything; before: after some tries, one after the other. more: at most, over the latter."""

    at_once: int
    tries: int
    answers: dict[int, int] = field(default_factory=dict)
    seconds: float = 0
    started: float = 0
    before: float = 0
    more: float = 0
    is_locked: bool = False

    @property
    def is_met(self) -> bool:
        return self.more <= MOST_MORE and self.is_locked and set(self.answers) <= {422, 429, 503}


class Memory(threading.Thread):
    """Looks again and again at how much memory all processes of web take together."""

    def __init__(self, kith: Running) -> None:
        super().__init__(daemon=True)
        self.most = 0.0
        self._kith = kith
        self._is_over = threading.Event()

    def now(self) -> float:
        """Megabytes; what processes share counts once in each."""
        leader = self._kith.leader("web")
        found = 0
        for process in [leader, *leader.children(recursive=True)] if leader else []:
            try:
                found += process.memory_info().rss
            except psutil.Error:
                continue
        return found / 1e6

    def run(self) -> None:
        while not self._is_over.wait(LOOK_EVERY):
            self.most = max(self.most, self.now())

    def end(self) -> None:
        self._is_over.set()
        self.join()


def sign_in(port: int, name: str, password: str) -> int:
    """The status of one try, by a browser that was never here."""
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        connection.request("GET", "/sign-in/")
        page = connection.getresponse()
        page.read()
        token = SimpleCookie(page.getheader("Set-Cookie", ""))["csrftoken"].value
        fields = urlencode({"username": name, "password": password, "csrfmiddlewaretoken": token})
        headers = {"Cookie": f"csrftoken={token}", "Content-Type": "application/x-www-form-urlencoded"}
        connection.request("POST", "/sign-in/", fields, headers)
        answer = connection.getresponse()
        answer.read()
        connection.close()
    except (OSError, http.client.HTTPException, KeyError):
        return 0
    return answer.status


def measure(kith: Running, *, tries: int, at_once: int) -> Figure:
    memory = Memory(kith)
    figure = Figure(at_once, tries, started=round(memory.now(), 1))
    for number in range(WARMING):
        sign_in(kith.port, f"nobody at first {at_once} {number}", "wrong")
    figure.before = round(memory.now(), 1)
    memory.start()
    begun = time.monotonic()
    with ThreadPoolExecutor(at_once) as threads:
        statuses = list(threads.map(lambda n: sign_in(kith.port, f"nobody {at_once} {n}", "wrong"), range(tries)))
    figure.seconds = round(time.monotonic() - begun, 1)
    memory.end()
    figure.more = round(memory.most - figure.before, 1)
    figure.answers = dict(sorted(Counter(statuses).items()))
    for _ in range(LOCKED_AFTER):
        sign_in(kith.port, library.OWNER, "wrong")
    figure.is_locked = sign_in(kith.port, library.OWNER, library.PASSWORD) == 429
    return figure


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tries", type=int, default=1000)
    parser.add_argument("--at-once", type=int, nargs="+", default=[20, 1000])
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="kith-sign-ins-", dir="/var/tmp", ignore_cleanup_errors=True) as folder:
        library.use(Path(folder) / "home", KEPT / "models")
        with running(Path(folder), models=KEPT / "models") as kith:
            library.have_owner()
            figures = [measure(kith, tries=options.tries, at_once=at_once) for at_once in options.at_once]
    written = json.dumps([asdict(figure) for figure in figures], indent=1)
    print(written)
    if options.json:
        options.json.write_text(written + "\n")
    return 0 if all(figure.is_met for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
