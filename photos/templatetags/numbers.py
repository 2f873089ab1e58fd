"""Numbers in templates; every template has it (config.settings)."""

from django import template

from photos.numbers import written

register = template.Library()


@register.filter(name="written")
def _written(number: object) -> object:
    """12345 as "12,345"; anything else as it is."""
    return written(number) if isinstance(number, int) and not isinstance(number, bool) else number
