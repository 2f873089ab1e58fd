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
from typing import Any

from photos.decoding.gate import WALL_SECONDS
from photos.decoding.jobs import JOBS, CannotWrite, Unacceptable, rehearse

MEMORY_BYTES = 2 * 1024**3  # a picture of 100 MP takes 400 MB, its rotated copy as much again
CPU_SECONDS = 30

DAMAGED = "is damaged and was left out"
TOO_DEMANDING = "needs more memory or time than a photo should and was left out"


def serve() -> None:
    """Answer one JSON line per JSON line until the parent goes away."""
    # Ctrl-C is for the supervisor, which ends our parent, which closes our input.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # A decoder that prints must not be taken for our answer.
    with os.fdopen(os.dup(1), "w") as answers:
        os.dup2(2, 1)
        with contextlib.suppress(OSError):  # no room for it: children are only slower
            rehearse()
        for line in sys.stdin:
            question = json.loads(line)
            answer = _answer(question["job"], question["arguments"])
            print(json.dumps(answer | {"number": question["number"]}), file=answers, flush=True)


def _answer(job: str, arguments: dict[str, Any]) -> dict[str, Any]:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _run_limited(job, arguments, writing)
    os.close(writing)
    answer = _read_all(reading)
    if answer is None:
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    os.close(reading)
    if answer:
        parsed: dict[str, Any] = json.loads(answer)
        return parsed
    killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) in (signal.SIGXCPU, signal.SIGKILL)
    return {"rejected": TOO_DEMANDING if killed or answer is None else DAMAGED}


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


def _run_limited(job: str, arguments: dict[str, Any], writing: int) -> None:
    """Run in the child: do the job under limits, write the answer, and never return."""
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 1))
        if sys.platform == "linux":  # macOS refuses to limit the address space
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        answer: dict[str, Any] = {"result": JOBS[job](**arguments)}
    except Unacceptable as error:
        answer = {"rejected": str(error)}
    except CannotWrite as error:
        answer = {"failed": [error.errno, error.strerror]}
    except MemoryError:
        answer = {"rejected": TOO_DEMANDING}
    except BaseException as error:  # whatever a decoder throws, the picture is what is wrong
        print(f"decoding: {type(error).__name__}: {error}", file=sys.stderr)
        answer = {"rejected": DAMAGED}
    os.write(writing, json.dumps(answer).encode())
    os._exit(0)


if __name__ == "__main__":
    serve()
