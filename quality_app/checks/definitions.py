"""Checks of what a store knows about an instrument."""

from fractions import Fraction
from typing import Final

from quality_app.checks.check import EVERY_TYPE, Check

INSTRUMENT_MISSING: Final = Check(
    id="instrument.missing",
    version=1,
    data_types=EVERY_TYPE,
    dimension="consistency",
    severity="major",
    limit=Fraction(1),
    citation="NautilusTrader's BacktestEngine needs the instrument before its data",
    explanation="The store holds no definition of the instrument: a backtest refuses the data, and what its prices "
    "and sizes may be is unknown here.",
    example="Bars were written, and write_data was never called with the instrument.",
    rule=None,
    unit="files",
)
CHECKS: Final = (INSTRUMENT_MISSING,)
