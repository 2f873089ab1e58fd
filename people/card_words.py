"""Model cards in the reader's language."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.formats import number_format
from django.utils.translation import gettext as _

from ml.cards.card import Cell, ModelCard, Number, Percent, Row, Table
from ml.evaluation.share import Share


@dataclass(frozen=True)
class ShownTable:
    title: str
    columns: list[str]
    rows: list[list[str]]
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
    if not isinstance(cell, Share) or cell.value is None:
        return "-"
    low, high = cell.interval() or (0.0, 1.0)
    within = _("%(low)s to %(high)s") % {"low": _figure(100 * low, 1), "high": _figure(100 * high, 1)}
    return f"{_percent(cell.value)} ({within})"


def _percent(share: float) -> str:
    return _("%(number)s %%") % {"number": _figure(100 * share, 1)}


def _figure(value: float, digits: int) -> str:
    """Rounded: number_format cuts off."""
    return number_format(round(value, digits), digits, use_l10n=True, force_grouping=True)


def _all(texts: Iterable[str]) -> list[str]:
    return [said(text) for text in texts]


def _shown(table: Table) -> ShownTable:
    return ShownTable(said(table.title), _all(table.columns), [_row(row) for row in table.rows], said(table.note))


def _row(row: Row) -> list[str]:
    label = said(row.label) % {name: said(value) for name, value in row.values.items()}
    return [label, *(said(cell) for cell in row.cells)]
