"""`manage.py up`: runs all of Kith on this machine, until Ctrl-C."""

import errno
import http.client
import shutil
import signal
import socket
import sys
import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connections
from rich.console import Console
from rich.text import Text

from config.embedded import EmbeddedError, EmbeddedServices, Home
from config.embedded.lock import FolderLock
from config.logs import json_logger, put_large_files_aside
from config.static_files import collect_if_changed
from config.supervisor import Program, Supervisor, end_leftovers

COLOURS = {
    "web": "cyan",
    "io": "green",
    "ml": "magenta",
    "training": "white",
    "fetch": "blue",
    "kith": "bold yellow",
}
LOOK_EVERY = 0.5
READY_WITHIN = 120.0
# A worker's pool process is replaced after the task that took it past this: with its
# parent (0.2 GB) and one batch of photos it stays below 2.5 GB.
ML_MEMORY_KILOBYTES = 2_000_000
IO_MEMORY_KILOBYTES = 1_000_000  # suggestions over a large library are the most it does
TRAINING_MEMORY_KILOBYTES = 200_000  # what it took to learn is given back at once: it learns seldom
# Beside all the rest it gets what nobody else wants (config.celery): more threads would only be in their way.
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
# First let it finish its task, then ask again; what is cut off, another worker takes over.
WORKER_STOP = ((signal.SIGTERM, 10.0), (signal.SIGQUIT, 3.0))


class Command(BaseCommand):
    help = "Run Kith: database, queue, web and workers. Ctrl-C stops all of it."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
        parser.add_argument("--port", type=int, default=8000, help="port to listen on")

    def handle(self, *args: Any, host: str, port: int, **options: Any) -> None:
        self.console = Console(file=sys.stdout, highlight=False, soft_wrap=True)
        self.home = Path(settings.KITH_HOME).resolve()
        self.host, self.port = host, port
        self.services = EmbeddedServices.needed(self.home)
        self.log = json_logger("kith", self.services.home.logs / "kith.jsonl")
        try:
            self.run()
        except EmbeddedError as error:
            raise CommandError(str(error)) from error

    @property
    def url(self) -> str:
        return f"http://{_reachable(self.host)}:{self.port}"

    def run(self) -> None:
        _end_on_signals()
        self.services.home.make()
        lock = FolderLock(self.services.home.run / "up.lock")
        if not lock.acquire():
            pid, _, url = lock.read().partition(" ")
            raise CommandError(f"Kith is already running on this folder (pid {pid}, {url}).")
        lock.write(f"{lock.read()} {self.url}")
        try:
            if end_leftovers(self.home):
                self.say("Ended what an earlier Kith had left running.")
            _check_port(self.host, self.port)
            self.serve()
        except KeyboardInterrupt:
            pass
        finally:
            lock.release()

    def serve(self) -> None:
        """Start everything, keep it running, and stop it in the end, whatever happens."""
        # What ended processes counted: numbers begin anew with each start.
        shutil.rmtree(self.services.home.metrics, ignore_errors=True)
        supervisor = Supervisor(
            self.home,
            programs(self.host, self.port, self.home),
            folder=settings.BASE_DIR,
            report=self.say,
            show=self.show,
        )
        try:
            self.start_services()
            self.set_up()
            self.look_after(supervisor)
        finally:
            with _signals_ignored():
                self.say("Stopping.")
                supervisor.stop(["web"])
                supervisor.stop()
                self.services.stop(self.say)
                self.say("Stopped.")

    def start_services(self) -> None:
        waiting = False
        while not self.services.start(self.say):
            # Not ours to share: a one-off command stops them when it is done.
            if not waiting:
                self.say("Another command of Kith is using this folder; waiting until it is done.")
                waiting = True
            time.sleep(LOOK_EVERY)

    def set_up(self) -> None:
        """Bring the database and the static files up to date."""
        self.say("Updating the database.")
        call_command("migrate", interactive=False, verbosity=0)
        self.refuse_without_media()
        connections.close_all()
        if not settings.DEBUG and collect_if_changed():
            self.say("Collected the static files.")

    def refuse_without_media(self) -> None:
        if not apps.is_installed("photos"):
            return
        from photos import media_folder

        if sentence := media_folder.trouble():
            raise EmbeddedError(f"{sentence} ({settings.MEDIA_ROOT})")

    def look_after(self, supervisor: Supervisor) -> None:
        begin, ready = time.monotonic(), False
        while True:
            put_large_files_aside(self.services.home.logs)
            supervisor.look_after()
            try:
                self.services.restart_ended(self.say)
            except EmbeddedError as error:
                self.say(f"{error} Trying again.")
                time.sleep(5)
            if not ready and (ready := _answers(self.host, self.port)):
                self.say(f"Kith is ready: {self.url}")
                if settings.KITH_IS_ELSEWHERE or self.host not in settings.LOOPBACK_HOSTS:
                    call_command("setup_code", stdout=_Lines(self.say))
            elif not ready and time.monotonic() - begin > READY_WITHIN:
                raise EmbeddedError(f"{self.url} did not answer within {READY_WITHIN:.0f} s.")
            time.sleep(LOOK_EVERY)

    def say(self, sentence: str) -> None:
        self.log.info(sentence)
        self.show("kith", sentence)

    def show(self, name: str, line: str) -> None:
        """Print a line with the name of the program that wrote it."""
        try:
            self.console.print(Text(f"{name:<5}| ", style=COLOURS[name]) + Text(line))
        except OSError:
            return  # the terminal is gone, the programs go on


def programs(host: str, port: int, home: Path) -> list[Program]:
    """What makes up Kith on one machine."""
    schedule = f"--schedule={home / 'run' / 'beat-schedule'}"
    io = _worker("io", "-B", schedule, f"--max-memory-per-child={IO_MEMORY_KILOBYTES}")
    ml = _worker("ml", f"--max-memory-per-child={ML_MEMORY_KILOBYTES}")
    training = _worker("training", f"--max-memory-per-child={TRAINING_MEMORY_KILOBYTES}")
    # Weights are fetched beside the rest: the first time that takes minutes, in which albums
    # can be made already. A process of its own, because it fills its memory with networks.
    fetch = [sys.executable, "manage.py", "fetch_models"]
    return [
        Program("web", _web(host, port), environment=_logged("web", home)),
        Program("io", io, stop_steps=WORKER_STOP, oom_score=200, environment=_logged("io", home)),
        Program("fetch", fetch, once=True, environment=_logged("fetch", home)),
        Program("ml", ml, stop_steps=WORKER_STOP, oom_score=500, environment=_logged("ml", home), after="fetch"),
        Program(
            "training",
            training,
            stop_steps=WORKER_STOP,
            oom_score=800,
            environment=_logged("training", home) | ONE_THREAD,
            after="fetch",
        ),
    ]


def _logged(name: str, home: Path) -> dict[str, str]:
    """What a program writes goes to the terminal as lines, and to a file of its own as JSON."""
    return {"KITH_PROGRAM": name, "KITH_LOG_FILE": str(Home(home).logs / f"{name}.jsonl")}


def _web(host: str, port: int) -> list[str]:
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return [
        *(sys.executable, "-m", "gunicorn", "config.wsgi", f"--bind={address}"),
        *("--worker-class=gthread", f"--workers={settings.KITH_WEB_PROCESSES}"),
        f"--threads={settings.KITH_WEB_THREADS}",
        *("--timeout=120", "--graceful-timeout=10", "--no-control-socket"),
    ]


def _worker(queue: str, *options: str) -> list[str]:
    return [
        *(sys.executable, "-m", "celery", "--quiet", "-A", "config.celery", "worker"),
        *("-Q", queue, "-n", f"{queue}@%h", "--concurrency=1", "--loglevel=INFO"),
        # One machine: workers need not find each other, and start a second sooner.
        *("--without-gossip", "--without-mingle", *options),
    ]


class _Lines:
    """What a command is given to write to."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say

    def write(self, text: str) -> None:
        self._say(text.rstrip())


def _reachable(host: str) -> str:
    """The address to open in a browser for one that listens everywhere."""
    everywhere = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104
    plain = everywhere.get(host, host)
    return f"[{plain}]" if ":" in plain else plain


def _check_port(host: str, port: int) -> None:
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            sentence = f"Port {port} is in use by another program. Choose another with --port."
        elif error.errno == errno.EACCES:
            sentence = f"You may not use port {port}. Choose one above 1023 with --port."
        else:
            sentence = f"Kith cannot listen on {host} ({error.strerror}). Change --host."
        raise CommandError(sentence) from error


def _answers(host: str, port: int) -> bool:
    """Whether the web answers, with a page or with an error of its own."""
    connection = http.client.HTTPConnection(_reachable(host).strip("[]"), port, timeout=2)
    try:
        connection.request("GET", "/healthz")
        connection.getresponse()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True


def _end_on_signals() -> None:
    """Let SIGTERM and a closed terminal end us as Ctrl-C does."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # nohup asks us to stay
        signal.signal(signal.SIGHUP, signal.default_int_handler)


@contextmanager
def _signals_ignored() -> Iterator[None]:
    """Every step of stopping has its limit; a second Ctrl-C must not leave half of it."""
    caught = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, signal.SIG_IGN) for number in caught}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
