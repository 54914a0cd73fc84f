"""Fills without asking: what an admin's policy allows, within its limits, and nothing that people should look at."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime, time
from uuid import uuid4

from django.contrib.auth.models import User
from django.db.models import Q, Sum
from django.utils import timezone

from catalog_app.models import Dataset, Job
from catalog_app.models.dataset import DataType
from catalog_app.services.jobs import enqueue
from quality_app.models import FillPolicy, Gap, GapFill
from quality_app.services.context import data_files, identities
from quality_app.services.gaps.filling.requests import KIND, title_of
from quality_app.services.gaps.filling.spans import MAX_GAPS

_MINUTE_NS = 60 * 10**9


def policies_of(dataset: Dataset) -> list[FillPolicy]:
    """The active policies that hold for a dataset, the narrowest first."""
    if dataset.store.read_only:
        return []
    found = FillPolicy.objects.filter(
        Q(venue="") | Q(venue=dataset.venue),
        Q(instrument_id="") | Q(instrument_id=dataset.instrument_id),
        Q(data_type="") | Q(data_type=dataset.data_type),
        is_active=True,
        store=dataset.store_id,
    )
    return sorted(found, key=lambda one: (one.instrument_id == "", one.data_type == "", one.venue == "", one.name))


def apply_policies(dataset: Dataset, user: User | None = None) -> Job | None:
    """After a scan, queue the fill that the narrowest policy allows; None where there is nothing for it to do.

    What was tried with the same gaps and the same files is not tried again, nor what somebody undid.
    """
    for policy in policies_of(dataset)[:1]:
        gaps = allowed(policy, dataset)
        sources = sources_of(policy, dataset)
        if not gaps or not sources or not rows_left(policy):
            return None
        basis = _basis(policy, dataset, gaps, sources)
        if Job.objects.filter(kind=KIND, parameters__basis=basis).exists():
            return None
        parameters = {
            "dryRun": False,
            "policyId": str(policy.pk),
            "datasetId": str(dataset.pk),
            "gapIds": [str(gap.pk) for gap in gaps],
            "basis": basis,
            "runId": str(uuid4()),
        }
        return enqueue(KIND, parameters, title=f"{title_of(len(gaps), dataset)} by {policy}", user=user)
    return None


def allowed(policy: FillPolicy, dataset: Dataset) -> list[Gap]:
    """The open, unexplained gaps that are short enough and that nobody has opened again by an undo."""
    undone = {key for fill in GapFill.objects.filter(dataset=dataset).exclude(undone_at=None) for key in fill.gaps}
    gaps = Gap.objects.filter(dataset=dataset).unexplained().select_related("dataset__store", "dataset__definition")
    limit = policy.longest_minutes * _MINUTE_NS
    found = (gap for gap in gaps.order_by("start_ns") if _length(gap) <= limit and str(gap.pk) not in undone)
    return [gap for gap, _ in zip(found, range(MAX_GAPS), strict=False)]


def sources_of(policy: FillPolicy, dataset: Dataset) -> list[Dataset]:
    """Datasets that a policy may take rows from, in its order of stores; the same data before what is built."""
    found: list[Dataset] = []
    rows = Dataset.objects.select_related("store", "definition").filter(instrument_id=dataset.instrument_id)
    for name in policy.sources:
        in_store = list(rows.filter(store__name=name).exclude(pk=dataset.pk).order_by("path"))
        same = [one for one in in_store if _is_same(one, dataset)]
        built = [one for one in in_store if not _is_same(one, dataset)]
        found += [*same, *(built if policy.build_bars and dataset.data_type == DataType.BAR else [])]
    return found


def rows_left(policy: FillPolicy) -> int:
    """Rows that a policy may still write today (UTC)."""
    today = datetime.combine(timezone.now().date(), time(), tzinfo=timezone.now().tzinfo)
    fills = GapFill.objects.filter(by_policy=True, source__policyId=str(policy.pk), created_at__gte=today)
    return max(policy.most_rows_per_day - int(fills.aggregate(rows=Sum("rows"))["rows"] or 0), 0)


def _basis(policy: FillPolicy, dataset: Dataset, gaps: Sequence[Gap], sources: Sequence[Dataset]) -> str:
    """Equal where the same would be tried again."""
    facts = {
        "policy": [str(policy.pk), policy.updated_at.isoformat()],
        "gaps": [[str(gap.pk), gap.start_ns, gap.end_ns] for gap in gaps],
        "files": [[str(one.pk), identities(data_files(one))] for one in (dataset, *sources)],
    }
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def _length(gap: Gap) -> int:
    return gap.lost_ns or gap.end_ns - gap.start_ns


def _is_same(one: Dataset, dataset: Dataset) -> bool:
    return (one.data_type, one.timeframe) == (dataset.data_type, dataset.timeframe)
