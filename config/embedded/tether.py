"""Become another program that ends when the process that started it ends.

Run by path, before Django or anything else is imported: `python tether.py OPTIONS -- command`.
It then replaces itself by the command, so it costs no process and no memory. A preexec_fn
would do the same but may deadlock in a program with threads, such as the supervisor.
"""

import argparse
import ctypes
import os
import sys
import time
from pathlib import Path

PR_SET_PDEATHSIG = 1


def main() -> None:
    options = _parser().parse_args()
    os.umask(0o077)
    _set_oom_score(options.oom_score)
    if options.uid is not None:
        os.setgroups([])
        os.setgid(options.gid)
        os.setuid(options.uid)
    # After setuid, which clears the signal again.
    _tie_to(options.parent, options.signal)
    os.execv(options.command[0], options.command)  # noqa: S606


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser()
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--signal", type=int, required=True)
    parser.add_argument("--uid", type=int)
    parser.add_argument("--gid", type=int)
    parser.add_argument("--oom-score", type=int, default=0)
    parser.add_argument("command", nargs="+")
    return parser


def _set_oom_score(score: int) -> None:
    """Say who goes first when memory runs out. Only root may ask for protection."""
    if not score:
        return
    try:
        Path("/proc/self/oom_score_adj").write_text(str(score))
    except OSError:
        return  # not Linux, or not allowed: a wish, not a need


def _tie_to(parent: int, signal: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal)
    elif os.fork() == 0:
        _watch(parent, os.getppid(), signal)
    if os.getppid() != parent:  # it ended before we could ask
        sys.exit(1)


def _watch(parent: int, program: int, signal: int) -> None:
    """Where the kernel has no such signal: look every second, for as long as both live."""
    while os.getppid() == program:
        try:
            os.kill(parent, 0)
        except ProcessLookupError:
            os.kill(program, signal)
            break
        except PermissionError:
            pass  # alive, as another user
        time.sleep(1)
    os._exit(0)


if __name__ == "__main__":
    main()
