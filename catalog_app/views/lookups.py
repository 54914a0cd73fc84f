"""Finding what an address or a form field names; what is not there is a 404."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404
from django.shortcuts import get_object_or_404

from catalog_app.models import Dataset


def dataset_or_404(key: str) -> Dataset:
    """Return the dataset of a UUID as text."""
    try:
        catalog_id = UUID(key)
    except ValueError:
        raise Http404("That is no dataset's id.") from None
    return get_object_or_404(Dataset.objects.select_related("store", "definition"), pk=catalog_id)
