"""The history of a library: which acts to list, what each did in words, and what held faces back from an undo."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, cast
from urllib.parse import urlencode

from django.db import connection
from django.db.models import Count, F, Q, Subquery, Window
from django.db.models.functions import Coalesce, RowNumber
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from people.ledger import acts_on
from people.models import Change, Decision, Face
from people.models.decision import DecisionQuerySet
from people.tracks import later_acts
from photos.models import Act
from photos.models.act import ActQuerySet

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

Verb = Decision.Verb

FACES_SHOWN = 3
FACES_LOOKED_AT = 2000  # that stayed as they were when something was undone; the page tells why

# What the page offers to list, as its address says it, and in words.
KINDS: dict[str, tuple["StrOrPromise", tuple[Decision.Verb, ...]]] = {
    "names": (_("Names"), (Verb.CONFIRM, Verb.IMPORT, Verb.TAG, Verb.REMOVE)),
    "noes": (_("Noes"), (Verb.REJECT, Verb.DIFFERENT)),
    "merges": (_("Merges and splits"), (Verb.MERGE, Verb.SAME, Verb.SPLIT)),
    "groups": (_("Groups"), (Verb.REGROUP, Verb.REPEAT)),
    "aside": (_("Set aside"), (Verb.IGNORE, Verb.NO_FACE, Verb.SHOW, Verb.HIDE)),
    "drawn": (_("Drawn"), (Verb.DRAW,)),
    "photos": (_("Photos"), ()),  # no decisions: acts of photos.acts
    "undone": (_("Undone"), (Verb.UNDO,)),
}

ROOTS = """
    WITH RECURSIVE chain (top, act, undoes, depth) AS (
        SELECT id, id, undoes_id, 0 FROM people_decision WHERE id = ANY(%s)
        UNION ALL
        SELECT chain.top, act.id, act.undoes_id, chain.depth + 1
        FROM chain JOIN people_decision AS act ON act.id = chain.undoes
    )
    SELECT top, act, depth FROM chain WHERE undoes IS NULL
"""
STAYED = """
    SELECT undone.top, change.face_id
    FROM unnest(%s::bigint[], %s::bigint[]) AS undone (top, act)
    JOIN people_change AS change ON change.decision_id = undone.act
    WHERE change.face_id IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM people_change AS back
        WHERE back.decision_id = undone.top AND back.face_id = change.face_id
    )
    ORDER BY undone.top, change.face_id
    LIMIT %s
"""


@dataclass(frozen=True)
class Held:
    """Faces that an undo left as they were, and the later decision that says what they are."""

    by: Decision
    count: int

    @property
    def text(self) -> str:
        text = ngettext("%(n)s face stays: %(what)s on %(day)s", "%(n)s faces stay: %(what)s on %(day)s", self.count)
        return text % {"n": self.count, "what": short(self.by), "day": day(self.by.made_at)}

    @property
    def url(self) -> str:
        query = {"at": self.by.pk} | ({"by": "kith"} if self.by.verb == Verb.REGROUP else {})
        return f"{reverse('people:history')}?{urlencode(query)}#decision-{self.by.pk}"


@dataclass(frozen=True)
class Filters:
    """What of the history is asked for. by: "you", "kith", or the primary key of another user; "" of everybody."""

    by: str = ""
    kind: str = ""
    person: int | None = None
    since: date | None = None
    until: date | None = None

    def of(self, owner: User) -> DecisionQuerySet:
        """The decisions, the latest first. Regroups come only when Kith or groups are asked for: there are many."""
        decisions = Decision.objects.owned_by(owner).order_by("-pk")
        if self.kind:
            decisions = decisions.filter(verb__in=KINDS[self.kind][1])
        elif self.by != "kith":
            decisions = decisions.exclude(verb=Verb.REGROUP)
        if self.by == "kith":
            decisions = decisions.filter(actor=None)
        elif self.by:
            decisions = decisions.filter(actor=owner.pk if self.by == "you" else int(self.by))
        if self.person is not None:
            decisions = decisions.filter(Q(person=self.person) | Q(other=self.person))
        if self.since is not None:
            decisions = decisions.filter(made_at__date__gte=self.since)
        if self.until is not None:
            decisions = decisions.filter(made_at__date__lte=self.until)
        return decisions

    def acts_of(self, owner: User) -> ActQuerySet:
        """The acts on photos, which only their owner does."""
        acts = Act.objects.owned_by(owner)
        if self.by not in ("", "you") or self.person is not None or self.kind not in ("", "photos", "undone"):
            return acts.none()
        if self.kind == "undone":
            acts = acts.filter(undone_at__isnull=False)
        if self.since is not None:
            acts = acts.filter(made_at__date__gte=self.since)
        if self.until is not None:
            acts = acts.filter(made_at__date__lte=self.until)
        return acts


def sentence(decision: Decision) -> str:
    """What a decision did: "23 faces confirmed as Ann"."""
    attach_texts([decision])
    return decision.text


def attach_texts(decisions: Sequence[Decision]) -> None:
    """Set `text`, `root` and `is_redone` on each decision: what it did, and what an undo is about in the end."""
    found = _roots(decisions)
    roots = {decision.pk: decision for decision in decisions if decision.undoes_id is None}
    acts = {root for root, _ in found.values()} - roots.keys()
    if acts:
        roots |= Decision.objects.select_related("person", "other").in_bulk(acts)
    counts = _counts({*found, *roots})
    hiding = {pk for pk, act in roots.items() if act.verb == Verb.HIDE}
    hidden = Decision.objects.filter(pk__in=hiding).hidden_counts() if hiding else {}
    for decision in decisions:
        root, depth = found[decision.pk]
        decision.root = roots[root]
        decision.is_redone = depth > 0 and depth % 2 == 0
        if decision.root.verb == Verb.HIDE:
            did = _hid(decision.root, *hidden.get(root, (0, 0)))
        else:
            did = _what(decision.root, *counts.get(root, (0, 0, 0)))
        if not depth:
            decision.text = did
        else:
            again = gettext("Done again: %(what)s") if decision.is_redone else gettext("Undone: %(what)s")
            decision.text = again % {"what": _lower(did)}


def to_redo(user: User) -> Decision | None:
    """The undo that redo would take back: the user's last one that is not done again yet, if nothing was said since."""
    acts = Decision.objects.owned_by(user).filter(actor=user).order_by("-pk")
    last = acts.exclude(verb=Decision.Verb.UNDO).values("pk")[:1]
    undos = list(acts.filter(verb=Decision.Verb.UNDO, is_in_force=True, pk__gt=Coalesce(Subquery(last), 0)))
    found = _roots(undos)
    return next((undo for undo in undos if found[undo.pk][1] % 2), None)


def attach_faces(decisions: Sequence[Decision]) -> None:
    """Set `faces` on each decision: a few of those it touched."""
    place = Window(RowNumber(), partition_by=F("decision"), order_by=F("pk").asc())
    changes = Change.objects.filter(decision__in=decisions, face__isnull=False).annotate(place=place)
    pairs = list(changes.filter(place__lte=FACES_SHOWN).values_list("decision", "face"))
    faces = Face.objects.without_vectors().in_bulk({face for _, face in pairs})
    for decision in decisions:
        decision.faces = [faces[face] for pk, face in pairs if pk == decision.pk and face in faces]


def attach_held(decisions: Sequence[Decision]) -> None:
    """Set `held` on each decision: of an undo in force, which faces stayed as they were, and why. After the texts."""
    later = _later([each for each in decisions if each.verb == Verb.UNDO and each.is_in_force])
    newest = {pk: Counter(acts[0] for acts in of_faces) for pk, of_faces in later.items()}
    holding = {act for counts in newest.values() for act in counts}
    acts = Decision.objects.select_related("person").in_bulk(holding)
    for decision in decisions:
        counts = newest.get(decision.pk, Counter())
        decision.held = [Held(acts[pk], counts[pk]) for pk in sorted(counts, reverse=True)]


def what_holds(undo: Decision) -> list[Decision]:
    """The decisions in force that keep faces from following an undo; all of them, one after the other."""
    attach_texts([undo])
    pks = {act for acts in _later([undo]).get(undo.pk, []) for act in acts}
    return list(Decision.objects.filter(pk__in=pks))


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


def _later(undoes: Sequence[Decision]) -> dict[int, list[list[int]]]:
    """By undo, for each face that stayed: the decisions about it after what was undone, the latest first."""
    stayed = _stayed(undoes)
    faces = {face for of_undo in stayed.values() for face in of_undo}
    acts = acts_on(Face.everywhere.filter(pk__in=faces).only("pk")) if faces else {}
    later: dict[int, list[list[int]]] = {}
    for undo in undoes:
        for face in stayed.get(undo.pk, []):
            change = next(act for act in acts[face] if act.decision_id == undo.root.pk)
            if held := later_acts(acts[face], change):
                later.setdefault(undo.pk, []).append([act.decision_id for act in held])
    return later


def _stayed(undoes: Sequence[Decision]) -> dict[int, list[int]]:
    """Faces of what was undone that an undo did not touch, by the undo."""
    if not undoes:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(STAYED, [[each.pk for each in undoes], [each.root.pk for each in undoes], FACES_LOOKED_AT])
        rows = cursor.fetchall()
    faces: dict[int, list[int]] = {}
    for top, face in rows:
        faces.setdefault(top, []).append(face)
    return faces


def _roots(decisions: Iterable[Decision]) -> dict[int, tuple[int, int]]:
    """What each is about in the end, and over how many undos: of an act, itself and 0."""
    found = {decision.pk: (decision.pk, 0) for decision in decisions if decision.undoes_id is None}
    undoes = [decision.pk for decision in decisions if decision.undoes_id is not None]
    if undoes:
        with connection.cursor() as cursor:
            cursor.execute(ROOTS, [undoes])
            found |= {top: (act, depth) for top, act, depth in cursor.fetchall()}
    return found


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
    faces: dict[str, object] = {**name, "n": touched}
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
    also = ngettext(", %(n)s not", ", %(n)s not", ruled_out) % {"n": ruled_out} if ruled_out else ""
    return text % {**name, "n": count} + also


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
        return text % {"n": first, "rest": rest}
    if decision.other is not None:
        people = {"name": decision.person or gettext("nobody"), "other": decision.other}
        return gettext("%(name)s and %(other)s are two people") % people
    text = ngettext(
        "%(n)s face and %(rest)s more are two people", "%(n)s faces and %(rest)s more are two people", first
    )
    return text % {"n": first, "rest": rest}


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
    """People and groups that were hidden. Groups that were named since are not there any more."""
    if decision.person is not None:
        return gettext("%(name)s hidden") % {"name": decision.person}
    of_people = ngettext("%(n)s person hidden", "%(n)s people hidden", people) % {"n": people}
    of_groups = ngettext("%(n)s group hidden", "%(n)s groups hidden", groups) % {"n": groups}
    return ", ".join([of_people] * bool(people) + [of_groups] * bool(groups)) or gettext("Groups hidden")


def _lower(did: str) -> str:
    return did.replace("A photo", "a photo", 1) if did.startswith("A photo") else did
