"""Measures how soon a running Kith is well again: `make recovery`.

Workers are ended and killed in the middle of their work, all programs at once, the queue emptied; and photos are sent
that kill, hang or choke whoever decodes them, with good ones behind them.
"""

import argparse
import json
import random
import signal
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.services import KEPT
from tools.faults import library, pictures
from tools.faults.client import Client
from tools.faults.running import Running, running, send, until

SETTLED_SECONDS = 600
PATIENCE = 300.0
TIMES = 10
PHOTOS = 24  # two claims of the ML worker
GOOD = 100

END_SECONDS, WORK_AGAIN_SECONDS, POWER_CUT_SECONDS, WIPE_SECONDS, DELAY_SECONDS = 15, 30, 90, 90, 60
MOST_ATTEMPTS = 3


@dataclass
class Figure:
    """One goal: the worst that was measured, in seconds, and what else went wrong."""

    goal: str
    limit: float
    worst: float = 0.0
    problems: list[str] = field(default_factory=list)

    @property
    def is_met(self) -> bool:
        return self.worst <= self.limit and not self.problems


class Recovery:
    def __init__(self, kith: Running) -> None:
        library.have_owner()
        self.kith = kith
        self.client = Client(kith.port, library.OWNER, library.PASSWORD)
        self.acknowledged: dict[str, str] = {}
        some = [*(pictures.portrait(number) for number in range(len(pictures.PORTRAITS))), pictures.drawn()]
        self.send(some)
        self.settle()
        self.faces = library.faces_by_kind(self.acknowledged)

    def send(self, some: list[pictures.Picture]) -> None:
        batch = self.client.open_batch("Recovery", len(some))
        for picture in some:
            self.client.upload(batch, picture.name, picture.content)
            self.acknowledged[picture.sha256] = picture.kind

    def settle(self) -> float:
        waited = library.seconds_until_settled(SETTLED_SECONDS)
        if waited is None:
            raise RuntimeError(f"Not settled: {library.unfinished_work()}")
        return waited

    def problems(self) -> list[str]:
        return [*library.problems(self.acknowledged, faces=self.faces), *library.failed_photos()]

    def begin_work(self, photos: int = PHOTOS) -> None:
        """Send photos and return once the ML worker has some of them in its hands."""
        self.send([pictures.portrait(number) for number in range(photos)])
        _wait("the ML worker took nothing", lambda: _held("faces"))


def polite_end(recovery: Recovery, times: int) -> Figure:
    """SIGTERM hands back what is not begun, and its attempt does not count."""
    figure = Figure("A worker that is asked to end is gone", END_SECONDS)
    for _ in range(times):
        recovery.begin_work()
        leader = recovery.kith.leader("ml")
        assert leader is not None
        time.sleep(random.uniform(0, 1))  # noqa: S311
        asked = time.monotonic()
        send(leader, signal.SIGTERM)
        _wait("the worker does not end", lambda: not leader.is_running())  # noqa: B023
        figure.worst = max(figure.worst, time.monotonic() - asked)
        figure.problems += [f"photo {pk} keeps the attempt" for pk in _tried()]
        recovery.settle()
    figure.problems += recovery.problems()
    return figure


def killed(recovery: Recovery, times: int) -> Figure:
    """SIGKILL of the whole worker, until the next photo has its faces."""
    figure = Figure("After a worker is killed photos get their faces again", WORK_AGAIN_SECONDS)
    for _ in range(times):
        recovery.begin_work()
        was = _with_faces()
        recovery.kith.kill_program("ml")
        died = time.monotonic()
        _wait("nothing more was done", lambda: _with_faces() > was)  # noqa: B023
        figure.worst = max(figure.worst, time.monotonic() - died)
        recovery.settle()
    figure.problems += recovery.problems()
    return figure


def power_cut(recovery: Recovery, times: int) -> Figure:
    """All programs killed at once, at random moments of the work on a batch."""
    figure = Figure("After web, workers and beat are killed together all work is done", POWER_CUT_SECONDS)
    for _ in range(times):
        recovery.begin_work()
        time.sleep(random.uniform(0, 3))  # noqa: S311
        for name in ("web", "io", "ml"):
            recovery.kith.kill_program(name)
        died = time.monotonic()
        recovery.settle()
        until(recovery.client.gets_a_page, PATIENCE)
        figure.worst = max(figure.worst, time.monotonic() - died)
    figure.problems += recovery.problems()
    return figure


def empty_queue(recovery: Recovery, times: int) -> Figure:
    """Every message is lost while photos wait."""
    import redis
    from django.conf import settings

    figure = Figure("After the queue is emptied all work is done", WIPE_SECONDS)
    for _ in range(times):
        recovery.begin_work()
        with redis.Redis.from_url(settings.KITH_REDIS_URL) as broker:
            broker.flushall()
        figure.worst = max(figure.worst, recovery.settle())
    figure.problems += recovery.problems()
    return figure


def poison(recovery: Recovery, pains: list[str], good: int) -> Figure:
    """Good photos behind poisonous ones, compared with good photos alone."""
    figure = Figure(f"{good} photos behind poisonous ones ({', '.join(pains)}) are later by", DELAY_SECONDS)
    recovery.send([pictures.portrait(number) for number in range(good)])
    alone = recovery.settle()
    bad = {pain: pictures.portrait(number) for number, pain in enumerate(pains)}
    for pain, picture in bad.items():
        for step in ("photo-opened", "photo-derived") if pain == "exception" else ("photo-opened",):
            (recovery.kith.faults / f"{step}@{picture.sha256}").write_text(pain)
    behind = [pictures.portrait(number) for number in range(good)]
    recovery.send([*bad.values(), *behind])
    sent = time.monotonic()
    hashes = [picture.sha256 for picture in behind]
    _wait("good photos wait", lambda: _with_faces(hashes) == good)
    figure.worst = max(0.0, time.monotonic() - sent - alone)
    recovery.settle()
    figure.problems += _poison_problems(recovery, bad)
    return figure


def _poison_problems(recovery: Recovery, bad: dict[str, pictures.Picture]) -> list[str]:
    """Each poisonous photo has failed with a reason after at most three attempts; the button puts it right."""
    from photos.models import Photo

    found = []
    for pain, picture in bad.items():
        photo = Photo.objects.get(sha256=picture.sha256)
        if not photo.failure or photo.attempts > MOST_ATTEMPTS:
            found.append(f"{pain}: {photo.failure or 'not failed'} after {photo.attempts} attempts")
        recovery.client.post(f"/photos/{photo.pk}/retry/", {})
    found += [
        f"it is not to blame: {name}" for name in library.failed_photos() if name.partition(":")[0] not in _names(bad)
    ]
    for path in recovery.kith.faults.glob("*@*"):
        path.unlink()
    recovery.client.post("/photos/retry/", {})  # those that were still poisonous when their button was pressed
    recovery.settle()
    return found + recovery.problems()


def _names(bad: dict[str, pictures.Picture]) -> set[str]:
    return {picture.name for picture in bad.values()}


def _held(stage: str) -> bool:
    from photos.models import Photo

    return Photo.objects.filter(stage=stage, failure="", lease_until__isnull=False).exists()


def _tried() -> list[int]:
    from photos.models import Photo

    left = Photo.objects.filter(stage="faces", failure="")
    return [photo.pk for photo in left if photo.attempts and photo.lease_until is None]


def _with_faces(hashes: list[str] | None = None) -> int:
    from photos.models import Photo

    photos = Photo.objects.filter(stage__in=("grouping", "done"))
    return (photos if hashes is None else photos.filter(sha256__in=hashes)).count()


def _wait(what: str, condition: Callable[[], object]) -> None:
    if not until(condition, PATIENCE, pause=0.02):
        raise RuntimeError(what)


def measure(recovery: Recovery, *, short: bool, times: int = TIMES) -> list[Figure]:
    times = 1 if short else times
    pains = ["segfault"] if short else ["segfault", "exception", "memory", "endless"]
    figures = []
    steps: list[Callable[[], Figure]] = [
        lambda: polite_end(recovery, times),
        lambda: poison(recovery, pains, PHOTOS if short else GOOD),
    ]
    if not short:
        steps += [
            lambda: killed(recovery, times),
            lambda: power_cut(recovery, 2 * times),
            lambda: empty_queue(recovery, 1),
        ]
    for step in steps:
        figures.append(figure := step())
        said = "; ".join(figure.problems) or "ok"
        print(f"{figure.goal}: {figure.worst:.1f} s (at most {figure.limit:.0f}). {said}", flush=True)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="each once, and only what needs no minutes")
    parser.add_argument("--times", type=int, default=TIMES, help="how often each is done; all at once twice as often")
    parser.add_argument("--json", type=Path, help="write the figures into this file")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kith-recovery-", dir="/var/tmp", ignore_cleanup_errors=True) as folder:
        library.use(Path(folder) / "home", KEPT / "models")
        with running(Path(folder), models=KEPT / "models") as kith:
            figures = measure(Recovery(kith), short=options.short, times=options.times)
            said = kith.said()
    if options.json:
        options.json.write_text(json.dumps([asdict(figure) for figure in figures], indent=1) + "\n")
    if not all(figure.is_met for figure in figures):
        print(said[-30_000:])
        raise SystemExit(1)


if __name__ == "__main__":
    main()
