"""The form that makes an API token."""

from typing import Any

from django import forms
from django.contrib.auth.models import User

from catalog_app.services.tokens import allowed_scopes

LIFETIMES = ((7, "7 days"), (30, "30 days"), (90, "90 days"), (365, "1 year"))


class TokenForm(forms.Form):
    """Name, scopes that the user may give, lifetime."""

    name = forms.CharField(max_length=100, help_text="What it is for, such as “research notebook”.")
    scopes = forms.MultipleChoiceField(widget=forms.CheckboxSelectMultiple)
    days = forms.TypedChoiceField(label="Valid for", choices=LIFETIMES, coerce=int, initial=90)

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(scope.value, scope.label) for scope in allowed_scopes(user)]
        self.fields["scopes"].choices = choices  # type: ignore[attr-defined]
