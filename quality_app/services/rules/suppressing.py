"""Suppressing findings, and having them count again.

Scores follow at once when a suppression begins or is lifted, and within a minute when it runs out.
"""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from catalog_app.models import Dataset
from catalog_app.services.errors import Conflict, ServiceError
from quality_app.checks.registry import CHECKS
from quality_app.models import Suppression
from quality_app.services.rules.suppressions import active_at
from quality_app.services.scores import refresh_scores

DEFAULT_DAYS = 30
# Ended in one tick; the rest follows in the next.
MOST_AT_ONCE = 500


class SuppressionRefused(ServiceError):
    """A suppression that cannot be; the text says what to change."""


@transaction.atomic
def suppress(
    dataset: Dataset, check_id: str, reason: str, user: User | None, expires_at: datetime | None
) -> Suppression:
    """Leave a check's finding on a dataset out of its score from now on; the score follows at once.

    Raises:
        SuppressionRefused: no such check, no reason, or the end has passed.
        Conflict: the finding is suppressed already.

    """
    now = timezone.now()
    if check_id not in CHECKS:
        raise SuppressionRefused(f"There is no check {check_id!r}.")
    if not reason.strip():
        raise SuppressionRefused("Say why the finding does not count.")
    if expires_at is not None and expires_at <= now:
        raise SuppressionRefused("The end has passed: choose a later one.")
    Dataset.objects.select_for_update().get(pk=dataset.pk)  # one at a time
    before = Suppression.objects.filter(dataset=dataset, check_id=check_id, ended_at=None)
    before.filter(expires_at__lte=now).update(ended_at=F("expires_at"))
    present = before.first()
    if present is not None:
        raise Conflict(f"{check_id} is suppressed already: {present.reason}")
    made = Suppression.objects.create(
        dataset=dataset, check_id=check_id, reason=reason.strip(), created_by=user, expires_at=expires_at
    )
    refresh_scores(dataset)
    return made


@transaction.atomic
def lift(suppression: Suppression, user: User | None) -> None:
    """Have a finding count again; the score follows at once.

    Raises:
        Conflict: the suppression has ended already.

    """
    now = timezone.now()
    if not active_at(now).filter(pk=suppression.pk).update(ended_at=now, ended_by=user, was_lifted=True):
        raise Conflict("This suppression has ended already.")
    suppression.refresh_from_db()
    refresh_scores(suppression.dataset)


def end_expired(now: datetime) -> int:
    """Close suppressions that ran out, and have the scores of their datasets follow; return how many."""
    ended = 0
    due = Suppression.objects.filter(ended_at=None, expires_at__lte=now).order_by("expires_at")
    for one in due.select_related("dataset")[:MOST_AT_ONCE]:
        with transaction.atomic():
            # Conditional, so that two ticks at once refresh once.
            if Suppression.objects.filter(pk=one.pk, ended_at=None).update(ended_at=one.expires_at):
                refresh_scores(one.dataset)
                ended += 1
    return ended
