"""No library below the version that mended what is known of it, neither wanted, pinned nor installed."""

import re
import tomllib
from importlib.metadata import version

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.services import ROOT

# What reads files of strangers, or has had holes that matter here, and the first version without those known.
FLOORS = {
    "django": "5.2.19",
    "gunicorn": "22.0",  # request smuggling, CVE-2024-1135
    "pillow": "13.0.0",  # heap overflow in JPEG, CVE-2026-112403
    "pillow-heif": "1.8.0",  # libheif below 1.22 has heap overflows
    "safetensors": "0.8.0",
    "torch": "2.10",  # code run by weights files, CVE-2025-32434 and CVE-2026-24747
}
LIBHEIF = "1.22"
WANTED = [Requirement(line) for line in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]]
PINNED = {
    canonicalize_name(name): pinned
    for name, pinned in re.findall(r"^([\w.-]+)==(\S+)$", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
}


@pytest.mark.parametrize("name", sorted(FLOORS))
def test_nothing_is_below_its_floor(name):
    floor = Version(FLOORS[name])
    [wanted] = [requirement for requirement in WANTED if requirement.name.lower() == name]

    assert max(Version(part.version) for part in wanted.specifier if part.operator == ">=") >= floor
    assert Version(PINNED[name]) >= floor
    assert Version(version(name)) >= floor


@pytest.mark.parametrize("requirement", WANTED, ids=lambda requirement: requirement.name)
def test_what_is_installed_and_pinned_is_what_pyproject_wants(requirement):
    name = canonicalize_name(requirement.name)

    assert requirement.specifier.contains(version(name))
    assert requirement.specifier.contains(PINNED[name])


def test_the_decoder_inside_pillow_heif_is_not_below_its_floor():
    import pillow_heif

    assert Version(pillow_heif.libheif_version()) >= Version(LIBHEIF)
