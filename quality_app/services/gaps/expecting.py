"""Say of gaps that there was nothing to have, with the reason, or take that back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from catalog_app.models import Dataset
from catalog_app.services.errors import ServiceError
from quality_app.models import Gap
from quality_app.services.gaps.freshness import Bases, kept_basis
from quality_app.services.gaps.scan import reconsider
from quality_app.services.scores import refresh_scores

MAX_AT_ONCE = 1_000
MAX_REASON = 500
CHUNK = 500
_FIELDS = ("expected_reason", "expected_by", "expected_at", "details")


@dataclass(frozen=True, slots=True)
class Marked:
    """How many gaps were marked, and how many were left as they are since they are filled or marked so already."""

    changed: int
    left: int


class ExpectingRefused(ServiceError):
    """The gaps cannot be marked as asked; the text says why."""


def expect(gap_ids: Sequence[UUID], reason: str, user: User | None) -> Marked:
    """Mark open gaps as expected; their datasets' counts and scores are computed anew.

    A gap that is expected already takes the new reason. `details.decisions` keeps who said what, and when.

    Raises:
        ExpectingRefused: no or too many gaps, or no reason.

    """
    text = reason.strip()
    if not text:
        raise ExpectingRefused("Say why nothing is missing there: whoever looks next needs to know.")
    if "\0" in text or len(text) > MAX_REASON:
        raise ExpectingRefused(f"Give a reason of at most {MAX_REASON} characters, without NUL characters.")
    return _decide(gap_ids, text, user)


def unexpect(gap_ids: Sequence[UUID], user: User | None) -> Marked:
    """Open gaps again that were marked as expected.

    Raises:
        ExpectingRefused: no or too many gaps.

    """
    return _decide(gap_ids, "", user)


@transaction.atomic
def _decide(gap_ids: Sequence[UUID], reason: str, user: User | None) -> Marked:
    if not gap_ids:
        raise ExpectingRefused("Choose at least one gap.")
    if len(gap_ids) > MAX_AT_ONCE:
        raise ExpectingRefused(f"Mark at most {MAX_AT_ONCE:,} gaps at a time.")
    keys = set(gap_ids)
    # Datasets before their gaps, as a scan takes them.
    owners = Dataset.objects.filter(gaps__in=keys).distinct().values("pk")
    datasets = list(Dataset.objects.select_for_update().filter(pk__in=owners).order_by("pk"))
    now = timezone.now()
    changed = [
        gap
        for gap in Gap.objects.select_for_update().filter(pk__in=keys, filled_at=None)
        if gap.expected_reason != reason or (gap.expected_at is None) == bool(reason)
    ]
    for gap in changed:
        gap.expected_reason = reason
        gap.expected_by, gap.expected_at = (user, now) if reason else (None, None)
        entry = {
            "expected": bool(reason),
            "reason": reason,
            "by": user.get_username() if user else "",
            "at": now.isoformat(),
        }
        gap.details = {**gap.details, "decisions": [*gap.details.get("decisions", []), entry]}
    Gap.objects.bulk_update(changed, _FIELDS, batch_size=CHUNK)
    touched = {gap.dataset_id for gap in changed}
    for dataset in datasets:
        if dataset.pk in touched:
            _weigh(dataset)
    return Marked(len(changed), len(keys) - len(changed))


def _weigh(dataset: Dataset) -> None:
    """Bring counts, months and scores in line; where files changed since the last scan, the next one does the rest."""
    if kept_basis(dataset.metadata) == Bases([dataset]).of(dataset):
        reconsider(dataset)
        return
    dataset.open_gap_count = Gap.objects.filter(dataset=dataset).unexplained().count()
    dataset.save(update_fields=["open_gap_count"])
    refresh_scores(dataset)
