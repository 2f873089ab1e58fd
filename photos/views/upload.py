"""Sending photos: a batch is opened, files are sent one by one, progress is polled."""

import logging
from functools import cache
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
from photos.forms import BatchAlbumForm, BatchForm, BatchStateForm
from photos.grid import grid_context, grid_template
from photos.intake import NotStored, keep_archive, leave_out, start_batch, take_in
from photos.models import Batch, BatchFile, Photo, Progress
from photos.pagination import month_counts
from photos.signals import photos_ready
from photos.uploading import IncomingFile, receives_files_and_archives, refuses_what_is_too_long
from photos.workers import missing_worker_notice

REMARKS_SHOWN = 200  # an archive may hold thousands of files that are no photos
DATED_STAGES = (Photo.Stage.FACES, Photo.Stage.GROUPING, Photo.Stage.DONE)  # before, nobody has looked for a date

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


@receives_files_and_archives
def _upload_all(request: UserRequest) -> HttpResponse:
    files = [cast(IncomingFile, file) for file in request.FILES.getlist("files")]
    if not files:
        return _upload_error(request, _("Choose at least one photo."))
    batch = start_batch(request.user, title=request.POST.get("album", ""), expected=len(files))
    for number, incoming in enumerate(files, start=1):
        name = incoming.name or f"File {number}"
        try:
            keep_archive(batch, incoming, name=name) if _is_archive(incoming) else take_in(batch, incoming, name=name)
        except NotStored as error:
            logger.error("A file %s (%s)", error.reason, error.__cause__)
            leave_out(batch, incoming, error)
    # The same file chosen twice is one: nothing more is coming.
    batch.expected = batch.files.count() + batch.archives.count()
    batch.save(update_fields=["expected"])
    return redirect(batch)


def _upload_error(request: UserRequest, error: str) -> HttpResponse:
    return render(request, "photos/upload.html", {"error": error}, status=422)


@require_POST
def open_batch(request: UserRequest) -> JsonResponse:
    form = BatchForm(request.POST)
    if not form.is_valid():
        return JsonResponse({"message": _("Say how many files are coming.")}, status=422)
    batch = start_batch(
        request.user,
        title=form.cleaned_data["title"],
        expected=form.cleaned_data["expected"],
        has_album=not form.cleaned_data["has_own_albums"],
    )
    urls = {
        "url": batch.get_absolute_url(),
        "upload_url": reverse("photos:batch-file", args=[batch.pk]),
        "expect_url": reverse("photos:batch-expect", args=[batch.pk]),
        "card_url": reverse("photos:batch-card", args=[batch.pk]),
        "album_url": reverse("photos:batch-album", args=[batch.pk]),
        "state_url": reverse("photos:batch-state", args=[batch.pk]),
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
@refuses_what_is_too_long
@receives_files_and_archives
def receive_file(request: UserRequest, batch_id: int) -> JsonResponse:
    batch = _batch_of(request, batch_id)
    incoming = cast(IncomingFile | None, request.FILES.get("file"))
    if incoming is None:
        return JsonResponse({"message": _("No file arrived. Try again.")}, status=400)
    if batch.state == Batch.State.CANCELLED:
        return JsonResponse({"message": _("This upload was cancelled.")}, status=409)
    name = request.POST.get("name") or incoming.name or ""
    try:
        if _is_archive(incoming):
            keep_archive(batch, incoming, name=name)
            return JsonResponse({"outcome": "archive", "name": name}, status=202)
        file = take_in(batch, incoming, name=name)
    except NotStored as error:
        logger.error("A file %s (%s)", error.reason, error.__cause__)
        return JsonResponse({"message": error.text}, status=507 if error.is_disk_full else 500)
    status = 413 if incoming.is_too_large else STATUS_OF_OUTCOME[BatchFile.Outcome(file.outcome)]
    return JsonResponse(_answer(file), status=status)


@vary_on_headers("HX-Request")
@require_safe
def batch(request: UserRequest, batch_id: int) -> HttpResponse:
    batch = _batch_of(request, batch_id)
    photos = batch.photos().owned_by(request.user)
    files = batch.files.select_related("photo").order_by("name")
    brought = Photo.objects.filter(pk__in=files.filter(outcome=BatchFile.Outcome.STORED).order_by().values("photo"))
    context = _card_context(batch) | {
        "rejected": files.filter(outcome=BatchFile.Outcome.REJECTED)[:REMARKS_SHOWN],
        "duplicates": files.filter(outcome=BatchFile.Outcome.DUPLICATE)[:REMARKS_SHOWN],
        "damaged": files.filter(outcome=BatchFile.Outcome.STORED).exclude(reason="")[:REMARKS_SHOWN],
        "failed_photos": photos.failed().order_by("name")[:REMARKS_SHOWN],
        "undated": photos.filter(taken_at_source=Photo.DateSource.UPLOAD, stage__in=DATED_STAGES).count(),
        # The faces are a matter of the app above; the database knows them under their relation's name.
        "has_faces": cache(brought.filter(faces__is_ignored=False).exists),  # asked by the whole page
    }
    context |= grid_context(
        request, photos, url=batch.get_absolute_url(), scope=f"batch-{batch.pk}", counts=month_counts(photos)
    )
    _mark_faceless([photo for month in context["months"] for photo in month.photos])
    return render(request, grid_template(request, "photos/batch.html"), context)


@require_safe
def batch_card(request: UserRequest, batch_id: int) -> HttpResponse:
    """The four stages of a batch. Polled; says when there are new thumbnails to show."""
    batch = _batch_of(request, batch_id)
    context = _card_context(batch)
    response = render(request, "photos/_batch_card.html", context)
    progress: Progress = context["progress"]
    now = {"photos-changed": progress.thumbnails, "faces-changed": progress.faces}
    shown_before = {"photos-changed": request.GET.get("thumbnails", ""), "faces-changed": request.GET.get("faces", "")}
    changed = [event for event in now if progress.is_done or shown_before[event] != str(now[event])]
    if changed:
        response["HX-Trigger"] = ", ".join(changed)
    return response


@require_POST
def set_state(request: UserRequest, batch_id: int) -> HttpResponse:
    """Pause a batch, cancel it, or go on with it."""
    batch = _batch_of(request, batch_id)
    form = BatchStateForm(request.POST)
    if form.is_valid():
        batch.hold(Batch.State(form.cleaned_data["state"]))
        if batch.state == Batch.State.RUNNING:
            tasks.wake_unpacking()
            _wake(request)
    if request.htmx:
        return render(request, "photos/_batch_card.html", _card_context(batch))
    return redirect(batch)


@require_http_methods(["GET", "HEAD", "POST"])
def batch_album(request: UserRequest, batch_id: int) -> HttpResponse:
    """The album the photos of a batch go to, and a box to change it, also while they arrive."""
    batch = _batch_of(request, batch_id)
    form = BatchAlbumForm(request.POST)
    is_saved = request.method == "POST" and form.is_valid()
    if is_saved:
        batch.rename(form.cleaned_data["title"])
    if request.method == "POST" and not request.htmx:
        return redirect(batch)
    return render(request, "photos/_batch_album.html", {"batch": batch, "is_saved": is_saved})


@require_POST
def retry_batch(request: UserRequest, batch_id: int) -> HttpResponse:
    batch = _batch_of(request, batch_id)
    batch.photos().owned_by(request.user).retry()
    _wake(request)
    if request.htmx:
        return render(request, "photos/_batch_card.html", _card_context(batch))
    return redirect(batch)


@require_POST
def retry_photo(request: UserRequest, photo_id: int) -> HttpResponse:
    photo = get_object_or_404(Photo.objects.owned_by(request.user), pk=photo_id)
    Photo.objects.owned_by(request.user).filter(pk=photo_id).retry()
    _wake(request)
    return redirect(photo if "from_photo" in request.POST else "photos:status")


@require_POST
def retry_all(request: UserRequest) -> HttpResponse:
    """Put all of the user's failed photos back in line."""
    Photo.objects.owned_by(request.user).retry()
    _wake(request)
    return redirect("photos:status")


def _mark_faceless(photos: list[Photo]) -> None:
    """Find out which of these photos were searched for faces and have none."""
    searched = [photo.pk for photo in photos if photo.stage in (Photo.Stage.GROUPING, Photo.Stage.DONE)]
    faceless = set(Photo.objects.filter(pk__in=searched, faces=None).values_list("pk", flat=True))
    for photo in photos:
        photo.is_faceless = photo.pk in faceless


def _is_archive(incoming: IncomingFile) -> bool:
    return incoming.is_archive and not incoming.is_too_large


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
    if file.photo is not None and file.reason:
        answer["note"] = file.reason_text
    if file.outcome == BatchFile.Outcome.REJECTED:
        answer["message"] = f"{file.name} {file.reason_text}."
    if file.outcome == BatchFile.Outcome.DUPLICATE:
        answer["message"] = _("%(name)s is already in your library.") % {"name": file.name}
    return answer


def _wake(request: UserRequest) -> None:
    tasks.wake_derivatives()
    photos_ready.send(Photo, owner_id=request.user.pk)
