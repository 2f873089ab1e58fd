"""Hurts a running Kith for minutes while clients send photos, and looks what it made of it: `make soak`.

Every client sends its photos until each is acknowledged, some of them twice, and now and then hangs up in the middle.
Meanwhile processes are killed, frozen and ended at random. After the last harm Kith has two minutes to finish.
"""

import argparse
import json
import random
import tempfile
import threading
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.services import KEPT
from tools.faults import library, pictures
from tools.faults.client import Client
from tools.faults.running import Running, running

CLIENTS = 8
SETTLED_SECONDS = 120  # the goal; longer is a failure, and how much longer is of interest
PATIENCE_SECONDS = 600
SENT_TWICE, CUT_OFF = 0.05, 0.05  # of all photos


@dataclass
class Result:
    """What a soak came to. settled: seconds from the last harm until all work was done."""

    seed: int
    minutes: float
    harms: dict[str, int] = field(default_factory=dict)
    acknowledged: int = 0
    cut_off: int = 0
    server_errors: int = 0
    settled: float | None = None
    problems: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        return not (self.problems or self.left) and self.settled is not None and self.settled <= SETTLED_SECONDS


class Sender(threading.Thread):
    """One client with its share of the photos, spread over the time there is."""

    def __init__(self, port: int, batch: int, sent: list[pictures.Picture], seconds: float, seed: int) -> None:
        super().__init__(name=f"client {seed}")
        self.acknowledged: dict[str, str] = {}
        self.cut_off = 0
        self.trouble: list[str] = []
        self.client = Client(port, library.OWNER, library.PASSWORD)
        self._batch, self._pictures, self._seconds = batch, sent, seconds
        self._chance = random.Random(seed)  # noqa: S311

    def run(self) -> None:
        began = time.monotonic()
        for number, picture in enumerate(self._pictures):
            due = began + self._seconds * number / len(self._pictures)
            time.sleep(max(0.0, due - time.monotonic()))
            try:
                self._send(picture)
            except Exception as error:
                self.trouble.append(f"{picture.name}: {error}")

    def _send(self, picture: pictures.Picture) -> None:
        if self._chance.random() < CUT_OFF:
            self.cut_off += 1
            self.client.break_off(self._batch, picture.name, picture.content, self._chance.uniform(0.1, 0.99))
        for _ in range(2 if self._chance.random() < SENT_TWICE else 1):
            answer = self.client.upload(self._batch, picture.name, picture.content)
            if answer.status not in (200, 201):
                raise RuntimeError(f"{answer.status} {answer.body[:200]!r}")
            self.acknowledged[picture.sha256] = picture.kind


def soak(kith: Running, *, seed: int, minutes: float, photos: int, harms: int) -> Result:
    library.have_owner()
    faces, acknowledged = _undisturbed(kith)
    result = Result(seed, minutes)
    seconds = minutes * 60
    batch = Client(kith.port, library.OWNER, library.PASSWORD).open_batch("Soak", photos)
    shares = [[pictures.mixed(number) for number in range(start, photos, CLIENTS)] for start in range(CLIENTS)]
    senders = [Sender(kith.port, batch, share, seconds, seed * 100 + n) for n, share in enumerate(shares)]
    for sender in senders:
        sender.start()
    chance = random.Random(seed)  # noqa: S311
    result.harms = dict(_harm(kith, chance, seconds, harms))
    hurt_last = time.monotonic()
    for sender in senders:
        sender.join()
        acknowledged |= sender.acknowledged
        result.cut_off += sender.cut_off
        result.server_errors += sender.client.server_errors
        result.problems += sender.trouble
    if library.seconds_until_settled(PATIENCE_SECONDS) is not None:
        result.settled = round(time.monotonic() - hurt_last, 1)
    result.acknowledged = len(acknowledged)
    result.problems += [*library.unfinished_work(), *library.problems(acknowledged, faces=faces)]
    return result


def _undisturbed(kith: Running) -> tuple[dict[str, int], dict[str, str]]:
    """How many faces pictures of each kind have when nothing is hurt, and what was sent for that."""
    client = Client(kith.port, library.OWNER, library.PASSWORD)
    some = [*(pictures.portrait(number) for number in range(len(pictures.PORTRAITS))), pictures.drawn()]
    batch = client.open_batch("Before", len(some))
    for picture in some:
        client.upload(batch, picture.name, picture.content)
    if library.seconds_until_settled(PATIENCE_SECONDS) is None:
        raise RuntimeError(f"Not done even undisturbed: {library.unfinished_work()}")
    sent = {picture.sha256: picture.kind for picture in some}
    return library.faces_by_kind(sent), sent


def _harm(kith: Running, chance: random.Random, seconds: float, count: int) -> Counter[str]:
    """Hurt Kith so often in so many seconds, at random times, each kind about as often; return what was done."""
    from tools.faults.harm import HARMS

    began = time.monotonic()
    done: Counter[str] = Counter()
    waiting: list[str] = []
    for moment in sorted(chance.uniform(0, seconds) for _ in range(count)):
        time.sleep(max(0.0, began + moment - time.monotonic()))
        is_done = False
        while not is_done:  # nothing to hurt: it is just starting again
            waiting = waiting or chance.sample(sorted(HARMS), len(HARMS))
            name = waiting.pop()
            is_done = HARMS[name](kith, chance)
            if is_done:
                done[name] += 1
                print(f"{time.monotonic() - began:6.1f} s  {name}", flush=True)
            else:
                time.sleep(0.5)
    return done


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--photos", type=int, default=1000)
    parser.add_argument("--harms", type=int, default=60)
    parser.add_argument("--json", type=Path, help="write the figures into this file")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kith-soak-", dir="/var/tmp", ignore_cleanup_errors=True) as folder:
        library.use(Path(folder) / "home", KEPT / "models")
        with running(Path(folder), models=KEPT / "models") as kith:
            given = {"minutes": options.minutes, "photos": options.photos, "harms": options.harms}
            result = soak(kith, seed=options.seed, **given)
            result.left, result.failed = library.leftovers(), library.failed_photos()
            said = kith.said()
    if options.json:
        options.json.write_text(json.dumps(asdict(result), indent=1) + "\n")
    harms, kinds = sum(result.harms.values()), len(result.harms)
    print(f"{harms} harms of {kinds} kinds; {result.acknowledged} photos acknowledged, {result.cut_off} cut off once.")
    print(f"All work was done {result.settled} s after the last harm. Failed photos: {len(result.failed)}.")
    print(f"Answers of 500: {result.server_errors}. Problems: {len(result.problems)}. Files left: {len(result.left)}.")
    print(*result.problems, *result.left, *result.failed, sep="\n")
    if not result.is_good:
        print(said[-40_000:])
        raise SystemExit(1)


if __name__ == "__main__":
    main()
