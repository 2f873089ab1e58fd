"""The texts of scripts, in the language of the page, at an address that changes when they do."""

import functools
import hashlib

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils import translation
from django.utils.http import urlencode
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_safe
from django.views.i18n import JavaScriptCatalog

FOR_EVER = "public, max-age=31536000, immutable"
ONCE = "no-cache"


def catalogue_url() -> str:
    """The address of the catalogue in the language that is spoken now."""
    language = translation.get_language() or settings.LANGUAGE_CODE
    return f"{reverse('words', args=[language])}?{urlencode({'v': _version()})}"


@gzip_page
@login_not_required
@require_safe
def catalogue(request: HttpRequest, language: str) -> HttpResponseBase:
    """gettext() and its like for scripts, as Django makes them."""
    if language not in dict(settings.LANGUAGES):
        raise Http404
    with translation.override(language):
        response = JavaScriptCatalog.as_view()(request)
    response["Content-Language"] = language
    response["Cache-Control"] = FOR_EVER if request.GET.get("v") == _version() else ONCE
    return response


@functools.cache
def _version() -> str:
    compiled = hashlib.sha256()
    for folder in settings.LOCALE_PATHS:
        for file in sorted(folder.glob("*/LC_MESSAGES/djangojs.mo")):
            compiled.update(file.read_bytes())
    return compiled.hexdigest()[:12]
