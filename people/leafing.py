"""Leafing through the photos of the page one came from: what comes before and after a photo, and the way back.

The address of a photo carries the list as `?in=` and a scope (photos.scopes), so that a reload, a link and a browser
without JavaScript stay in it.
"""

from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _

from accounts.models import User
from photos.models import Photo
from photos.models.photo import PhotoQuerySet
from photos.scopes import photos_in

AHEAD = 3  # photos known in each direction: for as many quick turns nobody waits

LIBRARY = "library"
# Pages of lists, by the first word of their scope: the name of the view, and whether it takes what follows.
PAGES = {
    "favourites": ("photos:favourites", False),
    "undated": ("photos:undated", False),
    "album": ("photos:album", True),
    "batch": ("photos:batch", True),
    "person": ("people:person", True),
}


@dataclass(frozen=True)
class Leaf:
    """A photo in its list: those next to it, nearest first, and addresses that stay in the list.

    suffix: what to append to the address of any photo or act on one.
    """

    suffix: str
    back_url: str
    newer: list[Photo]
    older: list[Photo]

    def url_of(self, photo: Photo) -> str:
        return photo.get_absolute_url() + self.suffix

    @property
    def newer_url(self) -> str:
        return self.url_of(self.newer[0]) if self.newer else ""

    @property
    def older_url(self) -> str:
        return self.url_of(self.older[0]) if self.older else ""

    def slides(self, photo: Photo) -> list[dict[str, object]]:
        """The photo among its neighbours, from the newest, as static/js/viewer.js wants them."""
        return [
            {
                "id": each.pk,
                "url": self.url_of(each),
                "src": each.large_url if each.large else "",
                "small": each.small_url if each.small else "",
                "width": each.width,
                "height": each.height,
                "alt": each.alt_text,
            }
            for each in (*reversed(self.newer), photo, *self.older)
        ]


def leaf_of(owner: User, photo: Photo, scope: str) -> Leaf:
    """Find a photo's neighbours in a list; in the whole library, where there is no such list (any more)."""
    listed = photos_in(owner, scope) if scope else None
    scope = scope if listed is not None else LIBRARY
    photos = Photo.objects.owned_by(owner) if listed is None else listed
    suffix = "" if scope == LIBRARY else f"?{urlencode({'in': scope})}"
    return Leaf(suffix, _page_of(scope), *_neighbours(photos, photo))


def _neighbours(photos: PhotoQuerySet, photo: Photo) -> tuple[list[Photo], list[Photo]]:
    place = photo.taken_at, photo.pk
    newer = photos.newer_than(*place).order_by("taken_at", "pk")[:AHEAD]
    return list(newer), list(photos.older_than(*place).newest_first()[:AHEAD])


def _page_of(scope: str) -> str:
    """The page that shows a list, as far as there is one; else the timeline."""
    kind, _dash, which = scope.partition("-")
    if kind == "search":
        return f"{reverse('people:search')}?{which}"
    view, takes_key = PAGES.get(kind, ("photos:timeline", False))
    try:
        return reverse(view, args=[which] if takes_key else [])
    except NoReverseMatch:
        return reverse("photos:timeline")


def words_of(scope: str) -> str:
    """What the way back leads to, for its label."""
    kind = scope.partition("-")[0]
    words = {
        "favourites": _("Back to the favourites"),
        "album": _("Back to the album"),
        "person": _("Back to the person"),
        "search": _("Back to the search"),
    }
    return words.get(kind, _("Back to photos"))
