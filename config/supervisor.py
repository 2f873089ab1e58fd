"""Keeps programs running: starts them, shows what they write, starts them again and stops them."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from config.embedded.process import StopSteps, kill_group, spawn, stop_all

Report = Callable[[str], None]
Show = Callable[[str, str], None]

# In the environment of every program, and so of all their children: the next
# supervisor of the same home finds by it what a killed one left behind.
MARK = "KITH_SUPERVISED_HOME"

# After an unasked end: 1, 2, 4, 8 s, then once a minute, and a word about it.
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
MANY_ENDS = 5
HEALTHY_AFTER = 10.0  # a program that ran so long starts again from the first pause


@dataclass(frozen=True)
class Program:
    """One program to keep running, or to run once."""

    name: str
    command: Sequence[str]
    stop_steps: StopSteps = ((signal.SIGTERM, 15.0),)
    oom_score: int = 0  # up to 1000: the higher, the sooner it goes when memory runs out
    once: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)  # beside ours
    after: str = ""  # the name of one that runs once, and has to have ended before


class Child:
    """A program while the supervisor looks after it."""

    def __init__(self, program: Program, environment: dict[str, str], folder: Path) -> None:
        self.program = program
        self.process: subprocess.Popen[bytes] | None = None
        self.is_done = False
        self.ends_in_a_row = 0
        self.due = 0.0  # when to start it (again), on the monotonic clock
        self._started = 0.0
        self._environment = {**environment, **program.environment}
        self._folder = folder

    @property
    def is_alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self, show: Show) -> None:
        self._started = time.monotonic()
        self.process = spawn(
            self.program.command,
            output=subprocess.PIPE,
            oom_score=self.program.oom_score,
            environment=self._environment,
            folder=self._folder,
        )
        threading.Thread(target=self._pump, args=(self.process, show), daemon=True).start()

    def note_end(self) -> float:
        """Reckon with an end nobody asked for and return the pause before the next start."""
        assert self.process is not None
        kill_group(self.process.pid)  # what it left of its own children
        self.process = None
        if time.monotonic() - self._started > HEALTHY_AFTER:
            self.ends_in_a_row = 0
        self.ends_in_a_row += 1
        pause: float = FIRST_PAUSE * 2 ** (self.ends_in_a_row - 1)
        if self.ends_in_a_row >= MANY_ENDS:
            pause = LONGEST_PAUSE
        self.due = time.monotonic() + pause
        return pause

    def _pump(self, process: subprocess.Popen[bytes], show: Show) -> None:
        assert process.stdout is not None
        with process.stdout as lines:
            for line in lines:
                show(self.program.name, line.decode(errors="replace").rstrip())


class Supervisor:
    """The programs of one home. Use it from the main thread, which they are tied to."""

    def __init__(self, home: Path, programs: Sequence[Program], *, folder: Path, report: Report, show: Show) -> None:
        environment = dict(os.environ) | {MARK: str(home), "PYTHONUNBUFFERED": "1"}
        self.children = [Child(program, environment, folder) for program in programs]
        self._report = report
        self._show = show

    def look_after(self) -> None:
        """Start each program that is due, and note which ones have ended."""
        done = {child.program.name for child in self.children if child.is_done}
        for child in self.children:
            waits = child.is_done or (child.program.after and child.program.after not in done)
            if child.process is None and not waits and time.monotonic() >= child.due:
                child.start(self._show)
            elif child.process is not None and not child.is_alive:
                self._handle_end(child, child.process.returncode)

    def stop(self, names: Sequence[str] | None = None) -> None:
        """Stop these programs, or all, together."""
        for child in self.children:
            child.due = float("inf")
        _stop_together([child for child in self.children if names is None or child.program.name in names])

    def _handle_end(self, child: Child, code: int) -> None:
        name, how = child.program.name, _how_it_ended(code)
        pause = child.note_end()
        if child.program.once:
            child.is_done = True
            if code != 0:
                self._report(f"{name} {how}. The rest goes on without it.")
            return
        if child.ends_in_a_row < MANY_ENDS:
            self._report(f"{name} {how}; starting it again in {pause:.0f} s.")
        else:
            self._report(
                f"{name} {how}, for the {child.ends_in_a_row}th time in a row. Its lines above say"
                f" why. The rest goes on; {name} is tried again every {pause:.0f} s."
            )


def end_leftovers(home: Path) -> int:
    """End what a supervisor of this home that was killed has left running; return how many."""
    leftovers = [process for process in psutil.process_iter() if _is_marked(process, home)]
    stop_all(leftovers, [(signal.SIGTERM, 5), (signal.SIGKILL, 5)])
    return len(leftovers)


def _is_marked(process: psutil.Process, home: Path) -> bool:
    try:
        return process.pid != os.getpid() and process.environ().get(MARK) == str(home)
    except (psutil.Error, OSError):
        return False  # gone, or of a user whose processes are not ours to end


def _stop_together(children: list[Child]) -> None:
    alive = [child for child in children if child.is_alive]
    for number in range(max((len(child.program.stop_steps) for child in alive), default=0)):
        deadlines = []
        for child in alive:
            assert child.process is not None
            step, seconds = child.program.stop_steps[min(number, len(child.program.stop_steps) - 1)]
            child.process.send_signal(step)
            deadlines.append((child, time.monotonic() + seconds))
        alive = [child for child, deadline in deadlines if not _ends_before(child, deadline)]
    for child in children:
        if child.process is not None:
            kill_group(child.process.pid)
            child.process.wait()
            child.process = None


def _ends_before(child: Child, deadline: float) -> bool:
    assert child.process is not None
    try:
        child.process.wait(max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        return False
    return True


def _how_it_ended(code: int) -> str:
    if code >= 0:
        return f"ended with code {code}"
    return f"was killed by {signal.Signals(-code).name}"
