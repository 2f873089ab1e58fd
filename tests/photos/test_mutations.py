"""Pictures nobody has thought of: the gate takes them or refuses them, and nothing else ever happens."""

import os
import signal
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from photos import decoding
from photos.decoding import gate
from tests.photos.corpus.mutations import MOST_CHANGES, WAYS, Change, mutated, seeds

MUTATIONS = 2_000
MOST_BYTES = 600 * 1024**2
MOST_SECONDS = 10.0

SEEDS = seeds()
shares = st.floats(0, 1, exclude_max=True)
changes = st.builds(Change, way=st.sampled_from(WAYS), at=shares, long=shares, value=st.integers(0, 255))


@pytest.fixture
def heaviest(monkeypatch) -> dict[str, float]:
    """The most that one picture took."""
    most = {"most_bytes": 0.0, "processor_seconds": 0.0}
    exchange = gate._Server._exchange

    def note(server, job, arguments):
        answer = exchange(server, job, arguments)
        for what in most:
            most[what] = max(most[what], answer["used"][what])
        return answer

    monkeypatch.setattr(gate._Server, "_exchange", note)
    return most


def verdict(path: Path, folder: Path) -> str:
    """What the gate says of a picture, through all that an upload goes through."""
    try:
        decoding.inspect(path, max_pixels=100_000_000)
        decoding.derive(path, small=folder / "small", large=folder / "large")
        decoding.pixels(path, min_side=1920)
    except decoding.Rejected:
        return "refused"
    return "taken"


def test_two_thousand_mutations_are_taken_or_refused(tmp_path, heaviest):
    picture = tmp_path / "picture"
    said: dict[str, int] = {"refused": 0, "taken": 0}
    started = time.perf_counter()

    @settings(
        max_examples=MUTATIONS, deadline=None, database=None, suppress_health_check=list(HealthCheck), print_blob=True
    )
    @given(
        seed=st.sampled_from(SEEDS),
        how=st.lists(changes, min_size=1, max_size=MOST_CHANGES),
        other=st.sampled_from(SEEDS),
    )
    def mutate(seed: bytes, how: list[Change], other: bytes) -> None:
        picture.write_bytes(mutated(seed, how, other))
        said[verdict(picture, tmp_path)] += 1

    mutate()

    print(f"{said}, {sum(said.values()) / (time.perf_counter() - started):.0f} a second, {heaviest}")
    assert sum(said.values()) >= MUTATIONS
    assert min(said.values()) > MUTATIONS / 20, "they test the one or the other only"
    assert heaviest["most_bytes"] <= MOST_BYTES
    assert heaviest["processor_seconds"] <= MOST_SECONDS


# Decoders that fail as decoders do, in place of Pillow: what they are given says how.
POISONED = """
import ctypes, os, signal, sys, time
from photos.decoding import jobs, server

inspect = jobs.JOBS["inspect"]

def poisoned(path, max_pixels):
    with open(path, "rb") as file:
        how = file.read(20)
    if how.startswith(b"SEGFAULT"):
        ctypes.string_at(0)
    if how.startswith(b"ABORT"):
        os.abort()
    if how.startswith(b"KILLED"):
        os.kill(os.getpid(), signal.SIGKILL)
    while how.startswith(b"LOOP"):
        pass
    if how.startswith(b"SLEEP"):
        time.sleep(600)
    if how.startswith(b"EIGHT GIGABYTES"):
        bytearray(8 * 1024**3)
    if how.startswith(b"RAISE"):
        raise RuntimeError("a bug of a decoder")
    if how.startswith(b"EXIT"):
        os._exit(0)
    return inspect(path, max_pixels)

jobs.JOBS["inspect"] = poisoned
server.CPU_SECONDS, server.WALL_SECONDS = 1, 3
server.serve(int(sys.argv[1]))
"""
DAMAGED, TOO_MUCH = "is damaged and was left out", "needs more memory or time than a photo should and was left out"
POISONS = {
    b"SEGFAULT": DAMAGED, b"ABORT": DAMAGED, b"KILLED": TOO_MUCH, b"LOOP": TOO_MUCH, b"SLEEP": TOO_MUCH,
    b"EIGHT GIGABYTES": TOO_MUCH, b"RAISE": DAMAGED, b"EXIT": DAMAGED,
}  # fmt: skip


@pytest.fixture
def poisoned_gate(monkeypatch):
    """A gate of its own, whose decoder can be told to fail."""
    server = gate._Server()
    monkeypatch.setattr(gate, "_server", server)
    monkeypatch.setattr(gate, "PROGRAM", ("-c", POISONED))
    yield server
    server._stop()


def test_a_decoder_that_fails_takes_only_its_own_picture_down(poisoned_gate, alice, arriving):
    from photos.intake import start_batch, take_in

    batch = start_batch(alice, title="", expected=2 * len(POISONS))
    servers, good = set(), 0.0
    for number, (how, reason) in enumerate(POISONS.items()):
        bad = take_in(batch, arriving(how + b" and more"), name=f"{how.decode()}.jpg")
        started = time.perf_counter()
        fine = take_in(batch, arriving(SEEDS[0] + bytes([number])), name=f"{number}.jpg")
        good = max(good, time.perf_counter() - started)
        servers.add(poisoned_gate._process.pid)
        assert (bad.outcome, bad.reason) == ("rejected", reason)
        assert fine.outcome == "stored"

    assert len(servers) == 1  # it went on through all of them
    assert good < 60  # nobody waits longer for somebody else's picture


def test_a_photo_whose_thumbnails_kill_the_decoder_fails_at_once_and_the_others_go_on(alice, arriving, monkeypatch):
    from photos import tasks
    from photos.intake import start_batch, take_in
    from photos.models import Photo

    batch = start_batch(alice, title="", expected=3)
    photos = [take_in(batch, arriving(SEEDS[0] + bytes([n])), name=f"{n}.jpg").photo for n in range(3)]
    monkeypatch.setattr("photos.tasks.send_wakeup", lambda *args: None)
    derive = decoding.derive

    def choke(path, **targets):
        if str(path) == photos[1].original.path:
            raise decoding.Rejected(DAMAGED)
        return derive(path, **targets)

    monkeypatch.setattr(decoding, "derive", choke)
    while tasks.make_due_derivatives():
        pass

    said = dict(Photo.objects.values_list("name", "failure"))
    assert said == {"0.jpg": "", "1.jpg": "Its original cannot be decoded any more.", "2.jpg": ""}


def test_a_gate_that_is_killed_again_and_again_blames_no_picture(tmp_path, poisoned_gate):
    picture = tmp_path / "picture"
    picture.write_bytes(SEEDS[0])
    for _ in range(3):
        decoding.inspect(picture, max_pixels=1_000_000)
        os.kill(poisoned_gate._process.pid, signal.SIGKILL)

    assert decoding.pixels(picture, min_side=1920).size == (64, 96)
