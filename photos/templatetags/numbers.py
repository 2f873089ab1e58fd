"""Numbers in templates; every template has it (config.settings)."""

from django import template
from django.utils.translation import ngettext

from photos.numbers import written

register = template.Library()


@register.filter(name="written")
def _written(number: object) -> object:
    """12345 as "12,345"; anything else as it is."""
    return written(number) if isinstance(number, int) and not isinstance(number, bool) else number


@register.filter
def in_photos(count: int) -> str:
    """ "214 photos". Not blocktranslate: a page has dozens, and it takes ten times as long."""
    return ngettext("%(n)s photo", "%(n)s photos", count) % {"n": written(count)}
