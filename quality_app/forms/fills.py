"""Policies of fills: sources as names of stores, a line each, the preferred one first."""

from __future__ import annotations

from typing import Any

from django import forms

from catalog_app.models import Store
from quality_app.models import FillPolicy


class StoreNames(forms.CharField):
    """Names of stores, a line each."""

    widget = forms.Textarea(attrs={"rows": 4, "cols": 40})

    def prepare_value(self, value: Any) -> Any:
        """A list as lines."""
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        """Lines as a list, each name once."""
        return list(dict.fromkeys(line.strip() for line in (value or "").splitlines() if line.strip()))

    def validate(self, value: Any) -> None:
        """Names of registered stores, one at least."""
        super().validate(value)
        known = set(Store.objects.values_list("name", flat=True))
        if unknown := [name for name in value if name not in known]:
            raise forms.ValidationError(f"No such store: {', '.join(unknown)}. There are {', '.join(sorted(known))}.")


class FillPolicyForm(forms.ModelForm):
    """A policy; a store may be a source of itself only where bars are built."""

    sources = StoreNames(help_text="Names of stores, a line each, the preferred one first.")

    class Meta:
        model = FillPolicy
        fields = (
            "name",
            "is_active",
            "store",
            "venue",
            "instrument_id",
            "data_type",
            "sources",
            "build_bars",
            "longest_minutes",
            "most_rows_per_day",
            "note",
        )

    def clean(self) -> dict[str, Any]:
        """The store is no source of itself, unless bars are built."""
        given: dict[str, Any] = super().clean() or {}
        store, sources = given.get("store"), given.get("sources") or []
        if store and store.name in sources and not given.get("build_bars"):
            self.add_error(
                "sources", f"{store.name} is what is filled: it can be a source only of bars that are built."
            )
        return given
