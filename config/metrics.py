"""What all processes of this machine counted together, in the form Prometheus reads.

Each process counts in files of its own, which the one that is asked adds up. The files are mapped into memory, and
writing to such a file on a full disk kills the process: so their room is taken before they are used, and a process that
gets none does not count.
"""

import contextlib
import os
import platform
import time
from functools import cache
from pathlib import Path

import psutil
from django.conf import settings

# Bytes of the file of each kind: a view has thirteen numbers of the second one, a number takes some 170 bytes.
ROOM = {"counter": 256 * 1024, "histogram": 512 * 1024, "gauge_livesum": 4096, "gauge_max": 4096}
BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
SWEEP = "people.tasks.wake_workers"


class Metrics:
    """The numbers a process adds to. Every one has a label: without, its file would be made before its room is."""

    def __init__(self) -> None:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(settings.KITH_METRICS_FOLDER)
        from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, values

        values.ValueClass = values.MultiProcessValue(own_name)  # type: ignore[no-untyped-call]
        registry = CollectorRegistry()
        self.requests = Counter("kith_requests", "Requests answered.", ["view", "status"], registry=registry)
        self.request_seconds = Histogram(
            "kith_request_seconds", "Time until an answer.", ["view"], buckets=BUCKETS, registry=registry
        )
        self.tasks = Counter("kith_tasks", "Tasks ended.", ["task", "state"], registry=registry)
        self.task_seconds = Histogram(
            "kith_task_seconds", "Time a task took.", ["task"], buckets=(*BUCKETS, 120, 600), registry=registry
        )
        self.worker_memory = Gauge(
            "kith_worker_memory_bytes",
            "Memory of the processes that do the tasks.",
            ["program"],
            multiprocess_mode="livesum",
            registry=registry,
        )
        self.last_sweep = Gauge(
            "kith_last_sweep_timestamp_seconds",
            "When work that may have been lost was last sent again.",
            ["task"],
            multiprocess_mode="max",
            registry=registry,
        )


@cache
def _metrics() -> Metrics:
    return Metrics()


def note_request(view: str, status: int, seconds: float) -> None:
    if _has_room(os.getpid()):
        metrics = _metrics()
        metrics.requests.labels(view, str(status)).inc()
        metrics.request_seconds.labels(view).observe(seconds)


def note_task(name: str, state: str, seconds: float) -> None:
    if not _has_room(os.getpid()):
        return
    metrics = _metrics()
    metrics.tasks.labels(name, state).inc()
    metrics.task_seconds.labels(name).observe(seconds)
    metrics.worker_memory.labels(os.environ.get("KITH_PROGRAM", "worker")).set(psutil.Process().memory_info().rss)
    if name == SWEEP and state == "SUCCESS":
        metrics.last_sweep.labels(name).set(time.time())


def counted() -> str:
    """What all processes counted, as Prometheus reads it."""
    from prometheus_client import CollectorRegistry, generate_latest
    from prometheus_client.multiprocess import MultiProcessCollector

    folder = Path(settings.KITH_METRICS_FOLDER)
    if not folder.is_dir():
        return ""
    forget_ended(folder)
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=str(folder))  # type: ignore[no-untyped-call]
    return generate_latest(registry).decode()


def forget_ended(folder: Path) -> None:
    """Remove what processes of this machine that are gone said of themselves; what they counted stays."""
    for file in folder.glob("gauge_live*.db"):
        pid, _, machine = file.stem.rpartition("_")[2].partition("-")
        if machine == _machine() and not psutil.pid_exists(int(pid)):
            file.unlink(missing_ok=True)


def own_name() -> str:
    """This process, among all that share the folder."""
    return f"{os.getpid()}-{_machine()}"


@cache
def _machine() -> str:
    return platform.node().replace("_", "-")


@cache
def _has_room(pid: int) -> bool:
    """Take the room of our files, once in each process; pid is ours."""
    folder = Path(settings.KITH_METRICS_FOLDER)
    files = {folder / f"{kind}_{own_name()}.db": room for kind, room in ROOM.items()}
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for file, room in files.items():
            _reserve(file, room)
    except OSError:
        for file in files:
            with contextlib.suppress(OSError):
                file.unlink()
        return False
    return True


def _reserve(file: Path, room: int) -> None:
    with file.open("wb") as handle:  # one of an earlier process of our number is overwritten
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(handle.fileno(), 0, room)
        else:  # macOS
            handle.write(bytes(room))


def present(name: str, help_text: str, samples: dict[str, float], label: str = "") -> str:
    """A number of now, or one for each value of a label, as Prometheus reads it."""
    rows = [f"# HELP {name} {help_text}", f"# TYPE {name} gauge"]
    for value, number in samples.items():
        rows.append(f'{name}{{{label}="{value}"}} {number:g}' if label else f"{name} {number:g}")
    return "\n".join(rows) + "\n"
