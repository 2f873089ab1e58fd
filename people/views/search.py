"""The search page: chips of people, all of / any of / without, and the photos that match."""

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from accounts.http import UserRequest
from people.covers import attach_covers
from people.models import Person
from people.search import ALL, ANY, PhotoSearch
from photos.grid import grid_context

PEOPLE_OFFERED = 24


@vary_on_headers("HX-Request")
@require_safe
def search(request: UserRequest) -> HttpResponse:
    query = request.GET.get("q", "").strip()
    wanted = PhotoSearch.from_query(request.user, request.GET)
    offered = _offered(request, wanted, query)
    if query and len(offered) == 1:  # only one person can be meant
        return redirect(wanted.with_person(offered[0]).url())
    photos = wanted.photos(request.user)
    photo_count = photos.count()
    attach_covers([*offered, *wanted.people, *wanted.without])
    context = {
        "search": wanted,
        "query": query,
        "chips": [(p, wanted.without_person(p).url(), wanted.excluding(p).url()) for p in wanted.people],
        "excluded": [(p, wanted.without_person(p).url()) for p in wanted.without],
        "offered": [(p, wanted.with_person(p).url(), wanted.excluding(p).url()) for p in offered],
        "all_url": wanted.in_mode(ALL).url(),
        "any_url": wanted.in_mode(ANY).url(),
        "photo_count": photo_count,
        **grid_context(request, photos, url=wanted.url(), scope=wanted.scope(), total=photo_count),
    }
    is_fragment = request.htmx and not request.htmx.boosted
    return render(request, "photos/_months.html" if is_fragment else "people/search.html", context)


def _offered(request: UserRequest, wanted: PhotoSearch, query: str) -> list[Person]:
    """People to add to the search: those the text names, else those of most photos."""
    people = Person.objects.owned_by(request.user).with_faces().most_photos_first()
    people = people.filter(is_hidden=False).exclude(pk__in=[person.pk for person in (*wanted.people, *wanted.without)])
    people = people.named_like(query) if query else people
    return list(people[:PEOPLE_OFFERED])
