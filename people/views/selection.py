"""What was selected on the people page: people and groups, one by one or all of a kind."""

from dataclasses import dataclass

from django.http import QueryDict

from accounts.models import User
from people.forms import primary_keys
from people.models import Cluster, Person
from people.unnamed import faces_of_groups, unnamed_groups

EVERY_GROUP = ("groups", "pairs", "strangers")


@dataclass(frozen=True)
class Selection:
    """People, groups by primary key, and the newest regroup the page knew of: what joined one later is not meant."""

    owner: User
    people: list[Person]
    groups: list[int]
    as_of: int | None

    @classmethod
    def sent(cls, owner: User, fields: QueryDict) -> "Selection":
        """Read `people` and `groups`; with `all`, everybody of that kind as it stands now, called as in `q`."""
        every = fields.get("all", "")
        people = Person.objects.owned_by(owner).with_faces()
        if every == "people":
            called = fields.get("q", "").strip()
            people = people.filter(is_hidden=False)
            people = people.named_like(called) if called else people
        else:
            people = people.filter(pk__in=primary_keys(fields.getlist("people")))
        if every in EVERY_GROUP:
            groups = unnamed_groups(owner).of_kind(every)
        else:
            sent = primary_keys(fields.getlist("groups"))
            groups = list(Cluster.objects.owned_by(owner).filter(pk__in=sent).values_list("pk", flat=True))
        as_of = next(iter(primary_keys(fields.getlist("as-of"))), None)
        return cls(owner, list(people.order_by("folded_name", "pk")), groups, as_of)

    @property
    def is_empty(self) -> bool:
        return not self.people and not self.groups

    def faces_of_groups(self) -> set[int]:
        return faces_of_groups(self.owner, self.groups, as_of=self.as_of) if self.groups else set()
