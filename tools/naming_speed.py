"""How long pages, answers and the grouping take in a library of so many invented faces (docs/naming.md, "Speed").

    python -m tools.naming_speed FACES [--measure pages,large,answers,suggestions,arrival] [--json FILE]
        [--keep FOLDER] [--only-make]

Makes PostgreSQL, Valkey and the library in a folder of its own; with --keep it stays there for the next time. Requests
go through all of Django, from the middleware to the page; what the network and gunicorn add is not counted.
"""

import argparse
import json
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.test import Client

    from people.models import Cluster

RUNS = 15
ARRIVALS = 5
MEASURES = ("pages", "large", "answers", "suggestions", "arrival")
MIDDLING = 50  # faces: more than most groups have
LARGE = 900  # faces: a group to be named whole in less than a second


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("faces", type=int)
    parser.add_argument("--measure", default=",".join(MEASURES), help="which parts, with commas between")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--keep", type=Path, help="a folder for the library; one that is there is used again")
    parser.add_argument("--only-make", action="store_true")
    options = parser.parse_args()
    with ExitStack() as stack:
        home = options.keep or Path(tempfile.mkdtemp(prefix="kith-naming-", dir="/var/tmp"))
        if not options.keep:
            stack.callback(shutil.rmtree, home, ignore_errors=True)
        start(home, stack)
        times = Times()
        if not library_exists():
            make_library(options.faces, times)
        if not options.only_make:
            for name in options.measure.split(","):
                print(f"Measuring {name}.", flush=True)
                globals()[f"measure_{name}"](times)
        times.show()
        if options.json:
            options.json.write_text(json.dumps(times.as_json(), indent=1))


def start(home: Path, stack: ExitStack) -> None:
    """Start the services of a home, and Django as it runs in earnest."""
    home.mkdir(exist_ok=True)
    home.chmod(0o711)  # the system user PostgreSQL runs as must be able to pass through
    os.environ |= {"KITH_HOME": str(home), "DJANGO_SETTINGS_MODULE": "config.settings", "KITH_LOG_LEVEL": "ERROR"}
    os.environ.setdefault("KITH_MODELS", "var/test/models")
    for replaced in ("DATABASE_URL", "REDIS_URL", "KITH_DEBUG"):
        os.environ.pop(replaced, None)
    from config.embedded import running

    stack.enter_context(running(home))
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)


@dataclass(frozen=True)
class Span:
    """Seconds that something took, and those of processors that we and our PostgreSQL session used for it."""

    clock: float
    processor: float


class Times:
    """What was measured: a line for each thing, with its runs and its budget in seconds."""

    def __init__(self) -> None:
        self.lines: dict[str, tuple[list[Span], float | None]] = {}

    def add(self, name: str, spans: list[Span], budget: float | None = None) -> None:
        self.lines[name] = (spans, budget)

    def run(self, name: str, act: Callable[[], object], *, budget: float | None = None) -> None:
        act()  # to warm up
        self.add(name, [timed(act) for _ in range(RUNS)], budget)

    def as_json(self) -> dict[str, dict[str, object]]:
        return {
            name: {
                "median": statistics.median(span.clock for span in spans),
                "fastest": min(span.clock for span in spans),
                "slowest": max(span.clock for span in spans),
                # The mean: the kernel counts in hundredths of a second.
                "processor": statistics.mean(span.processor for span in spans),
                "runs": len(spans),
                "budget": budget,
            }
            for name, (spans, budget) in self.lines.items()
        }

    def show(self) -> None:
        from rich.console import Console
        from rich.table import Table

        table = Table("What", "Median", "Fastest", "Slowest", "Processor", "Runs", "Budget", title=machine())
        for name, line in self.as_json().items():
            budget = f"{line['budget']:g}" if line["budget"] else ""
            times = [f"{line[key]:.3f}" for key in ("median", "fastest", "slowest", "processor")]
            table.add_row(name, *times, str(line["runs"]), budget)
        Console(width=120).print(table)


def machine() -> str:
    load = ", ".join(f"{load:.1f}" for load in os.getloadavg())
    return f"Seconds; {os.cpu_count()} processors, load of the last 1, 5 and 15 minutes {load}"


def timed(act: Callable[[], object]) -> Span:
    clock, here, session = time.perf_counter(), time.process_time(), session_seconds()
    act()
    processor = time.process_time() - here + session_seconds() - session
    return Span(time.perf_counter() - clock, processor)


def session_seconds() -> float:
    """Processor time of our session of PostgreSQL so far."""
    import psutil
    from django.db import connection

    connection.ensure_connection()
    session = connection.connection.info.backend_pid
    try:
        return int(Path(f"/proc/{session}/schedstat").read_text().split()[0]) / 1e9
    except OSError:  # not Linux: in hundredths of a second
        times = psutil.Process(session).cpu_times()
        return times.user + times.system


# The library

OWNER, NEWCOMER = "owner", "newcomer"


def library_exists() -> bool:
    from accounts.models import User

    return User.objects.filter(username=OWNER).exists()


def make_library(count: int, times: Times) -> None:
    from django.db import connection

    from accounts.models import User
    from people.grouping import group_owner
    from people.ranking import rank_questions
    from tools.naming_library import fill, invent

    owner = User.objects.create(username=OWNER, face_analysis=User.FaceAnalysis.ON)
    User.objects.create(username=NEWCOMER, face_analysis=User.FaceAnalysis.ON)
    faces, _ = invent(count)
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
    times.add("making the library", [timed(lambda: fill(owner, faces))])
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    times.add("grouping all who wait", [timed(lambda: group_owner(owner.pk))])
    times.add("ranking questions", [timed(lambda: rank_questions(owner.pk))])
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def browser() -> "Client":
    from django.test import Client

    from accounts.models import User

    client = Client(headers={"host": "localhost"})
    client.force_login(User.objects.get(username=OWNER), backend="django.contrib.auth.backends.ModelBackend")
    return client


class Queue(HTMLParser):
    """The review queue as its script keeps it: the card on screen, and the one that was made ready behind it.

    shown, behind: what a browser sends of their forms, with all faces ticked as they are on the page.
    """

    def __init__(self, page: str) -> None:
        super().__init__()
        self._forms: list[dict[str, list[str]]] = []
        self._is_inside = False
        self.feed(page)
        self.shown, self.behind = [*self._forms, {}, {}][:2]

    def follow(self, reply: str) -> None:
        """Take the reply to an answer, which may leave the card on screen alone and bring the one behind it."""
        self._forms = []
        self.feed(reply)
        self.shown, self.behind = [*([self.behind] if "data-keeps" in reply else []), *self._forms, {}, {}][:2]

    def showing(self) -> dict[str, str]:
        """What the script says of the card it shows as soon as the one on screen is answered."""
        shown, counted = (",".join(self.behind.get(name, [])) for name in ("shown", "counted"))
        return {"showing": "".join(self.behind.get("key", [])), "showing-shown": shown, "showing-counted": counted}

    def answered(self, name: str) -> tuple[str, dict[str, str]]:
        """The kind of the question, and what most people would say."""
        if "about" in self.shown:
            return "person", {"answer": "yes"}
        return ("group", {"answer": "name", "name": name}) if "cluster" in self.shown else ("same", {"answer": "same"})

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self._is_inside = given.get("action") == "/review/answer/"
            if self._is_inside:
                self._forms.append({})
        elif tag == "input" and self._is_inside and given.get("name"):
            is_ticked = given.get("type") not in ("checkbox", "radio") or "checked" in given
            if is_ticked and given["name"] != "name":
                self._forms[-1].setdefault(str(given["name"]), []).append(given.get("value") or "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._is_inside = False


# What is measured


def measure_answers(times: Times) -> None:
    """Answer questions as the page's script does: a reply brings the question after the one shown by then."""
    from people.models import Question

    # Naming large groups is measured by itself: the others are asked about first.
    Question.objects.filter(kind=Question.Kind.GROUP, faces__gt=MIDDLING).update(worth=0)
    client = browser()
    spent: dict[str, list[Span]] = {"person": [], "group": [], "same": []}
    queue = Queue(client.get("/review/").content.decode())
    for number in range(20 * RUNS):
        kind, answer = queue.answered(f"Newly named {number}")
        is_counted = len(spent[kind]) <= RUNS
        answer = answer if is_counted else {"answer": "skip"}
        replies: list[str] = []
        data = queue.shown | answer | queue.showing()
        took = timed(lambda data=data, replies=replies: replies.append(reply_to(client, data)))
        queue.follow(replies[0])
        if is_counted:
            spent[kind].append(took)
        if min(len(spent["person"]), len(spent["group"])) > RUNS:
            break
    for kind, runs in spent.items():
        if len(runs) > 1:
            times.add(f'answer a question of kind "{kind}", get the one after the next', runs[1:], 0.150)


def reply_to(client: "Client", data: dict[str, object]) -> str:
    response = client.post("/review/answer/", data)
    assert response.status_code == 200, response.content
    return response.content.decode()


def measure_large(times: Times) -> None:
    """Name groups of a thousand faces, and undo it."""
    client = browser()
    groups = [group for group in largest_groups() if group.face_count >= LARGE]
    rounds = [name_and_undo(client, groups[number % len(groups)], f"Large {number}") for number in range(RUNS)]
    counts, naming, undoing = zip(*rounds, strict=True)
    times.add(f"name a group of {round(statistics.mean(counts))} faces", list(naming), 1.0)
    times.add("undo it", list(undoing), 2.0)


def name_and_undo(client: "Client", group: "Cluster", name: str) -> tuple[int, Span, Span]:
    """Return how many faces the group has, and how long naming it and undoing that took."""
    from people.models import Cluster, Decision

    naming = timed(lambda: client.post(f"/groups/{group.pk}/name/", {"name": name}))
    decision = Decision.objects.latest("pk")
    assert (decision.verb, decision.changes.count()) == (Decision.Verb.CONFIRM, group.face_count)
    undoing = timed(lambda: client.post(f"/history/{decision.pk}/undo/"))
    assert Cluster.objects.with_counts().get(pk=group.pk).face_count == group.face_count
    return group.face_count, naming, undoing


def largest_groups() -> "list[Cluster]":
    from people.models import Cluster

    return list(Cluster.objects.waiting()[:6])


def measure_pages(times: Times) -> None:
    from people.models import Cluster, Person

    client = browser()
    person, other = Person.objects.most_faces_first()[:2]
    cluster = Cluster.objects.waiting().first()
    pages = {
        "people": "/people/",
        "people, by name": "/people/?sort=name",
        "people, searched": "/people/?q=person+12",
        "naming box": "/people/names/?q=per",
        "strip of groups": "/people/strip/",
        "a person": f"/people/{person.pk}/",
        "a person's faces": f"/people/{person.pk}/?tab=faces",
        "a group": f"/groups/{cluster.pk}/",
        "search by person": f"/search/?p={person.pk}",
        "search by two": f"/search/?p={person.pk}&p={other.pk}&mode=any",
        "search, nobody chosen": "/search/",
        "history": "/history/",
        "history, last page": "/history/?page=last",
        "review": "/review/",
        "a photo": f"/photos/{person.faces.first().photo_id}/",
        "timeline": "/",
        "settings": "/settings/",
    }
    for name, address in pages.items():
        assert client.get(address, follow=True).status_code == 200, address
        times.run(f"page: {name}", lambda address=address: client.get(address), budget=0.300)


def measure_suggestions(times: Times) -> None:
    """What a worker does after an answer."""
    from accounts.models import User
    from people import answers
    from people.models import Suggestion
    from people.ranking import rank_questions
    from people.suggestions import refresh_suggestions

    owner = User.objects.get(username=OWNER)

    def answer_one() -> None:
        suggestion = Suggestion.objects.owned_by(owner).select_related("person").earliest("pk")
        answers.confirm(suggestion.person, [suggestion.face_id], actor=owner)

    times.add("suggest again, the first time", [timed(lambda: refresh_suggestions(owner.pk))])
    suggesting, ranking = [], []
    for _ in range(2):
        answer_one()
        suggesting.append(timed(lambda: refresh_suggestions(owner.pk)))
        ranking.append(timed(lambda: rank_questions(owner.pk)))
    times.add("suggest again after an answer", suggesting)
    times.add("rank the questions again", ranking)


def measure_arrival(times: Times) -> None:
    """Group 1,000 photos that arrive in the library, and the same photos in an empty one.

    And once more as a worker does it that was started just now, and has no faces in memory yet.
    """
    from accounts.models import User
    from people import kept_library
    from people.grouping import group_owner
    from people.models import Change, Cluster, Face, Library
    from photos.models import Photo
    from tools.naming_library import invent, store_arrivals

    owner, newcomer = User.objects.get(username=OWNER), User.objects.get(username=NEWCOMER)
    _, later = invent(Face.objects.owned_by(owner).count())
    spent: dict[User, list[Span]] = {newcomer: [], owner: []}
    first: list[Span] = []
    for number in range(ARRIVALS + 1):
        for user, runs in spent.items():
            group_owner(user.pk)
            photos = store_arrivals(user, later)
            if not number:  # not counted, but that it warms up
                kept_library.forget_all()
                runs = first if user == owner else []
            runs.append(timed(lambda user=user: group_owner(user.pk)))
            assert Face.objects.filter(photo__in=photos, cluster__isnull=False).exists()
            Change.objects.filter(face__photo__in=photos).delete()
            Photo.objects.filter(pk__in=photos).delete()
        Cluster.objects.filter(owner=newcomer).delete()
        Library.objects.filter(owner=newcomer).delete()
    times.add("group 1,000 photos in an empty library", spent[newcomer])
    times.add("the same 1,000 photos in this library", spent[owner])
    times.add("the same by a worker that was just started", first)
    whole, empty = (statistics.median(span.clock for span in spent[user]) for user in (owner, newcomer))
    whole_here, empty_here = (statistics.mean(span.processor for span in spent[user]) for user in (owner, newcomer))
    times.add("so many times as long", [Span(whole / empty, whole_here / empty_here)], 1.5)


if __name__ == "__main__":
    main()
