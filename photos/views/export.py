"""Takes all originals away."""

from django.http import HttpResponseBase
from django.views.decorators.http import require_safe

from accounts.http import UserRequest
from photos.models import Photo
from photos.views.selected import as_zip


@require_safe
def originals(request: UserRequest) -> HttpResponseBase:
    """All originals as one ZIP file, the oldest first."""
    return as_zip(Photo.objects.owned_by(request.user).order_by("taken_at", "pk"), "kith-originals.zip")
