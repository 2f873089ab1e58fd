"""Photos of three megabytes, sent by ten people at once: how soon each is acknowledged, and how many a second (G8)."""

import io
import threading
import time
from dataclasses import dataclass

import numpy as np
from PIL import Image

from tools.faults import library
from tools.faults.client import Client
from tools.faults.running import Running

PEOPLE, EACH = 10, 100
SIZE = (2400, 1800)  # with the grain below about three megabytes
P95_SECONDS, PER_SECOND = 2.0, 8.0
SETTLED_SECONDS = 1800


@dataclass
class Ingest:
    """p50, p95, slowest: seconds from sending a photo to its answer. settled: seconds from the last answer until all
    photos are done. megabytes: of one photo."""

    acknowledged: int
    stored: int
    megabytes: float
    per_second: float
    p50: float
    p95: float
    slowest: float
    settled: float | None

    @property
    def is_good(self) -> bool:
        is_whole = self.acknowledged == self.stored == PEOPLE * EACH
        return is_whole and self.p95 <= P95_SECONDS and self.per_second >= PER_SECOND


def measure(kith: Running, minutes: float) -> Ingest:
    from photos.models import Photo

    content = _grainy()
    taken: list[float] = []
    senders = [threading.Thread(target=_send, args=(kith, content, number, taken)) for number in range(PEOPLE)]
    began = time.monotonic()
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    seconds = time.monotonic() - began
    settled = library.seconds_until_settled(SETTLED_SECONDS)
    return Ingest(
        acknowledged=len(taken),
        stored=Photo.objects.filter(failure="").count(),
        megabytes=round(len(content) / 1e6, 2),
        per_second=round(len(taken) / seconds, 2),
        p50=round(float(np.percentile(taken, 50)), 2),
        p95=round(float(np.percentile(taken, 95)), 2),
        slowest=round(max(taken), 2),
        settled=settled and round(settled),
    )


def _send(kith: Running, content: bytes, number: int, taken: list[float]) -> None:
    client = Client(kith.port, library.OWNER, library.PASSWORD)
    batch = client.open_batch(f"Camera {number}", EACH)
    for photo in range(EACH):
        own = content + f"{number} {photo}".encode()  # behind the end of the picture: other bytes, the same picture
        start = time.monotonic()
        if client.upload(batch, f"{number}-{photo}.jpg", own).status == 201:
            taken.append(time.monotonic() - start)


def _grainy() -> bytes:
    """A picture that compresses as badly as one of a camera."""
    width, height = SIZE
    chance = np.random.default_rng(1)
    slope = np.linspace(40, 210, width)[None, :, None] + np.zeros((height, 1, 3))
    grain = chance.normal(0, 14, (height, width, 3))
    buffer = io.BytesIO()
    Image.fromarray(np.clip(slope + grain, 0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=92)
    return buffer.getvalue()
