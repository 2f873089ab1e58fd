"""What it costs to decode a photo behind the gate instead of in the process that wants its pixels.

    python -m tools.decoding_cost [--megapixels 12] [--times 25]

Median processor milliseconds of a photo drawn for it; the pixels must be the same.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ml.images import MIN_SIDE, open_upright
from photos import decoding
from photos.decoding import gate

NOISE = 96  # pixels across, scaled up: about as many bytes as a camera's photo at this quality
QUALITY = 92


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megapixels", type=float, default=12)
    parser.add_argument("--times", type=int, default=25)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        photo = Path(folder) / "photo.jpg"
        _draw(options.megapixels).save(photo, quality=QUALITY)
        in_child = _watch()
        same = np.array_equal(np.asarray(open_upright(photo)), np.asarray(decoding.pixels(photo, min_side=MIN_SIDE)))
        alone = _median(lambda: open_upright(photo), options.times)
        in_child.clear()
        here = _median(lambda: decoding.pixels(photo, min_side=MIN_SIDE), options.times)
    print(f"The same pixels: {same}")
    print(f"In the process itself: {alone:.1f} ms")
    print(f"Behind the gate: {here:.1f} ms in the process, {1000 * statistics.median(in_child):.1f} ms in the child")


def _draw(megapixels: float) -> Image.Image:
    width = round((megapixels * 1e6 * 4 / 3) ** 0.5)
    noise = np.random.default_rng(1).integers(0, 255, (NOISE * 3 // 4, NOISE, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize((width, width * 3 // 4), Image.Resampling.BICUBIC)


def _median(call: Callable[[], object], times: int) -> float:
    """Milliseconds of processor time of this process."""
    taken = []
    for _ in range(times):
        started = time.process_time()
        call()
        taken.append(1000 * (time.process_time() - started))
    return statistics.median(taken)


def _watch() -> list[float]:
    """Processor seconds of each child from now on."""
    taken: list[float] = []
    exchange = gate._Server._exchange

    def note(server: Any, job: str, arguments: dict[str, Any]) -> dict[str, Any] | None:
        answer = exchange(server, job, arguments)
        if answer is not None:
            taken.append(answer["used"]["processor_seconds"])
        return answer

    gate._Server._exchange = note  # type: ignore[method-assign]
    return taken


if __name__ == "__main__":
    main()
