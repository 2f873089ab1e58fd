"""Files that are whole or absent, and that are what their SHA-256 says."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


class WeightsUnavailable(RuntimeError):
    """Weights are missing, damaged or cannot be had. The message is one sentence for the user."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; rename it into place if the block succeeds, else delete it."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb") as written:
            os.fsync(written.fileno())  # else a power cut may leave the name without its bytes
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_intact(path: Path, sha256: str | None) -> bool:
    """Whether the file is there and, where we know its hash, has it."""
    return path.is_file() and (sha256 is None or sha256_of(path) == sha256)


def check(path: Path, sha256: str) -> None:
    """Raise WeightsUnavailable unless the file is the expected one."""
    if not path.is_file():
        raise WeightsUnavailable(f"There is no file {path}.")
    found = sha256_of(path)
    if found != sha256:
        raise WeightsUnavailable(
            f"{path.name} is not the file we expect (SHA-256 {found[:12]}..., expected {sha256[:12]}...)."
        )


def save_safetensors(path: Path, tensors: Mapping[str, Tensor], sha256: str | None) -> None:
    """Write tensors; where the hash of the result is known, nothing else gets the name."""
    from safetensors.torch import save_file

    with replacing(path) as temporary:
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, temporary)
        if sha256 is not None:
            check(temporary, sha256)


# Manifests: size and SHA-256 of every file of a network

# Of what we make of the weights: raise it when a conversion or an export changes, and all is made again.
VERSION = 3


def write_manifest(path: Path, files: list[Path]) -> None:
    """Record files of the manifest's folder. Written last: a manifest means the network is complete."""
    entries = {file.name: {"size": file.stat().st_size, "sha256": sha256_of(file)} for file in files}
    with replacing(path) as temporary:
        temporary.write_text(json.dumps({"version": VERSION, "files": entries}, indent=1))


def manifest_complaint(
    path: Path, expected: Iterable[Path], differs: Callable[[Path, Mapping[str, object]], bool], advice: str
) -> str | None:
    """Say in a sentence which file is missing, differs from its entry or is of another version; else None."""
    folder, network = path.parent, path.stem
    try:
        manifest = json.loads(path.read_text())
        entries, version = manifest.get("files", {}), manifest.get("version")
    except FileNotFoundError:
        return f"The weights of {network} are not in {folder}; {advice}."
    except (ValueError, OSError, AttributeError) as error:
        return f"The list of files of {network} in {folder} cannot be read ({error}); {advice}."
    if version != VERSION:
        return f"The files of {network} in {folder} are of another version of Kith; {advice}."
    for file in expected:
        if file.name not in entries:
            return f"The file {file.name} is missing from {folder}; {advice}."
    for name, entry in entries.items():
        file = folder / name
        if not file.is_file():
            return f"The file {name} is missing from {folder}; {advice}."
        if differs(file, entry):
            return f"The file {name} in {folder} is damaged; delete it and {advice}."
    return None


def size_differs(path: Path, entry: Mapping[str, object]) -> bool:
    return path.stat().st_size != entry["size"]


def hash_differs(path: Path, entry: Mapping[str, object]) -> bool:
    return sha256_of(path) != entry["sha256"]
