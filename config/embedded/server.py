"""What PostgreSQL and Valkey have in common: start, wait until it answers, stop."""

import signal
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import psutil

from config.embedded.errors import EmbeddedError
from config.embedded.process import StopSteps, processes_in, stop, stop_all, wait_for

Report = Callable[[str], None]

# Crash recovery replays up to max_wal_size: seconds on an SSD, more on an old disk.
START_LIMIT = 120.0
_LARGEST_LOG = 10 * 1024**2


class Server(ABC):
    """One server process on one data directory, started by us and ended by us."""

    name: ClassVar[str]
    program: ClassVar[str]
    stop_steps: ClassVar[StopSteps]

    def __init__(self, data: Path, log: Path) -> None:
        self.data = data
        self.log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._wanted = False
        self._log_start = 0

    @abstractmethod
    def answers(self) -> bool:
        """Ask the server a question and return whether it answered."""

    @abstractmethod
    def prepare(self, report: Report) -> None:
        """Make folders and data, so that `launch` can start the server."""

    @abstractmethod
    def launch(self) -> subprocess.Popen[bytes]:
        """Start the server process."""

    def is_main(self, process: psutil.Process) -> bool:
        """Whether this process of the program is the one to ask to stop."""
        return True

    def complete(self) -> None:
        """Put in place what can only be made once the server answers: here, nothing."""
        return

    def start(self, report: Report) -> None:
        """Start the server and return once it answers.

        The caller holds the lock of the home, so a server found on the data
        directory was left behind by a Kith that ended suddenly.
        """
        self._wanted = True
        self.clear_remains(report)
        self.prepare(report)
        self._rotate_log()
        report(f"Starting {self.name}.")
        self._process = self.launch()
        try:
            self._wait_until_it_answers(report)
            self.complete()
        except BaseException:
            self._end()
            raise

    def stop(self) -> None:
        """End our server; without one, do nothing."""
        self._wanted = False
        self._end()

    def has_ended(self) -> bool:
        """Return whether a server that we started, and did not stop, is no longer there."""
        return self._wanted and not self._is_alive()

    def _is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def _end(self) -> None:
        if self._process is None:
            return
        stop(self._process, self.stop_steps)
        self._process = None
        # PostgreSQL gives each backend a group of its own.
        stop_all(processes_in(self.data, self.program), [(signal.SIGKILL, 10)])

    def clear_remains(self, report: Report) -> None:
        """End every server on our data directory; two at once would destroy it."""
        if not self.data.exists():
            return
        if remains := processes_in(self.data, self.program):
            report(f"Stopping a {self.name} that was left running.")
            stop_all([each for each in remains if self.is_main(each)], self.stop_steps)
            stop_all(processes_in(self.data, self.program), [(signal.SIGKILL, 10)])

    def log_tail(self) -> str:
        """Return the last lines written since the start."""
        with self.log.open("rb") as file:
            file.seek(self._log_start)
            lines = file.read().decode(errors="replace").splitlines()
        return "\n".join(lines[-8:])

    def _rotate_log(self) -> None:
        self._log_start = self.log.stat().st_size if self.log.exists() else 0
        if self._log_start > _LARGEST_LOG:
            self.log.rename(self.log.with_suffix(".old.log"))
            self._log_start = 0

    def _wait_until_it_answers(self, report: Report) -> None:
        next_word = 5.0
        for waited in wait_for(START_LIMIT):
            if not self._is_alive():
                raise EmbeddedError(f"{self.name} did not start. Its log {self.log} says:\n{self.log_tail()}")
            if self.answers():
                return
            if waited >= next_word:
                report(f"{self.name} is still repairing itself after a sudden end ({waited:.0f} s).")
                next_word += 10
        raise EmbeddedError(f"{self.name} did not answer within {START_LIMIT:.0f} s. See its log {self.log}.")
