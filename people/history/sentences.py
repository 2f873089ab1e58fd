"""What acts did, in words: "23 faces confirmed as Ann"."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import cast

from django.db.models import Count, Q
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext, ngettext

from people.history.chains import roots
from people.models import Change, Decision
from photos.numbers import written

Verb = Decision.Verb


def sentence(decision: Decision) -> str:
    """What a decision did: "23 faces confirmed as Ann"."""
    attach_texts([decision])
    return decision.text


def attach_texts(decisions: Sequence[Decision]) -> None:
    """Set `text`, `root` and `is_redone` on each decision: what it did, and what an undo is about in the end."""
    found = roots(decisions)
    acts = {decision.pk: decision for decision in decisions if decision.undoes_id is None}
    missing = {root for root, _ in found.values()} - acts.keys()
    if missing:
        acts |= Decision.objects.select_related("person", "other").in_bulk(missing)
    counts = _counts({*found, *acts})
    hiding = {pk for pk, act in acts.items() if act.verb in HIDING}
    hidden = Decision.objects.filter(pk__in=hiding).hidden_counts() if hiding else {}
    for decision in decisions:
        root, depth = found[decision.pk]
        decision.root = acts[root]
        decision.is_redone = depth > 0 and depth % 2 == 0
        if decision.root.verb in HIDING:
            did = HIDING[decision.root.verb](decision.root, *hidden.get(root, (0, 0)))
        else:
            did = _what(decision.root, *counts.get(root, (0, 0, 0)))
        if not depth:
            decision.text = did
        else:
            again = gettext("Done again: %(what)s") if decision.is_redone else gettext("Undone: %(what)s")
            decision.text = again % {"what": _lower(did)}


def short(decision: Decision) -> str:
    """What a decision said about a face: "confirmed as Bob"."""
    name = {"name": decision.person or gettext("nobody")}
    match decision.verb:
        case Verb.CONFIRM | Verb.IMPORT:
            return gettext("confirmed as %(name)s") % name
        case Verb.TAG if decision.person is None:
            return gettext("left without a name by Kith")
        case Verb.TAG:
            return gettext("named %(name)s by Kith") % name
        case Verb.REMOVE | Verb.REJECT:
            return gettext("removed from %(name)s") % name
        case Verb.MERGE:
            return gettext("merged into %(name)s") % name
        case Verb.SPLIT:
            return gettext("split off")
        case Verb.IGNORE:
            return gettext("set aside")
        case Verb.NO_FACE:
            return gettext("said to be no face")
        case Verb.DRAW:
            return gettext("drawn by hand")
        case Verb.SHOW:
            return gettext("asked about again")
        case _:
            return gettext("grouped again")


def day(moment: datetime) -> str:
    """A day as one says it: "3 May", with the year when that is another one."""
    local = timezone.localtime(moment)
    is_this_year = local.year == timezone.localdate().year
    return date_format(local, "MONTH_DAY_FORMAT" if is_this_year else "DATE_FORMAT")


def _counts(decisions: Collection[int]) -> dict[int, tuple[int, int, int]]:
    """How many faces each touched, of how many it ruled somebody out, and how many were on the first side."""
    changes = Change.objects.filter(decision__in=decisions).order_by()
    rows = changes.values_list("decision").annotate(
        touched=Count("pk"),
        ruled_out=Count("pk", filter=Q(rejected__isnull=False)),
        first=Count("pk", filter=Q(side=1)),
    )
    return {decision: (touched, ruled_out, first) for decision, touched, ruled_out, first in rows}


def _what(decision: Decision, touched: int, ruled_out: int, first: int) -> str:
    name = {"name": decision.person or gettext("nobody")}
    faces: dict[str, object] = {**name, "n": written(touched)}
    match decision.verb:
        case Verb.CONFIRM | Verb.IMPORT:
            return _confirmed(touched - ruled_out, ruled_out, name)
        case Verb.TAG if decision.person is None:
            return (
                ngettext(
                    "Names that Kith gave taken off %(n)s face, for what was said since",
                    "Names that Kith gave taken off %(n)s faces, for what was said since",
                    touched,
                )
                % faces
            )
        case Verb.TAG:
            return ngettext("%(n)s face named %(name)s", "%(n)s faces named %(name)s", touched) % faces
        case Verb.REJECT:
            return ngettext("%(n)s face is not %(name)s", "%(n)s faces are not %(name)s", touched) % faces
        case Verb.REMOVE if decision.person is None:
            return (
                ngettext(
                    "Names that Kith gave taken back from %(n)s face",
                    "Names that Kith gave taken back from %(n)s faces",
                    touched,
                )
                % faces
            )
        case Verb.REMOVE:
            return ngettext("%(n)s face removed from %(name)s", "%(n)s faces removed from %(name)s", touched) % faces
        case Verb.IGNORE:
            return ngettext("%(n)s face set aside", "%(n)s faces set aside", touched) % faces
        case Verb.NO_FACE:
            return ngettext("%(n)s box is no face", "%(n)s boxes are no faces", touched) % faces
        case Verb.DRAW:
            return ngettext("%(n)s face drawn by hand", "%(n)s faces drawn by hand", touched) % faces
        case Verb.SHOW:
            return ngettext("%(n)s face asked about again", "%(n)s faces asked about again", touched) % faces
        case Verb.MERGE:
            return _merged(decision, faces)
        case Verb.SPLIT:
            return _split(decision, faces)
        case Verb.SAME | Verb.DIFFERENT:
            return _compared(decision, first, touched - first)
        case Verb.REPEAT:
            return gettext("A photo shows somebody more than once")
        case _:
            return ngettext("%(n)s face grouped", "%(n)s faces grouped", touched) % faces


def _confirmed(count: int, ruled_out: int, name: Mapping[str, object]) -> str:
    text = ngettext("%(n)s face confirmed as %(name)s", "%(n)s faces confirmed as %(name)s", count)
    also = ngettext(", %(n)s not", ", %(n)s not", ruled_out) % {"n": written(ruled_out)} if ruled_out else ""
    return text % {**name, "n": written(count)} + also


def _merged(decision: Decision, faces: dict[str, object]) -> str:
    count = cast(int, faces["n"])
    if decision.other is None:
        return ngettext("%(n)s face merged into %(name)s", "%(n)s faces merged into %(name)s", count) % faces
    text = ngettext(
        "%(n)s face of %(other)s merged into %(name)s", "%(n)s faces of %(other)s merged into %(name)s", count
    )
    return text % (faces | {"other": decision.other})


def _compared(decision: Decision, first: int, rest: int) -> str:
    """What was said of two groups, or two people."""
    if decision.verb == Verb.SAME:
        text = ngettext(
            "%(n)s face and %(rest)s more are one person", "%(n)s faces and %(rest)s more are one person", first
        )
        return text % {"n": written(first), "rest": written(rest)}
    if decision.other is not None:
        people = {"name": decision.person or gettext("nobody"), "other": decision.other}
        return gettext("%(name)s and %(other)s are two people") % people
    text = ngettext(
        "%(n)s face and %(rest)s more are two people", "%(n)s faces and %(rest)s more are two people", first
    )
    return text % {"n": written(first), "rest": written(rest)}


def _split(decision: Decision, faces: dict[str, object]) -> str:
    count = cast(int, faces["n"])
    if decision.person is None:
        return ngettext("A group of %(n)s face split", "A group of %(n)s faces split", count) % faces
    if decision.other is None:
        return ngettext("%(n)s face split off from %(name)s", "%(n)s faces split off from %(name)s", count) % faces
    text = ngettext(
        "%(n)s face moved from %(name)s to %(other)s", "%(n)s faces moved from %(name)s to %(other)s", count
    )
    return text % (faces | {"other": decision.other})


def _hid(decision: Decision, people: int, groups: int) -> str:
    """People and groups that were hidden, as far as they are still there."""
    if decision.person is not None:
        return gettext("%(name)s hidden") % {"name": decision.person}
    of_people = ngettext("%(n)s person hidden", "%(n)s people hidden", people) % {"n": written(people)}
    of_groups = ngettext("%(n)s group hidden", "%(n)s groups hidden", groups) % {"n": written(groups)}
    return ", ".join([of_people] * bool(people) + [of_groups] * bool(groups)) or gettext("Groups hidden")


def _showed(decision: Decision, people: int, groups: int) -> str:
    """People and groups that are to be seen again, as far as they are still there."""
    if decision.person is not None:
        return gettext("%(name)s shown again") % {"name": decision.person}
    of_people = ngettext("%(n)s person shown again", "%(n)s people shown again", people) % {"n": written(people)}
    of_groups = ngettext("%(n)s group shown again", "%(n)s groups shown again", groups) % {"n": written(groups)}
    return ", ".join([of_people] * bool(people) + [of_groups] * bool(groups)) or gettext("Groups shown again")


# Acts that change no face, and their words.
HIDING: dict[str, Callable[[Decision, int, int], str]] = {Verb.HIDE: _hid, Verb.UNHIDE: _showed}


def _lower(did: str) -> str:
    return did.replace("A photo", "a photo", 1) if did.startswith("A photo") else did
