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
        ValueError: a field has not as many rows as the first, or holds what is no finite number.
    """

    def __post_init__(self) -> None:
        first, *_ = self.__dataclass_fields__
        for name in self.__dataclass_fields__:
            values = np.asarray(getattr(self, name))
            if values.shape[:1] != (len(self),):
                raise ValueError(f"{name} must have {len(self)} rows, as {first} has, not the shape {values.shape}")
            if values.dtype.kind == "f" and not np.isfinite(values).all():
                raise ValueError(f"{name} must be finite numbers")

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
