"""One streaming pass of many checks over canonical rows."""

from collections.abc import Collection, Iterable
from typing import Any, Final

import polars as pl

from catalog_app.store.decimals import format_raw
from catalog_app.store.schema import PRICE_COLUMNS, SIZE_COLUMNS
from quality_app.checks.check import Check, CheckContext, CheckOutcome, NotRun
from quality_app.checks.registry import checks_for

SAMPLE_LIMIT: Final = 50
BATCH_ROWS: Final = 262_144
# Rows of one moment that are kept to compare the next batch with; more would not be bounded.
CONTEXT_ROWS: Final = 200_000


class CheckRunner:
    """Feeds batches to checks: counts exactly, keeps the first violating rows, holds no batch.

    Batches carry the canonical columns plus `file` (path) and `row` (position in that file), in the order in
    which the dataset is read.
    """

    def __init__(
        self, context: CheckContext, check_ids: Collection[str] | None = None, sample_limit: int = SAMPLE_LIMIT
    ) -> None:
        self.context = context
        self.rows = 0
        self.not_run: list[NotRun] = []
        self._sample_limit = sample_limit
        self._tail: pl.DataFrame | None = None
        self._tail_was_cut = False
        self._disordered = False
        self._checks: list[Check] = []
        for check in checks_for(context.data_type, check_ids):
            obstacle = check.obstacle(context)
            if obstacle is not None:
                self.not_run.append(NotRun(check.id, obstacle))
            elif check.rule is not None:
                self._checks.append(check)
        self._outcomes = {c.id: CheckOutcome(c.id, c.version, c.basis(context)) for c in self._checks}

    def feed(self, batch: pl.DataFrame) -> None:
        """Check one batch; rows of the batch before are context, not counted again."""
        if batch.is_empty():
            return
        known = 0 if self._tail is None else len(self._tail)
        frame = batch if self._tail is None else pl.concat([self._tail, batch])
        self.rows += len(batch)
        self._disordered = self._disordered or not frame["ts_init"].is_sorted()
        if self._checks:
            rules = ((c.id, c.rule(frame, self.context)) for c in self._checks if c.rule is not None)
            marks = frame.select(rule.alias(check_id) for check_id, rule in rules).slice(known)
            self._count(marks, batch)
        self._keep_tail(frame)

    def outcomes(self) -> list[CheckOutcome]:
        """Return what was found so far, with the limits of what was measured as notes."""
        for outcome in self._outcomes.values():
            outcome.rows = self.rows
        duplicates = self._outcomes.get("row.duplicate")
        if duplicates is not None:
            duplicates.note = self._duplicate_note()
        return list(self._outcomes.values())

    def _count(self, marks: pl.DataFrame, batch: pl.DataFrame) -> None:
        for check_id, violations in marks.sum().row(0, named=True).items():
            if not violations:
                continue
            outcome = self._outcomes[check_id]
            outcome.violations += violations
            wanted = self._sample_limit - len(outcome.samples)
            if wanted > 0:
                rows = batch[marks[check_id].arg_true().head(wanted)]
                outcome.samples.extend(_sample(row, self.context) for row in rows.iter_rows(named=True))

    def _keep_tail(self, frame: pl.DataFrame) -> None:
        """Keep the last run of rows that share ts_init, and at least the last row."""
        ts = frame["ts_init"]
        others = (ts != ts[-1]).reverse()
        length = others.arg_max() if others.any() else len(frame)
        self._tail_was_cut = self._tail_was_cut or length > CONTEXT_ROWS
        # A copy, so that the batch itself can be freed.
        self._tail = frame.tail(min(length, CONTEXT_ROWS)).rechunk()

    def _duplicate_note(self) -> str:
        if self._disordered:
            return "Rows are out of order, so repeats that stand apart were not found: only neighbours were compared."
        if self._tail_was_cut:
            return f"More than {CONTEXT_ROWS:,} rows share one ts_init; repeats further apart were not found."
        return ""


def run_checks(
    batches: Iterable[pl.DataFrame] | pl.LazyFrame,
    context: CheckContext,
    check_ids: Collection[str] | None = None,
    sample_limit: int = SAMPLE_LIMIT,
) -> tuple[list[CheckOutcome], list[NotRun]]:
    """Run the checks of the context's data type over all rows, in one pass and bounded memory.

    Args:
        batches: Canonical frames with `file` and `row`, or a LazyFrame of them; read in streaming mode.
        context: What is known about the dataset.
        check_ids: Only these checks; ValueError names the unknown ones.
        sample_limit: How many violating rows to keep per check.

    Returns:
        What was found, and what could not run.

    """
    runner = CheckRunner(context, check_ids, sample_limit)
    if isinstance(batches, pl.LazyFrame):
        batches = batches.collect_batches(chunk_size=BATCH_ROWS, lazy=True, engine="streaming")
    for batch in batches:
        runner.feed(batch)
    return runner.outcomes(), runner.not_run


def _sample(row: dict[str, Any], context: CheckContext) -> dict[str, Any]:
    """Return a violating row as JSON: position, time, and its values as exact text."""
    decimals = {
        **dict.fromkeys(PRICE_COLUMNS[context.data_type], context.price_precision),
        **dict.fromkeys(SIZE_COLUMNS[context.data_type], context.size_precision),
    }
    values = {
        name: "" if value is None else format_raw(value, decimals[name] or 0) if name in decimals else str(value)
        for name, value in row.items()
        if name not in {"file", "row", "ts_init"}
    }
    return {"file": row["file"], "row": row["row"], "tsInitNs": row["ts_init"], "values": values}
