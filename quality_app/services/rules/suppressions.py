"""Findings that somebody looked at and leaves alone: they are shown, and do not count in the score."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet

from catalog_app.models import Dataset
from quality_app.models import Suppression


def active(dataset: Dataset, now: datetime) -> Mapping[str, Suppression]:
    """Return the suppressions that hold for a dataset at a time, by check id."""
    return {one.check_id: one for one in active_at(now).filter(dataset=dataset).select_related("created_by")}


def history(dataset: Dataset, check_id: str) -> QuerySet[Suppression]:
    """Return what was ever suppressed of a check on a dataset, newest first."""
    rows = Suppression.objects.filter(dataset=dataset, check_id=check_id)
    return rows.select_related("created_by", "ended_by")


def may_lift(suppression: Suppression, user: User) -> bool:
    """Whether a user may lift a suppression: one's own with the right to add, others' with the right to change."""
    own = suppression.created_by_id == user.pk and user.has_perm("quality_app.add_suppression")
    return own or user.has_perm("quality_app.change_suppression")


def active_at(now: datetime) -> QuerySet[Suppression]:
    """Return the suppressions that hold at a time."""
    return Suppression.objects.filter(Q(expires_at=None) | Q(expires_at__gt=now), ended_at=None)
