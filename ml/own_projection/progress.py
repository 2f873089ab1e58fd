"""Says how far learning has come, as one share that only grows."""

from __future__ import annotations

from collections.abc import Callable

Report = Callable[[float], None]


def part(report: Report, first: float, last: float) -> Report:
    """A report for one part of the work, which starts at one share of the whole and ends at another."""
    return lambda share: report(first + (last - first) * share)


def silent(_share: float) -> None:
    """For who does not want to know."""
