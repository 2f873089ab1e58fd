"""The vendored front-end files are the ones tools/vendor wrote."""

import hashlib
import json
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENDOR = ROOT / "static" / "vendor"


def listing() -> dict:
    return json.loads((VENDOR / "VENDOR.json").read_text())


def test_every_vendored_file_has_the_hash_it_was_listed_with():
    listed = {path: digest for part in listing().values() for path, digest in part["files"].items()}

    found = {
        str(path.relative_to(VENDOR)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in VENDOR.rglob("*")
        if path.is_file() and path.name != "VENDOR.json"
    }

    assert found == listed


def test_every_vendored_package_is_the_one_the_lock_file_names():
    locked = json.loads((ROOT / "tools" / "vendor" / "package-lock.json").read_text())["packages"]

    for part in listing().values():
        for package in part["packages"]:
            entry = locked[f"node_modules/{package['name']}"]
            assert (package["version"], package["integrity"]) == (entry["version"], entry["integrity"])
            assert package["licence"]


def test_the_sprite_holds_every_icon_that_templates_and_scripts_use():
    sprite = (VENDOR / "bootstrap-icons" / "icons.svg").read_text()
    held = set(re.findall(r'<symbol id="([^"]+)"', sprite))

    used = {
        name
        for template in (ROOT / "templates").rglob("*.html")
        for name in re.findall(r'{% icon "([^"]+)" %}', template.read_text())
    }

    assert used
    assert used <= held


def test_stylesheets_load_nothing_from_elsewhere():
    for sheet in (ROOT / "static").rglob("*.css"):
        addresses = re.findall(r"""url\(["']?([^"')]+)""", sheet.read_text())
        assert not [url for url in addresses if url.startswith(("http:", "https:", "//"))], sheet
