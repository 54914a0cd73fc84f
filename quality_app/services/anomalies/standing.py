"""What an anomaly is by now: the decision about it, unless a repair, the data or the calendar say more."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Case, CharField, F, Q, QuerySet, TextChoices, Value, When
from django.utils import timezone

from catalog_app.models import StoreOperation
from quality_app.models import Anomaly

_State = StoreOperation.State
# A repair that was not taken back, also when it can no longer be.
_IN_FORCE = Q(operation__state__in=(_State.COMMITTED, _State.PURGED))


class Standing(TextChoices):
    """The states that people see and filter by."""

    OPEN = "open", "Open"
    BAD_DATA = "bad_data", "Bad data"
    REAL_EVENT = "real_event", "Real event"
    IGNORED = "ignored", "Ignored"
    REPAIRED = "repaired", "Repaired"
    GONE = "gone", "Gone"


def with_standing(rows: QuerySet[Anomaly], now: datetime | None = None) -> QuerySet[Any]:
    """Annotate anomalies with `standing`, a value of Standing.

    The operation tells whether a repair is in force, so an undo brings a row back as bad data at once, before the next
    validation sees it again.
    """
    undone = Q(operation__state=_State.UNDONE)
    gone = (Q(operation=None) & Q(resolved_at__isnull=False)) | (undone & Q(resolved_at__gt=F("operation__undone_at")))
    over = Q(state=Anomaly.State.IGNORED, expires_at__lte=now or timezone.now())
    standing = Case(
        When(_IN_FORCE, then=Value(Standing.REPAIRED.value)),
        When(gone, then=Value(Standing.GONE.value)),
        When(over, then=Value(Standing.OPEN.value)),
        default=F("state"),
        output_field=CharField(),
    )
    return rows.annotate(standing=standing)
