"""The supervisor, tried on small programs that behave badly."""

import signal
import sys
import time

import psutil
import pytest

from config import supervisor as supervisor_module
from config.supervisor import Program, Supervisor, end_leftovers

pytestmark = pytest.mark.timeout(60)


class Written:
    """What programs wrote and what the supervisor said."""

    def __init__(self):
        self.lines = []

    def show(self, name, line):
        self.lines.append((name, line))

    def say(self, sentence):
        self.show("kith", sentence)

    def said(self, part):
        return [line for name, line in self.lines if name == "kith" and part in line]


@pytest.fixture
def written():
    return Written()


@pytest.fixture
def supervise(tmp_path, written):
    started = []

    def start(*programs):
        supervisor = Supervisor(tmp_path, programs, folder=tmp_path, report=written.say, show=written.show)
        started.append(supervisor)
        return supervisor

    yield start
    for supervisor in started:
        supervisor.stop()


def python(name, code, **options):
    return Program(name, [sys.executable, "-c", code], **options)


def look_until(supervisor, condition, seconds=15):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        supervisor.look_after()
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError("it did not happen in time")


def test_lines_of_a_program_are_shown_under_its_name(supervise, written):
    supervisor = supervise(python("web", "import time; print('höllo'); print('2'); time.sleep(60)"))

    look_until(supervisor, lambda: written.lines == [("web", "höllo"), ("web", "2")])


def test_a_program_that_dies_is_started_again_and_it_is_said_how_it_ended(supervise, written):
    supervisor = supervise(python("ml", "import time; print('up'); time.sleep(60)"))
    look_until(supervisor, lambda: len(written.lines) == 1)

    supervisor.children[0].process.kill()

    look_until(supervisor, lambda: written.lines.count(("ml", "up")) == 2)
    assert written.said("ml was killed by SIGKILL; starting it again in 1 s.")


def test_a_program_that_keeps_dying_is_tried_less_and_less_often(supervise, written, monkeypatch):
    monkeypatch.setattr(supervisor_module, "FIRST_PAUSE", 0.001)
    supervisor = supervise(python("ml", "raise SystemExit(3)"), python("web", "import time; time.sleep(60)"))

    look_until(supervisor, lambda: written.said("for the 5th time in a row"))

    assert supervisor.children[0].due - time.monotonic() > 50
    assert supervisor.children[1].is_alive, "the others go on"


def test_a_program_that_runs_once_is_not_started_again_and_others_may_wait_for_it(supervise, written):
    first = python("fetch", "import time; time.sleep(0.5); print('fetched')", once=True)
    second = python("ml", "import time; print('up'); time.sleep(60)", after="fetch")
    supervisor = supervise(second, first)

    look_until(supervisor, lambda: ("ml", "up") in written.lines)

    assert written.lines == [("fetch", "fetched"), ("ml", "up")]
    assert supervisor.children[1].process is None


def test_a_program_that_will_not_end_is_killed_with_its_children(supervise, written):
    stubborn = (
        "import signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "print(subprocess.Popen(['sleep', '60']).pid)\n"
        "time.sleep(60)\n"
    )
    supervisor = supervise(python("io", stubborn, stop_steps=((signal.SIGTERM, 0.3),)))
    look_until(supervisor, lambda: written.lines)
    grandchild = psutil.Process(int(written.lines[0][1]))
    begin = time.monotonic()

    supervisor.stop()

    assert time.monotonic() - begin < 5
    grandchild.wait(5)


def test_programs_are_asked_to_stop_together_not_one_after_the_other(supervise, written):
    slow = (
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: (time.sleep(1), sys.exit()))\n"
        "print('up', flush=True)\n"
        "while True: time.sleep(0.1)\n"
    )
    supervisor = supervise(*(python(name, slow) for name in ("a", "b", "c")))
    look_until(supervisor, lambda: len(written.lines) == 3)
    begin = time.monotonic()

    supervisor.stop()

    assert time.monotonic() - begin < 2.5


def test_what_a_killed_supervisor_left_behind_is_found_and_ended(supervise, written, tmp_path):
    supervisor = supervise(python("web", "import time; print('up'); time.sleep(60)"))
    look_until(supervisor, lambda: written.lines)

    assert end_leftovers(tmp_path / "another home") == 0
    assert end_leftovers(tmp_path) == 1
    assert not supervisor.children[0].is_alive
