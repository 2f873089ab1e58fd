"""The short form of crash points, recovery and soak, all on one Kith, for the test suite."""

import tempfile
from pathlib import Path

from tests.services import KEPT
from tools.crash_points import SHORT, try_all
from tools.faults import library
from tools.faults.running import Running, running
from tools.recovery import Recovery, measure
from tools.soak import soak

MINUTES, PHOTOS, HARMS, SEED = 0.75, 90, 15, 7


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="kith-faults-", dir="/var/tmp", ignore_cleanup_errors=True) as folder:
        library.use(Path(folder) / "home", KEPT / "models")
        with running(Path(folder), models=KEPT / "models") as kith:
            wrong = _wrong(kith)
            said = kith.said()
    print(*wrong, sep="\n")
    if wrong:
        print(said[-30_000:])
        raise SystemExit(1)


def _wrong(kith: Running) -> list[str]:
    wrong = [f"{point}" for point in try_all(kith, list(SHORT)) if not point.is_good]
    wrong += [f"{figure}" for figure in measure(Recovery(kith), short=True) if not figure.is_met]
    result = soak(kith, seed=SEED, minutes=MINUTES, photos=PHOTOS, harms=HARMS)
    result.left = library.leftovers()
    print(result)
    return wrong if result.is_good else [*wrong, f"{result}"]


if __name__ == "__main__":
    main()
