"""Model cards in the reader's language."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from django.utils.formats import number_format
from django.utils.translation import gettext as _

from ml.cards.card import Cell, ModelCard, Number, Percent, Row, Table
from ml.evaluation.share import Share


class ShownCell(NamedTuple):
    """within: where a share lies, if that is known."""

    text: str
    within: str = ""


@dataclass(frozen=True)
class ShownTable:
    """rows: label and cells."""

    title: str
    columns: list[str]
    rows: list[tuple[str, list[ShownCell]]]
    note: str


@dataclass(frozen=True)
class ShownCard:
    """A card as the page shows it. is_used: whether Kith works with it now."""

    card: ModelCard
    is_used: bool

    @property
    def title(self) -> str:
        return said(self.card.title)

    @property
    def task(self) -> str:
        return said(self.card.task)

    @property
    def sections(self) -> list[tuple[str, list[str]]]:
        """Heading and paragraphs."""
        card = self.card
        return [
            (_("Trained on"), _all(card.data)),
            (_("Licence"), _all(card.licence)),
            (_("Meant for"), _all(card.intended)),
            (_("Not meant for"), _all(card.not_for)),
            (_("Limits"), _all(card.limits)),
        ]

    @property
    def not_measured(self) -> list[str]:
        return _all(self.card.not_measured)

    @property
    def tables(self) -> list[ShownTable]:
        return [_shown(table) for table in self.card.tables]


def said(cell: Cell) -> str:
    """A text or figure of a card; of a text that nobody marked, such as a name, itself."""
    if isinstance(cell, str):
        return _(cell) if cell else ""
    if isinstance(cell, Percent):
        return _percent(cell.value)
    if isinstance(cell, Number):
        return _figure(cell.value, cell.digits)
    return "-" if cell is None or cell.value is None else _percent(cell.value)


def within(cell: Cell) -> str:
    """Where a share lies with 95 % certainty: "59.6 to 98.2"."""
    interval = cell.interval() if isinstance(cell, Share) else None
    if interval is None:
        return ""
    low, high = (_figure(100 * end, 1) for end in interval)
    return _("%(low)s to %(high)s") % {"low": low, "high": high}


def _percent(share: float) -> str:
    return _("%(number)s %%") % {"number": _figure(100 * share, 1)}


def _figure(value: float, digits: int) -> str:
    """Rounded: number_format cuts off."""
    return number_format(round(value, digits), digits, use_l10n=True, force_grouping=True)


def _all(texts: Iterable[str]) -> list[str]:
    return [said(text) for text in texts]


def _shown(table: Table) -> ShownTable:
    return ShownTable(said(table.title), _all(table.columns), [_row(row) for row in table.rows], said(table.note))


def _row(row: Row) -> tuple[str, list[ShownCell]]:
    label = said(row.label) % {name: said(value) for name, value in row.values.items()}
    return label, [ShownCell(said(cell), within(cell)) for cell in row.cells]
