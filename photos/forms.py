"""What a user may send about albums and batches."""

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from photos.intake import clean_name
from photos.models import Album, Batch

TITLE_TAKEN = gettext_lazy("You already have an album of that name.")


class BatchForm(forms.Form):
    title = forms.CharField(max_length=500, required=False)
    expected = forms.IntegerField(min_value=0, max_value=1_000_000)
    has_own_albums = forms.BooleanField(required=False)  # an archive: its folders name them


class BatchStateForm(forms.Form):
    state = forms.ChoiceField(choices=Batch.State.choices)


class BatchAlbumForm(forms.Form):
    title = forms.CharField(max_length=200, required=False)

    def clean_title(self) -> str:
        return clean_name(self.cleaned_data["title"])


class AlbumTitleForm(forms.Form):
    """The title of an album to put photos into: of one there is, or of a new one."""

    title = forms.CharField(max_length=200)

    def clean_title(self) -> str:
        title = clean_name(self.cleaned_data["title"])
        if not title:
            raise forms.ValidationError(_("Give the album a title."))
        return title


class DayForm(forms.Form):
    day = forms.DateField()


class AlbumForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Album
        fields = ["title"]

    def clean_title(self) -> str:
        title = clean_name(self.cleaned_data["title"])
        if not title:
            raise forms.ValidationError(_("Give the album a title."))
        twins = Album.objects.filter(owner=self.instance.owner, title=title)
        if twins.exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError(TITLE_TAKEN)
        return title
