"""Lets several ways to do the same work take turns, each in a process of its own, and measures them.

Taking turns, whatever else the machine does hits all of them alike; in processes of their own, neither memory nor
threads of one are in another's way.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import resource
import statistics
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from typing import Any

import psutil

from ml.arguments import checked_count

ROUNDS = 5


@dataclass(frozen=True)
class Ready:
    """Work that is set up. run: does all of it once and returns how many faces it dealt with.

    threads: in words, how many compute at once.
    """

    run: Callable[[], int]
    threads: str


# Sets the work up in the process that will do it; must survive pickling (a function of a module, or a `partial`).
Maker = Callable[[], Ready]


@dataclass(frozen=True)
class Measurement:
    """What one contestant took.

    seconds, processor_seconds: one entry per round; the processor's time is that of the process and of those it
    started. faces: per round. peak_bytes: most resident memory of the process.
    """

    seconds: tuple[float, ...]
    processor_seconds: tuple[float, ...]
    faces: int
    peak_bytes: int
    threads: str

    @property
    def median_seconds(self) -> float:
        return statistics.median(self.seconds)

    @property
    def median_processor_seconds(self) -> float:
        return statistics.median(self.processor_seconds)


class RaceFailed(RuntimeError):
    """A contestant broke down. The message holds its traceback."""


def race(
    contestants: Sequence[Maker], *, rounds: int = ROUNDS, tick: Callable[[], object] = lambda: None
) -> list[Measurement]:
    """Run every contestant once to warm up, then `rounds` times, in turns; `tick` is called after each run.

    Raises:
        RaceFailed: a contestant raised an exception or died.
        ValueError: rounds is not at least 1.
    """
    checked_count("rounds", rounds)
    lanes = [_Lane(make) for make in contestants]
    try:
        for number in range(1 + rounds):
            for lane in lanes:
                lane.run(is_warm_up=number == 0)
                tick()
        return [lane.finish() for lane in lanes]
    finally:
        for lane in lanes:
            lane.close()


def ratio(baseline: Measurement, ours: Measurement) -> float:
    """How many times as fast ours is: the median over the rounds.

    Raises:
        ValueError: baseline and ours ran different numbers of rounds, or none.
    """
    if not ours.seconds or len(baseline.seconds) != len(ours.seconds):
        raise ValueError("baseline and ours must have run the same rounds, at least one")
    return statistics.median(slow / fast for slow, fast in zip(baseline.seconds, ours.seconds, strict=True))


def in_own_process(function: Callable[..., Any], *arguments: object) -> Any:
    """Call a function in a new process, so that what it loads is gone afterwards. Raises RaceFailed."""
    lane = _Lane(partial(_ready_to_call, function, arguments))
    try:
        return lane.ask("call")
    finally:
        lane.close()


class _Lane:
    """Our end of the process of one contestant."""

    def __init__(self, make: Callable[[], Any]) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, make), daemon=False)
        self._process.start()
        theirs.close()
        self._rounds: list[tuple[float, float]] = []
        self._faces = 0

    def run(self, *, is_warm_up: bool) -> None:
        seconds, processor_seconds, self._faces = self.ask("run")
        if not is_warm_up:
            self._rounds.append((seconds, processor_seconds))

    def finish(self) -> Measurement:
        peak, threads = self.ask("finish")
        seconds, processor_seconds = zip(*self._rounds, strict=True)
        return Measurement(seconds, processor_seconds, self._faces, peak, threads)

    def ask(self, question: str) -> Any:
        with contextlib.suppress(OSError):  # one that broke down has said why before it ended
            self._connection.send(question)
        try:
            is_answer, answer = self._connection.recv()
        except (EOFError, OSError) as error:
            raise RaceFailed("A measured process died.") from error
        if not is_answer:
            raise RaceFailed(answer)
        return answer

    def close(self) -> None:
        self._connection.close()  # it then ends by itself
        self._process.join(10)
        if self._process.is_alive():
            self._process.kill()


def _serve(connection: Connection, make: Callable[[], Any]) -> None:
    """Answer "run", "call" and "finish" until the other end closes."""
    try:
        ready = make()
        answers: dict[str, Callable[[], Any]] = {
            "run": lambda: _timed(ready.run),
            "call": lambda: ready(),
            "finish": lambda: (_peak_bytes(), ready.threads),
        }
        while True:
            connection.send((True, answers[connection.recv()]()))
    except (EOFError, BrokenPipeError):
        return
    except BaseException:
        connection.send((False, traceback.format_exc()))


def _ready_to_call(function: Callable[..., Any], arguments: tuple[object, ...]) -> Callable[[], Any]:
    return partial(function, *arguments)


def _timed(run: Callable[[], int]) -> tuple[float, float, int]:
    started, processor = time.perf_counter(), _processor_seconds()
    faces = run()
    return time.perf_counter() - started, _processor_seconds() - processor, faces


def _processor_seconds() -> float:
    """Of this process, of those it started, and of those they started and waited for."""
    total = time.process_time()
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            times = child.cpu_times()
            total += times.user + times.system
            total += getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0)
    return total


def _peak_bytes() -> int:
    unit = 1 if sys.platform == "darwin" else 1024  # macOS counts bytes, Linux kibibytes
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
