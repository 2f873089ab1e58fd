"""Breaks PostgreSQL, Valkey and the disk under a running Kith, the long forms, and prints what was lost and how long.

    python -m tools.store_faults [--only NAME ...] [--photos 500] [--kills 30] [--json figures.json]

A Kith of its own in a folder that is removed, with its web and the worker that makes thumbnails (faces are not looked
for: photos are done when they have their thumbnails), and eight clients that send pictures, and again what was refused.
"""

import argparse
import hashlib
import json
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psycopg
import redis

from tests.config.conftest import open_folder
from tests.pictures import drawing, encoded
from tests.services import ROOT
from tests.stores.kith import SET_UP, StoreKith, frozen, full, kill, store_kith

CLIENTS = 8
BACK, DRAINED, SPACE = 15, 90, 30  # seconds: the goals
LONGEST = 600


@dataclass
class Figure:
    fault: str
    goal: str
    measured: str
    is_met: bool


@dataclass
class Clients:
    """Eight of them, sending until there are enough photos or they are told to stop."""

    kith: StoreKith
    start: int
    wanted: int = 10**9
    statuses: Counter = field(default_factory=Counter)
    acknowledged: dict[int, str] = field(default_factory=dict)  # photo -> SHA-256
    slowest: float = 0.0

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._next = self.start
        self._is_over = threading.Event()
        self._threads = [threading.Thread(target=self._send_all) for _ in range(CLIENTS)]
        for thread in self._threads:
            thread.start()

    @property
    def are_done(self) -> bool:
        return not any(thread.is_alive() for thread in self._threads)

    def stop(self) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join()

    def _send_all(self) -> None:
        while not self._is_over.is_set():
            with self._lock:
                number, self._next = self._next, self._next + 1
            if number >= self.start + self.wanted:
                return
            self._send(number)

    def _send(self, number: int) -> None:
        content = encoded(drawing(320, 240, seed=number))
        while True:
            answer = self.kith.post(self.kith.batch, {"name": f"{number}.jpg"}, {"file": (f"{number}.jpg", content)})
            with self._lock:
                self.statuses[answer.status] += 1
                self.slowest = max(self.slowest, answer.seconds)
                if answer.status in (200, 201):
                    self.acknowledged[answer.json["photo"]] = hashlib.sha256(content).hexdigest()
                    return
            if self._is_over.is_set():
                return
            time.sleep(1)


class Faults:
    """Each breaks one thing, waits until all is well again, and says what it measured."""

    def __init__(self, kith: StoreKith, photos: int, kills: int) -> None:
        self.kith, self.photos, self.kills = kith, photos, kills
        self.used = 0

    def clients(self, wanted: int = 10**9) -> Clients:
        self.used += 100_000
        return Clients(self.kith, self.used, wanted)

    # --- Valkey

    def valkey_killed(self) -> Figure:
        """Down for a minute, in which the photos arrive."""
        kill(self.kith.valkey)
        down = time.monotonic()
        clients = self.clients(self.photos)
        self.kith.wait_until(lambda: clients.are_done and time.monotonic() - down > 60, LONGEST, healing=False)
        pages = Counter(self.kith.get(path).status for path in ("/", "/people/", "/status/", "/albums/"))
        self.kith.heal()
        return self.drained("Valkey killed, down 60 s", clients, f"pages {dict(pages)}", is_met=set(pages) == {200})

    def valkey_flushed(self) -> Figure:
        """Emptied while the photos wait."""
        with frozen(self.kith.programs_of("io")):
            clients = self.clients(self.photos)
            self.kith.wait_until(lambda: clients.are_done, LONGEST)
            redis.Redis.from_url(self.kith.services.redis_client_url).flushall()
        return self.drained("Valkey emptied (FLUSHALL)", clients)

    def valkey_frozen(self) -> Figure:
        with frozen(self.kith.valkey):
            stopped = time.monotonic()
            clients = self.clients(self.photos)
            pages = Counter(self.kith.get("/").status for _ in range(5))
            self.kith.wait_until(lambda: time.monotonic() - stopped > 30, 60, healing=False)
        self.kith.wait_until(lambda: clients.are_done, LONGEST)
        return self.drained(
            "Valkey stopped 30 s (SIGSTOP)", clients, f"pages {dict(pages)}", is_met=set(pages) == {200}
        )

    # --- PostgreSQL

    def postgres_killed(self) -> Figure:
        clients, longest, generator = self.clients(), 0.0, random.Random(1)
        for number in range(self.kills):
            self.wait_for_more(clients)
            time.sleep(generator.uniform(0, 1))
            kill(self.kith.postgres)
            longest = max(longest, self.kith.wait_until(lambda: self.kith.get("/").status == 200, LONGEST))
            print(f"  kill {number + 1}, 200 again after at most {longest:.1f} s", flush=True)
        self.wait_for_more(clients)
        clients.stop()
        return self.back(f"PostgreSQL killed {self.kills} times while 8 clients send", clients, longest)

    def backend_killed(self) -> Figure:
        clients, longest = self.clients(), 0.0
        for _ in range(10):
            self.wait_for_more(clients)
            kill(self.kith.backends()[:1])
            longest = max(longest, self.kith.wait_until(lambda: self.kith.get("/").status == 200, LONGEST))
        clients.stop()
        return self.back("One backend killed, 10 times", clients, longest)

    def postgres_restarted(self) -> Figure:
        clients = self.clients()
        self.wait_for_more(clients)
        server = self.kith.services._postgres
        server.stop()
        server.start(lambda sentence: None)
        longest = self.kith.wait_until(lambda: self.kith.get("/").status == 200, LONGEST)
        clients.stop()
        return self.back("PostgreSQL restarted", clients, longest)

    def postgres_frozen(self) -> Figure:
        clients = self.clients()
        self.wait_for_more(clients)
        with frozen(self.kith.postgres):
            page = self.kith.get("/")
            time.sleep(max(0, 20 - page.seconds))
        longest = self.kith.wait_until(lambda: self.kith.get("/").status == 200, LONGEST)
        clients.stop()
        told = f"{page.status} after {page.seconds:.1f} s"
        return self.back("PostgreSQL stopped 20 s (SIGSTOP)", clients, longest, told, is_met=page.status == 503)

    def connections_used_up(self) -> Figure:
        """120 clients of the database, which takes 100."""
        held = []
        try:
            with suppress(psycopg.OperationalError):
                for _ in range(120):
                    held.append(psycopg.connect(self.kith.services.database_url))
            with psycopg.connect(self.kith.services.admin_database_url, autocommit=True) as connection:
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = ''"
                    " AND state = 'idle' AND usename = 'kith' AND backend_start < now() - interval '30 s'"
                )
            statuses = Counter(self.kith.get("/").status for _ in range(40))
        finally:
            for connection in held:
                connection.close()
        seconds = self.kith.wait_until(lambda: self.kith.get("/").status == 200, LONGEST)
        is_met = seconds <= 30 and set(statuses) <= {200, 503}
        measured = f"{len(held)} held; pages {dict(statuses)}; 200 after {seconds:.1f} s"
        return Figure("All connections of PostgreSQL taken", "200 or 503; 200 <= 30 s after", measured, is_met)

    def migration_killed(self) -> Figure:
        """A new library whose tables are killed half-way, ten times."""
        with open_folder() as folder:
            other = StoreKith(folder)
            other.services.start()
            try:
                code, killed = 1, 0
                for number in range(10):
                    process = subprocess.Popen([sys.executable, "-c", SET_UP], cwd=ROOT, env=other._environment,
                                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
                    with suppress(subprocess.TimeoutExpired):
                        process.wait(2 + 0.7 * number)
                    killed += process.poll() is None
                    process.kill()
                    process.wait()
                code = subprocess.run([sys.executable, "-c", SET_UP], cwd=ROOT, env=other._environment,
                                      stdout=subprocess.DEVNULL).returncode  # fmt: skip
            finally:
                other.services.stop()
        measured = f"{killed} killed, the last ended with {code}"
        return Figure("Migration killed 10 times, then run again", "runs to its end", measured, code == 0)

    # --- The disk

    def disk_full(self) -> Figure:
        if not self.kith.has_own_disk:
            return Figure("Disk full", "507; goes on <= 30 s after", "not measured: needs root to mount a disk", False)
        clients = self.clients()
        self.wait_for_more(clients)
        with full(self.kith.media):
            self.kith.wait_until(lambda: clients.statuses[507] > 8, LONGEST)
            page = self.kith.get("/")
        before = len(clients.acknowledged)
        seconds = self.kith.wait_until(lambda: len(clients.acknowledged) > before, LONGEST)
        clients.stop()
        drained = self.kith.wait_until(lambda: self.kith.waiting() == 0, LONGEST)
        lost, parts = self.lost(clients), len(self.kith.parts())
        is_met = not lost and not parts and page.status == 200 and seconds <= SPACE and drained <= SPACE
        measured = (f"{dict(clients.statuses)}; page {page.status}; taken again after {seconds:.1f} s, thumbnails after"
                    f" {drained:.1f} s; lost {lost}, parts left {parts}")  # fmt: skip
        return Figure("Disk full", "507; goes on <= 30 s after; 0 lost, 0 parts", measured, is_met)

    def broken_fsync(self) -> Figure:
        """Every third fsync of the web answers EIO."""
        strace = shutil.which("strace")
        if not strace:
            return Figure("EIO at fsync", "0 lost", "not measured: strace is missing", False)
        self.kith.stop_program("web")
        injected = ("-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync", "-e", "inject=fsync:error=EIO:when=3+3")
        self.kith.start_program("web", under=(strace, *injected))
        self.kith.wait_until(lambda: self.kith.get("/healthz").status == 200, 120)
        clients = self.clients(60)
        self.kith.wait_until(lambda: clients.are_done, LONGEST)
        self.kith.stop_program("web")
        self.kith.start_program("web")
        self.kith.wait_until(lambda: self.kith.get("/").status == 200, 120)
        lost, parts = self.lost(clients), len(self.kith.parts())
        measured = f"{dict(clients.statuses)}; lost {lost}, parts left {parts}"
        is_met = not lost and not parts and clients.statuses[500] > 0
        return Figure(
            "EIO at every third fsync, 60 photos", "refused with a sentence; 0 lost, 0 parts", measured, is_met
        )

    # --- What came of it

    def wait_for_more(self, clients: Clients, photos: int = 8) -> None:
        enough = len(clients.acknowledged) + photos
        self.kith.wait_until(lambda: len(clients.acknowledged) >= enough, LONGEST)

    def drained(self, fault: str, clients: Clients, more: str = "", *, is_met: bool = True) -> Figure:
        began = time.monotonic()
        self.kith.wait_until(lambda: self.kith.waiting() == 0, LONGEST)
        seconds, lost = time.monotonic() - began, self.lost(clients)
        measured = f"{dict(clients.statuses)}, slowest {clients.slowest:.1f} s; done after {seconds:.1f} s; lost {lost}"
        is_met = is_met and not lost and seconds <= DRAINED and set(clients.statuses) <= {200, 201}
        goal = f"{self.photos} x 201, done <= {DRAINED} s after, 0 lost"
        return Figure(fault, goal, "; ".join(filter(None, [measured, more])), is_met)

    def back(self, fault: str, clients: Clients, longest: float, more: str = "", *, is_met: bool = True) -> Figure:
        self.kith.wait_until(lambda: self.kith.waiting() == 0, LONGEST)
        lost = self.lost(clients)
        measured = f"{dict(clients.statuses)}; 200 again after at most {longest:.1f} s; lost {lost}"
        is_met = is_met and not lost and longest <= BACK and set(clients.statuses) <= {200, 201, 503}
        goal = f"only 201 or 503, 200 <= {BACK} s after, 0 lost"
        return Figure(fault, goal, "; ".join(filter(None, [measured, more])), is_met)

    def lost(self, clients: Clients) -> int:
        """Photos that were acknowledged and whose row or bytes are not there."""
        rows = dict(self.kith.rows("SELECT id, original FROM photos_photo"))  # type: ignore[arg-type]
        lost = 0
        for photo, sha256 in clients.acknowledged.items():
            file = self.kith.media / rows.get(photo, "missing")
            lost += not file.is_file() or hashlib.sha256(file.read_bytes()).hexdigest() != sha256
        return lost

    def verified(self) -> Figure:
        command = [sys.executable, "manage.py", "verify", "--checksums"]
        run = subprocess.run(command, cwd=ROOT, env=self.kith._environment, capture_output=True, text=True)
        doubled = self.kith.rows("SELECT count(*) - count(DISTINCT sha256) FROM photos_photo")[0][0]
        said = (run.stdout + run.stderr).strip().splitlines()
        measured = f"ends with {run.returncode}, doubled {doubled}: {said[-1] if said else ''}"
        return Figure(
            "`manage.py verify --checksums` afterwards", "0, none twice", measured, not run.returncode and not doubled
        )


ALL = (
    "valkey_killed", "valkey_flushed", "valkey_frozen", "postgres_killed", "backend_killed", "postgres_restarted",
    "postgres_frozen", "connections_used_up", "migration_killed", "disk_full", "broken_fsync",
)  # fmt: skip


def main() -> int:
    options = _options()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what was started is stopped
    figures: list[Figure] = []
    with store_kith(KITH_SWEEP_SECONDS="30", KITH_STATEMENT_SECONDS="10", megabytes=512) as kith:
        faults = Faults(kith, options.photos, options.kills)
        for name in options.only or ALL:
            print(f"{name} ...", flush=True)
            try:
                figures.append(getattr(faults, name)())
            except Exception as error:  # the others are still worth their figures
                figures.append(Figure(name, "", f"{type(error).__name__}: {str(error)[:2000]}", False))
            print(f"  {time.strftime('%H:%M:%S')} {figures[-1].measured}", flush=True)
        figures.append(faults.verified())
    print("\n| Fault | Goal | Measured | Met |\n| --- | --- | --- | --- |")
    for figure in figures:
        print(f"| {figure.fault} | {figure.goal} | {figure.measured} | {'yes' if figure.is_met else 'NO'} |")
    if options.json:
        options.json.write_text(json.dumps([asdict(figure) for figure in figures], indent=2))
    return 0 if all(figure.is_met for figure in figures) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="*", choices=ALL)
    parser.add_argument("--photos", type=int, default=500)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
