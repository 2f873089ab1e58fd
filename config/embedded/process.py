"""Starting, finding and stopping processes of our own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

import psutil

from config.embedded import tether
from config.embedded.account import Account

# What to send, and how many seconds to wait before the next, harder signal.
StopSteps = Sequence[tuple[signal.Signals, float]]


def spawn(
    command: Sequence[str],
    *,
    output: int | IO[bytes],
    on_parent_death: signal.Signals = signal.SIGTERM,
    account: Account | None = None,
    oom_score: int = 0,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own that gets a signal should we die.

    Call it from the main thread: Linux sends that signal when the *thread* ends.
    """
    options = [f"--parent={os.getpid()}", f"--signal={int(on_parent_death)}"]
    if account:
        options += [f"--uid={account.uid}", f"--gid={account.gid}"]
    if oom_score:
        options.append(f"--oom-score={oom_score}")
    return subprocess.Popen(  # noqa: S603  callers name the program
        [sys.executable, "-I", "-S", tether.__file__, *options, "--", *command],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        env=environment,
        cwd=folder,
        start_new_session=True,  # Ctrl-C in the terminal reaches the supervisor only
    )


def processes_in(folder: Path, program: str) -> list[psutil.Process]:
    """Return the live processes of this program whose working folder this is.

    PostgreSQL and Valkey both move into their data directory, so this finds every
    server on it, whatever a pid file says and whoever started it.
    """
    return [process for process in _processes_of(program) if _works_in(process, folder)]


def _processes_of(program: str) -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        try:
            if Path(process.exe()).name == program:
                yield process
        except psutil.Error:
            continue  # gone, a zombie, or of a user we may not look at


def _works_in(process: psutil.Process, folder: Path) -> bool:
    try:
        return Path(process.cwd()).samefile(folder)
    except (psutil.Error, OSError):
        return False


def stop(process: subprocess.Popen[bytes], steps: StopSteps) -> None:
    """End a process we started, and in the end whatever is left of its group."""
    for step, seconds in steps:
        if process.poll() is not None:
            break
        process.send_signal(step)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            continue
    kill_group(process.pid)
    process.wait()


def kill_group(leader: int) -> None:
    """Kill what is left of a process group, whether its leader still lives or not."""
    try:
        os.killpg(leader, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        # macOS answers "not permitted" for a group that holds only zombies.
        return


def stop_all(processes: list[psutil.Process], steps: StopSteps) -> None:
    """End processes that somebody else started."""
    for step, seconds in steps:
        for process in processes:
            try:
                process.send_signal(step)
            except psutil.NoSuchProcess:
                continue
        _, processes = psutil.wait_procs(processes, timeout=seconds)
        if not processes:
            return


def wait_for(seconds: float, *, pause: float = 0.05) -> Iterator[float]:
    """Yield the seconds waited so far, again and again until the time is up."""
    start = time.monotonic()
    while (waited := time.monotonic() - start) < seconds:
        yield waited
        time.sleep(pause)
