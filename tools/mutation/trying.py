"""Runs the tests once with all that they start, then, for each mutant, those that come through it in a fork."""

import ast
import gc
import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import CodeType, FrameType, FunctionType
from typing import Any, Literal

import pytest

from tools.mutation.mutants import Half, Mutant, mutants_of

ROOT = Path(__file__).resolve().parent.parent.parent
Fate = Literal["killed", "timed out", "survived", "not covered", "cannot be tried"]
PATIENCE = 60  # seconds for the tests of a mutant, beside twenty times what they took of the processor before
MOST_SECONDS = 10  # of the processor, of tests for one mutant, the quickest first
STATUS: dict[int, Fate] = {0: "survived", 1: "killed", 2: "cannot be tried"}


@dataclass
class Tried:
    """One mutant and what became of it."""

    file: str
    mutant: Mutant
    fate: Fate


@dataclass(eq=False)  # pytest asks for the hash of its plugins
class Trier:
    """A pytest plugin in place of the loop over tests. files: absolute paths of modules to change."""

    files: Sequence[Path]
    deadline: float  # of time.monotonic: no further mutant is begun after it
    half: Half | None = None  # None: both
    tried: list[Tried] = field(default_factory=list)
    left: int = 0  # mutants there was no time for
    left_out: list[str] = field(default_factory=list)  # tests that fail although nothing is changed
    # Tests by file and function, and by file and line.
    _through: dict[tuple[str, str | int], set[str]] = field(default_factory=dict)
    _seconds: dict[str, float] = field(default_factory=dict)
    _repeatable: dict[str, bool] = field(default_factory=dict)
    _is_fork: bool = False
    _telling: int = -1  # the end of a pipe in which a fork says what failed

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        items = {item.nodeid: item for item in session.items}
        try:
            self._run_all(session.items)
            self._try_all(items)
        finally:
            session._setupstate.teardown_exact(None)  # while PostgreSQL is there
        return True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and self._is_fork:
            os.write(self._telling, report.nodeid.encode())
            os._exit(1)
        if report.failed:
            self._leave_out(report.nodeid)

    # Once, unchanged

    def _run_all(self, items: Sequence[pytest.Item]) -> None:
        wanted = {str(file) for file in self.files}
        for number, item in enumerate(items):
            came: set[tuple[str, str | int]] = set()
            note = partial(_note, wanted, came)
            begun = time.process_time()  # the clock of a busy machine says nothing about a test
            threading.settrace(note)
            sys.settrace(note)
            try:
                _run(item, items[number + 1 : number + 2])
            finally:
                sys.settrace(None)
                threading.settrace(None)  # type: ignore[arg-type]
            self._seconds[item.nodeid] = time.process_time() - begun
            for place in came if item.nodeid not in self.left_out else ():
                self._through.setdefault(place, set()).add(item.nodeid)

    # Changed

    def _try_all(self, items: dict[str, pytest.Item]) -> None:
        everything = [
            (file, mutant)
            for file in self.files
            for mutant in mutants_of(file.read_text())
            if self.half in (None, mutant.half(_name(file)))
        ]
        everything.sort(key=lambda one: one[1].place(_name(one[0])))  # where time is short, some of all files
        live = list(_live_functions(self.files))
        for number, (file, mutant) in enumerate(everything):
            if time.monotonic() > self.deadline:
                self.left = len(everything) - number
                break
            functions = [function for function in live if _is_of(function, file, mutant)]
            fate = self._fate_of(file, mutant, functions, items)
            self.tried.append(Tried(_name(file), mutant, fate))
            print(f"{self.tried[-1].file}:{mutant.line} {mutant.what}: {fate}", file=sys.__stderr__, flush=True)

    def _fate_of(
        self, file: Path, mutant: Mutant, functions: list[FunctionType], items: dict[str, pytest.Item]
    ) -> Fate:
        while tests := self._tests_of(file, mutant):
            fate, failed = self._fork(partial(_change, file, mutant, functions), [items[name] for name in tests])
            if not failed or self._holds(items[failed]):
                return fate
        return "not covered"

    def _holds(self, item: pytest.Item) -> bool:
        """Whether a test passes in a fork in which nothing is changed; one that does not is left out from now on."""
        if item.nodeid not in self._repeatable:
            fate, _ = self._fork(lambda: True, [item])
            self._repeatable[item.nodeid] = fate == "survived"
        if not self._repeatable[item.nodeid]:
            self._leave_out(item.nodeid)
        return self._repeatable[item.nodeid]

    def _leave_out(self, name: str) -> None:
        self.left_out.append(name)
        print(f"Left out: {name}", file=sys.__stderr__, flush=True)
        for tests in self._through.values():
            tests.discard(name)

    def _tests_of(self, file: Path, mutant: Mutant) -> list[str]:
        found = [self._through.get((str(file), line), set()) for line in range(mutant.line, mutant.last_line + 1)]
        names = set().union(*found) or self._through.get((str(file), mutant.function), set())
        chosen: list[str] = []
        seconds = 0.0
        for name in self._in_turn(names):
            seconds += self._seconds[name]
            if chosen and seconds > MOST_SECONDS:
                break
            chosen.append(name)
        return chosen

    def _in_turn(self, names: Iterable[str]) -> list[str]:
        """The quickest test of each file, then the next of each: a file is about one subject."""
        turns: Counter[str] = Counter()
        placed: list[tuple[int, float, str]] = []
        for name in sorted(names, key=lambda name: (self._seconds[name], name)):
            file = name.partition("::")[0]
            placed.append((turns[file], self._seconds[name], name))
            turns[file] += 1
        return [name for _, _, name in sorted(placed)]

    def _fork(self, change: Callable[[], bool], items: list[pytest.Item]) -> tuple[Fate, str]:
        """What became of a mutant, and the test that failed."""
        from django.db import connections

        connections.close_all()  # a fork must not speak on its parent's
        patience = PATIENCE + 20 * sum(self._seconds[item.nodeid] for item in items)
        receiving, self._telling = os.pipe()
        child = os.fork()
        if not child:
            self._is_fork = True
            try:
                os.setpgid(0, 0)  # with what it starts
                if not change():
                    os._exit(2)
                for number, item in enumerate(items):
                    _run(item, items[number + 1 : number + 2])
            except BaseException:
                os._exit(1)  # a mutant that breaks pytest itself is noticed, too
            os._exit(0)
        os.close(self._telling)
        fate = _fate(child, patience)
        # What the child started may still hold its end of the pipe: no waiting for the end.
        os.set_blocking(receiving, False)
        try:
            failed = os.read(receiving, 4096).decode()
        except BlockingIOError:
            failed = ""
        os.close(receiving)
        return fate, failed


def _note(wanted: set[str], came: set[tuple[str, str | int]], frame: FrameType, event: str, _: Any) -> Any:
    """Called for each call, and within the files that are wanted for each line: note that it was come to."""
    code = frame.f_code
    if code.co_filename not in wanted:
        return None
    if event == "call":
        came.add((code.co_filename, code.co_qualname.split(".<locals>")[0]))
    came.add((code.co_filename, frame.f_lineno))
    return partial(_note, wanted, came)


def _run(item: pytest.Item, following: Sequence[pytest.Item]) -> None:
    """Run a test, and tear down what the one that follows does not need; what the session shares stays in any case."""
    item.config.hook.pytest_runtest_protocol(item=item, nextitem=following[0] if following else item.session)


def _fate(child: int, patience: float) -> Fate:
    until = time.monotonic() + patience
    while time.monotonic() < until:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return STATUS.get(os.waitstatus_to_exitcode(status), "killed")
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "timed out"


def _live_functions(files: Sequence[Path]) -> Iterator[FunctionType]:
    names = {str(file) for file in files}
    for found in gc.get_objects():
        # isinstance would ask Django's lazy objects what they are, which makes them.
        if type(found) is FunctionType and found.__code__.co_filename in names:
            yield found


def _is_of(function: FunctionType, file: Path, mutant: Mutant) -> bool:
    code = function.__code__
    return code.co_filename == str(file) and code.co_qualname.split(".<locals>")[0] == mutant.function


def _change(file: Path, mutant: Mutant, functions: list[FunctionType]) -> bool:
    """Give living functions the changed code; False where that is not possible."""
    compiled = compile(ast.fix_missing_locations(mutant.tree), str(file), "exec")
    codes = {code.co_qualname: code for code in _codes(compiled)}
    changed = False
    for function in functions:
        code = codes.get(function.__code__.co_qualname)
        if code is None or len(code.co_freevars) != len(function.__code__.co_freevars):
            continue
        function.__code__ = code
        changed = True
    return changed


def _codes(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _codes(constant)


def _name(file: Path) -> str:
    return file.relative_to(ROOT).as_posix() if file.is_relative_to(ROOT) else file.name
