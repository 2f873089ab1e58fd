"""Nothing is shipped that nothing uses: every icon of the sprite, every class of our stylesheets."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCES = [
    path.read_text()
    for folder, kind in (
        ("templates", "html"),
        ("static/js", "js"),
        ("people", "py"),
        ("photos", "py"),
        ("accounts", "py"),
    )
    for path in sorted((ROOT / folder).rglob(f"*.{kind}"))
    if "migrations" not in path.parts
]
WORDS = {word for source in SOURCES for word in re.findall(r"[\w-]+", source)}
# What a name begins with whose end is worked out: class="span-{{ years }}", `no-${name}`, f"r{ratio}".
BEGINNINGS = {start for source in SOURCES for start in re.findall(r"([\w-]+)(?:\{\{|\{%|\$\{|\{(?=[a-z]))", source)}


def is_used(name: str) -> bool:
    return name in WORDS or any(name[:end] in BEGINNINGS for end in range(1, len(name)))


def classes_of(sheet: str) -> set[str]:
    bare = re.sub(r"/\*.*?\*/|url\([^)]*\)|\"[^\"]*\"", "", sheet, flags=re.S)
    selectors = [selector for selector in re.findall(r"([^{}]+)\{", bare) if not selector.strip().startswith("@")]
    return {name for selector in selectors for name in re.findall(r"\.([a-zA-Z_][\w-]*)", selector)}


def test_every_icon_of_the_sprite_is_used():
    sprite = (ROOT / "static" / "vendor" / "bootstrap-icons" / "icons.svg").read_text()
    held = set(re.findall(r'<symbol id="([^"]+)"', sprite))
    quoted = {name for source in SOURCES for name in re.findall(r"""["'#]([a-z0-9-]+)["']""", source)}

    assert held
    assert held - quoted == set()


def test_every_class_of_our_stylesheets_is_used():
    sheets = {path.name: classes_of(path.read_text()) for path in (ROOT / "static" / "css").glob("*.css")}

    assert "tile" in set().union(*sheets.values())
    unused = {name: left for name, classes in sheets.items() if (left := {one for one in classes if not is_used(one)})}
    assert unused == {}


def test_a_name_whose_end_is_worked_out_counts_as_used_and_a_forgotten_one_does_not():
    assert is_used("span-9")
    assert not is_used("merge-preview")
    assert classes_of("@media (x) { .a.b-c > .d:hover { width: 1.5rem } } /* .e */") == {"a", "b-c", "d"}
