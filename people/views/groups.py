"""Groups of faces nobody has named."""

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.http import UserRequest
from people import answers, ledger
from people.covers import attach_covers, attach_mosaics
from people.forms import NameForm, primary_keys
from people.models import Change, Cluster, Decision
from people.models.cluster import SMALLEST_GROUP
from people.questions import strangers
from people.review import likely_people
from people.views.respond import ask_which, back, say_what_was_decided

STRIP = 20  # more than any page is wide
FACES_SHOWN = 300


@require_safe
def strip(request: UserRequest) -> HttpResponse:
    """ "Who is this?": the biggest groups, for the top of other pages."""
    groups, folded = Cluster.objects.owned_by(request.user), set(strangers(request.user))
    asked = [
        pk for pk, is_hidden, count in groups.sizes() if count >= SMALLEST_GROUP and not is_hidden and pk not in folded
    ]
    biggest = groups.with_counts().in_bulk(asked[:STRIP])
    shown = [biggest[pk] for pk in asked[:STRIP] if pk in biggest]
    attach_mosaics(shown, faces=1)
    context = {"groups": shown, "group_count": len(asked)}
    return render(request, "people/_strip.html", context)


@require_safe
def group(request: UserRequest, cluster_id: int) -> HttpResponse:
    """All faces of a group, ticked, and a box for their name."""
    cluster = _cluster_of(request, cluster_id)
    faces = cluster.faces.untagged().without_vectors().select_related("photo")
    shown = list(faces.order_by("-quality", "pk")[:FACES_SHOWN])
    counted = list(faces.values_list("pk", flat=True))
    others = likely_people(request.user, shown)
    attach_covers(others)
    context = {
        "cluster": cluster,
        "faces": shown,
        "face_count": len(counted),
        "counted": counted,
        "unseen": len(counted) - len(shown),
        "others": others,
    }
    return render(request, "people/group.html", context)


@require_POST
@transaction.atomic  # nobody is made whom no face is given
def name_group(request: UserRequest, cluster_id: int) -> HttpResponse:
    """Name a whole group but for the faces that were shown and unticked."""
    cluster = _cluster_of(request, cluster_id)
    form = NameForm(request.POST, owner=request.user)
    if not form.is_valid():
        messages.error(request, _("Say who this is."))
        return back(request, cluster.get_absolute_url())
    if asked := ask_which(request, form):
        return asked
    members = set(cluster.faces.untagged().values_list("pk", flat=True))
    if "counted" in request.POST:  # the group's own page; what joined the group since was not looked at
        members &= set(primary_keys(request.POST["counted"].split(",")))
    for regroup in primary_keys(request.POST.getlist("as-of")):  # a card
        members -= _joined_since(regroup, cluster)
    shown = set(primary_keys(request.POST.getlist("shown"))) & members
    ticked = set(primary_keys(request.POST.getlist("faces")))
    unticked = shown - ticked
    if not members - unticked:
        messages.info(request, _("Tick at least one face first."))
        return back(request, cluster.get_absolute_url())
    person = form.get_or_create_person()
    decision = answers.confirm(person, members - unticked, but_not=unticked, actor=request.user)
    say_what_was_decided(request, decision)
    return back(request, person.get_absolute_url())


@require_POST
def split_off(request: UserRequest, cluster_id: int) -> HttpResponse:
    """Put the faces that were unticked into a group of their own: they show somebody else."""
    cluster = _cluster_of(request, cluster_id)
    shown, ticked = (set(primary_keys(request.POST.getlist(name))) for name in ("shown", "faces"))
    if not shown - ticked:
        messages.info(request, _("Untick the faces that show somebody else first."))
        return back(request, cluster.get_absolute_url())
    stay = set(cluster.faces.untagged().values_list("pk", flat=True)) - (shown - ticked)
    decision = answers.split_group(cluster, {}, [shown - ticked, stay], actor=request.user)
    say_what_was_decided(request, decision)
    return back(request, cluster.get_absolute_url())


@require_POST
def hide(request: UserRequest, cluster_id: int) -> HttpResponse:
    """Do not ask about a group any more, or ask again."""
    cluster = _cluster_of(request, cluster_id)
    if "show" in request.POST:
        decision = ledger.unhide(request.user, [], [cluster], actor=request.user)
    else:
        decision = ledger.hide(request.user, [], [cluster], actor=request.user)
    say_what_was_decided(request, decision)
    return back(request, "/people/")


def _joined_since(regroup: int, cluster: Cluster) -> set[int | None]:
    """Faces that came into a group after the card was made that is answered now."""
    moves = Change.objects.filter(decision__owner=cluster.owner_id, decision__verb=Decision.Verb.REGROUP)
    joined = moves.filter(decision__gt=regroup, after__cluster=cluster.pk)
    return set(joined.values_list("face", flat=True))


def _cluster_of(request: UserRequest, cluster_id: int) -> Cluster:
    return get_object_or_404(Cluster.objects.owned_by(request.user), pk=cluster_id)
