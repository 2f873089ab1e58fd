"""What a user may send about people and faces."""

from django import forms

from accounts.models import User
from people.models import Person
from photos.intake import clean_name


class NameForm(forms.Form):
    """A person, chosen (their id) or typed (a name). A new person needs an explicit word."""

    person = forms.IntegerField(required=False)
    name = forms.CharField(max_length=100, required=False)

    def __init__(self, *args: object, owner: User, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.owner = owner

    def clean_name(self) -> str:
        return clean_name(self.cleaned_data["name"])

    def clean(self) -> None:
        super().clean()
        if not self.cleaned_data.get("person") and not self.cleaned_data.get("name"):
            raise forms.ValidationError("Say who this is.")
        pk = self.cleaned_data.get("person")
        if pk and not Person.objects.owned_by(self.owner).filter(pk=pk).exists():
            raise forms.ValidationError("That person is not in your library any more.")

    def get_or_create_person(self) -> Person:
        """Return the person chosen; of a typed name the one who bears it exactly, else a new one."""
        people = Person.objects.owned_by(self.owner)
        if self.cleaned_data.get("person"):
            return people.get(pk=self.cleaned_data["person"])
        name = self.cleaned_data["name"]
        namesake = people.with_faces().filter(name__iexact=name).order_by("pk").first()
        return namesake or Person.objects.create(owner=self.owner, name=name)


class PersonForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Person
        fields = ["name", "note", "birth_date"]
        widgets = {"birth_date": forms.DateInput(attrs={"type": "date"})}

    def clean_name(self) -> str:
        return clean_name(self.cleaned_data["name"])
