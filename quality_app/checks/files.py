"""Checks of whole files; the validation service measures them while it reads."""

from fractions import Fraction
from typing import Final

from quality_app.checks.check import EVERY_TYPE, Check

UNREADABLE: Final = Check(
    id="file.unreadable",
    version=1,
    data_types=EVERY_TYPE,
    dimension="completeness",
    severity="critical",
    limit=Fraction(1),
    citation="Apache Parquet format: magic bytes, footer and pages must be whole",
    explanation="A file, or a row group of it, cannot be read. NautilusTrader fails on the whole dataset, and what "
    "the file held is missing here.",
    example="A copy broke off, so the file ends without a footer.",
    rule=None,
)
CHECKS: Final = (UNREADABLE,)
