"""What the decoding gate does with every file of the corpus, and with new mutations of sound pictures for some minutes.

    python -m tools.fuzz --minutes 10 --json docs/reliability/bad-inputs.json

Ends with code 1 at the first picture that is neither taken nor refused, and keeps it in the folder --keep.
"""

import argparse
import atexit
import json
import random
import shutil
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from photos import decoding
from photos.decoding import gate
from tests.photos.corpus import FAMILIES
from tests.photos.corpus.mutations import chance, mutated, seeds
from tests.services import HOME

MOST_PIXELS = 100_000_000
SIDE = 1920


@dataclass
class Taken:
    """The most that one child of the gate took, and how often one was ended by a signal."""

    processor_seconds: float = 0.0
    most_bytes: int = 0
    children: int = 0
    killed: Counter[int] = field(default_factory=Counter)

    def note(self, used: dict[str, Any]) -> None:
        self.children += 1
        self.processor_seconds = max(self.processor_seconds, used["processor_seconds"])
        self.most_bytes = max(self.most_bytes, used["most_bytes"])
        if used["signal"]:
            self.killed[used["signal"]] += 1

    def as_json(self) -> dict[str, Any]:
        return {
            "children": self.children,
            "slowest_processor_seconds": round(self.processor_seconds, 2),
            "most_mebibytes": round(self.most_bytes / 1024**2),
            "ended_by_signal": {str(number): count for number, count in sorted(self.killed.items())},
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--keep", type=Path, default=Path("test-results"))
    arguments = parser.parse_args()
    atexit.register(shutil.rmtree, HOME, ignore_errors=True)  # what importing the tests made
    dice = random.Random(arguments.seed)  # noqa: S311  what it throws is no secret
    with tempfile.TemporaryDirectory() as folder:
        figures = {
            "corpus": _through_the_corpus(Path(folder)),
            "mutations": _fuzz(Path(folder), arguments.minutes, dice, arguments.keep),
        }
    said = json.dumps(figures, indent=2)
    print(said)
    if arguments.json:
        arguments.json.write_text(said + "\n")


def _through_the_corpus(folder: Path) -> dict[str, Any]:
    """Archives are not for this gate: tests/photos/test_corpus.py sends them, and all others, over HTTP."""
    verdicts: Counter[str] = Counter()
    taken, files = _watch(), 0
    for samples in FAMILIES.values():
        for sample in samples:
            files += 1
            if isinstance(sample.verdict, str):
                verdicts[_verdict(sample.content, folder)] += 1
    return {"kinds": files, "by_family": {name: len(kinds) for name, kinds in FAMILIES.items()}, **verdicts} | (
        taken.as_json()
    )


def _fuzz(folder: Path, minutes: float, dice: random.Random, keep: Path) -> dict[str, Any]:
    sound, verdicts, taken = seeds(), Counter[str](), _watch()
    started = time.monotonic()
    while time.monotonic() - started < minutes * 60:
        content = mutated(dice.choice(sound), chance(dice), dice.choice(sound))
        try:
            verdicts[_verdict(content, folder)] += 1
        except Exception:
            keep.mkdir(exist_ok=True)
            (keep / "escaped").write_bytes(content)
            raise
    seconds = time.monotonic() - started
    count = sum(verdicts.values())
    return {"count": count, "minutes": minutes, "a_second": round(count / seconds, 1), **verdicts} | taken.as_json()


def _verdict(content: bytes, folder: Path) -> str:
    """Through all that the gate does with an upload. Whatever it raises but Rejected has escaped it."""
    picture = folder / "picture"
    picture.write_bytes(content)
    try:
        is_damaged = decoding.inspect(picture, max_pixels=MOST_PIXELS).is_damaged
        decoding.derive(picture, small=folder / "small", large=folder / "large")
        decoding.pixels(picture, min_side=SIDE)
    except decoding.Rejected:
        return "refused"
    return "taken_though_damaged" if is_damaged else "taken"


def _watch() -> Taken:
    """Note what each child takes from now on."""
    taken, exchange = Taken(), gate._Server._exchange

    def note(server: Any, job: str, arguments: dict[str, Any]) -> dict[str, Any] | None:
        answer = exchange(server, job, arguments)
        if answer is not None:
            taken.note(answer["used"])
        return answer

    gate._Server._exchange = note  # type: ignore[method-assign]
    return taken


if __name__ == "__main__":
    main()
