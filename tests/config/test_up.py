"""`manage.py up` with real servers, gunicorn and Celery, on a project without Kith's apps."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import psutil
import psycopg
import pytest

from config.embedded import EmbeddedServices, Home
from config.embedded.process import processes_in
from config.supervisor import MARK
from tests.config.conftest import all_servers, open_folder

pytestmark = pytest.mark.timeout(90)
REPOSITORY = Path(__file__).resolve().parents[2]


class Up:
    """One `manage.py up` and what it has printed so far."""

    def __init__(self, home, port, **environment):
        self.home, self.port = home, port
        replaced = {"KITH_HOME": str(home), "DJANGO_SETTINGS_MODULE": "tests.config.up_settings"}
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "up", f"--port={port}"],
            cwd=REPOSITORY,
            env=_clean_environment() | replaced | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.output = ""
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def wait_for(self, pattern, seconds=60):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if re.search(pattern, self.output):
                return
            assert self.process.poll() is None, self.output
            time.sleep(0.05)
        raise AssertionError(f"no {pattern!r} in:\n{self.output}")

    def wait_until_ready(self):
        self.wait_for("Kith is ready")
        self.wait_for(r"io@\S+ ready")
        self.wait_for(r"ml@\S+ ready")

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.join()

    def join(self, seconds=60):
        code = self.process.wait(seconds)
        self._reader.join(20)
        return code

    def _read(self):
        with self.process.stdout as lines:
            for line in lines:
                self.output += line


def _clean_environment():
    ours = ("KITH_", "DJANGO_", "DATABASE_URL", "REDIS_URL")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


@pytest.fixture
def start_up(kith_home):
    started = []

    def start(port=None, **environment):
        started.append(Up(kith_home, port or free_port(), **environment))
        return started[-1]

    yield start
    for up in started:
        if up.process.poll() is None:
            up.end()


@pytest.fixture(scope="module")
def running_up():
    """One that runs, for tests that leave it running."""
    with open_folder() as folder:
        up = Up(folder / "home", free_port())
        up.wait_until_ready()
        yield up
        up.end()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def page(up):
    with urllib.request.urlopen(f"http://127.0.0.1:{up.port}/healthz", timeout=10) as answer:
        return answer.read().decode()


def children_of(home):
    """Every process that belongs to this home, except `up` itself."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == str(home) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found + all_servers(home)


def catches_interrupts(process):
    caught = re.search(r"SigCgt:\s*(\w+)", Path(f"/proc/{process.pid}/status").read_text())
    return int(caught[1], 16) & 2


def wait_until(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not (result := condition()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return result


def test_it_serves_pages_with_the_static_files_collected(running_up):
    assert page(running_up) == "well"
    assert "Collected the static files." in running_up.output
    assert (running_up.home / "static" / "staticfiles.json").exists()


def test_without_weights_it_says_so_and_goes_on(running_up):
    assert "fetch| CommandError: The weights are out of reach." in running_up.output
    assert "fetch ended with code 1. The rest goes on without it." in running_up.output


def test_a_second_one_on_the_folder_says_so_and_ends(running_up):
    second = Up(running_up.home, free_port())

    assert second.join() == 1
    where = f"(pid {running_up.process.pid}, http://127.0.0.1:{running_up.port})"
    assert f"Kith is already running on this folder {where}." in second.output
    assert page(running_up) == "well"


def test_ctrl_c_stops_everything_in_order_and_leaves_no_process(start_up, kith_home):
    up = start_up()
    up.wait_until_ready()
    assert len(children_of(kith_home)) > 10

    assert up.end(signal.SIGINT) == 0

    assert children_of(kith_home) == []
    lines = ("Shutting down: Master", "Warm shutdown", "Stopping Valkey", "Stopping PostgreSQL", "Stopped.")
    places = [up.output.index(line) for line in lines]
    assert places == sorted(places)


def test_killed_programs_and_services_come_back(running_up):
    home = running_up.home
    for process in processes_in(Home(home).cluster, "postgres"):
        process.kill()
    worker = next(each for each in children_of(home) if "ml@%h" in each.cmdline())
    worker.kill()
    io = next(each for each in children_of(home) if "io@%h" in each.cmdline())
    next(each for each in io.children() if catches_interrupts(each)).kill()  # beat: its brother ignores them

    running_up.wait_for("PostgreSQL has ended unexpectedly")
    running_up.wait_for("ml was killed by SIGKILL; starting it again")
    running_up.wait_for(r"(?s)ml was killed.*ml@\S+ ready")
    running_up.wait_for("Beat has ended; starting it again")
    assert wait_until(lambda: EmbeddedServices(home).answer())
    psycopg.connect(EmbeddedServices(home).database_url).close()


def test_when_it_is_killed_the_next_one_starts_and_sigterm_stops_all_of_it(start_up, kith_home):
    first = start_up()
    first.wait_until_ready()
    first.end(signal.SIGKILL)

    second = start_up(first.port)
    second.wait_until_ready()

    assert page(second) == "well"
    assert "Collected the static files." not in second.output, "they had not changed"
    assert second.end(signal.SIGTERM) == 0
    assert children_of(kith_home) == []


def test_when_it_is_killed_nothing_is_left_after_a_while(start_up, kith_home):
    up = start_up()
    up.wait_until_ready()

    up.end(signal.SIGKILL)

    assert wait_until(lambda: children_of(kith_home) == [])


def test_a_port_in_use_is_named_and_nothing_is_started(start_up, kith_home):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        up = start_up(port)

        assert up.join() == 1
    assert f"Port {port} is in use by another program. Choose another with --port." in up.output
    assert children_of(kith_home) == []


def test_ctrl_c_while_it_starts_leaves_no_process(start_up, kith_home):
    up = start_up()
    up.wait_for("Starting PostgreSQL")

    assert up.end(signal.SIGINT) == 0

    assert children_of(kith_home) == []


def test_it_waits_for_a_command_that_uses_the_folder(start_up, services):
    up = start_up()
    up.wait_for("Another command of Kith is using this folder; waiting until it is done.")

    services.stop()

    up.wait_for("Kith is ready")


def test_services_of_ones_own_are_used_and_left_alone(start_up, services, kith_home):
    up = start_up(DATABASE_URL=services.database_url, REDIS_URL=services.redis_url)
    up.wait_for("Kith is ready")

    assert up.end() == 0

    assert "Starting PostgreSQL" not in up.output
    assert "Starting Valkey" not in up.output
    assert services.answer()
