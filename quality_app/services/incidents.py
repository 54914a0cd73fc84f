"""Known interruptions of sources: what is missing meanwhile is an outage."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any, Final

import polars as pl
from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F, Q, QuerySet, Value
from django.db.models.functions import Replace

from catalog_app.models import Dataset, Job, Store
from catalog_app.services.errors import Conflict
from quality_app.models import SourceIncident
from quality_app.services.requests import request_many

INCIDENTS: Final = pl.Schema({"start_ns": pl.Int64, "end_ns": pl.Int64, "title": pl.String, "id": pl.String})


class Incidents:
    """The incidents that concern some datasets, in one query."""

    def __init__(self, datasets: Sequence[Dataset], now_ns: int | None = None) -> None:
        self._now_ns = time.time_ns() if now_ns is None else now_ns
        venues, stores = {dataset.venue for dataset in datasets}, {dataset.store_id for dataset in datasets}
        rows = SourceIncident.objects.filter(Q(store__isnull=True) | Q(store__in=stores))
        rows = rows.filter(venue__in={"", *venues}) if len(venues) < _FEW else rows
        # By what narrows most: an incident has at least one of them.
        self._rows: dict[tuple[str, object], list[SourceIncident]] = defaultdict(list)
        for row in rows.order_by("start_ns", "pk"):
            self._rows[_narrowest(row)].append(row)

    def of(self, dataset: Dataset) -> list[SourceIncident]:
        """Return a dataset's incidents, by their start."""
        if not self._rows:
            return []
        keys = (("instrument", _path_id(dataset)), ("venue", dataset.venue), ("store", dataset.store_id))
        found = [row for key in keys for row in self._rows.get(key, ()) if _concerns(row, dataset)]
        return sorted(found, key=lambda row: (row.start_ns, str(row.pk)))

    def digest_of(self, dataset: Dataset) -> list[tuple[int, int | None]]:
        """Return what changes with what incidents explain: their times."""
        return [(row.start_ns, row.end_ns) for row in self.of(dataset)]

    def between(self, dataset: Dataset, start_ns: int, end_ns: int) -> pl.DataFrame:
        """Return a dataset's incidents that meet a range (schema INCIDENTS); an open one lasts until now."""
        lasting = max(self._now_ns, end_ns + 1)
        rows = [
            (row.start_ns, lasting if row.end_ns is None else row.end_ns, row.title, str(row.pk))
            for row in self.of(dataset)
            if row.start_ns <= end_ns and (row.end_ns is None or row.end_ns >= start_ns)
        ]
        return pl.DataFrame(rows, schema=INCIDENTS, orient="row")


def incidents_for(dataset: Dataset, start_ns: int, end_ns: int) -> pl.DataFrame:
    """Return the incidents of one dataset that meet a range (UNIX ns, inclusive), in one query: schema INCIDENTS."""
    return Incidents([dataset]).between(dataset, start_ns, end_ns)


def affected_datasets(incident: SourceIncident) -> QuerySet[Dataset]:
    """Return the datasets that an incident concerns and whose rows, or the time after them, meet it."""
    found = Dataset.objects.filter(start_ns__isnull=False)
    if incident.end_ns is not None:
        found = found.filter(start_ns__lte=incident.end_ns)
    if incident.venue:
        found = found.filter(venue=incident.venue)
    if incident.store_id is not None:
        found = found.filter(store=incident.store_id)
    if incident.instrument_id:
        keyed = found.annotate(key=Replace(F("instrument_id"), Value("/"), Value("")))
        found = keyed.filter(key=incident.instrument_id)
    return found


def open_incident(
    title: str,
    start_ns: int,
    *,
    venue: str = "",
    instrument_id: str = "",
    store: Store | None = None,
    url: str = "",
    origin: str = SourceIncident.Origin.FEED,
) -> SourceIncident:
    """Note that a source is interrupted from a time (UNIX ns) on; one that is open for the same is returned as it is.

    Raises:
        ValidationError: it concerns nothing.

    """
    scope: dict[str, Any] = {"venue": venue, "instrument_id": instrument_id.replace("/", ""), "store": store}
    with transaction.atomic():
        present = SourceIncident.objects.filter(**scope, title=title, origin=origin, end_ns=None).first()
        if present is not None:
            return present
        row = SourceIncident(**scope, title=title, start_ns=start_ns, url=url, origin=origin)
        row.full_clean(exclude=["created_by"])
        row.save()
    return row


def close_incident(incident: SourceIncident, end_ns: int, user: User | None = None) -> Job | None:
    """Note that an incident is over since a time (UNIX ns), and have what it concerns scanned anew; return that job.

    Raises:
        Conflict: it has ended already, or would end before it began.

    """
    with transaction.atomic():
        row = SourceIncident.objects.select_for_update().get(pk=incident.pk)
        if row.end_ns is not None:
            raise Conflict("This incident has ended already. Reload the page.")
        if end_ns < row.start_ns:
            raise Conflict("An incident cannot end before it begins: give a later time.")
        row.end_ns = end_ns
        row.save(update_fields=["end_ns"])
        _note(row, user, CHANGE, "Ended.")
    incident.end_ns = end_ns
    return rescan([row], user)


def keep_incident(incident: SourceIncident, user: User | None, *, noted: bool = False) -> Job | None:
    """Keep an incident that a user entered or changed, which is valid, and have what it concerns scanned anew.

    With `noted` somebody else writes the history.
    """
    with transaction.atomic():
        before = SourceIncident.objects.select_for_update().filter(pk=incident.pk).first()
        if before is None:
            incident.created_by = user
        incident.save()
        if not noted:
            _note(incident, user, CHANGE if before else ADDITION, "Changed." if before else "Entered.")
    return rescan([incident, *([before] if before else [])], user)


def delete_incident(incident: SourceIncident, user: User | None) -> Job | None:
    """Delete an incident; what it explained is unexplained again with the scan that this starts."""
    with transaction.atomic():
        _note(incident, user, DELETION, "Deleted.")
        SourceIncident.objects.filter(pk=incident.pk).delete()
    return rescan([incident], user)


def rescan(incidents: Collection[SourceIncident], user: User | None) -> Job | None:
    """Have the datasets that incidents concern scanned anew, those that were scanned before; None without any."""
    scanned = [
        affected_datasets(one).filter(last_scanned__isnull=False).values_list("pk", flat=True) for one in incidents
    ]
    keys = sorted({key for found in scanned for key in found})
    if not keys:
        return None
    number = "1 dataset" if len(keys) == 1 else f"{len(keys):,} datasets"
    return request_many("scan_gaps", keys, f"Scan gaps of {number} that an incident concerns", user)


_FEW: Final = 500


def _narrowest(row: SourceIncident) -> tuple[str, object]:
    if row.instrument_id:
        return "instrument", row.instrument_id
    return ("venue", row.venue) if row.venue else ("store", row.store_id)


def _concerns(row: SourceIncident, dataset: Dataset) -> bool:
    return (
        row.venue in {"", dataset.venue}
        and row.store_id in {None, dataset.store_id}
        and row.instrument_id in {"", _path_id(dataset)}
    )


def _path_id(dataset: Dataset) -> str:
    return dataset.instrument_id.replace("/", "")


def _note(incident: SourceIncident, user: User | None, flag: int, message: str) -> None:
    """Write what a user did to the admin's history, which outlives the incident."""
    if user is not None:
        LogEntry.objects.log_actions(user.pk, [incident], flag, message, single_object=True)
