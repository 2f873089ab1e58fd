"""Learning from answers, for a page that is not of people."""

from django import template

from accounts.models import User
from people.learning_state import LearningState, learning_state

register = template.Library()


@register.simple_tag
def learning_of(user: User) -> LearningState:
    return learning_state(user)
