"""Run a reconciliation: survey the sources, compare them piece by piece, keep what was found."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import polars as pl
from django.db import transaction
from django.utils import timezone

from catalog_app.models import Dataset
from catalog_app.services.errors import JobFailed
from catalog_app.services.jobs import Progress
from catalog_app.store.decimals import parse_raw
from catalog_app.store.schema import SCALE_DIGITS
from quality_app.models import Reconciliation, ReconciliationRun, ReconciliationShare
from quality_app.reconcile.differences import BUCKETS
from quality_app.reconcile.reconciler import Reconciler
from quality_app.reconcile.series import grain_of
from quality_app.reconcile.survey import STRIP, Survey, search_of
from quality_app.reconcile.terms import Piece, Terms, pieces
from quality_app.reconcile.votes import VOTERS
from quality_app.services.reconciliation.reading import Bars, SourceReader
from quality_app.services.scores import refresh_scores

PIECE_ROWS = 600_000
KEPT_RUNS = 50
# The share of equal rows from which sources of one store are taken as one made from the other.
COPY = 0.99
NS = 1_000_000_000


def run(
    reconciliation: Reconciliation,
    progress: Progress | None = None,
    start_ns: int | None = None,
    end_ns: int | None = None,
) -> ReconciliationRun:
    """Compare the sources' rows with start <= ts_init <= end (ns UTC; None is all there is), and keep the result.

    Raises:
        JobFailed: a source cannot be read, has changed since it was indexed, or cannot be brought to the bars.

    """
    return _Run(reconciliation, progress).run(start_ns, end_ns)


class _Run:
    """One comparison under way."""

    def __init__(self, reconciliation: Reconciliation, progress: Progress | None) -> None:
        self.reconciliation, self.progress = reconciliation, progress
        self.started = timezone.now()
        found = reconciliation.sources.select_related("dataset__store", "dataset__definition")
        self.readers = [SourceReader(source) for source in found]
        if len(self.readers) < 2:
            raise JobFailed("Fewer than two sources are left: their datasets are no longer in the index. Add others.")
        self.notes: list[str] = []

    def run(self, start_ns: int | None, end_ns: int | None) -> ReconciliationRun:
        """Survey, compare, save."""
        first, last = (min(r.first_ns for r in self.readers), max(r.last_ns for r in self.readers))
        start = max(first, first if start_ns is None else start_ns) - 1
        end = min(last, last if end_ns is None else end_ns)
        if start >= end:
            raise JobFailed("No source has rows in this range.")
        surveys = self._survey(start, end)
        bars = self._bars(surveys)
        if bars is not None:
            # Whole bars, also those that begin before the range.
            start = bars.origin_ns + ((start - bars.origin_ns) // bars.interval_ns) * bars.interval_ns
            end = bars.origin_ns - ((bars.origin_ns - end) // bars.interval_ns) * bars.interval_ns
        tick, grain = self._units()
        terms = self._terms(surveys, bars, start, end, tick // grain)
        found = self._compare(surveys, bars, terms, grain)
        return self._save(found, surveys, bars, terms, tick, grain)

    def _survey(self, start: int, end: int) -> list[Survey]:
        total = sum(file.rows or 0 for reader in self.readers for file in reader.files)
        if self.progress:
            self.progress.stage("Looking at times", total=total)
        for reader in self.readers:
            for path in reader.unreadable:
                self._note(f"{reader.source.label}: {path} cannot be read and is left out.")
        return [reader.survey(start, end, self._told) for reader in self.readers]

    def _told(self, rows: int) -> None:
        if self.progress:
            self.progress.advance(rows)
            self.progress.check()

    def _note(self, text: str) -> None:
        self.notes.append(text)
        if self.progress:
            self.progress.log(text, "warning")

    def _bars(self, surveys: list[Survey]) -> Bars | None:
        """Return the bars to compare: on the grid of the first source that has such bars, else on the clock."""
        interval = self.reconciliation.interval_ns
        if interval is None:
            return None
        native = [
            (reader, survey.phase_ns)
            for reader, survey in zip(self.readers, surveys, strict=True)
            if reader.interval_ns == interval and survey.phase_ns is not None
        ]
        origin = native[0][1] if native else 0
        for reader, phase in native[1:]:
            if phase != origin and phase is not None and origin is not None:
                apart = min((phase - origin) % interval, (origin - phase) % interval)
                beside = f"{reader.source.label}: its bars close {apart / NS:g} s beside those of"
                self._note(f"{beside} {native[0][0].source.label}. Shift it, or allow a tolerance.")
        bars = Bars(interval, origin or 0)
        for reader in self.readers:
            reader.is_built(bars)
        return bars

    def _units(self) -> tuple[int, int]:
        """Return the smallest tick of the sources and the grain that they are compared in, raw."""
        precisions = [reader.dataset.price_precision for reader in self.readers]
        known = [precision for precision in precisions if precision is not None]
        ticks = [tick for reader in self.readers if (tick := _increment(reader.dataset)) is not None]
        tick = min(ticks, default=10 ** (SCALE_DIGITS - max(known, default=0)))
        return tick, grain_of(known, tick)

    def _terms(self, surveys: list[Survey], bars: Bars | None, start: int, end: int, tick: int) -> Terms:
        row = self.reconciliation
        return Terms(
            spans=tuple(r.span(survey, bars) for r, survey in zip(self.readers, surveys, strict=True)),
            tolerance_ns=row.tolerance_ns,
            tick=tick,
            limit_ticks=row.limit_ticks,
            limit_bp=row.limit_bp,
            vote_scale=row.vote_scale,
            vote_ticks=row.vote_ticks,
            interval_ns=bars.interval_ns if bars else None,
            start_ns=start,
            end_ns=end,
            lag=search_of(surveys, self._step(bars), bars.origin_ns if bars else 0),
        )

    def _step(self, bars: Bars | None) -> int | None:
        """Length of the bars where all sources are such bars, also where rows are compared as they are."""
        if bars is not None:
            return bars.interval_ns
        intervals = {reader.interval_ns for reader in self.readers}
        return intervals.pop() if len(intervals) == 1 else None

    def _compare(self, surveys: list[Survey], bars: Bars | None, terms: Terms, grain: int) -> Reconciler:
        marks = [mark for survey in surveys for mark in survey.marks]
        grid = (bars.interval_ns, bars.origin_ns) if bars else (1, 0)
        cut = pieces(marks, terms.start_ns, terms.end_ns, PIECE_ROWS, grid)
        if self.progress:
            self.progress.stage("Comparing", total=len(cut), unit="parts")
        found = Reconciler(terms)
        for piece in cut:
            found.feed(self._read(piece, terms, grain, bars), piece)
            self._told(1)
        return found

    def _read(self, piece: Piece, terms: Terms, grain: int, bars: Bars | None) -> list[pl.DataFrame]:
        after, until = piece.after_ns - terms.halo_ns, piece.until_ns + terms.halo_ns
        return [reader.series(after, until, grain, bars) for reader in self.readers]

    def _save(
        self, found: Reconciler, surveys: list[Survey], bars: Bars | None, terms: Terms, tick: int, grain: int
    ) -> ReconciliationRun:
        result = found.to_json()
        origins = self._origins(result["pairs"])
        if result["votes"] and origins < VOTERS:
            self._note(
                "Sources of one store are equal to the last digit, as bars are to the trades they were built from: "
                "they vote as one. Votes need three of different origin, "
                "so the differences of pairs count in scores instead."
            )
        measures = {
            "intervalNs": None if bars is None else str(bars.interval_ns),
            "originNs": None if bars is None else str(bars.origin_ns),
            "toleranceNs": str(terms.tolerance_ns),
            "limitTicks": _plain(terms.limit_ticks),
            "limitBp": _plain(terms.limit_bp),
            "voteScale": _plain(terms.vote_scale),
            "voteTicks": _plain(terms.vote_ticks),
            "tickRaw": str(tick),
            "grainRaw": str(grain),
            "ticksPerGrain": grain / tick,
            "buckets": BUCKETS,
            "strip": STRIP,
            "origins": origins,
            "notes": self.notes,
        }
        sources = [
            self._source_json(reader, survey, terms.spans[at], found.undefined[at], bars)
            for at, (reader, survey) in enumerate(zip(self.readers, surveys, strict=True))
        ]
        with transaction.atomic():
            # Two at the same time are saved one after the other.
            row = Reconciliation.objects.select_for_update().get(pk=self.reconciliation.pk)
            kept = ReconciliationRun.objects.create(
                reconciliation=row,
                job_id=self.progress.job_id if self.progress else None,
                started_at=self.started,
                finished_at=timezone.now(),
                start_ns=terms.start_ns,
                end_ns=terms.end_ns,
                measures=measures,
                sources=sources,
                pairs=result["pairs"],
                votes=result["votes"],
                series=found.series(),
                files={str(reader.dataset.pk): reader.identities for reader in self.readers},
            )
            votes = kept.votes if origins >= VOTERS else None
            _keep_shares(kept, votes, [reader.dataset for reader in self.readers])
            old = ReconciliationRun.objects.filter(reconciliation=row).values_list("pk", flat=True)[KEPT_RUNS:]
            ReconciliationRun.objects.filter(pk__in=list(old)).delete()
        for dataset in {reader.dataset.pk: reader.dataset for reader in self.readers}.values():
            refresh_scores(dataset)
        return kept

    def _origins(self, pairs: list[dict[str, Any]]) -> int:
        """Count the sources that do not come from one another: of one store and instrument, and all but equal."""
        origin = list(range(len(self.readers)))
        for pair in pairs:
            one, other = (self.readers[pair[side]].dataset for side in ("left", "right"))
            is_copy = pair["matched"] and pair["equal"] >= COPY * pair["matched"]
            if is_copy and (one.store_id, one.instrument_id) == (other.store_id, other.instrument_id):
                joined, kept = origin[pair["right"]], origin[pair["left"]]
                origin = [kept if number == joined else number for number in origin]
        return len(set(origin))

    def _source_json(
        self, reader: SourceReader, survey: Survey, span: tuple[int, int], undefined: int, bars: Bars | None
    ) -> dict[str, Any]:
        dataset, source = reader.dataset, reader.source
        is_empty = survey.first_ns is None
        return {
            "datasetId": str(dataset.pk),
            "label": source.label,
            "store": dataset.store.name,
            "instrumentId": dataset.instrument_id,
            "dataType": dataset.data_type,
            "timeframe": dataset.timeframe,
            "price": source.price,
            "shiftNs": str(source.shift_ns),
            "decimals": dataset.price_precision,
            "rows": survey.rows,
            "undefined": undefined,
            "isBuilt": reader.is_built(bars),
            "firstNs": None if is_empty else str(span[0]),
            "lastNs": None if is_empty else str(span[1]),
            "cover": survey.segments,
        }


def shares_of(pairs: list[dict[str, Any]], votes: dict[str, Any] | None, count: int) -> list[tuple[int, int]]:
    """Return per source matched points and those that speak against it.

    With votes: moments and outliers of this source alone. Without, or where no moment had three sources: matched
    points and those beyond the limit, for both of a pair, since nobody can tell which of two is wrong.
    """
    if votes is not None and votes["decided"]:
        return [(voter["voted"], voter["outliers"]) for voter in votes["sources"]]
    own = [[pair for pair in pairs if at in (pair["left"], pair["right"])] for at in range(count)]
    return [(sum(pair["matched"] for pair in part), sum(pair["beyond"] for pair in part)) for part in own]


def _keep_shares(run: ReconciliationRun, votes: dict[str, Any] | None, datasets: list[Dataset]) -> None:
    totals: dict[Any, tuple[int, int]] = {}
    for dataset, (rows, against) in zip(datasets, shares_of(run.pairs, votes, len(datasets)), strict=True):
        before = totals.get(dataset.pk, (0, 0))
        totals[dataset.pk] = (before[0] + rows, before[1] + against)
    ReconciliationShare.objects.bulk_create(
        ReconciliationShare(run=run, dataset_id=key, rows=rows, violations=against)
        for key, (rows, against) in totals.items()
        if rows
    )


def _plain(value: Decimal) -> str:
    return f"{value.normalize():f}"


def _increment(dataset: Dataset) -> int | None:
    """The price step that the store defines, raw."""
    definition = dataset.definition
    if definition is None or not definition.is_defined or not definition.price_increment:
        return None
    try:
        return parse_raw(definition.price_increment) or None
    except ValueError:
        return None
