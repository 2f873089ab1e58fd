"""Hours of ten people and of photos that arrive: what memory, open files and connections come to (G14)."""

import statistics
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import psutil

from tools.faults import library
from tools.faults.running import SIGNS, Running
from tools.load.crowd import Answers, visit
from tools.load.pages import Sender

PEOPLE = 10
LOOK_EVERY_SECONDS = 10
MOST_GROWTH = 0.05
SETTLED_SECONDS = 900

Pair = tuple[float, float]


@dataclass
class Endurance:
    """memory, files: medians of the second and of the last quarter of the time, by program: megabytes, and open files
    and sockets. connections: of PostgreSQL, likewise. left: files nobody needs."""

    minutes: float
    answers: Answers
    sent: int
    memory: dict[str, Pair]
    files: dict[str, Pair]
    connections: Pair
    growth: float = 0.0
    left: list[str] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        return self.growth <= MOST_GROWTH and not self.left and self.answers.server_errors == 0


@dataclass
class Moment:
    memory: dict[str, float]
    files: dict[str, int]
    connections: int


class Watch(threading.Thread):
    """Looks at the programs of a Kith every ten seconds."""

    def __init__(self, kith: Running) -> None:
        super().__init__()
        self._moments: list[Moment] = []
        self._kith = kith
        self._stopped = threading.Event()

    def run(self) -> None:
        while not self._stopped.wait(LOOK_EVERY_SECONDS):
            self._moments.append(_look(self._kith))

    def stop(self) -> None:
        self._stopped.set()
        self.join()

    def quarters(self, read: Callable[[Moment], float]) -> Pair:
        """Medians of the second quarter, once all is warm, and of the last."""
        quarter = len(self._moments) // 4
        second, last = self._moments[quarter : 2 * quarter], self._moments[-quarter:]
        return round(statistics.median(map(read, second)), 1), round(statistics.median(map(read, last)), 1)


def measure(kith: Running, minutes: float) -> Endurance:
    watch, sender = Watch(kith), Sender(kith)
    watch.start()
    sender.start()
    answers = visit(kith, people=PEOPLE, seconds=minutes * 60)
    sender.stop()
    watch.stop()
    library.seconds_until_settled(SETTLED_SECONDS)
    names = [name for name in SIGNS if name not in ("postgres", "valkey")]
    memory = {name: watch.quarters(lambda moment, name=name: moment.memory[name]) for name in names}
    files = {name: watch.quarters(lambda moment, name=name: moment.files[name]) for name in names}
    connections = watch.quarters(lambda moment: moment.connections)
    before, after = (sum(pair[n] for pair in memory.values()) for n in (0, 1))
    found = Endurance(minutes, answers, sender.sent, memory, files, connections, round(after / before - 1, 3))
    found.left = library.leftovers()
    return found


def _look(kith: Running) -> Moment:
    memory: dict[str, float] = {}
    files: dict[str, int] = {}
    for name in SIGNS:
        found = [each for each in _tree(kith.leader(name)) if each.is_running()]
        memory[name] = sum(_of(each, lambda process: process.memory_info().rss / 1e6) for each in found)
        files[name] = int(sum(_of(each, lambda process: process.num_fds()) for each in found))
    sessions = [each for each in kith.children("postgres") if "kith kith" in " ".join(each.cmdline())]
    return Moment(memory, files, len(sessions))


def _tree(leader: psutil.Process | None) -> list[psutil.Process]:
    return [leader, *leader.children(recursive=True)] if leader else []


def _of(process: psutil.Process, read: Callable[[psutil.Process], float]) -> float:
    try:
        return read(process)
    except psutil.Error:  # it has just ended
        return 0.0
