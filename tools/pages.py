"""Every page and fragment a user meets, with addresses of it in a library: for tools.page_speed and its test.

tests/test_page_queries.py walks the table of addresses: a route that answers GET and is not here fails it.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import quote

from django.db import connection
from django.db.models import Count
from django.urls import reverse

from accounts.models import User
from people.models import Cluster, Decision, Face, Person, Suggestion
from photos.models import Album, Batch, Photo

PICTURES = "a file, not a page"
NOT_PAGES = {
    "photos:small": PICTURES,
    "photos:large": PICTURES,
    "photos:original": PICTURES,
    "people:crop": PICTURES,
    "photos:originals": "streams every original, in as long as that takes",
    "people:names-csv": "streams every name there is",
    "people:names-json": "streams every name there is",
    "accounts:welcome": "while there is no user",
    "accounts:faces": "asked once",
    "metrics": "asked by a machine",
    "ready": "asked by a machine",
    "words": "kept by the browser, the same for everybody",
}
# Bare without a library: a page of any size shows them alike.
SIGNED_OUT = {"accounts:sign-in", "photos:healthz"}


class First(Random):
    """Draws what comes first: of a sample the fullest rows, so that pages of any library have all parts."""

    def choice(self, rows: Sequence[Any]) -> Any:
        return rows[0]

    def sample(self, rows: Sequence[Any], k: int, **more: Any) -> list[Any]:
        return list(rows[:k])

    def randint(self, a: int, b: int) -> int:
        return a


@dataclass
class Sample:
    """Draws rows of an owner's library, others with each call; the same ones for a seed. Each list of rows has those
    first of which there is most."""

    owner: User
    random: Random = field(default_factory=lambda: Random(1))  # noqa: S311

    def __post_init__(self) -> None:
        def some(rows: Any) -> list[int]:
            return list(rows.order_by("pk").values_list("pk", flat=True))

        dated = list(Photo.objects.owned_by(self.owner).newest_first().values_list("pk", "taken_at"))
        # A page before them and more than one after them, if there are enough.
        self._middle = dated[len(dated) // 3 : max(1, len(dated) * 2 // 3)]
        faces = (
            Face.objects.owned_by(self.owner).values("photo").annotate(count=Count("pk")).order_by("-count", "photo")
        )
        self._photos = list(faces.values_list("photo", flat=True))
        by_size = Person.objects.owned_by(self.owner).with_faces().most_faces_first()
        self._people = list(by_size.values_list("pk", flat=True))
        self._groups = list(Cluster.objects.owned_by(self.owner).waiting().values_list("pk", flat=True))
        albums = Album.objects.owned_by(self.owner).with_newest_photo().order_by("-photo_count", "pk")
        self._albums = list(albums.values_list("pk", flat=True))
        self._batches = some(Batch.objects.owned_by(self.owner))
        self._faces = some(Face.objects.owned_by(self.owner))
        suggestions = Suggestion.objects.owned_by(self.owner).order_by("pk")
        self._suggestions = list(suggestions.values_list("face", "person"))
        self._decisions = some(Decision.objects.owned_by(self.owner))

    def photo(self) -> int:
        return self.random.choice(self._photos)

    def photo_between(self) -> int:
        return int(self.random.choice(self._middle)[0])

    def person(self) -> int:
        """Half of the time one of the people of whom there are most."""
        return self.random.choice(self._people[: self.random.choice((12, len(self._people)))])

    def best_known(self) -> int:
        """Of those who are asked about, the one of whom there is most."""
        asked_about = {person for _, person in self._suggestions}
        return next(person for person in self._people if person in asked_about)

    def letters(self, count: int) -> str:
        """What somebody types who looks for a person."""
        return quote(Person.objects.values_list("name", flat=True).get(pk=self.person())[:count])

    def people(self, count: int) -> list[int]:
        return self.random.sample(self._people[:30], count)

    def group(self) -> int:
        return self.random.choice(self._groups[: self.random.choice((24, len(self._groups)))])

    def album(self) -> int:
        return self.random.choice(self._albums)

    def batch(self) -> int:
        return self.random.choice(self._batches)

    def face(self) -> int:
        return self.random.choice(self._faces)

    def faces(self, count: int) -> str:
        return ",".join(map(str, self.random.sample(self._faces, count)))

    def decision(self) -> int:
        return self.random.choice(self._decisions)

    def suggestion(self) -> str:
        return "face={}&person={}".format(*self.random.choice(self._suggestions))

    def month(self) -> str:
        """With photos before and after it."""
        return f"{self.random.choice(self._middle)[1]:%Y-%m}"

    def number(self, most: int) -> int:
        return self.random.randint(1, most)


@contextmanager
def queries_counted() -> Iterator[Callable[[], int]]:
    """How many queries were asked inside so far; unlike Django's own count without writing each of them out."""
    asked = 0

    def count(execute: Callable[..., Any], *query: Any) -> Any:
        nonlocal asked
        asked += 1
        return execute(*query)

    with connection.execute_wrapper(count):
        yield lambda: asked


@dataclass(frozen=True)
class Page:
    """route: its name. queries: at most so many. is_fragment: a script fetches it. budget: seconds, or None."""

    route: str
    label: str
    address: Callable[[Sample], str]
    queries: int
    is_fragment: bool = False
    budget: float | None = 0.150


def at(route: str, query: str = "", **ids: int) -> str:
    return reverse(route, kwargs=ids) + (f"?{query}" if query else "")


def _page(route: str, label: str, queries: int, query: Callable[[Sample], str] | str = "", **more: Any) -> Page:
    """A page of an address without rows in it."""
    text = query if callable(query) else lambda sample: query
    return Page(route, label, lambda sample: at(route, text(sample)), queries, **more)


def _search(label: str, queries: int, query: Callable[[Sample], str] | str, **more: Any) -> Page:
    return _page("people:search", f"Search: {label}", queries, query, **more)


def _terms(sample: Sample) -> str:
    one, other, third = sample.people(3)
    return f"p={one}&p={other}&mode=any&without={third}&from=2008-01-01&to=2020-12-31&place=a&faces=3-5&unnamed=1"


PAGES = [
    _page("photos:timeline", "Photos", 8),
    _page("photos:timeline", "Photos, a month", 9, lambda s: f"to={s.month()}"),
    _page("photos:timeline", "Photos, from one of them", 10, lambda s: f"at={s.photo_between()}"),
    _page("photos:timeline", "Photos, more of them", 6, lambda s: f"to={s.month()}", is_fragment=True),
    _page("photos:favourites", "Favourites", 5),
    _page("photos:undated", "Without a date", 5),
    _page("photos:trash", "Trash", 5),
    _page("photos:albums", "Albums", 6),
    Page("photos:album", "An album", lambda s: at("photos:album", album_id=s.album()), 7),
    Page("people:in-album", "People of an album", lambda s: at("people:in-album", album_id=s.album()), 7, True),
    _page("photos:upload", "Upload", 3),
    Page("photos:batch", "A batch", lambda s: at("photos:batch", batch_id=s.batch()), 17),
    Page("photos:batch-card", "Stages of a batch", lambda s: at("photos:batch-card", batch_id=s.batch()), 6, True),
    Page("photos:batch-album", "Album of a batch", lambda s: at("photos:batch-album", batch_id=s.batch()), 4, True),
    Page("people:new-faces", "Faces of a batch", lambda s: at("people:new-faces", batch_id=s.batch()), 5, True),
    Page("people:photo", "A photo", lambda s: at("people:photo", photo_id=s.photo()), 9),
    Page("people:photo", "A photo in the list", lambda s: at("people:photo", "in=library", photo_id=s.photo()), 9),
    _page("people:index", "People", 19),
    _page("people:index", "People, by name", 19, lambda s: f"sort=name&page={s.number(9)}"),
    _page("people:index", "People, last added first", 19, lambda s: f"sort=added&page={s.number(9)}"),
    _page("people:index", "People, last seen first", 19, lambda s: f"sort=seen&page={s.number(9)}"),
    _page("people:index", "People, searched", 13, "q=an"),
    _page("people:names", "Naming box", 5, lambda s: f"q={s.letters(1)}", is_fragment=True),
    _page("people:names", "Naming box beside a group", 9, lambda s: f"q=&group={s.group()}", is_fragment=True),
    _page("people:strip", "Who is this?", 7, is_fragment=True),
    _page("people:unnamed", "Seen twice", 9, lambda s: f"kind=pairs&page={s.number(9)}"),
    _page("people:unnamed", "Seen on one day only", 9, lambda s: f"kind=strangers&page={s.number(9)}"),
    _page("people:unnamed", "Single faces", 8, lambda s: f"kind=singles&page={s.number(9)}"),
    _page("people:unnamed", "Hidden groups", 9, "kind=hidden"),
    _page("people:count-singles", "Count of single faces", 4, is_fragment=True),
    _page("people:in-these", "Who is in these", 4),
    Page("people:person", "A person", lambda s: at("people:person", person_id=s.person()), 15),
    Page("people:person", "A person's faces", lambda s: at("people:person", "tab=faces", person_id=s.person()), 16),
    Page(
        "people:person",
        "A person's faces, newest first",
        lambda s: at("people:person", "tab=faces&sort=newest", person_id=s.person()),
        15,
    ),
    Page("people:split", "Split a person", lambda s: at("people:split", person_id=s.person()), 10, budget=None),
    _page("people:merge", "Merge", 14, lambda s: "people={}&people={}".format(*s.people(2))),
    Page("people:forget", "Forget a person", lambda s: at("people:forget", person_id=s.person()), 5),
    Page("people:group", "A group", lambda s: at("people:group", cluster_id=s.group()), 11),
    Page(
        "people:split-group",
        "Split a group",
        lambda s: at("people:split-group", cluster_id=s.group()),
        7,
        budget=None,
    ),
    _page("people:review", "Review", 25),
    _page("people:pile", "Faces behind a tile", 5, lambda s: s.suggestion(), is_fragment=True),
    _page("people:question-count", "Count of questions", 3, is_fragment=True),
    _page("people:recognise", "Who is in this picture?", 4),
    _search("nothing yet", 8, ""),
    _search("a person", 13, lambda s: f"p={s.people(1)[0]}"),
    _search("two people", 13, lambda s: "p={}&p={}".format(*s.people(2))),
    _search("any of three", 13, lambda s: "p={}&p={}&p={}&mode=any".format(*s.people(3))),
    _search("only this person", 13, lambda s: f"p={s.people(1)[0]}&mode=only"),
    _search("without a person", 13, lambda s: f"without={s.people(1)[0]}"),
    _search("a year", 10, lambda s: "from={0}-01-01&to={0}-12-31".format(s.month()[:4])),
    _search("an album", 11, lambda s: f"album={s.album()}"),
    _search("a place", 10, "place=Rome"),
    _search("two faces", 10, "faces=2"),
    _search("no faces", 10, "faces=0"),
    _search("six faces or more", 10, "faces=6"),
    _search("unnamed faces", 10, "unnamed=1"),
    _search("everything at once", 13, _terms),
    _search("more of a person", 5, lambda s: f"p={s.people(1)[0]}&to={s.month()}-28", is_fragment=True),
    _page("people:search-offers", "Search offers", 7, lambda s: f"q={s.letters(2)}", is_fragment=True),
    _page("people:history", "History", 13),
    _page("people:history", "History, a page of it", 13, lambda s: f"page={s.number(200)}"),
    _page("people:history", "History, at a decision", 14, lambda s: f"at={s.decision()}"),
    _page("people:map", "Map", 11),
    Page("people:like", "More like this face", lambda s: at("people:like", face_id=s.face()), 5),
    # Compares all faces of the library, exactly: the page is there before it.
    Page("people:like", "Its list", lambda s: at("people:like", face_id=s.face()), 5, is_fragment=True, budget=None),
    _page("people:alike", "Faces like a picture's", 4, lambda s: f"faces={s.faces(40)}"),
    _page("photos:status", "Status", 10),
    _page("accounts:settings", "Settings", 6),
    _page("people:naming", "Naming by itself", 7),
    _page("people:learning", "Learning, while it goes on", 4, is_fragment=True),
    _page("people:model-cards", "Models", 4),
    _page("people:delete-face-data", "Delete face data", 5),
    _page("people:delete-account", "Delete account", 5),
    _page("accounts:sign-in", "Sign in", 1),
    _page("photos:healthz", "Health", 1),
]
# Only of a library whose suggestions are Kith's own: those that are invented ask one thing of a person, or two.
OF_OWN_SUGGESTIONS = [
    _page("people:review", "Review of the best known", 27, lambda s: f"person={s.best_known()}"),
]
