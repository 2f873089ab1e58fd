"""The library map: people and groups by likeness, each circle a link."""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from accounts.http import UserRequest
from accounts.models import User
from people import tasks
from people.covers import attach_covers, attach_mosaics
from people.models import Cluster, Face, LibraryMap, Person, Upkeep
from people.models.cluster import SMALLEST_GROUP
from people.models.library_map import HEIGHT, PERSON, WIDTH
from photos.broker import send_wakeup
from photos.numbers import written

REDRAW_AFTER = timedelta(minutes=1)  # it takes seconds, and answers come every few
ZOOMS = (1, 2, 4)
MOST_PICTURES = 150  # of the largest circles; the others are plain
LONGEST_LABEL = 18
LABEL_HEIGHT, LETTER_WIDTH = 20, 9.5  # generous, in the map's units


@dataclass
class Circle:
    """What stands on the map. label: its name, if there is room for it. face: of the largest only."""

    shown: Person | Cluster
    x: float
    y: float
    r: float
    face: Face | None = None
    label: str = ""

    @property
    def is_person(self) -> bool:
        return isinstance(self.shown, Person)

    @property
    def spoken(self) -> str:
        """The label of its link. Not of the template: counting in words takes it ten times as long."""
        if isinstance(self.shown, Person):
            text = ngettext("%(name)s, %(photos)s photo", "%(name)s, %(photos)s photos", self.shown.photo_count)
            return text % {"name": self.shown.name, "photos": written(self.shown.photo_count)}
        text = ngettext("Unnamed group, %(photos)s photo", "Unnamed group, %(photos)s photos", self.shown.photo_count)
        return text % {"photos": written(self.shown.photo_count)}

    def drawn(self) -> SafeString:
        """The link with all that is in it. Not of a template: a map has hundreds, and they took half of its time."""
        outline = f'cx="{self.x:.6g}" cy="{self.y:.6g}" r="{self.r:.6g}"'
        kind, title = ("named", str(self.shown)) if self.is_person else ("unnamed", _("Who is this?"))
        parts = [f'<circle class="line{"" if self.face else " plain"}" {outline} />']
        if self.face:
            clip, size = f"clip-{kind}-{self.shown.pk}", f"{2 * self.r:.6g}"
            square = f'x="{self.x - self.r:.6g}" y="{self.y - self.r:.6g}" width="{size}" height="{size}"'
            picture = f'<image href="{self.face.crop_url}" {square} preserveAspectRatio="xMidYMid slice"'
            parts = [
                f'<clipPath id="{clip}"><circle {outline} /></clipPath>{picture} clip-path="url(#{clip})" />',
                *parts,
            ]
        if self.label:
            below = f"{self.y + self.r + 0.8 * LABEL_HEIGHT:.6g}"
            parts.append(format_html('<text x="{}" y="{}">{}</text>', f"{self.x:.6g}", below, self.label))
        inside = SafeString("".join(parts))
        link = '<a href="{}" class="{}" aria-label="{}"><title>{}</title>{}</a>'
        return format_html(link, self.shown.get_absolute_url(), kind, self.spoken, title, inside)


@vary_on_headers("HX-Request")
@require_safe
def library_map(request: UserRequest) -> HttpResponse:
    """The map as it was last drawn; if that is long ago, a worker draws it again behind the page."""
    drawn = LibraryMap.objects.filter(owner=request.user).first()
    is_coming = drawn is None or _is_outdated(drawn)
    if is_coming:
        send_wakeup(tasks.draw_map, request.user.pk)
    circles = [] if drawn is None else _circles(request.user, drawn)
    zoom = next((zoom for zoom in ZOOMS if str(zoom) == request.GET.get("zoom")), ZOOMS[0])
    context = {
        "circles": circles,
        "drawn": drawn,
        "is_coming": is_coming,
        "zoom": zoom,
        "zooms": ZOOMS,
        "width": WIDTH,
        "height": HEIGHT,
        "people_count": sum(circle.is_person for circle in circles),
        "group_count": sum(not circle.is_person for circle in circles),
    }
    return render(request, "people/map.html", context)


def _is_outdated(drawn: LibraryMap) -> bool:
    wanted = Upkeep.objects.filter(owner=drawn.owner_id).values_list("suggestions_wanted", flat=True).first()
    return (wanted or 0) != drawn.wanted and timezone.now() - drawn.drawn_at > REDRAW_AFTER


def _circles(owner: User, drawn: LibraryMap) -> list[Circle]:
    """Those that are still there and not hidden, the largest first."""
    pks = {kind: [circle["pk"] for circle in drawn.circles if circle["kind"] == kind] for kind in ("person", "group")}
    people = (
        Person.objects.owned_by(owner).with_faces().filter(is_hidden=False).with_photo_count().in_bulk(pks["person"])
    )
    waiting = Cluster.objects.owned_by(owner).filter(is_hidden=False).with_counts().in_bulk(pks["group"])
    groups = {pk: group for pk, group in waiting.items() if group.face_count >= SMALLEST_GROUP}
    found = [
        Circle(shown, circle["x"], circle["y"], circle["r"])
        for circle in drawn.circles
        if (shown := (people if circle["kind"] == PERSON else groups).get(circle["pk"])) is not None
    ]
    _attach_faces(found[:MOST_PICTURES])
    _attach_labels(found)
    return found


def _attach_faces(circles: list[Circle]) -> None:
    people = [circle.shown for circle in circles if isinstance(circle.shown, Person)]
    groups = [circle.shown for circle in circles if isinstance(circle.shown, Cluster)]
    attach_covers(people)
    attach_mosaics(groups, faces=1)
    for circle in circles:
        shown = circle.shown
        circle.face = shown.cover if isinstance(shown, Person) else next(iter(shown.mosaic), None)


def _attach_labels(circles: list[Circle]) -> None:
    """Names under circles, the largest first, where they cover neither a circle nor another name."""
    # left, top, right, bottom of what is taken: by each circle, and then by each name
    taken = np.array([(c.x - c.r, c.y - c.r, c.x + c.r, c.y + c.r) for c in circles], dtype=float).reshape(-1, 4)
    for number, circle in enumerate(circles):
        if not isinstance(circle.shown, Person):
            continue
        name = circle.shown.name
        label = name if len(name) <= LONGEST_LABEL else f"{name[: LONGEST_LABEL - 1].rstrip()}…"
        half = len(label) * LETTER_WIDTH / 2
        left, right, top = circle.x - half, circle.x + half, circle.y + circle.r
        bottom = top + LABEL_HEIGHT
        meets = (taken[:, 0] < right) & (left < taken[:, 2]) & (taken[:, 1] < bottom) & (top < taken[:, 3])
        meets[number] = False
        if left >= 0 and right <= WIDTH and bottom <= HEIGHT and not meets.any():
            circle.label = label
            taken = np.vstack([taken, (left, top, right, bottom)])
