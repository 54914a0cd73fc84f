"""What the forms offer to choose from."""

from __future__ import annotations

from itertools import groupby

from catalog_app.models import Dataset, Store
from catalog_app.store.instruments.values import ASSET_CLASSES
from quality_app.checks.registry import CHECKS

type Choices = list[tuple[str, str]]

EMPTY = ("", "---------")


def check_choices() -> list[tuple[str, str | Choices]]:
    """Every check, grouped by its family: the word before the dot."""
    ids = sorted(CHECKS)
    families = groupby(ids, key=lambda check_id: check_id.partition(".")[0])
    return [EMPTY, *((family.capitalize(), [(one, one) for one in members]) for family, members in families)]


def venue_choices() -> Choices:
    """The venues of the index."""
    venues = Dataset.objects.exclude(venue="").order_by("venue").values_list("venue", flat=True).distinct()
    return [EMPTY, *((venue, venue) for venue in venues)]


def asset_class_choices() -> Choices:
    """NautilusTrader's asset classes."""
    return [EMPTY, *((name, name.replace("_", " ").capitalize()) for name in sorted(ASSET_CLASSES))]


def store_choices() -> Choices:
    """The stores of the desk."""
    return [EMPTY, *((str(key), name) for key, name in Store.objects.values_list("pk", "name"))]
