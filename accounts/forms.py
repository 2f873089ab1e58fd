"""What users may send about themselves."""

from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm, UserCreationForm

from accounts.models import User


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
        labels = {"username": "User name"}
        help_texts = {"username": "Letters, digits and @ . + - _"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].widget.attrs["autocomplete"] = "username"
        self.fields["password1"].help_text = "At least 8 characters, and not only digits."
        self.fields["password2"].label = "Password again"
        self.fields["password2"].help_text = ""


class SignInForm(StyledFieldsMixin, AuthenticationForm):
    error_messages = AuthenticationForm.error_messages | {
        "invalid_login": "User name and password do not match. Both know small from capital letters.",
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].label = "User name"


class NewPasswordForm(StyledFieldsMixin, PasswordChangeForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # The settings page has other things to do: the cursor starts elsewhere.
        self.fields["old_password"].widget.attrs.pop("autofocus", None)
        self.fields["old_password"].label = "Password now"
        self.fields["new_password1"].label = "New password"
        self.fields["new_password1"].help_text = "At least 8 characters, and not only digits."
        self.fields["new_password2"].label = "New password again"


class FacesForm(forms.Form):
    """The consent question. Unanswered is not an answer."""

    face_analysis = forms.ChoiceField(choices=[(User.FaceAnalysis.ON, "Yes"), (User.FaceAnalysis.OFF, "No")])


class ThemeForm(forms.Form):
    theme = forms.ChoiceField(choices=User.Theme)


class KeysForm(forms.Form):
    """Whether single keys do something."""

    uses_keys = forms.BooleanField(required=False)
