"""The ways a running Kith is hurt, by name. Each returns whether there was something to hurt."""

import random
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from tools.faults.running import Running, send

FROZEN_SECONDS = 5.0
STEP_SECONDS = 20.0  # after so long nobody has come to a step, and it is let go

Harm = Callable[[Running, random.Random], bool]


def _kill_child(name: str) -> Harm:
    def harm(kith: Running, chance: random.Random) -> bool:
        children = kith.children(name)
        return bool(children) and send(chance.choice(children), signal.SIGKILL)

    return harm


def _kill_program(name: str) -> Harm:
    return lambda kith, chance: kith.kill_program(name)


def _end_politely(name: str) -> Harm:
    return lambda kith, chance: send(kith.leader(name), signal.SIGTERM)


def _freeze(name: str) -> Harm:
    def harm(kith: Running, chance: random.Random) -> bool:
        leader = kith.leader(name)
        if leader is None:
            return False
        frozen = [leader, *leader.children(recursive=True)]
        for process in frozen:
            send(process, signal.SIGSTOP)
        time.sleep(FROZEN_SECONDS)
        for process in frozen:
            send(process, signal.SIGCONT)
        return True

    return harm


def _flush_broker(kith: Running, chance: random.Random) -> bool:
    import redis
    from django.conf import settings

    with redis.Redis.from_url(settings.KITH_REDIS_URL, socket_timeout=5) as client:
        try:
            client.flushall()
        except redis.RedisError:
            return False
    return True


def _kill_backend(kith: Running, chance: random.Random) -> bool:
    """One session, as when memory runs out; PostgreSQL then ends all of them."""
    backends = [each for each in kith.children("postgres") if "kith kith" in " ".join(each.cmdline())]
    return bool(backends) and send(chance.choice(backends), signal.SIGKILL)


def _kill_gate(kith: Running, chance: random.Random) -> bool:
    leaders = [leader for name in ("web", "io") if (leader := kith.leader(name))]
    found = [each for leader in leaders for each in leader.children(recursive=True)]
    gates = [each for each in found if "photos.decoding.server" in " ".join(_cmdline(each))]
    return bool(gates) and send(chance.choice(gates), signal.SIGKILL)


def _kill_all_programs(kith: Running, chance: random.Random) -> bool:
    """As if the power went, but for the data stores."""
    killed = [kith.kill_program(name) for name in ("web", "io", "ml")]
    return any(killed)


def _kill_at_a_step(kith: Running, chance: random.Random) -> bool:
    """Wait, beside everything else, until somebody comes to a step, and kill him there."""
    from photos.faults import STEPS

    asked = kith.faults / chance.choice(sorted(STEPS))
    asked.touch()
    threading.Thread(target=_kill_who_comes, args=(asked,), daemon=True).start()
    return True


def _kill_who_comes(asked: Path) -> None:
    hit = asked.with_name(f"{asked.name}.hit")
    end = time.monotonic() + STEP_SECONDS
    while time.monotonic() < end:
        if hit.exists() and (said := hit.read_text()).endswith("\n"):
            send(_process(int(said)), signal.SIGKILL)
            break
        time.sleep(0.05)
    asked.unlink(missing_ok=True)
    hit.unlink(missing_ok=True)


def _process(pid: int) -> psutil.Process | None:
    return psutil.Process(pid) if psutil.pid_exists(pid) else None


def _cmdline(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except psutil.Error:
        return []


HARMS: dict[str, Harm] = {
    "kill a child of ml": _kill_child("ml"),
    "kill a child of io": _kill_child("io"),
    "kill a child of web": _kill_child("web"),
    "kill ml": _kill_program("ml"),
    "kill io": _kill_program("io"),
    "kill web": _kill_program("web"),
    "kill beat": lambda kith, chance: send(kith.beat(), signal.SIGKILL),
    "kill all programs": _kill_all_programs,
    "kill a decoding process": _kill_gate,
    "kill Valkey": _kill_program("valkey"),
    "empty Valkey": _flush_broker,
    "freeze Valkey": _freeze("valkey"),
    "kill PostgreSQL": _kill_program("postgres"),
    "kill a backend of PostgreSQL": _kill_backend,
    "freeze ml": _freeze("ml"),
    "end ml": _end_politely("ml"),
    "end io": _end_politely("io"),
    "kill at a step": _kill_at_a_step,
}
