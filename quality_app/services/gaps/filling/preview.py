"""What a fill would write, span by span, and how it fits between the rows on both sides; changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import polars as pl

from catalog_app.models import Dataset
from catalog_app.services.row_text import as_text, kind_of
from catalog_app.store.errors import InvalidRows, StoreError
from catalog_app.store.maintenance import Pinned
from catalog_app.store.maintenance.tally import look_at_times
from catalog_app.store.schema import CANONICAL
from quality_app.gaps.seams import (
    CONTEXT_ROWS,
    Finding,
    RowTally,
    Severity,
    Terms,
    as_json,
    judge_agreement,
    judge_side,
    usual_step,
    worst,
)
from quality_app.services.gaps.filling.plans import FillPlan, Part, outputs, places
from quality_app.services.gaps.filling.sources import FillSource, identity_of, recipe_for
from quality_app.services.gaps.filling.spans import Span
from quality_app.services.gaps.filling.taking import rows_for
from quality_app.services.gaps.filling.target import Target
from quality_app.services.gaps.filling.writing import encoder

SPANS_SHOWN = 20
ROWS_SHOWN = 5

# Called with a number of rows that were looked at; may raise to stop.
type Seen = Callable[[int], None]


@dataclass(slots=True)
class SpanPreview:
    """What one gap would get, and what was found on its seams."""

    span: Span
    parts: list[Part]
    findings: list[Finding]
    before: pl.DataFrame
    after: pl.DataFrame
    first: pl.DataFrame
    last: pl.DataFrame

    @property
    def rows(self) -> int:
        return sum(part.rows for part in self.parts)

    @property
    def severity(self) -> Severity:
        return worst(self.findings)


@dataclass(slots=True)
class FillPreview:
    """A fill worked out: spans with rows that may come, the plan of them, and where the rows are from."""

    target: Target
    source: FillSource
    spans: list[SpanPreview]
    plan: FillPlan

    @property
    def severity(self) -> Severity:
        """The gravest of all spans that would be filled."""
        return worst([finding for one in self.spans if one.rows for finding in one.findings])


def preview_fill(dataset: Dataset, source: Dataset, spans: list[Span], seen: Seen) -> FillPreview:
    """Read what the source has for each span, and judge it. Refused spans get no part in the plan.

    Raises:
        StoreError: the source cannot serve, or the dataset's files are not in order.

    """
    target = Target(dataset)
    # Any close of the grid will do.
    taken = FillSource(source, recipe_for(dataset, source, spans[0].first_ns))
    previews = [_span(target, taken, span, seen) for span in spans]
    parts = tuple(part for one in previews if one.severity != "refused" for part in one.parts)
    touched = sorted({part.path for part in parts if part.path})
    _require_order(target, touched, seen)
    known = {file.path: file for file in target.files}
    plan = FillPlan(
        dataset.path,
        parts,
        target.contents.present,
        tuple(Pinned(path, known[path].size_bytes, known[path].mtime_ns) for path in touched),
        tuple(sorted({one for part in parts for one in taken.pinned(part.low_ns, part.high_ns)}, key=_path)),
    )
    return FillPreview(target, taken, previews, plan)


def preview_json(found: FillPreview) -> dict[str, Any]:
    """A preview as a job keeps it; nanoseconds as text."""
    written = outputs(found.plan, found.target.files)
    return {
        "datasetId": str(found.target.dataset.pk),
        "kind": str(found.source.kind),
        "source": identity_of(found.source, found.plan.sources),
        "plan": found.plan.to_json(),
        "fingerprint": found.plan.fingerprint(),
        "rows": found.plan.rows,
        "severity": found.severity,
        "rowsBefore": sum(present.rows for present, _, _ in written if present),
        "filesBefore": [present.path for present, _, _ in written if present],
        "filesAfter": [
            {"path": planned.path, "rows": planned.rows, "startNs": str(planned.start_ns), "endNs": str(planned.end_ns)}
            for _, _, planned in written
        ],
        "kinds": _kinds(found.target.dataset),
        "spans": [_span_json(one, found.target.dataset, shown=at < SPANS_SHOWN) for at, one in enumerate(found.spans)],
    }


def _span(target: Target, source: FillSource, span: Span, seen: Seen) -> SpanPreview:
    target.require_disjoint(span)
    terms = target.terms(span)
    before, after = target.sides(span)
    tally, parts = RowTally(terms), list[Part]()
    problems: list[Finding] = []
    for path, low, high in places(span, target.files):
        part = _part(target, source, span, (path, low, high), tally, problems, seen)
        if part is not None:
            parts.append(part)
    findings = [*problems, *_findings(target, source, span, tally, (before, after), terms)]
    empty = before.clear()
    first, last = (empty if frame is None else frame for frame in (tally.first, tally.last))
    return SpanPreview(span, parts, findings, before, after, first, last)


def _part(
    target: Target,
    source: FillSource,
    span: Span,
    place: tuple[str, int, int],
    tally: RowTally,
    problems: list[Finding],
    seen: Seen,
) -> Part | None:
    path, low, high = place
    form = next((file for file in target.files if file.path == path), None) or target.nearest(low)
    encode = encoder(form, target.dataset.data_type)
    rows, bounds = 0, list[int]()
    for frame in rows_for(target, source, low, high, is_exact=span.is_exact):
        tally.feed(frame)
        if not problems and not tally.too_fine:
            try:
                encode(frame)
            except InvalidRows as wrong:
                problems.append(Finding("values", "refused", str(wrong)))
        rows += frame.height
        bounds += [frame["ts_init"][0], frame["ts_init"][-1]]
        seen(frame.height)
    return Part(span.gap_id, path, low, high, rows, bounds[0], bounds[-1], span.is_exact) if bounds else None


def _findings(
    target: Target,
    source: FillSource,
    span: Span,
    tally: RowTally,
    sides: tuple[pl.DataFrame, pl.DataFrame],
    terms: Terms,
) -> list[Finding]:
    if tally.first is None or tally.last is None:
        return [Finding("rows", "note", "The source has no row for this gap.")]
    before, after = sides
    usual = usual_step([before, after], terms)
    found = tally.findings()
    found += [
        Finding(f"{one.check} before", one.severity, one.text)
        for one in judge_side("before", before, tally.first, terms, usual)
    ]
    found += [
        Finding(f"{one.check} after", one.severity, one.text)
        for one in judge_side("after", after, tally.last, terms, usual)
    ]
    theirs = source.around(span.first_ns, span.last_ns, CONTEXT_ROWS)
    agreement = judge_agreement(pl.concat([before, after]), theirs, terms)
    if agreement is not None:
        found.append(agreement)
    if source.dataset.instrument_id != target.dataset.instrument_id:
        text = f"The rows are of another venue, {source.dataset.instrument_id}: they are kept as of this instrument."
        found.append(Finding("venue", "warning", text))
    return found


def _require_order(target: Target, paths: list[str], seen: Seen) -> None:
    touched = [file for file in target.files if file.path in set(paths)]
    for looked_at in look_at_times(target.root, touched, seen):
        if isinstance(looked_at, StoreError):
            raise looked_at
        if not looked_at.in_order:
            raise StoreError(f"{looked_at.source.path}: its rows are not in order of ts_init. Sort rows first.")


def _span_json(one: SpanPreview, dataset: Dataset, *, shown: bool) -> dict[str, Any]:
    span = one.span
    found: dict[str, Any] = {
        "gapId": span.gap_id,
        "unit": span.unit,
        "startNs": str(span.first_ns),
        "endNs": str(span.last_ns),
        "missing": span.missing,
        "rows": one.rows,
        "severity": one.severity,
        "findings": as_json(one.findings),
    }
    if not shown:
        return found
    sides = {
        "before": one.before.tail(ROWS_SHOWN),
        "first": one.first.head(ROWS_SHOWN),
        "last": one.last.tail(ROWS_SHOWN) if one.rows > 2 * ROWS_SHOWN else one.last.slice(ROWS_SHOWN),
        "after": one.after.head(ROWS_SHOWN),
    }
    hidden = one.rows - sides["first"].height - sides["last"].height
    return found | {"hidden": hidden, "shown": {name: as_text(frame, dataset) for name, frame in sides.items()}}


def _kinds(dataset: Dataset) -> dict[str, str]:
    schema = CANONICAL[dataset.data_type]
    return {name: kind_of(name, kind, dataset.data_type) for name, kind in schema.items()}


def _path(file: Pinned) -> str:
    return file.path
