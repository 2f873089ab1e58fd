"""The pages of the address table: what browser tests look at all of, and how they get there."""

import re
from collections.abc import Iterator

from django.urls import get_resolver, reverse
from django.urls.resolvers import URLPattern, URLResolver
from playwright.sync_api import Page

# What is looked at, after the page's own address.
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
    "people:model-cards": ("?card=facenet-casia",),
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
# Pages that only a form leads to, and what it sends. Each asks something; none has changed anything yet.
ASKING = {
    "photos:add-to-album": "photos={photo}",
    "photos:set-date": "photos={photo}",
    "photos:trash-delete": "photos={trashed}",
    "people:edit": "name={other_name}",
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
    "people:learning",
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
    "ready",
    "metrics",
    "people:names-csv",
    "people:names-json",
    "people:crop",
]

# Sends a form as a browser without scripts does: its answer is a page.
SEND = """(address) => {
  const { pathname, searchParams } = new URL(address, location.href)
  const form = Object.assign(document.createElement("form"), { method: "post", action: pathname })
  searchParams.set("csrfmiddlewaretoken", JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRFToken"])
  for (const field of searchParams) {
    form.append(Object.assign(document.createElement("input"), { type: "hidden", name: field[0], value: field[1] }))
  }
  document.body.append(form)
  form.submit()
}"""


def addresses_of(known: dict[str, str]) -> dict[str, str]:
    """Name of the picture -> address, for each page of a library; `known` are primary keys of what is in it."""
    found = {}
    for name, rests in PAGES.items():
        for number, rest in enumerate(rests, 1):
            picture = name.replace(":", "-") + (f"-{number}" if number > 1 else "")
            found[picture] = address_of(name, known) + rest.format(**known)
    for name, rest in ASKING.items():
        found[name.replace(":", "-")] = f"POST {address_of(name, known)}?{rest.format(**known)}"
    return found


def visit(tab: Page, address: str) -> None:
    """Go to a page; to one that a form leads to ("POST" before its address) by sending what its query says."""
    if not address.startswith("POST "):
        tab.goto(address)
        return
    with tab.expect_navigation():
        tab.evaluate(SEND, address.removeprefix("POST "))


def rows_of_library(page: Page) -> dict[str, str]:
    """Primary keys of what the pages that are looked at are about."""
    page.goto("/people/")
    links = [link.get_attribute("href") or "" for link in page.locator("main a").all()]
    people = list(dict.fromkeys(re.findall(r"/people/(\d+)/(?:\s|$)", "\n".join(links))))
    groups = re.findall(r"/groups/(\d+)/(?:\s|$)", "\n".join(links))
    page.goto(f"/people/{people[1]}/")
    other_name = page.locator("h1").inner_text()
    page.goto(f"/people/{people[0]}/?tab=faces")
    face = re.search(r"/faces/(\d+)/", page.locator("main img.face, main .tile img").last.get_attribute("src") or "")
    page.goto(f"/people/{people[0]}/")
    photo = re.search(r"/photos/(\d+)/", page.locator(".rows a").first.get_attribute("href") or "")
    page.goto("/undated/")
    trashed = re.search(r"/photos/(\d+)/", page.locator(".rows a").last.get_attribute("href") or "")
    page.goto("/albums/")
    album = re.search(r"/albums/(\d+)/", page.locator(".album-card").first.get_attribute("href") or "")
    assert face and photo and trashed and album and len(people) > 1 and groups
    known = {"person": people[0], "other": people[1], "other_name": other_name, "group": groups[0], "album": album[1]}
    return known | {"face": face[1], "photo": photo[1], "trashed": trashed[1]}


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
