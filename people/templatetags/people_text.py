"""What templates need to say about faces: numbers and times in words, and how far a change of model is."""

from datetime import datetime

from django import template
from django.utils import timezone

from accounts.models import User
from ml.weights import WeightsUnavailable
from people.model_change import Progress, progress
from people.models import Face
from photos.face_model import current_face_model

register = template.Library()


@register.filter
def percent(fraction: float) -> str:
    """A fraction as an SVG length: 0.4271 is "42.71%"."""
    return f"{100 * fraction:.2f}%"


@register.filter
def touches_bottom(face: Face) -> bool:
    """Whether a name under the face's box would fall off the picture."""
    return face.top + face.height > 0.94


@register.filter
def when(moment: datetime) -> str:
    """A moment as history tells it: "Today, 14:05", "3 May 2024, 14:05"."""
    local = timezone.localtime(moment)
    days = (timezone.localdate() - local.date()).days
    day = {0: "Today", 1: "Yesterday"}.get(days, f"{local:%-d %B %Y}")
    return f"{day}, {local:%H:%M}"


@register.simple_tag
def model_change(user: User) -> Progress | None:
    """How far the user's faces are with the model in use; None where it is unknown."""
    try:
        return progress(current_face_model().name, owner=user)
    except WeightsUnavailable:
        return None
