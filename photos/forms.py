"""What a user may send about albums and batches."""

from django import forms
from django.utils.translation import gettext as _

from photos.intake import clean_name
from photos.models import Album


class BatchForm(forms.Form):
    title = forms.CharField(max_length=500, required=False)
    expected = forms.IntegerField(min_value=0, max_value=1_000_000)


class AlbumForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Album
        fields = ["title"]

    def clean_title(self) -> str:
        title = clean_name(self.cleaned_data["title"])
        twins = Album.objects.filter(owner=self.instance.owner, title=title)
        if twins.exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError(_("You already have an album of that name."))
        return title
