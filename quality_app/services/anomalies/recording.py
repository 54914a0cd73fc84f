"""Keep anomalies over validations: the same row stays the same anomaly, whatever file it stands in."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db import transaction
from django.db.models import Count, Q
from django.utils import timezone

from catalog_app.models import Dataset, StoreOperation
from quality_app.checks.registry import CHECKS
from quality_app.models import Anomaly, AnomalyDecision, CheckResult, ValidationRun
from quality_app.services.anomalies.prices import told_by

CHUNK = 500
CAME_BACK = "The row is there again after it was repaired."

# Checks without evidence of their own whose rows are looked at one by one all the same.
_PLAIN = frozenset({"quote.crossed", "bar.ohlc", "price.positive"})
# By the last part of the check's id; everything else is an inconsistency.
_TYPES = {
    **dict.fromkeys(("spike", "decimal_shift"), Anomaly.Type.SPIKE),
    **dict.fromkeys(("outlier", "wide", "off_quote"), Anomaly.Type.OUTLIER),
    **dict.fromkeys(("stale", "latency"), Anomaly.Type.STALE),
    "jump": Anomaly.Type.JUMP,
    "id_gap": Anomaly.Type.GAP,
}
_PLACE = ("file", "file_size", "file_mtime_ns", "row", "check_version", "severity", "value", "expected", "values")
_CHANGING = (*_PLACE, "resolved_at", "state", "operation", "last_seen_at")

type Key = tuple[str, int, str]


def makes_anomalies(check_id: str) -> bool:
    """Whether the rows that a check finds are anomalies, to be looked at one by one."""
    check = CHECKS.get(check_id)
    return check is not None and check.unit == "rows" and (check.evidence is not None or check_id in _PLAIN)


def type_of(check_id: str) -> Anomaly.Type:
    """What kind of anomaly a check finds."""
    return _TYPES.get(check_id.rpartition(".")[2], Anomaly.Type.INCONSISTENCY)


def record(run: ValidationRun) -> None:
    """Bring a dataset's anomalies in line with a validation: new ones, those seen again, and those gone.

    Of a check that found more rows than it keeps, only what lies before the last kept row can be told to be gone.
    """
    results = [result for result in run.results.all() if makes_anomalies(result.check_id)]
    with transaction.atomic():
        known = _known(run.dataset, [result.check_id for result in results])
        files = {file["path"]: file for file in run.files}
        fresh: list[Anomaly] = []
        seen: list[Anomaly] = []
        for result in results:
            found = _found(run, result, files)
            fresh += [one for key, one in found.items() if key not in known]
            seen += [_seen_again(known[key], one, run) for key, one in found.items() if key in known]
        _save(fresh, seen)
        for result in results:
            _resolve(run, result, known, {one.pk for one in seen})


def explained(dataset: Dataset) -> Mapping[str, int]:
    """How many violating rows of each check are real events, or are ignored by now: they count in no score."""
    is_ignored = Q(state=Anomaly.State.IGNORED) & (Q(expires_at=None) | Q(expires_at__gt=timezone.now()))
    rows = Anomaly.objects.filter(is_ignored | Q(state=Anomaly.State.REAL_EVENT), dataset=dataset, resolved_at=None)
    return dict(rows.order_by().values_list("check_id").annotate(number=Count("pk")))


def _known(dataset: Dataset, check_ids: Iterable[str]) -> dict[Key, Anomaly]:
    rows = Anomaly.objects.filter(dataset=dataset, check_id__in=list(check_ids)).select_related("operation")
    return {(row.check_id, row.ts_init_ns, row.identity): row for row in rows}


def _found(run: ValidationRun, result: CheckResult, files: Mapping[str, Any]) -> dict[Key, Anomaly]:
    """The anomalies of a result's kept rows; the second of two equal rows is one of its own."""
    found: dict[Key, Anomaly] = {}
    alike: Counter[tuple[int, str]] = Counter()
    for sample in result.samples:
        if sample.get("row") is None:
            continue
        ts_init_ns = int(sample["tsInitNs"])
        text = _plain(sample["values"])
        identity = hashlib.sha256(f"{text}#{alike[ts_init_ns, text]}".encode()).hexdigest()
        alike[ts_init_ns, text] += 1
        found[result.check_id, ts_init_ns, identity] = _anomaly(run, result, sample, files, identity)
    return found


def _anomaly(
    run: ValidationRun, result: CheckResult, sample: Mapping[str, Any], files: Mapping[str, Any], identity: str
) -> Anomaly:
    dataset, file = run.dataset, files.get(sample["file"], {})
    ts_init_ns = int(sample["tsInitNs"])
    value, expected = sample.get("value") or "", sample.get("expected") or ""
    if not value:
        value, expected = told_by(result.check_id, sample["values"])
    return Anomaly(
        dataset=dataset,
        venue=dataset.venue,
        instrument_id=dataset.instrument_id,
        data_type=dataset.data_type,
        timeframe=dataset.timeframe,
        check_id=result.check_id,
        check_version=result.version,
        type=type_of(result.check_id),
        severity=result.severity,
        file=sample["file"],
        file_size=file.get("size", 0),
        file_mtime_ns=file.get("mtimeNs", 0),
        row=sample["row"],
        ts_init_ns=ts_init_ns,
        timestamp=_moment(ts_init_ns),
        value=value,
        expected=expected,
        values=sample["values"],
        identity=identity,
        first_seen_at=run.finished_at,
        last_seen_at=run.finished_at,
    )


def _plain(values: Mapping[str, str]) -> str:
    """Values as text that is the same in whatever precision they are written."""
    return json.dumps({name: _short(text) for name, text in sorted(values.items())}, separators=(",", ":"))


def _short(text: str) -> str:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return text
    return format(number.normalize(), "f") if number.is_finite() and "." in text else text


def _moment(ns: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=ns // 1000)


def _seen_again(row: Anomaly, found: Anomaly, run: ValidationRun) -> Anomaly:
    for name in (*_PLACE, "last_seen_at"):
        setattr(row, name, getattr(found, name))
    row.resolved_at = None
    repair = row.operation
    # A validation that began before the repair saw the row as it was.
    in_force = repair is not None and repair.state != StoreOperation.State.UNDONE
    if repair is not None and in_force and run.started_at > repair.created_at:
        row.operation, row.state = None, Anomaly.State.OPEN
        AnomalyDecision.objects.create(anomaly=row, state=Anomaly.State.OPEN, reason=CAME_BACK)
    return row


def _save(fresh: list[Anomaly], seen: list[Anomaly]) -> None:
    Anomaly.objects.bulk_create(fresh, batch_size=CHUNK)
    Anomaly.objects.bulk_update(seen, _CHANGING, batch_size=CHUNK)


def _resolve(run: ValidationRun, result: CheckResult, known: Mapping[Key, Anomaly], seen: set[Any]) -> None:
    until = None if result.violations <= len(result.samples) else _last_in_order(result.samples)
    gone = [
        row.pk
        for row in known.values()
        if row.check_id == result.check_id
        and row.resolved_at is None
        and row.pk not in seen
        and (until is None or row.ts_init_ns < until)
    ]
    for start in range(0, len(gone), CHUNK):
        Anomaly.objects.filter(pk__in=gone[start : start + CHUNK]).update(resolved_at=run.finished_at)


def _last_in_order(samples: list[dict[str, Any]]) -> int:
    """The ts_init of the last kept row; 0 where the rows are out of order, so that nothing lies before it."""
    times = [int(sample["tsInitNs"]) for sample in samples]
    return times[-1] if times and times == sorted(times) else 0
