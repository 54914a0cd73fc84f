"""Decide what anomalies are: many at once, with the reason and who said so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from catalog_app.models import Dataset
from catalog_app.services.errors import ServiceError
from quality_app.models import Anomaly, AnomalyDecision
from quality_app.services.anomalies.recording import CHUNK
from quality_app.services.anomalies.standing import Standing, with_standing
from quality_app.services.scores import refresh_scores

MAX_AT_ONCE = 1_000
State = Anomaly.State


@dataclass(frozen=True, slots=True)
class Triaged:
    """How many anomalies were decided, and how many were left as they are since they are repaired."""

    decided: int
    repaired: int


class TriageRefused(ServiceError):
    """The decision cannot be taken as asked; the text says why."""


def triage(
    anomaly_ids: Sequence[UUID], decision: str, reason: str, user: User | None, expires_at: datetime | None = None
) -> Triaged:
    """Take a decision (a value of Anomaly.State) about anomalies, and compute the scores of their datasets anew.

    Real events and ignored rows count in no score. `expires_at` ends ignoring.

    Raises:
        TriageRefused: no or too many anomalies, no such decision, or no reason to ignore them.

    """
    _require_sense(anomaly_ids, decision, reason, expires_at)
    now = timezone.now()
    with transaction.atomic():
        found = with_standing(Anomaly.objects.filter(pk__in=list(anomaly_ids)), now)
        rows = list(found.values_list("pk", "dataset_id", "standing"))
        keys = [key for key, _, standing in rows if standing != Standing.REPAIRED]
        decided = {
            "state": decision,
            "reason": reason.strip(),
            "expires_at": expires_at if decision == State.IGNORED else None,
        }
        Anomaly.objects.filter(pk__in=keys).update(**decided, decided_by=user, decided_at=now)
        history = [AnomalyDecision(anomaly_id=key, **decided, user=user, decided_at=now) for key in keys]
        AnomalyDecision.objects.bulk_create(history, batch_size=CHUNK)
        for dataset in Dataset.objects.filter(pk__in={dataset for _, dataset, _ in rows}):
            refresh_scores(dataset)
    return Triaged(len(keys), len(rows) - len(keys))


def _require_sense(anomaly_ids: Sequence[UUID], decision: str, reason: str, expires_at: datetime | None) -> None:
    if not anomaly_ids:
        raise TriageRefused("Choose at least one anomaly.")
    if len(anomaly_ids) > MAX_AT_ONCE:
        raise TriageRefused(f"Decide about at most {MAX_AT_ONCE:,} anomalies at a time.")
    if decision not in State.values:
        raise TriageRefused("Say what they are: a real event, bad data, ignored, or open again.")
    if decision == State.IGNORED and not reason.strip():
        raise TriageRefused("Say why they are ignored: whoever looks next needs to know.")
    if "\0" in reason:
        raise TriageRefused("The reason holds a NUL character: write it without.")
    if expires_at is not None and expires_at <= timezone.now():
        raise TriageRefused("Ignoring them would be over before it begins: give a later time.")
