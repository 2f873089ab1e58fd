"""What every page shows about people."""

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from people.models import Cluster
from people.review import count_questions


def questions_left(request: HttpRequest) -> dict[str, object]:
    """The number beside "Review"; counted only by pages that show it."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {"questions_left": 0}
    skipped = request.session.get("skipped", ())
    return {"questions_left": SimpleLazyObject(lambda: count_questions(user, skipped=skipped))}


def groups_to_name(request: HttpRequest) -> dict[str, object]:
    """Whether a page should keep a place for "Who is this?"; asked only by pages that show it."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {"has_groups": False}
    return {"has_groups": SimpleLazyObject(lambda: Cluster.objects.owned_by(user).has_any_shown())}
