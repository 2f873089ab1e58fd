"""Who is in some photos: those of an album, or those somebody selected."""

from urllib.parse import urlencode

from django.db.models import Count
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from accounts.http import UserRequest
from people.covers import attach_covers, attach_mosaics
from people.models import Cluster, Decision, Face, Person
from people.models.face import FaceQuerySet
from photos.models import Album, Photo
from photos.models.photo import PhotoQuerySet
from photos.selection import choice_in, chosen_photos

# In the session: which photos were asked about last. Not their keys: all of a library would be read with every page.
SELECTED = "in_these"
ALBUM_PEOPLE = 12
PEOPLE_SHOWN = 48
GROUPS_SHOWN = 24
SINGLES_SHOWN = 48


@require_http_methods(["GET", "HEAD", "POST"])
def in_these(request: UserRequest) -> HttpResponse:
    """People in selected photos, and the faces and groups among them that wait for a name."""
    if request.method == "POST":
        request.session[SELECTED] = urlencode(choice_in(request.POST))
        return redirect("people:in-these")
    photos = chosen_photos(request.user, QueryDict(request.session.get(SELECTED, "")))
    faces = _faces_in(photos)
    waiting = faces.untagged()
    groups = _groups_of(request, waiting)
    context = {
        "photo_count": photos.count(),
        "people": _people_of(request, faces, limit=PEOPLE_SHOWN),
        "as_of": Decision.objects.owned_by(request.user).newest_regroup(),
        "groups": groups,
        "singles": waiting.exclude(cluster__in=groups)
        .without_vectors()
        .select_related("photo")
        .order_by("-quality", "pk")[:SINGLES_SHOWN],
    }
    return render(request, "people/in_these.html", context)


@require_safe
def in_album(request: UserRequest, album_id: int) -> HttpResponse:
    """The people of an album, those of most photos first: for the top of its page."""
    album = get_object_or_404(Album.objects.owned_by(request.user), pk=album_id)
    faces = _faces_in(Photo.objects.owned_by(request.user).filter(albums=album))
    people = _people_of(request, faces, limit=ALBUM_PEOPLE)
    return render(request, "people/_in_album.html", {"people": people, "album": album})


def _faces_in(photos: PhotoQuerySet) -> FaceQuerySet:
    return Face.objects.filter(photo__in=photos.order_by().values("pk"))


def _people_of(request: UserRequest, faces: FaceQuerySet, *, limit: int) -> list[Person]:
    """People in these faces who are not hidden, with `together` and `cover`, those of most photos first."""
    shown = faces.filter(person__isnull=False, person__is_hidden=False).order_by().values_list("person")
    counts = dict(shown.annotate(photos=Count("photo", distinct=True)).order_by("-photos", "person")[:limit])
    people = Person.objects.owned_by(request.user).in_bulk(counts)
    found = [people[pk] for pk in counts if pk in people]
    attach_covers(found)
    for person in found:
        person.together = counts[person.pk]
    return found


def _groups_of(request: UserRequest, waiting: FaceQuerySet) -> list[Cluster]:
    """Groups some of these faces are in, those of most of them first."""
    inside = waiting.filter(cluster__isnull=False, cluster__is_hidden=False).order_by().values_list("cluster")
    pks = [pk for pk, _ in inside.annotate(faces=Count("pk")).order_by("-faces", "cluster")[:GROUPS_SHOWN]]
    groups = Cluster.objects.owned_by(request.user).waiting().in_bulk(pks)
    found = [groups[pk] for pk in pks if pk in groups]
    attach_mosaics(found)
    return found
