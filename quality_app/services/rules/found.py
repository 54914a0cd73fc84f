"""Where the checks find something now: the datasets with the highest rates, and how many there are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from django.db.models import Count, F, Window
from django.db.models.functions import RowNumber

from quality_app.models import QualityMetric
from quality_app.services.history.metrics import CHECK

SHOWN = 8


@dataclass(slots=True)
class FoundIn:
    """The latest findings of a check: those with the highest rates, each with its dataset, and the number of all."""

    total: int = 0
    worst: list[QualityMetric] = field(default_factory=list)


def found_by_check() -> Mapping[str, FoundIn]:
    """Check id -> where it finds something, in one query."""
    of_check = F("metric_name")
    found = QualityMetric.objects.filter(is_finding=True).annotate(
        place=Window(RowNumber(), partition_by=of_check, order_by=(F("metric_value").desc(), F("pk").asc())),
        among=Window(Count("pk"), partition_by=of_check),
    )
    lines: dict[str, FoundIn] = defaultdict(FoundIn)
    shown = found.filter(place__lte=SHOWN).select_related("dataset__store").defer("dataset__metadata")
    for metric in shown.order_by("metric_name", "place"):
        line = lines[metric.metric_name.removeprefix(CHECK)]
        line.total = metric.among
        line.worst.append(metric)
    return lines
