"""The search page: a box, chips for its terms, filters, saved searches, and the photos that match."""

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from accounts.http import UserRequest
from people.covers import attach_covers
from people.models import SavedSearch
from people.search import ANY, MODES, PhotoSearch
from people.search_form import SearchForm
from people.search_offers import offers, people_to_add
from people.search_words import chips_of, sentence
from photos.grid import grid_context
from photos.pagination import month_counts

PEOPLE_OFFERED = 24
LONGEST_TITLE = 200
LONGEST_QUERY = 2000


@vary_on_headers("HX-Request")
@require_safe
def search(request: UserRequest) -> HttpResponse:
    text = request.GET.get("q", "").strip()
    wanted = PhotoSearch.from_query(request.user, request.GET)
    found = offers(request.user, wanted, text)
    if len(found) == 1:  # only one thing can be meant
        return redirect(found[0].url)
    url, scope = wanted.url(), wanted.scope()
    photos = wanted.photos(request.user)
    if request.htmx and not request.htmx.boosted:
        return render(request, "photos/_months.html", grid_context(request, photos, url=url, scope=scope))
    # The one look at all that match: how many, in which months.
    counts = month_counts(photos)
    photo_count = sum(counts.values())
    context = grid_context(request, photos, url=url, scope=scope, total=photo_count, counts=counts)
    attach_covers([*wanted.people, *wanted.without])
    saved = list(SavedSearch.objects.owned_by(request.user))
    context |= {
        "search": wanted,
        "title": sentence(wanted),
        "text": text,
        "chips": chips_of(wanted),
        "modes": [(mode, wanted.but(mode=mode).url()) for mode in MODES if mode != ANY or len(wanted.people) > 1],
        "found": found,
        "offered": [(p, wanted.with_person(p).url()) for p in people_to_add(request.user, wanted, "", PEOPLE_OFFERED)],
        "photo_count": photo_count,
        "form": SearchForm(owner=request.user, search=wanted),
        "saved": saved,
        "kept": _kept(request, saved, wanted),
    }
    return render(request, "people/search.html", context)


@require_safe
def suggest(request: UserRequest) -> HttpResponse:
    """What the search box offers while somebody types: links to the search with one more term."""
    wanted = PhotoSearch.from_query(request.user, request.GET)
    text = request.GET.get("q", "").strip()
    return render(request, "people/_search_offers.html", {"found": offers(request.user, wanted, text), "text": text})


@require_POST
def save(request: UserRequest) -> HttpResponse:
    """Keep a search under a title, or change the title it has."""
    wanted = PhotoSearch.from_query(request.user, QueryDict(request.POST.get("query", "")[:LONGEST_QUERY]))
    title = " ".join(request.POST.get("title", "").replace("\0", "").split())[:LONGEST_TITLE] or sentence(wanted)
    if wanted.is_empty or len(wanted.query()) > LONGEST_QUERY:
        messages.error(request, _("This search cannot be kept."))
    else:
        SavedSearch.objects.update_or_create(
            owner=request.user, query=wanted.query(), defaults={"title": title[:LONGEST_TITLE]}
        )
        messages.success(request, _("Kept as “%(title)s”.") % {"title": title})
    return redirect(wanted.url())


@require_POST
def drop(request: UserRequest) -> HttpResponse:
    """Keep a search no longer; its page stays open, with the button that keeps it."""
    query = request.POST.get("query", "").replace("\0", "")[:LONGEST_QUERY]
    SavedSearch.objects.owned_by(request.user).filter(query=query).delete()
    messages.success(request, _("This search is not kept any more."))
    return redirect(PhotoSearch.from_query(request.user, QueryDict(query)).url())


def _kept(request: UserRequest, saved: list[SavedSearch], wanted: PhotoSearch) -> SavedSearch | None:
    """The search of this page as it is kept; also under an address that says less by now, for somebody is gone."""
    addresses = (wanted.query(), request.META["QUERY_STRING"])
    return next((one for one in saved if one.query in addresses), None)
