"""What templates need to say about faces: numbers and times in words, and how far a change of model is."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from django import template
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import get_text_list
from django.utils.translation import gettext as _

from accounts.models import User
from ml.weights import WeightsUnavailable
from people.model_change import Progress, progress
from people.models import Cluster, Face, Person
from photos.addresses import address_of
from photos.face_model import current_face_model
from photos.numbers import written
from photos.templatetags.numbers import in_photos

register = template.Library()

NEAR_SIDE = 0.09  # of the picture's width: half a short name on a phone


class PersonCard(NamedTuple):
    """What the card of a person says. to_check: of its badge, or ""."""

    photos: str
    to_check: str
    select: str
    hide: str


class GroupCard(NamedTuple):
    """What the card of a group says, and where its forms go."""

    photos: str
    spoken: str
    select: str
    box: str
    name_url: str
    hide_url: str


@register.simple_tag
def person_card(person: Person, to_check: int) -> PersonCard:
    """Put together here: a page has dozens of cards, and blocktranslate takes ten times as long."""
    badge = _("%(count)s to check") % {"count": written(to_check)} if to_check else ""
    name = {"name": person.name}
    return PersonCard(in_photos(person.photo_count), badge, _("Select %(name)s") % name, _("Hide %(name)s") % name)


@register.simple_tag
def group_card(group: Cluster) -> GroupCard:
    """As person_card."""
    photos = in_photos(group.photo_count)
    said = {"photos": photos}
    return GroupCard(
        photos,
        _("Unnamed group, %(photos)s") % said,
        _("Select this group, %(photos)s") % said,
        _("Name this group, %(photos)s") % said,
        address_of("people:name-group", group.pk),
        address_of("people:hide-group", group.pk),
    )


@register.filter
def percent(fraction: float) -> str:
    """A fraction as an SVG length: 0.4271 is "42.71%"."""
    return f"{100 * fraction:.2f}%"


@register.filter
def touches_bottom(face: Face) -> bool:
    """Whether a name under the face's box would fall off the picture."""
    return face.top + face.height > 0.94


@register.filter
def near_side(face: Face) -> str:
    """Where a name under the box begins, when centred it would fall off the picture: "start" or "end" of the box."""
    centre = face.left + face.width / 2
    return "start" if centre < NEAR_SIDE else "end" if centre > 1 - NEAR_SIDE else ""


@register.filter
def when(moment: datetime) -> str:
    """A moment as history tells it: "Today, 14:05", "3 May 2024, 14:05"."""
    local = timezone.localtime(moment)
    days = (timezone.localdate() - local.date()).days
    day = {0: _("Today"), 1: _("Yesterday")}.get(days, date_format(local))
    return f"{day}, {date_format(local, 'TIME_FORMAT')}"


@register.filter
def linked(people: Sequence[Person]) -> SafeString:
    """People as links, in a sentence: "Ann, Bob and Mila"."""
    links: list[str] = [format_html('<a href="{}">{}</a>', person.get_absolute_url(), person) for person in people]
    return mark_safe(get_text_list(links, _("and")))  # noqa: S308  # of parts that are safe


@register.simple_tag
def model_change(user: User) -> Progress | None:
    """How far the user's faces are with the model in use; None where it is unknown, or all of them are."""
    try:
        model = current_face_model().name
    except WeightsUnavailable:
        return None
    # All faces are counted only while there is something to say: it takes as long as the rest of the page.
    others = Face.objects.owned_by(user).embedded().not_embedded_by(model)
    return progress(model, owner=user) if others.exists() else None
