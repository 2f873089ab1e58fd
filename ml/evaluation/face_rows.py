"""What is known of many faces, one row each, kept in one file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self
from zipfile import BadZipFile

import numpy as np

from ml.checked_files import replacing


@dataclass(frozen=True, eq=False)
class FaceRows:
    """Base of frozen dataclasses whose fields are arrays with a row for each face.

    Raises:
        ValueError: a field has not as many rows as the first.
    """

    def __post_init__(self) -> None:
        rows = {name: len(getattr(self, name)) for name in self.__dataclass_fields__}
        for name, count in rows.items():
            if count != len(self):
                raise ValueError(f"{name} must have {len(self)} rows, as {next(iter(rows))} has, not {count}")

    def __len__(self) -> int:
        return len(getattr(self, next(iter(self.__dataclass_fields__))))

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read the file that `save` wrote.

        Raises:
            ValueError: the file is not such a file.
        """
        try:
            with path.open("rb") as file, np.load(file) as arrays:
                return cls(**{name: arrays[name] for name in cls.__dataclass_fields__})
        except (ValueError, KeyError, EOFError, AttributeError, TypeError, BadZipFile) as error:
            raise ValueError(f"{path} does not hold {cls.__name__} as saved before: {error}") from error

    def save(self, path: Path) -> None:
        """Write all rows as NPZ; the file appears whole or not at all."""
        with replacing(path) as temporary, temporary.open("wb") as file:
            np.savez(file, **{name: getattr(self, name) for name in self.__dataclass_fields__})
