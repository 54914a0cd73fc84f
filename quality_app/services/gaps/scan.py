"""Scan a dataset for gaps and keep what is missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import polars as pl
from django.db import transaction
from django.utils import timezone

from catalog_app.models import Dataset
from catalog_app.models.dataset import DataType
from catalog_app.services.jobs import Progress
from catalog_app.store.bar_type import parse_bar_type
from catalog_app.store.schema import INT64_MAX
from quality_app.calendars import SessionCalendar
from quality_app.gaps.bar_scan import scan_bars
from quality_app.gaps.bar_step import BarStep
from quality_app.gaps.causes import with_causes
from quality_app.gaps.found import SCANNED, GapScan, Unscannable
from quality_app.gaps.sequences import SequenceTimes, scan_sequences
from quality_app.gaps.ticks import scan_ticks
from quality_app.models import Gap
from quality_app.services.calendars import life_of
from quality_app.services.context import data_files, interval_of
from quality_app.services.gaps.freshness import Bases, kept_basis
from quality_app.services.gaps.halts import halts_for
from quality_app.services.gaps.months import MEASURED_DAYS, days_of, record_months
from quality_app.services.gaps.records import record_gaps
from quality_app.services.gaps.times import times_of
from quality_app.services.scores import GAP_SCAN, completeness_of, refresh_scores
from quality_app.services.wanted import hours_of
from quality_app.sessions import sessions

LISTED = 1000
Range = tuple[int | None, int | None]


def scan(
    dataset: Dataset,
    progress: Progress | None = None,
    start_ns: int | None = None,
    end_ns: int | None = None,
    *,
    force: bool = False,
    bases: Bases | None = None,
) -> dict[str, Any]:
    """Find a dataset's gaps against its sessions; return a summary that JSON can carry.

    Without a range, the scan reaches from the first to the last row, further where more is wanted, and gaps and
    completeness are kept: rescans keep a gap's identity. With a range (UNIX ns, inclusive) what is missing at its ends
    counts too, and the result is only reported. Files that did not change are not read, besides with `force`. What
    cannot be scanned has `completeness` null and a `reason`. `bases` that were read for many datasets save time.

    Raises:
        JobFailed: a file is not what the index says.

    """
    bases = bases or Bases([dataset])
    basis = bases.of(dataset)
    wants_range = start_ns is not None or end_ns is not None
    if not wants_range and not force and kept_basis(dataset.metadata) == basis:
        return kept_summary(dataset)
    return _scan(dataset, bases, (start_ns, end_ns), progress, basis=None if wants_range else basis, force=force)


def reconsider(dataset: Dataset) -> dict[str, Any]:
    """Find a dataset's gaps anew from what is known of its files, after a decision on one of them."""
    bases = Bases([dataset])
    return _scan(dataset, bases, (None, None), None, basis=bases.of(dataset), force=False)


def kept_summary(dataset: Dataset) -> dict[str, Any]:
    """Return the kept scan of a dataset with its open gaps, the first thousand."""
    kept = {name: value for name, value in dataset.metadata.get(GAP_SCAN, {}).items() if name != "basis"}
    gaps = Gap.objects.filter(dataset=dataset).open().values(*_SHOWN, "gap_id")
    return _with_identity(dataset, kept, [_gap_json(gap) for gap in gaps[:LISTED]])


def _scan(
    dataset: Dataset,
    bases: Bases,
    wanted: Range,
    progress: Progress | None,
    *,
    basis: str | None,
    force: bool,
) -> dict[str, Any]:
    """Scan, and keep what is found when there is a `basis` to keep it under."""
    calendar = bases.calendars.of(dataset)
    found: GapScan | str
    try:
        found = _find(dataset, bases, wanted, progress, force=force)
    except Unscannable as reason:
        found = str(reason)
    if basis is None:
        listed = found.gaps.head(LISTED).to_dicts() if isinstance(found, GapScan) else []
        return _with_identity(dataset, _summary(found, calendar), [_gap_json(gap) for gap in listed])
    _keep(dataset, found, {**_summary(found, calendar), "basis": basis})
    return kept_summary(dataset)


def _find(dataset: Dataset, bases: Bases, wanted: Range, progress: Progress | None, *, force: bool) -> GapScan:
    """What is missing, with its causes; raises Unscannable."""
    if dataset.data_type not in SCANNED:
        raise Unscannable(f"{dataset.get_data_type_display()} come when they come: nothing is missing between them.")
    if progress:
        progress.part(f"Scanning {dataset}")
    times = times_of(dataset, data_files(dataset), progress, force=force)
    start_ns, end_ns = wanted if wanted != (None, None) else _reach(dataset, bases.wanted.range_of(dataset))
    calendar, life = bases.calendars.of(dataset), life_of(dataset)
    if dataset.data_type == DataType.BAR:
        found = scan_bars(times.bars, BarStep.of(parse_bar_type(dataset.bar_type)), calendar, start_ns, end_ns, life)
    else:
        found = scan_ticks(times.ticks, dataset.data_type, calendar, start_ns, end_ns, life)
    found = replace(found, gaps=_explained(dataset, found.gaps, bases))
    return _with_numbers(found, times.sequences, calendar, (start_ns, end_ns)) if times.sequences else found


def _with_numbers(found: GapScan, numbers: list[SequenceTimes], calendar: SessionCalendar, wanted: Range) -> GapScan:
    """The scan with the rows that are missing by their numbers, or why those tell nothing."""
    first = min(int(one.low_ns.min(initial=INT64_MAX)) for one in numbers)
    last = max(int(one.high_ns.max(initial=0)) for one in numbers)
    hours = None if calendar.learned or first > last else sessions(calendar, first, last)
    try:
        rows = scan_sequences(numbers, hours, *wanted)
    except Unscannable as reason:
        return replace(found, facts={**found.facts, "numbers": str(reason)})
    facts = {**found.facts, "numbers": "", "missingRows": int(rows["missing"].sum())}
    return replace(found, gaps=pl.concat([found.gaps, rows]), facts=facts)


def _reach(dataset: Dataset, wanted: Range) -> Range:
    """The wanted range, and all that is there; None where nothing is wanted beyond that."""
    start, end = wanted
    first, last = dataset.start_ns, dataset.end_ns
    return (
        None if start is None or first is None else min(start, first),
        None if end is None or last is None else max(end, last),
    )


def _explained(dataset: Dataset, gaps: pl.DataFrame, bases: Bases) -> pl.DataFrame:
    """Gaps with halts and outages as their causes where there were some."""
    if gaps.is_empty():
        return gaps
    first, last = int(gaps["start_ns"].min()), int(gaps["end_ns"].max())  # type: ignore[arg-type]
    calendar, bar_ns = bases.calendars.of(dataset), interval_of(dataset) or 0
    trading = None if calendar.learned else hours_of(calendar, first - bar_ns, last)
    outages = bases.incidents.between(dataset, first - bar_ns, last)
    return with_causes(gaps, halts_for(dataset, first - bar_ns, last), outages, trading, bar_ns)


_SHOWN = ("start_ns", "end_ns", "missing", "unit", "lost_ns", "cause", "severity")


def _with_identity(dataset: Dataset, summary: dict[str, Any], gaps: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "datasetId": str(dataset.pk),
        "instrumentId": dataset.instrument_id,
        "dataType": dataset.data_type,
        "timeframe": dataset.timeframe,
        **summary,
        "gaps": gaps,
    }


def _gap_json(gap: Mapping[str, Any]) -> dict[str, Any]:
    """Return a gap as JSON; nanoseconds as text, since they do not fit a JavaScript number."""
    identity = {"id": str(gap["gap_id"])} if "gap_id" in gap else {}
    return {
        **identity,
        "startNs": str(gap["start_ns"]),
        "endNs": str(gap["end_ns"]),
        "missing": gap["missing"],
        "unit": gap["unit"],
        "lostSeconds": gap["lost_ns"] / 1e9,
        "cause": gap["cause"],
        "severity": gap["severity"],
    }


def _summary(found: GapScan | str, calendar: SessionCalendar) -> dict[str, Any]:
    summary: dict[str, Any] = {"calendar": calendar.label, "learned": calendar.learned}
    if isinstance(found, str):
        return {**summary, "completeness": None, "reason": found}
    return {
        **summary,
        **found.facts,
        "unit": found.unit,
        "expected": found.expected,
        "present": found.present,
        "missing": found.missing,
        "illiquid": found.illiquid,
        "explained": _sum_of(found, _at_rest(found)),
        "outside": found.outside,
        "reason": "" if found.expected else "Nothing was expected in this range.",
        "gapCount": len(found.gaps),
    }


def _at_rest(found: GapScan) -> set[int]:
    """Rows of the gaps that a quiet or halted market explains."""
    causes = found.gaps.with_row_index("at").filter(pl.col("cause").is_in([Gap.Cause.ILLIQUID, Gap.Cause.HALT]))
    return set(causes["at"].to_list())


def _sum_of(found: GapScan, gaps: set[int]) -> int:
    """Missing units of some gaps; of others than holes in time there are none."""
    return int(found.gaps[sorted(gaps)].filter(unit=found.unit)["missing"].sum())


@transaction.atomic
def _keep(dataset: Dataset, found: GapScan | str, summary: dict[str, Any]) -> None:
    row = Dataset.objects.select_for_update().get(pk=dataset.pk)
    if isinstance(found, GapScan):
        kept = record_gaps(row, found.gaps, found.covers)
        explained = _at_rest(found) | kept.expected
        record_months(row, days_of(found, explained))
        summary = {**summary, "explained": _sum_of(found, explained), **kept.to_json()}
        row.open_gap_count = Gap.objects.filter(dataset=row).unexplained().count()
    else:
        record_months(row, pl.DataFrame(schema=MEASURED_DAYS))
        row.open_gap_count = None
    exact = completeness_of(summary)
    summary["completeness"] = None if exact is None else float(exact)
    row.last_scanned = timezone.now()
    row.metadata = {**row.metadata, GAP_SCAN: summary}
    row.save(update_fields=["open_gap_count", "last_scanned", "metadata"])
    dataset.open_gap_count, dataset.last_scanned, dataset.metadata = row.open_gap_count, row.last_scanned, row.metadata
    refresh_scores(dataset)
