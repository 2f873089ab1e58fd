"""Writes docs/model-cards.md from the cards that the app shows (ml/cards).

    python -m tools.model_cards

The figures are those that `python -m ml.studies.model_cards` measured.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from textwrap import fill

from ml.cards import texts
from ml.cards.card import Cell, ModelCard, Number, Percent, Table
from ml.cards.every import built_in, of_any
from ml.cards.measured import measured
from ml.evaluation.share import Share

PAGE = Path(__file__).resolve().parent.parent / "docs" / "model-cards.md"
WIDTH = 120

HEAD = """# Model cards

What each model of Kith was made of, under which licence, what it is for and not for, how often it errs, and where. The
app shows the same under Settings, More, Models, in the reader's language. `python -m tools.model_cards` writes this
page from `ml/cards`; the figures there come from

    python -m ml.studies.model_cards DATA --models MODELS --kept FOLDER

"""
SECTIONS = {
    "data": "Trained on",
    "licence": "Licence",
    "intended": "Meant for",
    "not_for": "Not meant for",
    "limits": "Limits",
}


def main() -> None:
    PAGE.write_text(page())


def page() -> str:
    """The whole page."""
    counted = measured()["data"]
    photos = f"{counted['photos']:,} photos, {counted['faces']:,} faces found of {counted['people']:,} people."
    about = (f"**Measured on** {photos}", f"{texts.ON_THESE_PHOTOS} {texts.FLATTERED}", texts.NO_GROUPS_OF_PEOPLE)
    return HEAD + "\n".join(map(_wrapped, about)) + "".join(_card(card) for card in (*built_in(), *of_any()))


def _card(card: ModelCard) -> str:
    lines = [f"\n## {card.title}\n\n{_wrapped(card.task)}"]
    for name, title in SECTIONS.items():
        lines.append(f"\n**{title}**\n\n{_listed(getattr(card, name))}")
    lines += [f"\n**How often it errs: {table.title}**\n\n{_table(table)}" for table in card.tables]
    if card.not_measured:
        lines.append(f"\n**Not measured**\n\n{_listed(card.not_measured)}")
    sources = _wrapped(f"Sources: {'; '.join(card.sources)}.")
    return "".join([*lines, f"\n{sources}"])


def _listed(sentences: Iterable[str]) -> str:
    return "".join(_wrapped(f"- {sentence}", after="  ") for sentence in sentences)


def _wrapped(text: str, after: str = "") -> str:
    """Lines of a paragraph; after: what all but the first begin with."""
    return fill(text, WIDTH, subsequent_indent=after, break_long_words=False, break_on_hyphens=False) + "\n"


def _table(table: Table) -> str:
    def line(cells: Sequence[str]) -> str:
        return f"| {' | '.join(cells)} |\n"

    lines = [line(table.columns), line(["---"] * len(table.columns))]
    for row in table.rows:
        label = row.label % {name: said(value) for name, value in row.values.items()}
        lines.append(line([label, *map(said, row.cells)]))
    return "".join(lines) + (f"\n{_wrapped(table.note)}" if table.note else "")


def said(cell: Cell) -> str:
    """A figure in English."""
    if isinstance(cell, Share):
        within = cell.interval()
        low_high = f" ({100 * within[0]:.1f} to {100 * within[1]:.1f})" if within else ""
        return "-" if cell.value is None else f"{100 * cell.value:.1f} %{low_high}"
    if isinstance(cell, Percent):
        return f"{100 * cell.value:.1f} %"
    if isinstance(cell, Number):
        return f"{cell.value:,.{cell.digits}f}"
    return "-" if cell is None else cell


if __name__ == "__main__":
    main()
