"""The faces a batch brought, while it is still being worked on."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from accounts.http import UserRequest
from people.models import Face
from photos.models import Batch, BatchFile

SHOWN = 12


@require_safe
def new_faces(request: UserRequest, batch_id: int) -> HttpResponse:
    """A strip of the faces found so far in the photos of a batch, the best pictures first."""
    batch = get_object_or_404(Batch.objects.owned_by(request.user), pk=batch_id)
    stored = batch.files.filter(outcome=BatchFile.Outcome.STORED).values("photo")
    faces = Face.objects.owned_by(request.user).filter(photo__in=stored, is_ignored=False)
    best = faces.without_vectors().select_related("photo", "person").order_by("-quality", "pk")
    count = faces.count()
    if not count:
        return HttpResponse(status=204)  # what keeps their place stays
    return render(request, "people/_new_faces.html", {"faces": best[:SHOWN], "face_count": count})
