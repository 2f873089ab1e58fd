"""Finds text that users see and translators do not: "file:line: text"."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from babel.messages.jslexer import tokenize

from tools.messages import KEYWORDS, PACKAGES, ROOT

# What every language writes alike.
NAMES = {"Kith", "kith", "Esc", "Enter"}
HIDDEN = re.compile(
    r"\{#.*?#\}"
    r"|\{% *comment.*?endcomment *%\}"
    r"|\{% *blocktrans.*?endblocktrans(?:late)? *%\}"
    r"|\{% *block page_class.*?endblock"
    r"|<script.*?</script>",
    re.S,
)
TAG = re.compile(r"\{%.*?%\}|\{\{.*?\}\}", re.S)
ELEMENT = re.compile(r"<[^<>]*>", re.S)
ATTRIBUTE = re.compile(r'[\w:-]+="[^"]*"')  # outside of an element: of a fragment that holds only attributes
SPOKEN_ATTRIBUTE = re.compile(r'\b(?:aria-label|placeholder|title|alt)="([^"]*)"', re.S)
# Arguments of our own fragments that are shown, and fallbacks of filters.
SPOKEN_ARGUMENT = re.compile(r"""(?:\b(?:label|placeholder|button|title|text)=|\|default:)(["'])([A-Z][^"']*)\1""")
# strftime's names of days and months, and formats of templates but for a year, a weekday and what machines read.
FIXED_DATE = re.compile(
    r"""%-?[AaBb]\b|%-d|(?:\|date:|date_format\([^)"']*,\s*)["'](?![A-Z_]+["']|Y["']|l["']|c["']|Y-m)[^"']*["']"""
)
# Modules whose text is made up, and shown as if a user had written it.
INVENTED = {"people/invented_library.py"}
WORD = re.compile(r"[^\W\d_]{2,}")

SPEAKING_CALLS = {"success", "info", "warning", "error", "ValidationError"}
SPOKEN_NAMES = {"textContent", "innerText", "alt", "title", "placeholder", "ariaLabel"}
SENTENCE = re.compile(r"[A-Z][\w']* [a-z]|[A-Z][a-z]+\.$")


def in_templates() -> list[str]:
    files = sorted((ROOT / "templates").rglob("*.html"))
    return [found for file in files for found in in_template(file.read_text(), _name(file))]


def in_template(source: str, name: str) -> list[str]:
    shown = HIDDEN.sub(_blank, source)
    found = [
        (tag.start() + match.start(2), match[2])
        for tag in TAG.finditer(shown)
        for match in SPOKEN_ARGUMENT.finditer(tag[0])
    ]
    # Spaces, so that every place stays where it is.
    bare = TAG.sub(_blank, shown)
    found += [(match.start(1), match[1]) for match in SPOKEN_ATTRIBUTE.finditer(bare)]
    text = ATTRIBUTE.sub(_blank, ELEMENT.sub(lambda match: _blank(match, "<"), bare))
    found += [(match.start(), match[0]) for match in re.finditer(r"[^<\s][^<]*", text)]
    return [f"{name}:{_line(shown, place, said)}: {said.strip()}" for place, said in sorted(found) if _speaks(said)]


def in_python() -> list[str]:
    files = [file for package in PACKAGES for file in sorted((ROOT / package).rglob("*.py"))]
    shown = [file for file in files if "management" not in file.parts]
    return [found for file in shown for found in in_module(file.read_text(), _name(file))]


def in_module(source: str, name: str) -> list[str]:
    """Unmarked messages, errors of forms, and "message"s for scripts."""
    tree = ast.parse(source)
    said = [argument for call in ast.walk(tree) if isinstance(call, ast.Call) for argument in _said_by(call)]
    for table in ast.walk(tree):
        if isinstance(table, ast.Dict):
            said += [
                value
                for key, value in zip(table.keys, table.values, strict=True)
                if isinstance(key, ast.Constant) and key.value == "message"
            ]
    return [f"{name}:{line}: {text}" for line, text in sorted(_literals(said)) if WORD.search(text)]


def dates() -> list[str]:
    """Dates that are written in English order in every language: use the names of formats, such as DATE_FORMAT."""
    files = [file for package in PACKAGES for file in sorted((ROOT / package).rglob("*.py"))]
    files = [file for file in files if not {"management", "formats"} & {*file.parts} and _name(file) not in INVENTED]
    files += sorted((ROOT / "templates").rglob("*.html"))
    return [
        f"{_name(file)}:{number}: {match[0]}"
        for file in files
        for number, line in enumerate(file.read_text().splitlines(), start=1)
        for match in FIXED_DATE.finditer(line)
    ]


def in_scripts() -> list[str]:
    files = sorted((ROOT / "static" / "js").rglob("*.js"))
    return [found for file in files for found in in_script(file.read_text(), _name(file))]


def in_script(source: str, name: str) -> list[str]:
    """Strings that are sentences, or that become text, outside of gettext() and its like."""
    found, calls, before = [], [], ["", ""]
    for token in tokenize(source):
        if token.type in ("linecomment", "multilinecomment"):
            continue
        if token.value == "(":
            calls.append(before[-1])
        elif token.value == ")" and calls:
            calls.pop()
        elif token.type in ("string", "template_string"):
            text = token.value[1:-1]
            is_spoken = before[-2].rpartition(".")[2] in SPOKEN_NAMES or before[-2] == '"aria-label"'
            said = re.sub(r"\$\{.*?\}", "", text) if token.type == "template_string" else text
            if not KEYWORDS.keys() & {*calls[-1:]} and (SENTENCE.match(said) or (is_spoken and _speaks(said))):
                found.append(f"{name}:{token.lineno}: {text}")
        before = [before[-1], token.value]
    return found


def _said_by(call: ast.Call) -> list[ast.expr]:
    function = call.func
    called = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    if called not in SPEAKING_CALLS:
        return []
    if isinstance(function, ast.Attribute) and getattr(function.value, "id", "") not in ("messages", "forms"):
        return []
    return call.args[:1] if called == "ValidationError" else call.args[1:2]


def _literals(expressions: list[ast.expr]) -> Iterator[tuple[int, str]]:
    for expression in expressions:
        if isinstance(expression, ast.Constant) and isinstance(expression.value, str):
            yield expression.lineno, expression.value
        elif isinstance(expression, ast.JoinedStr):
            texts = [part.value for part in expression.values if isinstance(part, ast.Constant)]
            yield expression.lineno, "".join(str(text) for text in texts)
        elif isinstance(expression, ast.IfExp):
            yield from _literals([expression.body, expression.orelse])


def _speaks(text: str) -> bool:
    words = WORD.findall(re.sub(r"&\w+;", "", text))
    return any(word not in NAMES for word in words)


def _blank(match: re.Match[str], char: str = " ") -> str:
    return re.sub(r"[^\n]", char, match[0])


def _line(source: str, place: int, text: str) -> int:
    lead = len(text) - len(text.lstrip())
    return source.count("\n", 0, place + lead) + 1


def _name(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()
