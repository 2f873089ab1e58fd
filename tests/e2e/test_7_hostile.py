"""Texts that attack, in every field that holds one, in a real browser; and another account of the same machine.

The attacks have users of their own, who are gone afterwards.
"""

import json
import os
import pwd
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import psutil
import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.config.conftest import as_root
from tests.e2e.conftest import PATIENCE_MS, Kith
from tests.e2e.hostile import PAYLOADS
from tests.pictures import drawing, encoded
from tests.services import ROOT

LISTEN = """
  addEventListener("securitypolicyviolation", (event) => report(`${event.violatedDirective} ${event.blockedURI}`))
  const report = (text) => console.warn(`attack: ${text}`)
"""
LISTS = (
    "/", "/albums/", "/people/", "/people/?hidden=1", "/people/unnamed/?kind=pairs", "/review/", "/search/",
    "/history/", "/map/", "/status/", "/trash/", "/settings/", "/upload/", "/people/in-these/", "/people/strip/",
)  # fmt: skip


def home_of(kith: Kith) -> Path:
    return Path(psutil.Process(kith.process.pid).environ()["KITH_HOME"])


def run(kith: Kith, what: str) -> dict:
    environment = psutil.Process(kith.process.pid).environ()
    done = subprocess.run(
        [sys.executable, "-m", "tests.e2e.hostile", what], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))


@pytest.fixture(scope="module")
def hostile(kith: Kith) -> Iterator[dict]:
    yield run(kith, "make")
    assert run(kith, "drop") == {"left": 0}


@pytest.fixture(scope="module")
def fired() -> list[str]:
    """What an attack achieved."""
    return []


@pytest.fixture(scope="module")
def tab(browser: Browser, kith: Kith, hostile: dict, fired: list[str]) -> Iterator[Page]:
    context = browser.new_context(base_url=kith.address)
    context.set_default_timeout(PATIENCE_MS)
    sign_in(context, kith, hostile["owner"])
    context.add_init_script(LISTEN)
    # There are no files behind these photos, and styles attack nobody.
    context.route("**/*", lambda route: route.abort() if is_decoration(route.request) else route.fallback())
    context.on("dialog", lambda dialog: (fired.append(f"dialog {dialog.message}"), dialog.dismiss()))
    context.on("console", lambda message: fired.append(message.text) if message.text.startswith("attack") else None)
    context.on(
        "request",
        lambda request: fired.append(request.url) if urlsplit(request.url).hostname == "evil.example" else None,
    )
    yield context.new_page()
    context.close()


def is_decoration(request) -> bool:
    return request.resource_type in ("image", "font") and "/static/" not in request.url


def sign_in(context: BrowserContext, kith: Kith, session: str) -> None:
    context.add_cookies([{"name": "sessionid", "value": session, "url": kith.address}])


def test_the_listener_hears_what_an_attack_does(tab: Page, fired: list[str]):
    tab.goto("/albums/")
    tab.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=/x onerror=alert(1)><p style=color:red>')")
    tab.wait_for_timeout(100)
    tab.evaluate("alert(2)")

    assert any("dialog" in each for each in fired)
    assert any("attack: s" in each for each in fired)
    fired.clear()


def test_no_text_of_a_library_runs(tab: Page, hostile: dict, fired: list[str]):
    """Lists show all thirty; of the pages of one, each kind is opened for a third of them.

    That the others hold no element more than those of plain texts, tests/access/test_texts.py checks.
    """
    details = [path for number, pages in enumerate(hostile["pages"]) for path in (pages if number == 0 else pages[:1])]
    details += [path for pages in hostile["pages"][1::3] for path in pages[1:]]
    for path in (*LISTS, *details):
        response = tab.goto(path, wait_until="domcontentloaded")
        assert response is not None and response.status == 200, path
        assert fired == [], path


def test_what_is_typed_and_shown_again_does_not_run(tab: Page, fired: list[str]):
    for text in PAYLOADS:
        tab.goto(f"/search/?{urlencode({'q': text})}", wait_until="domcontentloaded")
        assert fired == [], text


def test_what_scripts_show_does_not_run(tab: Page, hostile: dict, fired: list[str], tmp_path: Path):
    person = hostile["pages"][0][1]
    tab.goto(person)
    search = tab.locator(".appbar .searchbox input")
    search.press_sequentially("<")
    expect(tab.locator(".appbar .searchbox a").first).to_be_visible()
    tab.goto(f"/people/merge/?people={person.split('/')[2]}")
    box = tab.locator("name-box input[name=name]").first
    box.press_sequentially("<")
    expect(tab.locator("name-box [role=option]").first).to_be_visible()
    tab.goto("/upload/")
    names = [f"{text.replace('/', '_')[:200]}.jpg" for text in PAYLOADS if "\x07" not in text]
    for name in names[:-1]:
        (tmp_path / name).write_bytes(b"no picture")
    picture, exif = drawing(320, 240, seed=7), Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x010E] = PAYLOADS[1], PAYLOADS[4], PAYLOADS[0]
    (tmp_path / names[-1]).write_bytes(encoded(picture, exif=exif))
    tab.locator(".uploader[data-ready] input[accept*=image]").first.set_input_files(
        sorted(path for path in tmp_path.iterdir() if path.is_file())
    )
    expect(tab.locator("[data-summary]").first).to_contain_text(f"{len(names) - 1} left out")
    tab.locator("[data-see]").first.click()
    tab.wait_for_url("**/")

    assert fired == []


def test_the_way_back_from_a_photo_stays_here(tab: Page, kith: Kith, hostile: dict):
    photo = hostile["pages"][0][0].partition("?")[0]
    tab.goto(f"{kith.address}//evil.example/")
    tab.evaluate("(path) => location.assign(path)", photo)
    tab.wait_for_url(f"**{photo}")
    back = tab.locator("[data-back]")
    expect(back).to_be_visible()

    assert tab.evaluate("sessionStorage.getItem('kith-viewer-from')") == "//evil.example/"
    assert str(back.evaluate("(link) => link.origin")) == kith.address


def test_names_of_users_do_not_run(tab: Page, kith: Kith, hostile: dict, fired: list[str]):
    for session in hostile["users"][::3]:
        sign_in(tab.context, kith, session)
        response = tab.goto("/settings/", wait_until="domcontentloaded")
        assert response is not None and response.status == 200
    sign_in(tab.context, kith, hostile["owner"])

    assert fired == []


@as_root
def test_another_account_of_this_machine_reads_nothing(kith: Kith, page: Page):
    page.goto("/")  # Kith has been used
    home = home_of(kith)
    sockets = (
        Path((home / "run" / "sockets-are-in").read_text()) if (home / "run" / "sockets-are-in").exists() else home
    )
    found = [(str(path), kind_of(path)) for top in {home, sockets} for path in [top, *top.rglob("*")]]
    # The program and its static files are no secret.
    found = [(path, kind) for path, kind in found if not path.startswith((f"{home}/static", f"{home}/programs"))]
    names = {Path(path).name for path, _ in found}
    assert {"secret-key", "media", "valkey.sock", ".s.PGSQL.5432", "18", "postgres-password"} <= names

    assert within_reach_of_nobody(found) == []


def within_reach_of_nobody(found: list[tuple[str, str]]) -> list[str]:
    """What of it another account can read, list or connect to, tried in a process of that account."""
    nobody = pwd.getpwnam("nobody")
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.setgroups([])
        os.setgid(nobody.pw_gid)
        os.setuid(nobody.pw_uid)
        os.write(writing, json.dumps([path for path, kind in found if opens(path, kind)]).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answer:
        within_reach = json.load(answer)
    assert os.waitpid(child, 0)[1] == 0
    return list(within_reach)


def opens(path: str, kind: str) -> bool:
    try:
        if kind == "socket":
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(path)
        elif kind == "folder":
            list(Path(path).iterdir())
        else:
            os.close(os.open(path, os.O_RDONLY))
    except OSError:
        return False
    return True


def kind_of(path: Path) -> str:
    return "socket" if path.is_socket() else "folder" if path.is_dir() else "file"
