"""Deleting one's account, after the name and the password are typed."""

from django.contrib import auth, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts.http import UserRequest
from people import leaving, tasks
from people.models import Person
from photos.broker import send_wakeup
from photos.models import Photo


@sensitive_post_parameters()
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def delete_account(request: UserRequest) -> HttpResponse:
    user = request.user
    if request.method == "POST":
        if _is_confirmed(request):
            leaving.leave(user)
            send_wakeup(tasks.finish_leaving)
            auth.logout(request)
            messages.success(request, _("Your account is closed. Its photos and face data are being deleted."))
            return redirect("accounts:sign-in")
        messages.error(request, _("Nothing was deleted. The name or the password is not yours."))
    context = {
        "photo_count": Photo.everywhere.owned_by(user).count(),
        "people_count": Person.objects.owned_by(user).with_faces().count(),
    }
    return render(request, "people/leave.html", context, status=422 if request.method == "POST" else 200)


def _is_confirmed(request: UserRequest) -> bool:
    return request.POST.get("username", "") == request.user.username and _knows_password(request)


def _knows_password(request: HttpRequest) -> bool:
    """Asked of the back ends, so that wrong tries count as those of signing in do."""
    known = auth.authenticate(
        request, username=request.POST.get("username", ""), password=request.POST.get("password", "")
    )
    return known is not None and known.pk == request.user.pk
