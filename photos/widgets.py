"""Fields of forms that a page can afford with hundreds of options."""

from collections.abc import Iterable, Mapping

from django import forms
from django.forms.renderers import BaseRenderer
from django.forms.utils import flatatt
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe


class LongSelect(forms.Select):
    """A select without groups, written at once: Django renders a template for each option."""

    def render(
        self,
        name: str,
        value: object,
        attrs: Mapping[str, object] | None = None,
        renderer: BaseRenderer | None = None,
    ) -> SafeString:
        attributes = self.build_attrs(self.attrs, {**(attrs or {}), "name": name})
        return format_html("<select{}>{}</select>", flatatt(attributes), options(self.choices, value))


def options(choices: Iterable[tuple[object, object]], chosen: object) -> SafeString:
    """The options of a select, of pairs of a value and what is shown of it."""
    wanted = "" if chosen is None else str(chosen)
    rows = (
        f'<option value="{escape(value)}"{" selected" if str(value) == wanted else ""}>{escape(shown)}</option>'
        for value, shown in choices
    )
    return mark_safe("".join(rows))  # noqa: S308  # of parts that are escaped
