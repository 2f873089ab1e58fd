"""Faces that look like one of the library, or like one of a picture that was shown."""

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from accounts.http import UserRequest
from ml.models import find_model
from people.alike import MOST, faces_like
from people.forms import primary_keys
from people.models import Face


@require_safe
def like(request: UserRequest, face_id: int) -> HttpResponse:
    """The page is there at once and fetches its list: to compare all faces of a library takes a moment."""
    face = get_object_or_404(Face.objects.owned_by(request.user).select_related("person"), pk=face_id)
    if not request.htmx and "list" not in request.GET:
        return render(request, "people/alike.html", {"face": face})
    model = find_model(settings.KITH_MODELS, face.model)
    alike = [pk for pk in faces_like(request.user, face.projection, model, most=MOST + 1) if pk != face.pk]
    template = "people/_alike.html" if request.htmx else "people/alike.html"
    return render(request, template, {"face": face, "faces": _faces(request, alike), "is_listed": True})


@require_safe
def alike(request: UserRequest) -> HttpResponse:
    """Faces whose keys the address says: what a picture that was shown looks like."""
    wanted = primary_keys(request.GET.get("faces", "").split(","))[:MOST]
    return render(request, "people/alike.html", {"faces": _faces(request, wanted), "is_listed": True})


def _faces(request: UserRequest, pks: list[int]) -> list[Face]:
    faces = Face.objects.owned_by(request.user).without_vectors().select_related("person", "photo").in_bulk(pks)
    return [faces[pk] for pk in pks if pk in faces]
