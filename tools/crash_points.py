"""Kills processes of a running Kith at named steps and looks whether anything was lost: `make crash-points`.

Each step of photos.faults is reached by something a user does. There the process that came to it is stopped, and the
victim killed with SIGKILL: that process alone ("child"), the whole worker ("worker"), or all of web ("web"). Then Kith
has to bring itself back and finish the work; what the user sent is sent again until it is acknowledged.
"""

import argparse
import itertools
import json
import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.services import KEPT
from tools.faults import library, pictures
from tools.faults.client import Client
from tools.faults.learner import Learner
from tools.faults.running import Running, running, until

VICTIMS = ("child", "worker", "web")
HIT_SECONDS = 120
SETTLED_SECONDS = 240
LEARNT_SECONDS = 900  # learning lets everything else go first

# One step of each kind and each victim: what the test suite has time for.
SHORT = (
    ("photo-renamed", "web"),
    ("photo-committed", "child"),
    ("thumbnails-renamed", "worker"),
    ("face-rows", "child"),
    ("faces-embedded", "worker"),
    ("groups-written", "web"),
    ("undo-written", "child"),
    ("purge-files", "worker"),
)


@dataclass(frozen=True)
class Point:
    """How one kill went. recovered: seconds from the kill until all work was done and the user had his answer."""

    step: str
    victim: str
    recovered: float | None
    problems: tuple[str, ...]

    @property
    def is_good(self) -> bool:
        return self.recovered is not None and not self.problems


class Deeds:
    """What a user does to make Kith come to a step. Each may be cut off, and is done until it is acknowledged."""

    def __init__(self, kith: Running) -> None:
        self.acknowledged: dict[str, str] = {}
        self._numbers = itertools.count()
        self.client = Client(kith.port, library.OWNER, library.PASSWORD)
        self._batch = self.client.open_batch("Crashes", 1000)
        self._port = kith.port
        self._learner: Learner | None = None

    def get_ready_for(self, step: str) -> Callable[[], None]:
        """Do what has to be done before, undisturbed; return the deed that comes to the step."""
        from photos.faults import LEARNING_STEPS

        if step in LEARNING_STEPS:
            self._learner = Learner(self._port)
            return self._learner.learn
        if step in ("archive-kept", "entry-taken"):
            return self._send_archive
        if step == "embedded-again":
            return self._drawer()
        if step == "answer-written":
            return self._namer()
        if step == "undo-written":
            return self._undoer()
        if step == "trash-written":
            return self._trasher()
        if step.startswith("purge-"):
            return self._purger()
        shows_faces = step.startswith(("faces-", "crop-", "face-", "groups-", "suggestions-"))
        picture = pictures.portrait(next(self._numbers)) if shows_faces else pictures.drawn(next(self._numbers))
        return lambda: self.send(picture)

    def send(self, picture: pictures.Picture) -> None:
        answer = self.client.upload(self._batch, picture.name, picture.content)
        assert answer.status in (200, 201), answer
        self.acknowledged[picture.sha256] = picture.kind

    @property
    def is_learning(self) -> bool:
        return self._learner is not None

    def part_from_learner(self) -> list[str]:
        """What is wrong with what was learnt at last, if something was to be."""
        if self._learner is None:
            return []
        found = self._learner.problems()
        self._learner.leave()
        self._learner = None
        return found

    def _send_archive(self) -> None:
        packed = [pictures.drawn(next(self._numbers)) for _ in range(3)]
        self.client.upload(self._batch, f"{packed[0].name}.zip", pictures.archive(packed))
        self.acknowledged |= {picture.sha256: picture.kind for picture in packed}

    def _drawer(self) -> Callable[[], None]:
        from photos.models import Photo

        photo = Photo.objects.filter(sha256__in=self._of_kind("drawn")).order_by("pk").last()
        assert photo is not None
        # Another place each time: a face that overlaps one there is refused.
        box = {"left": str(0.02 + 0.3 * (next(self._numbers) % 3)), "top": "0.1", "width": "0.2", "height": "0.2"}
        return lambda: self._post(f"/photos/{photo.pk}/draw/", box)

    def _namer(self) -> Callable[[], None]:
        from people.models import Face

        face = Face.objects.untagged().embedded().order_by("pk").first()
        assert face is not None
        return lambda: self._post(f"/faces/{face.pk}/name/", {"name": "Ann"})

    def _undoer(self) -> Callable[[], None]:
        from people.models import Decision

        self._namer()()
        decision = Decision.objects.filter(verb=Decision.Verb.CONFIRM, is_in_force=True).order_by("pk").last()
        assert decision is not None
        return lambda: self._undo(decision.pk)

    def _undo(self, pk: int) -> None:
        from people.models import Decision

        self._post(f"/history/{pk}/undo/", {})
        assert not Decision.objects.get(pk=pk).is_in_force, "an undo that was acknowledged is lost"

    def _trasher(self) -> Callable[[], None]:
        pk = self._photo_to_throw_away()
        return lambda: self._post("/selection/trash/", {"photos": str(pk)})

    def _purger(self) -> Callable[[], None]:
        from photos.models import Photo

        photo = Photo.objects.get(pk=self._photo_to_throw_away())
        self._post("/selection/trash/", {"photos": str(photo.pk)})
        del self.acknowledged[photo.sha256]
        return lambda: self._post("/trash/delete/", {"photos": str(photo.pk), "sure": "yes"})

    def _photo_to_throw_away(self) -> int:
        """One with a face: it has the most files."""
        from photos.models import Photo

        faces = Photo.objects.filter(sha256__in=self.acknowledged, stage=Photo.Stage.DONE, faces__isnull=False)
        photo = faces.order_by("-pk").first()
        assert photo is not None
        return int(photo.pk)

    def _of_kind(self, kind: str) -> list[str]:
        return [sha256 for sha256, shown in self.acknowledged.items() if shown == kind]

    def _post(self, path: str, fields: dict[str, str]) -> None:
        self.client.post(path, fields)


class CrashPoints:
    def __init__(self, kith: Running) -> None:
        self.kith = kith
        library.have_owner()
        self.deeds = Deeds(kith)
        self.faces = self._undisturbed()

    def try_one(self, step: str, victim: str) -> Point:
        deed = self.deeds.get_ready_for(step)
        if library.seconds_until_settled(SETTLED_SECONDS) is None:
            return Point(step, victim, None, ("not settled before", *library.unfinished_work()))
        hit = self._ask_for(step)
        failure: list[str] = []
        doing = threading.Thread(target=_noting, args=(deed, failure))
        doing.start()
        try:
            if not until(lambda: hit.exists() and hit.read_text().endswith("\n"), HIT_SECONDS, pause=0.02):
                return Point(step, victim, None, ("the step was not reached",))
            self._kill(victim, int(hit.read_text()))
            killed = time.monotonic()
        finally:
            self._forget(step)  # who waits there and was not killed goes on
            doing.join()
        settled = library.seconds_until_settled(LEARNT_SECONDS if self.deeds.is_learning else SETTLED_SECONDS)
        until(self.deeds.client.gets_a_page, SETTLED_SECONDS)
        recovered = None if settled is None else time.monotonic() - killed
        found = [*failure, *library.unfinished_work(), *self.deeds.part_from_learner()]
        found += library.problems(self.deeds.acknowledged, faces=self.faces)
        return Point(step, victim, recovered, tuple(found))

    def _undisturbed(self) -> dict[str, int]:
        """How many faces each portrait has when nothing is killed."""
        for number in range(len(pictures.PORTRAITS)):
            self.deeds.send(pictures.portrait(number))
        self.deeds.send(pictures.drawn(99))
        if library.seconds_until_settled(SETTLED_SECONDS) is None:
            raise RuntimeError(f"Not done even undisturbed: {library.unfinished_work()}")
        return library.faces_by_kind(self.deeds.acknowledged)

    def _ask_for(self, step: str) -> Path:
        self._forget(step)
        (self.kith.faults / step).touch()
        return self.kith.faults / f"{step}.hit"

    def _forget(self, step: str) -> None:
        for name in (step, f"{step}.hit"):
            (self.kith.faults / name).unlink(missing_ok=True)

    def _kill(self, victim: str, pid: int) -> None:
        if victim == "child":
            os.kill(pid, signal.SIGKILL)
        elif victim == "web":
            assert self.kith.kill_program("web")
        else:  # the worker that came to the step; for a step of web, the one that would be next
            program = self.kith.program_of(pid)
            assert self.kith.kill_program("io" if program == "web" else program)


def _noting(deed: Callable[[], None], failure: list[str]) -> None:
    try:
        deed()
    except Exception as error:
        failure.append(f"{type(error).__name__}: {error}")
    finally:
        from django.db import connection

        connection.close()


def plan(steps: Sequence[str], *, short: bool) -> Iterator[tuple[str, str]]:
    from photos.faults import LEARNING_STEPS, STEPS

    if short:
        yield from SHORT
    else:
        yield from itertools.product(steps or STEPS | LEARNING_STEPS, VICTIMS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("steps", nargs="*", help="only these steps; default: all")
    parser.add_argument("--short", action="store_true", help="one step of each kind")
    parser.add_argument("--json", type=Path, help="write the figures into this file")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kith-crash-", dir="/var/tmp", ignore_cleanup_errors=True) as folder:
        library.use(Path(folder) / "home", KEPT / "models")
        with running(Path(folder), models=KEPT / "models") as kith:
            points = try_all(kith, list(plan(options.steps, short=options.short)))
            left, failed, said = library.leftovers(), library.failed_photos(), kith.said()
    good = [point for point in points if point.is_good]
    longest = max((point.recovered or 0.0 for point in good), default=0.0)
    print(f"{len(good)} of {len(points)} kills left nothing wrong; the longest recovery took {longest:.1f} s.")
    print(f"Files left behind: {len(left)}. Photos failed: {len(failed)}.", *left, *failed, sep="\n")
    if options.json:
        figures = {"points": [asdict(point) for point in points], "left": left, "failed": failed, "longest": longest}
        options.json.write_text(json.dumps(figures, indent=1) + "\n")
    if len(good) < len(points) or left or failed:
        print(said[-20_000:])
        raise SystemExit(1)


def try_all(kith: Running, chosen: list[tuple[str, str]]) -> list[Point]:
    crash_points = CrashPoints(kith)
    points = []
    for number, (step, victim) in enumerate(chosen, start=1):
        point = crash_points.try_one(step, victim)
        points.append(point)
        took = "-" if point.recovered is None else f"{point.recovered:.1f} s"
        print(
            f"{number:3}/{len(chosen)} {step:22} {victim:7} {took:>8}  {'; '.join(point.problems) or 'ok'}", flush=True
        )
    return points


if __name__ == "__main__":
    main()
