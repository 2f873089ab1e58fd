"""What looks at a whole library gives way to photos that arrive: it takes a fifth of the time at most."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

ONE_PART_IN = 5


@dataclass
class ShareOfTime:
    """How long a task took the last time, by owner, in this process.

    least_pause: seconds from one run to the next. free: a run of fewer seconds needs no pause.
    """

    least_pause: float = 0.0
    free: float = 0.0
    _runs: dict[int, tuple[float, float]] = field(default_factory=dict)  # when it ended, and how long it took

    @contextmanager
    def taken(self, owner_id: int) -> Iterator[None]:
        """Count the block as a run, unless it raises."""
        began = time.monotonic()
        yield
        ended = time.monotonic()
        self._runs[owner_id] = (ended, ended - began)

    def is_due(self, owner_id: int) -> bool:
        if owner_id not in self._runs:
            return True
        ended, took = self._runs[owner_id]
        pause = 0.0 if took < self.free else ONE_PART_IN * took
        return time.monotonic() - ended > max(self.least_pause, pause)
