"""What users may send about themselves."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm, UserCreationForm
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.setup_code import is_setup_code


class StyledFieldsMixin:
    """Gives every text field the look's class."""

    fields: dict[str, forms.Field]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs["class"] = "form-control"


class OwnerForm(StyledFieldsMixin, UserCreationForm):  # type: ignore[type-arg]
    """Makes the account that owns this installation."""

    class Meta:
        model = User
        fields = ("username",)
        labels = {"username": _("User name")}
        help_texts = {"username": _("Letters, digits and @ . + - _")}

    setup_code = forms.CharField(
        label=_("Setup code"), max_length=40, help_text=_("Kith shows it where it was started: two groups of four.")
    )
    field_order = ("setup_code", "username")

    def __init__(self, *args: Any, asks_for_code: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if asks_for_code:
            self.fields["setup_code"].widget.attrs |= {"autocomplete": "one-time-code", "autocapitalize": "characters"}
        else:
            del self.fields["setup_code"]
        self.fields["username"].widget.attrs["autocomplete"] = "username"
        self.fields["password1"].help_text = _("At least 8 characters, and not only digits.")
        self.fields["password2"].label = _("Password again")
        self.fields["password2"].help_text = ""

    def clean_setup_code(self) -> str:
        code: str = self.cleaned_data["setup_code"]
        if not is_setup_code(code):
            raise forms.ValidationError(_("That is not the code Kith shows where it was started."))
        return code


class SignInForm(StyledFieldsMixin, AuthenticationForm):
    error_messages = AuthenticationForm.error_messages | {
        "invalid_login": _("User name and password do not match. Both know small from capital letters."),
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].label = _("User name")


class NewPasswordForm(StyledFieldsMixin, PasswordChangeForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # The settings page has other things to do: the cursor starts elsewhere.
        self.fields["old_password"].widget.attrs.pop("autofocus", None)
        self.fields["old_password"].label = _("Password now")
        self.fields["new_password1"].label = _("New password")
        self.fields["new_password1"].help_text = _("At least 8 characters, and not only digits.")
        self.fields["new_password2"].label = _("New password again")
        self.fields["new_password2"].help_text = ""


class FacesForm(forms.Form):
    """The consent question. Unanswered is not an answer."""

    face_analysis = forms.ChoiceField(choices=[(User.FaceAnalysis.ON, _("Yes")), (User.FaceAnalysis.OFF, _("No"))])


class ThemeForm(forms.Form):
    theme = forms.ChoiceField(choices=User.Theme)


class KeysForm(forms.Form):
    """Whether single keys do something."""

    uses_keys = forms.BooleanField(required=False)


class LanguageForm(forms.Form):
    """The language of the interface; empty: as the browser says."""

    language = forms.ChoiceField(choices=settings.LANGUAGES, required=False)
