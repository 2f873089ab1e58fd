"""Takes away what Kith knows of faces."""

from collections.abc import Iterator

from django.http import HttpResponseBase, StreamingHttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.http import UserRequest
from people.export import as_csv, as_json


@require_safe
def names_csv(request: UserRequest) -> HttpResponseBase:
    return _download(as_csv(request.user), "text/csv; charset=utf-8", "csv")


@require_safe
def names_json(request: UserRequest) -> HttpResponseBase:
    return _download(as_json(request.user), "application/json", "json")


def _download(content: Iterator[str], media_type: str, ending: str) -> HttpResponseBase:
    name = f"kith-names-{timezone.localdate():%Y-%m-%d}.{ending}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-store"}
    return StreamingHttpResponse(content, content_type=media_type, headers=headers)
