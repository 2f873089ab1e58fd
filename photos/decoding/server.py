"""The process that forks a limited child for each picture. Imports no Django.

Forking from a process that has the decoders loaded costs a few milliseconds; starting
Python for each picture would cost more than most pictures.
"""

import contextlib
import json
import os
import resource
import select
import signal
import sys
from collections.abc import Iterable
from typing import Any

from photos.decoding.gate import TOO_DEMANDING, WALL_SECONDS
from photos.decoding.jobs import JOBS, CannotWrite, Unacceptable, rehearse
from photos.decoding.kinds import IS_DAMAGED

MEMORY_BYTES = 2 * 1024**3  # of address space: a HEIC of 100 MP needs more than half of it
CPU_SECONDS = 30

MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024


def serve(shared: int | None = None) -> None:
    """Answer one JSON line per JSON line until the parent goes away.

    shared: handle of a file we have in common with the parent, for answers that are large.
    """
    # Ctrl-C is for the supervisor, which ends our parent, which closes our input.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # A decoder that prints must not be taken for our answer.
    with os.fdopen(os.dup(1), "w") as answers:
        os.dup2(2, 1)
        with contextlib.suppress(OSError):  # no room for it: children are only slower
            rehearse()
        for line in sys.stdin:
            question = json.loads(line)
            answer = _answer(question["job"], question["arguments"], shared)
            print(json.dumps(answer | {"number": question["number"]}), file=answers, flush=True)


def _answer(job: str, arguments: dict[str, Any], shared: int | None) -> dict[str, Any]:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _run_limited(job, arguments, writing, shared)
    os.close(writing)
    answer = _read_all(reading)
    if answer is None:
        os.kill(child, signal.SIGKILL)
    _, status, use = os.wait4(child, 0)
    os.close(reading)
    used = {
        "processor_seconds": round(use.ru_utime + use.ru_stime, 4),
        "most_bytes": use.ru_maxrss * MAXRSS_UNIT,
        "signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0,
    }
    if answer:
        parsed: dict[str, Any] = json.loads(answer)
        return parsed | {"used": used}
    killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) in (signal.SIGXCPU, signal.SIGKILL)
    return {"rejected": TOO_DEMANDING if killed or answer is None else IS_DAMAGED, "used": used}


def _read_all(reading: int) -> bytes | None:
    """Return what the child wrote, or None when it took too long."""
    answer = b""
    while True:
        if not select.select([reading], [], [], WALL_SECONDS)[0]:
            return None
        chunk = os.read(reading, 1 << 16)
        if not chunk:
            return answer
        answer += chunk


def _run_limited(job: str, arguments: dict[str, Any], writing: int, shared: int | None) -> None:
    """Run in the child: do the job under limits, write the answer, and never return."""
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 1))
        if sys.platform == "linux":  # macOS refuses to limit the address space
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        result = JOBS[job](**arguments)
        content = result.pop("content", None)
        if content is not None:
            _put(content, shared)
        answer: dict[str, Any] = {"result": result}
    except Unacceptable as error:
        answer = {"rejected": str(error)}
    except CannotWrite as error:
        answer = {"failed": [error.errno, error.strerror]}
    except MemoryError:
        answer = {"rejected": TOO_DEMANDING}
    except BaseException as error:  # whatever a decoder throws, the picture is what is wrong
        print(f"decoding: {type(error).__name__}: {error}", file=sys.stderr)
        answer = {"rejected": IS_DAMAGED}
    os.write(writing, json.dumps(answer).encode())
    os._exit(0)


def _put(content: Iterable[bytes], shared: int | None) -> None:
    """Leave the content of an answer in the shared file. Raises CannotWrite."""
    assert shared is not None
    end = 0
    try:
        for part in content:
            start = end
            end += len(part)
            while start < end:
                start += os.pwrite(shared, part[start - end :], start)
    except OSError as error:
        raise CannotWrite(error.errno, error.strerror) from error


if __name__ == "__main__":
    serve(int(sys.argv[1]))
