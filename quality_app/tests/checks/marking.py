"""What a rule marks, as one column."""

import polars as pl

from quality_app.checks import judging
from quality_app.checks.check import Check, CheckContext


def marks_of(check: Check, frame: pl.DataFrame, context: CheckContext) -> pl.Series:
    """Marks of all rows, also where the rule marks none."""
    assert check.rule is not None
    marks = judging.marks_of(check, frame, context)
    return pl.repeat(value=False, n=len(frame), dtype=pl.Boolean, eager=True) if marks is None else marks
