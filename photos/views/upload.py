"""Sending photos: a batch is opened, files are sent one by one, progress is polled."""

import logging
from typing import Any, cast

from django.conf import settings
from django.core.exceptions import TooManyFilesSent
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from accounts.http import UserRequest
from photos import tasks
from photos.forms import BatchForm
from photos.intake import NotStored, leave_out, start_batch, take_in
from photos.models import Batch, BatchFile, Photo, Progress
from photos.pagination import timeline_page
from photos.signals import photos_ready
from photos.uploading import IncomingFile, receives_files
from photos.workers import missing_worker_notice

logger = logging.getLogger(__name__)

STATUS_OF_OUTCOME = {
    BatchFile.Outcome.STORED: 201,
    BatchFile.Outcome.DUPLICATE: 200,
    BatchFile.Outcome.REJECTED: 422,
}


@require_http_methods(["GET", "HEAD", "POST"])
@csrf_exempt  # _upload_all checks the token, when it is known who asks
def upload(request: UserRequest) -> HttpResponse:
    """The upload page; without JavaScript its form sends all files at once."""
    if request.method != "POST":
        return render(request, "photos/upload.html")
    try:
        return _upload_all(request)
    except TooManyFilesSent:
        # A browser that could not send everything does not show the answer.
        for _read in iter(lambda: request.read(1 << 16), b""):
            pass
        most = settings.DATA_UPLOAD_MAX_NUMBER_FILES
        return _upload_error(
            request,
            _("These are too many photos at once. Choose up to %(most)s.")
            % {"most": number_format(most, force_grouping=True)},
        )


@receives_files
def _upload_all(request: UserRequest) -> HttpResponse:
    files = [cast(IncomingFile, file) for file in request.FILES.getlist("files")]
    if not files:
        return _upload_error(request, _("Choose at least one photo."))
    batch = start_batch(request.user, title=request.POST.get("album", ""), expected=len(files))
    for number, incoming in enumerate(files, start=1):
        try:
            take_in(batch, incoming, name=incoming.name or f"File {number}")
        except NotStored as error:
            logger.error("%s (%s)", error, error.__cause__)
            leave_out(batch, incoming, error)
    # The same file chosen twice is one: nothing more is coming.
    batch.expected = batch.files.count()
    batch.save(update_fields=["expected"])
    return redirect(batch)


def _upload_error(request: UserRequest, error: str) -> HttpResponse:
    return render(request, "photos/upload.html", {"error": error}, status=422)


@require_POST
def open_batch(request: UserRequest) -> JsonResponse:
    form = BatchForm(request.POST)
    if not form.is_valid():
        return JsonResponse({"message": _("Say how many files are coming.")}, status=422)
    batch = start_batch(request.user, title=form.cleaned_data["title"], expected=form.cleaned_data["expected"])
    urls = {
        "url": batch.get_absolute_url(),
        "upload_url": reverse("photos:batch-file", args=[batch.pk]),
        "expect_url": reverse("photos:batch-expect", args=[batch.pk]),
        "card_url": reverse("photos:batch-card", args=[batch.pk]),
    }
    return JsonResponse({"id": batch.pk, **urls}, status=201)


@require_POST
def expect_more(request: UserRequest, batch_id: int) -> JsonResponse:
    """More files were added to (or removed from) a batch that is still being sent."""
    batch = _batch_of(request, batch_id)
    form = BatchForm(request.POST)
    if not form.is_valid():
        return JsonResponse({"message": _("Say how many files are coming.")}, status=422)
    batch.expected = form.cleaned_data["expected"]
    batch.save(update_fields=["expected"])
    return JsonResponse({"expected": batch.expected})


@require_POST
@receives_files
def receive_file(request: UserRequest, batch_id: int) -> JsonResponse:
    batch = _batch_of(request, batch_id)
    incoming = cast(IncomingFile | None, request.FILES.get("file"))
    if incoming is None:
        return JsonResponse({"message": _("No file arrived. Try again.")}, status=400)
    try:
        file = take_in(batch, incoming, name=request.POST.get("name") or incoming.name or "")
    except NotStored as error:
        logger.error("%s (%s)", error, error.__cause__)
        return JsonResponse({"message": error.text}, status=507 if error.is_disk_full else 500)
    status = 413 if incoming.is_too_large else STATUS_OF_OUTCOME[BatchFile.Outcome(file.outcome)]
    return JsonResponse(_answer(file), status=status)


@vary_on_headers("HX-Request")
@require_safe
def batch(request: UserRequest, batch_id: int) -> HttpResponse:
    batch = _batch_of(request, batch_id)
    photos = batch.photos().owned_by(request.user)
    page = timeline_page(photos, request.GET.get("after"))
    files = batch.files.select_related("photo").order_by("name")
    context = _card_context(batch) | {
        "months": page.months,
        "next_url": f"{batch.get_absolute_url()}?after={page.next_cursor}" if page.next_cursor else None,
        "timeline_url": batch.get_absolute_url(),
        "rejected": files.filter(outcome=BatchFile.Outcome.REJECTED),
        "duplicates": files.filter(outcome=BatchFile.Outcome.DUPLICATE),
        "failed_photos": photos.failed().order_by("name"),
    }
    is_fragment = request.htmx and not request.htmx.boosted
    return render(request, "photos/_months.html" if is_fragment else "photos/batch.html", context)


@require_safe
def batch_card(request: UserRequest, batch_id: int) -> HttpResponse:
    """The four stages of a batch. Polled; says when there are new thumbnails to show."""
    batch = _batch_of(request, batch_id)
    context = _card_context(batch)
    response = render(request, "photos/_batch_card.html", context)
    shown_before = request.GET.get("thumbnails", "")
    progress: Progress = context["progress"]
    if shown_before != str(progress.thumbnails) or progress.is_done:
        response["HX-Trigger"] = "photos-changed"
    return response


@require_POST
def retry_batch(request: UserRequest, batch_id: int) -> HttpResponse:
    batch = _batch_of(request, batch_id)
    batch.photos().owned_by(request.user).retry()
    _wake(request)
    return redirect(batch)


@require_POST
def retry_photo(request: UserRequest, photo_id: int) -> HttpResponse:
    get_object_or_404(Photo.objects.owned_by(request.user), pk=photo_id)
    Photo.objects.owned_by(request.user).filter(pk=photo_id).retry()
    _wake(request)
    return redirect("photos:status")


def _batch_of(request: UserRequest, batch_id: int) -> Batch:
    batches = Batch.objects.owned_by(request.user).select_related("owner", "album")
    return get_object_or_404(batches, pk=batch_id)


def _card_context(batch: Batch) -> dict[str, Any]:
    progress = batch.progress()
    notice = "" if progress.is_done else missing_worker_notice()
    return {"batch": batch, "progress": progress, "notice": notice}


def _answer(file: BatchFile) -> dict[str, object]:
    answer: dict[str, object] = {"outcome": file.outcome, "name": file.name}
    if file.photo is not None:
        answer |= {"photo": file.photo.pk, "url": file.photo.get_absolute_url()}
    if file.outcome == BatchFile.Outcome.REJECTED:
        answer["message"] = f"{file.name} {file.reason_text}."
    if file.outcome == BatchFile.Outcome.DUPLICATE:
        answer["message"] = _("%(name)s is already in your library.") % {"name": file.name}
    return answer


def _wake(request: UserRequest) -> None:
    tasks.wake_derivatives()
    photos_ready.send(Photo, owner_id=request.user.pk)
