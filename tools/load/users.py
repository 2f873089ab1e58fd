"""The people of the load tests, for locust: each signs in, leafs through pages, and fetches the pictures on them.

Run by `tools.load.crowd`, which says by LOAD_USER and LOAD_PASSWORD who they are, and by LOAD_STATUSES into which file
goes how many answers there were of each status.
"""

import json
import os
import random
import re
from collections import Counter
from pathlib import Path

from locust import HttpUser, between, events, task

PICTURES = re.compile(r'<img[^>]* src="([^"]+)"')
LINKS = {name: re.compile(rf'href="(/{name}/\d+/)') for name in ("photos", "people", "albums")}
PICTURES_SEEN = 12  # of a page, as far as one scrolls at first; a browser fetches the others later
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')

statuses: Counter[int] = Counter()


@events.request.add_listener
def _count(response: object, **kwargs: object) -> None:
    statuses[getattr(response, "status_code", 0) or 0] += 1


@events.quitting.add_listener
def _write(**kwargs: object) -> None:
    Path(os.environ["LOAD_STATUSES"]).write_text(json.dumps(statuses))


class Visitor(HttpUser):
    """Somebody who looks at a page for some seconds, and goes on to another."""

    wait_time = between(3, 9)

    def on_start(self) -> None:
        self._links: dict[str, list[str]] = {name: [] for name in LINKS}
        page = self.client.get("/sign-in/", name="sign in").text
        token = TOKEN.search(page)
        who = {"username": os.environ["LOAD_USER"], "password": os.environ["LOAD_PASSWORD"]}
        form = who | {"csrfmiddlewaretoken": token[1] if token else ""}
        self.client.post("/sign-in/", form, name="sign in", headers={"Referer": f"{self.host}/sign-in/"})

    @task(6)
    def photos(self) -> None:
        self._look("/", "photos")

    @task(4)
    def one_photo(self) -> None:
        self._look_at_one("photos", "/")

    @task(3)
    def people(self) -> None:
        self._look("/people/", "people")

    @task(4)
    def one_person(self) -> None:
        self._look_at_one("people", "/people/")

    @task(3)
    def review(self) -> None:
        self._look("/review/", "review")

    @task(1)
    def search(self) -> None:
        person = self._one("people")
        self._look(f"/search/?p={person.split('/')[2]}" if person else "/search/", "search")

    @task(1)
    def albums(self) -> None:
        self._look("/albums/", "albums")

    @task(1)
    def history(self) -> None:
        self._look("/history/", "history")

    def _look_at_one(self, kind: str, where: str) -> None:
        address = self._one(kind)
        self._look(address or where, f"one of {kind}" if address else kind)

    def _one(self, kind: str) -> str | None:
        return random.choice(self._links[kind]) if self._links[kind] else None  # noqa: S311

    def _look(self, address: str, name: str) -> None:
        page = self.client.get(address, name=name)
        if page.status_code != 200:
            return
        for kind, pattern in LINKS.items():
            self._links[kind] = pattern.findall(page.text) or self._links[kind]
        for picture in PICTURES.findall(page.text)[:PICTURES_SEEN]:
            self.client.get(picture.replace("&amp;", "&"), name="picture")
