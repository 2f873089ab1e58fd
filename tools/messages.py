"""Keeps locale/ in step with the source: collects every text that is marked, and compiles what is translated.

`make messages` runs it. It needs Babel and no GNU gettext, so that it runs wherever the tests run.
"""

import ast
import io
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_javascript, extract_python
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parent.parent
LOCALE = ROOT / "locale"
LANGUAGES = ("de",)  # English is the source
PACKAGES = ("accounts", "config", "people", "photos")
CARDS = "ml/cards"  # the only texts of ml that a page shows
DOMAINS = ("django", "djangojs")

# Where in a call the text, the plural and the context ("c") stand, counted from 1.
KEYWORDS: dict[str, tuple[int | tuple[int, str], ...]] = {
    "_": (1,),
    "gettext": (1,),
    "gettext_lazy": (1,),
    "gettext_noop": (1,),
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
    "npgettext_lazy": ((1, "c"), 2, 3),
}
LITERAL = r"""u?(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')"""
CALL_IN_TEMPLATE = re.compile(rf"\b(_|n?p?gettext)\(((?:{LITERAL}|,|\s|count)*)\)")
NO_TIME = datetime.fromtimestamp(0, UTC)  # the files say the same whenever they are made
# Lines of a catalogue's head that say nothing here.
EMPTY_TALK = tuple(
    f'"{head}'
    for head in (
        "Project-Id-Version",
        "Report-Msgid-Bugs-To",
        "POT-Creation-Date",
        "PO-Revision-Date",
        "Last-Translator",
        "Language-Team",
        "Generated-By",
    )
)


def collect(domain: str, root: Path = ROOT) -> Catalog:
    """Return every text of the source: of Python and templates ("django"), or of scripts ("djangojs")."""
    catalog = Catalog(domain=domain)
    for path, texts in _marked(domain, root):
        for keyword, arguments in texts:
            _add(catalog, path.relative_to(root), keyword, arguments)
    return catalog


def updated(catalog: Catalog, source: Catalog) -> Catalog:
    """A translated catalogue with the texts of the source: new ones empty, similar ones fuzzy, old ones gone."""
    catalog.update(source)
    catalog.obsolete.clear()
    return catalog


def read(language: str, domain: str, folder: Path = LOCALE) -> Catalog:
    file = _file(folder, language, domain, "po")
    if not file.exists():
        return Catalog(locale=language, domain=domain)
    with file.open("rb") as stream:
        return read_po(stream, locale=language, domain=domain)


def as_po(catalog: Catalog) -> str:
    stream = io.BytesIO()
    _timeless(catalog).header_comment = "# The texts of Kith. See tools/messages.py."
    write_po(stream, catalog, width=110, include_lineno=False, sort_by_file=True)
    lines = stream.getvalue().decode().splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith(EMPTY_TALK))


def as_mo(catalog: Catalog) -> bytes:
    stream = io.BytesIO()
    write_mo(stream, _timeless(catalog))
    return stream.getvalue()


def main() -> None:
    for domain in DOMAINS:
        source = collect(domain)
        for language in LANGUAGES:
            catalog = updated(read(language, domain), source)
            po = _file(LOCALE, language, domain, "po")
            po.parent.mkdir(parents=True, exist_ok=True)
            po.write_text(as_po(catalog))
            _file(LOCALE, language, domain, "mo").write_bytes(as_mo(catalog))
            missing = [message for message in catalog if message.id and (message.fuzzy or not has_text(message.string))]
            print(f"{po.relative_to(ROOT)}: {len(catalog)} texts, {len(missing)} to translate")


def has_text(translation: str | Iterable[str] | None) -> bool:
    """Whether a translation is there, in each of its plurals."""
    return bool(translation) if isinstance(translation, str) else all(translation or ("",))


def _file(folder: Path, language: str, domain: str, suffix: str) -> Path:
    return folder / language / "LC_MESSAGES" / f"{domain}.{suffix}"


def _timeless(catalog: Catalog) -> Catalog:
    catalog.creation_date = catalog.revision_date = NO_TIME
    catalog.fuzzy = False
    return catalog


def _marked(domain: str, root: Path) -> Iterator[tuple[Path, Iterable[tuple[str, tuple[str | None, ...]]]]]:
    if domain == "djangojs":
        for path in sorted((root / "static" / "js").rglob("*.js")):
            yield path, _in_code(extract_javascript, path, {"parse_template_string": True})
        return
    for package in (*PACKAGES, CARDS):
        for path in sorted((root / package).rglob("*.py")):
            yield path, _in_code(extract_python, path, {})
    for path in sorted((root / "templates").rglob("*.html")):
        yield path, in_template(path.read_text(), str(path))


def _in_code(extract, path: Path, options: dict[str, bool]) -> Iterator[tuple[str, tuple[str | None, ...]]]:  # type: ignore[no-untyped-def]
    with path.open("rb") as stream:
        for _line, keyword, found, _comments in extract(stream, KEYWORDS, [], options):
            yield keyword, found if isinstance(found, tuple) else (found,)


def in_template(source: str, origin: str) -> Iterator[tuple[str, tuple[str | None, ...]]]:
    """The texts of a template, as the arguments of the functions they are marked with."""
    for keyword, arguments in CALL_IN_TEMPLATE.findall(templatize(source, origin)):
        yield keyword, tuple(ast.literal_eval(literal) for literal in re.findall(LITERAL, arguments))


def _add(catalog: Catalog, path: Path, keyword: str, arguments: tuple[str | None, ...]) -> None:
    context, texts = None, []
    for place in KEYWORDS[keyword]:
        number = place[0] if isinstance(place, tuple) else place
        text = arguments[number - 1] if len(arguments) >= number else None
        if isinstance(place, tuple):
            context = text
        elif text:
            texts.append(text)
    if texts:
        catalog.add(tuple(texts) if len(texts) > 1 else texts[0], context=context, locations=[(path.as_posix(), 0)])


if __name__ == "__main__":
    main()
