"""The filters of the search page: terms that are chosen from lists rather than typed."""

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from people.search import PhotoSearch
from people.search_words import COUNT_WORDS
from photos.models import Album
from photos.widgets import LongSelect


def _day() -> forms.DateField:
    return forms.DateField(required=False, widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}))


def _tick() -> forms.BooleanField:
    return forms.BooleanField(required=False, widget=forms.CheckboxInput(attrs={"value": "1"}))


class SearchForm(forms.Form):
    """Sent as an address, which PhotoSearch reads: this form only shows what it says."""

    since = _day()
    until = _day()
    album = forms.ChoiceField(required=False, widget=LongSelect)
    place = forms.CharField(required=False, max_length=100)
    faces = forms.ChoiceField(required=False, choices=[("", _("Any number")), *COUNT_WORDS.items()])
    unnamed = _tick()
    favourites = _tick()

    def __init__(self, *, owner: User, search: PhotoSearch) -> None:
        super().__init__(
            auto_id="search-%s",
            initial={
                "since": search.since,
                "until": search.until,
                "album": search.album and search.album.pk,
                "place": search.place,
                "faces": search.count,
                "unnamed": search.has_unnamed,
                "favourites": search.is_favourite,
            },
        )
        albums = Album.objects.owned_by(owner).order_by("title").values_list("pk", "title")
        self.fields["album"].choices = [("", _("Any album")), *albums]  # type: ignore[attr-defined]
        for name, field in self.fields.items():
            if not isinstance(field, forms.BooleanField):
                field.widget.attrs["class"] = "form-select" if name in ("album", "faces") else "form-control"

    def add_prefix(self, field_name: str) -> str:
        return {"since": "from", "until": "to"}.get(field_name, field_name)
