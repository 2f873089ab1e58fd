"""Icons in templates; every template has them (config.settings)."""

from functools import cache

from django import template
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()

SPRITE = "vendor/bootstrap-icons/icons.svg"


@register.simple_tag
@cache
def icon(name: str) -> SafeString:
    """One icon of the sprite, by a line of tools/vendor/icons.txt; it takes the colour and size of the text.

    No template of its own: a page of photos has five hundred of them, and including each took a third of its time.
    """
    return format_html('<svg class="icon" aria-hidden="true"><use href="{}#{}"/></svg>', static(SPRITE), name)
