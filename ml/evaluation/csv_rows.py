"""Reads a table that people wrote: columns in any order, the usual separators, and a sentence for what is wrong."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

SEPARATORS = (",", ";", "\t")


class BadLabels(ValueError):
    """A folder's labels cannot be used. The message says why, in a sentence that names the file and line."""


@dataclass(frozen=True)
class Row:
    """place: the file and line, for messages. cells: text by column name in lower case, without outer spaces."""

    place: str
    cells: dict[str, str]

    def number(self, column: str) -> float:
        """A finite number.

        Raises:
            BadLabels: it is none.
        """
        try:
            number = float(self.cells[column])
        except ValueError:
            number = float("nan")
        if not abs(number) < 1e9:
            raise BadLabels(f"{self.place}: {column} should be a number of pixels, not {self.cells[column]!r}.")
        return number


def read_rows(path: Path, columns: Sequence[str], optional: Sequence[str] = ()) -> Iterator[Row]:
    """The rows of a CSV file, with or without byte order mark; empty lines are left out.

    Args:
        path: the file; UTF-8.
        columns: names that the first line must have.
        optional: names that may be missing; their cells are then empty.

    Raises:
        BadLabels: there is no such file, columns are missing, or it is not a text file in UTF-8.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise BadLabels(f"{path} cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise BadLabels(f"{path.name} is not a text file in UTF-8; save it as CSV UTF-8.") from error
    lines = text.splitlines()
    first = lines[0] if lines else ""
    reader = csv.reader(lines, delimiter=max(SEPARATORS, key=first.count))
    header = [name.strip().lower() for name in next(reader, [])]
    if absent := [name for name in columns if name not in header]:
        has = ", ".join(header) or "nothing"
        raise BadLabels(f"{path.name} lacks the column{'s' * (len(absent) > 1)} {' and '.join(absent)}; it has {has}.")
    for cells in reader:
        if any(cell.strip() for cell in cells):
            values = dict(zip(header, (cell.strip() for cell in cells), strict=False))
            wanted = {name: values.get(name, "") for name in (*columns, *optional)}
            yield Row(f"{path.name}, line {reader.line_num}", wanted)
