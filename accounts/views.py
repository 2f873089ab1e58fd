"""First visit, signing in and out, and settings."""

from django.conf import settings as django_settings
from django.contrib import auth, messages
from django.contrib.auth.decorators import login_not_required
from django.db import connection, transaction
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils import translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import HttpResponseClientRefresh

from accounts.forms import (
    FacesForm,
    KeysForm,
    LanguageForm,
    NewPasswordForm,
    OwnerForm,
    SignInForm,
    ThemeForm,
)
from accounts.http import UserRequest
from accounts.models import User
from accounts.session_views import sessions_of
from accounts.setup_code import forget_setup_code, is_asked_for
from accounts.signals import face_analysis_changed

# Any number: it only has to be the same in every process that opens the welcome page.
FIRST_USER_LOCK = 5848


@sensitive_post_parameters()
@never_cache
@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def welcome(request: HttpRequest) -> HttpResponse:
    """Make the owner's account. Works once: with a user there, it leads to signing in."""
    if request.method == "POST":
        with connection.cursor() as cursor:  # two browsers at once must not make two owners
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [FIRST_USER_LOCK])
    if User.objects.filter(deleted_at=None).exists():
        return redirect("accounts:faces" if request.user.is_authenticated else "accounts:sign-in")
    form = OwnerForm(request.POST or None, asks_for_code=is_asked_for(request))
    if form.is_valid():
        owner = form.save(commit=False)
        owner.is_staff = owner.is_superuser = True
        owner.language = _chosen_language(request)
        owner.save()
        transaction.on_commit(forget_setup_code)
        auth.login(request, owner, backend="django.contrib.auth.backends.ModelBackend")
        return redirect("accounts:faces")
    return render(request, "accounts/welcome.html", {"form": form}, status=_status(form))


@require_http_methods(["GET", "HEAD", "POST"])
def faces(request: UserRequest) -> HttpResponse:
    """Ask whether Kith may look for faces. Neither answer is preselected."""
    form = FacesForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        _answer_faces(request.user, form.cleaned_data["face_analysis"])
        return redirect("photos:upload")
    return render(request, "accounts/faces.html", {"form": form}, status=_status(form))


@sensitive_post_parameters()
@never_cache
@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Sign in and go on to where the user wanted to be, on this site only."""
    if "HX-Request" in request.headers:  # a fragment of a page whose session has ended: reload the whole page
        return HttpResponseClientRefresh()
    next_url = _safe_next(request)
    if request.user.is_authenticated:
        return redirect(next_url)
    form = SignInForm(request, request.POST or None)
    if form.is_valid():
        auth.login(request, form.get_user())
        return redirect(next_url)
    context = {"form": form, "next": next_url}
    return render(request, "accounts/sign_in.html", context, status=_status(form))


@require_POST
def sign_out(request: UserRequest) -> HttpResponse:
    auth.logout(request)
    return redirect(django_settings.LOGOUT_REDIRECT_URL)


@require_safe
def settings(request: UserRequest) -> HttpResponse:
    return _settings_page(request, NewPasswordForm(request.user))


@require_POST
def change_theme(request: UserRequest) -> HttpResponse:
    form = ThemeForm(request.POST)
    if form.is_valid():
        request.user.theme = form.cleaned_data["theme"]
        request.user.save(update_fields=["theme"])
        messages.success(request, _("Saved."))
    return redirect("accounts:settings")


@login_not_required
@require_POST
def change_language(request: HttpRequest) -> HttpResponse:
    """Keep the language for the user, and in this browser for when nobody is signed in."""
    response = redirect(_safe_next(request))
    form = LanguageForm(request.POST)
    if not form.is_valid():
        return response
    language = form.cleaned_data["language"]
    if language:
        response.set_cookie(
            django_settings.LANGUAGE_COOKIE_NAME,
            language,
            max_age=django_settings.LANGUAGE_COOKIE_AGE,
            secure=django_settings.LANGUAGE_COOKIE_SECURE,
            samesite="Lax",
        )
    else:
        response.delete_cookie(django_settings.LANGUAGE_COOKIE_NAME)
        request.COOKIES.pop(django_settings.LANGUAGE_COOKIE_NAME, None)
    if isinstance(request.user, User):
        request.user.language = language
        request.user.save(update_fields=["language"])
        translation.activate(language or translation.get_language_from_request(request))
        messages.success(request, _("Saved."))
    return response


@require_POST
def change_keys(request: UserRequest) -> HttpResponse:
    form = KeysForm(request.POST)
    if form.is_valid():
        request.user.uses_keys = form.cleaned_data["uses_keys"]
        request.user.save(update_fields=["uses_keys"])
        messages.success(request, _("Saved."))
    return redirect("accounts:settings")


@require_POST
def change_faces(request: UserRequest) -> HttpResponse:
    form = FacesForm(request.POST)
    if form.is_valid():
        _answer_faces(request.user, form.cleaned_data["face_analysis"])
        on = request.user.allows_faces
        messages.success(request, _("Looking for people.") if on else _("Kith no longer looks for faces."))
    return redirect("accounts:settings")


@sensitive_post_parameters()
@never_cache
@require_POST
def change_password(request: UserRequest) -> HttpResponse:
    """Change the password and keep this browser signed in; every other one is signed out."""
    form = NewPasswordForm(request.user, request.POST)
    if not form.is_valid():
        return _settings_page(request, form)
    form.save()
    auth.update_session_auth_hash(request, request.user)
    messages.success(request, _("Password changed."))
    return redirect("accounts:settings")


def _settings_page(request: UserRequest, password_form: NewPasswordForm) -> HttpResponse:
    context = {"password_form": password_form, "sessions": sessions_of(request), "themes": User.Theme.choices}
    return render(request, "accounts/settings.html", context, status=_status(password_form))


def _answer_faces(user: User, answer: str) -> None:
    """Save the answer, and tell listeners if it is a new one."""
    if user.face_analysis == answer:
        return
    user.face_analysis = answer
    user.save(update_fields=["face_analysis"])
    face_analysis_changed.send(sender=User, user=user)


def _chosen_language(request: HttpRequest) -> str:
    """What was chosen before there was a user to keep it."""
    language = request.COOKIES.get(django_settings.LANGUAGE_COOKIE_NAME, "")
    return language if language in dict(django_settings.LANGUAGES) else ""


def _safe_next(request: HttpRequest) -> str:
    """Where to go after signing in: never to another site."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    is_ours = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    if is_ours and wanted.startswith("/"):  # redirect() takes another word for the name of a view
        return wanted
    return resolve_url(django_settings.LOGIN_REDIRECT_URL)


def _status(form: BaseForm) -> int:
    return 422 if form.errors else 200
