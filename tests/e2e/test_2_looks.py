"""Every page, in both themes, from a small phone to a wide screen: accessible, in its place, and quiet.

Runs after the story, on the library it left behind. The pictures it takes are kept in var/test/screenshots.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import get_resolver, reverse
from django.urls.resolvers import URLPattern, URLResolver
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.e2e.conftest import LOOKS, Kith
from tests.services import KEPT

SCREENSHOTS = KEPT / "screenshots"

# The pages of the address table: what is looked at, after the page's own address.
PAGES: dict[str, tuple[str, ...]] = {
    "photos:timeline": ("", "?into={album}"),
    "photos:favourites": ("",),
    "photos:undated": ("",),
    "photos:albums": ("",),
    "photos:album": ("",),
    "photos:trash": ("",),
    "photos:upload": ("",),
    "photos:batch": ("",),
    "photos:status": ("",),
    "people:index": ("", "?q=nobody-has-this-name"),
    "people:merge": ("?people={person}&people={other}", "?people={person}"),
    "people:unnamed": ("?kind=singles",),
    "people:person": ("", "?tab=faces"),
    "people:split": ("",),
    "people:forget": ("",),
    "people:delete-face-data": ("",),
    "people:delete-account": ("",),
    "people:naming": ("",),
    "people:map": ("",),
    "people:group": ("",),
    "people:split-group": ("",),
    "people:review": ("?again=1", "?person={person}"),
    "people:recognise": ("",),
    "people:search": ("", "?p={person}", "?p={person}&p={other}&from=1990-01-01", "?q=nothing-is-called-this"),
    "people:history": ("", "?kind=merges"),
    "people:photo": ("",),
    "people:like": ("?list=1",),
    "accounts:settings": ("",),
}
# Pages of somebody who is not signed in. The first visit is over: its pages lead away.
OUTSIDE = {"accounts:sign-in": "/sign-in/", "not found": "/no-such-page/"}

# Not pages: acts, parts of pages, and files.
ACTS = [
    "words",
    "accounts:welcome",
    "accounts:faces",
    "accounts:sign-out",
    "accounts:change-language",
    "accounts:change-theme",
    "accounts:change-keys",
    "accounts:change-faces",
    "accounts:change-password",
    "accounts:end-session",
    "accounts:end-other-sessions",
    "photos:album-new",
    "photos:album-rename",
    "photos:album-delete",
    "photos:album-cover",
    "photos:album-remove",
    "photos:favourite",
    "photos:add-to-album",
    "photos:set-date",
    "photos:download",
    "photos:move-to-trash",
    "photos:undo-act",
    "photos:trash-restore",
    "photos:trash-delete",
    "photos:batches",
    "photos:batch-expect",
    "photos:batch-file",
    "photos:batch-album",
    "photos:batch-state",
    "photos:batch-retry",
    "photos:retry-all",
    "photos:retry",
    "people:answer-same",
    "people:edit",
    "people:hide",
    "people:change-faces",
    "people:take-back",
    "people:name-group",
    "people:hide-group",
    "people:split-off",
    "people:answer",
    "people:save-search",
    "people:drop-search",
    "people:undo-last",
    "people:redo-last",
    "people:undo",
    "people:undo-later",
    "people:repeat",
    "people:draw",
    "people:ignore-others",
    "people:name-face",
    "people:answer-face",
    "people:remove-name",
    "people:ignore-face",
    "people:in-these",
    "people:alike",
]
PARTS = [
    "photos:batch-card",
    "people:names",
    "people:together",
    "people:count-singles",
    "people:in-album",
    "people:strip",
    "people:new-faces",
    "people:pile",
    "people:question-count",
    "people:search-offers",
]
FILES = [
    "photos:small",
    "photos:large",
    "photos:original",
    "photos:originals",
    "photos:healthz",
    "people:names-csv",
    "people:names-json",
    "people:crop",
]

# What is smaller than a finger, and why it may be.
SMALL = {
    ".skip": "seen only by somebody who came with the keyboard",
    ".visually-hidden": "not on the screen",
    ".library-map a": "circles are as large as their groups; the sizes 2x and 4x and the people page are beside them",
    ".sheet-handle": "its ::after reaches 44 px",
    ".scrubber a": "not shown on phones: the slider over them is",
    ".tag": "the photo of a face in review; it opens by a long press on the face, too",
    "p a, dd a, dt a, .muted a, .history a, .file-list a, .name": "links in a line of text",
    ".boxes a, .box": "boxes are as large as their faces; the list beside them names the same faces",
    "input.form-check-input, .tick": "the label around it is the target",
    ".day-tick": "44 px high and 40 wide, with nothing else to touch beside it",
}

LOOKING = (Path(__file__).parent / "looking.js").read_text()


@dataclass(frozen=True)
class Look:
    """How a page is looked at: the theme of the device and the width of its screen in pixels."""

    scheme: str
    width: int

    @property
    def is_phone(self) -> bool:
        return self.width < 768

    def context(self, browser: Browser, kith: Kith, page: Page | None) -> BrowserContext:
        """A browser of its own, signed in as `page` is."""
        return browser.new_context(
            base_url=kith.address,
            storage_state=page.context.storage_state() if page else None,
            viewport={"width": self.width, "height": 844 if self.is_phone else 800},
            color_scheme=self.scheme,  # type: ignore[arg-type]  # "light" or "dark"
            has_touch=self.is_phone,
            reduced_motion="reduce",
        )


@pytest.fixture(scope="module")
def addresses(page: Page) -> dict[str, str]:
    """Name of the picture -> address, for each page of the library."""
    page.goto("/people/")
    links = [link.get_attribute("href") or "" for link in page.locator("main a").all()]
    people = list(dict.fromkeys(re.findall(r"/people/(\d+)/(?:\s|$)", "\n".join(links))))
    groups = re.findall(r"/groups/(\d+)/(?:\s|$)", "\n".join(links))
    page.goto(f"/people/{people[0]}/?tab=faces")
    face = re.search(r"/faces/(\d+)/", page.locator("main img.face, main .tile img").last.get_attribute("src") or "")
    page.goto(f"/people/{people[0]}/")
    photo = re.search(r"/photos/(\d+)/", page.locator(".rows a").first.get_attribute("href") or "")
    page.goto("/albums/")
    album = re.search(r"/albums/(\d+)/", page.locator(".album-card").first.get_attribute("href") or "")
    assert face and photo and album and len(people) > 1 and groups
    known = {"person": people[0], "other": people[1], "group": groups[0], "album": album[1]}
    known |= {"face": face[1], "photo": photo[1]}
    found = {}
    for name, rests in PAGES.items():
        for number, rest in enumerate(rests, 1):
            picture = name.replace(":", "-") + (f"-{number}" if number > 1 else "")
            found[picture] = address_of(name, known) + rest.format(**known)
    return found


def address_of(name: str, known: dict[str, str]) -> str:
    path = next(path for each, path in named_addresses() if each == name)
    numbers = {"cluster_id": known["group"], "batch_id": "1"} | {f"{key}_id": number for key, number in known.items()}
    return reverse(name, kwargs={key: numbers[key] for key in re.findall(r"<int:(\w+)>", path)})


def named_addresses() -> Iterator[tuple[str, str]]:
    """Name with its namespace, and path, of everything Kith answers."""

    def walk(patterns: list[URLPattern | URLResolver], space: str) -> Iterator[tuple[str, str]]:
        for pattern in patterns:
            if isinstance(pattern, URLResolver):
                yield from walk(pattern.url_patterns, f"{pattern.namespace}:" if pattern.namespace else space)
            else:
                yield f"{space}{pattern.name}", str(pattern.pattern)

    return walk(get_resolver().url_patterns, "")


def test_every_address_is_looked_at_or_no_page() -> None:
    named = {name for name, _ in named_addresses()}

    assert named == {*PAGES, *ACTS, *PARTS, *FILES, "accounts:sign-in"}


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_pages_are_accessible_and_fit(
    page: Page, browser: Browser, kith: Kith, addresses: dict[str, str], scheme: str, width: int
) -> None:
    assert looked_at(Look(scheme, width), browser, kith, page, addresses, with_axe=True) == []


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (2560, "dark")])
def test_pages_fit_the_smallest_and_the_widest_screen(
    page: Page, browser: Browser, kith: Kith, addresses: dict[str, str], scheme: str, width: int
) -> None:
    assert looked_at(Look(scheme, width), browser, kith, page, addresses, with_axe=False) == []


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_pages_of_strangers_are_accessible_and_fit(browser: Browser, kith: Kith, scheme: str, width: int) -> None:
    wrong = looked_at(Look(scheme, width), browser, kith, None, OUTSIDE, with_axe=True)

    assert [line for line in wrong if "status of 404" not in line] == []


def test_the_focus_is_seen(page: Page, browser: Browser, kith: Kith, addresses: dict[str, str]) -> None:
    context = Look("light", 1280).context(browser, kith, page)
    tab = context.new_page()
    unseen = set()
    for address in addresses.values():
        tab.goto(address)
        tab.evaluate(LOOKING)
        for _ in range(12):
            tab.keyboard.press("Tab")
            unseen.add(tab.evaluate("looking.unseenFocus()"))
    context.close()

    assert unseen - {None} == set()


def looked_at(
    look: Look, browser: Browser, kith: Kith, page: Page | None, addresses: dict[str, str], *, with_axe: bool
) -> list[str]:
    """What is wrong with pages, one line each."""
    context = look.context(browser, kith, page)
    context.set_default_timeout(20_000)
    tab = context.new_page()
    said: list[str] = []
    tab.on("console", lambda message: said.append(message.text))
    wrong = []
    for name, address in addresses.items():
        tab.goto(address)
        expect(tab.locator(".htmx-request")).to_have_count(0)
        tab.evaluate(LOOKING)
        keep_picture(tab, f"{name}-{look.width}-{look.scheme}")
        found = tab.evaluate("(question) => looking.check(...question)", [look.is_phone, ", ".join(SMALL)])
        if with_axe:
            violations = Axe().run(tab, options={"resultTypes": ["violations"]}).response["violations"]
            found += [f"{each['id']}: {each['help']}: {each['nodes'][0]['html'][:160]}" for each in violations]
        elif moving := tab.evaluate("looking.moving()"):
            found.append(f"{moving} things move though the device asks for less motion")
        found += [f"the console says: {text}" for text in said]
        said.clear()
        wrong += [f"{address} ({look.scheme}, {look.width}): {line}" for line in found]
    context.close()
    return wrong


def keep_picture(tab: Page, name: str) -> Path:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    path = SCREENSHOTS / f"{name}.png"
    tab.screenshot(path=path)
    return path
