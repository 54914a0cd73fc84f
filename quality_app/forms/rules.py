"""The form of a rule: its fields are the parameters of its check."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from catalog_app.store.layout import identifier
from quality_app.checks.check import Check
from quality_app.checks.param import Param, Value
from quality_app.forms.choices import asset_class_choices, check_choices, venue_choices
from quality_app.models import QualityRule
from quality_app.services.rules.history import with_unit

PREFIX = "param_"


class ParamField(forms.CharField):
    """One parameter of a check; empty means that the rule does not set it."""

    def __init__(self, param: Param) -> None:
        self.param = param
        mode = "numeric" if isinstance(param.default, int) else "decimal"
        attrs = {"inputmode": mode, "placeholder": str(param.default), "autocomplete": "off", "size": "16"}
        label = f"{param.label}, {param.unit}" if param.unit else param.label
        super().__init__(required=False, label=label, help_text=allowed(param), widget=forms.TextInput(attrs=attrs))

    def clean(self, value: Any) -> Value | None:
        """Return the value, or None where nothing was typed."""
        text = super().clean(value)
        try:
            return self.param.parse(text) if text else None
        except ValueError as error:
            raise ValidationError(str(error)) from None


def allowed(param: Param) -> str:
    """Say a parameter's default and bounds: `Default 50. From 1 to 100.`."""
    low, high = param.minimum, param.maximum
    bounds = {
        (True, True): "",
        (False, True): f" At least {low}.",
        (True, False): f" At most {high}.",
        (False, False): f" From {low} to {high}.",
    }[low is None, high is None]
    return f"Default {with_unit(param, param.default)}.{bounds}"


class RuleForm(forms.ModelForm):
    """What a rule sets and why; the parameters' fields come from `rule_form`."""

    class Meta:
        model = QualityRule
        fields: tuple[str, ...] = ("mode", "note")
        widgets = {"note": forms.Textarea(attrs={"rows": 3, "class": "vLargeTextField"})}

    check_of_form: Check | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, value in self.instance.params.items():
            if PREFIX + name in self.fields:
                self.initial.setdefault(PREFIX + name, value)

    def clean(self) -> dict[str, Any]:
        """Collect the parameters, and refuse a rule that sets nothing."""
        data = super().clean() or {}
        params = self.check_of_form.params if self.check_of_form else ()
        typed = {param: data.get(PREFIX + param.name) for param in params}
        self.instance.params = {param.name: param.to_json(value) for param, value in typed.items() if value is not None}
        if not self.errors and not self.instance.params and not data.get("mode"):
            raise ValidationError("This rule changes nothing: set a parameter, or whether the check runs.")
        return data


class NewRuleForm(RuleForm):
    """A rule that does not exist yet: also its check, and what it is for."""

    class Meta(RuleForm.Meta):
        fields = ("check_id", "venue", "asset_class", "instrument_id", "dataset", "mode", "note")

    check_id = forms.ChoiceField(label="Check", choices=check_choices)
    venue = forms.ChoiceField(required=False, choices=venue_choices)
    asset_class = forms.ChoiceField(required=False, choices=asset_class_choices)
    instrument_id = forms.CharField(
        label="Instrument",
        required=False,
        max_length=200,
        help_text="As NautilusTrader writes it, EUR/USD.SIM, or as in paths, EURUSD.SIM. In every store.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "size": "40"}),
    )

    def clean_instrument_id(self) -> str:
        """Return the id as paths have it, so that one instrument has one rule."""
        try:
            return identifier(self.cleaned_data["instrument_id"]) if self.cleaned_data["instrument_id"] else ""
        except ValueError as error:
            raise ValidationError(str(error)) from None


def rule_form(base: type[RuleForm], check: Check | None) -> type[RuleForm]:
    """Return the form of a rule of a check: one typed field for each of its parameters."""
    fields = {PREFIX + param.name: ParamField(param) for param in check.params} if check else {}
    return type(base.__name__, (base,), {**fields, "check_of_form": check})
