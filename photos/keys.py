"""Primary keys that somebody sent."""

from collections.abc import Iterable

MOST_DIGITS = 18  # fit a bigint; longer ones are nobody's


def primary_keys(words: Iterable[str]) -> list[int]:
    """Read them in their order; nonsense is left out."""
    return [int(word) for word in words if word.isascii() and word.isdigit() and len(word) <= MOST_DIGITS]
