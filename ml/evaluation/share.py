"""How often something happened, and how sure that is. Needs nothing, so that a page can show it."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

NORMAL_95 = 1.959964  # standard deviations that hold 95 % of a normal distribution


@dataclass(frozen=True)
class Share:
    """How often something happened to the members of a group.

    hits, trials: how often it happened, of how many times. clusters: people or photos that these come from.
    """

    hits: int
    trials: int
    clusters: int

    @property
    def value(self) -> float | None:
        return self.hits / self.trials if self.trials else None

    def interval(self) -> tuple[float, float] | None:
        """Where the share lies with 95 % certainty, if all trials of one person, or photo, count as a single one.

        That is cautious: faces of one person fail together, but not always.

        Source: E. Wilson, Probable inference, the law of succession, and statistical inference, 1927.
        """
        if self.value is None:
            return None
        return wilson_interval(self.value, min(self.clusters, self.trials))


def wilson_interval(share: float, trials: int) -> tuple[float, float]:
    """The 95 % interval of a share seen in so many trials that know nothing of each other."""
    spread = NORMAL_95**2 / trials
    middle = (share + spread / 2) / (1 + spread)
    width = NORMAL_95 * sqrt(share * (1 - share) / trials + spread / (4 * trials)) / (1 + spread)
    return max(middle - width, 0.0), min(middle + width, 1.0)
