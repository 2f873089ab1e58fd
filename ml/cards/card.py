"""A model card: sentences and tables, in English, ready to be put into another language and onto any page.

Source: Mitchell et al., Model cards for model reporting, FAT* 2019.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ml.evaluation.share import Share


def gettext_noop(text: str) -> str:
    """Mark a text of a card: tools/messages collects it, and who shows it puts it into the reader's language."""
    return text


@dataclass(frozen=True)
class Number:
    """A figure that is no share. digits: after the point."""

    value: float
    digits: int = 0


@dataclass(frozen=True)
class Percent:
    """A share whose certainty is not told by a count."""

    value: float


# None is what could not be measured. A str is shown like all texts of a card: in the reader's language where it is
# marked, else, a name say, as it is.
Cell = Share | Percent | Number | str | None


@dataclass(frozen=True)
class Row:
    """values: what is filled into the label."""

    label: str
    cells: tuple[Cell, ...]
    values: Mapping[str, Cell] = field(default_factory=dict)


@dataclass(frozen=True)
class Table:
    """columns: one more than the rows have cells, the first says what the labels are."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    note: str = ""

    def __post_init__(self) -> None:
        if any(len(row.cells) != len(self.columns) - 1 for row in self.rows):
            raise ValueError(f"{self.title}: each row must have {len(self.columns) - 1} cells")


@dataclass(frozen=True)
class ModelCard:
    """One model. All but key, model and sources are marked texts, a paragraph each.

    key: for links, letters and dashes. model: as faces and files name it; "" where no file is chosen by a name. task:
    what it does in Kith. not_measured: what the tables do not tell, and why. sources: "Author: Title, year".
    """

    key: str
    title: str
    model: str
    task: str
    data: tuple[str, ...]
    licence: tuple[str, ...]
    intended: tuple[str, ...]
    not_for: tuple[str, ...]
    limits: tuple[str, ...]
    tables: tuple[Table, ...] = ()
    not_measured: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
