"""The review queue in a real browser: every kind of card, by key, mouse and finger, and what happens without a network.

No worker runs here: the questions are those the tests rank, so that each test knows which one comes next.
"""

import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from io import BytesIO
from statistics import median

import pytest
from django.core.files.base import ContentFile
from django.db.models import F
from django.test import Client
from PIL import Image, ImageDraw
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from accounts.models import User
from people.models import Cluster, Decision, Face, Person, Question, Upkeep
from people.ranking import rank_questions
from tests.e2e.conftest import LOOKS, PATIENCE_MS, violations
from tests.factories import make_face, make_group, make_known, make_photo, make_suggestion, make_user, unit

pytestmark = pytest.mark.django_db(transaction=True)

MOST_SECONDS = 0.2  # from a key to the next question
QUIET_MS = 220  # for so long after a new question keys do nothing
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True, "device_scale_factor": 2}

# From the press of a key to the moment the next question has been painted.
TIME_A_KEY = """key => new Promise(resolve => {
  const start = performance.now()
  const before = document.getElementById("q")
  const look = () => {
    const now = document.getElementById("q")
    if (now !== before && now.innerText) requestAnimationFrame(() => resolve(performance.now() - start))
    else requestAnimationFrame(look)
  }
  document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }))
  look()
})"""


@pytest.fixture
def owner() -> User:
    return make_user(username="ruth")


@pytest.fixture
def open_tab(browser: Browser, live_server, owner: User) -> Iterator[Callable[..., Page]]:
    """Opens tabs of one signed-in user; all of them fail on anything the console complains about."""
    client = Client()
    client.force_login(owner)
    cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_tab(**options) -> Page:
        context = browser.new_context(
            base_url=live_server.url, **{"viewport": {"width": 1280, "height": 800}} | options
        )
        context.set_default_timeout(PATIENCE_MS)
        context.add_cookies([cookie])
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return page

    yield open_tab
    for context in contexts:
        context.close()
    # What a test breaks on purpose is reported, too.
    assert [text for text in complaints if "ERR_FAILED" not in text and "status of" not in text] == []


@pytest.fixture
def tab(open_tab) -> Page:
    return open_tab()


# ---------- The library


def draw_crop(face: Face, *, hue: int) -> None:
    """A face that a browser can show: a round head of one colour for each person."""
    image = Image.new("RGB", (160, 160), f"hsl({(hue + 180) % 360}, 25%, 78%)")
    draw = ImageDraw.Draw(image)
    draw.ellipse((38, 26, 122, 134), fill=f"hsl({hue}, 45%, 62%)")
    shift = face.pk % 9 - 4
    for left in (60, 88):
        draw.ellipse((left + shift, 66, left + 12 + shift, 78), fill="#2a2422")
    draw.arc((62 + shift, 84, 98 + shift, 112), 20, 160, fill="#2a2422", width=4)
    out = BytesIO()
    image.save(out, "WEBP")
    face.crop.save(f"crops/review/{face.pk}.webp", ContentFile(out.getvalue()))


def draw_all() -> None:
    for face in Face.objects.without_vectors():
        draw_crop(face, hue=(face.person_id or face.cluster_id or face.pk) * 67 % 360)


def know(owner: User, name: str, axis: int, *, faces: int = 4) -> Person:
    person = make_known(owner, name, likeness=unit(axis), faces=faces)
    for number, face in enumerate(person.faces.select_related("photo").order_by("pk")):
        face.photo.taken_at = datetime(2012 + 3 * number, 6, 1, tzinfo=UTC)
        face.photo.save(update_fields=["taken_at"])
    return person


def suggest(person: Person, axis: int, *, singles: int = 0, pile: int = 0) -> None:
    faces = [make_face(make_photo(person.owner), likeness=unit(axis)) for _ in range(singles)]
    if pile:
        faces += make_group(person.owner, pile, likeness=unit(axis)).faces.order_by("pk")
    for face in faces:
        make_suggestion(face, person)


def rank(owner: User) -> None:
    rank_questions(owner.pk)
    draw_all()


@pytest.fixture
def ann(owner: User) -> Person:
    """Ann, and 8 faces that may be hers: three alone and a pile of five."""
    ann = know(owner, "Ann", 1)
    suggest(ann, 1, singles=3, pile=5)
    return ann


@pytest.fixture
def groups(owner: User) -> list[Cluster]:
    return [make_group(owner, count, likeness=unit(axis)) for axis, count in ((20, 5), (21, 4), (22, 3))]


def open_review(page: Page, query: str = "") -> None:
    page.goto(f"/review/{query}")


def heading(page: Page) -> str:
    return page.locator("#q").inner_text()


def key_shown(page: Page) -> str:
    return page.locator(".question input[name=key]").get_attribute("value") or ""


def press(page: Page, key: str) -> None:
    page.wait_for_timeout(QUIET_MS)
    page.keyboard.press(key)


def toast(page: Page, text: str):
    return page.locator(".toast-k").filter(has_text=text)


def is_on_next(page: Page, key: str) -> None:
    expect(page.locator(f".question input[name=key][value='{key}']")).to_have_count(0)


# ---------- Keys only


def test_the_whole_queue_is_answered_by_key(tab: Page, owner: User, ann: Person, groups: list[Cluster]):
    rank(owner)
    open_review(tab)
    assert heading(tab) == "Is this Ann?"
    expect(tab.get_by_text(re.compile("4 questions left, about 1 min"))).to_be_visible()
    expect(tab.get_by_text("Settles 8 faces")).to_be_visible()

    press(tab, "y")
    expect(tab.locator("#q")).to_have_text("Who is this?")
    expect(tab.locator("#q")).to_be_focused()
    expect(toast(tab, "8 faces confirmed as Ann")).to_be_visible()
    expect(tab.locator(".appnav .pill")).to_have_text("3")
    assert tab.title() == "Who is this? - Kith"

    press(tab, "t")
    expect(tab.locator(".question input[name=name]")).to_be_focused()
    tab.keyboard.type("Bea")
    tab.get_by_role("option", name=re.compile("Create")).wait_for()
    tab.keyboard.press("Enter")
    expect(toast(tab, "5 faces confirmed as Bea")).to_be_visible()

    press(tab, "h")
    expect(toast(tab, "4 faces set aside")).to_be_visible()
    press(tab, "s")
    expect(tab.get_by_role("heading", name="All caught up")).to_be_focused()
    expect(tab.locator(".appnav .pill").first).to_be_hidden()
    expect(tab.get_by_text("Nothing is left but what you skipped.")).to_be_visible()

    tab.get_by_role("link", name="Show the skipped one again").click()
    expect(tab.locator("#q")).to_have_text("Who is this?")
    assert [d.verb for d in Decision.objects.order_by("pk")] == ["confirm", "confirm", "ignore"]
    assert ann.faces.count() == 12


def test_arrows_move_x_unticks_and_the_button_counts_what_is_ticked(tab: Page, owner: User, ann: Person):
    rank(owner)
    open_review(tab)
    yes = tab.get_by_role("button", name=re.compile("Yes, confirm"))
    expect(yes).to_contain_text("Yes, confirm 8")

    tab.locator("#q").focus()
    press(tab, "ArrowRight")
    tab.keyboard.press("ArrowRight")
    box = tab.locator(":focus")
    assert box.get_attribute("name") == "faces"
    assert box.get_attribute("aria-label").startswith("Face 2 of 4")
    unticked = Face.objects.get(pk=box.get_attribute("value"))
    tab.keyboard.press("x")
    expect(box).not_to_be_checked()
    tab.keyboard.press("a")
    expect(tab.locator("[data-grid] input:checked")).to_have_count(4)
    tab.keyboard.press("Space")
    expect(box).not_to_be_checked()
    settles = 8 - int(box.get_attribute("data-faces"))
    expect(yes).to_contain_text(f"Yes, confirm {settles}")
    assert tab.locator("[data-grid] input[tabindex='0']").count() == 1

    press(tab, "y")
    expect(toast(tab, f"{settles} faces confirmed as Ann")).to_be_visible()
    unticked.refresh_from_db()
    assert unticked.person is None


def test_a_pile_is_opened_and_one_of_its_faces_unticked(tab: Page, owner: User, ann: Person):
    rank(owner)
    open_review(tab)
    group = Cluster.objects.get()
    tab.locator(".pile input[name=faces]").focus()
    press(tab, "o")
    expect(tab.locator("[data-grid] input[name=faces]")).to_have_count(8)
    expect(tab.locator(".pile")).to_have_count(0)
    expect(tab.get_by_role("button", name=re.compile("Yes, confirm"))).to_contain_text("8")

    wrong = Face.objects.get(pk=tab.locator(":focus").get_attribute("value"))
    assert wrong.cluster == group
    tab.keyboard.press("x")
    tab.keyboard.press("y")
    expect(toast(tab, "7 faces confirmed as Ann")).to_be_visible()

    assert list(Face.objects.untagged()) == [wrong]


def test_u_brings_the_question_back_and_shift_u_does_it_again(tab: Page, owner: User, ann: Person, groups):
    rank(owner)
    open_review(tab)
    first = key_shown(tab)
    press(tab, "y")
    tab.keyboard.press("Control+z")  # while the answer is still under way: it waits for it
    expect(toast(tab, "Undone.")).to_be_visible()
    expect(tab.locator("#q")).to_have_text("Is this Ann?")
    expect(tab.locator("#q")).to_be_focused()
    assert key_shown(tab) == first
    assert tab.locator("[data-grid] input[name=faces]").count() == 4
    assert ann.faces.count() == 4

    press(tab, "Shift+U")
    expect(toast(tab, "Done again.")).to_be_visible()
    expect(tab.locator("#q")).to_have_text("Who is this?")
    assert ann.faces.count() == 12


def test_u_presses_the_undo_of_the_message(tab: Page, owner: User, ann: Person, groups):
    rank(owner)
    open_review(tab)
    press(tab, "y")
    expect(toast(tab, "8 faces confirmed as Ann")).to_be_visible()
    press(tab, "u")
    expect(toast(tab, "Undone.")).to_be_visible()
    expect(tab.locator("#q")).to_have_text("Is this Ann?")


def test_u_after_a_skip_brings_the_skipped_question_back(tab: Page, owner: User, groups):
    rank(owner)
    open_review(tab)
    first = key_shown(tab)
    press(tab, "s")
    expect(toast(tab, "Skipped.")).to_be_visible()
    is_on_next(tab, first)
    expect(tab.get_by_text("2 questions left")).to_be_visible()

    press(tab, "u")
    expect(tab.locator(f".question input[name=key][value='{first}']")).to_have_count(1)
    expect(tab.get_by_text("3 questions left")).to_be_visible()


def test_two_people_who_may_be_one_and_two_who_are_not(tab: Page, owner: User):
    for name, axis in (("Bea", 5), ("Beatrix", 5)):
        know(owner, name, axis, faces=3)
    rank(owner)
    open_review(tab)
    assert heading(tab) == "Are Bea and Beatrix the same person?"

    press(tab, "n")
    expect(toast(tab, "are two people")).to_be_visible()
    assert Decision.objects.get().verb == "different"


def test_a_question_mark_lists_the_keys_of_each_page(tab: Page, owner: User, ann: Person):
    rank(owner)
    open_review(tab)
    press(tab, "?")
    listed = tab.locator("#keys dt").all_inner_texts()
    assert {"Y", "N", "S", "T", "A", "H", "U", "X", "O", "?", "/"} <= {key.strip() for key in listed}
    tab.keyboard.press("Escape")

    tab.goto("/people/")
    tab.keyboard.press("?")
    assert "/" in [key.strip() for key in tab.locator("#keys dt").all_inner_texts()]


def test_single_keys_can_be_switched_off(tab: Page, owner: User, ann: Person, groups):
    rank(owner)
    tab.goto("/settings/")
    tab.get_by_label(re.compile("^Single keys")).uncheck()
    tab.locator("#keys-choice").get_by_role("button", name="Save").click()
    expect(toast(tab, "Saved.")).to_be_visible()

    open_review(tab)
    tab.locator("[data-grid] input").first.focus()
    for key in ("x", "y", "n", "s", "?", "1"):
        tab.keyboard.press(key)
    tab.wait_for_timeout(300)
    assert heading(tab) == "Is this Ann?"
    expect(tab.locator("[data-grid] input:checked")).to_have_count(4)
    expect(tab.locator(".answers kbd").first).to_be_hidden()
    assert Decision.objects.count() == 0


# ---------- The mouse, and the address


def test_back_shows_the_answered_card_which_can_be_changed(tab: Page, owner: User, ann: Person, groups):
    rank(owner)
    open_review(tab)
    first = tab.url
    assert f"q=p{ann.pk}-." in first
    tab.locator("[data-grid] .tile").nth(1).click()
    tab.get_by_role("button", name=re.compile("Yes, confirm")).click()
    expect(toast(tab, "confirmed as Ann")).to_be_visible()
    assert tab.url != first

    tab.go_back()
    expect(tab.locator("#q")).to_have_text("You answered this")
    assert tab.url == first
    expect(tab.get_by_role("heading", name=re.compile("confirmed as Ann"))).to_be_visible()
    assert tab.locator(".said-yes").count() >= 3
    assert tab.locator(".said-no").count() >= 1
    tab.reload()
    expect(tab.locator("#q")).to_have_text("You answered this")

    tab.get_by_role("button", name="Change your answer").click()
    expect(tab.locator("#q")).to_have_text("Is this Ann?")
    assert ann.faces.count() == 4
    tab.locator("[data-key=n]").click()
    expect(toast(tab, "are not Ann")).to_be_visible()


def test_forward_and_go_on_lead_on(tab: Page, owner: User, groups):
    rank(owner)
    open_review(tab)
    press(tab, "h")
    expect(toast(tab, "set aside")).to_be_visible()
    second = key_shown(tab)
    tab.go_back()
    expect(tab.locator("#q")).to_have_text("You answered this")
    tab.go_forward()
    expect(tab.locator(f".question input[name=key][value='{second}']")).to_have_count(1)
    tab.go_back()
    tab.get_by_role("link", name="Go on").click()
    expect(tab.locator(f".question input[name=key][value='{second}']")).to_have_count(1)


def test_questions_about_one_person_only(tab: Page, owner: User, ann: Person, groups):
    rank(owner)
    open_review(tab, f"?person={ann.pk}")
    expect(tab.get_by_text("Only questions about Ann.")).to_be_visible()
    press(tab, "y")
    expect(tab.get_by_role("heading", name="Nothing left to ask about Ann")).to_be_visible()
    tab.get_by_role("link", name="All questions").first.click()
    expect(tab.locator("#q")).to_have_text("Who is this?")


def test_without_scripts_the_queue_is_forms_and_pages(open_tab, owner: User, ann: Person, groups):
    rank(owner)
    page = open_tab(java_script_enabled=False)
    page.goto("/review/")
    page.get_by_role("button", name=re.compile("Yes, confirm")).click()
    expect(page.locator("#q")).to_have_text("Who is this?")
    assert "q=g" in page.url
    expect(page.locator(".toast-k")).to_contain_text("8 faces confirmed as Ann")
    page.locator(".question input[name=name]").fill("Cleo")
    page.get_by_role("button", name="Name", exact=True).click()
    expect(page.locator(".toast-k")).to_contain_text("confirmed as Cleo")
    page.locator(".toast-k").get_by_role("button", name=re.compile("Undo")).click()
    expect(page.locator("#q")).to_have_text("Who is this?")
    assert ann.faces.count() == 12


def test_the_number_in_the_navigation_follows_answers_given_elsewhere(tab: Page, owner: User, groups):
    rank(owner)
    tab.goto("/people/")
    expect(tab.locator(".appnav .pill")).to_have_text("3")
    tab.locator(".group-card input[name=name]").first.fill("Ann")
    tab.get_by_role("option", name=re.compile("Create")).click()
    expect(toast(tab, "confirmed as Ann")).to_be_visible()
    rank_questions(owner.pk)  # as the worker does, seconds later
    expect(tab.locator(".appnav .pill")).to_have_text("2")


# ---------- Before the server answers


def slowly(route: Route) -> None:
    time.sleep(0.8)
    route.continue_()


def test_the_next_question_does_not_wait_for_the_server(tab: Page, owner: User):
    for axis in range(30, 42):
        make_group(owner, 4, likeness=unit(axis))
    rank(owner)
    open_review(tab)
    tab.route("**/review/answer/", slowly)
    took = []
    for _ in range(5):
        tab.wait_for_load_state("networkidle")
        tab.wait_for_timeout(QUIET_MS)
        took.append(tab.evaluate(TIME_A_KEY, "h") / 1000)
        expect(tab.locator(".question[aria-busy]")).to_have_count(0)
        expect(toast(tab, "set aside")).to_be_visible()

    print("from key to question:", [f"{seconds * 1000:.0f} ms" for seconds in took])
    assert median(took) < MOST_SECONDS
    assert Decision.objects.count() == 5


def test_pictures_of_the_next_question_are_there_before_it(tab: Page, owner: User, groups):
    rank(owner)
    loaded: list[str] = []
    tab.on("requestfinished", lambda request: loaded.append(request.url))
    open_review(tab)
    tab.wait_for_load_state("networkidle")
    press(tab, "s")
    shown = tab.locator("[data-grid] img").evaluate_all("images => images.map(image => image.src)")
    assert shown
    assert set(shown) <= set(loaded)


def test_without_a_network_the_card_comes_back_and_nothing_is_lost_or_doubled(tab: Page, owner: User, ann, groups):
    rank(owner)
    open_review(tab)
    address = tab.url
    tab.locator("[data-grid] .tile").nth(1).click()
    ticked = tab.locator("[data-grid] input:checked").evaluate_all("boxes => boxes.map(box => box.value)")
    tab.route("**/review/answer/", lambda route: route.abort())
    press(tab, "y")
    expect(tab.get_by_role("alert")).to_contain_text("Kith could not be reached")
    expect(tab.locator("#q")).to_have_text("Is this Ann?")
    expect(tab.locator("#q")).to_be_focused()
    assert tab.locator("[data-grid] input:checked").evaluate_all("boxes => boxes.map(box => box.value)") == ticked
    assert tab.url == address
    assert Decision.objects.count() == 0

    tab.unroute("**/review/answer/")
    press(tab, "y")
    expect(toast(tab, "confirmed as Ann")).to_be_visible()
    expect(tab.locator("#q")).to_have_text("Who is this?")
    assert Decision.objects.count() == 1


def test_an_answer_whose_reply_was_lost_counts_once(tab: Page, owner: User, groups):
    rank(owner)
    open_review(tab)
    lost = []

    def lose_the_reply(route: Route) -> None:
        lost.append(route.fetch())  # it arrives, and is answered
        route.abort()

    tab.route("**/review/answer/", lose_the_reply)
    tab.locator(".question input[name=name]").fill("Dora")
    tab.get_by_role("option", name=re.compile("Create")).click()
    expect(tab.get_by_role("alert")).to_contain_text("counts once")
    expect(tab.locator(".question input[name=name]")).to_have_value("Dora")
    assert Decision.objects.count() == 1

    tab.unroute("**/review/answer/")
    tab.get_by_role("button", name="Name", exact=True).click()
    expect(toast(tab, "5 faces confirmed as Dora")).to_be_visible()
    assert len(lost) == 1
    assert Decision.objects.count() == 1
    assert Person.objects.filter(name="Dora").count() == 1


def test_what_the_server_refuses_comes_back_with_its_reason(tab: Page, owner: User, groups):
    rank(owner)
    open_review(tab)
    first = key_shown(tab)
    tab.evaluate("document.querySelectorAll('[data-grid] input').forEach(box => box.checked = false)")
    press(tab, "h")
    expect(tab.get_by_role("alert")).to_have_text("Tick at least one face first.")
    assert key_shown(tab) == first


def test_a_signed_out_user_is_told_so_and_keeps_the_card(tab: Page, owner: User, groups):
    rank(owner)
    open_review(tab)
    first = key_shown(tab)
    tab.context.clear_cookies()
    press(tab, "h")
    expect(tab.get_by_role("alert")).to_contain_text("You are signed out")
    assert key_shown(tab) == first
    assert Decision.objects.count() == 0


def test_a_question_that_another_tab_settled_is_replaced(open_tab, owner: User, groups):
    rank(owner)
    one, other = open_tab(), open_tab()
    open_review(one)
    open_review(other)
    press(other, "h")
    expect(toast(other, "set aside")).to_be_visible()
    press(other, "h")  # the second one, which the first tab has ready
    expect(other.locator(".appnav .pill")).to_have_text("1")

    press(one, "s")
    last = Question.objects.get()
    expect(one.locator(f".question input[name=key][value='{last.key}']")).to_have_count(1)
    expect(one.locator("#q")).to_be_focused()
    press(one, "h")
    expect(toast(one, "3 faces set aside")).to_be_visible()
    assert Decision.objects.count() == 3


def test_the_same_card_answered_in_two_tabs_is_answered_once(open_tab, owner: User, groups):
    rank(owner)
    one, other = open_tab(), open_tab()
    for page in (one, other):
        open_review(page)
    for page in (one, other):
        press(page, "h")
    expect(toast(other, "Nothing was left to change")).to_be_visible()
    assert Decision.objects.count() == 1


# ---------- A phone


def swipe(page: Page, dx: int, dy: int = 0) -> None:
    box = page.locator("[data-grid] img").first.bounding_box()
    x, y = (320 if dx < 0 else 70), box["y"] + 20
    session = page.context.new_cdp_session(page)

    def touch(kind: str, share: float) -> None:
        points = [] if kind == "touchEnd" else [{"x": x + dx * share, "y": y + dy * share}]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", 0)
    for step in range(1, 11):
        touch("touchMove", step / 10)
    page.wait_for_timeout(50)
    touch("touchEnd", 1)
    session.detach()


def test_a_swipe_right_says_yes_and_one_left_no(open_tab, owner: User, ann: Person):
    bea = know(owner, "Bea", 8)
    suggest(bea, 8, singles=3)
    rank(owner)
    page = open_tab(**PHONE)
    open_review(page)
    expect(page.get_by_text("Swipe the faces to answer")).to_be_visible()

    swipe(page, 230)
    expect(toast(page, "8 faces confirmed as Ann")).to_be_visible()
    page.wait_for_timeout(QUIET_MS)
    swipe(page, -230)
    expect(toast(page, "3 faces are not Bea")).to_be_visible()
    assert [d.verb for d in Decision.objects.order_by("pk")] == ["confirm", "reject"]


def test_a_short_or_slanted_swipe_answers_nothing(open_tab, owner: User, ann: Person):
    rank(owner)
    page = open_tab(**PHONE)
    open_review(page)
    swipe(page, 60)
    swipe(page, 150, 200)
    swipe(page, 8, -250)
    page.wait_for_timeout(400)

    assert heading(page) == "Is this Ann?"
    expect(page.locator(".swipe-flag")).to_have_count(0)
    expect(page.locator("[data-grid] input:checked")).to_have_count(4)
    assert Decision.objects.count() == 0


def test_answers_are_docked_above_the_bar_and_large_enough(open_tab, owner: User, ann: Person):
    rank(owner)
    page = open_tab(**PHONE)
    open_review(page)
    bar = page.locator(".tabbar").bounding_box()
    for button in page.locator(".answers .answer").all():
        box = button.bounding_box()
        assert box["height"] >= 44
        assert bar["y"] - 90 < box["y"] + box["height"] <= bar["y"]


# ---------- How it looks


def card_kinds(owner: User) -> dict[str, str]:
    """Addresses of a card of every kind, and of what there is without one."""
    ann = know(owner, "Ann", 1)
    suggest(ann, 1, singles=6, pile=5)
    know(owner, "Bea", 2, faces=2)
    know(owner, "Bea Long-Surname of the Other Valley", 2, faces=2)
    know(owner, "Cleo", 60, faces=2)
    group = make_group(owner, 20, likeness=unit(60, towards=61, by=1.1))
    one, other = (make_group(owner, 4, likeness=unit(axis)) for axis in (40, 41))
    stranger = make_group(owner, 3, likeness=unit(45))
    rank(owner)
    Question.objects.filter(cluster=stranger).update(is_stranger=True)
    Question.objects.create(owner=owner, kind="same", cluster=one, other_cluster=other, faces=4, answers=1, worth=2)
    people = Question.objects.get(kind="same", person__isnull=False)
    return {
        "person": f"?q=p{ann.pk}-",
        "group": f"?q=g{group.pk}-",
        "same people": f"?q={people.key}",
        "same groups": f"?q=g{one.pk}-{other.pk}",
        "one person": f"?person={ann.pk}",
    }


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_every_kind_of_card_is_accessible_and_fits(open_tab, owner: User, scheme: str, width: int):
    page = open_tab(color_scheme=scheme, **(PHONE if width == 390 else {}))
    wrong = []

    def look(name: str) -> None:
        page.wait_for_load_state("networkidle")
        wrong.extend(f"{name}: {line}" for line in violations(page))
        if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
            wrong.append(f"{name} scrolls sideways")

    for name, query in card_kinds(owner).items():
        open_review(page, query)
        assert page.locator(".question").count() == 1, name
        look(name)
        if name == "person":
            page.locator("[data-open-pile]").click()
            page.locator(".of-pile").first.wait_for()
            look("open pile")
            page.locator("[data-grid] .tile").first.click()
            page.get_by_role("button", name=re.compile("Yes, confirm")).click()
            expect(toast(page, "confirmed as Ann")).to_be_visible()
            look("toast")
            page.go_back()
            expect(page.locator("#q")).to_have_text("You answered this")
            look("answered")
            page.get_by_role("button", name="Change your answer").click()
            expect(page.locator("#q")).to_have_text("Is this Ann?")
            page.route("**/review/answer/", lambda route: route.abort())
            page.locator("[data-key=n]").click()
            page.get_by_role("alert").wait_for()
            look("not saved")
            page.unroute("**/review/answer/")
    if width == 1280:
        page.locator(".keys-button").click()
        look("keys")
    Question.objects.filter(is_stranger=False).delete()
    Upkeep.objects.update(suggestions_made=F("suggestions_wanted"))  # as the worker leaves it
    open_review(page)
    page.locator("#seen-once summary").click()
    look("caught up")

    assert wrong == []
