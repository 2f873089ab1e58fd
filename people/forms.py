"""What a user may send about people and faces."""

from django import forms
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from people.history import KINDS, Filters
from people.models import Person
from people.tagging import BUDGETS
from photos.intake import clean_name
from photos.keys import primary_keys as primary_keys

LONGEST_NAME = 100
LONGEST_NOTE = 200


def _cleaned_name(name: str) -> str:
    """A name as it is kept; normalising may make it longer than what was typed."""
    name = " ".join(clean_name(name).split())
    if len(name) > LONGEST_NAME:
        raise forms.ValidationError(_("A name may have up to %(most)s letters.") % {"most": LONGEST_NAME})
    return name


class NameForm(forms.Form):
    """A person, chosen (their id) or typed (a name).

    new: that this is somebody new even if others bear the name; note: what tells them apart; form_key: which showing
    of the form says so.
    """

    person = forms.IntegerField(required=False)
    name = forms.CharField(max_length=LONGEST_NAME, required=False)
    new = forms.BooleanField(required=False)
    note = forms.CharField(max_length=LONGEST_NOTE, required=False)
    form_key = forms.CharField(max_length=40, required=False)

    def __init__(self, *args: object, owner: User, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.owner = owner

    def clean_name(self) -> str:
        return _cleaned_name(self.cleaned_data["name"])

    def clean_note(self) -> str:
        return " ".join(clean_name(self.cleaned_data["note"]).split())[:LONGEST_NOTE]

    def clean(self) -> None:
        super().clean()
        if not self.cleaned_data.get("person") and not self.cleaned_data.get("name"):
            raise forms.ValidationError(_("Say who this is."))
        pk = self.cleaned_data.get("person")
        self._chosen = Person.objects.owned_by(self.owner).filter(pk=pk).first() if pk else None
        if pk and self._chosen is None:
            raise forms.ValidationError(_("That person is not in your library any more."))

    def namesakes(self) -> list[Person]:
        """Several people of the typed name, when nothing says which of them is meant; else nobody."""
        if self._chosen or self.cleaned_data["new"]:
            return []
        people = list(Person.objects.owned_by(self.owner).namesakes(self.cleaned_data["name"]))
        return people if len(people) > 1 else []

    @transaction.atomic
    def get_or_create_person(self) -> Person:
        """Return the person chosen; of a typed name the one who bears it exactly, else a new one."""
        name = self.cleaned_data["name"]
        if self.cleaned_data["new"] and not self._chosen:
            return self._another(name, self.cleaned_data["note"], self.cleaned_data["form_key"])
        # The same form sent twice at once: the second waits, and finds whom the first made.
        User.objects.select_for_update(no_key=True).get(pk=self.owner.pk)
        # Somebody whose faces were all taken back keeps what was said of them: who they are not, for one.
        namesakes = Person.objects.owned_by(self.owner).named_exactly(name)
        person = self._chosen or namesakes.first() or Person.objects.create(owner=self.owner, name=name)
        person.owner = self.owner  # known already: the ledger asks for it
        return person

    def _another(self, name: str, note: str, form_key: str) -> Person:
        if not form_key:
            return Person.objects.create(owner=self.owner, name=name, note=note)
        new = {"name": name, "note": note}
        return Person.objects.get_or_create(owner=self.owner, form_key=form_key, defaults=new)[0]


class BoxForm(forms.Form):
    """A box drawn around a face, in fractions of the photo."""

    left = forms.FloatField(min_value=-10, max_value=10)
    top = forms.FloatField(min_value=-10, max_value=10)
    width = forms.FloatField(min_value=0, max_value=20)
    height = forms.FloatField(min_value=0, max_value=20)


class PersonForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Person
        fields = ["name", "note", "birth_date"]
        widgets = {"birth_date": forms.DateInput(attrs={"type": "date"})}

    def clean_name(self) -> str:
        return _cleaned_name(self.cleaned_data["name"])


class NamingForm(forms.Form):
    """Whether Kith names faces by itself, and at most how many wrongly."""

    is_tagging = forms.BooleanField(required=False)
    one_wrong_in = forms.TypedChoiceField(coerce=int, choices=[(budget, str(budget)) for budget in BUDGETS])


class HistoryForm(forms.Form):
    """Which acts of the history to list. What cannot be read is left out."""

    by = forms.RegexField(r"^(you|kith|\d{1,18})$", required=False)
    kind = forms.ChoiceField(choices=[(kind, words) for kind, (words, _) in KINDS.items()], required=False)
    person = forms.ModelChoiceField(Person.objects.none(), required=False, empty_label=_("Anybody"))
    since = forms.DateField(required=False, widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(required=False, widget=forms.DateInput(attrs={"type": "date"}))
    at = forms.IntegerField(required=False, min_value=0, max_value=10**18)

    def __init__(self, *args: object, owner: User, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["person"].queryset = Person.objects.owned_by(owner).order_by("folded_name", "pk")  # type: ignore[attr-defined]

    def filters(self) -> Filters:
        self.is_valid()
        asked = self.cleaned_data
        person = asked.get("person")
        return Filters(
            by=asked.get("by") or "",
            kind=asked.get("kind") or "",
            person=person.pk if person else None,
            since=asked.get("since"),
            until=asked.get("until"),
        )
