"""Runs the tests once with all that they start, then, for each mutant, those that come through it in a fork."""

import ast
import gc
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FrameType, FunctionType
from typing import Any, Literal

import pytest

from tools.mutation.mutants import Mutant, mutants_of

Fate = Literal["killed", "timed out", "survived", "not covered", "cannot be tried"]
PATIENCE = 30  # seconds for the tests of a mutant, beside three times what they took before
MOST_SECONDS = 60  # of tests for one mutant, the quickest first
STATUS: dict[int, Fate] = {0: "survived", 1: "killed", 2: "cannot be tried"}


@dataclass
class Tried:
    """One mutant and what became of it."""

    file: str
    mutant: Mutant
    fate: Fate


@dataclass
class Trier:
    """A pytest plugin in place of the loop over tests. files: absolute paths of modules to change."""

    files: Sequence[Path]
    deadline: float  # of time.monotonic: no further mutant is begun after it
    tried: list[Tried] = field(default_factory=list)
    left: int = 0  # mutants there was no time for
    failed: list[str] = field(default_factory=list)
    _through: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    _seconds: dict[str, float] = field(default_factory=dict)
    _is_fork: bool = False

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        items = {item.nodeid: item for item in session.items}
        self._run_all(session.items)
        if not self.failed:
            self._try_all(items)
        session.items[-1].session._setupstate.teardown_exact(None)
        return True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and self._is_fork:
            os._exit(1)
        if report.failed:
            self.failed.append(f"{report.nodeid}: {report.longreprtext}")

    # Once, unchanged

    def _run_all(self, items: Sequence[pytest.Item]) -> None:
        wanted = {str(file) for file in self.files}
        for number, item in enumerate(items):
            came: set[tuple[str, str]] = set()

            def note(frame: FrameType, event: str, _: Any, came: set[tuple[str, str]] = came) -> None:
                code = frame.f_code
                if event == "call" and code.co_filename in wanted:
                    came.add((code.co_filename, code.co_qualname.split(".<locals>")[0]))

            begun = time.monotonic()
            threading.setprofile(note)
            sys.setprofile(note)
            try:
                # As if the last test came again: what all tests share must not be torn down.
                _run(item, items[min(number + 1, len(items) - 1)])
            finally:
                sys.setprofile(None)
                threading.setprofile(None)  # type: ignore[arg-type]
            self._seconds[item.nodeid] = time.monotonic() - begun
            for place in came:
                self._through.setdefault(place, set()).add(item.nodeid)

    # Changed

    def _try_all(self, items: dict[str, pytest.Item]) -> None:
        from django.db import connections

        everything = [(file, mutant) for file in self.files for mutant in mutants_of(file.read_text())]
        live = list(_live_functions(self.files))
        for number, (file, mutant) in enumerate(everything):
            if time.monotonic() > self.deadline:
                self.left = len(everything) - number
                break
            tests = self._tests_of(file, mutant)
            functions = [
                function
                for function in live
                if function.__code__.co_filename == str(file)
                and function.__code__.co_qualname.split(".<locals>")[0] == mutant.function
            ]
            connections.close_all()  # a fork must not speak on its parent's
            fate = self._fork(file, mutant, functions, [items[name] for name in tests]) if tests else "not covered"
            self.tried.append(Tried(file.name, mutant, fate))
            print(f"{file.name}:{mutant.line} {mutant.what}: {fate}", file=sys.__stderr__, flush=True)

    def _tests_of(self, file: Path, mutant: Mutant) -> list[str]:
        names = sorted(self._through.get((str(file), mutant.function), ()), key=lambda name: self._seconds[name])
        chosen: list[str] = []
        seconds = 0.0
        for name in names:
            seconds += self._seconds[name]
            if chosen and seconds > MOST_SECONDS:
                break
            chosen.append(name)
        return chosen

    def _fork(self, file: Path, mutant: Mutant, functions: list[FunctionType], items: list[pytest.Item]) -> Fate:
        patience = PATIENCE + 3 * sum(self._seconds[item.nodeid] for item in items)
        child = os.fork()
        if not child:
            self._is_fork = True
            try:
                os.setpgid(0, 0)  # with what it starts
                if not _change(file, mutant, functions):
                    os._exit(2)
                for number, item in enumerate(items):
                    _run(item, items[min(number + 1, len(items) - 1)])
            except BaseException:
                os._exit(1)
            os._exit(0)
        return _fate(child, patience)


def _run(item: pytest.Item, following: pytest.Item) -> None:
    item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)


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
        if isinstance(found, FunctionType) and found.__code__.co_filename in names:
            yield found


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
