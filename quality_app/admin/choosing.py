"""Choosing a dataset in the admin's forms, whatever stands in an address or was sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AutocompleteSelect
from django.db.models import ForeignKey
from django.http import HttpRequest


class DatasetSelect(AutocompleteSelect):
    """A search box. Django's own looks up what is no key too, and fails: such a choice is none."""

    def optgroups(self, name: str, value: Sequence[str], attr: Any = None) -> Any:
        """The chosen dataset, as an option."""
        return super().optgroups(name, [one for one in value if _is_key(one)], attr)


class DatasetChoice(admin.ModelAdmin):
    """An admin whose rows belong to a dataset."""

    autocomplete_fields = ("dataset",)

    def formfield_for_foreignkey(
        self, db_field: ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> forms.ModelChoiceField | None:
        """The dataset is searched for."""
        if db_field.name == "dataset":
            kwargs["widget"] = DatasetSelect(db_field, self.admin_site)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


def _is_key(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
