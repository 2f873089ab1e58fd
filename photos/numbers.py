"""Numbers as they are shown: 12,345, and in German 12.345."""

from django.utils.formats import number_format


class _Written(int):
    """Counts like any number, for plurals, and becomes text as the language of the page writes it."""

    def __str__(self) -> str:
        return number_format(int(self), force_grouping=True)


def written(number: int) -> int:
    """Not for numbers that a machine reads again: those in addresses and attributes."""
    return _Written(number + 0)  # also of one that is counted only now, when it is asked for
