"""All checks over all rows of a dataset that is at hand."""

from collections.abc import Collection, Iterable

import polars as pl

from quality_app.checks.batches import BATCH_ROWS
from quality_app.checks.carried import CarriedRunner
from quality_app.checks.check import Check, CheckContext, CheckOutcome, NotRun
from quality_app.checks.halo import halo_of
from quality_app.checks.partial import SAMPLE_LIMIT, Stretch
from quality_app.checks.registry import checks_for
from quality_app.checks.stretch import CONTEXT_ROWS, StretchRunner


def runnable(context: CheckContext, check_ids: Collection[str] | None = None) -> tuple[list[Check], list[NotRun]]:
    """Return the checks of rows that can run on such a dataset, and why the others cannot."""
    checks, not_run = [], []
    for check in checks_for(context.data_type, check_ids):
        obstacle = check.obstacle(context)
        if obstacle is not None:
            not_run.append(NotRun(check.id, obstacle))
        elif check.rule is not None:
            checks.append(check)
    return checks, not_run


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
    checks, not_run = runnable(context, check_ids)
    stretch = StretchRunner(context, checks, halo_of(checks, context), sample_limit=sample_limit)
    carried = CarriedRunner(context, checks, sample_limit=sample_limit)
    if isinstance(batches, pl.LazyFrame):
        batches = batches.collect_batches(chunk_size=BATCH_ROWS, lazy=True, engine="streaming")
    for batch in batches:
        stretch.feed(batch)
        carried.feed(batch)
    found = stretch.finish()
    found.findings |= carried.findings
    return [outcome(check, context, found) for check in checks], not_run


def outcome(check: Check, context: CheckContext, found: Stretch) -> CheckOutcome:
    """Return what a check found in a whole dataset, with the limits of what was measured as a note."""
    finding = found.findings[check.id]
    note = repeat_note(found.disordered, found.cut) if check.id == "row.duplicate" else ""
    return CheckOutcome(
        check.id, check.version, check.basis(context), found.rows, finding.violations, finding.samples, note
    )


def repeat_note(disordered: bool, cut: bool) -> str:
    """Return why repeats may have been missed; empty when none were."""
    if disordered:
        return "Rows are out of order, so repeats that stand apart were not found: only neighbours were compared."
    if cut:
        return f"More than {CONTEXT_ROWS:,} rows share one ts_init; repeats further apart were not found."
    return ""
